//! Values, keys and names that are refused, and where the author hears of it.

use std::fs;

use serde_json::{Value, json};

use super::outcome;
use crate::support::{Connector, repository};

#[test]
fn a_bad_value_raises_at_the_line_that_passed_it() {
    let connector = Connector::mode("bad_value");
    let sync = connector.sync();
    assert_eq!(sync.code, Some(1), "{}", sync.everything());
    let message = outcome(&sync)["message"].as_str().unwrap();
    assert!(message.starts_with("ValueError: table declared, column small: "), "{message}");
    assert!(!message.contains("1000000"), "a message never holds the value: {message}");

    let source = fs::read_to_string(repository().join("tests/guests/many/rows.py")).unwrap();
    let line = source.lines().position(|line| line.ends_with("# the bad line")).unwrap() + 1;
    let traceback = outcome(&sync)["traceback"].as_str().unwrap();
    assert!(traceback.contains(&format!("rows.py\", line {line}, in bad_value")), "{traceback}");
    assert!(traceback.contains("op.upsert(\"declared\""), "the code itself is shown: {traceback}");
    assert!(traceback.contains("connector.py\", line "), "{traceback}");
    assert_eq!(connector.state(), json!({"good": true}));
    assert_eq!(connector.database().value("SELECT count(*) FROM good"), json!(1));
}

#[test]
fn what_cannot_be_sent_raises_and_the_sync_goes_on() {
    let connector = Connector::mode("refused_calls");
    connector.succeed();
    let database = connector.database();
    let refusals = database.query("SELECT name, kind, message FROM refusals ORDER BY name");
    let kinds: Vec<_> = refusals.iter().map(|row| (row[0].as_str().unwrap(), row[1].as_str().unwrap())).collect();
    assert_eq!(
        kinds,
        [
            ("blank table", "ValueError"),
            ("file", "ValueError"),
            ("lone surrogate", "UnicodeEncodeError"),
            ("lone surrogate in JSON", "UnicodeEncodeError"),
            ("lone surrogate in a column's name", "ValueError"),
            ("row that is no dict", "AttributeError"),
            ("state that is no JSON", "TypeError"),
            ("state that is no dict", "TypeError"),
            ("table that is no text", "TypeError"),
        ]
    );
    assert!(!database.has_table("texts"), "a refused row leaves nothing");
    assert_eq!(database.value("SELECT count(*) FROM keyed"), json!(0));
}

#[test]
fn a_missing_key_ends_a_sync_only_where_bad_rows_do() {
    let connector = Connector::mode("missing_key");
    let sync = connector.succeed();
    assert_eq!(sync.report()["tables"][0]["keyless"], json!(1));
    let database = connector.database();
    assert_eq!(database.value("SELECT count(*) FROM keyed WHERE id IS NULL AND name = 'no key'"), json!(1));

    let connector = Connector::mode("missing_key").arguments(&["--on-bad-row", "fail"]);
    let sync = connector.sync();
    assert_eq!(sync.code, Some(1));
    let message = outcome(&sync)["message"].as_str().unwrap();
    assert!(message.contains("keyed") && message.contains("column id: the primary key"), "{message}");
}

#[test]
fn hostile_names_are_only_names() {
    hostile_names("standard");
}

#[test]
fn hostile_names_that_stay_as_they_are_are_only_names() {
    hostile_names("source");
}

fn hostile_names(naming: &str) {
    let connector = Connector::mode("hostile_names").arguments(&["--naming", naming]);
    let sync = connector.succeed();
    let database = connector.database();
    assert!(database.is_sound());
    assert_eq!(database.value("SELECT count(*) FROM bystander"), json!(1));
    assert_eq!(database.value("SELECT count(*) FROM _sluice_state"), json!(1));
    // every table of the catalogue exists, holds its one row, and nothing else was made
    let tables = database.query("SELECT name, source_name FROM _sluice_tables");
    let mut rows = 0;
    for table in &tables {
        let name = table[0].as_str().unwrap().replace('"', "\"\"");
        rows += database.value(&format!("SELECT count(*) FROM \"{name}\"")).as_i64().unwrap();
    }
    assert_eq!(rows, 10, "{tables:?}");
    let others = "SELECT name FROM sqlite_master WHERE type <> 'index' AND name NOT LIKE '\\_sluice\\_%' ESCAPE '\\' \
                  AND name NOT IN (SELECT name FROM _sluice_tables)";
    assert_eq!(database.query(others), Vec::<Vec<Value>>::new());
    // a name that would turn text around is refused, and that message shows its code, not itself
    let refused: Vec<_> = sync.log().into_iter().filter(|line| line.starts_with("refused")).collect();
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert!(refused[0].contains("U+202E") && !refused[0].contains('\u{202e}'), "{refused:?}");
}

#[test]
fn two_tables_never_become_one() {
    let connector = Connector::mode("colliding_names");
    let sync = connector.sync();
    assert_eq!(sync.code, Some(1), "{}", sync.everything());
    let message = outcome(&sync)["message"].as_str().unwrap();
    assert!(message.contains("user.data") && message.contains("user-data"), "names both: {message}");
    assert_eq!(connector.state(), json!({"tables": 1}));
    assert_eq!(connector.database().query("SELECT id FROM user_data"), [[json!(1)]]);
}

#[test]
fn names_of_the_host_and_of_sqlite_are_refused() {
    for column in ["_sluice_deleted", "_sluice_synced", "_SLUICE_ID"] {
        let connector = Connector::mode("reserved_name").with("column", column);
        let sync = connector.sync();
        assert_eq!(sync.code, Some(1), "{column}: {}", sync.everything());
        let message = outcome(&sync)["message"].as_str().unwrap();
        assert!(message.contains("ordinary") && message.contains("reserved"), "{message}");
    }
    for table in ["_sluice_state", "sqlite_sequence", "SQLITE_master"] {
        let connector = Connector::mode("reserved_table").with("table", table);
        let sync = connector.sync();
        if table == "_sluice_state" && sync.code == Some(0) {
            // a naming rule may drop a table's leading underscores; then it is an ordinary table
            assert_eq!(connector.database().value("SELECT count(*) FROM sluice_state"), json!(1));
            continue;
        }
        assert_eq!(sync.code, Some(1), "{table}: {}", sync.everything());
        let message = outcome(&sync)["message"].as_str().unwrap();
        assert!(message.contains("reserved"), "{message}");
    }
}

/// Where bad rows fail, every operation of a table with a key names all of it, and nothing lands of one that does not.
#[test]
fn incomplete_keys_are_refused() {
    let tables = json!([{"table": "t", "primary_key": ["a", "b"]}]);
    for (operation, row) in [
        ("upsert", json!({"a": 1, "b": null, "x": 1})),
        ("update", json!({"a": 1, "x": 1})),
        ("delete", json!({"a": 1})),
        ("delete", json!({})),
    ] {
        let operations = json!([["upsert", "t", {"a": 1, "b": 2, "x": 0}], [operation, "t", row]]);
        let script = json!({"tables": tables, "operations": operations});
        let connector = Connector::mode("script").with("script", script).with_arguments(&["--on-bad-row", "fail"]);
        let sync = connector.sync();
        assert_eq!(sync.code, Some(1), "{operation} {row}: {}", sync.everything());
        let message = sync.report()["outcome"]["message"].as_str().unwrap().to_owned();
        assert!(message.contains('t') && message.contains("key"), "{operation} {row}: {message}");
        let database = connector.database();
        assert!(!database.has_table("t") || database.query("SELECT * FROM t").is_empty(), "{operation} {row}");
    }
}
