//! Rows that cannot land: those that the connector hands over as such, and those that are too
//! large.

use super::{Operations, Refusal, values};
use crate::rows::{Batch, Column, Operation, OperationKind, TableName};

/// What the operator wants done with what cannot land in a table as it is; see `tolerance` in
/// `wit/connector.wit`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Tolerance {
    pub(crate) misfits: bool,
    pub(crate) rejects: bool,
}

/// Longest reason kept, in bytes.
const REASON_BYTES: usize = 1024;

fn cut(reason: &str) -> String {
    reason.get(..reason.floor_char_boundary(REASON_BYTES)).unwrap_or_default().to_owned()
}

impl Operations {
    /// What the operator wants for a table.
    pub(crate) fn tolerance(&self, table: &TableName) -> Tolerance {
        Tolerance {
            misfits: self.landing.takes_misfits(table.schema.as_deref(), &table.name),
            rejects: self.landing.quarantines(),
        }
    }

    /// Takes rows that the connector says cannot land.
    pub(crate) async fn reject(
        &mut self,
        table: TableName,
        kind: OperationKind,
        rows: usize,
        columns: Result<Vec<Column>, String>,
        reason: &str,
    ) -> Result<(), Refusal> {
        let taken = self.take_rejected(table, kind, rows, columns, reason).await;
        self.trial.taken(taken).await
    }

    async fn take_rejected(
        &mut self,
        table: TableName,
        kind: OperationKind,
        rows: usize,
        columns: Result<Vec<Column>, String>,
        reason: &str,
    ) -> Result<(), Refusal> {
        self.begin()?;
        self.check_table(&table)?;
        if !self.landing.quarantines() {
            let text = format!("table {table}: rows may not be rejected; the operator has not set on_bad_row");
            return Err(Refusal::Invalid(text));
        }
        let columns = columns.map_err(|reason| Refusal::Invalid(format!("table {table}, {reason}")))?;
        let (batch, _) = self.check_batch(&table, rows, columns)?;
        self.check_size(&table, &batch)?;
        self.set_aside(&table, kind, batch, cut(reason)).await
    }

    /// The batch without the rows that are too large, which are rejected if the operator wants
    /// rows rejected, and refused otherwise.
    pub(super) async fn within_size(
        &mut self,
        table: &TableName,
        kind: OperationKind,
        batch: Batch,
    ) -> Result<Batch, Refusal> {
        let limit = self.limits.row_bytes;
        if !self.landing.quarantines() {
            self.check_size(table, &batch)?;
        }
        let bytes = |row| values::row_bytes(&batch.columns, row);
        let large: Vec<usize> = (0..batch.rows).filter(|row| bytes(*row) > limit).collect();
        let Some(largest) = large.iter().map(|row| bytes(*row)).max() else {
            self.check_size(table, &batch)?;
            return Ok(batch);
        };
        let reason = format!("a row of {largest} bytes; the limit is {limit} bytes");
        if !self.landing.quarantines() {
            return Err(Refusal::Invalid(format!("table {table}: {reason}")));
        }
        let mut rest = batch.without_rows(&large);
        rest.bytes = (0..rest.rows).map(|row| values::row_bytes(&rest.columns, row)).sum();
        let mut rejected = batch.only_rows(&large);
        rejected.bytes = batch.bytes.saturating_sub(rest.bytes);
        drop(batch);
        self.check_size(table, &rest)?;
        self.set_aside(table, kind, rejected, format!("the row is too large; the limit is {limit} bytes")).await?;
        Ok(rest)
    }

    fn check_size(&self, table: &TableName, batch: &Batch) -> Result<(), Refusal> {
        if batch.bytes <= self.limits.batch_bytes {
            return Ok(());
        }
        Err(Refusal::Invalid(format!(
            "table {table}: a batch of {} bytes; the limit is {} bytes",
            batch.bytes, self.limits.batch_bytes
        )))
    }

    async fn set_aside(
        &mut self,
        table: &TableName,
        kind: OperationKind,
        batch: Batch,
        reason: String,
    ) -> Result<(), Refusal> {
        self.spend(batch.rows as u64, batch.bytes as u64)?;
        self.counters.received(batch.rows as u64, batch.bytes as u64);
        let held = values::held_bytes(&batch);
        let operation = Operation::Rejected { table: table.clone(), kind, batch, reason };
        self.queue.operation(operation, held).await.map_err(|failure| self.stopped(failure))
    }
}
