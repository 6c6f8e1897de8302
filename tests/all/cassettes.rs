//! Recording a sync, and playing it again without a network.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::support::server::Server;
use crate::support::{Connector, Database, Sync};

/// gzip of "squeezed words\n".
const SQUEEZED: &[u8] = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\x2b\x2e\x2c\x4d\x4d\xad\x4a\x4d\x51\x28\xcf\
                          \x2f\x4a\x29\xe6\x02\x00\xb6\x5c\xd2\x8a\x0f\x00\x00\x00";

/// Everything that must not be in a cassette.
const SECRETS: [&str; 5] = ["client-5ecret", "api-k3y-value", "path-s3cret-value", "granted-by-login", "cookie-of-it"];

/// A service with everything that a connector meets.
fn service() -> Server {
    let repeated = std::sync::atomic::AtomicUsize::new(0);
    Server::start(move |request, stream| {
        use std::io::Write;
        let host = request.header("host").unwrap_or_default().to_owned();
        let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
        let (status, headers, body): (_, String, Vec<u8>) = match path {
            "/login" => ("200 OK", "Set-Cookie: sid=cookie-of-it; Path=/\r\n".into(), {
                json!({"access_token": "granted-by-login", "expires_in": 3600}).to_string().into()
            }),
            _ if request.header("authorization").is_none_or(|value| value.len() < 12) => {
                ("401 Unauthorized", String::new(), b"who are you?".to_vec())
            }
            "/pages" if query.contains("page=1") => {
                let next = format!("http://{host}/pages?page=2&api_key=api-k3y-value");
                ("200 OK", String::new(), json!({"rows": [{"id": 1}], "next": next}).to_string().into())
            }
            "/pages" => ("200 OK", String::new(), json!({"rows": [{"id": 2}], "next": null}).to_string().into()),
            "/moved" => ("302 Found", "Location: /target?access_token=granted-by-login\r\n".into(), Vec::new()),
            "/target" => ("200 OK", String::new(), b"moved here".to_vec()),
            "/squeezed" => ("200 OK", "Content-Encoding: gzip\r\n".into(), SQUEEZED.to_vec()),
            "/binary" => ("200 OK", String::new(), b"\x00\xff\xfeapi-k3y-value\x80".to_vec()),
            "/missing" => ("404 Not Here", String::new(), "nöthing".into()),
            "/repeated" => {
                let count = repeated.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                ("200 OK", String::new(), format!("answer {count}").into())
            }
            "/echo" => ("200 OK", String::new(), request.body.clone()),
            other => ("200 OK", String::new(), format!("you asked for {other}").into()),
        };
        write!(stream, "HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n", body.len())?;
        stream.write_all(&body)?;
        Ok(true)
    })
}

/// An address on which nobody listens.
fn nobody() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

fn taped(url: &str, nobody: &str) -> Connector {
    Connector::mode("taped")
        .with("url", url)
        .with("nobody", nobody)
        .with("client_secret", SECRETS[0])
        .with("api_key", SECRETS[1])
        .with("path_secret", SECRETS[2])
}

/// All that is in a database, stamps included.
pub(crate) fn dump(database: &Database) -> Vec<(String, Vec<Vec<Value>>)> {
    let tables = database.query("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name");
    let names = tables.into_iter().map(|row| row[0].as_str().unwrap().to_owned());
    names
        .map(|name| {
            let rows = database.query(&format!("SELECT * FROM \"{name}\""));
            (name, rows)
        })
        .collect()
}

/// The events without what depends on the machine's clock and on where the test runs.
pub(crate) fn events(sync: &Sync) -> Vec<Value> {
    let mut events = sync.events.clone();
    // The counts of a checkpoint are those of the moment at which it is shown; steps are taken in the first sync only.
    events.retain(|event| !["checkpoint", "step_started", "step_finished"].iter().any(|name| event["event"] == *name));
    for event in &mut events {
        let event = event.as_object_mut().unwrap();
        let volatile = ["time", "wall_seconds", "cpu_seconds", "rows_per_second", "elapsed_seconds", "database"];
        event.retain(|key, _| !volatile.contains(&key.as_str()) && !key.starts_with("peak_memory"));
        if let Some(Value::Object(outcome)) = event.get_mut("outcome") {
            outcome.remove("crash_report");
        }
    }
    events
}

struct Tape {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

impl Tape {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cassette.har");
        Self { _folder: folder, path }
    }

    fn of(har: &Value) -> Self {
        let tape = Self::new();
        fs::write(&tape.path, har.to_string()).unwrap();
        tape
    }

    fn path(&self) -> &str {
        self.path.to_str().unwrap()
    }
}

fn entry(url: &str, status: u16, text: &str) -> Value {
    json!({
        "startedDateTime": "2025-01-31T12:00:00.250+02:00",
        "request": {"method": "GET", "url": url},
        "response": {"status": status, "content": {"text": text}},
    })
}

fn har(entries: &[Value]) -> Value {
    json!({"log": {"version": "1.2", "entries": entries}})
}

#[test]
fn a_recorded_sync_is_the_same_each_time_it_is_replayed() {
    let (server, nobody, tape) = (service(), nobody(), Tape::new());
    let url = server.url("");
    let recorded =
        taped(&url, &nobody).arguments(&["--allow", &server.origin(), "--allow", &nobody, "--record", tape.path()]);
    let sync = recorded.succeed();
    let requests = server.requests();
    assert_eq!(sync.report()["cassette"], json!({"recorded": {"entries": requests + 1}}), "{}", sync.stdout);

    let replay = || {
        let connector = taped(&url, &nobody).with("sleep", 3600).arguments(&["--replay", tape.path()]);
        let sync = connector.succeed();
        (dump(&connector.database()), events(&sync), connector)
    };
    let (first, second) = (replay(), replay());
    assert_eq!(first.0, second.0);
    assert_eq!(first.1, second.1);
    assert_eq!(server.requests(), requests, "a replay asked the server");
    let replayed = &first.1.last().unwrap()["cassette"]["replayed"];
    assert_eq!(
        (&replayed["used"], &replayed["unused"], &replayed["missing"]),
        (&json!(requests + 1), &json!(0), &json!(0))
    );

    // What does not depend on the clock, on chance or on a secret is as it was recorded.
    let answers =
        format!("SELECT path, status, body FROM answers WHERE path NOT IN ('echo', 'binary', '{}')", SECRETS[2]);
    for query in ["SELECT id FROM rows", &answers] {
        assert_eq!(recorded.database().query(query), first.2.database().query(query), "{query}");
    }
    let surroundings = first.2.database().query("SELECT written = today, replay FROM chance");
    assert_eq!(surroundings, [[json!(1), json!("1")]], "files stand at the clock of the replay");
    assert_eq!(recorded.database().value("SELECT replay FROM chance"), "no");
    let chance = "SELECT moved, waited, \"time\", today, local FROM chance";
    let chance = first.2.database().query(chance).remove(0);
    assert_eq!(&chance[..2], [json!("0.0"), json!("7200.0")]);
    let cassette: Value = serde_json::from_slice(&fs::read(&tape.path).unwrap()).unwrap();
    let started = cassette["log"]["entries"][0]["startedDateTime"].as_str().unwrap();
    assert_eq!(&chance[3].as_str().unwrap()[..26], &started[..26]);
    assert_eq!(&chance[4].as_str().unwrap()[..26], &started[..26], "the time zone is UTC");
}

#[test]
fn a_cassette_holds_no_secret_and_everything_else() {
    let (server, nobody, tape) = (service(), nobody(), Tape::new());
    let connector = taped(&server.url(""), &nobody).arguments(&[
        "--allow",
        &server.origin(),
        "--allow",
        &nobody,
        "--record",
        tape.path(),
    ]);
    let sync = connector.succeed();
    let bytes = fs::read(&tape.path).unwrap();
    for secret in SECRETS {
        assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()), "{secret} is in the cassette");
    }
    assert!(sync.log().iter().any(|line| line.contains("1 recorded bodies arrived compressed")), "{:?}", sync.log());
    let cassette: Value = serde_json::from_slice(&bytes).unwrap();
    let entries = cassette["log"]["entries"].as_array().unwrap();
    let find = |end: &str| {
        let ends = |entry: &&Value| entry["request"]["url"].as_str().unwrap().contains(end);
        entries.iter().find(ends).unwrap_or_else(|| panic!("no entry for {end}"))
    };
    assert_eq!(find("/missing")["response"]["status"], 404);
    assert_eq!(find("/missing")["response"]["content"]["text"], "nöthing");
    assert_eq!(find("/squeezed")["response"]["content"]["encoding"], "base64");
    assert!(find("/pages")["request"]["url"].as_str().unwrap().ends_with("?page=1&api_key=[redacted]"));
    assert_eq!(find("/login")["request"]["postData"]["text"], "client_secret=[redacted]");
    assert_eq!(find("/echo")["request"]["postData"]["text"], "{\"query\": \"\\u00fc\", \"token\": \"[redacted]\"}");
    let refused = entries.last().unwrap();
    assert_eq!((&refused["response"]["status"], &refused["_sluice"]["end"]["kind"]), (&json!(0), &json!("connect")));
    assert!(find("/login")["time"].as_f64().unwrap() > 0.0);
}

#[test]
fn a_failed_sync_is_recorded_too() {
    let (server, tape) = (service(), Tape::new());
    let urls = format!("{} {}", server.url("/one"), nobody());
    let connector =
        Connector::mode("asking").with("urls", urls).arguments(&["--allow", &server.origin(), "--record", tape.path()]);
    assert_eq!(connector.sync().code, Some(4));
    let cassette: Value = serde_json::from_slice(&fs::read(&tape.path).unwrap()).unwrap();
    assert_eq!(cassette["log"]["entries"].as_array().unwrap().len(), 1);
}

#[test]
fn a_request_without_an_entry_fails_by_name() {
    let tape =
        Tape::of(&har(&[entry("http://api.example.com/one", 200, "1"), entry("http://api.example.com/two", 200, "2")]));
    let urls = "http://api.example.com/one http://api.example.com/other?api_key=hidden&x=1";
    let asking = || Connector::mode("asking").with("urls", urls).arguments(&["--replay", tape.path()]);
    let sync = asking().sync();
    assert_eq!(sync.code, Some(1));
    let report = sync.report();
    let missing = "GET http://api.example.com/other?api_key=[redacted]&x=1";
    let message = report["outcome"]["message"].as_str().unwrap();
    assert!(message.contains(&format!("the cassette has no entry for {missing}")), "{message}");
    assert!(message.contains("ConnectionError"), "{message}");
    let replayed = &report["cassette"]["replayed"];
    assert_eq!(replayed["missing_requests"], json!([missing]));
    assert_eq!(replayed["unused_requests"], json!(["GET http://api.example.com/two"]));
    assert_eq!(report["hosts"][0]["requests"], 1, "what the cassette lacks was not sent: {report}");
    // The library's own sentence after it is the connector's.
    assert!(!message.split("(the connector then").next().unwrap().contains("hidden"), "{message}");

    let caught = asking().with("catch", "yes");
    let sync = caught.succeed();
    assert_eq!(sync.report()["cassette"]["replayed"]["missing"], 1);
    let bodies = caught.database().query("SELECT body FROM answers ORDER BY id");
    assert_eq!(bodies[0], [json!("1")]);
    assert!(bodies[1][0].as_str().unwrap().contains("no entry for GET http://api.example.com/other"), "{bodies:?}");
}

#[test]
fn the_clock_of_a_replay_can_be_set() {
    let tape = Tape::of(&har(&[]));
    let chance = Connector::mode("chance").arguments(&["--replay", tape.path()]);
    let refused = chance.sync();
    assert_eq!(refused.code, Some(2));
    assert!(refused.stderr.contains("--clock"), "{}", refused.stderr);
    let chance = chance.arguments(&["--clock", "2031-02-03T04:05:06.5+01:00"]);
    chance.succeed();
    let database = chance.database();
    assert_eq!(database.value("SELECT today FROM chance"), "2031-02-03T03:05:06.500000+00:00");
    let stamp = database.value("SELECT _sluice_synced FROM chance");
    assert!(stamp.as_str().unwrap().starts_with("2031-02-03T03:05:06.50000"), "{stamp}");
}

#[test]
fn what_a_browser_saved_is_replayed() {
    let har = json!({"log": {
        "version": "1.2",
        "creator": {"name": "WebInspector", "version": "537.36"},
        "pages": [{"startedDateTime": "2025-01-31T11:59:59Z", "id": "page_1", "title": "x", "pageTimings": {}}],
        "entries": [
            {"startedDateTime": "2025-01-31T12:00:00Z", "_priority": "High", "_initiator": {"type": "other"}, "time": 1.5,
             "request": {"method": "GET", "url": "https://app.example.com/data?page=1#top", "httpVersion": "h2",
                         "headers": [{"name": ":authority", "value": "app.example.com"}], "cookies": []},
             "response": {"status": 200, "statusText": "", "httpVersion": "h2", "_transferSize": 99,
                          "headers": [{"name": ":status", "value": "200"}, {"name": "content-encoding", "value": "br"},
                                      {"name": "content-length", "value": "7"},
                                      {"name": "set-cookie", "value": "a=1\nb=2"}],
                          "content": {"size": 12, "mimeType": "text/plain", "text": "decoded text", "compression": 5}}},
            {"startedDateTime": "2025-01-31T12:00:01Z",
             "request": {"method": "GET", "url": "data:text/plain,x"}, "response": {"status": 200}},
            {"startedDateTime": "2025-01-31T12:00:02Z",
             "request": {"method": "GET", "url": "https://app.example.com/blocked"},
             "response": {"status": 0, "_error": "net::ERR_BLOCKED_BY_CLIENT", "content": {"size": 0}}},
            {"startedDateTime": "2025-01-31T12:00:03Z",
             "request": {"method": "GET", "url": "https://app.example.com/unsaved"},
             "response": {"status": 200, "content": {"size": 4711, "mimeType": "text/html"}}},
            {"startedDateTime": "2025-01-31T12:00:04Z",
             "request": {"method": "GET", "url": "https://app.example.com/picture"},
             "response": {"status": 200, "content": {"size": 3, "text": "Zm9v", "encoding": "base64"}}},
        ],
    }});
    let tape = Tape::of(&har);
    let urls = ["data?page=1", "blocked", "unsaved", "picture"].map(|path| format!("https://app.example.com/{path}"));
    let connector = Connector::mode("asking")
        .with("urls", urls.join(" "))
        .with("catch", "yes")
        .arguments(&["--replay", tape.path()]);
    let sync = connector.succeed();
    let rows = connector.database().query("SELECT status, body FROM answers ORDER BY id");
    assert_eq!(rows[0], [json!(200), json!("decoded text")]);
    assert!(rows[1][1].as_str().unwrap().contains("holds no answer"), "{rows:?}");
    assert!(rows[2][1].as_str().unwrap().contains("holds no body"), "{rows:?}");
    assert_eq!(rows[3], [json!(200), json!("foo")]);
    assert_eq!(sync.report()["cassette"]["replayed"]["unused"], 0);
}

#[test]
fn a_broken_cassette_is_refused_with_its_place() {
    let tape = Tape::new();
    let refused = |text: &str| {
        fs::write(&tape.path, text).unwrap();
        let sync = Connector::mode("chance").arguments(&["--replay", tape.path()]).sync();
        assert_eq!(sync.code, Some(2), "{text}: {}", sync.everything());
        sync.stderr
    };
    assert!(refused("{\"log\":").contains("line 1 column 7"));
    let bad = har(&[entry("http://a.example/", 200, ""), json!({"request": {"method": 1}})]).to_string();
    assert!(refused(&bad).contains("entry 2: invalid type"));
    fs::remove_file(&tape.path).unwrap();
    let sync = Connector::mode("chance").arguments(&["--replay", tape.path()]).sync();
    assert!(sync.stderr.contains("cannot read the cassette"), "{}", sync.stderr);
    let sync = Connector::mode("chance").arguments(&["--record", "/nowhere/at/all.har"]).sync();
    assert_eq!((sync.code, sync.stderr.contains("cannot write the cassette")), (Some(2), true), "{}", sync.stderr);
}

/// Without a network, not even loopback. Where namespaces cannot be had, `http/replay.rs` has no client to use.
#[test]
fn a_replay_needs_no_network() {
    let isolated = |command: &mut Command| command.output().is_ok_and(|output| output.status.success());
    if !isolated(Command::new("unshare").args(["--net", "--map-root-user", "true"])) {
        eprintln!("skipped: no network namespaces here");
        return;
    }
    let tape = Tape::of(&har(&[entry("https://api.example.com/one", 200, "1")]));
    let connector = Connector::mode("asking")
        .with("urls", "https://api.example.com/one")
        .with("insecure", "nobody speaks TLS here")
        .arguments(&["--replay", tape.path()]);
    let inner = connector.command();
    let mut command = Command::new("unshare");
    command.args(["--net", "--map-root-user"]).arg(inner.get_program()).args(inner.get_args());
    command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(connector.database().value("SELECT body FROM answers"), "1");
    assert!(Path::new(tape.path()).exists());
}
