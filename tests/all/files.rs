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

#[test]
fn the_projects_files_lie_where_the_author_put_them() {
    let found = mode("own_files");
    println!("{found:#?}");
}

#[test]
fn a_connector_writes_renames_copies_and_removes() {
    let found = mode("written_files");
    println!("{found:#?}");
}

#[test]
fn temporary_files_work() {
    let found = mode("temporary_files");
    println!("{found:#?}");
}
#[test]
fn escapes() {
    let connector = Connector::mode("escapes").with("file", "/etc/passwd");
    connector.succeed();
    println!("{:#?}", found(&connector));
}
#[test]
fn bytes() {
    let found = mode("too_many_bytes");
    println!("{found:#?}");
}
#[test]
fn files() {
    let found = mode("too_many_files");
    println!("{found:#?}");
}
#[test]
fn handles() {
    let found = mode("too_many_handles");
    println!("{found:#?}");
}
#[test]
fn renames() {
    let found = mode("renames");
    println!("{found:#?}");
}
