//! Syncs that fail in every way beside others that do not.

use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use super::Fleet;
use crate::support::server::Server;

const AT_ONCE: &str = "retry = { attempts = 3, wait = \"1ms\", longest_wait = \"1ms\" }";

fn program(operations: &str) -> serde_json::Value {
    json!({"mode": "program", "schema": "[]", "operations": operations})
}

/// Answers the first request well, so many with an error, and then well again.
fn failing_after_the_first(times: usize) -> Server {
    let asked = AtomicUsize::new(0);
    Server::start(move |_, stream| {
        let status = if (1..=times).contains(&asked.fetch_add(1, Ordering::SeqCst)) { "503 Busy" } else { "200 OK" };
        write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 2\r\n\r\nok")?;
        Ok(true)
    })
}

#[test]
fn a_credential_that_is_not_taken_is_not_tried_again() {
    let refuses = Server::fixed("401 Unauthorized", &[], "no");
    let waits = Server::fixed("403 Forbidden", &[("Retry-After", "1")], "slowly");
    let asked = AtomicUsize::new(0);
    let expires = Server::start(move |_, stream| {
        let first = asked.fetch_add(1, Ordering::SeqCst).is_multiple_of(2);
        write!(stream, "HTTP/1.1 {}\r\nContent-Length: 2\r\n\r\nok", if first { "200 OK" } else { "401 No" })?;
        Ok(true)
    });
    let fleet = Fleet::new(&format!("[defaults]\n{AT_ONCE}"))
        .asking("refused", &refuses, 1, "")
        .asking("busy", &waits, 1, "")
        .asking("expires", &expires, 2, "");
    let batch = fleet.batch(&[]);
    // The token of the last one ran out after its first answer, and the second attempt goes on from there.
    for (name, outcome, attempts) in [("refused", "connector", 1), ("busy", "connector", 3), ("expires", "success", 2)]
    {
        let said = batch.of_connection(name);
        assert_eq!((&said["outcome"], &said["attempts"]), (&json!(outcome), &json!(attempts)), "{name}: {said}");
    }
    let hint = batch.of_connection("refused")["hint"].as_str().unwrap_or_default();
    assert!(hint.contains(&format!("{} answered 401", refuses.origin())), "{}", batch.said);
    assert_eq!(batch.of_connection("busy")["hint"], json!(null));
}

#[test]
fn each_failure_is_of_one_connection() {
    let server = Server::fixed("200 OK", &[], "ok");
    let fleet = Fleet::new(&format!("concurrency = 4\n[defaults]\n{AT_ONCE}"))
        .rows("good", 25, "")
        .with("raises", &program("[[\"raise\", \"ValueError\", \"no luck\"]]"), "")
        .with("crashes", &program("[[\"abort\"]]"), "")
        .with("hangs", &json!({"mode": "endless_sleep"}), "retry.attempts = 2\nlimits.wall = \"2s\"")
        .with("spins", &json!({"mode": "endless_loop"}), "limits.cpu = \"1s\"")
        .with("denied", &json!({"mode": "asks", "url": server.url("/"), "times": "1"}), "")
        .with("refused", &json!({"mode": "resumable"}), "limits.component_bytes = \"1KiB\"")
        .rows("fine", 15, "");
    let batch = fleet.batch(&[]);
    assert_eq!(batch.code, Some(6), "{}", batch.said);
    for (name, outcome, attempts) in [
        ("good", "success", 1),
        ("raises", "connector", 3),
        ("crashes", "connector", 3),
        ("hangs", "limit", 2),
        ("spins", "limit", 1),
        ("denied", "denied", 1),
        ("refused", "refused", 1),
        ("fine", "success", 1),
    ] {
        let said = batch.of_connection(name);
        assert_eq!((&said["outcome"], &said["attempts"]), (&json!(outcome), &json!(attempts)), "{name}: {said}");
        assert_eq!(batch.events_of("retry", name).len() + 1, attempts, "{name}");
        assert_eq!(batch.events_of("ended", name).len(), 1, "{name}");
    }
    assert!(batch.of_connection("raises")["message"].as_str().unwrap().contains("no luck"));
    let denied = batch.of_connection("denied");
    assert!(denied["message"].as_str().unwrap().contains(&server.origin()));
    assert!(denied["hint"].as_str().unwrap().contains("`allow` under [connections.denied]"), "{denied}");
    assert_eq!(fleet.database("good").value("SELECT count(*) FROM items"), json!(25));

    let batch = fleet.batch(&["--only", "raises,denied"]);
    assert_eq!((batch.code, &batch.report()["succeeded"]), (Some(7), &json!("none")), "{}", batch.said);
    let batch = fleet.batch(&["--only", "good"]);
    assert_eq!(batch.code, Some(0), "{}", batch.said);
}

#[test]
fn a_source_that_comes_back_is_asked_again_from_the_last_checkpoint() {
    let server = failing_after_the_first(2);
    let fleet = Fleet::new(&format!("[defaults]\n{AT_ONCE}")).asking("shop", &server, 3, "");
    let batch = fleet.batch(&[]);
    assert_eq!(batch.code, Some(0), "{}", batch.said);
    let shop = batch.of_connection("shop");
    assert_eq!((&shop["attempts"], &shop["rows"], &shop["checkpoints"]), (&json!(3), &json!(3), &json!(3)), "{shop}");
    assert_eq!(server.requests(), 5, "two that failed, and each page once");
    let retries = batch.events_of("retry", "shop");
    assert_eq!(retries.iter().map(|event| &event["attempt"]).collect::<Vec<_>>(), [&json!(2), &json!(3)]);
}

#[test]
fn a_budget_of_a_host_is_shared_by_the_connections_that_use_it() {
    let server = Server::fixed("200 OK", &[], "ok");
    let limit = "limits.host_requests = 5\nretry.attempts = 1";
    let fleet = Fleet::new("concurrency = 1").asking("one", &server, 4, limit).asking("two", &server, 4, limit);
    let batch = fleet.batch(&[]);
    assert_eq!(
        (batch.code, batch.outcome("one"), batch.outcome("two")),
        (Some(6), "success", "limit"),
        "{}",
        batch.said
    );
    assert_eq!(server.requests(), 5);
    // Each batch has a budget of its own, and the second connection goes on from where it was.
    let batch = fleet.batch(&["--only", "two"]);
    assert_eq!((batch.code, server.requests()), (Some(0), 8), "{}", batch.said);
}

#[test]
fn a_connection_that_somebody_else_syncs_is_no_failure() {
    let (server, gate) = Server::gated();
    let fleet = Fleet::new(&format!("[defaults]\n{AT_ONCE}")).asking("held", &server, 1, "").rows("free", 5, "");
    let mut other = fleet.command("batch").args(["--only", "held"]).spawn().unwrap();
    gate.wait_for_request();
    let batch = fleet.batch(&[]);
    let held = batch.of_connection("held");
    assert_eq!((&held["outcome"], &held["attempts"]), (&json!("running_elsewhere"), &json!(1)), "{}", batch.said);
    assert!(held["message"].as_str().unwrap().contains(&format!("process {}", other.id())), "{held}");
    assert_eq!((batch.code, batch.outcome("free")), (Some(0), "success"));
    gate.open();
    assert_eq!(other.wait().unwrap().code(), Some(0));
}
