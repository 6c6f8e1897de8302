//! `sluice configure`: filling in the form of a real guest, and testing it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::component::idle;
use crate::support::server::Server;
use crate::support::{events, many, repository, sluice, text};

struct Place {
    folder: tempfile::TempDir,
}

struct Said {
    code: Option<i32>,
    out: String,
    error: String,
}

impl Said {
    /// The last line of JSON output.
    fn report(&self) -> Value {
        let last = self.out.lines().last().unwrap_or_default();
        let report = serde_json::from_str(last).unwrap_or_else(|error| panic!("{error}: {}{}", self.out, self.error));
        events::printed("configure", &report);
        report
    }
}

const GOOD: [&str; 4] = ["--set", "mode=quiet", "--set", "region=eu"];

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("configuration.json")
    }

    fn warehouse(&self) -> PathBuf {
        self.folder.path().join("warehouse")
    }

    /// The names of the stored secrets.
    fn stored(&self) -> String {
        let mut command = sluice();
        command.args(["secrets", "list", "many", "--warehouse"]).arg(self.warehouse());
        text(&command.output().unwrap().stdout)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = sluice();
        command.arg("configure").arg(many()).arg("--configuration").arg(self.path());
        command.arg("--warehouse").arg(self.warehouse()).args(arguments);
        command
    }

    fn say(&self, arguments: &[&str]) -> Said {
        let output = self.command(arguments).output().unwrap();
        Said { code: output.status.code(), out: text(&output.stdout), error: text(&output.stderr) }
    }

    /// Runs the tests of a configuration.
    fn test(&self, configuration: &Value, arguments: &[&str]) -> Said {
        fs::write(self.path(), configuration.to_string()).unwrap();
        self.say(&[&["--test", "--json"], arguments].concat())
    }

    fn written(&self) -> Option<Value> {
        fs::read(self.path()).ok().map(|bytes| serde_json::from_slice(&bytes).unwrap())
    }
}

#[test]
fn values_are_written_for_their_owner_only() {
    let place = Place::new();
    fs::write(place.path(), r#"{"other": "kept", "region": "us"}"#).unwrap();
    fs::set_permissions(place.path(), fs::Permissions::from_mode(0o644)).unwrap();
    let secret = place.folder.path().join("secret");
    fs::write(&secret, "pass=word \n").unwrap();
    let from_file = format!("password={}", secret.display());
    let said = place.say(&[&GOOD[..], &["--set-file", &from_file, "--set", "deep=true"]].concat());
    assert_eq!(said.code, Some(0), "{}", said.error);
    let (path, sealed) = (place.path(), place.warehouse().join("many.secrets"));
    assert_eq!(said.out, format!("wrote {}\nstored password in {}\n", path.display(), sealed.display()));
    assert!(!text(&fs::read(sealed).unwrap()).contains("pass=word"));
    assert_eq!(place.stored(), "password\n");
    let expected = json!({"deep": "true", "mode": "quiet", "other": "kept", "region": "eu"});
    assert_eq!(place.written().unwrap(), expected);
    assert_eq!(fs::metadata(place.path()).unwrap().permissions().mode() & 0o777, 0o600);
    let said = place.say(&GOOD);
    assert_eq!((said.code, said.out), (Some(0), format!("{} is as it was\n", place.path().display())));
}

#[test]
fn what_cannot_be_is_refused_and_nothing_is_written() {
    let place = Place::new();
    for (arguments, says) in [
        (vec![], "field mode: a value is required; field region: a value is required"),
        (vec!["--set", "mode=x"], "field region: a value is required"),
        (vec!["--set", "region=Europe"], "field region: it must be one of eu, us"),
        (vec!["--set", "deep=yes"], "field deep: it must be true or false"),
        (vec!["--set", "nope=1"], "its fields are: mode, password, region, deep, server, phrase"),
        (vec!["--set", "password=x"], "pass --set-file password=FILE"),
        (vec!["--set", "mode"], "--set takes NAME=VALUE"),
        (vec!["--set-file", "password=/nope"], "cannot read /nope"),
    ] {
        let said = place.say(&arguments);
        assert_eq!(said.code, Some(2), "{arguments:?}: {}", said.error);
        assert!(said.error.contains(says), "{arguments:?}: {}", said.error);
        assert_eq!(place.written(), None);
    }
}

#[test]
fn a_component_without_a_form_has_nothing_to_fill_in() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("idle.wasm");
    fs::write(&path, idle()).unwrap();
    let output = sluice().arg("configure").arg(&path).output().unwrap();
    assert!(text(&output.stderr).contains("--configuration <FILE>"), "{}", text(&output.stderr));
    let output = sluice().arg("configure").arg(&path).arg("--configuration").arg("x.json").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("idle has no form to fill in"), "{}", text(&output.stderr));
}

#[test]
fn tests_run_in_the_sandbox_and_say_how_they_went() {
    let place = Place::new();
    let server = Server::fixed("200 OK", &[], "hello");
    let mut configuration =
        json!({"mode": "quiet", "region": "eu", "password": "hunter2hunter2", "server": server.origin()});
    let said = place.test(&configuration, &["--allow", &server.origin()]);
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.error);
    let report = said.report();
    assert_eq!(report["tests"][1]["label"], "Reaches the server");
    assert!(report["tests"].as_array().unwrap().iter().all(|test| test["success"] == true), "{report}");
    assert_eq!(server.requests(), 1);

    // Not granted.
    let said = place.test(&configuration, &[]);
    assert_eq!(said.code, Some(4), "{}{}", said.out, said.error);
    assert!(said.out.contains("--allow"), "{}", said.out);
    assert_eq!(server.requests(), 1);

    // In words, with what the connector says made safe and without secrets.
    configuration["region"] = json!("us");
    configuration["mode"] = json!("raise");
    fs::write(place.path(), configuration.to_string()).unwrap();
    let said = place.say(&["--test", "--allow", &server.origin()]);
    assert_eq!(said.code, Some(1));
    assert!(said.out.starts_with("failed  Arrives: only eu works, \\x1b[2Jreally\nok      Reaches"), "{}", said.out);
    assert!(said.out.contains("failed  Behaves: the connector failed: ConnectionError: no luck with"), "{}", said.out);
    assert!(said.error.contains("testing with"), "{}", said.error);
    assert!(!format!("{}{}", said.out, said.error).contains("hunter2"), "{}{}", said.out, said.error);
}

#[test]
fn a_test_can_do_no_more_than_a_sync() {
    let place = Place::new();
    let server = Server::fixed("200 OK", &[], "hello");
    for (mode, code, says) in [
        ("loop", 3, "cpu time limit reached"),
        ("write", 1, "only while update"),
        ("file", 1, "only allowed while update() runs"),
        ("exit", 1, "sys.exit(0) was called"),
    ] {
        let configuration = json!({"mode": mode, "region": "eu", "password": "", "server": server.origin()});
        let said = place.test(&configuration, &["--allow", &server.origin(), "--cpu-time", "2"]);
        assert_eq!(said.code, Some(code), "{mode}: {}{}", said.out, said.error);
        let report = said.report();
        assert_eq!(report["tests"][1]["success"], true, "the others go on");
        let message = report["tests"][2]["message"].as_str().unwrap();
        assert!(message.contains(says), "{mode}: {message}");
    }
}

#[test]
fn a_person_is_asked_and_a_password_is_not_shown() {
    let place = Place::new();
    let typed = json!(["", "quiet", "hunter2hunter2", "1", "y", "", ""]).to_string();
    let mut command = Command::new("python3");
    command.arg(repository().join("tests/all/support/terminal.py")).arg("120").arg(typed);
    let configure = place.command(&[]);
    command.arg(configure.get_program()).args(configure.get_args());
    for (name, value) in configure.get_envs() {
        command.env(name, value.unwrap());
    }
    let output = command.output().unwrap();
    let shown = text(&output.stdout);
    assert!(output.status.success(), "{shown}{}", text(&output.stderr));
    assert!(shown.contains("Mode (required)") && shown.contains("a value is required"), "{shown}");
    assert!(shown.contains("quiet") && !shown.contains("hunter2"), "{shown}");
    let expected = json!({"deep": "true", "mode": "quiet", "region": "eu"});
    assert_eq!(place.stored(), "password\n");
    assert_eq!(place.written().unwrap(), expected, "{shown}");
}
