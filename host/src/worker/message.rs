//! What a worker and its parent say to each other, and how it is framed.
//!
//! A frame is four bytes of length, little-endian, and one message in the encoding of `postcard`: plain data,
//! nothing nested without end, nothing that names code. Bytes of an answer's body follow their message as they are,
//! so that they need not be copied into it. Both ends are the same program, so the version says only
//! that they are not. The parent takes every frame for an enemy's: its length is bounded before anything is
//! allocated, memory grows only with bytes that have arrived, and one that cannot be read ends the worker.

use std::collections::BTreeMap;
use std::io::{self, IoSlice, Read, Write};
use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use postcard::ser_flavors::Flavor;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::jail::Layers;
use crate::error::SyncError;
use crate::http::{Dial, Head, HttpError, RequestParts, TlsDetails};
use crate::log::Level;
use crate::ops::{Refusal, Tolerance};
use crate::parcel::Parcel;
use crate::policy::limits::Limits;
use crate::rows::{Block, Column, OperationKind, TableDefinition, TableName};
use crate::setup::{Form, Outcome};

/// Changes with every change of this file.
pub(super) const VERSION: u32 = 3;
/// Room in a frame beside what a connector hands over: names, numbers, tags.
const FRAME_SLACK: usize = 4 * 1024 * 1024;
/// What is allocated for a frame before its bytes are there.
const FRAME_START: usize = 256 * 1024;
/// The most bytes of an answer's body in one frame.
pub(super) const PIECE_BYTES: usize = 256 * 1024;
/// What comes of an answer's body with its head, before the connector asks for anything of it.
pub(super) const FIRST_BYTES: usize = 64 * 1024;

/// The longest frame a worker may send. What one call of a connector hands over may be, encoded, a little more than
/// what the limit counts.
pub(super) fn longest(limits: &Limits) -> usize {
    limits.hostcall_bytes.max(limits.log_bytes).saturating_mul(2).saturating_add(FRAME_SLACK)
}

/// The most memory that one message of a worker may become.
pub(super) fn largest(limits: &Limits) -> usize {
    grown(longest(limits))
}

/// From parent to worker, in this order: once, once, and then replies.
#[derive(Serialize, Deserialize)]
pub(super) struct Open {
    pub(super) version: u32,
    pub(super) limits: Limits,
    /// Bytes of the parcel that comes with [`Start`].
    pub(super) given: u64,
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
    /// The project of a runner.
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
    /// Bytes of a body follow.
    Body { id: u64, last: bool },
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

fn invalid(text: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text)
}

/// A frame in the making. The crate's own ones copy byte by byte.
struct Frame(Vec<u8>);

impl Flavor for Frame {
    type Output = Vec<u8>;

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.push(byte);
        Ok(())
    }

    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<Vec<u8>> {
        Ok(self.0)
    }
}

/// A message as a frame.
pub(super) fn frame(message: &impl Serialize) -> io::Result<Vec<u8>> {
    frame_before(message, 0)
}

fn frame_before(message: &impl Serialize, following: usize) -> io::Result<Vec<u8>> {
    let mut frame = postcard::serialize_with_flavor(message, Frame(vec![0; 4])).map_err(invalid)?;
    let length = u32::try_from(frame.len().saturating_sub(4).saturating_add(following)).map_err(invalid)?;
    if let Some(head) = frame.first_chunk_mut() {
        *head = length.to_le_bytes();
    }
    Ok(frame)
}

/// A frame on its way, with the bytes that follow its message where they are.
pub(super) struct Outgoing {
    frame: Vec<u8>,
    following: Vec<Bytes>,
}

impl Outgoing {
    /// A message with bytes that follow it.
    pub(super) fn new(message: &impl Serialize, following: Vec<Bytes>) -> io::Result<Self> {
        let bytes = following.iter().map(Bytes::len).fold(0, usize::saturating_add);
        Ok(Self { frame: frame_before(message, bytes)?, following })
    }

    /// Writes it whole.
    pub(super) async fn write(self, to: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
        if self.following.is_empty() {
            return to.write_all(&self.frame).await;
        }
        let parts = std::iter::once(self.frame.as_slice()).chain(self.following.iter().map(AsRef::as_ref));
        let mut parts: Vec<_> = parts.map(IoSlice::new).collect();
        let mut left = parts.as_mut_slice();
        // Nothing is left of empty parts either.
        IoSlice::advance_slices(&mut left, 0);
        while !left.is_empty() {
            match to.write_vectored(left).await? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                written => IoSlice::advance_slices(&mut left, written),
            }
        }
        Ok(())
    }
}

fn checked(length: [u8; 4], longest: usize) -> io::Result<usize> {
    let length = u32::from_le_bytes(length) as usize;
    if length > longest {
        return Err(invalid(format!("a frame of {length} bytes; the limit is {longest}")));
    }
    Ok(length)
}

/// What one item of a message takes in memory that is one byte in its frame: a null value, an empty name.
const ITEM_BYTES: usize = 32;
/// What a frame may become in memory, for each byte that it may have.
const GROWTH: usize = 2;

fn grown(longest: usize) -> usize {
    longest.saturating_mul(GROWTH)
}

/// Bytes of a frame, and what memory they may still become. A list of a million of nothing is a megabyte in a frame and
/// much more outside of it, so every item is paid for before it is made.
struct Paid<'de> {
    bytes: &'de [u8],
    left: usize,
}

impl<'de> Paid<'de> {
    fn pay(&mut self, bytes: usize) -> postcard::Result<()> {
        self.left = self.left.checked_sub(bytes).ok_or(TOO_MUCH)?;
        Ok(())
    }
}

/// Not an error that reading gives otherwise.
const TOO_MUCH: postcard::Error = postcard::Error::SerializeBufferFull;

impl<'de> postcard::de_flavors::Flavor<'de> for Paid<'de> {
    type Remainder = (&'de [u8], usize);
    type Source = &'de [u8];

    fn pop(&mut self) -> postcard::Result<u8> {
        let (byte, rest) = self.bytes.split_first().ok_or(postcard::Error::DeserializeUnexpectedEnd)?;
        self.bytes = rest;
        // A number of several bytes is one item; its last byte has no mark.
        if *byte < 0x80 {
            self.pay(ITEM_BYTES)?;
        }
        Ok(*byte)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.bytes.len())
    }

    fn try_take_n(&mut self, count: usize) -> postcard::Result<&'de [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(count).ok_or(postcard::Error::DeserializeUnexpectedEnd)?;
        self.bytes = rest;
        self.pay(count)?;
        Ok(taken)
    }

    fn finalize(self) -> postcard::Result<Self::Remainder> {
        Ok((self.bytes, self.left))
    }
}

/// The message, and about what it takes in memory.
fn decoded<T: DeserializeOwned>(bytes: &[u8], longest: usize) -> io::Result<(T, usize)> {
    let most = grown(longest);
    let mut reader = postcard::Deserializer::from_flavor(Paid { bytes, left: most });
    let read = T::deserialize(&mut reader).and_then(|message| Ok((message, reader.finalize()?)));
    match read {
        Ok((message, ([], left))) => Ok((message, most.saturating_sub(left))),
        Ok(_) => Err(invalid("a frame with more than its message")),
        Err(TOO_MUCH) => Err(invalid(format!("a frame that takes more than {most} bytes of memory"))),
        Err(error) => Err(invalid(error)),
    }
}

async fn arrived(from: &mut (impl AsyncRead + Unpin), longest: usize, start: usize) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 4];
    match from.read_exact(&mut length).await {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        read => read?,
    };
    let length = checked(length, longest)?;
    let mut bytes = Vec::with_capacity(length.min(start));
    from.take(length as u64).read_to_end(&mut bytes).await?;
    if bytes.len() < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(Some(bytes))
}

/// Writes a message and waits until it is written.
pub(super) fn write(mut to: impl Write, message: &impl Serialize) -> io::Result<()> {
    to.write_all(&frame(message)?)
}

/// Reads a message.
pub(super) fn read<T: DeserializeOwned>(mut from: impl Read, longest: usize) -> io::Result<T> {
    let mut length = [0; 4];
    from.read_exact(&mut length)?;
    let length = checked(length, longest)?;
    let mut bytes = Vec::with_capacity(length.min(FRAME_START));
    from.take(length as u64).read_to_end(&mut bytes)?;
    if bytes.len() < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    decoded(&bytes, longest).map(|(message, _)| message)
}

/// The next message and about what it takes in memory; `None` at the end.
pub(super) async fn next<T: DeserializeOwned>(
    from: &mut (impl AsyncRead + Unpin),
    longest: usize,
) -> io::Result<Option<(T, usize)>> {
    let Some(bytes) = arrived(from, longest, FRAME_START).await? else { return Ok(None) };
    decoded(&bytes, longest).map(Some)
}

/// The next message of the parent, and the bytes that follow it.
pub(super) async fn next_of_parent(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Option<(ToWorker, Bytes)>> {
    let Some(bytes) = arrived(from, u32::MAX as usize, 2 * PIECE_BYTES).await? else { return Ok(None) };
    let bytes = Bytes::from(bytes);
    let (message, following) = postcard::take_from_bytes(&bytes).map_err(invalid)?;
    let start = bytes.len().saturating_sub(following.len());
    Ok(Some((message, bytes.slice(start..))))
}
