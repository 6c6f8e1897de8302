//! Names that are probably misspelled. Connectors rely on rows landing all the same, so nothing is refused.

use crate::destination::TableCounts;
use crate::log::{ConnectorLog, Level};
use crate::rows::TableDefinition;

/// Most warnings of a sync.
const MOST: usize = 5;
/// Names that differ by more than a third are different names.
const SIMILAR: usize = 3;

/// Warns of declared primary keys that no row had, and of tables that are nearly called as declared ones are.
pub(super) fn warn(log: &ConnectorLog, declared: &[TableDefinition], counts: &[TableCounts]) {
    for text in suspects(declared, counts).iter().take(MOST) {
        log.message(Level::Warning, text);
    }
}

fn suspects(declared: &[TableDefinition], counts: &[TableCounts]) -> Vec<String> {
    let rows = |counts: &TableCounts| counts.upserts.saturating_add(counts.updates).saturating_add(counts.deletes);
    let of = |definition: &TableDefinition| counts.iter().find(|counts| counts.table == definition.name);
    let mut found = Vec::new();
    for definition in declared.iter().filter(|definition| !definition.primary_key.is_empty()) {
        if of(definition).is_some_and(|counts| counts.keyless > 0 && counts.keyless == rows(counts)) {
            found.push(format!(
                "table {}: no row has its whole primary key ({}), so rows are told apart by all their values; is the key spelled as in the rows?",
                definition.name,
                definition.primary_key.join(", ")
            ));
        }
    }
    let empty = declared.iter().filter(|definition| of(definition).is_none_or(|counts| rows(counts) == 0));
    for definition in empty {
        let is_other = |counts: &&TableCounts| !declared.iter().any(|known| known.name == counts.table);
        let meant = counts.iter().filter(|counts| rows(counts) > 0).filter(is_other);
        if let Some(other) = meant.into_iter().find(|other| is_similar(&other.table.name, &definition.name.name)) {
            found.push(format!(
                "table {} is not declared, and nothing came for {}, which is; are they to be one?",
                other.table, definition.name
            ));
        }
    }
    found
}

fn is_similar(one: &str, other: &str) -> bool {
    let distance = strsim::damerau_levenshtein(one, other);
    distance * SIMILAR <= one.chars().count().max(other.chars().count())
}

#[cfg(test)]
#[allow(clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;
    use crate::rows::TableName;

    fn name(name: &str) -> TableName {
        TableName { schema: None, name: name.to_owned() }
    }

    fn declared(table: &str, key: &[&str]) -> TableDefinition {
        let primary_key = key.iter().map(|&column| column.to_owned()).collect();
        TableDefinition { name: name(table), primary_key, columns: Vec::new() }
    }

    fn counted(table: &str, upserts: u64, keyless: u64) -> TableCounts {
        TableCounts { upserts, keyless, ..TableCounts::new(name(table)) }
    }

    #[test]
    fn a_key_that_no_row_has_is_told_with_its_columns() {
        let tables = [declared("books", &["skuu"]), declared("orders", &["id"])];
        let said = suspects(&tables, &[counted("books", 93, 93), counted("orders", 420, 3)]);
        assert_eq!(said.len(), 1);
        assert!(said[0].starts_with("table books: no row has its whole primary key (skuu)"), "{}", said[0]);
        // Nothing came, or the table has no key.
        assert_eq!(suspects(&tables, &[counted("books", 0, 0)]), [""; 0]);
        assert_eq!(suspects(&[declared("books", &[])], &[counted("books", 2, 0)]), [""; 0]);
    }

    #[test]
    fn a_table_that_is_nearly_called_as_a_declared_one_that_stayed_empty_is_told() {
        let tables = [declared("books", &["sku"]), declared("orders", &["id"])];
        let said = suspects(&tables, &[counted("book", 93, 0), counted("orders", 1, 0)]);
        assert_eq!(said, ["table book is not declared, and nothing came for books, which is; are they to be one?"]);
        // Both came, or it is called otherwise.
        assert_eq!(suspects(&tables, &[counted("book", 1, 0), counted("books", 1, 0)]), [""; 0]);
        assert_eq!(suspects(&tables, &[counted("shelves", 1, 0)]), [""; 0]);
    }
}
