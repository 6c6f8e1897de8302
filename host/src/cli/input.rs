//! Reading files that an operator names.
//!
//! The threat: another user of the machine who puts a FIFO there, which would hang the host, or can change what the
//! operator decided.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use rustix::fs::OFlags;

use crate::cli::failure::Failure;

/// The largest configuration, settings file or file of certificates.
pub(super) const DECISION_BYTES: u64 = 4 << 20;

/// Whose words a file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holds {
    /// The operator's: nobody else may have written it.
    Decisions,
    /// A stranger's, which are judged by themselves.
    Anything,
}

/// Reads a plain file whole. A link is followed: the operator named it.
///
/// # Errors
/// When it cannot be read, is no plain file, is larger than `limit`, or holds decisions that others can change.
pub(super) fn read(path: &Path, what: &str, limit: u64, holds: Holds) -> Result<Vec<u8>, Failure> {
    let refused = |reason: &str| Failure::refused(format!("the {what} {} {reason}", path.display()));
    let file =
        open(path).map_err(|error| Failure::refused(format!("cannot read the {what} {}: {error}", path.display())))?;
    let metadata = file.metadata().map_err(|error| refused(&error.to_string()))?;
    if metadata.file_type().is_fifo() {
        return Err(refused("is a pipe").hint("write it into a file that only you can read"));
    }
    if !metadata.is_file() {
        return Err(refused("is not a plain file"));
    }
    if holds == Holds::Decisions {
        check_others(path, &metadata).map_err(|reason| refused(&reason))?;
    }
    let mut bytes = Vec::new();
    let read = file.take(limit.saturating_add(1)).read_to_end(&mut bytes);
    read.map_err(|error| refused(&format!("cannot be read: {error}")))?;
    if bytes.len() as u64 > limit {
        return Err(refused(&format!("is larger than {limit} bytes")));
    }
    Ok(bytes)
}

/// The same for a text.
///
/// # Errors
/// As [`read`], and when it is not UTF-8.
pub(super) fn read_text(path: &Path, what: &str) -> Result<String, Failure> {
    let bytes = read(path, what, DECISION_BYTES, Holds::Decisions)?;
    String::from_utf8(bytes).map_err(|_| Failure::refused(format!("the {what} {} is not UTF-8 text", path.display())))
}

/// Opens without waiting for somebody at the other end.
fn open(path: &Path) -> io::Result<File> {
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path)
}

/// A file of this user, of root, or of whoever owns its folder and with it the project, which no other can write.
fn check_others(path: &Path, metadata: &Metadata) -> Result<(), String> {
    if metadata.mode() & 0o002 != 0 {
        return Err("can be written by every user; take that away with chmod o-w".to_owned());
    }
    let place = path.canonicalize().ok();
    let folder = place.as_deref().and_then(Path::parent).and_then(|folder| folder.metadata().ok());
    let trusted = [Some(0), Some(rustix::process::geteuid().as_raw()), folder.map(|folder| folder.uid())];
    if trusted.contains(&Some(metadata.uid())) {
        return Ok(());
    }
    Err(format!("belongs to user {}, not to you, root or its folder's owner; copy it to make it yours", metadata.uid()))
}
