//! A fleet: connections, what each is granted, and when it is synced, in one file, `sluice.toml`. Pure.
//!
//! Nothing of a file is used unless all of it is understood: an `allow` that is misspelled denies, but a `limits` that
//! is misspelled would not limit. docs/batch.md describes the file.
//!
//! | file | what it does |
//! |---|---|
//! | `keys` | every key, for the parser, the JSON Schema and docs/reference |
//! | `values`, `sections`, `connection` | what stands at a key |
//! | `schedule`, `retry` | when a connection is synced, and when again |
//! | `problem` | what is wrong, where, and what was meant |

mod connection;
pub(crate) mod keys;
mod problem;
mod retry;
mod schedule;
mod sections;
#[cfg(test)]
mod tests;
mod values;

use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::de::DeTable;

pub use connection::{Configured, Connection, ConnectionSettings};
pub use keys::MOST_AT_A_TIME;
pub use problem::{Problem, instead};
pub use retry::Retry;
pub use schedule::Schedule;
pub use values::duration;

use connection::Draft;
use keys::{CONNECTION, DEFAULTS, FILE};
use problem::line_of;
use values::{Entry, Reader};

/// The name of the file.
pub const FLEET: &str = "sluice.toml";
/// The folder of databases, unless the file names another.
pub const WAREHOUSE: &str = "warehouse";
/// Most connections of a fleet.
pub const MOST_CONNECTIONS: usize = 10_000;

/// The JSON Schema (2020-12) of a fleet's file.
#[must_use]
pub fn schema() -> serde_json::Value {
    crate::keys::schema("sluice.toml: connections of a fleet", FILE)
}

/// What the file says.
#[derive(Clone, Debug)]
pub struct Fleet {
    /// Folder of the databases.
    pub warehouse: PathBuf,
    /// Most syncs at a time.
    pub concurrency: Option<usize>,
    /// The longest a batch may take.
    pub timeout: Option<Duration>,
    /// The connections, as they stand in the file.
    pub connections: Vec<Connection>,
}

/// Reads a fleet's file. `folder` is where it lies, and where its paths begin.
///
/// # Errors
/// Everything that is wrong with it, in the order of its lines.
pub fn read(text: &str, folder: &Path) -> Result<Fleet, Vec<Problem>> {
    let mut reader = Reader { text, folder, problems: Vec::new() };
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        let at = error.span().map_or(0, |span| span.start);
        reader.problem(at, "", error.message().replace('\n', "; "), None);
    }
    if !errors.is_empty() {
        return Err(sorted(reader.problems));
    }
    let fleet = file(&mut reader, table.into_inner());
    if reader.problems.is_empty() { Ok(fleet) } else { Err(sorted(reader.problems)) }
}

fn sorted(mut problems: Vec<Problem>) -> Vec<Problem> {
    problems.sort_by_key(|problem| problem.line);
    problems.dedup();
    problems
}

fn file<'t>(reader: &mut Reader<'t>, table: DeTable<'t>) -> Fleet {
    let mut fleet =
        Fleet { warehouse: reader.folder.join(WAREHOUSE), concurrency: None, timeout: None, connections: Vec::new() };
    let (mut defaults, mut connections) = (Draft::default(), None);
    for entry in reader.known(table, "", FILE) {
        match entry.name() {
            "warehouse" => fleet.warehouse = reader.path(&entry).unwrap_or_default(),
            "concurrency" => {
                fleet.concurrency =
                    reader.count(&entry, 1, MOST_AT_A_TIME).and_then(|count| usize::try_from(count).ok());
            }
            "timeout" => fleet.timeout = reader.duration(&entry),
            "defaults" => {
                if let Some((place, table)) = reader.table(entry) {
                    defaults.read(reader, table, &place, DEFAULTS);
                }
            }
            _ => connections = Some(entry),
        }
    }
    // The defaults may stand below the connections.
    if let Some(entry) = connections {
        fleet.connections = all(reader, entry, &defaults);
    }
    fleet
}

fn all<'t>(reader: &mut Reader<'t>, entry: Entry<'t>, defaults: &Draft) -> Vec<Connection> {
    let Some((place, table)) = reader.table(entry) else { return Vec::new() };
    let mut connections = Vec::new();
    if table.len() > MOST_CONNECTIONS {
        let problem =
            Problem::new(line_of(reader.text, 0), &place, format!("more than {MOST_CONNECTIONS} connections"));
        reader.problems.push(problem.hint("divide them among several files"));
        return connections;
    }
    for entry in reader.entries(table, &place) {
        let (name, line) = (entry.name().to_owned(), reader.line(&entry));
        let Some((place, table)) = reader.table(entry) else { continue };
        let mut draft = defaults.clone();
        draft.read(reader, table, &place, CONNECTION);
        connections.extend(draft.finish(reader, &name, line, &place));
    }
    connections
}
