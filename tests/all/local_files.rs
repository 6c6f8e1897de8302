//! Files of a connector: its project's, what it writes, temporary ones, and hostile use.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::Connector;

/// What the connector found, by name; JSON where it is JSON.
fn found(connector: &Connector) -> BTreeMap<String, Value> {
    let rows = connector.database().query("SELECT what, outcome FROM found");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    rows.iter()
        .map(|row| {
            let outcome = text(&row[1]);
            (text(&row[0]), serde_json::from_str(&outcome).unwrap_or(Value::String(outcome)))
        })
        .collect()
}

fn mode(mode: &str) -> BTreeMap<String, Value> {
    let connector = Connector::mode(mode);
    connector.succeed();
    found(&connector)
}

/// That a mode found exactly this, whatever else it found.
#[track_caller]
fn expect(found: &BTreeMap<String, Value>, expected: &Value) {
    for (what, outcome) in expected.as_object().unwrap() {
        assert_eq!(found.get(what), Some(outcome), "{what}");
    }
}

#[test]
fn the_projects_files_lie_where_the_author_put_them() {
    let lookup = "code,name\nde,Germany\nfr,France\n";
    expect(
        &mode("own_files"),
        &json!({
            "relative": [{"code": "de", "name": "Germany"}, {"code": "fr", "name": "France"}],
            "absolute": lookup,
            "beside": {"depth": 2},
            "here": "/project",
            "folder": "/project",
            "listed": ["connector.py", "data", "lookup.csv"],
            "listed_at_import": ["connector.py", "data", "lookup.csv"],
            "found": ["/project/configuration.json", "/project/data/nested.json", "/project/data/deeper/still/more.json"],
            "walked": [["nested.json"], [], ["more.json"]],
            "package_data": lookup,
            "size": lookup.len(),
            "exists": [true, false, false, false],
            "missing": "FileNotFoundError ENOENT",
            "source": "\"\"\"What a connector does with files: its own, temporary ones, and far too many.\"\"\"\n",
        }),
    );
}

#[test]
fn a_connector_writes_renames_copies_and_removes() {
    let connector = Connector::mode("written_files");
    // The second sees nothing of what the first wrote.
    for _ in 0..2 {
        connector.succeed();
        expect(
            &found(&connector),
            &json!({
                "text": "ONE\ntwo\n",
                "copied": ["a", "y.txt", "z.txt"],
                "archive": "ONE\ntwo\n",
                "archived": 300_000,
                "changed": 4,
                "removed": [false, "FileNotFoundError ENOENT"],
                "large": [true, 1000, 1_000_000_000.0],
                "left": ["y.txt", "z.txt"],
                "same": true,
                "gone": true,
                "sqlite": 499_500,
            }),
        );
    }
}

#[test]
fn temporary_files_work() {
    expect(
        &mode("temporary_files"),
        &json!({"folder": "/tmp", "read": "x", "named": "a,b\n", "inside": ["x"], "left": [], "gone": false}),
    );
}
