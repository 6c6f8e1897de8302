//! Looking at a connection's tables.

use rusqlite::Connection;
use rusqlite::types::ValueRef;

use super::catalogue::{Table, all_tables, read_table};
use super::fixed;
use super::naming::quote;
use super::open::failed;
use super::text::push_hex;
use super::types::type_name;
use crate::destination::DestinationError;
use crate::rows::TableName;

/// Longest text of a cell that [`super::Warehouse::peek`] gives, in characters.
const CELL_CHARACTERS: usize = 1_000;

/// A table as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableInfo {
    /// The table in the destination.
    pub name: String,
    /// The table as the source names it.
    pub source: TableName,
    /// Every version of a row is kept.
    pub history: bool,
    /// Rows that are not deleted; with history the active versions.
    pub alive: u64,
    /// Rows that are marked as deleted; with history the closed versions.
    pub deleted: u64,
    /// The source's columns.
    pub columns: Vec<ColumnInfo>,
    /// When a row was last written, UTC; `None` for a table without rows.
    pub last_synced: Option<String>,
}

/// A column as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnInfo {
    /// The column in the destination.
    pub name: String,
    /// The column as the source names it.
    pub source: String,
    /// The logical type as authors write it; `None` when it has none yet.
    pub data_type: Option<String>,
    /// Whether it is part of the primary key.
    pub key: bool,
}

/// The first rows of a table, as text. The texts are the connector's: they may hold control
/// characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peek {
    /// Names of the columns in the destination, those of the host last.
    pub columns: Vec<String>,
    /// The rows; `None` is NULL. A text is cut, with an ellipsis, at 1,000 characters.
    pub rows: Vec<Vec<Option<String>>>,
}

/// Which rows [`super::Warehouse::peek_with`] gives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shown {
    /// All of them.
    #[default]
    All,
    /// Those that are not deleted.
    Alive,
    /// Those that are marked as deleted.
    Deleted,
}

/// What to show of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PeekOptions {
    /// Most rows.
    pub rows: u32,
    /// Which rows.
    pub shown: Shown,
    /// Names of columns in the destination, in order; empty for all of them.
    pub columns: Vec<String>,
}

/// The names of all tables in their source, in the order of their names in the destination.
pub(super) fn sources(connection: &Connection) -> Result<Vec<TableName>, DestinationError> {
    let read = || -> rusqlite::Result<Vec<TableName>> {
        let mut statement = connection
            .prepare("SELECT \"source_schema\", \"source_name\" FROM \"_sluice_tables\" ORDER BY \"name\"")?;
        statement.query_map([], |row| Ok(TableName { schema: row.get(0)?, name: row.get(1)? }))?.collect()
    };
    read().map_err(failed("reading the catalogue"))
}

pub(super) fn tables(connection: &Connection) -> Result<Vec<TableInfo>, DestinationError> {
    all_tables(connection)?.into_iter().map(|table| info(connection, table)).collect()
}

/// An expression that is 1 for rows that are deleted, and with history for versions that are closed.
fn deleted(table: &Table) -> String {
    if table.history { format!("1 - {}", quote(table.system.active)) } else { quote(table.system.deleted) }
}

fn info(connection: &Connection, table: Table) -> Result<TableInfo, DestinationError> {
    let (gone, synced) = (deleted(&table), quote(table.system.synced));
    let statement = format!("SELECT COUNT(*), TOTAL({gone}), MAX({synced}) FROM {}", quote(&table.name));
    let (rows, deleted, last_synced) = connection
        .query_row(&statement, [], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, f64>(1)?, row.get(2)?)))
        .map_err(failed("reading a table"))?;
    #[allow(clippy::cast_possible_truncation, reason = "a sum of zeros and ones")]
    let deleted = (deleted as i64).unsigned_abs();
    let columns = table
        .columns
        .into_iter()
        .map(|column| ColumnInfo {
            name: column.name,
            source: column.source,
            data_type: column.data_type.map(type_name),
            key: column.key.is_some(),
        })
        .collect();
    let alive = rows.unsigned_abs().saturating_sub(deleted);
    Ok(TableInfo {
        name: table.name,
        source: table.source,
        history: table.history,
        alive,
        deleted,
        columns,
        last_synced,
    })
}

/// A table, named as in the destination or as in the source.
pub(super) fn find(connection: &Connection, name: &str) -> Result<Option<Table>, DestinationError> {
    match read_table(connection, fixed::names(connection)?, name)? {
        Some(table) => Ok(Some(table)),
        None => Ok(all_tables(connection)?.into_iter().find(|table| table.source.to_string() == name)),
    }
}

pub(super) fn peek(
    connection: &Connection,
    name: &str,
    options: &PeekOptions,
) -> Result<Option<Peek>, DestinationError> {
    let Some(table) = find(connection, name)? else { return Ok(None) };
    let mut columns: Vec<String> = table.columns.iter().map(|column| column.name.clone()).collect();
    columns.extend(table.has_ids().then(|| table.system.id.to_owned()));
    columns.extend(table.added().iter().map(|(name, _)| (*name).to_owned()));
    let columns = chosen(&table, columns, &options.columns)?;
    let list = columns.iter().map(|name| quote(name)).collect::<Vec<_>>().join(", ");
    let condition = match options.shown {
        Shown::All => String::new(),
        Shown::Alive => format!(" WHERE {} = 0", deleted(&table)),
        Shown::Deleted => format!(" WHERE {} = 1", deleted(&table)),
    };
    let statement = format!("SELECT {list} FROM {}{condition} LIMIT ?", quote(&table.name));
    let read = || -> rusqlite::Result<Vec<Vec<Option<String>>>> {
        let mut statement = connection.prepare(&statement)?;
        let rows = statement.query_map([options.rows], |row| {
            (0..columns.len()).map(|index| row.get_ref(index).map(display)).collect()
        })?;
        rows.collect()
    };
    let rows = read().map_err(failed("reading a table"))?;
    Ok(Some(Peek { columns, rows }))
}

fn chosen(table: &Table, all: Vec<String>, wanted: &[String]) -> Result<Vec<String>, DestinationError> {
    if wanted.is_empty() {
        return Ok(all);
    }
    let find = |wanted: &String| match all.iter().find(|name| name.eq_ignore_ascii_case(wanted)) {
        Some(name) => Ok(name.clone()),
        None => Err(DestinationError::Invalid {
            what: "a column name",
            reason: format!("table {} has no column {wanted}; it has {}", table.name, all.join(", ")),
        }),
    };
    wanted.iter().map(find).collect()
}

fn display(value: ValueRef<'_>) -> Option<String> {
    let text = match value {
        ValueRef::Null => return None,
        ValueRef::Integer(v) => v.to_string(),
        ValueRef::Real(v) if v.is_finite() => format!("{v:?}"),
        ValueRef::Real(v) => if v > 0.0 { "Infinity" } else { "-Infinity" }.to_owned(),
        ValueRef::Text(v) => String::from_utf8_lossy(v).into_owned(),
        ValueRef::Blob(v) => {
            let mut hex = String::new();
            push_hex(&mut hex, v.get(..CELL_CHARACTERS).unwrap_or(v));
            hex
        }
    };
    Some(match text.char_indices().nth(CELL_CHARACTERS) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    })
}
