//! A web that is not in this process: what a worker has in place of the network.

use std::fmt::Debug;
use std::pin::Pin;

use bytes::Bytes;

use super::admit::RequestParts;
use super::error::HttpError;
use super::upload::RequestBody;

/// What somebody else works on.
pub(crate) type Later<'a, T> = Pin<Box<dyn Future<Output = Result<T, HttpError>> + Send + 'a>>;

/// Somebody else's [`Web`](super::Web).
pub(crate) trait Elsewhere: Debug + Send + Sync {
    /// As [`Web::admit`](super::Web::admit).
    fn admit(&self, parts: &RequestParts) -> Later<'static, Box<dyn Held>>;

    /// As [`Web::answers_at_once`](super::Web::answers_at_once).
    fn answers_at_once(&self) -> bool;
}

/// A request that somebody else admitted. Dropping it gives it up.
pub(crate) trait Held: Debug + Send {
    /// As [`Web::send`](super::Web::send).
    fn send(self: Box<Self>, body: RequestBody) -> Later<'static, (Head, Box<dyn Rest>)>;
}

/// The body of an answer that somebody else reads. Dropping it ends the exchange.
pub(crate) trait Rest: Debug + Send + Sync {
    /// As [`AnswerBody::next`](super::AnswerBody::next).
    fn next(&mut self) -> Later<'_, Option<Bytes>>;
}

/// The head of an answer.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Head {
    /// 200 to 599.
    pub(crate) status: u16,
    /// The reason phrase, possibly empty.
    pub(crate) reason: String,
    /// Header fields, names in lower case, repeated ones in order.
    pub(crate) headers: Vec<(String, Vec<u8>)>,
}
