//! `sluice serve`: what `docs/serve.md` promises.

mod retries;

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::batch::Fleet;
use crate::support::server::Server;
use crate::support::{events, sluice, text};

/// Once a day: due at the start, and then not within a test.
const DAILY: &str = "every = \"1d\"";

struct Serving {
    child: Child,
    events: Receiver<Value>,
}

impl Serving {
    fn start(fleet: &Fleet) -> (Self, String) {
        let mut child = fleet
            .command("serve")
            .args(["--json", "--metrics", "127.0.0.1:0"])
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        let (sender, events) = channel();
        std::thread::spawn(move || {
            for line in lines.lines().map_while(Result::ok) {
                let Ok(event) = serde_json::from_str(&line) else { continue };
                events::described(&event);
                if sender.send(event).is_err() {
                    break;
                }
            }
        });
        let serving = Self { child, events };
        let address = serving.wait_for("serving")["metrics"].as_str().unwrap().to_owned();
        (serving, address)
    }

    fn wait_for(&self, name: &str) -> Value {
        self.events.iter().find(|event: &Value| event["event"] == name).unwrap_or_else(|| panic!("no {name}"))
    }

    /// Waits until so many syncs have ended; answers their connections, sorted.
    fn ended(&self, count: usize) -> Vec<String> {
        let ended = (0..count).map(|_| self.wait_for("ended"));
        let mut names: Vec<_> = ended.map(|event| event["connection"].as_str().unwrap().to_owned()).collect();
        names.sort();
        names
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    fn stop(mut self) {
        self.signal(Signal::TERM);
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
    }
}

fn get(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn runs(fleet: &Fleet) -> Vec<Value> {
    let shown = sluice().args(["runs", "--json", "--warehouse"]).arg(fleet.path("warehouse")).output().unwrap();
    serde_json::from_slice(&shown.stdout).unwrap_or_else(|_| panic!("{}", text(&shown.stderr)))
}

#[test]
fn it_syncs_what_is_due_shows_numbers_and_reads_its_file_again() {
    let fleet = Fleet::new("").rows("first", 20, DAILY).rows("second", 30, DAILY).rows("never", 10, "");
    let (serving, address) = Serving::start(&fleet);
    assert_eq!(serving.ended(2), ["first", "second"], "what was never synced is due, and what has no schedule is not");
    assert!(get(&address, "/healthz").ends_with("ok\n"));
    let metrics = get(&address, "/metrics");
    for line in [
        "sluice_syncs_total{connection=\"first\",outcome=\"success\"} 1",
        "sluice_rows_total{connection=\"second\"} 30",
        "sluice_active_rows_total{connection=\"second\",table=\"items\"} 30",
        "sluice_sync_duration_seconds_count{connection=\"first\",outcome=\"success\"} 1",
    ] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
    assert!(get(&address, "/").starts_with("HTTP/1.1 404"));

    let file = fleet.path("sluice.toml");
    let good = fs::read_to_string(&file).unwrap();
    fs::write(&file, "[connections.first]\nnonsense = 1\n").unwrap();
    serving.signal(Signal::HUP);
    assert!(serving.wait_for("reload_failed")["message"].as_str().unwrap().contains("problem"));
    fs::write(&file, good.replace("[connections.never]", "[connections.third]") + DAILY + "\n").unwrap();
    serving.signal(Signal::HUP);
    serving.wait_for("reloaded");
    assert_eq!(serving.ended(1), ["third"]);
    serving.stop();

    let all = runs(&fleet);
    assert_eq!(all.len(), 3);
    assert!(all.iter().all(|run| run["command"] == "serve" && run["outcome"] == "success"), "{all:?}");
    // What is not due is not synced again by the next process.
    let (serving, _) = Serving::start(&fleet);
    serving.stop();
    assert_eq!(runs(&fleet).len(), 3);
}

#[test]
fn killed_it_goes_on_where_it_was_and_stopped_it_keeps_what_was_checkpointed() {
    let (server, gate) = Server::gated();
    let waiting = json!({"mode": "checkpoint_then_wait", "url": server.url("/")});
    let fleet = Fleet::new("").with("waits", &waiting, &format!("allow = [\"{}\"]\n{DAILY}", server.origin()));
    let (mut serving, _) = Serving::start(&fleet);
    gate.wait_for_request();
    serving.child.kill().unwrap();
    serving.child.wait().unwrap();
    assert_eq!(runs(&fleet)[0]["outcome"], "interrupted");

    let (serving, address) = Serving::start(&fleet);
    gate.wait_for_request();
    assert!(get(&address, "/metrics").contains("sluice_syncs_running 1"));
    serving.stop();
    let all = runs(&fleet);
    let outcomes: Vec<_> =
        all.iter().map(|run| (run["outcome"].as_str().unwrap(), run["checkpoints"].as_u64())).collect();
    assert_eq!(outcomes, [("host", Some(1)), ("interrupted", Some(1))], "{all:?}");
    assert!(all[0]["message"].as_str().unwrap().contains("cancelled by SIGTERM"));
    gate.open();
    assert_eq!(fleet.database("waits").value("SELECT count(*) FROM waited"), json!(1));
}
