//! `sluice tables` and `sluice peek`: what landed.

use serde_json::{Map, Value, json};

use crate::cli::args::{PeekArguments, TablesArguments};
use crate::cli::failure::Failure;
use crate::cli::print;
use crate::cli::sync::report;
use crate::destination::sqlite::{Peek, PeekOptions, Shown, TableInfo, Warehouse};
use crate::display::preview::{self, PreviewColumn, TablePreview};
use crate::display::table::{Column, Table};
use crate::display::units;
use crate::policy::terminal::{Lines, visible};

/// Longest list of names in text for people.
const NAMES_BYTES: usize = 2_000;

/// Lists the tables of a connection.
pub(in crate::cli) fn tables(arguments: &TablesArguments) -> Result<u8, Failure> {
    let connection = &arguments.connection.connection;
    let warehouse = Warehouse::new(&arguments.connection.warehouse.warehouse);
    let tables = tables_of(&warehouse, connection)?;
    let text = if arguments.json {
        format!("{}\n", Value::Array(tables.iter().map(described).collect()))
    } else if tables.is_empty() {
        format!("connection {connection} has no tables yet\n")
    } else {
        listed(&tables)?
    };
    print(&text)?;
    Ok(0)
}

/// Shows rows of a table.
pub(in crate::cli) fn peek(arguments: &PeekArguments) -> Result<u8, Failure> {
    let warehouse = Warehouse::new(&arguments.warehouse.warehouse);
    let tables = tables_of(&warehouse, &arguments.connection)?;
    let named = |info: &&TableInfo| info.name.eq_ignore_ascii_case(&arguments.table);
    let of_source = |info: &&TableInfo| info.source.to_string() == arguments.table;
    let Some(info) = tables.iter().find(named).or_else(|| tables.iter().find(of_source)) else {
        return Err(no_table(arguments, &tables));
    };
    let options = PeekOptions {
        rows: arguments.rows,
        shown: if arguments.deleted { Shown::Deleted } else { Shown::Alive },
        columns: arguments.columns.clone(),
    };
    let Some(peek) = warehouse.peek_with(&arguments.connection, &info.name, &options)? else {
        return Err(no_table(arguments, &tables));
    };
    if arguments.json {
        print(&format!("{}\n", json!({ "table": described(info), "rows": objects(peek) })))?;
        return Ok(0);
    }
    let total_rows = if arguments.deleted { info.deleted } else { info.alive };
    let columns = peek.columns.iter().map(|name| shown_column(info, name)).collect();
    let preview = TablePreview { table: info.name.clone(), total_rows, columns, rows: peek.rows };
    let mut text = Vec::new();
    preview::write(&[preview], &mut text).map_err(|error| Failure::host(error.to_string()))?;
    print(&String::from_utf8_lossy(&text))?;
    Ok(0)
}

/// The tables of a connection that exists.
fn tables_of(warehouse: &Warehouse, connection: &str) -> Result<Vec<TableInfo>, Failure> {
    let tables = warehouse.tables(connection)?;
    if tables.is_empty() && !warehouse.contains(connection)? {
        return Err(unknown(warehouse, connection));
    }
    Ok(tables)
}

/// There is no such connection: says which there are.
pub(super) fn unknown(warehouse: &Warehouse, connection: &str) -> Failure {
    let failure = Failure::refused(format!("there is no connection {connection}"));
    match warehouse.connections().unwrap_or_default().as_slice() {
        [] => failure.hint("there are none in this warehouse; name another one with --warehouse"),
        names => failure.hint(format!("there are: {}", visible(&names.join(", "), Lines::One, NAMES_BYTES))),
    }
}

fn no_table(arguments: &PeekArguments, tables: &[TableInfo]) -> Failure {
    let name = visible(&arguments.table, Lines::One, NAMES_BYTES);
    let known: Vec<_> = tables.iter().map(|info| info.name.as_str()).collect();
    Failure::refused(format!("connection {} has no table {name}", arguments.connection))
        .hint(format!("its tables are: {}", visible(&known.join(", "), Lines::One, NAMES_BYTES)))
}

fn shown_column(info: &TableInfo, name: &str) -> PreviewColumn {
    let data_type = report::data_type(info, name);
    PreviewColumn {
        name: name.to_owned(),
        numeric: report::is_numeric(data_type),
        note: Some(data_type.to_owned()).filter(|text| !text.is_empty()),
    }
}

fn objects(peek: Peek) -> Vec<Value> {
    let Peek { columns, rows } = peek;
    let object = |row: Vec<Option<String>>| {
        let fields = columns.iter().cloned().zip(row.into_iter().map(Value::from));
        Value::Object(fields.collect::<Map<_, _>>())
    };
    rows.into_iter().map(object).collect()
}

fn listed(tables: &[TableInfo]) -> Result<String, Failure> {
    let mut table = Table::new(vec![
        Column::left("table"),
        Column::right("rows"),
        Column::right("deleted"),
        Column::right("columns"),
        Column::left("primary key"),
        Column::left("history"),
        Column::left("last synced"),
    ]);
    for info in tables {
        let key: Vec<_> = info.columns.iter().filter(|column| column.key).map(|column| column.name.as_str()).collect();
        table.row([
            info.name.clone(),
            units::count(info.alive),
            units::count(info.deleted),
            units::count(info.columns.len() as u64),
            if key.is_empty() { "-".to_owned() } else { key.join(", ") },
            if info.history { "yes" } else { "-" }.to_owned(),
            info.last_synced.clone().unwrap_or_else(|| "-".to_owned()),
        ]);
    }
    let mut text = Vec::new();
    table.write(&mut text, "").map_err(|error| Failure::host(error.to_string()))?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

fn described(info: &TableInfo) -> Value {
    let columns = info.columns.iter().map(|column| {
        json!({ "name": column.name, "source": column.source, "type": column.data_type, "primary_key": column.key })
    });
    json!({
        "table": info.name,
        "source": info.source.to_string(),
        "rows": info.alive,
        "deleted": info.deleted,
        "history": info.history,
        "last_synced": info.last_synced,
        "columns": columns.collect::<Vec<_>>(),
    })
}
