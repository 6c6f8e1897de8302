//! `sluice test`: right connectors pass, and each wrong one fails what it is wrong in.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Output;

use serde_json::{Value, json};

use crate::support::{component, events, many, repository, sluice, text};

const RIGHT: [&str; 10] = [
    "pages",
    "cursor",
    "everything_each_time",
    "truncated_and_read_again",
    "with_deletes",
    "two_tables",
    "no_primary_key",
    "with_updates",
    "inside_a_page",
    "as_a_generator",
];

/// Those that a sync which is cut and resumed finds.
const WRONG: [&str; 11] = [
    "state_before_rows",
    "cursor_off_by_one",
    "random_keys",
    "counted_keys",
    "page_done_too_early",
    "truncated_and_gone_on",
    "cursor_of_another_order",
    "deletes_too_late",
    "one_cursor_for_two_tables",
    "totals_in_memory",
    "rows_held_back",
];

/// What the kit says of a component in one mode.
struct Tested {
    output: Output,
    report: Value,
}

impl Tested {
    fn of(subject: &Path, configuration: Option<&Value>, arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = sluice();
        command.arg("test").arg(subject).args(["--json", "--seed", "7"]).args(arguments);
        if let Some(configuration) = configuration {
            let path = folder.path().join("configuration.json");
            fs::write(&path, configuration.to_string()).unwrap();
            command.arg("--configuration").arg(path);
        }
        let output = command.output().unwrap();
        let report = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
        if !report.is_null() {
            events::printed_all("test", &report);
        }
        Self { output, report }
    }

    fn mode(mode: &str, arguments: &[&str]) -> Self {
        Self::of(many(), Some(&json!({"mode": format!("kit_{mode}")})), arguments)
    }

    fn verdicts(&self) -> BTreeMap<String, String> {
        let checks = self.report["cases"][0]["checks"].as_array().unwrap_or_else(|| panic!("{}", self.said()));
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        checks.iter().map(|check| (text(&check["check"]), text(&check["verdict"]))).collect()
    }

    /// The checks that ended in a way.
    fn ended(&self, verdict: &str) -> Vec<String> {
        self.verdicts().into_iter().filter(|(_, found)| found == verdict).map(|(check, _)| check).collect()
    }

    fn finding(&self, check: &str) -> String {
        let checks = self.report["cases"][0]["checks"].as_array().unwrap();
        let found = checks.iter().find(|one| one["check"] == check).unwrap();
        found["findings"].to_string()
    }

    fn note(&self, check: &str) -> String {
        let checks = self.report["cases"][0]["checks"].as_array().unwrap();
        let found = checks.iter().find(|one| one["check"] == check).unwrap();
        found["note"].as_str().unwrap().to_owned()
    }

    fn said(&self) -> String {
        format!("{}\n{}", text(&self.output.stdout), text(&self.output.stderr))
    }
}

#[test]
fn right_connectors_pass() {
    for mode in RIGHT {
        let tested = Tested::mode(mode, &["--strict", "--cuts", "3"]);
        let verdicts = tested.verdicts();
        assert!(verdicts.values().all(|verdict| verdict == "passed"), "{mode}: {}", tested.said());
        assert_eq!((tested.output.status.code(), verdicts.len()), (Some(0), 9), "{mode}");
    }
}

#[test]
fn what_is_lost_or_doubled_by_a_cut_is_found() {
    for mode in WRONG {
        let tested = Tested::mode(mode, &["--only", "resume", "--cuts", "4"]);
        assert_eq!(tested.ended("failed"), ["resume"], "{mode}: {}", tested.said());
        assert_eq!(tested.output.status.code(), Some(1), "{mode}");
        let finding = tested.finding("resume");
        assert!(finding.contains("cut after") && finding.contains("table "), "{mode}: {finding}");
    }
    let ahead = Tested::mode("state_before_rows", &["--only", "resume"]).finding("resume");
    assert!(ahead.contains("cut after checkpoint 1 of 4: table items: 3 rows missing; such as 1; 2; 3"), "{ahead}");
    assert!(ahead.contains("the state was ahead of the rows"), "{ahead}");
}

#[test]
fn every_other_check_fails_for_what_it_is_there_for_alone() {
    let cases = [
        ("schema_by_chance", "schema", "something else the second time"),
        ("schema_collides", "schema", "cannot land"),
        ("fails", "sync", "nothing works"),
        ("disagrees", "operations", "upsert to table undeclared, which schema does not declare"),
        ("large_state", "state", "checkpoint 1 has"),
        ("counts_its_syncs", "idempotence", "1 row with other values (rank)"),
    ];
    for (mode, check, expected) in cases {
        let tested = Tested::mode(mode, &[]);
        assert_eq!(tested.ended("failed"), [check], "{mode}: {}", tested.said());
        assert_eq!(tested.output.status.code(), Some(1), "{mode}");
        assert!(tested.finding(check).contains(expected), "{mode}: {}", tested.finding(check));
    }
}

#[test]
fn habits_only_warn_unless_the_test_is_strict() {
    let tested = Tested::mode("never_checkpoints", &[]);
    assert_eq!((tested.ended("warned"), tested.output.status.code()), (vec!["habits".to_owned()], Some(0)));
    let finding = tested.finding("habits");
    assert!(finding.contains("12 rows and no checkpoint") && finding.contains("1,100 log lines"), "{finding}");
    assert_eq!(Tested::mode("never_checkpoints", &["--strict"]).output.status.code(), Some(1));
}

#[test]
fn a_column_that_need_not_be_the_same_is_left_out_by_name() {
    let tested = Tested::mode("fetched_at", &["--only", "idempotence"]);
    assert_eq!(tested.ended("failed"), ["idempotence"]);
    assert!(tested.finding("idempotence").contains("12 rows with other values (lucky)"), "{}", tested.said());
    for ignored in ["lucky", "items.lucky"] {
        let tested = Tested::mode("fetched_at", &["--only", "idempotence", "--ignore-column", ignored]);
        assert_eq!(tested.ended("passed"), ["idempotence"], "{}", tested.said());
    }
}

/// A cassette of requests for items after another.
fn cassette(folder: &Path, answers: &[(u64, &[u64])]) -> String {
    let entry = |(after, ids): &(u64, &[u64])| {
        let rows: Vec<_> = ids.iter().map(|id| json!({"id": id, "name": format!("item {id}")})).collect();
        json!({
            "startedDateTime": "2025-01-31T12:00:00Z",
            "request": {"method": "GET", "url": format!("https://api.example.com/items?after={after}")},
            "response": {
                "status": 200,
                "headers": [{"name": "content-type", "value": "application/json"}],
                "content": {"text": json!(rows).to_string()},
            },
        })
    };
    let entries: Vec<_> = answers.iter().map(entry).collect();
    let path = folder.join("items.har");
    fs::write(&path, json!({"log": {"version": "1.2", "entries": entries}}).to_string()).unwrap();
    path.to_str().unwrap().to_owned()
}

#[test]
fn a_request_that_the_cassette_lacks_is_nobodys_failure() {
    let folder = tempfile::tempdir().unwrap();
    let whole: [(u64, &[u64]); 3] = [(0, &[1, 2]), (2, &[3, 4]), (4, &[])];
    let tested = Tested::mode("over_http", &["--cassette", &cassette(folder.path(), &whole)]);
    assert_eq!(tested.ended("failed"), ["capabilities"], "it asks for nothing: {}", tested.said());
    assert!(tested.finding("capabilities").contains("it reaches https://api.example.com"), "{}", tested.said());
    assert_eq!(tested.ended("passed").len(), 8, "{}", tested.said());

    // the same, told apart by the first request alone: what was asked for is said, and how to record it
    let tested = Tested::mode("over_http", &["--cassette", &cassette(folder.path(), &[(0, &[1, 2])])]);
    assert_eq!(tested.ended("undecided"), ["sync"], "{}", tested.said());
    let finding = tested.finding("sync");
    assert!(finding.contains("GET https://api.example.com/items?after=2") && finding.contains("--record"), "{finding}");
    assert_eq!(tested.output.status.code(), Some(1), "nothing was tested");
    assert_eq!(tested.ended("passed"), ["schema"], "{}", tested.said());
    assert_eq!(tested.note("operations"), "the cassette lacks what the sync asks for: see sync");

    // without any
    let tested = Tested::mode("over_http", &[]);
    assert!(tested.finding("sync").contains("there is no cassette"), "{}", tested.said());
    assert_eq!(tested.ended("passed"), ["schema"], "nothing else could be made: {}", tested.said());
    for check in ["operations", "state", "resume", "idempotence", "replay", "capabilities", "habits"] {
        assert_eq!(tested.note(check), "no cassette: see sync", "{}", tested.said());
    }

    // an entry that nothing uses
    let more: [(u64, &[u64]); 4] = [(0, &[1, 2]), (2, &[3, 4]), (4, &[]), (9, &[])];
    let tested = Tested::mode("over_http", &["--cassette", &cassette(folder.path(), &more), "--only", "habits"]);
    assert!(tested.finding("habits").contains("no sync used 1 entry of the cassette"), "{}", tested.said());
}

#[test]
fn what_a_server_answered_can_be_recorded_for_all_checks() {
    let folder = tempfile::tempdir().unwrap();
    let cassette = folder.path().join("issues.har");
    let cassette = cassette.to_str().unwrap();
    let project = repository().join("examples/github-like");
    let server = project.join("server.py");
    let recorded = ["--with-server", server.to_str().unwrap(), "--record", cassette, "--cuts", "3"];
    let live = Tested::of(&project, None, &recorded);
    assert_eq!((live.output.status.code(), live.ended("failed").len()), (Some(0), 0), "{}", live.said());
    assert_eq!(live.verdicts()["resume"], "passed", "{}", live.said());
    assert_eq!(live.verdicts()["replay"], "skipped");

    let replayed = Tested::of(&project, None, &["--cassette", cassette, "--cuts", "3"]);
    let verdicts = replayed.verdicts();
    for check in ["schema", "sync", "operations", "state", "resume", "idempotence", "replay", "capabilities"] {
        assert_eq!(verdicts[check], "passed", "{check}: {}", replayed.said());
    }
}

#[test]
fn components_of_other_languages_are_tested_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("idle.wasm");
    fs::write(&path, component::idle()).unwrap();
    let tested = Tested::of(&path, None, &["--strict"]);
    assert_eq!(tested.output.status.code(), Some(0), "{}", tested.said());
    assert_eq!(tested.note("capabilities"), "the component does not say what it asks for");
    // It did nothing, so that there was nothing to hold it against.
    assert_eq!(tested.ended("passed"), ["habits", "replay", "schema", "sync"], "{}", tested.said());
    for (check, note) in [
        ("operations", "the sync made no operation"),
        ("state", "no checkpoint, so that the state stays {}"),
        ("resume", "nothing to cut: no checkpoint, and one operation at most"),
        ("idempotence", "nothing landed that could change"),
    ] {
        assert_eq!(tested.note(check), note, "{}", tested.said());
    }

    let broken = component::component("", "", "unreachable");
    fs::write(&path, broken).unwrap();
    let tested = Tested::of(&path, None, &[]);
    assert_eq!(tested.ended("failed"), ["sync"], "{}", tested.said());
}

#[test]
fn reports_are_for_people_and_for_machines() {
    let folder = tempfile::tempdir().unwrap();
    let (configuration, junit) = (folder.path().join("configuration.json"), folder.path().join("report.xml"));
    fs::write(&configuration, r#"{"mode": "kit_rows_held_back", "password": "held_back"}"#).unwrap();
    let mut command = sluice();
    command.arg("test").arg(many()).arg("--configuration").arg(&configuration).arg("--junit").arg(&junit);
    let output = command.args(["--seed", "7", "--only", "resume", "--only", "state"]).output().unwrap();
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("resume: FAILED") && said.contains("hint: "), "{said}");
    assert!(said.contains("many did not pass: 1 passed, 1 failed (seed 7)"), "{said}");
    let xml = fs::read_to_string(&junit).unwrap();
    assert!(xml.contains(r#"tests="2" failures="1""#) && xml.contains("<failure message="), "{xml}");
    let listed = sluice().args(["test", "anything", "--list"]).output().unwrap();
    assert!(text(&listed.stdout).contains("idempotence"), "{}", text(&listed.stdout));
}
