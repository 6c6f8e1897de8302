//! Connectors that multiply.

use serde_json::json;

use super::{End, connector, ends, limit, rows, success};
use crate::support::Connector;

const CPU: End = limit(&["cpu time limit reached (2s)"]).within(2);

fn short_cpu(mode: &str) -> Connector {
    Connector::mode(mode).arguments(&["--cpu-time", "2"])
}

#[test]
fn an_endless_task_ends_with_the_sync() {
    for mode in ["endless_task", "endless_task_behind_a_sleep", "endless_task_that_nobody_waits_for"] {
        ends(short_cpu(mode), &CPU, |_, it| {
            assert_eq!(rows(it, "begun"), 1, "{mode}");
            assert!(!it.database().has_table("after"), "{mode}");
        });
    }
}

#[test]
fn an_endless_task_ends_with_the_wall_time() {
    let connector = Connector::mode("endless_task").arguments(&["--wall-time", "3"]);
    ends(connector, &limit(&["wall time limit reached (3s)"]).within(3), |_, it| assert_eq!(rows(it, "begun"), 1));
}

#[test]
fn a_signal_ends_an_endless_task() {
    let connector = Connector::mode("endless_task");
    let child = connector.command().spawn().expect("sluice starts");
    // the row before the task is durable once the state is
    let start = std::time::Instant::now();
    let begun = || {
        let database = connector.database_path();
        database.exists()
            && rusqlite::Connection::open(database).is_ok_and(|database| {
                database.query_row("SELECT count(*) FROM begun", [], |row| row.get::<_, i64>(0)) == Ok(1)
            })
    };
    while !begun() {
        assert!(start.elapsed() < super::MARGIN * 4, "the connector did not begin");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    rustix::process::kill_process(rustix::process::Pid::from_child(&child), rustix::process::Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(5), "{}", crate::support::text(&output.stdout));
    assert!(crate::support::text(&output.stdout).contains("cancelled by SIGINT"));
}

#[test]
fn memory_of_all_instances_is_one() {
    let end = limit(&["memory limit reached (256 MiB)"]);
    ends(Connector::mode("hoarding_task"), &end, |sync, _| {
        assert!(sync.report()["peak_memory_bytes"].as_u64() <= Some(256 << 20), "{}", sync.report());
    });
    let connector = Connector::mode("memory_is_summed").arguments(&["--memory", "140"]);
    ends(connector, &limit(&["memory limit reached (140 MiB)"]), |_, it| assert_eq!(rows(it, "begun"), 1));
}

#[test]
fn memory_of_an_instance_comes_back() {
    ends(Connector::mode("memory_comes_back"), &success(), |_, it| assert_eq!(rows(it, "held"), 6));
}

#[test]
fn a_task_starts_no_tasks() {
    ends(Connector::mode("fork_bomb"), &success(), |_, it| {
        let seen = it.database().value("SELECT value FROM seen");
        assert_eq!(seen, json!("no process could be started: a worker cannot have workers of its own"));
    });
}

#[test]
fn new_instances_without_end_are_stopped() {
    ends(short_cpu("new_worker_for_each"), &CPU, |_, it| assert_eq!(rows(it, "begun"), 1));
}

#[test]
fn a_million_tasks_take_memory_of_the_connector_alone() {
    let connector = Connector::mode("many_tasks").with("tasks", "1000000").arguments(&["--memory", "128"]);
    ends(connector, &limit(&["memory limit reached (128 MiB)"]).within(60), |_, it| assert_eq!(rows(it, "begun"), 1));
    let connector = Connector::mode("many_tasks").with("tasks", "3000");
    ends(connector, &success(), |_, it| {
        assert_eq!(it.database().value("SELECT sum FROM after"), json!(2999 * 3000 * 5999_u64 / 6));
    });
}

#[test]
fn a_task_that_leaves_breaks_its_pool_only() {
    ends(Connector::mode("leaving_task"), &success(), |_, it| {
        let broken = it.database().value("SELECT value FROM seen WHERE name = 'broken'");
        let broken = broken.as_str().unwrap().to_owned();
        assert!(broken.starts_with("BrokenProcessPool: a process of the pool ended while"), "{broken}");
        assert!(broken.ends_with("it ended itself with code 0; return from the task instead, or raise"), "{broken}");
        assert_eq!(it.database().value("SELECT value FROM seen WHERE name = 'another pool'"), json!("9"));
        let unprepared = it.database().value("SELECT value FROM seen WHERE name = 'initializer'");
        assert!(unprepared.as_str().unwrap().contains("could not begin: ValueError: one"), "{unprepared}");
    });
}

#[test]
fn what_crosses_between_instances_is_bounded_and_does_not_stay() {
    ends(Connector::mode("large_tasks"), &success(), |_, it| {
        let seen = it.database().query("SELECT name, value FROM seen ORDER BY rowid");
        assert!(seen[0][1].as_str().unwrap().contains("16 MiB between processes, not 18 MiB"), "{seen:?}");
        assert!(seen[1][1].as_str().unwrap().contains("16 MiB between processes, not 17 MiB"), "{seen:?}");
        assert_eq!(seen[2][1], json!("{7340032}"));
    });
}

#[test]
fn a_pickle_that_runs_code_runs_it_in_the_sandbox() {
    ends(Connector::mode("unpicklable_bombs"), &success(), |_, it| {
        let bomb = it.database().value("SELECT value FROM seen WHERE name = 'bomb'");
        assert_eq!(bomb, json!("ZeroDivisionError: division by zero"));
    });
}

#[test]
fn an_instance_that_fails_fails_the_sync_unless_that_is_caught() {
    let end = connector(&["ValueError", "one"]);
    ends(Connector::mode("exceptions_of_tasks").with("raise", "yes"), &end, |_, _| {});
}
