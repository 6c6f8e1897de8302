//! A database of the host's own in a warehouse, as guarded as those of connections.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension as _, TransactionBehavior};

use super::SqliteOptions;
use super::files::{Files, create_folder};
use super::open::{authorize, explain, failed, harden, identify, is_empty};
use crate::destination::DestinationError;

/// What a database of the host's own is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Own {
    /// Its file without `.db`; no connection has this name.
    pub(crate) name: &'static str,
    /// Marks the file as this.
    pub(crate) application_id: i64,
    /// The version of its layout.
    pub(crate) format: i64,
    /// What a new one is made of.
    pub(crate) layout: &'static str,
    /// How long to wait for others that write to it.
    pub(crate) patience: Duration,
}

/// Opens it for reading and writing, by several processes at once. Without `create`, `None` when there is none.
///
/// # Errors
/// `Files` when it is not ours or not as we left it, `Busy` when somebody holds it too long.
pub(crate) fn open_own(warehouse: &Path, own: &Own, create: bool) -> Result<Option<Connection>, DestinationError> {
    match create {
        true => create_folder(warehouse)?,
        false if !warehouse.exists() => return Ok(None),
        false => {}
    }
    let files = Files::own(warehouse, own.name)?;
    match create {
        true => files.create_database().map(|_| ())?,
        false if !files.database.exists() => return Ok(None),
        false => {}
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NOFOLLOW | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(&files.database, flags)
        .map_err(|error| explain(failed("opening it")(error), &files))?;
    let options = SqliteOptions { busy_timeout: own.patience, cache_bytes: 2 << 20, ..SqliteOptions::default() };
    let set_up = harden(&connection, &options).and_then(|()| keep_a_log(&connection, own.patience));
    set_up.map_err(|error| explain(failed("setting it up")(error), &files))?;
    let laid_out = lay_out(&mut connection, own).map_err(|error| explain(failed("laying it out")(error), &files))?;
    if !laid_out {
        let reason = format!("is not what sluice keeps there, or of another version (not format {})", own.format);
        return Err(DestinationError::files(&files.database, reason + "; move it away", None));
    }
    check_schema(&connection, &files)?;
    connection.authorizer(Some(authorize)).map_err(failed("setting it up"))?;
    Ok(Some(connection))
}

/// Several processes may find a new file at once, and SQLite does not wait when one of them changes its journal.
fn keep_a_log(connection: &Connection, patience: Duration) -> rusqlite::Result<()> {
    let until = Instant::now() + patience;
    loop {
        let read = |row: &rusqlite::Row<'_>| row.get::<_, String>(0);
        match connection.pragma_update_and_check(None, "journal_mode", "WAL", read) {
            Err(error) if is_busy(&error) && Instant::now() < until => {
                std::thread::sleep(Duration::from_millis(5));
            }
            done => {
                done?;
                // A process that dies loses nothing; a machine that loses its power, the last runs at most.
                return connection.pragma_update(None, "synchronous", "NORMAL");
            }
        }
    }
}

fn is_busy(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

/// Lays out a new file; tells whether it is, or was, what it must be.
fn lay_out(connection: &mut Connection, own: &Own) -> rusqlite::Result<bool> {
    let found = identify(connection)?;
    if found != (0, 0) {
        return Ok(found == (own.application_id, own.format));
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Somebody else may have been first.
    let found = identify(&transaction)?;
    if found == (0, 0) && is_empty(&transaction)? {
        transaction.execute_batch(own.layout)?;
        transaction.pragma_update(None, "application_id", own.application_id)?;
        transaction.pragma_update(None, "user_version", own.format)?;
        transaction.commit()?;
        return Ok(true);
    }
    Ok(found == (own.application_id, own.format))
}

/// Nothing that would make a statement of ours do something else.
fn check_schema(connection: &Connection, files: &Files) -> Result<(), DestinationError> {
    let strange = "SELECT name FROM sqlite_schema WHERE type IN ('trigger', 'view') \
                   OR (type = 'table' AND rootpage = 0) LIMIT 1";
    let found: Option<String> =
        connection.query_row(strange, [], |row| row.get(0)).optional().map_err(failed("checking its schema"))?;
    match found {
        None => Ok(()),
        Some(name) => {
            let reason = format!("holds {name:?}, a trigger, view or virtual table; drop it");
            Err(DestinationError::files(&files.database, reason, None))
        }
    }
}
