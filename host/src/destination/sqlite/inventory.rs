//! What the database holds when a sync begins, as its filter wants to know it.

use rusqlite::Connection;

use super::catalogue::{Table, all_tables};
use super::open::failed;
use super::state;
use crate::destination::DestinationError;
use crate::destination::filter::{Filter, HashKey, StoredColumn, StoredTable};
use crate::landing::Landing;

/// The filter of a sync, if the operator wants one.
///
/// # Errors
/// The database failed, or a table is not as the catalogue says.
pub(super) fn filter(
    connection: &Connection,
    landing: &Landing,
    key: Option<HashKey>,
) -> Result<Option<Filter>, DestinationError> {
    if !Filter::is_wanted(landing) {
        return Ok(None);
    }
    let synced = state::read_entry(connection, state::FIRST_SUCCESS).map_err(failed("reading the catalogue"))?;
    let tables = all_tables(connection)?.into_iter().map(stored).collect();
    Ok(Filter::new(landing, tables, synced.is_some(), key))
}

fn stored(table: Table) -> StoredTable {
    let column =
        |column: super::catalogue::TableColumn| StoredColumn { source: column.source, key: column.key.is_some() };
    StoredTable { source: table.source, columns: table.columns.into_iter().map(column).collect() }
}
