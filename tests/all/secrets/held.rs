//! Secrets that the host holds.

use std::fs;

use serde_json::{Value, json};

use super::{Desk, FORMS, VALUE, Witness, assert_hidden, assert_nowhere, row, store};
use crate::support::Connector;

/// A connector that sends `requests`, in which `<api_key>` is what it sees of the secret.
fn sending(requests: &Value, settings: &str, hosts: &[&Witness]) -> (Connector, Desk) {
    let desk = Desk::new();
    let path = desk.file("settings.toml", settings);
    let mut connector = Connector::mode("secret_send").with("requests", requests).arguments(&["--settings", &path]);
    for host in hosts {
        connector = connector.arguments(&["--allow", &host.origin()]);
    }
    (connector, desk)
}

fn bound(host: &Witness, places: &str) -> String {
    format!("[secrets.api_key]\nhosts = [\"{}\"]\nin = [{places}]\n", host.origin())
}

#[test]
fn the_value_stands_where_the_placeholder_stood() {
    let host = Witness::answering(|request| {
        let token = request.header("authorization").unwrap_or_default().to_owned();
        ("200 OK".to_owned(), format!("X-Echo: {token}\r\n"), "fine".to_owned())
    });
    let url = host.origin();
    let requests = json!([
        {"method": "GET", "url": format!("{url}/a"), "headers": {"Authorization": "Bearer <api_key>"}},
        {"method": "GET", "url": format!("{url}/b"), "auth": ["user", "<api_key>"]},
        {"method": "GET", "url": format!("{url}/c"), "params": {"also": "é&", "key": "<api_key>"}},
        {"method": "POST", "url": format!("{url}/d"), "json": {"key": "<api_key>", "n": 1}},
        {"method": "POST", "url": format!("{url}/e"), "data": {"key": "<api_key>"}},
        {"method": "PUT", "url": format!("{url}/f"), "data": "raw <api_key><api_key>!"},
    ]);
    let (connector, _desk) = sending(&requests, &bound(&host, "'header', 'query', 'body'"), &[&host]);
    store(&connector, "api_key", VALUE);
    let sync = connector.succeed();

    let seen = host.seen();
    assert_eq!(seen.len(), 6, "{}", sync.everything());
    assert!(seen[0].contains(&format!("authorization: Bearer {VALUE}\n")), "{}", seen[0]);
    let basic = "authorization: Basic dXNlcjpzM2NyZXQvdmErbHVlICJxdW90ZWQiIDlmOGU3ZA==\n";
    assert!(seen[1].contains(basic), "{}", seen[1]);
    let encoded = "s3cret%2Fva%2Blue%20%22quoted%22%209f8e7d";
    assert!(seen[2].starts_with(&format!("GET /c?also=%C3%A9%26&key={encoded}\n")), "{}", seen[2]);
    let body = format!("{{\"key\": {}, \"n\": 1}}", json!(VALUE));
    assert!(seen[3].ends_with(&format!("\n\n{body}")), "{}", seen[3]);
    assert!(seen[3].contains(&format!("content-length: {}\n", body.len())), "{}", seen[3]);
    assert!(seen[4].ends_with(&format!("\n\nkey={encoded}")), "{}", seen[4]);
    assert!(seen[5].ends_with(&format!("\n\nraw {VALUE}{VALUE}!")), "{}", seen[5]);
    assert!(seen.iter().all(|request| !request.contains("slcsecret")), "{seen:?}");

    // The head of an answer that repeats it has the placeholder again.
    let echo = row(&connector, "SELECT echo FROM sent WHERE id = 0")[0].as_str().unwrap().to_owned();
    assert!(echo.starts_with("Bearer slcsecret"), "{echo}");
    assert_nowhere(&connector.warehouse(), &FORMS);
    assert_hidden(&sync.everything(), &FORMS);
}

#[test]
fn it_goes_nowhere_else() {
    let (host, other) = (Witness::new(), Witness::new());
    let (url, elsewhere) = (host.origin(), other.origin());
    let requests = json!([
        {"method": "GET", "url": format!("{elsewhere}/"), "headers": {"X-Key": "<api_key>"}},
        {"method": "GET", "url": format!("{elsewhere}/"), "auth": ["<api_key>", "x"]},
        {"method": "GET", "url": format!("{elsewhere}/?k=<api_key>")},
        {"method": "POST", "url": format!("{elsewhere}/"), "data": "x <api_key>"},
        {"method": "GET", "url": format!("{elsewhere}/<api_key>")},
        {"method": "GET", "url": format!("{url}/<api_key>")},
        {"method": "GET", "url": format!("{url}/?k=<api_key>")},
        {"method": "POST", "url": format!("{url}/"), "json": {"k": "<api_key>"}},
        {"method": "GET", "url": format!("{url}/"), "headers": {"X-<api_key>": "1"}},
        {"method": "GET", "url": "http://<api_key>.localhost/"},
    ]);
    let (connector, _desk) = sending(&requests, &bound(&host, "'header'"), &[&host, &other]);
    store(&connector, "api_key", VALUE);
    let sync = connector.succeed();
    let rows = connector.database().query("SELECT id, message FROM sent ORDER BY id");
    assert_eq!(rows.len(), 10);
    for (number, message) in rows.iter().map(|row| (row[0].as_i64().unwrap(), row[1].as_str().unwrap())) {
        let says = match number {
            0..=4 => "the secret `api_key` may not go to",
            9 => "is not granted",
            _ => "may not stand in the",
        };
        assert!(message.contains(says), "{number}: {message}");
    }
    assert_eq!((host.seen(), other.seen()), (vec![], vec![]));
    assert_hidden(&sync.everything(), &FORMS);
    let denied: u64 =
        sync.report()["hosts"].as_array().unwrap().iter().map(|host| host["denied"].as_u64().unwrap()).sum();
    assert_eq!(denied, 10, "{}", sync.report()["hosts"]);
}

#[test]
fn a_redirect_does_not_take_it_along() {
    let other = Witness::new();
    let target = other.origin();
    let host = Witness::answering(move |_| ("302 Found".to_owned(), format!("Location: {target}/\r\n"), String::new()));
    let requests = json!([{"method": "GET", "url": host.origin(), "headers": {"X-Key": "<api_key>"}}]);
    let (connector, _desk) = sending(&requests, &bound(&host, "'header'"), &[&host, &other]);
    let connector = connector.with("fail", "yes");
    store(&connector, "api_key", VALUE);
    let sync = connector.sync();
    assert_eq!(sync.code, Some(4), "{}", sync.everything());
    let message = sync.report()["outcome"]["message"].as_str().unwrap();
    let bind = format!("--hold-secret api_key={}", other.origin());
    assert!(message.contains(&bind) && message.contains(&host.origin()), "{message}");
    assert_eq!((host.seen().len(), other.seen().len()), (1, 0));
}

#[test]
fn a_value_that_no_header_can_have_splits_none() {
    let host = Witness::new();
    let requests = json!([
        {"method": "GET", "url": host.origin(), "headers": {"X-Key": "<api_key>"}},
        {"method": "GET", "url": host.origin(), "auth": ["user", "<api_key>"]},
    ]);
    let (connector, _desk) = sending(&requests, &bound(&host, "'header'"), &[&host]);
    store(&connector, "api_key", "first-line\r\nX-Evil: 1\r\n\r\n");
    connector.succeed();
    let message = row(&connector, "SELECT message FROM sent WHERE id = 0")[0].as_str().unwrap().to_owned();
    assert!(message.contains("the secret `api_key` has a line break"), "{message}");
    let seen = host.seen();
    assert_eq!(seen.len(), 1, "in base64 it is harmless");
    assert!(!seen[0].contains("x-evil"), "{}", seen[0]);
}

#[test]
fn a_body_does_not_grow_without_a_bound() {
    let host = Witness::new();
    let requests = json!([
        {"method": "POST", "url": host.origin(), "data": "<api_key>", "repeat": 2000},
        {"method": "GET", "url": format!("{}/?k=<api_key><api_key><api_key>", host.origin())},
        {"method": "POST", "url": host.origin(), "data": "<api_key>", "repeat": 2},
    ]);
    let (connector, _desk) = sending(&requests, &bound(&host, "'body', 'query'"), &[&host]);
    store(&connector, "api_key", &"v".repeat(60_000));
    let sync = connector.succeed();
    for (number, part) in [(0, "body"), (1, "head")] {
        let sql = format!("SELECT message FROM sent WHERE id = {number}");
        let message = row(&connector, &sql)[0].as_str().unwrap().to_owned();
        assert!(message.contains(&format!("the request's {part} with its secrets is longer than")), "{message}");
    }
    let seen = host.seen();
    assert_eq!(seen.len(), 1);
    assert!(seen[0].contains("content-length: 120000\n"));
    assert!(sync.peak_kib < 700 * 1024, "{} KiB", sync.peak_kib);
}

#[test]
fn every_sync_has_another_placeholder_and_the_flag_holds_too() {
    let host = Witness::new();
    let hold = format!("api_key={}", host.origin());
    let connector = Connector::mode("secret_seen").with("names", "[\"api_key\"]").with("api_key", VALUE);
    let connector = connector.arguments(&["--hold-secret", &hold, "--allow", &host.origin()]);
    for _ in 0..2 {
        connector.succeed();
    }
    let rows = connector.database().query("SELECT DISTINCT api_key FROM seen");
    let shape = |text: &str| text.starts_with("slcsecret") && text.len() == 41;
    assert!(rows.len() == 2 && rows.iter().all(|row| shape(row[0].as_str().unwrap())), "{rows:?}");
    let bad = connector.arguments(&["--hold-secret", "api_key=everything"]).sync();
    assert_eq!(bad.code, Some(2), "{}", bad.everything());
}

#[test]
fn a_cassette_has_the_secret_neither_way_and_plays_without_it() {
    let host = Witness::answering(|request| {
        // A careless service that repeats what it was told.
        let told = request.header("x-key").unwrap_or_default().to_owned();
        ("200 OK".to_owned(), format!("X-Echo: {told}\r\n"), format!("you said {told}"))
    });
    let requests = json!([
        {"method": "GET", "url": format!("{}/a?k=<api_key>", host.origin()), "headers": {"X-Key": "<api_key>"}},
        {"method": "POST", "url": format!("{}/b", host.origin()), "json": {"k": "<api_key>"}},
    ]);
    let (connector, desk) = sending(&requests, &bound(&host, "'header', 'query', 'body'"), &[&host]);
    let cassette = desk.file("cassette.har", "");
    let recorded = connector.arguments(&["--record", &cassette]);
    store(&recorded, "api_key", VALUE);
    recorded.succeed();
    assert!(host.seen()[0].contains(VALUE));
    let taped = fs::read_to_string(&cassette).unwrap();
    assert_hidden(&taped, &FORMS);
    assert!(!taped.contains("slcsecret"), "{taped}");

    // Another machine, without the secret and without the host.
    let settings = desk.file("other.toml", &bound(&host, "'header', 'query', 'body'"));
    let replay = Connector::mode("secret_send").with("requests", &requests);
    let replay = replay.arguments(&["--settings", &settings, "--replay", &cassette]);
    let sync = replay.succeed();
    assert_eq!(sync.report()["cassette"]["replayed"]["missing"], 0, "{}", sync.report());
    let statuses = replay.database().query("SELECT status FROM sent ORDER BY id");
    assert_eq!(statuses, vec![vec![json!(200)], vec![json!(200)]]);
    assert_eq!(host.seen().len(), 2);
}
