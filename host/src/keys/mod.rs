//! Every key of the files that people write (`sluice.toml`, `connector.toml`, settings files): what their parsers take,
//! what their JSON Schemas say, and what docs/reference says of them.

mod schema;
mod sections;

pub(crate) use schema::schema;
pub(crate) use sections::{DESTINATION, OAUTH, SECRET};

/// A key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// What it means, and its default.
    pub(crate) doc: &'static str,
    /// Whether it must be there.
    pub(crate) needed: bool,
}

impl Key {
    /// The same, of which there must be one.
    pub(crate) const fn needed(self) -> Self {
        Self { needed: true, ..self }
    }
}

/// What may stand at a key.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// A file or folder, relative to the file that names it.
    Path,
    Text,
    Texts,
    /// Texts by a name of the operator's choice.
    TextsByName,
    /// A file, or texts by name.
    Configuration,
    /// A number with its unit, such as `90s`, `15m`, `6h`, `1d` or `1h30m`.
    Duration,
    Flag,
    Count(u64, u64),
    /// One of these words.
    Word(&'static [&'static str]),
    /// Some of these words.
    Words(&'static [&'static str]),
    /// A table with these keys.
    Table(&'static [Key]),
    /// Tables with these keys, by a name of the operator's choice.
    ByName(&'static [Key]),
    /// The same, by names of connections.
    Connections(&'static [Key]),
    /// Limits by their names, as [`crate::policy::limits::ROWS`] has them.
    Limits,
}

/// A key that may be left out.
pub(crate) const fn key(name: &'static str, kind: Kind, doc: &'static str) -> Key {
    Key { name, kind, doc, needed: false }
}

/// No bound that a file could reach.
pub(crate) const ANY: u64 = i64::MAX as u64;

/// The names of keys.
pub(crate) fn names(keys: &'static [Key]) -> impl Iterator<Item = &'static str> + Clone {
    keys.iter().map(|key| key.name)
}
