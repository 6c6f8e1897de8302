//! Which process runs a sync, and whether it still does.

use std::fs;
use std::io::Read as _;
use std::sync::OnceLock;

use rustix::process::{Pid, geteuid, getpid, test_kill_process};

/// Of `/etc/passwd`.
const PASSWD_BYTES: u64 = 4 << 20;

/// This process: its number, when it started, and in which space of numbers that is so.
#[must_use]
pub fn this_process() -> String {
    static THIS: OnceLock<String> = OnceLock::new();
    let this = || {
        let pid = getpid();
        format!("{} {} {}", pid.as_raw_nonzero(), started(pid).unwrap_or_default(), space())
    };
    THIS.get_or_init(this).clone()
}

/// Whether the process of this text is there; `None` when that cannot be seen from here.
pub(super) fn is_alive(process: &str) -> Option<bool> {
    let mut parts = process.splitn(3, ' ');
    let pid = Pid::from_raw(parts.next()?.parse().ok()?)?;
    let (since, of) = (parts.next()?, parts.next()?);
    if of != space() {
        return None;
    }
    // Whoever may not send a signal learns that there is somebody.
    if test_kill_process(pid).is_err_and(|error| error == rustix::io::Errno::SRCH) {
        return Some(false);
    }
    // The number may be another process's by now.
    let Some(stat) = Stat::of(pid) else { return Some(true) };
    Some(!stat.has_ended && (since.is_empty() || stat.started == since))
}

/// When a process started, in the kernel's own unit; known on Linux.
fn started(pid: Pid) -> Option<String> {
    Stat::of(pid).map(|stat| stat.started)
}

/// What Linux says of a process.
struct Stat {
    started: String,
    /// It has ended and only its parent does not know yet.
    has_ended: bool,
}

impl Stat {
    fn of(pid: Pid) -> Option<Self> {
        Self::read(&fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok()?)
    }

    fn read(stat: &str) -> Option<Self> {
        // The name in parentheses may hold anything.
        let (_, fields) = stat.rsplit_once(')')?;
        let fields: Vec<_> = fields.split_ascii_whitespace().collect();
        let (state, threads, started) = (fields.first()?, fields.get(17)?, fields.get(19)?);
        // Where the first thread has ended, others may still write.
        let has_ended = matches!(*state, "Z" | "X" | "x") && threads.parse().is_ok_and(|threads: u32| threads <= 1);
        Some(Self { started: (*started).to_owned(), has_ended })
    }
}

/// The numbers of processes mean something on one machine, since it was started, in one container.
fn space() -> &'static str {
    static SPACE: OnceLock<String> = OnceLock::new();
    SPACE.get_or_init(|| {
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let namespace = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
        format!("{} {}", boot.trim(), namespace.display())
    })
}

/// The name of the user this process acts as; what the environment says of it is not asked.
#[must_use]
pub fn user() -> String {
    static USER: OnceLock<String> = OnceLock::new();
    USER.get_or_init(name_of_user).clone()
}

fn name_of_user() -> String {
    let id = geteuid().as_raw().to_string();
    let mut passwd = String::new();
    let read = fs::File::open("/etc/passwd").and_then(|file| file.take(PASSWD_BYTES).read_to_string(&mut passwd));
    let name = read.ok().and_then(|_| {
        passwd.lines().find_map(|line| {
            let mut fields = line.split(':');
            let name = fields.next()?;
            (fields.nth(1)? == id).then(|| name.to_owned())
        })
    });
    name.unwrap_or_else(|| format!("user {id}"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn one_that_nobody_has_buried_is_dead() {
        use rustix::process::{WaitId, WaitIdOptions, waitid};
        let mut child = std::process::Command::new("sleep").arg("1000").spawn().unwrap();
        let pid = Pid::from_child(&child);
        let process = format!("{} {} {}", child.id(), started(pid).unwrap(), space());
        assert_eq!(is_alive(&process), Some(true));
        child.kill().unwrap();
        // Waits for its end and leaves it as it is.
        waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT).unwrap();
        assert!(test_kill_process(pid).is_ok(), "it has been buried");
        assert_eq!(is_alive(&process), Some(false));
        child.wait().unwrap();
    }

    #[test]
    fn a_process_lives_as_long_as_one_of_its_threads() {
        let stat = |state: &str, threads: u32| {
            let stat = format!("7 (a) b) {state} 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 {threads} 0 1234 0 0");
            Stat::read(&stat).map(|stat| (stat.started, stat.has_ended)).unwrap()
        };
        assert_eq!(stat("S", 1), ("1234".to_owned(), false));
        assert_eq!(stat("Z", 1), ("1234".to_owned(), true));
        assert_eq!(stat("Z", 3), ("1234".to_owned(), false));
        assert!(Stat::read("7 (sluice) R 1").is_none());
    }

    #[test]
    fn a_process_is_known_by_more_than_its_number() {
        let this = this_process();
        assert_eq!(is_alive(&this), Some(true));
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let parts: Vec<_> = this.splitn(3, ' ').collect();
        child.wait().unwrap();
        assert_eq!(is_alive(&format!("{} {} {}", child.id(), parts[1], parts[2])), Some(false));
        assert_eq!(is_alive(&format!("{} 1 {}", parts[0], parts[2])), Some(false), "the number of another one");
        assert_eq!(is_alive(&format!("{} {} elsewhere", parts[0], parts[1])), None);
        assert_eq!(is_alive("nonsense"), None);
        assert!(!user().is_empty());
    }
}
