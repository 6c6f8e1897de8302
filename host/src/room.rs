//! Whether something failed because there is no room left on a disk, whatever words the system or SQLite has for it.

use std::error::Error;
use std::io;
use std::path::Path;

/// What takes the place of the system's words.
pub(crate) const LACKING: &str = "no space is left on its disk; make room there and sync again";

/// SQLite's results: <https://sqlite.org/rescode.html>.
const FULL: i32 = 13;
const CANNOT_OPEN: i32 = 14;
const WRITE: i32 = 778;
const SYNC: i32 = 1034;
const TRUNCATE: i32 = 1546;
const OPEN_SHARED: i32 = 4618;
/// The shared memory beside a database could not be made as large as it must be.
const SHARED_SIZE: i32 = 4874;

/// With less than this on a disk nothing can be kept on it. What did not fit was discarded by the time it is looked.
const NOTHING: u64 = 1 << 20;

/// What a disk has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Left {
    /// Bytes for us.
    bytes: u64,
    /// Whether files can be made.
    files: bool,
}

impl Left {
    fn nothing(self) -> bool {
        self.bytes < NOTHING || !self.files
    }
}

/// What is left where a file or folder is, if the system says.
pub(crate) fn left(path: &Path) -> Option<Left> {
    let found = path.ancestors().find_map(|folder| rustix::fs::statvfs(folder).ok())?;
    let bytes = found.f_bavail.saturating_mul(found.f_frsize);
    // Some file systems do not count them.
    Some(Left { bytes, files: found.f_files == 0 || found.f_favail > 0 })
}

/// Whether an error of SQLite is that there is no room, by what the database's disk has left. A limit of the database
/// itself has the same code as a full disk, and other codes have other reasons too.
pub(crate) fn is_lacking_for(error: &rusqlite::Error, left: Option<Left>) -> bool {
    let nothing = left.is_some_and(Left::nothing);
    match code(error) {
        Some(FULL) => left.is_none() || nothing,
        Some(CANNOT_OPEN | WRITE | SYNC | TRUNCATE | OPEN_SHARED | SHARED_SIZE) => nothing,
        _ => false,
    }
}

/// Whether an error, without its causes, is that there is no room.
pub(crate) fn is_lacking(error: &(dyn Error + 'static)) -> bool {
    if let Some(error) = error.downcast_ref::<io::Error>() {
        return is_lacking_in(error);
    }
    error.downcast_ref().and_then(code).is_some_and(|code| matches!(code, FULL | SHARED_SIZE))
}

/// The same of an error of the system.
pub(crate) fn is_lacking_in(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// An error of the system in words.
pub(crate) fn words(error: &io::Error) -> String {
    if is_lacking_in(error) { LACKING.to_owned() } else { error.to_string() }
}

fn code(error: &rusqlite::Error) -> Option<i32> {
    error.sqlite_error().map(|error| error.extended_code)
}

#[cfg(test)]
mod tests {
    use rusqlite::ffi;

    use super::*;

    fn sqlite(code: i32) -> rusqlite::Error {
        rusqlite::Error::SqliteFailure(ffi::Error::new(code), None)
    }

    #[test]
    fn a_full_disk_is_told_from_other_reasons_for_the_same_codes() {
        let full = Some(Left { bytes: 48 << 10, files: true });
        let no_files = Some(Left { bytes: 1 << 40, files: false });
        let enough = Some(Left { bytes: 1 << 30, files: true });
        for code in [FULL, CANNOT_OPEN, WRITE, SYNC, TRUNCATE, OPEN_SHARED, SHARED_SIZE] {
            assert!(is_lacking_for(&sqlite(code), full) && is_lacking_for(&sqlite(code), no_files), "{code}");
            assert!(!is_lacking_for(&sqlite(code), enough), "{code}");
            assert_eq!(is_lacking_for(&sqlite(code), None), code == FULL, "{code}");
        }
        for code in [ffi::SQLITE_BUSY, ffi::SQLITE_CORRUPT, ffi::SQLITE_IOERR_READ, ffi::SQLITE_TOOBIG] {
            assert!(!is_lacking_for(&sqlite(code), full), "{code}");
        }
    }

    #[test]
    fn errors_of_the_system_and_of_sqlite_are_known_without_a_path() {
        let of_system = |code| io::Error::from_raw_os_error(code);
        assert!(is_lacking(&of_system(28)) && is_lacking(&of_system(122)) && !is_lacking(&of_system(13)));
        assert!(is_lacking(&sqlite(FULL)) && is_lacking(&sqlite(SHARED_SIZE)) && !is_lacking(&sqlite(WRITE)));
        assert_eq!(words(&of_system(28)), LACKING);
        assert!(words(&of_system(13)).contains("ermission"));
    }

    #[test]
    fn the_disk_of_a_file_that_is_not_there_yet_is_that_of_its_folder() {
        let folder = tempfile::tempdir().unwrap_or_else(|error| unreachable!("{error}"));
        assert_eq!(left(&folder.path().join("a/b")).map(|left| left.files), left(folder.path()).map(|left| left.files));
        assert!(left(folder.path()).is_some());
    }
}
