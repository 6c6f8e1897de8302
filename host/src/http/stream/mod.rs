//! Streams of bytes over TCP, with TLS that the host speaks.
//!
//! - `admit`: asks the policy; the addresses that stand for names
//! - `dial`: resolves, judges addresses, connects
//! - `transfer`: reads, writes, begins TLS, under limits

mod admit;
mod dial;
mod transfer;

pub use admit::{AdmittedStream, Dial};
pub use transfer::{Stream, TlsDetails};

pub(super) use admit::Placeholders;

#[cfg(test)]
mod tests;
