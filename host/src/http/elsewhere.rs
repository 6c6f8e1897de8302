//! A web that is not in this process: what a worker has in place of the network.

use std::fmt::Debug;
use std::pin::Pin;

use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;

use super::admit::RequestParts;
use super::error::HttpError;
use super::stream::{Dial, Stream, TlsDetails};
use super::upload::RequestBody;

/// What somebody else works on.
pub(crate) type Later<'a, T> = Pin<Box<dyn Future<Output = Result<T, HttpError>> + Send + 'a>>;

/// Somebody else's [`Web`](super::Web).
pub(crate) trait Elsewhere: Debug + Send + Sync {
    /// A request that is judged where it is sent from.
    fn request(&self, parts: &RequestParts) -> Box<dyn FarRequest>;

    /// As [`Web::answers_at_once`](super::Web::answers_at_once).
    fn answers_at_once(&self) -> bool;

    /// As [`Web::lookup`](super::Web::lookup).
    fn lookup(&self, host: &str, port: u16) -> Later<'static, IpAddr>;

    /// As [`Web::connect`](super::Web::connect), after it was judged.
    fn connect(&self, dial: &Dial) -> Later<'static, Box<dyn Far>>;
}

/// A request that somebody else judges and sends.
pub(crate) trait FarRequest: Debug + Send {
    /// As [`Web::admit`](super::Web::admit) and then [`Web::send`](super::Web::send).
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

/// A TCP connection that somebody else has; each as in [`Stream`]. Dropping it closes it.
pub(crate) trait Far: Debug + Send {
    fn read(&mut self, max: usize, wish: Option<Duration>) -> Later<'_, Vec<u8>>;
    fn readable(&mut self, wish: Option<Duration>) -> Later<'_, bool>;
    fn write<'a>(&'a mut self, bytes: &'a [u8], wish: Option<Duration>) -> Later<'a, ()>;
    fn begin_tls(&mut self, wish: Option<Duration>) -> Later<'_, ()>;
    fn tls(&mut self) -> Later<'_, Option<TlsDetails>>;
    fn finish(&mut self) -> Later<'_, ()>;
}

/// A TCP connection, here or elsewhere; each as in [`Stream`].
#[derive(Debug)]
pub(crate) enum Connected {
    Here(Box<Stream>),
    Elsewhere(Box<dyn Far>),
}

impl Connected {
    pub(crate) async fn read(&mut self, max: usize, wish: Option<Duration>) -> Result<Vec<u8>, HttpError> {
        match self {
            Self::Here(stream) => stream.read(max, wish).await,
            Self::Elsewhere(far) => far.read(max, wish).await,
        }
    }

    pub(crate) async fn readable(&mut self, wish: Option<Duration>) -> bool {
        match self {
            Self::Here(stream) => stream.readable(wish).await,
            // The next read says what.
            Self::Elsewhere(far) => far.readable(wish).await.unwrap_or(true),
        }
    }

    pub(crate) async fn write(&mut self, bytes: &[u8], wish: Option<Duration>) -> Result<(), HttpError> {
        match self {
            Self::Here(stream) => stream.write(bytes, wish).await,
            Self::Elsewhere(far) => far.write(bytes, wish).await,
        }
    }

    pub(crate) async fn begin_tls(&mut self, wish: Option<Duration>) -> Result<(), HttpError> {
        match self {
            Self::Here(stream) => stream.begin_tls(wish).await,
            Self::Elsewhere(far) => far.begin_tls(wish).await,
        }
    }

    pub(crate) async fn tls(&mut self) -> Option<TlsDetails> {
        match self {
            Self::Here(stream) => stream.tls(),
            Self::Elsewhere(far) => far.tls().await.unwrap_or_default(),
        }
    }

    pub(crate) async fn finish(&mut self) -> Result<(), HttpError> {
        match self {
            Self::Here(stream) => stream.finish().await,
            Self::Elsewhere(far) => far.finish().await,
        }
    }
}
