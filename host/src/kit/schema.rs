//! The declaration can land, and is the same when asked again, at another time and with other random numbers.

use super::{Bench, CheckResult, Ran, Setting, Trouble, how_to_record, listed};
use crate::display::units::counted;
use crate::rows::TableDefinition;
use crate::trial::CutAfter;

const STABLE: &str = "make schema() depend on the configuration and the source alone, not on the time or on chance";

pub(super) fn check(bench: &Bench<'_>) -> Result<CheckResult, Trouble> {
    let ask = |setting| bench.sync(&bench.fresh(), Setting { cut: Some(CutAfter::Declaration), ..setting });
    let first = ask(Setting::default())?;
    let Some(declared) = declaration(&first) else { return Ok(not_declared(bench, &first)) };
    let mut second = ask(Setting { chance: 1, later: true, ..Setting::default() })?;
    if !second.missing().is_empty() {
        // What it asks for depends on the time, which the cassette does not know.
        second = ask(Setting { chance: 1, ..Setting::default() })?;
    }
    let Some(again) = declaration(&second) else { return Ok(not_declared(bench, &second)) };
    let changed = changes(declared, again);
    if !changed.is_empty() {
        return Ok(CheckResult::failed(format!("schema() answered something else the second time: {changed}"), STABLE));
    }
    let tables = match declared.len() {
        0 => "no tables are declared".to_owned(),
        count => counted(count as u64, "table"),
    };
    Ok(CheckResult::passed(format!("{tables}, asked twice")))
}

/// What was declared and taken.
fn declaration(ran: &Ran) -> Option<&[TableDefinition]> {
    ran.journal.was_cut.then_some(ran.journal.declaration.as_deref()).flatten()
}

fn not_declared(bench: &Bench<'_>, ran: &Ran) -> CheckResult {
    if !ran.missing().is_empty() {
        let text = format!("schema() asks for what the cassette has no entry for: {}", listed(ran.missing()));
        return CheckResult::undecided(text, how_to_record(bench));
    }
    match &ran.journal.declaration_refused {
        Some(reason) => CheckResult::failed(
            format!("the declared tables cannot land: {reason}"),
            "declare names and keys that fit; docs/types.md and docs/landing.md say what does",
        ),
        None => CheckResult::failed(
            format!("schema() failed: {}", ran.failure().unwrap_or_default()),
            "schema() must answer without an exception whenever it is asked",
        ),
    }
}

/// What is different, in a few words.
fn changes(first: &[TableDefinition], second: &[TableDefinition]) -> String {
    let mut changed = Vec::new();
    for table in first {
        match second.iter().find(|other| other.name == table.name) {
            None => changed.push(format!("table {} is gone", table.name)),
            Some(other) if other != table => changed.push(format!("table {} is declared otherwise", table.name)),
            Some(_) => {}
        }
    }
    let new = second.iter().filter(|table| !first.iter().any(|other| other.name == table.name));
    changed.extend(new.map(|table| format!("table {} is new", table.name)));
    changed.join(", ")
}
