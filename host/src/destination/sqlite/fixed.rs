//! What a connection keeps from its first sync on: how it names tables, columns and the host's columns.
//!
//! Another name would be another table beside the old one, so a later decision that differs is refused. Until a table
//! exists, nothing is fixed.

use rusqlite::Connection;

use super::files::Files;
use super::naming::Names;
use super::open::failed;
use super::state::{read_entry, write_entry};
use crate::destination::DestinationError;
use crate::landing::{Landing, Naming, SystemColumns};

const NAMING: &str = "naming";
const SYSTEM_COLUMNS: &str = "system_columns";

/// How the connection names things.
///
/// # Errors
/// The database failed, or was written by a later version.
pub(super) fn names(connection: &Connection) -> Result<Names, DestinationError> {
    let read = |key| read_entry(connection, key).map_err(failed("reading the catalogue"));
    let unknown = |what| DestinationError::Invalid {
        what: "the database",
        reason: format!("it has another {what} than this sluice knows; use the version of sluice that wrote it"),
    };
    let naming = match read(NAMING)? {
        None => Naming::default(),
        Some(word) => Naming::from_word(&word).ok_or_else(|| unknown("naming"))?,
    };
    let system_columns = match read(SYSTEM_COLUMNS)? {
        None => SystemColumns::default(),
        Some(word) => SystemColumns::from_word(&word).ok_or_else(|| unknown("kind of system columns"))?,
    };
    Ok(Names { naming, system_columns })
}

/// Holds the operator's decisions against the stored ones, and stores them before the first table exists.
///
/// # Errors
/// `Invalid` when a decision differs from the one that the tables were made under.
pub(super) fn settle(connection: &Connection, landing: &Landing, files: &Files) -> Result<(), DestinationError> {
    let stored = names(connection)?;
    let wanted = Names {
        naming: landing.naming.unwrap_or(stored.naming),
        system_columns: landing.system_columns.unwrap_or(stored.system_columns),
    };
    if wanted == stored {
        return Ok(());
    }
    let is_fixed: bool = connection
        .query_row("SELECT EXISTS (SELECT 1 FROM \"_sluice_tables\")", [], |row| row.get(0))
        .map_err(failed("reading the catalogue"))?;
    if is_fixed && wanted.naming != stored.naming {
        return Err(differs("naming", stored.naming.word(), wanted.naming.word(), files));
    }
    if is_fixed {
        let (was, is) = (stored.system_columns.word(), wanted.system_columns.word());
        return Err(differs("system_columns", was, is, files));
    }
    let write = |key, word| write_entry(connection, key, word).map_err(failed("writing the catalogue"));
    write(NAMING, wanted.naming.word())?;
    write(SYSTEM_COLUMNS, wanted.system_columns.word())
}

fn differs(what: &str, was: &str, is: &str, files: &Files) -> DestinationError {
    DestinationError::Invalid {
        what: "a setting",
        reason: format!(
            "{what} is `{is}`, but the tables of connection {0} were made with `{was}`, and that is fixed at the first \
             sync; set `{was}`, or delete the tables with `sluice reset {0}`",
            files.connection
        ),
    }
}
