//! A hundred connections in one batch, of every kind: each ends as it must, and lands what it must.

use std::io::Write as _;
use std::sync::{Arc, Condvar, Mutex};

use serde_json::json;

use super::Fleet;
use crate::support::server::Server;

const FAST: usize = 40;
/// They all wait for the server at the same time.
const SLOW: usize = 30;
const FAILING: usize = 12;
const DENIED: usize = 8;
const HOSTILE: [&str; 10] = [
    "endless_loop",
    "endless_loop_that_catches",
    "endless_c_code",
    "colliding_keys",
    "memory_bomb",
    "endless_sleep",
    "rows_for_ever",
    "tables_for_ever",
    "too_many_handles",
    "log_flood",
];
const TIGHT: &str = "limits = { cpu = \"1s\", wall = \"20s\", rows = 20_000, tables_per_sync = 50, handles = 200 }";

/// Answers nobody before so many wait.
fn gathers(count: usize) -> Server {
    let waiting = Arc::new((Mutex::new(0), Condvar::new()));
    Server::start(move |_, stream| {
        let mut arrived = waiting.0.lock().unwrap();
        *arrived += 1;
        waiting.1.notify_all();
        drop(waiting.1.wait_while(arrived, |arrived| *arrived < count));
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")?;
        Ok(true)
    })
}

#[test]
fn a_hundred_connections_each_end_as_they_must() {
    let server = gathers(SLOW);
    let mut fleet = Fleet::new(&format!("concurrency = {}\n[defaults]\nretry = {{ attempts = 1 }}", SLOW + 8));
    let names = |kind: &str, count: usize| (0..count).map(|n| format!("{kind}_{n}")).collect::<Vec<_>>();
    let raises = json!({"mode": "program", "schema": "[]", "operations": "[[\"raise\", \"ValueError\", \"no luck\"]]"});
    let ungranted = json!({"mode": "asks", "url": server.url("/"), "times": "1"});
    for (number, name) in names("fast", FAST).iter().enumerate() {
        fleet = fleet.rows(name, u32::try_from(number).unwrap() + 1, "");
    }
    for name in names("slow", SLOW) {
        fleet = fleet.asking(&name, &server, 1, "");
    }
    for name in names("failing", FAILING) {
        fleet = fleet.with(&name, &raises, "");
    }
    for name in names("denied", DENIED) {
        fleet = fleet.with(&name, &ungranted, "");
    }
    for mode in HOSTILE {
        fleet = fleet.with(mode, &json!({ "mode": mode }), TIGHT);
    }
    let batch = fleet.batch(&[]);
    assert_eq!(batch.report()["connections"].as_array().map(Vec::len), Some(100));
    assert_eq!(batch.code, Some(6), "{}", batch.said);
    for (number, name) in names("fast", FAST).iter().enumerate() {
        assert_eq!(batch.outcome(name), "success", "{}", batch.of_connection(name));
        let counted = fleet.database(name).value("SELECT count(*) || ' ' || max(id) FROM items");
        assert_eq!(counted, json!(format!("{} {number}", number + 1)));
    }
    for name in names("slow", SLOW) {
        assert_eq!(batch.outcome(&name), "success", "{}", batch.of_connection(&name));
        assert_eq!(fleet.database(&name).query("SELECT id, text FROM answers"), [[json!(0), json!("ok")]]);
    }
    for (kind, count, outcome) in [("failing", FAILING, "connector"), ("denied", DENIED, "denied")] {
        for name in names(kind, count) {
            assert_eq!(batch.outcome(&name), outcome, "{}", batch.of_connection(&name));
        }
    }
    for mode in HOSTILE {
        let may_end_well = ["log_flood", "too_many_handles"].contains(&mode);
        let outcome = batch.outcome(mode);
        assert!(outcome == "limit" || may_end_well && outcome == "success", "{mode}: {}", batch.of_connection(mode));
    }
    assert_eq!(server.requests(), SLOW, "who was denied did not get there");
    for name in ["fast_0", "slow_0", "failing_0", "denied_0", "endless_loop"] {
        assert_eq!(batch.events_of("ended", name).len(), 1, "{name}");
    }
}
