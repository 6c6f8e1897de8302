//! Rows on their whole way: the author's Python, the component, the host, SQLite.

use std::fs;
use std::io::Write;
use std::process::Stdio;

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::support::server::Server;
use crate::support::{Connector, Database, Sync, repository, sluice, text};

/// The outcome of the last sync.
fn outcome(sync: &Sync) -> &Value {
    &sync.report()["outcome"]
}

/// The stored value and SQLite's type of it.
fn stored(database: &Database, table: &str, column: &str) -> (Value, String) {
    let row = database.query(&format!("SELECT \"{column}\", typeof(\"{column}\") FROM \"{table}\"")).remove(0);
    (row[0].clone(), row[1].as_str().unwrap().to_owned())
}

fn columns(database: &Database, table: &str) -> Vec<String> {
    let rows = database.query(&format!("SELECT name FROM pragma_table_info('{table}')"));
    rows.iter().map(|row| row[0].as_str().unwrap().to_owned()).collect()
}

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
            "quarantined": 0})
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
fn the_fourteen_declared_types() {
    let connector = Connector::mode("declared");
    connector.succeed();
    let database = connector.database();
    for (column, value, kind) in [
        ("flag", json!(1), "integer"),
        ("small", json!(32767), "integer"),
        ("medium", json!(2_147_483_647), "integer"),
        ("large", json!(i64::MIN), "integer"),
        ("id", json!(7), "integer"),
        ("price", json!("12.340"), "text"),
        ("single", json!(f64::from(0.1_f32)), "real"),
        ("double", json!(0.1), "real"),
        ("day", json!("2024-02-29"), "text"),
        ("wall", json!("2024-02-29T12:30:15.000000"), "text"),
        ("instant", json!("2024-02-29T10:30:15.000000Z"), "text"),
        ("raw", json!("0102"), "blob"),
        ("document", json!("<a/>"), "text"),
        ("words", json!("12"), "text"),
        ("nested", json!("[1, 2]"), "text"),
        ("never_sent", Value::Null, "null"),
    ] {
        assert_eq!(stored(&database, "declared", column), (value, kind.to_owned()), "{column}");
    }
    let types =
        database.query("SELECT data_type FROM _sluice_columns WHERE table_name = 'declared' ORDER BY source_name");
    let mut types: Vec<_> = types.iter().filter_map(|row| row[0].as_str()).collect();
    types.sort_unstable();
    types.dedup();
    assert_eq!(
        types,
        [
            "BINARY",
            "BOOLEAN",
            "DECIMAL(10,3)",
            "DOUBLE",
            "FLOAT",
            "INT",
            "JSON",
            "LONG",
            "NAIVE_DATE",
            "NAIVE_DATETIME",
            "SHORT",
            "STRING",
            "UTC_DATETIME",
            "XML"
        ]
    );
}

#[test]
fn undeclared_columns_take_their_type_from_the_values() {
    let connector = Connector::mode("inferred");
    connector.succeed();
    let database = connector.database();
    for (column, value, kind) in [
        ("flag", json!(1), "integer"),
        ("whole", json!(1_i64 << 62), "integer"),
        ("huge", json!("1208925819614629174706176"), "text"),
        ("real", json!(0.1), "real"),
        ("words", json!("grüße"), "text"),
        ("bytes", json!("00ff"), "blob"),
        ("exact", json!("1.10"), "text"),
        ("day", json!("2024-02-29"), "text"),
        ("wall", json!("2024-02-29T12:30:15.123456"), "text"),
        ("instant", json!("2024-02-29T10:30:00.000000Z"), "text"),
        ("nested", json!(r#"{"a": [1, 2, {"b": null}]}"#), "text"),
        ("pair", json!("[1, 2]"), "text"),
        ("unique", json!("00000000-0000-0000-0000-000000000005"), "text"),
    ] {
        assert_eq!(stored(&database, "inferred", column), (value, kind.to_owned()), "{column}");
    }
    // a column that only ever was NULL has no type and does not exist
    assert!(!columns(&database, "inferred").contains(&"nothing".to_owned()));
    let types = database.query(
        "SELECT name, data_type FROM _sluice_columns WHERE name IN ('huge', 'exact', 'nested', 'day') ORDER BY name",
    );
    assert_eq!(
        types,
        [["day", "NAIVE_DATE"], ["exact", "DECIMAL"], ["huge", "DECIMAL"], ["nested", "JSON"]]
            .map(|pair| pair.map(|text| json!(text)).to_vec())
    );
}

#[test]
fn a_column_widens_from_int_over_double_to_string() {
    let connector = Connector::mode("widening");
    connector.succeed();
    let values = "SELECT id, value, typeof(value) FROM widening ORDER BY id";
    let as_texts = [["42", "42"], ["42.42", "42.42"], ["42.43", "42.43"], ["forty-two", "forty-two"]]
        .map(|[id, value]| vec![json!(id), json!(value), json!("text")]);
    // all in one batch: no value was ever stored in another form
    assert_eq!(connector.database().query(values), as_texts);

    // one value a checkpoint: 42 was stored as a DOUBLE in between, which does not show
    let stepwise = Connector::mode("widening_stepwise");
    stepwise.succeed();
    assert_eq!(stepwise.database().query(values), as_texts);
    assert_eq!(
        stepwise.database().value("SELECT data_type FROM _sluice_columns WHERE name = 'value'"),
        json!("STRING")
    );
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
            ("delete without key", "ValueError"),
            ("file", "ValueError"),
            ("lone surrogate", "UnicodeEncodeError"),
            ("lone surrogate in JSON", "UnicodeEncodeError"),
            ("lone surrogate in a column's name", "ValueError"),
            ("missing key", "ValueError"),
            ("null key", "ValueError"),
            ("row that is no dict", "AttributeError"),
            ("state that is no JSON", "TypeError"),
            ("state that is no dict", "TypeError"),
            ("table that is no text", "TypeError"),
        ]
    );
    for row in refusals.iter().filter(|row| row[0].as_str().unwrap().contains("key")) {
        let message = row[2].as_str().unwrap();
        assert!(message.contains("keyed") && message.contains("id"), "names table and column: {message}");
    }
    assert!(!database.has_table("texts"), "a refused row leaves nothing");
    assert_eq!(database.value("SELECT count(*) FROM keyed"), json!(0));
}

#[test]
fn a_missing_key_ends_a_sync_that_does_not_catch_it() {
    let connector = Connector::mode("missing_key");
    let sync = connector.sync();
    assert_eq!(sync.code, Some(1));
    let message = outcome(&sync)["message"].as_str().unwrap();
    assert!(message.contains("keyed") && message.contains("primary key column id"), "{message}");
}

#[test]
fn hostile_names_are_only_names() {
    let connector = Connector::mode("hostile_names");
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

/// `sluice <arguments> tested --warehouse <of the connector>`, with this standard input.
fn manage(connector: &Connector, before: &[&str], after: &[&str], input: &str) -> (Option<i32>, String, String) {
    let mut command = sluice();
    command.args(before).arg("tested").args(after).arg("--warehouse").arg(connector.warehouse());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A command that refuses at once reads nothing and may be gone already.
    drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn the_state_can_be_shown_set_and_reset() {
    let connector = Connector::mode("cursor");
    assert_eq!(connector.state(), json!({}), "a connection that never synced");
    connector.succeed();
    assert_eq!(connector.state(), json!({"count": 1}));

    let (code, _, error) = manage(&connector, &["state", "set"], &["-"], "{\"count\": 40}\n");
    assert_eq!(code, Some(0), "{error}");
    connector.succeed();
    assert_eq!(connector.state(), json!({"count": 41}));

    for wrong in ["[1]", "{", "{} {}", ""] {
        let (code, _, error) = manage(&connector, &["state", "set"], &["-"], wrong);
        assert_eq!(code, Some(2), "{wrong}");
        assert!(error.contains("it must be a JSON object"), "{error}");
    }
    assert_eq!(connector.state(), json!({"count": 41}), "a refused state changes nothing");

    assert_eq!(manage(&connector, &["state", "reset"], &[], "").0, Some(0));
    assert_eq!(connector.state(), json!({}));
    connector.succeed();
    let ids = connector.database().query("SELECT id FROM cursors ORDER BY id");
    assert_eq!(ids, [[json!(0)], [json!(40)]], "the rows stayed");
}

#[test]
fn a_reset_forgets_everything_when_confirmed() {
    let connector = Connector::mode("cursor");
    connector.succeed();
    let (code, _, error) = manage(&connector, &["reset"], &[], "y\n");
    assert_eq!(code, Some(2), "nobody was asked: {error}");
    assert!(error.contains("--yes"), "{error}");
    assert_eq!(connector.state(), json!({"count": 1}));

    let (code, said, _) = manage(&connector, &["reset"], &["--yes"], "");
    assert_eq!((code, said.contains("its tables and its state are gone")), (Some(0), true), "{said}");
    assert!(!connector.database_path().exists());
    assert_eq!(connector.state(), json!({}));
    let (code, said, _) = manage(&connector, &["reset"], &["--yes"], "");
    assert_eq!((code, said.contains("nothing to reset")), (Some(0), true), "{said}");
    connector.succeed();
    assert_eq!(connector.database().value("SELECT count(*) FROM cursors"), json!(1));
}

#[test]
fn a_connection_is_synced_by_one_at_a_time() {
    let (server, gate) = Server::gated();
    let connector =
        Connector::mode("checkpoint_then_wait").with("url", server.url("/")).arguments(&["--allow", &server.origin()]);
    let mut first = connector.command().spawn().unwrap();
    gate.wait_for_request();

    let second = connector.sync();
    assert_eq!(second.code, Some(5), "{}", second.everything());
    assert!(second.stderr.contains("connection tested is in use"), "{}", second.stderr);
    assert!(second.stderr.contains(&format!("process {}", first.id())), "names who has it: {}", second.stderr);
    // nor may its state be pulled away under it; looking is allowed
    for (before, after) in [(vec!["state", "reset"], vec![]), (vec!["reset"], vec!["--yes"])] {
        let (code, _, error) = manage(&connector, &before, &after, "");
        assert_eq!(code, Some(5), "{error}");
        assert!(error.contains("in use"), "{error}");
    }
    assert_eq!(connector.state(), json!({"waited": 1}));
    assert_eq!(
        connector.database().value("SELECT count(*) FROM waited"),
        json!(1),
        "the row after it is not there yet"
    );

    gate.open();
    assert!(first.wait().unwrap().success());
    assert_eq!(connector.database().value("SELECT count(*) FROM waited"), json!(2));
    connector.succeed();
}

#[test]
fn a_database_that_another_program_holds() {
    let connector = Connector::mode("cursor");
    connector.succeed();
    let foreign = Connection::open(connector.database_path()).unwrap();

    // a reader disturbs nobody, and sees one state all along
    foreign.execute_batch("BEGIN").unwrap();
    let count = || foreign.query_row("SELECT count(*) FROM cursors", [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(count(), 1);
    connector.succeed();
    assert_eq!(count(), 1);
    foreign.execute_batch("COMMIT; BEGIN IMMEDIATE").unwrap();

    // a writer does
    let sync = connector.sync();
    assert_eq!(sync.code, Some(5), "{}", sync.everything());
    assert!(sync.everything().contains("another program holds its database"), "{}", sync.everything());
    assert_eq!(connector.state(), json!({"count": 2}));

    foreign.execute_batch("COMMIT").unwrap();
    connector.succeed();
    assert_eq!(connector.state(), json!({"count": 3}));
}
