//! A further sync leaves the same tables: from the last state, and from the empty one.

use super::compare::differences;
use super::resume::advice;
use super::{Bench, CheckResult, Options, Ran, Setting, Source, Trouble, Verdict, how_to_record, listed};
use crate::destination::sqlite::Warehouse;

pub(super) fn check(bench: &Bench<'_>, options: &Options, first: &Ran) -> Result<CheckResult, Trouble> {
    let warehouse = bench.fresh();
    let again = bench.sync(&warehouse, Setting::default())?;
    if again.result.is_err() {
        return Ok(CheckResult::failed(
            format!("the same sync failed the second time: {}", again.failure().unwrap_or_default()),
            "the check replay says more",
        ));
    }
    let mut result = CheckResult::passed("from the last state, and from the empty one");
    let second = bench.sync(&warehouse, Setting { chance: 1, ..Setting::default() })?;
    result = judge(result, bench, options, first, &second, "a further sync from the last state");
    if second.result.is_err() {
        return Ok(result);
    }
    let emptied = Warehouse::new(&warehouse).set_state(super::bench::CONNECTION, "{}");
    emptied.map_err(|error| Trouble(error.to_string()))?;
    let third = bench.sync(&warehouse, Setting { chance: 2, ..Setting::default() })?;
    let landed = [first, &second, &third].iter().any(|ran| ran.contents.iter().any(|table| !table.rows.is_empty()));
    let nothing = (!landed).then_some("nothing landed that could change");
    Ok(judge(result, bench, options, &second, &third, "a further sync from the empty state").unless(nothing))
}

fn judge(
    result: CheckResult,
    bench: &Bench<'_>,
    options: &Options,
    before: &Ran,
    after: &Ran,
    what: &str,
) -> CheckResult {
    if !after.missing().is_empty() {
        let text = format!("{what} cannot be decided with this cassette: it asks for {}", listed(after.missing()));
        return result.and(Verdict::Undecided, text, Some(how_to_record(bench)));
    }
    let differs = differences(&before.contents, &after.contents, &options.ignored);
    let told = match after.failure() {
        None if differs.is_empty() => return result,
        None => {
            format!("changed the tables: {}", differs.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))
        }
        Some(failure) => format!("failed: {failure}"),
    };
    if !after.repeated().is_empty() {
        let text = format!(
            "{what} cannot be decided with this cassette, which has several entries for one request: {}",
            listed(after.repeated())
        );
        return result.and(Verdict::Undecided, text, Some(how_to_record(bench)));
    }
    let mut hint = advice(&differs).to_owned();
    if matches!(bench.case.source, Source::Network { .. }) {
        hint += "; or the source changed meanwhile";
    }
    result.and(Verdict::Failed, format!("{what} {told}"), Some(hint))
}
