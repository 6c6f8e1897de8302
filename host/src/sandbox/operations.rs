//! The contract's `operations` and `logging`, converted to the host's own types at once.

use super::bindings::sluice::connector::{logging, operations, types};
use super::state::HostState;
use crate::log::Level;
use crate::numbers::plain;
use crate::ops::{Refusal, Tolerance};
use crate::rows;

impl types::Host for HostState {}

impl operations::Host for HostState {
    async fn upsert(&mut self, table: types::TableName, batch: types::Batch) -> Answer {
        self.rows(table, rows::OperationKind::Upsert, batch).await
    }

    async fn update(&mut self, table: types::TableName, batch: types::Batch) -> Answer {
        self.rows(table, rows::OperationKind::Update, batch).await
    }

    async fn delete(&mut self, table: types::TableName, keys: types::Batch) -> Answer {
        self.rows(table, rows::OperationKind::Delete, keys).await
    }

    async fn truncate(&mut self, table: types::TableName) -> Answer {
        Ok(self.operations.truncate(table.into()).await.map_err(Into::into))
    }

    async fn tolerance(&mut self, table: types::TableName) -> wasmtime::Result<operations::Tolerated> {
        let Tolerance { misfits, rejects } = self.operations.tolerance(table.into()).await;
        Ok(operations::Tolerated { misfits, rejects })
    }

    async fn reject(
        &mut self,
        table: types::TableName,
        operation: operations::OperationKind,
        batch: types::Batch,
        reason: String,
    ) -> Answer {
        let columns = batch.columns.into_iter().map(column).collect::<Result<_, _>>();
        let rows = batch.rows as usize;
        let taken = self.operations.reject(table.into(), operation.into(), rows, columns, &reason).await;
        Ok(taken.map_err(Into::into))
    }

    async fn checkpoint(&mut self, state: String) -> Answer {
        Ok(self.operations.checkpoint(state).await.map_err(Into::into))
    }
}

type Answer = wasmtime::Result<Result<(), operations::Refusal>>;

impl HostState {
    async fn rows(&mut self, table: types::TableName, kind: rows::OperationKind, batch: types::Batch) -> Answer {
        let columns = batch.columns.into_iter().map(column).collect::<Result<_, _>>();
        let taken = self.operations.rows(table.into(), kind, batch.rows as usize, columns).await;
        Ok(taken.map_err(Into::into))
    }
}

impl logging::Host for HostState {
    fn log(&mut self, level: logging::Level, message: String) -> wasmtime::Result<()> {
        self.log.message(level.into(), &message);
        Ok(())
    }
}

impl From<Refusal> for operations::Refusal {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Invalid(text) => Self::Invalid(text),
            Refusal::Limit(reached) => Self::Limit(reached.to_string()),
            Refusal::Ended(text) => Self::Ended(text),
        }
    }
}

impl From<operations::OperationKind> for rows::OperationKind {
    fn from(kind: operations::OperationKind) -> Self {
        match kind {
            operations::OperationKind::Upsert => Self::Upsert,
            operations::OperationKind::Update => Self::Update,
            operations::OperationKind::Delete => Self::Delete,
        }
    }
}

impl From<logging::Level> for Level {
    fn from(level: logging::Level) -> Self {
        match level {
            logging::Level::Debug => Self::Debug,
            logging::Level::Fine => Self::Fine,
            logging::Level::Info => Self::Info,
            logging::Level::Warning => Self::Warning,
            logging::Level::Error => Self::Error,
            logging::Level::Severe => Self::Severe,
            logging::Level::Critical => Self::Critical,
        }
    }
}

impl From<types::TableName> for rows::TableName {
    fn from(name: types::TableName) -> Self {
        Self { schema: name.schema, name: name.name }
    }
}

/// A column of the guest; the reason when a packed one does not unpack.
fn column(column: types::Column) -> Result<rows::Column, String> {
    let types::Column { name, values, nulls } = column;
    match unpacked(values) {
        Ok(values) => Ok(rows::Column { name, values, nulls }),
        Err(reason) => Err(format!("column {name}: {reason}")),
    }
}

fn unpacked(values: types::Values) -> Result<rows::Values, &'static str> {
    Ok(match values {
        types::Values::Booleans(values) => rows::Values::Booleans(values),
        types::Values::Integers(values) => rows::Values::Integers(values),
        types::Values::Floats(values) => rows::Values::Floats(values),
        types::Values::Texts(values) => rows::Values::Texts(values.into_iter().collect()),
        types::Values::Blobs(values) => rows::Values::Blobs(values),
        types::Values::Json(values) => rows::Values::Json(values.into_iter().collect()),
        types::Values::Decimals(values) => rows::Values::Decimals(values.into_iter().map(plain).collect()),
        types::Values::Dates(values) => rows::Values::Dates(values),
        types::Values::Datetimes(values) => rows::Values::Datetimes(values),
        types::Values::Timestamps(values) => rows::Values::Timestamps(values),
        types::Values::Mixed(values) => rows::Values::Mixed(values.into_iter().map(Into::into).collect()),
        types::Values::PackedBooleans(bytes) => {
            rows::Values::Booleans(bytes.into_iter().map(boolean).collect::<Result<_, _>>()?)
        }
        types::Values::PackedIntegers(bytes) => rows::Values::Integers(words(&bytes, i64::from_le_bytes)?),
        types::Values::PackedFloats(bytes) => rows::Values::Floats(words(&bytes, f64::from_le_bytes)?),
        types::Values::PackedTexts(text) => rows::Values::Texts(rows::Texts::joined(text)),
        types::Values::PackedJson(text) => rows::Values::Json(rows::Texts::joined(text)),
    })
}

fn boolean(byte: u8) -> Result<bool, &'static str> {
    match byte {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err("a packed boolean must be 0 or 1"),
    }
}

fn words<T, const N: usize>(bytes: &[u8], read: impl Fn([u8; N]) -> T) -> Result<Vec<T>, &'static str> {
    let (words, rest) = bytes.as_chunks::<N>();
    if rest.is_empty() { Ok(words.iter().copied().map(read).collect()) } else { Err("packed numbers are cut short") }
}

impl From<types::Value> for rows::Value {
    fn from(value: types::Value) -> Self {
        match value {
            types::Value::Null => Self::Null,
            types::Value::Boolean(value) => Self::Boolean(value),
            types::Value::Integer(value) => Self::Integer(value),
            types::Value::Float(value) => Self::Float(value),
            types::Value::Text(value) => Self::Text(value),
            types::Value::Blob(value) => Self::Blob(value),
            types::Value::Json(value) => Self::Json(value),
            types::Value::Decimal(value) => Self::Decimal(plain(value)),
            types::Value::Date(value) => Self::Date(value),
            types::Value::Datetime(value) => Self::Datetime(value),
            types::Value::Timestamp(value) => Self::Timestamp(value),
        }
    }
}

impl From<types::TableDefinition> for rows::TableDefinition {
    fn from(table: types::TableDefinition) -> Self {
        let columns = table
            .columns
            .into_iter()
            .map(|column| rows::ColumnDefinition { name: column.name, data_type: column.data_type.map(Into::into) });
        Self { name: table.name.into(), primary_key: table.primary_key, columns: columns.collect() }
    }
}

impl From<types::DataType> for rows::DataType {
    fn from(data_type: types::DataType) -> Self {
        match data_type {
            types::DataType::Boolean => Self::Boolean,
            types::DataType::Short => Self::Short,
            types::DataType::Int => Self::Int,
            types::DataType::Long => Self::Long,
            types::DataType::Decimal(size) => Self::Decimal(size),
            types::DataType::Float => Self::Float,
            types::DataType::Double => Self::Double,
            types::DataType::NaiveDate => Self::NaiveDate,
            types::DataType::NaiveDatetime => Self::NaiveDatetime,
            types::DataType::UtcDatetime => Self::UtcDatetime,
            types::DataType::Binary => Self::Binary,
            types::DataType::Xml => Self::Xml,
            types::DataType::Text => Self::Text,
            types::DataType::Json => Self::Json,
        }
    }
}

/// One packed column: which of the five, and its bytes.
#[cfg(test)]
pub(crate) fn unpack(kind: u8, bytes: &[u8]) -> Result<rows::Values, &'static str> {
    let text = || String::from_utf8(bytes.to_vec()).map_err(|_| "the canonical ABI lets no such text through");
    unpacked(match kind % 5 {
        0 => types::Values::PackedBooleans(bytes.to_vec()),
        1 => types::Values::PackedIntegers(bytes.to_vec()),
        2 => types::Values::PackedFloats(bytes.to_vec()),
        3 => types::Values::PackedTexts(text()?),
        _ => types::Values::PackedJson(text()?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_columns_are_the_lists_they_are_named_after() {
        let integers = [-1_i64, i64::MAX].iter().flat_map(|value| value.to_le_bytes()).collect();
        assert_eq!(unpacked(types::Values::PackedIntegers(integers)), Ok(rows::Values::Integers(vec![-1, i64::MAX])));
        let floats = 0.1_f64.to_le_bytes().to_vec();
        assert_eq!(unpacked(types::Values::PackedFloats(floats)), Ok(rows::Values::Floats(vec![0.1])));
        let booleans = unpacked(types::Values::PackedBooleans(vec![0, 1]));
        assert_eq!(booleans, Ok(rows::Values::Booleans(vec![false, true])));
    }

    #[test]
    fn what_does_not_unpack_is_refused() {
        assert!(unpacked(types::Values::PackedIntegers(vec![0; 9])).is_err());
        assert!(unpacked(types::Values::PackedFloats(vec![0; 7])).is_err());
        assert!(unpacked(types::Values::PackedBooleans(vec![2])).is_err());
    }
}
