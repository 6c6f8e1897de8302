//! What `sluice run` says at the end.

use std::path::Path;

use crate::cli::connector::subject::Subject;
use crate::cli::failure::Failure;
use crate::cli::warehouse::resync;
use crate::destination::filter::Withheld;
use crate::destination::sqlite::{TableInfo, Warehouse};
use crate::display::cassette::CassetteSummary;
use crate::display::preview::{self, PreviewColumn, TablePreview};
use crate::display::summary::{ConnectorIdentity, HostSummary, Outcome, OutcomeClass, SyncSummary, TableSummary};
use crate::display::traceback;
use crate::display::units;
use crate::display::withheld::WithheldSummary;
use crate::error::SyncError;
use crate::http::{Recorded, TurnedAway};
use crate::policy::secrets::Redactor;
use crate::sync::{CassetteReport, SyncReport};

/// Tables that a preview shows at most.
const PREVIEWED_TABLES: usize = 10;
/// Types that stand to the right of their column.
const NUMERIC_TYPES: [&str; 6] = ["SHORT", "INT", "LONG", "FLOAT", "DOUBLE", "DECIMAL"];

/// The report as the display wants it.
pub(super) fn summary(
    subject: &Subject,
    digest: &str,
    connection: &str,
    warehouse: &Path,
    report: SyncReport,
    secrets: &Redactor,
) -> SyncSummary {
    let rate = units::per_second(report.rows, report.wall);
    let mut hosts: Vec<_> = report
        .hosts
        .into_iter()
        .map(|host| HostSummary {
            host: secrets.redact(&host.host),
            requests: host.requests,
            connections: host.connections,
            bytes_sent: host.bytes_sent,
            bytes_received: host.bytes_received,
            denied: host.denied,
        })
        .collect();
    hosts.sort_by_key(|host| std::cmp::Reverse(host.requests + host.connections));
    SyncSummary {
        connector: ConnectorIdentity {
            name: subject.name().to_owned(),
            version: subject.version().map(str::to_owned),
            digest: digest.to_owned(),
        },
        connection: connection.to_owned(),
        database: warehouse.join(format!("{connection}.db")).display().to_string(),
        outcome: outcome(report.result, report.turned_away.as_ref()),
        tables: report
            .tables
            .into_iter()
            .map(|counts| TableSummary {
                table: secrets.redact(&counts.table.to_string()),
                upserts: counts.upserts,
                updates: counts.updates,
                deletes: counts.deletes,
                truncates: counts.truncates,
                swept: counts.swept,
                nulled: counts.nulled,
                keyless: counts.keyless,
                quarantined: counts.quarantined,
                active_rows: counts.active,
            })
            .collect(),
        pending_resyncs: report.pending_resyncs.iter().map(resync::in_summary).collect(),
        withheld: withheld(&report.withheld, secrets),
        cassette: report.cassette.map(cassette),
        checkpoints: report.checkpoints,
        files: report.files.0,
        file_bytes: report.files.1,
        rows: report.rows,
        bytes: report.bytes,
        rows_per_second: rate,
        hosts,
        peak_memory_bytes: report.peak_memory_bytes,
        log_messages_dropped: report.dropped_messages,
        wall: report.wall,
        cpu: report.cpu,
    }
}

fn cassette(report: CassetteReport) -> CassetteSummary {
    match report {
        CassetteReport::Recorded(Recorded { entries, partial, .. }) => CassetteSummary::Recorded { entries, partial },
        CassetteReport::Replayed(replayed) => CassetteSummary::Replayed {
            used: replayed.used,
            unused: replayed.unused,
            unused_requests: replayed.unused_requests,
            missing: replayed.missing,
            missing_requests: replayed.missing_requests,
        },
    }
}

/// One entry a table and reason, in order of first appearance.
fn withheld(all: &[Withheld], secrets: &Redactor) -> Vec<WithheldSummary> {
    let mut entries: Vec<WithheldSummary> = Vec::new();
    for one in all {
        let (table, reason) = (secrets.redact(&one.table.to_string()), one.reason.to_string());
        let Some(column) = one.column.as_deref().map(|column| secrets.redact(column)) else {
            entries.push(WithheldSummary { table, columns: Vec::new(), reason });
            continue;
        };
        let its =
            |entry: &&mut WithheldSummary| entry.table == table && entry.reason == reason && !entry.columns.is_empty();
        match entries.iter_mut().find(its) {
            Some(entry) => entry.columns.push(column),
            None => entries.push(WithheldSummary { table, columns: vec![column], reason }),
        }
    }
    entries
}

fn outcome(result: Result<(), SyncError>, turned_away: Option<&TurnedAway>) -> Outcome {
    let Err(error) = result else { return Outcome::default() };
    let message = match &error {
        SyncError::Connector(failure) => failure.to_string(),
        other => other.to_string(),
    };
    let (class, hint) = match &error {
        SyncError::Connector(_) => (
            OutcomeClass::Connector,
            turned_away.map(|away| format!("{away}: check the credential; a batch does not try this again")),
        ),
        SyncError::Limit(_) => {
            (OutcomeClass::Limit, Some("`sluice run --help` lists the limits under their own heading".to_owned()))
        }
        SyncError::Denied(_) => (OutcomeClass::Denied, None),
        SyncError::Host(_) => (OutcomeClass::Host, None),
    };
    let traceback = match error {
        SyncError::Connector(failure) => Some(failure.traceback).filter(|text| !text.is_empty()),
        _ => None,
    };
    let frames = traceback.as_deref().map(traceback::frames).unwrap_or_default();
    let all_frames = crate::cli::tracing::verbose();
    Outcome { class, message: Some(message), traceback, hint, frames, all_frames, ..Outcome::default() }
}

/// The summary and the first rows of each table, on standard output.
pub(in crate::cli) fn print(
    summary: &SyncSummary,
    warehouse: &Path,
    connection: &str,
    rows: usize,
    secrets: &Redactor,
) -> Result<(), Failure> {
    let mut text = Vec::new();
    let written = summary.write(&mut text);
    let written = written.and_then(|()| {
        let previews = previews(warehouse, connection, rows, summary);
        if previews.is_empty() {
            return Ok(());
        }
        text.push(b'\n');
        preview::write(&previews, &mut text)
    });
    written.map_err(|error| Failure::host(error.to_string()))?;
    // Rows are data, but a terminal or its log is not where a secret should turn up.
    crate::cli::print(&secrets.redact(&String::from_utf8_lossy(&text)))
}

/// Previews of the tables this sync touched. A table that cannot be read is left out: the
/// sync has been reported, and a preview is a courtesy.
fn previews(warehouse: &Path, connection: &str, rows: usize, summary: &SyncSummary) -> Vec<TablePreview> {
    if rows == 0 {
        return Vec::new();
    }
    let warehouse = Warehouse::new(warehouse);
    let touched = |info: &TableInfo| summary.tables.iter().any(|table| table.table == info.source.to_string());
    let tables = warehouse.tables(connection).unwrap_or_default();
    tables
        .iter()
        .filter(|info| touched(info))
        .take(PREVIEWED_TABLES)
        .filter_map(|info| one(&warehouse, connection, info, rows))
        .collect()
}

/// The logical type of a column; empty when it has none.
pub(in crate::cli) fn data_type<'a>(info: &'a TableInfo, column: &str) -> &'a str {
    let column = info.columns.iter().find(|known| known.name == column);
    column.and_then(|column| column.data_type.as_deref()).unwrap_or_default()
}

/// Whether a logical type is one of numbers.
pub(in crate::cli) fn is_numeric(data_type: &str) -> bool {
    NUMERIC_TYPES.iter().any(|number| data_type.starts_with(number))
}

fn one(warehouse: &Warehouse, connection: &str, info: &TableInfo, rows: usize) -> Option<TablePreview> {
    let limit = u32::try_from(rows).unwrap_or(u32::MAX);
    let peek = warehouse.peek(connection, &info.name, limit).ok().flatten()?;
    let numeric = |name: &str| is_numeric(data_type(info, name));
    let columns = peek
        .columns
        .iter()
        .map(|name| PreviewColumn { name: name.clone(), numeric: numeric(name), note: None })
        .collect();
    Some(TablePreview { table: info.name.clone(), total_rows: info.alive + info.deleted, columns, rows: peek.rows })
}
