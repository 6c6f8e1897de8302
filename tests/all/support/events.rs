//! Events of `--json` are what docs/reference/events.md says: every field that the tests see is described there.

use std::collections::BTreeSet;

use serde_json::Value;
use sluicegate::display::events::{EVENTS, EventKind};

fn kind(event: &Value) -> &'static EventKind {
    let name = event["event"].as_str().unwrap_or_else(|| panic!("no event: {event}"));
    EVENTS.iter().find(|one| one.name == name).unwrap_or_else(|| panic!("display/events.rs does not describe {name}"))
}

/// The described fields that a value has. Panics at one that is not described.
fn fields(kind: &EventKind, way: &str, value: &Value, seen: &mut BTreeSet<&'static str>) {
    if let Some((known, _)) = kind.fields.iter().find(|(known, _)| *known == way) {
        seen.insert(known);
        return;
    }
    let inner = |prefix: &str| kind.fields.iter().any(|(known, _)| known.starts_with(prefix));
    match value {
        Value::Object(object) if way.is_empty() || inner(&format!("{way}.")) => {
            for (name, value) in object {
                let own = if way.is_empty() { name.clone() } else { format!("{way}.{name}") };
                if way.is_empty() && ["event", "time", "connection"].contains(&name.as_str()) {
                    seen.extend(kind.fields.iter().map(|(known, _)| *known).filter(|known| *known == own));
                    continue;
                }
                fields(kind, &own, value, seen);
            }
        }
        Value::Array(values) if inner(&format!("{way}[].")) => {
            values.iter().for_each(|value| fields(kind, &format!("{way}[]"), value, seen));
        }
        _ => panic!("display/events.rs does not describe {way} of {}", kind.name),
    }
}

/// Asserts that an event and all its fields are described.
pub(crate) fn described(event: &Value) {
    fields(kind(event), "", event, &mut BTreeSet::new());
}

/// Asserts that an event has everything that is described, but what may be absent.
pub(crate) fn complete(event: &Value) {
    let (kind, mut seen) = (kind(event), BTreeSet::new());
    fields(kind, "", event, &mut seen);
    let always = kind.fields.iter().filter(|(_, says)| !says.contains("absent")).map(|(known, _)| *known);
    let missing: Vec<_> = always.filter(|known| !seen.contains(known)).collect();
    assert!(missing.is_empty(), "{} has not {missing:?}, which display/events.rs describes", kind.name);
}
