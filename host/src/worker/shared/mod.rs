//! Memory that the parent shares with a worker: pieces of bodies lie there instead of crossing the channel.
//!
//! **Threat.** Whatever the worker does to it must not reach the parent. So the parent only ever writes here, and reads
//! nothing: where it writes is its own decision, kept in its own memory. The worker cannot write, since the memory was
//! sealed before it got it, nor make it smaller, which would end the parent at its next write. What a worker says, that
//! a slot is free again, is checked; one that says so too early spoils what only it reads. The size is fixed.

#[cfg(target_os = "linux")]
#[path = "linux.rs"]
mod system;
#[cfg(not(target_os = "linux"))]
#[path = "other.rs"]
mod system;

mod given;

#[cfg(all(test, target_os = "linux"))]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
mod tests;

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc::UnboundedSender;

use super::frame::frame;
use super::message::{FromWorker, PIECE_BYTES};
use system::Memory;
#[cfg(target_os = "linux")]
pub(super) use system::{peek, receive, send};

pub(super) use given::{lend, map_given};

/// How many pieces lie there at most. They are touched as they are needed.
const SLOTS: usize = 16;
/// The size of the memory.
const BYTES: usize = SLOTS * PIECE_BYTES;
/// What is shorter goes through the channel: a slot has to be given back.
pub(super) const WORTH_A_SLOT: usize = 16 * 1024;
/// Slots that a worker gives back without having anything else to say.
const RETURNED_TOGETHER: usize = 4;

/// Where a piece lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    slot: u8,
    bytes: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Slot {
    Free,
    /// Written, or being written.
    Held,
    /// The worker has been told of it.
    Lent,
}

/// The parent's end.
#[derive(Debug)]
pub(super) struct Shelf(Mutex<Inner>);

#[derive(Debug)]
struct Inner {
    memory: Memory,
    slots: [Slot; SLOTS],
}

/// A slot that is filled. It is free again when this is dropped before the worker is told of it.
#[derive(Debug)]
pub(super) struct Filled {
    shelf: Arc<Shelf>,
    slot: u8,
    bytes: usize,
    lent: bool,
}

impl Shelf {
    /// Makes the memory and hands it to the worker at the other end of the channel, before anything else is sent.
    /// `None` where the system has no such thing, of which the worker is told. `given` is the memory of a parcel that
    /// goes with it.
    ///
    /// # Errors
    /// The channel's.
    pub(super) fn share(channel: &UnixStream, given: Option<&OwnedFd>) -> io::Result<Option<Arc<Self>>> {
        let made = Memory::make(BYTES).ok();
        system::hand_over(channel, [made.as_ref().map(|(_, file)| file), given])?;
        let inner = made.map(|(memory, _)| Inner { memory, slots: [Slot::Free; SLOTS] });
        Ok(inner.map(|inner| Arc::new(Self(Mutex::new(inner)))))
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A free slot, the same ones again and again.
    pub(super) fn take(self: &Arc<Self>) -> Option<Filled> {
        let mut inner = self.inner();
        let (number, slot) = inner.slots.iter_mut().enumerate().find(|(_, slot)| **slot == Slot::Free)?;
        let number = u8::try_from(number).ok()?;
        *slot = Slot::Held;
        Some(Filled { shelf: Arc::clone(self), slot: number, bytes: 0, lent: false })
    }

    /// Takes slots back that the worker says it has read.
    ///
    /// # Errors
    /// It was told of no such slot.
    pub(super) fn returned(&self, slots: &[u8]) -> io::Result<()> {
        let mut inner = self.inner();
        for number in slots {
            match inner.slots.get_mut(usize::from(*number)) {
                Some(slot) if *slot == Slot::Lent => *slot = Slot::Free,
                _ => return Err(io::Error::other("a piece was given back that was not lent")),
            }
        }
        Ok(())
    }
}

impl Filled {
    /// Puts bytes behind what is there; as many as fit.
    pub(super) fn append(&mut self, bytes: &[u8]) {
        let mut inner = self.shelf.inner();
        let fits = bytes.len().min(PIECE_BYTES.saturating_sub(self.bytes));
        let Some(bytes) = bytes.get(..fits) else { return };
        let start = usize::from(self.slot).saturating_mul(PIECE_BYTES).saturating_add(self.bytes);
        inner.memory.write(start, bytes);
        self.bytes = self.bytes.saturating_add(fits);
    }

    /// Where it lies.
    pub(super) fn place(&self) -> Place {
        Place { slot: self.slot, bytes: u32::try_from(self.bytes).unwrap_or(0) }
    }

    /// The worker is about to be told.
    pub(super) fn lend(mut self) {
        self.set(Slot::Lent);
        self.lent = true;
    }

    fn set(&self, to: Slot) {
        if let Some(slot) = self.shelf.inner().slots.get_mut(usize::from(self.slot)) {
            *slot = to;
        }
    }
}

impl Drop for Filled {
    fn drop(&mut self) {
        if !self.lent {
            self.set(Slot::Free);
        }
    }
}

/// The worker's end.
#[derive(Debug)]
pub(super) struct View {
    memory: Memory,
    /// Read, and not yet given back.
    read: Mutex<Vec<u8>>,
}

/// A piece that is not read yet.
struct Lent {
    view: Arc<View>,
    place: Place,
    outgoing: UnboundedSender<Vec<u8>>,
}

/// What a parent hands over at first.
pub(super) struct Handed {
    pub(super) view: Option<Arc<View>>,
    /// The memory of a parcel.
    pub(super) given: Option<OwnedFd>,
}

impl Handed {
    /// Takes it. Needs system calls that a jailed worker has no more.
    ///
    /// # Errors
    /// The channel's, and the system's.
    pub(super) fn receive(channel: &UnixStream) -> io::Result<Self> {
        let [shelf, given] = system::take_over(channel)?;
        let memory = shelf.map(|file| Memory::read_only(&file, BYTES)).transpose()?;
        Ok(Self { view: memory.map(|memory| Arc::new(View { memory, read: Mutex::default() })), given })
    }
}

impl View {
    /// The piece in a place. Dropping the last share of it gives the place back.
    pub(super) fn piece(self: &Arc<Self>, place: Place, outgoing: &UnboundedSender<Vec<u8>>) -> Bytes {
        Bytes::from_owner(Lent { view: Arc::clone(self), place, outgoing: outgoing.clone() })
    }

    fn read(&self) -> MutexGuard<'_, Vec<u8>> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The message that gives slots back, if there are any: it goes with another, which wakes the parent anyway.
    pub(super) fn returning(&self) -> Option<FromWorker> {
        let slots = std::mem::take(&mut *self.read());
        (!slots.is_empty()).then_some(FromWorker::Read { slots })
    }
}

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        let start = usize::from(self.place.slot).saturating_mul(PIECE_BYTES);
        self.view.memory.read(start, self.place.bytes as usize)
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let together = {
            let mut read = self.view.read();
            read.push(self.place.slot);
            read.len() >= RETURNED_TOGETHER
        };
        if together
            && let Some(message) = self.view.returning()
            && let Ok(frame) = frame(&message)
        {
            let _ = self.outgoing.send(frame);
        }
    }
}
