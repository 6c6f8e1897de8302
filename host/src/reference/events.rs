//! Events of `--json`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::markdown::{anchor, code, head, table};
use crate::display::events::EVENTS;

const ABOUT: &str = "\
With `--json` commands that take a while print events to standard output, one JSON object a line. Each has `event`, its
name, and `time`, in UTC. In a batch those of a sync also have `connection`. New events and fields may come; these stay.

Other commands with `--json` print [one object or array](json.md) when they are done.";

pub(super) fn page() -> String {
    let list: Vec<_> = EVENTS
        .iter()
        .map(|one| vec![format!("[`{}`](#{})", one.name, anchor(one.name)), one.by.to_owned(), one.when.to_owned()])
        .collect();
    let mut page = head("Events", ABOUT);
    page += &format!("\n{}", table(&["event", "printed by", "when"], &list));
    for one in EVENTS {
        page += &format!("\n## {}\n\n", one.name);
        let fields: Vec<_> = one.fields.iter().map(|(field, says)| vec![code(field), (*says).to_owned()]).collect();
        page += &if fields.is_empty() { "No fields of its own.\n".to_owned() } else { table(&["field", ""], &fields) };
    }
    page
}

/// The names of events that stand in the sources of a folder, before their tests.
fn named(folder: &Path, found: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if !path.ends_with("src/reference") {
                named(&path, found);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]\n").next().unwrap_or_default();
            let names =
                code.split(".event(").skip(1).filter_map(|call| call.trim_start().strip_prefix('"')?.split('"').next());
            found.extend(names.map(ToOwned::to_owned));
        }
    }
}

#[test]
fn every_event_is_described() {
    let mut found = BTreeSet::new();
    named(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    let described: BTreeSet<_> = EVENTS.iter().map(|one| one.name.to_owned()).collect();
    assert_eq!(described, found, "display/events.rs describes other events than there are");
}
