//! Another primary key for a table: refused by a sync, changed by the command that the refusal names.

use serde_json::{Value, json};

use crate::support::{Connector, events, sluice, text};

/// A connector that declares this key and upserts these rows.
fn orders(connector: Connector, key: Value, rows: &[Value]) -> Connector {
    let operations: Vec<Value> = rows.iter().map(|row| json!(["upsert", "orders", row])).collect();
    let schema = json!([{"table": "orders", "primary_key": key}]);
    connector.with("schema", schema).with("operations", json!(operations))
}

fn rows(connector: &Connector) -> Vec<Vec<Value>> {
    connector.database().query("SELECT region, id, total FROM orders ORDER BY region, id")
}

/// Runs a command that a message names, for this connection.
fn as_told(connector: &Connector, message: &str, extra: &[&str]) -> (Option<i32>, String, String) {
    let command = message.split('`').nth(1).expect("a command").replace("<connection>", "tested");
    let words: Vec<&str> = command.split(' ').skip(1).collect();
    let output = sluice().args(words).args(extra).arg("--warehouse").arg(connector.warehouse()).output().unwrap();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn the_command_that_the_refusal_names_changes_the_key() {
    let one = json!({"id": 1, "region": "eu", "total": 5});
    let connector = orders(Connector::mode("program"), json!(["id"]), std::slice::from_ref(&one));
    connector.succeed();

    let both = [one, json!({"id": 1, "region": "us", "total": 7})];
    let connector = orders(connector, json!(["region", "id"]), &both);
    let refused = connector.sync();
    assert_eq!(refused.report()["outcome"]["class"], "connector", "{}", refused.everything());
    let message = refused.report()["outcome"]["message"].as_str().unwrap().to_owned();
    assert!(message.contains("primary key (region, id) differs from the stored one (id)"), "{message}");
    assert_eq!(rows(&connector), [[json!("eu"), json!(1), json!(5)]], "nothing changed");

    let (code, said, error) = as_told(&connector, &message, &[]);
    assert_eq!(
        (code, said.as_str()),
        (Some(0), "the primary key of table orders was (id), is (region, id): 1 row\n"),
        "{error}"
    );
    connector.succeed();
    assert_eq!(rows(&connector), [[json!("eu"), json!(1), json!(5)], [json!("us"), json!(1), json!(7)]]);

    // The way back would make two rows one, so nothing is changed.
    let connector = orders(connector, json!(["id"]), &both);
    let message = connector.sync().report()["outcome"]["message"].as_str().unwrap().to_owned();
    let (code, _, error) = as_told(&connector, &message, &[]);
    assert_eq!(code, Some(2), "{error}");
    assert!(error.contains("orders") && error.contains("id"), "{error}");
    assert!(!error.contains("eu") && !error.contains("us\""), "a row's values are never told: {error}");
    assert_eq!(rows(&connector).len(), 2);

    // Without a key, rows are told apart by all their values.
    let connector = orders(connector, json!([]), &both);
    let message = connector.sync().report()["outcome"]["message"].as_str().unwrap().to_owned();
    let (code, said, error) = as_told(&connector, &message, &["--json"]);
    assert_eq!(code, Some(0), "{error}");
    let said: Value = serde_json::from_str(&said).unwrap();
    events::printed_all("migrate", &said);
    assert_eq!((&said["from"], &said["to"], &said["rows"]), (&json!(["region", "id"]), &json!([]), &json!(2)));
    connector.succeed();
    assert_eq!(rows(&connector).len(), 2);
}

#[test]
fn what_cannot_be_migrated_is_said() {
    let connector = orders(Connector::mode("program"), json!(["id"]), &[json!({"id": 1, "region": null, "total": 5})]);
    connector.succeed();
    let cases = [
        ("`sluice migrate tested --table nope --primary-key id`", "has no table nope"),
        ("`sluice migrate nope --table orders --primary-key id`", "connection nope"),
        ("`sluice migrate tested --table orders --primary-key nope`", "nope"),
        ("`sluice migrate tested --table orders --primary-key total,total`", "total"),
        ("`sluice migrate tested --table orders`", "--primary-key"),
    ];
    for (command, says) in cases {
        let (code, _, error) = as_told(&connector, command, &[]);
        assert_eq!(code, Some(2), "{command}: {error}");
        assert!(error.contains(says), "{command}: {error}");
    }
    assert_eq!(connector.database().value("SELECT COUNT(*) FROM orders"), 1);
}
