//! The parent's side: starts workers that attack, and says what must have come of it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::net::TcpListener;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use sluicegate::counters::Counters;
use sluicegate::error::SyncError;
use sluicegate::http::Trust;
use sluicegate::landing::Landing;
use sluicegate::log::{Level, LogSink};
use sluicegate::policy::egress::NetworkGrants;
use sluicegate::policy::limits::Limits;
use sluicegate::sandbox::{AdmissionError, CodeCache};
use sluicegate::sync::{Network, SyncReport, SyncRequest, sync_in};
use sluicegate::worker::{self, Launch, Wanted, Worker, WorkerError};

use crate::component::{component, idle};
use crate::probes::{self, Targets};
use crate::{building, forged, lacking, templates};

/// What makes this program a worker with native code in it.
const ESCAPED: &str = "__escaped";
/// What makes it compile under limits.
const BOUNDED: &str = "__bounded";

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
    ("a_component_that_is_dear_to_compile_ends_in_bounds", bomb),
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
    if arguments.get(1).is_some_and(|first| first == BOUNDED) {
        return bounded(&arguments[2..]);
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

#[derive(Default)]
struct Lines(Mutex<Vec<String>>);

impl LogSink for Lines {
    fn line(&self, _: Level, text: &str) {
        self.0.lock().unwrap().push(text.to_owned());
    }
}

fn caches() -> CodeCache {
    let caches = Path::new(env!("CARGO_TARGET_TMPDIR")).join("caches");
    CodeCache::open(&caches.join("cache"), &caches.join("state")).unwrap()
}

/// Whether workers are copies of a template now, instead of started.
static COPIED: AtomicBool = AtomicBool::new(false);

pub(crate) fn launch(layers: &str, what: &str, more: &[OsString]) -> Launch {
    let first = [ESCAPED, layers, what].map(OsString::from);
    let arguments = first.into_iter().chain(more.iter().cloned()).collect();
    let templates = COPIED.load(Ordering::Relaxed).then(Arc::default);
    Launch { arguments, require_jail: false, templates }
}

pub(crate) fn open(launch: &Launch, limits: &Limits) -> Result<Worker, WorkerError> {
    let code = worker::admit(&caches(), &idle(), limits, || {}).unwrap();
    let worker = Worker::open(&code, limits, launch)?;
    if launch.templates.is_none() || worker.is_copy() {
        return Ok(worker);
    }
    // The first of some machine code is started, and the next is a copy.
    let next = Worker::open(&code, limits, launch)?;
    assert!(next.is_copy() || !templates::are_possible(), "there is no template");
    Ok(next)
}

fn sync(launch: &Launch, limits: Limits) -> (SyncReport, Vec<String>) {
    sync_into(tempfile::tempdir().unwrap().path(), launch, limits)
}

fn sync_into(warehouse: &Path, launch: &Launch, limits: Limits) -> (SyncReport, Vec<String>) {
    let worker = open(launch, &limits).unwrap_or_else(|error| panic!("{error}"));
    sync_worker(warehouse, worker, &limits)
}

pub(crate) fn sync_worker(warehouse: &Path, worker: Worker, limits: &Limits) -> (SyncReport, Vec<String>) {
    let lines = Arc::new(Lines::default());
    let request = SyncRequest {
        confidential: Default::default(),
        oversight: Default::default(),
        initial_state: None,
        environment: BTreeMap::new(),
        connector: "escaped".to_owned(),
        connection: "escaped".to_owned(),
        warehouse: warehouse.to_path_buf(),
        landing: Landing::default(),
        configuration: BTreeMap::new(),
        network: Network::Granted(NetworkGrants::default(), Trust::nobody()),
        limits: limits.clone(),
        log: lines.clone(),
        counters: Arc::new(Counters::default()),
        trial: sluicegate::trial::Trial::default(),
        cancel: sluicegate::sync::Cancel::default(),
        following: None,
        acceptance: None,
        looked: Default::default(),
    };
    let report = sync_in(worker, request).unwrap();
    let lines = lines.0.lock().unwrap().clone();
    (report, lines)
}

/// Things beside the sync that must stay as they are.
struct Prey {
    _folder: tempfile::TempDir,
    database: PathBuf,
    listener: TcpListener,
    socket: UnixDatagram,
    targets: Targets,
}

impl Prey {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("other.db");
        fs::write(&database, b"rows of another connection").unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let name = format!("sluice-test-{}-{:?}", std::process::id(), Instant::now());
        let socket = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        socket.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let targets = Targets { other_database: database.clone(), port, socket: name };
        Self { _folder: folder, database, listener, socket, targets }
    }

    fn attacked(&self, layers: &str) -> BTreeMap<String, i64> {
        let (report, lines) = sync(&launch(layers, "probe", &self.targets.arguments()), Limits::default());
        assert_eq!(report.result, Ok(()), "the sync itself goes on: {lines:?}");
        let answers = lines.iter().map(|line| line.rsplit_once('=').unwrap_or_else(|| panic!("{line}")));
        answers.map(|(name, answer)| (name.to_owned(), answer.parse().unwrap())).collect()
    }

    fn unhurt(&self) {
        probes::untouched(&self.database, b"rows of another connection");
        assert!(self.listener.accept().is_err(), "it connected");
        assert!(self.socket.recv(&mut [0]).is_err(), "it spoke to a socket");
    }
}

const EPERM: i64 = libc::EPERM as i64;
const EACCES: i64 = libc::EACCES as i64;

/// What it tries; the answers of the filter alone and of Landlock alone. Zero is what a layer does not keep.
const ATTEMPTS: [(&str, i64, i64); 34] = [
    ("read /etc/passwd", EPERM, EACCES),
    ("read another connection's database", EPERM, EACCES),
    ("write another connection's database", EPERM, EACCES),
    ("make a file beside it", EPERM, EACCES),
    ("list its folder", EPERM, EACCES),
    ("remove it", EPERM, EACCES),
    ("rename it", EPERM, EACCES),
    ("make a link", EPERM, EACCES),
    ("read its own environment", EPERM, EACCES),
    ("read the parent's memory", EPERM, EACCES),
    ("spawn a program", EPERM, EACCES),
    ("execute a program", EPERM, EACCES),
    ("connect to a port", EPERM, EACCES),
    ("listen on a port", EPERM, EACCES),
    ("signal the parent", EPERM, EPERM),
    ("signal everybody", EPERM, -2),
    ("speak to an abstract socket", EPERM, EPERM),
    ("fork", EPERM, -2),
    ("open a datagram socket", EPERM, 0),
    ("open a raw socket", EPERM, EPERM),
    ("open a netlink socket", EPERM, -2),
    ("trace the parent", EPERM, EPERM),
    ("signal a thread of the parent", EPERM, EPERM),
    ("open a process by its number", EPERM, -2),
    ("map memory as code", EPERM, 0),
    ("new user namespace", EPERM, -2),
    ("asynchronous system calls", EPERM, -2),
    ("a file without a name", EPERM, -2),
    ("keys", EPERM, -2),
    ("kernel programs", EPERM, -2),
    ("performance counters", EPERM, -2),
    ("another root", EPERM, -2),
    ("become another user", EPERM, -2),
    ("own another's signals", EPERM, -2),
];

fn expect(answers: &BTreeMap<String, i64>, expected: impl Fn(&(&str, i64, i64)) -> i64) {
    for attempt in &ATTEMPTS {
        let (name, expected) = (attempt.0, expected(attempt));
        // Not this layer's to keep, and not the same on every machine.
        if expected != -2 {
            assert_eq!(answers.get(name), Some(&expected), "{name}: {answers:#?}");
            if COPIED.load(Ordering::Relaxed) && templates::are_possible() {
                let name = format!("template: {name}");
                assert_eq!(answers.get(&name), Some(&expected), "{name}: {answers:#?}");
            }
        }
    }
    assert_eq!(answers.get("environment variables"), Some(&0));
    assert_eq!(answers.get("files it can write"), Some(&0));
    assert_eq!(answers.get("bytes of a core file"), Some(&0));
    // The channel twice, two that go nowhere else, the machine code, the event of the engine.
    assert!(answers["descriptors"] <= 8, "{answers:#?}");
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

pub(crate) fn host_error(report: &SyncReport) -> String {
    match &report.result {
        Err(SyncError::Host(text)) => text.clone(),
        other => panic!("{other:?}"),
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

/// A component of a few kilobytes, whose compiler keeps every local in every loop apart.
fn loops(depth: usize, locals: usize) -> Vec<u8> {
    let declared = "(local i32)".repeat(locals);
    let touched: String =
        (0..locals).map(|at| format!("(local.set {at} (i32.add (local.get {at}) (i32.const 1)))")).collect();
    let back: String = (0..depth).map(|at| format!("(br_if {at} (local.get {}))", at % locals)).collect();
    let function = format!("(func $f {declared} {}{touched}{back}{})", "(loop ".repeat(depth), ")".repeat(depth));
    component("", &function, "(call $f)")
}

/// Compiles it in processes of their own, one after the other, whose limits are tighter than the compiler's.
fn compiled_with(limit: rustix::process::Resource, limits: &[u64]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let own = std::env::current_exe().unwrap();
    let compile = |most: &u64| {
        let mut process = std::process::Command::new(&own);
        process.arg(BOUNDED).arg(format!("{limit:?}")).arg(most.to_string()).arg(folder.path());
        let said = process.output().unwrap();
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
        String::from_utf8(said.stdout).unwrap()
    };
    let said = limits.iter().map(compile).collect();
    let kept = fs::read_dir(folder.path().join("cache/code")).unwrap().map(|entry| entry.unwrap().path());
    let code =
        kept.into_iter().filter(|path| path.extension().is_none_or(|ending| ending != "refused" && ending != "lock"));
    assert_eq!(code.collect::<Vec<_>>(), Vec::<PathBuf>::new(), "something was kept of it");
    said
}

fn bounded(arguments: &[OsString]) -> ExitCode {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let limit = if arguments[0] == "Cpu" { Resource::Cpu } else { Resource::Data };
    let most = Some(arguments[1].to_str().unwrap().parse().unwrap());
    setrlimit(limit, Rlimit { current: most, maximum: most }).unwrap();
    let folder = Path::new(&arguments[2]);
    let cache = CodeCache::open(&folder.join("cache"), &folder.join("state")).unwrap();
    let mut compiled = false;
    let refused = worker::admit(&cache, &loops(1000, 1000), &Limits::default(), || compiled = true);
    println!("{} ({})", refused.expect_err("it is too dear"), if compiled { "compiled" } else { "not compiled" });
    ExitCode::SUCCESS
}

fn bomb() {
    use rustix::process::Resource;
    let times = compiled_with(Resource::Cpu, &[3, 3, 4]);
    println!("    {}", times.join("    "));
    for time in &times {
        assert!(time.contains("did not finish") && time.contains("SIGXCPU: its processor time is used up"), "{time}");
    }
    assert!(times[0].ends_with("(compiled)\n"), "{times:?}");
    assert!(times[1].contains("not tried again") && times[1].ends_with("(not compiled)\n"), "{times:?}");
    assert!(times[2].ends_with("(compiled)\n"), "with more time it is tried: {times:?}");
    let memory = compiled_with(Resource::Data, &[96 << 20, 96 << 20]);
    println!("    {}", memory.join("    "));
    for memory in &memory {
        assert!(memory.contains("did not finish") && memory.contains("SIGABRT: out of memory"), "{memory}");
    }
    assert!(memory[0].ends_with("(compiled)\n") && memory[1].ends_with("(not compiled)\n"), "{memory:?}");
}
