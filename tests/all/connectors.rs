//! Connectors in the style of those that people write, run unchanged as their authors would.
//!
//! Each folder of `tests/connectors` is a project with its configuration, the cassette of its source where it has one
//! (`cassette.har`, and `second.har` for the sync after that), and what must come of it (`expected.json`,
//! `second.json`): outcome, state, log and every table.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::cassettes::{dump, events};
use crate::databases;
use crate::support::{Connector, Database, Sync, build, repository};

/// Two tests for each of them, so that they run side by side and can be chosen by name.
macro_rules! connectors {
    ($($name:ident),* $(,)?) => {
        const NAMES: &[&str] = &[$(stringify!($name)),*];
        $(#[test]
        fn $name() {
            check(stringify!($name));
        })*

        /// The same without being built.
        mod developed {
            $(#[test]
            fn $name() {
                super::develop(stringify!($name));
            })*
        }
    };
}

connectors![
    aiohttp_search,
    async_weather,
    caught_errors,
    csv_export,
    cursor_pages,
    data_files,
    discovered_schema,
    dynamo_scan,
    every_type,
    export_job,
    generators,
    graphql_issues,
    hashed_parts,
    linked_pages,
    mirrored_catalog,
    modelled_devices,
    nested_orders,
    numbered_pages,
    oauth_refresh,
    offset_windows,
    packaged,
    patient_client,
    price_history,
    project_file,
    replicated_orders,
    resumable_tables,
    s3_objects,
    signed_by_keys,
    signed_jwt,
    signed_requests,
    soap_invoices,
    stopped_by_source,
    threaded_stores,
    three_kinds,
    xml_feed,
    zipped_reports,
];

fn folder() -> PathBuf {
    repository().join("tests/connectors")
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn every_folder_is_tested() {
    let entries = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap());
    let folders = entries.filter(|entry| entry.path().join("connector.py").exists());
    let folders: BTreeSet<String> = folders.map(|entry| entry.file_name().into_string().unwrap()).collect();
    assert_eq!(folders, NAMES.iter().map(ToString::to_string).collect());
}

/// What a project's cassettes make of it, twice: the same in every byte of every table, stamps included.
fn check(name: &str) {
    let project = folder().join(name);
    let component = build(&project);
    let first = syncs(&project, &|configuration| Connector::of(&component, configuration));
    let second = syncs(&project, &|configuration| Connector::of(&component, configuration));
    if project.join("cassette.har").exists() {
        assert_eq!(first, second, "{name}: a replay is not the same twice");
    }
}

/// What `sluice dev` makes of a project.
fn develop(name: &str) {
    let project = folder().join(name);
    syncs(&project, &|configuration| Connector::developed(&project, configuration));
}

/// The tables and events of a connection's syncs.
fn syncs(project: &Path, of: &dyn Fn(Value) -> Connector) -> Vec<impl PartialEq + std::fmt::Debug + use<>> {
    let (configuration, grants) = with_servers(read(&project.join("configuration.json")));
    let mut connector = of(configuration);
    let mut seen = Vec::new();
    for (cassette, expected) in [("cassette.har", "expected.json"), ("second.har", "second.json")] {
        let expected = project.join(expected);
        if !expected.exists() {
            continue;
        }
        let cassette = project.join(cassette);
        connector = connector.with_arguments(&["--env", "REGION=north"]);
        for grant in &grants {
            connector = connector.arguments(&["--allow", grant]);
        }
        if cassette.exists() {
            connector = connector.arguments(&["--replay", cassette.to_str().unwrap()]);
        }
        let sync = connector.sync();
        compare(&read(&expected), &sync, &connector);
        seen.push((dump(&connector.database()), events(&sync)));
    }
    seen
}

/// A configuration with the ports of databases in the place of `server:NAME`, and the grants for them.
fn with_servers(mut configuration: Value) -> (Value, Vec<String>) {
    let mut grants = Vec::new();
    for value in configuration.as_object_mut().unwrap().values_mut() {
        if let Some(server) = value.as_str().and_then(|value| value.strip_prefix("server:")) {
            let port = databases::port(server);
            grants.push(format!("tcp://localhost:{port}"));
            *value = Value::String(port.to_string());
        }
    }
    (configuration, grants)
}

fn compare(expected: &Value, sync: &Sync, connector: &Connector) {
    let outcome = &sync.report()["outcome"];
    assert_eq!(
        (&outcome["class"], &outcome["message"]),
        (&expected["outcome"], &expected["message"]),
        "{}",
        sync.stderr
    );
    let replayed = &sync.report()["cassette"]["replayed"];
    if !replayed.is_null() {
        assert_eq!((&replayed["unused"], &replayed["missing"]), (&json!(0), &json!(0)), "{replayed}");
    }
    assert_eq!(json!(levels(sync)), expected["log"]);
    assert_eq!(connector.state(), expected["state"]);
    let found = tables(&connector.database());
    let wanted = expected["tables"].as_object().unwrap();
    assert_eq!(found.keys().collect::<Vec<_>>(), wanted.keys().collect::<Vec<_>>());
    for (table, rows) in wanted {
        assert_eq!(found[table], sorted(rows.as_array().unwrap().clone()), "{table}");
    }
}

fn levels(sync: &Sync) -> Vec<String> {
    let messages = sync.events.iter().filter(|event| event["event"] == "log");
    messages
        .map(|event| format!("{} {}", event["level"].as_str().unwrap(), event["message"].as_str().unwrap()))
        .collect()
}

/// The rows of every table as the connector made them: without the columns of Sluice, but for marks of deletion.
fn tables(database: &Database) -> Map<String, Value> {
    let names = database.query(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_sluice%' ESCAPE '\\' ORDER BY name",
    );
    let rows = |table: &str| {
        let columns = database.query(&format!("SELECT name FROM pragma_table_info('{table}')"));
        let columns: Vec<String> = columns.iter().map(|row| row[0].as_str().unwrap().to_owned()).collect();
        let rows = database.query(&format!("SELECT * FROM \"{table}\"")).into_iter().map(|row| {
            let cells = columns.iter().cloned().zip(row);
            let kept = cells.filter(|(name, value)| {
                !name.starts_with("_sluice") || (name == "_sluice_deleted" && *value == json!(1))
            });
            Value::Object(kept.collect())
        });
        sorted(rows.collect())
    };
    names.iter().map(|row| row[0].as_str().unwrap()).map(|name| (name.to_owned(), rows(name))).collect()
}

fn sorted(mut rows: Vec<Value>) -> Value {
    rows.sort_by_key(Value::to_string);
    Value::Array(rows)
}
