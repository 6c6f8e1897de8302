//! Runs `sluice` and looks at what it did.

pub(crate) mod component;
pub(crate) mod events;
pub(crate) mod in_process;
pub(crate) mod server;

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};

/// The repository.
pub(crate) fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package lies in the repository").to_path_buf()
}

/// A `sluice` command whose caches lie in the target folder, so that guests are compiled
/// once for all tests.
pub(crate) fn sluice() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_sluice"));
    let caches = Path::new(env!("CARGO_TARGET_TMPDIR")).join("caches");
    command
        .env("SLUICE_CACHE_DIR", caches.join("cache"))
        .env("SLUICE_STATE_DIR", caches.join("state"))
        .env("NO_COLOR", "1")
        .stdin(Stdio::null());
    command
}

/// The command as a shell starts it after this script, where `places` are `$1` and so on.
pub(crate) fn after(script: &str, program: &[&str], places: &[&Path], command: &Command) -> Command {
    let mut shell = Command::new(program[0]);
    let script = format!("{script}; shift {}; exec \"$@\"", places.len());
    shell.args(&program[1..]).args(["-c", &script, "sh"]).args(places);
    shell.arg(command.get_program()).args(command.get_args()).stdin(Stdio::null());
    if let Some(folder) = command.get_current_dir() {
        shell.current_dir(folder);
    }
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell
}

/// The component of the connector with many modes, built once.
pub(crate) fn many() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| build(&repository().join("tests/guests/many")))
}

/// The component of the connector with HTTP clients and threads, built once.
pub(crate) fn clients() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| build(&repository().join("tests/guests/clients")))
}

/// Builds a project into the target folder.
pub(crate) fn build(project: &Path) -> PathBuf {
    let name = project.file_name().expect("a project has a name").to_string_lossy().into_owned();
    let output = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.wasm"));
    let built = sluice().arg("build").arg(project).arg("-o").arg(&output).output().expect("sluice starts");
    assert!(built.status.success(), "could not build {}:\n{}", project.display(), text(&built.stderr));
    output
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// One connection in a warehouse of its own.
pub(crate) struct Connector {
    folder: tempfile::TempDir,
    subject: PathBuf,
    configuration: Value,
    arguments: Vec<String>,
    command: &'static [&'static str],
}

impl Connector {
    /// The connector with many modes, in one of them.
    pub(crate) fn mode(mode: &str) -> Self {
        Self::of(many(), json!({"mode": mode}))
    }

    /// The connector with HTTP clients and threads, in one mode.
    pub(crate) fn client(mode: &str) -> Self {
        Self::of(clients(), json!({"mode": mode}))
    }

    /// Any component or project.
    pub(crate) fn of(subject: &Path, configuration: Value) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self { folder, subject: subject.to_path_buf(), configuration, arguments: Vec::new(), command: &["run"] }
    }

    /// A project as `sluice dev` runs it, once and going on from the sync before.
    pub(crate) fn developed(project: &Path, configuration: Value) -> Self {
        Self { command: &["dev", "--once", "--keep"], ..Self::of(project, configuration) }
    }

    /// Adds a configuration value.
    pub(crate) fn with(mut self, key: &str, value: impl ToString) -> Self {
        self.configuration[key] = Value::String(value.to_string());
        self
    }

    /// Adds command-line arguments.
    pub(crate) fn arguments(mut self, arguments: &[&str]) -> Self {
        self.arguments.extend(arguments.iter().map(ToString::to_string));
        self
    }

    /// The same warehouse, other command-line arguments.
    pub(crate) fn with_arguments(mut self, arguments: &[&str]) -> Self {
        self.arguments.clear();
        self.arguments(arguments)
    }

    /// The same warehouse, another mode.
    pub(crate) fn switch(mut self, mode: &str) -> Self {
        self.configuration["mode"] = json!(mode);
        self
    }

    /// The same warehouse and connection, another component.
    pub(crate) fn replaced_by(mut self, subject: &Path) -> Self {
        self.subject = subject.to_path_buf();
        self.arguments(&["--accept"])
    }

    pub(crate) fn warehouse(&self) -> PathBuf {
        self.folder.path().join("warehouse")
    }

    pub(crate) fn database_path(&self) -> PathBuf {
        self.warehouse().join("tested.db")
    }

    /// The command, not started.
    pub(crate) fn command(&self) -> Command {
        let configuration = self.folder.path().join("configuration.json");
        fs::write(&configuration, self.configuration.to_string()).expect("a writable temporary folder");
        let mut command = sluice();
        command
            .args(self.command)
            .arg(&self.subject)
            .arg("--configuration")
            .arg(configuration)
            .arg("--warehouse")
            .arg(self.warehouse())
            .args(["--connection", "tested", "--json"])
            .args(&self.arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Syncs once.
    pub(crate) fn sync(&self) -> Sync {
        let start = Instant::now();
        let mut child = self.command().spawn().expect("sluice starts");
        let (mut out, mut err) = (child.stdout.take().expect("piped"), child.stderr.take().expect("piped"));
        let drain_out = std::thread::spawn(move || {
            let mut bytes = Vec::new();
            out.read_to_end(&mut bytes).map(|_| bytes)
        });
        let drain_err = std::thread::spawn(move || {
            let mut bytes = Vec::new();
            err.read_to_end(&mut bytes).map(|_| bytes)
        });
        let mut peak_kib = 0;
        let status = loop {
            peak_kib = peak_kib.max(peak_memory_kib(child.id()));
            if let Some(status) = child.try_wait().expect("a child to wait for") {
                break status;
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        let stdout = text(&drain_out.join().expect("a reader").expect("readable output"));
        let stderr = text(&drain_err.join().expect("a reader").expect("readable output"));
        let events: Vec<Value> = stdout.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
        events.iter().for_each(events::described);
        Sync { code: status.code(), stdout, stderr, events, took: start.elapsed(), peak_kib }
    }

    /// Syncs once and expects success.
    pub(crate) fn succeed(&self) -> Sync {
        let sync = self.sync();
        assert_eq!(sync.code, Some(0), "the sync failed:\n{}\n{}", sync.stdout, sync.stderr);
        sync
    }

    /// The database, opened for reading as any other tool would.
    pub(crate) fn database(&self) -> Database {
        Database(
            Connection::open_with_flags(self.database_path(), OpenFlags::SQLITE_OPEN_READ_ONLY)
                .expect("the database opens"),
        )
    }

    /// The stored state.
    pub(crate) fn state(&self) -> Value {
        let shown = sluice()
            .args(["state", "show", "tested", "--warehouse"])
            .arg(self.warehouse())
            .output()
            .expect("sluice starts");
        assert!(shown.status.success(), "{}", text(&shown.stderr));
        serde_json::from_slice(&shown.stdout).expect("the state is JSON")
    }
}

/// What one sync did.
pub(crate) struct Sync {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) events: Vec<Value>,
    pub(crate) took: Duration,
    pub(crate) peak_kib: u64,
}

impl Sync {
    /// The last event: the report.
    pub(crate) fn report(&self) -> &Value {
        self.events.last().unwrap_or_else(|| panic!("no events:\n{}\n{}", self.stdout, self.stderr))
    }

    /// The texts of the log.
    pub(crate) fn log(&self) -> Vec<String> {
        self.events
            .iter()
            .filter(|event| event["event"] == "log")
            .map(|event| event["message"].as_str().unwrap_or_default().to_owned())
            .collect()
    }

    pub(crate) fn everything(&self) -> String {
        format!("{}\n{}", self.stdout, self.stderr)
    }
}

/// A database that a sync wrote.
pub(crate) struct Database(pub(crate) Connection);

impl Database {
    /// The rows of a query, as JSON values (blobs as hex text).
    pub(crate) fn query(&self, sql: &str) -> Vec<Vec<Value>> {
        let mut statement = self.0.prepare(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
        let columns = statement.column_count();
        let rows = statement.query_map([], |row| {
            (0..columns).map(|index| Ok(to_json(row.get_ref(index)?))).collect::<rusqlite::Result<Vec<_>>>()
        });
        rows.and_then(Iterator::collect).unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// The one value of a query.
    pub(crate) fn value(&self, sql: &str) -> Value {
        let rows = self.query(sql);
        assert_eq!(rows.len(), 1, "{sql}: {rows:?}");
        rows[0][0].clone()
    }

    pub(crate) fn has_table(&self, name: &str) -> bool {
        self.value(&format!("SELECT count(*) FROM sqlite_master WHERE name = '{name}'")) == json!(1)
    }

    pub(crate) fn is_sound(&self) -> bool {
        self.value("PRAGMA integrity_check") == json!("ok")
    }
}

fn to_json(value: rusqlite::types::ValueRef<'_>) -> Value {
    use rusqlite::types::ValueRef;
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(value) => json!(value),
        ValueRef::Real(value) => json!(value),
        ValueRef::Text(value) => json!(text(value)),
        ValueRef::Blob(value) => json!(value.iter().map(|byte| format!("{byte:02x}")).collect::<String>()),
    }
}

/// The most memory a process has had, 0 when it is gone.
pub(crate) fn peak_memory_kib(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or(0)
}

/// What random tests begin with: `SLUICE_TEST_SEED`, else the clock. It is printed.
pub(crate) fn seed() -> u64 {
    let given = std::env::var("SLUICE_TEST_SEED").ok().map(|seed| seed.parse().expect("SLUICE_TEST_SEED is a number"));
    let clock = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros().try_into().unwrap();
    let seed: u64 = given.unwrap_or_else(clock);
    eprintln!("SLUICE_TEST_SEED={seed}");
    seed
}
