//! The history of runs and monthly active rows: what `docs/runs.md` promises.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::server::Server;
use crate::support::{Connector, events, sluice, text};

fn program(operations: &Value) -> Connector {
    let schema = json!([{"table": "items", "primary_key": ["id"], "columns": {"id": "LONG", "name": "STRING"}}]);
    Connector::mode("program").with("schema", schema).with("operations", operations)
}

fn item(id: i64, name: &str) -> Value {
    json!(["upsert", "items", {"id": id, "name": name}])
}

fn runs(warehouse: &Path, arguments: &[&str]) -> Value {
    let shown = sluice().arg("runs").args(arguments).arg("--warehouse").arg(warehouse).arg("--json").output().unwrap();
    assert!(shown.status.success(), "{}", text(&shown.stderr));
    let runs: Value = serde_json::from_slice(&shown.stdout).unwrap();
    let command = match arguments {
        ["show", ..] => "runs show",
        arguments if arguments.contains(&"--months") => "runs --months",
        _ => "runs",
    };
    match runs.as_array().is_some_and(Vec::is_empty) {
        true => events::printed(command, &runs),
        false => events::printed_all(command, &runs),
    }
    runs
}

fn in_words(warehouse: &Path, arguments: &[&str]) -> String {
    let shown = sluice().arg("runs").args(arguments).arg("--warehouse").arg(warehouse).output().unwrap();
    text(&shown.stdout) + &text(&shown.stderr)
}

fn this_month() -> String {
    jiff::Timestamp::now().to_string()[..7].to_owned()
}

#[test]
fn every_sync_leaves_a_row_that_says_who_what_when_and_how_it_ended() {
    let good = program(&json!([item(1, "a"), item(2, "b"), ["checkpoint", {"n": 1}], item(2, "c")]));
    good.succeed();
    let failed =
        good.with("operations", json!([item(3, "d"), ["checkpoint", {}], item(4, "e"), ["raise", "ValueError", "no"]]));
    assert_eq!(failed.sync().code, Some(1));
    let denied = failed.switch("get").with("url", "https://denied.example/?token=s3cret");
    assert_eq!(denied.sync().code, Some(4));
    let warehouse = denied.warehouse();

    let all = runs(&warehouse, &[]);
    let outcomes: Vec<_> = all.as_array().unwrap().iter().map(|run| run["outcome"].as_str().unwrap()).collect();
    assert_eq!(outcomes, ["denied", "connector", "success"]);
    assert_eq!(runs(&warehouse, &["--failed", "--limit", "1"]).as_array().unwrap().len(), 1);
    assert_eq!(runs(&warehouse, &["--since", "1h", "--connection", "tested"]).as_array().unwrap().len(), 3);
    assert_eq!(runs(&warehouse, &["--connection", "other"]), json!([]));

    let first = runs(&warehouse, &["show", "1"]);
    assert_eq!(
        (&first["connection"], &first["connector"], &first["command"]),
        (&json!("tested"), &json!("many"), &json!("run"))
    );
    assert_eq!(first["component"].as_str().unwrap().len(), 64);
    assert!(!first["user"].as_str().unwrap().is_empty());
    assert!(first["started"].as_str().unwrap() < first["ended"].as_str().unwrap());
    assert_eq!((&first["rows"], &first["checkpoints"], &first["active_rows"]), (&json!(3), &json!(1), &json!(2)));
    assert_eq!((&first["tables"][0]["table"], &first["tables"][0]["upserts"]), (&json!("items"), &json!(3)));
    assert!(first["limits"]["memory_bytes"].as_u64().unwrap() > 0 && first["peak_memory_bytes"].as_u64().unwrap() > 0);
    assert!(first["cpu_seconds"].as_f64().unwrap() <= first["wall_seconds"].as_f64().unwrap() + 0.1);

    let second = runs(&warehouse, &["show", "2"]);
    assert!(second["message"].as_str().unwrap().contains("ValueError: no"), "{second}");
    assert_eq!((&second["active_rows"], &second["tables"][0]["active_rows"]), (&json!(1), &json!(1)), "what was kept");
    let third = runs(&warehouse, &["show", "3"]);
    assert_eq!((&third["denied"], &third["hosts"][0]["host"]), (&json!(1), &json!("denied.example")));
    assert!(!third.to_string().contains("s3cret"));

    let shown = in_words(&warehouse, &["show", "1"]);
    for part in ["run 1 of tested: success", "active rows", "peak memory", "items", "of 256.0 MiB"] {
        assert!(shown.contains(part), "{part} is not in\n{shown}");
    }
    assert!(
        in_words(&warehouse, &[]).lines().next().unwrap().starts_with("run  connection"),
        "{}",
        in_words(&warehouse, &[])
    );
    assert!(in_words(&warehouse, &["show", "99"]).contains("there is no run 99"));
}

#[test]
fn a_refused_sync_is_in_the_history_too() {
    let connector = program(&json!([item(1, "a")]));
    connector.succeed();
    let other = connector.warehouse().join("other.wasm");
    fs::write(&other, crate::support::component::idle()).unwrap();
    let warehouse = connector.warehouse();
    let refused = sluice()
        .arg("run")
        .arg(&other)
        .args(["--connection", "tested", "--warehouse"])
        .arg(&warehouse)
        .output()
        .unwrap();
    assert!(!refused.status.success());
    let all = runs(&warehouse, &[]);
    assert_eq!((&all[0]["outcome"], &all[0]["connection"]), (&json!("denied"), &json!("tested")), "{all}");
}

#[test]
fn a_killed_sync_is_interrupted_and_keeps_what_it_had_committed() {
    let (server, gate) = Server::gated();
    let connector =
        Connector::mode("checkpoint_then_wait").with("url", server.url("/")).arguments(&["--allow", &server.origin()]);
    let mut child = connector.command().spawn().unwrap();
    gate.wait_for_request();
    assert_eq!(runs(&connector.warehouse(), &[])[0]["outcome"], "running");
    child.kill().unwrap();
    child.wait().unwrap();
    let run = runs(&connector.warehouse(), &["show", "1"]);
    assert_eq!(run["outcome"], "interrupted");
    assert_eq!((&run["checkpoints"], &run["rows"], &run["active_rows"]), (&json!(1), &json!(1), &json!(1)), "{run}");
    assert_eq!(run["tables"][0]["table"], "waited");
    gate.open();
    connector.succeed();
    let all = runs(&connector.warehouse(), &[]);
    assert_eq!((&all[0]["outcome"], &all[1]["outcome"]), (&json!("success"), &json!("interrupted")));
    let counted: u64 = all.as_array().unwrap().iter().map(|run| run["active_rows"].as_u64().unwrap()).sum();
    let months = runs(&connector.warehouse(), &["--months"]);
    assert_eq!((counted, &months[0]["active_rows"]), (2, &json!(2)), "each row once, killed or not");
}

#[test]
fn rows_count_once_a_month_over_all_syncs() {
    let connector = program(&json!([item(1, "a"), item(2, "a"), item(1, "b")]));
    connector.succeed();
    let again = connector.with("operations", json!([item(1, "a"), item(3, "a"), ["delete", "items", {"id": 2}]]));
    again.succeed();
    let months = runs(&again.warehouse(), &["--months"]);
    let expected = json!([{"month": this_month(), "connection": "tested", "table": "items", "active_rows": 3}]);
    assert_eq!(months, expected);
    assert!(in_words(&again.warehouse(), &["--months", "--connection", "tested"]).contains("active rows"));
}

#[test]
fn many_processes_write_one_history() {
    let connector = program(&json!([item(1, "a")]));
    connector.succeed();
    let warehouse = connector.warehouse();
    let configuration = warehouse.parent().unwrap().join("configuration.json");
    let children: Vec<_> = (0..6)
        .map(|number| {
            sluice()
                .arg("run")
                .arg(crate::support::many())
                .arg("--configuration")
                .arg(&configuration)
                .arg("--warehouse")
                .arg(&warehouse)
                .args(["--connection", &format!("c{number}"), "--json"])
                .stdout(std::process::Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }
    let all = runs(&warehouse, &["--limit", "100"]);
    assert_eq!(all.as_array().unwrap().len(), 7);
    assert!(all.as_array().unwrap().iter().all(|run| run["outcome"] == "success"), "{all}");
}

#[test]
fn a_history_that_cannot_be_written_loses_no_sync() {
    let connector = program(&json!([item(1, "a")]));
    connector.succeed();
    for file in ["runs.db-wal", "runs.db-shm"] {
        let _ = fs::remove_file(connector.warehouse().join(file));
    }
    fs::write(connector.warehouse().join("runs.db"), "no database").unwrap();
    let sync = connector.succeed();
    assert!(sync.stderr.contains("is not in the history of runs"), "{}", sync.stderr);
    assert_eq!(connector.database().value("SELECT count(*) FROM items"), json!(1));
}

#[test]
fn old_runs_are_forgotten_on_demand_and_by_every_sync() {
    let connector = program(&json!([item(1, "a")]));
    for _ in 0..3 {
        connector.succeed();
    }
    let warehouse = connector.warehouse();
    let said = in_words(&warehouse, &["prune", "--keep", "2", "--always"]);
    assert!(said.contains("forgot 1 run\n") && said.contains("beyond 2 runs"), "{said}");
    connector.succeed();
    let left = runs(&warehouse, &[]);
    assert_eq!(left.as_array().unwrap().iter().map(|run| run["id"].as_u64().unwrap()).collect::<Vec<_>>(), [4, 3]);
    assert!(in_words(&warehouse, &["prune", "--older-than", "soon"]).contains("is no length of time"));
}

#[test]
fn no_connection_takes_the_name_of_the_history() {
    let connector = program(&json!([item(1, "a")]));
    let refused = sluice()
        .arg("run")
        .arg(crate::support::many())
        .args(["--connection", "runs", "--warehouse"])
        .arg(connector.warehouse())
        .output()
        .unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stderr).contains("runs is where the history of runs is kept"), "{}", text(&refused.stderr));
}
