//! One sync of one connection into SQLite.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::{Connection, ErrorCode, MAIN_DB, wal::CheckpointMode};

use super::SqliteOptions;
use super::catalogue::{Catalogue, Table};
use super::clock::Clock;
use super::declare::{Need, needs};
use super::files::Files;
use super::lock::Lock;
use super::naming::FILE_PATH;
use super::open::{busy, failed, open_for_writing};
use super::plan::{self, Plan, Plans, Work, check_columns, check_tables};
use super::removal::Removal;
use super::uploads::Uploads;
use super::{clock, history, resync, schema, state, switch, write};
use crate::destination::{Destination, DestinationError, FilePart, SyncIdentity, TableCounts};
use crate::rows::{Batch, Operation, OperationKind, TableDefinition, TableName};

/// How much is committed before the log is copied into the database.
const SETTLE_BYTES: u64 = 8 << 20;

/// A connection's database while a sync writes to it; see [`super::Warehouse::open`].
///
/// Dropping it without [`Destination::finish`] discards what came after the last checkpoint.
#[derive(Debug)]
pub struct SqliteDestination {
    // Before the lock, so that it is closed before another sync may begin.
    connection: Connection,
    catalogue: Catalogue,
    plans: Plans,
    buffers: write::Buffers,
    clock: Clock,
    counts: Counts,
    state: String,
    identity: SyncIdentity,
    options: SqliteOptions,
    files: Files,
    uploads: Uploads,
    uncommitted: u64,
    /// Bytes of values that are committed and perhaps still in the log only.
    unsettled: u64,
    ended: bool,
    _lock: Lock,
}

#[derive(Debug, Default)]
struct Counts {
    tables: Vec<TableCounts>,
    places: HashMap<TableName, usize>,
}

impl Counts {
    fn of(&mut self, table: &TableName) -> Option<&mut TableCounts> {
        let place = match self.places.get(table) {
            Some(place) => *place,
            None => {
                self.tables.push(TableCounts::new(table.clone()));
                let place = self.tables.len() - 1;
                self.places.insert(table.clone(), place);
                place
            }
        };
        self.tables.get_mut(place)
    }
}

/// A clock that goes on where the last sync stopped.
pub(super) fn clock(connection: &Connection) -> Result<Clock, DestinationError> {
    let last = state::read_entry(connection, state::LAST_STAMP).map_err(failed("reading the catalogue"))?;
    Ok(Clock::after(last.and_then(|text| text.parse().ok()).unwrap_or(0)))
}

impl SqliteDestination {
    pub(super) fn open(
        files: Files,
        lock: Lock,
        identity: SyncIdentity,
        options: SqliteOptions,
    ) -> Result<Self, DestinationError> {
        let mut connection = open_for_writing(&files, &options)?;
        switch::settle(&mut connection, &options.landing, &files)?;
        let mut uploads = Uploads::new(&files);
        uploads.repair(&connection)?;
        Ok(Self {
            catalogue: Catalogue::load(&connection)?,
            plans: Plans::default(),
            buffers: write::Buffers::default(),
            clock: clock(&connection)?,
            counts: Counts::default(),
            state: state::read(&connection).map_err(failed("reading the state"))?,
            identity,
            options,
            files,
            uploads,
            uncommitted: 0,
            unsettled: 0,
            ended: false,
            connection,
            _lock: lock,
        })
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
    fn begin(&self) -> Result<(), DestinationError> {
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
        if self.uploads.has_finished() {
            self.uploads.record(&self.connection)?;
        }
        self.connection.execute("COMMIT", []).map_err(failed("committing"))?;
        self.unsettled = self.unsettled.saturating_add(self.uncommitted);
        self.uncommitted = 0;
        if let Some(state) = state {
            state.clone_into(&mut self.state);
        }
        self.uploads.land(&self.connection)
    }

    fn declare_all(&mut self, definitions: &[TableDefinition]) -> Result<(), DestinationError> {
        let needs = needs(&self.connection, &mut self.catalogue, definitions, self.options.columns)?;
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
        Ok(())
    }

    fn write_rows(&mut self, source: &TableName, kind: OperationKind, batch: &Batch) -> Result<(), DestinationError> {
        let Some(plan) = self.plan(source, kind, batch)? else {
            return Ok(());
        };
        self.uncommitted = self.uncommitted.saturating_add(u64::try_from(batch.bytes).unwrap_or(u64::MAX));
        if self.uncommitted > self.options.uncommitted_bytes {
            let limit = self.options.uncommitted_bytes;
            return Err(DestinationError::Limit { what: "bytes without a checkpoint", limit, table: None });
        }
        self.begin()?;
        match &plan.work {
            Work::Plain(statement) => {
                let stamp = self.clock.tick();
                write::apply(&self.connection, &plan, statement, batch, &stamp, &mut self.buffers)
            }
            Work::History(statements) => {
                history::apply(&self.connection, &plan, statements, batch, &mut self.clock, &mut self.buffers)
            }
        }
    }

    /// Creates a table as the operator wants it.
    fn create(&mut self, table: Table) -> Result<Arc<Table>, DestinationError> {
        let history = self.options.landing.history(table.source.schema.as_deref(), &table.source.name);
        schema::create(&self.connection, &mut self.catalogue, Table { history, ..table })
    }

    /// The plan for a batch, after its table was made to hold it; `None` when the batch can
    /// change nothing.
    fn plan(
        &mut self,
        source: &TableName,
        kind: OperationKind,
        batch: &Batch,
    ) -> Result<Option<Arc<Plan>>, DestinationError> {
        if let Some(plan) = self.plans.get(source, kind, batch) {
            plan::check_keys(source, &plan.slots, batch)?;
            let changes = plan::changes(source, &plan.slots, batch, kind, |column| {
                schema::integers_in_double(&self.connection, &plan.table, column)
            })?;
            if changes.is_empty() {
                return Ok(Some(plan));
            }
        }
        let (name, table) = self.catalogue.get(&self.connection, source)?;
        let slots = plan::resolve(source, table.as_deref(), batch)?;
        plan::check_keys(source, &slots, batch)?;
        let changes = plan::changes(source, &slots, batch, kind, |column| match &table {
            Some(table) => schema::integers_in_double(&self.connection, table, column),
            None => Ok(true),
        })?;
        let table = match table {
            Some(table) if changes.is_empty() => table,
            Some(table) => {
                let new = changes.iter().filter(|change| table.find(&change.name).is_none()).count();
                check_columns(source, table.columns.len() + new, self.options.columns)?;
                self.begin()?;
                self.plans.forget(&table);
                schema::evolve(&self.connection, &mut self.catalogue, &table, &changes)?
            }
            // Nothing to change, or nothing but NULL.
            None if kind != OperationKind::Upsert || changes.is_empty() => return Ok(None),
            None => {
                check_tables(&self.catalogue, 1, self.options.tables)?;
                check_columns(source, changes.len(), self.options.columns)?;
                self.begin()?;
                self.create(plan::undeclared(source, name, &changes))?
            }
        };
        // A key without a type means an empty table.
        if kind != OperationKind::Upsert && table.key().iter().any(|column| column.data_type.is_none()) {
            return Ok(None);
        }
        let slots = plan::resolve(source, Some(&table), batch)?;
        let removal = Removal::of(&table, &self.options.landing);
        let plan = Arc::new(plan::plan(table, slots, kind, removal));
        self.plans.put(&plan);
        Ok(Some(plan))
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
                self.write_rows(table, *kind, batch)?;
                let rows = u64::try_from(batch.rows).unwrap_or(u64::MAX);
                if let Some(counts) = self.counts.of(table) {
                    match kind {
                        OperationKind::Upsert => counts.upserts += rows,
                        OperationKind::Update => counts.updates += rows,
                        OperationKind::Delete => counts.deletes += rows,
                    }
                }
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
        FILE_PATH.to_owned()
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
            this.begin()?;
            let swept = resync::sweep(&this.connection, &mut this.catalogue, &this.options.landing, &mut this.clock)?;
            this.commit(None)?;
            for (table, rows) in swept.iter().filter(|(_, rows)| *rows > 0) {
                if let Some(counts) = this.counts.of(table) {
                    counts.swept = *rows;
                }
            }
            this.ended = true;
            // A reader may hold the log open; it is emptied another time then.
            let _ = this.connection.wal_checkpoint_v2(Some(MAIN_DB), CheckpointMode::TRUNCATE);
            Ok(())
        })
    }

    fn abandon(&mut self) -> Result<(), DestinationError> {
        self.end()
    }

    fn counts(&self) -> &[TableCounts] {
        &self.counts.tables
    }
}

impl Drop for SqliteDestination {
    fn drop(&mut self) {
        // Closing would do the same; there is nobody left to tell.
        let _ = self.end();
    }
}
