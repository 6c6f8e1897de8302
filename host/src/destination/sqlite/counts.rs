//! What a sync did to each table, up to its last checkpoint.

use std::collections::HashMap;

use crate::destination::TableCounts;
use crate::rows::TableName;

/// Counts a table, which go back to those of the last checkpoint when what came after it is
/// discarded.
#[derive(Debug, Default)]
pub(super) struct Counts {
    tables: Vec<TableCounts>,
    places: HashMap<TableName, usize>,
    /// As they were at the last checkpoint, those that changed since.
    before: HashMap<usize, TableCounts>,
}

impl Counts {
    /// The counts of a table, to be changed.
    pub(super) fn of(&mut self, table: &TableName) -> Option<&mut TableCounts> {
        let place = match self.places.get(table) {
            Some(place) => *place,
            None => {
                self.tables.push(TableCounts::new(table.clone()));
                let place = self.tables.len() - 1;
                self.places.insert(table.clone(), place);
                place
            }
        };
        let counts = self.tables.get_mut(place)?;
        self.before.entry(place).or_insert_with(|| counts.clone());
        Some(counts)
    }

    /// Whether anything was counted since the last checkpoint.
    pub(super) fn have_changed(&self) -> bool {
        !self.before.is_empty()
    }

    /// What was counted is durable.
    pub(super) fn keep(&mut self) {
        self.before.clear();
    }

    /// What was counted since the last checkpoint was not to be.
    pub(super) fn discard(&mut self) {
        for (place, counts) in self.before.drain() {
            if let Some(now) = self.tables.get_mut(place) {
                *now = counts;
            }
        }
    }

    /// A table each, in order of first appearance.
    pub(super) fn tables(&self) -> &[TableCounts] {
        &self.tables
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn what_is_discarded_does_not_count() {
        let name = |name: &str| TableName { schema: None, name: name.to_owned() };
        let mut counts = Counts::default();
        counts.of(&name("kept")).unwrap().upserts += 2;
        counts.keep();
        counts.of(&name("kept")).unwrap().upserts += 3;
        counts.of(&name("kept")).unwrap().deletes += 1;
        counts.of(&name("lost")).unwrap().upserts += 4;
        counts.discard();
        let found: Vec<_> =
            counts.tables().iter().map(|one| (one.table.name.as_str(), one.upserts, one.deletes)).collect();
        assert_eq!(found, [("kept", 2, 0), ("lost", 0, 0)]);
    }
}
