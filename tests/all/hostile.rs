//! Hostile connectors: every one ends within its limits as the class of error that it is,
//! the database stays sound, and the next sync on it works.

mod ceilings;
mod components;
mod files;
mod handmade;
mod limits;
mod local_files;
mod machine;
mod network;
mod others;
mod output;
mod processes;
mod surroundings;
mod wire;

use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use crate::support::{Connector, Sync, many};

/// What a machine with two busy cores may take on top of a limit: starting the process,
/// loading 60 MB of machine code, writing what came before.
const MARGIN: Duration = Duration::from_secs(30);

/// Most memory the whole host process may have had: 256 MiB of the connector's own, the
/// machine code that is mapped in, 32 MiB of rows under way and as much again in transit,
/// and the database's cache.
const MOST_MEMORY_KIB: u64 = 700 * 1024;

/// Longest message of a refusal; one that carried data would be longer.
const LONGEST_MESSAGE: usize = 600;

/// How a hostile sync must end.
struct End {
    code: i32,
    class: &'static str,
    /// All of these stand in the message.
    says: &'static [&'static str],
    /// The limit that ends it; zero when it ends by itself.
    limit: Duration,
}

const fn end(code: i32, class: &'static str, says: &'static [&'static str]) -> End {
    End { code, class, says, limit: Duration::ZERO }
}

const fn success() -> End {
    end(0, "success", &[])
}

const fn connector(says: &'static [&'static str]) -> End {
    end(1, "connector", says)
}

const fn limit(says: &'static [&'static str]) -> End {
    end(3, "limit", says)
}

const fn denied(says: &'static [&'static str]) -> End {
    end(4, "denied", says)
}

impl End {
    const fn within(self, seconds: u64) -> Self {
        Self { limit: Duration::from_secs(seconds), ..self }
    }
}

/// The four promises about every hostile connector: it ends as its class with a message
/// that holds no data; in time; within the host's memory; and a benign sync right after,
/// on the same database, succeeds. `look` sees what the hostile sync left behind.
#[track_caller]
fn ends(hostile: Connector, end: &End, look: impl FnOnce(&Sync, &Connector)) {
    warm();
    let sync = hostile.sync();
    assert_class(&sync, end);
    assert_bounded(&sync, end.limit);
    look(&sync, &hostile);
    benign(hostile);
}

#[track_caller]
fn assert_class(sync: &Sync, end: &End) {
    assert_eq!(sync.code, Some(end.code), "{}", excerpt(sync));
    let report = sync.report();
    assert_eq!(report["event"], "finished", "{report}");
    let outcome = &report["outcome"];
    assert_eq!(outcome["class"], end.class, "{outcome}");
    let message = outcome["message"].as_str().unwrap_or_default();
    for expected in end.says {
        assert!(message.contains(expected), "{expected:?} is not in {message:?}");
    }
    assert!(message.len() <= LONGEST_MESSAGE, "{} bytes: {message}", message.len());
    assert!(!message.contains("xxxx"), "the message holds row data: {message}");
    assert!(!sync.stderr.contains("panicked"), "{}", sync.stderr);
}

#[track_caller]
fn assert_bounded(sync: &Sync, limit: Duration) {
    eprintln!("took {:.1?} of {limit:?}, {} MiB", sync.took, sync.peak_kib / 1024);
    assert!(sync.took <= limit + MARGIN, "took {:?}, the limit is {limit:?}", sync.took);
    assert!(sync.peak_kib <= MOST_MEMORY_KIB, "the host had {} MiB", sync.peak_kib / 1024);
    let brief = sync.took < Duration::from_millis(200);
    assert!(sync.peak_kib > 0 || brief, "the host's memory was not seen");
}

/// Another sync of the same connection works, and the database is sound.
#[track_caller]
fn benign(hostile: Connector) {
    let next = hostile.replaced_by(many()).switch("cursor");
    next.succeed();
    assert!(next.database().is_sound());
    assert!(next.state()["count"].as_i64() >= Some(1), "{}", next.state());
}

/// Makes the shared component's machine code, so that it does not count as a test's time.
fn warm() {
    static WARM: OnceLock<()> = OnceLock::new();
    WARM.get_or_init(|| drop(Connector::mode("cursor").succeed()));
}

/// The end of what a sync printed.
fn excerpt(sync: &Sync) -> String {
    let everything = sync.everything();
    let start = everything.len().saturating_sub(3000);
    everything.get(start..).unwrap_or(&everything).to_owned()
}

fn rows(connector: &Connector, table: &str) -> i64 {
    let database = connector.database();
    if !database.has_table(table) {
        return 0;
    }
    database.value(&format!("SELECT count(*) FROM \"{table}\"")).as_i64().unwrap()
}

/// A component in a file of its own.
fn stored(bytes: &[u8]) -> (tempfile::TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hostile.wasm");
    std::fs::write(&path, bytes).unwrap();
    (folder, path)
}

fn of(path: &Path) -> Connector {
    Connector::of(path, serde_json::json!({}))
}
