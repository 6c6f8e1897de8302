//! HTTP libraries beside `requests`: httpx, aiohttp and boto3, unmodified, each with its own behaviour.

use std::io::{Error, Write};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::server::{Request, Server};
use crate::support::{Connector, text};

/// Nobody listens there.
const NOWHERE: &str = "http://127.0.0.1:1";

fn against(server: &Server, mode: &str) -> Connector {
    Connector::client(mode).with("url", server.url("").trim_end_matches('/')).with("nowhere", NOWHERE).arguments(&[
        "--allow",
        &server.origin(),
        "--allow",
        NOWHERE,
        "--allow",
        "https://127.0.0.1:1",
    ])
}

fn respond(stream: &mut TcpStream, status: &str, headers: &str, body: &[u8]) -> std::io::Result<bool> {
    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {}\r\n{headers}\r\n", body.len())?;
    stream.write_all(body)?;
    Ok(true)
}

/// Good and bad answers, by path.
fn many_answers() -> Server {
    // gzip of "squeezed words\n"
    const SQUEEZED: &[u8] = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\x2b\x2e\x2c\x4d\x4d\xad\x4a\x4d\x51\x28\xcf\
                              \x2f\x4a\x29\xe6\x02\x00\xb6\x5c\xd2\x8a\x0f\x00\x00\x00";
    Server::start(|request, stream| match request.path.as_str() {
        "/missing" => respond(stream, "404 Nothing Here", "", b"no such page"),
        "/redirect" => respond(stream, "302 Found", "Location: /echo\r\n", b""),
        "/gzip" => respond(stream, "200 OK", "Content-Encoding: gzip\r\n", SQUEEZED),
        "/chunked" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
            stream.write_all(b"4\r\none\n\r\n4\r\ntwo\n\r\n5\r\nthree\r\n0\r\n\r\n")?;
            Ok(true)
        }
        "/cut" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this")?;
            Ok(false)
        }
        "/closed" => Ok(false),
        "/never" => {
            std::thread::sleep(Duration::from_secs(5));
            Ok(false)
        }
        _ if request.method == "HEAD" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n")?;
            Ok(true)
        }
        path => {
            let echo = format!("{} {path} {}", request.method, text(&request.body));
            respond(stream, "200 OK", "", echo.trim_end().as_bytes())
        }
    })
}

const COMMON: [(&str, &str); 8] = [
    ("get", "200 OK: GET /echo?a=b"),
    ("head", "200 OK: "),
    ("missing", "404 Nothing Here: no such page"),
    ("redirect", "200 OK: GET /echo"),
    ("chunked", "200 OK: one\ntwo\nthree"),
    ("gzip", "200 OK: squeezed words\n"),
    ("stream", "one,two,three"),
    ("top level", "GET /echo"),
];

#[test]
fn httpx_behaves_as_it_does_elsewhere() {
    let server = many_answers();
    let connector = against(&server, "behaviour_of_httpx");
    connector.succeed();
    let rows = connector.database().query(r#"SELECT name, "sync", "async" FROM outcomes"#);
    let expected = COMMON.iter().copied().chain([
        ("post json", r#"200 OK: POST /echo {"a":[1,2]}"#),
        ("post form", "200 OK: POST /echo a=b+c"),
        ("cut off", "RemoteProtocolError"),
        ("closed", "RemoteProtocolError"),
        ("too slow", "ReadTimeout"),
        ("refused", "ConnectError"),
        ("denied", "ConnectError"),
        ("no scheme", "UnsupportedProtocol"),
    ]);
    for (name, outcome) in expected {
        assert!(rows.contains(&vec![json!(name), json!(outcome), json!(outcome)]), "{name}: {rows:?}");
    }
    let refused = rows.iter().find(|row| row[0] == "verify=False").unwrap();
    assert!(refused[1].as_str().unwrap().contains("verification of the server's certificate cannot"), "{refused:?}");
}

#[test]
fn aiohttp_behaves_as_it_does_elsewhere() {
    let server = many_answers();
    let connector = against(&server, "behaviour_of_aiohttp");
    connector.succeed();
    let rows = connector.database().query(r#"SELECT name, "async" FROM outcomes"#);
    let expected = COMMON[..6].iter().copied().chain([
        ("post json", r#"200 OK: POST /echo {"a": [1, 2]}"#),
        ("cut off", "ClientPayloadError"),
        ("closed", "ServerDisconnectedError"),
        ("too slow", "TimeoutError"),
        ("refused", "ClientConnectorError"),
        ("denied", "ClientConnectorError"),
    ]);
    for (name, outcome) in expected {
        assert!(rows.contains(&vec![json!(name), json!(outcome)]), "{name}: {rows:?}");
    }
}

const ONE_PAGE: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>shop</Name><IsTruncated>MORE</IsTruncated>
NEXT<Contents><Key>NAME</Key><Size>4</Size><ETag>"x"</ETag></Contents></ListBucketResult>"#;

/// As much of S3 and DynamoDB as the tests need. Every request must be signed.
fn cloud(puts: Arc<Mutex<Vec<(String, String)>>>) -> Server {
    Server::start(move |request, stream| {
        let signed = request.header("authorization").is_some_and(|value| {
            value.starts_with("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/") && value.contains("Signature=")
        });
        if !signed || request.header("x-amz-date").is_none() {
            return respond(stream, "403 Forbidden", "", b"");
        }
        if let Some(target) = request.header("x-amz-target") {
            return scan(target, request, stream);
        }
        let xml = "Content-Type: application/xml\r\n";
        let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
        match (request.method.as_str(), path) {
            ("GET", "/shop") if query.contains("continuation-token=second") => {
                let page = ONE_PAGE.replace("MORE", "false").replace("NEXT", "").replace("NAME", "b/two");
                respond(stream, "200 OK", xml, page.as_bytes())
            }
            ("GET", "/shop") => {
                let next = "<NextContinuationToken>second</NextContinuationToken>";
                let page = ONE_PAGE.replace("MORE", "true").replace("NEXT", next).replace("NAME", "a/one");
                respond(stream, "200 OK", xml, page.as_bytes())
            }
            ("GET", "/shop/a/one") => respond(stream, "200 OK", "", b"\xc3\xbcne"),
            ("GET", "/shop/b/two") => respond(stream, "200 OK", "ETag: \"x\"\r\n", b"deux"),
            ("GET", "/shop/missing") => {
                respond(stream, "404 Not Found", xml, b"<Error><Code>NoSuchKey</Code><Message>no</Message></Error>")
            }
            ("GET", "/shop/slow") => {
                std::thread::sleep(Duration::from_secs(3));
                Ok(false)
            }
            ("HEAD", "/shop/b/two") => {
                stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nETag: \"x\"\r\n\r\n")?;
                Ok(true)
            }
            ("PUT", _) => {
                puts.lock().map_err(|_| Error::other("poisoned"))?.push((path.to_owned(), text(&request.body)));
                respond(stream, "200 OK", "ETag: \"x\"\r\n", b"")
            }
            _ => {
                respond(stream, "403 Forbidden", xml, b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>")
            }
        }
    })
}

fn scan(target: &str, request: &Request, stream: &mut TcpStream) -> std::io::Result<bool> {
    assert_eq!(target, "DynamoDB_20120810.Scan");
    let asked: Value = serde_json::from_slice(&request.body)?;
    let item = |id: &str, total: u32| json!({"id": {"S": id}, "total": {"N": total.to_string()}});
    let answer = if asked.get("ExclusiveStartKey").is_some() {
        json!({"Items": [item("b", 2)], "Count": 1})
    } else {
        json!({"Items": [item("a", 1)], "Count": 1, "LastEvaluatedKey": {"id": {"S": "a"}}})
    };
    respond(stream, "200 OK", "Content-Type: application/x-amz-json-1.0\r\n", answer.to_string().as_bytes())
}

#[test]
fn boto3_reads_and_writes_objects() {
    let puts = Arc::new(Mutex::new(Vec::new()));
    let server = cloud(Arc::clone(&puts));
    let connector = against(&server, "objects");
    connector.succeed();
    let rows = connector.database().query("SELECT key, text, size FROM objects ORDER BY key");
    assert_eq!(rows, [[json!("a/one"), json!("üne"), json!(4)], [json!("b/two"), json!("deux"), json!(4)]]);
    let puts = puts.lock().unwrap();
    assert_eq!(puts.len(), 1);
    assert_eq!(puts[0].0, "/shop/answer");
    assert!(puts[0].1.contains("the answer"), "{puts:?}");
}

#[test]
fn transfers_of_boto3_run_in_its_threads() {
    let puts = Arc::new(Mutex::new(Vec::new()));
    let server = cloud(Arc::clone(&puts));
    let connector = against(&server, "transfers");
    connector.succeed();
    assert_eq!(connector.database().query("SELECT key, text FROM objects"), [[json!("b/two"), json!("deux")]]);
    let puts = puts.lock().unwrap();
    assert_eq!(puts[0].0, "/shop/uploaded");
    assert!(puts[0].1.contains("the upload"), "{puts:?}");
}

#[test]
fn boto3_scans_a_table() {
    let server = cloud(Arc::default());
    let connector = against(&server, "items");
    connector.succeed();
    let rows = connector.database().query("SELECT id, total FROM items ORDER BY id");
    assert_eq!(rows, [[json!("a"), json!(1)], [json!("b"), json!(2)]]);
}

#[test]
fn boto3_raises_its_own_exceptions() {
    let server = cloud(Arc::default());
    let connector = against(&server, "failures");
    connector.succeed();
    let rows = connector.database().query("SELECT name, kind FROM raised ORDER BY name");
    let expected = [
        ("closed", "AccessDenied"),
        ("missing", "NoSuchKey"),
        ("nowhere", "EndpointConnectionError"),
        ("slow", "ReadTimeoutError"),
    ];
    assert_eq!(rows, expected.map(|(name, kind)| [json!(name), json!(kind)]));
}
