//! Switching the history of tables on, before a sync begins.

use rusqlite::{Connection, ErrorCode, TransactionBehavior};

use super::catalogue::{Table, read_table};
use super::files::Files;
use super::fixed;
use super::history::FOREVER;
use super::naming::quote;
use super::open::{busy, failed};
use super::schema::{REWRITTEN, replace};
use crate::destination::DestinationError;
use crate::landing::Landing;
use crate::rows::TableName;

/// Makes tables keep their history that the operator wants so, each in one transaction.
///
/// # Errors
/// `Invalid` when a table has a history that the operator does not want any more.
pub(super) fn settle(connection: &mut Connection, landing: &Landing, files: &Files) -> Result<(), DestinationError> {
    for (name, source, history) in all(connection).map_err(failed("reading the catalogue"))? {
        match (history, landing.history(source.schema.as_deref(), &source.name)) {
            (true, false) => return Err(unwanted(&source, files)),
            (false, true) => {
                if let Some(table) = read_table(connection, fixed::names(connection)?, &name)? {
                    switch_on(connection, &table, files)?;
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn unwanted(source: &TableName, files: &Files) -> DestinationError {
    DestinationError::Invalid {
        what: "a setting",
        reason: format!(
            "table {source} keeps its history, and the settings do not say so any more, which would throw its versions \
             away; set history for it again, or delete the tables of the connection with `sluice reset {}`",
            files.connection
        ),
    }
}

fn all(connection: &Connection) -> rusqlite::Result<Vec<(String, TableName, bool)>> {
    let mut statement = connection.prepare(
        "SELECT \"name\", \"source_schema\", \"source_name\", \"history\" FROM \"_sluice_tables\" ORDER BY \"name\"",
    )?;
    let rows = statement
        .query_map([], |row| Ok((row.get(0)?, TableName { schema: row.get(1)?, name: row.get(2)? }, row.get(3)?)))?;
    rows.collect()
}

/// Makes each row the first version of its key.
fn switch_on(connection: &mut Connection, old: &Table, files: &Files) -> Result<(), DestinationError> {
    let doing = failed("switching a table's history on");
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(|error| {
        if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) { busy(&files.connection) } else { doing(error) }
    })?;
    let new = Table { history: true, ..old.clone() };
    replace(&transaction, old, &new, || transaction.execute(&copy_statement(old), [FOREVER]).map(|_| ()))?;
    transaction
        .execute("UPDATE \"_sluice_tables\" SET \"history\" = 1 WHERE \"name\" = ?", [&old.name])
        .map_err(&doing)?;
    transaction.commit().map_err(&doing)
}

fn copy_statement(old: &Table) -> String {
    let kept: Vec<String> = old
        .hashed
        .then_some(old.system.id)
        .into_iter()
        .chain(old.columns.iter().map(|column| &*column.name))
        .map(quote)
        .collect();
    let (kept, deleted, synced) = (kept.join(", "), quote(old.system.deleted), quote(old.system.synced));
    format!(
        "INSERT INTO {} ({kept}, {}, {}, {}, {synced}) \
         SELECT {kept}, {deleted} = 0, {synced}, CASE {deleted} WHEN 0 THEN ?1 ELSE {synced} END, {synced} FROM {}",
        quote(REWRITTEN),
        quote(old.system.active),
        quote(old.system.start),
        quote(old.system.end),
        quote(&old.name)
    )
}
