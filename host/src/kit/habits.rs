//! What works, but not well. Nothing here fails.

use super::{Bench, CheckResult, Ran, Verdict, listed};
use crate::display::units::{count, counted};

/// Rows without a checkpoint that are worth a warning: they are sent again when the sync fails.
pub const ROWS_WITHOUT_CHECKPOINT: u64 = 100_000;
/// Log lines of a sync that are worth a warning.
pub const LOG_LINES: u64 = 1_000;

pub(super) fn check(bench: &Bench<'_>, first: &Ran) -> CheckResult {
    let journal = &first.journal;
    let mut result = CheckResult::passed("checkpoints, log and cassette are in order");
    let mut warn = |text: String, hint: &str| {
        let before = std::mem::replace(&mut result, CheckResult::passed(""));
        result = before.and(Verdict::Warned, text, Some(hint.to_owned()));
    };
    let rows: u64 = journal.tables.values().map(|used| used.rows).sum();
    if journal.most_rows_uncommitted > ROWS_WITHOUT_CHECKPOINT {
        let text = format!("{} rows without a checkpoint", count(journal.most_rows_uncommitted));
        warn(text, "checkpoint after each page: what was sent since the last one is sent again after a failure");
    } else if journal.checkpoints.is_empty() && rows > 0 {
        let text = format!("{} and no checkpoint", counted(rows, "row"));
        warn(text, "checkpoint at least at the end, also with a state that never changes");
    } else if journal.rows_uncommitted > 0 {
        let text = format!("{} after the last checkpoint", counted(journal.rows_uncommitted, "row"));
        warn(text, "they land when the sync ends well, and are lost when it does not: checkpoint after them");
    }
    if first.dropped_messages > 0 {
        let text = format!("{} of the log were dropped, it was full", counted(first.dropped_messages, "message"));
        warn(text, "log pages, not rows");
    } else if first.log_lines > LOG_LINES {
        warn(format!("{} log lines in one sync", count(first.log_lines)), "log pages, not rows");
    }
    for table in journal.declaration.iter().flatten() {
        if journal.tables.get(&table.name).is_none_or(|used| used.rows == 0) {
            let text = format!("table {} is declared, and no row of it came", table.name);
            warn(text, "let what there is to test with have rows of it, or take it out of schema()");
        }
    }
    let unused = bench.unused();
    if !unused.is_empty() {
        let entries = counted(unused.len() as u64, "entry").replace("entrys", "entries");
        let text = format!("no sync used {entries} of the cassette: {}", listed(&unused));
        warn(text, "take them out, or let the connector ask for them");
    }
    result
}
