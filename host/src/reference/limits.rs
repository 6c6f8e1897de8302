//! The table of limits in docs/limits.md. Its last column, the tests, is written by hand and kept.

use std::collections::BTreeMap;
use std::fs;

use super::docs;
use super::markdown::{code, plain};
use crate::policy::limits::{Breach, Limits, ROWS, Row, Unit};

const HEADER: &str = "| limit | default | floor | ceiling | at it | bounds | test |\n|---|---|---|---|---|---|---|\n";

pub(super) fn page() -> String {
    let stored = fs::read_to_string(docs().join("limits.md")).unwrap();
    let (before, table) = stored.split_once(HEADER).expect("docs/limits.md has its table");
    let (table, after) = table.split_once("\n\n").expect("text after the table");
    let tests: BTreeMap<_, _> =
        table.lines().filter_map(|line| Some((line.split('`').nth(1)?, last_cell(line)?))).collect();
    let rows: Vec<_> = ROWS.iter().map(|row| line(row, tests.get(row.name).copied().unwrap_or_default())).collect();
    format!("{before}{HEADER}{}\n\n{after}", rows.join("\n"))
}

fn last_cell(line: &str) -> Option<&str> {
    Some(line.strip_suffix(" |")?.rsplit_once("| ")?.1)
}

fn line(row: &Row, tests: &str) -> String {
    let limits = Limits::default();
    let says = row.says();
    assert!(!says.is_empty(), "{}: no description", row.name);
    let [default, least, most] = [row.value(&limits), row.least, row.most].map(|number| written(row.unit, number));
    format!(
        "| {} | {default} | {least} | {most} | {} | {} | {tests} |",
        code(row.name),
        breach(row.breach),
        plain(&says).replace('\\', "")
    )
}

fn written(unit: Unit, number: u128) -> String {
    let units: &[(u128, &str)] = match unit {
        Unit::Count => &[],
        Unit::Time => &[(3_600_000, "h"), (60_000, "m"), (1_000, "s"), (1, "ms")],
        Unit::Bytes => &[(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")],
    };
    let largest = units.iter().find(|(size, _)| number > 0 && number.is_multiple_of(*size));
    largest.map_or_else(|| number.to_string(), |(size, name)| format!("{}{name}", number / size))
}

fn breach(breach: Breach) -> &'static str {
    match breach {
        Breach::Ends => "ends",
        Breach::Refused => "refused",
        Breach::NotAdmitted => "not admitted",
        Breach::Waits => "waits",
        Breach::Cut => "cut",
    }
}
