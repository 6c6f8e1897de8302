//! Hashing what landed in plain, before a sync begins.
//!
//! `_sluice_hashing` says which columns were hashed by the last sync, spelled as `landing/protection.rs` compares
//! names. A column that is to be hashed and is not among them is hashed where it lies; one that is not to be hashed any
//! more is noted with the time, so that when hashing is turned on again only what was written since is hashed. All of
//! it is one transaction, after which the log is emptied: neither it nor free pages hold the old values.

use std::collections::HashMap;

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::wal::CheckpointMode;
use rusqlite::{Connection, MAIN_DB, Statement, TransactionBehavior, params};

use super::SqliteOptions;
use super::catalogue::{Catalogue, Table, all_tables};
use super::files::Files;
use super::identity::RowHash;
use super::naming::quote;
use super::open::{busy, failed};
use super::schema::{REWRITTEN, replace};
use super::text::{push_hex, text_form};
use super::types::Storage;
use super::values::{Scalar, decode};
use super::{key, quarantine, state, sync};
use crate::destination::DestinationError;
use crate::destination::filter::HashKey;
use crate::landing::names::spelling;
use crate::landing::protection::Protection;
use crate::landing::references::table_spelling;
use crate::rows::DataType;

/// What the key is recognised by: the hash of this.
const KEY_CHECK: &str = "sluice hash key 1";
const DOING: &str = "hashing columns";

/// A table and a column, as they are spelled.
type Spelled = (String, String);

/// Since when a column is not hashed any more; `None` while it is.
type Since = Option<String>;

/// Hashes what the operator wants hashed and is not, and answers the key when any column is hashed.
///
/// # Errors
/// `Files` when the key is missing, is not the database's, or others may read it.
pub(super) fn settle(
    connection: &mut Connection,
    options: &SqliteOptions,
    files: &Files,
) -> Result<Option<HashKey>, DestinationError> {
    let wanted = Protection::of(&options.landing).hashed();
    let noted = noted(connection).map_err(failed(DOING))?;
    let is_ended = |(name, since): &(&Spelled, &Since)| since.is_none() && !wanted.contains(*name);
    let ended: Vec<&Spelled> = noted.iter().filter(is_ended).map(|(name, _)| name).collect();
    let begun: HashMap<&Spelled, &Since> = wanted
        .iter()
        .filter_map(|name| match noted.get(name) {
            None => Some((name, &None)),
            Some(None) => None,
            Some(since) => Some((name, since)),
        })
        .collect();
    let key = if wanted.is_empty() { None } else { Some(the_key(connection, files)?) };
    if ended.is_empty() && begun.is_empty() {
        return Ok(key);
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(|error| {
        let held = error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy);
        if held { busy(&files.connection) } else { failed(DOING)(error) }
    })?;
    if let Some(key) = &key {
        let mut check = String::new();
        key.push(KEY_CHECK, &mut check);
        state::write_entry(&transaction, state::HASH_KEY, &check).map_err(failed(DOING))?;
        hash_tables(&transaction, &begun, key)?;
    }
    note(&transaction, options.clock, &ended, begun.keys().copied())?;
    transaction.commit().map_err(failed(DOING))?;
    // A reader may hold the log open; then the end of the sync empties it.
    let _ = connection.wal_checkpoint_v2(Some(MAIN_DB), CheckpointMode::TRUNCATE);
    Ok(key)
}

fn the_key(connection: &Connection, files: &Files) -> Result<HashKey, DestinationError> {
    let check = state::read_entry(connection, state::HASH_KEY).map_err(failed("reading the catalogue"))?;
    let missing = |what: &str| {
        let reason = format!(
            "{what} the key that the hashed columns of connection {0} were made with; put the right file back, or \
             delete the tables of the connection with `sluice reset {0}`",
            files.connection
        );
        DestinationError::files(&files.key, reason, None)
    };
    match (check, key::read(&files.key)?) {
        (None, None) => key::make(&files.key),
        (None, Some(key)) => Ok(key),
        (Some(_), None) => Err(missing("is missing, and with it")),
        (Some(check), Some(key)) => {
            let mut own = String::new();
            key.push(KEY_CHECK, &mut own);
            if own == check { Ok(key) } else { Err(missing("is not")) }
        }
    }
}

fn noted(connection: &Connection) -> rusqlite::Result<HashMap<Spelled, Since>> {
    let mut statement = connection.prepare("SELECT \"table\", \"column\", \"off_since\" FROM \"_sluice_hashing\"")?;
    statement.query_map([], |row| Ok(((row.get(0)?, row.get(1)?), row.get(2)?)))?.collect()
}

fn note<'a>(
    connection: &Connection,
    still: Option<i64>,
    ended: &[&Spelled],
    begun: impl Iterator<Item = &'a Spelled>,
) -> Result<(), DestinationError> {
    // Every later row has a later stamp, whatever the system's clock does.
    let mut clock = sync::clock(connection, still)?;
    let now = clock.tick();
    let write = || -> rusqlite::Result<()> {
        let mut statement = connection.prepare("INSERT OR REPLACE INTO \"_sluice_hashing\" VALUES (?, ?, ?)")?;
        for (table, column) in ended {
            statement.execute(params![table, column, now])?;
        }
        for (table, column) in begun {
            statement.execute(params![table, column, None::<String>])?;
        }
        state::write_last_stamp(connection, clock.last())
    };
    write().map_err(failed(DOING))
}

fn hash_tables(
    connection: &Connection,
    begun: &HashMap<&Spelled, &Since>,
    key: &HashKey,
) -> Result<(), DestinationError> {
    let is_begun = |table: String, column: &str| begun.contains_key(&(table, spelling(column)));
    quarantine::redact(connection, is_begun).map_err(failed(DOING))?;
    let mut catalogue = Catalogue::load(connection)?;
    for table in all_tables(connection)? {
        let spelled = table_spelling(table.source.schema.as_deref(), &table.source.name);
        let hashed: Vec<Option<&Since>> = table
            .columns
            .iter()
            .map(|column| begun.get(&(spelled.clone(), spelling(&column.source))).copied())
            .collect();
        if hashed.iter().all(Option::is_none) {
            continue;
        }
        let mut new = table.clone();
        for (column, hashed) in new.columns.iter_mut().zip(&hashed) {
            if hashed.is_some() {
                column.data_type = Some(DataType::Text);
            }
            column.storage = Storage::of(column.data_type);
        }
        replace(connection, &table, &new, || copy(connection, &table, &hashed, key))?;
        catalogue.put(connection, new)?;
    }
    Ok(())
}

/// Copies the rows with hashes in the columns that have an entry in `hashed`.
fn copy(connection: &Connection, table: &Table, hashed: &[Option<&Since>], key: &HashKey) -> rusqlite::Result<()> {
    let mut names: Vec<String> = table.columns.iter().map(|column| quote(&column.name)).collect();
    names.extend(table.added().iter().map(|(name, _)| quote(name)));
    let id_at = table.has_ids().then_some(names.len());
    names.extend(table.has_ids().then(|| quote(table.system.id)));
    let list = names.join(", ");
    let marks = vec!["?"; names.len()].join(", ");
    let synced = quote(table.system.synced);
    let mut read = connection.prepare(&format!("SELECT {list}, {synced} FROM {}", quote(&table.name)))?;
    // Rows without a key that have become equal are one row.
    let conflict = if table.has_ids() { "OR REPLACE " } else { "" };
    let mut write =
        connection.prepare(&format!("INSERT {conflict}INTO {} ({list}) VALUES ({marks})", quote(REWRITTEN)))?;
    let order = by_name(table);
    let mut id = RowHash::default();
    let mut rows = read.query([])?;
    while let Some(row) = rows.next()? {
        let synced: String = row.get(names.len())?;
        let hashes = hashes(row, table, hashed, &synced, key)?;
        for index in 0..names.len() {
            match hashes.get(&index) {
                Some(hash) => write.raw_bind_parameter(index + 1, hash)?,
                None => bind(&mut write, index + 1, row.get_ref(index)?)?,
            }
        }
        let identified = |at: &usize| !matches!(row.get_ref(*at), Ok(ValueRef::Null));
        if let (Some(id_at), false) = (id_at.filter(identified), hashes.is_empty()) {
            // The old one was made of the plain values, which could be found by trying.
            write.raw_bind_parameter(id_at + 1, new_id(row, table, &order, &hashes, &mut id)?)?;
        }
        write.raw_execute()?;
    }
    Ok(())
}

fn bind(statement: &mut Statement<'_>, parameter: usize, value: ValueRef<'_>) -> rusqlite::Result<()> {
    statement.raw_bind_parameter(parameter, ToSqlOutput::Borrowed(value))
}

/// The hashes of a row by column.
fn hashes(
    row: &rusqlite::Row<'_>,
    table: &Table,
    hashed: &[Option<&Since>],
    synced: &str,
    key: &HashKey,
) -> rusqlite::Result<HashMap<usize, String>> {
    let mut hashes = HashMap::new();
    let mut scratch = String::new();
    for (index, (column, since)) in table.columns.iter().zip(hashed).enumerate() {
        let value = row.get_ref(index)?;
        let plain = since.is_some_and(|since| since.as_deref().is_none_or(|since| synced > since));
        if plain && value != ValueRef::Null {
            let mut hash = String::new();
            let scalar = column.data_type.and_then(|stored| decode(value, stored));
            match scalar.and_then(|scalar| text_form(scalar, &mut scratch)) {
                Some(text) => key.push(text, &mut hash),
                None => key.push(&foreign(value), &mut hash),
            }
            hashes.insert(index, hash);
        }
    }
    Ok(hashes)
}

/// A text for a value that another program wrote in a form of its own; it does not stay in plain either.
fn foreign(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Null => String::new(),
        ValueRef::Integer(value) => value.to_string(),
        ValueRef::Real(value) => format!("{value:?}"),
        ValueRef::Text(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        ValueRef::Blob(bytes) => {
            let mut text = String::new();
            push_hex(&mut text, bytes);
            text
        }
    }
}

/// The columns in the order of a row's hash.
fn by_name(table: &Table) -> Vec<usize> {
    let mut order: Vec<usize> = (0..table.columns.len()).collect();
    order.sort_by_key(|index| table.columns.get(*index).map(|column| column.name.clone()));
    order
}

fn new_id(
    row: &rusqlite::Row<'_>,
    table: &Table,
    order: &[usize],
    hashes: &HashMap<usize, String>,
    hash: &mut RowHash,
) -> rusqlite::Result<String> {
    hash.begin();
    for index in order {
        let Some(column) = table.columns.get(*index) else { continue };
        let scalar = match hashes.get(index) {
            Some(text) => Some(Scalar::Text(text)),
            None => column
                .data_type
                .map(|stored| row.get_ref(*index).map(|value| decode(value, stored)))
                .transpose()?
                .flatten(),
        };
        if let Some(scalar) = scalar {
            hash.add(&column.name, scalar);
        }
    }
    let mut id = String::new();
    hash.finish(&mut id);
    Ok(id)
}
