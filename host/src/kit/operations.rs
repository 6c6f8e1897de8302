//! Operations agree with the declaration, and the host took them all.

use super::{CheckResult, Ran, Verdict};
use crate::display::units::counted;

/// Faults that are told one by one.
const TOLD: usize = 5;

pub(super) fn check(first: &Ran) -> CheckResult {
    let journal = &first.journal;
    if journal.declaration.is_none() {
        return CheckResult::skipped("there was no sync");
    }
    let mut result = match (journal.operations, first.result.is_err()) {
        (0, _) => CheckResult::skipped("the sync made no operation"),
        (count, false) => CheckResult::passed(counted(count, "operation")),
        (count, true) => CheckResult::passed(format!("{}, until the sync failed", counted(count, "operation"))),
    };
    for refusal in journal.refusals.iter().take(TOLD) {
        result = result.and(
            Verdict::Failed,
            format!("an operation was refused: {refusal}"),
            Some("send what the message says can be taken; docs/types.md has the rules".to_owned()),
        );
    }
    for fault in journal.faults.iter().take(TOLD) {
        result = result.and(
            Verdict::Failed,
            fault.clone(),
            Some("let schema() and the operations say the same, or leave the table or type undeclared".to_owned()),
        );
    }
    result
}
