//! What does not fit its column, with a real guest: under each decision of the operator.

use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;
use serde_json::{Value, json};
use sluicegate::counters::Counters;
use sluicegate::http::{Oversight, Trust};
use sluicegate::landing::{BadRow, Landing, TableLanding, TypeMismatch};
use sluicegate::log::{Level, LogSink};
use sluicegate::policy::egress::NetworkGrants;
use sluicegate::policy::limits::Limits;
use sluicegate::sandbox::{CodeCache, Loaded, SandboxEngine};
use sluicegate::sync::{Confidential, Network, SyncReport, SyncRequest, sync};

use crate::support::many;

struct Silence;

impl LogSink for Silence {
    fn line(&self, _: Level, _: &str) {}
}

/// A connection of the connector with many modes.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn sync(&self, mode: &str, landing: Landing) -> SyncReport {
        let caches = Path::new(env!("CARGO_TARGET_TMPDIR")).join("caches");
        let cache = CodeCache::open(&caches.join("cache"), &caches.join("state")).unwrap();
        let (engine, limits) = (SandboxEngine::new().unwrap(), Limits::default());
        let component = std::fs::read(many()).unwrap();
        let component = Loaded::admit(&engine, &cache, &component, &limits, || ()).unwrap();
        let request = SyncRequest {
            connector: "many".to_owned(),
            connection: "tested".to_owned(),
            warehouse: self.0.path().to_owned(),
            landing,
            configuration: [("mode".to_owned(), mode.to_owned())].into(),
            initial_state: None,
            environment: [].into(),
            confidential: Confidential::default(),
            network: Network::Granted(NetworkGrants::default(), Trust::nobody()),
            oversight: Oversight::default(),
            limits,
            log: Arc::new(Silence),
            counters: Arc::new(Counters::default()),
            trial: sluicegate::trial::Trial::default(),
            cancel: sluicegate::sync::Cancel::default(),
            following: None,
            acceptance: None,
            looked: Default::default(),
        };
        sync(&engine, &component, request).unwrap()
    }

    fn query(&self, sql: &str) -> Vec<Value> {
        let database = Connection::open(self.0.path().join("tested.db")).unwrap();
        let mut statement = database.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
        rows.map(|row| serde_json::from_str(&row.unwrap()).unwrap()).collect()
    }
}

const ROWS: &str = "SELECT json_array(id, n, at) FROM misfits WHERE id > 18 ORDER BY id";
const TYPES: &str = "SELECT json_array(name, data_type) FROM _sluice_columns WHERE name IN ('n', 'at') ORDER BY name";

fn landing(mismatch: TypeMismatch) -> Landing {
    Landing { on_type_mismatch: Some(mismatch), ..Landing::default() }
}

#[test]
fn by_default_it_raises_at_the_call() {
    let place = Place::new();
    let report = place.sync("misfits", Landing::default());
    let error = report.result.unwrap_err().to_string();
    assert!(error.contains("table misfits, column n: a INT column takes int or bool, not str"), "{error}");
    assert!(error.contains("TypeError"), "{error}");
}

#[test]
fn widening_takes_it() {
    let place = Place::new();
    place.sync("misfits", landing(TypeMismatch::Widen)).result.unwrap();
    let late = "2024-02-29T01:02:03.000000Z";
    let expected = [
        json!([19, "19", late]),
        json!([20, "12", null]),
        json!([21, "1099511627776", "tomorrow"]),
        json!([22, "22", "2024-02-29T00:00:00.000000Z"]),
        json!([23, "1.5", null]),
    ];
    assert_eq!(place.query(ROWS), expected);
    assert_eq!(place.query(TYPES), [json!(["at", "STRING"]), json!(["n", "STRING"])]);
}

#[test]
fn null_is_stored_and_counted() {
    let place = Place::new();
    let report = place.sync("misfits", landing(TypeMismatch::Null));
    report.result.unwrap();
    assert_eq!((report.tables[0].upserts, report.tables[0].nulled), (24, 4));
    assert_eq!(place.query(ROWS)[1..3], [json!([20, null, null]), json!([21, null, null])]);
    assert_eq!(place.query(TYPES), [json!(["at", "UTC_DATETIME"]), json!(["n", "INT"])]);
}

#[test]
fn locked_types_convert() {
    let place = Place::new();
    let table = TableLanding { lock_types: true, ..TableLanding::default() };
    let locked = Landing { tables: [("misfits".parse().unwrap(), table)].into(), ..landing(TypeMismatch::Null) };
    // Declared columns without rows are locked from the second sync on.
    place.sync("own_error", locked.clone()).result.unwrap_err();
    place.sync("unsendable", Landing { on_bad_row: Some(BadRow::Quarantine), ..locked.clone() }).result.unwrap();
    let report = place.sync("misfits", locked);
    report.result.unwrap();
    assert_eq!(report.tables[0].nulled, 3);
    assert_eq!(place.query(ROWS)[1], json!([20, 12, null]));
}

#[test]
fn bad_rows_go_to_the_quarantine_with_their_reason() {
    let place = Place::new();
    let quarantine = Landing { on_bad_row: Some(BadRow::Quarantine), ..Landing::default() };
    let report = place.sync("misfits", quarantine.clone());
    report.result.unwrap();
    assert_eq!((report.tables[0].upserts, report.tables[0].quarantined), (21, 3));
    let kept = "SELECT json_array(\"table_name\", \"operation\", \"reason\", json(\"row\")) FROM _sluice_quarantine";
    let of = |column: &str| format!("{kept} WHERE \"reason\" LIKE 'column {column}: %' ORDER BY \"row\" ->> 'id'");
    let found = place.query(&of("n"));
    assert_eq!(found.len(), 3);
    assert_eq!(found[0][3], json!({"id": 20, "n": "12", "at": null}));
    assert_eq!(found[1][3], json!({"id": 21, "n": 1_099_511_627_776_i64, "at": "tomorrow"}));

    let report = place.sync("unsendable", quarantine);
    report.result.unwrap();
    let rows: u64 = report.tables.iter().map(|table| table.upserts).sum();
    let bad: u64 = report.tables.iter().map(|table| table.quarantined).sum();
    assert_eq!((rows, bad), (21, 6));
    let keys = place.query(&format!("{kept} WHERE \"reason\" LIKE '%primary key%'"));
    assert_eq!(keys.len(), 1, "a key that is left out is as one that is None: {keys:?}");
    let large = place.query(&format!("{kept} WHERE \"reason\" LIKE '%too large%'"));
    assert_eq!(large[0][3]["id"], 32);
    assert!(large[0][3]["large"].as_str().unwrap().ends_with("x…"), "{large:?}");
    assert_eq!(place.query(&of("words"))[0][3]["words"], "\\ud800");
    assert_eq!(place.query(&of("!!")).len(), 1);
}

#[test]
fn the_authors_own_errors_are_no_rows() {
    let place = Place::new();
    let report = place.sync("own_error", Landing { on_bad_row: Some(BadRow::Quarantine), ..Landing::default() });
    let error = report.result.unwrap_err().to_string();
    assert!(error.contains("ZeroDivisionError"), "{error}");
}
