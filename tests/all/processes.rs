//! Process pools of connectors: tasks in other instances of the component.

use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::Connector;
use crate::support::server::Server;

/// Syncs once in a mode that lands what it saw, and gives that by name.
#[track_caller]
fn seen(connector: &Connector) -> Vec<(String, String)> {
    connector.succeed();
    let rows = connector.database().query("SELECT name, value FROM seen ORDER BY rowid");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    rows.iter().map(|row| (text(&row[0]), text(&row[1]))).collect()
}

#[track_caller]
fn sees(mode: &str, expected: &[(&str, &str)]) {
    let seen = seen(&Connector::mode(mode));
    let seen: Vec<_> = seen.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    assert_eq!(seen, expected);
}

/// The instances that there may be on this machine, up to two.
fn two_or_one() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(2)
}

#[test]
fn the_executor_does_what_it_does_elsewhere() {
    sees(
        "process_pool",
        &[
            ("map", "[0, 1, 4, 9, 16, 25, 36, 49, 64, 81]"),
            ("chunks", "[0, 2, 4, 6, 8, 10, 12, 14, 16, 18]"),
            ("as_completed", "[(0, 0), (1, 1), (2, 4), (3, 9), (4, 16), (5, 25)]"),
            ("wait", "([3], 0)"),
            ("process", "(['ready'], True, True, 'processes')"),
            ("callback", "[9]"),
            ("timeout", "TimeoutError"),
            ("kept between tasks", "[1, 2, 3]"),
            ("lambda", "PicklingError"),
            ("still alive", "16"),
            ("cancel", "[True, True]"),
            ("fresh for each task", "[1, 1, 1]"),
            ("after shutdown", "cannot schedule new futures after shutdown"),
        ],
    );
}

#[test]
fn pools_and_processes_of_multiprocessing() {
    let seen = seen(&Connector::mode("multiprocessing_pool"));
    let expected = [
        ("map", "[0, 1, 4, 9, 16, 25, 36, 49, 64, 81]"),
        ("starmap", "[3, 7]"),
        ("apply", "6"),
        ("apply_async", "(25, True, [25])"),
        ("imap", "[0, 1, 4, 9, 16]"),
        ("imap_unordered", "[0, 1, 4, 9, 16]"),
        ("failed", "False"),
        ("timeout", "TimeoutError"),
        ("join", "[0, 1, 4]"),
        ("process", "(0, False, 'from a task')"),
        ("failed process", "1"),
        ("terminated", "(-15, False)"),
        ("threads", "[1, 2, 3]"),
        ("cpu_count", "True"),
    ];
    for (name, value) in expected {
        let found = seen.iter().find(|(seen, _)| seen == name).unwrap_or_else(|| panic!("{name} is not there"));
        assert_eq!(found.1, value, "{name}");
    }
    let queue = &seen.iter().find(|(name, _)| name == "queue").unwrap().1;
    assert!(queue.starts_with("multiprocessing.Queue does not exist in Sluice: processes of a connector"), "{queue}");
}

#[test]
fn exceptions_keep_their_class_and_traceback() {
    let seen = seen(&Connector::mode("exceptions_of_tasks"));
    let value = |name: &str| seen.iter().find(|(seen, _)| seen == name).unwrap().1.clone();
    assert_eq!(value("fail 0"), "NoneType: None");
    assert_eq!(value("fail 1"), "ValueError: one");
    assert_eq!(value("traceback"), "True");
    assert_eq!(value("fail 2"), "RuntimeError: Unpicklable: 2");
    assert!(value("fail 3").starts_with("PicklingError: "), "{seen:?}");
    assert_eq!(value("fail 4"), "SystemExit: 4");
    assert_eq!(
        value("operation"),
        "upsert works only while update runs, and this is a task of a process pool: return what there is to send, \
         and send it in update"
    );
}

#[test]
fn an_exception_of_a_task_fails_the_sync_with_both_places() {
    let sync = Connector::mode("exceptions_of_tasks").with("raise", "yes").sync();
    assert_eq!(sync.code, Some(1), "{}", sync.everything());
    let text = sync.everything();
    assert!(text.contains("ValueError: one"), "{text}");
    assert!(text.contains("in fail"), "{text}");
    assert!(text.contains("in exceptions_of_tasks"), "{text}");
}

#[test]
fn tasks_share_files_and_environment_and_nothing_else() {
    sees("surroundings_of_tasks", &[("folder and environment", "('/project', 'inherited')"), ("file", "from a task")]);
}

#[test]
fn tasks_nobody_waits_for_run_before_the_sync_ends() {
    let sync = Connector::mode("tasks_nobody_waits_for").succeed();
    assert_eq!(sync.log(), ["task 0 ran", "task 1 ran", "task 2 ran"]);
}

#[test]
fn many_pools_share_the_few_instances_there_may_be() {
    sees("two_pools", &[("all", "[0, 1, 4, 9, 16, 25]"), ("again", "[0, 1, 4, 9, 16, 25]")]);
}

#[test]
fn asyncio_goes_on_while_processes_work() {
    sees("process_pool_in_asyncio", &[("gathered", "[0, 1, 4, 9]"), ("went on", "True")]);
}

#[test]
fn a_number_of_instances_may_be_granted() {
    let connector = Connector::mode("process_pool").arguments(&["--workers", "1"]);
    assert_eq!(seen(&connector).len(), 13);
    let refused = Connector::mode("process_pool").arguments(&["--workers", "0"]).sync();
    assert_eq!(refused.code, Some(2), "{}", refused.everything());
}

#[test]
fn requests_of_processes_are_under_way_together_under_the_grants_of_the_sync() {
    let waiting = Arc::new((Mutex::new(0_usize), Condvar::new()));
    let most = Arc::new(AtomicUsize::new(0));
    let together = Arc::clone(&most);
    let server = Server::start(move |request, stream| {
        let (count, changed) = &*waiting;
        let mut count = count.lock().unwrap();
        *count += 1;
        together.fetch_max(*count, Ordering::SeqCst);
        changed.notify_all();
        let wanted = two_or_one();
        let (mut count, _) =
            changed.wait_timeout_while(count, Duration::from_secs(60), |_| most_of(&together) < wanted).unwrap();
        *count -= 1;
        drop(count);
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{}", request.path.len(), request.path)?;
        Ok(true)
    });
    let urls = format!("{} {}", server.url("/1"), server.url("/2"));
    let connector = Connector::mode("fetch_in_processes").with("urls", urls);
    let granted = connector.arguments(&["--allow", &server.origin()]);
    let sync = granted.succeed();
    assert_eq!(most.load(Ordering::SeqCst), two_or_one());
    assert_eq!(
        granted.database().query("SELECT n, text FROM pages ORDER BY n"),
        [[json!(0), json!("/1")], [json!(1), json!("/2")]]
    );
    assert_eq!(sync.log(), ["fetched 2 bytes", "fetched 2 bytes"]);
    assert_eq!(sync.report()["hosts"][0]["requests"], json!(2), "{}", sync.report());

    let denied = Connector::mode("fetch_in_processes").with("urls", server.url("/1")).sync();
    assert_eq!(denied.code, Some(4), "{}", denied.everything());
    let few = Connector::mode("fetch_in_processes").with("urls", format!("{0} {0} {0}", server.url("/3")));
    let few = few.arguments(&["--allow", &server.origin(), "--requests", "2"]).sync();
    assert_eq!(few.code, Some(3), "{}", few.everything());
}

fn most_of(count: &AtomicUsize) -> usize {
    count.load(Ordering::SeqCst)
}

#[test]
fn a_replay_of_processes_is_always_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cassette.har");
    // the same request twice: which answer a task gets must not depend on who is faster
    let entry = |text: &str| {
        json!({
            "startedDateTime": "2025-01-31T12:00:00Z",
            "request": {"method": "GET", "url": "http://api.example/page"},
            "response": {"status": 200, "content": {"text": text}},
        })
    };
    let entries: Vec<_> = (0..6).map(|n| entry(&format!("answer {n}"))).collect();
    std::fs::write(&path, json!({"log": {"version": "1.2", "entries": entries}}).to_string()).unwrap();
    let urls = ["http://api.example/page"; 6].join(" ");
    let replay = |mode: &str| {
        let connector = Connector::mode(mode).with("urls", &urls).arguments(&["--replay", path.to_str().unwrap()]);
        let sync = connector.succeed();
        (sync.log(), connector)
    };
    let (log, fetched) = replay("fetch_in_processes");
    let pages = fetched.database().query("SELECT n, text FROM pages ORDER BY n");
    let expected: Vec<_> = (0..6).map(|n| [json!(n), json!(format!("answer {n}"))]).collect();
    assert_eq!(pages, expected);
    assert_eq!(log, vec!["fetched 8 bytes"; 6]);

    let draws = || replay("draws").1.database().query("SELECT n, drawn FROM draws ORDER BY n");
    let (first, second) = (draws(), draws());
    assert_eq!(first, second);
    let drawn: std::collections::BTreeSet<_> = first.iter().map(|row| row[1].to_string()).collect();
    assert_eq!(drawn.len(), 7, "instances have different chance: {first:?}");
    assert!(first.iter().all(|row| row[1].as_str().unwrap().ends_with(", 1738324800.0)")), "{first:?}");
}
