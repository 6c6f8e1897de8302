//! Where rows and state land: the trait every destination implements, its errors and counts.
//!
//! A destination is used by one sync of one connection, from one thread. The order of calls is
//! the order of effects:
//!
//! 1. [`Destination::declare`] once, with the tables of `schema`;
//! 2. [`Destination::write`] for each batch and [`Destination::checkpoint`] at each checkpoint;
//! 3. [`Destination::finish`] when the connector ended well, otherwise
//!    [`Destination::abandon`] (dropping the destination does the same).
//!
//! Rows, schema changes and state between two checkpoints are one transaction. An operation
//! that is [refused](DestinationError::Refused) had no effect and the sync may go on; after any
//! other error the destination takes nothing more and what was not committed is discarded.

mod error;
pub mod filter;
pub mod sqlite;

pub use error::DestinationError;

use crate::policy::paths::FilePath;
use crate::rows::{Operation, TableDefinition, TableName};
use filter::{Unmatched, Withheld};
use sqlite::PendingResync;

/// What a sync writes to.
pub trait Destination: Send {
    /// The state of the last checkpoint, a JSON object; `{}` before the first.
    fn state(&self) -> String;

    /// The name of the column in which a row holds the path of its file.
    fn path_column(&self) -> String;

    /// Creates or widens the declared tables and columns.
    ///
    /// # Errors
    /// `Refused` when a name is not acceptable, two names land on one, or a primary key
    /// differs from the stored one; nothing of the declaration has taken effect then.
    fn declare(&mut self, tables: &[TableDefinition]) -> Result<(), DestinationError>;

    /// Applies one operation.
    ///
    /// # Errors
    /// `Refused` when the operation cannot land in its table; it had no effect then.
    fn write(&mut self, operation: &Operation) -> Result<(), DestinationError>;

    /// Takes a part of a file. A finished file becomes visible with the next commit and is
    /// discarded when there is none.
    ///
    /// # Errors
    /// `Refused` when a folder is in the way of the file, or a file in the way of one of its
    /// folders; the file is discarded then.
    fn file(&mut self, part: FilePart) -> Result<(), DestinationError>;

    /// Makes everything before this call durable together with `state`, which must be a JSON
    /// object and is kept as it is.
    ///
    /// # Errors
    /// Never `Refused`; after an error nothing since the former checkpoint has landed.
    fn checkpoint(&mut self, state: &str) -> Result<(), DestinationError>;

    /// Does work that a checkpoint left over and that nobody waits for. Called after a
    /// checkpoint was answered, while the connector goes on.
    fn settle(&mut self) {}

    /// Makes the rows after the last checkpoint durable, the state unchanged, and ends the sync.
    ///
    /// # Errors
    /// Never `Refused`; after an error nothing since the last checkpoint has landed.
    fn finish(&mut self) -> Result<(), DestinationError>;

    /// Discards everything after the last checkpoint and ends the sync.
    ///
    /// # Errors
    /// The destination failed; what was not committed is discarded all the same.
    fn abandon(&mut self) -> Result<(), DestinationError>;

    /// What was taken so far, one entry a table in order of first appearance.
    fn counts(&self) -> &[TableCounts];

    /// The tables that were declared and are let in.
    fn declared(&self) -> &[TableDefinition] {
        &[]
    }

    /// What was kept out so far because the operator wants it so, in order of first appearance.
    fn withheld(&self) -> &[Withheld] {
        &[]
    }

    /// The re-syncs that still wait for a sync that ends well; none when they cannot be read.
    fn pending_resyncs(&self) -> Vec<PendingResync> {
        Vec::new()
    }

    /// The operator's decisions to block or hash that matched nothing so far.
    fn unmatched(&self) -> Vec<Unmatched> {
        Vec::new()
    }
}

/// A part of a file on its way. Parts of one file come in order; several files may come at once,
/// told apart by their numbers, which are not used again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FilePart {
    /// The first part.
    Begin {
        /// The file's number.
        file: u64,
        /// The table of the row that names it.
        table: TableName,
        /// Where it is to land.
        path: FilePath,
    },
    /// Some bytes.
    Bytes {
        /// The file's number.
        file: u64,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// The last part.
    Finish {
        /// The file's number.
        file: u64,
    },
    /// The last part of a file that is not wanted any more; nothing happens when it is finished.
    Discard {
        /// The file's number.
        file: u64,
    },
}

/// How many operations a destination took for one table: rows for upserts, updates and
/// deletes, calls for truncates. They count what was received, not what changed, and only what
/// is durable once the sync has ended: what [`Destination::abandon`] discards is taken off again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableCounts {
    /// The table as the source names it.
    pub table: TableName,
    /// Rows upserted.
    pub upserts: u64,
    /// Rows to update.
    pub updates: u64,
    /// Rows to delete.
    pub deletes: u64,
    /// Calls of truncate.
    pub truncates: u64,
    /// Values that did not fit their column and became NULL.
    pub nulled: u64,
    /// Rows that went to the quarantine instead.
    pub quarantined: u64,
    /// Rows that lack a part of the table's primary key; they are counted among the others too.
    pub keyless: u64,
    /// Rows that are active for the first time in the month; see `docs/runs.md`.
    pub active: u64,
    /// Rows that a re-sync found gone from the source, and took away at the end.
    pub swept: u64,
}

impl TableCounts {
    pub(crate) fn new(table: TableName) -> Self {
        Self {
            table,
            upserts: 0,
            updates: 0,
            deletes: 0,
            truncates: 0,
            active: 0,
            swept: 0,
            nulled: 0,
            keyless: 0,
            quarantined: 0,
        }
    }
}

/// Which component a sync runs, as the destination records it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncIdentity {
    /// The connector's name.
    pub connector: String,
    /// Digest of the component, as the host prints it.
    pub digest: String,
}
