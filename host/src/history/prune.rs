//! How long runs are kept.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::store::{History, HistoryError};
use super::write::stamp;

/// What a settled run may cost of others' time: at most so many are forgotten on the way.
const AT_ONCE: u32 = 500;
const AGE: &str = "keep_seconds";
const COUNT: &str = "keep_runs";

/// How long runs are kept. Runs under way are never forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Not longer than this.
    pub age: Duration,
    /// Not more than these.
    pub runs: u64,
}

impl Default for Retention {
    fn default() -> Self {
        Self { age: Duration::from_secs(400 * 24 * 3600), runs: 100_000 }
    }
}

impl History {
    /// How long runs are kept by themselves.
    ///
    /// # Errors
    /// When the history cannot be read.
    pub fn retention(&self) -> Result<Retention, HistoryError> {
        retention(&self.database()).map_err(self.failed("reading how long runs are kept"))
    }

    /// Changes how long runs are kept by themselves.
    ///
    /// # Errors
    /// When the history cannot be written.
    pub fn set_retention(&self, retention: Retention) -> Result<(), HistoryError> {
        let database = self.database();
        let set = |key: &str, value: u64| {
            let value = value.to_string();
            database.execute("INSERT OR REPLACE INTO \"settings\" VALUES (?, ?)", [key, &value]).map(|_| ())
        };
        let done = set(AGE, retention.age.as_secs()).and_then(|()| set(COUNT, retention.runs));
        done.map_err(self.failed("writing how long runs are kept"))
    }

    /// Forgets runs that are older or more than these; answers how many.
    ///
    /// # Errors
    /// When the history cannot be written.
    pub fn prune(&self, retention: Retention) -> Result<u64, HistoryError> {
        let database = self.database();
        let mut pruned = 0;
        loop {
            let some = forget(self, &database, retention, AT_ONCE)?;
            pruned += some;
            if some == 0 {
                return Ok(pruned);
            }
        }
    }
}

fn retention(database: &Connection) -> rusqlite::Result<Retention> {
    let mut statement = database.prepare_cached("SELECT \"value\" FROM \"settings\" WHERE \"key\" = ?")?;
    let mut read = |key: &str| -> rusqlite::Result<Option<u64>> {
        let text = statement.query_row([key], |row| row.get::<_, String>(0)).optional()?;
        Ok(text.and_then(|text| text.parse().ok()))
    };
    let usual = Retention::default();
    Ok(Retention { age: read(AGE)?.map_or(usual.age, Duration::from_secs), runs: read(COUNT)?.unwrap_or(usual.runs) })
}

/// Forgets some of what is not to be kept.
pub(super) fn automatic(history: &History, database: &Connection) -> Result<(), HistoryError> {
    let retention = retention(database).map_err(history.failed("reading how long runs are kept"))?;
    forget(history, database, retention, AT_ONCE).map(|_| ())
}

fn forget(history: &History, database: &Connection, retention: Retention, most: u32) -> Result<u64, HistoryError> {
    let doing = history.failed("forgetting old runs");
    let age = SignedDuration::try_from(retention.age).unwrap_or(SignedDuration::MAX);
    let oldest = Timestamp::now().checked_sub(age).unwrap_or(Timestamp::MIN);
    let kept = i64::try_from(retention.runs).unwrap_or(i64::MAX);
    // Most often nothing is to be forgotten, which the first run tells.
    let first = "SELECT \"started\" < ?1 OR \"id\" <= (SELECT max(\"id\") FROM \"runs\") - ?2 \
                 FROM \"runs\" ORDER BY \"id\" LIMIT 1";
    let mut statement = database.prepare_cached(first).map_err(&doing)?;
    let is_old = statement.query_row(params![stamp(oldest), kept], |row| row.get::<_, bool>(0)).optional();
    if is_old.map_err(&doing)? != Some(true) {
        return Ok(0);
    }
    // Numbers have no gaps but at the beginning.
    let old = "SELECT \"id\" FROM (SELECT \"id\", \"started\", \"outcome\" FROM \"runs\" ORDER BY \"id\" LIMIT ?3) \
               WHERE \"outcome\" <> 'running' AND (\"started\" < ?1 OR \"id\" <= (SELECT max(\"id\") FROM \"runs\") - ?2)";
    let mut statement = database.prepare_cached(old).map_err(&doing)?;
    let ids: rusqlite::Result<Vec<i64>> =
        statement.query_map(params![stamp(oldest), kept, most], |row| row.get(0)).and_then(Iterator::collect);
    let ids = ids.map_err(&doing)?;
    if ids.is_empty() {
        return Ok(0);
    }
    let delete = || -> rusqlite::Result<()> {
        let transaction = database.unchecked_transaction()?;
        for id in &ids {
            for (table, key) in [("run_tables", "run"), ("run_hosts", "run"), ("runs", "id")] {
                let statement = format!("DELETE FROM \"{table}\" WHERE \"{key}\" = ?");
                transaction.prepare_cached(&statement)?.execute([id])?;
            }
        }
        transaction.commit()
    };
    delete().map_err(&doing)?;
    Ok(u64::try_from(ids.len()).unwrap_or(u64::MAX))
}
