//! The queue between a connector and the writer of its destination.
//!
//! Guest and writer run on two threads and overlap. The queue is bounded in *bytes*, so
//! that memory stays flat however fast the guest is: a full queue makes the guest wait
//! (back-pressure). Messages are self-contained, so that the queue can become a pipe.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;

use tokio::sync::Semaphore;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use crate::counters::Counters;
use crate::destination::{Destination, DestinationError, FilePart};
use crate::error::with_causes;
use crate::rows::{Operation, TableDefinition};

/// What the guest's side may have in the queue before it waits: two batches of the usual
/// size fit many times, and the largest allowed batch fits once.
const QUEUE_BYTES: usize = 32 * 1024 * 1024;
/// The semaphore counts in these, since its counter is 32 bits wide.
const PERMIT_BYTES: usize = 1024;
/// What a message weighs beside its values, so that many empty ones are bounded too.
const MESSAGE_BYTES: usize = 1024;

enum Message {
    Declare(Vec<TableDefinition>),
    Operation(Operation),
    File(FilePart),
    Checkpoint { sequence: u64, state: String },
    Finish { sequence: u64 },
}

/// Why the writer stopped taking messages.
#[derive(Clone, Debug)]
pub(crate) enum WriterFailure {
    /// The destination could not take an operation; the text names table and column.
    Refused(String),
    /// A limit.
    Limit(String),
    /// The destination itself failed.
    Failed(String),
}

impl From<DestinationError> for WriterFailure {
    fn from(error: DestinationError) -> Self {
        match error {
            DestinationError::Refused { .. } | DestinationError::FileInTheWay { .. } => {
                Self::Refused(error.to_string())
            }
            DestinationError::Limit { .. } => Self::Limit(error.to_string()),
            _ => Self::Failed(with_causes(&error)),
        }
    }
}

#[derive(Default)]
struct Shared {
    failure: OnceLock<WriterFailure>,
    /// The guest is gone, and what is still queued would only be rolled back.
    abandoned: AtomicBool,
}

/// The guest's end.
pub(crate) struct Sender {
    messages: mpsc::Sender<(Message, u32)>,
    room: Arc<Semaphore>,
    done: UnboundedReceiver<u64>,
    sequence: u64,
    shared: Arc<Shared>,
}

/// The destination's end; [`Writer::run`] is a thread's whole life.
pub(crate) struct Writer {
    messages: mpsc::Receiver<(Message, u32)>,
    room: Arc<Semaphore>,
    done: UnboundedSender<u64>,
    shared: Arc<Shared>,
    counters: Arc<Counters>,
}

/// Makes a queue.
pub(crate) fn queue(counters: Arc<Counters>) -> (Sender, Writer) {
    let (messages, receiver) = mpsc::channel();
    let (done, finished) = unbounded_channel();
    let room = Arc::new(Semaphore::new(QUEUE_BYTES / PERMIT_BYTES));
    let shared = Arc::new(Shared::default());
    let sender = Sender { messages, room: Arc::clone(&room), done: finished, sequence: 0, shared: Arc::clone(&shared) };
    (sender, Writer { messages: receiver, room, done, shared, counters })
}

impl Sender {
    /// Why the writer stopped, if it did.
    pub(crate) fn failure(&self) -> Option<WriterFailure> {
        self.shared.failure.get().cloned()
    }

    /// Queues a declaration of tables.
    pub(crate) async fn declare(&self, tables: Vec<TableDefinition>) -> Result<(), WriterFailure> {
        self.send(Message::Declare(tables), 0).await
    }

    /// Queues an operation of `bytes` bytes; waits while the queue is full.
    pub(crate) async fn operation(&self, operation: Operation, bytes: usize) -> Result<(), WriterFailure> {
        self.send(Message::Operation(operation), bytes).await
    }

    /// Queues a part of a file; waits while the queue is full.
    pub(crate) async fn file(&self, part: FilePart) -> Result<(), WriterFailure> {
        let bytes = match &part {
            FilePart::Bytes { bytes, .. } => bytes.len(),
            _ => 0,
        };
        self.send(Message::File(part), bytes).await
    }

    /// Queues a checkpoint and waits until it is durable.
    pub(crate) async fn checkpoint(&mut self, state: String) -> Result<(), WriterFailure> {
        self.sequence += 1;
        let (sequence, bytes) = (self.sequence, state.len());
        self.send(Message::Checkpoint { sequence, state }, bytes).await?;
        self.wait(sequence).await
    }

    /// Commits what came after the last checkpoint and waits until it is durable.
    pub(crate) async fn finish(&mut self) -> Result<(), WriterFailure> {
        self.sequence += 1;
        let sequence = self.sequence;
        self.send(Message::Finish { sequence }, 0).await?;
        self.wait(sequence).await
    }

    async fn send(&self, message: Message, bytes: usize) -> Result<(), WriterFailure> {
        let weight = bytes.saturating_add(MESSAGE_BYTES).min(QUEUE_BYTES).div_ceil(PERMIT_BYTES);
        let weight = u32::try_from(weight).unwrap_or(u32::MAX);
        let Ok(room) = self.room.acquire_many(weight).await else { return Err(self.stopped()) };
        // The writer gives the room back once the message is written.
        room.forget();
        self.messages.send((message, weight)).map_err(|_| self.stopped())
    }

    async fn wait(&mut self, sequence: u64) -> Result<(), WriterFailure> {
        while let Some(done) = self.done.recv().await {
            if done >= sequence {
                return Ok(());
            }
        }
        Err(self.stopped())
    }

    fn stopped(&self) -> WriterFailure {
        self.failure().unwrap_or_else(|| WriterFailure::Failed("the writer of the destination stopped".into()))
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        // After a normal end nothing is queued. After any other, a full queue may hold minutes
        // of work, by which a time limit would be exceeded.
        self.shared.abandoned.store(true, Ordering::Relaxed);
    }
}

impl Writer {
    /// Writes messages until the guest's end is dropped, then gives the destination back
    /// with everything after the last commit rolled back. After a failure, or once the
    /// guest's end is dropped, nothing more is taken.
    pub(crate) fn run(self, destination: &mut dyn Destination) {
        while let Ok((message, weight)) = self.messages.recv() {
            if self.shared.abandoned.load(Ordering::Relaxed) {
                break;
            }
            if let Err(error) = self.write(destination, message) {
                let _ = self.shared.failure.set(error.into());
                self.room.close();
                break;
            }
            self.room.add_permits(weight as usize);
        }
        if let Err(error) = destination.abandon() {
            // What was not committed is gone either way; the next sync opens at the last checkpoint.
            tracing::warn!(error = with_causes(&error), "the destination failed while discarding");
        }
    }

    fn write(&self, destination: &mut dyn Destination, message: Message) -> Result<(), DestinationError> {
        match message {
            Message::Declare(tables) => destination.declare(&tables),
            Message::Operation(operation) => {
                let rows = match &operation {
                    Operation::Rows { batch, .. } => batch.rows as u64,
                    Operation::Rejected { .. } | Operation::Truncate { .. } => 0,
                };
                destination.write(&operation)?;
                self.counters.written(rows);
                Ok(())
            }
            Message::File(part) => destination.file(part),
            Message::Checkpoint { sequence, state } => {
                let _span = tracing::info_span!(target: crate::telemetry::TARGET, "checkpoint", rows = self.counters.rows_written()).entered();
                destination.checkpoint(&state)?;
                self.counters.checkpointed();
                let _ = self.done.send(sequence);
                destination.settle();
                Ok(())
            }
            Message::Finish { sequence } => {
                destination.finish()?;
                let _ = self.done.send(sequence);
                Ok(())
            }
        }
    }
}

/// A writer on a thread of its own.
pub(crate) struct WriterThread(JoinHandle<Box<dyn Destination>>);

impl WriterThread {
    /// Starts the thread.
    pub(crate) fn start(writer: Writer, mut destination: Box<dyn Destination>) -> std::io::Result<Self> {
        let thread = std::thread::Builder::new().name("writer".into());
        let span = tracing::Span::current();
        thread
            .spawn(move || {
                let _entered = span.enter();
                writer.run(destination.as_mut());
                destination
            })
            .map(Self)
    }

    /// Waits for the writer, whose queue must have been dropped, and takes the destination.
    ///
    /// # Errors
    /// When the writer panicked; the destination is gone then and its transaction with it.
    pub(crate) fn join(self) -> Result<Box<dyn Destination>, String> {
        self.0.join().map_err(|_| "the writer of the destination ended unexpectedly".to_owned())
    }
}
