//! Creating and changing tables.
//!
//! A new column is added in place. A column whose stored form changes makes the table be
//! rewritten inside the running transaction: new table, copy of every row, drop, rename;
//! indexes that a user added are laid again. All other changes only touch the catalogue.

use std::sync::Arc;

use rusqlite::Connection;
use rusqlite::types::ValueRef;

use super::catalogue::{Catalogue, Table, TableColumn, is_row_id};
use super::lattice::{Integers, exact_in_double, rewrites};
use super::naming::quote;
use super::open::failed;
use super::types::Storage;
use super::values::{decode, encode};
use crate::destination::DestinationError;
use crate::rows::DataType;

/// Name of the table that a rewritten one is copied into.
pub(super) const REWRITTEN: &str = "_sluice_rewritten";

/// A column as it shall be.
#[derive(Clone, Debug)]
pub(super) struct Change {
    pub(super) source: String,
    pub(super) name: String,
    pub(super) data_type: Option<DataType>,
}

/// Creates a table.
pub(super) fn create(
    connection: &Connection,
    catalogue: &mut Catalogue,
    table: Table,
) -> Result<Arc<Table>, DestinationError> {
    connection.execute(&create_statement(&table, &table.name), []).map_err(failed("creating a table"))?;
    catalogue.put(connection, table)
}

fn create_statement(table: &Table, name: &str) -> String {
    let rowid = table.rowid().map(|column| column.name.as_str());
    let mut parts = Vec::with_capacity(table.columns.len() + 4);
    if table.has_ids() {
        parts.push(format!("{} TEXT {}", quote(table.system.id), if table.hashed { "NOT NULL" } else { "UNIQUE" }));
    }
    for column in &table.columns {
        let storage = column.storage.sql();
        let rule = match column.key {
            Some(_) if rowid == Some(&column.name) => " PRIMARY KEY",
            Some(_) if !table.keyless => " NOT NULL",
            _ => "",
        };
        parts.push(format!("{} {storage}{rule}", quote(&column.name)));
    }
    parts.extend(table.added().iter().map(|(name, declared)| format!("{} {declared} NOT NULL", quote(name))));
    if rowid.is_none() {
        let versions = if table.history { format!(", {}", quote(table.system.start)) } else { String::new() };
        // NULL in the integer that is a primary key alone would be another number.
        let unique = if table.keyless { "UNIQUE" } else { "PRIMARY KEY" };
        parts.push(format!("{unique} ({}{versions})", key_list(table)));
    }
    format!("CREATE TABLE {} ({})", quote(name), parts.join(", "))
}

/// The quoted columns that tell one row of the source from another, with commas between.
pub(super) fn key_list(table: &Table) -> String {
    if table.hashed {
        return quote(table.system.id);
    }
    table.key().iter().map(|column| quote(&column.name)).collect::<Vec<_>>().join(", ")
}

/// Adds and widens columns. `changes` holds new columns and columns whose type differs.
pub(super) fn evolve(
    connection: &Connection,
    catalogue: &mut Catalogue,
    table: &Table,
    changes: &[Change],
) -> Result<Arc<Table>, DestinationError> {
    let mut changed = table.clone();
    let mut rewrite = false;
    let mut added = Vec::new();
    let settles = |column: &TableColumn, to| column.data_type.is_none() && to != column.data_type;
    // An empty table costs nothing to rewrite, and then has the right declared types.
    let empty = if changes.iter().any(|c| table.find(&c.name).is_some_and(|column| settles(column, c.data_type))) {
        is_empty(connection, table)?
    } else {
        false
    };
    for change in changes {
        match changed.columns.iter_mut().find(|column| column.name.eq_ignore_ascii_case(&change.name)) {
            Some(column) => {
                rewrite |= match (column.data_type, change.data_type) {
                    (Some(from), Some(to)) => rewrites(from, to),
                    _ => empty || column.key.is_some(),
                };
                column.data_type = change.data_type;
            }
            None => added.push(TableColumn {
                source: change.source.clone(),
                name: change.name.clone(),
                data_type: change.data_type,
                storage: Storage::of(change.data_type),
                key: None,
            }),
        }
    }
    // SQLite adds no column of such a name to a table, though a new one may have it.
    rewrite |= added.iter().any(|column: &TableColumn| is_row_id(&column.name));
    if rewrite {
        changed.columns.append(&mut added);
        rewrite_table(connection, table, &mut changed)?;
    }
    for column in added {
        let statement =
            format!("ALTER TABLE {} ADD COLUMN {} {}", quote(&table.name), quote(&column.name), column.storage.sql());
        connection.execute(&statement, []).map_err(failed("adding a column"))?;
        changed.columns.push(column);
    }
    catalogue.put(connection, changed)
}

fn is_empty(connection: &Connection, table: &Table) -> Result<bool, DestinationError> {
    let statement = format!("SELECT NOT EXISTS (SELECT 1 FROM {})", quote(&table.name));
    connection.query_row(&statement, [], |row| row.get(0)).map_err(failed("reading a table"))
}

/// What is known about the integers of a column, by looking at them.
pub(super) fn integers(connection: &Connection, table: &Table, column: &str) -> Result<Integers, DestinationError> {
    let column = quote(column);
    // Smaller ones all are.
    let statement = format!(
        "SELECT {column} FROM {} WHERE {column} > 9007199254740992 OR {column} < -9007199254740992",
        quote(&table.name)
    );
    let search = || -> rusqlite::Result<Integers> {
        let mut statement = connection.prepare(&statement)?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            if !matches!(row.get_ref(0)?, ValueRef::Integer(v) if exact_in_double(v)) {
                return Ok(Integers::Any);
            }
        }
        Ok(Integers::ExactInDouble)
    };
    search().map_err(failed("reading a table"))
}

/// Makes place for rows that lack a part of the key.
pub(super) fn take_keyless(
    connection: &Connection,
    catalogue: &mut Catalogue,
    table: &Table,
) -> Result<Arc<Table>, DestinationError> {
    let mut changed = Table { keyless: true, ..table.clone() };
    rewrite_table(connection, table, &mut changed)?;
    catalogue.put(connection, changed)
}

fn rewrite_table(connection: &Connection, old: &Table, new: &mut Table) -> Result<(), DestinationError> {
    for column in &mut new.columns {
        column.storage = Storage::of(column.data_type);
    }
    if is_empty(connection, old)? {
        return make_anew(connection, old, new).map_err(failed("rewriting a table"));
    }
    replace(connection, old, new, || copy_rows(connection, old, new))
}

/// Lays a table out anew that has no rows: renaming one costs SQLite a look at everything else.
fn make_anew(connection: &Connection, old: &Table, new: &Table) -> rusqlite::Result<()> {
    let indexes = user_indexes(connection, &old.name)?;
    connection.execute(&format!("DROP TABLE {}", quote(&old.name)), [])?;
    connection.execute(&create_statement(new, &old.name), [])?;
    indexes.iter().try_for_each(|index| connection.execute(index, []).map(|_| ()))
}

/// Lays a table out anew; `copy` brings the rows into [`REWRITTEN`].
pub(super) fn replace(
    connection: &Connection,
    old: &Table,
    new: &Table,
    copy: impl FnOnce() -> rusqlite::Result<()>,
) -> Result<(), DestinationError> {
    let rewrite = || -> rusqlite::Result<()> {
        connection.execute(&create_statement(new, REWRITTEN), [])?;
        copy()?;
        let indexes = user_indexes(connection, &old.name)?;
        connection.execute(&format!("DROP TABLE {}", quote(&old.name)), [])?;
        connection.execute(&format!("ALTER TABLE {} RENAME TO {}", quote(REWRITTEN), quote(&old.name)), [])?;
        for index in indexes {
            connection.execute(&index, [])?;
        }
        Ok(())
    };
    rewrite().map_err(failed("rewriting a table"))
}

fn user_indexes(connection: &Connection, table: &str) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare(
        "SELECT sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL AND tbl_name = ? COLLATE NOCASE",
    )?;
    statement.query_map([table], |row| row.get(0))?.collect()
}

fn copy_rows(connection: &Connection, old: &Table, new: &Table) -> rusqlite::Result<()> {
    let mut names: Vec<String> = old.columns.iter().map(|column| quote(&column.name)).collect();
    names.extend(old.added().iter().map(|(name, _)| quote(name)));
    if old.has_ids() {
        names.push(quote(old.system.id));
    }
    let list = names.join(", ");
    let marks = vec!["?"; names.len()].join(", ");
    let mut read = connection.prepare(&format!("SELECT {list} FROM {}", quote(&old.name)))?;
    let mut write = connection.prepare(&format!("INSERT INTO {} ({list}) VALUES ({marks})", quote(REWRITTEN)))?;
    // Only these columns are looked into; the rest passes as it is.
    let conversions: Vec<Option<(DataType, DataType)>> = old
        .columns
        .iter()
        .zip(&new.columns)
        .map(|(from, to)| Some((from.data_type?, to.data_type?)).filter(|(from, to)| rewrites(*from, *to)))
        .collect();
    let mut scratch = String::new();
    let mut rows = read.query([])?;
    while let Some(row) = rows.next()? {
        for index in 0..names.len() {
            let value = row.get_ref(index)?;
            let stored = match conversions.get(index) {
                Some(Some((from, to))) => {
                    decode(value, *from).and_then(|scalar| encode(scalar, *to, &mut scratch)).unwrap_or(value)
                }
                _ => value,
            };
            write.raw_bind_parameter(index + 1, rusqlite::types::ToSqlOutput::Borrowed(stored))?;
        }
        write.raw_execute()?;
    }
    Ok(())
}
