//! TLS that begins in packets of TDS.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::super::*;
use super::support::*;
use super::tls::Authority;

/// What python-tds says first, asking for encryption from the login to the end.
const PRELOGIN: [u8; 58] = *b"\x12\x01\0\x3a\0\0\0\0\
    \0\0\x1a\0\x06\x01\0\x20\0\x01\x02\0\x21\0\x0c\x03\0\x2d\0\x04\x04\0\x31\0\x01\xff\
    \x01\0\0\0\0\0\x01MSSQLServer\0\0\0\0\0\0";

/// One option: encryption is on.
const ANSWER: [u8; 15] = *b"\x04\x01\0\x0f\0\0\0\0\x01\0\x06\0\x01\xff\x01";

/// Reads one message of packets.
fn message(stream: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut found = Vec::new();
    loop {
        let mut header = [0; 8];
        stream.read_exact(&mut header)?;
        assert_eq!(header[0], 0x12, "a packet of the handshake");
        let mut payload = vec![0; usize::from(u16::from_be_bytes([header[2], header[3]])) - 8];
        stream.read_exact(&mut payload)?;
        found.extend(payload);
        if header[1] == 1 {
            return Ok(found);
        }
    }
}

/// The handshake as a server has it, its own part in packets of so many bytes.
fn handshake(config: &Arc<ServerConfig>, stream: &mut TcpStream, piece: usize) -> std::io::Result<ServerConnection> {
    let mut session = ServerConnection::new(Arc::clone(config)).unwrap();
    while session.is_handshaking() {
        let message = message(stream)?;
        let mut rest = &message[..];
        while !rest.is_empty() {
            session.read_tls(&mut rest)?;
            session.process_new_packets().map_err(std::io::Error::other)?;
        }
        let mut flight = Vec::new();
        while session.wants_write() {
            session.write_tls(&mut flight)?;
        }
        let pieces = flight.len().div_ceil(piece);
        for (number, payload) in flight.chunks(piece).enumerate() {
            let [high, low] = u16::try_from(payload.len() + 8).unwrap().to_be_bytes();
            stream.write_all(&[0x12, u8::from(number + 1 == pieces), high, low, 0, 0, 1, 0])?;
            stream.write_all(payload)?;
        }
    }
    Ok(session)
}

/// Answers a PRELOGIN, has the handshake in packets, and echoes over TLS.
fn server(config: Arc<ServerConfig>, piece: usize) -> Server {
    Server::new(move |mut stream, _| {
        let mut request = [0; PRELOGIN.len()];
        if stream.read_exact(&mut request).is_err() || stream.write_all(&ANSWER).is_err() {
            return;
        }
        let Ok(session) = handshake(&config, &mut stream, piece) else { return };
        let mut stream = StreamOwned::new(session, stream);
        let mut bytes = vec![0; 4096];
        while let Ok(size @ 1..) = stream.read(&mut bytes) {
            if stream.write_all(&bytes[..size]).is_err() {
                break;
            }
        }
    })
}

/// Dials, says the PRELOGIN and reads the answer.
async fn asked(client: &Client, name: &str, port: u16) -> Stream {
    let dial = Dial { host: name.to_owned(), port, tls: false, timeout: None };
    let mut stream = client.connect(client.admit_stream(&dial).unwrap()).await.unwrap();
    stream.write(&PRELOGIN, None).await.unwrap();
    let mut answer = Vec::new();
    while answer.len() < ANSWER.len() {
        let piece = stream.read(ANSWER.len() - answer.len(), None).await.unwrap();
        assert!(!piece.is_empty());
        answer.extend(piece);
    }
    assert_eq!(answer, ANSWER);
    stream
}

fn client_of(scheme: &str, name: &str, server: &Server, trust: Trust) -> Client {
    let granted = grants(&[&format!("{scheme}://{name}:{}", server.address.port())], &[&format!("{name}=127.0.0.1")]);
    Client::new(granted, &quick(), Names::new(&[&["127.0.0.1"]]), trust)
}

#[test]
fn tls_begins_in_packets_and_goes_on_without() {
    let authority = Authority::new();
    for (scheme, piece) in [("tls", 4088), ("tls", 100), ("tcp", 7)] {
        let server = server(authority.settings(), piece);
        let client = client_of(scheme, "api.test", &server, authority.trust());
        run(async {
            let mut stream = asked(&client, "api.test", server.address.port()).await;
            stream.begin_tls(None).await.unwrap();
            let details = stream.tls().unwrap();
            assert_eq!(details.version, "TLSv1.2");
            assert!(!details.certificate.is_empty());
            let large: Vec<u8> = (0..300_000_u32).map(|number| number.to_le_bytes()[0]).collect();
            stream.write(&large[..100_000], None).await.unwrap();
            let mut found = Vec::new();
            while found.len() < 100_000 {
                found.extend(stream.read(100_000, None).await.unwrap());
            }
            assert_eq!(found, large[..100_000]);
            assert!(stream.begin_tls(None).await.is_err(), "TLS begins once");
        });
    }
}

#[test]
fn a_certificate_in_packets_is_verified_like_any() {
    let authority = Authority::new();
    let server = server(authority.settings(), 4088);
    for (name, trust) in
        [("other.test", authority.trust()), ("api.test", Trust::nobody()), ("api.test", Authority::new().trust())]
    {
        let client = client_of("tls", name, &server, trust);
        run(async {
            let mut stream = asked(&client, name, server.address.port()).await;
            let refused = stream.begin_tls(None).await.unwrap_err();
            assert!(matches!(refused, HttpError::Certificate(_)), "{name}: {refused}");
            assert_eq!(stream.write(b"login", None).await.unwrap_err(), refused, "of no use any more");
        });
    }
}

#[test]
fn what_follows_a_prelogin_in_the_clear_is_denied() {
    let server = server(Authority::new().settings(), 4088);
    let client = client_of("tls", "api.test", &server, Trust::nobody());
    run(async {
        let mut stream = asked(&client, "api.test", server.address.port()).await;
        for login in [&b"\x10\x01\0\x0c\0\0\0\0user"[..], &PRELOGIN] {
            assert!(matches!(stream.write(login, None).await, Err(HttpError::Denied(_))));
        }
    });
    assert_eq!((client.usage()[0].bytes_sent, client.usage()[0].denied), (PRELOGIN.len() as u64, 2));
}

#[test]
fn a_server_that_leaves_its_packets_is_told_as_that() {
    for answer in
        [&b"\x04\x01\0\x09\0\0\0\0\xaa"[..], b"\x16\x03\x03\0\x10handshake\0\0\0\0\0\0\0", b"\x12\x01\0\x08\0\0\0\0"]
    {
        let server = Server::new(move |mut stream, _| {
            let mut request = [0; PRELOGIN.len()];
            let _ = stream.read_exact(&mut request).and_then(|()| stream.write_all(&ANSWER));
            let _ = message(&mut stream).and_then(|_| stream.write_all(answer));
            let _ = stream.read(&mut [0; 64]);
        });
        let client = client_of("tls", "api.test", &server, Trust::nobody());
        run(async {
            let mut stream = asked(&client, "api.test", server.address.port()).await;
            let refused = stream.begin_tls(None).await.unwrap_err();
            assert!(
                matches!(&refused, HttpError::Tls(text) if text.contains("something else than packets")),
                "{refused}"
            );
        });
    }
}

#[test]
fn a_server_that_says_nothing_in_its_packets_ends() {
    let server = Server::new(|mut stream, _| {
        let mut request = [0; PRELOGIN.len()];
        let _ = stream.read_exact(&mut request).and_then(|()| stream.write_all(&ANSWER));
        while let Ok(1..) = stream.read(&mut [0; 4096]) {}
    });
    let client = client_of("tls", "api.test", &server, Trust::nobody());
    run(async {
        let mut stream = asked(&client, "api.test", server.address.port()).await;
        let refused = stream.begin_tls(Some(Duration::from_millis(50))).await.unwrap_err();
        assert!(matches!(refused, HttpError::ConnectTimeout(_)), "{refused}");
    });
}
