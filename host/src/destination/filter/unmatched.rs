//! Decisions about tables and columns that a sync did not bring: perhaps misspelled, and then they protect nothing.

use std::collections::HashSet;

use crate::landing::Landing;
use crate::landing::names::spelling;
use crate::landing::references::TableReference;

/// A decision to block or hash something that the connector did not send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmatched {
    /// The table as the operator names it.
    pub table: TableReference,
    /// The column as the operator names it, of which no row of the table had a value; `None` when nothing of the table
    /// came.
    pub column: Option<String>,
}

/// What may still match. Names are compared by their spelling.
#[derive(Debug, Default)]
pub(super) struct Pending {
    tables: Vec<(String, TableReference)>,
    columns: Vec<(String, String, Unmatched)>,
    /// Tables of which rows came.
    with_rows: HashSet<String>,
}

impl Pending {
    pub(super) fn of(landing: &Landing) -> Self {
        let mut pending = Self::default();
        for (table, decisions) in &landing.tables {
            let columns: Vec<&String> = decisions.block_columns.union(&decisions.hash_columns).collect();
            if decisions.block || !columns.is_empty() {
                pending.tables.push((table.spelling(), table.clone()));
            }
            for column in columns {
                let unmatched = Unmatched { table: table.clone(), column: Some(column.clone()) };
                pending.columns.push((table.spelling(), spelling(column), unmatched));
            }
        }
        pending
    }

    /// A table was declared, or something of it came.
    pub(super) fn met_table(&mut self, table: &str) {
        self.tables.retain(|(spelled, _)| spelled != table);
    }

    /// A column was declared or came.
    pub(super) fn met_column(&mut self, table: &str, column: &str) {
        let column = spelling(column);
        self.columns.retain(|(in_table, spelled, _)| in_table != table || *spelled != column);
    }

    /// Rows of a table came.
    pub(super) fn met_rows(&mut self, table: &str) {
        if !self.with_rows.contains(table) {
            self.with_rows.insert(table.to_owned());
        }
    }

    pub(super) fn rest(&self) -> Vec<Unmatched> {
        let tables = self.tables.iter().map(|(_, table)| Unmatched { table: table.clone(), column: None });
        let columns = self.columns.iter().filter(|(table, _, _)| self.with_rows.contains(table));
        tables.chain(columns.map(|(_, _, unmatched)| unmatched.clone())).collect()
    }
}
