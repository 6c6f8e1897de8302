//! Memory in a file without a name, and how its descriptor crosses a channel.

#![allow(unsafe_code, reason = "memory that two processes have is reached by its address")]

use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::ptr::{self, NonNull};

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, ftruncate, memfd_create};
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
    recvmsg, sendmsg,
};

/// A mapping.
#[derive(Debug)]
pub(super) struct Memory {
    start: NonNull<u8>,
    bytes: usize,
    writes: bool,
}

// SAFETY: the mapping belongs to the process and lives as long as this value. `write` needs it exclusively; `read` is
// for the process that cannot write, and what it reads is left alone until it was given back.
unsafe impl Send for Memory {}
// SAFETY: as above.
unsafe impl Sync for Memory {}

impl Memory {
    /// Memory to write, and the file by which another process maps it. That process cannot write it, make it smaller
    /// or larger, or change that.
    pub(super) fn make(bytes: usize) -> io::Result<(Self, OwnedFd)> {
        let file = memfd_create("pieces", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?;
        ftruncate(&file, bytes as u64)?;
        let memory = Self::map(&file, bytes, true)?;
        // Mappings that are there may be written; there will be no other.
        fcntl_add_seals(&file, SealFlags::FUTURE_WRITE | SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)?;
        Ok((memory, file))
    }

    /// Memory with these bytes in a row, and the file by which others map it. From here on nobody can change it.
    pub(super) fn sealed<'a>(bytes: impl Iterator<Item = &'a [u8]>) -> io::Result<(Self, OwnedFd)> {
        let mut file = File::from(memfd_create("given", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?);
        let mut length = 0;
        for bytes in bytes {
            file.write_all(bytes)?;
            length += bytes.len();
        }
        fcntl_add_seals(&file, SealFlags::WRITE | SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL)?;
        let file = OwnedFd::from(file);
        Ok((Self::read_only(&file, length)?, file))
    }

    /// The same memory, to read.
    pub(super) fn read_only(file: &OwnedFd, bytes: usize) -> io::Result<Self> {
        Self::map(file, bytes, false)
    }

    /// What the seals forbid.
    #[cfg(test)]
    pub(super) fn writable(file: &OwnedFd, bytes: usize) -> io::Result<Self> {
        Self::map(file, bytes, true)
    }

    fn map(file: &OwnedFd, bytes: usize, writes: bool) -> io::Result<Self> {
        let access = if writes { ProtFlags::READ | ProtFlags::WRITE } else { ProtFlags::READ };
        // SAFETY: a new mapping at an address of the system's choice touches no other memory.
        let start = unsafe { mmap(ptr::null_mut(), bytes, access, MapFlags::SHARED, file, 0) }?;
        let start = NonNull::new(start.cast()).ok_or(io::ErrorKind::OutOfMemory)?;
        Ok(Self { start, bytes, writes })
    }

    /// Puts bytes at an offset; nothing when they do not fit.
    pub(super) fn write(&mut self, offset: usize, bytes: &[u8]) {
        let end = offset.checked_add(bytes.len());
        if self.writes && end.is_some_and(|end| end <= self.bytes) {
            // SAFETY: inside of a mapping that may be written, which is not in memory that Rust knows; its file cannot
            // become shorter. Nothing in this process reads there.
            unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), self.start.as_ptr().add(offset), bytes.len()) };
        }
    }

    /// How many bytes there are.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// The bytes at an offset; none when there are not so many.
    pub(super) fn read(&self, offset: usize, bytes: usize) -> &[u8] {
        match offset.checked_add(bytes) {
            // SAFETY: inside of a mapping that lives as long as this value. The parent, which alone writes there,
            // does so when the piece was given back.
            Some(end) if end <= self.bytes => unsafe {
                std::slice::from_raw_parts(self.start.as_ptr().add(offset), bytes)
            },
            _ => &[],
        }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // SAFETY: what was mapped, by its one owner.
        let _ = unsafe { munmap(self.start.as_ptr().cast(), self.bytes) };
    }
}

/// The most descriptors that cross at once.
const AT_ONCE: usize = 3;

/// Sends one byte, and descriptors with it.
pub(in crate::worker) fn send(channel: &UnixStream, byte: u8, files: &[BorrowedFd<'_>]) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(AT_ONCE))];
    let mut beside = SendAncillaryBuffer::new(&mut space);
    if !files.is_empty() && !beside.push(SendAncillaryMessage::ScmRights(files)) {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    sendmsg(channel, &[IoSlice::new(&[byte])], &mut beside, SendFlags::NOSIGNAL)?;
    Ok(())
}

/// Receives what [`send`] sent.
pub(in crate::worker) fn receive(channel: &UnixStream) -> io::Result<(u8, Vec<OwnedFd>)> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(AT_ONCE))];
    let mut beside = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    let received = recvmsg(channel, &mut [IoSliceMut::new(&mut byte)], &mut beside, RecvFlags::CMSG_CLOEXEC)?;
    if received.bytes == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let files = beside.drain().filter_map(|message| match message {
        RecvAncillaryMessage::ScmRights(files) => Some(files),
        _ => None,
    });
    Ok((byte[0], files.flatten().collect()))
}

/// The byte that comes next, which stays there.
pub(in crate::worker) fn peek(channel: &UnixStream) -> io::Result<u8> {
    let mut byte = [0];
    match rustix::net::recv(channel, &mut byte, rustix::net::RecvFlags::PEEK)?.1 {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(byte[0]),
    }
}

/// Sends one byte, which says which of the files there are, and them with it.
pub(super) fn hand_over(channel: &UnixStream, files: [Option<&OwnedFd>; 2]) -> io::Result<()> {
    let which = u8::from(files[0].is_some()) | u8::from(files[1].is_some()) << 1;
    let files: Vec<_> = files.into_iter().flatten().map(AsFd::as_fd).collect();
    send(channel, which, &files)
}

/// Receives what [`hand_over`] sent.
pub(super) fn take_over(channel: &UnixStream) -> io::Result<[Option<OwnedFd>; 2]> {
    let (which, files) = receive(channel)?;
    let mut files = files.into_iter();
    Ok([1, 2].map(|bit| if which & bit == bit { files.next() } else { None }))
}
