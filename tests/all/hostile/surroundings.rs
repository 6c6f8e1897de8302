//! Files, environment, sockets, processes, and leaving without saying so.

use serde_json::json;

use super::{connector, ends, rows, success};
use crate::support::Connector;
use crate::support::server::Server;

#[test]
fn nothing_of_the_host_is_visible() {
    ends(Connector::mode("probe"), &success(), |_, it| {
        let database = it.database();
        let statement = database.0.prepare("SELECT * FROM found").unwrap();
        let names: Vec<String> = statement.column_names().map(ToString::to_string).collect();
        let found = database.query("SELECT * FROM found").remove(0);
        let found: std::collections::BTreeMap<_, _> = names.iter().map(String::as_str).zip(found).collect();
        let files = ["/passwd", "/environ", "connector.py", "write "];
        let probed: Vec<_> = found.iter().filter(|(name, _)| files.iter().any(|file| name.contains(file))).collect();
        assert!(probed.len() >= 7, "{found:?}");
        for (name, outcome) in probed {
            let outcome = outcome.as_str().unwrap_or("");
            // Its own source is part of the component.
            let own = name.ends_with("connector.py") && outcome.contains("One connector with many behaviours");
            assert!(own || outcome.ends_with("Error"), "{name}: {outcome}");
        }
        assert_eq!(found["stdin"], json!(""));
        let environment: serde_json::Value = serde_json::from_str(found["environment"].as_str().unwrap()).unwrap();
        for own in ["PATH", "HOME", "USER", "SLUICE_CACHE_DIR", "PWD"] {
            assert!(environment.get(own).is_none(), "the environment shows {own}: {environment}");
        }
    });
}

#[test]
fn nothing_is_written_beside_the_database() {
    let connector = Connector::mode("probe");
    super::warm();
    connector.succeed();
    let mut names: Vec<_> = std::fs::read_dir(connector.warehouse())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.starts_with("tested."))
        .collect();
    names.sort();
    assert_eq!(names, Vec::<String>::new());
}

#[test]
fn sockets_and_name_lookup_are_refused() {
    let server = Server::fixed("200 OK", &[], "reached");
    ends(Connector::mode("sockets").with("port", server.port()), &success(), |_, it| {
        assert_eq!(server.connections(), 0);
        let row = it.database().query("SELECT \"connect\", \"name\", udp, \"listen\" FROM sockets").remove(0);
        for outcome in &row {
            assert!(outcome.as_str().unwrap().ends_with("rror"), "{row:?}");
        }
    });
}

#[test]
fn processes_and_threads_are_refused() {
    ends(Connector::mode("subprocesses"), &success(), |_, it| {
        let row = it.database().query("SELECT subprocess, thread FROM processes").remove(0);
        for outcome in &row {
            assert!(outcome.as_str().unwrap().ends_with("Error"), "{row:?}");
        }
    });
}

/// What was checkpointed landed; the row after it did not.
fn nothing_after_the_checkpoint(it: &Connector) {
    assert_eq!(rows(it, "begun"), 1);
    assert_eq!(rows(it, "after"), 0);
    assert_eq!(it.state(), json!({"begun": true}));
}

#[test]
fn leaving_through_os_exit_is_a_failure() {
    ends(Connector::mode("exit_quietly"), &connector(&["exit", "code 0"]), |_, it| {
        nothing_after_the_checkpoint(it);
    });
}

#[test]
fn leaving_through_sys_exit_is_a_failure() {
    ends(Connector::mode("exit_politely"), &connector(&["sys.exit(0)"]), |_, it| nothing_after_the_checkpoint(it));
}

#[test]
fn leaving_through_a_generators_end_is_a_failure() {
    ends(Connector::mode("exit_with_an_exception_on_the_way"), &connector(&["sys.exit(0)"]), |_, it| {
        nothing_after_the_checkpoint(it);
    });
}

#[test]
fn an_exception_in_a_batch_keeps_what_was_checkpointed() {
    let end = connector(&["ValueError", "the source went away"]);
    ends(Connector::mode("failure_in_a_batch"), &end, |sync, it| {
        assert_eq!(rows(it, "items"), 10);
        assert_eq!(it.database().value("SELECT max(id) FROM items"), json!(9));
        assert_eq!(it.state(), json!({"next": 10}));
        let traceback = sync.report()["outcome"]["traceback"].as_str().unwrap_or_default().to_owned();
        assert!(traceback.contains("failure_in_a_batch"), "{traceback}");
    });
}
