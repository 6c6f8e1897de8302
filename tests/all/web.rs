//! The network through the libraries that authors use, unmodified, against real servers.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::{Value, json};

use crate::sdk::environment;
use crate::support::server::{Request, Server};
use crate::support::{Connector, repository};

/// The mode, with the server's page as `url`, and the server granted.
fn against(server: &Server, mode: &str, path: &str) -> Connector {
    let url = server.url(path);
    Connector::mode(mode).with("url", url.trim_end_matches('/')).arguments(&["--allow", &server.origin()])
}

/// Sends requests through `requests` in one session and answers what each gave.
fn fetch(server: &Server, requests: &Value) -> Vec<BTreeMap<String, Value>> {
    let connector = against(server, "fetch", "/").with("requests", requests);
    connector.succeed();
    fetched(&connector)
}

fn fetched(connector: &Connector) -> Vec<BTreeMap<String, Value>> {
    let database = connector.database();
    let names = database.query("SELECT name FROM pragma_table_info('fetched')");
    let names: Vec<_> = names.iter().map(|row| row[0].as_str().unwrap().to_owned()).collect();
    let rows = database.query("SELECT * FROM fetched ORDER BY id");
    rows.into_iter().map(|row| names.iter().cloned().zip(row).collect()).collect()
}

/// A row's column that holds JSON.
fn document(row: &BTreeMap<String, Value>, column: &str) -> Value {
    let text = row.get(column).and_then(Value::as_str).unwrap_or_else(|| panic!("no {column}: {row:?}"));
    serde_json::from_str(text).unwrap()
}

fn respond(stream: &mut TcpStream, status: &str, headers: &str, body: &[u8]) -> std::io::Result<bool> {
    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {}\r\n{headers}\r\n", body.len())?;
    stream.write_all(body)?;
    Ok(true)
}

/// Answers each request with what it was, as JSON.
fn echo(request: &Request, stream: &mut TcpStream) -> std::io::Result<bool> {
    let headers: Vec<_> = request.headers.iter().map(|(name, value)| json!([name, value])).collect();
    let echo = json!({
        "method": request.method,
        "path": request.path,
        "headers": headers,
        "body": String::from_utf8_lossy(&request.body),
    });
    respond(stream, "200 OK", "Content-Type: application/json\r\n", echo.to_string().as_bytes())
}

#[test]
fn one_page_through_four_libraries() {
    let server = Server::fixed("200 OK", &[("Content-Type", "text/plain; charset=utf-8")], "the same page: ü");
    let connector = against(&server, "libraries", "/page");
    let sync = connector.succeed();
    let pages = connector.database().query("SELECT library, text FROM pages ORDER BY library");
    assert_eq!(
        pages,
        ["http.client", "requests", "urllib", "urllib3"].map(|name| [json!(name), json!("the same page: ü")])
    );
    assert_eq!(server.requests(), 4);
    assert_eq!(sync.report()["hosts"][0]["requests"], 4);
}

#[test]
fn failed_requests_are_tried_again_by_the_library() {
    let count = AtomicUsize::new(0);
    let server = Server::start(move |_, stream| match count.fetch_add(1, Ordering::SeqCst) {
        0 | 1 => respond(stream, "503 Service Unavailable", "Retry-After: 0\r\n", b"later"),
        _ => respond(stream, "200 OK", "", b"now"),
    });
    let connector = against(&server, "retry", "/");
    connector.succeed();
    assert_eq!(connector.database().query("SELECT status, text FROM retries"), [[json!(200), json!("now")]]);
    assert_eq!(server.requests(), 3);
}

#[test]
fn status_codes_are_the_librarys_business() {
    let server = Server::fixed("404 Nothing Here", &[], "no such page");
    let connector = against(&server, "errors_of_urllib", "/");
    connector.succeed();
    assert_eq!(connector.database().query("SELECT code, text FROM raised"), [[json!(404), json!("no such page")]]);
    let rows = fetch(&server, &json!([{"method": "GET", "url": server.url("/x")}]));
    assert_eq!((&rows[0]["status"], &rows[0]["reason"]), (&json!(404), &json!("Nothing Here")));
}

#[test]
fn compressed_bodies_are_inflated_in_the_guest() {
    // gzip of "squeezed words\n"
    const SQUEEZED: &[u8] = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\x2b\x2e\x2c\x4d\x4d\xad\x4a\x4d\x51\x28\xcf\
                              \x2f\x4a\x29\xe6\x02\x00\xb6\x5c\xd2\x8a\x0f\x00\x00\x00";
    let server = Server::start(|request, stream| {
        assert!(request.header("accept-encoding").is_some_and(|accepted| accepted.contains("gzip")));
        respond(stream, "200 OK", "Content-Encoding: gzip\r\n", SQUEEZED)
    });
    let rows = fetch(&server, &json!([{"method": "GET", "url": server.url("/")}]));
    assert_eq!(rows[0]["text"], "squeezed words\n");
}

#[test]
fn a_hundred_megabytes_in_flat_memory() {
    const BYTES: usize = 100 * 1024 * 1024;
    let server = Server::start(|_, stream| {
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {BYTES}\r\n\r\n")?;
        let piece = vec![b'x'; 256 * 1024];
        for _ in 0..BYTES / piece.len() {
            stream.write_all(&piece)?;
        }
        Ok(true)
    });
    let connector = against(&server, "streaming", "/");
    let sync = connector.succeed();
    assert_eq!(connector.database().value("SELECT bytes FROM streams"), json!(BYTES));
    let (guest, host) = (sync.report()["peak_memory_bytes"].as_u64().unwrap() >> 20, sync.peak_kib >> 10);
    eprintln!("100 MiB streamed in {:.2} s; peak memory: guest {guest} MiB, host {host} MiB", sync.took.as_secs_f64());
    assert!(guest < 48, "the guest held {guest} MiB");
    assert!(host < 256, "the host held {host} MiB");
}

#[test]
fn pieces_arrive_as_they_are_sent() {
    const PIECES: usize = 5;
    let seen = Arc::new((Mutex::new(0_usize), Condvar::new()));
    let server = Server::start(move |request, stream| {
        let (count, changed) = &*seen;
        if request.path != "/stream" {
            *count.lock().unwrap() += 1;
            changed.notify_all();
            return respond(stream, "200 OK", "", b"");
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
        for number in 0..PIECES {
            let line = format!("piece {number}\n");
            write!(stream, "{:x}\r\n{line}\r\n", line.len())?;
            // The next piece leaves only after the guest has answered this one.
            drop(changed.wait_while(count.lock().unwrap(), |count| *count <= number));
        }
        stream.write_all(b"0\r\n\r\n")?;
        Ok(true)
    });
    let connector = against(&server, "piece_by_piece", "/");
    connector.succeed();
    let lines = connector.database().query("SELECT group_concat(line) FROM pieces");
    assert_eq!(lines, [[json!("piece 0,piece 1,piece 2,piece 3,piece 4")]]);
}

#[test]
fn what_is_sent_is_what_arrives() {
    let server = Server::start(echo);
    let rows = fetch(
        &server,
        &json!([
            {"method": "POST", "url": server.url("/a?b=c"), "json": {"a": [1, 2]}, "headers": {"X-Test": "yes"}},
            {"method": "PUT", "url": server.url("/a"), "data": "plain text"},
            {"method": "POST", "url": server.url("/form"), "data": {"name": "a value", "other": "ü"}},
            {"method": "GET", "url": server.url("/q"), "params": {"list": [1, 2], "space": "a b"}},
            {"method": "PATCH", "url": server.url("/a"), "json": {}},
            {"method": "DELETE", "url": server.url("/a")},
            {"method": "OPTIONS", "url": server.url("/a")},
        ]),
    );
    let echoes: Vec<Value> = rows.iter().map(|row| document(row, "text")).collect();
    let header = |index: usize, wanted: &str| {
        let headers = echoes[index]["headers"].as_array().unwrap();
        let found = headers.iter().find(|pair| pair[0].as_str().unwrap().eq_ignore_ascii_case(wanted));
        found.map(|pair| pair[1].as_str().unwrap().to_owned())
    };
    let summary: Vec<_> =
        echoes.iter().map(|echo| ["method", "path", "body"].map(|field| echo[field].as_str().unwrap())).collect();
    assert_eq!(
        summary,
        [
            ["POST", "/a?b=c", r#"{"a": [1, 2]}"#],
            ["PUT", "/a", "plain text"],
            ["POST", "/form", "name=a+value&other=%C3%BC"],
            ["GET", "/q?list=1&list=2&space=a+b", ""],
            ["PATCH", "/a", "{}"],
            ["DELETE", "/a", ""],
            ["OPTIONS", "/a", ""],
        ]
    );
    assert_eq!(header(0, "x-test").as_deref(), Some("yes"));
    assert_eq!(header(0, "content-type").as_deref(), Some("application/json"));
    assert_eq!(header(0, "content-length").as_deref(), Some("13"));
    assert!(header(0, "user-agent").is_some_and(|agent| agent.starts_with("python-requests/")), "the library's own");
    assert_eq!(header(0, "host").as_deref(), Some(format!("127.0.0.1:{}", server.port()).as_str()));
}

#[test]
fn a_body_that_is_empty_or_absent() {
    let server = Server::start(echo);
    let connector = against(&server, "plain_requests", "/here");
    connector.succeed();
    let rows = connector.database().query("SELECT name, echo FROM plain ORDER BY name");
    let lengths: Vec<_> = rows
        .iter()
        .map(|row| {
            let echo: Value = serde_json::from_str(row[1].as_str().unwrap()).unwrap();
            let headers = echo["headers"].as_array().unwrap().clone();
            let find = |name: &str| {
                let found = headers.iter().find(|pair| pair[0].as_str().unwrap().eq_ignore_ascii_case(name));
                found.map(|pair| pair[1].as_str().unwrap().to_owned())
            };
            assert_eq!(find("transfer-encoding"), None, "{row:?}");
            (row[0].as_str().unwrap().to_owned(), find("content-length"), echo["body"].as_str().unwrap().to_owned())
        })
        .collect();
    let expected = [
        // as http.client writes it natively
        ("GET none", None, ""),
        ("POST empty", Some("0"), ""),
        ("POST none", Some("0"), ""),
        // the host knows the whole body, so it sends its length instead of chunks
        ("POST pieces", Some("3"), "abc"),
        ("POST some", Some("3"), "abc"),
    ];
    assert_eq!(
        lengths,
        expected.map(|(name, length, body)| (name.to_owned(), length.map(str::to_owned), body.to_owned()))
    );
}

#[test]
fn header_names_have_their_usual_case() {
    let server = Server::start(|_, stream| {
        stream.write_all(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nETAG: \"1\"\r\nset-cookie: a=1\r\nset-cookie: b=2\r\n\
              x-ratelimit-remaining: 7\r\nwww-authenticate: Basic\r\nTransfer-Encoding: chunked\r\n\r\n\
              3\r\n[1,\r\n2\r\n2]\r\n0\r\n\r\n",
        )?;
        Ok(true)
    });
    let rows = fetch(&server, &json!([{"method": "GET", "url": server.url("/")}]));
    assert_eq!(rows[0]["content_type"], "application/json", "code that looks in a plain dict finds it");
    assert_eq!(
        document(&rows[0], "headers"),
        json!([
            ["Content-Type", "application/json"],
            ["ETag", "\"1\""],
            ["Set-Cookie", "a=1"],
            ["Set-Cookie", "b=2"],
            ["X-RateLimit-Remaining", "7"],
            ["WWW-Authenticate", "Basic"],
            ["Transfer-Encoding", "chunked"],
        ]),
        "repeated fields stay apart, and the framing is told although it was taken off"
    );
    assert_eq!(rows[0]["text"], "[1,2]");
}

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

/// A child that is ended with the test.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Starts a Python server whose first line of output is its port.
fn serve(python: &Path, script: &str, arguments: &[&Path]) -> (Ended, u16) {
    let script = repository().join("tests/all/support").join(script);
    let mut command = Command::new(python);
    command.arg(script).args(arguments).env("PYTHONDONTWRITEBYTECODE", "1").stdout(Stdio::piped());
    let mut server = Ended(command.stderr(Stdio::null()).spawn().unwrap());
    let mut line = String::new();
    BufReader::new(server.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let port = line.trim().parse().unwrap_or_else(|_| panic!("{} did not start", command.get_program().display()));
    (server, port)
}

/// An authority of the test's own, and a server's certificate and key for these names.
struct Certificates {
    folder: tempfile::TempDir,
}

impl Certificates {
    fn of(names: &[&str]) -> Self {
        let mut authority = CertificateParams::new(Vec::new()).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let names: Vec<_> = names.iter().map(ToString::to_string).collect();
        let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &authority).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), authority.pem()).unwrap();
        std::fs::write(folder.path().join("server.pem"), certificate.pem()).unwrap();
        std::fs::write(folder.path().join("server.key"), key.serialize_pem()).unwrap();
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn serve(&self) -> (Ended, u16) {
        serve(Path::new("python3"), "tls_server.py", &[&self.path("server.pem"), &self.path("server.key")])
    }
}

/// What `requests` makes of a page, and the text of its error.
fn secure(url: &str, arguments: &[&str]) -> (Value, String) {
    let connector = Connector::mode("secure").with("url", url).arguments(&["--allow", url]).arguments(arguments);
    connector.succeed();
    let database = connector.database();
    let outcome = database.value("SELECT outcome FROM secure");
    let error = if outcome == "SSLError" { database.value("SELECT error FROM secure") } else { Value::Null };
    (outcome, error.as_str().unwrap_or_default().to_owned())
}

#[test]
fn an_authority_is_trusted_only_when_the_operator_says_so() {
    let certificates = Certificates::of(&["127.0.0.1", "localhost"]);
    let (_server, port) = certificates.serve();
    let url = format!("https://127.0.0.1:{port}");
    let authority = certificates.path("ca.pem");
    let (outcome, error) = secure(&url, &["--ca-file", authority.to_str().unwrap()]);
    assert_eq!(outcome, "over TLS", "{error}");

    let (outcome, error) = secure(&url, &[]);
    assert_eq!(outcome, "SSLError");
    assert!(error.contains("CERTIFICATE_VERIFY_FAILED"), "{error}");

    let another = Certificates::of(&["127.0.0.1"]);
    let (outcome, _) = secure(&url, &["--ca-file", another.path("ca.pem").to_str().unwrap()]);
    assert_eq!(outcome, "SSLError", "another authority vouches for nothing");
}

#[test]
fn a_certificate_for_another_name_is_refused() {
    let certificates = Certificates::of(&["other.example"]);
    let (_server, port) = certificates.serve();
    let authority = certificates.path("ca.pem");
    let (outcome, error) = secure(&format!("https://127.0.0.1:{port}"), &["--ca-file", authority.to_str().unwrap()]);
    assert_eq!(outcome, "SSLError");
    assert!(error.contains("CERTIFICATE_VERIFY_FAILED"), "{error}");
}

/// The body of a page, fetched by the test itself.
fn get(port: u16, path: &str) -> Value {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
    write!(stream, "GET {path} HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}

#[test]
fn a_rest_service_that_others_wrote() {
    let python = environment("playground", "fivetran-api-playground==1.1.9\n").unwrap();
    let (_server, port) = serve(&python, "playground_server.py", &[]);
    let origin = format!("http://127.0.0.1:{port}");
    let connector = Connector::mode("playground").with("url", &origin).arguments(&["--allow", &origin]);
    connector.succeed();

    let all = get(port, "/incremental/timestamp");
    let mut expected: Vec<Value> = all["data"].as_array().unwrap().clone();
    expected.sort_by_key(|user| user["id"].as_str().unwrap().to_owned());
    assert_eq!(expected.len(), 200);
    let fields = ["id", "name", "email", "address", "company", "job", "createdAt", "updatedAt"];
    let rows_of = |clean: bool| -> Vec<Vec<Value>> {
        // the export leaves line breaks and commas out
        let value = |text: &Value| match clean {
            true => json!(text.as_str().unwrap().replace(['\n', '\r', ','], "")),
            false => text.clone(),
        };
        expected.iter().map(|user| fields.iter().map(|field| value(&user[*field])).collect()).collect()
    };
    let database = connector.database();
    for table in ["by_link", "by_number", "by_offset", "by_key", "exported"] {
        let landed = database.query(&format!(
            "SELECT id, name, email, address, company, job, created_at, updated_at FROM {table} ORDER BY id"
        ));
        assert_eq!(landed, rows_of(table == "exported"), "{table}");
    }
    let newest = expected.iter().map(|user| user["updatedAt"].as_str().unwrap()).max().unwrap();
    assert_eq!(connector.state(), json!({"updated_since": newest}));

    // the service answers with what changed at that moment or later: the newest alone
    let again = connector.succeed();
    let newest_alone = expected.iter().filter(|user| user["updatedAt"] == newest).count();
    assert_eq!(again.report()["rows"], 4 * newest_alone);
    assert_eq!(again.report()["hosts"][0]["requests"], 4);
    assert_eq!(connector.database().value("SELECT count(*) FROM by_link"), json!(200));
}
