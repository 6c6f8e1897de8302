//! Re-syncs: what is noted when one begins, and the sweep at the end of the first sync that
//! ends well. What they mean for people stands in `docs/resync.md`.

use rusqlite::{Connection, params};

use super::catalogue::{Catalogue, Table, all_tables};
use super::clock::{self, Clock};
use super::naming::quote;
use super::open::failed;
use super::removal::Removal;
use super::{quarantine, read, state};
use crate::destination::DestinationError;
use crate::landing::Landing;
use crate::policy::terminal::listed;
use crate::rows::TableName;

/// Stands for all tables in `_sluice_resync`; no table has this name.
const EVERYTHING: &str = "*";

/// What a re-sync reads again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resync {
    /// All tables; the state becomes `{}`.
    Everything,
    /// One table.
    Table {
        /// The table as the source names it (`schema.table`), or as the destination does.
        name: String,
        /// What the connector forgets, so that it reads this table again.
        forget: Forget,
    },
}

/// Which part of the state goes away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Forget {
    /// None of it.
    Nothing,
    /// These top-level keys.
    Keys(Vec<String>),
    /// All of it.
    Everything,
}

/// A re-sync that has begun and waits for a sync that ends well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingResync {
    /// The table as the source names it; `None` for all.
    pub table: Option<TableName>,
    /// When it began, UTC.
    pub began: String,
}

/// Notes that a re-sync begins, in one transaction with what the connector forgets. A pending
/// one of the same begins anew; one of everything takes the place of all.
///
/// # Errors
/// `Invalid` when there is no such table, or no such key in the state.
pub(super) fn begin(
    connection: &mut Connection,
    clock: &mut Clock,
    resync: &Resync,
) -> Result<PendingResync, DestinationError> {
    let (table, forget) = match resync {
        Resync::Everything => (None, &Forget::Everything),
        Resync::Table { name, forget } => (Some(named(connection, name)?), forget),
    };
    let former = state::read(connection).map_err(failed("reading the state"))?;
    let state = forgetting(&former, forget)?;
    let began = clock.tick();
    let mut write = || -> rusqlite::Result<()> {
        let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        if table.is_none() {
            transaction.execute("DELETE FROM \"_sluice_resync\"", [])?;
        }
        let scope = table.as_ref().map_or(EVERYTHING, |table| &table.name);
        transaction.execute("INSERT OR REPLACE INTO \"_sluice_resync\" VALUES (?, ?)", params![scope, began])?;
        if state != former {
            state::write(&transaction, &state, &began)?;
        }
        state::write_last_stamp(&transaction, clock.last())?;
        transaction.commit()
    };
    write().map_err(failed("beginning a re-sync"))?;
    Ok(PendingResync { table: table.map(|table| table.source), began })
}

fn named(connection: &Connection, name: &str) -> Result<Table, DestinationError> {
    let mut tables = all_tables(connection)?;
    let place = tables
        .iter()
        .position(|table| table.source.to_string() == name)
        .or_else(|| tables.iter().position(|table| table.name == name));
    if let Some(place) = place {
        return Ok(tables.swap_remove(place));
    }
    let known: Vec<String> = tables.iter().map(|table| table.source.to_string()).collect();
    let reason = format!("there is no table {} yet; there are: {}", listed(&[name]), listed(&known));
    Err(DestinationError::Invalid { what: "the table", reason })
}

/// What is pending: everything first, then tables by name.
pub(super) fn pending(connection: &Connection) -> Result<Vec<PendingResync>, DestinationError> {
    let read = || -> rusqlite::Result<Vec<PendingResync>> {
        let mut statement = connection.prepare(
            "SELECT r.\"began\", t.\"source_schema\", t.\"source_name\" FROM \"_sluice_resync\" AS r \
             LEFT JOIN \"_sluice_tables\" AS t ON t.\"name\" = r.\"table_name\" \
             ORDER BY t.\"name\" IS NOT NULL, t.\"name\"",
        )?;
        let rows = statement.query_map([], |row| {
            let (schema, name) = (row.get(1)?, row.get::<_, Option<String>>(2)?);
            Ok(PendingResync { began: row.get(0)?, table: name.map(|name| TableName { schema, name }) })
        })?;
        rows.collect()
    };
    read().map_err(failed("reading pending re-syncs"))
}

/// Forgets what is pending.
pub(super) fn cancel(connection: &Connection) -> Result<(), DestinationError> {
    connection.execute("DELETE FROM \"_sluice_resync\"", []).map(|_| ()).map_err(failed("cancelling re-syncs"))
}

/// Takes away what did not arrive again, and ends the re-syncs that are done. Answers how many
/// rows of which table.
pub(super) fn sweep(
    connection: &Connection,
    catalogue: &mut Catalogue,
    landing: &Landing,
    clock: &mut Clock,
) -> Result<Vec<(TableName, u64)>, DestinationError> {
    let pending = pending(connection)?;
    if pending.is_empty() {
        return Ok(Vec::new());
    }
    let end = clock::text(clock.next() - 1);
    let everything = pending.iter().find(|one| one.table.is_none());
    let mut swept = Vec::new();
    for source in read::sources(connection)? {
        let own = pending.iter().find(|one| one.table.as_ref() == Some(&source));
        let Some(began) = own.or(everything).map(|one| &one.began) else { continue };
        let blocked = landing.table(source.schema.as_deref(), &source.name).is_some_and(|table| table.block);
        let (_, Some(table)) = catalogue.get(connection, &source)? else { continue };
        if blocked || (everything.is_none() && !arrived(connection, &table, began)?) {
            continue;
        }
        if quarantine::took_since(connection, &source, began).map_err(failed("reading the quarantine"))? {
            // What is kept aside did arrive, and may be in the table as it was before.
            connection
                .execute("INSERT OR REPLACE INTO \"_sluice_resync\" VALUES (?, ?)", params![table.name, began])
                .map_err(failed("putting a re-sync off"))?;
            continue;
        }
        let rows = Removal::of(&table, landing).sweep(connection, &table, began, &end)?;
        connection
            .execute("DELETE FROM \"_sluice_resync\" WHERE \"table_name\" = ?", [&table.name])
            .map_err(failed("ending a re-sync"))?;
        swept.push((source, rows));
    }
    connection
        .execute("DELETE FROM \"_sluice_resync\" WHERE \"table_name\" = ?", [EVERYTHING])
        .map_err(failed("ending a re-sync"))?;
    Ok(swept)
}

/// Whether any row of a table was synced since.
fn arrived(connection: &Connection, table: &Table, began: &str) -> Result<bool, DestinationError> {
    let statement =
        format!("SELECT EXISTS (SELECT 1 FROM {} WHERE {} >= ?)", quote(&table.name), quote(table.system.synced));
    connection.query_row(&statement, [began], |row| row.get(0)).map_err(failed("reading a table"))
}

/// A state after the connector forgot a part of it. What stays is kept letter by letter.
fn forgetting(state: &str, forget: &Forget) -> Result<String, DestinationError> {
    let keys = match forget {
        Forget::Nothing => return Ok(state.to_owned()),
        Forget::Everything => return Ok(state::EMPTY.to_owned()),
        Forget::Keys(keys) => keys,
    };
    let entries = state::entries(state);
    if let Some(missing) = keys.iter().find(|key| !entries.iter().any(|(name, _)| name == *key)) {
        let known: Vec<&String> = entries.iter().map(|(name, _)| name).collect();
        let reason = format!("the state has no key {}; its keys are: {}", listed(&[missing]), listed(&known));
        return Err(DestinationError::Invalid { what: "the key to remove", reason });
    }
    let kept = entries.iter().filter(|(name, _)| !keys.contains(name));
    let kept: Vec<String> = kept.map(|(name, value)| format!("{}: {value}", serde_json::json!(name))).collect();
    Ok(format!("{{{}}}", kept.join(", ")))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_forgotten_is_kept_letter_by_letter() {
        let state = r#" { "a\"b" : 1.50 , "users" : {"x": [1, "}"]} ,"big":123456789012345678901234567890,"é":null }"#;
        let without =
            |keys: &[&str]| forgetting(state, &Forget::Keys(keys.iter().map(|&key| key.to_owned()).collect()));
        assert_eq!(without(&["users"]).unwrap(), r#"{"a\"b": 1.50, "big": 123456789012345678901234567890, "é": null}"#);
        assert_eq!(without(&["a\"b", "users", "big", "é"]).unwrap(), "{}");
        let error = without(&["users", "x"]).unwrap_err().to_string();
        assert!(error.contains("no key \"x\"") && error.contains("\"users\", \"big\""), "{error}");
        assert!(!error.contains("1.50"), "values are never told: {error}");
        assert_eq!(forgetting(state, &Forget::Nothing).unwrap(), state);
        assert_eq!(forgetting(state, &Forget::Everything).unwrap(), "{}");
        assert!(forgetting("{}", &Forget::Keys(vec!["a".into()])).unwrap_err().to_string().contains("are: none"));
    }
}
