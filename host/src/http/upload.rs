//! The body of a request on its way out, under its limits.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::Stream;
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::{HeaderValue, Method};

use super::admit::Admitted;
use super::client::Client;
use super::connect::{BoxError, Exchange};
use super::error::{HttpError, at};

type Pieces = Pin<Box<dyn Stream<Item = Result<Bytes, BoxError>> + Send>>;

/// The body of a request.
#[derive(Default)]
pub enum RequestBody {
    /// None.
    #[default]
    Empty,
    /// All of it.
    Bytes(Bytes),
    /// Piece by piece, at most [`RequestParts::body_len`](super::RequestParts::body_len), or the limit.
    Stream(Pin<Box<dyn Stream<Item = Result<Bytes, BoxError>> + Send>>),
}

impl fmt::Debug for RequestBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "Empty",
            Self::Bytes(_) => "Bytes",
            Self::Stream(_) => "Stream",
        })
    }
}

/// What a streamed request body did wrong.
#[derive(Debug, thiserror::Error)]
pub(super) enum RequestBodyError {
    #[error("the body is longer than {0} bytes")]
    TooLong(u64),
    #[error("the body has another length than was announced")]
    WrongLength,
    #[error("the body ended in an error")]
    Source,
}

/// A request that can be handed to reqwest.
pub(super) struct Outgoing {
    head: reqwest::Request,
    body: OutgoingBody,
}

enum OutgoingBody {
    Bytes(Bytes),
    Stream { stream: Pieces, announced: Option<u64>, limit: u64 },
}

impl Outgoing {
    /// # Errors
    ///
    /// A body of another length than was admitted.
    pub(super) fn new(client: &Client, admitted: &Admitted, body: RequestBody) -> Result<Self, HttpError> {
        let mut head = reqwest::Request::new(admitted.method.clone(), admitted.url.clone());
        *head.headers_mut() = admitted.headers.clone();
        let limit = client.limits().request_bytes;
        let body = match body {
            RequestBody::Bytes(bytes) => {
                if bytes.len() as u64 > limit || admitted.body_len.is_some_and(|len| len != bytes.len() as u64) {
                    let at = at(admitted.destination());
                    return Err(HttpError::InvalidRequest(format!(
                        "{at}: the request body has another length than was announced"
                    )));
                }
                OutgoingBody::Bytes(bytes)
            }
            RequestBody::Empty => OutgoingBody::Bytes(Bytes::new()),
            RequestBody::Stream(stream) => {
                match admitted.body_len {
                    Some(len) => head.headers_mut().insert(CONTENT_LENGTH, len.into()),
                    // Otherwise hyper takes a GET or HEAD for one without a body, and leaves out what there is of one.
                    None => head.headers_mut().insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked")),
                };
                OutgoingBody::Stream { stream, announced: admitted.body_len, limit }
            }
        };
        let empty = matches!(&body, OutgoingBody::Bytes(bytes) if bytes.is_empty());
        if empty && matches!(admitted.method, Method::POST | Method::PUT | Method::PATCH) {
            // Servers wait for a body, or answer 411, when such a request says nothing about one.
            head.headers_mut().insert(CONTENT_LENGTH, 0.into());
        }
        Ok(Self { head, body })
    }

    /// A copy to send anew; `None` when the body is streamed.
    pub(super) fn try_clone(&self) -> Option<Self> {
        let OutgoingBody::Bytes(bytes) = &self.body else {
            return None;
        };
        Some(Self { head: self.head.try_clone()?, body: OutgoingBody::Bytes(bytes.clone()) })
    }

    pub(super) fn into_reqwest(mut self, client: &Client, exchange: &Arc<Exchange>) -> reqwest::Request {
        let body = match self.body {
            OutgoingBody::Bytes(bytes) => {
                let sent = bytes.len() as u64;
                client.ledger().host(exchange.permit.destination().host()).bytes_sent += sent;
                uploaded(client, exchange, bytes.len());
                reqwest::Body::from(bytes)
            }
            OutgoingBody::Stream { stream, announced, limit } => reqwest::Body::wrap_stream(Counted {
                stream,
                announced,
                limit,
                sent: 0,
                last: None,
                client: client.clone(),
                exchange: Arc::clone(exchange),
            }),
        };
        *self.head.body_mut() = Some(body);
        self.head
    }
}

/// Counts bytes that go out. The host's budget is asked again before the next request and for what comes back.
fn uploaded(client: &Client, exchange: &Exchange, bytes: usize) {
    exchange.counts.sent(bytes);
    let _ = client.oversight().upstreams.body(exchange.permit.destination().host(), bytes, client.limits());
}

/// A streamed request body under its limits.
struct Counted {
    stream: Pieces,
    announced: Option<u64>,
    limit: u64,
    sent: u64,
    last: Option<Bytes>,
    client: Client,
    exchange: Arc<Exchange>,
}

impl Stream for Counted {
    type Item = Result<Bytes, RequestBodyError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            let piece = match ready!(self.stream.as_mut().poll_next(context)) {
                Some(Ok(piece)) => piece,
                Some(Err(_)) => return Poll::Ready(Some(Err(RequestBodyError::Source))),
                None if self.announced.is_some_and(|len| len != self.sent) => {
                    return Poll::Ready(Some(Err(RequestBodyError::WrongLength)));
                }
                None => return Poll::Ready(self.last.take().map(Ok)),
            };
            if let Err(error) = self.count(&piece) {
                return Poll::Ready(Some(Err(error)));
            }
            if self.announced != Some(self.sent) {
                return Poll::Ready(Some(Ok(piece)));
            }
            // hyper asks for no more than was announced, so what comes after must be looked for
            // before the last piece goes out
            if !piece.is_empty() {
                self.last = Some(piece);
            }
        }
    }
}

impl Counted {
    fn count(&mut self, piece: &Bytes) -> Result<(), RequestBodyError> {
        self.sent += piece.len() as u64;
        if self.announced.is_some_and(|len| self.sent > len) {
            return Err(RequestBodyError::WrongLength);
        }
        if self.sent > self.limit {
            return Err(RequestBodyError::TooLong(self.limit));
        }
        self.exchange.sent_some();
        let host = self.exchange.permit.destination().host();
        self.client.ledger().host(host).bytes_sent += piece.len() as u64;
        uploaded(&self.client, &self.exchange, piece.len());
        Ok(())
    }
}
