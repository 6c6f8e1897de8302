//! `kill -9` of `batch`, of `serve` and of single workers at any moment: no run is lost from the history, no
//! connection is stuck, none is synced twice at once, and the rows are those of a fleet that nobody killed.

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde_json::{Value, json};

use super::{Batch, Fleet};
use crate::support::server::Server;
use crate::support::{seed, sluice, text};

const CONNECTIONS: usize = 6;
/// Pages of each connection, with a checkpoint after each.
const PAGES: usize = 30;
/// How often the process is started and killed.
const LIVES: usize = 10;
/// After how many requests and events it is killed, at most; and how long after that.
const MOST_HAPPENINGS: usize = 60;
const LATEST: Duration = Duration::from_millis(40);
/// Nothing happens any more: all have ended, and a server stays up.
const QUIET: Duration = Duration::from_secs(2);
/// Nothing that is waited for takes so long.
const FAR_TOO_LONG: Duration = Duration::from_secs(120);

/// Requests by path.
type Asked = Arc<Mutex<HashMap<String, usize>>>;

struct Source {
    server: Server,
    asked: Asked,
    happened: Receiver<()>,
    told: Sender<()>,
}

/// A server that counts requests by their path and tells of each.
fn source() -> Source {
    let asked = Asked::default();
    let (told, happened) = channel();
    let (counted, tell) = (Arc::clone(&asked), Mutex::new(told.clone()));
    let server = Server::start(move |request, stream| {
        use std::io::Write as _;
        *counted.lock().unwrap().entry(request.path.clone()).or_default() += 1;
        // The test may have ended.
        let _ = tell.lock().unwrap().send(());
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{}", request.path.len(), request.path)?;
        Ok(true)
    });
    Source { server, asked, happened, told }
}

fn fleet(server: &Server) -> Fleet {
    let mut fleet = Fleet::new("concurrency = 4\n[defaults]\nevery = \"1d\"\nretry = { attempts = 9, wait = \"1ms\" }");
    for number in 0..CONNECTIONS {
        let name = format!("c{number}");
        let asks = json!({"mode": "asks", "url": server.url(&format!("/{name}")), "times": PAGES.to_string()});
        fleet = fleet.with(&name, &asks, &format!("allow = [\"{}\"]", server.origin()));
    }
    fleet
}

fn runs(fleet: &Fleet) -> Vec<Value> {
    let shown = sluice()
        .args(["runs", "--limit", "100000", "--json", "--warehouse"])
        .arg(fleet.path("warehouse"))
        .output()
        .unwrap();
    let mut runs: Vec<Value> =
        serde_json::from_slice(&shown.stdout).unwrap_or_else(|_| panic!("{}", text(&shown.stderr)));
    runs.reverse();
    runs
}

/// The processes below one.
fn children(parent: u32) -> Vec<Pid> {
    let numbers = fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    numbers
        .filter(|number: &i32| {
            let stat = fs::read_to_string(format!("/proc/{number}/stat")).unwrap_or_default();
            let fields = stat.rsplit_once(')').map(|(_, fields)| fields.to_owned()).unwrap_or_default();
            fields.split_whitespace().nth(1).and_then(|above| above.parse().ok()) == Some(parent)
        })
        .filter_map(Pid::from_raw)
        .collect()
}

/// Its workers and templates, and the workers that are copies of these.
fn workers(parent: u32) -> Vec<Pid> {
    let first = children(parent);
    let copies = first.iter().flat_map(|above| children(above.as_raw_nonzero().get().unsigned_abs()));
    let copies: Vec<_> = copies.collect();
    first.into_iter().chain(copies).collect()
}

fn is_there(process: Pid) -> bool {
    // Somebody else may have its number by now.
    let command = fs::read(format!("/proc/{}/cmdline", process.as_raw_nonzero())).unwrap_or_default();
    test_kill_process(process).is_ok() && command.windows(8).any(|part| part == b"__worker")
}

/// Starts a command and tells of each line that it writes.
fn start(fleet: &Fleet, command: &str, told: &Sender<()>) -> Child {
    let mut child = fleet.command(command).arg("--json").stderr(Stdio::null()).spawn().unwrap();
    let (output, told) = (BufReader::new(child.stdout.take().unwrap()), told.clone());
    std::thread::spawn(move || {
        for line in output.lines().map_while(Result::ok) {
            assert!(!line.contains("running_elsewhere"), "a connection is stuck: {line}");
            if told.send(()).is_err() {
                return;
            }
        }
    });
    child
}

/// Waits until so much has happened, or nothing happens, and a moment longer.
fn wait(child: &mut Child, happened: &Receiver<()>, mut count: usize, moment: Duration) {
    let mut last = Instant::now();
    while count > 0 && last.elapsed() < QUIET {
        match happened.recv_timeout(Duration::from_millis(50)) {
            Ok(()) => (count, last) = (count - 1, Instant::now()),
            Err(RecvTimeoutError::Timeout) if child.try_wait().unwrap().is_none() => {}
            Err(_) => return,
        }
    }
    std::thread::sleep(moment);
}

/// One life of the process; answers how many it killed.
fn live(fleet: &Fleet, command: &str, source: &Source, random: &mut fastrand::Rng) -> usize {
    while source.happened.try_recv().is_ok() {}
    let moment = |random: &mut fastrand::Rng| LATEST.mul_f64(random.f64());
    let mut child = start(fleet, command, &source.told);
    let mut killed = 0;
    if random.bool() {
        wait(&mut child, &source.happened, random.usize(..MOST_HAPPENINGS / 2), moment(random));
        if let Some(worker) = random.choice(workers(child.id())) {
            killed += usize::from(kill_process(worker, Signal::KILL).is_ok());
        }
    }
    wait(&mut child, &source.happened, random.usize(..MOST_HAPPENINGS), moment(random));
    let workers = workers(child.id());
    drop(child.kill());
    killed += usize::from(child.wait().unwrap().code().is_none());
    let since = Instant::now();
    while workers.iter().any(|worker| is_there(*worker)) {
        assert!(since.elapsed() < FAR_TOO_LONG, "a worker outlives its parent");
        std::thread::yield_now();
    }
    let unsettled: Vec<_> = runs(fleet).into_iter().filter(|run| run["outcome"] == "running").collect();
    assert!(unsettled.is_empty(), "{unsettled:?}");
    killed
}

/// The rows of a connection, and what was checkpointed beside them.
fn landed(fleet: &Fleet, name: &str) -> (Vec<Vec<Value>>, Value) {
    let database = fleet.database(name);
    assert!(database.is_sound());
    let state = sluice().args(["state", "show", name, "--warehouse"]).arg(fleet.path("warehouse")).output().unwrap();
    let rows = database.query("SELECT id, text, _sluice_deleted FROM answers ORDER BY id");
    (rows, serde_json::from_slice(&state.stdout).unwrap())
}

fn lives(command: &str) {
    let mut random = fastrand::Rng::with_seed(seed());
    let source = source();
    let (fleet, twin) = (fleet(&source.server), fleet(&source.server));
    let ended = Batch::of(twin.command("batch").arg("--json").output().unwrap());
    assert_eq!(ended.code, Some(0), "{}", ended.said);
    source.asked.lock().unwrap().clear();

    let mut killed = 0;
    for _ in 0..LIVES {
        killed += live(&fleet, command, &source, &mut random);
    }
    let ended = Batch::of(fleet.command("batch").arg("--json").output().unwrap());
    assert_eq!(ended.code, Some(0), "{}", ended.said);

    let all = runs(&fleet);
    let asked = source.asked.lock().unwrap();
    let mut interrupted = 0;
    for number in 0..CONNECTIONS {
        let name = format!("c{number}");
        assert_eq!(landed(&fleet, &name), landed(&twin, &name));
        let of_it: Vec<_> = all.iter().filter(|run| run["connection"] == *name).collect();
        for run in &of_it {
            assert!(run["ended"].is_string(), "{run}");
        }
        for pair in of_it.windows(2) {
            let (end, start) = (pair[0]["ended"].as_str(), pair[1]["started"].as_str());
            assert!(end <= start, "two runs at once: {} and {}", pair[0], pair[1]);
        }
        // Each row that landed is of a run that the history knows.
        let rows: u64 = of_it.iter().map(|run| run["active_rows"].as_u64().unwrap()).sum();
        assert_eq!(rows, PAGES as u64, "{of_it:?}");
        assert_eq!(of_it.last().unwrap()["outcome"], "success");
        // Who runs alone asks again only for the page that a killed one had asked for.
        let asked = asked.get(&format!("/{name}")).copied().unwrap_or_default();
        assert!((PAGES..=PAGES + killed).contains(&asked), "{asked} requests of {name}, {killed} killed");
        interrupted += of_it.iter().filter(|run| run["outcome"] == "interrupted").count();
    }
    eprintln!("{command}: {killed} killed, {} runs, {interrupted} of them interrupted", all.len());
}

#[test]
fn a_batch_that_is_killed_loses_nothing() {
    lives("batch");
}

#[test]
fn a_server_that_is_killed_loses_nothing() {
    lives("serve");
}
