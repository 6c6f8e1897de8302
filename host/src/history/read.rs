//! Reading runs.

use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, Row, params};

use super::store::{History, HistoryError};
use super::write::stamp;
use super::{Outcome, Run, RunHost, RunTable, Totals};

/// Which runs to read.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Of this connection.
    pub connection: Option<String>,
    /// Only those that did not end well.
    pub failed: bool,
    /// Only those that began at or after this.
    pub since: Option<Timestamp>,
    /// At most so many; the latest.
    pub limit: u32,
}

const COLUMNS: &str = "\"id\", \"sync\", \"connection\", \"connector\", \"version\", \"component\", \"user\", \
     \"command\", \"attempt\", \"started\", \"ended\", \"outcome\", \"message\", \"rows\", \"bytes\", \"checkpoints\", \
     \"files\", \"file_bytes\", \"active_rows\", \"requests\", \"denied\", \"wall_seconds\", \"cpu_seconds\", \
     \"peak_memory_bytes\"";

impl History {
    /// The latest runs, latest first, without their tables, hosts and limits.
    ///
    /// # Errors
    /// When the history cannot be read.
    pub fn runs(&self, filter: &Filter) -> Result<Vec<Run>, HistoryError> {
        let doing = self.failed("reading runs");
        let database = self.database();
        let mut statement = database
            .prepare_cached(&format!(
                "SELECT {COLUMNS} FROM \"runs\" WHERE (?1 IS NULL OR \"connection\" = ?1) \
                 AND (NOT ?2 OR \"outcome\" NOT IN ('success', 'running')) AND (?3 IS NULL OR \"started\" >= ?3) \
                 ORDER BY \"id\" DESC LIMIT ?4"
            ))
            .map_err(&doing)?;
        let wanted = params![filter.connection, filter.failed, filter.since.map(stamp), filter.limit];
        statement.query_map(wanted, run).and_then(Iterator::collect).map_err(&doing)
    }

    /// One run with everything that is known of it.
    ///
    /// # Errors
    /// When the history cannot be read.
    pub fn run(&self, id: u64) -> Result<Option<Run>, HistoryError> {
        let doing = self.failed("reading a run");
        let Ok(id) = i64::try_from(id) else { return Ok(None) };
        let database = self.database();
        let one = |row: &Row<'_>| {
            let limits: String = row.get(24)?;
            Ok(Run { limits: serde_json::from_str(&limits).unwrap_or_default(), ..run(row)? })
        };
        let statement = format!("SELECT {COLUMNS}, \"limits\" FROM \"runs\" WHERE \"id\" = ?");
        let Some(found) = database.query_row(&statement, [id], one).optional().map_err(&doing)? else {
            return Ok(None);
        };
        let parts = |name: &str| format!("SELECT * FROM \"{name}\" WHERE \"run\" = ? ORDER BY \"position\"");
        let mut tables = database.prepare_cached(&parts("run_tables")).map_err(&doing)?;
        let tables = tables.query_map([id], table).and_then(Iterator::collect).map_err(&doing)?;
        let mut hosts = database.prepare_cached(&parts("run_hosts")).map_err(&doing)?;
        let hosts = hosts.query_map([id], host).and_then(Iterator::collect).map_err(&doing)?;
        Ok(Some(Run { tables: Some(tables), hosts: Some(hosts), ..found }))
    }
}

fn number(row: &Row<'_>, index: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(index).map(|value| u64::try_from(value).unwrap_or_default())
}

fn run(row: &Row<'_>) -> rusqlite::Result<Run> {
    Ok(Run {
        id: number(row, 0)?,
        sync: row.get(1)?,
        connection: row.get(2)?,
        connector: row.get(3)?,
        version: row.get(4)?,
        component: row.get(5)?,
        user: row.get(6)?,
        command: row.get(7)?,
        attempt: row.get(8)?,
        started: row.get(9)?,
        ended: row.get(10)?,
        outcome: Outcome::of(&row.get::<_, String>(11)?),
        message: row.get(12)?,
        totals: Totals {
            rows: number(row, 13)?,
            bytes: number(row, 14)?,
            checkpoints: number(row, 15)?,
            files: number(row, 16)?,
            file_bytes: number(row, 17)?,
            active_rows: number(row, 18)?,
            requests: number(row, 19)?,
            denied: number(row, 20)?,
            wall_seconds: row.get(21)?,
            cpu_seconds: row.get(22)?,
            peak_memory_bytes: number(row, 23)?,
        },
        limits: std::collections::BTreeMap::new(),
        tables: None,
        hosts: None,
    })
}

fn table(row: &Row<'_>) -> rusqlite::Result<RunTable> {
    Ok(RunTable {
        table: row.get(2)?,
        upserts: number(row, 3)?,
        updates: number(row, 4)?,
        deletes: number(row, 5)?,
        truncates: number(row, 6)?,
        swept: number(row, 7)?,
        nulled: number(row, 8)?,
        quarantined: number(row, 9)?,
        active_rows: number(row, 10)?,
    })
}

fn host(row: &Row<'_>) -> rusqlite::Result<RunHost> {
    Ok(RunHost {
        host: row.get(2)?,
        requests: number(row, 3)?,
        connections: number(row, 4)?,
        bytes_sent: number(row, 5)?,
        bytes_received: number(row, 6)?,
        denied: number(row, 7)?,
    })
}
