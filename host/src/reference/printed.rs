//! What commands print with `--json` when they are done.

use std::collections::BTreeSet;

use clap::CommandFactory as _;

use super::markdown::{anchor, code, head, table};
use crate::cli::Arguments;
use crate::display::events::EVENTS;
use crate::display::printed::PRINTED;

const ABOUT: &str = "\
What commands with `--json` print to standard output when they are done, as one line. Commands that sync print
[events](events.md) instead. New fields may come; these stay.

`a.b` is the field `b` of the object `a`; `a[].b` is the field `b` of each object of the array `a`.";

pub(super) fn page() -> String {
    let list: Vec<_> = PRINTED
        .iter()
        .map(|one| vec![format!("[`sluice {}`](#sluice-{})", one.command, anchor(one.command)), one.is.to_owned()])
        .collect();
    let mut page = head("What commands print as JSON", ABOUT);
    page += &format!("\n{}", table(&["command", "prints"], &list));
    for one in PRINTED {
        let fields: Vec<_> = one.fields.iter().map(|(field, says)| vec![code(field), (*says).to_owned()]).collect();
        page += &format!("\n## sluice {}\n\n{}", one.command, table(&["field", ""], &fields));
    }
    page
}

/// Commands that have an argument `--json`, by their names.
fn with_json(command: &clap::Command, name: &str, found: &mut BTreeSet<String>) {
    if command.get_arguments().any(|argument| argument.get_long() == Some("json")) {
        found.insert(name.to_owned());
    }
    for below in command.get_subcommands() {
        with_json(below, format!("{name} {}", below.get_name()).trim(), found);
    }
}

#[test]
fn every_command_with_json_is_described() {
    let mut found = BTreeSet::new();
    with_json(&Arguments::command(), "", &mut found);
    let events = EVENTS.iter().flat_map(|event| event.by.split([',', ' ']));
    let printed = PRINTED.iter().flat_map(|one| [one.command, one.command.split(" --").next().unwrap_or_default()]);
    let described: BTreeSet<_> = events.chain(printed).collect();
    let missing: Vec<_> = found.iter().filter(|name| !described.contains(name.as_str())).collect();
    assert!(missing.is_empty(), "display/printed.rs does not say what {missing:?} print");
    for one in PRINTED {
        let command = one.command.split(" --").next().unwrap_or_default();
        assert!(found.contains(command), "{command} has no --json");
    }
}
