//! Syncs inside this process, through the library: about ten milliseconds each, where starting
//! the binary takes ten times as long. For tests that need thousands.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};
use sluicegate::counters::Counters;
use sluicegate::http::{Oversight, Trust};
use sluicegate::landing::Landing;
use sluicegate::log::{Level, LogSink};
use sluicegate::policy::egress::NetworkGrants;
use sluicegate::policy::limits::Limits;
use sluicegate::sandbox::{CodeCache, Loaded, SandboxEngine};
use sluicegate::sync::{Confidential, Network, SyncReport, SyncRequest, sync};

use super::many;

/// The connector with many modes, ready to run in this process.
struct Guest {
    engine: SandboxEngine,
    component: Loaded,
}

fn guest() -> &'static Guest {
    static LOADED: OnceLock<Guest> = OnceLock::new();
    LOADED.get_or_init(|| {
        let caches = Path::new(env!("CARGO_TARGET_TMPDIR")).join("caches");
        let bytes = std::fs::read(many()).expect("the component was built");
        let engine = SandboxEngine::new().expect("an engine");
        let cache = CodeCache::open(&caches.join("cache"), &caches.join("state")).expect("a cache");
        let component =
            Loaded::admit(&engine, &cache, &bytes, &Limits::default(), || {}).expect("the component conforms");
        Guest { engine, component }
    })
}

/// Keeps what a connector logs.
#[derive(Default)]
struct Lines(Mutex<Vec<String>>);

impl LogSink for Lines {
    fn line(&self, _: Level, text: &str) {
        self.0.lock().expect("nobody panicked").push(text.to_owned());
    }
}

/// What a program's sync did.
pub(crate) struct Done {
    pub(crate) report: SyncReport,
    /// The operations that raised: number, class and message.
    pub(crate) raised: Vec<(usize, String, String)>,
}

/// What a sync of a program is given beside its operations.
#[derive(Default)]
pub(crate) struct Given {
    pub(crate) landing: Landing,
    pub(crate) limits: Limits,
}

/// Runs operations, in the form of `tests/guests/many/program.py`, as one sync.
pub(crate) fn run(warehouse: &Path, connection: &str, schema: &Value, operations: &Value, given: Given) -> Done {
    let text = |value: &Value| value.to_string();
    let configuration = [("mode", "program".to_owned()), ("schema", text(schema)), ("operations", text(operations))];
    let (guest, lines) = (guest(), Arc::new(Lines::default()));
    let request = SyncRequest {
        initial_state: None,
        environment: [].into(),
        confidential: Confidential::default(),
        connector: "many".to_owned(),
        connection: connection.to_owned(),
        warehouse: warehouse.to_path_buf(),
        landing: given.landing,
        configuration: configuration.map(|(name, value)| (name.to_owned(), value)).into_iter().collect(),
        oversight: Oversight::default(),
        network: Network::Granted(NetworkGrants::default(), Trust::nobody()),
        limits: given.limits,
        log: lines.clone(),
        counters: Arc::new(Counters::default()),
        trial: sluicegate::trial::Trial::default(),
        cancel: sluicegate::sync::Cancel::default(),
        following: None,
        acceptance: None,
        looked: Default::default(),
    };
    let report = sync(&guest.engine, &guest.component, request).expect("the sync starts");
    let raised = lines.0.lock().expect("nobody panicked").iter().filter_map(|line| raised(line)).collect();
    Done { report, raised }
}

fn raised(line: &str) -> Option<(usize, String, String)> {
    let (number, rest) = line.strip_prefix("raised ")?.split_once(' ')?;
    let (class, message) = rest.split_once(": ").unwrap_or((rest, ""));
    Some((number.parse().ok()?, class.to_owned(), message.to_owned()))
}

/// A column as the catalogue has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) source: String,
    /// The logical type, `None` while there is none.
    pub(crate) data_type: Option<String>,
    pub(crate) key: bool,
}

/// A table as any tool finds it, and what the catalogue says about it.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    /// The source's name, `schema.table` when it has a schema.
    pub(crate) source: String,
    /// Whether rows are identified by a hash.
    pub(crate) hashed: bool,
    /// By their names in the database, those of the host left out.
    pub(crate) columns: BTreeMap<String, Column>,
    /// Every row with every column, those of the host included.
    pub(crate) rows: Vec<BTreeMap<String, Value>>,
}

/// All that lies in a connection's database.
#[derive(Debug)]
pub(crate) struct Contents {
    pub(crate) tables: BTreeMap<String, Table>,
    pub(crate) state: Value,
    /// How many rows were kept aside, repeats included.
    pub(crate) quarantined: u64,
}

/// Reads a database through SQLite alone. Blobs and special floats are tagged as in `program.py`.
/// One that is not there or not laid out is empty.
pub(crate) fn contents(warehouse: &Path, connection: &str) -> Contents {
    let path = warehouse.join(format!("{connection}.db"));
    let empty = Contents { tables: BTreeMap::new(), state: json!({}), quarantined: 0 };
    if !path.exists() {
        return empty;
    }
    // A process that was killed may have left something to recover, which takes writing.
    let database = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE).expect("the database opens");
    if select(&database, "SELECT 1 FROM sqlite_schema LIMIT 1").is_empty() {
        return empty;
    }
    let mut tables = BTreeMap::new();
    for row in select(&database, "SELECT name, source_schema, source_name, hashed FROM _sluice_tables") {
        let name = text(&row["name"]);
        let source = match row["source_schema"].as_str() {
            Some(schema) => format!("{schema}.{}", text(&row["source_name"])),
            None => text(&row["source_name"]),
        };
        let rows = select(&database, &format!("SELECT * FROM \"{name}\""));
        tables.insert(name, Table { source, hashed: row["hashed"] == 1, columns: BTreeMap::new(), rows });
    }
    let columns = "SELECT table_name, name, source_name, data_type, key_ordinal FROM _sluice_columns";
    for row in select(&database, columns) {
        let column = Column {
            source: text(&row["source_name"]),
            data_type: row["data_type"].as_str().map(ToOwned::to_owned),
            key: !row["key_ordinal"].is_null(),
        };
        let table = tables.get_mut(&text(&row["table_name"])).expect("a column of a table");
        table.columns.insert(text(&row["name"]), column);
    }
    let state = select(&database, "SELECT state FROM _sluice_state");
    let state = state.first().map_or(json!({}), |row| serde_json::from_str(&text(&row["state"])).expect("JSON"));
    let aside = "SELECT 1 FROM sqlite_schema WHERE name = '_sluice_quarantine'";
    let mut quarantined = 0;
    if !select(&database, aside).is_empty() {
        let times = select(&database, "SELECT coalesce(sum(times), 0) AS times FROM _sluice_quarantine").remove(0);
        quarantined = times["times"].as_u64().expect("a number");
    }
    Contents { tables, state, quarantined }
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

fn select(database: &Connection, sql: &str) -> Vec<BTreeMap<String, Value>> {
    let mut statement = database.prepare(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    let names: Vec<String> = statement.column_names().map(ToOwned::to_owned).collect();
    let mut rows = statement.query([]).unwrap_or_else(|error| panic!("{sql}: {error}"));
    let mut all = Vec::new();
    while let Some(row) = rows.next().unwrap_or_else(|error| panic!("{sql}: {error}")) {
        let cells = names.iter().enumerate().map(|(index, name)| (name.clone(), tagged(row.get_ref(index).unwrap())));
        all.push(cells.collect());
    }
    all
}

fn tagged(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(value) => json!(value),
        ValueRef::Real(value) if value.is_finite() => json!(value),
        ValueRef::Real(value) => json!({"$py": "float", "v": value.to_string()}),
        ValueRef::Text(value) => json!(String::from_utf8_lossy(value)),
        ValueRef::Blob(value) => {
            json!({"$py": "bytes", "v": value.iter().map(|byte| format!("{byte:02x}")).collect::<String>()})
        }
    }
}
