//! Other connections, and other syncs of the same one.

use std::fs;
use std::path::Path;

use crate::support::{many, sluice, text};

/// Something of one connection that no other may see.
const CANARY: &str = "canary-9d27-of-the-first";

/// Syncs a connection of a warehouse.
fn sync(place: &Path, connection: &str, configuration: &serde_json::Value) {
    let file = place.join(format!("{connection}.json"));
    fs::write(&file, configuration.to_string()).unwrap();
    let mut command = sluice();
    command.arg("run").arg(many()).args(["--connection", connection]).arg("--configuration").arg(file);
    let output = command.arg("--warehouse").arg(place.join("warehouse")).output().unwrap();
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
}

fn database(place: &Path, connection: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for ending in ["db", "db-wal"] {
        bytes.extend(fs::read(place.join(format!("warehouse/{connection}.{ending}"))).unwrap_or_default());
    }
    bytes
}

#[test]
fn no_connection_sees_or_touches_another() {
    let place = tempfile::tempdir().unwrap();
    let place = place.path();
    sync(place, "first", &serde_json::json!({"mode": "cursor", "api_key": CANARY}));
    let before = database(place, "first");
    let file = place.join("first.json");
    for mode in ["probe", "everything_reachable"] {
        sync(place, "second", &serde_json::json!({"mode": mode, "file": file.to_str().unwrap()}));
    }
    assert_eq!(database(place, "first"), before, "another connection's sync changed it");
    let second = database(place, "second");
    assert!(!second.windows(CANARY.len()).any(|part| part == CANARY.as_bytes()), "it saw the other's configuration");
    assert!(second.windows(9).any(|part| part == b"reachable"), "it looked");
}

#[test]
fn chance_differs_between_syncs() {
    let place = tempfile::tempdir().unwrap();
    let mut seen = Vec::new();
    for connection in ["first", "second"] {
        sync(place.path(), connection, &serde_json::json!({"mode": "chance_drawn"}));
        let database = rusqlite::Connection::open(place.path().join(format!("warehouse/{connection}.db"))).unwrap();
        let read = |row: &rusqlite::Row<'_>| Ok([row.get::<_, String>(0)?, row.get(1)?]);
        seen.extend(database.query_row("SELECT system, python FROM draws", [], read).unwrap());
    }
    let distinct: std::collections::BTreeSet<_> = seen.iter().collect();
    assert_eq!(distinct.len(), 4, "{seen:?}");
}
