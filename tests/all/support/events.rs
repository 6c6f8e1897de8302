//! What `--json` prints is what docs/reference/events.md and docs/reference/json.md say: every field that the tests see
//! is described there.

use std::collections::BTreeSet;

use serde_json::Value;
use sluicegate::display::events::{EVENTS, EventKind};
use sluicegate::display::printed::PRINTED;

/// Fields that are described, and of what.
#[derive(Clone, Copy)]
struct Described {
    of: &'static str,
    fields: &'static [(&'static str, &'static str)],
    /// What every one has, and is described elsewhere.
    common: &'static [&'static str],
}

fn kind(event: &Value) -> &'static EventKind {
    let name = event["event"].as_str().unwrap_or_else(|| panic!("no event: {event}"));
    EVENTS.iter().find(|one| one.name == name).unwrap_or_else(|| panic!("display/events.rs does not describe {name}"))
}

/// The described fields that a value has. Panics at one that is not described.
fn fields(described: Described, way: &str, value: &Value, seen: &mut BTreeSet<&'static str>) {
    if let Some((known, _)) = described.fields.iter().find(|(known, _)| *known == way)
        && !(value.is_object() && described.fields.iter().any(|(known, _)| known.starts_with(&format!("{way}."))))
    {
        seen.insert(known);
        return;
    }
    seen.extend(described.fields.iter().map(|(known, _)| *known).filter(|known| *known == way));
    let inner = |prefix: &str| described.fields.iter().any(|(known, _)| known.starts_with(prefix));
    match value {
        Value::Object(object) if way.is_empty() || inner(&format!("{way}.")) => {
            for (name, value) in object {
                let own = if way.is_empty() { name.clone() } else { format!("{way}.{name}") };
                if way.is_empty() && described.common.contains(&name.as_str()) {
                    seen.extend(described.fields.iter().map(|(known, _)| *known).filter(|known| *known == own));
                    continue;
                }
                fields(described, &own, value, seen);
            }
        }
        Value::Array(values) if inner(&format!("{way}[]")) => {
            values.iter().for_each(|value| fields(described, &format!("{way}[]"), value, seen));
        }
        _ => panic!("{way} of {} is not described in host/src/display", described.of),
    }
}

fn of_event(event: &Value) -> Described {
    let kind = kind(event);
    Described { of: kind.name, fields: kind.fields, common: &["event", "time", "connection"] }
}

fn of_command(command: &str) -> Described {
    let found = PRINTED.iter().find(|one| one.command == command);
    let found = found.unwrap_or_else(|| panic!("display/printed.rs does not describe {command}"));
    Described { of: found.command, fields: found.fields, common: &[] }
}

fn has_all(described: Described, value: &Value) {
    let mut seen = BTreeSet::new();
    fields(described, "", value, &mut seen);
    let always = described.fields.iter().filter(|(_, says)| !says.contains("absent")).map(|(known, _)| *known);
    let missing: Vec<_> = always.filter(|known| !seen.contains(known)).collect();
    assert!(missing.is_empty(), "{} has not {missing:?}, which host/src/display describes", described.of);
}

/// Asserts that an event and all its fields are described.
pub(crate) fn described(event: &Value) {
    fields(of_event(event), "", event, &mut BTreeSet::new());
}

/// Asserts that an event has everything that is described, but what may be absent.
pub(crate) fn complete(event: &Value) {
    has_all(of_event(event), event);
}

/// Asserts that all of what a command printed is described.
pub(crate) fn printed(command: &str, value: &Value) {
    fields(of_command(command), "", value, &mut BTreeSet::new());
}

/// Asserts that it has everything that is described, but what may be absent.
pub(crate) fn printed_all(command: &str, value: &Value) {
    has_all(of_command(command), value);
}
