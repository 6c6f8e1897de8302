//! Requests and responses: what is sent is what arrives, in every library.

use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::{against, document, echo, fetch, respond};
use crate::support::server::Server;

#[test]
fn one_page_through_four_libraries() {
    let server = Server::fixed("200 OK", &[("Content-Type", "text/plain; charset=utf-8")], "the same page: ü");
    let connector = against(&server, "libraries", "/page");
    let sync = connector.succeed();
    let pages = connector.database().query("SELECT library, text FROM pages ORDER BY library");
    assert_eq!(
        pages,
        ["http.client", "requests", "urllib", "urllib3"].map(|name| [json!(name), json!("the same page: ü")])
    );
    assert_eq!(server.requests(), 4);
    assert_eq!(sync.report()["hosts"][0]["requests"], 4);
}

#[test]
fn failed_requests_are_tried_again_by_the_library() {
    let count = AtomicUsize::new(0);
    let server = Server::start(move |_, stream| match count.fetch_add(1, Ordering::SeqCst) {
        0 | 1 => respond(stream, "503 Service Unavailable", "Retry-After: 0\r\n", b"later"),
        _ => respond(stream, "200 OK", "", b"now"),
    });
    let connector = against(&server, "retry", "/");
    connector.succeed();
    assert_eq!(connector.database().query("SELECT status, text FROM retries"), [[json!(200), json!("now")]]);
    assert_eq!(server.requests(), 3);
}

#[test]
fn status_codes_are_the_librarys_business() {
    let server = Server::fixed("404 Nothing Here", &[], "no such page");
    let connector = against(&server, "errors_of_urllib", "/");
    connector.succeed();
    assert_eq!(connector.database().query("SELECT code, text FROM raised"), [[json!(404), json!("no such page")]]);
    let rows = fetch(&server, &json!([{"method": "GET", "url": server.url("/x")}]));
    assert_eq!((&rows[0]["status"], &rows[0]["reason"]), (&json!(404), &json!("Nothing Here")));
}

#[test]
fn what_is_sent_is_what_arrives() {
    let server = Server::start(echo);
    let rows = fetch(
        &server,
        &json!([
            {"method": "POST", "url": server.url("/a?b=c"), "json": {"a": [1, 2]}, "headers": {"X-Test": "yes"}},
            {"method": "PUT", "url": server.url("/a"), "data": "plain text"},
            {"method": "POST", "url": server.url("/form"), "data": {"name": "a value", "other": "ü"}},
            {"method": "GET", "url": server.url("/q"), "params": {"list": [1, 2], "space": "a b"}},
            {"method": "PATCH", "url": server.url("/a"), "json": {}},
            {"method": "DELETE", "url": server.url("/a")},
            {"method": "OPTIONS", "url": server.url("/a")},
        ]),
    );
    let echoes: Vec<Value> = rows.iter().map(|row| document(row, "text")).collect();
    let header = |index: usize, wanted: &str| {
        let headers = echoes[index]["headers"].as_array().unwrap();
        let found = headers.iter().find(|pair| pair[0].as_str().unwrap().eq_ignore_ascii_case(wanted));
        found.map(|pair| pair[1].as_str().unwrap().to_owned())
    };
    let summary: Vec<_> =
        echoes.iter().map(|echo| ["method", "path", "body"].map(|field| echo[field].as_str().unwrap())).collect();
    assert_eq!(
        summary,
        [
            ["POST", "/a?b=c", r#"{"a": [1, 2]}"#],
            ["PUT", "/a", "plain text"],
            ["POST", "/form", "name=a+value&other=%C3%BC"],
            ["GET", "/q?list=1&list=2&space=a+b", ""],
            ["PATCH", "/a", "{}"],
            ["DELETE", "/a", ""],
            ["OPTIONS", "/a", ""],
        ]
    );
    assert_eq!(header(0, "x-test").as_deref(), Some("yes"));
    assert_eq!(header(0, "content-type").as_deref(), Some("application/json"));
    assert_eq!(header(0, "content-length").as_deref(), Some("13"));
    assert!(header(0, "user-agent").is_some_and(|agent| agent.starts_with("python-requests/")), "the library's own");
    assert_eq!(header(0, "host").as_deref(), Some(format!("127.0.0.1:{}", server.port()).as_str()));
}

#[test]
fn a_body_that_is_empty_or_absent() {
    let server = Server::start(echo);
    let connector = against(&server, "plain_requests", "/here");
    connector.succeed();
    let rows = connector.database().query("SELECT name, echo FROM plain ORDER BY name");
    let lengths: Vec<_> = rows
        .iter()
        .map(|row| {
            let echo: Value = serde_json::from_str(row[1].as_str().unwrap()).unwrap();
            let headers = echo["headers"].as_array().unwrap().clone();
            let find = |name: &str| {
                let found = headers.iter().find(|pair| pair[0].as_str().unwrap().eq_ignore_ascii_case(name));
                found.map(|pair| pair[1].as_str().unwrap().to_owned())
            };
            assert_eq!(find("transfer-encoding"), None, "{row:?}");
            (row[0].as_str().unwrap().to_owned(), find("content-length"), echo["body"].as_str().unwrap().to_owned())
        })
        .collect();
    let expected = [
        // as http.client writes it natively
        ("GET none", None, ""),
        ("POST empty", Some("0"), ""),
        ("POST none", Some("0"), ""),
        // the host knows the whole body, so it sends its length instead of chunks
        ("POST pieces", Some("3"), "abc"),
        ("POST some", Some("3"), "abc"),
    ];
    assert_eq!(
        lengths,
        expected.map(|(name, length, body)| (name.to_owned(), length.map(str::to_owned), body.to_owned()))
    );
}

#[test]
fn header_names_have_their_usual_case() {
    let server = Server::start(|_, stream| {
        stream.write_all(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nETAG: \"1\"\r\nset-cookie: a=1\r\nset-cookie: b=2\r\n\
              x-ratelimit-remaining: 7\r\nwww-authenticate: Basic\r\nTransfer-Encoding: chunked\r\n\r\n\
              3\r\n[1,\r\n2\r\n2]\r\n0\r\n\r\n",
        )?;
        Ok(true)
    });
    let rows = fetch(&server, &json!([{"method": "GET", "url": server.url("/")}]));
    assert_eq!(rows[0]["content_type"], "application/json", "code that looks in a plain dict finds it");
    assert_eq!(
        document(&rows[0], "headers"),
        json!([
            ["Content-Type", "application/json"],
            ["ETag", "\"1\""],
            ["Set-Cookie", "a=1"],
            ["Set-Cookie", "b=2"],
            ["X-RateLimit-Remaining", "7"],
            ["WWW-Authenticate", "Basic"],
            ["Transfer-Encoding", "chunked"],
        ]),
        "repeated fields stay apart, and the framing is told although it was taken off"
    );
    assert_eq!(rows[0]["text"], "[1,2]");
}
