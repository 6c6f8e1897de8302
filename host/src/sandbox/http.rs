//! The contract's `http` interface over the host's client.
//!
//! A request runs as a task of its own, so that several of one guest are under way together
//! and none depends on being polled.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use wasmtime::StoreContextMut;
use wasmtime::component::{HasSelf, Linker, Resource};
use wasmtime_wasi::async_trait;
use wasmtime_wasi::p2::{DynPollable, Pollable, subscribe};

use super::bindings::sluice::connector::http;
use super::header_names::usual_case;
use super::state::HostState;
use crate::error::LimitReached;
use crate::http::{Answer as Received, HttpError, RequestBody, RequestParts, Timeouts};
use crate::incidents::Incidents;
use crate::policy::limits::{Limits, WAITING_REQUEST_BYTES};

/// More permits than a semaphore on a 32-bit machine could count are never asked for.
const MOST_ROOM: u32 = 1 << 28;

const INTERFACE: &str = "sluice:connector/http@0.1.0";

/// The most one `read` gives, whatever the guest asks for.
const READ_BYTES: usize = 1024 * 1024;

/// Pieces of so many bytes are handed over alone: to put them together would cost more than the crossing it spares.
const WORTH_A_CROSSING: usize = 128 * 1024;

/// A request under way and its response; the host's side of the `exchange` resource.
#[expect(unreachable_pub, reason = "the generated bindings name it")]
pub struct Exchange {
    progress: Arc<Mutex<Progress>>,
}

/// Readiness of an exchange. It owns its share, so that pollable and exchange may be dropped
/// in any order.
struct Readiness(Arc<Mutex<Progress>>);

enum Progress {
    Waiting(Task),
    Open(Box<Open>),
    Failed(HttpError),
}

struct Open {
    response: Received,
    /// Received and not yet read by the guest.
    pending: Bytes,
    ended: bool,
}

impl Open {
    /// What is there, at most `max` bytes. Short pieces are put together: for them a crossing costs more than a copy.
    fn take(&mut self, max: usize) -> Bytes {
        if self.pending.len() >= max.min(WORTH_A_CROSSING) {
            return self.pending.split_to(self.pending.len().min(max));
        }
        let mut taken = Vec::with_capacity(max);
        loop {
            let part = self.pending.split_to(self.pending.len().min(max - taken.len()));
            taken.extend_from_slice(&part);
            if taken.len() == max || self.ended {
                return taken.into();
            }
            // an error is kept by the body, and comes up with the next read
            match self.response.body.next().now_or_never() {
                Some(Ok(Some(bytes))) => self.pending = bytes,
                Some(Ok(None)) => self.ended = true,
                Some(Err(_)) | None => return taken.into(),
            }
        }
    }
}

/// A task that ends with its owner.
struct Task(JoinHandle<Result<Received, HttpError>>);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Progress {
    fn answered(answered: Result<Received, HttpError>) -> Self {
        match answered {
            Ok(response) => Self::Open(Box::new(Open { response, pending: Bytes::new(), ended: false })),
            Err(error) => Self::Failed(error),
        }
    }

    /// Waits for the head of the response. May be cancelled.
    async fn head(&mut self) -> Result<&mut Open, HttpError> {
        if let Self::Waiting(task) = self {
            *self = match (&mut task.0).await {
                Ok(answered) => Self::answered(answered),
                Err(_) => Self::Failed(interrupted()),
            };
        }
        match self {
            Self::Open(open) => Ok(open),
            Self::Failed(error) => Err(error.clone()),
            Self::Waiting(_) => Err(interrupted()),
        }
    }

    /// Waits until at least one byte of the body is there, or its end. May be cancelled.
    async fn fill(&mut self) -> Result<&mut Open, HttpError> {
        let open = self.head().await?;
        while open.pending.is_empty() && !open.ended {
            match open.response.body.next().await? {
                Some(bytes) => open.pending = bytes,
                None => open.ended = true,
            }
        }
        Ok(open)
    }
}

impl http::Host for HostState {
    async fn send(&mut self, request: http::Request) -> Answer<Resource<Exchange>> {
        if let Some(reached) = self.incidents.reached() {
            return Ok(Err(http::Error::Limit(reached.to_string())));
        }
        let body = request.body.map(Bytes::from);
        let parts = RequestParts {
            method: request.method,
            url: request.url,
            headers: request.headers.into_iter().map(|header| (header.name, header.value)).collect(),
            body_len: body.as_ref().map(|body| body.len() as u64),
            timeouts: timeouts(request.timeouts),
        };
        let size = held_bytes(&parts);
        let admitted = match self.http.admit(&parts) {
            Ok(admitted) => admitted,
            Err(error) => return Ok(Err(to_guest(error, &self.incidents))),
        };
        let Ok(room) = Arc::clone(&self.request_room).try_acquire_many_owned(room_of(size)) else {
            return Ok(Err(http::Error::Limit(format!(
                "requests that wait for their answers hold {} MiB; read an answer before sending more",
                WAITING_REQUEST_BYTES / (1024 * 1024)
            ))));
        };
        self.counters.requested();
        let client = self.http.clone();
        let body = body.map_or(RequestBody::Empty, RequestBody::Bytes);
        let at_once = client.answers_at_once();
        let sending = async move {
            let answered = client.send(admitted, body).await;
            drop(room);
            answered
        };
        let progress = match at_once {
            true => Progress::answered(sending.await),
            false => Progress::Waiting(Task(tokio::spawn(sending))),
        };
        let progress = Arc::new(Mutex::new(progress));
        Ok(Ok(self.table.push(Exchange { progress })?))
    }
}

impl http::HostExchange for HostState {
    async fn head(&mut self, exchange: Resource<Exchange>) -> Answer<http::ResponseHead> {
        let mut progress = self.table.get(&exchange)?.progress.lock().await;
        Ok(match progress.head().await {
            Ok(open) => Ok(head_of(&open.response)),
            Err(error) => Err(to_guest(error, &self.incidents)),
        })
    }

    async fn read(&mut self, exchange: Resource<Exchange>, max: u32) -> Answer<Vec<u8>> {
        Ok(self.handed(&exchange, max).await?.map(Into::into))
    }

    async fn subscribe(&mut self, exchange: Resource<Exchange>) -> wasmtime::Result<Resource<DynPollable>> {
        let readiness = Readiness(Arc::clone(&self.table.get(&exchange)?.progress));
        let owned = self.table.push(readiness)?;
        subscribe(&mut self.table, owned)
    }

    fn drop(&mut self, exchange: Resource<Exchange>) -> wasmtime::Result<()> {
        self.table.delete(exchange)?;
        Ok(())
    }
}

impl HostState {
    async fn handed(&mut self, exchange: &Resource<Exchange>, max: u32) -> Answer<Bytes> {
        if let Some(reached) = self.incidents.reached() {
            return Ok(Err(http::Error::Limit(reached.to_string())));
        }
        let mut progress = self.table.get(exchange)?.progress.lock().await;
        Ok(match progress.fill().await {
            Ok(open) => Ok(open.take((max as usize).min(READ_BYTES))),
            Err(error) => Err(to_guest(error, &self.incidents)),
        })
    }
}

/// The interface; the generated code would copy what is read once more.
pub(super) fn add_to_linker(linker: &mut Linker<HostState>) -> wasmtime::Result<()> {
    http::add_to_linker::<_, HasSelf<HostState>>(linker, |state| state)?;
    linker.allow_shadowing(true);
    linker.instance(INTERFACE)?.func_wrap_async(
        "[method]exchange.read",
        |mut store: StoreContextMut<'_, HostState>, (exchange, max): (Resource<Exchange>, u32)| {
            Box::new(async move { Ok((store.data_mut().handed(&exchange, max).await?,)) })
        },
    )?;
    linker.allow_shadowing(false);
    Ok(())
}

type Answer<T> = wasmtime::Result<Result<T, http::Error>>;

#[async_trait]
impl Pollable for Readiness {
    async fn ready(&mut self) {
        let mut progress = self.0.lock().await;
        // An error is readiness too: the next call returns it at once.
        let _ = match *progress {
            Progress::Waiting(_) => progress.head().await,
            _ => progress.fill().await,
        };
    }
}

/// What a request takes of the host's memory until it is answered.
fn held_bytes(parts: &RequestParts) -> u64 {
    let fields = parts.headers.iter().map(|(name, value)| name.len() + value.len());
    let head = fields.fold(parts.url.len(), usize::saturating_add) as u64;
    head.saturating_add(parts.body_len.unwrap_or(0))
}

/// The size of [`HostState::request_room`], which always takes the largest request.
pub(crate) fn request_room(limits: &Limits) -> usize {
    let largest = limits.request_bytes.saturating_add(limits.header_bytes as u64);
    room_of(WAITING_REQUEST_BYTES.max(largest)) as usize
}

fn room_of(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(1024).max(1)).unwrap_or(u32::MAX).min(MOST_ROOM)
}

fn interrupted() -> HttpError {
    HttpError::ConnectionClosed("the exchange was interrupted".to_owned())
}

fn timeouts(wanted: http::Timeouts) -> Timeouts {
    let millis = |value: Option<u32>| value.map(|value| Duration::from_millis(value.into()));
    let read = millis(wanted.read);
    Timeouts { connect: millis(wanted.connect), first_byte: read, between_bytes: read }
}

fn head_of(response: &Received) -> http::ResponseHead {
    let headers = response.headers.iter();
    http::ResponseHead {
        status: response.status,
        reason: response.reason.clone(),
        headers: headers.map(|(name, value)| http::Header { name: usual_case(name), value: value.clone() }).collect(),
    }
}

/// Remembers what an error means for the whole sync.
pub(crate) fn remember(error: &HttpError, incidents: &Incidents) {
    match error {
        HttpError::Denied(denied) => incidents.denied(&denied.to_string()),
        HttpError::SecretDenied(text) => incidents.denied(text),
        HttpError::DeniedElsewhere(text) => incidents.denied(text),
        HttpError::Limit { text, sticky: true } => {
            incidents.limit(LimitReached::new("network", text));
        }
        _ => {}
    }
}

fn to_guest(error: HttpError, incidents: &Incidents) -> http::Error {
    remember(&error, incidents);
    match error {
        HttpError::Denied(denied) => http::Error::Denied(denied.to_string()),
        HttpError::SecretDenied(text) => http::Error::Denied(text),
        HttpError::DeniedElsewhere(text) => http::Error::Denied(text),
        HttpError::InvalidRequest(text) => http::Error::InvalidRequest(text),
        HttpError::NameResolution(text) => http::Error::NameResolution(text),
        HttpError::Connect(text) => http::Error::Connect(text),
        HttpError::ConnectTimeout(text) => http::Error::ConnectTimeout(text),
        HttpError::ReadTimeout(text) => http::Error::ReadTimeout(text),
        HttpError::Certificate(text) => http::Error::Certificate(text),
        HttpError::Tls(text) => http::Error::Tls(text),
        HttpError::ConnectionClosed(text) => http::Error::ConnectionClosed(text),
        HttpError::Protocol(text) => http::Error::Protocol(text),
        HttpError::Limit { text, .. } => http::Error::Limit(text),
    }
}
