//! Which new tables and columns land once a connection has synced.
//!
//! | | new table | new column of a known table |
//! |---|---|---|
//! | before the first successful sync has ended | lands | lands |
//! | `allow-all` | lands | lands |
//! | `allow-columns` | is kept out | lands |
//! | `block-all` | is kept out | is kept out |
//!
//! Known is what the destination holds when a sync begins, under exactly the source's name. A column that was
//! declared without a value is known; one that was neither declared nor ever had a value is not, nor is one that was
//! kept out. To let something new in, sync once with `allow-all`.

use std::collections::{HashMap, HashSet};

use super::decisions::SchemaChanges;
use super::references::TableReference;

/// The tables and columns that a destination holds when a sync begins, by source name.
#[derive(Clone, Debug, Default)]
pub struct Baseline {
    tables: HashMap<TableReference, HashSet<String>>,
}

impl Baseline {
    /// Adds a table.
    pub fn insert(&mut self, table: TableReference, columns: impl IntoIterator<Item = String>) {
        self.tables.entry(table).or_default().extend(columns);
    }

    /// The columns of a table that may be landed in; `None` when the table may not.
    #[must_use]
    pub fn admits(&self, changes: SchemaChanges, table: &TableReference) -> Option<Columns<'_>> {
        match (changes, self.tables.get(table)) {
            (SchemaChanges::AllowAll, _) | (SchemaChanges::AllowColumns, Some(_)) => Some(Columns::All),
            (SchemaChanges::BlockAll, Some(known)) => Some(Columns::Known(known)),
            (SchemaChanges::AllowColumns | SchemaChanges::BlockAll, None) => None,
        }
    }
}

/// The columns of a table that may be landed in.
#[derive(Clone, Copy, Debug)]
pub enum Columns<'a> {
    /// All of them.
    All,
    /// These.
    Known(&'a HashSet<String>),
}

impl Columns<'_> {
    /// Whether a column is among them.
    #[must_use]
    pub fn contains(self, column: &str) -> bool {
        match self {
            Self::All => true,
            Self::Known(known) => known.contains(column),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn the_table_of_rules() {
        let mut baseline = Baseline::default();
        baseline.insert("s.known".parse().unwrap(), ["a".to_owned()]);
        for (changes, new_table, new_column) in [
            (SchemaChanges::AllowAll, true, true),
            (SchemaChanges::AllowColumns, false, true),
            (SchemaChanges::BlockAll, false, false),
        ] {
            for table in ["known", "s.Known", "s.new"] {
                let table = table.parse().unwrap();
                assert_eq!(baseline.admits(changes, &table).is_some(), new_table, "{changes:?} {table}");
            }
            let columns = baseline.admits(changes, &"s.known".parse().unwrap()).unwrap();
            assert!(columns.contains("a"), "{changes:?}");
            assert_eq!(columns.contains("A"), new_column, "{changes:?}");
        }
    }
}
