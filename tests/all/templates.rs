//! What `sluice init` makes: each template tested, synced and its own tests run, unmodified.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

use crate::support::{repository, sluice, text};

struct Made {
    _folder: tempfile::TempDir,
    project: PathBuf,
}

impl Made {
    fn of(template: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let project = folder.path().join(template);
        let made = sluice().arg("init").arg(&project).args(["--template", template]).output().unwrap();
        assert!(made.status.success(), "{}", text(&made.stderr));
        assert!(text(&made.stdout).contains("sluice test"), "says what to do next: {}", text(&made.stdout));
        Self { _folder: folder, project }
    }

    fn path(&self, path: &str) -> PathBuf {
        self.project.join(path)
    }

    /// The kit with these arguments: every check and what came of it.
    fn test(&self, arguments: &[&Path]) -> Vec<(String, String)> {
        let mut command = sluice();
        command.arg("test").arg(&self.project).args(["--json", "--seed", "7", "--cuts", "3"]);
        if let [server] = arguments {
            command.arg("--with-server").arg(server);
        }
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let checks = report["cases"][0]["checks"].as_array().unwrap();
        checks.iter().map(|check| (text(&check["check"]), text(&check["verdict"]))).collect()
    }

    /// The report of a sync with these arguments.
    fn run(&self, flag: &str, path: &str) -> Value {
        let mut command = sluice();
        command.arg("run").arg(&self.project).arg("--warehouse").arg(self.path("warehouse")).arg("--json");
        let output = command.arg(flag).arg(self.path(path)).output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        serde_json::from_str(text(&output.stdout).lines().last().unwrap()).unwrap()
    }

    /// Its own tests, with a plain Python that has nothing beside it.
    fn unit_tests(&self) {
        let mut python = Command::new("python3");
        python.current_dir(&self.project).args(["-m", "unittest", "discover", "-s", "tests"]);
        let ran = python.env("PYTHONDONTWRITEBYTECODE", "1").output().unwrap();
        assert!(ran.status.success() && !text(&ran.stderr).contains("Ran 0 tests"), "{}", said(&ran));
    }
}

fn said(output: &Output) -> String {
    format!("{}\n{}", text(&output.stdout), text(&output.stderr))
}

/// A template over HTTP: from its recording, and from its stand-in.
fn over_http(template: &str, rows: u64) {
    let made = Made::of(template);
    made.unit_tests();
    let verdicts = made.test(&[]);
    assert!(verdicts.iter().all(|(_, verdict)| verdict == "passed"), "{template}: {verdicts:?}");
    assert_eq!(verdicts.len(), 9);
    let replayed = made.run("--replay", "tests/recorded.har");
    assert_eq!((&replayed["rows"], &replayed["cassette"]["replayed"]["missing"]), (&rows.into(), &0.into()));
    std::fs::remove_dir_all(made.path("warehouse")).unwrap();
    assert_eq!(made.run("--with-server", "tests/server.py")["rows"], rows);
}

#[test]
fn rest_api() {
    over_http("rest-api", 7);
}

#[test]
fn incremental() {
    over_http("incremental", 10);
}

#[test]
fn deletes() {
    over_http("deletes", 7);
}

#[test]
fn multi_file() {
    over_http("multi-file", 3 + 5 + 10);
}

#[test]
fn database() {
    let made = Made::of("database");
    made.unit_tests();
    let verdicts = made.test(&[&made.path("tests/server.py")]);
    for (check, verdict) in &verdicts {
        let expected = if check == "replay" { "skipped" } else { "passed" };
        assert_eq!(verdict, expected, "{check}: {verdicts:?}");
    }
    assert_eq!(made.run("--with-server", "tests/server.py")["rows"], 8);
    assert_eq!(made.run("--with-server", "tests/server.py")["rows"], 0, "the second sync starts from the state");
}

#[test]
fn the_default_one() {
    let made = Made::of("default");
    let verdicts = made.test(&[]);
    assert!(verdicts.iter().all(|(_, verdict)| verdict == "passed"), "{verdicts:?}");
}

#[test]
fn templates_are_listed_and_others_refused() {
    let listed = sluice().args(["init", "--list"]).output().unwrap();
    for folder in std::fs::read_dir(repository().join("host/templates")).unwrap() {
        let name = folder.unwrap().file_name().into_string().unwrap();
        assert!(name.starts_with('.') || text(&listed.stdout).contains(&format!("\n{name} ")), "{name}");
    }
    let other = sluice().args(["init", "somewhere", "--template", "other"]).output().unwrap();
    assert_eq!(other.status.code(), Some(2), "{}", said(&other));
}
