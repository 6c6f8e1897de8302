//! What tells that a component or a project was written or replaced since, without reading it.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::compiler::lock::LOCK;
use crate::compiler::project::{self, MAX_DEPTH, MAX_FILES};

/// The kernel's clock for files goes in steps: what was changed a moment ago could change once more within one.
const STEP: Duration = Duration::from_secs(1);

/// The print of a component, or of all files that a project is built from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Print(BTreeMap<PathBuf, Mark>);

/// Tells a file that was replaced or written since; nobody can set the time of its last change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Mark {
    place: (u64, u64),
    size: u64,
    changed: (i64, i64),
}

impl Print {
    /// That of a file or folder as it is now; `None` when there is none that tells, such as of a project that is being
    /// written.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let found = fs::metadata(path).ok()?;
        let mut print = Self(BTreeMap::new());
        if found.is_file() {
            print.0.insert(path.to_path_buf(), Mark::of(&found));
            return Some(print);
        }
        print.walk(path, 0)?;
        if let Ok(found) = fs::metadata(path.join(LOCK)) {
            print.0.insert(path.join(LOCK), Mark::of(&found));
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
        print.0.values().all(|mark| mark.is_older(now)).then_some(print)
    }

    /// The files that [`project::Project::read`] would read.
    fn walk(&mut self, folder: &Path, depth: usize) -> Option<()> {
        for entry in fs::read_dir(folder).ok()? {
            let path = entry.ok()?.path();
            if !project::is_part(path.file_name()?.to_str()?, depth) {
                continue;
            }
            let found = fs::metadata(&path).ok()?;
            if self.0.len() >= MAX_FILES || depth > MAX_DEPTH {
                return None;
            }
            if !found.is_dir() {
                self.0.insert(path, Mark::of(&found));
            } else if !path.join("pyvenv.cfg").exists() {
                self.walk(&path, depth + 1)?;
            }
        }
        Some(())
    }
}

impl Mark {
    fn of(found: &Metadata) -> Self {
        Self { place: (found.dev(), found.ino()), size: found.size(), changed: (found.ctime(), found.ctime_nsec()) }
    }

    fn is_older(&self, now: Duration) -> bool {
        let (seconds, nanoseconds) = self.changed;
        let changed = u64::try_from(seconds).ok().zip(u32::try_from(nanoseconds).ok());
        changed.is_some_and(|(seconds, nanoseconds)| Duration::new(seconds, nanoseconds) + STEP < now)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    /// The print of a project once nobody has written it for long enough.
    fn later(folder: &Path) -> Print {
        loop {
            if let Some(print) = Print::of(folder) {
                return print;
            }
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_project_that_changed_has_another_print() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("connector.py"), "x = 1\n").unwrap();
        fs::create_dir(path("shop")).unwrap();
        fs::write(path("shop/pages.py"), "y = 1\n").unwrap();
        assert_eq!(Print::of(folder.path()), None, "it is being written");
        let first = later(folder.path());
        assert_eq!(first, later(folder.path()));

        // What is no part of it does not count.
        for name in ["configuration.json", ".hidden", "shop/pages.pyc", "data.db"] {
            fs::write(path(name), "{}").unwrap();
        }
        assert_eq!(first, later(folder.path()));

        let modified = fs::metadata(path("shop/pages.py")).unwrap().modified().unwrap();
        fs::write(path("shop/pages.py"), "y = 2\n").unwrap();
        fs::File::options().write(true).open(path("shop/pages.py")).unwrap().set_modified(modified).unwrap();
        let second = later(folder.path());
        assert_ne!(first, second, "of one size, and as old as before by what it says itself");

        fs::write(path(LOCK), "").unwrap();
        let third = later(folder.path());
        assert_ne!(second, third);
        fs::remove_file(path("shop/pages.py")).unwrap();
        assert_ne!(third, later(folder.path()));
    }

    #[test]
    fn a_component_is_known_by_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop.wasm");
        assert_eq!(Print::of(&path), None);
        fs::write(&path, "one").unwrap();
        let first = Print::of(&path).unwrap();
        assert_eq!(Print::of(&path), Some(first.clone()));
        fs::write(&path, "three").unwrap();
        assert_ne!(Print::of(&path), Some(first));
    }
}
