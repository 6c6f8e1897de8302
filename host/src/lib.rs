//! Sluice runs data connectors that nobody has reviewed.
//!
//! A connector is a WebAssembly component that conforms to the contract in `wit/`; the
//! compiler makes one from a Python project. The sandbox runs it with exactly what it was
//! granted, and its rows and state land in SQLite, each checkpoint in one transaction.
//!
//! # Layout
//!
//! | module | what it does | may use |
//! |---|---|---|
//! | [`policy`] | decides: limits, grants, addresses, names, secrets. Pure: no I/O, no wasmtime | nothing of this crate |
//! | [`landing`] | decides how rows land: what is blocked, hashed, named and kept out. Pure | `policy` |
//! | [`fleet`] | decides: connections, what each is granted and when it is due, from one file. Pure | `policy`, `landing`, `keys`, `destination`'s names |
//! | `keys` | every key of the files that people write, and what it means | `policy` |
//! | [`rows`] | what crosses from a connector to a destination | nothing of this crate |
//! | `numbers` | decimal numbers as text | nothing of this crate |
//! | `room` | whether something failed because a disk is full | nothing of this crate |
//! | [`stamp`] | what a component says about itself; decides nothing | `policy`, `sections` |
//! | [`check`] | holds a component's bytes against the contract | `policy`, `stamp`, `parcel` |
//! | `sections` | custom sections of a component | nothing of this crate |
//! | [`parcel`] | a project beside the component that runs it, in one file or handed over | `sections`, `stamp` |
//! | [`cassette`] | recorded HTTP: reading, redacting and matching it. Pure | `policy` |
//! | [`secrets`] | secrets at rest: sealed values beside the database, and their key | `policy` |
//! | [`audit`] | what was granted, every request and every denial, one line each | nothing of this crate |
//! | [`http`] | the only way out of the machine, which dials only with a permit of the policy; records and replays | `policy`, `cassette`, `audit` |
//! | [`sandbox`] | everything that knows wasmtime: engine, admission, machine code, one store a sync | `policy`, `http`, `ops`, `check` |
//! | `ops`, `queue` | budgets and validation of operations; the byte-bounded way to the writer | `policy`, `rows`, `numbers`, `destination` |
//! | [`destination`] | where rows land: the trait, and SQLite | `policy`, `rows`, `numbers` |
//! | [`history`] | the runs of a warehouse: who, what, when, how it ended | `policy`, `destination` |
//! | [`telemetry`] | spans and numbers for monitoring systems | `http` |
//! | [`sync`] | one sync put together | all of the above |
//! | [`worker`] | the second wall: a jailed process for each connector, and what it asks its parent for | `policy`, `rows`, `ops`, `http`, `sandbox` |
//! | [`batch`] | many syncs in one process: order, retries, stopping | `fleet`, `sync` |
//! | [`setup`] | a connector's form and its tests, outside a sync | all of the above |
//! | [`compiler`] | from a Python project to a component, with tools in a jail of `worker` | `policy`, `stamp`, `parcel`, `worker` |
//! | [`trial`] | a sync on trial: what it did is written down, and it can be cut as in a crash | `ops`, `rows` |
//! | [`kit`] | the contract kit: what every connector is held against, by real syncs | `sync`, `trial`, `cassette` |
//! | [`display`], [`log`], [`counters`] | what people and programs see | `policy` |
//! | [`crash`] | crash reports, without what is not whoever helps's to see | `policy`, `display` |
//! | [`cli`] | the command line; the only place that reads the environment | all |
//!
//! A row's way: `connector.py` → SDK (typed columns) → `sandbox` → `ops` → `queue` → writer
//! thread → `destination`.

pub mod audit;
pub mod batch;
pub mod cassette;
pub mod check;
pub mod cli;
pub mod compiler;
mod confidential;
pub mod counters;
pub mod crash;
pub mod destination;
pub mod display;
pub mod error;
pub mod fleet;
#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "tests"
)]
mod fuzzing;
pub mod history;
pub mod http;
mod incidents;
mod keys;
pub mod kit;
pub mod landing;
pub mod log;
mod numbers;
mod ops;
pub mod parcel;
pub mod policy;
mod queue;
#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests, which write pages"
)]
mod reference;
mod room;
pub mod rows;
pub mod sandbox;
pub mod secrets;
mod sections;
pub mod setup;
pub mod stamp;
pub mod sync;
pub mod telemetry;
pub mod trial;
pub mod worker;

/// Text files that are part of this binary.
pub mod embedded {
    include!(concat!(env!("OUT_DIR"), "/embedded.rs"));
}
