//! SQLite as a destination: one database file a connection, `<warehouse>/<connection>.db`.
//!
//! # How values are stored
//!
//! The forms of all types, what a column takes and how it widens stand in `docs/types.md`; the
//! code is in `types.rs` (declared types), `values.rs` (stored forms), `text.rs` (the text of a
//! value), `lattice.rs` (widening), `fit.rs` and `convert.rs` (values that do not fit).
//!
//! # What is beside the source's columns
//!
//! Each table has `_sluice_deleted` (0 or 1) and `_sluice_synced` (UTC to the microsecond:
//! when the row was last upserted, updated or deleted; not changed by truncate). Tables
//! without a primary key have `_sluice_id`, see `identity.rs`. Tables that keep their history
//! have other columns, see `history.rs`. The tables `_sluice_tables`,
//! `_sluice_columns`, `_sluice_state`, `_sluice_meta` and `_sluice_resync` are the catalogue;
//! `_sluice_quarantine` holds rows that cannot land, see `quarantine.rs`.
//!
//! # Tables
//!
//! Declared tables and columns exist from the first committed transaction of the sync,
//! others from their first value that is not NULL. A single integer key is SQLite's row id;
//! other keys are a separate index, which measured better than `WITHOUT ROWID` for long rows
//! and random keys.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

mod active;
mod beside;
mod catalogue;
mod clock;
mod contents;
mod convert;
mod counts;
mod dates;
mod declare;
mod files;
mod fit;
mod fixed;
mod hashing;
mod history;
mod identity;
mod infer;
mod inventory;
mod key;
mod lattice;
mod lock;
mod look;
mod migrate;
mod naming;
mod obstacle;
mod open;
mod plan;
mod prepare;
mod quarantine;
mod read;
mod removal;
mod resume;
mod resync;
mod rules;
mod schema;
mod selector;
mod state;
mod statements;
mod switch;
mod sync;
mod text;
mod types;
mod uploads;
mod values;
mod write;

#[cfg(test)]
mod tests;

pub use active::ActiveRows;
pub(crate) use beside::{Own, open_own};
pub use contents::{Row, TableContents};
pub use look::Looked;
pub use migrate::KeyChange;
pub use read::{ColumnInfo, Peek, PeekOptions, Shown, TableInfo};
pub use resume::{Kept, KeptTable};
pub use resync::{Forget, PendingResync, Resync};
#[cfg(test)]
pub(crate) use state::entries as state_entries;
pub use sync::SqliteDestination;
pub(super) use text::{push_hex, text_form};
pub(crate) use types::type_name;
pub(super) use values::Scalar;

use super::filter::Filtered;
use super::{DestinationError, SyncIdentity};
use crate::landing::Landing;
use files::Files;
use lock::Lock;

/// How rows land, and the limits and sizes, of SQLite destinations.
#[derive(Clone, Debug)]
pub struct SqliteOptions {
    /// What the operator decided about tables and columns.
    pub landing: Arc<Landing>,
    /// Where the time of day stands still, microseconds since 1970; the system's clock when absent.
    pub clock: Option<i64>,
    /// How long to wait for another program's transaction.
    pub busy_timeout: Duration,
    /// Page cache; changed pages beyond it go to the log before the commit.
    pub cache_bytes: u64,
    /// Largest row.
    pub row_bytes: u64,
    /// Largest database.
    pub database_bytes: u64,
    /// Most bytes of values between two checkpoints.
    pub uncommitted_bytes: u64,
    /// Most tables in a connection.
    pub tables: u64,
    /// Most columns in a table, without those of the host.
    pub columns: usize,
    /// Which sync this is, as the history of runs calls it.
    pub sync: Option<String>,
    /// Most rows in the quarantine.
    pub quarantined_rows: u64,
    /// Which connector the operator accepts from this sync on, if it has to be noted.
    pub acceptance: Option<Acceptance>,
}

/// Which connector the operator accepts for a connection, in the words of whoever judges it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acceptance {
    /// What [`Looked::accepted`] answered, on which the judgement rests.
    pub known: Option<String>,
    /// What it is to answer from now on.
    pub connector: String,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self {
            landing: Arc::default(),
            clock: None,
            busy_timeout: Duration::from_secs(5),
            cache_bytes: 16 << 20,
            row_bytes: 64 << 20,
            database_bytes: 1 << 40,
            uncommitted_bytes: 16 << 30,
            tables: 10_000,
            columns: 1_000,
            sync: None,
            quarantined_rows: 10_000,
            acceptance: None,
        }
    }
}

/// A folder of connections.
///
/// The folder and its files must belong to the user that runs the host and be writable by
/// nobody else.
#[derive(Clone, Debug)]
pub struct Warehouse {
    folder: PathBuf,
    options: SqliteOptions,
}

impl Warehouse {
    /// A warehouse with default options. Nothing is touched yet.
    #[must_use]
    pub fn new(folder: impl AsRef<Path>) -> Self {
        Self::with_options(folder, SqliteOptions::default())
    }

    /// A warehouse. Nothing is touched yet.
    #[must_use]
    pub fn with_options(folder: impl AsRef<Path>, options: SqliteOptions) -> Self {
        Self { folder: folder.as_ref().to_owned(), options }
    }

    /// Opens a connection's database for a sync, creating folder and file when missing, and
    /// keeps other syncs out until the destination is dropped. Values that landed in plain in
    /// columns that are to be hashed are hashed.
    ///
    /// # Errors
    /// `Invalid` for the connection's name, `Busy` when it is in use, `Files` when its files
    /// are not as they must be.
    pub fn open(
        &self,
        connection: &str,
        identity: SyncIdentity,
    ) -> Result<Filtered<SqliteDestination>, DestinationError> {
        self.open_looked(Looked::default(), connection, identity)
    }

    /// The same for a connection that was [looked](Warehouse::look) at.
    ///
    /// # Errors
    /// As [`Warehouse::open`].
    pub fn open_looked(
        &self,
        looked: Looked,
        connection: &str,
        identity: SyncIdentity,
    ) -> Result<Filtered<SqliteDestination>, DestinationError> {
        let (files, lock) = self.lock(connection)?;
        SqliteDestination::open((files, lock), looked, identity, self.options.clone())
    }

    /// Looks which connector was accepted for a connection, for a sync that may follow.
    ///
    /// # Errors
    /// As [`Warehouse::open`], without taking the lock.
    pub fn look(&self, connection: &str) -> Result<Looked, DestinationError> {
        Self::check_name(connection)?;
        if !self.folder.exists() {
            return Ok(Looked::default());
        }
        Looked::at(&Files::locate(&self.folder, connection)?, &self.options)
    }

    /// The state of a connection, `{}` when it has none.
    ///
    /// # Errors
    /// As [`Warehouse::open`], without taking the lock.
    pub fn state(&self, connection: &str) -> Result<String, DestinationError> {
        let Some(database) = self.reader(connection)? else {
            return Ok(state::EMPTY.to_owned());
        };
        state::read(&database).map_err(open::failed("reading the state"))
    }

    /// Replaces the state of a connection.
    ///
    /// # Errors
    /// `Invalid` unless `state` is a JSON object; otherwise as [`Warehouse::open`].
    pub fn set_state(&self, connection: &str, state: &str) -> Result<(), DestinationError> {
        state::check(state)?;
        let (files, _lock) = self.lock(connection)?;
        let database = open::open_for_writing(&files, &self.options)?;
        let mut clock = sync::clock(&database, self.options.clock)?;
        state::write(&database, state, &clock.tick()).map_err(open::failed("writing the state"))
    }

    /// Checks a state that an operator gives.
    ///
    /// # Errors
    /// `Invalid` unless it is a JSON object.
    pub fn check_state(state: &str) -> Result<(), DestinationError> {
        state::check(state)
    }

    /// The top-level keys of a state.
    #[must_use]
    pub fn state_keys(state: &str) -> Vec<String> {
        state::entries(state).into_iter().map(|(key, _)| key).collect()
    }

    /// Begins a re-sync: the next syncs read again, and the first that ends well takes away
    /// what did not arrive again. `None` when the connection has no database yet.
    ///
    /// # Errors
    /// `Invalid` when there is no such table or key; otherwise as [`Warehouse::open`].
    pub fn resync(&self, connection: &str, resync: &Resync) -> Result<Option<PendingResync>, DestinationError> {
        if self.reader(connection)?.is_none() {
            return Ok(None);
        }
        let (files, _lock) = self.lock(connection)?;
        let mut database = open::open_for_writing(&files, &self.options)?;
        let mut clock = sync::clock(&database, self.options.clock)?;
        resync::begin(&mut database, &mut clock, resync).map(Some)
    }

    /// The re-syncs that wait for a sync that ends well.
    ///
    /// # Errors
    /// As [`Warehouse::open`], without taking the lock.
    pub fn pending_resyncs(&self, connection: &str) -> Result<Vec<PendingResync>, DestinationError> {
        self.reader(connection)?.map_or(Ok(Vec::new()), |database| resync::pending(&database))
    }

    /// Forgets all re-syncs that are pending, and answers them. Rows and state stay as they are.
    ///
    /// # Errors
    /// As [`Warehouse::open`].
    pub fn cancel_resyncs(&self, connection: &str) -> Result<Vec<PendingResync>, DestinationError> {
        let pending = self.pending_resyncs(connection)?;
        if !pending.is_empty() {
            let (files, _lock) = self.lock(connection)?;
            resync::cancel(&open::open_for_writing(&files, &self.options)?)?;
        }
        Ok(pending)
    }

    /// Removes all tables, the files and the state of a connection; tells whether there was anything.
    ///
    /// # Errors
    /// As [`Warehouse::open`].
    pub fn reset(&self, connection: &str) -> Result<bool, DestinationError> {
        Self::check_name(connection)?;
        if !self.folder.exists() {
            return Ok(false);
        }
        let (files, _lock) = self.lock(connection)?;
        let existed = files.database.exists();
        for folder in [files.incoming(), files.landed()] {
            match std::fs::remove_dir_all(&folder) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(DestinationError::files(&folder, "cannot remove it", Some(error)));
                }
                _ => {}
            }
        }
        // The database after what SQLite lays beside it, which without it would be taken for a new one's; the key
        // last, which a database with hashes cannot be without.
        for path in files.all_of_database().iter().rev().chain([&files.key]) {
            match std::fs::remove_file(path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(DestinationError::files(path, "cannot remove it", Some(error)));
                }
                _ => {}
            }
        }
        Ok(existed)
    }

    /// Gives a table another primary key, or none, in one transaction; `None` when there is no
    /// such table. The table is named as in the destination or as in the source, and so are the
    /// columns.
    ///
    /// # Errors
    /// `Refused` when the key does not identify the rows that are not deleted; otherwise as
    /// [`Warehouse::open`]. Nothing has changed then.
    pub fn migrate_key(
        &self,
        connection: &str,
        table: &str,
        key: &[String],
    ) -> Result<Option<KeyChange>, DestinationError> {
        Self::check_name(connection)?;
        if !self.folder.exists() {
            return Ok(None);
        }
        let (files, _lock) = self.lock(connection)?;
        if !files.database.exists() {
            return Ok(None);
        }
        migrate::migrate(&mut open::open_for_writing(&files, &self.options)?, table, key)
    }

    /// The tables of a connection in order of their names.
    ///
    /// # Errors
    /// As [`Warehouse::open`], without taking the lock.
    pub fn tables(&self, connection: &str) -> Result<Vec<TableInfo>, DestinationError> {
        self.reader(connection)?.map_or(Ok(Vec::new()), |database| read::tables(&database))
    }

    /// The first rows of a table, named as in the destination or as in the source; `None`
    /// when there is no such table.
    ///
    /// # Errors
    /// As [`Warehouse::open`], without taking the lock.
    pub fn peek(&self, connection: &str, table: &str, limit: u32) -> Result<Option<Peek>, DestinationError> {
        self.peek_with(connection, table, &PeekOptions { rows: limit, ..PeekOptions::default() })
    }

    /// The same with a choice of rows and columns.
    ///
    /// # Errors
    /// `Invalid` for a column that the table does not have; otherwise as [`Warehouse::peek`].
    pub fn peek_with(
        &self,
        connection: &str,
        table: &str,
        options: &PeekOptions,
    ) -> Result<Option<Peek>, DestinationError> {
        self.reader(connection)?.map_or(Ok(None), |database| read::peek(&database, table, options))
    }

    /// Everything in the tables of a connection but what the host notes of its own, to be compared with another's.
    ///
    /// # Errors
    /// As [`Warehouse::open`], without taking the lock.
    pub fn contents(&self, connection: &str) -> Result<Vec<TableContents>, DestinationError> {
        self.reader(connection)?.map_or(Ok(Vec::new()), |database| contents::read(&database))
    }

    /// Whether a connection may have this name.
    ///
    /// # Errors
    /// `Invalid`, which says what it may be.
    pub fn check_name(connection: &str) -> Result<(), DestinationError> {
        files::check_connection_name(connection)
    }

    /// Whether there is anything of a connection.
    ///
    /// # Errors
    /// As [`Warehouse::open`], without taking the lock.
    pub fn contains(&self, connection: &str) -> Result<bool, DestinationError> {
        Ok(self.reader(connection)?.is_some())
    }

    /// Monthly active rows of a connection, in order of month and table.
    ///
    /// # Errors
    /// As [`Warehouse::open`], without taking the lock.
    pub fn active_rows(&self, connection: &str) -> Result<Vec<ActiveRows>, DestinationError> {
        let read = |database| active::read(&database).map_err(open::failed("reading the active rows"));
        self.reader(connection)?.map_or(Ok(Vec::new()), read)
    }

    /// What the latest sync of a connection has committed, if it was said which one it is.
    ///
    /// # Errors
    /// As [`Warehouse::open`], without taking the lock.
    pub fn last_kept(&self, connection: &str) -> Result<Option<Kept>, DestinationError> {
        self.reader(connection)?.map_or(Ok(None), |database| resume::read(&database))
    }

    /// Whether a sync holds a connection at this moment.
    ///
    /// # Errors
    /// As [`Warehouse::open`], without taking the lock.
    pub fn is_in_use(&self, connection: &str) -> Result<bool, DestinationError> {
        if !self.folder.exists() {
            return Ok(false);
        }
        Lock::is_held(&Files::locate(&self.folder, connection)?.lock)
    }

    /// The names of all connections, in order. What is no database of a connection is left out.
    ///
    /// # Errors
    /// `Files` when the folder cannot be read.
    pub fn connections(&self) -> Result<Vec<String>, DestinationError> {
        if !self.folder.exists() {
            return Ok(Vec::new());
        }
        files::connections(&self.folder)
    }

    fn lock(&self, connection: &str) -> Result<(Files, Lock), DestinationError> {
        files::create_folder(&self.folder)?;
        let files = Files::locate(&self.folder, connection)?;
        let lock = Lock::take(&files.lock, connection)?;
        Ok((files, lock))
    }

    fn reader(&self, connection: &str) -> Result<Option<rusqlite::Connection>, DestinationError> {
        Self::check_name(connection)?;
        if !self.folder.exists() {
            return Ok(None);
        }
        open::open_for_reading(&Files::locate(&self.folder, connection)?, &self.options)
    }
}
