//! One sync of one connection into SQLite.

use std::sync::Arc;

use rusqlite::{Connection, ErrorCode, MAIN_DB, wal::CheckpointMode};

use super::active::Active;
use super::catalogue::{Catalogue, Table, all_tables};
use super::clock::Clock;
use super::counts::Counts;
use super::declare::{Need, needs};
use super::files::Files;
use super::lock::Lock;
use super::open::{busy, failed, go_on_writing};
use super::plan::{Plans, check_tables};
use super::quarantine::Quarantine;
use super::removal::Removal;
use super::rules::Rules;
use super::uploads::Uploads;
use super::{
    Acceptance, Looked, PendingResync, SqliteOptions, clock, fixed, hashing, inventory, resume, resync, schema, state,
    switch, write,
};
use crate::destination::filter::Filtered;
use crate::destination::{Destination, DestinationError, FilePart, SyncIdentity, TableCounts};
use crate::room;
use crate::rows::{Operation, OperationKind, TableDefinition, TableName};

/// How much is committed before the log is copied into the database.
const SETTLE_BYTES: u64 = 8 << 20;

/// A connection's database while a sync writes to it; see [`super::Warehouse::open`].
///
/// Dropping it without [`Destination::finish`] discards what came after the last checkpoint.
#[derive(Debug)]
pub struct SqliteDestination {
    // Before the lock, so that it is closed before another sync may begin.
    pub(super) connection: Connection,
    pub(super) catalogue: Catalogue,
    pub(super) plans: Plans,
    pub(super) rules: Rules,
    pub(super) quarantine: Quarantine,
    pub(super) buffers: write::Buffers,
    pub(super) clock: Clock,
    pub(super) counts: Counts,
    pub(super) active: Active,
    declared: Vec<TableDefinition>,
    checkpoints: u64,
    state: String,
    identity: SyncIdentity,
    pub(super) options: SqliteOptions,
    files: Files,
    uploads: Uploads,
    pub(super) uncommitted: u64,
    /// Bytes of values that are committed and perhaps still in the log only.
    unsettled: u64,
    ended: bool,
    /// The re-syncs that a sync that ended well left over.
    pending: Option<Vec<PendingResync>>,
    _lock: Lock,
}

/// A clock that goes on where the last sync stopped.
pub(super) fn clock(connection: &Connection, still: Option<i64>) -> Result<Clock, DestinationError> {
    let last = state::read_entry(connection, state::LAST_STAMP).map_err(failed("reading the catalogue"))?;
    Ok(Clock::after(last.and_then(|text| text.parse().ok()).unwrap_or(0), still))
}

/// Notes which connector the operator accepts, before it runs.
fn accept(connection: &Connection, acceptance: &Acceptance, files: &Files) -> Result<(), DestinationError> {
    let known = state::read_entry(connection, state::ACCEPTED).map_err(failed("reading the catalogue"))?;
    if known.as_ref() == Some(&acceptance.connector) {
        return Ok(());
    }
    if known != acceptance.known {
        return Err(DestinationError::Busy {
            connection: files.connection.clone(),
            reason: "another sync had another connector accepted meanwhile; sync again".to_owned(),
        });
    }
    state::write_entry(connection, state::ACCEPTED, &acceptance.connector).map_err(failed("writing the catalogue"))
}

impl SqliteDestination {
    pub(super) fn open(
        (files, lock): (Files, Lock),
        looked: Looked,
        identity: SyncIdentity,
        options: SqliteOptions,
    ) -> Result<Filtered<Self>, DestinationError> {
        let mut connection = go_on_writing(looked, &files, &options)?;
        if let Some(acceptance) = &options.acceptance {
            accept(&connection, acceptance, &files)?;
        }
        fixed::settle(&connection, &options.landing, &files)?;
        switch::settle(&mut connection, &options.landing, &files)?;
        let mut uploads = Uploads::new(&files);
        uploads.repair(&connection)?;
        let key = hashing::settle(&mut connection, &options, &files)?;
        let filter = inventory::filter(&connection, &options.landing, key)?;
        // After hashing, which changes types.
        let mut rules = Rules::default();
        if options.landing.tables.values().any(|table| table.lock_types) {
            rules.lock(&options.landing, &all_tables(&connection)?);
        }
        let destination = Self {
            rules,
            quarantine: Quarantine::default(),
            catalogue: Catalogue::load(&connection)?,
            plans: Plans::default(),
            buffers: write::Buffers::default(),
            clock: clock(&connection, options.clock)?,
            counts: Counts::default(),
            active: Active::install(&connection)?,
            declared: Vec::new(),
            checkpoints: 0,
            state: state::read(&connection).map_err(failed("reading the state"))?,
            identity,
            options,
            files,
            uploads,
            uncommitted: 0,
            unsettled: 0,
            ended: false,
            pending: None,
            connection,
            _lock: lock,
        };
        Ok(Filtered::new(destination, filter))
    }

    /// The component that synced last, if any did: its name and digest may differ from those
    /// of this sync.
    ///
    /// # Errors
    /// The database failed.
    pub fn last_identity(&self) -> Result<Option<SyncIdentity>, DestinationError> {
        let read = |key| state::read_entry(&self.connection, key).map_err(failed("reading the catalogue"));
        Ok(read(state::CONNECTOR)?
            .zip(read(state::DIGEST)?)
            .map(|(connector, digest)| SyncIdentity { connector, digest }))
    }

    #[cfg(test)]
    pub(super) fn connection_for_tests(&self) -> &Connection {
        &self.connection
    }

    /// Begins a transaction unless one is under way.
    pub(super) fn begin(&self) -> Result<(), DestinationError> {
        if !self.connection.is_autocommit() {
            return Ok(());
        }
        match self.connection.execute("BEGIN IMMEDIATE", []) {
            Ok(_) => Ok(()),
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => {
                Err(busy(&self.files.connection))
            }
            Err(source) => Err(DestinationError::Sqlite { doing: "beginning a transaction", source }),
        }
    }

    /// Runs a call unless the sync has ended; ends it when the call fails otherwise than by
    /// refusing.
    fn call<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T, DestinationError>) -> Result<T, DestinationError> {
        if self.ended {
            return Err(DestinationError::Ended);
        }
        work(self).map_err(|error| {
            if error.is_refused() {
                return error;
            }
            let error = self.as_limit(error);
            // The first error is the one to tell.
            let _ = self.end();
            error
        })
    }

    fn as_limit(&self, error: DestinationError) -> DestinationError {
        let DestinationError::Sqlite { source, .. } = &error else {
            return error;
        };
        if let Some(lack) = room::lack_for(source, &self.files.database) {
            return DestinationError::DiskFull { path: self.files.database.clone(), lack };
        }
        match source.sqlite_error_code() {
            Some(ErrorCode::TooBig) => {
                DestinationError::Limit { what: "bytes in a row", limit: self.options.row_bytes, table: None }
            }
            Some(ErrorCode::DiskFull) => {
                DestinationError::Full { path: self.files.database.clone(), limit: self.options.database_bytes }
            }
            _ => error,
        }
    }

    fn end(&mut self) -> Result<(), DestinationError> {
        self.ended = true;
        self.counts.discard();
        self.active.discard();
        let discarded = self.uploads.abandon();
        if self.connection.is_autocommit() {
            return discarded;
        }
        self.connection.execute("ROLLBACK", []).map_err(failed("rolling back"))?;
        discarded
    }

    fn commit(&mut self, state: Option<&str>) -> Result<(), DestinationError> {
        self.begin()?;
        let stamp = self.clock.tick();
        if let Some(state) = state {
            state::write(&self.connection, state, &stamp).map_err(failed("writing the state"))?;
        }
        state::write_identity(&self.connection, &self.identity, self.clock.last())
            .map_err(failed("writing the catalogue"))?;
        let checkpoints = self.checkpoints + u64::from(state.is_some());
        self.active.keep(&self.connection).map_err(failed("writing the active rows"))?;
        if let Some(sync) = &self.options.sync {
            resume::write(&self.connection, sync, checkpoints, self.counts.tables())?;
        }
        if self.uploads.has_finished() {
            self.uploads.record(&self.connection)?;
        }
        self.connection.execute("COMMIT", []).map_err(failed("committing"))?;
        self.counts.keep();
        self.checkpoints = checkpoints;
        self.unsettled = self.unsettled.saturating_add(self.uncommitted);
        self.uncommitted = 0;
        if let Some(state) = state {
            state.clone_into(&mut self.state);
        }
        self.uploads.land(&self.connection)
    }

    /// Whether the last checkpoint left nothing to be written at the end of a sync that ends well.
    fn is_done(&self) -> Result<bool, DestinationError> {
        let is_written = self.checkpoints > 0 && self.connection.is_autocommit();
        if !is_written || self.counts.have_changed() || self.uploads.has_finished() {
            return Ok(false);
        }
        state::is_settled(&self.connection).map_err(failed("reading the catalogue"))
    }

    /// Copies the log into the database.
    fn empty_log(&self) {
        // A reader may hold the log open; it is emptied another time then.
        let _ = self.connection.wal_checkpoint_v2(Some(MAIN_DB), CheckpointMode::TRUNCATE);
    }

    fn declare_all(&mut self, definitions: &[TableDefinition]) -> Result<(), DestinationError> {
        let needs = needs(&self.connection, &mut self.catalogue, &self.rules, definitions, self.options.columns)?;
        let new = needs.iter().filter(|need| matches!(need, Need::Create(_))).count();
        check_tables(&self.catalogue, u64::try_from(new).unwrap_or(u64::MAX), self.options.tables)?;
        self.begin()?;
        for need in needs {
            match need {
                Need::Create(table) => {
                    self.create(table)?;
                }
                Need::Evolve(_, changes) if changes.is_empty() => {}
                Need::Evolve(table, changes) => {
                    schema::evolve(&self.connection, &mut self.catalogue, &table, &changes)?;
                    self.plans.forget(&table);
                }
            }
        }
        for definition in definitions {
            self.rules.declare(definition);
        }
        definitions.clone_into(&mut self.declared);
        Ok(())
    }

    /// Creates a table as the operator wants it.
    pub(super) fn create(&mut self, table: Table) -> Result<Arc<Table>, DestinationError> {
        let history = self.options.landing.history(table.source.schema.as_deref(), &table.source.name);
        schema::create(&self.connection, &mut self.catalogue, Table { history, ..table })
    }

    fn truncate(&mut self, source: &TableName) -> Result<(), DestinationError> {
        if let (_, Some(table)) = self.catalogue.get(&self.connection, source)? {
            self.begin()?;
            let end = clock::text(self.clock.next() - 1);
            Removal::of(&table, &self.options.landing).truncate(&self.connection, &table, &end)?;
        }
        Ok(())
    }

    fn apply(&mut self, operation: &Operation) -> Result<(), DestinationError> {
        match operation {
            Operation::Rows { table, kind, batch } => {
                let rows = self.write_rows(table, *kind, batch)?;
                if let Some(counts) = self.counts.of(table) {
                    match kind {
                        OperationKind::Upsert => counts.upserts += rows,
                        OperationKind::Update => counts.updates += rows,
                        OperationKind::Delete => counts.deletes += rows,
                    }
                }
            }
            Operation::Rejected { table, kind, batch, reason } => {
                self.quarantine(table, *kind, batch, reason)?;
            }
            Operation::Truncate { table } => {
                self.truncate(table)?;
                if let Some(counts) = self.counts.of(table) {
                    counts.truncates += 1;
                }
            }
        }
        Ok(())
    }
}

impl Destination for SqliteDestination {
    fn state(&self) -> String {
        self.state.clone()
    }

    fn path_column(&self) -> String {
        self.catalogue.names().system().file_path.to_owned()
    }

    fn declare(&mut self, tables: &[TableDefinition]) -> Result<(), DestinationError> {
        self.call(|this| this.declare_all(tables))
    }

    fn write(&mut self, operation: &Operation) -> Result<(), DestinationError> {
        self.call(|this| this.apply(operation))
    }

    fn file(&mut self, part: FilePart) -> Result<(), DestinationError> {
        self.call(|this| this.uploads.take(part))
    }

    fn checkpoint(&mut self, state: &str) -> Result<(), DestinationError> {
        self.call(|this| this.commit(Some(state)))
    }

    fn settle(&mut self) {
        if self.ended || self.unsettled < SETTLE_BYTES {
            return;
        }
        self.unsettled = 0;
        // The commit is durable in the log. Copying it into the database may be put off by a
        // reader, or fail; then the next time copies more.
        let _ = self.connection.wal_checkpoint_v2(Some(MAIN_DB), CheckpointMode::PASSIVE);
    }

    fn finish(&mut self) -> Result<(), DestinationError> {
        self.call(|this| {
            if this.is_done()? {
                this.ended = true;
                this.pending = Some(Vec::new());
                this.empty_log();
                return Ok(());
            }
            this.begin()?;
            let swept = resync::sweep(&this.connection, &mut this.catalogue, &this.options.landing, &mut this.clock)?;
            let stamp = this.clock.tick();
            state::note_success(&this.connection, &stamp).map_err(failed("writing the catalogue"))?;
            this.commit(None)?;
            for (table, rows) in swept.iter().filter(|(_, rows)| *rows > 0) {
                if let Some(counts) = this.counts.of(table) {
                    counts.swept = *rows;
                }
            }
            this.counts.keep();
            this.ended = true;
            // Before the log is emptied: reading would lay one out again.
            this.pending = resync::pending(&this.connection).ok();
            this.empty_log();
            Ok(())
        })
    }

    fn abandon(&mut self) -> Result<(), DestinationError> {
        self.end()
    }

    fn counts(&self) -> &[TableCounts] {
        self.counts.tables()
    }

    fn declared(&self) -> &[TableDefinition] {
        &self.declared
    }

    fn pending_resyncs(&self) -> Vec<PendingResync> {
        self.pending.clone().unwrap_or_else(|| resync::pending(&self.connection).unwrap_or_default())
    }
}

impl Drop for SqliteDestination {
    fn drop(&mut self) {
        // Closing would do the same; there is nobody left to tell.
        let _ = self.end();
    }
}
