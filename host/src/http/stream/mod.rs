//! Streams of bytes over TCP, with TLS that the host speaks.
//!
//! - `admit`: asks the policy; the addresses that stand for names
//! - `dial`: resolves, judges addresses, connects
//! - `tds`: packets around a TLS handshake, as SQL Server wants it
//! - `transfer`: reads, writes, begins TLS, under limits

mod admit;
mod dial;
mod tds;
mod transfer;

pub use admit::{AdmittedStream, Dial};
pub use transfer::{Stream, TlsDetails};

pub(super) use admit::Placeholders;
pub(super) use tds::NotInPackets;
