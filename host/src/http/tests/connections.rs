//! Limits and the audit log of TCP connections.

use std::io::{Read, Write};

use super::support::*;
use super::*;
use crate::audit::Audit;
use crate::policy::limits::Limits;

/// A server that says something and waits.
fn talks(text: &'static str) -> Server {
    Server::new(move |mut stream, _| {
        stream.write_all(text.as_bytes()).unwrap();
        let _ = stream.read(&mut [0; 64]);
    })
}

fn dial(server: &Server) -> Dial {
    Dial { host: "127.0.0.1".to_owned(), port: server.address.port(), tls: false, timeout: None }
}

fn granted(server: &Server, limits: &Limits, oversight: Oversight) -> Client {
    let grants = grants(&[&format!("tcp://{}", server.address)], &[]);
    Client::overseen(grants, limits, Names::new(&[]), Trust::nobody(), oversight)
}

#[test]
fn open_connections_have_a_ceiling() {
    let server = talks("hello");
    let mut limits = quick();
    limits.connections = 1;
    let client = granted(&server, &limits, Oversight::default());
    run(async {
        let first = client.connect(client.admit_stream(&dial(&server)).unwrap()).await.unwrap();
        let error = client.connect(client.admit_stream(&dial(&server)).unwrap()).await.unwrap_err();
        assert!(matches!(error, HttpError::Limit { .. }), "{error:?}");
        drop(first);
        client.connect(client.admit_stream(&dial(&server)).unwrap()).await.unwrap();
    });
}

#[test]
fn bytes_of_connections_end() {
    let server = talks("hello");
    for host in [false, true] {
        let mut limits = quick();
        if host {
            limits.host_bytes = 4;
        } else {
            limits.stream_bytes = 4;
        }
        let client = granted(&server, &limits, Oversight::default());
        run(async {
            let mut stream = client.connect(client.admit_stream(&dial(&server)).unwrap()).await.unwrap();
            let mut received = 0;
            let error = loop {
                match stream.read(5, None).await {
                    Ok(bytes) => received += bytes.len(),
                    Err(error) => break error,
                }
            };
            assert!(error.sticky() && received <= 4, "{error:?} after {received}");
            assert!(client.admit_stream(&dial(&server)).unwrap_err().sticky());
        });
    }
}

#[test]
fn silence_on_a_connection_ends() {
    let server = talks("");
    let mut limits = quick();
    limits.stream_silence = Duration::from_millis(50);
    let client = granted(&server, &limits, Oversight::default());
    run(async {
        let mut stream = client.connect(client.admit_stream(&dial(&server)).unwrap()).await.unwrap();
        let error = stream.read(5, None).await.unwrap_err();
        assert!(matches!(error, HttpError::ReadTimeout(_)), "{error:?}");
    });
}

#[test]
fn connections_are_written_down() {
    let server = talks("hello");
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("audit.jsonl");
    let audit = Audit::append(&log, "x".to_owned(), true).unwrap();
    let client = granted(&server, &quick(), Oversight { audit, ..Oversight::default() });
    run(async {
        let mut stream = client.connect(client.admit_stream(&dial(&server)).unwrap()).await.unwrap();
        stream.read(5, None).await.unwrap();
        drop(stream);
        client.admit_stream(&Dial { port: 9, ..dial(&server) }).unwrap_err();
    });
    let text = std::fs::read_to_string(&log).unwrap();
    let lines: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2, "{text}");
    let (allowed, denied) = (&lines[0], &lines[1]);
    assert_eq!((&allowed["verdict"], &allowed["scheme"]), (&"allowed".into(), &"tcp".into()), "{allowed}");
    assert_eq!((&allowed["method"], &allowed["bytes_received"]), (&"(connection)".into(), &5.into()), "{allowed}");
    assert_eq!(denied["verdict"], "denied");
    assert!(denied["missing"].as_str().unwrap().starts_with("--allow tcp://127.0.0.1:9"), "{denied}");
}
