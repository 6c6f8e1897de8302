//! The database of the history.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::Connection;

use super::interrupted;
use crate::destination::DestinationError;
use crate::destination::sqlite::{Own, open_own};
use crate::room::{self, Lack};

/// `runs.db`: who and what, when, how it ended; a table each for what belongs to tables and hosts.
const RUNS: Own = Own {
    name: "runs",
    // `slur`
    application_id: 0x736c_7572,
    format: 1,
    layout: r#"
CREATE TABLE "runs" ("id" INTEGER PRIMARY KEY AUTOINCREMENT, "sync" TEXT NOT NULL, "connection" TEXT NOT NULL,
  "connector" TEXT NOT NULL, "version" TEXT, "component" TEXT NOT NULL, "user" TEXT NOT NULL, "command" TEXT NOT NULL,
  "attempt" INTEGER NOT NULL, "process" TEXT NOT NULL, "started" TEXT NOT NULL, "ended" TEXT, "outcome" TEXT NOT NULL,
  "message" TEXT, "rows" INTEGER NOT NULL DEFAULT 0, "bytes" INTEGER NOT NULL DEFAULT 0,
  "checkpoints" INTEGER NOT NULL DEFAULT 0, "files" INTEGER NOT NULL DEFAULT 0,
  "file_bytes" INTEGER NOT NULL DEFAULT 0, "active_rows" INTEGER NOT NULL DEFAULT 0,
  "requests" INTEGER NOT NULL DEFAULT 0, "denied" INTEGER NOT NULL DEFAULT 0, "wall_seconds" REAL NOT NULL DEFAULT 0,
  "cpu_seconds" REAL NOT NULL DEFAULT 0, "peak_memory_bytes" INTEGER NOT NULL DEFAULT 0, "limits" TEXT NOT NULL);
CREATE INDEX "runs_of_connection" ON "runs" ("connection", "id");
CREATE INDEX "runs_by_start" ON "runs" ("started");
CREATE INDEX "runs_under_way" ON "runs" ("outcome") WHERE "outcome" = 'running';
CREATE TABLE "run_tables" ("run" INTEGER NOT NULL, "position" INTEGER NOT NULL, "table_name" TEXT NOT NULL,
  "upserts" INTEGER NOT NULL, "updates" INTEGER NOT NULL, "deletes" INTEGER NOT NULL, "truncates" INTEGER NOT NULL,
  "swept" INTEGER NOT NULL, "nulled" INTEGER NOT NULL, "quarantined" INTEGER NOT NULL, "active_rows" INTEGER NOT NULL,
  PRIMARY KEY ("run", "position")) WITHOUT ROWID;
CREATE TABLE "run_hosts" ("run" INTEGER NOT NULL, "position" INTEGER NOT NULL, "host" TEXT NOT NULL,
  "requests" INTEGER NOT NULL, "connections" INTEGER NOT NULL, "bytes_sent" INTEGER NOT NULL,
  "bytes_received" INTEGER NOT NULL, "denied" INTEGER NOT NULL, PRIMARY KEY ("run", "position")) WITHOUT ROWID;
CREATE TABLE "settings" ("key" TEXT PRIMARY KEY NOT NULL, "value" TEXT NOT NULL) WITHOUT ROWID;
"#,
    patience: Duration::from_secs(10),
};

/// Why the history cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// Its file cannot be opened.
    #[error("the history of runs cannot be opened")]
    Open(#[source] DestinationError),
    /// There is no room for what is to be written.
    #[error("the history of runs failed while {doing}: {}; {}, and the next runs are in it", lack.of(path), lack.remedy())]
    NoRoom {
        /// What was done.
        doing: &'static str,
        /// Its file.
        path: PathBuf,
        /// What is used up.
        lack: Lack,
    },
    /// A statement failed.
    #[error("the history of runs failed while {doing}")]
    Sqlite {
        /// What was done.
        doing: &'static str,
        /// Why.
        source: rusqlite::Error,
    },
}

/// The history of a warehouse. Threads may share it, and processes may have one each.
pub struct History {
    database: Mutex<Connection>,
    pub(super) warehouse: PathBuf,
}

impl fmt::Debug for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("History").field("warehouse", &self.warehouse).finish_non_exhaustive()
    }
}

impl History {
    /// Opens the history of a warehouse and makes it when there is none.
    ///
    /// # Errors
    /// When its file is not ours, or cannot be written.
    pub fn open(warehouse: &Path) -> Result<Self, HistoryError> {
        let database = open_own(warehouse, &RUNS, true).map_err(HistoryError::Open)?;
        let missing = || DestinationError::files(warehouse, "has no history of runs", None);
        Self::over(warehouse, database.ok_or_else(missing).map_err(HistoryError::Open)?)
    }

    /// The same, making nothing; `None` when there is none.
    ///
    /// # Errors
    /// As [`History::open`].
    pub fn find(warehouse: &Path) -> Result<Option<Self>, HistoryError> {
        let database = open_own(warehouse, &RUNS, false).map_err(HistoryError::Open)?;
        database.map(|database| Self::over(warehouse, database)).transpose()
    }

    fn over(warehouse: &Path, database: Connection) -> Result<Self, HistoryError> {
        let history = Self { database: Mutex::new(database), warehouse: warehouse.to_owned() };
        interrupted::settle(&history)?;
        Ok(history)
    }

    /// Wraps an error of SQLite.
    pub(super) fn failed(&self, doing: &'static str) -> impl Fn(rusqlite::Error) -> HistoryError {
        move |source| {
            let path = self.warehouse.join(RUNS.name).with_extension("db");
            match room::lack_for(&source, &path) {
                Some(lack) => HistoryError::NoRoom { doing, path: std::path::absolute(&path).unwrap_or(path), lack },
                None => HistoryError::Sqlite { doing, source },
            }
        }
    }

    pub(super) fn database(&self) -> MutexGuard<'_, Connection> {
        // A panic elsewhere left at most a transaction, which was rolled back.
        self.database.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
