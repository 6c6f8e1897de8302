//! What operations and checkpoints do.

use serde_json::{Value, json};

use super::{columns, outcome};
use crate::support::Connector;

#[test]
fn every_operation_does_what_it_says() {
    let connector = Connector::mode("operations");
    let sync = connector.succeed();
    let database = connector.database();
    assert_eq!(
        database.query("SELECT id, name, size, _sluice_deleted FROM things ORDER BY id"),
        [
            // a second upsert replaces the whole row: no size is left
            vec![json!(1), json!("uno"), Value::Null, json!(0)],
            // an update touches the named columns only
            vec![json!(2), json!("two"), json!(22), json!(0)],
            // a delete marks, and the keys 98 and 99 made no row
            vec![json!(3), json!("three"), json!(3), json!(1)],
        ]
    );
    assert_eq!(
        database.query("SELECT id, old, _sluice_deleted FROM pages ORDER BY id"),
        [
            // truncated with what came before it; the row after it is alive
            vec![json!(1), json!(1), json!(1)],
            vec![json!(2), json!(0), json!(0)],
        ]
    );
    assert!(!database.has_table("never_seen"), "truncating an unknown table makes none");
    assert_eq!(connector.state(), json!({"step": 2}));
    let tables = &sync.report()["tables"];
    assert_eq!(
        tables[0],
        json!({"table": "things", "upserts": 4, "updates": 2, "deletes": 2, "truncates": 0, "swept": 0, "nulled": 0,
            "keyless": 0, "quarantined": 0, "active_rows": 3})
    );
    assert_eq!(tables[1]["truncates"], 1);
}

#[test]
fn a_second_sync_writes_over_the_same_keys() {
    let connector = Connector::mode("operations");
    connector.succeed();
    connector.succeed();
    let database = connector.database();
    assert_eq!(database.value("SELECT count(*) FROM things"), json!(3));
    assert_eq!(database.value("SELECT count(*) FROM pages WHERE NOT _sluice_deleted"), json!(1));
}

#[test]
fn a_call_takes_the_row_as_it_is_then() {
    let connector = Connector::mode("mutated");
    connector.succeed();
    assert_eq!(
        connector.database().query("SELECT id, tags, name FROM snapshots ORDER BY id"),
        [[json!(1), json!(r#"["a"]"#), json!("first")], [json!(2), json!(r#"["a", "b"]"#), json!("second")]]
    );
    assert_eq!(connector.state(), json!({"list": [1]}));
}

#[test]
fn update_may_be_a_generator_a_coroutine_or_both() {
    let mut connector = Connector::mode("generator");
    connector.succeed();
    assert_eq!(connector.state(), json!({"done": true}));
    for mode in ["coroutine", "async_generator"] {
        connector = connector.switch(mode);
        connector.succeed();
    }
    let ids = connector.database().query("SELECT id FROM generated ORDER BY id");
    assert_eq!(ids, [1, 2, 3, 4, 5, 6].map(|id| vec![json!(id)]));
}

#[test]
fn rows_after_the_last_checkpoint_land_and_leave_the_state() {
    let connector = Connector::mode("cursor");
    connector.succeed();
    let connector = connector.switch("without_checkpoint");
    connector.succeed();
    assert_eq!(connector.database().value("SELECT count(*) FROM tail"), json!(1));
    assert_eq!(connector.state(), json!({"count": 1}));
}

#[test]
fn rows_after_the_last_checkpoint_of_a_failed_sync_are_discarded() {
    let connector = Connector::mode("failing_tail");
    let sync = connector.sync();
    assert_eq!(sync.code, Some(1), "{}", sync.everything());
    assert_eq!(outcome(&sync)["class"], "connector");
    assert_eq!(outcome(&sync)["message"], "ValueError: the source went away");
    let database = connector.database();
    assert_eq!(database.value("SELECT count(*) FROM items"), json!(10));
    assert_eq!(database.value("SELECT count(*) FROM items WHERE _sluice_deleted"), json!(0));
    assert_eq!(connector.state(), json!({"next": 10}));
    assert!(database.is_sound());
}

#[test]
fn log_messages_keep_their_level() {
    let sync = Connector::mode("log_levels").succeed();
    let logged: Vec<_> = sync
        .events
        .iter()
        .filter(|event| event["event"] == "log")
        .map(|event| (event["level"].as_str().unwrap(), event["message"].as_str().unwrap()))
        .collect();
    assert_eq!(
        logged,
        [
            ("DEBUG", "a debug"),
            ("FINE", "a fine"),
            ("INFO", "an info"),
            ("WARNING", "a warning"),
            ("ERROR", "an error"),
            // one message is one line: the line breaks of the exception are shown, not made
            ("SEVERE", "a severe\\nValueError: cause\\n"),
            ("CRITICAL", "a critical"),
            ("WARNING", "an operator's warning"),
            ("INFO", "printed"),
            ("WARNING", "from a library"),
        ]
    );
}

#[test]
fn system_columns_say_when_and_whether() {
    let connector = Connector::mode("operations");
    connector.succeed();
    let database = connector.database();
    let bad = "SELECT count(*) FROM things WHERE _sluice_deleted NOT IN (0, 1) OR _sluice_synced IS NULL \
               OR _sluice_synced NOT GLOB '20[0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-6][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]Z'";
    assert_eq!(database.value(bad), json!(0));
    let age = "SELECT max(abs(julianday('now') - julianday(_sluice_synced))) * 86400 FROM things";
    assert!(database.value(age).as_f64().unwrap() < 60.0, "the clock is this machine's, in UTC");
    assert!(!columns(&database, "things").contains(&"_sluice_id".to_owned()), "the table has a key of its own");

    // rows without a primary key are told apart by all their values
    let keyless = Connector::mode("without_checkpoint");
    keyless.succeed();
    keyless.succeed();
    let rows = keyless.database().query("SELECT _sluice_id, id FROM tail");
    assert_eq!(rows.len(), 1, "the same row twice is one row: {rows:?}");
    assert_eq!(rows[0][0].as_str().unwrap().len(), 32);
}

#[test]
fn a_second_sync_goes_on_where_the_first_ended() {
    let connector = Connector::mode("cursor");
    for count in 1..=3 {
        let sync = connector.succeed();
        assert_eq!(sync.report()["rows"], 1);
        assert_eq!(connector.state(), json!({"count": count}));
    }
    assert_eq!(connector.database().value("SELECT group_concat(id) FROM cursors"), json!("0,1,2"));
}
