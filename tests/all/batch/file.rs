//! `sluice validate`, and files that a batch refuses.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::Fleet;
use crate::support::{events, many, repository, sluice, text};

const SCHEMA: &str = "docs/sluice.schema.json";

/// A fleet of connections that are wrong, and what is said of them.
fn wrong() -> Fleet {
    let fleet = Fleet::new("");
    fs::write(fleet.path("text.wasm"), "no component").unwrap();
    fs::write(fleet.path("nested.json"), r#"{"a": {"b": 1}}"#).unwrap();
    fs::create_dir(fleet.path("empty")).unwrap();
    let component = json!(many());
    let text = format!(
        r#"
[connections.gone]
component = "gone.wasm"

[connections.not_one]
component = "text.wasm"

[connections.no_project]
component = "empty"

[connections.parts]
component = {component}
configuration = "nested.json"
ca_file = "ca.pem"
pass_environment = ["SLUICE_TEST_NOT_THERE"]
secret_files.a = "/nowhere/a"
secret_environment.b = "SLUICE_TEST_NOT_THERE"
secret = ["c"]
secrets.d.hosts = ["https://a.example"]

[connections.right]
component = {component}
configuration = {{ mode = "resumable", rows = "1", every = "1", e = "here" }}
secret = ["e"]
"#
    );
    Fleet { text, ..fleet }
}

#[test]
fn everything_that_is_named_is_looked_at() {
    let fleet = wrong();
    let output = fleet.command("validate").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let said = text(&output.stdout);
    for expected in [
        "sluice.toml:3: connections.gone.component: there is no gone.wasm",
        "sluice.toml:6: connections.not_one.component: text.wasm",
        "sluice.toml:9: connections.no_project.component:",
        "sluice.toml:13: connections.parts.configuration: nested.json",
        "sluice.toml:14: connections.parts.ca_file: cannot read the CA file ca.pem",
        "sluice.toml:15: connections.parts.pass_environment:",
        "sluice.toml:16: connections.parts.secret_files: the secret a: cannot read /nowhere/a",
        "sluice.toml:17: connections.parts.secret_environment: the secret b: there is no variable",
    ] {
        assert!(said.contains(expected), "{expected}:\n{said}");
    }
    assert!(!said.contains("connections.right"), "{said}");
    let output = fleet.command("validate").arg("--json").output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    events::printed_all("validate", &report);
    let problems = report["problems"].as_array().unwrap();
    assert!(problems.len() >= 8 && problems.iter().all(|one| one["line"].is_u64()), "{report}");
    assert!(!fleet.path("warehouse").exists(), "nothing is made");
}

#[test]
fn secrets_and_grants_that_are_missing_are_named() {
    let fleet = Fleet::new("");
    let project = fleet.path("asks");
    fs::create_dir(&project).unwrap();
    fs::write(project.join("connector.py"), "").unwrap();
    let manifest = "name = \"asks\"\nversion = \"1.0.0\"\n[secrets.token]\nhosts = [\"https://a.example\"]\n";
    fs::write(project.join("connector.toml"), manifest).unwrap();
    let fleet = Fleet {
        text: "[connections.asks]\ncomponent = \"asks\"\nsecret = [\"dsn\"]\nconfiguration = { token = \"\" }\n"
            .to_owned(),
        ..fleet
    };
    let output = fleet.command("validate").output().unwrap();
    let said = text(&output.stdout);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("the secret token has no value"), "{said}");
    assert!(said.contains("hint: store it with `sluice secrets set asks dsn`"), "{said}");
}

#[test]
fn a_batch_runs_nothing_of_a_file_that_is_wrong() {
    let fleet = Fleet::new("concurency = 2").rows("good", 5, "alow = []");
    let batch = fleet.command("batch").output().unwrap();
    let said = text(&batch.stderr);
    assert_eq!(batch.status.code(), Some(2));
    assert!(said.contains("sluice.toml has 2 problems, nothing ran"), "{said}");
    assert!(said.contains("sluice.toml:1: concurency") && said.contains("did you mean `allow`?"), "{said}");
    assert!(!fleet.path("warehouse").exists());

    let fleet = Fleet::new("").rows("good", 5, "");
    let batch = fleet.command("batch").args(["--only", "god"]).output().unwrap();
    let said = text(&batch.stderr);
    assert!(batch.status.code() == Some(2) && said.contains("did you mean `good`?"), "{said}");
    drop(fleet.command("batch"));
    fs::set_permissions(fleet.path("sluice.toml"), fs::Permissions::from_mode(0o666)).unwrap();
    let batch = sluice().args(["batch", "--file"]).arg(fleet.path("sluice.toml")).output().unwrap();
    assert!(batch.status.code() == Some(2) && text(&batch.stderr).contains("chmod o-w"), "{}", text(&batch.stderr));
}

fn schema() -> String {
    let output = sluice().args(["validate", "--schema"]).output().unwrap();
    assert!(output.status.success());
    text(&output.stdout)
}

#[test]
fn the_schema_for_editors_is_current() {
    let path = repository().join(SCHEMA);
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(written == schema(), "write it anew: sluice validate --schema > {SCHEMA}");
}

/// The complete file of the guide, and the parts that it shows.
fn shown() -> Vec<String> {
    let guide = fs::read_to_string(repository().join("docs/batch.md")).unwrap();
    let blocks = guide.split("```toml\n").skip(1).filter_map(|block| block.split_once("\n```"));
    blocks.map(|(block, _)| block.to_owned()).collect()
}

#[test]
fn the_files_of_the_guide_are_understood() {
    let shown = shown();
    assert!(!shown.is_empty(), "the guide shows a file");
    for text in shown {
        let fleet = sluicegate::fleet::read(&text, std::path::Path::new(""));
        assert!(fleet.is_ok(), "{text}\n{:?}", fleet.err());
    }
}

/// Holds a file's content against the schema with another's implementation of JSON Schema; prints what does not fit.
const HOLD: &str = "
import json, sys
from jsonschema import Draft202012Validator
schema, files = json.load(sys.stdin)
Draft202012Validator.check_schema(schema)
held = Draft202012Validator(schema)
print(json.dumps([[error.message for error in held.iter_errors(one)] for one in files]))
";

#[test]
fn the_schema_takes_what_the_parser_takes_and_refuses_what_it_refuses() {
    let right = shown();
    let wrong = [
        "concurency = 3",
        "[connections.a]",
        "[connections.Shop]\ncomponent = 'a'",
        "[connections.a]\ncomponent = 'a'\nalow = []",
        "[connections.a]\ncomponent = 'a'\nevery = '5'",
        "[connections.a]\ncomponent = 'a'\nretry.attempts = 0",
        "[connections.a]\ncomponent = 'a'\nlimits.memory = 1",
        "[connections.a]\ncomponent = 'a'\ndestination.deletes = 'harsh'",
        "[connections.a]\ncomponent = 'a'\nconfiguration = { a = 1 }",
        "[connections.a]\ncomponent = 'a'\noauth.t = { client_id = 'c' }",
        "[defaults]\ncomponent = 'a'",
    ];
    for text in wrong {
        assert!(sluicegate::fleet::read(text, std::path::Path::new("")).is_err(), "{text}");
    }
    let values = right.iter().map(String::as_str).chain(wrong);
    let files: Vec<Value> = values.map(|text| toml::from_str(text).unwrap()).collect();
    let schema: Value = serde_json::from_str(&schema()).unwrap();
    let python = crate::sdk::environment("jsonschema", "jsonschema==4.26.0\n").unwrap();
    let mut child =
        Command::new(python).args(["-c", HOLD]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let input = json!([schema, files]).to_string();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    let found: Vec<Vec<String>> = serde_json::from_slice(&output.stdout).unwrap();
    for (text, errors) in right.iter().map(String::as_str).chain(wrong).zip(&found) {
        assert_eq!(errors.is_empty(), !wrong.contains(&text), "{text}: {errors:?}");
    }
}
