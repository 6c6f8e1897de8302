//! Re-syncs from the command line to the rows, through a killed sync.

use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::support::server::Server;
use crate::support::{Connector, events, sluice, text};

/// The source's rows, as ids.
fn source(users: &[i64], orders: &[i64]) -> Connector {
    Connector::mode("incremental").with("users", json!(users)).with("orders", json!(orders))
}

/// The same connection when the source has other rows.
fn now(connector: Connector, users: &[i64], orders: &[i64]) -> Connector {
    connector.with("users", json!(users)).with("orders", json!(orders))
}

fn command(connector: &Connector, arguments: &[&str]) -> Command {
    let mut command = sluice();
    command.args(arguments).arg("--warehouse").arg(connector.warehouse());
    command
}

fn resync(connector: &Connector, arguments: &[&str]) -> Output {
    command(connector, &[&["resync", "tested"], arguments].concat()).output().unwrap()
}

/// What a successful `sluice resync --json` says.
fn begun(connector: &Connector, arguments: &[&str]) -> Value {
    let output = resync(connector, &[arguments, &["--json"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let begun = serde_json::from_slice(&output.stdout).unwrap();
    events::printed_all("resync", &begun);
    begun
}

fn refused(connector: &Connector, arguments: &[&str]) -> String {
    let output = resync(connector, arguments);
    assert_eq!(output.status.code(), Some(2), "{}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stderr)
}

/// Ids and whether they are deleted.
fn rows(connector: &Connector, table: &str) -> Vec<(i64, bool)> {
    let rows = connector.database().query(&format!("SELECT id, _sluice_deleted FROM {table} ORDER BY id"));
    rows.iter().map(|row| (row[0].as_i64().unwrap(), row[1] == 1)).collect()
}

fn notes(connector: &Connector) -> String {
    text(&command(connector, &["state", "show", "tested"]).output().unwrap().stderr)
}

#[test]
fn a_resync_survives_a_kill_and_sweeps_at_the_end() {
    let connector = source(&[1, 2, 3], &[7, 8]);
    connector.succeed();
    let connector = now(connector, &[1, 3, 4], &[8]);
    connector.succeed();
    assert_eq!(rows(&connector, "users"), [(1, false), (2, false), (3, false)], "the cursor skips what it has read");

    let said = begun(&connector, &[]);
    assert_eq!((&said["connection"], &said["begun"][0]["table"]), (&json!("tested"), &Value::Null));
    let began = said["begun"][0]["began"].as_str().unwrap().to_owned();
    assert_eq!(connector.state(), json!({}));
    assert_eq!(notes(&connector), format!("note: a re-sync of everything is pending since {began}\n"));

    let (server, gate) = Server::gated();
    let waiting =
        connector.with("wait_after", "users:3").with("url", server.url("/")).arguments(&["--allow", &server.origin()]);
    let mut child = waiting.command().spawn().unwrap();
    gate.wait_for_request();
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(rows(&waiting, "users"), [(1, false), (2, false), (3, false)], "nothing is swept");
    assert_eq!(waiting.state(), json!({"users": 2}));
    assert!(notes(&waiting).contains(&began), "the stamp stays the first");

    let connector = waiting.with("wait_after", "");
    let sync = connector.succeed();
    let tables = &sync.report()["tables"];
    assert_eq!((&tables[0]["upserts"], &tables[0]["swept"]), (&json!(1), &json!(1)), "users: 4 arrived, 2 is gone");
    assert_eq!((&tables[1]["upserts"], &tables[1]["swept"]), (&json!(1), &json!(1)));
    assert_eq!(sync.report()["pending_resyncs"], json!([]));
    assert_eq!(rows(&connector, "users"), [(1, false), (2, true), (3, false), (4, false)]);
    assert_eq!(rows(&connector, "orders"), [(7, true), (8, false)]);
    assert_eq!(notes(&connector), "");
}

#[test]
fn one_table_is_read_again() {
    let connector = source(&[1, 2], &[7, 8]);
    connector.succeed();
    let connector = now(connector, &[2, 3], &[8]);

    let said = refused(&connector, &["--table", "users"]);
    assert!(said.contains("error: say what the connector shall forget, so that it reads users again"), "{said}");
    assert!(said.contains("the keys of the state are \"users\", \"orders\": pass --remove-state-key KEY"), "{said}");
    let said = refused(&connector, &["--table", "users", "--remove-state-key", "user"]);
    assert!(said.contains("the state has no key \"user\"; its keys are: \"users\", \"orders\""), "{said}");
    let two = ["--table", "users", "--remove-state-key", "users", "--remove-state-key", "people"];
    assert!(refused(&connector, &two).contains("the state has no key \"people\""));
    let said = refused(&connector, &["--table", "people", "--keep-state"]);
    assert!(said.contains("there is no table \"people\" yet; there are: \"orders\", \"users\""), "{said}");
    refused(&connector, &["--remove-state-key", "users"]);
    refused(&connector, &["--table", "users", "--whole-state", "--keep-state"]);
    assert_eq!(connector.state(), json!({"users": 2, "orders": 2}), "nothing was done");

    let said = begun(&connector, &["--table", "users", "--remove-state-key", "users"]);
    assert_eq!(said["begun"][0]["table"], "users");
    assert_eq!(connector.state(), json!({"orders": 2}));
    let sync = connector.succeed();
    assert_eq!(sync.report()["tables"][0]["swept"], 1);
    assert_eq!(rows(&connector, "users"), [(1, true), (2, false), (3, false)]);
    assert_eq!(rows(&connector, "orders"), [(7, false), (8, false)], "another table is left alone");
    assert_eq!(notes(&connector), "");
}

#[test]
fn what_is_pending_is_told_and_cancelled() {
    let connector = source(&[1, 2], &[7]);
    let said = refused(&connector, &[]);
    assert!(said.contains("connection tested was never synced"), "{said}");
    connector.succeed();
    begun(&connector, &["--table", "users", "--keep-state"]);
    // The connector has nothing new to say of users, so they were not read.
    let sync = connector.succeed();
    assert_eq!(sync.report()["pending_resyncs"][0]["table"], "users");
    assert_eq!(rows(&connector, "users"), [(1, false), (2, false)]);
    assert!(notes(&connector).starts_with("note: a re-sync of table users is pending since 2"));
    let cancelled = begun(&connector, &["--cancel"]);
    assert_eq!((&cancelled["begun"], &cancelled["cancelled"][0]["table"]), (&json!([]), &json!("users")));
    let again = text(&resync(&connector, &["--cancel"]).stdout);
    assert_eq!(again, "no re-sync of connection tested was pending\n");
    let connector = now(connector, &[1, 2, 3], &[7]);
    connector.succeed();
    assert_eq!(rows(&connector, "users"), [(1, false), (2, false), (3, false)]);
}
