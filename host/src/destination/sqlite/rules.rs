//! What the columns of a connection are to hold in this sync: as the connector declared, or as
//! the operator locked them.

use std::collections::HashMap;

use super::catalogue::Table;
use super::fit::Rule;
use crate::landing::Landing;
use crate::rows::{TableDefinition, TableName};

/// The rules of one table by the source's names of its columns.
pub(super) type TableRules = HashMap<String, Rule>;

/// The rules of all tables that have some.
#[derive(Debug, Default)]
pub(super) struct Rules {
    tables: HashMap<TableName, TableRules>,
}

impl Rules {
    /// The rules of a table.
    pub(super) fn of(&self, table: &TableName) -> Option<&TableRules> {
        self.tables.get(table)
    }

    /// Notes what is declared. Locked columns stay locked.
    pub(super) fn declare(&mut self, definition: &TableDefinition) {
        let rules = self.tables.entry(definition.name.clone()).or_default();
        for column in &definition.columns {
            if let Some(data_type) = column.data_type {
                rules.entry(column.name.clone()).or_insert(Rule::Declared(data_type));
            }
        }
    }

    /// Locks the columns of tables that the operator wants locked, as they are now. Called
    /// before anything of the sync has changed them.
    pub(super) fn lock(&mut self, landing: &Landing, tables: &[Table]) {
        for table in tables {
            let locked = landing.table(table.source.schema.as_deref(), &table.source.name);
            if !locked.is_some_and(|landing| landing.lock_types) {
                continue;
            }
            let rules = self.tables.entry(table.source.clone()).or_default();
            // A key that no longer says what the source's does would find no row.
            for column in table.columns.iter().filter(|column| column.key.is_none()) {
                if let Some(data_type) = column.data_type {
                    rules.insert(column.source.clone(), Rule::Locked(data_type));
                }
            }
        }
    }

    /// Whether the operator locked a column's type.
    pub(super) fn is_locked(&self, table: &TableName, column: &str) -> bool {
        matches!(self.of(table).and_then(|rules| rules.get(column)), Some(Rule::Locked(_)))
    }
}
