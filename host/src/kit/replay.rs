//! The same cassette gives the same operations, byte for byte, and the same tables.

use super::compare::differences;
use super::{Bench, CheckResult, Ran, Setting, Source, Trouble};

const HINT: &str = "what a connector does must depend on its configuration, its state and its source alone";

pub(super) fn check(bench: &Bench<'_>, first: &Ran) -> Result<CheckResult, Trouble> {
    if matches!(bench.case.source, Source::Network { .. }) {
        return Ok(CheckResult::skipped("it needs a cassette"));
    }
    let again = bench.sync(&bench.fresh(), Setting::default())?;
    Ok(compare(first, &again))
}

fn compare(first: &Ran, again: &Ran) -> CheckResult {
    let differs = differences(&first.contents, &again.contents, &[]);
    if let Some(failure) = again.failure() {
        return CheckResult::failed(format!("the second replay failed: {failure}"), HINT);
    }
    if !differs.is_empty() {
        let all = differs.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        return CheckResult::failed(format!("the second replay gave other tables: {all}"), HINT);
    }
    let (one, other) = (first.journal.digest(), again.journal.digest());
    if one != other {
        let counts = (first.journal.operations, again.journal.operations);
        let text = match counts {
            (before, after) if before != after => format!("{before} operations, and {after} the second time"),
            _ => "the same tables, but by other operations the second time".to_owned(),
        };
        return CheckResult::failed(text, HINT);
    }
    CheckResult::passed(format!("operations {}", one.get(..12).unwrap_or(&one)))
}
