//! Files that nobody else may read, replaced as a whole.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::{FlockOperation, OFlags, flock};

use super::SecretsError;

pub(super) fn failed(path: &Path) -> impl Fn(io::Error) -> SecretsError + '_ {
    move |error| SecretsError::Io { path: path.to_path_buf(), error }
}

/// What is in a private file of at most `most` bytes; `None` when there is none.
pub(super) fn read(path: &Path, most: u64) -> Result<Option<String>, SecretsError> {
    // NONBLOCK: a planted FIFO must not hang the host.
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let file = match OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(failed(path))?,
    };
    let metadata = file.metadata().map_err(failed(path))?;
    let wrong = |reason| Err(SecretsError::NotPrivate { path: path.to_path_buf(), reason });
    if !metadata.is_file() || metadata.nlink() != 1 {
        return wrong("it is not a plain file");
    }
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return wrong("another user owns it");
    }
    if metadata.mode() & 0o077 != 0 {
        return wrong("other users may read or write it (chmod 600 makes it private)");
    }
    let mut text = String::new();
    file.take(most + 1).read_to_string(&mut text).map_err(failed(path))?;
    if text.len() as u64 > most {
        return Err(SecretsError::Damaged { path: path.to_path_buf(), reason: format!("more than {most} bytes") });
    }
    Ok(Some(text))
}

/// Puts a file in place, or keeps the former one.
pub(super) fn replace(path: &Path, text: &str) -> Result<(), SecretsError> {
    let folder = folder_of(path);
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed(path))?;
    file.write_all(text.as_bytes()).and_then(|()| file.as_file().sync_all()).map_err(failed(path))?;
    file.persist(path).map_err(|error| failed(path)(error.error))?;
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed(path))
}

/// Makes the folder of a file for its owner only, and keeps others of this user out of it while the answer lives.
pub(super) fn lock(path: &Path) -> Result<File, SecretsError> {
    let folder = folder_of(path);
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(failed(folder))?;
    let metadata = fs::metadata(folder).map_err(failed(folder))?;
    let others_may_write = metadata.mode() & 0o022 != 0 && metadata.mode() & 0o1000 == 0;
    if others_may_write || ![0, rustix::process::geteuid().as_raw()].contains(&metadata.uid()) {
        let reason = "other users may write into the folder";
        return Err(SecretsError::NotPrivate { path: folder.to_path_buf(), reason });
    }
    let held = File::open(folder).map_err(failed(folder))?;
    flock(&held, FlockOperation::LockExclusive).map_err(|error| failed(folder)(error.into()))?;
    Ok(held)
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
