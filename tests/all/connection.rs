//! A connection: its state, its reset, and who may use it at a time.

use std::io::Write;
use std::process::Stdio;

use rusqlite::Connection;
use serde_json::json;

use crate::support::server::Server;
use crate::support::{Connector, sluice, text};

/// `sluice <arguments> tested --warehouse <of the connector>`, with this standard input.
fn manage(connector: &Connector, before: &[&str], after: &[&str], input: &str) -> (Option<i32>, String, String) {
    let mut command = sluice();
    command.args(before).arg("tested").args(after).arg("--warehouse").arg(connector.warehouse());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A command that refuses at once reads nothing and may be gone already.
    drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn the_state_can_be_shown_set_and_reset() {
    let connector = Connector::mode("cursor");
    assert_eq!(connector.state(), json!({}), "a connection that never synced");
    connector.succeed();
    assert_eq!(connector.state(), json!({"count": 1}));

    let (code, _, error) = manage(&connector, &["state", "set"], &["-"], "{\"count\": 40}\n");
    assert_eq!(code, Some(0), "{error}");
    connector.succeed();
    assert_eq!(connector.state(), json!({"count": 41}));

    for wrong in ["[1]", "{", "{} {}", ""] {
        let (code, _, error) = manage(&connector, &["state", "set"], &["-"], wrong);
        assert_eq!(code, Some(2), "{wrong}");
        assert!(error.contains("it must be a JSON object"), "{error}");
    }
    assert_eq!(connector.state(), json!({"count": 41}), "a refused state changes nothing");

    assert_eq!(manage(&connector, &["state", "reset"], &[], "").0, Some(0));
    assert_eq!(connector.state(), json!({}));
    connector.succeed();
    let ids = connector.database().query("SELECT id FROM cursors ORDER BY id");
    assert_eq!(ids, [[json!(0)], [json!(40)]], "the rows stayed");
}

#[test]
fn a_reset_forgets_everything_when_confirmed() {
    let connector = Connector::mode("cursor");
    connector.succeed();
    let (code, _, error) = manage(&connector, &["reset"], &[], "y\n");
    assert_eq!(code, Some(2), "nobody was asked: {error}");
    assert!(error.contains("--yes"), "{error}");
    assert_eq!(connector.state(), json!({"count": 1}));

    let (code, said, _) = manage(&connector, &["reset"], &["--yes"], "");
    assert_eq!((code, said.contains("its tables and its state are gone")), (Some(0), true), "{said}");
    assert!(!connector.database_path().exists());
    assert_eq!(connector.state(), json!({}));
    let (code, said, _) = manage(&connector, &["reset"], &["--yes"], "");
    assert_eq!((code, said.contains("nothing to reset")), (Some(0), true), "{said}");
    connector.succeed();
    assert_eq!(connector.database().value("SELECT count(*) FROM cursors"), json!(1));
}

#[test]
fn a_connection_is_synced_by_one_at_a_time() {
    let (server, gate) = Server::gated();
    let connector =
        Connector::mode("checkpoint_then_wait").with("url", server.url("/")).arguments(&["--allow", &server.origin()]);
    let mut first = connector.command().spawn().unwrap();
    gate.wait_for_request();

    let second = connector.sync();
    assert_eq!(second.code, Some(5), "{}", second.everything());
    assert!(second.stderr.contains("connection tested is in use"), "{}", second.stderr);
    assert!(second.stderr.contains(&format!("process {}", first.id())), "names who has it: {}", second.stderr);
    // nor may its state be pulled away under it; looking is allowed
    for (before, after) in [(vec!["state", "reset"], vec![]), (vec!["reset"], vec!["--yes"])] {
        let (code, _, error) = manage(&connector, &before, &after, "");
        assert_eq!(code, Some(5), "{error}");
        assert!(error.contains("in use"), "{error}");
    }
    assert_eq!(connector.state(), json!({"waited": 1}));
    assert_eq!(
        connector.database().value("SELECT count(*) FROM waited"),
        json!(1),
        "the row after it is not there yet"
    );

    gate.open();
    assert!(first.wait().unwrap().success());
    assert_eq!(connector.database().value("SELECT count(*) FROM waited"), json!(2));
    connector.succeed();
}

#[test]
fn a_database_that_another_program_holds() {
    let connector = Connector::mode("cursor");
    connector.succeed();
    let foreign = Connection::open(connector.database_path()).unwrap();

    // a reader disturbs nobody, and sees one state all along
    foreign.execute_batch("BEGIN").unwrap();
    let count = || foreign.query_row("SELECT count(*) FROM cursors", [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(count(), 1);
    connector.succeed();
    assert_eq!(count(), 1);
    foreign.execute_batch("COMMIT; BEGIN IMMEDIATE").unwrap();

    // a writer does
    let sync = connector.sync();
    assert_eq!(sync.code, Some(5), "{}", sync.everything());
    assert!(sync.everything().contains("another program holds its database"), "{}", sync.everything());
    assert_eq!(connector.state(), json!({"count": 2}));

    foreign.execute_batch("COMMIT").unwrap();
    connector.succeed();
    assert_eq!(connector.state(), json!({"count": 3}));
}
