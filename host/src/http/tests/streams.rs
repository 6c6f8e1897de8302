//! Streams over TCP: grants, addresses, TLS, limits.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::super::*;
use super::support::*;
use super::tls::Authority;
use crate::policy::egress::NetworkGrants;
use crate::policy::limits::Limits;

const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

fn dial(host: &str, server: &Server) -> Dial {
    Dial { host: host.to_owned(), port: server.address.port(), tls: false, timeout: None }
}

fn granted(scheme: &str, server: &Server) -> NetworkGrants {
    grants(&[&format!("{scheme}://{}", server.address)], &[])
}

async fn open(client: &Client, dial: &Dial) -> Result<Stream, HttpError> {
    client.connect(client.admit_stream(dial)?).await
}

/// Reads until so many bytes are there, or the end.
async fn read(stream: &mut Stream, bytes: usize) -> Vec<u8> {
    let mut found = Vec::new();
    while found.len() < bytes {
        let piece = stream.read(bytes - found.len(), None).await.unwrap();
        if piece.is_empty() {
            break;
        }
        found.extend(piece);
    }
    found
}

fn echo() -> Server {
    Server::new(|mut stream, _| {
        let mut piece = vec![0; 4096];
        while let Ok(size @ 1..) = stream.read(&mut piece) {
            if stream.write_all(&piece[..size]).is_err() {
                break;
            }
        }
    })
}

/// Answers the request to begin TLS, and then echoes.
fn upgrading(config: Arc<ServerConfig>) -> Server {
    Server::new(move |mut stream, _| {
        let mut request = [0; 8];
        if stream.read_exact(&mut request).is_err() || request != SSL_REQUEST || stream.write_all(b"S").is_err() {
            return;
        }
        echo_over_tls(&config, stream);
    })
}

fn echo_over_tls(config: &Arc<ServerConfig>, stream: TcpStream) {
    let mut stream = StreamOwned::new(ServerConnection::new(Arc::clone(config)).unwrap(), stream);
    let mut piece = vec![0; 4096];
    while let Ok(size @ 1..) = stream.read(&mut piece) {
        if stream.write_all(&piece[..size]).is_err() {
            break;
        }
    }
}

#[test]
fn what_is_not_granted_is_neither_asked_about_nor_dialled() {
    let server = echo();
    let names = Names::new(&[&["127.0.0.1"]]);
    let grants = grants(&["tcp://db.test:1", "https://db.test:5432", "tls://*.inner.test:5432"], &[]);
    let client = Client::new(grants, &quick(), names.clone(), Trust::nobody());
    for (host, missing) in [
        ("127.0.0.1", "127.0.0.1"),
        ("db.test", "db.test"),
        ("evil.test", "evil.test"),
        ("::1", "[::1]"),
        ("localhost", "localhost"),
        ("inner.test", "inner.test"),
        ("198.18.0.1", "198.18.0.1"),
    ] {
        let refused = client.admit_stream(&dial(host, &server)).unwrap_err();
        assert!(matches!(refused, HttpError::Denied(_)), "{host}: {refused}");
        let port = server.address.port();
        assert!(refused.to_string().contains(&format!("--allow tcp://{missing}:{port}")), "{refused}");
        let secure = client.admit_stream(&Dial { tls: true, ..dial(host, &server) }).unwrap_err();
        assert!(secure.to_string().contains(&format!("--allow tls://{missing}:{port}")), "{secure}");
    }
    for strange in ["", "a b", "db.test/x", "user@db.test", "DB.TEST.", "0x7f.1", "2130706433", "::ffff:127.0.0.1"] {
        let refused = client.admit_stream(&dial(strange, &server)).unwrap_err();
        assert!(matches!(refused, HttpError::InvalidRequest(_)), "{strange}: {refused}");
    }
    assert!(client.admit_stream(&Dial { port: 0, ..dial("db.test", &server) }).is_err());
    assert_eq!((names.asked(), server.connections()), (0, 0));
}

#[test]
fn a_name_does_not_lead_to_private_addresses() {
    let server = echo();
    let port = server.address.port();
    let names = Names::new(&[
        &["10.0.0.1", "169.254.169.254", "127.0.0.1"],
        &["127.0.0.2"],
        &["::ffff:127.0.0.2", "64:ff9b::7f00:1", "::1"],
    ]);
    let granted = grants(&[&format!("tcp://db.test:{port}")], &["db.test=127.0.0.1"]);
    let client = Client::new(granted, &quick(), names.clone(), Trust::nobody());
    run(async {
        let mut stream = open(&client, &dial("db.test", &server)).await.unwrap();
        stream.write(b"hello", None).await.unwrap();
        assert_eq!(read(&mut stream, 5).await, b"hello");
        for _ in 0..2 {
            let refused = open(&client, &dial("db.test", &server)).await.unwrap_err();
            assert!(matches!(refused, HttpError::Denied(_)), "{refused}");
            assert!(refused.to_string().contains("--allow-address db.test="), "{refused}");
        }
    });
    assert_eq!((names.asked(), server.connections()), (3, 1));
    let usage = &client.usage()[0];
    assert_eq!((usage.connections, usage.requests, usage.denied), (3, 0, 2));
    assert_eq!((usage.bytes_sent, usage.bytes_received), (5, 5));
}

#[test]
fn a_projects_own_wish_opens_no_private_address() {
    let server = echo();
    let wish = format!("tcp://{}", server.address).parse().unwrap();
    let client = Client::new(NetworkGrants::from_project(&[wish]), &quick(), Names::new(&[]), Trust::nobody());
    let refused = client.admit_stream(&dial("127.0.0.1", &server)).unwrap_err();
    assert!(matches!(refused, HttpError::Denied(_)), "{refused}");
}

#[test]
fn an_address_stands_for_its_name_and_for_nothing_else() {
    let server = echo();
    let port = server.address.port();
    let names = Names::new(&[&["127.0.0.1"]]);
    let granted = grants(&[&format!("tcp://db.test:{port}"), "tls://*.more.test:1"], &["db.test=127.0.0.1"]);
    let limits = Limits { hosts: 2, ..quick() };
    let client = Client::new(granted, &limits, names.clone(), Trust::nobody());
    let address = client.lookup("db.test", port).unwrap();
    assert_eq!(client.lookup("DB.test", 0).unwrap(), address, "the same each time");
    assert_ne!(client.lookup("a.more.test", 5).unwrap(), address);
    assert!(matches!(client.lookup("b.more.test", 0), Err(HttpError::Limit { .. })), "names end");
    assert!(matches!(client.lookup("evil.test", 0), Err(HttpError::NameResolution(_))));
    assert!(matches!(client.lookup("evil.test", 5432), Err(HttpError::Denied(_))));
    assert_eq!(client.lookup("::1", 5).unwrap().to_string(), "::1");
    assert_eq!(names.asked(), 0, "nothing was asked");
    run(async {
        let stream = open(&client, &dial(&address.to_string(), &server)).await.unwrap();
        assert_eq!(stream.to().to_string(), format!("tcp://db.test:{port}"));
    });
}

#[test]
fn tls_from_the_start_and_after_a_request() {
    let authority = Authority::new();
    let config = authority.settings();
    let upgrading = upgrading(Arc::clone(&config));
    let direct = Server::new(move |stream, _| echo_over_tls(&config, stream));
    for (server, tls) in [(&direct, true), (&upgrading, false)] {
        for scheme in ["tcp", "tls"] {
            let granted = grants(&[&format!("{scheme}://api.test:{}", server.address.port())], &["api.test=127.0.0.1"]);
            let client = Client::new(granted, &quick(), Names::new(&[&["127.0.0.1"]]), authority.trust());
            run(async {
                let mut stream = open(&client, &Dial { tls, ..dial("api.test", server) }).await.unwrap();
                if !tls {
                    assert_eq!(stream.tls(), None);
                    stream.write(&SSL_REQUEST, None).await.unwrap();
                    assert_eq!(read(&mut stream, 1).await, b"S");
                    stream.begin_tls(None).await.unwrap();
                }
                let details = stream.tls().unwrap();
                assert_eq!(details.version, "TLSv1.3");
                assert!(!details.certificate.is_empty());
                let large = vec![7; 300_000];
                stream.write(&large[..100_000], None).await.unwrap();
                assert_eq!(read(&mut stream, 100_000).await, &large[..100_000]);
                assert!(stream.begin_tls(None).await.is_err(), "TLS begins once");
            });
        }
    }
}

#[test]
fn under_a_grant_for_tls_nothing_else_goes_out_in_the_clear() {
    let server = echo();
    let client = client(granted("tls", &server), &quick());
    run(async {
        let mut stream = open(&client, &dial("127.0.0.1", &server)).await.unwrap();
        for bytes in [&b"secret"[..], b"\0\0\0\x08\x04\xd2\x16\x2e", b""] {
            let refused = stream.write(bytes, None).await.unwrap_err();
            assert!(matches!(refused, HttpError::Denied(_)), "{refused}");
            assert!(refused.to_string().contains(&format!("--allow tcp://{}", server.address)), "{refused}");
            assert!(refused.to_string().contains("with TLS only"), "{refused}");
        }
        stream.write(&SSL_REQUEST, None).await.unwrap();
        assert!(matches!(stream.write(&SSL_REQUEST, None).await, Err(HttpError::Denied(_))), "one request");
        assert_eq!(read(&mut stream, 8).await, SSL_REQUEST);
        assert!(!stream.readable(Some(Duration::ZERO)).await, "nothing else arrived at the server");
    });
    assert_eq!(client.usage()[0].denied, 4);
}

#[test]
fn what_a_server_says_in_the_clear_is_not_taken_for_what_it_says_over_tls() {
    let server = Server::new(|mut stream, _| {
        let _ = stream.write_all(b"Sforged");
        let _ = stream.read(&mut [0; 64]);
    });
    let client = client(granted("tls", &server), &quick());
    run(async {
        let mut stream = open(&client, &dial("127.0.0.1", &server)).await.unwrap();
        stream.write(&SSL_REQUEST, None).await.unwrap();
        assert!(stream.readable(None).await);
        assert_eq!(stream.read(1, None).await.unwrap(), b"S");
        let refused = stream.begin_tls(None).await.unwrap_err();
        assert!(matches!(&refused, HttpError::Tls(text) if text.contains("in the clear")), "{refused}");
        assert_eq!(stream.read(10, None).await.unwrap_err(), refused, "the connection is of no use any more");
    });
}

#[test]
fn certificates_are_verified_for_the_name_that_was_judged() {
    let authority = Authority::new();
    let config = authority.settings();
    let server = Server::new(move |stream, _| echo_over_tls(&config, stream));
    let port = server.address.port();
    let attempt = |name: &str, trust: Trust| {
        let granted = grants(&[&format!("tls://{name}:{port}")], &[&format!("{name}=127.0.0.1")]);
        let client = Client::new(granted, &quick(), Names::new(&[&["127.0.0.1"]]), trust);
        run(open(&client, &Dial { tls: true, ..dial(name, &server) })).map(|_| ())
    };
    attempt("api.test", authority.trust()).unwrap();
    for (name, trust) in
        [("other.test", authority.trust()), ("api.test", Trust::nobody()), ("api.test", Authority::new().trust())]
    {
        let refused = attempt(name, trust).unwrap_err();
        assert!(matches!(refused, HttpError::Certificate(_)), "{name}: {refused}");
    }
    let plain = echo();
    let client = client(granted("tls", &plain), &quick());
    let refused = run(open(&client, &Dial { tls: true, ..dial("127.0.0.1", &plain) })).unwrap_err();
    assert!(matches!(refused, HttpError::Tls(_)), "{refused}");
}

#[test]
fn connections_end_at_their_number_and_are_free_again() {
    let server = echo();
    let client = client(granted("tcp", &server), &Limits { connections: 3, ..quick() });
    run(async {
        let mut kept = Vec::new();
        for _ in 0..3 {
            kept.push(open(&client, &dial("127.0.0.1", &server)).await.unwrap());
        }
        let refused = open(&client, &dial("127.0.0.1", &server)).await.unwrap_err();
        assert!(matches!(refused, HttpError::Limit { sticky: false, .. }), "{refused}");
        kept.pop();
        open(&client, &dial("127.0.0.1", &server)).await.unwrap();
    });
    let few = client_with(&server, Limits { requests: 2, ..quick() });
    for expected in [true, true, false] {
        assert_eq!(few.admit_stream(&dial("127.0.0.1", &server)).is_ok(), expected);
    }
}

fn client_with(server: &Server, limits: Limits) -> Client {
    client(granted("tcp", server), &limits)
}

#[test]
fn bytes_end_for_the_whole_sync() {
    let server = Server::new(|mut stream, _| while stream.write_all(&[0; 4096]).is_ok() {});
    let client = client_with(&server, Limits { stream_bytes: 1_000_000, ..quick() });
    run(async {
        let mut stream = open(&client, &dial("127.0.0.1", &server)).await.unwrap();
        let error = loop {
            match stream.read(usize::MAX, None).await {
                Ok(bytes) => assert!((1..=1024 * 1024).contains(&bytes.len())),
                Err(error) => break error,
            }
        };
        assert!(error.sticky() && error.to_string().contains("1000000 bytes over tcp"), "{error}");
        assert!(client.admit_stream(&dial("127.0.0.1", &server)).unwrap_err().sticky());
        assert!(stream.write(b"x", None).await.unwrap_err().sticky());
    });
    let sink = echo();
    let client = client_with(&sink, Limits { stream_bytes: 10, ..quick() });
    run(async {
        let mut stream = open(&client, &dial("127.0.0.1", &sink)).await.unwrap();
        assert!(stream.write(&[0; 11], None).await.unwrap_err().sticky());
        assert!(!stream.readable(Some(Duration::from_millis(50))).await, "nothing was sent");
    });
}

#[test]
fn one_write_is_bounded() {
    let server = echo();
    let client = client_with(&server, quick());
    run(async {
        let mut stream = open(&client, &dial("127.0.0.1", &server)).await.unwrap();
        let refused = stream.write(&vec![0; 1024 * 1024 + 1], None).await.unwrap_err();
        assert!(matches!(refused, HttpError::InvalidRequest(_)), "{refused}");
        stream.write(b"usable", None).await.unwrap();
        assert_eq!(read(&mut stream, 6).await, b"usable");
    });
}

#[test]
fn waiting_ends() {
    let silent = Server::new(|stream, _| {
        std::thread::sleep(Duration::from_secs(60));
        drop(stream);
    });
    let client = client_with(&silent, Limits { stream_silence: Duration::from_millis(100), ..quick() });
    let start = Instant::now();
    run(async {
        let mut stream = open(&client, &dial("127.0.0.1", &silent)).await.unwrap();
        for wish in [None, Some(Duration::from_secs(50)), Some(Duration::ZERO)] {
            let late = stream.read(1, wish).await.unwrap_err();
            assert!(matches!(late, HttpError::ReadTimeout(_)), "{late}");
        }
        assert!(!stream.readable(None).await);
        // as soon as all buffers on the way are full
        let late = loop {
            if let Err(error) = stream.write(&[0; 1024 * 1024], None).await {
                break error;
            }
        };
        assert!(matches!(late, HttpError::ReadTimeout(_)), "{late}");
        assert!(stream.read(1, None).await.is_err(), "how much went out is not known");
    });
    // a server that never shakes hands
    let client =
        super::support::client(granted("tls", &silent), &Limits { connect: Duration::from_millis(200), ..quick() });
    let late = run(open(&client, &Dial { tls: true, ..dial("127.0.0.1", &silent) })).unwrap_err();
    assert!(matches!(late, HttpError::ConnectTimeout(_)), "{late}");
    assert!(start.elapsed() < Duration::from_secs(30));
}

#[test]
fn the_end_and_a_break_are_told_apart() {
    let server = Server::new(|mut stream, number| {
        let _ = stream.write_all(b"all");
        if number == 0 {
            let _ = stream.shutdown(Shutdown::Write);
            let mut rest = Vec::new();
            let _ = stream.read_to_end(&mut rest);
        }
    });
    let client = client_with(&server, quick());
    run(async {
        let mut stream = open(&client, &dial("127.0.0.1", &server)).await.unwrap();
        assert_eq!(read(&mut stream, 3).await, b"all");
        for _ in 0..2 {
            assert_eq!(stream.read(10, None).await.unwrap(), b"");
        }
        stream.finish().await.unwrap();
        let nobody = Server::new(|_, _| {});
        let client = client_with(&nobody, quick());
        let mut stream = open(&client, &dial("127.0.0.1", &nobody)).await.unwrap();
        assert_eq!(stream.read(10, None).await.unwrap_or_default(), b"");
    });
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let client = super::support::client(grants(&[&format!("tcp://{gone}")], &[]), &quick());
    let dial = Dial { host: "127.0.0.1".to_owned(), port: gone.port(), tls: false, timeout: None };
    assert!(matches!(run(open(&client, &dial)), Err(HttpError::Connect(_))));
}
