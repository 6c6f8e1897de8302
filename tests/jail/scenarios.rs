//! The parent's side: starts workers that attack, and says what must have come of it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::process::ExitCode;
use std::sync::atomic::Ordering;
use std::time::Duration;

use sluicegate::error::SyncError;
use sluicegate::policy::limits::Limits;
use sluicegate::sandbox::AdmissionError;
use sluicegate::worker::{self, Wanted};

use crate::component::idle;
use crate::harness::{COPIED, ESCAPED, caches, host_error, launch, open, sync, sync_into};
use crate::prey::{Prey, expect};
use crate::probes::{self, Targets};
use crate::{building, dear, forged, lacking, templates};

const SCENARIOS: [(&str, fn()); 21] = [
    ("an_escaped_worker_reaches_nothing", reaches_nothing),
    ("an_escaped_worker_has_no_privileges", no_privileges),
    ("what_the_parent_has_open_is_not_inherited", nothing_inherited),
    ("landlock_alone_keeps_files_ports_and_signals", landlock_alone),
    ("seccomp_alone_keeps_everything", seccomp_alone),
    ("a_missing_layer_is_told_and_refused_on_demand", missing_layers),
    ("a_worker_that_crashes_is_reported", crashes),
    ("a_worker_that_talks_nonsense_is_ended", nonsense),
    ("a_worker_that_claims_success_is_not_believed_silently", silent),
    ("a_worker_that_spins_is_ended_by_its_wall_time", spins),
    ("what_cannot_be_compiled_is_a_clear_refusal", refusals),
    ("forged_frames_end_the_worker_and_change_nothing", forgeries),
    ("a_build_tool_that_was_taken_over_reaches_nothing", building::reaches_nothing),
    ("a_component_that_is_dear_to_compile_ends_in_bounds", dear::bomb),
    ("calls_without_end_whose_answers_nobody_reads_take_no_memory", flood),
    ("a_machine_that_lacks_a_layer_is_told_and_refused", lacking::is_told_and_refused),
    ("on_a_machine_that_lacks_a_layer_the_rest_holds", lacking::the_rest_holds),
    ("a_template_that_is_killed_takes_its_workers_along_and_the_next_is_started", templates::killed),
    ("a_copy_that_is_killed_is_reported_and_touches_no_other", templates::copy_killed),
    ("templates_and_their_workers_end_with_their_parent", templates::orphaned),
    ("nothing_of_one_copy_is_in_the_memory_of_the_next", templates::memory),
];

/// Those about templates.
const COPIES_ONLY: [&str; 4] = [
    "a_template_that_is_killed_takes_its_workers_along_and_the_next_is_started",
    "a_copy_that_is_killed_is_reported_and_touches_no_other",
    "templates_and_their_workers_end_with_their_parent",
    "nothing_of_one_copy_is_in_the_memory_of_the_next",
];

/// Those that have no worker, or run the others.
const STARTED_ONLY: [&str; 5] = [
    "a_machine_that_lacks_a_layer_is_told_and_refused",
    "on_a_machine_that_lacks_a_layer_the_rest_holds",
    "what_cannot_be_compiled_is_a_clear_refusal",
    "a_build_tool_that_was_taken_over_reaches_nothing",
    "a_component_that_is_dear_to_compile_ends_in_bounds",
];

pub fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    if let Some(code) = worker::main(arguments.clone()) {
        return code;
    }
    if arguments.get(1).is_some_and(|first| first == ESCAPED) {
        return escaped(&arguments[2..]);
    }
    if arguments.get(1).is_some_and(|first| first == templates::PARENT) {
        return templates::parent();
    }
    if arguments.get(1).is_some_and(|first| first == dear::BOUNDED) {
        return dear::bounded(&arguments[2..]);
    }
    let filters: Vec<_> =
        arguments[1..].iter().filter_map(|text| text.to_str()).filter(|f| !f.starts_with('-')).collect();
    for (name, scenario) in SCENARIOS {
        if filters.is_empty() || filters.iter().any(|filter| name.contains(filter)) {
            // A panic ends the program with its message, and with it the suite.
            COPIED.store(false, Ordering::Relaxed);
            if !COPIES_ONLY.contains(&name) {
                scenario();
                println!("test jail::{name} ... ok");
            }
            if !STARTED_ONLY.contains(&name) {
                COPIED.store(true, Ordering::Relaxed);
                scenario();
                println!("test jail::{name} ... ok, in copies of a template");
            }
        }
    }
    ExitCode::SUCCESS
}

/// The worker: native code after the jail has closed.
fn escaped(arguments: &[OsString]) -> ExitCode {
    let text = |at: usize| arguments[at].to_str().unwrap().to_owned();
    let (layers, what) = (text(0), text(1));
    let with = |layer: &str| layers == "whole" || layers == layer;
    let wanted = Wanted { landlock: with("landlock"), seccomp: with("seccomp") };
    // Known before the jail: asking is forbidden there.
    let parent = std::os::unix::process::parent_id().into();
    // In a copy that is the template's number.
    let first = std::process::id();
    worker::escaped(wanted, |tell| match what.as_str() {
        "probe" => {
            for (name, count) in probes::surroundings() {
                tell(&format!("{name}={count}"));
            }
            let mut say = |name: &str, answer: std::io::Result<()>| {
                let answer = answer.err().map_or(0, |error| error.raw_os_error().unwrap_or(-1));
                tell(&format!("{name}={answer}"));
            };
            let targets = Targets::parse(&arguments[2..]);
            for (name, answer) in probes::all(&targets, parent) {
                say(name, answer);
            }
            if std::process::id() != first {
                for (name, answer) in probes::all(&targets, first.into()) {
                    say(&format!("template: {name}"), answer);
                }
            }
        }
        "status" => {
            for (name, value) in probes::status() {
                tell(&format!("{name}={value}"));
            }
        }
        "crash" => {
            // SAFETY: it is not, on purpose.
            unsafe { std::ptr::null_mut::<u8>().write_volatile(1) }
        }
        "nonsense" => {
            let frame = [0xff_u8; 64];
            // SAFETY: bytes that live during the call, into the channel.
            unsafe { libc::write(0, frame.as_ptr().cast(), frame.len()) };
        }
        "silent" => {
            // SAFETY: ends this process as if all were well.
            unsafe { libc::_exit(0) }
        }
        "spin" => loop {
            std::hint::spin_loop();
        },
        "none" => {}
        "count" => tell(&format!("asked={}", templates::asked())),
        "flood" => forged::flood(),
        "forge" => forged::forge(&text(2)),
        other => panic!("no such attack: {other}"),
    })
}

fn reaches_nothing() {
    let prey = Prey::new();
    expect(&prey.attacked("whole"), |(_, whole, _)| *whole);
    prey.unhurt();
}

/// Both overlapping layers set it too, so that it is looked at without them.
fn no_privileges() {
    let (report, lines) = sync(&launch("neither", "status", &[]), Limits::default());
    assert_eq!(report.result, Ok(()));
    let status: BTreeMap<_, _> = lines.iter().filter_map(|line| line.split_once('=')).collect();
    assert_eq!(status.get("NoNewPrivs"), Some(&"1"), "{lines:?}");
    for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
        assert_eq!(status.get(set), Some(&"0000000000000000"), "{set}: {lines:?}");
    }
}

/// As a library of the parent might leave them: not closed when a program starts.
fn nothing_inherited() {
    let open = fs::File::open("/etc/passwd").unwrap();
    let kept: Vec<_> = (0..20)
        .map(|_| {
            // SAFETY: a new descriptor of an open file, which the line below owns.
            let descriptor = unsafe { libc::dup(std::os::fd::AsRawFd::as_raw_fd(&open)) };
            assert!(descriptor >= 0);
            // SAFETY: nobody else has it.
            unsafe { <fs::File as std::os::fd::FromRawFd>::from_raw_fd(descriptor) }
        })
        .collect();
    let answers = Prey::new().attacked("whole");
    assert!(answers["descriptors"] <= 8, "{answers:#?}");
    drop(kept);
}

fn landlock_alone() {
    if !probes::kernel_has_landlock() {
        println!("this kernel has no Landlock");
        return;
    }
    let prey = Prey::new();
    expect(&prey.attacked("landlock"), |(_, _, landlock)| *landlock);
    prey.unhurt();
}

fn seccomp_alone() {
    let prey = Prey::new();
    expect(&prey.attacked("seccomp"), |(_, seccomp, _)| *seccomp);
    prey.unhurt();
}

fn missing_layers() {
    for (layers, missing) in [("seccomp", "Landlock"), ("landlock", "seccomp")] {
        let mut launch = launch(layers, "none", &[]);
        let told = open(&launch, &Limits::default()).unwrap().layers().missing();
        assert!(told.contains(&missing), "{told:?}");
        launch.require_jail = true;
        let refused = open(&launch, &Limits::default()).expect_err("it is not whole").to_string();
        assert!(refused.contains(missing) && refused.contains("--require-jail"), "{refused}");
    }
}

fn crashes() {
    let (report, _) = sync(&launch("whole", "crash", &[]), Limits::default());
    let text = host_error(&report);
    assert!(text.contains("SIGSEGV") && text.contains("checkpointed stays"), "{text}");
}

fn nonsense() {
    let (report, _) = sync(&launch("whole", "nonsense", &[]), Limits::default());
    let text = host_error(&report);
    assert!(text.contains("makes no sense") && text.contains("the limit is"), "{text}");
}

fn silent() {
    let (report, _) = sync(&launch("whole", "silent", &[]), Limits::default());
    let text = host_error(&report);
    assert!(text.contains("exited with code 0"), "{text}");
}

fn spins() {
    let mut limits = Limits::default();
    limits.wall = Duration::from_millis(200);
    let (report, _) = sync(&launch("whole", "spin", &[]), limits);
    match report.result {
        Err(SyncError::Limit(reached)) => assert_eq!(reached.what, "wall time"),
        other => panic!("{other:?}"),
    }
}

fn refusals() {
    let refused = worker::admit(&caches(), b"not a component", &Limits::default(), || {}).err().unwrap();
    assert!(matches!(refused, AdmissionError::Nonconforming(_)), "{refused}");
    let mut limits = Limits::default();
    limits.component_bytes = 10;
    let refused = worker::admit(&caches(), &idle(), &limits, || {}).err().unwrap();
    assert!(matches!(refused, AdmissionError::TooLarge { .. }), "{refused}");
}

/// What came before the forgery was checkpointed and stays; nothing else is there.
fn forgeries() {
    for forgery in forged::all() {
        let name = forgery.name;
        let warehouse = tempfile::tempdir().unwrap();
        let (report, _) = sync_into(warehouse.path(), &launch("whole", "forge", &[name.into()]), Limits::default());
        let text = report.result.expect_err(name).to_string();
        assert!(text.contains(forgery.says), "{name}: {text}");
        println!("    {name}: {text}");
        let database = rusqlite::Connection::open(warehouse.path().join("escaped.db")).unwrap();
        let one = |sql: &str| database.query_row(sql, [], |row| row.get::<_, String>(0)).unwrap();
        assert_eq!(one("PRAGMA integrity_check"), "ok", "{name}");
        assert_eq!(one("SELECT group_concat(id) FROM kept"), "1", "{name}");
        let tables = one(
            "SELECT group_concat(name) FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\'",
        );
        assert_eq!(tables, "kept", "{name}");
        let files =
            fs::read_dir(warehouse.path()).unwrap().map(|file| file.unwrap().file_name().into_string().unwrap());
        assert!(files.into_iter().all(|file| file.starts_with("escaped.")), "{name}");
    }
}

/// The most memory this process had since it was last asked to forget, in bytes.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

fn flood() {
    let mut limits = Limits::default();
    limits.wall = Duration::from_secs(3);
    fs::write("/proc/self/clear_refs", "5").unwrap();
    let before = peak();
    let (report, _) = sync(&launch("whole", "flood", &[]), limits);
    match report.result {
        Err(SyncError::Limit(reached)) => assert_eq!(reached.what, "wall time"),
        other => panic!("{other:?}"),
    }
    // The kernel counts pages by processor and adds up late: what it says may be a few pages less than before.
    let grown = peak().saturating_sub(before);
    assert!(grown < 256 << 20, "the parent grew by {grown} bytes");
    println!("    the parent grew by {} KiB", grown / 1024);
}
