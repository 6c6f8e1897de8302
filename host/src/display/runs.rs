//! The history of runs, for people.

use std::io::Write as _;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::table::{Column, Table};
use super::units;
use crate::history::{Outcome, Run};
use crate::policy::limits::{Row, Unit};
use crate::policy::terminal::{Lines, visible};

/// Longest message in a list, in bytes.
const SHORT_BYTES: usize = 60;
/// Longest message of one run, in bytes.
const MESSAGE_BYTES: usize = 8 << 10;

/// Active rows of a table in a month.
#[derive(Clone, Debug, Serialize)]
pub struct MonthRow {
    /// The month in UTC.
    pub month: String,
    /// The connection.
    pub connection: String,
    /// The table as it is called in the database.
    pub table: String,
    /// Its active rows.
    pub active_rows: u64,
}

fn text(write: impl FnOnce(&mut Vec<u8>) -> std::io::Result<()>) -> String {
    let mut out = Vec::new();
    // Writing to memory does not fail.
    let _ = write(&mut out);
    String::from_utf8_lossy(&out).into_owned()
}

fn seconds(seconds: f64) -> String {
    units::duration(Duration::try_from_secs_f64(seconds).unwrap_or_default())
}

/// A stored time to the second.
fn time(stamp: &str) -> String {
    stamp.parse::<Timestamp>().map_or_else(|_| stamp.to_owned(), |time| format!("{time:.0}"))
}

/// Runs, one a line.
#[must_use]
pub fn list(runs: &[Run]) -> String {
    let mut table = Table::new(vec![
        Column::right("run"),
        Column::left("connection"),
        Column::left("connector"),
        Column::left("started"),
        Column::right("took"),
        Column::left("outcome"),
        Column::right("rows"),
        Column::right("active"),
        Column::left("message"),
    ]);
    for run in runs {
        let version = run.version.as_ref().map(|version| format!(" {version}")).unwrap_or_default();
        let took = if run.totals.wall_seconds > 0.0 { seconds(run.totals.wall_seconds) } else { String::new() };
        table.row([
            run.id.to_string(),
            run.connection.clone(),
            format!("{}{version}", run.connector),
            time(&run.started),
            took,
            run.outcome.as_str().to_owned(),
            units::count(run.totals.rows),
            units::count(run.totals.active_rows),
            visible(run.message.as_deref().unwrap_or_default(), Lines::One, SHORT_BYTES),
        ]);
    }
    text(|out| table.write(out, ""))
}

/// One run with everything that is known of it.
#[must_use]
pub fn one(run: &Run) -> String {
    text(|out| {
        let connection = visible(&run.connection, Lines::One, SHORT_BYTES);
        writeln!(out, "run {} of {connection}: {}", run.id, run.outcome.as_str())?;
        if let Some(message) = &run.message {
            writeln!(out, "  {}", visible(message, Lines::One, MESSAGE_BYTES))?;
        }
        writeln!(out)?;
        facts(run).write(out, "  ")?;
        for mut part in [tables(run), hosts(run)].into_iter().flatten() {
            writeln!(out)?;
            part.write(out, "  ")?;
        }
        if !run.limits.is_empty() {
            writeln!(out)?;
            limits(run).write(out, "  ")?;
        }
        Ok(())
    })
}

fn facts(run: &Run) -> Table {
    let totals = &run.totals;
    let version = run.version.as_ref().map(|version| format!(" {version}")).unwrap_or_default();
    let mut table = Table::new(vec![Column::left("connector"), Column::left(format!("{}{version}", run.connector))]);
    let try_of = if run.attempt > 1 { format!(", try {}", run.attempt) } else { String::new() };
    let bytes = |count: u64, bytes: u64| format!("{} ({})", units::count(count), units::bytes(bytes));
    table.row(["component", &run.component]);
    table.row(["started", &format!("{} by {}, sluice {}{try_of}", time(&run.started), run.user, run.command)]);
    if let Some(ended) = &run.ended {
        table.row(["ended", &time(ended)]);
    }
    table.row(["sync", &run.sync]);
    if run.outcome != Outcome::Running {
        table.row(["rows", &bytes(totals.rows, totals.bytes)]);
        table.row(["active rows", &units::count(totals.active_rows)]);
        table.row(["checkpoints", &units::count(totals.checkpoints)]);
        if totals.files > 0 {
            table.row(["files", &bytes(totals.files, totals.file_bytes)]);
        }
        table.row(["requests", &format!("{}, {} denied", units::count(totals.requests), units::count(totals.denied))]);
        for (name, used, limit) in used(run) {
            table.row([name, &format!("{used}{}", limit.map(|limit| format!(" of {limit}")).unwrap_or_default())]);
        }
    }
    table
}

/// What was used of the limits that every sync gets near.
fn used(run: &Run) -> [(&'static str, String, Option<String>); 3] {
    let limit = |name: &str| run.limits.get(name).map(|value| limit(name, *value));
    [
        ("time", seconds(run.totals.wall_seconds), limit("wall")),
        ("processor time", seconds(run.totals.cpu_seconds), limit("cpu")),
        ("peak memory", units::bytes(run.totals.peak_memory_bytes), limit("memory_bytes")),
    ]
}

fn limit(name: &str, value: u64) -> String {
    match Row::find(name).map(|row| row.unit) {
        Some(Unit::Bytes) => units::bytes(value),
        Some(Unit::Time) => units::duration(Duration::from_millis(value)),
        Some(Unit::Count) | None => units::count(value),
    }
}

fn tables(run: &Run) -> Option<Table> {
    let tables = run.tables.as_ref().filter(|tables| !tables.is_empty())?;
    let names = ["upserts", "updates", "deletes", "truncates", "swept", "nulled", "quarantined", "active"];
    let columns = names.into_iter().map(Column::right);
    let mut table = Table::new(std::iter::once(Column::left("table")).chain(columns).collect());
    for one in tables {
        let numbers = [
            one.upserts,
            one.updates,
            one.deletes,
            one.truncates,
            one.swept,
            one.nulled,
            one.quarantined,
            one.active_rows,
        ];
        table.row(std::iter::once(one.table.clone()).chain(numbers.map(units::count)));
    }
    Some(table)
}

fn hosts(run: &Run) -> Option<Table> {
    let hosts = run.hosts.as_ref().filter(|hosts| !hosts.is_empty())?;
    let columns = ["requests", "connections", "sent", "received", "denied"].into_iter().map(Column::right);
    let mut table = Table::new(std::iter::once(Column::left("host")).chain(columns).collect());
    for one in hosts {
        table.row([
            one.host.clone(),
            units::count(one.requests),
            units::count(one.connections),
            units::bytes(one.bytes_sent),
            units::bytes(one.bytes_received),
            units::count(one.denied),
        ]);
    }
    Some(table)
}

fn limits(run: &Run) -> Table {
    let mut table = Table::new(vec![Column::left("limit"), Column::right("in force")]);
    for (name, value) in &run.limits {
        table.row([name.clone(), limit(name, *value)]);
    }
    table
}

/// Active rows, one table of a month a line.
#[must_use]
pub fn months(rows: &[MonthRow]) -> String {
    let mut table = Table::new(vec![
        Column::left("month"),
        Column::left("connection"),
        Column::left("table"),
        Column::right("active rows"),
    ]);
    for row in rows {
        let rows = units::count(row.active_rows);
        table.row([row.month.clone(), row.connection.clone(), row.table.clone(), rows]);
    }
    text(|out| table.write(out, ""))
}
