//! How much memory there is, of the machine and of the control group this process may be confined to.

use std::fs;
use std::path::{Path, PathBuf};

/// Memory in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Memory {
    /// All of it.
    pub(super) total: u64,
    /// What can be had without taking it from anybody.
    pub(super) available: u64,
}

/// What the machine has; known on Linux.
pub(super) fn of_machine() -> Option<Memory> {
    fs::read_to_string("/proc/meminfo").ok().and_then(|text| meminfo(&text))
}

fn meminfo(text: &str) -> Option<Memory> {
    let read = |name: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
    };
    Some(Memory { total: read("MemTotal")?, available: read("MemAvailable")? })
}

/// Where control groups are.
const GROUPS: &str = "/sys/fs/cgroup";

/// What the narrowest control group has that this process is in, if one has a limit.
pub(super) fn of_group() -> Option<Memory> {
    narrowest(Path::new(GROUPS), &own()?)
}

/// What a file of this process's control group says.
pub(super) fn file_of_group(name: &str) -> Option<String> {
    fs::read_to_string(Path::new(GROUPS).join(own()?).join(name)).ok()
}

/// The control group of this process.
fn own() -> Option<String> {
    let own = fs::read_to_string("/proc/self/cgroup").ok()?;
    own.lines().find_map(|line| line.strip_prefix("0::/")).map(str::to_owned)
}

fn narrowest(root: &Path, path: &str) -> Option<Memory> {
    let own: PathBuf = root.join(path);
    let groups = own.ancestors().take_while(|group| group.starts_with(root));
    groups.filter_map(group).min_by_key(|memory| memory.available)
}

fn group(folder: &Path) -> Option<Memory> {
    let read = |name: &str| fs::read_to_string(folder.join(name)).ok();
    // Without a limit it says `max`.
    let total: u64 = read("memory.max")?.trim().parse().ok()?;
    let used: u64 = read("memory.current")?.trim().parse().ok()?;
    // Pages of files that nobody uses at the moment are given back when they are needed.
    let unused = read("memory.stat")?.lines().find_map(|line| line.strip_prefix("inactive_file ")?.parse().ok());
    Some(Memory { total, available: total.saturating_sub(used.saturating_sub(unused.unwrap_or(0))) })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn what_the_machine_has_is_read() {
        let text = "MemTotal:  4096 kB\nMemFree: 1 kB\nMemAvailable:    2048 kB\n";
        assert_eq!(meminfo(text), Some(Memory { total: 4 << 20, available: 2 << 20 }));
        assert_eq!(meminfo("MemTotal: 9 kB\n"), None);
    }

    #[test]
    fn the_narrowest_group_counts() {
        let root = tempfile::tempdir().unwrap();
        let inner = root.path().join("system.slice/sluice.service");
        fs::create_dir_all(&inner).unwrap();
        let write = |folder: &Path, max: &str, current: u64, unused: u64| {
            fs::write(folder.join("memory.max"), format!("{max}\n")).unwrap();
            fs::write(folder.join("memory.current"), format!("{current}\n")).unwrap();
            fs::write(folder.join("memory.stat"), format!("anon 5\ninactive_file {unused}\n")).unwrap();
        };
        assert_eq!(narrowest(root.path(), "system.slice/sluice.service"), None);
        write(&inner, "max", 10, 0);
        assert_eq!(narrowest(root.path(), "system.slice/sluice.service"), None);
        write(inner.parent().unwrap(), "1000", 900, 300);
        assert_eq!(narrowest(root.path(), "system.slice/sluice.service"), Some(Memory { total: 1000, available: 400 }));
        write(&inner, "500", 450, 0);
        assert_eq!(narrowest(root.path(), "system.slice/sluice.service"), Some(Memory { total: 500, available: 50 }));
    }
}
