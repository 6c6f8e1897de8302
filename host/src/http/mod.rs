//! The host's HTTP client: the only place from which bytes of a connector leave the machine.
//!
//! One [`Client`] serves one sync, behind both interfaces a connector may use (the contract's `http` and
//! `wasi:http`). The order of work is fixed, and each step needs what the one before it made:
//!
//! 1. [`Client::admit`] reads the request, asks the policy and takes the request from the sync's
//!    budget. Nothing leaves the host. The result, [`Admitted`], holds the policy's
//!    [`Permit`](crate::policy::egress::Permit).
//! 2. [`Client::send`] waits for a free place, resolves the name, drops addresses that the permit
//!    does not admit, connects to one of the rest, and returns the [`Response`] head.
//! 3. [`Body::next`] streams the body under its limits. Dropping it ends the exchange.
//!
//! [`Web`] stands before it: a sync's requests go to the client, to the client with a recorder beside it, or to a
//! cassette, in which case no client is made.
//!
//! Secrets that the host holds take the place of their placeholders between 1 and 2 (`held`, `oauth`).
//!
//! Streams over TCP, for databases and queues, go the same way: [`Client::admit_stream`], [`Client::connect`], and
//! then [`Stream`], with the same permits, addresses, certificates and budgets.
//!
//! What it never does: follow a redirect, keep a cookie, read a proxy or credential setting, send a
//! referer, decompress, speak HTTP/2, or share a connection between syncs.
//!
//! What a connector can notice: header names go out in title case and come in in lower case; `Accept:
//! */*` is added when the request has none; `Host` is always that of the URL, whatever the
//! request says, because a granted address must not serve a host that was not granted; and URLs
//! are normalised as browsers do (dot segments resolved, a few characters percent-encoded).

mod admit;
mod client;
mod connect;
mod elsewhere;
mod error;
mod exchange;
mod held;
mod oauth;
mod oversight;
mod record;
mod replay;
mod resolve;
mod stream;
mod substitution;
mod trust;
mod turned_away;
mod upload;
mod upstreams;
mod usage;
mod web;

pub use admit::{Admitted, RequestParts, Timeouts};
pub use client::Client;
pub(crate) use client::plain_client;
pub(crate) use elsewhere::{Connected, Elsewhere, Far, FarRequest, Head, Later, Rest};
pub use error::HttpError;
pub use exchange::{Body, Response};
pub use held::{Held, Source};
pub use oauth::{Credentials, Keep, Oauth};
pub use oversight::Oversight;
pub use record::{RecordError, Recorded, Recorder};
pub use replay::Replay;
pub use resolve::{Addresses, Resolve, SystemResolver};
pub use stream::{AdmittedStream, Dial, Stream, TlsDetails};
pub use trust::{Trust, TrustError};
pub use turned_away::TurnedAway;
pub use upload::RequestBody;
pub use upstreams::Upstreams;
pub use usage::HostUsage;
pub use web::{Answer, AnswerBody, Ticket, Web};

#[cfg(test)]
mod tests;
