//! Threads and asyncio in connectors: what runs when, and requests that are under way together.

use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::Connector;
use crate::support::server::Server;

/// A mode of the guest with the clients, against a server.
fn against(server: &Server, mode: &str) -> Connector {
    Connector::client(mode).with("url", server.url("").trim_end_matches('/')).arguments(&["--allow", &server.origin()])
}

/// Answers with the path.
fn echo() -> Server {
    Server::start(|request, stream| {
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{}", request.path.len(), request.path)?;
        Ok(true)
    })
}

/// Answers no request before 32 of them are there together.
fn together() -> (Server, Arc<AtomicUsize>) {
    let waiting = Arc::new((Mutex::new(0_usize), Condvar::new()));
    let most = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&most);
    let server = Server::start(move |request, stream| {
        let (count, changed) = &*waiting;
        let mut count = count.lock().unwrap();
        *count += 1;
        seen.fetch_max(*count, Ordering::SeqCst);
        changed.notify_all();
        drop(changed.wait_timeout_while(count, Duration::from_secs(60), |count| *count < 32));
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{}", request.path.len(), request.path)?;
        Ok(true)
    });
    (server, most)
}

#[test]
fn thirty_two_requests_of_asyncio_are_under_way_together() {
    for mode in ["many_with_httpx", "many_with_aiohttp"] {
        let (server, most) = together();
        let connector = against(&server, mode);
        connector.succeed();
        assert_eq!(most.load(Ordering::SeqCst), 32, "{mode}");
        let database = connector.database();
        assert_eq!(database.value("SELECT count(DISTINCT path) FROM answers"), json!(32), "{mode}");
        eprintln!("{mode}: 32 requests in {} s", database.value("SELECT seconds FROM times"));
    }
}

#[test]
fn the_tools_of_asyncio_work() {
    let server = Server::start(|request, stream| {
        if request.path == "/never" {
            // The connector gives up long before.
            std::thread::sleep(Duration::from_secs(5));
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")?;
        Ok(true)
    });
    let connector = against(&server, "tools_of_asyncio");
    connector.succeed();
    let seen = connector.database().query("SELECT name, value FROM seen ORDER BY rowid");
    let expected = [
        ("wait_for", "TimeoutError"),
        ("timeout", "TimeoutError"),
        ("after", "ok"),
        ("queue", "[0, 1, 2, 3]"),
        ("run_in_executor", "32"),
        ("to_thread", "[1, 2, 4]"),
        ("loop in a thread", "slept"),
    ];
    assert_eq!(seen, expected.map(|(name, value)| [json!(name), json!(value)]));
}

#[test]
fn a_pool_fetches_pages_in_order() {
    let server = echo();
    let connector = against(&server, "pool");
    connector.succeed();
    let pages = connector.database().query("SELECT n, text FROM pages ORDER BY n");
    let expected: Vec<_> = (0..12).map(|n| [json!(n), json!(format!("/{n}"))]).collect();
    assert_eq!(pages, expected);
    assert_eq!(server.requests(), 12);
}

#[test]
fn a_consumer_that_was_started_first_lands_every_row() {
    let connector = Connector::client("producer_and_consumer");
    connector.succeed();
    let rows = connector.database().query("SELECT n, thread FROM rows ORDER BY rowid");
    let expected: Vec<_> = (0..10).map(|n| [json!(n), json!("landing")]).collect();
    assert_eq!(rows, expected);
    assert_eq!(connector.state(), json!({"landed": 10}));
}

#[test]
fn what_nobody_waits_for_runs_before_the_sync_ends() {
    let connector = Connector::client("threads_at_the_end");
    connector.succeed();
    assert_eq!(connector.database().query("SELECT n FROM rows ORDER BY n"), [[json!(1)], [json!(2)]]);
}

#[test]
fn a_wait_without_end_is_an_error_with_its_place() {
    let connector = Connector::client("deadlock");
    let sync = connector.sync();
    assert_ne!(sync.code, Some(0), "{}", sync.everything());
    let text = sync.everything();
    assert!(text.contains("thread worker waits at /project/workers.py:"), "{text}");
    assert!(text.contains("put everything (with the end marks) into a queue before waiting"), "{text}");
    assert_eq!(connector.database().query("SELECT n FROM rows"), [[json!(1)]]);
    let state: Value = connector.state();
    assert_eq!(state, json!({"begun": true}));
}
