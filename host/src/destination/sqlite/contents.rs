//! What is in the tables of a connection, small enough to compare two of them.

use std::collections::BTreeMap;

use rusqlite::Connection;
use rusqlite::types::ValueRef;

use super::catalogue::{Table, all_tables};
use super::naming::quote;
use super::open::failed;
use super::text::push_hex;
use crate::destination::DestinationError;
use crate::rows::TableName;

/// Longest text of a key, in characters; a longer one is told apart by its digest.
const KEY_CHARACTERS: usize = 80;

/// A table's rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableContents {
    /// The table as the source names it.
    pub source: TableName,
    /// The columns that are compared, in order: the source's, and the mark of deleted rows or of active versions.
    pub columns: Vec<String>,
    /// All rows by their key, which is text for people. With history a key has several.
    pub rows: BTreeMap<String, Vec<Row>>,
}

/// A digest of each value of a row, in the order of the columns; `None` for NULL. Equal values have equal ones.
pub type Row = Vec<Option<u64>>;

/// Reads every table. It takes some 8 bytes a value.
pub(super) fn read(connection: &Connection) -> Result<Vec<TableContents>, DestinationError> {
    all_tables(connection)?.into_iter().map(|table| contents(connection, table)).collect()
}

fn contents(connection: &Connection, table: Table) -> Result<TableContents, DestinationError> {
    let mark = if table.history { table.system.active } else { table.system.deleted };
    let mut named: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
    named.sort_unstable();
    let key: Vec<&str> = match table.hashed {
        true => vec![table.system.id],
        false => table.key().into_iter().map(|column| column.name.as_str()).collect(),
    };
    let list = |names: &[&str]| names.iter().map(|name| quote(name)).collect::<Vec<_>>();
    let selected = [list(&key), list(&named), vec![quote(mark)]].concat().join(", ");
    let statement = format!("SELECT {selected} FROM {}", quote(&table.name));
    let read = || -> rusqlite::Result<BTreeMap<String, Vec<Row>>> {
        let mut statement = connection.prepare(&statement)?;
        let mut all = BTreeMap::<String, Vec<Row>>::new();
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let parts = (0..key.len()).map(|index| row.get_ref(index).map(key_text));
            let parts = parts.collect::<rusqlite::Result<Vec<_>>>()?;
            let values = (key.len()..=key.len() + named.len()).map(|index| row.get_ref(index).map(digest));
            all.entry(parts.join(", ")).or_default().push(values.collect::<rusqlite::Result<_>>()?);
        }
        all.values_mut().for_each(|versions| versions.sort_unstable());
        Ok(all)
    };
    let rows = read().map_err(failed("reading a table"))?;
    let columns = named.into_iter().chain([mark]).map(str::to_owned).collect();
    Ok(TableContents { source: table.source, columns, rows })
}

fn digest(value: ValueRef<'_>) -> Option<u64> {
    let mut hasher = blake3::Hasher::new();
    match value {
        ValueRef::Null => return None,
        ValueRef::Integer(number) => hasher.update(b"i").update(&number.to_le_bytes()),
        ValueRef::Real(number) => hasher.update(b"r").update(&number.to_bits().to_le_bytes()),
        ValueRef::Text(text) => hasher.update(b"t").update(text),
        ValueRef::Blob(bytes) => hasher.update(b"b").update(bytes),
    };
    let [a, b, c, d, e, f, g, h, ..] = *hasher.finalize().as_bytes();
    Some(u64::from_le_bytes([a, b, c, d, e, f, g, h]))
}

fn key_text(value: ValueRef<'_>) -> String {
    let text = match value {
        ValueRef::Null => "NULL".to_owned(),
        ValueRef::Integer(number) => number.to_string(),
        ValueRef::Real(number) => format!("{number:?}"),
        ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
        ValueRef::Blob(bytes) => {
            let mut hex = String::new();
            push_hex(&mut hex, bytes);
            hex
        }
    };
    match text.char_indices().nth(KEY_CHARACTERS) {
        None => text,
        Some((end, _)) => format!("{}… ({:x})", text.get(..end).unwrap_or_default(), digest(value).unwrap_or_default()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn values_are_told_apart_and_long_keys_too() {
        let values = [
            ValueRef::Null,
            ValueRef::Integer(1),
            ValueRef::Real(1.0),
            ValueRef::Text(b"1"),
            ValueRef::Blob(b"1"),
            ValueRef::Text(b""),
        ];
        let digests: std::collections::BTreeSet<Option<u64>> = values.into_iter().map(digest).collect();
        assert_eq!(digests.len(), values.len());
        let long = |last: char| format!("{}{last}", "x".repeat(KEY_CHARACTERS));
        let (one, other) = (long('a'), long('b'));
        assert_ne!(key_text(ValueRef::Text(one.as_bytes())), key_text(ValueRef::Text(other.as_bytes())));
        assert_eq!(key_text(ValueRef::Text(b"short")), "short");
    }
}
