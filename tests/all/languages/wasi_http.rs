//! Requests through `wasi:http`, as the libraries of other languages make them: granted, refused, recorded and replayed
//! like those of the contract's own interface.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::Project;
use crate::support::component::component_with;
use crate::support::server::Server;
use crate::support::{Connector, Sync};

/// What a component of another language imports beside the contract.
const WORLD: (&str, &str) = ("  import http;", "  import http;\n  import wasi:http/outgoing-handler@0.2.12;");

const IMPORTS: &str = r#"
    (import "sluice:connector/logging@0.1.0" "log" (func $log (param i32 i32 i32)))
    (import "wasi:http/types@0.2.12" "[constructor]fields" (func $fields (result i32)))
    (import "wasi:http/types@0.2.12" "[method]fields.append" (func $append (param i32 i32 i32 i32 i32 i32)))
    (import "wasi:http/types@0.2.12" "[constructor]outgoing-request" (func $request (param i32) (result i32)))
    (import "wasi:http/types@0.2.12" "[method]outgoing-request.set-method"
        (func $method (param i32 i32 i32 i32) (result i32)))
    (import "wasi:http/types@0.2.12" "[method]outgoing-request.set-scheme"
        (func $scheme (param i32 i32 i32 i32 i32) (result i32)))
    (import "wasi:http/types@0.2.12" "[method]outgoing-request.set-authority"
        (func $authority (param i32 i32 i32 i32) (result i32)))
    (import "wasi:http/types@0.2.12" "[method]outgoing-request.set-path-with-query"
        (func $path (param i32 i32 i32 i32) (result i32)))
    (import "wasi:http/types@0.2.12" "[method]outgoing-request.body" (func $body (param i32 i32)))
    (import "wasi:http/types@0.2.12" "[method]outgoing-body.write" (func $write (param i32 i32)))
    (import "wasi:http/types@0.2.12" "[static]outgoing-body.finish" (func $finish (param i32 i32 i32 i32)))
    (import "wasi:io/streams@0.2.12" "[method]output-stream.blocking-write-and-flush"
        (func $flush (param i32 i32 i32 i32)))
    (import "wasi:io/streams@0.2.12" "[resource-drop]output-stream" (func $written (param i32)))
    (import "wasi:http/outgoing-handler@0.2.12" "handle" (func $handle (param i32 i32 i32 i32)))
    (import "wasi:http/types@0.2.12" "[method]future-incoming-response.subscribe"
        (func $subscribe (param i32) (result i32)))
    (import "wasi:io/poll@0.2.12" "[method]pollable.block" (func $block (param i32)))
    (import "wasi:http/types@0.2.12" "[method]future-incoming-response.get" (func $get (param i32 i32)))
    (import "wasi:http/types@0.2.12" "[method]incoming-response.status" (func $status (param i32) (result i32)))
    (import "wasi:http/types@0.2.12" "[method]incoming-response.consume" (func $consume (param i32 i32)))
    (import "wasi:http/types@0.2.12" "[method]incoming-body.stream" (func $stream (param i32 i32)))
    (import "wasi:io/streams@0.2.12" "[method]input-stream.blocking-read" (func $read (param i32 i64 i32)))"#;

/// Writes what was answered to the log, or the number of the error: `$ask` takes a method's number and where its path
/// and its body lie.
const ITEMS: &str = r#"
    (func $say (param $from i32) (param $length i32)
        (call $log (i32.const 2) (local.get $from) (local.get $length)))
    (func $ask (param $verb i32) (param $from i32) (param $length i32) (param $text i32) (param $bytes i32)
        (local $fields i32) (local $request i32) (local $body i32) (local $out i32) (local $future i32) (local $in i32)
        (local.set $fields (call $fields))
        (call $append (local.get $fields) (i32.const 32) (i32.const 9) (i32.const 48) (i32.const 14) (i32.const 2048))
        (local.set $request (call $request (local.get $fields)))
        (drop (call $method (local.get $request) (local.get $verb) (i32.const 0) (i32.const 0)))
        (drop (call $scheme (local.get $request) (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0)))
        (drop (call $authority (local.get $request) (i32.const 1) (i32.const 512) (i32.load (i32.const 508))))
        (drop (call $path (local.get $request) (i32.const 1) (local.get $from) (local.get $length)))
        (call $body (local.get $request) (i32.const 2048))
        (local.set $body (i32.load (i32.const 2052)))
        (call $write (local.get $body) (i32.const 2048))
        (local.set $out (i32.load (i32.const 2052)))
        (call $handle (local.get $request) (i32.const 0) (i32.const 0) (i32.const 3072))
        (if (local.get $bytes)
            (then (call $flush (local.get $out) (local.get $text) (local.get $bytes) (i32.const 2048))))
        (call $written (local.get $out))
        (call $finish (local.get $body) (i32.const 0) (i32.const 0) (i32.const 2048))
        (if (i32.load8_u (i32.const 3072))
            (then (call $refused (i32.load8_u (i32.const 3080))) (return)))
        (local.set $future (i32.load (i32.const 3080)))
        (call $block (call $subscribe (local.get $future)))
        (call $get (local.get $future) (i32.const 3072))
        (if (i32.load8_u (i32.const 3088))
            (then (call $refused (i32.load8_u (i32.const 3096))) (return)))
        (local.set $in (i32.load (i32.const 3096)))
        (if (i32.ne (call $status (local.get $in)) (i32.const 200)) (then unreachable))
        (call $consume (local.get $in) (i32.const 3072))
        (call $stream (i32.load (i32.const 3076)) (i32.const 3072))
        (call $read (i32.load (i32.const 3076)) (i64.const 4096) (i32.const 3072))
        (if (i32.load8_u (i32.const 3072)) (then unreachable))
        (call $say (i32.load (i32.const 3076)) (i32.load (i32.const 3080))))
    (func $refused (param $code i32)
        (i32.store8 (i32.const 23) (i32.add (i32.const 48) (i32.div_u (local.get $code) (i32.const 10))))
        (i32.store8 (i32.const 24) (i32.add (i32.const 48) (i32.rem_u (local.get $code) (i32.const 10))))
        (call $say (i32.const 16) (i32.const 9)))
    (data (i32.const 16) "error: 00")
    (data (i32.const 32) "x-api-key")
    (data (i32.const 48) "s3cret-of-this")
    (data (i32.const 128) "/one?access_token=s3cret-of-this&page=1")
    (data (i32.const 192) "/two")
    (data (i32.const 224) "rows, please")"#;

const GET_AND_POST: &str = "(call $ask (i32.const 0) (i32.const 128) (i32.const 39) (i32.const 0) (i32.const 0))
    (call $ask (i32.const 2) (i32.const 192) (i32.const 4) (i32.const 224) (i32.const 12))";
/// What `error-code` calls these, by number.
const CONNECTION_REFUSED: &str = "error: 06";
const REQUEST_DENIED: &str = "error: 15";

/// A component that asks `authority` for `/one`, and posts to `/two`.
fn asking(authority: &str) -> Project {
    with(authority, ITEMS, GET_AND_POST)
}

fn with(authority: &str, items: &str, calls: &str) -> Project {
    let length: String = (authority.len() as u32).to_le_bytes().iter().map(|byte| format!("\\{byte:02x}")).collect();
    let place = format!("(data (i32.const 508) \"{length}\") (data (i32.const 512) \"{authority}\")");
    let component = component_with(&[WORLD], IMPORTS, &format!("{items} {place}"), calls);
    Project::new(&component, None)
}

/// Answers with the body of the request, or with what it was asked for.
fn echo() -> Server {
    Server::start(|request, stream| {
        let what = format!("{} {} {}", request.method, request.path, String::from_utf8_lossy(&request.body));
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{what}", what.len())?;
        Ok(true)
    })
}

fn requests(sync: &Sync) -> Value {
    sync.report()["hosts"].as_array().unwrap().iter().map(|host| host["requests"].as_u64().unwrap()).sum::<u64>().into()
}

#[test]
fn what_wasi_http_asks_is_recorded_without_secrets_and_replayed() {
    let (server, folder) = (echo(), tempfile::tempdir().unwrap());
    let authority = server.origin().replacen("http://", "", 1);
    let project = asking(&authority);
    let component = project.at("component.wasm");
    let cassette = folder.path().join("cassette.har");
    let path = cassette.to_str().unwrap();
    let answers = ["GET /one?access_token=s3cret-of-this&page=1 ", "POST /two rows, please"];

    let recorded = Connector::of(&component, json!({})).arguments(&["--allow", &server.origin(), "--record", path]);
    let sync = recorded.succeed();
    assert_eq!(sync.log(), answers);
    assert_eq!(sync.report()["cassette"], json!({"recorded": {"entries": 2}}));
    let text = fs::read_to_string(&cassette).unwrap();
    assert!(!text.contains("s3cret-of-this"), "{text}");
    let har: Value = serde_json::from_str(&text).unwrap();
    let entries = har["log"]["entries"].as_array().unwrap();
    let urls: Vec<&str> = entries.iter().map(|entry| entry["request"]["url"].as_str().unwrap()).collect();
    assert_eq!(urls, [server.url("/one?access_token=[redacted]&page=1"), server.url("/two")]);
    assert_eq!(entries[1]["request"]["postData"]["text"], "rows, please");
    let headers = entries[1]["request"]["headers"].as_array().unwrap();
    assert!(headers.contains(&json!({"name": "x-api-key", "value": "[redacted]"})), "{headers:?}");
    assert_eq!(server.requests(), 2);

    for _ in 0..2 {
        let sync = Connector::of(&component, json!({})).arguments(&["--replay", path]).succeed();
        assert_eq!(sync.log().len(), 2);
        assert!(sync.log()[0].starts_with("GET /one?access_token="), "{:?}", sync.log());
        assert_eq!(sync.log()[1], answers[1]);
        let replayed = &sync.report()["cassette"]["replayed"];
        assert_eq!((&replayed["used"], &replayed["unused"], &replayed["missing"]), (&json!(2), &json!(0), &json!(0)));
        assert_eq!(requests(&sync), 2);
    }
    assert_eq!(server.requests(), 2, "a replay asked the server");
}

#[test]
fn what_a_cassette_lacks_fails_by_name_and_was_not_sent() {
    let project = asking("api.example.com");
    let folder = tempfile::tempdir().unwrap();
    let cassette = folder.path().join("cassette.har");
    let entry = json!({
        "startedDateTime": "2025-01-31T12:00:00Z",
        "request": {"method": "POST", "url": "http://api.example.com/two"},
        "response": {"status": 200, "content": {"text": "two"}},
    });
    fs::write(&cassette, json!({"log": {"version": "1.2", "entries": [entry]}}).to_string()).unwrap();
    let connector = Connector::of(&project.at("component.wasm"), json!({}));
    let sync = connector.arguments(&["--replay", cassette.to_str().unwrap()]).succeed();
    assert_eq!(sync.log(), [CONNECTION_REFUSED, "two"]);
    let replayed = &sync.report()["cassette"]["replayed"];
    let missing = "GET http://api.example.com/one?access_token=[redacted]&page=1";
    assert_eq!(replayed["missing_requests"], json!([missing]));
    assert_eq!(requests(&sync), 1);
}

#[test]
fn what_is_not_granted_is_denied_and_named() {
    let project = asking("api.example.com");
    let sync = Connector::of(&project.at("component.wasm"), json!({})).succeed();
    assert_eq!(sync.log(), [REQUEST_DENIED, REQUEST_DENIED]);
    let host = &sync.report()["hosts"][0];
    assert_eq!((&host["requests"], &host["denied"]), (&json!(0), &json!(2)), "{host}");
}

/// How the bodies of requests were framed: method, `Transfer-Encoding`, `Content-Length`.
type Framed = Arc<Mutex<Vec<(String, Option<String>, Option<String>)>>>;

/// Answers as soon as a head has come, before any body, and then no more on this connection.
fn answering_heads() -> (TcpListener, Framed) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (accepting, framed) = (listener.try_clone().unwrap(), Framed::default());
    let noted = Arc::clone(&framed);
    std::thread::spawn(move || {
        for mut stream in accepting.incoming().flatten() {
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
            let Some(first) = lines.next() else { continue };
            let method = first.split(' ').next().unwrap_or_default().to_owned();
            let (mut encoding, mut length) = (None, None);
            for (name, value) in lines.take_while(|line| !line.is_empty()).filter_map(|line| {
                line.split_once(':').map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            }) {
                match name.as_str() {
                    "transfer-encoding" => encoding = Some(value),
                    "content-length" => length = Some(value),
                    _ => {}
                }
            }
            noted.lock().unwrap().push((method, encoding, length));
            // A client that goes away is seen by the test.
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nheard");
        }
    });
    (listener, framed)
}

/// The component's requests against [`answering_heads`].
fn framed(items: &str, calls: &str) -> Vec<(String, Option<String>, Option<String>)> {
    let (listener, framed) = answering_heads();
    let authority = listener.local_addr().unwrap().to_string();
    let project = with(&authority, items, calls);
    let connector = Connector::of(&project.at("component.wasm"), json!({}));
    let sync = connector.arguments(&["--allow", &format!("http://{authority}")]).succeed();
    assert_eq!(sync.log(), ["heard", "heard"]);
    let framed = framed.lock().unwrap();
    framed.clone()
}

#[test]
fn a_body_that_was_opened_and_left_empty_is_none() {
    // The numbers of GET and DELETE.
    let empty = [0, 4].map(|verb| {
        format!("(call $ask (i32.const {verb}) (i32.const 192) (i32.const 4) (i32.const 0) (i32.const 0))")
    });
    let bare = |method: &str| (method.to_owned(), None, None);
    assert_eq!(framed(ITEMS, &empty.concat()), [bare("GET"), bare("DELETE")]);
}

#[test]
fn a_get_with_a_body_is_sent_with_it() {
    let server = echo();
    let get = "(call $ask (i32.const 0) (i32.const 192) (i32.const 4) (i32.const 224) (i32.const 12))";
    let project = with(&server.origin().replacen("http://", "", 1), ITEMS, get);
    let connector = Connector::of(&project.at("component.wasm"), json!({}));
    let sync = connector.arguments(&["--allow", &server.origin()]).succeed();
    assert_eq!(sync.log(), ["GET /two rows, please"]);
}

#[test]
fn a_guest_that_waits_for_the_answer_with_its_body_open_is_answered() {
    let end = "(call $written (local.get $out))
        (call $finish (local.get $body) (i32.const 0) (i32.const 0) (i32.const 2048))";
    let block = "(call $block (call $subscribe (local.get $future)))";
    assert!(ITEMS.contains(end) && ITEMS.contains(block));
    let items = ITEMS.replacen(end, "", 1).replacen(block, &format!("{block} {end}"), 1);
    let chunked = Some("chunked".to_owned());
    assert_eq!(
        framed(&items, GET_AND_POST),
        [("GET".to_owned(), chunked.clone(), None), ("POST".to_owned(), chunked, None)]
    );
}
