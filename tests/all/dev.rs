//! `sluice dev` on real projects: what is saved runs, whatever it is.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};

use crate::support::server::Server;
use crate::support::{Connector, Database, events, sluice, text};

/// Longest wait for what must come; a runner may have to be made first.
const PATIENCE: Duration = Duration::from_secs(600);

struct Project(tempfile::TempDir);

impl Project {
    fn new(connector: &str) -> Self {
        let project = Self(tempfile::tempdir().unwrap());
        project.save("connector.toml", "name = \"shop\"\n");
        project.save("connector.py", connector);
        project
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Saves a file as an editor does, so that it is never half-written.
    fn save(&self, name: &str, text: &str) {
        let beside = self.path().join(format!("{name}.tmp"));
        fs::write(&beside, text).unwrap();
        fs::rename(beside, self.path().join(name)).unwrap();
    }

    fn database(&self) -> Database {
        let path = self.path().join(".sluice/dev/shop.db");
        Database(Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap())
    }

    fn rows(&self) -> Vec<Value> {
        let rows = self.database().query("SELECT text FROM t ORDER BY id");
        rows.into_iter().map(|row| row[0].clone()).collect()
    }

    fn dev(&self, arguments: &[&str]) -> Dev {
        let mut command = sluice();
        command.arg("dev").arg(self.path()).arg("--json").args(arguments);
        Dev::start(command)
    }

    fn once(&self, arguments: &[&str]) -> (Option<i32>, Value) {
        let mut command = sluice();
        command.arg("dev").arg(self.path()).args(["--json", "--once"]).args(arguments);
        let output = command.output().unwrap();
        let last = text(&output.stdout).lines().last().map(|line| serde_json::from_str(line).unwrap());
        (output.status.code(), last.unwrap_or_else(|| panic!("{}", text(&output.stderr))))
    }
}

/// A session under way; ended with this.
struct Dev {
    child: Child,
    events: Receiver<Value>,
}

impl Dev {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let (sender, events) = channel();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let event = serde_json::from_str(&line).unwrap();
                events::described(&event);
                let _ = sender.send(event);
            }
        });
        Self { child, events }
    }

    /// The next event of this name; what comes before it is passed over.
    #[track_caller]
    fn until(&self, name: &str) -> Value {
        let mut passed = Vec::new();
        loop {
            match self.events.recv_timeout(PATIENCE) {
                Ok(event) if event["event"] == name => return event,
                Ok(event) => passed.push(event),
                Err(error) => panic!("no {name} ({error}) after {passed:#?}"),
            }
        }
    }

    /// How the last sync ended, or was refused, when nothing is left to do.
    #[track_caller]
    fn rest(&self) -> Value {
        let mut last = None;
        loop {
            match self.events.recv_timeout(PATIENCE) {
                Ok(event) if event["event"] == "watching" => return last.expect("a sync before"),
                Ok(event) if event["event"] == "finished" || event["event"] == "refused" => last = Some(event),
                Ok(_) => {}
                Err(error) => panic!("it does not come to rest ({error}) after {last:#?}"),
            }
        }
    }

    fn end(mut self) -> Option<i32> {
        let id = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(id, rustix::process::Signal::INT).unwrap();
        self.child.wait().unwrap().code()
    }
}

impl Drop for Dev {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A connector that sends one row with what an expression is.
fn sends(expression: &str) -> String {
    format!(
        "import os, sys, json, requests\n\
         from fivetran_connector_sdk import Connector, Operations as op\n\n\
         def update(configuration, state):\n    \
             op.upsert('t', {{'id': 1, 'text': str({expression})}})\n    \
             op.checkpoint({{}})\n\n\
         connector = Connector(update=update, schema=lambda c: [{{'table': 't', 'primary_key': ['id']}}])\n"
    )
}

#[test]
fn what_is_saved_runs() {
    let project = Project::new(&sends("'first'"));
    let dev = project.dev(&[]);
    assert_eq!(dev.rest()["outcome"]["class"], "success");
    assert_eq!(project.rows(), ["first"]);
    assert_eq!(fs::read_to_string(project.path().join(".sluice/.gitignore")).unwrap(), "*\n");

    project.save("connector.py", &sends("'second'"));
    assert_eq!(dev.until("saved")["files"], json!(["connector.py"]));
    assert_eq!(dev.rest()["outcome"]["class"], "success");
    assert_eq!(project.rows(), ["second"]);

    project.save("connector.py", "def update(configuration, state):\n    return 1 +\n");
    let failed = dev.rest()["outcome"].clone();
    assert_eq!(failed["class"], "connector");
    let traceback = failed["traceback"].as_str().unwrap();
    assert!(traceback.contains("/project/connector.py\", line 2") && traceback.contains("return 1 +"), "{traceback}");

    project.save("lib.py", "def text():\n    raise LookupError('not here')\n");
    dev.rest();
    project.save("connector.py", &sends("__import__('lib').text()"));
    let failed = dev.rest()["outcome"].clone();
    let traceback = failed["traceback"].as_str().unwrap();
    assert!(traceback.contains("/project/lib.py\", line 2, in text"), "{traceback}");
    assert!(traceback.contains("raise LookupError('not here')"), "{traceback}");

    project.save("lib.py", "def text():\n    return 'from beside'\n");
    assert_eq!(dev.rest()["outcome"]["class"], "success");
    assert_eq!(project.rows(), ["from beside"]);
    assert_eq!(dev.end(), Some(0));
}

#[test]
fn a_save_ends_a_sync_under_way_and_its_checkpoints_stay() {
    let waits = "import time\n\
        from fivetran_connector_sdk import Connector, Operations as op\n\n\
        def update(configuration, state):\n    \
            op.upsert('t', {'id': 1, 'text': 'kept'})\n    \
            op.checkpoint({})\n    \
            op.upsert('t', {'id': 2, 'text': 'lost'})\n    \
            time.sleep(3600)\n\n\
        connector = Connector(update=update, schema=lambda c: [{'table': 't', 'primary_key': ['id']}])\n";
    let project = Project::new(waits);
    let dev = project.dev(&["--keep", "--wall-time", "7200"]);
    dev.until("checkpoint");
    project.save("connector.py", &sends("'after'").replace("'id': 1", "'id': 3"));
    let cancelled = dev.until("finished");
    assert_eq!(cancelled["outcome"]["message"], "the sync was cancelled by a save");
    assert_eq!(dev.rest()["outcome"]["class"], "success");
    assert_eq!(project.rows(), ["kept", "after"]);

    project.save("connector.py", waits);
    dev.until("checkpoint");
    assert_eq!(dev.end(), Some(0), "a signal ends the sync and the session");
}

#[test]
fn what_a_sync_is_made_of_is_read_again() {
    let project = Project::new(&sends("configuration.get('who')"));
    project.save("configuration.json", r#"{"who": "one"}"#);
    let dev = project.dev(&[]);
    dev.rest();
    assert_eq!(project.rows(), ["one"]);

    project.save("configuration.json", r#"{"who": "two"}"#);
    dev.rest();
    assert_eq!(project.rows(), ["two"]);

    // What cannot be read is said, and the next save runs.
    project.save("connector.toml", "name = \"shop\"\nlimits = 5\n");
    let refused = dev.rest();
    assert!(refused["message"].as_str().unwrap().contains("connector.toml"), "{refused}");
    project.save("connector.toml", "name = \"shop\"\n");
    assert_eq!(dev.rest()["outcome"]["class"], "success");

    // A package that another test's connector has too.
    project.save("requirements.txt", "PyJWT==2.10.1\n");
    assert_eq!(dev.rest()["outcome"]["class"], "success");
    project.save("connector.py", &sends("__import__('jwt').__version__"));
    assert_eq!(dev.rest()["outcome"]["class"], "success");
    assert_eq!(project.rows(), ["2.10.1"]);
}

#[cfg(unix)]
#[test]
fn a_link_out_of_the_project_is_refused() {
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret.txt"), "secret").unwrap();
    let project = Project::new(&sends("os.listdir('.')"));
    let dev = project.dev(&[]);
    dev.rest();
    let link = project.path().join("data.txt");
    std::os::unix::fs::symlink(outside.path().join("secret.txt"), &link).unwrap();
    let refused = dev.rest();
    assert!(refused["message"].as_str().unwrap().contains("leaves the project's folder"), "{refused}");
    fs::remove_file(link).unwrap();
    assert_eq!(dev.rest()["outcome"]["class"], "success");
    assert_eq!(project.rows(), ["['configuration.json', 'connector.py', 'connector.toml']"]);
}

#[test]
fn grants_and_limits_are_those_of_a_sync() {
    let server = Server::fixed("200 OK", &[], "hello");
    let project = Project::new(&sends(&format!("requests.get('{}').text", server.url("/"))));
    let (code, finished) = project.once(&[]);
    assert_eq!((code, &finished["outcome"]["class"]), (Some(4), &json!("denied")), "{finished}");
    assert_eq!(server.requests(), 0);
    let (code, _) = project.once(&["--allow", &server.origin()]);
    assert_eq!((code, project.rows()), (Some(0), vec![json!("hello")]));

    let project = Project::new(&sends("[None for _ in iter(int, 1)]"));
    let (code, finished) = project.once(&["--cpu-time", "1", "--memory", "1024"]);
    assert_eq!((code, &finished["outcome"]["class"]), (Some(3), &json!("limit")), "{finished}");
    let (code, finished) = project.once(&["--memory", "64", "--no-jail"]);
    assert_eq!((code, &finished["outcome"]["class"]), (Some(3), &json!("limit")), "{finished}");
}

#[test]
fn what_a_runner_is_given_can_only_be_read() {
    let tries = "import os\n\
        def attempt(do, *arguments):\n    \
            try:\n        do(*arguments)\n        return 'done'\n    \
            except OSError as error:\n        return error.strerror\n\
        def all():\n    \
            at = '/.sluice/project'\n    \
            make = lambda path: os.close(os.open(path, os.O_WRONLY | os.O_CREAT))\n    \
            return [attempt(os.unlink, at), attempt(os.rename, at, '/tmp/x'), attempt(make, at), \
                attempt(make, '/.sluice/new'), attempt(os.rename, '/tmp', '/.sluice/tmp'), \
                attempt(os.truncate, at, 0), '.sluice' in os.listdir('/')]\n";
    let project = Project::new(&sends("__import__('tries').all()"));
    project.save("tries.py", tries);
    let (code, finished) = project.once(&[]);
    assert_eq!(code, Some(0), "{finished}");
    let found = project.rows()[0].as_str().unwrap().to_owned();
    assert!(!found.contains("done") && found.ends_with("False]"), "{found}");
}

#[test]
fn a_project_has_the_packages_that_it_asks_for() {
    let server = Server::fixed("200 OK", &[], "hello");
    let asks = format!("(requests.__version__, requests.get('{}').text)", server.url("/"));
    let project = Project::new(&sends(&asks));
    project.save("requirements.txt", "requests==2.32.3\n");
    let (code, finished) = project.once(&["--allow", &server.origin()]);
    assert_eq!(code, Some(0), "{finished}");
    assert_eq!(project.rows(), ["('2.32.3', 'hello')"]);

    // A module of the project comes before a package, as in a component.
    let project = Project::new(&sends("requests.MINE"));
    project.save("requests.py", "MINE = 'my own'\n");
    let (code, finished) = project.once(&[]);
    assert_eq!(code, Some(0), "{finished}");
    assert_eq!(project.rows(), ["my own"]);
}

#[test]
fn processes_of_a_pool_have_the_project_too() {
    let project = Project::new(&sends(
        "list(__import__('concurrent.futures').futures.ProcessPoolExecutor(2).map(__import__('work').double, [1, 2]))",
    ));
    project.save("work.py", "def double(number):\n    return 2 * number\n");
    let (code, finished) = project.once(&[]);
    assert_eq!(code, Some(0), "{finished}");
    assert_eq!(project.rows(), ["[2, 4]"]);
}

#[test]
fn databases_of_others_are_not_deleted() {
    let project = Project::new(&sends("'mine'"));
    let connector = Connector::developed(project.path(), json!({}));
    connector.succeed();
    let warehouse = connector.warehouse();
    assert!(connector.database_path().exists());
    let mut command = sluice();
    command.arg("dev").arg(project.path()).arg("--once").arg("--warehouse").arg(&warehouse);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("--keep"), "{}", text(&output.stderr));
    assert!(connector.database_path().exists());
}
