//! Whether rows are what their table was declared to be.

use crate::destination::sqlite::type_name;
use crate::rows::{Batch, Column, DataType, OperationKind, TableDefinition, TableName, Value, Values};

/// What disagrees with the declaration; empty when nothing was declared.
pub(super) fn faults(
    declaration: &[TableDefinition],
    table: &TableName,
    kind: OperationKind,
    batch: &Batch,
) -> Vec<String> {
    if declaration.is_empty() {
        return Vec::new();
    }
    let Some(declared) = declaration.iter().find(|declared| declared.name == *table) else {
        return vec![format!("{} to table {table}, which schema does not declare", kind.name())];
    };
    let mut faults = Vec::new();
    for key in &declared.primary_key {
        match batch.columns.iter().find(|column| column.name == *key) {
            None => faults.push(format!("{} to table {table} without its primary key column {key}", kind.name())),
            Some(column) if !column.nulls.is_empty() => {
                faults.push(format!("{} to table {table} with NULL in its primary key column {key}", kind.name()));
            }
            Some(_) => {}
        }
    }
    for column in &batch.columns {
        let expected = declared.columns.iter().find(|declared| declared.name == column.name);
        let Some(expected) = expected.and_then(|expected| expected.data_type) else { continue };
        if let Some(found) = misfit(column, batch.rows, expected) {
            let name = &column.name;
            faults.push(format!("table {table}, column {name}: {found} where schema declares {}", type_name(expected)));
        }
    }
    faults
}

/// What a column holds that is not of its declared type.
fn misfit(column: &Column, rows: usize, expected: DataType) -> Option<&'static str> {
    if column.nulls.len() >= rows {
        return None;
    }
    let one = |kind: Kind| (!kind.fits(expected)).then(|| kind.name());
    match &column.values {
        Values::Booleans(_) => one(Kind::Boolean),
        Values::Integers(_) => one(Kind::Integer),
        Values::Floats(_) => one(Kind::Float),
        Values::Texts(_) => one(Kind::Text),
        Values::Blobs(_) => one(Kind::Blob),
        Values::Json(_) => one(Kind::Json),
        Values::Decimals(_) => one(Kind::Decimal),
        Values::Dates(_) => one(Kind::Date),
        Values::Datetimes(_) => one(Kind::Datetime),
        Values::Timestamps(_) => one(Kind::Timestamp),
        Values::Mixed(values) => values.iter().filter_map(Kind::of).find_map(one),
    }
}

/// What a value is on its way.
#[derive(Clone, Copy)]
enum Kind {
    Boolean,
    Integer,
    Float,
    Text,
    Blob,
    Json,
    Decimal,
    Date,
    Datetime,
    Timestamp,
}

impl Kind {
    fn of(value: &Value) -> Option<Self> {
        Some(match value {
            Value::Null => return None,
            Value::Boolean(_) => Self::Boolean,
            Value::Integer(_) => Self::Integer,
            Value::Float(_) => Self::Float,
            Value::Text(_) => Self::Text,
            Value::Blob(_) => Self::Blob,
            Value::Json(_) => Self::Json,
            Value::Decimal(_) => Self::Decimal,
            Value::Date(_) => Self::Date,
            Value::Datetime(_) => Self::Datetime,
            Value::Timestamp(_) => Self::Timestamp,
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Boolean => "a boolean",
            Self::Integer => "an integer",
            Self::Float => "a float",
            Self::Text => "text",
            Self::Blob => "bytes",
            Self::Json => "JSON",
            Self::Decimal => "a decimal",
            Self::Date => "a date",
            Self::Datetime => "a datetime without a zone",
            Self::Timestamp => "a datetime with a zone",
        }
    }

    /// Numbers count as each other as far as no value is lost: which is the destination's to say.
    fn fits(self, expected: DataType) -> bool {
        use DataType as T;
        match expected {
            T::Boolean => matches!(self, Self::Boolean),
            T::Short | T::Int | T::Long => matches!(self, Self::Integer),
            T::Decimal(_) => matches!(self, Self::Decimal | Self::Integer),
            T::Float | T::Double => matches!(self, Self::Float | Self::Integer),
            T::NaiveDate => matches!(self, Self::Date),
            T::NaiveDatetime => matches!(self, Self::Datetime | Self::Date),
            T::UtcDatetime => matches!(self, Self::Timestamp),
            T::Binary => matches!(self, Self::Blob),
            T::Text | T::Xml => matches!(self, Self::Text),
            T::Json => matches!(self, Self::Json),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::rows::ColumnDefinition;

    fn table(name: &str) -> TableName {
        TableName { schema: None, name: name.to_owned() }
    }

    fn declaration() -> Vec<TableDefinition> {
        let column = |name: &str, data_type| ColumnDefinition { name: name.to_owned(), data_type };
        vec![TableDefinition {
            name: table("t"),
            primary_key: vec!["id".to_owned()],
            columns: vec![
                column("id", Some(DataType::Long)),
                column("at", Some(DataType::UtcDatetime)),
                column("x", None),
            ],
        }]
    }

    fn found(name: &str, columns: Vec<(&str, Values, Vec<u32>)>) -> Vec<String> {
        let columns: Vec<_> =
            columns.into_iter().map(|(name, values, nulls)| Column { name: name.to_owned(), values, nulls }).collect();
        let batch = Batch { rows: 1, columns, bytes: 0 };
        faults(&declaration(), &table(name), OperationKind::Upsert, &batch)
    }

    #[test]
    fn what_agrees_is_no_fault() {
        let id = || ("id", Values::Integers(vec![1]), vec![]);
        assert!(found("t", vec![id()]).is_empty());
        assert!(found("t", vec![id(), ("x", Values::Texts(["a"].iter().collect()), vec![])]).is_empty());
        assert!(found("t", vec![id(), ("at", Values::Mixed(vec![Value::Null]), vec![0])]).is_empty());
    }

    #[test]
    fn what_disagrees_is_named() {
        let integers = || Values::Integers(vec![1]);
        assert_eq!(found("u", vec![]), ["upsert to table u, which schema does not declare"]);
        assert_eq!(found("t", vec![]), ["upsert to table t without its primary key column id"]);
        assert_eq!(
            found("t", vec![("id", integers(), vec![0])]),
            ["upsert to table t with NULL in its primary key column id"]
        );
        assert_eq!(
            found("t", vec![("id", integers(), vec![]), ("at", integers(), vec![])]),
            ["table t, column at: an integer where schema declares UTC_DATETIME"]
        );
    }
}
