//! Cassettes: what others recorded, replayed; and what is recorded here, read again.

use crate::cassette::{Cassette, Exchange, Outcome, Player, Redaction, head, tail};
use crate::fuzzing::memory::within;
use crate::fuzzing::{Seen, Target, run, texts};
use crate::policy::secrets::{Redactor, Secret};

const WORDS: &[&str] = &[
    "{\"log\":{\"version\":\"1.2\",\"entries\":[",
    "]}}",
    "\"request\":{",
    "\"response\":{",
    "\"method\":\"GET\"",
    "\"url\":\"",
    "\"content\":{",
    "\"text\":\"",
    "\"encoding\":\"base64\"",
    "\"headers\":[",
    "{\"name\":\"",
    "\"value\":\"",
    "\"status\":",
    "\"size\":",
    "\"startedDateTime\":\"2025-01-31T12:00:00Z\"",
    "\"_sluice\":{",
    "\"asSent\":true",
    "\"end\":{",
    "null",
    "\\u0000",
    "\\ud800",
    "[",
    "]",
    "{",
    "}",
    ",",
    "set-cookie",
    "access_token=",
    "?api_key=",
    "\r\n",
    "H4sI",
];

fn seeds() -> Vec<Vec<u8>> {
    let entry = r#"{"startedDateTime":"2025-01-31T12:00:00Z","request":{"method":"GET","url":"https://a.example/x?token=abc"},
        "response":{"status":200,"statusText":"OK","headers":[{"name":"Content-Type","value":"application/json"}],
        "content":{"size":2,"text":"e30=","encoding":"base64"}},"_sluice":{"asSent":true,"end":{"kind":"x","text":"y"}}}"#;
    let whole = format!("{{\"log\":{{\"version\":\"1.2\",\"_server\":\"http://127.0.0.1:1\",\"entries\":[{entry}]}}}}");
    let mut seeds = texts(&[
        &whole,
        "{\"log\":{\"entries\":[{\"request\":{\"method\":\"HEAD\",\"url\":\"http://[redacted]/\"},\"response\":{\"status\":0}}]}}",
    ]);
    seeds.push(include_bytes!("../../../../tests/connectors/price_history/cassette.har").to_vec());
    seeds
}

const SECRET: &str = "hunter2-hunter2";

fn attack(input: &[u8]) -> Seen {
    let redaction = || Redaction::new(Redactor::new([&Secret::new(SECRET.to_owned())]));
    // A reading and what is read; a short entry of JSON is some hundred bytes in memory.
    let read = within(24 * input.len() + 64 * 1024, || Cassette::parse(input));
    let cassette = match read {
        Ok(cassette) => cassette,
        Err(error) => {
            let text = error.to_string();
            assert!(text.len() < 1000, "{} bytes of reason", text.len());
            return Seen::text(&text);
        }
    };
    let mut kinds = Vec::new();
    for entry in &cassette.entries {
        kinds.push(matches!(entry.outcome, Outcome::Reply(_)));
        if let Outcome::Reply(reply) = &entry.outcome {
            assert!((200..600).contains(&reply.status));
            for (name, value) in &reply.headers {
                assert!(http::HeaderName::from_bytes(name.as_bytes()).is_ok_and(|parsed| parsed.as_str() == name));
                assert!(http::HeaderValue::from_bytes(value).is_ok());
            }
        }
    }
    written_and_read(&cassette, &redaction());
    replayed(cassette, redaction());
    kinds.truncate(4);
    Seen::of(&kinds)
}

/// What was replayed and is recorded is a cassette again, with the same answers and without secrets.
fn written_and_read(cassette: &Cassette, redaction: &Redaction) {
    let Some((entry, Outcome::Reply(reply))) = cassette.entries.first().map(|entry| (entry, &entry.outcome)) else {
        return;
    };
    let exchange = Exchange {
        started: jiff::Timestamp::UNIX_EPOCH,
        wait: 1.0,
        receive: 1.0,
        method: entry.method.clone(),
        url: entry.url.clone(),
        request_headers: reply.headers.clone(),
        request_body: reply.body.to_vec(),
        head: Some((reply.status, reply.reason.clone(), reply.headers.clone())),
        body: reply.body.to_vec(),
        end: reply.end.clone(),
    };
    let text = format!("{}{}{}", head(cassette.server.as_deref(), false), exchange.entry(redaction), tail());
    if cassette.server.as_ref().is_none_or(|server| !server.contains(SECRET)) && !entry.method.contains(SECRET) {
        assert!(!text.contains(SECRET) || exchange.unsearched(), "a secret was written: {text}");
    }
    let again = Cassette::parse(text.as_bytes()).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert_eq!(again.server, cassette.server);
    let Some(Outcome::Reply(read)) = again.entries.first().map(|entry| &entry.outcome) else {
        panic!("an answer was recorded: {text}")
    };
    assert_eq!(read.status, reply.status);
    // What was clean is what it was, to the byte.
    let clean = redaction.body(&reply.body, "") == reply.body && exchange.url == redaction.url(&exchange.url);
    if clean && reply.headers.is_empty() {
        assert_eq!(read.body, reply.body);
        assert_eq!(again.entries[0].url, entry.url);
    }
}

/// Each entry answers its own request.
fn replayed(cassette: Cassette, redaction: Redaction) {
    let asked: Vec<_> = cassette.entries.iter().map(|entry| (entry.method.clone(), entry.url.clone())).collect();
    let mut player = Player::new(cassette, redaction);
    for (method, url) in asked.iter().take(50) {
        assert!(player.take(method, url).is_ok(), "{method} {url} is in the cassette");
    }
    let replayed = player.replayed();
    let _ = (format!("{replayed:?}"), player.take("GET", "https://nobody.example/"));
}

#[test]
fn fuzz_cassettes() {
    run(&Target { name: "cassettes", words: WORDS, longest: 16 * 1024, brief: 4000, seeds, attack });
}
