//! Drivers of databases and queues, unmodified, against real servers and such of others; and connectors that abuse
//! their connections.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::Duration;

use serde_json::{Value, json};

use crate::sdk::environment;
use crate::support::{Connector, Sync, repository};
use crate::web::trust::Certificates;

const SERVERS: &str = "fakeredis==2.40.0\nmysql-mimic==3.0.5\npika==1.4.4\npixeltable-pgserver==0.6.0\n";

/// Servers that end with this process, because their input does.
struct Servers {
    ports: BTreeMap<String, u16>,
    certificates: Certificates,
    _process: Child,
}

fn servers() -> &'static Servers {
    static STARTED: OnceLock<Servers> = OnceLock::new();
    STARTED.get_or_init(|| {
        let python = environment("databases", SERVERS).unwrap();
        let certificates = Certificates::of(&["localhost"]);
        let mut process = Command::new(python)
            .arg(repository().join("tests/all/support/database_server.py"))
            .args([certificates.path("server.pem"), certificates.path("server.key")])
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let ports = serde_json::from_str(&line).unwrap_or_else(|error| panic!("the servers did not start: {error}"));
        Servers { ports, certificates, _process: process }
    })
}

/// The port of one of the servers.
pub(crate) fn port(server: &str) -> u16 {
    servers().ports[server]
}

/// A connector that talks with one of the servers, granted as `scheme`.
pub(crate) fn with_server(mode: &str, server: &str, scheme: &str, tls: bool) -> Connector {
    let servers = servers();
    let port = port(server);
    let authority = servers.certificates.path("ca.pem");
    at(mode, port, &format!("{scheme}://localhost:{port}"))
        .with("tls", if tls { "yes" } else { "no" })
        .arguments(&["--ca-file", authority.to_str().unwrap()])
}

fn at(mode: &str, port: u16, grant: &str) -> Connector {
    Connector::client(mode).with("host", "localhost").with("port", port).arguments(&["--allow", grant])
}

pub(crate) fn outcomes(connector: &Connector) -> BTreeMap<String, String> {
    let rows = connector.database().query("SELECT name, value FROM outcomes");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    rows.iter().map(|row| (text(&row[0]), text(&row[1]))).collect()
}

/// How a sync that must fail says why.
fn message(sync: &Sync) -> String {
    sync.report()["outcome"]["message"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn postgresql_is_read_and_written_with_and_without_tls() {
    for (server, scheme, tls) in
        [("postgres", "tcp", false), ("postgres_tls", "tls", true), ("postgres_tls", "tcp", true)]
    {
        let connector = with_server("postgres", server, scheme, tls);
        let sync = connector.succeed();
        let rows = connector.database().query("SELECT id, name, paid, born, tags FROM people ORDER BY id");
        assert_eq!(
            rows,
            [
                vec![json!(1), json!("Ada"), json!("1.50"), json!("1815-12-10"), json!(r#"["a", "b"]"#)],
                vec![json!(2), json!("Bjørn \u{1f40d}"), Value::Null, Value::Null, json!("[]")],
            ],
            "{scheme}"
        );
        let large = connector.database().query("SELECT digest, length, received FROM large");
        assert_eq!(large, [[json!("f655f6ec1e0d3e8f684ddc9bcab7bf0d"), json!(2_500_000), json!(3_000_000)]]);
        let host = &sync.report()["hosts"][0];
        assert_eq!(
            (&host["host"], &host["connections"], &host["requests"]),
            (&json!("localhost"), &json!(1), &json!(0))
        );
        assert!(host["bytes_sent"].as_u64() > Some(5_000_000) && host["bytes_received"].as_u64() > Some(3_000_000));
    }
}

/// Reads the same rows in C and by the driver alone: what came of each query, for both, and which were read in C, with
/// the most pieces that the driver read of its connection then. It takes two for each row.
fn rows_are_those_of_the_driver(mode: &str, server: &str, expected: &[(&str, &str)], in_c: &[(&str, u64)]) {
    let connector = with_server(mode, server, "tcp", false);
    connector.succeed();
    let found = outcomes(&connector);
    for (name, what) in expected {
        assert_eq!(found[*name], format!("same, {what}"), "{name}");
        let counted = found[&format!("{name} reads")].split_once(' ').unwrap();
        let (reads, alone): (u64, u64) = (counted.0.parse().unwrap(), counted.1.parse().unwrap());
        match in_c.iter().find(|(known, _)| known == name) {
            Some((_, most)) => assert!(reads < *most && alone > 4_000, "{name}: {reads} {alone}"),
            None => assert!(reads <= alone && alone > 0, "{name}: {reads} {alone}"),
        }
        assert!(*name != "encoding" || reads == alone, "{name}: {reads} {alone}");
    }
}

#[test]
fn rows_of_postgresql_are_what_the_driver_makes_of_them() {
    let expected = [
        ("usual", "3000 rows"),
        ("unusual", "1 rows"),
        ("zone", "3000 rows"),
        ("encoding", "200 rows"),
        ("long", "5 rows"),
        ("none", "0 rows"),
        ("no columns", "ProgrammingError"),
        ("adapter", "ValueError"),
    ];
    rows_are_those_of_the_driver("postgres_rows", "postgres", &expected, &[("usual", 300), ("zone", 300)]);
}

#[test]
fn psycopg2_works_over_a_driver_in_python() {
    for (server, scheme, tls) in [("postgres", "tcp", false), ("postgres_tls", "tls", true)] {
        let connector = with_server("psycopg", server, scheme, tls);
        connector.succeed();
        let found = outcomes(&connector);
        for (name, value) in [
            ("updated", "2"),
            ("streamed", "250"),
            ("kinds", "1 1 timedelta b'a' str"),
            ("again", "23505 ['UniqueViolation']"),
            ("nowhere", "42P01 ['UndefinedTable']"),
            ("zero", "22012 ['DataError']"),
            ("closed", "connection already closed"),
        ] {
            assert_eq!(found[name], value, "{name}");
        }
        assert!(found["denied"].contains("--allow tcp://nowhere.example:5432"), "{}", found["denied"]);
        let rows = connector.database().query("SELECT id, name, price, data FROM items ORDER BY id");
        assert_eq!(rows[0], [json!(1), json!("it's 100% \\ 1"), json!("0.25"), json!(r#"{"n": 1}"#)]);
        assert_eq!(rows[2][1], json!("%"));
    }
}

#[test]
fn mysql_is_read_by_two_drivers() {
    for (scheme, tls) in [("tcp", false), ("tls", true)] {
        let connector = with_server("mysql", "mysql", scheme, tls);
        connector.succeed();
        for table in ["pymysql", "connector"] {
            let rows = connector.database().query(&format!("SELECT id, name FROM {table} ORDER BY id"));
            assert_eq!(rows, [(1, "one"), (2, "zwei"), (3, "trois")].map(|(id, name)| vec![json!(id), json!(name)]));
        }
    }
}

#[test]
fn rows_of_mysql_are_what_the_driver_makes_of_them() {
    let expected = [
        ("usual", "2000 rows"),
        ("bytes", "2000 rows"),
        ("encoding", "3 rows"),
        ("adapter", "ValueError"),
        ("error", "OperationalError"),
    ];
    rows_are_those_of_the_driver("mysql_rows", "mysql", &expected, &[("usual", 400), ("bytes", 400)]);
}

#[test]
fn redis_is_written_and_read() {
    for (server, scheme, tls) in [("redis", "tcp", false), ("redis_tls", "tls", true)] {
        let connector = with_server("keys", server, scheme, tls);
        connector.succeed();
        let rows = connector.database().query("SELECT key, value FROM keys ORDER BY key");
        for row in [
            ["error", "WRONGTYPE"],
            ["greeting", "grüße"],
            ["numbers", "19900"],
            ["person", "{'name': 'Ada', 'born': '1815'}"],
        ] {
            assert!(rows.contains(&row.map(Value::from).to_vec()), "{row:?}: {rows:?}");
        }
    }
}

#[test]
fn a_queue_is_consumed() {
    let connector = with_server("queue", "queue", "tcp", false);
    connector.succeed();
    let rows = connector.database().query("SELECT id, body FROM messages");
    assert_eq!(rows, [[json!(1), json!("from the queue")]]);
}

#[test]
fn sql_server_is_read_with_and_without_tls() {
    for (scheme, tls, encryption) in [("tls", true, "TLSv1.2"), ("tcp", true, "TLSv1.2"), ("tcp", false, "none")] {
        let connector = with_server("sql_server", "sql_server", scheme, tls);
        let sync = connector.succeed();
        let found = outcomes(&connector);
        let ignored = "['trusted certificates named by a connector are ignored: the host decides whom to trust']";
        let warned = if tls { ignored } else { "[]" };
        assert_eq!(found["rows"], format!("('{encryption}', 4498500, 30.0, {warned})"), "{scheme}");
        assert!(found["mistaken"].contains("Login failed"), "{scheme}: {found:?}");
        let rows = connector.database().query("SELECT id, name FROM people ORDER BY id");
        assert_eq!(rows, [[json!(1), json!("Ada")], [json!(2), json!("Bjørn \u{1f40d}")]]);
        // without TLS there is nothing to end after the login
        let login_only = if tls { "SSLError: enc_login_only=True would end TLS" } else { "None" };
        assert!(found["login_only"].contains(login_only), "{scheme}: {found:?}");
        assert!(sync.report()["hosts"][0]["bytes_received"].as_u64() > Some(87_780));
    }
}

/// How many bytes a PRELOGIN of python-tds has.
const PRELOGIN: u64 = 58;

#[test]
fn nothing_of_a_login_goes_to_a_sql_server_in_the_clear_under_a_grant_for_tls() {
    let sent = |sync: &Sync| sync.report()["hosts"][0]["bytes_sent"].as_u64();
    // it cannot, or somebody in between says so
    let connector = with_server("sql_server", "sql_server_clear", "tls", true);
    let sync = connector.succeed();
    let found = outcomes(&connector);
    for action in ["rows", "mistaken"] {
        assert!(found[action].contains("encryption but it is not supported by server"), "{found:?}");
    }
    assert_eq!(sent(&sync), Some(2 * PRELOGIN), "and of the third connection nothing");
    // the connector does not ask for it
    let connector = with_server("sql_server", "sql_server", "tls", false);
    let sync = connector.succeed();
    let found = outcomes(&connector);
    assert!(found["rows"].contains("with TLS only") && found["rows"].contains("--allow tcp://"), "{found:?}");
    assert_eq!(sent(&sync), Some(0));
    // somebody in between sends something before TLS
    let connector = with_server("sql_server", "sql_server_injecting", "tls", true);
    let sync = connector.succeed();
    let found = outcomes(&connector);
    assert!(found["rows"].contains("more in the clear before TLS began"), "{found:?}");
    assert_eq!(sent(&sync), Some(2 * PRELOGIN));
}

#[test]
fn a_certificate_of_a_sql_server_that_nobody_vouches_for_is_refused() {
    let port = port("sql_server");
    let connector = at("sql_server", port, &format!("tls://localhost:{port}")).with("tls", "yes");
    let sync = connector.succeed();
    let found = outcomes(&connector);
    assert!(found["rows"].starts_with("SSLCertVerificationError"), "{found:?}");
    assert!(found["rows"].contains("an authority that is not trusted here"), "{found:?}");
    assert_eq!(sync.report()["hosts"][0]["bytes_sent"].as_u64(), Some(2 * PRELOGIN));
}

#[test]
fn contexts_and_secure_sockets() {
    let connector = with_server("tls", "redis_tls", "tls", true);
    connector.succeed();
    let found = outcomes(&connector);
    assert!(found["details"].contains("'TLSv1.3', True, (('DNS', 'localhost'),), True"), "{}", found["details"]);
    assert!(found["late"].starts_with("b\"-ERR"), "{}", found["late"]);
    assert!(found["another_name"].starts_with("SSLError: the host verifies"), "{}", found["another_name"]);

    let port = servers().ports["redis_tls"];
    let connector = at("tls", port, &format!("tls://localhost:{port}"));
    connector.succeed();
    let found = outcomes(&connector);
    for name in ["details", "late", "no_verification"] {
        assert!(found[name].starts_with("SSLCertVerificationError"), "{name}: {}", found[name]);
    }
    assert!(found["no_verification"].contains("CERT_NONE has no effect"), "{}", found["no_verification"]);

    let connector = with_server("injected", "injecting", "tls", true);
    connector.succeed();
    assert!(outcomes(&connector)["S"].contains("more in the clear before TLS began"), "{:?}", outcomes(&connector));
}

/// A server on loopback; one thread a connection.
fn server(serve: impl Fn(std::net::TcpStream) + Send + std::marker::Sync + Copy + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            std::thread::spawn(move || serve(stream.unwrap()));
        }
    });
    port
}

fn echo() -> u16 {
    server(|mut stream| {
        let mut piece = vec![0; 65536];
        while let Ok(size @ 1..) = stream.read(&mut piece) {
            if stream.write_all(&piece[..size]).is_err() {
                break;
            }
        }
    })
}

#[test]
fn sockets_behave_as_they_do_elsewhere_and_reach_nothing_else() {
    let port = echo();
    let connector = at("sockets", port, &format!("tcp://localhost:{port}"));
    connector.succeed();
    let found = outcomes(&connector);
    for (name, value) in [
        ("echo", r"[b'one\n', b'two\n']"),
        ("pieces", r"(b'abc', 2, b'ab\x00\x00', b'cde\n')"),
        ("slow", r"b'later\n'"),
        ("not_blocking", r"(True, [], b'now\n')"),
        ("several", r"[(0, b'0\n'), (1, b'1\n'), (2, b'2\n'), (3, b'3\n'), (4, b'4\n')]"),
        ("names", r"(True, b'by address\n', True)"),
        ("pair", "(True, b'inside')"),
    ] {
        assert_eq!(found[name], value, "{name}");
    }
    assert!(found["ends"].starts_with(r"([b'last\n', b''], -1, 'OSError"), "{}", found["ends"]);
    for (name, kind) in [
        ("unix", "OSError"),
        ("udp", "OSError"),
        ("other port", "RequestDenied"),
        ("other host", "gaierror"),
        ("address", "RequestDenied"),
        ("metadata", "RequestDenied"),
        ("lookup", "gaierror"),
        ("listen", "PermissionError"),
        ("strange", "gaierror"),
        ("lone", "gaierror"),
    ] {
        assert!(found[name].starts_with(kind), "{name}: {}", found[name]);
    }
    let other = format!("--allow tcp://localhost:{}", port ^ 1);
    assert!(found["other port"].contains(&other), "{}", found["other port"]);
    assert!(found["metadata"].contains("--allow tcp://169.254.169.254:80"), "{}", found["metadata"]);
}

#[test]
fn under_a_grant_for_tls_passwords_do_not_go_out_in_the_clear() {
    let port = echo();
    // a login of PostgreSQL; a request to begin TLS and then a login; anything
    let writes = "0000000d00030000757365720000|0000000804d2162f+70617373|70617373";
    let connector = at("clear", port, &format!("tls://localhost:{port}")).with("writes", writes);
    connector.succeed();
    let found = outcomes(&connector);
    for number in ["0", "1", "2"] {
        assert!(found[number].contains("with TLS only") && found[number].contains("--allow tcp://"), "{found:?}");
    }
    let sent = connector.succeed().report()["hosts"][0]["bytes_sent"].clone();
    assert_eq!(sent, json!(8), "one request to begin TLS, and nothing else");
}

#[test]
fn what_is_denied_names_the_grant() {
    let port = echo();
    let sync = at("endless", port, &format!("http://localhost:{port}")).sync();
    assert_eq!(sync.report()["outcome"]["class"], json!("denied"));
    assert!(message(&sync).contains(&format!("--allow tcp://localhost:{port}")), "{}", message(&sync));
}

#[test]
fn floods_of_connections_end() {
    let port = echo();
    let sync = at("flood", port, &format!("tcp://localhost:{port}")).sync();
    assert_ne!(sync.code, Some(0));
    assert!(message(&sync).contains("all 32 connections"), "{}", message(&sync));
}

#[test]
fn reading_and_writing_without_end_is_stopped_by_the_wall() {
    let pouring = server(|mut stream| while stream.write_all(&[0; 65536]).is_ok() {});
    let silent = server(|stream| {
        std::thread::sleep(Duration::from_secs(60));
        drop(stream);
    });
    for (mode, port) in [("endless", pouring), ("endless", silent), ("pouring", silent)] {
        let connector = at(mode, port, &format!("tcp://localhost:{port}")).arguments(&["--wall-time", "2"]);
        let sync = connector.sync();
        assert_eq!(sync.report()["outcome"]["class"], json!("limit"), "{mode}: {}", message(&sync));
        assert!(message(&sync).contains("wall time"), "{mode}: {}", message(&sync));
        assert!(sync.peak_kib < 1024 * 1024, "{mode}: {} KiB", sync.peak_kib);
    }
}

#[test]
fn a_replay_has_no_connections() {
    let folder = tempfile::tempdir().unwrap();
    let cassette = folder.path().join("empty.har");
    std::fs::write(
        &cassette,
        r#"{"log": {"version": "1.2", "creator": {"name": "t", "version": "1"}, "entries": []}}"#,
    )
    .unwrap();
    let port = echo();
    let connector = Connector::client("endless").with("host", "localhost").with("port", port);
    let replay = ["--replay", cassette.to_str().unwrap(), "--clock", "2026-01-01T00:00:00Z"];
    let sync = connector.arguments(&replay).sync();
    assert_ne!(sync.code, Some(0));
    assert!(message(&sync).contains("a replay has no network"), "{}", message(&sync));
}
