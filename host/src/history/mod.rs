//! The history of runs: one row for each sync, in `runs.db` in the warehouse. What its tables hold stands in
//! `docs/runs.md`.
//!
//! A row is written when a sync begins, after it has its connection's lock, and settled when it ends. A sync that
//! died in between is found by the next look: its process is gone, and nobody holds the connection. What it had
//! committed is known to the connection's own database. The history is not where the truth about rows is, so that no
//! sync fails because of it: who writes it turns an error into a warning.
//!
//! Texts in it are redacted by whoever hands them over, and bounded here.

mod alive;
mod interrupted;
mod prune;
mod read;
mod retries;
mod store;
mod write;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::Serialize;

pub use alive::{this_process, user};
pub use prune::Retention;
pub use read::Filter;
pub use retries::Again;
pub use store::{History, HistoryError};

/// Longest text of a run, in bytes: a message, a name.
pub(crate) const TEXT_BYTES: usize = 8 << 10;
/// Tables and hosts of a run that are kept one by one.
pub(crate) const PARTS: usize = 1_000;

/// How a run stands or ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It is under way.
    Running,
    /// All rows and the state are durable.
    Success,
    /// The connector failed.
    Connector,
    /// A limit was reached.
    Limit,
    /// Something was not granted.
    Denied,
    /// The host or its machine failed, or somebody cancelled it.
    Host,
    /// It was refused before it began.
    Refused,
    /// Its process died. What it had checkpointed is kept.
    Interrupted,
}

impl Outcome {
    const ALL: [Self; 8] = [
        Self::Running,
        Self::Success,
        Self::Connector,
        Self::Limit,
        Self::Denied,
        Self::Host,
        Self::Refused,
        Self::Interrupted,
    ];

    /// As it is stored and printed.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Success => "success",
            Self::Connector => "connector",
            Self::Limit => "limit",
            Self::Denied => "denied",
            Self::Host => "host",
            Self::Refused => "refused",
            Self::Interrupted => "interrupted",
        }
    }

    fn of(text: &str) -> Self {
        // Only another version of the host can have written something else.
        Self::ALL.into_iter().find(|outcome| outcome.as_str() == text).unwrap_or(Self::Host)
    }
}

/// What is known of a run before it begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Beginning {
    /// The sync, as the audit log calls it.
    pub sync: String,
    /// The connection.
    pub connection: String,
    /// The connector's name and version.
    pub connector: (String, Option<String>),
    /// Digest of its component; empty while unknown.
    pub component: String,
    /// The command that syncs: `run`, `batch` or `serve`.
    pub command: &'static str,
    /// Which try of the same sync it is, from 1.
    pub attempt: u32,
    /// The limits in force, by name: bytes, milliseconds and counts.
    pub limits: BTreeMap<&'static str, u64>,
}

/// How a run ended. Texts are redacted.
#[derive(Clone, Debug, PartialEq)]
pub struct Ending {
    /// How.
    pub outcome: Outcome,
    /// What happened; absent after a success.
    pub message: Option<String>,
    /// Its numbers.
    pub totals: Totals,
    /// By table.
    pub tables: Vec<RunTable>,
    /// By host.
    pub hosts: Vec<RunHost>,
}

impl Ending {
    /// An end without anything to count.
    #[must_use]
    pub fn of(outcome: Outcome, message: Option<String>) -> Self {
        Self { outcome, message, totals: Totals::default(), tables: Vec::new(), hosts: Vec::new() }
    }
}

/// The numbers of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Totals {
    /// Rows the connector sent; of an interrupted run, those that are durable.
    pub rows: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Durable checkpoints.
    pub checkpoints: u64,
    /// Files that the connector finished, and their bytes.
    pub files: u64,
    /// Bytes of files.
    pub file_bytes: u64,
    /// Rows that were active for the first time in their month.
    pub active_rows: u64,
    /// Requests and connections that were let out.
    pub requests: u64,
    /// Those that were denied.
    pub denied: u64,
    /// Time from start to end, in seconds.
    pub wall_seconds: f64,
    /// Processor time of the connector, in seconds.
    pub cpu_seconds: f64,
    /// Most memory of the connector.
    pub peak_memory_bytes: u64,
}

/// What a run did to a table; the counts of the summary of `sluice run`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "as in `TableCounts`")]
pub struct RunTable {
    pub table: String,
    pub upserts: u64,
    pub updates: u64,
    pub deletes: u64,
    pub truncates: u64,
    pub swept: u64,
    pub nulled: u64,
    pub quarantined: u64,
    pub active_rows: u64,
}

/// What a run exchanged with a host; the counts of the summary of `sluice run`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[expect(missing_docs, reason = "as in `HostUsage`")]
pub struct RunHost {
    pub host: String,
    pub requests: u64,
    pub connections: u64,
    pub bytes_sent: u64,
    pub bytes_received: u64,
    pub denied: u64,
}

/// A run as it is stored.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Run {
    /// Its number in this history.
    pub id: u64,
    /// The sync, as the audit log calls it.
    pub sync: String,
    /// The connection.
    pub connection: String,
    /// Name of the connector.
    pub connector: String,
    /// Its version.
    pub version: Option<String>,
    /// Digest of its component; empty when the run was refused before it was known.
    pub component: String,
    /// Who ran it: the name of the operating system's user.
    pub user: String,
    /// The command that synced: `run`, `batch` or `serve`.
    pub command: String,
    /// Which try of the same sync it was, from 1.
    pub attempt: u32,
    /// When it began, UTC.
    pub started: String,
    /// When it ended, UTC; of an interrupted run, when that was found.
    pub ended: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// What happened; absent after a success.
    pub message: Option<String>,
    /// Its numbers.
    #[serde(flatten)]
    pub totals: Totals,
    /// The limits that were in force, by name: bytes, milliseconds and counts.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub limits: BTreeMap<String, u64>,
    /// By table; only for one run at a time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tables: Option<Vec<RunTable>>,
    /// By host; only for one run at a time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hosts: Option<Vec<RunHost>>,
}
