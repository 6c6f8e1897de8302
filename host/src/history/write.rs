//! Writing runs.

use jiff::Timestamp;
use rusqlite::{Connection, Transaction, TransactionBehavior, params};

use super::store::{History, HistoryError};
use super::{Beginning, Ending, PARTS, RunHost, RunTable, TEXT_BYTES, alive, interrupted, prune};

impl History {
    /// Writes that a run begins, which holds its connection and has committed nothing yet; answers its number.
    ///
    /// # Errors
    /// When the history cannot be written.
    pub fn begin(&self, run: &Beginning) -> Result<u64, HistoryError> {
        interrupted::settle_before(self, &run.connection)?;
        self.insert(run)
    }

    fn insert(&self, run: &Beginning) -> Result<u64, HistoryError> {
        insert(&self.database(), run).map_err(self.failed("writing that a run begins"))
    }

    /// Settles a run, and forgets what is older than it is to be kept.
    ///
    /// # Errors
    /// When the history cannot be written.
    pub fn finish(&self, run: u64, ending: &Ending) -> Result<(), HistoryError> {
        let mut database = self.database();
        settle_with(&mut database, run, ending, false).map_err(self.failed("settling a run"))?;
        prune::automatic(self, &database)
    }

    /// Writes a run that was refused before it began.
    ///
    /// # Errors
    /// When the history cannot be written.
    pub fn refused(&self, run: &Beginning, ending: &Ending) -> Result<u64, HistoryError> {
        let id = self.insert(run)?;
        self.finish(id, ending)?;
        Ok(id)
    }
}

/// A time as it is stored.
pub(super) fn stamp(time: Timestamp) -> String {
    format!("{time:.6}")
}

fn cut(text: &str) -> &str {
    text.get(..text.floor_char_boundary(TEXT_BYTES)).unwrap_or(text)
}

/// SQLite's numbers end earlier than ours.
fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn insert(database: &Connection, run: &Beginning) -> rusqlite::Result<u64> {
    let limits = serde_json::to_string(&run.limits).unwrap_or_else(|_| "{}".to_owned());
    let mut statement = database.prepare_cached(
        "INSERT INTO \"runs\" (\"sync\", \"connection\", \"connector\", \"version\", \"component\", \"user\", \
         \"command\", \"attempt\", \"process\", \"started\", \"outcome\", \"limits\") \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 'running', ?11)",
    )?;
    let id = statement.insert(params![
        cut(&run.sync),
        cut(&run.connection),
        cut(&run.connector.0),
        run.connector.1.as_deref().map(cut),
        cut(&run.component),
        alive::user(),
        run.command,
        run.attempt,
        alive::this_process(),
        stamp(Timestamp::now()),
        limits,
    ])?;
    Ok(id.unsigned_abs())
}

/// Settles a run; `open` only if nobody did before.
pub(super) fn settle_with(database: &mut Connection, run: u64, ending: &Ending, open: bool) -> rusqlite::Result<()> {
    let transaction = database.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if update(&transaction, run, ending, open)? {
        let id = number(run);
        for table in ["run_tables", "run_hosts"] {
            transaction.execute(&format!("DELETE FROM \"{table}\" WHERE \"run\" = ?"), [id])?;
        }
        for (position, table) in (0..).zip(ending.tables.iter().take(PARTS)) {
            insert_table(&transaction, id, position, table)?;
        }
        for (position, host) in (0..).zip(ending.hosts.iter().take(PARTS)) {
            insert_host(&transaction, id, position, host)?;
        }
    }
    transaction.commit()
}

fn update(transaction: &Transaction<'_>, run: u64, ending: &Ending, open: bool) -> rusqlite::Result<bool> {
    let totals = &ending.totals;
    let mut statement = transaction.prepare_cached(
        "UPDATE \"runs\" SET \"ended\" = ?2, \"outcome\" = ?3, \"message\" = ?4, \"rows\" = ?5, \"bytes\" = ?6, \
         \"checkpoints\" = ?7, \"files\" = ?8, \"file_bytes\" = ?9, \"active_rows\" = ?10, \"requests\" = ?11, \
         \"denied\" = ?12, \"wall_seconds\" = ?13, \"cpu_seconds\" = ?14, \"peak_memory_bytes\" = ?15 \
         WHERE \"id\" = ?1 AND (\"outcome\" = 'running' OR NOT ?16)",
    )?;
    let changed = statement.execute(params![
        number(run),
        stamp(Timestamp::now()),
        ending.outcome.as_str(),
        ending.message.as_deref().map(cut),
        number(totals.rows),
        number(totals.bytes),
        number(totals.checkpoints),
        number(totals.files),
        number(totals.file_bytes),
        number(totals.active_rows),
        number(totals.requests),
        number(totals.denied),
        totals.wall_seconds,
        totals.cpu_seconds,
        number(totals.peak_memory_bytes),
        open,
    ])?;
    Ok(changed > 0)
}

fn insert_table(transaction: &Transaction<'_>, run: i64, position: i64, table: &RunTable) -> rusqlite::Result<()> {
    transaction
        .prepare_cached("INSERT INTO \"run_tables\" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)")?
        .execute(params![
            run,
            position,
            cut(&table.table),
            number(table.upserts),
            number(table.updates),
            number(table.deletes),
            number(table.truncates),
            number(table.swept),
            number(table.nulled),
            number(table.quarantined),
            number(table.active_rows),
        ])
        .map(|_| ())
}

fn insert_host(transaction: &Transaction<'_>, run: i64, position: i64, host: &RunHost) -> rusqlite::Result<()> {
    transaction
        .prepare_cached("INSERT INTO \"run_hosts\" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?
        .execute(params![
            run,
            position,
            cut(&host.host),
            number(host.requests),
            number(host.connections),
            number(host.bytes_sent),
            number(host.bytes_received),
            number(host.denied),
        ])
        .map(|_| ())
}
