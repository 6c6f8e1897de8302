//! The contract's types and traits, generated from `wit/connector.wit` (see `build.rs`).
//!
//! Nothing outside the sandbox folder uses these types: they are converted into the host's
//! own at once.
#![allow(missing_docs, unreachable_pub, reason = "generated")]
#![allow(
    clippy::all,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::allow_attributes_without_reason,
    reason = "generated"
)]

include!(concat!(env!("OUT_DIR"), "/bindings.rs"));
