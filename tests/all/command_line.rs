//! The command line: what it says, what it refuses, and with which exit code.

mod help;

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::support::{Connector, events, many, sluice, text};

/// Runs `sluice` with these arguments.
fn say(arguments: &[&str]) -> Output {
    sluice().args(arguments).output().unwrap()
}

/// A refusal: exit code 2, and everything it says.
fn refused(arguments: &[&str]) -> String {
    let output = say(arguments);
    let said = format!("{}{}", text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}");
    assert!(!said.contains("panicked"), "{said}");
    said
}

fn many_path() -> &'static str {
    many().to_str().unwrap()
}

/// A project of these files, in a folder of that name.
struct Project(tempfile::TempDir, &'static str);

impl Project {
    fn of(name: &'static str, files: &[(&str, &str)]) -> Self {
        let place = tempfile::tempdir().unwrap();
        fs::create_dir(place.path().join(name)).unwrap();
        for (file, content) in files {
            fs::write(place.path().join(name).join(file), content).unwrap();
        }
        Self(place, name)
    }

    fn path(&self, file: &str) -> String {
        self.0.path().join(self.1).join(file).display().to_string()
    }

    fn folder(&self) -> String {
        self.0.path().join(self.1).display().to_string()
    }
}

const SMALL: &str = "from fivetran_connector_sdk import Connector, Operations as op\n\n\
                     def update(configuration, state):\n    op.upsert('rows', {'id': 1})\n    op.checkpoint({})\n\n\
                     connector = Connector(update=update)\n";

#[test]
fn a_configuration_that_is_not_flat_strings_is_refused_by_key() {
    for (content, expected) in [
        (r#"{"api_key": 4711}"#, "`api_key` is a number"),
        (r#"{"deep": {"secret": "4711"}}"#, "`deep` is an object"),
        (r#"["4711"]"#, "must be a JSON object of strings"),
        ("{\n\"a\": \"4711\",\n}", "not valid JSON (line 3"),
        (r#"{"url": "${server}/4711"}"#, "`url` holds ${server}, but there is no test server"),
    ] {
        let project = Project::of("refused", &[("connector.py", SMALL), ("configuration.json", content)]);
        let said = refused(&["run", &project.folder()]);
        assert!(said.contains("configuration.json") && said.contains(expected), "{said}");
        assert!(!said.contains("4711"), "a value is never repeated: {said}");
        assert!(!said.contains("compiling"), "nothing was built for it: {said}");
    }
}

#[test]
fn grants_that_are_none_are_refused() {
    for (grant, expected) in [
        ("*", "not absolute"),
        ("https://*", "a wildcard is only possible"),
        ("https://*.com", "a wildcard is only possible"),
        ("ftp://x.example", "neither https nor http"),
        ("https://user:4711@x.example", "user information"),
        ("https://x.example/path", "leave out path"),
        ("http://x.example:99999", "the port"),
        ("", "not absolute"),
    ] {
        let said = refused(&["run", many_path(), "--allow", grant]);
        assert!(said.contains(&format!("--allow {grant}: ")) && said.contains(expected), "{said}");
    }
    for (grant, expected) in [("x.example", "host=range"), ("x.example=10.0.0.0/99", "--allow-address")] {
        let said = refused(&["run", many_path(), "--allow-address", grant]);
        assert!(said.contains(expected), "{said}");
    }
    let said = refused(&["run", many_path(), "--ca-file", "/nowhere/ca.pem"]);
    assert!(said.contains("cannot read the CA file /nowhere/ca.pem"), "{said}");
    let project = Project::of("authority", &[("ca.pem", "no certificate")]);
    let said = refused(&["run", many_path(), "--ca-file", &project.path("ca.pem")]);
    assert!(said.contains("no PEM certificate"), "{said}");
}

#[test]
fn a_subject_that_is_none_is_refused() {
    for command in ["run", "check"] {
        let said = refused(&[command, "/nowhere/x.wasm"]);
        assert!(said.contains("/nowhere/x.wasm"), "{said}");
    }
    let project = Project::of("empty", &[("notes.txt", "no component")]);
    let said = refused(&["run", &project.path("notes.txt")]);
    assert!(said.contains("notes.txt is not a component") && said.contains("hint: name a component (.wasm)"), "{said}");
    assert!(!said.contains("machine code"), "{said}");
    for command in ["run", "build", "check"] {
        let said = refused(&[command, &project.folder()]);
        assert!(said.contains("connector.py"), "{command}: {said}");
    }
    let said = refused(&["run"]);
    assert!(said.contains("<SUBJECT>"), "{said}");
    refused(&["no-such-command"]);
}

#[test]
fn a_connection_has_a_plain_name() {
    let place = tempfile::tempdir().unwrap();
    let warehouse = place.path().join("warehouse").display().to_string();
    let long = "x".repeat(101);
    for name in ["", "Bad Name", "../escape", "a/b", ".hidden", "1st", "grüße", "UPPER", "a.db", &long] {
        let said = refused(&["run", many_path(), "--connection", name, "--warehouse", &warehouse]);
        assert!(said.contains("the name of the connection is not acceptable"), "{name}: {said}");
        let said = refused(&["state", "show", "--warehouse", &warehouse, "--", name]);
        assert!(said.contains("the name of the connection is not acceptable"), "{name}: {said}");
    }
    let inside: Vec<_> = fs::read_dir(place.path().join("warehouse")).into_iter().flatten().collect();
    assert!(inside.is_empty(), "{inside:?}");
}

#[test]
fn limits_that_cannot_be_are_refused() {
    for (limit, value, expected) in
        [("--memory", "1", "memory"), ("--wall-time", "0", "wall"), ("--cpu-time", "abc", "--cpu-time")]
    {
        let said = refused(&["run", many_path(), limit, value]);
        assert!(said.contains(expected), "{said}");
    }
}

#[test]
fn completions_are_scripts() {
    for shell in ["bash", "zsh", "fish"] {
        let output = say(&["completions", shell]);
        assert!(output.status.success());
        let script = text(&output.stdout);
        assert!(script.contains("sluice") && script.contains("allow-address"), "{shell}");
        if shell == "bash" {
            let file = tempfile::NamedTempFile::new().unwrap();
            fs::write(file.path(), &script).unwrap();
            assert!(Command::new("bash").arg("-n").arg(file.path()).status().unwrap().success());
        }
    }
}

#[test]
fn every_line_of_json_output_is_an_object() {
    let connector = Connector::mode("log_levels");
    let sync = connector.succeed();
    let names: Vec<_> = sync.stdout.lines().map(event_name).collect();
    sync.events.iter().filter(|event| event["event"] != "finished").for_each(events::complete);
    assert_eq!((names.first(), names.last()), (Some(&"started".to_owned()), Some(&"finished".to_owned())), "{names:?}");
    assert!(sync.stderr.is_empty(), "{}", sync.stderr);

    // a failed sync ends its stream with the report too
    let failed = Connector::mode("bad_value").sync();
    let names: Vec<_> = failed.stdout.lines().map(event_name).collect();
    assert_eq!(names.last().map(String::as_str), Some("finished"), "{names:?}");

    let place = tempfile::tempdir().unwrap();
    let output = place.path().join("many.wasm").display().to_string();
    let project = crate::support::repository().join("tests/guests/many").display().to_string();
    let built = say(&["build", &project, "-o", &output, "--json"]);
    let last: Value = serde_json::from_str(text(&built.stdout).lines().last().unwrap()).unwrap();
    events::printed_all("build", &last);
    assert_eq!((&last["name"], &last["component"]), (&json!("many"), &json!(output)));
    assert_eq!(last["bytes"], fs::metadata(&output).unwrap().len());
}

fn event_name(line: &str) -> String {
    let event: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    assert!(event["time"].as_str().is_some_and(|time| time.ends_with('Z')), "{line}");
    event["event"].as_str().unwrap_or_else(|| panic!("no event: {line}")).to_owned()
}

#[test]
fn a_reader_that_goes_away_does_not_fail_the_sync() {
    let connector = Connector::mode("operations");
    let mut child = connector.command().spawn().unwrap();
    drop((child.stdout.take(), child.stderr.take()));
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(connector.state(), json!({"step": 2}));
}

/// Builds a project and answers its report.
fn build(project: &Project) -> (Value, String) {
    let output = say(&["build", &project.folder(), "--json"]);
    let said = text(&output.stdout);
    assert!(output.status.success(), "{said}{}", text(&output.stderr));
    (serde_json::from_str(said.lines().last().unwrap()).unwrap(), said)
}

#[test]
fn a_project_is_built_when_something_changed_and_asks_by_name() {
    const ASKING: &str =
        "name = \"asking\"\n[network]\nallow = [\"https://api.example.com\", \"https://*.other.example\"]\n";
    let silent = Project::of("asking", &[("connector.py", SMALL), ("connector.toml", "name = \"asking\"\n")]);
    let asking = Project::of("asking", &[("connector.py", SMALL), ("connector.toml", ASKING)]);
    let (first, _) = build(&silent);
    let (again, said) = build(&silent);
    assert_eq!((&again["fresh"], &again["digest"]), (&json!(false), &first["digest"]));
    assert!(!said.contains("compiling"), "nothing is built: {said}");
    let output = say(&["build", &silent.folder()]);
    assert!(text(&output.stdout).contains(", unchanged)"), "{}", text(&output.stdout));

    let (changed, _) = build(&asking);
    assert_ne!(changed["source"], first["source"]);
    assert_ne!(changed["digest"], first["digest"]);

    // Given away as a component, its own list grants nothing.
    let component = changed["component"].as_str().unwrap();
    let place = tempfile::tempdir().unwrap();
    let warehouse = place.path().join("warehouse").display().to_string();
    let run = |grants: &[&str]| say(&[&["run", component, "--warehouse", &warehouse], grants].concat());
    let said = run(&[]);
    assert_eq!(said.status.code(), Some(4), "{}", text(&said.stderr));
    let said = text(&said.stderr);
    assert!(said.contains("asking asks for network access that is not granted: https://api.example.com"), "{said}");
    assert!(said.contains("--allow https://api.example.com --allow https://*.other.example"), "{said}");
    assert!(!said.contains("machine code") && !Path::new(&warehouse).exists(), "nothing was done: {said}");
    // A part is not enough, and only the rest is named.
    let said = text(&run(&["--allow", "https://api.example.com"]).stderr);
    assert!(said.contains("not granted: https://*.other.example\n"), "{said}");
    let granted = run(&["--allow", "https://api.example.com", "--allow", "https://*.other.example"]);
    assert_eq!(granted.status.code(), Some(0), "{}", text(&granted.stderr));

    // Run from their folders: an own project may change, but what it asks for more is shown first.
    let warehouse = place.path().join("own").display().to_string();
    let run = |project: &Project, more: &[&str]| {
        say(&[&["run", project.folder().as_str(), "--warehouse", warehouse.as_str()], more].concat())
    };
    assert_eq!(run(&silent, &[]).status.code(), Some(0));
    let said = run(&asking, &[]);
    assert_eq!(said.status.code(), Some(4), "{}", text(&said.stderr));
    let said = text(&said.stderr);
    assert!(said.contains("asks for more: network https://api.example.com, network https://*.other.example"), "{said}");
    assert_eq!(run(&asking, &["--accept"]).status.code(), Some(0));
    assert_eq!(run(&silent, &[]).status.code(), Some(0), "asking for less is no question");
}

#[test]
fn a_dependency_with_machine_code_is_refused_in_a_sentence() {
    let project = Project::of("native", &[("connector.py", SMALL), ("requirements.txt", "numpy\n")]);
    let said = refused(&["build", &project.folder()]);
    let error = said.lines().find(|line| line.starts_with("error")).unwrap();
    assert!(error.contains("numpy cannot be used: it is machine code"), "{said}");
    assert!(!said.contains("ERROR:") && !said.contains("Traceback"), "pip's own words stay out: {said}");
}

#[test]
fn a_syntax_error_is_shown_with_file_and_line() {
    let broken = "from fivetran_connector_sdk import Connector\n\ndef update(configuration, state)\n    pass\n";
    let project = Project::of("broken", &[("connector.py", broken), ("helper.py", "x = (\n"), ("fine.py", "y = 1\n")]);
    let said = refused(&["build", &project.folder()]);
    assert!(said.contains("connector.py:3: expected ':'"), "{said}");
    assert!(said.contains("helper.py:1: '(' was never closed"), "every file is named: {said}");
    assert!(!said.contains("fine.py") && !said.contains("Traceback"), "{said}");
}

#[test]
fn a_test_server_must_be_on_loopback() {
    let project = Project::of(
        "served",
        &[("far.py", "print('http://192.0.2.1:80', flush=True)"), ("silent.py", ""), ("odd.py", "print('hello')")],
    );
    for (script, expected) in
        [("far.py", "its URL is not on loopback"), ("silent.py", "it printed no URL"), ("odd.py", "did not start")]
    {
        let said = refused(&["run", many_path(), "--with-server", &project.path(script)]);
        assert!(said.contains(script) && said.contains(expected), "{said}");
        assert!(said.contains("hint: its first line on standard output must be its URL"), "{said}");
    }
}

/// A sync as a person sees it: standard output and standard error.
fn watched(mode: &str, change: impl FnOnce(&mut Command)) -> (String, String) {
    let place = tempfile::tempdir().unwrap();
    let configuration = place.path().join("configuration.json");
    fs::write(&configuration, json!({"mode": mode}).to_string()).unwrap();
    let mut command = sluice();
    command.args(["run", many_path(), "--connection", "shop", "--configuration"]).arg(configuration);
    command.arg("--warehouse").arg(place.path().join("warehouse")).stdin(Stdio::null());
    change(&mut command);
    let output = command.output().unwrap();
    (text(&output.stdout), text(&output.stderr))
}

/// What differs between two runs, replaced.
fn steady(said: &str) -> String {
    let mut steady = String::new();
    for line in said.lines() {
        let line = line.trim_end();
        let kept = match line.split_whitespace().next() {
            Some("sync") => format!("{} (<digest>)", line.split(" (").next().unwrap()),
            Some("rows") if line.contains("rows/s") => format!("{}, <rate>", line.rsplit_once(", ").unwrap().0),
            Some(label @ ("time" | "database")) => format!("  {label:<13}<{label}>"),
            Some("crash") => "  crash report: <file>".to_owned(),
            Some("peak") => "  peak memory  <memory>".to_owned(),
            Some("File") if line.contains(", line ") => {
                let (file, rest) = line.split_once(", line ").unwrap();
                format!("{file}, line <line>{}", rest.trim_start_matches(|c: char| c.is_ascii_digit()))
            }
            _ => match line.rsplit_once("  2") {
                Some((before, time)) if time.ends_with('Z') => format!("{before}  <time>"),
                _ => line.to_owned(),
            },
        };
        steady += &kept;
        steady.push('\n');
    }
    steady
}

#[test]
fn the_summary_of_a_sync() {
    let (out, _) = watched("operations", |_| ());
    insta::assert_snapshot!(steady(&out), @r"
    sync of shop succeeded: many 1.0.0 (<digest>)

      table       upserts  updates  deletes  truncates
      things            4        2        2          0
      pages             3        0        0          1
      never_seen        0        0        0          1

      rows         11 (186 B), <rate>
      checkpoints  2
      time         <time>
      peak memory  <memory>
      database     <database>

    pages (2 rows)
      id  old  _sluice_deleted  _sluice_synced
       1  1    1                <time>
       2  0    0                <time>

    things (3 rows)
      id  name   size  _sluice_deleted  _sluice_synced
       1  uno    NULL  0                <time>
       2  two      22  0                <time>
       3  three     3  1                <time>
    ");
}

#[test]
fn the_summary_of_a_sync_that_failed() {
    let (out, _) = watched("failing_tail", |command| {
        command.args(["--preview", "0"]);
    });
    insta::assert_snapshot!(steady(&out), @r#"
    sync of shop failed in the connector: many 1.0.0 (<digest>)
      ValueError: the source went away
        Traceback (most recent call last):
          File "/project/connector.py", line <line>, in update
            return MODES[configuration["mode"]](configuration, state)
                   ~~~~~~~~~~~~~~~~~~~~~~~~~~~~^^^^^^^^^^^^^^^^^^^^^^
          File "/project/rows.py", line <line>, in failing_tail
            raise ValueError("the source went away")
        ValueError: the source went away
      crash report: <file>

      table  upserts  updates  deletes  truncates
      items       10        0        0          0

      rows         5,011 (39.1 KiB) received, <rate>
      checkpoints  1
      time         <time>
      peak memory  <memory>
      database     <database>
    "#);
}

#[test]
fn the_log_as_a_person_sees_it() {
    let (_, error) = watched("log_levels", |_| ());
    let lines: String = error.lines().map(|line| format!("{}\n", line.get(13..).unwrap_or(line).trim_end())).collect();
    insta::assert_snapshot!(lines, @r"
    DEBUG    a debug
    FINE     a fine
    INFO     an info
    WARNING  a warning
    ERROR    an error
    SEVERE   a severe\nValueError: cause\n
    CRITICAL a critical
    WARNING  an operator's warning
    INFO     printed
    WARNING  from a library
    ");
}

#[test]
fn colours_only_where_they_are_wanted() {
    let escapes = |change: fn(&mut Command)| {
        let (out, error) = watched("log_levels", change);
        (out + &error).contains('\u{1b}')
    };
    assert!(!escapes(|_| ()), "NO_COLOR is set");
    assert!(
        !escapes(|command| {
            command.env_remove("NO_COLOR");
        }),
        "not a terminal"
    );
    assert!(escapes(|command| {
        command.env_remove("NO_COLOR").env("CLICOLOR_FORCE", "1");
    }));
}
