//! Holding the tables of a database against those that a vector expects.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::in_process::{Contents, Table};

/// `wire` vectors name tables as the source does, others as the destination does.
pub(super) fn tables(wanted: &Value, vector: &Value, wire: bool, contents: &Contents) -> Result<(), String> {
    let wanted = wanted.as_object().expect("tables");
    let found: BTreeMap<&str, &Table> = contents
        .tables
        .iter()
        .map(|(name, table)| (if wire { table.source.as_str() } else { name.as_str() }, table))
        .collect();
    let names: Vec<_> = found.keys().copied().collect();
    if !names.iter().copied().eq(wanted.keys().map(String::as_str)) {
        return Err(format!("the tables are {names:?}, expected {:?}", wanted.keys().collect::<Vec<_>>()));
    }
    for (name, wanted) in wanted {
        table(wanted, &Declared::of(vector, name), found[name.as_str()])
            .map_err(|reason| format!("table {name}: {reason}"))?;
    }
    Ok(())
}

/// What a vector declares about one of its tables.
struct Declared<'a>(Option<&'a Value>);

impl<'a> Declared<'a> {
    fn of(vector: &'a Value, table: &str) -> Self {
        let tables = vector["schema"].as_array();
        Self(tables.and_then(|tables| tables.iter().find(|declared| declared["table"] == table)))
    }

    fn names(&self, column: &str) -> bool {
        self.has_type(column)
            || self
                .0
                .is_some_and(|table| table["primary_key"].as_array().is_some_and(|key| key.contains(&json!(column))))
    }

    fn has_type(&self, column: &str) -> bool {
        self.0.is_some_and(|table| table["columns"].get(column).is_some())
    }
}

fn table(wanted: &Value, declared: &Declared<'_>, found: &Table) -> Result<(), String> {
    let rows = wanted.get("rows").and_then(Value::as_array).cloned().unwrap_or_default();
    // What was done to no row is no row.
    let rows: Vec<Value> = rows.into_iter().filter(|row| row.get("$op").is_none()).collect();
    for key in wanted.as_object().expect("a table").keys() {
        match key.as_str() {
            "columns" => columns(&wanted["columns"], declared, &rows, found)?,
            "duckdb_types" => duckdb(&wanted["duckdb_types"], found)?,
            "rows" => every_row(&rows, found)?,
            "row_count" if json!(found.rows.len()) == wanted["row_count"] => {}
            "row_count" => return Err(format!("{} rows, expected {}", found.rows.len(), wanted["row_count"])),
            other => return Err(format!("the test does not know `{other}`")),
        }
    }
    Ok(())
}

fn columns(wanted: &Value, declared: &Declared<'_>, rows: &[Value], found: &Table) -> Result<(), String> {
    let mut expected = BTreeMap::new();
    let mut hashed = true;
    for (name, text) in wanted.as_object().expect("columns") {
        let text = text.as_str().expect("a type");
        let (data_type, key) = text.strip_suffix(" PK").map_or((text, false), |data_type| (data_type, true));
        if name.ends_with("tran_id") {
            continue;
        }
        let key = key || found.columns.get(name).is_some_and(|column| column.key && declared.names(name));
        hashed &= !key;
        let data_type = match data_type {
            "UNSPECIFIED" if !declared.names(name) => continue,
            "UNSPECIFIED" => None,
            "LONG" if !declared.has_type(name) => Some(smallest(rows, name)),
            "FLOAT" if !declared.has_type(name) => Some("DOUBLE"),
            other => Some(other),
        };
        expected.insert(name.clone(), (data_type.map(ToOwned::to_owned), key));
    }
    let columns = found.columns.iter();
    let seen: BTreeMap<_, _> =
        columns.map(|(name, column)| (name.clone(), (column.data_type.clone(), column.key))).collect();
    match (seen == expected, found.hashed == hashed) {
        (true, true) => Ok(()),
        (true, false) => Err(format!("it has {} key of its own", if hashed { "a" } else { "no" })),
        (false, _) => Err(format!("the columns are {seen:?}, expected {expected:?}")),
    }
}

/// The integer type of an undeclared column.
fn smallest(rows: &[Value], column: &str) -> &'static str {
    let fits = |value: &Value| value.as_i64().is_none_or(|value| i32::try_from(value).is_ok());
    if rows.iter().all(|row| fits(&row[column])) { "INT" } else { "LONG" }
}

/// The types of another database, which keeps fewer apart.
fn duckdb(wanted: &Value, found: &Table) -> Result<(), String> {
    for (name, theirs) in wanted.as_object().expect("types") {
        let ours: &[&str] = match theirs.as_str().expect("a type") {
            "boolean" => &["BOOLEAN"],
            "int16" => &["SHORT"],
            "int64" => &["LONG"],
            "decimal(15,2)" => &["DECIMAL(15,2)"],
            "float" => &["FLOAT"],
            "double" => &["DOUBLE"],
            "date" => &["NAIVE_DATE"],
            "timestamp" => &["NAIVE_DATETIME"],
            "timestamp with time zone" => &["UTC_DATETIME"],
            "blob" => &["BINARY"],
            "varchar" => &["STRING", "XML", "JSON"],
            other => return Err(format!("the test does not know the type {other}")),
        };
        let seen = found.columns.get(name).and_then(|column| column.data_type.as_deref());
        if !seen.is_some_and(|seen| ours.contains(&seen)) {
            return Err(format!("column {name} is {seen:?}, expected {theirs}"));
        }
    }
    if wanted.as_object().map(serde_json::Map::len) == Some(found.columns.len()) {
        return Ok(());
    }
    Err(format!("the columns are {:?}", found.columns.keys()))
}

fn every_row(wanted: &[Value], found: &Table) -> Result<(), String> {
    let mut expected: Vec<_> = wanted.iter().map(|row| stored_row(row, found).to_string()).collect();
    let mut seen: Vec<_> = found.rows.iter().map(|row| seen_row(row).to_string()).collect();
    expected.sort();
    seen.sort();
    if seen == expected { Ok(()) } else { Err(format!("the rows are {seen:?}, expected {expected:?}")) }
}

/// The row as it lies in the table, NULLs left out.
fn seen_row(row: &BTreeMap<String, Value>) -> Value {
    let cells = row
        .iter()
        .filter(|(name, value)| !value.is_null() && !["_sluice_synced", "_sluice_id"].contains(&name.as_str()));
    cells.map(|(name, value)| (name.clone(), value.clone())).collect::<serde_json::Map<_, _>>().into()
}

/// The row as the vector's values are stored, NULLs left out.
fn stored_row(row: &Value, found: &Table) -> Value {
    let mut cells = serde_json::Map::new();
    cells.insert("_sluice_deleted".to_owned(), json!(0));
    for (name, value) in row.as_object().expect("a row").iter().filter(|(_, value)| !value.is_null()) {
        match (name.as_str(), found.columns.get(name)) {
            ("_fivetran_deleted", None) => {
                cells.insert("_sluice_deleted".to_owned(), json!(i64::from(value == &json!(true))));
            }
            (_, column) => {
                let data_type = column.and_then(|column| column.data_type.as_deref()).unwrap_or_default();
                cells.insert(name.clone(), stored(value, data_type));
            }
        }
    }
    cells.into()
}

fn stored(value: &Value, data_type: &str) -> Value {
    match (data_type, value) {
        ("BOOLEAN", Value::Bool(value)) => json!(i64::from(*value)),
        ("NAIVE_DATETIME", Value::String(text)) => json!(padded(text)),
        ("UTC_DATETIME", Value::String(text)) => json!(format!("{}Z", padded(text.trim_end_matches('Z')))),
        (_, Value::String(text)) => match text.strip_prefix('<').and_then(|text| text.strip_suffix(" chars>")) {
            Some(length) => json!("x".repeat(length.parse().expect("a length"))),
            None => value.clone(),
        },
        _ => value.clone(),
    }
}

fn padded(time: &str) -> String {
    if time.contains('.') { time.to_owned() } else { format!("{time}.000000") }
}
