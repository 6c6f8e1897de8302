//! The state of a connection and what is known about its last sync.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension as _, params};
use serde::de::IgnoredAny;

use crate::destination::{DestinationError, SyncIdentity};

/// The state of a connection that never had a checkpoint.
pub(super) const EMPTY: &str = "{}";

pub(super) fn read(connection: &Connection) -> rusqlite::Result<String> {
    let state = connection.query_row("SELECT \"state\" FROM \"_sluice_state\"", [], |row| row.get(0)).optional()?;
    Ok(state.unwrap_or_else(|| EMPTY.to_owned()))
}

pub(super) fn write(connection: &Connection, state: &str, stamp: &str) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO \"_sluice_state\" (\"id\", \"state\", \"written\") VALUES (1, ?, ?)")?
        .execute(params![state, stamp])?;
    Ok(())
}

/// Reads an entry about the connection.
pub(super) fn read_entry(connection: &Connection, key: &str) -> rusqlite::Result<Option<String>> {
    let mut statement = connection.prepare_cached("SELECT \"value\" FROM \"_sluice_meta\" WHERE \"key\" = ?")?;
    statement.query_row([key], |row| row.get(0)).optional()
}

/// The entry that holds the latest stamp, in microseconds.
pub(super) const LAST_STAMP: &str = "last_stamp";
/// The entry that holds the name of the connector that synced last.
pub(super) const CONNECTOR: &str = "connector";
/// The entry that holds the digest of the component that synced last.
pub(super) const DIGEST: &str = "component_digest";
/// The entry that holds what the latest sync has committed.
pub(super) const KEPT: &str = "kept";
/// The entry that holds which connector the operator accepted, and what it asked for.
pub(super) const ACCEPTED: &str = "accepted";
/// The entry that says when a sync first ended well; what is there then is not new.
pub(super) const FIRST_SUCCESS: &str = "first_success";
/// The entry that recognises the key of hashed columns.
pub(super) const HASH_KEY: &str = "hash_key";

pub(super) fn write_identity(connection: &Connection, identity: &SyncIdentity, stamp: i64) -> rusqlite::Result<()> {
    write_entry(connection, CONNECTOR, &identity.connector)?;
    write_entry(connection, DIGEST, &identity.digest)?;
    write_last_stamp(connection, stamp)
}

/// Records the latest stamp, so that every later one is later.
pub(super) fn write_last_stamp(connection: &Connection, stamp: i64) -> rusqlite::Result<()> {
    write_entry(connection, LAST_STAMP, &stamp.to_string())
}

/// Writes an entry about the connection.
pub(super) fn write_entry(connection: &Connection, key: &str, value: &str) -> rusqlite::Result<()> {
    connection.prepare_cached("INSERT OR REPLACE INTO \"_sluice_meta\" VALUES (?, ?)")?.execute([key, value])?;
    Ok(())
}

/// Records that a sync ended well, the first time.
pub(super) fn note_success(connection: &Connection, stamp: &str) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT OR IGNORE INTO \"_sluice_meta\" VALUES (?, ?)")?
        .execute([FIRST_SUCCESS, stamp])?;
    Ok(())
}

/// Whether a sync ended well before and no re-sync waits for one.
pub(super) fn is_settled(connection: &Connection) -> rusqlite::Result<bool> {
    let settled = "SELECT EXISTS (SELECT 1 FROM \"_sluice_meta\" WHERE \"key\" = ?) \
                   AND NOT EXISTS (SELECT 1 FROM \"_sluice_resync\")";
    connection.query_row(settled, [FIRST_SUCCESS], |row| row.get(0))
}

/// The top-level keys of a state with the texts of their values, in their order; none of what
/// is no JSON object.
pub(crate) fn entries(state: &str) -> Vec<(String, &str)> {
    let mut entries = Vec::new();
    let mut rest = state.trim_start().strip_prefix('{').unwrap_or_default();
    while let Some((key, value, after)) = entry(rest) {
        entries.push((key, value));
        rest = after;
    }
    entries
}

/// A key, its value, and what comes after the comma.
fn entry(text: &str) -> Option<(String, &str, &str)> {
    let (key, _, rest) = read_one::<String>(text)?;
    let (IgnoredAny, value, rest) = read_one(rest.trim_start().strip_prefix(':')?)?;
    let rest = rest.trim_start();
    Some((key, value.trim(), rest.strip_prefix(',').unwrap_or(rest)))
}

/// The JSON value at the beginning of a text, its own text, and what comes after it.
fn read_one<T: serde::de::DeserializeOwned>(text: &str) -> Option<(T, &str, &str)> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<T>();
    let value = values.next()?.ok()?;
    let end = values.byte_offset();
    Some((value, text.get(..end)?, text.get(end..)?))
}

/// Checks a state that an operator gives.
///
/// # Errors
/// `Invalid` unless it is one JSON object.
pub(super) fn check(state: &str) -> Result<(), DestinationError> {
    serde_json::from_str::<HashMap<String, IgnoredAny>>(state).map(|_| ()).map_err(|error| DestinationError::Invalid {
        what: "the state",
        reason: format!("it must be a JSON object (line {}, column {})", error.line(), error.column()),
    })
}
