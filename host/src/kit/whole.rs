//! A sync from the empty state ends well: what the other checks compare with.

use super::{Bench, CheckResult, Ran, Source, how_to_record, listed};
use crate::display::units::counted;
use crate::error::SyncError;

pub(super) fn check(bench: &Bench<'_>, first: &Ran) -> CheckResult {
    let journal = &first.journal;
    if !first.missing().is_empty() {
        let nothing = matches!(&bench.case.source, Source::Cassette(cassette, _) if cassette.entries.is_empty());
        let requests = listed(first.missing());
        let text = match nothing {
            true => format!("there is no cassette, and the connector asks for {requests}"),
            false => format!("the cassette has no entry for {requests}"),
        };
        return CheckResult::undecided(text, how_to_record(bench));
    }
    let Err(error) = &first.result else {
        let rows = journal.tables.values().map(|used| used.rows).sum();
        return CheckResult::passed(format!(
            "{} in {}, {}",
            counted(rows, "row"),
            counted(journal.operations, "operation"),
            counted(journal.checkpoints.len() as u64, "checkpoint"),
        ));
    };
    match error {
        SyncError::Denied(_) => CheckResult::skipped("it was denied something: see capabilities"),
        _ if journal.declaration_refused.is_some() => CheckResult::skipped("its tables cannot land: see schema"),
        _ if !journal.refusals.is_empty() => CheckResult::skipped("an operation was refused: see operations"),
        _ if journal.declaration.is_none() => CheckResult::skipped("schema() failed: see schema"),
        error => {
            let log = match first.last_lines.is_empty() {
                true => String::new(),
                false => format!("; its last log lines: {}", first.last_lines.join(" / ")),
            };
            CheckResult::failed(
                format!("the sync failed: {error}{log}"),
                "`sluice run` with the same cassette or server shows the whole traceback",
            )
        }
    }
}
