//! Servers that break, stall and flood.

use std::io::Write;
use std::net::TcpListener;
use std::time::{Duration, Instant};

use super::super::*;
use super::support::*;

/// A server that answers with `head` and then writes `more` until the client is gone, `pause`
/// between two pieces.
fn flood(head: &'static [u8], more: &'static [u8], pause: Duration) -> Server {
    Server::new(move |mut stream, _| {
        read_request(&mut stream);
        let mut alive = stream.write_all(head).is_ok();
        while alive {
            std::thread::sleep(pause);
            alive = stream.write_all(more).is_ok();
        }
    })
}

fn outcome(server: &Server, limits: &crate::policy::limits::Limits) -> (Result<(u16, Vec<u8>), HttpError>, Duration) {
    let client = client(server.grants(), limits);
    let started = Instant::now();
    run(async {
        let result = fetch(&client, &get(&server.url("127.0.0.1", "/x?hunter2"))).await;
        (result, started.elapsed())
    })
}

#[test]
fn slowloris_ends_at_the_total() {
    let server = flood(b"HTTP/1.1 200 OK\r\n\r\n", b"x", Duration::from_millis(20));
    let mut limits = quick();
    limits.exchange_total = Duration::from_millis(400);
    let (result, took) = outcome(&server, &limits);
    let error = result.unwrap_err();
    assert!(matches!(error, HttpError::ReadTimeout(_)), "{error}");
    assert!(took >= Duration::from_millis(380) && took < Duration::from_secs(3), "{took:?}");
}

#[test]
fn slow_heads_end_at_the_first_byte_limit() {
    let server = flood(b"HTTP/1.1 200 OK\r\nX: ", b"x", Duration::from_millis(20));
    let mut limits = quick();
    limits.first_byte = Duration::from_millis(300);
    limits.exchange_total = Duration::from_secs(60);
    let (result, took) = outcome(&server, &limits);
    let error = result.unwrap_err();
    assert!(matches!(error, HttpError::ReadTimeout(_)), "{error}");
    assert!(took < Duration::from_secs(30), "not the limit of the whole exchange: {took:?}");
}

#[test]
fn silence_ends_between_bytes() {
    let server = Server::new(|mut stream, _| {
        read_request(&mut stream);
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nsome").unwrap();
        read_request(&mut stream);
    });
    let mut limits = quick();
    limits.between_bytes = Duration::from_millis(100);
    let error = outcome(&server, &limits).0.unwrap_err();
    assert!(matches!(error, HttpError::ReadTimeout(_)), "{error}");
    assert!(error.to_string().contains("stopped sending"), "not the limit of the whole exchange: {error}");
}

#[test]
fn endless_body_is_capped() {
    let server = flood(b"HTTP/1.1 200 OK\r\n\r\n", &[b'x'; 65536], Duration::ZERO);
    let mut limits = quick();
    limits.response_bytes = 4_000_000;
    let error = outcome(&server, &limits).0.unwrap_err();
    assert!(matches!(error, HttpError::Limit { sticky: false, .. }), "{error}");
}

#[test]
fn informational_flood_times_out() {
    // paced, because an unoptimised build parses unpaced ones for seconds before it looks at a clock
    let server = flood(b"", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", Duration::from_millis(1));
    let mut limits = quick();
    limits.first_byte = Duration::from_millis(300);
    let (result, took) = outcome(&server, &limits);
    let error = result.unwrap_err();
    assert!(matches!(error, HttpError::ReadTimeout(_)), "{error}");
    assert!(took < Duration::from_secs(3), "{took:?}");
}

#[test]
fn header_floods_are_refused() {
    for (head, more) in [(&b"HTTP/1.1 200 OK\r\nX: "[..], &[b'x'; 65536][..]), (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n")] {
        let server = flood(head, more, Duration::ZERO);
        let error = outcome(&server, &quick()).0.unwrap_err();
        assert!(matches!(error, HttpError::Protocol(_)), "{error:?}");
    }
    let large = format!("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: {}\r\n\r\n", "x".repeat(70_000));
    let error = outcome(&Server::always(large), &quick()).0.unwrap_err();
    assert!(matches!(error, HttpError::Limit { sticky: false, .. }), "{error:?}");
}

#[test]
fn endless_trailers_end() {
    let server = flood(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n",
        b"X: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n",
        Duration::ZERO,
    );
    let error = outcome(&server, &quick()).0.unwrap_err();
    assert!(matches!(error, HttpError::Protocol(_) | HttpError::ConnectionClosed(_)), "{error:?}");
}

#[test]
fn broken_answers_are_named() {
    type Expected = fn(&HttpError) -> bool;
    let closed: Expected = |error| matches!(error, HttpError::ConnectionClosed(_));
    let protocol: Expected = |error| matches!(error, HttpError::Protocol(_));
    for (answer, expected) in [
        ("", closed),
        ("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", closed),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel", closed),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", protocol),
        ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", protocol),
        ("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", protocol),
        ("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", protocol),
        ("SSH-2.0-OpenSSH_9\r\n", protocol),
    ] {
        let server = Server::new(move |mut stream, _| {
            read_request(&mut stream);
            stream.write_all(answer.as_bytes()).unwrap();
        });
        let error = outcome(&server, &quick()).0.unwrap_err();
        assert!(expected(&error), "{answer:?}: {error:?}");
        let text = error.to_string();
        assert!(text.contains("127.0.0.1:") && !text.contains("hunter2"), "{text}");
    }
}

#[test]
fn refused_connections_and_missing_names() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let client = Client::new(
        grants(&[&format!("http://{address}"), "http://nowhere.test"], &[]),
        &quick(),
        Names::new(&[]),
        Trust::nobody(),
    );
    run(async {
        let error = fetch(&client, &get(&format!("http://{address}/"))).await.unwrap_err();
        assert!(matches!(error, HttpError::Connect(_)), "{error:?}");
        let error = fetch(&client, &get("http://nowhere.test/")).await.unwrap_err();
        assert!(matches!(error, HttpError::NameResolution(_)), "{error:?}");
    });
}

#[test]
fn a_stalling_name_server_is_a_connect_timeout() {
    struct Stalls;
    impl Resolve for Stalls {
        fn resolve(&self, _: &str) -> Addresses {
            Box::pin(std::future::pending())
        }
    }
    let client =
        Client::new(grants(&["http://slow.test"], &[]), &quick(), std::sync::Arc::new(Stalls), Trust::nobody());
    let mut parts = get("http://slow.test/");
    parts.timeouts.connect = Some(Duration::from_millis(100));
    let started = Instant::now();
    let error = run(fetch(&client, &parts)).unwrap_err();
    assert!(matches!(error, HttpError::ConnectTimeout(_)), "{error:?}");
    assert!(started.elapsed() < Duration::from_secs(3));
}
