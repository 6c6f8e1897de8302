//! `sluice resync`: read again, then delete what is gone.

use serde::Serialize;

use super::connection::warehouse;
use crate::cli::args::ResyncArguments;
use crate::cli::failure::Failure;
use crate::cli::print;
use crate::destination::sqlite::{Forget, PendingResync, Resync, Warehouse};
use crate::display::summary::ResyncSummary;
use crate::policy::terminal::{Lines, listed, visible};

/// Longest name of a table that is shown, in bytes.
const NAME_BYTES: usize = 512;

#[derive(Serialize)]
struct Report<'a> {
    connection: &'a str,
    /// Re-syncs that began now.
    begun: Vec<ResyncSummary>,
    /// Re-syncs that were pending and are not any more.
    cancelled: Vec<ResyncSummary>,
}

/// Begins a re-sync, or cancels those that are pending.
pub(in crate::cli) fn resync(arguments: &ResyncArguments) -> Result<u8, Failure> {
    let warehouse = warehouse(&arguments.connection);
    let connection = &arguments.connection.connection;
    let mut report = Report { connection, begun: Vec::new(), cancelled: Vec::new() };
    let text = if arguments.cancel {
        let cancelled = warehouse.cancel_resyncs(connection)?;
        report.cancelled = cancelled.iter().map(in_summary).collect();
        match cancelled.len() {
            0 => format!("no re-sync of connection {connection} was pending\n"),
            _ => format!("the pending re-sync of connection {connection} is cancelled; its rows and its state stay\n"),
        }
    } else {
        let wanted = wanted(arguments, &warehouse)?;
        let Some(begun) = warehouse.resync(connection, &wanted)? else { return Err(nothing(connection)) };
        report.begun.push(in_summary(&begun));
        begun_in_words(connection, &begun)
    };
    let json = serde_json::to_string(&report).map_err(|error| Failure::host(error.to_string()))?;
    print(&if arguments.json { format!("{json}\n") } else { text })?;
    Ok(0)
}

fn nothing(connection: &str) -> Failure {
    Failure::refused(format!("connection {connection} was never synced: there is nothing to re-sync"))
        .hint("name the connection, and its folder with --warehouse, as in `sluice run`")
}

fn wanted(arguments: &ResyncArguments, warehouse: &Warehouse) -> Result<Resync, Failure> {
    let Some(name) = arguments.table.clone() else { return Ok(Resync::Everything) };
    let forget = if arguments.whole_state {
        Forget::Everything
    } else if arguments.keep_state {
        Forget::Nothing
    } else if !arguments.remove_state_key.is_empty() {
        Forget::Keys(arguments.remove_state_key.clone())
    } else {
        let keys = Warehouse::state_keys(&warehouse.state(&arguments.connection.connection)?);
        if !keys.is_empty() {
            return Err(undecided(&name, &keys));
        }
        Forget::Nothing
    };
    Ok(Resync::Table { name, forget })
}

fn undecided(table: &str, keys: &[String]) -> Failure {
    Failure::refused(format!("say what the connector shall forget, so that it reads {table} again")).hint(format!(
        "the keys of the state are {}: pass --remove-state-key KEY for each that belongs to {table}, --whole-state to \
         read all tables again, or --keep-state when the connector reads {table} as a whole in every sync",
        listed(keys)
    ))
}

fn shown(pending: &PendingResync) -> Option<String> {
    pending.table.as_ref().map(|table| visible(&table.to_string(), Lines::One, NAME_BYTES))
}

fn begun_in_words(connection: &str, begun: &PendingResync) -> String {
    match shown(begun) {
        None => format!(
            "a re-sync of connection {connection} has begun: the next sync starts from the beginning, and when a sync \
             ends well, rows that did not arrive again are deleted\n"
        ),
        Some(table) => format!(
            "a re-sync of table {table} has begun: when a sync has brought rows of it and ends well, its rows that did \
             not arrive again are deleted\n"
        ),
    }
}

/// A pending re-sync as one sentence.
pub(super) fn pending_in_words(pending: &PendingResync) -> String {
    let what = shown(pending).map_or_else(|| "everything".to_owned(), |table| format!("table {table}"));
    format!("a re-sync of {what} is pending since {}", pending.began)
}

/// A re-sync as a summary tells it.
pub(in crate::cli) fn in_summary(pending: &PendingResync) -> ResyncSummary {
    ResyncSummary { table: pending.table.as_ref().map(ToString::to_string), began: pending.began.clone() }
}
