//! What a sync has committed so far, beside its rows: of a sync that was killed, nobody else can tell.

use rusqlite::Connection;
use serde::{Deserialize, Serialize};

use super::open::failed;
use super::state;
use crate::destination::{DestinationError, TableCounts};

/// Tables of which the counts are kept one by one; a connector with more has them written at every checkpoint.
const TABLES: usize = 200;

/// What a sync has committed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    /// The sync, as it was called in the options.
    pub sync: String,
    /// Durable checkpoints.
    pub checkpoints: u64,
    /// Rows that were upserted, updated and deleted.
    pub rows: u64,
    /// Rows that are active for the first time in the month.
    pub active: u64,
    /// The same by table; none when there are too many.
    pub tables: Vec<KeptTable>,
}

/// Of one table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "as in `TableCounts`")]
pub struct KeptTable {
    pub table: String,
    pub upserts: u64,
    pub updates: u64,
    pub deletes: u64,
    pub truncates: u64,
    pub active: u64,
}

impl Kept {
    fn of(sync: &str, checkpoints: u64, tables: &[TableCounts]) -> Self {
        let sum = |count: fn(&TableCounts) -> u64| tables.iter().map(count).fold(0, u64::saturating_add);
        let one = |counts: &TableCounts| KeptTable {
            table: counts.table.to_string(),
            upserts: counts.upserts,
            updates: counts.updates,
            deletes: counts.deletes,
            truncates: counts.truncates,
            active: counts.active,
        };
        Self {
            sync: sync.to_owned(),
            checkpoints,
            rows: sum(|counts| counts.upserts.saturating_add(counts.updates).saturating_add(counts.deletes)),
            active: sum(|counts| counts.active),
            tables: if tables.len() > TABLES { Vec::new() } else { tables.iter().map(one).collect() },
        }
    }
}

/// Writes it in the transaction of the rows.
pub(super) fn write(
    connection: &Connection,
    sync: &str,
    checkpoints: u64,
    tables: &[TableCounts],
) -> Result<(), DestinationError> {
    let text = serde_json::to_string(&Kept::of(sync, checkpoints, tables)).unwrap_or_default();
    state::write_entry(connection, state::KEPT, &text).map_err(failed("writing the catalogue"))
}

/// What was written last. What cannot be read is nothing: it is a courtesy.
pub(super) fn read(connection: &Connection) -> Result<Option<Kept>, DestinationError> {
    let text = state::read_entry(connection, state::KEPT).map_err(failed("reading the catalogue"))?;
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()))
}
