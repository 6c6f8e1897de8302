//! From a batch to the statement that applies it, with the table made to hold it first.

use std::borrow::Cow;
use std::sync::Arc;

use super::SqliteDestination;
use super::fit::{Fitted, fit};
use super::lattice::Integers;
use super::obstacle::Obstacle;
use super::plan::{self, Plan, Work, check_columns, check_tables};
use super::removal::Removal;
use super::{history, schema, write};
use crate::destination::DestinationError;
use crate::landing::TypeMismatch;
use crate::rows::{Batch, OperationKind, TableName};

impl SqliteDestination {
    /// Writes the rows of a batch; answers how many did not go to the quarantine.
    pub(super) fn write_rows(
        &mut self,
        source: &TableName,
        kind: OperationKind,
        batch: &Batch,
    ) -> Result<u64, DestinationError> {
        let mut batch = Cow::Borrowed(batch);
        while let Err(obstacle) = self.land(source, kind, &batch) {
            if !obstacle.error.is_refused() || !self.options.landing.quarantines() {
                return Err(obstacle.error);
            }
            let (bad, good) = obstacle.split(&batch);
            if bad.is_empty() && good.columns.len() == batch.columns.len() {
                return Err(obstacle.error);
            }
            if !bad.is_empty() {
                self.quarantine(source, kind, &batch.only_rows(&bad), &obstacle.error.refusal())?;
            }
            batch = Cow::Owned(good);
            if batch.rows == 0 {
                break;
            }
        }
        Ok(u64::try_from(batch.rows).unwrap_or(u64::MAX))
    }

    fn land(&mut self, source: &TableName, kind: OperationKind, batch: &Batch) -> Result<(), Obstacle> {
        let Some((plan, fitted)) = self.prepare(source, kind, batch)? else {
            return Ok(());
        };
        self.uncommitted = self.uncommitted.saturating_add(u64::try_from(batch.bytes).unwrap_or(u64::MAX));
        if self.uncommitted > self.options.uncommitted_bytes {
            let limit = self.options.uncommitted_bytes;
            return Err(DestinationError::Limit { what: "bytes without a checkpoint", limit, table: None }.into());
        }
        self.begin()?;
        let (connection, buffers) = (&self.connection, &mut self.buffers);
        let active = match &plan.work {
            Work::Plain(statements) => {
                let stamp = self.clock.tick();
                self.active.begin(&stamp);
                write::apply(connection, &plan, statements, batch, &fitted, &stamp, buffers)?;
                let active = match kind {
                    OperationKind::Upsert => self.active.upserted(batch.rows),
                    OperationKind::Update | OperationKind::Delete => self.active.changed(),
                };
                self.active.add(&plan.table.name, &stamp, active);
                active
            }
            Work::History(statements) => {
                let clock = (&mut self.clock, &mut self.active);
                history::apply(connection, &plan, statements, batch, &fitted, clock, buffers)?
            }
        };
        if fitted.nulled + active > 0
            && let Some(counts) = self.counts.of(source)
        {
            counts.nulled += fitted.nulled;
            counts.active += active;
        }
        Ok(())
    }

    /// The plan for a batch, after its table was made to hold it, and what lands; `None` when
    /// the batch can change nothing.
    fn prepare(
        &mut self,
        source: &TableName,
        kind: OperationKind,
        batch: &Batch,
    ) -> Result<Option<(Arc<Plan>, Fitted)>, Obstacle> {
        let mismatch = self.options.landing.on_type_mismatch.unwrap_or_default();
        if let Some(plan) = self.plans.get(source, kind, batch) {
            let (fitted, changes) = examine(source, &plan.slots, batch, kind, mismatch, |column| {
                schema::integers(&self.connection, &plan.table, column)
            })?;
            if changes.is_empty() {
                return Ok(Some((plan, fitted)));
            }
        }
        let (name, table) = self.catalogue.get(&self.connection, source)?;
        let slots = plan::resolve(self.catalogue.names(), source, table.as_deref(), &self.rules, batch)?;
        let (fitted, changes) = examine(source, &slots, batch, kind, mismatch, |column| match &table {
            Some(table) => schema::integers(&self.connection, table, column),
            None => Ok(Integers::ExactInDouble),
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
            None if kind != OperationKind::Upsert => return Ok(None),
            None => {
                check_tables(&self.catalogue, 1, self.options.tables)?;
                check_columns(source, changes.len(), self.options.columns)?;
                self.begin()?;
                self.create(plan::undeclared(self.catalogue.names(), source, name, &changes))?
            }
        };
        // A key without a type means an empty table.
        if kind != OperationKind::Upsert && table.key().iter().any(|column| column.data_type.is_none()) {
            return Ok(None);
        }
        let slots = plan::resolve(self.catalogue.names(), source, Some(&table), &self.rules, batch)?;
        let removal = Removal::of(&table, &self.options.landing);
        let plan = Arc::new(plan::plan(table, slots, kind, removal));
        self.plans.put(&plan);
        Ok(Some((plan, fitted)))
    }
}

/// What lands of a batch, and the changes that its table needs for that.
fn examine(
    source: &TableName,
    slots: &[plan::Slot],
    batch: &Batch,
    kind: OperationKind,
    mismatch: TypeMismatch,
    integers: impl FnMut(&str) -> Result<Integers, DestinationError>,
) -> Result<(Fitted, Vec<schema::Change>), Obstacle> {
    plan::check_keys(source, slots, batch)?;
    let fitted = fit(source, slots, batch, kind, mismatch)?;
    let changes = plan::changes(source, slots, &fitted.columns(batch), batch.rows, kind, integers)?;
    Ok((fitted, changes))
}
