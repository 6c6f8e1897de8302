//! What a component is given, in memory that its workers have together.
//!
//! It crosses to each of them as a descriptor, and is mapped before the jail closes, instead of being copied.
//!
//! **Threat.** Workers of one component read the same bytes, which are the component's own. None can write them or
//! change their number: the memory was sealed before anybody but the parent had it.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use bytes::Bytes;

use super::Memory;
use crate::parcel::{Outline, Parcel};

/// All of some memory.
struct Whole(Memory);

impl AsRef<[u8]> for Whole {
    fn as_ref(&self) -> &[u8] {
        self.0.read(0, self.0.bytes())
    }
}

/// The same parcel in memory that workers can map; the parcel itself where the system has no such thing.
pub(in crate::worker) fn lend(parcel: Parcel) -> Parcel {
    let lent = || {
        let (memory, file) = Memory::sealed(parcel.archives().map(|(_, archive)| archive.as_bytes())).ok()?;
        parcel.outline().over(&Bytes::from_owner(Whole(memory)), Some(Arc::new(file)))
    };
    lent().unwrap_or(parcel)
}

/// A parcel that lies in memory which was handed over.
///
/// # Errors
/// The system's, and when it is not as large as it should be.
pub(in crate::worker) fn map_given(outline: Outline, file: &OwnedFd) -> io::Result<Parcel> {
    let memory = Memory::read_only(file, outline.bytes())?;
    outline.over(&Bytes::from_owner(Whole(memory)), None).ok_or_else(|| io::ErrorKind::InvalidData.into())
}
