//! One sync at a time for each connection.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read as _, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

use rustix::fs::OFlags;

use super::files;
use crate::destination::DestinationError;

/// Held while a sync uses a connection. The system releases it when the process ends,
/// however it ends.
#[derive(Debug)]
pub(super) struct Lock {
    file: File,
}

/// How often, and how long after another, the lock is tried: whoever looks whether a sync holds it, does for a moment.
const TRIES: u32 = 10;
const BETWEEN_TRIES: Duration = Duration::from_millis(10);

impl Drop for Lock {
    fn drop(&mut self) {
        // Not by closing alone: a process that another thread starts at this moment has the file too, until it runs
        // its own program, and would keep the lock for as long.
        let _ = self.file.unlock();
    }
}

impl Lock {
    /// Takes the lock without waiting.
    ///
    /// # Errors
    /// `Busy` with the holder's process id when another sync has it.
    pub(super) fn take(path: &Path, connection: &str) -> Result<Self, DestinationError> {
        let failed = |reason: &str, error| DestinationError::files(path, reason, Some(error));
        files::check_file(path)?;
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            // Something planted between the check and now must neither be followed nor block.
            .custom_flags(flags(OFlags::NOFOLLOW | OFlags::NONBLOCK))
            .open(path)
            .map_err(|error| failed("cannot open the lock file", error))?;
        match patiently(&file) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(DestinationError::Busy { connection: connection.to_owned(), reason: holder(&mut file) });
            }
            Err(TryLockError::Error(error)) => return Err(failed("cannot lock", error)),
        }
        let mut note = || -> std::io::Result<()> {
            file.set_len(0)?;
            file.rewind()?;
            writeln!(file, "{}", std::process::id())
        };
        note().map_err(|error| failed("cannot write the lock file", error))?;
        Ok(Self { file })
    }
}

impl Lock {
    /// Whether a sync holds the lock. Nothing is created.
    ///
    /// # Errors
    /// The file is not as it must be.
    pub(super) fn is_held(path: &Path) -> Result<bool, DestinationError> {
        let failed = |reason: &str, error| DestinationError::files(path, reason, Some(error));
        files::check_file(path)?;
        let opened = OpenOptions::new().read(true).custom_flags(flags(OFlags::NOFOLLOW | OFlags::NONBLOCK)).open(path);
        let file = match opened {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(failed("cannot open the lock file", error)),
        };
        // Shared, and given back at once.
        match file.try_lock_shared() {
            Ok(()) => file.unlock().map(|()| false).map_err(|error| failed("cannot unlock", error)),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(error)) => Err(failed("cannot lock", error)),
        }
    }
}

fn patiently(file: &File) -> Result<(), TryLockError> {
    for _ in 1..TRIES {
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => std::thread::sleep(BETWEEN_TRIES),
            done => return done,
        }
    }
    file.try_lock()
}

fn flags(flags: OFlags) -> i32 {
    // The bits are those of the system's C interface, where they are an int.
    flags.bits().cast_signed()
}

fn holder(file: &mut File) -> String {
    let mut text = String::new();
    let read = file.take(20).read_to_string(&mut text);
    match (read, text.trim().parse::<u32>()) {
        (Ok(_), Ok(pid)) => format!("process {pid} syncs it; wait until that sync has ended"),
        _ => "another process syncs it; wait until that sync has ended".to_owned(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_given_back_although_another_process_still_has_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.lock");
        let lock = Lock::take(&path, "shop").unwrap();
        // As a process that was forked at this moment.
        let inherited = lock.file.try_clone().unwrap();
        assert!(matches!(Lock::take(&path, "shop"), Err(DestinationError::Busy { .. })));
        assert!(Lock::is_held(&path).unwrap());
        drop(lock);
        assert!(!Lock::is_held(&path).unwrap());
        let lock = Lock::take(&path, "shop").unwrap();
        drop((lock, inherited));
    }
}
