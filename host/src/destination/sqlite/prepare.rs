//! From a batch to the statement that applies it, with the table made to hold it first.

use std::borrow::Cow;
use std::sync::Arc;

use super::SqliteDestination;
use super::catalogue::Table;
use super::fit::{Fitted, fit};
use super::lattice::Integers;
use super::obstacle::Obstacle;
use super::plan::{self, Keys, Plan, Work, check_columns, check_tables};
use super::removal::Removal;
use super::{history, schema, write};
use crate::destination::DestinationError;
use crate::landing::TypeMismatch;
use crate::rows::{Batch, OperationKind, TableName};

impl SqliteDestination {
    /// Writes the rows of a batch; answers how many did not go to the quarantine.
    ///
    /// Rows that lack a part of their key are identified by their hash, as all are in a table without a key: the
    /// source may send them again, and two of them may be two things. An update or a delete of such a row finds none.
    pub(super) fn write_rows(
        &mut self,
        source: &TableName,
        kind: OperationKind,
        batch: &Batch,
    ) -> Result<u64, DestinationError> {
        let mut batch = Cow::Borrowed(batch);
        let mut keyless = 0;
        while let Err(obstacle) = self.land(source, kind, &batch, Keys::Whole) {
            let takes = obstacle.is_about_keys() && self.options.landing.takes_keyless();
            if !obstacle.error.is_refused() || !(takes || self.options.landing.quarantines()) {
                return Err(obstacle.error);
            }
            let (bad, good) = obstacle.split(&batch);
            if bad.is_empty() && good.columns.len() == batch.columns.len() {
                return Err(obstacle.error);
            }
            if takes {
                let bad = batch.only_rows(&bad);
                if kind == OperationKind::Upsert {
                    self.land(source, kind, &bad, Keys::Lacking).map_err(|obstacle| obstacle.error)?;
                }
                keyless += u64::try_from(bad.rows).unwrap_or(u64::MAX);
            } else if !bad.is_empty() {
                self.quarantine(source, kind, &batch.only_rows(&bad), &obstacle.error.refusal())?;
            }
            batch = Cow::Owned(good);
            if batch.rows == 0 {
                break;
            }
        }
        if let Some(counts) = self.counts.of(source).filter(|_| keyless > 0) {
            counts.keyless += keyless;
        }
        Ok(u64::try_from(batch.rows).unwrap_or(u64::MAX).saturating_add(keyless))
    }

    fn land(&mut self, source: &TableName, kind: OperationKind, batch: &Batch, keys: Keys) -> Result<(), Obstacle> {
        let Some((plan, fitted)) = self.prepare(source, kind, batch, keys)? else {
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
        keys: Keys,
    ) -> Result<Option<(Arc<Plan>, Fitted)>, Obstacle> {
        let mismatch = self.options.landing.on_type_mismatch.unwrap_or_default();
        let known = if keys == Keys::Whole { self.plans.get(source, kind, batch) } else { None };
        if let Some(plan) = known {
            let (fitted, changes) = examine(source, &plan.slots, batch, (kind, keys), mismatch, |column| {
                schema::integers(&self.connection, &plan.table, column)
            })?;
            if changes.is_empty() {
                return Ok(Some((plan, fitted)));
            }
        }
        let (name, mut table) = self.catalogue.get(&self.connection, source)?;
        if keys == Keys::Lacking {
            table = table.map(|table| self.take_keyless(table)).transpose()?;
        }
        let slots = plan::resolve(self.catalogue.names(), source, table.as_deref(), &self.rules, batch, keys)?;
        let (fitted, changes) = examine(source, &slots, batch, (kind, keys), mismatch, |column| match &table {
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
        let slots = plan::resolve(self.catalogue.names(), source, Some(&table), &self.rules, batch, keys)?;
        let removal = Removal::of(&table, &self.options.landing);
        let plan = Arc::new(plan::plan(table, slots, kind, removal, keys));
        if keys == Keys::Whole {
            self.plans.put(&plan);
        }
        Ok(Some((plan, fitted)))
    }

    /// The table with a place for rows that lack a part of the key.
    fn take_keyless(&mut self, table: Arc<Table>) -> Result<Arc<Table>, DestinationError> {
        if table.keyless {
            return Ok(table);
        }
        if table.history {
            let reason = "a row lacks a part of the primary key, and a table with history needs all of it in every row";
            return Err(DestinationError::refused(&table.source, None, reason));
        }
        self.begin()?;
        self.plans.forget(&table);
        schema::take_keyless(&self.connection, &mut self.catalogue, &table)
    }
}

/// What lands of a batch, and the changes that its table needs for that.
fn examine(
    source: &TableName,
    slots: &[plan::Slot],
    batch: &Batch,
    (kind, keys): (OperationKind, Keys),
    mismatch: TypeMismatch,
    integers: impl FnMut(&str) -> Result<Integers, DestinationError>,
) -> Result<(Fitted, Vec<schema::Change>), Obstacle> {
    if keys == Keys::Whole {
        plan::check_keys(source, slots, batch)?;
    }
    let fitted = fit(source, slots, batch, kind, mismatch)?;
    let changes = plan::changes(source, slots, &fitted.columns(batch), batch.rows, kind, integers)?;
    Ok((fitted, changes))
}
