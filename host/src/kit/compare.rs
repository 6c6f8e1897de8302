//! Two databases of one connection: what is different in them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use crate::destination::sqlite::{Row, TableContents};
use crate::rows::TableName;

/// Keys that are named of each table.
const KEYS: usize = 3;

/// How a table differs from what it should be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Difference {
    table: String,
    /// Rows that should be there.
    pub(super) missing: u64,
    /// Rows that should not.
    pub(super) extra: u64,
    /// Rows with other values.
    pub(super) changed: u64,
    /// The columns of those.
    pub(super) columns: BTreeSet<String>,
    keys: Vec<String>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = |count: u64| if count == 1 { "row" } else { "rows" };
        let mut parts = Vec::new();
        if self.missing > 0 {
            parts.push(format!("{} {} missing", self.missing, rows(self.missing)));
        }
        if self.extra > 0 {
            parts.push(format!("{} {} too many", self.extra, rows(self.extra)));
        }
        if self.changed > 0 {
            let columns = self.columns.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
            parts.push(format!("{} {} with other values ({columns})", self.changed, rows(self.changed)));
        }
        write!(f, "table {}: {}", self.table, parts.join(", "))?;
        match self.keys.is_empty() {
            true => Ok(()),
            false => write!(f, "; such as {}", self.keys.join("; ")),
        }
    }
}

/// A row by the names of its columns, without those that are NULL or ignored.
fn named<'a>(columns: &'a [String], row: &Row, kept: &BTreeSet<&str>) -> BTreeMap<&'a str, u64> {
    let values = columns.iter().zip(row).filter_map(|(column, value)| value.map(|value| (column.as_str(), value)));
    values.filter(|(column, _)| kept.contains(column)).collect()
}

/// What is different. `ignored` are columns, each as `column` or `table.column`.
pub(super) fn differences(expected: &[TableContents], found: &[TableContents], ignored: &[String]) -> Vec<Difference> {
    let names: BTreeSet<_> = expected.iter().chain(found).map(|table| &table.source).collect();
    let one = |name: &TableName| {
        let is_it = |table: &&TableContents| table.source == *name;
        difference(name, expected.iter().find(is_it), found.iter().find(is_it), ignored)
    };
    names.into_iter().filter_map(one).collect()
}

fn difference(
    name: &TableName,
    expected: Option<&TableContents>,
    found: Option<&TableContents>,
    ignored: &[String],
) -> Option<Difference> {
    let empty = TableContents { source: name.clone(), columns: Vec::new(), rows: BTreeMap::new() };
    let (expected, found) = (expected.unwrap_or(&empty), found.unwrap_or(&empty));
    let full = |column: &str| format!("{name}.{column}");
    let kept: BTreeSet<&str> = (expected.columns.iter().chain(&found.columns).map(String::as_str))
        .filter(|column| !ignored.iter().any(|other| other == column || *other == full(column)))
        .collect();
    let mut difference = Difference { table: name.to_string(), ..Difference::default() };
    let keys: BTreeSet<&String> = expected.rows.keys().chain(found.rows.keys()).collect();
    for key in keys {
        let (these, those) = (expected.rows.get(key), found.rows.get(key));
        let (these, those) = (these.map_or(&[][..], Vec::as_slice), those.map_or(&[][..], Vec::as_slice));
        let differs = one_key(&mut difference, (&expected.columns, these), (&found.columns, those), &kept);
        if differs && difference.keys.len() < KEYS {
            difference.keys.push(key.clone());
        }
    }
    (difference.missing + difference.extra + difference.changed > 0).then_some(difference)
}

/// Compares the rows of one key, usually one on each side.
fn one_key(
    difference: &mut Difference,
    (columns, expected): (&[String], &[Row]),
    (other_columns, found): (&[String], &[Row]),
    kept: &BTreeSet<&str>,
) -> bool {
    let mut these: Vec<_> = expected.iter().map(|row| named(columns, row, kept)).collect();
    let mut those: Vec<_> = found.iter().map(|row| named(other_columns, row, kept)).collect();
    these.sort_unstable();
    those.sort_unstable();
    if these == those {
        return false;
    }
    let (more, less) = (those.len().saturating_sub(these.len()), these.len().saturating_sub(those.len()));
    difference.extra += more as u64;
    difference.missing += less as u64;
    if more == 0 && less == 0 {
        for (this, that) in these.iter().zip(&those).filter(|(this, that)| this != that) {
            difference.changed += 1;
            let differs = |column: &&&str| this.get(**column) != that.get(**column);
            difference.columns.extend(kept.iter().filter(differs).map(|column| (*column).to_owned()));
        }
    }
    true
}

#[cfg(test)]
#[allow(clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;

    fn table(name: &str, columns: &[&str], rows: &[(&str, &[Option<u64>])]) -> TableContents {
        TableContents {
            source: TableName { schema: None, name: name.to_owned() },
            columns: columns.iter().map(ToString::to_string).collect(),
            rows: rows.iter().map(|(key, row)| ((*key).to_owned(), vec![row.to_vec()])).collect(),
        }
    }

    #[test]
    fn same_rows_are_the_same_whatever_their_columns_are_called_in_which_order() {
        let one = table("t", &["a", "b"], &[("1", &[Some(1), None])]);
        let other = table("t", &["c", "a"], &[("1", &[None, Some(1)])]);
        assert_eq!(differences(&[one], &[other], &[]), []);
        assert_eq!(differences(&[table("t", &["a"], &[])], &[], &[]), []);
    }

    #[test]
    fn what_differs_is_counted_and_named() {
        let expected = [table("t", &["a", "b"], &[("1", &[Some(1), Some(1)]), ("2", &[Some(2), None])])];
        let found = [table("t", &["a", "b"], &[("1", &[Some(1), Some(9)]), ("3", &[Some(3), None])])];
        let all = differences(&expected, &found, &[]);
        assert_eq!(
            all[0].to_string(),
            "table t: 1 row missing, 1 row too many, 1 row with other values (b); such as 1; 2; 3"
        );
        for ignored in ["b", "t.b"] {
            let all = differences(&expected, &found, &[ignored.to_owned()]);
            assert_eq!(all[0].to_string(), "table t: 1 row missing, 1 row too many; such as 2; 3");
        }
    }
}
