//! A fleet, synced side by side and judged without being run.

mod failures;
mod file;
mod hostile;
mod hundred;
mod killed;
mod projects;
mod stopping;

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};

use crate::support::server::Server;
use crate::support::{Database, events, many, sluice, text};

/// A fleet in a folder of its own.
pub(crate) struct Fleet {
    folder: tempfile::TempDir,
    text: String,
}

impl Fleet {
    /// A fleet with these lines before its connections.
    pub(crate) fn new(head: &str) -> Self {
        Self { folder: tempfile::tempdir().expect("a temporary folder"), text: format!("{head}\n") }
    }

    /// Adds a connection of the connector with many modes.
    pub(crate) fn with(self, name: &str, configuration: &Value, more: &str) -> Self {
        let configuration: Vec<_> = configuration
            .as_object()
            .expect("an object")
            .iter()
            .map(|(key, value)| format!("{key} = {}", json!(value.as_str().expect("a string"))))
            .collect();
        let component = json!(many().to_str().expect("UTF-8"));
        let section = format!(
            "[connections.{name}]\ncomponent = {component}\nconfiguration = {{ {} }}\n{more}\n",
            configuration.join(", ")
        );
        Self { text: self.text + &section, ..self }
    }

    /// A connection that syncs so many rows.
    pub(crate) fn rows(self, name: &str, rows: u32, more: &str) -> Self {
        self.with(name, &json!({"mode": "resumable", "rows": rows.to_string(), "every": "10"}), more)
    }

    /// A connection that asks a server so often.
    pub(crate) fn asking(self, name: &str, server: &Server, times: u32, more: &str) -> Self {
        let configuration = json!({"mode": "asks", "url": server.url("/"), "times": times.to_string()});
        self.with(name, &configuration, &format!("allow = [\"{}\"]\n{more}", server.origin()))
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A command of it, not started.
    pub(crate) fn command(&self, command: &str) -> Command {
        fs::write(self.path("sluice.toml"), &self.text).expect("a writable temporary folder");
        let mut started = sluice();
        started.arg(command).current_dir(self.folder.path()).stdout(Stdio::piped()).stderr(Stdio::piped());
        started
    }

    /// Runs a batch.
    pub(crate) fn batch(&self, arguments: &[&str]) -> Batch {
        Batch::of(self.command("batch").args(["--json"]).args(arguments).output().expect("sluice starts"))
    }

    pub(crate) fn database(&self, connection: &str) -> Database {
        let path = self.path("warehouse").join(format!("{connection}.db"));
        Database(Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).expect("the database opens"))
    }
}

/// What a batch did.
pub(crate) struct Batch {
    pub(crate) code: Option<i32>,
    pub(crate) events: Vec<Value>,
    pub(crate) said: String,
}

impl Batch {
    pub(crate) fn of(output: Output) -> Self {
        let stdout = text(&output.stdout);
        let events = stdout.lines().map(|line| serde_json::from_str(line).expect("each line is an event"));
        let events = events.inspect(events::described).collect();
        Self { code: output.status.code(), events, said: format!("{stdout}\n{}", text(&output.stderr)) }
    }

    /// The last event.
    pub(crate) fn report(&self) -> &Value {
        let last = self.events.last().unwrap_or_else(|| panic!("no events:\n{}", self.said));
        assert_eq!(last["event"], "batch_finished", "{}", self.said);
        last
    }

    /// What the report says of a connection.
    pub(crate) fn of_connection(&self, name: &str) -> &Value {
        let all = self.report()["connections"].as_array().expect("connections");
        all.iter().find(|one| one["connection"] == name).unwrap_or_else(|| panic!("{name}:\n{}", self.said))
    }

    pub(crate) fn outcome(&self, name: &str) -> &str {
        self.of_connection(name)["outcome"].as_str().expect("an outcome")
    }

    /// The events of one kind and connection.
    pub(crate) fn events_of(&self, event: &str, connection: &str) -> Vec<&Value> {
        self.events.iter().filter(|one| one["event"] == event && one["connection"] == connection).collect()
    }
}

#[test]
fn connections_are_synced_side_by_side_and_reported() {
    let fleet = Fleet::new("").rows("one", 25, "").rows("two", 15, "").rows("off", 5, "enabled = false");
    let batch = fleet.batch(&["--report", "report.json"]);
    assert_eq!(batch.code, Some(0), "{}", batch.said);
    let report = batch.report();
    ["batch_started", "ended", "batch_finished"].iter().for_each(|name| {
        events::complete(batch.events.iter().find(|event| event["event"] == *name).expect("such an event"));
    });
    assert_eq!(
        (&report["succeeded"], &report["stopped_by"], &report["version"]),
        (&json!("all"), &json!(null), &json!(1))
    );
    assert_eq!(report["connections"].as_array().unwrap().len(), 2);
    let one = batch.of_connection("one");
    assert_eq!((&one["outcome"], &one["rows"], &one["attempts"]), (&json!("success"), &json!(25), &json!(1)));
    assert_eq!(one["last_sync"]["connection"], "one");
    assert_eq!(fleet.database("one").value("SELECT count(*) FROM items"), json!(25));
    assert_eq!(fleet.database("two").value("SELECT count(*) FROM items"), json!(15));
    assert!(!fleet.path("warehouse/off.db").exists());

    // Each event but those of the batch says whose it is.
    for event in &batch.events {
        let kind = event["event"].as_str().unwrap();
        assert!(kind.starts_with("batch_") || event["connection"].is_string(), "{event}");
    }
    assert_eq!(batch.events_of("finished", "two").len(), 1);
    let written: Value = serde_json::from_slice(&fs::read(fleet.path("report.json")).unwrap()).unwrap();
    assert_eq!(written["connections"], report["connections"]);

    // What is named is synced although it is off, and nothing else.
    let batch = fleet.batch(&["--only", "off,one"]);
    assert_eq!((batch.code, batch.outcome("off"), batch.outcome("one")), (Some(0), "success", "success"));
    assert_eq!(batch.report()["connections"].as_array().unwrap().len(), 2);
}

#[test]
fn people_get_a_table() {
    let fleet = Fleet::new("retry.attempts = 1").rows("good", 5, "");
    let output =
        Fleet { text: fleet.text.replace("retry.attempts = 1", ""), ..fleet }.command("batch").output().unwrap();
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}\n{}", text(&output.stderr));
    assert!(said.starts_with("connection  outcome    rows  checkpoints  retries"), "{said}");
    assert!(said.contains("good        succeeded     5            1        0"), "{said}");
    assert!(said.contains("1 of 1 sync succeeded"), "{said}");
    assert!(text(&output.stderr).contains("[good] "), "{}", text(&output.stderr));
}

#[test]
fn what_is_due_is_synced_and_what_is_not_is_left() {
    let fleet = Fleet::new("")
        .rows("hourly", 5, "every = \"1h\"")
        .rows("rarely", 5, "cron = \"0 0 29 2 *\"\ntime_zone = \"Europe/Berlin\"")
        .rows("by_hand", 5, "")
        .rows("off", 5, "every = \"1h\"\nenabled = false");
    let batch = fleet.batch(&["--due"]);
    assert_eq!(batch.code, Some(0), "{}", batch.said);
    let synced = |batch: &Batch| -> Vec<String> {
        let all = batch.report()["connections"].as_array().unwrap();
        all.iter().map(|one| one["connection"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(synced(&batch), ["hourly", "rarely"]);
    let batch = fleet.batch(&["--due"]);
    assert_eq!((batch.code, synced(&batch).len()), (Some(0), 0), "they were synced just now: {}", batch.said);

    // Two hours later.
    let history = Connection::open(fleet.path("warehouse/runs.db")).unwrap();
    history.execute("UPDATE runs SET started = strftime('%Y-%m-%dT%H:%M:%fZ', started, '-2 hours')", []).unwrap();
    drop(history);
    assert_eq!(synced(&fleet.batch(&["--due"])), ["hourly"]);
}
