//! Files that people write, from their tables of keys.

use super::markdown::{code, head, plain, table};
use crate::compiler::manifest;
use crate::fleet::{self, keys};
use crate::keys::{ANY, DESTINATION, Key, Kind, OAUTH, SECRET, key};

const SETTINGS: &[Key] = &[
    key("destination", Kind::Table(DESTINATION), "How rows land"),
    key("limits", Kind::Limits, "Limits by name"),
    key("secrets", Kind::ByName(SECRET), "Configuration values that are secret, by name"),
    key("oauth", Kind::ByName(OAUTH), "Tokens that the host fetches, by name of the configuration value"),
];

pub(super) fn fleet() -> String {
    let about = "\
The file of a fleet, for `sluice batch`, `sluice serve` and `sluice validate`. [A fleet](../batch.md) explains it with an
example. Paths begin in the file's folder. A length of time is a text such as `90s`, `15m`, `6h`, `1d` or
`1h30m`. A key that is not listed here is refused, with what was probably meant.
[sluice.schema.json](../sluice.schema.json) is the same for editors.";
    page("sluice.toml", about, keys::FILE)
}

pub(super) fn connector() -> String {
    let about = "\
What a connector is called and what it asks for; beside `connector.py`. Asking grants nothing: the operator does, and
who runs a project's own folder is taken for its operator. Everything in it may be left out, and so may the file. A key
that is not listed here is refused. [connector.schema.json](../connector.schema.json) is the same for editors.";
    page("connector.toml", about, manifest::FILE)
}

pub(super) fn settings() -> String {
    let about = "\
An operator's decisions for one connection, for `--settings` of `sluice run`, `sluice dev` and `sluice configure`. A
connection of [sluice.toml](sluice-toml.md) may have the same sections. Flags win over it, and it wins over a project's
`connector.toml`; what any of them blocks or hashes stays so.";
    page("Settings files", about, SETTINGS)
}

pub(super) fn fleet_schema() -> String {
    pretty(&fleet::schema())
}

pub(super) fn connector_schema() -> String {
    pretty(&manifest::schema())
}

fn pretty(value: &serde_json::Value) -> String {
    serde_json::to_string_pretty(value).unwrap() + "\n"
}

fn page(title: &str, about: &str, keys: &'static [Key]) -> String {
    let mut page = head(title, about);
    page += &format!("\n{}", listed("", keys));
    sections("", keys, &mut page);
    page
}

/// The sections of these keys, each followed by its own.
fn sections(place: &str, keys: &'static [Key], page: &mut String) {
    for key in keys {
        // Its keys are those of a connection.
        let (Some(inner), false) = (inside(key.kind), key.name == "defaults") else { continue };
        let name = section_name(place, key);
        *page += &format!("\n## `[{name}]`\n\n{}.\n\n{}", plain(key.doc), listed(&name, inner));
        sections(&name, inner, page);
    }
}

fn inside(kind: Kind) -> Option<&'static [Key]> {
    match kind {
        Kind::Table(keys) | Kind::ByName(keys) | Kind::Connections(keys) => Some(keys),
        _ => None,
    }
}

fn section_name(place: &str, key: &Key) -> String {
    let dot = if place.is_empty() { "" } else { "." };
    match key.kind {
        Kind::ByName(_) | Kind::Connections(_) => format!("{place}{dot}{}.<name>", key.name),
        _ => format!("{place}{dot}{}", key.name),
    }
}

fn listed(place: &str, keys: &'static [Key]) -> String {
    let rows: Vec<_> = keys.iter().map(|key| row(place, key)).collect();
    table(&["key", "value", "default", ""], &rows)
}

fn row(place: &str, key: &Key) -> Vec<String> {
    assert!(key.doc.len() > 8, "{}: no description", key.name);
    let (says, default) = match key.doc.split_once(". Default: ") {
        Some((says, default)) => (says.to_owned(), default.to_owned()),
        None => (key.doc.to_owned(), String::new()),
    };
    let default = if key.needed { "must be there".to_owned() } else { plain(&default) };
    let value = match (key.name, key.kind) {
        ("defaults", _) => "section; its keys are those of a connection, without `component`".to_owned(),
        (_, kind) if inside(kind).is_some() => {
            let name = section_name(place, key);
            format!("[section](#{})", super::markdown::anchor(&name))
        }
        (_, kind) => written(kind),
    };
    vec![code(key.name), value, default, plain(&says)]
}

/// What may stand there.
fn written(kind: Kind) -> String {
    let words = |words: &[&str]| words.iter().map(|word| code(&format!("\"{word}\""))).collect::<Vec<_>>().join(", ");
    match kind {
        Kind::Path => "path".to_owned(),
        Kind::Text => "text".to_owned(),
        Kind::Texts => "list of texts".to_owned(),
        Kind::TextsByName => "table of texts".to_owned(),
        Kind::Configuration => "path, or table of texts".to_owned(),
        Kind::Duration => "length of time".to_owned(),
        Kind::Flag => "`true`, `false`".to_owned(),
        Kind::Count(least, ANY) => format!("whole number, {least} or more"),
        Kind::Count(least, most) => format!("whole number, {least} to {most}"),
        Kind::Word(these) => words(these),
        Kind::Words(these) => format!("list of {}", words(these)),
        Kind::Limits => "table of numbers or texts, see [limits](../limits.md)".to_owned(),
        Kind::Table(_) | Kind::ByName(_) | Kind::Connections(_) => "section".to_owned(),
    }
}
