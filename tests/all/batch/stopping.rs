//! Batches that end before their syncs do.

use std::process::Child;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use super::{Batch, Fleet};
use crate::support::server::{Gate, Server};

/// Two connections that wait for the server with a checkpoint behind them, and one behind both.
fn waiting(head: &str) -> (Fleet, Server, Gate) {
    let (server, gate) = Server::gated();
    let waits = json!({"mode": "checkpoint_then_wait", "url": server.url("/")});
    let allow = format!("allow = [\"{}\"]", server.origin());
    let fleet = Fleet::new(head).with("one", &waits, &allow).with("two", &waits, &allow).rows("later", 5, "");
    (fleet, server, gate)
}

fn kept(fleet: &Fleet) {
    for name in ["one", "two"] {
        let database = fleet.database(name);
        assert!(database.is_sound());
        assert_eq!(database.query("SELECT id FROM waited"), [[json!(1)]], "only what was checkpointed is kept");
    }
}

fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

#[test]
fn a_signal_ends_it_in_order() {
    let (fleet, _server, gate) = waiting("concurrency = 2");
    for name in [Signal::TERM, Signal::INT] {
        let child = fleet.command("batch").args(["--json", "--report", "report.json"]).spawn().unwrap();
        gate.wait_for_request();
        gate.wait_for_request();
        signal(&child, name);
        let batch = Batch::of(child.wait_with_output().unwrap());
        assert_eq!(batch.code, Some(7), "{}", batch.said);
        let outcomes = ["one", "two", "later"].map(|name| batch.outcome(name));
        assert_eq!(outcomes, ["cancelled", "cancelled", "not_started"], "{}", batch.said);
        let expected = if name == Signal::TERM { "SIGTERM" } else { "SIGINT" };
        assert_eq!(batch.report()["stopped_by"], expected);
        let written = std::fs::read(fleet.path("report.json")).unwrap();
        assert_eq!(serde_json::from_slice::<serde_json::Value>(&written).unwrap()["stopped_by"], expected);
        kept(&fleet);
    }
    gate.open();
    let batch = fleet.batch(&[]);
    assert_eq!(batch.code, Some(0), "{}", batch.said);
}

fn sleeps() -> serde_json::Value {
    json!({"mode": "endless_sleep"})
}

#[test]
fn a_batch_ends_at_its_timeout() {
    let fleet = Fleet::new("concurrency = 1\ntimeout = \"1h\"").with("slow", &sleeps(), "").rows("later", 5, "");
    let batch = fleet.batch(&["--timeout", "2s"]);
    assert_eq!((batch.code, batch.outcome("slow"), batch.outcome("later")), (Some(7), "cancelled", "not_started"));
    assert_eq!(batch.report()["stopped_by"], "the timeout of the batch");
}

#[test]
fn a_connection_ends_at_its_timeout_and_no_other() {
    let fleet = Fleet::new("").with("slow", &sleeps(), "timeout = \"2s\"").rows("quick", 5, "");
    let batch = fleet.batch(&[]);
    assert_eq!((batch.code, batch.outcome("slow"), batch.outcome("quick")), (Some(6), "timed_out", "success"));
    assert_eq!(batch.of_connection("slow")["attempts"], 1);
}
