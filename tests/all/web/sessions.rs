//! More than one request: redirects, cookies, connections, and servers that break off.

use std::io::{Read, Write};
use std::net::TcpListener;

use serde_json::{Value, json};

use super::{against, document, echo, fetch, fetched, respond};
use crate::support::Connector;
use crate::support::server::Server;

#[test]
fn redirects_are_followed_where_it_is_granted() {
    let server = Server::start(|request, stream| match request.path.as_str() {
        "/start" => respond(stream, "302 Found", "Location: /middle\r\n", b""),
        "/middle" => respond(stream, "301 Moved", "Location: end?x=1\r\n", b""),
        "/keep" => respond(stream, "307 Temporary Redirect", "Location: /end\r\n", b""),
        "/loop" => respond(stream, "302 Found", "Location: /loop\r\n", b""),
        _ => echo(request, stream),
    });
    let rows = fetch(
        &server,
        &json!([
            {"method": "GET", "url": server.url("/start")},
            {"method": "POST", "url": server.url("/keep"), "data": "kept"},
            {"method": "POST", "url": server.url("/start"), "data": "dropped"},
            {"method": "GET", "url": server.url("/start"), "allow_redirects": false},
            {"method": "GET", "url": server.url("/loop")},
        ]),
    );
    assert_eq!(rows[0]["url"], server.url("/end?x=1").as_str());
    assert_eq!(document(&rows[0], "history"), json!([302, 301]));
    let echoed = |index: usize| {
        let echo = document(&rows[index], "text");
        [echo["method"].clone(), echo["body"].clone()]
    };
    assert_eq!(echoed(1), ["POST", "kept"]);
    assert_eq!(echoed(2), ["GET", ""]);
    assert_eq!(rows[3]["status"], 302);
    assert_eq!(rows[4]["error"], "TooManyRedirects");
}

#[test]
fn a_redirect_to_where_nothing_is_granted_is_denied() {
    let other = Server::fixed("200 OK", &[], "secret page");
    let target = other.url("/");
    let server = Server::start(move |_, stream| respond(stream, "302 Found", &format!("Location: {target}\r\n"), b""));
    let connector = against(&server, "fetch", "/").with("requests", json!([{"method": "GET", "url": server.url("/")}]));
    connector.succeed();
    let rows = fetched(&connector);
    assert!(document(&rows[0], "kinds").to_string().contains("RequestException"), "{rows:?}");
    let message = rows[0]["message"].as_str().unwrap();
    assert!(message.contains(&format!("127.0.0.1:{}", other.port())), "names where it wanted to go: {message}");
    assert_eq!((server.requests(), other.requests()), (1, 0), "and it is not tried again");
}

#[test]
fn a_session_keeps_cookies_and_credentials() {
    let server = Server::start(|request, stream| match request.path.as_str() {
        "/login" => respond(stream, "200 OK", "Set-Cookie: session=abc; Path=/; HttpOnly\r\n", b""),
        _ => echo(request, stream),
    });
    let rows = fetch(
        &server,
        &json!([
            {"method": "POST", "url": server.url("/login")},
            {"method": "GET", "url": server.url("/data"), "auth": null},
            {"method": "GET", "url": format!("http://ada:secret@127.0.0.1:{}/data", server.port())},
        ]),
    );
    let header = |index: usize, wanted: &str| {
        let echo = document(&rows[index], "text");
        let headers = echo["headers"].as_array().unwrap().clone();
        headers.iter().find(|pair| pair[0].as_str().unwrap().eq_ignore_ascii_case(wanted)).map(|pair| pair[1].clone())
    };
    assert_eq!(header(1, "cookie"), Some(json!("session=abc")));
    assert_eq!(header(2, "authorization"), Some(json!("Basic YWRhOnNlY3JldA==")), "from the URL, as natively");
}

#[test]
fn connections_are_reused() {
    let server = Server::fixed("200 OK", &[], "again");
    let connector = against(&server, "reused", "/").with("count", 50);
    let sync = connector.succeed();
    assert_eq!(connector.database().value("SELECT count(*) FROM reuses WHERE status = 200"), json!(50));
    assert_eq!((server.requests(), server.connections()), (50, 1));
    eprintln!("50 requests, one after another: {} s", sync.report()["wall_seconds"]);

    // a connection that the server closes is replaced without the guest noticing
    let server = Server::start(|_, stream| {
        respond(stream, "200 OK", "", b"")?;
        Ok(false)
    });
    let connector = against(&server, "reused", "/").with("count", 5);
    connector.succeed();
    assert_eq!(connector.database().value("SELECT count(*) FROM reuses WHERE status = 200"), json!(5));
}

#[test]
fn broken_servers_raise_what_the_library_raises_natively() {
    let silent = Server::gated();
    let stalled = Server::start(|_, stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")?;
        // Until the other side has given up.
        stream.read_exact(&mut [0])?;
        Ok(false)
    });
    let cut = Server::start(|_, stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")?;
        Ok(false)
    });
    let rude = Server::start(|_, _| Ok(false));
    let babbling = Server::start(|_, stream| {
        stream.write_all(b"this is no HTTP\r\n\r\n")?;
        Ok(false)
    });
    // Nobody listens there any more.
    let refused = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let urls = [
        silent.0.url("/"),
        stalled.url("/"),
        cut.url("/"),
        rude.url("/"),
        babbling.url("/"),
        format!("http://{refused}/"),
    ];
    let requests: Vec<_> = urls.iter().map(|url| json!({"method": "GET", "url": url, "timeout": 1})).collect();
    let mut connector = Connector::mode("fetch").with("requests", Value::from(requests));
    for url in &urls {
        connector = connector.arguments(&["--allow", url.trim_end_matches('/')]);
    }
    connector.succeed();
    let errors: Vec<_> = fetched(&connector).iter().map(|row| row["error"].clone()).collect();
    assert_eq!(
        errors,
        [
            "ReadTimeout",
            "ConnectionError",
            "ChunkedEncodingError",
            "ConnectionError",
            "ConnectionError",
            "ConnectionError"
        ]
    );
    silent.1.open();
}
