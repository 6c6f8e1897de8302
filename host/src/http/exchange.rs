//! One request and its response, under time and size limits.

use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, StatusCode};
use hyper::ext::ReasonPhrase;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, timeout, timeout_at};

use super::admit::Admitted;
use super::client::Client;
use super::connect::{Exchange, Phase, within};
use super::error::{HttpError, at, classify};
use super::held;
use super::oversight::Note;
use super::upload::{Outgoing, RequestBody};
use crate::policy::egress::Destination;
use crate::policy::limits::SLOWEST_UPLOAD_BYTES_PER_SECOND;

/// How often a request is sent anew because the kept connection it went out on was closed by the server
/// meanwhile.
const STALE_CONNECTIONS: usize = 3;

/// The head of a response, and its body.
#[derive(Debug)]
pub struct Response {
    /// 200 to 599, as sent.
    pub status: u16,
    /// The reason phrase, possibly empty.
    pub reason: String,
    /// Header fields, names in lower case, repeated ones in order.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body.
    pub body: Body,
}

impl Client {
    /// Sends an admitted request and waits for the head of the response. Dropping the future ends the
    /// exchange.
    ///
    /// A request that may be repeated (`GET`, `HEAD`, `OPTIONS`, `PUT`, `DELETE`, body not streamed) is sent
    /// anew when the kept connection it went out on turns out to be closed or out of step.
    ///
    /// # Errors
    ///
    /// Any [`HttpError`].
    pub async fn send(&self, admitted: Admitted, body: RequestBody) -> Result<Response, HttpError> {
        match self.held() {
            Some(held) => held::send(self, held, admitted, body).await,
            None => self.deliver(admitted, body).await,
        }
    }

    /// The same for a request that needs no held secret any more.
    pub(super) async fn deliver(&self, admitted: Admitted, body: RequestBody) -> Result<Response, HttpError> {
        if !admitted.wait.is_zero() {
            tokio::time::sleep(admitted.wait).await;
        }
        let answered = self.exchange(&admitted, body).await;
        let (response, place, left) = answered.inspect_err(|error| {
            admitted.note.failed(error);
            self.ledger().answers.failed();
        })?;
        self.received(response, admitted, place, left)
    }

    async fn exchange(
        &self,
        admitted: &Admitted,
        body: RequestBody,
    ) -> Result<(reqwest::Response, OwnedSemaphorePermit, Duration), HttpError> {
        let started = Instant::now();
        let to = admitted.destination().clone();
        let mut connect_by = started + admitted.connect;
        let place = self.place(&to, connect_by).await?;
        let connections = self.connections(to.scheme()).await?;
        let mut request = Outgoing::new(self, admitted, body)?;
        let total = self.limits().exchange_total;
        let repeatable = !matches!(admitted.method, Method::POST | Method::PATCH);
        let mut tries = STALE_CONNECTIONS;
        let response = loop {
            let again = request.try_clone().filter(|_| repeatable && tries > 0);
            let exchange = Exchange::new(admitted.permit.clone(), connect_by, admitted.note.counts());
            let wait = Wait { first_byte: first_byte(admitted), by: started + total, to: &to };
            let outcome = wait.head(connections, request.into_reqwest(self, &exchange), &exchange).await;
            let stale = exchange.phase() == Phase::Start;
            match (outcome, again) {
                // what a server sent too much after the last answer looks like the begin of this one
                (Err(HttpError::ConnectionClosed(_) | HttpError::Protocol(_)), Some(copy)) if stale => {
                    tries -= 1;
                    connect_by = Instant::now() + admitted.connect;
                    request = copy;
                }
                (Err(error), _) => {
                    if matches!(error, HttpError::Denied(_)) {
                        self.ledger().host(to.host()).denied += 1;
                    }
                    return Err(error);
                }
                (Ok(response), _) => break response,
            }
        };
        Ok((response, place, total.saturating_sub(started.elapsed())))
    }

    async fn place(&self, to: &Destination, by: Instant) -> Result<OwnedSemaphorePermit, HttpError> {
        match timeout_at(by, self.places().acquire_owned()).await {
            Ok(Ok(place)) => Ok(place),
            Ok(Err(_)) | Err(_) => Err(HttpError::ConnectTimeout(format!(
                "{}: all {} exchanges that may be under way at a time are; read or close their responses",
                at(to),
                self.limits().concurrent_requests
            ))),
        }
    }

    fn received(
        &self,
        response: reqwest::Response,
        admitted: Admitted,
        place: OwnedSemaphorePermit,
        left: Duration,
    ) -> Result<Response, HttpError> {
        let to = admitted.destination().clone();
        let status = response.status();
        admitted.note.answered(status.as_u16());
        self.ledger().answers.answered(&to.to_string(), status, response.headers());
        if status == StatusCode::SWITCHING_PROTOCOLS {
            return Err(HttpError::Protocol(format!("{}: the server switches to another protocol", at(&to))));
        }
        let fields = response.headers();
        let bytes: usize = fields.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum();
        if bytes > self.limits().header_bytes {
            let most = self.limits().header_bytes;
            return Err(HttpError::limit(format!("{}: the response's headers have more than {most} bytes", at(&to))));
        }
        let headers =
            fields.iter().map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec())).collect();
        let reason = match response.extensions().get::<ReasonPhrase>() {
            Some(phrase) => String::from_utf8_lossy(phrase.as_bytes()).into_owned(),
            None => status.canonical_reason().unwrap_or_default().to_owned(),
        };
        let exchange = Exchange::new(admitted.permit, Instant::now(), admitted.note.counts());
        let body = Body {
            live: Some(Live { response, _place: place }),
            rest: Bytes::new(),
            ended: Ok(()),
            received: 0,
            left,
            between: admitted.between_bytes,
            client: self.clone(),
            exchange,
            note: admitted.note,
        };
        Ok(Response { status: status.as_u16(), reason, headers, body })
    }
}

/// How long the head may take: what is known of the upload comes on top.
fn first_byte(admitted: &Admitted) -> Duration {
    let upload = admitted.body_len.unwrap_or(0) / SLOWEST_UPLOAD_BYTES_PER_SECOND;
    admitted.first_byte + Duration::from_secs(upload)
}

/// How long a head is waited for.
struct Wait<'a> {
    first_byte: Duration,
    by: Instant,
    to: &'a Destination,
}

impl Wait<'_> {
    async fn head(
        &self,
        connections: &reqwest::Client,
        request: reqwest::Request,
        exchange: &Arc<Exchange>,
    ) -> Result<reqwest::Response, HttpError> {
        let connections = connections.clone();
        // inside the scope, because reqwest may begin its work when it is called
        let mut response = pin!(within(Arc::clone(exchange), async move { connections.execute(request).await }));
        loop {
            let due = exchange.head_due(self.first_byte).min(self.by);
            match timeout_at(due, response.as_mut()).await {
                Ok(Ok(response)) => return Ok(response),
                Ok(Err(error)) => return Err(classify(&error, exchange)),
                Err(_) => {}
            }
            // something went forward meanwhile: the wait begins anew
            if exchange.head_due(self.first_byte).min(self.by) > Instant::now() {
                continue;
            }
            return Err(self.too_late(exchange.phase()));
        }
    }

    fn too_late(&self, phase: Phase) -> HttpError {
        let at = at(self.to);
        match phase {
            Phase::Connecting => HttpError::ConnectTimeout(format!("{at}: connecting took too long")),
            Phase::Start | Phase::Connected => {
                HttpError::ReadTimeout(format!("{at}: the server sent no response in time"))
            }
        }
    }
}

/// The body of a response. Dropping it ends the exchange and closes the connection if something
/// is left unread.
pub struct Body {
    live: Option<Live>,
    rest: Bytes,
    ended: Result<(), HttpError>,
    received: u64,
    left: Duration,
    between: Duration,
    client: Client,
    exchange: Arc<Exchange>,
    note: Arc<Note>,
}

struct Live {
    response: reqwest::Response,
    _place: OwnedSemaphorePermit,
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body").field("received", &self.received).field("live", &self.live.is_some()).finish()
    }
}

impl Body {
    /// The next piece, as it came; `None` at the end. May be cancelled; the next call goes on where
    /// this one was.
    ///
    /// # Errors
    ///
    /// Any [`HttpError`]; every later call returns it again.
    pub async fn next(&mut self) -> Result<Option<Bytes>, HttpError> {
        self.piece(true).await
    }

    /// The same; without anybody who waits for it, the server may take its time.
    pub(super) async fn piece(&mut self, waited_for: bool) -> Result<Option<Bytes>, HttpError> {
        if !self.rest.is_empty() {
            return Ok(Some(std::mem::take(&mut self.rest)));
        }
        let Some(live) = &mut self.live else {
            return self.ended.clone().map(|()| None);
        };
        let started = Instant::now();
        let outcome = match waited_for {
            true => timeout(self.between.min(self.left), live.response.chunk()).await,
            false => Ok(live.response.chunk().await),
        };
        if waited_for {
            self.left = self.left.saturating_sub(started.elapsed());
        }
        let piece = match outcome {
            Ok(Ok(Some(piece))) => self.counted(piece),
            Ok(Ok(None)) => Ok(None),
            Ok(Err(error)) => Err(classify(&error, &self.exchange)),
            Err(_) => Err(self.too_slow()),
        };
        match &piece {
            Ok(Some(_)) => {}
            Ok(None) => self.live = None,
            Err(error) => {
                self.live = None;
                self.note.failed(error);
                self.ended = Err(error.clone());
            }
        }
        piece
    }

    /// The next bytes, at least one and at most `max`; empty at the end, or when `max` is zero.
    /// May be cancelled.
    ///
    /// # Errors
    ///
    /// As [`Body::next`].
    pub async fn read(&mut self, max: usize) -> Result<Bytes, HttpError> {
        if self.rest.is_empty() && max > 0 {
            self.rest = self.next().await?.unwrap_or_default();
        }
        let len = self.rest.len().min(max);
        Ok(self.rest.split_to(len))
    }

    fn counted(&mut self, piece: Bytes) -> Result<Option<Bytes>, HttpError> {
        let host = self.exchange.permit.destination().host();
        let limit = self.client.limits().response_bytes;
        self.received += piece.len() as u64;
        self.client.ledger().host(host).bytes_received += piece.len() as u64;
        self.exchange.counts.received(piece.len());
        let upstreams = &self.client.oversight().upstreams;
        upstreams.body(host, piece.len(), self.client.limits()).map_err(|spent| {
            let at = at(self.exchange.permit.destination());
            self.client.ledger().end(format!("{at}: {spent}"))
        })?;
        if self.received > limit {
            let at = at(self.exchange.permit.destination());
            return Err(HttpError::limit(format!("{at}: the response body is longer than {limit} bytes")));
        }
        Ok(Some(piece))
    }

    fn too_slow(&self) -> HttpError {
        let at = at(self.exchange.permit.destination());
        HttpError::ReadTimeout(match self.left.is_zero() {
            true => format!("{at}: the exchange took longer than all exchanges may"),
            false => format!("{at}: the server stopped sending"),
        })
    }
}
