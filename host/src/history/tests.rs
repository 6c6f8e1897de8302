//! The history on real files.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::path::PathBuf;
use std::time::Duration;

use super::*;

struct Place {
    _folder: tempfile::TempDir,
    warehouse: PathBuf,
}

fn place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    Place { warehouse: folder.path().join("warehouse"), _folder: folder }
}

fn beginning(connection: &str) -> Beginning {
    Beginning {
        sync: format!("sync of {connection}"),
        connection: connection.to_owned(),
        connector: ("shop".to_owned(), Some("1.0".to_owned())),
        component: "ab".repeat(32),
        command: "run",
        attempt: 1,
        limits: [("rows", 5), ("wall", 900_000)].into(),
    }
}

fn ending(outcome: Outcome) -> Ending {
    Ending {
        totals: Totals { rows: 7, wall_seconds: 1.5, ..Totals::default() },
        tables: vec![RunTable { table: "items".to_owned(), upserts: 7, ..RunTable::default() }],
        hosts: vec![RunHost { host: "api.example.com".to_owned(), requests: 2, ..RunHost::default() }],
        ..Ending::of(outcome, None)
    }
}

fn all(history: &History) -> Vec<Run> {
    history.runs(&Filter { limit: 1_000, ..Filter::default() }).unwrap()
}

#[test]
fn a_run_is_written_when_it_begins_and_settled_when_it_ends() {
    let place = place();
    assert!(History::find(&place.warehouse).unwrap().is_none());
    let history = History::open(&place.warehouse).unwrap();
    let id = history.begin(&beginning("shop")).unwrap();
    let running = history.run(id).unwrap().unwrap();
    assert_eq!((running.outcome, &running.ended), (Outcome::Running, &None));
    history.finish(id, &ending(Outcome::Success)).unwrap();
    let run = History::find(&place.warehouse).unwrap().unwrap().run(id).unwrap().unwrap();
    assert_eq!((run.outcome, run.totals.rows, run.command.as_str()), (Outcome::Success, 7, "run"));
    assert_eq!((run.user, run.limits["wall"]), (user(), 900_000));
    assert_eq!(run.tables.unwrap()[0].upserts, 7);
    assert_eq!(run.hosts.unwrap()[0].requests, 2);
    assert!(run.ended.unwrap() >= run.started);
    assert!(history.run(99).unwrap().is_none());
}

#[test]
fn runs_are_found_by_connection_outcome_and_time() {
    let place = place();
    let history = History::open(&place.warehouse).unwrap();
    for (connection, outcome) in [("a", Outcome::Success), ("b", Outcome::Denied), ("a", Outcome::Limit)] {
        let id = history.begin(&beginning(connection)).unwrap();
        history.finish(id, &ending(outcome)).unwrap();
    }
    let ids = |filter: Filter| history.runs(&filter).unwrap().iter().map(|run| run.id).collect::<Vec<_>>();
    let usual = Filter { limit: 10, ..Filter::default() };
    assert_eq!(ids(usual.clone()), [3, 2, 1]);
    assert_eq!(ids(Filter { limit: 2, ..Filter::default() }), [3, 2]);
    assert_eq!(ids(Filter { connection: Some("a".into()), ..usual.clone() }), [3, 1]);
    assert_eq!(ids(Filter { failed: true, ..usual.clone() }), [3, 2]);
    let later = jiff::Timestamp::now().checked_add(jiff::SignedDuration::from_hours(1)).unwrap();
    assert_eq!(ids(Filter { since: Some(later), ..usual }), [0; 0]);
}

#[test]
fn a_run_of_a_dead_process_is_interrupted_and_a_late_end_counts_all_the_same() {
    let place = place();
    let history = History::open(&place.warehouse).unwrap();
    let (dead, alive) = (history.begin(&beginning("a")).unwrap(), history.begin(&beginning("b")).unwrap());
    let process = this_process().split_once(' ').unwrap().1.to_owned();
    let database = rusqlite::Connection::open(place.warehouse.join("runs.db")).unwrap();
    let gone = format!("UPDATE runs SET process = '4194303 {process}' WHERE id = {dead}");
    assert_eq!(database.execute(&gone, []).unwrap(), 1);
    let again = History::open(&place.warehouse).unwrap();
    let outcome = |id| again.run(id).unwrap().unwrap().outcome;
    assert_eq!((outcome(dead), outcome(alive)), (Outcome::Interrupted, Outcome::Running));
    history.finish(dead, &ending(Outcome::Success)).unwrap();
    assert_eq!(outcome(dead), Outcome::Success);
}

#[test]
fn a_run_that_died_while_others_look_away_is_settled_before_the_next_of_its_connection() {
    let place = place();
    let (history, other) = (History::open(&place.warehouse).unwrap(), History::open(&place.warehouse).unwrap());
    let (dead, elsewhere) = (other.begin(&beginning("a")).unwrap(), other.begin(&beginning("b")).unwrap());
    let process = this_process().split_once(' ').unwrap().1.to_owned();
    let database = rusqlite::Connection::open(place.warehouse.join("runs.db")).unwrap();
    database.execute(&format!("UPDATE runs SET process = '4194303 {process}'"), []).unwrap();
    let outcome = |id| history.run(id).unwrap().unwrap().outcome;
    history.refused(&beginning("a"), &ending(Outcome::Refused)).unwrap();
    assert_eq!(outcome(dead), Outcome::Running, "what was refused has not had the connection");
    let next = history.begin(&beginning("a")).unwrap();
    assert_eq!([dead, elsewhere, next].map(outcome), [Outcome::Interrupted, Outcome::Running, Outcome::Running]);
}

#[test]
fn old_runs_are_forgotten_and_those_under_way_are_not() {
    let place = place();
    let history = History::open(&place.warehouse).unwrap();
    let first = history.begin(&beginning("a")).unwrap();
    for _ in 0..20 {
        let id = history.begin(&beginning("a")).unwrap();
        history.finish(id, &ending(Outcome::Success)).unwrap();
    }
    let week = Retention { age: Duration::from_secs(7 * 86_400), runs: 5 };
    assert_eq!(history.prune(week).unwrap(), 15);
    assert_eq!(all(&history).iter().map(|run| run.id).collect::<Vec<_>>(), [21, 20, 19, 18, 17, first]);
    assert_eq!(history.retention().unwrap(), Retention::default());
    history.set_retention(week).unwrap();
    let id = history.begin(&beginning("a")).unwrap();
    history.finish(id, &ending(Outcome::Success)).unwrap();
    assert_eq!(all(&history).len(), 6, "a run that ends forgets");
    assert_eq!(history.prune(Retention { age: Duration::ZERO, ..week }).unwrap(), 5);
    let database = rusqlite::Connection::open(place.warehouse.join("runs.db")).unwrap();
    let left: i64 = database.query_row("SELECT count(*) FROM run_tables", [], |row| row.get(0)).unwrap();
    assert_eq!(left, 0);
}

#[test]
fn many_write_at_once() {
    let place = place();
    let writers: Vec<_> = (0..8)
        .map(|writer| {
            let warehouse = place.warehouse.clone();
            std::thread::spawn(move || {
                // Each opens it as another process would; the first of them makes it.
                let history = History::open(&warehouse).unwrap();
                for _ in 0..25 {
                    let id = history.begin(&beginning(&format!("c{writer}"))).unwrap();
                    history.finish(id, &ending(Outcome::Success)).unwrap();
                }
            })
        })
        .collect();
    for writer in writers {
        writer.join().unwrap();
    }
    let runs = all(&History::open(&place.warehouse).unwrap());
    assert_eq!(runs.len(), 200);
    assert!(runs.iter().all(|run| run.outcome == Outcome::Success));
}

#[test]
fn what_is_not_ours_is_refused() {
    let place = place();
    drop(History::open(&place.warehouse).unwrap());
    let file = place.warehouse.join("runs.db");
    let database = rusqlite::Connection::open(&file).unwrap();
    database.execute_batch("CREATE TRIGGER t AFTER INSERT ON runs BEGIN DELETE FROM runs; END").unwrap();
    let refused = |part: &str| {
        let error = crate::error::with_causes(&History::open(&place.warehouse).unwrap_err());
        assert!(error.contains(part), "{error}");
    };
    refused("a trigger, view or virtual table");
    database.execute_batch("DROP TRIGGER t; PRAGMA user_version = 2").unwrap();
    refused("another version");
    drop(database);
    std::fs::remove_file(&file).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", &file).unwrap();
    refused("is not a regular file");
}

#[test]
fn what_is_to_be_tried_again_is_known_to_the_next_process() {
    let place = place();
    let history = History::open(&place.warehouse).unwrap();
    let now = jiff::Timestamp::now();
    let again = Again { failed: 2, since: now, due: now, written: now, under_way: false };
    history.set_again("shop", Some(&again)).unwrap();
    history.set_again("crm", Some(&Again { failed: 1, ..again })).unwrap();
    history.set_again("crm", None).unwrap();
    history.set_again("crm", None).unwrap();
    let other = History::find(&place.warehouse).unwrap().unwrap();
    assert_eq!(other.again("shop").unwrap(), Some(again));
    assert_eq!(other.again("crm").unwrap(), None);
    assert_eq!(other.retention().unwrap(), Retention::default());
    other.database().execute("UPDATE settings SET value = 'else'", []).unwrap();
    assert_eq!(history.again("shop").unwrap(), None);
}
