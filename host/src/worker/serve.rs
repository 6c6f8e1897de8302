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

use futures_util::future::{AbortHandle, Abortable};
use tokio::sync::{Semaphore, mpsc, watch};

use super::frame::{Outgoing, next};
use super::message::{Answer, Call, Ended, FromWorker, Piece, StreamCall, ToWorker, Window, longest};
use super::room::{REPLIES, Room};
use super::shared::Shelf;
use crate::counters::Counters;
use crate::http::{Dial, HttpError, Stream, Web};
use crate::incidents::Incidents;
use crate::log::{ConnectorLog, Level};
use crate::ops::{Operations, Refusal};
use crate::policy::limits::Limits;
use crate::rows::Block;
use crate::sandbox::{not_recorded, remember};

/// Where what goes to the worker waits.
pub(super) type Replies = mpsc::Sender<Outgoing>;

/// What a worker's calls go to.
pub(super) struct Service {
    pub(super) limits: Limits,
    pub(super) operations: tokio::sync::Mutex<Option<Operations>>,
    pub(super) web: Web,
    pub(super) log: Arc<ConnectorLog>,
    pub(super) incidents: Incidents,
    pub(super) counters: Arc<Counters>,
    pub(super) held: Mutex<Held>,
    /// How many exchanges may be open: as many as a connector has handles, and some on their way.
    pub(super) exchanges: Arc<Semaphore>,
    /// Memory that the worker reads, where the system has it.
    pub(super) shelf: Option<Arc<Shelf>>,
    /// Whether the destination took everything and made it durable.
    pub(super) finished: std::sync::atomic::AtomicBool,
}

/// What is under way for a worker.
#[derive(Default)]
pub(super) struct Held {
    last: u64,
    /// Where pieces of a request's body go.
    pub(super) uploads: HashMap<u64, mpsc::Sender<Piece>>,
    /// How far the worker lets the body of an answer go.
    pub(super) windows: HashMap<u64, watch::Sender<Window>>,
    streams: HashMap<u64, Arc<tokio::sync::Mutex<Stream>>>,
    calls: HashMap<u64, AbortHandle>,
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
    let (replies, mut outgoing) = mpsc::channel::<Outgoing>(REPLIES);
    let writing = tokio::spawn(async move {
        while let Some(frame) = outgoing.recv().await {
            if frame.write(&mut writer).await.is_err() {
                return;
            }
        }
    });
    let stop = read(service, reader, &replies).await;
    service.held().clear();
    writing.abort();
    stop
}

async fn read(service: &Arc<Service>, reader: tokio::net::unix::OwnedReadHalf, replies: &Replies) -> Stop {
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
            FromWorker::Drop { id } => drop(service.held().streams.remove(&id)),
            FromWorker::Window { id, window } => service.held().window(id, window),
            FromWorker::Ended(ended) => return Stop::Ended(ended),
            FromWorker::Read { slots } => {
                if let Err(error) = service.returned(&slots) {
                    return Stop::Gone(error);
                }
            }
            FromWorker::Call { id, call } => {
                let Ok((permit, answered)) = room.take(&call, bytes).await else {
                    return Stop::Gone(io::ErrorKind::OutOfMemory.into());
                };
                let (abort, registration) = AbortHandle::new_pair();
                if !service.held().begin(id, abort) {
                    return Stop::Gone(io::Error::other("a call under a number that is in use"));
                }
                let (service, replies) = (Arc::clone(service), replies.clone());
                let call = match call {
                    // Judged here, so that requests are judged and recorded in the order they come.
                    Call::Fetch { parts, body } => {
                        let fetching = service.fetch(id, &parts, body, (permit, answered), (replies, room.clone()));
                        tokio::spawn(async move {
                            let _ = Abortable::new(fetching, registration).await;
                        });
                        continue;
                    }
                    call => call,
                };
                // Rows are sent without waiting for the answer, so what comes after them must find them taken.
                let in_order = matches!(call, Call::Rows { .. });
                let answering = async move {
                    let Ok(answer) = Abortable::new(service.answer(call), registration).await else { return };
                    drop(permit);
                    service.held().over(id);
                    if let Ok(reply) = Outgoing::new(&ToWorker::Reply { id, answer }, Vec::new()) {
                        let _ = replies.send(reply).await;
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
        if let Some(call) = self.over(id) {
            call.abort();
        }
    }

    /// Forgets a call that is answered, and whatever was kept for it.
    pub(super) fn over(&mut self, id: u64) -> Option<AbortHandle> {
        self.uploads.remove(&id);
        self.windows.remove(&id);
        self.calls.remove(&id)
    }

    fn window(&self, id: u64, window: Window) {
        // A body that is over needs none.
        if let Some(body) = self.windows.get(&id) {
            let _ = body.send(window);
        }
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
    pub(super) fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn returned(&self, slots: &[u8]) -> io::Result<()> {
        match &self.shelf {
            Some(shelf) => shelf.returned(slots),
            None => Err(io::Error::other("a piece was given back where none is lent")),
        }
    }

    async fn answer(&self, call: Call) -> Answer {
        match call {
            Call::Piece { request, piece } => {
                let to = self.held().uploads.get(&request).cloned();
                Answer::More(match to {
                    Some(to) => to.send(piece).await.is_ok(),
                    None => false,
                })
            }
            Call::Lookup { host, port } => {
                Answer::Address(self.web.lookup(&host, port).await.map_err(|error| self.failed(error)))
            }
            Call::Connect(dial) => Answer::Connected(self.connect(&dial).await.map_err(|error| self.failed(error))),
            Call::Stream { stream, wish, what } => self.stream(stream, wish, what).await,
            call => self.operation(call).await,
        }
    }

    pub(super) fn over(&self) -> Result<(), HttpError> {
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

    pub(super) fn failed(&self, error: HttpError) -> super::message::Failed {
        remember(&error, &self.incidents);
        error.into()
    }
}

/// How long after its own limit a worker is given to say that it reached it.
pub(super) const GRACE: Duration = Duration::from_secs(5);
