//! Connections of asyncio and of drivers whose threads never end, against servers on loopback.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use serde_json::json;

use crate::databases::{outcomes, with_server};
use crate::sdk::environment;
use crate::support::{Connector, repository};
use crate::web::trust::Certificates;

/// Servers that end with this process, because their input does.
struct Servers {
    ports: BTreeMap<String, u16>,
    certificates: Certificates,
    _process: Child,
}

fn servers() -> &'static Servers {
    static STARTED: OnceLock<Servers> = OnceLock::new();
    STARTED.get_or_init(|| {
        let python = environment("streams", "pymongo==4.15.5\n").unwrap();
        let certificates = Certificates::of(&["localhost"]);
        let mut process = Command::new(python)
            .arg(repository().join("tests/all/support/stream_server.py"))
            .args([certificates.path("server.pem"), certificates.path("server.key")])
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ports = serde_json::from_str(&line).unwrap_or_else(|error| panic!("the servers did not start: {error}"));
        Servers { ports, certificates, _process: process }
    })
}

/// A connector that talks with one of the servers, granted as `scheme`.
fn with(mode: &str, server: &str, scheme: &str) -> Connector {
    let servers = servers();
    let port = servers.ports[server];
    let authority = servers.certificates.path("ca.pem");
    Connector::client(mode).with("host", "localhost").with("port", port).arguments(&[
        "--allow",
        &format!("{scheme}://localhost:{port}"),
        "--ca-file",
        authority.to_str().unwrap(),
    ])
}

#[track_caller]
fn has(connector: &Connector, expected: &[(&str, &str)]) {
    let found = outcomes(connector);
    for (name, value) in expected {
        assert_eq!(found.get(*name).map(String::as_str), Some(*value), "{name}: {found:?}");
    }
}

#[test]
fn streams_of_asyncio_are_connections_of_the_host() {
    let connector = with("async_plain", "echo", "tcp");
    let sync = connector.succeed();
    has(
        &connector,
        &[
            ("line", "first|second|"),
            ("large", "True"),
            ("peer", "True"),
            ("timeout", "TimeoutError: "),
            ("after", "still"),
            ("end", "b''"),
            ("together", "late 0 late 7"),
            ("protocol", "None by protocol"),
            ("sock", "by the loop"),
            ("reader", "heard"),
            ("removed", "True"),
            ("lookup", "True"),
            ("own", "TO ITSELF"),
        ],
    );
    let found = outcomes(&connector);
    assert!(found["denied"].contains("--allow tcp://localhost:1"), "{found:?}");
    assert!(found["nothing"].contains("--allow tcp://other.example.com"), "{found:?}");
    assert_eq!(sync.report()["hosts"][0]["connections"], 11, "{}", sync.report()["hosts"]);
}

#[test]
fn streams_of_asyncio_speak_tls_by_the_host() {
    let upgrading = servers().ports["upgrading"];
    let connector = with("async_secure", "echo_tls", "tls").with("upgrading", upgrading);
    let connector = connector.arguments(&["--allow", &format!("tcp://localhost:{upgrading}")]);
    connector.succeed();
    has(
        &connector,
        &[
            ("secure", "encrypted"),
            ("version", "TLSv1.3"),
            ("alpn", "None"),
            ("name", "localhost"),
            ("default", "too"),
            ("ready", "READY"),
            ("upgraded", "from here on"),
            ("duplicated", "on the other"),
        ],
    );
    assert!(outcomes(&connector)["another"].contains("not for other"), "{:?}", outcomes(&connector));
}

#[test]
fn streams_of_asyncio_trust_no_certificate_by_themselves() {
    let servers = servers();
    let (port, upgrading) = (servers.ports["echo_tls"], servers.ports["upgrading"]);
    let connector = Connector::client("async_secure").with("host", "localhost").with("port", port);
    let granted = format!("tls://localhost:{port}");
    let sync = connector.with("upgrading", upgrading).arguments(&["--allow", &granted]).sync();
    assert_eq!(sync.code, Some(1), "{}", sync.everything());
    let message = &sync.report()["outcome"]["message"];
    assert!(message.as_str().unwrap().contains("SSLCertVerificationError"), "{message}");
    assert_eq!(sync.report()["hosts"][0]["bytes_received"], 0, "{}", sync.report()["hosts"]);
}

#[test]
fn streams_of_asyncio_send_nothing_in_the_clear_where_tls_is_granted() {
    let sync = with("async_plain", "echo", "tls").sync();
    assert_eq!(sync.code, Some(4), "{}", sync.everything());
    assert_eq!(sync.report()["hosts"][0]["bytes_sent"], 0, "{}", sync.report()["hosts"]);
}

#[test]
fn redis_is_asked_by_its_driver_for_asyncio() {
    for (server, scheme, tls) in [("redis", "tcp", false), ("redis_tls", "tls", true)] {
        let connector = with_server("async_keys", server, scheme, tls);
        connector.succeed();
        let hash = "[(b'id', b'7'), (b'name', b'seven')]";
        has(&connector, &[("hash", hash), ("pipeline", "100"), ("gathered", "190"), ("scan", "100")]);
    }
}

#[test]
fn mysql_is_read_by_a_driver_for_asyncio() {
    for (scheme, tls) in [("tcp", false), ("tls", true)] {
        let connector = with_server("async_sql", "mysql", scheme, tls);
        connector.succeed();
        has(&connector, &[("row 1", "one"), ("row 2", "zwei"), ("row 3", "trois")]);
    }
}

#[test]
fn mongodb_is_read_although_its_monitors_never_end() {
    for (server, scheme, tls, close) in [("mongo", "tcp", "no", "no"), ("mongo_tls", "tls", "yes", "yes")] {
        let connector = with("mongo", server, scheme).with("tls", tls).with("close", close);
        connector.succeed();
        let database = connector.database();
        assert_eq!(database.value("SELECT count(*) FROM orders"), 250);
        assert_eq!(
            database.query("SELECT _id, customer, paid FROM orders WHERE _id = 250"),
            [[json!(250), json!("customer 250"), json!(1)]]
        );
        has(&connector, &[("ping", "1.0"), ("failure", "59")]);
    }
}

#[test]
fn a_mongodb_that_is_not_granted_is_named() {
    let connector = Connector::client("mongo_nowhere").with("host", "localhost").with("port", 1);
    connector.succeed();
    let found = outcomes(&connector);
    assert!(found["nowhere"].contains("--allow tcp://localhost:1"), "{found:?}");
}
