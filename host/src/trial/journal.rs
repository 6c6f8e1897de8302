//! What a sync on trial did.

use std::collections::{BTreeMap, BTreeSet};

use super::agreement;
use crate::ops::Refusal;
use crate::rows::{Batch, OperationKind, TableDefinition, TableName};

/// Most checkpoints that are written down one by one.
const CHECKPOINTS: usize = 100_000;
/// Most refusals and faults that are written down.
const NAMED: usize = 20;

/// What a sync on trial did, in as much memory whatever it did.
#[derive(Clone, Debug, Default)]
pub struct Journal {
    /// The tables that `schema` declared, once it did.
    pub declaration: Option<Vec<TableDefinition>>,
    /// Why the declaration was refused.
    pub declaration_refused: Option<String>,
    /// Operations that were taken: batches of rows, truncates, files, checkpoints.
    pub operations: u64,
    /// The checkpoints among them; no more than the first 100,000.
    pub checkpoints: Vec<Checkpoint>,
    /// The state of the last of them.
    pub state: Option<String>,
    /// Operations that were refused, the first reasons.
    pub refusals: Vec<String>,
    /// Where rows disagree with the declaration, each once, the first of them.
    pub faults: Vec<String>,
    /// The tables that operations named.
    pub tables: BTreeMap<TableName, Used>,
    /// Most rows between two checkpoints.
    pub most_rows_uncommitted: u64,
    /// Rows after the last checkpoint.
    pub rows_uncommitted: u64,
    /// Whether the sync was cut.
    pub was_cut: bool,
    digest: blake3::Hasher,
}

/// A checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Its place among the operations, from 1.
    pub operation: u64,
    /// Bytes of its state.
    pub state_bytes: usize,
}

/// How a table was used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Used {
    /// Rows that named it.
    pub rows: u64,
    /// Columns that held anything but NULL.
    pub columns: BTreeSet<String>,
}

impl Journal {
    /// Digest of the declaration and every operation, in order.
    #[must_use]
    pub fn digest(&self) -> String {
        self.digest.finalize().to_hex().to_string()
    }

    /// The declared table of a name.
    #[must_use]
    pub fn table(&self, name: &TableName) -> Option<&TableDefinition> {
        self.declaration.iter().flatten().find(|table| table.name == *name)
    }

    pub(super) fn declaring(&mut self, tables: &[TableDefinition]) {
        self.declaration = Some(tables.to_vec());
        self.hash(&tables);
    }

    pub(super) fn declared(&mut self, taken: &Result<(), Refusal>) {
        if let Err(refusal) = taken {
            self.declaration_refused.get_or_insert_with(|| text(refusal));
        }
    }

    pub(super) fn rows(&mut self, table: &TableName, kind: OperationKind, batch: &Batch) {
        self.hash(&(table, kind, batch.rows, &batch.columns));
        for fault in agreement::faults(self.declaration.as_deref().unwrap_or_default(), table, kind, batch) {
            if self.faults.len() < NAMED && !self.faults.contains(&fault) {
                self.faults.push(fault);
            }
        }
        self.rows_uncommitted = self.rows_uncommitted.saturating_add(batch.rows as u64);
        self.most_rows_uncommitted = self.most_rows_uncommitted.max(self.rows_uncommitted);
        let used = self.tables.entry(table.clone()).or_default();
        used.rows = used.rows.saturating_add(batch.rows as u64);
        for column in batch.columns.iter().filter(|column| column.nulls.len() < batch.rows) {
            if !used.columns.contains(&column.name) {
                used.columns.insert(column.name.clone());
            }
        }
    }

    pub(super) fn truncating(&mut self, table: &TableName) {
        self.hash(&("truncate", table));
        self.tables.entry(table.clone()).or_default();
    }

    pub(super) fn file_bytes(&mut self, bytes: &[u8]) {
        self.digest.update(bytes);
    }

    pub(super) fn checkpointed(&mut self, state: String) {
        self.hash(&("checkpoint", &state));
        self.rows_uncommitted = 0;
        if self.checkpoints.len() < CHECKPOINTS {
            self.checkpoints.push(Checkpoint { operation: self.operations + 1, state_bytes: state.len() });
        }
        self.state = Some(state);
    }

    /// Counts an operation that was taken.
    pub(super) fn taken(&mut self) -> u64 {
        self.operations += 1;
        self.operations
    }

    pub(super) fn refused(&mut self, refusal: &Refusal) {
        let text = text(refusal);
        if self.refusals.len() < NAMED && !self.refusals.contains(&text) {
            self.refusals.push(text);
        }
    }

    pub(super) fn cut(&mut self) {
        self.was_cut = true;
    }

    fn hash(&mut self, what: &impl serde::Serialize) {
        // What cannot be written is the same each time.
        let bytes = postcard::to_allocvec(what).unwrap_or_default();
        self.digest.update(&(bytes.len() as u64).to_le_bytes()).update(&bytes);
    }
}

fn text(refusal: &Refusal) -> String {
    match refusal {
        Refusal::Invalid(text) | Refusal::Ended(text) => text.clone(),
        Refusal::Limit(reached) => reached.to_string(),
    }
}
