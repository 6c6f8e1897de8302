//! What surrounds a running connector: variables, the state it starts from, its log, time.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::support::{Connector, Sync, sluice};

fn found(connector: &Connector) -> BTreeMap<String, Value> {
    let rows = connector.database().query("SELECT what, outcome FROM found");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    rows.iter().map(|row| (text(&row[0]), serde_json::from_str(&text(&row[1])).unwrap())).collect()
}

fn logged(sync: &Sync) -> Vec<(String, String)> {
    let lines = sync.events.iter().filter(|event| event["event"] == "log");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    lines.map(|event| (text(&event["level"]), text(&event["message"]))).collect()
}

#[test]
fn only_what_was_passed_is_in_the_environment() {
    let connector = Connector::mode("surroundings").arguments(&["--env", "REGION=eu=1", "--env", "SLUICE_STATE_DIR"]);
    connector.succeed();
    let found = found(&connector);
    let own = sluice();
    let own = own.get_envs().find(|(name, _)| *name == "SLUICE_STATE_DIR").unwrap().1.unwrap().to_str().unwrap();
    let expected = json!({
        "FIVETRAN_CONNECTION_ID": "tested",
        "FIVETRAN_CONNECTION_NAME": "tested",
        "FIVETRAN_DEPLOYMENT_MODEL": "local_debug",
        "FIVETRAN_GROUP_ID": "test_group_id",
        "REGION": "eu=1",
        "SLUICE_STATE_DIR": own,
    });
    assert_eq!(found["environment"], expected);
    assert_eq!((&found["getenv"], &found["at_import"]), (&json!("tested"), &json!("tested")));
}

#[test]
fn a_variable_that_is_not_there_is_refused() {
    let refused = Connector::mode("surroundings").arguments(&["--env", "NOT_SET_ANYWHERE"]).sync();
    assert_eq!(refused.code, Some(2));
    assert!(refused.stderr.contains("--env NOT_SET_ANYWHERE: there is no such variable here"), "{}", refused.stderr);
}

#[test]
fn top_level_code_runs_in_each_sync() {
    let connector = Connector::mode("surroundings");
    let before = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
    connector.succeed();
    let first = found(&connector);
    connector.succeed();
    let second = found(&connector);
    assert!(first["started"].as_f64().unwrap() >= before, "the clock of the sync: {first:?}");
    assert!(second["started"].as_f64() > first["now"].as_f64());
    assert_ne!(first["drawn"], second["drawn"]);
    assert_eq!((&first["counted"], &second["counted"]), (&json!(1), &json!(1)), "nothing is left of a sync");
    assert_eq!(first["name"], "environment");
}

#[test]
fn a_sync_starts_from_the_state_it_is_given() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.json");
    let path = file.to_str().unwrap();
    std::fs::write(&file, " {\"cursor\": 7}\n").unwrap();
    let connector = Connector::mode("surroundings").arguments(&["--state", path]);
    connector.succeed();
    assert_eq!(found(&connector)["state"], json!({"cursor": 7}));
    assert_eq!(connector.state(), json!({"from": {"cursor": 7}}), "its checkpoints are kept");
    for bad in ["[]", "{", "", "5"] {
        std::fs::write(&file, bad).unwrap();
        let refused = connector.sync();
        assert_eq!(refused.code, Some(2), "{bad:?}");
        assert!(refused.stderr.contains("it must be a JSON object"), "{}", refused.stderr);
    }
    assert_eq!(connector.state(), json!({"from": {"cursor": 7}}), "nothing ran");
    std::fs::remove_file(&file).unwrap();
    assert!(connector.sync().stderr.contains("cannot read the state"));
}

#[test]
fn everything_said_is_in_the_log_without_secrets() {
    let sync = Connector::mode("speaks").arguments(&["--env", "API_TOKEN=tok-1234567890"]).succeed();
    let logged = logged(&sync);
    let said = |level: &str, message: &str| {
        let found = logged.iter().any(|(at, text)| at == level && text.starts_with(message));
        assert!(found, "{level} {message} is not in {logged:#?}");
    };
    said("INFO", "printed [redacted]");
    said("INFO", "two");
    said("INFO", "lines");
    said("WARNING", "to stderr");
    said("WARNING", "WARNING:root:logged a warning");
    said("ERROR", "ERROR:root:logged an error");
    said("INFO", "INFO:root:logged at the level that was set");
    said("CRITICAL", "CRITICAL:mine:logged by name");
    said("ERROR", "ERROR:root:went wrong");
    assert!(!sync.everything().contains("below the level"));
    assert!(!sync.everything().contains("tok-1234567890"));
}

#[test]
fn the_wall_limit_ends_a_long_sleep() {
    let connector = Connector::mode("sleeps").with("seconds", 600).arguments(&["--wall-time", "3"]);
    let sync = connector.sync();
    assert_eq!(sync.code, Some(3), "{}", sync.everything());
    assert!(sync.took < Duration::from_secs(60), "{:?}", sync.took);
    only_the_checkpointed(&connector);
}

#[test]
fn an_interrupt_ends_a_sleep_and_keeps_what_was_checkpointed() {
    for signal in [Signal::INT, Signal::TERM] {
        let connector = Connector::mode("sleeps").with("seconds", 600);
        let mut child = connector.command().spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.by_ref().any(|line| line.unwrap().contains("sleeping")));
        let asked = Instant::now();
        kill_process(Pid::from_child(&child), signal).unwrap();
        let last = lines.map_while(Result::ok).last().unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(5));
        assert!(asked.elapsed() < Duration::from_secs(30), "{:?}", asked.elapsed());
        assert!(last.contains("cancelled by SIG"), "{last}");
        only_the_checkpointed(&connector);
    }
}

fn only_the_checkpointed(connector: &Connector) {
    assert_eq!(connector.database().value("SELECT count(*) FROM slept"), json!(1));
    assert_eq!(connector.state(), json!({"slept": 1}));
}
