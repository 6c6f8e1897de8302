//! What the operator keeps out of a destination, or hashes, before a byte of it gets there.
//!
//! [`Filtered`] stands in front of a destination and is one itself, so that whatever writes passes it. Blocked tables
//! and columns are left out of every operation and declaration, and so is what is new where the operator lets nothing
//! new in; the files of what is left out are left out too; hashed columns arrive as text. What the decisions are stands in `landing/protection.rs` and
//! `landing/baseline.rs`; here they are applied, a whole column of a batch at a time. Without any decision there is no
//! filter and nothing is looked at.

mod batch;
mod files;
mod hash;
mod rules;
mod unmatched;
mod withheld;

pub use hash::HashKey;
pub use rules::{Filter, StoredColumn, StoredTable};
pub use unmatched::Unmatched;
pub use withheld::{MAX_WITHHELD, Reason, Withheld};

use std::ops::Deref;

use files::LeftOut;

use super::sqlite::PendingResync;
use super::{Destination, DestinationError, FilePart, TableCounts};
use crate::rows::{Operation, TableDefinition};

/// A destination behind a filter. What is read from it, it answers itself.
#[derive(Debug)]
pub struct Filtered<D> {
    inner: D,
    filter: Option<Filter>,
    left_out: LeftOut,
}

impl<D> Filtered<D> {
    /// Puts a filter before a destination; `None` when there is nothing to filter.
    pub(in crate::destination) fn new(inner: D, filter: Option<Filter>) -> Self {
        Self { inner, filter, left_out: LeftOut::default() }
    }
}

// Only to read: what writes to the destination takes it as mutable and meets the filter.
impl<D> Deref for Filtered<D> {
    type Target = D;

    fn deref(&self) -> &D {
        &self.inner
    }
}

impl<D: Destination> Destination for Filtered<D> {
    fn state(&self) -> String {
        self.inner.state()
    }

    fn path_column(&self) -> String {
        self.inner.path_column()
    }

    fn declare(&mut self, tables: &[TableDefinition]) -> Result<(), DestinationError> {
        match &mut self.filter {
            None => self.inner.declare(tables),
            Some(filter) => self.inner.declare(&filter.definitions(tables)?),
        }
    }

    fn write(&mut self, operation: &Operation) -> Result<(), DestinationError> {
        let Some(filter) = &mut self.filter else {
            return self.inner.write(operation);
        };
        match filter.operation(operation)? {
            Some(admitted) => self.inner.write(&admitted),
            None => Ok(()),
        }
    }

    fn file(&mut self, part: FilePart) -> Result<(), DestinationError> {
        if let Some(filter) = &mut self.filter
            && !self.left_out.admits(filter, &part, &self.inner.path_column())?
        {
            return Ok(());
        }
        self.inner.file(part)
    }

    fn checkpoint(&mut self, state: &str) -> Result<(), DestinationError> {
        self.inner.checkpoint(state)
    }

    fn settle(&mut self) {
        self.inner.settle();
    }

    fn finish(&mut self) -> Result<(), DestinationError> {
        self.inner.finish()
    }

    fn abandon(&mut self) -> Result<(), DestinationError> {
        self.inner.abandon()
    }

    fn counts(&self) -> &[TableCounts] {
        self.inner.counts()
    }

    fn declared(&self) -> &[TableDefinition] {
        self.inner.declared()
    }

    fn pending_resyncs(&self) -> Vec<PendingResync> {
        self.inner.pending_resyncs()
    }

    fn withheld(&self) -> &[Withheld] {
        self.filter.as_ref().map_or(&[], Filter::withheld)
    }

    fn unmatched(&self) -> Vec<Unmatched> {
        self.filter.as_ref().map(Filter::unmatched).unwrap_or_default()
    }
}
