//! A recording that is ended early keeps what was exchanged until then.

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, channel};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::support::server::Server;
use crate::support::{many, sluice, text};

/// A server that answers `/one`, tells of every other request, and answers none of those.
fn holding() -> (Server, Receiver<()>) {
    let (tell, told) = channel();
    let tell = Mutex::new(tell);
    let server = Server::start(move |request, stream| {
        if request.path == "/one" {
            write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\none")?;
        } else {
            // The test may have ended.
            let _ = tell.lock().unwrap().send(());
            drop(stream.read(&mut [0]));
        }
        Ok(true)
    });
    (server, told)
}

fn interrupted(command: &mut Command, held: &Receiver<()>) -> Output {
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    held.recv().unwrap();
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    child.wait_with_output().unwrap()
}

fn command(folder: &Path, of: &str, server: &Server) -> Command {
    let configuration = json!({"mode": "asking", "urls": format!("{} {}", server.url("/one"), server.url("/two"))});
    fs::write(folder.join("configuration.json"), configuration.to_string()).unwrap();
    let mut command = sluice();
    command.current_dir(folder).arg(of).arg(many()).args(["--configuration", "configuration.json"]);
    command.args(["--allow", &server.origin(), "--record", "kept.har"]);
    command
}

#[track_caller]
fn is_partial(cassette: &Path) {
    let cassette: Value = serde_json::from_slice(&fs::read(cassette).unwrap()).unwrap();
    let comment = cassette["log"]["comment"].as_str().unwrap_or_default();
    assert!(comment.starts_with("partial: "), "{cassette}");
    let first = &cassette["log"]["entries"][0];
    assert!(first["request"]["url"].as_str().unwrap().ends_with("/one"), "{cassette}");
    assert_eq!(first["response"]["content"]["text"], "one");
}

#[test]
fn a_cancelled_sync_keeps_what_it_recorded() {
    let (folder, (server, held)) = (tempfile::tempdir().unwrap(), holding());
    let output = interrupted(&mut command(folder.path(), "run", &server), &held);
    assert_eq!(output.status.code(), Some(5), "{}", text(&output.stderr));
    let said = text(&output.stdout) + &text(&output.stderr);
    assert!(said.contains("recorded until the sync was ended; the cassette is marked as partial"), "{said}");
    is_partial(&folder.path().join("kept.har"));
}

#[test]
fn a_cancelled_test_keeps_what_it_recorded_and_a_cassette_that_was_there() {
    let (folder, (server, held)) = (tempfile::tempdir().unwrap(), holding());
    let output = interrupted(&mut command(folder.path(), "test", &server), &held);
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(5), "{said}");
    assert!(said.contains("cancelled by SIGINT") && said.contains("kept.har, which is marked as partial"), "{said}");
    let kept = folder.path().join("kept.har");
    is_partial(&kept);

    fs::write(&kept, "a whole one").unwrap();
    let output = interrupted(&mut command(folder.path(), "test", &server), &held);
    let said = text(&output.stderr);
    assert!(said.contains("kept.har.partial, which is marked as partial"), "{said}");
    is_partial(&folder.path().join("kept.har.partial"));
    assert_eq!(fs::read_to_string(&kept).unwrap(), "a whole one");
}
