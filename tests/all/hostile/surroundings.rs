//! Files, environment, sockets, processes, and leaving without saying so.

use std::collections::BTreeMap;

use serde_json::json;

use super::{connector, ends, rows, success};
use crate::support::Connector;
use crate::support::server::Server;

#[test]
fn nothing_of_the_host_is_visible() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("of-the-operator.txt");
    std::fs::write(&file, "private").unwrap();
    let connector = Connector::mode("probe").with("file", file.display());
    ends(connector, &success(), |_, it| {
        let found = it.database().query("SELECT what, outcome FROM found");
        let found: BTreeMap<_, _> =
            found.iter().map(|row| (row[0].as_str().unwrap(), row[1].as_str().unwrap())).collect();
        assert_eq!(found.len(), 11, "{found:?}");
        for (what, outcome) in &found {
            if what.starts_with("read ") || what.starts_with("write ") {
                assert!(outcome.ends_with("Error"), "{what}: {outcome}");
            }
        }
        assert_eq!(found["stdin"], "");
        assert!(found["arguments"].len() < 5, "{}", found["arguments"]);
        let environment: BTreeMap<String, String> = serde_json::from_str(found["environment"]).unwrap();
        assert!(environment.keys().all(|name| name.starts_with("FIVETRAN_")), "{environment:?}");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "private");
        let others = std::fs::read_dir(it.warehouse()).unwrap().map(|entry| entry.unwrap().file_name());
        let own = |name: &str| name.starts_with("tested.") || name.starts_with("runs.db");
        let others: Vec<_> = others.filter(|name| !own(&name.to_string_lossy())).collect();
        assert!(others.is_empty(), "beside the database: {others:?}");
    });
}

#[test]
fn sockets_and_name_lookup_are_refused() {
    let server = Server::fixed("200 OK", &[], "reached");
    ends(Connector::mode("sockets").with("port", server.port()), &success(), |_, it| {
        assert_eq!(server.connections(), 0);
        let row = it.database().query("SELECT \"connect\", \"name\", udp, \"listen\" FROM sockets").remove(0);
        for outcome in &row {
            let outcome = outcome.as_str().unwrap();
            assert!(outcome.ends_with("rror") || outcome == "RequestDenied", "{row:?}");
        }
    });
}

#[test]
fn processes_are_refused() {
    ends(Connector::mode("subprocesses"), &success(), |_, it| {
        let row = it.database().query("SELECT subprocess FROM processes").remove(0);
        assert!(row[0].as_str().unwrap().ends_with("Error"), "{row:?}");
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
