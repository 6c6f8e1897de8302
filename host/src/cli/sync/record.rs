//! How a command that syncs writes its syncs into the history of runs. What goes wrong there is a warning: rows and
//! state are in the connection's database, whatever becomes of the history.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;

use crate::cli::failure::Failure;
use crate::display::summary::{OutcomeClass, SyncSummary};
use crate::error::with_causes;
use crate::history::{Beginning, Ending, History, HistoryError, Outcome, RunHost, RunTable, Totals};
use crate::policy::limits::{Limits, ROWS};
use crate::sync::Following;

/// A name for a sync that no other has.
pub(super) fn name_of_sync() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let (time, process) = (Timestamp::now().as_microsecond(), std::process::id());
    match NEXT.fetch_add(1, Ordering::Relaxed) {
        0 => format!("{time:x}-{process:x}"),
        more => format!("{time:x}-{process:x}-{more:x}"),
    }
}

/// How a sync was started.
#[derive(Clone, Debug)]
pub(in crate::cli) struct StartedBy {
    /// `run`, `batch` or `serve`.
    pub(in crate::cli) command: &'static str,
    /// Which try it is, from 1.
    pub(in crate::cli) attempt: u32,
    /// The history, where several syncs share one; otherwise it is opened when it is needed.
    pub(in crate::cli) history: Option<Arc<History>>,
}

impl StartedBy {
    /// The first try of a command's only sync.
    pub(in crate::cli) fn command(command: &'static str) -> Self {
        Self { command, attempt: 1, history: None }
    }
}

/// The record of one sync. Dropping it without an end says so in the history.
pub(super) struct Record {
    warehouse: PathBuf,
    beginning: Beginning,
    shared: Arc<Mutex<Shared>>,
}

#[derive(Default)]
struct Shared {
    history: Option<Arc<History>>,
    run: Option<u64>,
}

/// The history of a warehouse, for several syncs.
pub(in crate::cli) fn history(warehouse: &Path) -> Option<Arc<History>> {
    History::open(warehouse).inspect_err(warn).ok().map(Arc::new)
}

/// A sync of a connection was refused before it was even known what it is to be.
pub(in crate::cli) fn refused(warehouse: &Path, connection: &str, by: &StartedBy, failure: &Failure) {
    let mut record = Record::new(warehouse, None, by);
    connection.clone_into(&mut record.knows().connection);
    record.refused(failure);
}

impl Record {
    /// A record of a sync that is wanted. `audited` is what the audit log calls it, if there is one.
    pub(super) fn new(warehouse: &Path, audited: Option<&str>, by: &StartedBy) -> Self {
        let sync = audited.map_or_else(name_of_sync, str::to_owned);
        let beginning = Beginning { sync, command: by.command, attempt: by.attempt, ..Beginning::default() };
        let history = by.history.clone();
        Self { warehouse: warehouse.to_owned(), beginning, shared: Arc::new(Mutex::new(Shared { history, run: None })) }
    }

    /// What is known of it so far.
    pub(super) fn knows(&mut self) -> &mut Beginning {
        &mut self.beginning
    }

    /// What the sync tells when it begins.
    pub(super) fn following(&self) -> Following {
        let (warehouse, beginning) = (self.warehouse.clone(), self.beginning.clone());
        let shared = Arc::clone(&self.shared);
        let began = Box::new(move || {
            let mut shared = shared.lock().unwrap_or_else(PoisonError::into_inner);
            let run = shared.open(&warehouse).and_then(|history| history.begin(&beginning));
            match run {
                Ok(run) => shared.run = Some(run),
                Err(error) => warn(&error),
            }
        });
        Following { sync: self.beginning.sync.clone(), began }
    }

    /// The sync ended.
    pub(super) fn finished(&self, summary: &SyncSummary) {
        self.end(&ending(summary));
    }

    /// It was refused before it began, or could not begin.
    pub(super) fn refused(&self, failure: &Failure) {
        // Without a connection there is nothing to write it for, and without a warehouse nowhere.
        if self.beginning.connection.is_empty() || !self.warehouse.exists() {
            return;
        }
        let outcome = match failure.exit_code() {
            3 => Outcome::Limit,
            4 => Outcome::Denied,
            5 => Outcome::Host,
            _ => Outcome::Refused,
        };
        let ending = Ending::of(outcome, Some(failure.message().to_owned()));
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        let done = match shared.run.take() {
            Some(run) => shared.open(&self.warehouse).and_then(|history| history.finish(run, &ending)),
            None => {
                shared.open(&self.warehouse).and_then(|history| history.refused(&self.beginning, &ending)).map(|_| ())
            }
        };
        done.unwrap_or_else(|error| warn(&error));
    }

    fn end(&self, ending: &Ending) {
        let mut shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(run) = shared.run.take() {
            let done = shared.open(&self.warehouse).and_then(|history| history.finish(run, ending));
            done.unwrap_or_else(|error| warn(&error));
        }
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        self.end(&Ending::of(Outcome::Host, Some("the sync ended without saying how".to_owned())));
    }
}

impl Shared {
    fn open(&mut self, warehouse: &Path) -> Result<Arc<History>, HistoryError> {
        if self.history.is_none() {
            self.history = Some(Arc::new(History::open(warehouse)?));
        }
        // It is there now.
        self.history.clone().map_or_else(|| History::open(warehouse).map(Arc::new), Ok)
    }
}

fn warn(error: &HistoryError) {
    tracing::warn!("this sync is not in the history of runs: {}", with_causes(error));
}

/// All limits by name.
pub(super) fn named(limits: &Limits) -> BTreeMap<&'static str, u64> {
    ROWS.iter().map(|row| (row.name, u64::try_from(row.value(limits)).unwrap_or(u64::MAX))).collect()
}

fn ending(summary: &SyncSummary) -> Ending {
    let outcome = match summary.outcome.class {
        OutcomeClass::Success => Outcome::Success,
        OutcomeClass::Connector => Outcome::Connector,
        OutcomeClass::Limit => Outcome::Limit,
        OutcomeClass::Denied => Outcome::Denied,
        OutcomeClass::Host => Outcome::Host,
    };
    let totals = Totals {
        rows: summary.rows,
        bytes: summary.bytes,
        checkpoints: summary.checkpoints,
        files: summary.files,
        file_bytes: summary.file_bytes,
        active_rows: summary.tables.iter().map(|table| table.active_rows).sum(),
        requests: summary.hosts.iter().map(|host| host.requests + host.connections).sum(),
        denied: summary.hosts.iter().map(|host| host.denied).sum(),
        wall_seconds: summary.wall.as_secs_f64(),
        cpu_seconds: summary.cpu.as_secs_f64(),
        peak_memory_bytes: summary.peak_memory_bytes,
    };
    let tables = summary.tables.iter().map(|table| RunTable {
        table: table.table.clone(),
        upserts: table.upserts,
        updates: table.updates,
        deletes: table.deletes,
        truncates: table.truncates,
        swept: table.swept,
        nulled: table.nulled,
        quarantined: table.quarantined,
        active_rows: table.active_rows,
    });
    let hosts = summary.hosts.iter().map(|host| RunHost {
        host: host.host.clone(),
        requests: host.requests,
        connections: host.connections,
        bytes_sent: host.bytes_sent,
        bytes_received: host.bytes_received,
        denied: host.denied,
    });
    let (tables, hosts) = (tables.collect(), hosts.collect());
    Ending { outcome, message: summary.outcome.message.clone(), totals, tables, hosts }
}
