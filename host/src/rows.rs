//! What crosses from a connector to a destination: tables, columns, batches of values.
//!
//! These are the host's own types. The contract's generated types are converted into them
//! once, at the boundary, and nothing behind it knows WebAssembly. Every message is
//! self-contained (owned, no callbacks), so that the queue between connector and writer can
//! become a pipe between processes.

use std::fmt;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

mod wire;

pub(crate) use wire::Block;

/// The logical type of a column; see `data-type` in `wit/connector.wit`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum DataType {
    /// True or false.
    Boolean,
    /// 16-bit integer.
    Short,
    /// 32-bit integer.
    Int,
    /// 64-bit integer.
    Long,
    /// Exact decimal number: (precision, scale), or any.
    Decimal(Option<(u8, u8)>),
    /// IEEE 754, 32 bits.
    Float,
    /// IEEE 754, 64 bits.
    Double,
    /// Calendar date.
    NaiveDate,
    /// Wall clock reading, microseconds.
    NaiveDatetime,
    /// Instant, microseconds.
    UtcDatetime,
    /// Bytes.
    Binary,
    /// XML as text.
    Xml,
    /// Text.
    Text,
    /// JSON as text.
    Json,
}

/// A table as the source names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TableName {
    /// The source's schema, when it has several.
    pub schema: Option<String>,
    /// The table.
    pub name: String,
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.schema {
            Some(schema) => write!(f, "{schema}.{}", self.name),
            None => f.write_str(&self.name),
        }
    }
}

/// A declared column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnDefinition {
    /// The column as the source names it.
    pub name: String,
    /// Its type; `None` leaves it to be inferred.
    pub data_type: Option<DataType>,
}

/// A declared table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableDefinition {
    /// The table.
    pub name: TableName,
    /// Names of the key columns, in order; empty for a table without a primary key.
    pub primary_key: Vec<String>,
    /// Declared columns.
    pub columns: Vec<ColumnDefinition>,
}

/// One value of a column that holds several types.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Value {
    /// No value.
    Null,
    /// True or false.
    Boolean(bool),
    /// Any integer type.
    Integer(i64),
    /// Floating point, NaN and infinities included.
    Float(f64),
    /// Text or XML.
    Text(String),
    /// Bytes.
    Blob(#[serde(with = "wire::blob")] Vec<u8>),
    /// One JSON document.
    Json(String),
    /// A decimal number as text, checked on the way.
    Decimal(String),
    /// Days since 1970-01-01.
    Date(i32),
    /// Microseconds since 1970-01-01T00:00:00, wall clock.
    Datetime(i64),
    /// Microseconds since 1970-01-01T00:00:00Z.
    Timestamp(i64),
}

/// Texts kept as one text and the places where each ends: one allocation a column instead of
/// one a cell.
#[derive(Clone, Debug, Default)]
pub struct Texts {
    text: String,
    count: usize,
    /// Found when they are asked for: a text of nothing but ends would be eight times as large, and is refused
    /// for the number of its rows before.
    ends: OnceLock<Vec<usize>>,
    /// Bytes between two texts.
    gap: usize,
}

impl Texts {
    /// The texts that `text` holds with U+0000 between two; one empty text when it is empty.
    #[must_use]
    pub fn joined(text: String) -> Self {
        let count = memchr::memchr_iter(0, text.as_bytes()).count() + 1;
        Self { text, count, ends: OnceLock::new(), gap: 1 }
    }

    fn cut(text: String, ends: Vec<usize>) -> Self {
        Self { text, count: ends.len(), ends: ends.into(), gap: 0 }
    }

    fn ends(&self) -> &[usize] {
        self.ends.get_or_init(|| {
            let mut ends = Vec::with_capacity(self.count);
            if self.count > 0 {
                ends.extend(memchr::memchr_iter(0, self.text.as_bytes()));
                ends.push(self.text.len());
            }
            ends
        })
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The text at an index.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<&str> {
        let ends = self.ends();
        let end = *ends.get(index)?;
        let start = match index.checked_sub(1) {
            Some(before) => ends.get(before)?.checked_add(self.gap)?,
            None => 0,
        };
        self.text.get(start..end)
    }

    /// All texts in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).filter_map(|index| self.get(index))
    }
}

impl PartialEq for Texts {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl<T: AsRef<str>> FromIterator<T> for Texts {
    fn from_iter<I: IntoIterator<Item = T>>(texts: I) -> Self {
        let (mut all, mut ends) = (String::new(), Vec::new());
        for text in texts {
            all.push_str(text.as_ref());
            ends.push(all.len());
        }
        Self::cut(all, ends)
    }
}

/// The values of one column, one entry a row; an entry whose index is in
/// [`Column::nulls`] is a placeholder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Values {
    /// See [`Value::Boolean`].
    Booleans(#[serde(with = "wire::booleans")] Vec<bool>),
    /// See [`Value::Integer`].
    Integers(#[serde(with = "wire::integers")] Vec<i64>),
    /// See [`Value::Float`].
    Floats(#[serde(with = "wire::floats")] Vec<f64>),
    /// See [`Value::Text`].
    Texts(Texts),
    /// See [`Value::Blob`].
    Blobs(#[serde(with = "wire::blobs")] Vec<Vec<u8>>),
    /// See [`Value::Json`].
    Json(Texts),
    /// See [`Value::Decimal`].
    Decimals(Vec<String>),
    /// See [`Value::Date`].
    Dates(Vec<i32>),
    /// See [`Value::Datetime`].
    Datetimes(Vec<i64>),
    /// See [`Value::Timestamp`].
    Timestamps(Vec<i64>),
    /// Values of several types.
    Mixed(Vec<Value>),
}

/// One column of a batch.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Column {
    /// The column as the source names it.
    pub name: String,
    /// Its values; as many as [`Batch::rows`].
    pub values: Values,
    /// Ascending row indexes that hold NULL, without repeats, each less than
    /// [`Batch::rows`].
    pub nulls: Vec<u32>,
}

/// Rows of one table that name the same columns. Checked on entry: column lengths, nulls
/// and names agree with this documentation.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// Number of rows.
    pub rows: usize,
    /// Columns, no name twice.
    pub columns: Vec<Column>,
    /// Size of the values in memory, for budgets and back-pressure.
    pub bytes: usize,
}

impl Batch {
    /// The batch of these rows, ascending indexes; those that do not exist are left out. It
    /// counts as many bytes as this one, which is a bound.
    #[must_use]
    pub fn only_rows(&self, rows: &[usize]) -> Self {
        let columns: Vec<Column> = self.columns.iter().map(|column| column.only_rows(rows)).collect();
        Self { rows: rows.iter().filter(|row| **row < self.rows).count(), columns, bytes: self.bytes }
    }

    /// The batch without these rows, ascending indexes.
    #[must_use]
    pub fn without_rows(&self, rows: &[usize]) -> Self {
        let kept: Vec<usize> = (0..self.rows).filter(|row| rows.binary_search(row).is_err()).collect();
        self.only_rows(&kept)
    }
}

impl Column {
    fn only_rows(&self, rows: &[usize]) -> Self {
        let holds_null = |row: &usize| u32::try_from(*row).is_ok_and(|row| self.nulls.binary_search(&row).is_ok());
        let nulls = rows.iter().zip(0..).filter(|(row, _)| holds_null(row)).map(|(_, place)| place).collect();
        Self { name: self.name.clone(), values: self.values.only_rows(rows), nulls }
    }
}

impl Values {
    fn only_rows(&self, rows: &[usize]) -> Self {
        fn pick<T: Clone>(values: &[T], rows: &[usize]) -> Vec<T> {
            rows.iter().filter_map(|row| values.get(*row).cloned()).collect()
        }
        match self {
            Self::Booleans(values) => Self::Booleans(pick(values, rows)),
            Self::Integers(values) => Self::Integers(pick(values, rows)),
            Self::Floats(values) => Self::Floats(pick(values, rows)),
            Self::Texts(values) => Self::Texts(rows.iter().filter_map(|row| values.get(*row)).collect()),
            Self::Blobs(values) => Self::Blobs(pick(values, rows)),
            Self::Json(values) => Self::Json(rows.iter().filter_map(|row| values.get(*row)).collect()),
            Self::Decimals(values) => Self::Decimals(pick(values, rows)),
            Self::Dates(values) => Self::Dates(pick(values, rows)),
            Self::Datetimes(values) => Self::Datetimes(pick(values, rows)),
            Self::Timestamps(values) => Self::Timestamps(pick(values, rows)),
            Self::Mixed(values) => Self::Mixed(pick(values, rows)),
        }
    }
}

/// What a batch does to its table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum OperationKind {
    /// Insert or replace whole rows.
    Upsert,
    /// Change the named columns of existing rows.
    Update,
    /// Mark rows as deleted.
    Delete,
}

impl OperationKind {
    /// Its name, as authors write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Upsert => "upsert",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

/// One call of the connector.
#[derive(Clone, Debug, PartialEq)]
pub enum Operation {
    /// Rows for a table.
    Rows {
        /// The table.
        table: TableName,
        /// What to do with them.
        kind: OperationKind,
        /// The rows.
        batch: Batch,
    },
    /// Rows that cannot land, as the connector or the checks on the way found.
    Rejected {
        /// The table they were for.
        table: TableName,
        /// What should have been done with them.
        kind: OperationKind,
        /// The rows, as far as they can be told.
        batch: Batch,
        /// Why; names the column and holds no value.
        reason: String,
    },
    /// Mark every row that is in the table now as deleted.
    Truncate {
        /// The table.
        table: TableName,
    },
}

#[cfg(test)]
#[allow(clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn rows_of_a_batch() {
        let column = |values, nulls| Column { name: "c".to_owned(), values, nulls };
        let texts = |texts: &[&str]| Values::Texts(texts.iter().collect());
        let batch = Batch {
            rows: 4,
            columns: vec![
                column(Values::Integers(vec![1, 0, 3, 0]), vec![1, 3]),
                column(texts(&["a", "b", "c", "d"]), vec![]),
            ],
            bytes: 36,
        };
        let picked = batch.only_rows(&[1, 2]);
        assert_eq!(picked.rows, 2);
        assert_eq!(picked.columns[0], column(Values::Integers(vec![0, 3]), vec![0]));
        assert_eq!(picked.columns[1], column(texts(&["b", "c"]), vec![]));
        assert_eq!(batch.without_rows(&[0, 3]), picked);
        assert_eq!(batch.without_rows(&[]), batch);
    }

    #[test]
    fn joined_texts_are_the_texts() {
        let texts = Texts::joined("a\0\0é\0b".to_owned());
        assert_eq!(texts.iter().collect::<Vec<_>>(), ["a", "", "é", "b"]);
        assert_eq!(texts, ["a", "", "é", "b"].into_iter().collect());
        assert_eq!((texts.len(), texts.get(4)), (4, None));
        assert_eq!(Texts::joined(String::new()), [""].into_iter().collect());
        assert_eq!(Texts::joined("\0".to_owned()), ["", ""].into_iter().collect());
    }
}
