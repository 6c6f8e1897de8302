//! An exchange that the parent has for a worker: a request that is judged and sent, its head with what comes at once
//! of the body, and the rest of the body as far as the worker has room.
//!
//! The worker decides only how much it wants to have lying there. What lies here does not depend on it: a piece, and
//! the few frames that wait to be written.

use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::{Either, select};
use futures_util::stream::unfold;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::task::yield_now;

use super::frame::Outgoing;
use super::message::{Answer, Answered, Body, FIRST_BYTES, PIECE_BYTES, Piece, ToWorker, Window};
use super::room::{Room, SPARE_NUMBERS};
use super::serve::{Replies, Service};
use super::shared::{Filled, Place, Shelf, WORTH_A_SLOT};
use crate::http::{AnswerBody, Head, HttpError, RequestBody, RequestParts, Ticket};
use crate::policy::limits::Limits;
use crate::rows::Block;

/// Parts of one frame; the system takes no more than a thousand.
const MOST_PARTS: usize = 64;
/// How often the connection gets its turn before a head goes out with less than its whole body. A body that came
/// together with its head is there after one.
const TURNS: usize = 2;

pub(super) fn exchanges(limits: &Limits) -> Arc<Semaphore> {
    Arc::new(Semaphore::new(limits.handles.saturating_add(SPARE_NUMBERS).min(Semaphore::MAX_PERMITS)))
}

impl Service {
    /// Judges a request, now, and answers with what sends it and its answer's body. The places are those of the call
    /// and of its answer.
    pub(super) fn fetch(
        self: Arc<Self>,
        id: u64,
        parts: &RequestParts,
        body: Body,
        (place, answered): (OwnedSemaphorePermit, OwnedSemaphorePermit),
        (replies, room): (Replies, Room),
    ) -> impl Future<Output = ()> + use<> {
        let admitted = self.admit(parts);
        let (window, wanted) = watch::channel(Window { until: FIRST_BYTES as u64, waits_at: None });
        let body = match body {
            Body::Empty => RequestBody::Empty,
            Body::Bytes(Block(bytes)) => RequestBody::Bytes(bytes.into()),
            Body::Stream => {
                let (sender, receiver) = mpsc::channel(1);
                self.held().uploads.insert(id, sender);
                RequestBody::Stream(Box::pin(unfold(Some(receiver), pieces)))
            }
        };
        self.held().windows.insert(id, window);
        async move {
            let answer = match admitted {
                Ok((ticket, open)) => self.web.send(ticket, body).await.map(|answer| (answer, open)),
                Err(error) => Err(error),
            };
            drop(place);
            match answer {
                Ok((answer, _open)) => {
                    let head = Head { status: answer.status, reason: answer.reason, headers: answer.headers };
                    let mut pushing =
                        Pushing { service: &self, id, replies, room, sent: 0, rest: Bytes::new(), wanted };
                    // Only a worker that is gone does not take what is sent to it.
                    let _ = pushing.push(head, answer.body, answered).await;
                }
                Err(error) => {
                    let answer = Answer::Head(Err(self.failed(error)));
                    if let Ok(reply) = Outgoing::new(&ToWorker::Reply { id, answer }, Vec::new()) {
                        let _ = replies.send(reply).await;
                    }
                }
            }
            self.held().over(id);
        }
    }

    fn admit(&self, parts: &RequestParts) -> Result<(Ticket, OwnedSemaphorePermit), HttpError> {
        self.over()?;
        let open = Arc::clone(&self.exchanges).try_acquire_owned();
        let open =
            open.map_err(|_| HttpError::limit("too many requests are open; read or close their answers".to_owned()))?;
        let ticket = self.web.admit(parts)?;
        self.counters.requested();
        Ok((ticket, open))
    }
}

/// The body of an answer on its way to a worker.
struct Pushing<'a> {
    service: &'a Service,
    id: u64,
    replies: Replies,
    room: Room,
    /// Bytes that went out.
    sent: u64,
    /// Received, and more than the worker had room for.
    rest: Bytes,
    wanted: watch::Receiver<Window>,
}

/// Pieces of a body that go out together.
#[derive(Default)]
struct Gathered {
    /// Where they may be put.
    shelf: Option<Arc<Shelf>>,
    filled: Option<Filled>,
    /// Pieces that are not there.
    parts: Vec<Bytes>,
    bytes: usize,
    ended: Option<Result<(), HttpError>>,
}

impl Gathered {
    fn add(&mut self, part: Bytes) {
        if self.bytes == 0 && part.len() >= WORTH_A_SLOT {
            self.filled = self.shelf.as_ref().and_then(Shelf::take);
        }
        self.bytes = self.bytes.saturating_add(part.len());
        match &mut self.filled {
            // Copied at once, so that the connection reads into the same memory again.
            Some(filled) => filled.append(&part),
            None => self.parts.push(part),
        }
    }
}

/// Nobody takes anything any more.
struct Gone;

impl Pushing<'_> {
    async fn push(&mut self, head: Head, mut body: AnswerBody, answered: OwnedSemaphorePermit) -> Result<(), Gone> {
        let place = self.room.piece().await.map_err(|_| Gone)?;
        let mut gathered = Gathered::default();
        for turn in 0..=TURNS {
            self.gather(&mut gathered, &mut body, FIRST_BYTES);
            if turn == TURNS || gathered.ended.is_some() || gathered.bytes == FIRST_BYTES {
                break;
            }
            yield_now().await;
        }
        let whole = matches!(gathered.ended, Some(Ok(()))) && self.rest.is_empty();
        let answer = Answer::Head(Ok(Answered { head, whole }));
        let id = self.id;
        let mut ended = self.send(|_| ToWorker::Reply { id, answer }, gathered).await?;
        drop((place, answered));
        if whole {
            return Ok(());
        }
        loop {
            if let (Some(ended), true) = (&ended, self.rest.is_empty()) {
                return self.end(ended.clone()).await;
            }
            let room = self.allowed().await?;
            let shelf = self.service.shelf.clone();
            let mut gathered = Gathered { shelf, ended: ended.take(), ..Gathered::default() };
            if self.rest.is_empty() {
                match self.wait(&mut body).await? {
                    None => continue,
                    Some(Ok(Some(bytes))) => self.rest = bytes,
                    Some(Ok(None)) => gathered.ended = Some(Ok(())),
                    Some(Err(error)) => gathered.ended = Some(Err(error)),
                }
            }
            // What waits to be written is bounded; until then the rest of the body is where it is.
            let _place = self.room.piece().await.map_err(|_| Gone)?;
            self.gather(&mut gathered, &mut body, room);
            let last = matches!(gathered.ended, Some(Ok(()))) && self.rest.is_empty();
            ended = self.send(|at| ToWorker::Body { id, last, at }, gathered).await?;
            if last {
                return Ok(());
            }
        }
    }

    /// Waits until the worker has room. Where the connector reads on, a piece is not cut to what is left of the room:
    /// the rest of it would keep the memory that the connection reads into.
    async fn allowed(&mut self) -> Result<usize, Gone> {
        loop {
            let until = self.wanted.borrow_and_update().until;
            match usize::try_from(until.saturating_sub(self.sent)).unwrap_or(usize::MAX) {
                0 => self.wanted.changed().await.map_err(|_| Gone)?,
                _ if until > FIRST_BYTES as u64 => return Ok(PIECE_BYTES),
                room => return Ok(room.min(PIECE_BYTES)),
            }
        }
    }

    /// Waits for the next piece; `None` when the worker said something meanwhile. A server may take its time until
    /// the connector waits.
    async fn wait(&mut self, body: &mut AnswerBody) -> Result<Option<Result<Option<Bytes>, HttpError>>, Gone> {
        if self.wanted.borrow_and_update().waits_at == Some(self.sent) {
            return Ok(Some(body.next().await));
        }
        match select(pin!(body.ahead()), pin!(self.wanted.changed())).await {
            Either::Left((piece, _)) => Ok(Some(piece)),
            Either::Right((Ok(()), _)) => Ok(None),
            Either::Right((Err(_), _)) => Err(Gone),
        }
    }

    /// What has arrived, until there are `most` bytes.
    fn gather(&mut self, gathered: &mut Gathered, body: &mut AnswerBody, most: usize) {
        loop {
            let part = self.rest.split_to(self.rest.len().min(most.saturating_sub(gathered.bytes)));
            if !part.is_empty() {
                gathered.add(part);
            }
            if gathered.bytes == most || gathered.ended.is_some() || gathered.parts.len() == MOST_PARTS {
                return;
            }
            match body.ahead().now_or_never() {
                Some(Ok(Some(bytes))) => self.rest = bytes,
                Some(Ok(None)) => gathered.ended = Some(Ok(())),
                Some(Err(error)) => gathered.ended = Some(Err(error)),
                None => return,
            }
        }
    }

    /// Sends what was gathered, and answers how the body ended, if it did.
    async fn send(
        &mut self,
        message: impl FnOnce(Option<Place>) -> ToWorker,
        gathered: Gathered,
    ) -> Result<Option<Result<(), HttpError>>, Gone> {
        self.sent = self.sent.saturating_add(gathered.bytes as u64);
        let message = message(gathered.filled.as_ref().map(Filled::place));
        let frame = Outgoing::new(&message, gathered.parts).map_err(|_| Gone)?.lending(gathered.filled);
        self.replies.send(frame).await.map_err(|_| Gone)?;
        Ok(gathered.ended)
    }

    async fn end(&mut self, ended: Result<(), HttpError>) -> Result<(), Gone> {
        let message = match ended {
            Ok(()) => ToWorker::Body { id: self.id, last: true, at: None },
            Err(error) => ToWorker::Broken { id: self.id, error: self.service.failed(error) },
        };
        self.send(|_| message, Gathered::default()).await.map(|_| ())
    }
}

type Source = Box<dyn std::error::Error + Send + Sync>;

async fn pieces(from: Option<mpsc::Receiver<Piece>>) -> Option<(Result<Bytes, Source>, Option<mpsc::Receiver<Piece>>)> {
    let mut from = from?;
    match from.recv().await {
        Some(Piece::Bytes(Block(bytes))) => Some((Ok(bytes.into()), Some(from))),
        Some(Piece::End) => None,
        Some(Piece::Broken) | None => Some((Err("the body ended early".into()), None)),
    }
}
