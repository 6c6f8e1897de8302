//! Templates: what becomes of them and their copies when one is killed, and what a copy has of another.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use sluicegate::policy::limits::Limits;

use crate::harness::{host_error, launch, open, sync_worker};

/// What makes this program a parent that is killed.
pub const PARENT: &str = "__parent";
/// How long what must happen soon may take.
const SOON: Duration = Duration::from_secs(60);

/// Counts how often it was asked, in the memory of this process.
pub fn asked() -> u32 {
    static ASKED: AtomicU32 = AtomicU32::new(0);
    ASKED.fetch_add(1, Ordering::Relaxed)
}

/// Whether this machine has the system calls that templates need.
pub fn are_possible() -> bool {
    // SAFETY: numbers; nothing is open there.
    let closes = unsafe { libc::syscall(libc::SYS_close_range, u32::MAX - 1, u32::MAX, 0) } == 0;
    let own = rustix::process::getpid();
    closes && rustix::process::pidfd_open(own, rustix::process::PidfdFlags::empty()).is_ok()
}

fn children(of: u32) -> BTreeSet<u32> {
    let tasks = fs::read_dir(format!("/proc/{of}/task")).unwrap();
    let texts = tasks.filter_map(|task| fs::read_to_string(task.unwrap().path().join("children")).ok());
    texts.flat_map(|text| text.split_whitespace().map(|pid| pid.parse().unwrap()).collect::<Vec<_>>()).collect()
}

fn kill(pid: u32) {
    let pid = rustix::process::Pid::from_raw(pid.try_into().unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
}

/// Whether it is no more, or only waits to be buried.
fn is_over(pid: u32) -> bool {
    match fs::read_to_string(format!("/proc/{pid}/stat")) {
        Ok(stat) => stat.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with('Z')),
        Err(_) => true,
    }
}

/// Waits until all of them are over.
fn wait_for(pids: &BTreeSet<u32>) {
    let since = Instant::now();
    while !pids.iter().all(|pid| is_over(*pid)) {
        assert!(since.elapsed() < SOON, "{pids:?} outlive their parent");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn only(mut pids: BTreeSet<u32>) -> u32 {
    assert_eq!(pids.len(), 1, "{pids:?}");
    pids.pop_first().unwrap()
}

pub fn killed() {
    let (launch, limits) = (launch("whole", "none", &[]), Limits::default());
    let before = children(std::process::id());
    let copies = [open(&launch, &limits).unwrap(), open(&launch, &limits).unwrap()];
    let template = only(&children(std::process::id()) - &before);
    let made = children(template);
    assert_eq!(made.len(), 2, "{made:?}");
    kill(template);
    wait_for(&made);
    for copy in copies {
        let text = host_error(&sync_worker(tempfile::tempdir().unwrap().path(), copy, &limits).0);
        assert!(text.contains("SIGKILL") && text.contains("checkpointed stays"), "{text}");
    }
    let next = open(&launch, &limits).unwrap();
    assert_eq!(sync_worker(tempfile::tempdir().unwrap().path(), next, &limits).0.result, Ok(()));
}

pub fn copy_killed() {
    let (launch, limits) = (launch("whole", "none", &[]), Limits::default());
    let before = children(std::process::id());
    let first = open(&launch, &limits).unwrap();
    let template = only(&children(std::process::id()) - &before);
    let copy = only(children(template));
    let second = open(&launch, &limits).unwrap();
    kill(copy);
    let text = host_error(&sync_worker(tempfile::tempdir().unwrap().path(), first, &limits).0);
    assert!(text.contains("SIGKILL"), "{text}");
    assert_eq!(sync_worker(tempfile::tempdir().unwrap().path(), second, &limits).0.result, Ok(()));
    let since = Instant::now();
    while !children(template).is_empty() {
        assert!(since.elapsed() < SOON, "what ended is not waited for");
        std::thread::sleep(Duration::from_millis(5));
    }
}

pub fn orphaned() {
    let own = std::env::current_exe().unwrap();
    let mut parent = Command::new(own).arg(PARENT).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(parent.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let pids: BTreeSet<u32> = line.split_whitespace().map(|pid| pid.parse().unwrap()).collect();
    assert_eq!(pids.len(), 2, "{line}");
    assert!(pids.iter().all(|pid| !is_over(*pid)), "{pids:?}");
    kill(parent.id());
    parent.wait().unwrap();
    wait_for(&pids);
}

/// A process with a template and a copy, whose numbers it says.
pub fn parent() -> ExitCode {
    let (mut launch, limits) = (launch("whole", "none", &[]), Limits::default());
    launch.templates = Some(std::sync::Arc::default());
    let _copy = open(&launch, &limits).unwrap();
    let template = only(children(std::process::id()));
    println!("{template} {}", only(children(template)));
    let _ = std::io::stdin().read(&mut [0]);
    ExitCode::SUCCESS
}

pub fn memory() {
    let (launch, limits) = (launch("whole", "count", &[] as &[OsString]), Limits::default());
    for _ in 0..3 {
        let worker = open(&launch, &limits).unwrap();
        let (report, lines) = sync_worker(tempfile::tempdir().unwrap().path(), worker, &limits);
        assert_eq!(report.result, Ok(()));
        assert_eq!(lines, ["asked=0"], "something of another copy is in its memory");
    }
}
