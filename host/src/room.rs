//! Whether something failed because there is no room left on a disk, or for a file, whatever words the system or SQLite
//! has for it.

use std::error::Error;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use rustix::process::{Resource, getrlimit};

/// What is used up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lack {
    /// The disk.
    Space,
    /// What this user may have of the disk.
    Quota,
    /// How large a file may become.
    FileSize,
}

impl Lack {
    fn of_system(error: &io::Error) -> Option<Self> {
        match error.kind() {
            io::ErrorKind::StorageFull => Some(Self::Space),
            io::ErrorKind::QuotaExceeded => Some(Self::Quota),
            io::ErrorKind::FileTooLarge => Some(Self::FileSize),
            _ => None,
        }
    }

    /// What takes the place of the system's words, where the file was named.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::Space => "no space is left on its disk; make room there and sync again",
            Self::Quota => "the disk quota is used up; make room there, or have it raised, and sync again",
            Self::FileSize => "a file may not become larger here (`ulimit -f`); raise that limit and sync again",
        }
    }

    /// What is used up, and by which file.
    pub(crate) fn of(self, path: &Path) -> String {
        let path = path.display();
        match self {
            Self::Space => format!("no space is left on the disk of {path}"),
            Self::Quota => format!("the disk quota is used up on the disk of {path}"),
            Self::FileSize => format!("a file may not become larger here (`ulimit -f`) than {path}"),
        }
    }

    /// What to do.
    pub(crate) const fn remedy(self) -> &'static str {
        match self {
            Self::Space => "make room there",
            Self::Quota => "make room there, or have the quota raised",
            Self::FileSize => "raise that limit",
        }
    }
}

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

/// What is written to see whether anything can be. No database is this close to the limit of a file by chance.
const TRIAL: usize = 64 << 10;

/// What a disk has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Left {
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
fn left(path: &Path) -> Option<Left> {
    let found = path.ancestors().find_map(|folder| rustix::fs::statvfs(folder).ok())?;
    let bytes = found.f_bavail.saturating_mul(found.f_frsize);
    // Some file systems do not count them.
    Some(Left { bytes, files: found.f_files == 0 || found.f_favail > 0 })
}

/// What keeps another file from being written beside this one.
fn refused_beside(path: &Path) -> Option<Lack> {
    let written = tempfile::tempfile_in(path.parent()?).and_then(|mut file| {
        file.write_all(&[0; TRIAL])?;
        file.sync_data()
    });
    written.err().as_ref().and_then(Lack::of_system)
}

/// Whether a database, or what lies beside it, is as large as a file may be.
fn is_at_the_limit(database: &Path, limit: Option<u64>) -> bool {
    let size = |end: &str| {
        let mut path = database.as_os_str().to_owned();
        path.push(end);
        fs::metadata(PathBuf::from(path)).map_or(0, |found| found.len())
    };
    let largest = ["", "-wal", "-shm"].map(size).into_iter().max().unwrap_or_default();
    limit.is_some_and(|limit| largest.saturating_add(TRIAL as u64) >= limit)
}

/// What an error of SQLite says is lacking, by what there is where the database is. A limit of the database itself has
/// the same code as a full disk, and other codes have other reasons too; quotas and limits have none.
pub(crate) fn lack_for(error: &rusqlite::Error, database: &Path) -> Option<Lack> {
    let code = code(error)?;
    lack_by_disk(code, || left(database)).or_else(|| {
        let other = may_lack(code).then(|| refused_beside(database)).flatten();
        let limited = || is_at_the_limit(database, getrlimit(Resource::Fsize).current);
        other.or_else(|| (may_lack(code) && limited()).then_some(Lack::FileSize))
    })
}

fn lack_by_disk(code: i32, left: impl FnOnce() -> Option<Left>) -> Option<Lack> {
    let lacks = match code {
        FULL => left().is_none_or(Left::nothing),
        code => may_lack(code) && left().is_some_and(Left::nothing),
    };
    lacks.then_some(Lack::Space)
}

/// Codes whose reason may be that there is no room, and may be another.
fn may_lack(code: i32) -> bool {
    matches!(code, CANNOT_OPEN | WRITE | SYNC | TRUNCATE | OPEN_SHARED | SHARED_SIZE)
}

/// What an error, without its causes, says is lacking.
pub(crate) fn lack(error: &(dyn Error + 'static)) -> Option<Lack> {
    if let Some(error) = error.downcast_ref::<io::Error>() {
        return Lack::of_system(error);
    }
    let code = error.downcast_ref().and_then(code)?;
    matches!(code, FULL | SHARED_SIZE).then_some(Lack::Space)
}

/// An error of the system in words.
pub(crate) fn words(error: &io::Error) -> String {
    Lack::of_system(error).map_or_else(|| error.to_string(), |lack| lack.words().to_owned())
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
            for none in [full, no_files] {
                assert_eq!(lack_by_disk(code, || none), Some(Lack::Space), "{code}");
            }
            assert_eq!(lack_by_disk(code, || enough), None, "{code}");
            assert_eq!(lack_by_disk(code, || None).is_some(), code == FULL, "{code}");
        }
        for code in [ffi::SQLITE_BUSY, ffi::SQLITE_CORRUPT, ffi::SQLITE_IOERR_READ, ffi::SQLITE_TOOBIG] {
            assert_eq!(lack_by_disk(code, || full), None, "{code}");
        }
    }

    #[test]
    fn a_database_at_the_limit_of_a_file_is_told_by_its_size() {
        let folder = tempfile::tempdir().unwrap_or_else(|error| unreachable!("{error}"));
        let database = folder.path().join("shop.db");
        assert!(!is_at_the_limit(&database, None) && !is_at_the_limit(&database, Some(1 << 20)));
        assert!(is_at_the_limit(&database, Some(4096)), "no database is that small");
        let made = fs::write(folder.path().join("shop.db-wal"), vec![0; 1 << 20]);
        assert!(made.is_ok() && is_at_the_limit(&database, Some(1 << 20)) && !is_at_the_limit(&database, None));
        assert!(!is_at_the_limit(&database, Some(2 << 20)));
        assert_eq!(refused_beside(&database), None);
        assert_eq!(lack_for(&sqlite(WRITE), &database), None, "a disk with room, and no limit");
    }

    #[test]
    fn errors_of_the_system_and_of_sqlite_are_known_without_a_path() {
        let of_system = |code| io::Error::from_raw_os_error(code);
        for (code, expected, said) in [
            (28, Some(Lack::Space), "no space is left"),
            (122, Some(Lack::Quota), "quota is used up"),
            (27, Some(Lack::FileSize), "may not become larger"),
            (13, None, "ermission"),
        ] {
            assert_eq!(lack(&of_system(code)), expected, "{code}");
            let words = words(&of_system(code));
            assert!(words.contains(said) && words.contains("os error") == expected.is_none(), "{words}");
        }
        assert_eq!(lack(&sqlite(FULL)).and(lack(&sqlite(SHARED_SIZE))), Some(Lack::Space));
        assert_eq!(lack(&sqlite(WRITE)), None);
    }

    #[test]
    fn the_disk_of_a_file_that_is_not_there_yet_is_that_of_its_folder() {
        let folder = tempfile::tempdir().unwrap_or_else(|error| unreachable!("{error}"));
        assert_eq!(left(&folder.path().join("a/b")).map(|left| left.files), left(folder.path()).map(|left| left.files));
        assert!(left(folder.path()).is_some());
    }
}
