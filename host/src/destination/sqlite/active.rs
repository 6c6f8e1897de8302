//! Monthly active rows: how many rows of a table were synced in a calendar month, each counted once.
//!
//! What counts stands in `docs/runs.md`. A row's own `_sluice_synced` says when it was last counted: a row that is
//! upserted, updated or deleted counts if it was new, or if that stamp lies before the month of this one. So nothing
//! is kept a row beside what is there already, and the count is exact over all syncs of a month. It is added up in
//! the transaction of the rows, and rolled back with them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::functions::FunctionFlags;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, params};

use super::open::failed;
use crate::destination::DestinationError;

/// The SQL function that looks at the stamp of a row that is there; it answers 0.
pub(super) const LOOK: &str = "_sluice_look";

/// The table of the sums.
pub(super) const TABLE: &str = "CREATE TABLE IF NOT EXISTS \"_sluice_active\" (\"month\" TEXT NOT NULL, \
     \"table_name\" TEXT NOT NULL COLLATE NOCASE, \"rows\" INTEGER NOT NULL, PRIMARY KEY (\"month\", \"table_name\")) \
     WITHOUT ROWID";

/// Bytes of a stamp that tell its month: `2026-11-`. Packed, months compare as numbers do.
const MONTH_BYTES: usize = 8;

fn month_of(stamp: &[u8]) -> u64 {
    stamp.first_chunk::<MONTH_BYTES>().map_or(0, |month| u64::from_be_bytes(*month))
}

fn month_text(month: u64) -> String {
    let bytes = month.to_be_bytes();
    String::from_utf8_lossy(bytes.strip_suffix(b"-").unwrap_or(&bytes)).into_owned()
}

/// What the SQL function saw since the last reset. It runs on the thread of its connection.
#[derive(Debug, Default)]
struct Seen {
    month: AtomicU64,
    /// Rows that were last counted in an earlier month.
    before: AtomicU64,
    /// Rows that count in this month already.
    within: AtomicU64,
}

/// Counts the active rows of a sync.
#[derive(Debug, Default)]
pub(super) struct Active {
    seen: Arc<Seen>,
    /// By month and table, since the last commit.
    pending: BTreeMap<(u64, String), u64>,
}

impl Active {
    /// Makes the function known to a connection.
    pub(super) fn install(connection: &Connection) -> Result<Self, DestinationError> {
        let active = Self::default();
        let seen = Arc::clone(&active.seen);
        // Never in a schema, where somebody else could have put it.
        let flags = FunctionFlags::SQLITE_UTF8 | FunctionFlags::SQLITE_DIRECTONLY;
        let look = move |context: &rusqlite::functions::Context<'_>| {
            let month = match context.get_raw(0) {
                ValueRef::Text(stamp) => month_of(stamp),
                _ => 0,
            };
            let counter = if month < seen.month.load(Ordering::Relaxed) { &seen.before } else { &seen.within };
            counter.fetch_add(1, Ordering::Relaxed);
            Ok(0_i64)
        };
        connection.create_scalar_function(LOOK, 1, flags, look).map_err(failed("setting it up"))?;
        Ok(active)
    }

    /// A statement with this stamp follows.
    pub(super) fn begin(&self, stamp: &str) {
        self.seen.month.store(month_of(stamp.as_bytes()), Ordering::Relaxed);
        self.seen.before.store(0, Ordering::Relaxed);
        self.seen.within.store(0, Ordering::Relaxed);
    }

    /// How many of the rows that were upserted since [`Self::begin`] are active for the first time in the month.
    pub(super) fn upserted(&self, rows: usize) -> u64 {
        let rows = u64::try_from(rows).unwrap_or(u64::MAX);
        rows.saturating_sub(self.seen.within.load(Ordering::Relaxed))
    }

    /// The same for rows that were updated or deleted.
    pub(super) fn changed(&self) -> u64 {
        self.seen.before.load(Ordering::Relaxed)
    }

    /// Whether a row that was last counted at `former` counts at `stamp`.
    pub(super) fn counts(former: Option<&str>, stamp: &str) -> bool {
        former.is_none_or(|former| month_of(former.as_bytes()) < month_of(stamp.as_bytes()))
    }

    /// Adds rows that count at `stamp`.
    pub(super) fn add(&mut self, table: &str, stamp: &str, rows: u64) {
        if rows > 0 {
            *self.pending.entry((month_of(stamp.as_bytes()), table.to_owned())).or_default() += rows;
        }
    }

    /// Writes the sums, in the transaction of the rows.
    pub(super) fn keep(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        connection.prepare_cached(TABLE)?.execute([])?;
        let mut add = connection.prepare_cached(
            "INSERT INTO \"_sluice_active\" VALUES (?1, ?2, ?3) \
             ON CONFLICT DO UPDATE SET \"rows\" = \"rows\" + excluded.\"rows\"",
        )?;
        for ((month, table), rows) in &self.pending {
            add.execute(params![month_text(*month), table, i64::try_from(*rows).unwrap_or(i64::MAX)])?;
        }
        self.pending.clear();
        Ok(())
    }

    /// What was counted since the last commit was not to be.
    pub(super) fn discard(&mut self) {
        self.pending.clear();
    }
}

/// Active rows of a table in a month.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActiveRows {
    /// The month in UTC: `2026-11`.
    pub month: String,
    /// The table as it is called in the destination.
    pub table: String,
    /// Rows that were upserted, updated or deleted in it, each once.
    pub rows: u64,
}

/// All sums of a connection, in order of month and table.
pub(super) fn read(connection: &Connection) -> rusqlite::Result<Vec<ActiveRows>> {
    let there = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = '_sluice_active')";
    if !connection.query_row(there, [], |row| row.get::<_, bool>(0))? {
        return Ok(Vec::new());
    }
    let mut statement =
        connection.prepare("SELECT \"month\", \"table_name\", \"rows\" FROM \"_sluice_active\" ORDER BY 1, 2")?;
    let rows = statement.query_map([], |row| {
        Ok(ActiveRows { month: row.get(0)?, table: row.get(1)?, rows: row.get::<_, i64>(2)?.unsigned_abs() })
    })?;
    rows.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_compare_and_come_back() {
        let (november, december) = (month_of(b"2026-11-30T23:59:59.999999Z"), month_of(b"2026-12-01T00:00:00.000000Z"));
        assert!(november < december && december < month_of(b"2027-01-01T00:00:00.000000Z"));
        assert_eq!(month_text(november), "2026-11");
        assert_eq!(month_of(b"2026"), 0);
    }
}
