//! What the destination knows about its tables: which source name stands behind which name,
//! and the logical types that SQLite's own schema cannot tell.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::fixed;
use super::naming::{Names, SystemNames};
use super::open::failed;
use super::types::{Storage, parse_type, type_name};
use crate::destination::DestinationError;
use crate::rows::{DataType, TableName};

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TableColumn {
    pub(super) source: String,
    pub(super) name: String,
    /// `None` until the first value of a column that was declared without a type.
    pub(super) data_type: Option<DataType>,
    pub(super) storage: Storage,
    /// Place in the primary key.
    pub(super) key: Option<usize>,
}

/// A table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) source: TableName,
    pub(super) name: String,
    /// Rows are identified by their hash because there is no primary key.
    pub(super) hashed: bool,
    /// It has a key, and rows that lack a part of it, which are identified by their hash; see `keyless.rs`.
    pub(super) keyless: bool,
    /// Every version of a row is kept.
    pub(super) history: bool,
    /// The names of the host's columns.
    pub(super) system: &'static SystemNames,
    pub(super) columns: Vec<TableColumn>,
}

impl Table {
    /// The column of that destination name; SQLite compares names without regard to ASCII case.
    pub(super) fn find(&self, name: &str) -> Option<&TableColumn> {
        self.columns.iter().find(|column| column.name.eq_ignore_ascii_case(name))
    }

    /// The key columns in order; none when [`Table::hashed`].
    pub(super) fn key(&self) -> Vec<&TableColumn> {
        let mut key: Vec<_> = self.columns.iter().filter(|column| column.key.is_some()).collect();
        key.sort_by_key(|column| column.key);
        key
    }

    /// The host's columns and their declared types, without the id of a row.
    pub(super) fn added(&self) -> Vec<(&'static str, &'static str)> {
        let SystemNames { synced, deleted, active, start, end, .. } = self.system;
        match self.history {
            false => vec![(deleted, "INTEGER"), (synced, "TEXT")],
            true => vec![(active, "INTEGER"), (start, "TEXT"), (end, "TEXT"), (synced, "TEXT")],
        }
    }

    /// Whether there is a column for the id of a row.
    pub(super) fn has_ids(&self) -> bool {
        self.hashed || self.keyless
    }

    /// What the catalogue says of how rows are identified.
    fn identity(&self) -> i64 {
        if self.keyless { KEYLESS } else { i64::from(self.hashed) }
    }

    /// The column that is SQLite's row id: a key of one integer column that every row has, unless it has versions.
    pub(super) fn rowid(&self) -> Option<&TableColumn> {
        match self.key().as_slice() {
            [column] if !self.history && !self.keyless && Storage::of(column.data_type) == Storage::Integer => {
                Some(column)
            }
            _ => None,
        }
    }
}

/// The mark of tables with a key that some of their rows lack.
const KEYLESS: i64 = 2;

/// SQLite's own names for a table's row id, which a column of the same name hides.
const ROW_IDS: [&str; 3] = ["rowid", "_rowid_", "oid"];

/// Whether a column of this name hides a name of the row id.
pub(super) fn is_row_id(name: &str) -> bool {
    ROW_IDS.iter().any(|other| other.eq_ignore_ascii_case(name))
}

impl Table {
    /// The name of the row id that neither a column of the table hides nor one of `more`.
    pub(super) fn row_id<'a>(&self, more: impl Iterator<Item = &'a str> + Clone) -> Option<&'static str> {
        let hidden =
            |name: &str| self.find(name).is_some() || more.clone().any(|other| other.eq_ignore_ascii_case(name));
        ROW_IDS.into_iter().find(|name| !hidden(name))
    }
}

/// The tables used so far, and how many there are in all.
#[derive(Debug)]
pub(super) struct Catalogue {
    names: Names,
    known: HashMap<String, Arc<Table>>,
    count: u64,
}

fn fold(name: &str) -> String {
    name.to_ascii_lowercase()
}

impl Catalogue {
    pub(super) fn load(connection: &Connection) -> Result<Self, DestinationError> {
        let count = connection
            .query_row("SELECT COUNT(*) FROM \"_sluice_tables\"", [], |row| row.get::<_, i64>(0))
            .map_err(failed("reading the catalogue"))?;
        Ok(Self { names: fixed::names(connection)?, known: HashMap::new(), count: count.unsigned_abs() })
    }

    /// How the connection names things.
    pub(super) fn names(&self) -> Names {
        self.names
    }

    /// Number of tables.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// The destination's name of a table, and the table if it exists.
    ///
    /// # Errors
    /// `Refused` when the name is not acceptable or belongs to another table of the source.
    pub(super) fn get(
        &mut self,
        connection: &Connection,
        source: &TableName,
    ) -> Result<(String, Option<Arc<Table>>), DestinationError> {
        let name = self.names.table(source).map_err(|reason| DestinationError::refused(source, None, reason))?;
        let key = fold(&name);
        let table = match self.known.get(&key) {
            Some(table) => Some(Arc::clone(table)),
            None => read_table(connection, self.names, &name)?.map(Arc::new),
        };
        if let Some(table) = &table {
            if table.source != *source {
                return Err(DestinationError::refused(source, None, collision(&table.source.to_string(), &name)));
            }
            self.known.entry(key).or_insert_with(|| Arc::clone(table));
        }
        Ok((name, table))
    }

    /// Records a table as it is now.
    pub(super) fn put(&mut self, connection: &Connection, table: Table) -> Result<Arc<Table>, DestinationError> {
        let new = write_table(connection, &table).map_err(failed("writing the catalogue"))?;
        self.count += u64::from(new);
        let table = Arc::new(table);
        self.known.insert(fold(&table.name), Arc::clone(&table));
        Ok(table)
    }
}

/// Forgets what is recorded about a table.
pub(super) fn remove(connection: &Connection, table: &str) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM \"_sluice_columns\" WHERE \"table_name\" = ?", [table])?;
    connection.execute("DELETE FROM \"_sluice_tables\" WHERE \"name\" = ?", [table])?;
    Ok(())
}

/// Why two names of a source cannot be told apart.
pub(super) fn collision(other: &str, name: &str) -> String {
    format!("{other:?} is already stored under the same name {name:?}; rename one of the two")
}

fn write_table(connection: &Connection, table: &Table) -> rusqlite::Result<bool> {
    let inserted = connection
        .prepare_cached(
            "INSERT INTO \"_sluice_tables\" (\"name\", \"source_schema\", \"source_name\", \"hashed\", \"history\") \
             VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        )?
        .execute(params![table.name, table.source.schema, table.source.name, table.identity(), table.history])?;
    if inserted == 0 && table.keyless {
        connection
            .prepare_cached("UPDATE \"_sluice_tables\" SET \"hashed\" = ?2 WHERE \"name\" = ?1")?
            .execute(params![table.name, KEYLESS])?;
    }
    let mut statement = connection.prepare_cached(
        "INSERT INTO \"_sluice_columns\" (\"table_name\", \"name\", \"position\", \"source_name\", \"data_type\", \"storage\", \"key_ordinal\") \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) \
         ON CONFLICT DO UPDATE SET \"data_type\" = ?5, \"storage\" = ?6",
    )?;
    for (position, column) in table.columns.iter().enumerate() {
        statement.execute(params![
            table.name,
            column.name,
            i64::try_from(position).unwrap_or(i64::MAX),
            column.source,
            column.data_type.map(type_name),
            column.storage.sql(),
            column.key.and_then(|key| i64::try_from(key).ok()),
        ])?;
    }
    Ok(inserted > 0)
}

/// Reads all tables in order of their names.
pub(super) fn all_tables(connection: &Connection) -> Result<Vec<Table>, DestinationError> {
    let read = || -> rusqlite::Result<Vec<String>> {
        let mut statement = connection.prepare("SELECT \"name\" FROM \"_sluice_tables\" ORDER BY \"name\"")?;
        statement.query_map([], |row| row.get(0))?.collect()
    };
    let names = read().map_err(failed("reading the catalogue"))?;
    let called = fixed::names(connection)?;
    names.iter().filter_map(|name| read_table(connection, called, name).transpose()).collect()
}

/// Reads one table and holds it against SQLite's schema.
pub(super) fn read_table(connection: &Connection, names: Names, name: &str) -> Result<Option<Table>, DestinationError> {
    let doing = failed("reading the catalogue");
    let system = names.system();
    let head = connection
        .prepare_cached(
            "SELECT \"name\", \"source_schema\", \"source_name\", \"hashed\", \"history\" FROM \"_sluice_tables\" \
             WHERE \"name\" = ?",
        )
        .and_then(|mut statement| {
            statement
                .query_row([name], |row| {
                    Ok(Table {
                        name: row.get(0)?,
                        source: TableName { schema: row.get(1)?, name: row.get(2)? },
                        hashed: row.get::<_, i64>(3)? == 1,
                        keyless: row.get::<_, i64>(3)? == KEYLESS,
                        history: row.get(4)?,
                        system,
                        columns: Vec::new(),
                    })
                })
                .optional()
        })
        .map_err(&doing)?;
    let Some(mut table) = head else {
        return Ok(None);
    };
    table.columns = read_columns(connection, &table.name).map_err(&doing)?;
    check_physical(connection, &table)?;
    Ok(Some(table))
}

fn read_columns(connection: &Connection, table: &str) -> rusqlite::Result<Vec<TableColumn>> {
    let mut statement = connection.prepare_cached(
        "SELECT \"name\", \"source_name\", \"data_type\", \"storage\", \"key_ordinal\" FROM \"_sluice_columns\" \
         WHERE \"table_name\" = ? ORDER BY \"position\"",
    )?;
    let rows = statement.query_map([table], |row| {
        let data_type = row.get::<_, Option<String>>(2)?;
        Ok(TableColumn {
            name: row.get(0)?,
            source: row.get(1)?,
            data_type: data_type.as_deref().map(|text| parse_type(text).ok_or_else(|| unknown(2, text))).transpose()?,
            storage: row.get::<_, String>(3).and_then(|text| Storage::parse(&text).ok_or_else(|| unknown(3, &text)))?,
            key: row.get::<_, Option<i64>>(4)?.and_then(|key| usize::try_from(key).ok()),
        })
    })?;
    rows.collect()
}

fn unknown(column: usize, text: &str) -> rusqlite::Error {
    let reason = format!("unknown type {text:?}");
    rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, reason.into())
}

/// A table that somebody altered is not written: what a statement does there is not known.
fn check_physical(connection: &Connection, table: &Table) -> Result<(), DestinationError> {
    let mut expected: HashMap<String, &str> =
        table.columns.iter().map(|column| (fold(&column.name), column.storage.sql())).collect();
    expected.extend(table.added().into_iter().map(|(name, declared)| (name.to_owned(), declared)));
    if table.has_ids() {
        expected.insert(table.system.id.to_owned(), "TEXT");
    }
    let mut strange = None;
    connection
        .pragma(None, "table_xinfo", &table.name, |row| {
            let (name, declared, hidden) = (row.get::<_, String>(1)?, row.get::<_, String>(2)?, row.get::<_, i64>(6)?);
            let default_is_null = row.get_ref(4)? == rusqlite::types::ValueRef::Null;
            if expected.remove(&fold(&name)) != Some(declared.as_str()) || hidden != 0 || !default_is_null {
                strange = Some(name);
            }
            Ok(())
        })
        .map_err(failed("reading the schema"))?;
    let Some(column) = strange.or_else(|| expected.into_keys().next()) else {
        return Ok(());
    };
    Err(DestinationError::Altered { table: table.name.clone(), column })
}
