//! A sync on trial: what it did is written down, and it can be cut as if its process had died.
//!
//! Both happen where operations are taken, on the way of every sync, so that a trial shows what a real one does. A
//! sync that is not on trial pays for neither.

mod agreement;
mod journal;

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

pub use journal::{Checkpoint, Journal, Used};

use crate::ops::Refusal;
use crate::rows::{Batch, OperationKind, TableDefinition, TableName};

/// Where a sync is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CutAfter {
    /// The destination has the declared tables; nothing of `sync` has run.
    Declaration,
    /// That many operations were taken. What came after the last checkpoint is lost, as in a crash.
    Operation(u64),
}

/// A trial of one sync. The default is none.
#[derive(Clone, Debug, Default)]
pub struct Trial(Option<Arc<Inner>>);

#[derive(Debug)]
struct Inner {
    cut: Option<CutAfter>,
    chance: u64,
    journal: Mutex<Journal>,
    cut_now: Notify,
}

impl Trial {
    /// A trial. In a replay, `chance` chooses the random numbers; 0 are those of every replay.
    #[must_use]
    pub fn new(cut: Option<CutAfter>, chance: u64) -> Self {
        Self(Some(Arc::new(Inner { cut, chance, journal: Mutex::default(), cut_now: Notify::new() })))
    }

    /// What was seen so far; nothing when there is no trial.
    #[must_use]
    pub fn journal(&self) -> Journal {
        self.0
            .as_ref()
            .map(|inner| inner.journal.lock().unwrap_or_else(PoisonError::into_inner).clone())
            .unwrap_or_default()
    }

    pub(crate) fn chance(&self) -> u64 {
        self.0.as_ref().map_or(0, |inner| inner.chance)
    }

    /// Ends when the sync is to be cut, which most never are.
    pub(crate) async fn cut(&self) {
        match &self.0 {
            Some(inner) => inner.cut_now.notified().await,
            None => std::future::pending().await,
        }
    }

    /// Whether the sync is to be cut once its tables are declared.
    pub(crate) fn cuts_declaration(&self) -> bool {
        self.0.as_ref().is_some_and(|inner| inner.cut == Some(CutAfter::Declaration))
    }

    pub(crate) fn declaring(&self, tables: &[TableDefinition]) {
        self.write(|journal| journal.declaring(tables));
    }

    pub(crate) fn declared(&self, taken: &Result<(), Refusal>) {
        self.write(|journal| journal.declared(taken));
    }

    /// Rows that passed the checks of the host, on their way to the destination.
    pub(crate) fn rows(&self, table: &TableName, kind: OperationKind, batch: &Batch) {
        self.write(|journal| journal.rows(table, kind, batch));
    }

    pub(crate) fn truncating(&self, table: &TableName) {
        self.write(|journal| journal.truncating(table));
    }

    pub(crate) fn file_bytes(&self, bytes: &[u8]) {
        self.write(|journal| journal.file_bytes(bytes));
    }

    /// A checkpoint that is durable.
    pub(crate) fn checkpointed(&self, state: String) {
        self.write(|journal| journal.checkpointed(state));
    }

    /// How an operation ended. Where the sync is to be cut, this never returns.
    pub(crate) async fn taken<T>(&self, result: Result<T, Refusal>) -> Result<T, Refusal> {
        let Some(inner) = &self.0 else { return result };
        let count = match &result {
            Ok(_) => inner.journal.lock().unwrap_or_else(PoisonError::into_inner).taken(),
            Err(refusal) => {
                self.write(|journal| journal.refused(refusal));
                return result;
            }
        };
        if inner.cut == Some(CutAfter::Operation(count)) {
            self.end().await;
        }
        result
    }

    /// Cuts the sync here.
    pub(crate) async fn end(&self) {
        if let Some(inner) = &self.0 {
            self.write(Journal::cut);
            inner.cut_now.notify_one();
            // A process that died answers nothing either.
            std::future::pending::<()>().await;
        }
    }

    fn write(&self, note: impl FnOnce(&mut Journal)) {
        if let Some(inner) = &self.0 {
            note(&mut inner.journal.lock().unwrap_or_else(PoisonError::into_inner));
        }
    }
}
