//! How messages are framed.
//!
//! A frame is four bytes of length, little-endian, and one message in the encoding of `postcard`. Bytes of an answer's
//! body follow their message as they are, so that they need not be copied into it. The parent takes every frame for
//! an enemy's: its length is bounded before anything is allocated, memory grows only with bytes that have arrived,
//! and one that cannot be read ends the worker.

use std::io::{self, IoSlice, Read, Write};

use bytes::Bytes;
use postcard::ser_flavors::Flavor;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::message::{PIECE_BYTES, ToWorker, longest};
use super::shared::Filled;
use crate::policy::limits::Limits;

/// What is allocated for a frame before its bytes are there.
const FRAME_START: usize = 256 * 1024;

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
    lends: Option<Filled>,
}

impl Outgoing {
    /// A message with bytes that follow it.
    pub(super) fn new(message: &impl Serialize, following: Vec<Bytes>) -> io::Result<Self> {
        let bytes = following.iter().map(Bytes::len).fold(0, usize::saturating_add);
        Ok(Self { frame: frame_before(message, bytes)?, following, lends: None })
    }

    /// The same with a piece in shared memory that the message names.
    pub(super) fn lending(self, piece: Option<Filled>) -> Self {
        Self { lends: piece, ..self }
    }

    /// Writes it whole.
    pub(super) async fn write(self, to: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
        // Before it can be given back.
        if let Some(piece) = self.lends {
            piece.lend();
        }
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

/// The most memory that one message of a worker may become.
pub(super) fn largest(limits: &Limits) -> usize {
    grown(longest(limits))
}

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
