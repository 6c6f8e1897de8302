//! Holding a database against the model.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::model::{StoredRow, Table, Warehouse};
use super::program::{Mode, Program, TableSpec};
use super::types::Type;
use crate::support::in_process::{Column, Contents, Table as Found};

/// A difference, and the place of the table it is in.
pub(super) struct Difference {
    pub(super) table: Option<usize>,
    pub(super) what: String,
}

/// Compares, and lets the model know which of two allowed types it was.
pub(super) fn compare(program: &Program, model: &mut Warehouse, found: &Contents) -> Result<(), Difference> {
    let state = model.state.map_or(json!({}), |at| json!({"at": at}));
    if found.state != state {
        return Err(Difference { table: None, what: format!("the state is {}, expected {state}", found.state) });
    }
    if found.quarantined != model.quarantined {
        let what = format!("{} rows are in quarantine, expected {}", found.quarantined, model.quarantined);
        return Err(Difference { table: None, what });
    }
    let mut rest: Vec<&String> = found.tables.keys().collect();
    for (place, table) in &mut model.tables {
        let spec = &program.tables[*place];
        rest.retain(|name| **name != spec.stored);
        let compared = match found.tables.get(&spec.stored) {
            None => Err("is missing".to_owned()),
            Some(found) => compare_table(spec, table, found),
        };
        compared.map_err(|what| Difference { table: Some(*place), what: format!("table {} {what}", spec.stored) })?;
    }
    match rest.first() {
        None => Ok(()),
        Some(name) => {
            let table = program.tables.iter().position(|spec| spec.stored == **name);
            Err(Difference { table, what: format!("table {name} should not be there") })
        }
    }
}

fn compare_table(spec: &TableSpec, table: &mut Table, found: &Found) -> Result<(), String> {
    let source = spec.schema.map_or_else(|| spec.name.clone(), |schema| format!("{schema}.{}", spec.name));
    if (&found.source, found.hashed) != (&source, spec.key.is_empty()) {
        return Err(format!("is {} in the source, hashed: {}", found.source, found.hashed));
    }
    let mut types = BTreeMap::new();
    let mut columns = found.columns.clone();
    for (place, column) in &mut table.columns {
        let (source, stored) = spec.columns[*place];
        let Some(Column { source: found_source, data_type, key }) = columns.remove(stored) else {
            return Err(format!("has no column {stored}"));
        };
        let chosen = column.types.iter().copied().find(|one| Some(one.name()) == data_type);
        if (found_source.as_str(), key) != (source, spec.key.contains(place))
            || chosen.is_none() && data_type != names(&column.types)
        {
            let expected = &column.types;
            return Err(format!(
                "has column {stored}, {data_type:?} (key: {key}) of {found_source:?}, expected {expected:?}"
            ));
        }
        if let Some(chosen) = chosen {
            column.types = vec![chosen];
            types.insert(*place, chosen);
        }
    }
    if let Some(name) = columns.keys().next() {
        return Err(format!("has a column {name} that should not be there"));
    }
    compare_rows(spec, &types, table, found)
}

fn names(types: &[Type]) -> Option<String> {
    types.first().map(|one| one.name())
}

/// A row for comparing, and the operations and times that must go together.
type Row = (String, Vec<(u64, i64)>);

fn compare_rows(spec: &TableSpec, types: &BTreeMap<usize, Type>, table: &Table, found: &Found) -> Result<(), String> {
    let mut expected: Vec<(String, Vec<(u64, i64)>)> = Vec::new();
    for row in &table.rows {
        expected.push((as_stored(spec, types, table, row)?, moments(row)));
    }
    let mut seen: Vec<(String, Vec<i64>)> = found.rows.iter().map(|row| (as_found(row), times(row))).collect();
    expected.sort();
    seen.sort();
    if !expected.iter().map(|(row, _)| row).eq(seen.iter().map(|(row, _)| row)) {
        let lines = |rows: Vec<&String>| rows.iter().map(|row| format!("\n      {row}")).collect::<String>();
        return Err(format!(
            "holds{}\n    expected{}",
            lines(seen.iter().map(|(row, _)| row).collect()),
            lines(expected.iter().map(|(row, _)| row).collect())
        ));
    }
    let mut rows: Vec<Row> = Vec::new();
    for ((row, moments), (_, times)) in expected.into_iter().zip(seen) {
        let pairs = moments.into_iter().zip(times).map(|((operation, before), time)| (operation, time + before));
        rows.push((row, pairs.collect()));
    }
    compare_times(table, &rows)
}

/// What was done later has a later time, or in tables without history the same; one operation has
/// one time.
fn compare_times(table: &Table, rows: &[Row]) -> Result<(), String> {
    let mut all: Vec<(u64, i64)> = rows.iter().flat_map(|(_, pairs)| pairs).copied().collect();
    all.sort_unstable();
    let strict = |at: u64| table.mode == Mode::History && at >= table.history_from;
    let wrong = all.windows(2).find(|pair| {
        let [(first, before), (second, after)] = [pair[0], pair[1]];
        before > after || first == second && before != after || first < second && strict(second) && before == after
    });
    match wrong {
        None => Ok(()),
        Some(pair) => Err(format!("has times out of order: {pair:?} (operation, microseconds) in {rows:#?}")),
    }
}

/// The operations behind the times of a row, and how many microseconds before them the time lies: a
/// version ends just before its successor begins.
fn moments(row: &StoredRow) -> Vec<(u64, i64)> {
    let mut moments = Vec::new();
    if let Some(version) = &row.version {
        moments.push((version.start, 0));
        moments.extend(version.end.map(|end| (end, i64::from(!version.end_is_start))));
    }
    moments.push((row.touched, 0));
    moments
}

/// The times of a row in the same order.
fn times(row: &BTreeMap<String, Value>) -> Vec<i64> {
    let time = |name: &str| row.get(name).map(|stamp| micros(stamp.as_str().expect("a stamp")));
    let end = if row.get("_sluice_active") == Some(&json!(0)) { time("_sluice_end") } else { None };
    [time("_sluice_start"), end, time("_sluice_synced")].into_iter().flatten().collect()
}

fn micros(stamp: &str) -> i64 {
    stamp.parse::<Timestamp>().expect("a stamp").as_microsecond()
}

fn as_found(row: &BTreeMap<String, Value>) -> String {
    let times = ["_sluice_synced", "_sluice_start", "_sluice_end"];
    let mut cells: serde_json::Map<String, Value> = row
        .iter()
        .filter(|(name, value)| !value.is_null() && !times.contains(&name.as_str()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    if row.get("_sluice_end").is_some_and(|end| end == "9999-12-31T23:59:59.999999Z") {
        cells.insert("forever".to_owned(), json!(true));
    }
    json!(cells).to_string()
}

fn as_stored(
    spec: &TableSpec,
    types: &BTreeMap<usize, Type>,
    table: &Table,
    row: &StoredRow,
) -> Result<String, String> {
    let mut cells = serde_json::Map::new();
    for (place, exact) in &row.cells {
        let name = spec.columns[*place].1;
        let data_type = types.get(place).ok_or_else(|| format!("has no type for column {name}"))?;
        let stored =
            exact.stored(*data_type).ok_or_else(|| format!("column {name}: {data_type:?} cannot hold {exact:?}"))?;
        cells.insert(name.to_owned(), stored);
    }
    match &row.version {
        Some(version) if table.mode == Mode::History => {
            cells.insert("_sluice_active".to_owned(), json!(i64::from(version.end.is_none())));
            if version.end.is_none() {
                cells.insert("forever".to_owned(), json!(true));
            }
        }
        _ => drop(cells.insert("_sluice_deleted".to_owned(), json!(i64::from(row.deleted)))),
    }
    if let Some(identity) = &row.identity {
        cells.insert("_sluice_id".to_owned(), json!(identity));
    }
    Ok(json!(cells).to_string())
}
