//! Secrets: where they are kept, who sees them, and where they may go. Real guests, honest and hostile; real servers
//! that write down what arrives.

mod held;
mod oauth;
mod stored;
mod tls;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::support::server::{Request, Server};
use crate::support::{Connector, sluice, text};

/// What must turn up where it belongs and nowhere else; every encoding changes it.
const VALUE: &str = "s3cret/va+lue \"quoted\" 9f8e7d";

/// Forms of it that would give it away.
const FORMS: [&str; 4] = ["s3cret/va", "s3cret%2Fva", "czNjcmV0L3ZhK2x1ZS", "va+lue \\\"quoted"];

/// A server that writes down what arrives.
struct Witness {
    server: Server,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Witness {
    /// Answers with what `answer` says: a status line, header lines and a body.
    fn answering(answer: impl Fn(&Request) -> (String, String, String) + Send + Sync + 'static) -> Self {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let book = Arc::clone(&seen);
        let server = Server::start(move |request, stream| {
            let headers = request.headers.iter().map(|(name, value)| format!("{}: {value}\n", name.to_lowercase()));
            let body = text(&request.body);
            let line = format!("{} {}\n{}\n{body}", request.method, request.path, headers.collect::<String>());
            book.lock().unwrap().push(line);
            let (status, headers, body) = answer(request);
            write!(stream, "HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len())?;
            Ok(true)
        });
        Self { server, seen }
    }

    fn new() -> Self {
        Self::answering(|_| ("200 OK".to_owned(), String::new(), "fine".to_owned()))
    }

    fn origin(&self) -> String {
        self.server.origin()
    }

    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

/// A folder for files beside a connector.
struct Desk(tempfile::TempDir);

impl Desk {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, name: &str, contents: &str) -> String {
        let path = self.0.path().join(name);
        fs::write(&path, contents).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

/// `sluice secrets` with something on standard input.
fn secrets(arguments: &[&str], input: &str) -> Output {
    let mut child = command(arguments).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn command(arguments: &[&str]) -> Command {
    let mut command = sluice();
    command.arg("secrets").args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Stores a secret for the connection of a test.
fn store(connector: &Connector, name: &str, value: &str) {
    let warehouse = connector.warehouse();
    let stored = secrets(&["set", "tested", name, "--warehouse", warehouse.to_str().unwrap()], value);
    assert!(stored.status.success(), "{}", text(&stored.stderr));
    assert!(!text(&stored.stdout).contains(value) && text(&stored.stdout).contains(name));
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[track_caller]
fn assert_nowhere(folder: &Path, forms: &[&str]) {
    for path in files(folder) {
        let bytes = fs::read(&path).unwrap();
        for form in forms {
            let found = bytes.windows(form.len()).any(|window| window == form.as_bytes());
            assert!(!found, "{form} is in {}", path.display());
        }
    }
}

#[track_caller]
fn assert_hidden(shown: &str, forms: &[&str]) {
    for form in forms {
        assert!(!shown.contains(form), "{form} was shown:\n{shown}");
    }
}

/// The rows of a table, one JSON object each.
fn row(connector: &Connector, sql: &str) -> Vec<Value> {
    connector.database().query(sql).remove(0)
}
