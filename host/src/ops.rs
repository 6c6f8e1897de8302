//! Budgets and validation of what a connector sends, before it is queued.
//!
//! A batch that passes here is well-formed in itself: lengths agree, names are acceptable,
//! dates exist, decimals are numbers, every size is within its limit. Whether it fits its
//! table is the destination's question.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

use crate::counters::Counters;
use crate::error::LimitReached;
use crate::incidents::Incidents;
use crate::landing::Landing;
use crate::landing::names::Kind;
use crate::policy::budgets::Rate;
use crate::policy::identifiers;
use crate::policy::limits::{Limits, ROW_OVERHEAD_BYTES};
use crate::queue::{Sender, WriterFailure};
use crate::rows::{Batch, Column, Operation, OperationKind, TableDefinition, TableName};
use crate::trial::Trial;

mod files;
#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::unreachable,
    reason = "tests"
)]
mod fuzz;
mod rejects;
mod state;
mod values;

pub(crate) use rejects::Tolerance;
pub(crate) use state::StateGuard;

/// Why an operation was not taken; see `refusal` in `wit/connector.wit`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) enum Refusal {
    /// The operation breaks the contract and had no effect.
    Invalid(String),
    /// A limit was reached. Sticky.
    Limit(LimitReached),
    /// The destination failed or refused an earlier operation. Sticky.
    Ended(String),
}

/// Takes the operations of one sync.
pub(crate) struct Operations {
    limits: Limits,
    landing: Arc<Landing>,
    queue: Sender,
    incidents: Incidents,
    counters: Arc<Counters>,
    tables: HashSet<TableName>,
    calls: u64,
    rows: u64,
    bytes: u64,
    uncommitted: u64,
    checkpoints: u64,
    checkpoint_rate: (Instant, Rate),
    files: files::Files,
    guard: Option<StateGuard>,
    trial: Trial,
    /// Operations are refused until `sync` runs.
    open: bool,
}

impl Operations {
    pub(crate) fn new(
        limits: Limits,
        landing: Arc<Landing>,
        queue: Sender,
        incidents: Incidents,
        counters: Arc<Counters>,
    ) -> Self {
        Self {
            limits,
            landing,
            queue,
            incidents,
            counters,
            tables: HashSet::new(),
            calls: 0,
            rows: 0,
            bytes: 0,
            uncommitted: 0,
            checkpoints: 0,
            checkpoint_rate: (Instant::now(), Rate::default()),
            files: files::Files::default(),
            guard: None,
            trial: Trial::default(),
            open: false,
        }
    }

    /// Refuses states with secrets in them.
    pub(crate) fn with_state_guard(mut self, guard: StateGuard) -> Self {
        self.guard = Some(guard);
        self
    }

    /// Writes down what it takes, and ends where the trial says.
    pub(crate) fn on_trial(mut self, trial: Trial) -> Self {
        self.trial = trial;
        self
    }

    /// Takes the connector's declaration and opens the way for operations.
    pub(crate) async fn declare(&mut self, tables: Vec<TableDefinition>) -> Result<(), Refusal> {
        self.trial.declaring(&tables);
        let mut declared = self.take_declaration(tables).await;
        if declared.is_ok() && self.trial.cuts_declaration() {
            // Only the writer knows whether the tables can be there.
            declared = self.finish().await;
            if declared.is_ok() {
                self.trial.end().await;
            }
        }
        self.trial.declared(&declared);
        declared
    }

    async fn take_declaration(&mut self, tables: Vec<TableDefinition>) -> Result<(), Refusal> {
        self.check_sticky()?;
        let mut seen = HashSet::new();
        for table in &tables {
            self.check_table(&table.name)?;
            if !seen.insert(&table.name) {
                return Err(Refusal::Invalid(format!("table {}: declared twice", table.name)));
            }
            self.check_columns(&table.name, table.columns.iter().map(|column| column.name.as_str()))?;
            self.check_columns(&table.name, table.primary_key.iter().map(String::as_str))?;
            for column in &table.columns {
                values::check_type(column.data_type).map_err(|reason| {
                    Refusal::Invalid(format!("table {}, column {}: {reason}", table.name, column.name))
                })?;
            }
        }
        self.open = true;
        self.queue.declare(tables).await.map_err(|failure| self.stopped(failure))
    }

    /// Takes rows; `columns` is the reason when they could not even be unpacked.
    pub(crate) async fn rows(
        &mut self,
        table: TableName,
        kind: OperationKind,
        rows: usize,
        columns: Result<Vec<Column>, String>,
    ) -> Result<(), Refusal> {
        let taken = self.take_rows(table, kind, rows, columns).await;
        self.trial.taken(taken).await
    }

    async fn take_rows(
        &mut self,
        table: TableName,
        kind: OperationKind,
        rows: usize,
        columns: Result<Vec<Column>, String>,
    ) -> Result<(), Refusal> {
        self.begin()?;
        self.check_table(&table)?;
        let columns = columns.map_err(|reason| Refusal::Invalid(format!("table {table}, {reason}")))?;
        let (batch, widest) = self.check_batch(&table, rows, columns)?;
        let batch = if widest > self.limits.row_bytes || batch.bytes > self.limits.batch_bytes {
            self.within_size(&table, kind, batch).await?
        } else {
            batch
        };
        self.spend(batch.rows as u64, batch.bytes as u64)?;
        self.counters.received(batch.rows as u64, batch.bytes as u64);
        self.trial.rows(&table, kind, &batch);
        let held = values::held_bytes(&batch);
        let operation = Operation::Rows { table, kind, batch };
        self.queue.operation(operation, held).await.map_err(|failure| self.stopped(failure))
    }

    /// Takes a truncate.
    pub(crate) async fn truncate(&mut self, table: TableName) -> Result<(), Refusal> {
        let taken = self.take_truncate(table).await;
        self.trial.taken(taken).await
    }

    async fn take_truncate(&mut self, table: TableName) -> Result<(), Refusal> {
        self.begin()?;
        self.check_table(&table)?;
        self.trial.truncating(&table);
        self.queue.operation(Operation::Truncate { table }, 0).await.map_err(|failure| self.stopped(failure))
    }

    /// Takes a checkpoint; returns once it is durable.
    pub(crate) async fn checkpoint(&mut self, state: String) -> Result<(), Refusal> {
        let taken = self.take_checkpoint(state).await;
        self.trial.taken(taken).await
    }

    async fn take_checkpoint(&mut self, state: String) -> Result<(), Refusal> {
        self.begin()?;
        if state.len() > self.limits.state_bytes {
            return Err(Refusal::Invalid(format!(
                "the state of a checkpoint is {} bytes; the limit is {} bytes",
                state.len(),
                self.limits.state_bytes
            )));
        }
        // Only its shape: the state is the connector's own and is stored as it came.
        let Ok(object) = serde_json::from_str::<serde_json::Map<String, serde_json::Value>>(&state) else {
            return Err(Refusal::Invalid("the state of a checkpoint must be a JSON object".into()));
        };
        if let Some(guard) = &mut self.guard {
            guard.check(&object).map_err(Refusal::Invalid)?;
        }
        self.checkpoints += 1;
        if self.checkpoints > self.limits.checkpoints {
            return Err(self.limit("checkpoints", self.limits.checkpoints));
        }
        let (since, rate) = &mut self.checkpoint_rate;
        let wait = rate.take(since.elapsed(), self.limits.checkpoints_per_second);
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        self.uncommitted = 0;
        let noted = state.clone();
        let result = self.queue.checkpoint(state).await;
        result.map_err(|failure| self.stopped(failure))?;
        self.trial.checkpointed(noted);
        Ok(())
    }

    /// Commits what came after the last checkpoint, after `sync` returned normally.
    pub(crate) async fn finish(&mut self) -> Result<(), Refusal> {
        let finished = self.take_end().await;
        if finished.is_err() {
            return self.trial.taken(finished).await;
        }
        finished
    }

    async fn take_end(&mut self) -> Result<(), Refusal> {
        self.check_sticky()?;
        let result = self.queue.finish().await;
        result.map_err(|failure| self.stopped(failure))
    }

    /// What ended this sync's writing, if something did.
    pub(crate) fn failure(&self) -> Option<WriterFailure> {
        self.queue.failure()
    }

    fn begin(&mut self) -> Result<(), Refusal> {
        self.check_sticky()?;
        if !self.open {
            return Err(Refusal::Invalid(
                "operations are only allowed while update() runs; send rows from there".into(),
            ));
        }
        self.calls += 1;
        if self.calls > self.limits.operation_calls {
            return Err(self.limit("operation calls", self.limits.operation_calls));
        }
        Ok(())
    }

    fn check_sticky(&self) -> Result<(), Refusal> {
        if let Some(reached) = self.incidents.reached() {
            return Err(Refusal::Limit(reached));
        }
        match self.queue.failure() {
            Some(failure) => Err(self.stopped(failure)),
            None => Ok(()),
        }
    }

    fn stopped(&self, failure: WriterFailure) -> Refusal {
        match failure {
            WriterFailure::Limit(text) => Refusal::Limit(self.incidents.limit(LimitReached::new("destination", text))),
            WriterFailure::Refused(text) | WriterFailure::Failed(text) => Refusal::Ended(text),
        }
    }

    fn limit(&self, what: &str, limit: impl std::fmt::Display) -> Refusal {
        Refusal::Limit(self.incidents.limit(LimitReached::new(what, limit)))
    }

    fn spend(&mut self, rows: u64, bytes: u64) -> Result<(), Refusal> {
        let bytes = bytes.saturating_add(rows.saturating_mul(ROW_OVERHEAD_BYTES));
        self.rows = self.rows.saturating_add(rows);
        self.bytes = self.bytes.saturating_add(bytes);
        self.uncommitted = self.uncommitted.saturating_add(bytes);
        if self.rows > self.limits.rows {
            return Err(self.limit("rows", self.limits.rows));
        }
        if self.bytes > self.limits.row_bytes_total {
            return Err(self.limit("bytes of rows", self.limits.row_bytes_total));
        }
        if self.uncommitted > self.limits.uncommitted_bytes {
            return Err(self.limit("bytes of rows since the last checkpoint", self.limits.uncommitted_bytes));
        }
        Ok(())
    }

    fn check_table(&mut self, table: &TableName) -> Result<(), Refusal> {
        if self.tables.contains(table) {
            return Ok(());
        }
        for name in table.schema.iter().chain([&table.name]) {
            identifiers::check_source(Kind::Table, name, self.limits.identifier_bytes)
                .map_err(|reason| Refusal::Invalid(reason.to_string()))?;
        }
        if self.tables.len() >= self.limits.tables_per_sync {
            return Err(self.limit("tables", self.limits.tables_per_sync));
        }
        self.tables.insert(table.clone());
        Ok(())
    }

    fn check_columns<'a>(
        &self,
        table: &TableName,
        names: impl ExactSizeIterator<Item = &'a str>,
    ) -> Result<(), Refusal> {
        if names.len() > self.limits.columns_per_table {
            return Err(self.limit(&format!("columns of table {table}"), self.limits.columns_per_table));
        }
        let mut seen = HashSet::with_capacity(names.len());
        for name in names {
            identifiers::check_source(Kind::Column, name, self.limits.identifier_bytes)
                .map_err(|reason| Refusal::Invalid(format!("table {table}: {reason}")))?;
            if !seen.insert(name) {
                return Err(Refusal::Invalid(format!("table {table}: column {name} stands twice")));
            }
        }
        Ok(())
    }

    /// The batch, and a bound of its largest row in bytes. Sizes are not judged here.
    fn check_batch(&self, table: &TableName, rows: usize, columns: Vec<Column>) -> Result<(Batch, usize), Refusal> {
        if rows > self.limits.batch_rows {
            return Err(Refusal::Invalid(format!(
                "table {table}: a batch of {rows} rows; the limit is {} rows",
                self.limits.batch_rows
            )));
        }
        self.check_columns(table, columns.iter().map(|column| column.name.as_str()))?;
        let mut bytes = 0_usize;
        let mut widest = 0_usize;
        for column in &columns {
            let size = values::check_column(column, rows)
                .map_err(|reason| Refusal::Invalid(format!("table {table}, column {}: {reason}", column.name)))?;
            bytes = bytes.saturating_add(size.total);
            widest = widest.saturating_add(size.largest);
        }
        Ok((Batch { rows, columns, bytes }, widest))
    }
}
