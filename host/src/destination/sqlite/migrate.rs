//! Giving a table another primary key: `sluice migrate`.
//!
//! Rows that are not deleted must be identified by the new key. Of deleted rows, those that have
//! no value in it, or the key of another row, cannot be kept; the newest of them stays.

use rusqlite::{Connection, Row};

use super::catalogue::{Catalogue, Table, TableColumn, remove};
use super::identity::RowHash;
use super::naming::quote;
use super::open::failed;
use super::read::find;
use super::schema::{REWRITTEN, key_list, replace};
use super::types::Storage;
use super::values::decode;
use crate::destination::DestinationError;

/// What became of a table's primary key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyChange {
    /// The table in the destination.
    pub table: String,
    /// The key columns before, as the source names them; none without a key.
    pub from: Vec<String>,
    /// The key columns now.
    pub to: Vec<String>,
    /// Rows the table has now.
    pub rows: u64,
    /// Deleted rows that could not be kept, and rows that are equal without a key.
    pub dropped: u64,
}

/// Changes the key of a table; see [`super::Warehouse::migrate_key`].
pub(super) fn migrate(
    connection: &mut Connection,
    name: &str,
    key: &[String],
) -> Result<Option<KeyChange>, DestinationError> {
    let Some(old) = find(connection, name)? else { return Ok(None) };
    if old.history {
        let reason = "the key of a table that keeps its history cannot be changed; reset the connection and sync again";
        return Err(DestinationError::refused(&old.source, None, reason));
    }
    let new = with_key(&old, key)?;
    let doing = failed("changing the primary key");
    let transaction = connection.transaction().map_err(&doing)?;
    if !new.hashed {
        check_identifies(&transaction, &old, &new)?;
    }
    let before = count(&transaction, &old.name).map_err(&doing)?;
    replace(&transaction, &old, &new, || {
        if new.hashed { copy_hashed(&transaction, &old) } else { copy_keyed(&transaction, &old, &new) }
    })?;
    let rows = count(&transaction, &old.name).map_err(&doing)?;
    remove(&transaction, &old.name).map_err(&doing)?;
    let sources = |table: &Table| table.key().iter().map(|column| column.source.clone()).collect();
    let change =
        KeyChange { table: old.name.clone(), from: sources(&old), to: sources(&new), rows, dropped: before - rows };
    Catalogue::load(&transaction)?.put(&transaction, new)?;
    transaction.commit().map_err(&doing)?;
    Ok(Some(change))
}

/// The table as it shall be.
fn with_key(old: &Table, key: &[String]) -> Result<Table, DestinationError> {
    let refused = |column: &str, reason: String| DestinationError::refused(&old.source, Some(column), reason);
    let mut new = Table { hashed: key.is_empty(), keyless: false, ..old.clone() };
    for column in &mut new.columns {
        column.key = None;
    }
    for (ordinal, name) in key.iter().enumerate() {
        let is = |column: &&mut TableColumn| column.source == *name || column.name.eq_ignore_ascii_case(name);
        let Some(column) = new.columns.iter_mut().find(is) else {
            let known = old.columns.iter().map(|column| column.source.as_str()).collect::<Vec<_>>().join(", ");
            return Err(refused(name, format!("there is no such column; the table has {known}")));
        };
        if column.key.is_some() {
            return Err(refused(name, "the column stands twice in the key".to_owned()));
        }
        column.key = Some(ordinal);
        column.storage = Storage::of(column.data_type);
    }
    Ok(new)
}

/// Refuses a key that does not identify every row that is not deleted.
fn check_identifies(connection: &Connection, old: &Table, new: &Table) -> Result<(), DestinationError> {
    let table = quote(&old.name);
    let alive = format!("{} = 0", quote(old.system.deleted));
    let ask = |statement: &str| {
        connection.query_row(statement, [], |row| row.get::<_, i64>(0)).map_err(failed("reading a table"))
    };
    for column in new.key() {
        let missing = ask(&format!("SELECT COUNT(*) FROM {table} WHERE {alive} AND {} IS NULL", quote(&column.name)))?;
        if missing > 0 {
            let reason = format!(
                "{missing} rows that are not deleted have no value here, so that it cannot be part of the primary \
                 key; choose other columns, or reset the connection and sync again"
            );
            return Err(DestinationError::refused(&old.source, Some(&column.source), reason));
        }
    }
    let key = key_list(new);
    let repeated =
        ask(&format!("SELECT COUNT(*) FROM (SELECT 1 FROM {table} WHERE {alive} GROUP BY {key} HAVING COUNT(*) > 1)"))?;
    if repeated == 0 {
        return Ok(());
    }
    let names = new.key().iter().map(|column| column.source.as_str()).collect::<Vec<_>>().join(", ");
    let reason = format!(
        "({names}) cannot be the primary key: {repeated} of its values stand in several rows that are not deleted; \
         add a column that tells them apart, or reset the connection and sync again"
    );
    Err(DestinationError::refused(&old.source, None, reason))
}

fn count(connection: &Connection, table: &str) -> rusqlite::Result<u64> {
    connection.query_row(&format!("SELECT COUNT(*) FROM {}", quote(table)), [], |row| row.get(0)).map(i64::unsigned_abs)
}

/// All columns but the id of a row: the source's, then the host's.
fn names(table: &Table) -> Vec<String> {
    let own = table.columns.iter().map(|column| quote(&column.name));
    own.chain([quote(table.system.deleted), quote(table.system.synced)]).collect()
}

/// The order in which rows are kept: those that are not deleted, then the newest.
fn order(table: &Table) -> String {
    format!("ORDER BY {}, {} DESC", quote(table.system.deleted), quote(table.system.synced))
}

fn copy_keyed(connection: &Connection, old: &Table, new: &Table) -> rusqlite::Result<()> {
    let list = names(old).join(", ");
    let present =
        new.key().iter().map(|column| format!("{} IS NOT NULL", quote(&column.name))).collect::<Vec<_>>().join(" AND ");
    let statement = format!(
        "INSERT OR IGNORE INTO {} ({list}) SELECT {list} FROM {} WHERE {present} {}",
        quote(REWRITTEN),
        quote(&old.name),
        order(old)
    );
    connection.execute(&statement, []).map(|_| ())
}

fn copy_hashed(connection: &Connection, old: &Table) -> rusqlite::Result<()> {
    let names = names(old);
    let list = names.join(", ");
    let marks = vec!["?"; names.len() + 1].join(", ");
    let mut read = connection.prepare(&format!("SELECT {list} FROM {} {}", quote(&old.name), order(old)))?;
    let mut write = connection.prepare(&format!(
        "INSERT OR IGNORE INTO {} ({list}, {}) VALUES ({marks})",
        quote(REWRITTEN),
        quote(old.system.id)
    ))?;
    let mut columns: Vec<(usize, &TableColumn)> = old.columns.iter().enumerate().collect();
    columns.sort_by(|(_, a), (_, b)| a.name.cmp(&b.name));
    let (mut hash, mut id) = (RowHash::default(), String::new());
    let mut rows = read.query([])?;
    while let Some(row) = rows.next()? {
        identify(&mut hash, &columns, row, &mut id)?;
        for index in 0..names.len() {
            let value = rusqlite::types::ToSqlOutput::Borrowed(row.get_ref(index)?);
            write.raw_bind_parameter(index + 1, value)?;
        }
        write.raw_bind_parameter(names.len() + 1, id.as_str())?;
        write.raw_execute()?;
    }
    Ok(())
}

/// The id that the row would have, had its values been sent as they are stored.
fn identify(
    hash: &mut RowHash,
    columns: &[(usize, &TableColumn)],
    row: &Row<'_>,
    id: &mut String,
) -> rusqlite::Result<()> {
    hash.begin();
    for (index, column) in columns {
        let value = row.get_ref(*index)?;
        if let Some(scalar) = column.data_type.and_then(|data_type| decode(value, data_type)) {
            hash.add(&column.name, scalar);
        }
    }
    hash.finish(id);
    Ok(())
}
