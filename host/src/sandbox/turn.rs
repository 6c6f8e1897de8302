//! One maker of machine code at a time for each component.
//!
//! Many connectors share what is compiled, and a batch starts many at once: the first makes it, the others wait and
//! find it. A component that takes long to compile keeps only those waiting that are the same.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

/// Held while machine code is made.
pub(crate) struct Turn {
    _file: File,
    path: PathBuf,
}

impl Turn {
    /// Waits for others who make the same.
    pub(super) fn take(path: PathBuf) -> io::Result<Self> {
        let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(&path)?;
        file.lock()?;
        Ok(Self { _file: file, path })
    }
}

impl Drop for Turn {
    /// Whoever waits with this file goes on; whoever comes later makes another, and finds what was made.
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_turn_is_had_by_one_at_a_time_and_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.lock");
        let turn = Turn::take(path.clone()).unwrap();
        let other = File::open(&path).unwrap();
        assert!(other.try_lock().is_err());
        drop(turn);
        assert!(!path.exists());
        other.try_lock().unwrap();
    }
}
