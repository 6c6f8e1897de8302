//! Rows on their whole way: the author's Python, the component, the host, SQLite.

mod operations;
mod refusals;
mod types;

use serde_json::Value;

use crate::support::{Database, Sync};

/// The outcome of the last sync.
pub(super) fn outcome(sync: &Sync) -> &Value {
    &sync.report()["outcome"]
}

/// The stored value and SQLite's type of it.
pub(super) fn stored(database: &Database, table: &str, column: &str) -> (Value, String) {
    let row = database.query(&format!("SELECT \"{column}\", typeof(\"{column}\") FROM \"{table}\"")).remove(0);
    (row[0].clone(), row[1].as_str().unwrap().to_owned())
}

pub(super) fn columns(database: &Database, table: &str) -> Vec<String> {
    let rows = database.query(&format!("SELECT name FROM pragma_table_info('{table}')"));
    rows.iter().map(|row| row[0].as_str().unwrap().to_owned()).collect()
}
