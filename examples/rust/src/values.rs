//! Rows as this connector makes them, and batches as the contract has them: `batch` in wit/connector.wit says what each
//! part is.

use chrono::{NaiveDate, NaiveDateTime};

use crate::failure;
use crate::sluice::connector::types::{
    Batch, Column, ColumnDefinition, DataType, Failure, TableDefinition, TableName, Values,
};

pub struct Table {
    pub name: &'static str,
    pub primary_key: &'static [&'static str],
    pub columns: &'static [(&'static str, DataType)],
}

/// The names of the columns with a value each.
pub type Row = Vec<(&'static str, Value)>;

/// A value or NULL of a type that this connector sends. The contract has more.
pub enum Value {
    Boolean(Option<bool>),
    Integer(Option<i64>),
    Float(Option<f64>),
    Text(Option<String>),
    Decimal(Option<String>),
    Blob(Option<Vec<u8>>),
    Json(Option<String>),
    Date(Option<i32>),
    Datetime(Option<i64>),
    Timestamp(Option<i64>),
}

impl Table {
    /// The declaration for `schema`.
    pub fn definition(&self) -> TableDefinition {
        let column = |(name, data_type): &(&str, DataType)| ColumnDefinition {
            name: (*name).to_owned(),
            data_type: Some(*data_type),
        };
        TableDefinition {
            name: self.table_name(),
            primary_key: self.primary_key.iter().map(|&name| name.to_owned()).collect(),
            columns: self.columns.iter().map(column).collect(),
        }
    }

    pub fn table_name(&self) -> TableName {
        TableName { schema: None, name: self.name.to_owned() }
    }
}

/// Rows that all name the same columns, as one batch.
pub fn batch(rows: Vec<Row>) -> Batch {
    let count = rows.len() as u32;
    let mut columns: Vec<Column> = Vec::new();
    for (index, row) in (0..).zip(rows) {
        if columns.is_empty() {
            let column = |(name, value): &(&str, Value)| Column {
                name: (*name).to_owned(),
                values: value.list(),
                nulls: vec![],
            };
            columns = row.iter().map(column).collect();
        }
        for (column, (_, value)) in columns.iter_mut().zip(row) {
            if value.push_to(&mut column.values) {
                column.nulls.push(index);
            }
        }
    }
    Batch { rows: count, columns }
}

impl Value {
    /// An empty list for values of this type.
    fn list(&self) -> Values {
        match self {
            Self::Boolean(_) => Values::Booleans(vec![]),
            Self::Integer(_) => Values::Integers(vec![]),
            Self::Float(_) => Values::Floats(vec![]),
            Self::Text(_) => Values::Texts(vec![]),
            Self::Decimal(_) => Values::Decimals(vec![]),
            Self::Blob(_) => Values::Blobs(vec![]),
            Self::Json(_) => Values::Json(vec![]),
            Self::Date(_) => Values::Dates(vec![]),
            Self::Datetime(_) => Values::Datetimes(vec![]),
            Self::Timestamp(_) => Values::Timestamps(vec![]),
        }
    }

    /// Appends this value to a list of its type, and answers whether it is NULL: then a placeholder stands in the list,
    /// which the host ignores.
    fn push_to(self, list: &mut Values) -> bool {
        fn push<T: Default>(list: &mut Vec<T>, value: Option<T>) -> bool {
            let null = value.is_none();
            list.push(value.unwrap_or_default());
            null
        }
        match (list, self) {
            (Values::Booleans(list), Self::Boolean(value)) => push(list, value),
            (Values::Integers(list), Self::Integer(value)) => push(list, value),
            (Values::Floats(list), Self::Float(value)) => push(list, value),
            (Values::Texts(list), Self::Text(value)) => push(list, value),
            (Values::Decimals(list), Self::Decimal(value)) => push(list, value),
            (Values::Blobs(list), Self::Blob(value)) => push(list, value),
            (Values::Json(list), Self::Json(value)) => push(list, value),
            (Values::Dates(list), Self::Date(value)) => push(list, value),
            (Values::Datetimes(list), Self::Datetime(value)) => push(list, value),
            (Values::Timestamps(list), Self::Timestamp(value)) => push(list, value),
            _ => unreachable!("a column has one type"),
        }
    }
}

/// Days since 1970-01-01 of `YYYY-MM-DD`.
pub fn days(text: &str) -> Result<i32, Failure> {
    let day: NaiveDate = text.parse().map_err(|_| failure("date", "a date that is not YYYY-MM-DD".into()))?;
    Ok(day.to_epoch_days())
}

/// Microseconds since 1970-01-01T00:00:00 of `YYYY-MM-DDTHH:MM:SS.ffffff`, with or without a `Z`.
pub fn microseconds(text: &str) -> Result<i64, Failure> {
    let reading = text.trim_end_matches('Z').parse::<NaiveDateTime>();
    let reading = reading.map_err(|_| failure("time", "a time that is not YYYY-MM-DDTHH:MM:SS".into()))?;
    Ok(reading.and_utc().timestamp_micros())
}
