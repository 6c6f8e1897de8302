#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
#![allow(clippy::field_reassign_with_default, reason = "Limits is non-exhaustive")]

mod connections;
mod guards;
mod hostile;
mod streams;
mod support;
mod tds;
mod tls;
mod upstreams;

use std::io::Write;
use std::sync::mpsc;
use std::time::Duration;

use bytes::Bytes;

use super::*;
use support::*;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

#[test]
fn denied_host_causes_no_query_and_no_connection() {
    let server = Server::always(OK);
    let names = Names::new(&[&["127.0.0.1"]]);
    let client = Client::new(grants(&["http://api.test"], &[]), &quick(), names.clone(), Trust::nobody());
    for host in ["127.0.0.1", "evil.test", "api.test", "localhost", "[::1]"] {
        // api.test is granted, but not at this port
        let refused = client.admit(&get(&server.url(host, "/x?token=hunter2"))).unwrap_err();
        assert!(matches!(refused, HttpError::Denied(_)), "{host}: {refused}");
        assert!(refused.to_string().contains(&format!("--allow http://{host}:")), "{refused}");
        assert!(!refused.to_string().contains("hunter2"));
    }
    assert_eq!((names.asked(), server.connections()), (0, 0));
    assert_eq!(client.usage().iter().map(|host| host.denied).sum::<u64>(), 5);
}

#[test]
fn rebinding_reaches_nothing() {
    let server = Server::new(|mut stream, _| {
        read_request(&mut stream);
        stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok").unwrap();
    });
    let url = server.url("api.test", "/");
    let granted = grants(&[url.trim_end_matches('/')], &["api.test=127.0.0.1"]);
    // private and admitted mixed; then another loopback address; then embedded and mapped forms
    let names = Names::new(&[
        &["10.0.0.1", "169.254.169.254", "127.0.0.1"],
        &["127.0.0.2"],
        &["::ffff:127.0.0.2", "64:ff9b::7f00:1", "::1"],
    ]);
    let client = Client::new(granted, &quick(), names.clone(), Trust::nobody());
    run(async {
        assert_eq!(fetch(&client, &get(&url)).await.unwrap().0, 200);
        for _ in 0..2 {
            let refused = fetch(&client, &get(&url)).await.unwrap_err();
            assert!(matches!(refused, HttpError::Denied(_)), "{refused}");
            assert!(refused.to_string().contains("--allow-address api.test="), "{refused}");
        }
    });
    assert_eq!((names.asked(), server.connections()), (3, 1));
    assert_eq!(client.usage()[0].denied, 2);
}

#[test]
fn redirect_is_returned() {
    let server = Server::always("HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n");
    let client = client(server.grants(), &quick());
    let response = run(send(&client, &get(&server.url("127.0.0.1", "/")))).unwrap();
    assert_eq!((response.status, response.reason.as_str()), (302, "Found"));
    assert!(response.headers.contains(&("location".to_owned(), b"http://169.254.169.254/".to_vec())));
    assert_eq!(server.connections(), 1);
}

#[test]
fn proxy_settings_are_not_read() {
    let trap = Server::always(OK);
    let mut again = std::process::Command::new(std::env::current_exe().unwrap());
    let proxy = format!("http://{}", trap.address);
    for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
        again.env(name, &proxy);
    }
    let test = format!("{}::redirect_is_returned", module_path!().split_once("::").unwrap().1);
    let output = again.args(["--exact", &test]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
    assert_eq!(trap.connections(), 0);
}

#[test]
fn the_request_as_the_server_sees_it() {
    let (seen, requests) = mpsc::channel();
    let server = Server::new(move |mut stream, _| {
        while let Some(request) = read_request(&mut stream) {
            seen.send(request).unwrap();
            stream.write_all(OK.as_bytes()).unwrap();
        }
    });
    let client = client(server.grants(), &quick());
    let mut parts = get(&server.url("127.0.0.1", "//evil.test/a/../b?q=1#fragment"));
    for (name, value) in [
        ("x-custom", "1"),
        ("X-Custom", "2"),
        ("Host", "evil.test"),
        ("Connection", "upgrade"),
        ("Upgrade", "h2c"),
        ("Content-Length", "99"),
        ("Transfer-Encoding", "chunked"),
        ("Proxy-Authorization", "x"),
        ("TE", "trailers"),
        ("User-Agent", "connector/1"),
    ] {
        parts.headers.push((name.to_owned(), value.as_bytes().to_vec()));
    }
    run(async {
        fetch(&client, &parts).await.unwrap();
        parts.method = "POST".to_owned();
        parts.headers.clear();
        parts.body_len = Some(5);
        let admitted = client.admit(&parts).unwrap();
        client.send(admitted, RequestBody::Bytes(Bytes::from_static(b"hello"))).await.unwrap();
    });
    let host = server.address;
    assert_eq!(
        requests.recv().unwrap(),
        format!(
            "GET //evil.test/b?q=1 HTTP/1.1\r\nX-Custom: 1\r\nX-Custom: 2\r\nUser-Agent: connector/1\r\n\
             Accept: */*\r\nHost: {host}\r\n\r\n"
        )
    );
    let post = requests.recv().unwrap();
    assert!(post.ends_with(&format!("Host: {host}\r\nContent-Length: 5\r\n\r\nhello")), "{post}");
    assert_eq!(server.connections(), 1, "the connection is kept");
}

#[test]
fn requests_that_are_refused_before_anything_is_sent() {
    let server = Server::always(OK);
    let client = client(server.grants(), &quick());
    let good = get(&server.url("127.0.0.1", "/"));
    let header =
        |name: &str, value: &[u8]| RequestParts { headers: vec![(name.to_owned(), value.to_vec())], ..good.clone() };
    let method = |method: &str| RequestParts { method: method.to_owned(), ..good.clone() };
    for parts in [
        method("CONNECT"),
        method("TRACE"),
        method("get"),
        method(""),
        method("GET /x HTTP/1.1\r\nA:"),
        header("bad name", b"x"),
        header("", b"x"),
        header("x\r\ny", b"x"),
        header("x", b"a\r\nb: c"),
        header("x", b"\0"),
        get("http://user:hunter2@127.0.0.1/"),
        get("/x"),
        get("http://0x7f.1/"),
        get("http://127.0.0.1:0/"),
    ] {
        let refused = client.admit(&parts).unwrap_err();
        assert!(matches!(refused, HttpError::InvalidRequest(_)), "{parts:?}: {refused}");
        assert!(!refused.to_string().contains("hunter2"));
    }
    let large = [
        header("x", &vec![b'x'; 70_000]),
        RequestParts { headers: vec![("x".to_owned(), Vec::new()); 20_000], ..good.clone() },
        RequestParts { body_len: Some(17 * 1024 * 1024), ..good.clone() },
    ];
    for parts in large {
        let refused = client.admit(&parts).unwrap_err();
        assert!(matches!(refused, HttpError::Limit { sticky: false, .. }), "{refused}");
    }
    assert_eq!((server.connections(), client.usage().len()), (0, 0));
    assert!(client.admit(&good).is_ok());
}

#[test]
fn a_closed_kept_connection_does_not_fail_a_request() {
    // each connection serves one request, then closes: at once, or on seeing the second request
    for on_second_request in [false, true] {
        let server = Server::new(move |mut stream, _| {
            read_request(&mut stream);
            stream.write_all(OK.as_bytes()).unwrap();
            if on_second_request {
                read_request(&mut stream);
            }
        });
        let client = client(server.grants(), &quick());
        run(async {
            for _ in 0..5 {
                assert_eq!(fetch(&client, &get(&server.url("127.0.0.1", "/"))).await.unwrap().1, b"ok");
            }
            if on_second_request {
                // a request with an effect is not repeated
                let post = RequestParts { method: "POST".to_owned(), ..get(&server.url("127.0.0.1", "/")) };
                let error = fetch(&client, &post).await.unwrap_err();
                assert!(matches!(error, HttpError::ConnectionClosed(_)), "{error:?}");
            }
        });
        assert_eq!(server.connections(), 5);
    }
}

#[test]
fn request_budget_is_sticky() {
    let server = Server::always(OK);
    let mut limits = quick();
    limits.requests = 2;
    let client = client(server.grants(), &limits);
    let parts = get(&server.url("127.0.0.1", "/"));
    assert!(client.admit(&parts).is_ok() && client.admit(&parts).is_ok());
    for _ in 0..2 {
        assert!(client.admit(&parts).unwrap_err().sticky());
    }
    assert!(client.admit(&get("http://evil.test/")).unwrap_err().sticky());
    assert_eq!(client.usage()[0].requests, 2);
}

#[test]
fn hosts_are_counted() {
    let mut limits = quick();
    limits.hosts = 3;
    let client = client(grants(&["https://*.example.com"], &[]), &limits);
    let admit = |name: &str| client.admit(&get(&format!("https://{name}.example.com/")));
    for name in ["a", "b", "c", "a"] {
        assert!(admit(name).is_ok());
    }
    assert!(admit("d").unwrap_err().sticky());
}

#[test]
fn usage_stays_bounded() {
    let client = client(grants(&[], &[]), &quick());
    for number in 0..2_000 {
        assert!(client.admit(&get(&format!("https://h{number}.test/"))).is_err());
    }
    let usage = client.usage();
    assert!(usage.len() <= crate::policy::limits::HOSTS_IN_USAGE + 1);
    assert_eq!(usage.iter().map(|host| host.denied).sum::<u64>(), 2_000);
}

#[test]
fn concurrency_is_bounded() {
    let server = Server::always("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok");
    let mut limits = quick();
    limits.concurrent_requests = 2;
    let client = client(server.grants(), &limits);
    let mut parts = get(&server.url("127.0.0.1", "/"));
    run(async {
        let first = send(&client, &parts).await.unwrap();
        let _second = send(&client, &parts).await.unwrap();
        parts.timeouts.connect = Some(Duration::from_millis(50));
        let waiting = send(&client, &parts).await.unwrap_err();
        assert!(matches!(waiting, HttpError::ConnectTimeout(_)), "{waiting}");
        drop(first);
        send(&client, &parts).await.unwrap();
    });
}

#[test]
fn dropping_a_response_closes_its_connection() {
    let (closed, seen) = mpsc::channel();
    let server = Server::new(move |mut stream, _| {
        read_request(&mut stream);
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\npart").unwrap();
        closed.send(read_request(&mut stream)).unwrap();
    });
    let client = client(server.grants(), &quick());
    run(async {
        drop(send(&client, &get(&server.url("127.0.0.1", "/"))).await.unwrap());
        let answer = tokio::task::spawn_blocking(move || seen.recv_timeout(Duration::from_secs(5))).await.unwrap();
        assert_eq!(answer, Ok(None));
    });
}

#[test]
fn bodies_arrive_as_sent() {
    let server = Server::always("HTTP/1.1 200 Fine\r\nContent-Encoding: gzip\r\nContent-Length: 6\r\n\r\nabcdef");
    let client = client(server.grants(), &quick());
    run(async {
        let mut response = send(&client, &get(&server.url("127.0.0.1", "/"))).await.unwrap();
        assert_eq!(response.reason, "Fine");
        assert_eq!(response.body.read(4).await.unwrap(), "abcd");
        assert_eq!(response.body.read(4).await.unwrap(), "ef");
        assert_eq!(response.body.read(4).await.unwrap(), "");
    });
    assert_eq!(client.usage()[0].bytes_received, 6);
}

#[test]
fn streamed_request_bodies() {
    let server = Server::always(OK);
    let mut limits = quick();
    limits.request_bytes = 10;
    let client = client(server.grants(), &limits);
    let stream = |pieces: &'static [&'static str]| {
        let pieces = pieces.iter().map(|piece| Ok(Bytes::from_static(piece.as_bytes())));
        RequestBody::Stream(Box::pin(futures_util::stream::iter(pieces)))
    };
    let mut parts = RequestParts { method: "POST".to_owned(), ..get(&server.url("127.0.0.1", "/")) };
    run(async {
        parts.body_len = Some(10);
        client.send(client.admit(&parts).unwrap(), stream(&["hello", "world"])).await.unwrap();
        for wrong in [&["hello", "world", "!"][..], &["hello"]] {
            let error = client.send(client.admit(&parts).unwrap(), stream(wrong)).await.unwrap_err();
            assert!(matches!(error, HttpError::InvalidRequest(_)), "{wrong:?} {error:?}");
        }
        parts.body_len = None;
        let error = client.send(client.admit(&parts).unwrap(), stream(&["hello", "world", "!"])).await.unwrap_err();
        assert!(matches!(error, HttpError::Limit { sticky: false, .. }), "{error:?}");
        parts.body_len = Some(3);
        let body = RequestBody::Bytes(Bytes::from_static(b"hello"));
        let error = client.send(client.admit(&parts).unwrap(), body).await.unwrap_err();
        assert!(matches!(error, HttpError::InvalidRequest(_)), "{error:?}");
    });
}
