//! Large shapes that must work, and what is said just above the limits.

use std::time::Instant;

use serde_json::{Value, json};
use sluicegate::error::SyncError;
use tempfile::TempDir;

use crate::support::in_process::{Contents, Done, Given, contents, run};

/// One sync of operations in a warehouse of its own.
fn sync(schema: &Value, operations: &Value) -> (Done, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let start = Instant::now();
    let done = run(folder.path(), "large", schema, operations, Given::default());
    eprintln!("took {:.1?}, guest {} MiB", start.elapsed(), done.report.peak_memory_bytes >> 20);
    (done, folder)
}

#[track_caller]
fn landed((done, folder): (Done, TempDir)) -> Contents {
    assert!(done.report.result.is_ok(), "{:?}", done.report.result);
    assert_eq!(done.raised, []);
    contents(folder.path(), "large")
}

/// The sync ends at a limit, and says which one; what was durable before is all there is.
#[track_caller]
fn limited((done, folder): (Done, TempDir), says: &[&str]) {
    let Err(SyncError::Limit(reached)) = &done.report.result else {
        panic!("no limit: {:?}", done.report.result);
    };
    let message = reached.to_string();
    assert!(says.iter().all(|part| message.contains(part)), "{says:?} are not all in {message:?}");
    assert!(contents(folder.path(), "large").tables.is_empty());
}

fn wide_row(columns: usize) -> Value {
    let cells = (0..columns).map(|number| (format!("column {number}"), json!(number)));
    json!(["upsert", "wide", Value::Object(cells.collect())])
}

#[test]
fn a_thousand_columns_land() {
    let names: Vec<String> = (0..1000).map(|number| format!("column {number}")).collect();
    let declared = json!([{"table": "wide", "primary_key": ["column 0"]}]);
    let update = json!(["update", "wide", {"column 0": 0, "column 999": "changed"}]);
    let contents = landed(sync(&declared, &json!([wide_row(1000), update])));
    let wide = &contents.tables["wide"];
    assert_eq!(wide.columns.len(), names.len());
    for number in 0..999 {
        assert_eq!(wide.rows[0][&format!("column_{number}")], json!(number));
    }
    assert_eq!(wide.rows[0]["column_999"], "changed");
}

#[test]
fn too_many_columns_are_refused_by_name() {
    limited(sync(&json!([]), &json!([wide_row(1501)])), &["columns", "wide", "1500"]);
    // nor may they come a few at a time
    let few = |row: usize| {
        let cells = (0..500).map(|number| (format!("column {}", row * 500 + number), json!(1)));
        json!(["upsert", "wide", Value::Object(cells.collect())])
    };
    limited(sync(&json!([]), &json!([few(0), few(1), few(2), few(3)])), &["columns", "wide", "1500"]);
}

#[test]
fn ten_thousand_tables_land_and_no_more() {
    let row = |number: usize| json!(["upsert", format!("table {number}"), {"id": number}]);
    let all: Vec<Value> = (0..10_000).map(row).collect();
    let (done, folder) = sync(&json!([]), &json!(all));
    let again = |operations: Value| run(folder.path(), "large", &json!([]), &operations, Given::default());
    assert!(done.report.result.is_ok(), "{:?}", done.report.result);

    let Err(SyncError::Limit(reached)) = again(json!([row(10_000)])).report.result else { panic!("no limit") };
    let message = reached.to_string();
    assert!(message.contains("tables") && message.contains("10000"), "{message}");
    assert!(again(json!([row(9_999)])).report.result.is_ok(), "those that are there go on");

    let contents = contents(folder.path(), "large");
    assert_eq!(contents.tables.len(), 10_000);
    assert!(contents.tables.iter().all(|(_, table)| table.rows.len() == 1));
    assert_eq!(contents.tables["table_9999"].rows[0]["id"], 9999);
}

#[test]
fn rows_of_a_mebibyte_land_and_no_larger_ones() {
    const MEBIBYTE: usize = 1 << 20;
    let text = |length: usize| json!({"$py": "repeat", "v": ["x", length]});
    let row = |id: usize, length: usize| json!(["upsert", "long", {"id": id, "text": text(length)}]);
    let declared = json!([{"table": "long", "primary_key": ["id"]}]);
    let largest = MEBIBYTE - 16;
    let rows: Vec<Value> = (0..20).map(|id| row(id, largest)).collect();
    let contents = landed(sync(&declared, &json!(rows)));
    assert_eq!(contents.tables["long"].rows.len(), 20);
    assert!(contents.tables["long"].rows.iter().all(|row| row["text"].as_str().unwrap().len() == largest));

    let (done, folder) = sync(&declared, &json!([row(1, MEBIBYTE + 1), row(2, 1)]));
    assert_eq!(done.raised.len(), 1, "{:?}", done.raised);
    let (_, _, message) = &done.raised[0];
    for part in ["long", "1048576"] {
        assert!(message.contains(part), "{part:?} is not in {message:?}");
    }
    assert!(!message.contains("xxxx"));
    let _ = folder;
}
