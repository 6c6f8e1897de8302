//! Why a batch cannot land, and which of its rows are to blame.

use crate::destination::DestinationError;
use crate::rows::{Batch, TableName, Value, Values};

/// An error about a batch that knows the rows it is about.
#[derive(Debug)]
pub(super) struct Obstacle {
    pub(super) error: DestinationError,
    blame: Blame,
}

/// Rows of a batch.
#[derive(Debug)]
enum Blame {
    All,
    Rows(Vec<usize>),
    /// Rows that hold NULL in this column of the source.
    Null(String),
    /// Rows that hold a value in this column of the source.
    Value(String),
}

impl From<DestinationError> for Obstacle {
    fn from(error: DestinationError) -> Self {
        Self { error, blame: Blame::All }
    }
}

impl Obstacle {
    /// Some rows have a value in `column` that cannot land.
    pub(super) fn rows(source: &TableName, column: &str, rows: Vec<usize>, reason: impl Into<String>) -> Self {
        Self { error: DestinationError::refused(source, Some(column), reason), blame: Blame::Rows(rows) }
    }

    /// NULL must not stand in `column`.
    pub(super) fn null(source: &TableName, column: &str, reason: impl Into<String>) -> Self {
        Self { error: DestinationError::refused(source, Some(column), reason), blame: Blame::Null(column.to_owned()) }
    }

    /// Whether it is that rows lack a part of their key.
    pub(super) fn is_about_keys(&self) -> bool {
        matches!(self.blame, Blame::Null(_))
    }

    /// Nothing can stand in `column`.
    pub(super) fn column(source: &TableName, column: &str, reason: impl Into<String>) -> Self {
        Self { error: DestinationError::refused(source, Some(column), reason), blame: Blame::Value(column.to_owned()) }
    }

    /// The rows that cannot land, ascending, and the batch of those that may: without the column
    /// in which nothing can stand.
    pub(super) fn split(&self, batch: &Batch) -> (Vec<usize>, Batch) {
        let holds_null = |name: &String, row: usize| {
            let column = batch.columns.iter().find(|column| column.name == *name);
            column.is_none_or(|column| is_null(&column.values, &column.nulls, row))
        };
        let bad: Vec<usize> = match &self.blame {
            Blame::All => (0..batch.rows).collect(),
            Blame::Rows(rows) => rows.clone(),
            Blame::Null(name) => (0..batch.rows).filter(|row| holds_null(name, *row)).collect(),
            Blame::Value(name) => (0..batch.rows).filter(|row| !holds_null(name, *row)).collect(),
        };
        let mut good = batch.without_rows(&bad);
        if let Blame::Value(name) = &self.blame {
            good.columns.retain(|column| column.name != *name);
        }
        (bad, good)
    }
}

fn is_null(values: &Values, nulls: &[u32], row: usize) -> bool {
    let listed = u32::try_from(row).is_ok_and(|row| nulls.binary_search(&row).is_ok());
    listed || matches!(values, Values::Mixed(values) if values.get(row).is_none_or(|value| *value == Value::Null))
}
