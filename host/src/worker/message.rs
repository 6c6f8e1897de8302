//! What a worker and its parent say to each other: plain data, nothing nested without end, nothing that names code.
//!
//! Both ends are the same program, so the version says only that they are not.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::jail::Layers;
use super::shared::Place;
use crate::error::SyncError;
use crate::http::{Dial, Head, HttpError, RequestParts, TlsDetails};
use crate::log::Level;
use crate::ops::{Refusal, Tolerance};
use crate::parcel::{Outline, Parcel};
use crate::policy::limits::Limits;
use crate::rows::{Block, Column, OperationKind, TableDefinition, TableName};
use crate::setup::{Form, Outcome};

/// Changes with every change of this file.
pub(super) const VERSION: u32 = 5;
/// Room in a frame beside what a connector hands over: names, numbers, tags.
const FRAME_SLACK: usize = 4 * 1024 * 1024;
/// The most bytes of an answer's body in one frame: what the HTTP client reads at once, so that a piece is whole.
pub(super) const PIECE_BYTES: usize = 408 * 1024;
/// What comes of an answer's body with its head, before the connector asks for anything of it.
pub(super) const FIRST_BYTES: usize = 64 * 1024;

/// The longest frame a worker may send. What one call of a connector hands over may be, encoded, a little more than
/// what the limit counts.
pub(super) fn longest(limits: &Limits) -> usize {
    limits.hostcall_bytes.max(limits.log_bytes).saturating_mul(2).saturating_add(FRAME_SLACK)
}

/// From parent to worker, in this order: once, once, and then replies.
#[derive(Serialize, Deserialize)]
pub(super) struct Open {
    pub(super) version: u32,
    pub(super) limits: Limits,
    /// Bytes of the parcel that comes with [`Start`].
    pub(super) given: u64,
    /// The parcel that lies in memory which came before this.
    pub(super) lent: Option<Outline>,
}

/// What a jailed worker is to do.
#[derive(Serialize, Deserialize)]
pub(super) struct Start {
    pub(super) task: Task,
    pub(super) environment: BTreeMap<String, String>,
    /// Where the clock stands, if it does, since 1970.
    pub(super) still: Option<(Duration, u64)>,
    pub(super) path_column: String,
    pub(super) answers_at_once: bool,
    /// The project of the component, unless it lies in memory that was handed over.
    pub(super) parcel: Option<Parcel>,
}

#[derive(Serialize, Deserialize)]
pub(crate) enum Task {
    Sync { configuration: String, state: String },
    Form,
    Test { name: String, configuration: String },
    Work(String),
}

/// A worker before it starts.
#[derive(Serialize, Deserialize)]
pub(super) enum Opened {
    /// Jailed, with the component's machine code mapped.
    Ready { version: u32, layers: Layers },
    /// The machine code does not fit.
    Refused(String),
}

/// From a worker that runs.
#[derive(Serialize, Deserialize)]
pub(super) enum FromWorker {
    /// Wants an answer under this number.
    Call { id: u64, call: Call },
    /// Wants it no more: the answer to a call, or the rest of a body.
    Cancel { id: u64 },
    /// Closes a TCP connection.
    Drop { id: u64 },
    /// How far the body of an answer may go.
    Window { id: u64, window: Window },
    /// The connector says something.
    Log { level: Level, text: String },
    /// It is over. Nothing follows.
    Ended(Box<Ended>),
    /// Pieces that lay in shared memory were read.
    Read { slots: Vec<u8> },
}

/// How it ended, as the worker has it.
#[derive(Serialize, Deserialize)]
pub(super) struct Ended {
    pub(super) done: Done,
    pub(super) cpu: Duration,
    pub(super) peak_bytes: u64,
    pub(super) dropped_messages: u64,
}

#[derive(Serialize, Deserialize)]
pub(crate) enum Done {
    Sync(Result<(), SyncError>),
    Form(Result<Option<Form>, SyncError>),
    Test(Result<Option<Outcome>, SyncError>),
    Work(Result<Option<String>, SyncError>),
}

#[derive(Serialize, Deserialize)]
pub(super) enum Call {
    Declare(Vec<TableDefinition>),
    Rows {
        table: TableName,
        kind: OperationKind,
        rows: usize,
        columns: Result<Vec<Column>, String>,
    },
    Reject {
        table: TableName,
        kind: OperationKind,
        rows: usize,
        columns: Result<Vec<Column>, String>,
        reason: String,
    },
    Truncate(TableName),
    Tolerance(TableName),
    Checkpoint(String),
    Finish,
    BeginFile {
        table: TableName,
        path: String,
        expected: Option<u64>,
    },
    FileBytes {
        file: u64,
        bytes: Block,
    },
    FinishFile(u64),
    DropFile(u64),
    /// Sends a request, if it is permitted. The answer is its head; the body comes after it under the same number.
    Fetch {
        parts: RequestParts,
        body: Body,
    },
    /// A piece of the body of the request with that number.
    Piece {
        request: u64,
        piece: Piece,
    },
    Lookup {
        host: String,
        port: u16,
    },
    Connect(Dial),
    Stream {
        stream: u64,
        wish: Option<Duration>,
        what: StreamCall,
    },
}

/// Calls of an open TCP connection.
#[derive(Serialize, Deserialize)]
pub(super) enum StreamCall {
    Read(usize),
    Readable,
    Write(Block),
    BeginTls,
    Tls,
    Finish,
}

#[derive(Serialize, Deserialize)]
pub(super) enum Body {
    Empty,
    Bytes(Block),
    /// In calls of [`Call::Piece`].
    Stream,
}

#[derive(Serialize, Deserialize)]
pub(super) enum Piece {
    Bytes(Block),
    End,
    Broken,
}

/// How far a worker lets the body of an answer go. What is counted is bytes since its start.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Window {
    /// What may be sent.
    pub(super) until: u64,
    /// What it had when the connector began to wait, if it waits.
    pub(super) waits_at: Option<u64>,
}

/// From the parent to a worker that runs.
#[derive(Serialize, Deserialize)]
pub(super) enum ToWorker {
    /// The answer to a call.
    Reply { id: u64, answer: Answer },
    /// Bytes of a body follow, or lie in shared memory.
    Body { id: u64, last: bool, at: Option<Place> },
    /// There is no more of a body, and why.
    Broken { id: u64, error: Failed },
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Answer {
    Taken(Result<(), Refusal>),
    Begun(Result<u64, Refusal>),
    Tolerance(Tolerance),
    /// The first bytes of the body follow.
    Head(Result<Answered, Failed>),
    /// Whether more of a streamed body is wanted.
    More(bool),
    Address(Result<IpAddr, Failed>),
    Connected(Result<u64, Failed>),
    Bytes(Result<Block, Failed>),
    Readable(bool),
    Tls(Option<TlsDetails>),
    Done(Result<(), Failed>),
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Answered {
    pub(super) head: Head,
    /// Whether the whole body is in this frame.
    pub(super) whole: bool,
}

/// An [`HttpError`] as plain data.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Failed(String, String, bool);

impl From<HttpError> for Failed {
    fn from(error: HttpError) -> Self {
        let (kind, text, sticky) = error.into_parts();
        Self(kind, text, sticky)
    }
}

impl From<Failed> for HttpError {
    fn from(Failed(kind, text, sticky): Failed) -> Self {
        Self::from_parts((kind, text, sticky))
    }
}
