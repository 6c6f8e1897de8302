//! Killed at any moment, a connection holds exactly its last checkpoint.

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Child;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::support::server::Server;
use crate::support::{Connector, Sync, seed};

const ROWS: i64 = 200_000;
const EVERY: i64 = 10_000;
const KILLS: usize = 50;
/// After so many kills a connection's sync is left to finish.
const KILLS_EACH: usize = 5;

/// Random numbers from a seed (SplitMix64).
struct Random(u64);

impl Random {
    /// From `SLUICE_TEST_SEED`, else from the clock. The seed is printed.
    fn seeded() -> Self {
        Self(seed())
    }

    /// 0 to 1.
    fn fraction(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        f64::from(u32::try_from((mixed ^ (mixed >> 31)) >> 32).unwrap()) / f64::from(u32::MAX)
    }
}

fn resumable() -> Connector {
    Connector::mode("resumable").with("rows", ROWS).with("every", EVERY)
}

/// A sync under way, and its events as they come.
struct Running {
    child: Child,
    events: mpsc::Receiver<Value>,
}

impl Running {
    fn start(connector: &Connector) -> Self {
        let mut child = connector.command().spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, events) = mpsc::channel();
        thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                // The line a killed process was writing may be half a line.
                let Ok(event) = serde_json::from_str(&line) else { continue };
                if sender.send(event).is_err() {
                    break;
                }
            }
        });
        Self { child, events }
    }

    /// Waits for an event of this name; none when the sync ends before.
    fn wait_for(&self, name: &str) -> Option<Value> {
        self.events.iter().find(|event| event["event"] == name)
    }

    /// Kills after `moment`, unless the sync has finished by then. Tells whether it killed.
    fn kill_after(mut self, moment: Duration) -> bool {
        let due = Instant::now() + moment;
        loop {
            match self.events.recv_timeout(due.saturating_duration_since(Instant::now())) {
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => break,
                // It has ended, or is about to: nothing is left to interrupt.
                Err(RecvTimeoutError::Disconnected) => {
                    assert!(self.child.wait().unwrap().success());
                    return false;
                }
            }
        }
        self.child.kill().unwrap();
        self.child.wait().unwrap().code().is_none()
    }
}

/// How far a database is: its state's `next`, after everything else was checked against it.
fn progress(database: &Path) -> i64 {
    let connection = Connection::open(database).unwrap();
    let value = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    let sound: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(sound, "ok");
    if value("SELECT count(*) FROM sqlite_master WHERE name = '_sluice_state'") == 0 {
        // Killed before anything was laid out.
        assert_eq!(value("SELECT count(*) FROM sqlite_master"), 0);
        return 0;
    }
    if value("SELECT count(*) FROM _sluice_state") == 0 {
        assert_eq!(value("SELECT count(*) FROM sqlite_master WHERE name = 'items'"), 0, "rows without a state");
        return 0;
    }
    let next = value("SELECT json_extract(state, '$.next') FROM _sluice_state");
    assert_eq!(next % EVERY, 0);
    assert_eq!(value("SELECT count(*) FROM items"), next, "rows and state are of one checkpoint");
    assert_eq!((value("SELECT min(id) FROM items"), value("SELECT max(id) FROM items")), (0, next - 1));
    let wrong = "SELECT count(*) FROM items WHERE name <> 'item ' || id OR half <> id / 2.0 \
                 OR even <> (id % 2 = 0) OR _sluice_deleted";
    assert_eq!(value(wrong), 0);
    next
}

/// The same for a copy of the files as the killed process left them, so that it is the next
/// sync, not this test, which recovers them.
fn progress_of_copy(connector: &Connector) -> i64 {
    let copy = tempfile::tempdir().unwrap();
    for file in fs::read_dir(connector.warehouse()).into_iter().flatten().flatten() {
        fs::copy(file.path(), copy.path().join(file.file_name())).unwrap();
    }
    let database = copy.path().join("tested.db");
    if database.exists() { progress(&database) } else { 0 }
}

/// How long an undisturbed sync takes from its `started` event on.
fn measured() -> Duration {
    let sync: Sync = resumable().succeed();
    let seconds = sync.report()["wall_seconds"].as_f64().unwrap();
    eprintln!("an undisturbed sync: {seconds:.3} s, from start of the process {:.3} s", sync.took.as_secs_f64());
    Duration::from_secs_f64(seconds)
}

#[test]
fn killed_at_fifty_random_moments() {
    let mut random = Random::seeded();
    // once for the caches, once for the time
    measured();
    let duration = measured();
    let (mut kills, mut lost, mut connections, mut early) = (0, 0, 0, 0);
    while kills < KILLS {
        let connector = resumable();
        let (mut next, mut kills_here) = (0, 0);
        connections += 1;
        while kills_here < KILLS_EACH && kills < KILLS {
            let left = (ROWS - next) as f64 / ROWS as f64;
            let running = Running::start(&connector);
            // Every seventh moment counts from the start of the process: opening the database is
            // interrupted too.
            if (kills + 1) % 7 != 0 {
                running.wait_for("started").expect("the sync starts");
            }
            let moment = duration.mul_f64(random.fraction() * left.max(0.05));
            if !running.kill_after(moment) {
                early += 1;
                break;
            }
            (kills, kills_here) = (kills + 1, kills_here + 1);
            let reached = progress_of_copy(&connector);
            assert!(reached >= next, "kill {kills}: checkpoint {next} was lost, {reached} is left");
            lost += usize::from(reached == next);
            next = reached;
            assert_eq!(connector.state().get("next").map_or(0, |next| next.as_i64().unwrap()), next, "kill {kills}");
        }
        connector.succeed();
        assert_eq!(progress(&connector.database_path()), ROWS, "the resumed syncs end with all rows");
    }
    eprintln!("{kills} kills over {connections} connections, {lost} without a new checkpoint, {early} came too late");
    assert!(lost < kills, "no killed sync ever kept a checkpoint: the moments are badly chosen");
}

/// How many rows of files there are, and how many files are committed but not at their places, after all were checked.
fn files_and_pending(connector: &Connector) -> (i64, usize) {
    let database = connector.database();
    if !database.has_table("documents") {
        return (0, 0);
    }
    let (landed, incoming) =
        (connector.warehouse().join("tested.files"), connector.warehouse().join("tested.incoming"));
    let pending: HashMap<String, String> = database
        .query("SELECT path, incoming FROM _sluice_files")
        .iter()
        .map(|row| (row[0].as_str().unwrap().to_owned(), row[1].as_str().unwrap().to_owned()))
        .collect();
    let mut waiting = 0;
    let rows = database.query("SELECT id, _sluice_file_path FROM documents ORDER BY id");
    for row in &rows {
        let (id, path) = (row[0].as_i64().unwrap(), row[1].as_str().unwrap());
        let content = fs::read_to_string(landed.join(path)).unwrap_or_else(|_| {
            waiting += 1;
            fs::read_to_string(incoming.join(&pending[path])).expect("a committed file is at its place or on its way")
        });
        assert_eq!(content, id.to_string().repeat(1000));
    }
    let folders = fs::read_dir(&landed).into_iter().flatten().flatten();
    let there = folders.map(|folder| fs::read_dir(folder.path()).unwrap().count()).sum::<usize>();
    assert_eq!(there + waiting, rows.len(), "no file is visible without its row");
    (rows.len() as i64, waiting)
}

#[test]
fn killed_between_commit_and_move_a_file_is_not_lost() {
    let mut random = Random::seeded();
    let connector = || Connector::mode("files_resumable").with("files", 200);
    connector().succeed();
    let duration = Duration::from_secs_f64(connector().succeed().report()["wall_seconds"].as_f64().unwrap());
    let (mut kills, mut halfway) = (0, 0);
    while kills < 20 {
        let connector = connector();
        for _ in 0..KILLS_EACH {
            let running = Running::start(&connector);
            running.wait_for("started").expect("the sync starts");
            if !running.kill_after(duration.mul_f64(random.fraction() / 2.0)) {
                break;
            }
            kills += 1;
            let (files, waiting) = files_and_pending(&connector);
            assert_eq!(connector.state().get("next").map_or(0, |next| next.as_i64().unwrap()), files, "kill {kills}");
            halfway += usize::from(waiting > 0);
        }
        connector.succeed();
        assert_eq!(files_and_pending(&connector), (200, 0));
        assert!(fs::read_dir(connector.warehouse().join("tested.incoming")).unwrap().next().is_none());
    }
    eprintln!("{kills} kills, {halfway} of them between a commit and its moves");
}

#[test]
fn terminated_politely() {
    let (server, gate) = Server::gated();
    let connector =
        Connector::mode("checkpoint_then_wait").with("url", server.url("/")).arguments(&["--allow", &server.origin()]);
    for signal in [Signal::TERM, Signal::INT] {
        let mut running = Running::start(&connector);
        gate.wait_for_request();
        kill_process(Pid::from_child(&running.child), signal).unwrap();
        let report = running.wait_for("finished").expect("a cancelled sync reports");
        assert_eq!(running.child.wait().unwrap().code(), Some(5));
        assert_eq!(report["outcome"]["class"], "host");
        let message = report["outcome"]["message"].as_str().unwrap();
        assert!(message.starts_with("the sync was cancelled by SIG"), "{message}");
        assert_eq!(report["checkpoints"], 1);
        assert_eq!(connector.state(), json!({"waited": 1}));
        let database = connector.database();
        assert!(database.is_sound());
        assert_eq!(database.query("SELECT id FROM waited"), [[json!(1)]], "only checkpointed rows are kept");
    }
    gate.open();
    connector.succeed();
    assert_eq!(connector.database().value("SELECT count(*) FROM waited"), json!(2));
}
