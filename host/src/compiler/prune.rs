//! Keeps the cache from growing without end.
//!
//! What was not used for longest goes first. Nothing that was used within the last hour is removed, so that no build
//! or sync under way loses what it is about to read; everything else in the cache can be made again.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Most bytes of the cache unless the operator says otherwise.
pub const DEFAULT_CACHE_BYTES: u64 = 5 << 30;
/// How long something that nobody uses is kept.
pub const MAX_AGE: Duration = Duration::from_secs(90 * 24 * 60 * 60);
/// How long something is certainly kept after its last use.
pub const GRACE: Duration = Duration::from_secs(60 * 60);
const MAX_DEPTH: usize = 32;
/// Folders whose entries are made from something else, and what of each shows its last use.
const PLACES: [(&str, Option<&str>); 5] =
    [("components", None), ("code", None), ("bytecode", None), ("dependencies", Some("probes.json")), ("built", None)];

/// What was removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Entries.
    pub entries: u64,
    /// Their bytes.
    pub bytes: u64,
}

struct Entry {
    path: PathBuf,
    used: SystemTime,
    bytes: u64,
}

/// Removes what is older than [`MAX_AGE`], and then what was not used for longest until at most `limit` bytes are left.
///
/// What cannot be removed stays: a cache is no reason for a build to fail.
#[must_use]
pub fn prune(cache: &Path, limit: u64, now: SystemTime) -> Pruned {
    let mut entries: Vec<Entry> =
        PLACES.iter().flat_map(|(folder, mark)| entries(&cache.join(folder), *mark)).collect();
    entries.sort_by_key(|entry| entry.used);
    let mut left: u64 = entries.iter().map(|entry| entry.bytes).sum();
    let mut pruned = Pruned::default();
    for entry in entries {
        let age = now.duration_since(entry.used).unwrap_or_default();
        if age <= GRACE || (age <= MAX_AGE && left <= limit) {
            continue;
        }
        if remove(&entry.path) {
            left = left.saturating_sub(entry.bytes);
            pruned.entries += 1;
            pruned.bytes += entry.bytes;
        }
    }
    pruned
}

/// Notes that a file of the cache is used now.
pub(super) fn touch(path: &Path) {
    // A cache that cannot be written is used all the same.
    let _ = fs::File::open(path).and_then(|file| file.set_modified(SystemTime::now()));
}

fn entries(folder: &Path, mark: Option<&str>) -> Vec<Entry> {
    let Ok(listed) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let entry = |path: PathBuf| {
        let kind = fs::symlink_metadata(&path).ok()?;
        let shows = mark.map(|mark| path.join(mark)).and_then(|mark| fs::symlink_metadata(mark).ok());
        let used = shows.as_ref().unwrap_or(&kind).modified().ok()?;
        Some(Entry { bytes: size(&path, 0), path, used })
    };
    listed.filter_map(|listed| entry(listed.ok()?.path())).collect()
}

fn size(path: &Path, depth: usize) -> u64 {
    let Ok(kind) = fs::symlink_metadata(path) else {
        return 0;
    };
    if !kind.is_dir() || depth >= MAX_DEPTH {
        return kind.len();
    }
    let listed = fs::read_dir(path).into_iter().flatten();
    listed.filter_map(|entry| Some(size(&entry.ok()?.path(), depth + 1))).sum()
}

fn remove(path: &Path) -> bool {
    if !fs::symlink_metadata(path).is_ok_and(|kind| kind.is_dir()) {
        return fs::remove_file(path).is_ok();
    }
    // Away under its name first, so that nobody finds half of it.
    let gone = path.with_extension("removing");
    fs::rename(path, &gone).is_ok() && fs::remove_dir_all(&gone).is_ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(60 * 60);

    fn entry(cache: &Path, path: &str, bytes: usize, age: Duration) {
        let path = cache.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, vec![0; bytes]).unwrap();
        fs::File::open(&path).unwrap().set_modified(SystemTime::now() - age).unwrap();
    }

    fn left(cache: &Path) -> Vec<String> {
        let names = ["components/a.wasm", "components/b.wasm", "code/c.cwasm", "dependencies/d/site/x.py"];
        names.iter().filter(|name| cache.join(name).exists()).map(ToString::to_string).collect()
    }

    fn cache() -> tempfile::TempDir {
        let cache = tempfile::tempdir().unwrap();
        entry(cache.path(), "components/a.wasm", 100, 5 * HOUR);
        entry(cache.path(), "components/b.wasm", 100, HOUR / 2);
        entry(cache.path(), "code/c.cwasm", 100, 3 * HOUR);
        entry(cache.path(), "dependencies/d/site/x.py", 100, 9 * HOUR);
        entry(cache.path(), "dependencies/d/probes.json", 0, 4 * HOUR);
        entry(cache.path(), "toolchain-x/bin/python", 100, 9999 * HOUR);
        cache
    }

    #[test]
    fn what_was_not_used_for_longest_goes_first() {
        let cache = cache();
        assert_eq!(prune(cache.path(), 400, SystemTime::now()), Pruned::default());
        assert_eq!(prune(cache.path(), 250, SystemTime::now()).entries, 2);
        assert_eq!(left(cache.path()), ["components/b.wasm", "code/c.cwasm"]);
    }

    #[test]
    fn what_is_in_use_stays_and_so_do_the_tools() {
        let cache = cache();
        assert_eq!(prune(cache.path(), 0, SystemTime::now()).bytes, 300);
        assert_eq!(left(cache.path()), ["components/b.wasm"]);
        assert!(cache.path().join("toolchain-x/bin/python").exists());
    }

    #[test]
    fn what_nobody_uses_goes_however_small() {
        let cache = cache();
        let later = SystemTime::now() + MAX_AGE;
        assert_eq!(prune(cache.path(), u64::MAX, later).entries, 4);
        touch(&cache.path().join("nothing"));
    }
}
