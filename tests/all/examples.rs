//! What a newcomer tries first: the examples, and the project that `sluice init` makes.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::support::{Database, repository, sluice, text};

struct Tried {
    folder: tempfile::TempDir,
    project: PathBuf,
    arguments: Vec<String>,
}

impl Tried {
    fn example(name: &str) -> Self {
        Self::project(repository().join("examples").join(name))
    }

    fn project(project: PathBuf) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), project, arguments: Vec::new() }
    }

    /// Runs it as its author would, and answers the report.
    fn run(&self) -> Value {
        let mut command = sluice();
        command.arg("run").arg(&self.project).arg("--warehouse").arg(self.folder.path()).arg("--json");
        let output = command.args(&self.arguments).output().unwrap();
        let said = text(&output.stdout);
        assert!(output.status.success(), "{said}\n{}", text(&output.stderr));
        serde_json::from_str(said.lines().last().unwrap()).unwrap()
    }

    fn database(&self, connection: &str) -> Database {
        let path = self.folder.path().join(format!("{connection}.db"));
        Database(rusqlite::Connection::open(path).unwrap())
    }
}

#[test]
fn hello() {
    let hello = Tried::example("hello");
    for syncs in 1..=2 {
        assert_eq!(hello.run()["checkpoints"], 1);
        let rows = hello.database("hello").query("SELECT id, message, syncs FROM greetings");
        assert_eq!(rows, [[json!(1), json!("hello, world"), json!(syncs)]]);
    }
}

#[test]
fn three_operations() {
    let example = Tried::example("three_operations");
    example.run();
    let database = example.database("three_operations");
    assert_eq!(
        database.query("SELECT id, name, city, born, _sluice_deleted FROM people ORDER BY id"),
        [
            [json!("ada"), json!("Ada Lovelace"), Value::Null, json!("1815-12-10"), json!(0)],
            [json!("alan"), json!("Alan"), json!("London"), json!("1912-06-23"), json!(1)],
            [json!("grace"), json!("Grace"), json!("Arlington"), json!("1906-12-09"), json!(0)],
        ]
    );
}

#[test]
fn github_like() {
    let mut example = Tried::example("github-like");
    let server = example.project.join("server.py");
    example.arguments = vec!["--with-server".to_owned(), server.display().to_string()];
    let first = example.run();
    assert_eq!(first["rows"], 2 * 240);
    let database = example.database("github_like");
    assert_eq!(database.value("SELECT count(*) FROM issues"), json!(240));
    assert_eq!(
        database
            .query("SELECT id, number, title, state, comments, labels, updated_at, author FROM issues WHERE id = 1003"),
        [[
            json!(1003),
            json!(3),
            json!("Issue number 3"),
            json!("closed"),
            json!(3),
            json!(r#"["question"]"#),
            json!("2024-01-01T03:00:00.000000Z"),
            json!("edsger")
        ]]
    );
    assert_eq!(
        database.query("SELECT login FROM users WHERE site_admin ORDER BY login"),
        [[json!("ada")]],
        "six people, one of them an administrator"
    );
    assert_eq!(database.value("SELECT count(*) FROM users"), json!(6));
    // five pages, and a request that failed once on the way
    assert_eq!(first["hosts"][0]["requests"], 5);

    let second = example.run();
    assert_eq!((&second["rows"], &second["hosts"][0]["requests"]), (&json!(0), &json!(1)));
    assert_eq!(database.value("SELECT count(*) FROM issues"), json!(240));
}

#[test]
fn the_project_that_init_makes() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("my-first");
    let made = sluice().arg("init").arg(&folder).output().unwrap();
    assert!(made.status.success(), "{}", text(&made.stderr));
    assert!(text(&made.stdout).contains("sluice run"), "says what to do next: {}", text(&made.stdout));

    let project = Tried::project(folder.clone());
    let report = project.run();
    let connection = report["connection"].as_str().unwrap();
    let rows = project.database(connection).query("SELECT id, customer, total, updated_at FROM orders ORDER BY id");
    assert_eq!(
        rows,
        [
            [json!(1), json!("Ada"), json!(14.0), json!("2025-01-03T17:45:00.000000Z")],
            [json!(2), json!("Grace"), json!(80.0), json!("2025-01-01T10:30:00.000000Z")],
            [json!(3), json!("Alan"), json!(7.25), json!("2025-01-02T08:15:00.000000Z")],
        ]
    );
    assert_eq!(project.run()["rows"], 0, "the second sync starts from the state");
    unit_tests(&folder);

    // nothing is ever overwritten
    let again = sluice().arg("init").arg(&folder).output().unwrap();
    assert_eq!(again.status.code(), Some(2));
    assert!(text(&again.stderr).contains("my-first"), "{}", text(&again.stderr));
}

/// The project's own tests, with a plain Python: first with nothing beside it, then with the
/// SDK where an author's editor would find it.
fn unit_tests(folder: &Path) {
    for path in ["", "guest-python/src"] {
        let mut python = Command::new("python3");
        python.current_dir(folder).args(["-m", "unittest", "discover", "-s", "tests"]);
        let ran =
            python.env("PYTHONPATH", repository().join(path)).env("PYTHONDONTWRITEBYTECODE", "1").output().unwrap();
        let said = text(&ran.stderr);
        assert!(ran.status.success() && said.contains("Ran 4 tests"), "{said}");
    }
}
