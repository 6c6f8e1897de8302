//! The parent's side while a worker runs: takes its calls to the destination, the network and the log.
//!
//! **Threat.** The worker may be in a connector's hands, native code and all. It can say what a connector can say in
//! its calls, in any order and number, and never read an answer. So each call goes where a connector's own call goes,
//! under the same limits and grants; what calls take of memory is bounded by one semaphore, and what answers may take by
//! another, from before a call is begun until its answer is on its way; and how the sync ended is decided with what
//! was seen here.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{AbortHandle, Abortable};
use futures_util::stream::unfold;
use tokio::io::AsyncWriteExt;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use super::message::{
    Answer, Body, Call, Ended, FromWorker, PIECE_BYTES, Piece, Reply, StreamCall, frame, longest, next,
};
use super::room::{REPLIES, Room, SPARE_NUMBERS};
use crate::counters::Counters;
use crate::http::{AnswerBody, Dial, Head, HttpError, RequestBody, RequestParts, Stream, Ticket, Web};
use crate::incidents::Incidents;
use crate::log::{ConnectorLog, Level};
use crate::ops::{Operations, Refusal};
use crate::policy::limits::Limits;
use crate::rows::Block;
use crate::sandbox::{not_recorded, remember};

/// What a worker's calls go to.
pub(super) struct Service {
    pub(super) limits: Limits,
    pub(super) operations: tokio::sync::Mutex<Option<Operations>>,
    pub(super) web: Web,
    pub(super) log: Arc<ConnectorLog>,
    pub(super) incidents: Incidents,
    pub(super) counters: Arc<Counters>,
    pub(super) held: Mutex<Held>,
    /// Whether the destination took everything and made it durable.
    pub(super) finished: std::sync::atomic::AtomicBool,
}

/// What is under way for a worker.
#[derive(Default)]
pub(super) struct Held {
    last: u64,
    tickets: HashMap<u64, (Ticket, OwnedSemaphorePermit)>,
    /// Where pieces of a request's body go.
    bodies: HashMap<u64, mpsc::Sender<Piece>>,
    answers: HashMap<u64, Arc<tokio::sync::Mutex<Rest>>>,
    streams: HashMap<u64, Arc<tokio::sync::Mutex<Stream>>>,
    calls: HashMap<u64, AbortHandle>,
}

struct Rest {
    body: AnswerBody,
    /// Received and more than one frame holds.
    pending: bytes::Bytes,
    ended: bool,
}

/// Why a worker is not served any more.
pub(super) enum Stop {
    /// It said how it ended.
    Ended(Box<Ended>),
    /// It is gone, or what it said makes no sense.
    Gone(io::Error),
}

/// Serves a worker until it stops.
pub(super) async fn serve(service: &Arc<Service>, channel: tokio::net::UnixStream) -> Stop {
    let (reader, mut writer) = channel.into_split();
    let (replies, mut outgoing) = mpsc::channel::<Vec<u8>>(REPLIES);
    let writing = tokio::spawn(async move {
        while let Some(frame) = outgoing.recv().await {
            if writer.write_all(&frame).await.is_err() {
                return;
            }
        }
    });
    let stop = read(service, reader, &replies).await;
    service.held().clear();
    writing.abort();
    stop
}

async fn read(
    service: &Arc<Service>,
    reader: tokio::net::unix::OwnedReadHalf,
    replies: &mpsc::Sender<Vec<u8>>,
) -> Stop {
    let mut reader = tokio::io::BufReader::new(reader);
    let longest = longest(&service.limits);
    let room = Room::new(&service.limits);
    loop {
        let (message, bytes) = match next::<FromWorker>(&mut reader, longest).await {
            Ok(Some(next)) => next,
            Ok(None) => return Stop::Gone(io::ErrorKind::UnexpectedEof.into()),
            Err(error) => return Stop::Gone(error),
        };
        match message {
            FromWorker::Log { level, text } => service.log.message(level, &text),
            FromWorker::Cancel { id } => service.held().cancel(id),
            FromWorker::Drop { id } => service.held().give_up(id),
            FromWorker::Ended(ended) => return Stop::Ended(ended),
            FromWorker::Call { id, call } => {
                let Ok((permit, answered)) = room.take(&call, bytes).await else {
                    return Stop::Gone(io::ErrorKind::OutOfMemory.into());
                };
                let (abort, registration) = AbortHandle::new_pair();
                if !service.held().begin(id, abort) {
                    return Stop::Gone(io::Error::other("a call under a number that is in use"));
                }
                // Rows are sent without waiting for the answer, so what comes after them must find them taken.
                let in_order = matches!(call, Call::Rows { .. });
                let (service, replies) = (Arc::clone(service), replies.clone());
                let answering = async move {
                    let Ok(answer) = Abortable::new(service.answer(call, permit), registration).await else { return };
                    service.held().calls.remove(&id);
                    if let Ok(frame) = frame(&Reply { id, answer }) {
                        let _ = replies.send(frame).await;
                    }
                    drop(answered);
                };
                match in_order {
                    true => answering.await,
                    false => drop(tokio::spawn(answering)),
                }
            }
        }
    }
}

impl Held {
    fn begin(&mut self, id: u64, abort: AbortHandle) -> bool {
        self.calls.insert(id, abort).is_none()
    }

    fn cancel(&mut self, id: u64) {
        if let Some(call) = self.calls.remove(&id) {
            call.abort();
        }
    }

    fn give_up(&mut self, id: u64) {
        self.tickets.remove(&id);
        self.bodies.remove(&id);
        self.answers.remove(&id);
        self.streams.remove(&id);
    }

    fn clear(&mut self) {
        self.calls.drain().for_each(|(_, call)| call.abort());
        *self = Self { last: self.last, ..Self::default() };
    }

    fn number(&mut self) -> u64 {
        self.last += 1;
        self.last
    }
}

impl Service {
    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn answer(&self, call: Call, permit: OwnedSemaphorePermit) -> Answer {
        match call {
            Call::Admit(parts) => {
                let admitted = self.admit(&parts, permit).await;
                Answer::Admitted(admitted.map_err(|error| self.failed(error)))
            }
            Call::Send { admitted, body } => {
                let head = self.send(admitted, body).await;
                drop(permit);
                Answer::Head(head.map_err(|error| self.failed(error)))
            }
            Call::Piece { admitted, piece } => {
                let to = self.held().bodies.get(&admitted).cloned();
                Answer::More(match to {
                    Some(to) => to.send(piece).await.is_ok(),
                    None => false,
                })
            }
            Call::Read { answer } => Answer::Piece(self.piece(answer).await.map_err(|error| self.failed(error))),
            Call::Lookup { host, port } => {
                Answer::Address(self.web.lookup(&host, port).await.map_err(|error| self.failed(error)))
            }
            Call::Connect(dial) => Answer::Connected(self.connect(&dial).await.map_err(|error| self.failed(error))),
            Call::Stream { stream, wish, what } => self.stream(stream, wish, what).await,
            call => self.operation(call).await,
        }
    }

    fn over(&self) -> Result<(), HttpError> {
        match self.incidents.reached() {
            Some(reached) => Err(HttpError::Limit { text: reached.to_string(), sticky: true }),
            None => Ok(()),
        }
    }

    async fn connect(&self, dial: &Dial) -> Result<u64, HttpError> {
        self.over()?;
        let stream = self.web.open(dial).await?;
        if self.web.records() {
            self.log.message(Level::Warning, &not_recorded(&stream));
        }
        let mut held = self.held();
        let id = held.number();
        // As many as the client lets be open.
        held.streams.insert(id, Arc::new(tokio::sync::Mutex::new(stream)));
        Ok(id)
    }

    async fn stream(&self, id: u64, wish: Option<Duration>, what: StreamCall) -> Answer {
        let closed = || HttpError::ConnectionClosed("the connection was closed".to_owned());
        let stream = self.held().streams.get(&id).cloned();
        let Some(stream) = stream else { return Answer::Done(Err(closed().into())) };
        let mut stream = stream.lock().await;
        let done = |done: Result<(), HttpError>| Answer::Done(done.map_err(|error| self.failed(error)));
        match what {
            StreamCall::Read(max) => {
                let read = match self.over() {
                    Ok(()) => stream.read(max, wish).await,
                    Err(over) => Err(over),
                };
                Answer::Bytes(read.map(Block).map_err(|error| self.failed(error)))
            }
            StreamCall::Readable => Answer::Readable(stream.readable(wish).await),
            StreamCall::Write(Block(bytes)) => match self.over() {
                Ok(()) => done(stream.write(&bytes, wish).await),
                Err(over) => done(Err(over)),
            },
            StreamCall::BeginTls => done(stream.begin_tls(wish).await),
            StreamCall::Tls => Answer::Tls(stream.tls()),
            StreamCall::Finish => done(stream.finish().await),
        }
    }

    async fn operation(&self, call: Call) -> Answer {
        let mut operations = self.operations.lock().await;
        let Some(operations) = operations.as_mut() else {
            return Answer::Taken(Err(Refusal::Ended("the sync is over".to_owned())));
        };
        Answer::Taken(match call {
            Call::Declare(tables) => operations.declare(tables).await,
            Call::Rows { table, kind, rows, columns } => operations.rows(table, kind, rows, columns).await,
            Call::Reject { table, kind, rows, columns, reason } => {
                operations.reject(table, kind, rows, columns, &reason).await
            }
            Call::Truncate(table) => operations.truncate(table).await,
            Call::Tolerance(table) => return Answer::Tolerance(operations.tolerance(&table)),
            Call::Checkpoint(state) => operations.checkpoint(state).await,
            Call::Finish => {
                let finished = operations.finish().await;
                self.finished.store(finished.is_ok(), std::sync::atomic::Ordering::Relaxed);
                finished
            }
            Call::BeginFile { table, path, expected } => {
                return Answer::Begun(operations.begin_file(table, &path, expected).await);
            }
            Call::FileBytes { file, bytes: Block(bytes) } => operations.file_bytes(file, bytes).await,
            Call::FinishFile(file) => operations.finish_file(file).await,
            Call::DropFile(file) => {
                operations.drop_file(file).await;
                Ok(())
            }
            _ => Err(Refusal::Invalid("not an operation".to_owned())),
        })
    }

    fn failed(&self, error: HttpError) -> super::message::Failed {
        remember(&error, &self.incidents);
        error.into()
    }

    async fn admit(&self, parts: &RequestParts, permit: OwnedSemaphorePermit) -> Result<u64, HttpError> {
        self.over()?;
        let ticket = self.web.admit(parts).await?;
        self.counters.requested();
        let mut held = self.held();
        if held.tickets.len() >= self.limits.handles {
            return Err(HttpError::limit("too many requests were admitted and not sent".to_owned()));
        }
        let id = held.number();
        held.tickets.insert(id, (ticket, permit));
        Ok(id)
    }

    async fn send(&self, id: u64, body: Body) -> Result<(u64, Head), HttpError> {
        let unknown = || HttpError::InvalidRequest("the request was not admitted, or was sent before".to_owned());
        let Some((ticket, _parts)) = self.held().tickets.remove(&id) else { return Err(unknown()) };
        let body = match body {
            Body::Empty => RequestBody::Empty,
            Body::Bytes(Block(bytes)) => RequestBody::Bytes(bytes.into()),
            Body::Stream => {
                let (sender, receiver) = mpsc::channel(1);
                self.held().bodies.insert(id, sender);
                RequestBody::Stream(Box::pin(unfold(Some(receiver), pieces)))
            }
        };
        let sent = self.web.send(ticket, body).await;
        let answer = sent?;
        let head = Head { status: answer.status, reason: answer.reason, headers: answer.headers };
        let mut held = self.held();
        if held.answers.len() >= self.limits.handles.saturating_add(SPARE_NUMBERS) {
            return Err(HttpError::limit("too many answers are open".to_owned()));
        }
        let number = held.number();
        let rest = Rest { body: answer.body, pending: bytes::Bytes::new(), ended: false };
        held.answers.insert(number, Arc::new(tokio::sync::Mutex::new(rest)));
        Ok((number, head))
    }

    async fn piece(&self, id: u64) -> Result<Option<Block>, HttpError> {
        let answer = self.held().answers.get(&id).cloned();
        let Some(answer) = answer else {
            return Err(HttpError::ConnectionClosed("the answer was given up".to_owned()));
        };
        answer.lock().await.piece().await
    }
}

impl Rest {
    /// What has arrived, at most a frame of it; waits for something.
    async fn piece(&mut self) -> Result<Option<Block>, HttpError> {
        if self.pending.is_empty() && !self.ended {
            match self.body.next().await? {
                Some(bytes) => self.pending = bytes,
                None => self.ended = true,
            }
        }
        let mut piece = Vec::new();
        loop {
            let length = self.pending.len().min(PIECE_BYTES.saturating_sub(piece.len()));
            piece.extend_from_slice(&self.pending.split_to(length));
            if self.ended || piece.len() == PIECE_BYTES {
                break;
            }
            // An error is kept by the body, and comes up with the next question.
            match self.body.next().now_or_never() {
                Some(Ok(Some(bytes))) => self.pending = bytes,
                Some(Ok(None)) => self.ended = true,
                Some(Err(_)) | None => break,
            }
        }
        Ok((!piece.is_empty() || !self.ended).then_some(Block(piece)))
    }
}

type Source = Box<dyn std::error::Error + Send + Sync>;

async fn pieces(
    from: Option<mpsc::Receiver<Piece>>,
) -> Option<(Result<bytes::Bytes, Source>, Option<mpsc::Receiver<Piece>>)> {
    let mut from = from?;
    match from.recv().await {
        Some(Piece::Bytes(Block(bytes))) => Some((Ok(bytes.into()), Some(from))),
        Some(Piece::End) => None,
        Some(Piece::Broken) | None => Some((Err("the body ended early".into()), None)),
    }
}

/// How long after its own limit a worker is given to say that it reached it.
pub(super) const GRACE: Duration = Duration::from_secs(5);
