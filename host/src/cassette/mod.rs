//! Recorded HTTP: what a cassette is, without any I/O.
//!
//! A cassette is a HAR 1.2 file. It is written by `--record`, by a browser, or by hand, and answers the requests
//! of a sync in place of the network. `docs/record-and-replay.md` says what people see of it.
//!
//! | module | what it does |
//! |---|---|
//! | `har` | from bytes to entries, bounded, with errors that name the entry |
//! | `raw` | the file's keys as they are written |
//! | `player` | which entry answers a request |
//! | `redact` | what is secret in an exchange, and what stands in its place |
//! | `entry` | from an exchange to the text of an entry |
//!
//! Where bytes come from and go to is the business of [`crate::http`], whose [`Web`](crate::http::Web) uses this.

mod entry;
mod har;
mod player;
mod raw;
mod redact;

pub use entry::{Exchange, PARTIAL, head, tail};
pub use har::{Cassette, CassetteError, Entry, Outcome, Reply};
pub use player::{Missing, Player, Replayed};
pub use redact::Redaction;

/// The largest cassette that is read or written, in bytes.
pub const CASSETTE_BYTES: u64 = 256 * 1024 * 1024;

/// The largest body that is recorded, in bytes.
pub const BODY_BYTES: usize = 32 * 1024 * 1024;

/// The most entries of a cassette.
pub const ENTRIES: usize = 100_000;

#[cfg(test)]
mod tests;
