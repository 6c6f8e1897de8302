//! How a worker's sync ended, decided by what the parent saw.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::exchange::exchanges;
use super::frame::write;
use super::message::{Done, Ended, Start, Task};
use super::parent::{End, Parts, Worker, ended};
use super::remote::Taker;
use super::serve::{GRACE, Held, Service, Stop, serve};
use crate::error::{ConnectorFailure, LimitReached, SyncError};
use crate::log::ConnectorLog;
use crate::ops::Operations;
use crate::policy::limits::{FAILURE_MESSAGE_BYTES, FAILURE_TRACEBACK_BYTES, FORM_TEXT_BYTES};
use crate::queue::WriterFailure;
use crate::sandbox::Capabilities;
use crate::setup;

/// What a worker leaves behind, however it ended.
pub(crate) struct Outcome {
    /// How it ended.
    pub(crate) done: Done,
    /// Time the connector used the processor, as the worker says.
    pub(crate) cpu: Duration,
    /// Why the destination stopped taking operations, if it did.
    pub(crate) writer: Option<WriterFailure>,
    /// Messages that the worker did not even pass on.
    pub(crate) dropped_messages: u64,
}

/// Text that a worker writes around what a connector says.
const FRAMING_BYTES: usize = 64;

/// Lets a worker do its task with these capabilities, and ends it.
pub(crate) async fn run(worker: Worker, capabilities: Capabilities, task: Task) -> Outcome {
    let Capabilities { limits, operations, http, still, log, incidents, counters, environment, memory } = capabilities;
    let kind = Kind::of(&task);
    let failed =
        |error: SyncError| Outcome { done: kind.failed(error), cpu: Duration::ZERO, writer: None, dropped_messages: 0 };
    let Taker::Here(operations) = operations else {
        return failed(SyncError::Host("a worker cannot have workers".to_owned()));
    };
    let Parts { process, channel, parcel, shelf } = worker.into_parts();
    let start = Start {
        task,
        environment,
        still: still.map(|still| (still.since_1970, still.instance)),
        path_column: operations.path_column().to_owned(),
        answers_at_once: http.answers_at_once(),
        parcel: parcel.filter(|parcel| parcel.file().is_none()),
    };
    let started = write(&channel, &start).and_then(|()| channel.set_nonblocking(true));
    let channel = match started.and_then(|()| tokio::net::UnixStream::from_std(channel)) {
        Ok(channel) => channel,
        Err(error) => return failed(gone(&error, &ended(process).await)),
    };
    let wall = limits.wall;
    let service = Arc::new(Service {
        exchanges: exchanges(&limits),
        shelf,
        limits,
        operations: tokio::sync::Mutex::new(Some(operations)),
        web: http,
        log,
        incidents,
        counters,
        held: std::sync::Mutex::new(Held::default()),
        finished: AtomicBool::new(false),
    });
    let stop = tokio::time::timeout(wall.saturating_add(GRACE), serve(&service, channel)).await;
    let operations = service.operations.lock().await.take();
    let writer = operations.as_ref().and_then(Operations::failure);
    drop(operations);
    let (done, cpu, dropped_messages) = match stop {
        Ok(Stop::Ended(ended)) => {
            let Ended { done, cpu, peak_bytes, dropped_messages } = *ended;
            memory.claimed(peak_bytes);
            (service.judged(kind, done), cpu, dropped_messages)
        }
        Ok(Stop::Gone(error)) => {
            let end = ended(process).await;
            (kind.failed(service.after(service.died(&error, &end))), Duration::ZERO, 0)
        }
        Err(_) => {
            let reached = service.incidents.limit(LimitReached::new(LimitReached::WALL_TIME, format!("{wall:?}")));
            (kind.failed(reached.into()), Duration::ZERO, 0)
        }
    };
    Outcome { done, cpu, writer, dropped_messages }
}

#[derive(Clone, Copy)]
enum Kind {
    Sync,
    Form,
    Test,
    Work,
}

impl Kind {
    fn of(task: &Task) -> Self {
        match task {
            Task::Sync { .. } => Self::Sync,
            Task::Form => Self::Form,
            Task::Test { .. } => Self::Test,
            Task::Work(_) => Self::Work,
        }
    }

    fn failed(self, error: SyncError) -> Done {
        match self {
            Self::Sync => Done::Sync(Err(error)),
            Self::Form => Done::Form(Err(error)),
            Self::Test => Done::Test(Err(error)),
            Self::Work => Done::Work(Err(error)),
        }
    }
}

fn gone(error: &io::Error, end: &End) -> SyncError {
    let what = match error.kind() {
        io::ErrorKind::UnexpectedEof | io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset => {
            format!("the worker process of the connector died: {}", end.text())
        }
        _ => format!("the worker process of the connector said something that makes no sense ({error}) and was ended"),
    };
    SyncError::Host(format!("{what}; what was checkpointed stays, and the next sync goes on from there"))
}

impl Service {
    fn died(&self, error: &io::Error, end: &End) -> SyncError {
        if end.signal() == Some(rustix::process::Signal::XCPU.as_raw()) {
            return self.incidents.limit(LimitReached::new("cpu time", format!("{:?}", self.limits.cpu))).into();
        }
        match gone(error, end) {
            SyncError::Host(text) => SyncError::Host(self.log.clean(&text, FAILURE_MESSAGE_BYTES)),
            error => error,
        }
    }

    /// A limit that was reached decides.
    fn after(&self, error: SyncError) -> SyncError {
        self.incidents.reached().map_or(error, Into::into)
    }

    /// What a worker says of itself, as far as it can be believed.
    fn judged(&self, kind: Kind, done: Done) -> Done {
        if let Some(reached) = self.incidents.reached() {
            return kind.failed(reached.into());
        }
        let untrue = || SyncError::Host("the worker process of the connector reported what did not happen".to_owned());
        match (kind, done) {
            (Kind::Sync, Done::Sync(Ok(()))) if !self.finished.load(Ordering::Relaxed) => kind.failed(untrue()),
            (Kind::Sync, Done::Sync(Ok(()))) => Done::Sync(Ok(())),
            (Kind::Form, Done::Form(Ok(form))) => {
                let names = self.limits.identifier_bytes;
                Done::Form(form.map(|form| crate::sandbox::checked(form, names)).transpose())
            }
            (Kind::Test, Done::Test(Ok(tested))) => Done::Test(Ok(tested.map(|tested| match tested {
                setup::Outcome::Success => setup::Outcome::Success,
                setup::Outcome::Failure(text) => setup::Outcome::Failure(self.log.clean_block(&text, FORM_TEXT_BYTES)),
            }))),
            // Whoever asked judges it.
            (Kind::Work, Done::Work(Ok(answer))) => Done::Work(Ok(answer)),
            (Kind::Sync, Done::Sync(Err(error)))
            | (Kind::Form, Done::Form(Err(error)))
            | (Kind::Test, Done::Test(Err(error)))
            | (Kind::Work, Done::Work(Err(error))) => kind.failed(self.clean(error)),
            (kind, _) => kind.failed(untrue()),
        }
    }

    fn clean(&self, error: SyncError) -> SyncError {
        match error {
            SyncError::Connector(failure) => SyncError::Connector(clean(&self.log, &failure)),
            SyncError::Limit(LimitReached { what, limit }) => {
                let reached = LimitReached {
                    what: self.log.clean(&what, FAILURE_MESSAGE_BYTES),
                    limit: self.log.clean(&limit, FAILURE_MESSAGE_BYTES),
                };
                self.incidents.limit(reached).into()
            }
            SyncError::Denied(text) | SyncError::Host(text) => {
                SyncError::Host(self.log.clean(&text, FAILURE_MESSAGE_BYTES))
            }
        }
    }
}

fn clean(log: &ConnectorLog, failure: &ConnectorFailure) -> ConnectorFailure {
    let bytes = FAILURE_MESSAGE_BYTES + FRAMING_BYTES;
    ConnectorFailure {
        kind: log.clean(&failure.kind, FAILURE_MESSAGE_BYTES),
        message: match failure.kind.as_str() {
            "trap" => log.clean(&failure.message, bytes),
            _ => log.clean_block(&failure.message, FAILURE_MESSAGE_BYTES),
        },
        traceback: log.clean_block(&failure.traceback, FAILURE_TRACEBACK_BYTES),
    }
}
