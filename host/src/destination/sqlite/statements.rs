//! The statements that upsert, update and delete rows of a plain table.
//!
//! Parameter 1 is the stamp; then come, for each row, its id in tables without a primary key, and its columns.

use super::active::LOOK;
use super::catalogue::Table;
use super::naming::quote;
use super::plan::Parameter;
use super::removal::Removal;
use super::schema::key_list;
use crate::rows::OperationKind;

/// How many rows one statement inserts where it inserts several. Starting and ending a statement costs about as much
/// as inserting a row; beyond 16 nothing was gained.
pub(super) const SEVERAL: usize = 16;
/// With more columns the rows themselves cost most, and SQLite has a limit for parameters.
const MAX_COLUMNS: usize = 64;

/// What is prepared for a plain table and a set of columns.
#[derive(Debug)]
pub(super) struct Statements {
    /// For one row.
    pub(super) one: String,
    /// For [`SEVERAL`] rows, in order.
    pub(super) several: Option<String>,
}

impl Statements {
    /// Inserts rows, or replaces those with the same key, or the same hash if they are `hashed`. `names` are the quoted
    /// columns of the parameters.
    pub(super) fn upsert(table: &Table, names: &[String], hashed: bool) -> Self {
        let several = (names.len() <= MAX_COLUMNS).then(|| upsert(table, names, hashed, SEVERAL));
        Self { one: upsert(table, names, hashed, 1), several }
    }

    /// Changes or deletes rows.
    pub(super) fn change(
        table: &Table,
        names: &[String],
        parameters: &[Parameter],
        kind: OperationKind,
        removal: Removal,
    ) -> Self {
        Self { one: change(table, names, parameters, kind, removal), several: None }
    }
}

/// The number of the first parameter that takes a column.
pub(super) fn first_parameter(table: &Table) -> usize {
    if table.hashed { 3 } else { 2 }
}

fn upsert(table: &Table, names: &[String], hashed: bool, rows: usize) -> String {
    let mut columns = vec![quote(table.system.synced)];
    if hashed {
        columns.push(quote(table.system.id));
    }
    columns.extend_from_slice(names);
    let own = columns.len() - 1;
    let row = |row: usize| {
        let marks: String = (0..own).map(|index| format!(", ?{}", 2 + row * own + index)).collect();
        format!("(?1{marks}, 0)")
    };
    let (synced, deleted) = (quote(table.system.synced), quote(table.system.deleted));
    // A row that is there is looked at; the answer is always 0.
    let mut sets = vec![format!("{synced} = excluded.{synced}"), format!("{deleted} = {LOOK}({synced})")];
    for column in table.columns.iter().filter(|column| column.key.is_none()) {
        // A column the batch does not name has no value in VALUES either, hence NULL.
        sets.push(format!("{0} = excluded.{0}", quote(&column.name)));
    }
    format!(
        "INSERT INTO {} ({}, {}) VALUES {} ON CONFLICT ({}) DO UPDATE SET {}",
        quote(&table.name),
        columns.join(", "),
        quote(table.system.deleted),
        (0..rows).map(row).collect::<Vec<_>>().join(", "),
        if hashed { quote(table.system.id) } else { key_list(table) },
        sets.join(", ")
    )
}

fn change(table: &Table, names: &[String], parameters: &[Parameter], kind: OperationKind, removal: Removal) -> String {
    let synced = quote(table.system.synced);
    let mut sets = vec![format!("{synced} = CASE {LOOK}({synced}) WHEN 0 THEN ?1 END")];
    let mut conditions = Vec::new();
    if kind == OperationKind::Delete {
        sets.push(format!("{} = 1", quote(table.system.deleted)));
    }
    if table.hashed {
        conditions.push(format!("{} = ?2", quote(table.system.id)));
    }
    let first = first_parameter(table);
    for (index, (name, parameter)) in names.iter().zip(parameters).enumerate() {
        let assignment = format!("{name} = ?{}", first + index);
        if parameter.selects { conditions.push(assignment) } else { sets.push(assignment) }
    }
    let (name, conditions) = (quote(&table.name), conditions.join(" AND "));
    match (kind, removal) {
        (OperationKind::Delete, Removal::Remove) => {
            format!("DELETE FROM {name} WHERE {conditions} AND {LOOK}({synced}) = 0")
        }
        _ => format!("UPDATE {name} SET {} WHERE {conditions}", sets.join(", ")),
    }
}
