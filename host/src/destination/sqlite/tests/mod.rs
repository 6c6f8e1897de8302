//! Tests on real files.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod active;
mod cutting;
mod edges;
mod files;
mod fitting;
mod hard_deletes;
mod history;
mod keyless;
mod keys;
mod naming;
mod operations;
mod protection;
mod quarantine;
mod reading;
mod refusals;
mod resync;
mod speed;
mod transactions;
mod types;
mod uploads;
mod values;
mod widening;

use rusqlite::types::Value as Stored;
use tempfile::TempDir;

use super::{Acceptance, Looked, SqliteDestination, SqliteOptions, Warehouse};
use crate::destination::filter::Filtered;
use crate::destination::{Destination as _, DestinationError, SyncIdentity};
use crate::rows::{
    Batch, Column, ColumnDefinition, DataType, Operation, OperationKind, TableDefinition, TableName, Value, Values,
};

/// A warehouse that is removed with the test.
struct Place {
    folder: TempDir,
    warehouse: Warehouse,
}

fn place() -> Place {
    place_with(SqliteOptions::default())
}

fn place_with(options: SqliteOptions) -> Place {
    let folder = tempfile::tempdir().unwrap();
    let warehouse = Warehouse::with_options(folder.path().join("warehouse"), options);
    Place { folder, warehouse }
}

impl Place {
    fn open(&self) -> Filtered<SqliteDestination> {
        self.warehouse.open("shop", identity("one")).unwrap()
    }

    fn database(&self) -> std::path::PathBuf {
        self.folder.path().join("warehouse/shop.db")
    }

    /// Another program's view of the database.
    fn outside(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.database()).unwrap()
    }

    /// All rows of a query.
    fn query(&self, sql: &str) -> Vec<Vec<Stored>> {
        let connection = self.outside();
        let mut statement = connection.prepare(sql).unwrap();
        let width = statement.column_count();
        let rows = statement.query_map([], |row| (0..width).map(|i| row.get(i)).collect()).unwrap();
        rows.collect::<Result<_, _>>().unwrap()
    }

    /// One sync that does these operations on declared tables and ends well.
    fn sync(&self, declared: &[TableDefinition], operations: &[Operation]) {
        let mut destination = self.open();
        destination.declare(declared).unwrap();
        for operation in operations {
            destination.write(operation).unwrap();
        }
        destination.finish().unwrap();
    }

    fn type_of(&self, table: &str, column: &str) -> Option<String> {
        let tables = self.warehouse.tables("shop").unwrap();
        let table = tables.into_iter().find(|t| t.name == table).unwrap();
        table.columns.into_iter().find(|c| c.name == column).unwrap().data_type
    }
}

fn identity(digest: &str) -> SyncIdentity {
    SyncIdentity { connector: "connector".to_owned(), digest: digest.to_owned() }
}

fn name(table: &str) -> TableName {
    TableName { schema: None, name: table.to_owned() }
}

fn declared(table: &str, key: &[&str], columns: &[(&str, Option<DataType>)]) -> TableDefinition {
    TableDefinition {
        name: name(table),
        primary_key: key.iter().map(|&k| k.to_owned()).collect(),
        columns: columns.iter().map(|(n, t)| ColumnDefinition { name: (*n).to_owned(), data_type: *t }).collect(),
    }
}

/// A batch of one row.
fn row(kind: OperationKind, table: &str, cells: &[(&str, Value)]) -> Operation {
    let columns = cells
        .iter()
        .map(|(n, value)| Column {
            name: (*n).to_owned(),
            values: Values::Mixed(vec![value.clone()]),
            nulls: if *value == Value::Null { vec![0] } else { vec![] },
        })
        .collect();
    Operation::Rows { table: name(table), kind, batch: Batch { rows: 1, columns, bytes: 8 } }
}

fn upsert(table: &str, cells: &[(&str, Value)]) -> Operation {
    row(OperationKind::Upsert, table, cells)
}

fn update(table: &str, cells: &[(&str, Value)]) -> Operation {
    row(OperationKind::Update, table, cells)
}

fn delete(table: &str, cells: &[(&str, Value)]) -> Operation {
    row(OperationKind::Delete, table, cells)
}

fn truncate(table: &str) -> Operation {
    Operation::Truncate { table: name(table) }
}

fn int(v: i64) -> Value {
    Value::Integer(v)
}

fn text(v: &str) -> Value {
    Value::Text(v.to_owned())
}

fn stored(v: &str) -> Stored {
    Stored::Text(v.to_owned())
}

#[track_caller]
fn assert_refused(result: Result<(), DestinationError>, parts: &[&str]) {
    match result {
        Err(error @ DestinationError::Refused { .. }) => {
            let text = error.to_string();
            for part in parts {
                assert!(text.contains(part), "{part:?} is not in {text:?}");
            }
        }
        other => panic!("not refused: {other:?}"),
    }
}
