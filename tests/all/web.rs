//! The network through the libraries that authors use, unmodified, against real servers.

mod messages;
mod services;
mod sessions;
mod streams;
pub(crate) mod trust;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::support::server::{Request, Server};
use crate::support::{Connector, repository};

/// The mode, with the server's page as `url`, and the server granted.
pub(super) fn against(server: &Server, mode: &str, path: &str) -> Connector {
    let url = server.url(path);
    Connector::mode(mode).with("url", url.trim_end_matches('/')).arguments(&["--allow", &server.origin()])
}

/// Sends requests through `requests` in one session and answers what each gave.
pub(super) fn fetch(server: &Server, requests: &Value) -> Vec<BTreeMap<String, Value>> {
    let connector = against(server, "fetch", "/").with("requests", requests);
    connector.succeed();
    fetched(&connector)
}

pub(super) fn fetched(connector: &Connector) -> Vec<BTreeMap<String, Value>> {
    let database = connector.database();
    let names = database.query("SELECT name FROM pragma_table_info('fetched')");
    let names: Vec<_> = names.iter().map(|row| row[0].as_str().unwrap().to_owned()).collect();
    let rows = database.query("SELECT * FROM fetched ORDER BY id");
    rows.into_iter().map(|row| names.iter().cloned().zip(row).collect()).collect()
}

/// A row's column that holds JSON.
pub(super) fn document(row: &BTreeMap<String, Value>, column: &str) -> Value {
    let text = row.get(column).and_then(Value::as_str).unwrap_or_else(|| panic!("no {column}: {row:?}"));
    serde_json::from_str(text).unwrap()
}

pub(super) fn respond(stream: &mut TcpStream, status: &str, headers: &str, body: &[u8]) -> std::io::Result<bool> {
    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {}\r\n{headers}\r\n", body.len())?;
    stream.write_all(body)?;
    Ok(true)
}

/// Answers each request with what it was, as JSON.
pub(super) fn echo(request: &Request, stream: &mut TcpStream) -> std::io::Result<bool> {
    let headers: Vec<_> = request.headers.iter().map(|(name, value)| json!([name, value])).collect();
    let echo = json!({
        "method": request.method,
        "path": request.path,
        "headers": headers,
        "body": String::from_utf8_lossy(&request.body),
    });
    respond(stream, "200 OK", "Content-Type: application/json\r\n", echo.to_string().as_bytes())
}

/// A child that is ended with the test.
pub(crate) struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// Starts a Python server whose first line of output is its port.
pub(super) fn serve(python: &Path, script: &str, arguments: &[&Path]) -> (Ended, u16) {
    let (server, line) = serve_saying(python, script, arguments);
    let port = line.trim().parse().unwrap_or_else(|_| panic!("{script} did not start"));
    (server, port)
}

/// Starts a Python server and answers its first line of output.
pub(crate) fn serve_saying(python: &Path, script: &str, arguments: &[&Path]) -> (Ended, String) {
    let script = repository().join("tests/all/support").join(script);
    let mut command = Command::new(python);
    command.arg(script).args(arguments).env("PYTHONDONTWRITEBYTECODE", "1").stdout(Stdio::piped());
    let mut server = Ended(command.stderr(Stdio::null()).spawn().unwrap());
    let mut line = String::new();
    BufReader::new(server.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    (server, line)
}
