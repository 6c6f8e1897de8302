//! What goes over the wire: requests that no client would send, and servers that do their worst, as the program meets
//! them.

use std::collections::HashMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream, ToSocketAddrs};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use serde_json::{Value, json};

use super::components::runs;
use super::{denied, ends, limit, success};
use crate::support::Connector;
use crate::support::component::component;
use crate::support::server::Server;

/// Numbers of the contract's `http.error`.
const INVALID: u8 = 1;
const LIMIT: u8 = 10;

/// What a hand-written component asks of `sluice:connector/http`.
struct Attempt<'a> {
    method: &'a str,
    url: String,
    headers: Vec<(&'a str, &'a [u8])>,
    body: Option<&'a str>,
    /// The error, or that it is answered.
    expected: Result<(), u8>,
}

/// A component that makes these attempts in turn and traps when one ends otherwise.
fn asking(attempts: &[Attempt<'_>]) -> Vec<u8> {
    let imports = r#"
        (import "sluice:connector/http@0.1.0" "send" (func $send
            (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32)))
        (import "sluice:connector/http@0.1.0" "[method]exchange.head" (func $head (param i32 i32)))"#;
    let (mut items, mut body, mut at) = (String::new(), String::new(), 512 * 1024);
    let mut known = HashMap::new();
    let mut data = |bytes: &[u8]| {
        if let Some(place) = known.get(bytes) {
            return *place;
        }
        let place = at;
        known.insert(bytes.to_vec(), place);
        let escaped: String = bytes.iter().map(|byte| format!("\\{byte:02x}")).collect();
        items += &format!("(data (i32.const {place}) \"{escaped}\")\n");
        at += bytes.len().next_multiple_of(16) + 16;
        place
    };
    for Attempt { method, url, headers, body: sent, expected } in attempts {
        let (named, addressed) = (data(method.as_bytes()), data(url.as_bytes()));
        let records: Vec<u32> = headers
            .iter()
            .flat_map(|(name, value)| [data(name.as_bytes()), name.len(), data(value), value.len()])
            .map(|word| u32::try_from(word).unwrap())
            .collect();
        let records: Vec<u8> = records.into_iter().flat_map(u32::to_le_bytes).collect();
        let listed = data(&records);
        let (has, sent) = (i32::from(sent.is_some()), sent.unwrap_or_default());
        body += &format!(
            "(call $send (i32.const {named}) (i32.const {}) (i32.const {addressed}) (i32.const {}) (i32.const {listed})
                (i32.const {}) (i32.const {has}) (i32.const {}) (i32.const {}) (i32.const 0) (i32.const 0)
                (i32.const 0) (i32.const 0) (i32.const 2048))\n",
            method.len(),
            url.len(),
            headers.len(),
            data(sent.as_bytes()),
            sent.len()
        );
        body += &match expected {
            Ok(()) => "(if (i32.load8_u (i32.const 2048)) (then unreachable))
                (call $head (i32.load (i32.const 2052)) (i32.const 2048))
                (if (i32.load8_u (i32.const 2048)) (then unreachable))\n"
                .to_owned(),
            Err(error) => format!(
                "(if (i32.eqz (i32.load8_u (i32.const 2048))) (then
                    (call $head (i32.load (i32.const 2052)) (i32.const 2048))))
                 (if (i32.ne (i32.load8_u (i32.const 2048)) (i32.const 1)) (then unreachable))
                 (if (i32.ne (i32.load8_u (i32.const 2052)) (i32.const {error})) (then unreachable))\n"
            ),
        };
    }
    component(imports, &items, &body)
}

/// A server that keeps what arrives, byte for byte.
fn keeping() -> (Server, Arc<Mutex<Vec<String>>>) {
    let kept = Arc::new(Mutex::new(Vec::new()));
    let book = Arc::clone(&kept);
    let server = Server::start(move |request, stream| {
        let headers = request.headers.iter().map(|(name, value)| format!("{name}: {value}\n"));
        let line = format!("{} {}\n{}\n", request.method, request.path, headers.collect::<String>());
        book.lock().unwrap().push(line + &String::from_utf8_lossy(&request.body));
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")?;
        Ok(true)
    });
    (server, kept)
}

#[test]
fn what_no_client_would_send_is_refused_or_left_out() {
    let (server, kept) = keeping();
    let large = vec![b'x'; 70_000];
    let to = |path: &str| server.url(path);
    let get = |url: String, expected| Attempt { method: "GET", url, headers: vec![], body: None, expected };
    let says = |name, value| Attempt { headers: vec![(name, value)], ..get(to("/"), Err(INVALID)) };
    let method = |method| Attempt { method, ..get(to("/"), Err(INVALID)) };
    let many = vec![("x", &b""[..]); 14_000];
    let mut attempts = vec![
        method("CONNECT"),
        method("TRACE"),
        method("get"),
        method(""),
        method("GET / HTTP/1.1\r\nX: y\r\n\r\nGET"),
        says("x", b"a\r\nX-Evil: 1"),
        says("x", b"a\0b"),
        says("x\r\nX-Evil: 1", b""),
        says("x y", b""),
        says("", b""),
        Attempt { headers: vec![("x", &large)], ..get(to("/"), Err(LIMIT)) },
        Attempt { headers: many, ..get(to("/"), Err(LIMIT)) },
        get(to(&format!("/{}", "x".repeat(70_000))), Err(LIMIT)),
        get(format!("http://user@127.0.0.1:{}/", server.port()), Err(INVALID)),
        get(format!("http://127.0.0.1:{}\\@evil.example/", server.port()), Err(INVALID)),
        get(format!("http://127.0.0.1.:{}/", server.port()), Err(INVALID)),
        get(format!("http://\u{ff11}27.0.0.1:{}/", server.port()), Err(INVALID)),
        get(format!("http://[::ffff:127.0.0.1]:{}/", server.port()), Err(INVALID)),
        get(format!("http://2130706433:{}/", server.port()), Err(INVALID)),
        get(to("/a b"), Err(INVALID)),
        get("//127.0.0.1/".to_owned(), Err(INVALID)),
        get("/".to_owned(), Err(INVALID)),
    ];
    for (name, value) in [
        ("Host", &b"evil.example"[..]),
        ("Content-Length", b"99"),
        ("content-length", b"7"),
        ("Transfer-Encoding", b"chunked"),
        ("Connection", b"Upgrade"),
        ("Upgrade", b"websocket"),
        ("Proxy-Authorization", b"x"),
    ] {
        let post = Attempt { method: "POST", body: Some("hello"), ..get(to("/framed"), Ok(())) };
        attempts.push(Attempt { headers: vec![(name, value), ("X-Own", b"1")], ..post });
    }
    attempts.push(get(to("//evil.example/a/../b"), Ok(())));
    runs(&asking(&attempts), &["--allow", &server.origin()], &success());

    let kept = kept.lock().unwrap();
    assert_eq!(kept.len(), 8, "nothing else arrived: {kept:#?}");
    let host = server.origin().replace("http://", "");
    for framed in &kept[..7] {
        let expected = format!("POST /framed\nX-Own: 1\nAccept: */*\nHost: {host}\nContent-Length: 5\n\nhello");
        assert_eq!(*framed, expected);
    }
    assert!(
        kept[7].starts_with("GET //evil.example/b\n") && kept[7].contains(&format!("Host: {host}\n")),
        "{}",
        kept[7]
    );
}

/// Writes until the client is gone.
fn endlessly(stream: &mut TcpStream, head: &str, piece: &[u8], pause: Duration) -> std::io::Result<bool> {
    stream.write_all(head.as_bytes())?;
    loop {
        stream.write_all(piece)?;
        std::thread::sleep(pause);
    }
}

#[test]
fn a_server_that_does_its_worst_ends_at_the_limits_of_one_exchange() {
    let pause = Duration::from_millis(5);
    let server = Server::start(move |request, stream| match request.path.as_str() {
        "/slow-body" => endlessly(stream, "HTTP/1.1 200 OK\r\n\r\n", b"x", pause),
        "/endless-body" => endlessly(stream, "HTTP/1.1 200 OK\r\n\r\n", &[b'x'; 65_536], Duration::ZERO),
        "/slow-head" => endlessly(stream, "HTTP/1.1 200 OK\r\nX: ", b"x", pause),
        "/endless-head" => endlessly(stream, "HTTP/1.1 200 OK\r\n", b"X: yyyyyyyyyyyyyyyyyyyyyyyy\r\n", Duration::ZERO),
        "/informational" => endlessly(stream, "", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", pause),
        "/trailers" => endlessly(
            stream,
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n",
            b"X: yyyyyyyyyyyyyyyyyyyyyyyyyyyy\r\n",
            Duration::ZERO,
        ),
        "/silent-body" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nsome")?;
            stream.read_exact(&mut [0]).map(|()| false)
        }
        "/lengths" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab")?;
            Ok(false)
        }
        _ => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")?;
            Ok(true)
        }
    });
    // Accepts, and never says a word.
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let silent = silent.local_addr().unwrap();
    let paths = ["slow-body", "endless-body", "slow-head", "endless-head", "informational", "trailers", "silent-body"];
    let mut urls: Vec<_> = paths.iter().map(|path| server.url(&format!("/{path}"))).collect();
    urls.extend([server.url("/lengths"), format!("https://{silent}/"), server.url("/fine")]);
    let connector = Connector::mode("get_many").with("urls", urls.join(" ")).arguments(&[
        "--allow",
        &server.origin(),
        "--allow",
        &format!("https://{silent}"),
        "--limit",
        "exchange_total=2",
        "--limit",
        "first_byte=1",
        "--limit",
        "between_bytes=1",
        "--limit",
        "connect=1",
        "--limit",
        "response_bytes=1MiB",
    ]);
    ends(connector, &success().within(20), |_, it| {
        let outcomes: Vec<_> = it.database().query("SELECT outcome FROM attempts ORDER BY id");
        let outcomes: Vec<_> = outcomes.iter().map(|row| row[0].as_str().unwrap()).collect();
        assert_eq!(outcomes.len(), 10);
        assert_eq!(outcomes[9], "200", "an honest request still works: {outcomes:?}");
        assert!(outcomes[..9].iter().all(|outcome| outcome.chars().any(char::is_alphabetic)), "{outcomes:?}");
    });
}

/// Each page says that there is another one, and none has a row.
#[test]
fn pages_that_never_end_are_stopped() {
    let server = Server::fixed("302 Found", &[("Location", "/again")], "");
    let urls = vec![server.url("/page"); 40].join(" ");
    let connector = Connector::mode("get_many").with("urls", urls).arguments(&["--allow", &server.origin()]);
    ends(connector.arguments(&["--requests", "50"]), &limit(&["limit of 50 requests"]), |_, it| {
        assert_eq!(server.requests(), 50);
        assert!(!it.database().has_table("attempts"), "nothing was checkpointed");
    });
}

#[test]
fn a_wildcard_is_for_names_below_it_and_their_number_ends() {
    let urls = |names: &[&str]| names.iter().map(|name| format!("http://{name}:9/")).collect::<Vec<_>>().join(" ");
    let wild = |urls: String| {
        let connector = Connector::mode("get_many").with("urls", urls);
        connector.arguments(&["--allow", "http://*.wild.localhost:9", "--limit", "hosts=3"])
    };
    let beside = ["wild.localhost", "evilwild.localhost", "a.wild.localhost.evil.example"];
    ends(wild(urls(&beside)), &success(), |sync, _| {
        let usage = &sync.report()["hosts"];
        let asked: u64 = usage.as_array().unwrap().iter().map(|host| host["requests"].as_u64().unwrap()).sum();
        assert_eq!(asked, 0, "{usage}");
    });
    let below = ["a.wild.localhost", "b.wild.localhost", "a.b.wild.localhost", "secret-9f8e7d.wild.localhost"];
    ends(wild(urls(&below)), &limit(&["limit of 3 different hosts"]), |sync, _| {
        assert!(!sync.report()["hosts"].to_string().contains("secret"), "{}", sync.report()["hosts"]);
    });
}

/// The machine's own name leads to an address that is not public, wherever it is known at all.
#[test]
fn a_granted_name_does_not_lead_into_the_operators_network() {
    let name = fs::read_to_string("/etc/hostname").unwrap_or_default().trim().to_ascii_lowercase();
    let known: Vec<_> = (name.as_str(), 80).to_socket_addrs().map(Iterator::collect).unwrap_or_default();
    let public = |address: &std::net::SocketAddr| sluicegate::policy::addresses::judge(address.ip()).is_ok();
    if name.is_empty() || known.is_empty() || known.iter().any(public) {
        eprintln!("this machine does not know its own name ({name}, {known:?}); not tested");
        return;
    }
    let server = Server::fixed("200 OK", &[], "reached");
    let port = server.port();
    let granted = format!("http://{name}:{port}");
    let connector = Connector::mode("get").with("url", &granted).arguments(&["--allow", &granted]);
    let says: &'static [&'static str] = &["--allow-address", "non-public"];
    ends(connector, &denied(says), |_, _| assert_eq!(server.connections(), 0));
}

/// Nothing keeps a connector from sending what it read to a host that was granted; the log shows how much it was.
#[test]
fn what_goes_to_a_granted_host_is_counted_and_not_kept() {
    const CANARY: &str = "canary-77ab-of-a-row";
    let server = Server::fixed("200 OK", &[], "thanks");
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("audit.jsonl");
    let requests =
        json!([{"method": "POST", "url": server.url(&format!("/?q={CANARY}")), "data": CANARY, "repeat": 500}]);
    let connector = Connector::mode("secret_send").with("requests", requests);
    let connector = connector.arguments(&["--allow", &server.origin(), "--audit", log.to_str().unwrap()]);
    ends(connector, &success(), |sync, _| {
        assert_eq!(sync.report()["hosts"][0]["bytes_sent"], json!(CANARY.len() * 500), "{}", sync.report());
    });
    let text = fs::read_to_string(&log).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let sent: Vec<_> = lines.filter(|line| line["event"] == "request").map(|line| line["bytes_sent"].clone()).collect();
    assert_eq!(sent, [json!(CANARY.len() * 500)]);
    assert!(!text.contains(CANARY), "{text}");
}

#[test]
fn requests_of_a_sync_that_was_stopped_are_over() {
    let (gone, seen) = mpsc::channel();
    let server = Server::start(move |_, stream| {
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\npart")?;
        let _ = gone.send(stream.read(&mut [0; 16]).unwrap_or(0));
        Ok(false)
    });
    let connector = Connector::mode("get").with("url", server.url("/")).arguments(&["--allow", &server.origin()]);
    let stopped = limit(&["wall time limit reached (3s)"]).within(3);
    ends(connector.arguments(&["--wall-time", "3"]), &stopped, |_, _| {
        assert_eq!(seen.recv_timeout(Duration::from_secs(30)), Ok(0), "the connection is closed");
    });
}
