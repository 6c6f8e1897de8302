//! What was kept out, by name.

use std::fmt;

use crate::rows::TableName;

/// Most entries that are kept; a connector chooses the names.
pub const MAX_WITHHELD: usize = 1_000;

/// Why something did not land.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The operator blocks it.
    Blocked,
    /// It is new, and the operator lets nothing new in.
    New,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Blocked => "blocked",
            Self::New => "new",
        })
    }
}

/// A table or column of which nothing landed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withheld {
    /// The table as the source names it.
    pub table: TableName,
    /// The column as the source names it; `None` for the whole table.
    pub column: Option<String>,
    /// Why.
    pub reason: Reason,
}

/// The first [`MAX_WITHHELD`] of them, each once.
#[derive(Debug, Default)]
pub(super) struct List(Vec<Withheld>);

impl List {
    pub(super) fn add(&mut self, table: &TableName, column: Option<&str>, reason: Reason) {
        let is_it = |entry: &Withheld| entry.table == *table && entry.column.as_deref() == column;
        if self.0.len() < MAX_WITHHELD && !self.0.iter().any(is_it) {
            self.0.push(Withheld { table: table.clone(), column: column.map(str::to_owned), reason });
        }
    }

    pub(super) fn entries(&self) -> &[Withheld] {
        &self.0
    }
}
