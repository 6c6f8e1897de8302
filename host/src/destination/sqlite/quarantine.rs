//! The quarantine: rows that cannot land, kept aside with the reason while the sync goes on.
//!
//! The table `_sluice_quarantine` exists from the first such row on. A row that comes again with
//! the same reason is counted, not kept twice. What is kept of a row is bounded, and its number
//! of rows is: a connector whose rows are all bad is broken, and its sync fails.

use rusqlite::{Connection, OptionalExtension as _, params};
use serde_json::{Map, Value as Json};
use sha2::{Digest, Sha256};

use super::SqliteDestination;
use super::convert::text;
use super::open::failed;
use super::text::push_hex;
use super::values::Scalar;
use crate::destination::DestinationError;
use crate::landing::references::table_spelling;
use crate::rows::{Batch, Column, OperationKind, TableName};

/// The most characters kept of a value.
const CELL_CHARACTERS: usize = 1_000;
/// The most bytes kept of a row.
const ROW_BYTES: usize = 16 << 10;

const CREATE: &str = r#"
CREATE TABLE IF NOT EXISTS "_sluice_quarantine" ("id" TEXT PRIMARY KEY NOT NULL, "table_name" TEXT NOT NULL,
  "operation" TEXT NOT NULL, "reason" TEXT NOT NULL, "row" TEXT NOT NULL, "first_seen" TEXT NOT NULL,
  "last_seen" TEXT NOT NULL, "times" INTEGER NOT NULL) WITHOUT ROWID
"#;

/// How many rows the quarantine holds, once that was asked.
#[derive(Debug, Default)]
pub(super) struct Quarantine {
    rows: Option<u64>,
}

impl SqliteDestination {
    /// Keeps rows aside. The source's name of the table is kept, which may have no table.
    pub(super) fn quarantine(
        &mut self,
        source: &TableName,
        kind: OperationKind,
        batch: &Batch,
        reason: &str,
    ) -> Result<(), DestinationError> {
        self.begin()?;
        let doing = failed("writing to the quarantine");
        let mut rows = match self.quarantine.rows {
            Some(rows) => rows,
            None => open(&self.connection).map_err(&doing)?,
        };
        let stamp = self.clock.tick();
        for row in 0..batch.rows {
            let kept = Kept { table: source.to_string(), kind, reason, row: row_text(&batch.columns, row) };
            let id = kept.id();
            if kept.is_known(&self.connection, &id, &stamp).map_err(&doing)? {
                continue;
            }
            rows += 1;
            if rows > self.options.quarantined_rows {
                let limit = self.options.quarantined_rows;
                let what = "rows in the quarantine, whose table _sluice_quarantine you may look at and empty,";
                return Err(DestinationError::Limit { what, limit, table: None });
            }
            kept.insert(&self.connection, &id, &stamp).map_err(&doing)?;
        }
        self.quarantine.rows = Some(rows);
        if let Some(counts) = self.counts.of(source) {
            counts.quarantined += u64::try_from(batch.rows).unwrap_or(u64::MAX);
        }
        Ok(())
    }
}

/// Lays out the table and counts its rows.
fn open(connection: &Connection) -> rusqlite::Result<u64> {
    connection.execute(CREATE, [])?;
    connection
        .query_row("SELECT COUNT(*) FROM \"_sluice_quarantine\"", [], |row| row.get::<_, i64>(0))
        .map(i64::unsigned_abs)
}

fn is_there(connection: &Connection) -> rusqlite::Result<bool> {
    let there = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = '_sluice_quarantine')";
    connection.query_row(there, [], |row| row.get(0))
}

/// Whether rows of a table that the source still has came here since.
pub(super) fn took_since(connection: &Connection, table: &TableName, since: &str) -> rusqlite::Result<bool> {
    if !is_there(connection)? {
        return Ok(false);
    }
    let statement = "SELECT EXISTS (SELECT 1 FROM \"_sluice_quarantine\" \
                     WHERE \"table_name\" = ? AND \"operation\" <> 'delete' AND \"last_seen\" >= ?)";
    connection.query_row(statement, params![table.to_string(), since], |row| row.get(0))
}

/// Takes values out of rows that are kept, because their columns are to be hashed from now on;
/// `hashed` is asked for the spelling of a table and a source's column.
pub(super) fn redact(connection: &Connection, hashed: impl Fn(String, &str) -> bool) -> rusqlite::Result<()> {
    if !is_there(connection)? {
        return Ok(());
    }
    let mut read = connection
        .prepare("SELECT \"id\", \"table_name\", \"operation\", \"reason\", \"row\" FROM \"_sluice_quarantine\"")?;
    let rows =
        read.query_map([], |row| Ok((row.get(0)?, [row.get(1)?, row.get(2)?, row.get(3)?], row.get::<_, String>(4)?)))?;
    let rows: Vec<(String, [String; 3], String)> = rows.collect::<Result<_, _>>()?;
    // Rows that have become equal are one row.
    let mut write = connection
        .prepare("UPDATE OR REPLACE \"_sluice_quarantine\" SET \"id\" = ?2, \"row\" = ?3 WHERE \"id\" = ?1")?;
    for (old, [table, operation, reason], row) in rows {
        let Ok(Json::Object(mut object)) = serde_json::from_str(&row) else { continue };
        let table_spelled = table_spelling(None, &table);
        let mut found = false;
        for (column, value) in object.iter_mut().filter(|(_, value)| !value.is_null()) {
            if hashed(table_spelled.clone(), column) {
                *value = "…".into();
                found = true;
            }
        }
        if found {
            let row = Json::Object(object).to_string();
            // The old one was made of the plain values, which could be found by trying.
            write.execute([old, id([&table, &operation, &reason, &row]), row])?;
        }
    }
    Ok(())
}

/// A row as it is kept.
struct Kept<'a> {
    table: String,
    kind: OperationKind,
    reason: &'a str,
    row: String,
}

impl Kept<'_> {
    fn id(&self) -> String {
        id([&self.table, self.kind.name(), self.reason, &self.row])
    }

    /// Whether the row is kept already; it is counted once more then.
    fn is_known(&self, connection: &Connection, id: &str, stamp: &str) -> rusqlite::Result<bool> {
        connection
            .prepare_cached(
                "UPDATE \"_sluice_quarantine\" SET \"last_seen\" = ?2, \"times\" = \"times\" + 1 WHERE \"id\" = ?1 RETURNING 1",
            )?
            .query_row([id, stamp], |_| Ok(()))
            .optional()
            .map(|found| found.is_some())
    }

    fn insert(&self, connection: &Connection, id: &str, stamp: &str) -> rusqlite::Result<()> {
        connection
            .prepare_cached("INSERT INTO \"_sluice_quarantine\" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, 1)")?
            .execute(params![id, self.table, self.kind.name(), self.reason, self.row, stamp])
            .map(|_| ())
    }
}

fn id(parts: [&str; 4]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part);
    }
    let mut id = String::new();
    push_hex(&mut id, hash.finalize().get(..16).unwrap_or_default());
    id
}

/// A row as a JSON object by the source's names of the columns: bounded, cut with an ellipsis.
fn row_text(columns: &[Column], row: usize) -> String {
    let mut object = Map::new();
    let mut bytes = 2;
    for (index, column) in columns.iter().enumerate() {
        let null = u32::try_from(row).is_ok_and(|row| column.nulls.binary_search(&row).is_ok());
        let scalar = if null { None } else { Scalar::at(&column.values, row) };
        let value = scalar.map_or(Json::Null, cell);
        bytes += Json::from(column.name.as_str()).to_string().len() + value.to_string().len() + 2;
        if bytes > ROW_BYTES {
            object.insert("…".to_owned(), format!("{} more columns", columns.len() - index).into());
            break;
        }
        object.insert(column.name.clone(), value);
    }
    Json::Object(object).to_string()
}

fn cell(scalar: Scalar<'_>) -> Json {
    match scalar {
        Scalar::Boolean(v) => v.into(),
        Scalar::Integer(v) => v.into(),
        Scalar::Float(v) if v.is_finite() => v.into(),
        Scalar::Blob(v) => cut(text(Scalar::Blob(v.get(..CELL_CHARACTERS).unwrap_or(v)))),
        Scalar::Text(v) | Scalar::Json(v) | Scalar::Decimal(v) => cut_text(v).into(),
        other => cut(text(other)),
    }
}

fn cut(text: Option<String>) -> Json {
    text.map_or(Json::Null, |text| cut_text(&text).into())
}

fn cut_text(text: &str) -> String {
    match text.char_indices().nth(CELL_CHARACTERS) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;
    use crate::rows::{Value, Values};

    fn column(name: &str, value: Value) -> Column {
        Column { name: name.to_owned(), values: Values::Mixed(vec![value]), nulls: vec![] }
    }

    #[test]
    fn what_is_kept_of_a_row_is_json_and_bounded() {
        let row = [
            column("a", Value::Integer(5)),
            column("b", Value::Float(f64::NAN)),
            column("c\"", Value::Text("\"\n\u{1}".into())),
            column("d", Value::Null),
            column("e", Value::Blob(vec![0xab; 5_000])),
            column("f", Value::Datetime(1)),
        ];
        let text = row_text(&row, 0);
        let back: Json = serde_json::from_str(&text).unwrap();
        assert_eq!((&back["a"], &back["b"], &back["d"]), (&5.into(), &"NaN".into(), &Json::Null));
        assert_eq!((&back["c\""], &back["f"]), (&"\"\n\u{1}".into(), &"1970-01-01T00:00:00.000001".into()));
        assert_eq!(back["e"].as_str().unwrap().chars().count(), CELL_CHARACTERS + 1);

        let wide: Vec<_> = (0..1000).map(|n| column(&format!("{n}"), Value::Text("\u{1}".repeat(2_000)))).collect();
        let text = row_text(&wide, 0);
        assert!(text.len() <= ROW_BYTES + 100, "{}", text.len());
        assert!(serde_json::from_str::<Json>(&text).unwrap()["…"].as_str().unwrap().ends_with("more columns"));
    }
}
