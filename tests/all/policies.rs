//! What the operator keeps out or hashes, on its whole way: the author's Python, the component, the host, the files.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::{Connector, Sync, many, repository, sluice, text};

/// A connector that declares these tables and sends these operations.
fn script(tables: &Value, operations: &Value) -> Connector {
    let script = json!({"tables": tables, "operations": operations});
    Connector::mode("script").with("script", script)
}

/// The same connection, sending something else.
fn then(connector: Connector, tables: &Value, operations: &Value) -> Connector {
    connector.with("script", json!({"tables": tables, "operations": operations}))
}

/// Whether a text stands anywhere in the files of the warehouse, except in the key's.
fn in_files(connector: &Connector, text: &str) -> bool {
    fs::read_dir(connector.warehouse()).unwrap().any(|entry| {
        let bytes = fs::read(entry.unwrap().path()).unwrap();
        memchr::memmem::find(&bytes, text.as_bytes()).is_some()
    })
}

fn withheld(sync: &Sync) -> &Value {
    &sync.report()["withheld"]
}

#[test]
fn what_is_blocked_is_nowhere_in_the_files() {
    let secret = "correct-horse-battery-staple";
    let users = json!([{"table": "users", "primary_key": ["id"], "columns": {"password": "STRING"}}]);
    let connector = script(
        &users,
        &json!([
            ["upsert", "users", {"id": 1, "name": "a", "password": secret}],
            ["upsert", "users", {"id": 2, "name": "b", "Pass-Word": secret, "passWord": secret, "PÄSSWÖRD": secret}],
            ["update", "users", {"id": 1, "password": secret, "name": "c"}],
            ["delete", "users", {"id": 2}],
            ["upsert", "audit", {"id": 1, "what": secret}],
            ["upsert", "sales/log", {"id": 1, "what": secret}],
            ["upsert", "sales_log", {"id": 1, "what": secret}],
            ["upsert", "log", {"id": 1, "what": "not this"}],
        ]),
    )
    .arguments(&["--block-column", "users.password", "--block-table", "audit", "--block-table", "sales.log"]);
    let sync = connector.succeed();
    assert!(!in_files(&connector, secret));
    let database = connector.database();
    assert_eq!(
        database.query("SELECT id, name, _sluice_deleted FROM users ORDER BY id"),
        [[json!(1), json!("c"), json!(0)], [json!(2), json!("b"), json!(1)]]
    );
    assert!(!database.has_table("audit") && !database.has_table("sales_log") && database.has_table("log"));
    assert_eq!(withheld(&sync)[0]["table"], "users");
    assert_eq!(withheld(&sync)[0]["columns"].as_array().unwrap().len(), 4);
    assert!(
        withheld(&sync).as_array().unwrap().contains(&json!({"table": "audit", "columns": [], "reason": "blocked"}))
    );
    assert!(!sync.everything().contains(secret));
}

#[test]
fn a_blocked_key_is_refused_before_any_row() {
    let connector =
        script(&json!([{"table": "users", "primary_key": ["id"]}]), &json!([["upsert", "users", {"id": 1}]]))
            .arguments(&["--block-column", "users.Id"]);
    let sync = connector.sync();
    assert_eq!(sync.code, Some(1), "{}", sync.everything());
    let message = sync.report()["outcome"]["message"].as_str().unwrap();
    assert!(message.contains("table users, column id") && message.contains("primary key"), "{message}");
    assert!(!connector.database().has_table("users"));
}

#[test]
fn what_is_hashed_is_nowhere_in_the_files() {
    let email = "somebody@example.com";
    let tables = json!([
        {"table": "users", "primary_key": ["email"], "columns": {"email": "STRING", "age": "INT"}},
        {"table": "visits", "primary_key": ["id"], "columns": {"by": "JSON"}},
    ]);
    let operations = json!([
        ["upsert", "users", {"email": email, "age": 40}],
        ["upsert", "users", {"email": email, "age": 41}],
        ["update", "users", {"email": email, "age": 42}],
        ["upsert", "visits", {"id": 1, "visitor": email}],
        ["upsert", "visits", {"id": 2, "Visitor": null}],
        ["delete", "users", {"email": "nobody@example.com"}],
    ]);
    let operations =
        json!(operations.as_array().unwrap().iter().filter(|one| one[2].get("Visitor").is_none()).collect::<Vec<_>>());
    let arguments = ["--hash-column", "users.email", "--hash-column", "visits.visitor"];
    let connector = script(&tables, &operations).arguments(&arguments);
    connector.succeed();
    assert!(!in_files(&connector, email));
    let database = connector.database();
    assert_eq!(
        database.query("SELECT age, id, length(visitor) FROM users JOIN visits ON visitor = email"),
        [[json!(42), json!(1), json!(64)]]
    );
    let key = connector.warehouse().join("tested.key");
    assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(database.value("SELECT data_type FROM _sluice_columns WHERE name = 'visitor'"), json!("STRING"));
}

#[test]
fn hashing_that_is_turned_on_leaves_nothing_in_plain() {
    let row = |name: &str| json!([["upsert", "users", {"id": 1, "email": name}]]);
    let connector = script(&json!([]), &row("somebody@example.com"));
    connector.succeed();
    assert!(in_files(&connector, "somebody@example.com"));
    let connector = then(connector, &json!([]), &row("another@example.com")).arguments(&["--hash-column=users.email"]);
    connector.succeed();
    assert!(!in_files(&connector, "somebody@example.com") && !in_files(&connector, "another@example.com"));
    assert_eq!(connector.database().value("SELECT count(*) FROM users WHERE length(email) = 64"), json!(2));
    // a key that others can read is refused, before anything runs
    let key = connector.warehouse().join("tested.key");
    fs::set_permissions(&key, PermissionsExt::from_mode(0o644)).unwrap();
    let sync = connector.sync();
    assert_eq!(sync.code, Some(5));
    assert!(sync.stderr.contains("tested.key") && sync.stderr.contains("chmod go-rwx"), "{}", sync.stderr);
}

#[test]
fn new_tables_and_columns_stay_out() {
    let known = json!([{"table": "users", "primary_key": ["id"], "columns": {"name": "STRING"}}]);
    let connector = script(&known, &json!([["upsert", "users", {"id": 1, "name": "a"}]]))
        .arguments(&["--schema-changes=block-all"]);
    connector.succeed();
    let grown = json!([["upsert", "users", {"id": 1, "name": "b", "extra": "unwanted"}], ["upsert", "more", {"id": 1, "x": "unwanted"}]]);
    let connector = then(connector, &known, &grown);
    let sync = connector.succeed();
    assert!(!in_files(&connector, "unwanted"));
    assert_eq!(connector.database().value("SELECT name FROM users"), json!("b"));
    let warnings: Vec<String> = sync.log().into_iter().filter(|line| line.contains("allow-all")).collect();
    assert_eq!(warnings.len(), 2, "{warnings:?}");
    assert!(warnings[0].contains("table users: column extra is new") && warnings[1].contains("table more is new"));
    // let in once, known from then on
    let connector = connector.arguments(&["--schema-changes=allow-all"]);
    assert_eq!(connector.sync().code, Some(2), "a decision is given once");
}

#[test]
fn a_project_brings_its_settings_and_the_operator_wins() {
    let folder = tempfile::tempdir().unwrap();
    let project = folder.path().join("shop");
    copy(&repository().join("tests/guests/many"), &project);
    let manifest = "name = 'shop'\n[destination]\nschema_changes = 'block-all'\n[destination.tables.users]\nblock_columns = ['password']\n";
    fs::write(project.join("connector.toml"), manifest).unwrap();
    let settings = folder.path().join("settings.toml");
    fs::write(
        &settings,
        "[destination]\nschema_changes = 'allow-all'\n[destination.tables.users]\nhash_columns = ['email']\n",
    )
    .unwrap();
    let row = |extra: &str| json!([["upsert", "users", {"id": 1, "email": "a@example.com", "password": "hunter2", extra: 1}]]);
    let connector =
        Connector::of(&project, json!({"mode": "script"})).arguments(&["--settings", settings.to_str().unwrap()]);
    let connector = then(connector, &json!([]), &row("one"));
    connector.succeed();
    let connector = then(connector, &json!([]), &row("two"));
    connector.succeed();
    assert!(!in_files(&connector, "hunter2") && !in_files(&connector, "a@example.com"));
    assert!(connector.database().value("SELECT count(two) FROM users") == json!(1), "the operator's file wins");
    // the same code as a component brings nothing of its own
    let component = then(Connector::of(many(), json!({"mode": "script"})), &json!([]), &row("one"));
    component.succeed();
    assert!(in_files(&component, "hunter2"));

    fs::write(&settings, "[destination]\nschema_change = 'allow-all'\n").unwrap();
    let sync = connector.sync();
    assert_eq!(sync.code, Some(2));
    assert!(sync.stderr.contains("settings.toml: line 2, in `destination`: unknown field"), "{}", sync.stderr);
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "py") {
            fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
        }
    }
}

#[test]
fn the_destinations_flags_stand_under_their_own_heading() {
    let help = text(&sluice().args(["run", "--help"]).output().unwrap().stdout);
    let section = help.split("Destination:").nth(1).and_then(|rest| rest.split("Limits:").next()).unwrap_or_default();
    for flag in ["--settings", "--block-table", "--block-column", "--hash-column", "--schema-changes", "--naming"] {
        assert!(section.contains(flag), "{flag}");
    }
}

#[test]
fn names_that_are_probably_misspelled_are_told_though_the_rows_land() {
    let tables = json!([{"table": "books", "primary_key": ["skuu"]}, {"table": "orders", "primary_key": ["id"]}]);
    let rows = json!([["upsert", "books", {"sku": 1}], ["upsert", "order", {"id": 1}]]);
    let sync = script(&tables, &rows).succeed();
    assert!(sync.stdout.contains("table books: no row has its whole primary key (skuu)"), "{}", sync.stdout);
    let similar = "table order is not declared, and nothing came for orders, which is";
    assert!(sync.stdout.contains(similar), "{}", sync.stdout);
}
