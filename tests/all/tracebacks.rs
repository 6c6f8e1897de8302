//! What people are shown of a connector that failed, and what a crash report says of it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Output;

use serde_json::{Value, json};

use crate::support::{Connector, many, sluice, text};

/// A sync as a person runs it, in a mode that fails.
struct Failed {
    folder: tempfile::TempDir,
    output: Output,
}

impl Failed {
    fn in_mode(mode: &str, arguments: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let configuration = folder.path().join("configuration.json");
        fs::write(&configuration, json!({"mode": format!("traceback_{mode}")}).to_string()).unwrap();
        let mut command = sluice();
        command.args(arguments).arg("run").arg(many()).arg("--configuration").arg(configuration);
        command.arg("--warehouse").arg(folder.path().join("warehouse"));
        let output = command.arg("--crash-report").arg(folder.path().join("crash.json")).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
        Self { folder, output }
    }

    fn said(&self) -> String {
        text(&self.output.stdout)
    }

    fn report(&self) -> PathBuf {
        self.folder.path().join("crash.json")
    }
}

fn in_order(said: &str, parts: &[&str]) {
    let mut rest = said;
    for part in parts {
        let at = rest.find(part).unwrap_or_else(|| panic!("{part:?} is not there, or not in its place:\n{said}"));
        rest = &rest[at + part.len()..];
    }
}

#[test]
fn chained_exceptions_are_shown_as_python_does_without_others_frames() {
    let failed = Failed::in_mode("chained", &[]);
    in_order(
        &failed.said(),
        &[
            "LookupError: page 3 cannot be read",
            "Traceback (most recent call last):",
            "tracebacks.py\", line ",
            ", in chained",
            "read_page()",
            ", in read_page",
            "return json.loads(\"{\")",
            "frames of python (-v shows them)",
            "json.decoder.JSONDecodeError: ",
            "The above exception was the direct cause of the following exception:",
            ", in update",
            "raise LookupError(\"page 3 cannot be read\") from error",
            "LookupError: page 3 cannot be read",
            "crash report: ",
        ],
    );
    assert!(failed.report().exists());
    let all = Failed::in_mode("chained", &["-v"]).said();
    assert!(all.contains("in decode") && !all.contains("-v shows"), "{all}");
}

#[test]
fn frames_of_the_sdk_are_one_line() {
    let said = Failed::in_mode("during_handling", &[]).said();
    in_order(
        &said,
        &[
            "During handling of the above exception, another exception occurred:",
            "op.upsert(\"items\", {\"id\": object()})",
            "of sluice (-v shows them)",
            "TypeError",
        ],
    );
    assert!(!said.contains("_writer.py"), "{said}");
}

#[test]
fn groups_and_notes_are_shown() {
    let said = Failed::in_mode("grouped", &[]).said();
    let parts = [
        "ExceptionGroup: several pages (2 sub-exceptions)",
        "look at the service",
        "ValueError: page 1",
        "TypeError: page 2",
    ];
    in_order(&said, &parts);
}

#[test]
fn programs_get_frames_and_the_last_log_lines() {
    let sync =
        Connector::mode("traceback_leaking").with("api_key", "s3cret-key-value").with("region", "Westeros").sync();
    let outcome = &sync.report()["outcome"];
    let last = outcome["frames"].as_array().unwrap().last().unwrap();
    assert_eq!(
        (&last["file"], &last["function"], &last["owner"]),
        (&json!("tracebacks.py"), &json!("leaking"), &json!("connector"))
    );
    assert_eq!(last["source"], "raise ValueError(");
    let lines = outcome["last_log_lines"].as_array().unwrap();
    assert_eq!((lines.len(), &lines[9]), (10, &json!("INFO line 19 with [redacted] in Westeros")));
    assert!(!sync.everything().contains("s3cret"), "{}", sync.everything());
}

#[test]
fn a_crash_report_holds_nothing_of_configuration_source_or_rows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("crash.json");
    let connector = Connector::mode("traceback_leaking").with("api_key", "s3cret-key-value").with("region", "Westeros");
    let sync = connector.arguments(&["--crash-report", path.to_str().unwrap(), "--env", "SIDE=Oldtown-7"]).sync();
    assert_eq!(sync.report()["outcome"]["crash_report"], path.to_str().unwrap());
    let written = fs::read_to_string(&path).unwrap();
    for planted in ["s3cret", "Westeros", "Oldtown", "Lovelace", "/orders", "key="] {
        assert!(!written.contains(planted), "{planted} is in the report:\n{written}");
    }
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let report: Value = serde_json::from_str(&written).unwrap();
    assert_eq!((&report["class"], &report["connector"]["name"]), (&json!("connector"), &json!("many")));
    assert_eq!(report["connector"]["digest"].as_str().unwrap().len(), 64);
    assert_eq!(report["frames"].as_array().unwrap().last().unwrap()["function"], "leaking");
    assert_eq!(report["last_log_lines"][9], "INFO line 19 with [redacted] in [redacted]");
    assert!(report["message"].as_str().unwrap().contains("https://api.example.com/…"), "{written}");
    assert!(report["limits"]["memory_bytes"].as_u64().is_some(), "{written}");
}
