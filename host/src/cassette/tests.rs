//! Cassettes as people and browsers write them, and as enemies do.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use jiff::Timestamp;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::policy::secrets::{Redactor, Secret};

fn parse(har: &Value) -> Result<Cassette, CassetteError> {
    Cassette::parse(har.to_string().as_bytes())
}

fn har(entries: Value) -> Value {
    json!({"log": {"version": "1.2", "entries": entries}})
}

fn one(method: &str, url: &str, response: Value) -> Value {
    json!({"startedDateTime": "2025-01-31T12:00:00Z", "request": {"method": method, "url": url}, "response": response})
}

fn outcome(response: Value) -> Outcome {
    let cassette = parse(&har(json!([one("GET", "http://a.example/", response)]))).unwrap();
    cassette.entries.into_iter().next().unwrap().outcome
}

fn reply(response: Value) -> Reply {
    match outcome(response) {
        Outcome::Reply(reply) => reply,
        Outcome::Failed { kind, text } => panic!("{kind}: {text}"),
    }
}

fn failure(text: &str) -> String {
    Cassette::parse(text.as_bytes()).unwrap_err().to_string()
}

fn redaction() -> Redaction {
    Redaction::new(Redactor::new(&[Secret::new("hunter22".to_owned())]))
}

#[test]
fn the_least_that_a_hand_must_write() {
    let cassette = Cassette::parse(
        br#"{"log": {"entries": [{"request": {"method": "GET", "url": "http://a.example"}, "response": {"status": 200}}]}}"#,
    );
    let cassette = cassette.unwrap();
    assert_eq!(cassette.entries[0].url, "http://a.example/");
    assert_eq!(cassette.started(), Err(CassetteError::NoTime));
    assert!(matches!(&cassette.entries[0].outcome, Outcome::Reply(reply) if reply.body.is_empty()));
    assert!(Cassette::parse(b"\xef\xbb\xbf{\"log\":{\"entries\":[]}}").unwrap().entries.is_empty());
}

#[test]
fn what_travelled_is_left_out_unless_it_was_kept() {
    let response = json!({
        "status": 200,
        "headers": [
            {"name": ":status", "value": "200"},
            {"name": "Content-Encoding", "value": "gzip"},
            {"name": "Transfer-Encoding", "value": "chunked"},
            {"name": "X-Kept", "value": "\u{fc}"},
            {"name": "Set-Cookie", "value": "a=1\r\nb=2"},
            {"name": "Empty", "value": ""},
        ],
        "content": {"text": "decoded"},
    });
    let names = |reply: &Reply| reply.headers.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    let browsers = reply(response.clone());
    assert_eq!(names(&browsers), ["x-kept", "set-cookie", "set-cookie", "empty"]);
    assert_eq!(browsers.headers[0].1, b"\xfc");
    let mut own = one("GET", "http://a.example/", response);
    own["_sluice"] = json!({"as_sent": true, "end": {"kind": "read-timeout", "text": "late"}});
    let own = parse(&har(json!([own]))).unwrap().entries.remove(0).outcome;
    let Outcome::Reply(own) = own else { panic!("no reply") };
    assert!(names(&own).contains(&"content-encoding".to_owned()));
    assert_eq!(own.end, Some(("read-timeout".to_owned(), "late".to_owned())));
}

#[test]
fn no_answer_is_made_of_what_is_not_there() {
    for (response, kind) in [
        (json!({"status": 0, "_error": "net::ERR_FAILED"}), "connect"),
        (json!({"status": -1}), "connect"),
        (json!({}), "connect"),
        (Value::Null, "connect"),
        (json!({"status": 101}), "protocol"),
        (json!({"status": 9_223_372_036_854_775_807_i64}), "protocol"),
        (json!({"status": 200, "content": {"size": 5}}), "connection-closed"),
    ] {
        match outcome(response.clone()) {
            Outcome::Failed { kind: got, .. } => assert_eq!(got, kind, "{response}"),
            Outcome::Reply(_) => panic!("{response} is an answer"),
        }
    }
    for response in [
        json!({"status": 200, "content": {"size": 0}}),
        json!({"status": 200, "content": {"size": -1}}),
        json!({"status": 302, "content": {"size": 154}}),
        json!({"status": 204, "content": {"size": 1, "text": null}}),
    ] {
        assert!(reply(response).body.is_empty());
    }
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let wrong =
        |entry: Value| parse(&har(json!([one("GET", "http://a.example/", json!({})), entry]))).unwrap_err().to_string();
    for (entry, says) in [
        (json!(1), "entry 2: invalid type"),
        (json!({}), "entry 2: missing field `request`"),
        (json!({"request": {"method": "GET"}}), "entry 2: missing field `url`"),
        (one("GET", "nothing", json!({})), "entry 2: `request.url` is not a URL"),
        (one("GET", "http://a.example", json!({"status": "200"})), "entry 2: invalid type: string \"200\""),
        (
            one("GET", "http://a.example", json!({"status": 200, "content": {"text": "!", "encoding": "base64"}})),
            "entry 2: `response.content.text` is not base64",
        ),
        (
            one("GET", "http://a.example", json!({"status": 200, "content": {"text": "", "encoding": "zip"}})),
            "entry 2: `response.content.encoding` is zip",
        ),
        (
            one("GET", "http://a.example", json!({"status": 200, "headers": [{"name": "a b", "value": ""}]})),
            "entry 2: header field 1 of the response has a name that is not a token",
        ),
        (
            one("GET", "http://a.example", json!({"status": 200, "headers": [{"name": "a", "value": "\0"}]})),
            "entry 2: header field 1 of the response has a value",
        ),
        (
            json!({"startedDateTime": "yesterday", "request": {"method": "GET", "url": "http://a.example"}}),
            "entry 2: `startedDateTime` is not a time",
        ),
    ] {
        assert!(wrong(entry.clone()).contains(says), "{entry}: {}", wrong(entry.clone()));
    }
    for (text, says) in [
        ("", "line 1 column 0"),
        ("[]", "an object with the key `log`"),
        ("{}", "missing field `log`"),
        ("{\"log\":{}}", "missing field `entries`"),
        ("{\"log\":{\"entries\":[]},\"log\":{}}", "duplicate field `log`"),
        ("{\"log\":{\"entries\":[],\"entries\":[]}}", "duplicate field `entries`"),
        ("{\"log\":{\"version\":\"2.0\",\"entries\":[]}}", "the version of HAR is 2.0"),
        ("{\"log\":{\"entries\":[]}} x", "trailing characters"),
        (
            "{\"log\":{\"entries\":[{\"request\":{\"method\":\"GET\",\"method\":\"GET\"}}]}}",
            "entry 1: duplicate field `method`",
        ),
    ] {
        assert!(failure(text).contains(says), "{text}: {}", failure(text));
    }
}

#[test]
fn hostile_files_end_in_errors() {
    let nested = format!("{{\"log\":{{\"entries\":[],\"_x\":{}", "[".repeat(1_000_000));
    // what is skipped is skipped without recursion
    assert!(failure(&nested).contains("EOF"), "{}", failure(&nested));
    let closed = format!("{nested}{}}}}}", "]".repeat(1_000_000));
    assert!(Cassette::parse(closed.as_bytes()).unwrap().entries.is_empty());
    let deep = format!("{{\"log\":{{\"entries\":[{}", "{\"request\":".repeat(100_000));
    assert!(failure(&deep).contains("entry 1"));
    let huge = "{\"log\":{\"entries\":[{\"request\":{\"method\":\"GET\",\"url\":\"http://a\"},\"response\":{\"status\":1e999}}]}}";
    assert!(failure(huge).contains("entry 1: number out of range"), "{}", failure(huge));
    let long = format!("{{\"log\":{{\"entries\":\"{}\\u001b[2J\"}}}}", "x".repeat(100_000));
    assert!(failure(&long).len() < 400 && !failure(&long).contains('\u{1b}'));
    let minimal = "{\"request\":{\"method\":\"\",\"url\":\"data:\"}},".repeat(ENTRIES + 1);
    let many = format!("{{\"log\":{{\"entries\":[{}1]}}}}", minimal);
    assert!(failure(&many).contains("more than 100000 entries"), "{}", failure(&many));
}

#[test]
fn entries_answer_in_their_order_and_once() {
    let url = "http://a.example/x?token=mine&page=1";
    let text = |text: &str| json!({"status": 200, "content": {"text": text}});
    let entries = json!([
        one("GET", url, text("first")),
        one("POST", url, text("posted")),
        one("GET", "http://a.example/x?token=[redacted]&page=1#top", text("second")),
        one("GET", "http://a.example/left", text("")),
    ]);
    let mut player = Player::new(parse(&har(entries)).unwrap(), redaction());
    let mut take = |method: &str, url: &str| match player.take(method, url) {
        Ok(Outcome::Reply(reply)) => String::from_utf8(reply.body.to_vec()).unwrap(),
        Ok(Outcome::Failed { text, .. }) => text,
        Err(missing) => missing.to_string(),
    };
    // another secret is the same request
    assert_eq!(take("GET", "http://a.example/x?token=yours&page=1"), "first");
    assert_eq!(take("GET", url), "second");
    assert_eq!(
        take("GET", url),
        "the cassette has no further entry for GET http://a.example/x?token=[redacted]&page=1"
    );
    assert_eq!(take("POST", url), "posted");
    assert_eq!(
        take("GET", "http://a.example/hunter22"),
        "the cassette has no entry for GET http://a.example/[redacted]"
    );
    let replayed = player.replayed();
    assert_eq!((replayed.used, replayed.unused, replayed.missing), (3, 1, 2));
    assert_eq!(replayed.unused_requests, ["GET http://a.example/left"]);
}

#[test]
fn a_url_that_was_recorded_is_not_answered_by_another_key() {
    let text = |text: &str| json!({"status": 200, "content": {"text": text}});
    let issue = |key: &str| format!("http://a.example/issue?key={key}");
    let entries = json!([one("GET", &issue("A-1"), text("1")), one("GET", &issue("A-2"), text("2"))]);
    let mut player = Player::new(parse(&har(entries)).unwrap(), redaction());
    let mut take = |key: &str| match player.take("GET", &issue(key)) {
        Ok(Outcome::Reply(reply)) => String::from_utf8(reply.body.to_vec()).unwrap(),
        other => panic!("{key}: {other:?}"),
    };
    assert_eq!([take("A-2"), take("A-1")], ["2", "1"]);
    for key in ["A-1", "A-2", "A-3"] {
        assert!(player.take("GET", &issue(key)).is_err_and(|missing| missing.again), "{key}");
    }
}

#[test]
fn bodies_that_are_still_compressed_keep_their_encoding() {
    let encoded = |text: &str, encoding: &str| {
        let headers = json!([{"name": "Content-Encoding", "value": encoding}]);
        let content = json!({"text": text, "encoding": "base64"});
        reply(json!({"status": 200, "headers": headers, "content": content})).headers.len()
    };
    assert_eq!((encoded("H4sIAAAA", "gzip"), encoded("e30=", "gzip"), encoded("H4sIAAAA", "br")), (1, 0, 0));
}

#[test]
fn times_as_tools_write_them() {
    let started = |text: &str| {
        let entry = json!({"startedDateTime": text, "request": {"method": "GET", "url": "http://a.example"}});
        parse(&har(json!([entry]))).unwrap().started().unwrap().to_string()
    };
    for (text, utc) in [
        ("2025-01-31T12:00:00.123+02:00", "2025-01-31T10:00:00.123Z"),
        ("2025-01-31T12:00:00.1234567-05:30", "2025-01-31T17:30:00.1234567Z"),
        ("2025-01-31T12:00:00Z", "2025-01-31T12:00:00Z"),
        ("2025-01-31T12:00:00.5", "2025-01-31T12:00:00.5Z"),
        ("2025-01-31 12:00:00", "2025-01-31T12:00:00Z"),
    ] {
        assert_eq!(started(text), utc, "{text}");
    }
}

fn exchange(body: Vec<u8>, value: Vec<u8>) -> Exchange {
    Exchange {
        started: Timestamp::UNIX_EPOCH,
        wait: 1.5,
        receive: 0.25,
        method: "POST".to_owned(),
        url: "http://a.example/x?api_key=k".to_owned(),
        request_headers: vec![("Authorization".to_owned(), b"Bearer b".to_vec())],
        request_body: body.clone(),
        head: Some((200, "OK".to_owned(), vec![("x-any".to_owned(), value)])),
        body,
        end: None,
    }
}

/// The exchange, written and read again.
fn again(exchange: &Exchange) -> Reply {
    let entry = exchange.entry(&redaction());
    let text = format!("{}{entry}{}", head(Some("http://127.0.0.1:1"), true), tail());
    let cassette = Cassette::parse(text.as_bytes()).unwrap();
    assert_eq!(cassette.server.as_deref(), Some("http://127.0.0.1:1"));
    assert_eq!(cassette.started().unwrap(), Timestamp::UNIX_EPOCH);
    match cassette.entries.into_iter().next().unwrap().outcome {
        Outcome::Reply(reply) => reply,
        Outcome::Failed { text, .. } => panic!("{text}"),
    }
}

#[test]
fn a_changed_body_has_its_new_length() {
    let mut long = exchange(b"hunter22 is the password".to_vec(), Vec::new());
    long.head = Some((200, String::new(), vec![("content-length".to_owned(), b"24".to_vec())]));
    let reply = again(&long);
    assert_eq!(&reply.body[..], b"[redacted] is the password");
    assert_eq!(reply.headers, [("content-length".to_owned(), b"26".to_vec())]);
}

proptest! {
    #[test]
    fn what_is_recorded_is_replayed(body: Vec<u8>, value in "[a-z\u{80}-\u{ff}]{0,9}") {
        let value: Vec<u8> = value.chars().map(|letter| u8::try_from(u32::from(letter)).unwrap()).collect();
        let reply = again(&exchange(body.clone(), value.clone()));
        prop_assert_eq!(&reply.body[..], &body[..]);
        prop_assert_eq!(&reply.headers[0].1, &value);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
        let _ = Cassette::parse(&bytes);
    }

    #[test]
    fn any_change_of_a_file_is_read_or_refused(at in 0usize..400, byte: u8, cut in 0usize..400) {
        let entry = exchange(b"body \xff".to_vec(), b"value".to_vec()).entry(&redaction());
        let mut text = format!("{}{entry}{}", head(None, false), tail()).into_bytes();
        let at = at % text.len();
        text[at] = byte;
        let _ = Cassette::parse(&text);
        text.truncate(cut);
        let _ = Cassette::parse(&text);
    }

    #[test]
    fn any_words_are_read_or_refused(
        words in prop::collection::vec(
            prop::sample::select(vec![
                "{", "}", "[", "]", ":", ",", "\"log\"", "\"entries\"", "\"request\"", "\"response\"", "\"url\"",
                "\"method\"", "\"status\"", "\"headers\"", "\"content\"", "\"text\"", "\"encoding\"", "\"base64\"",
                "1e400", "-0", "null", "true", "\"http://a\"", "\"_sluice\"",
            ]),
            0..40,
        )
    ) {
        let _ = Cassette::parse(words.concat().as_bytes());
        let _ = Cassette::parse(format!("{{\"log\":{{\"entries\":[{}]}}}}", words.concat()).as_bytes());
    }
}
