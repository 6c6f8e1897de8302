//! Another primary key for a table.

use super::operations::users;
use super::*;

fn migrate(place: &Place, table: &str, key: &[&str]) -> Result<Option<super::super::KeyChange>, DestinationError> {
    let key: Vec<String> = key.iter().map(|&name| name.to_owned()).collect();
    place.warehouse.migrate_key("shop", table, &key)
}

fn put(table: &str, id: i64, a: &str) -> Operation {
    upsert(table, &[("id", int(id)), ("a", text(a))])
}

#[test]
fn the_refusal_names_both_keys_and_the_command() {
    let place = place();
    place.sync(&[users()], &[]);
    let mut destination = place.open();
    let result = destination.declare(&[declared("t", &["id", "a"], &[])]);
    assert_refused(result, &["(id, a)", "(id)", "sluice migrate <connection> --table t --primary-key id,a"]);
    assert_refused(destination.declare(&[declared("t", &[], &[])]), &["--table t --no-primary-key"]);
}

#[test]
fn a_key_changes_and_the_next_sync_goes_on() {
    let place = place();
    place.sync(&[declared("t", &["id"], &[])], &[put("t", 1, "x"), put("t", 2, "y"), delete("t", &[("id", int(2))])]);
    place.outside().execute("CREATE INDEX mine ON t (a)", []).unwrap();
    let change = migrate(&place, "t", &["a", "id"]).unwrap().unwrap();
    assert_eq!((change.rows, change.dropped), (2, 0));
    assert_eq!((change.from, change.to), (vec!["id".to_owned()], vec!["a".to_owned(), "id".to_owned()]));
    place.sync(&[declared("t", &["a", "id"], &[])], &[put("t", 1, "x"), put("t", 1, "z"), put("t", 2, "y")]);
    let rows = place.query("SELECT id || a || _sluice_deleted FROM t ORDER BY 1").concat();
    assert_eq!(rows, ["1x0", "1z0", "2y0"].map(stored));
    assert_eq!(place.query("SELECT name FROM sqlite_schema WHERE name = 'mine'"), [[stored("mine")]]);
    let mut destination = place.open();
    assert_refused(destination.declare(&[declared("t", &["id"], &[])]), &["(a, id)"]);
}

#[test]
fn a_key_that_does_not_identify_is_refused_and_nothing_changes() {
    let place = place();
    let rows = [put("t", 1, "x"), put("t", 2, "x"), upsert("t", &[("id", int(3))])];
    place.sync(&[declared("t", &["id"], &[("b", None)])], &rows);
    let refused = |key: &[&str], parts: &[&str]| assert_refused(migrate(&place, "t", key).map(|_| ()), parts);
    refused(&["a"], &["table t, column a", "1 rows", "no value"]);
    refused(&["nope"], &["column nope", "id, b, a"]);
    refused(&["id", "id"], &["twice"]);
    place.sync(&[], &[update("t", &[("id", int(3)), ("a", text("y"))])]);
    refused(&["a"], &["(a)", "1 of its values"]);
    assert!(migrate(&place, "other", &["id"]).unwrap().is_none());
    place.sync(&[declared("t", &["id"], &[])], &[put("t", 1, "z")]);
    assert_eq!(place.query("SELECT COUNT(*) FROM t"), [[Stored::Integer(3)]]);
}

#[test]
fn deleted_rows_give_way() {
    let place = place();
    let rows = [
        put("t", 1, "x"),
        put("t", 2, "x"),
        put("t", 3, "y"),
        put("t", 4, "y"),
        upsert("t", &[("id", int(5))]),
        delete("t", &[("id", int(1))]),
        delete("t", &[("id", int(3))]),
        delete("t", &[("id", int(4))]),
        delete("t", &[("id", int(5))]),
    ];
    place.sync(&[declared("t", &["id"], &[])], &rows);
    assert_eq!(migrate(&place, "t", &["a"]).unwrap().unwrap().dropped, 3);
    let left = place.query("SELECT id || a || _sluice_deleted FROM t ORDER BY 1").concat();
    assert_eq!(left, ["2x0", "4y1"].map(stored), "of deleted rows the newest stays");
}

#[test]
fn from_no_key_to_a_key_and_back() {
    let place = place();
    let rows = [put("t", 1, "x"), put("t", 2, "y"), upsert("t", &[("id", int(3)), ("a", Value::Null)])];
    place.sync(&[], &rows);
    let ids = place.query("SELECT _sluice_id FROM t ORDER BY id");
    migrate(&place, "t", &["id"]).unwrap().unwrap();
    place.sync(&[declared("t", &["id"], &[])], &[put("t", 2, "y")]);
    assert!(place.query("SELECT 1 FROM pragma_table_info('t') WHERE name = '_sluice_id'").is_empty());
    let change = migrate(&place, "t", &[]).unwrap().unwrap();
    assert_eq!((change.rows, change.to), (3, vec![]));
    assert_eq!(place.query("SELECT _sluice_id FROM t ORDER BY id"), ids, "equal rows are still one row");
    place.sync(&[], &rows);
    assert_eq!(place.query("SELECT COUNT(*) FROM t"), [[Stored::Integer(3)]]);
}

#[test]
fn the_key_of_a_history_stays() {
    let landing = toml::from_str("tables.t.history = true").unwrap();
    let place = place_with(SqliteOptions { landing: std::sync::Arc::new(landing), ..SqliteOptions::default() });
    place.sync(&[declared("t", &["id"], &[])], &[put("t", 1, "x")]);
    assert_refused(migrate(&place, "t", &["a"]).map(|_| ()), &["table t", "history"]);
}
