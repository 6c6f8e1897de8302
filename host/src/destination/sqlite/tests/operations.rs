//! What upsert, update, delete and truncate do to rows.

use super::*;

pub(super) fn users() -> TableDefinition {
    declared("t", &["id"], &[("id", Some(DataType::Int)), ("a", Some(DataType::Text)), ("b", Some(DataType::Text))])
}

pub(super) const ROWS: &str = "SELECT id, a, b, _sluice_deleted FROM t ORDER BY id";

fn line(id: i64, a: Option<&str>, b: Option<&str>, deleted: i64) -> Vec<Stored> {
    let cell = |v: Option<&str>| v.map_or(Stored::Null, stored);
    vec![Stored::Integer(id), cell(a), cell(b), Stored::Integer(deleted)]
}

#[test]
fn upsert_replaces_the_whole_row() {
    let place = place();
    let full = upsert("t", &[("id", int(1)), ("a", text("x")), ("b", text("y"))]);
    place.sync(&[users()], &[full, upsert("t", &[("id", int(1)), ("a", text("z"))])]);
    assert_eq!(place.query(ROWS), [line(1, Some("z"), None, 0)]);
}

#[test]
fn update_changes_named_columns_only() {
    let place = place();
    let full = upsert("t", &[("id", int(1)), ("a", text("x")), ("b", text("y"))]);
    let missing = update("t", &[("id", int(9)), ("a", text("q"))]);
    place.sync(&[users()], &[full, update("t", &[("id", int(1)), ("a", text("z"))]), missing]);
    assert_eq!(place.query(ROWS), [line(1, Some("z"), Some("y"), 0)]);
    place.sync(&[users()], &[update("t", &[("id", int(1)), ("b", Value::Null)])]);
    assert_eq!(place.query(ROWS), [line(1, Some("z"), None, 0)]);
}

#[test]
fn delete_marks_and_upsert_revives() {
    let place = place();
    let full = upsert("t", &[("id", int(1)), ("a", text("x")), ("b", text("y"))]);
    place.sync(
        &[users()],
        &[full, delete("t", &[("id", int(1)), ("a", text("other"))]), delete("t", &[("id", int(2))])],
    );
    assert_eq!(place.query(ROWS), [line(1, Some("x"), Some("y"), 1)]);
    place.sync(&[users()], &[upsert("t", &[("id", int(1)), ("a", text("q"))])]);
    assert_eq!(place.query(ROWS), [line(1, Some("q"), None, 0)]);
}

#[test]
fn the_last_of_a_batch_wins() {
    let place = place();
    let batch = Batch {
        rows: 3,
        bytes: 30,
        columns: vec![
            Column { name: "id".into(), values: Values::Integers(vec![1, 2, 1]), nulls: vec![] },
            Column { name: "a".into(), values: Values::Texts(["x", "y", ""].into_iter().collect()), nulls: vec![2] },
        ],
    };
    place.sync(&[users()], &[Operation::Rows { table: name("t"), kind: OperationKind::Upsert, batch }]);
    assert_eq!(place.query(ROWS), [line(1, None, None, 0), line(2, Some("y"), None, 0)]);
}

#[test]
fn truncate_marks_what_is_there() {
    let place = place();
    let row = |id| upsert("t", &[("id", int(id)), ("a", text("x"))]);
    place.sync(&[users()], &[row(1), row(2), truncate("t"), row(2), row(3), truncate("nowhere")]);
    assert_eq!(
        place.query(ROWS),
        [line(1, Some("x"), None, 1), line(2, Some("x"), None, 0), line(3, Some("x"), None, 0)]
    );
    assert!(place.query("SELECT 1 FROM sqlite_schema WHERE name = 'nowhere'").is_empty());
}

#[test]
fn synced_moves_with_rows_and_not_with_truncate() {
    let place = place();
    let synced = || place.query("SELECT id, _sluice_synced FROM t ORDER BY id");
    place.sync(&[users()], &[upsert("t", &[("id", int(1))]), upsert("t", &[("id", int(2))])]);
    let first = synced();
    assert!(
        matches!((&first[0][1], &first[1][1]), (Stored::Text(a), Stored::Text(b)) if a < b && a.len() == 27 && a.ends_with('Z'))
    );
    place.sync(&[], &[truncate("t")]);
    assert_eq!(synced(), first);
    place.sync(&[], &[delete("t", &[("id", int(1))])]);
    let after = synced();
    assert!(matches!((&first[1][1], &after[0][1]), (Stored::Text(a), Stored::Text(b)) if a < b));
    assert_eq!(after[1], first[1]);
}

#[test]
fn keyless_rows_collapse_by_value() {
    let place = place();
    let row = |k: &str, n: Value| upsert("e", &[("k", text(k)), ("n", n)]);
    place.sync(
        &[],
        &[row("v", int(1)), row("w", int(1)), row("v", int(1)), row("v", Value::Float(1.0)), row("w", Value::Null)],
    );
    assert_eq!(place.query("SELECT k, n FROM e").len(), 3);
    // Columns in another order, and one that is NULL, are the same row.
    place.sync(
        &[],
        &[delete("e", &[("n", int(1)), ("zzz", Value::Null), ("k", text("v"))]), delete("e", &[("k", text("nope"))])],
    );
    let deleted = place.query("SELECT k, n FROM e WHERE _sluice_deleted = 1");
    assert_eq!(deleted.len(), 1);
    assert_eq!(deleted[0][0], stored("v"));
}

#[test]
fn the_row_hash_is_the_documented_one() {
    let place = place();
    place.sync(&[], &[upsert("e", &[("k", text("v"))])]);
    let mut form = b"sluice row 1\0".to_vec();
    form.extend_from_slice(b"\0\0\0\x01kt\0\0\0\0\0\0\0\x01v");
    use sha2::Digest as _;
    let digest: String = sha2::Sha256::digest(&form)[..16].iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(place.query("SELECT _sluice_id FROM e"), [[stored(&digest)]]);
}

#[test]
fn a_key_of_another_type_selects_the_row_that_an_upsert_would_replace() {
    let place = place();
    place.sync(&[users()], &[upsert("t", &[("id", int(5)), ("a", text("x"))])]);
    place.sync(
        &[],
        &[
            delete("t", &[("id", text("05"))]),
            update("t", &[("id", Value::Float(5.5)), ("a", text("bad"))]),
            update("t", &[("id", text("5")), ("a", text("good"))]),
        ],
    );
    assert_eq!(place.query(ROWS), [line(5, Some("good"), None, 0)]);
    place.sync(&[], &[delete("t", &[("id", Value::Float(5.0))])]);
    assert_eq!(place.query(ROWS), [line(5, Some("good"), None, 1)]);
    assert_eq!(place.type_of("t", "id").as_deref(), Some("INT"));
}

#[test]
fn tables_without_rows_and_columns_without_values_are_not_created() {
    let place = place();
    place.sync(
        &[],
        &[
            upsert("n", &[("a", Value::Null)]),
            update("u", &[("a", int(1))]),
            delete("d", &[("a", int(1))]),
            upsert("t", &[("a", int(1)), ("b", Value::Null)]),
        ],
    );
    let names: Vec<_> =
        place.warehouse.tables("shop").unwrap().into_iter().map(|t| (t.name, t.columns.len())).collect();
    assert_eq!(names, [("n".to_owned(), 0), ("t".to_owned(), 1)]);
}

#[test]
fn counts_are_of_what_was_received() {
    let place = place();
    let mut destination = place.open();
    for operation in [
        upsert("b", &[("x", int(1))]),
        truncate("a"),
        upsert("b", &[("x", int(1))]),
        delete("b", &[("x", int(7))]),
        update("b", &[("x", int(7))]),
    ] {
        destination.write(&operation).unwrap();
    }
    let counts: Vec<_> = destination
        .counts()
        .iter()
        .map(|c| (c.table.name.as_str(), c.upserts, c.updates, c.deletes, c.truncates))
        .collect();
    assert_eq!(counts, [("b", 2, 1, 1, 0), ("a", 0, 0, 0, 1)]);
}

#[test]
fn declared_tables_exist_without_rows() {
    let place = place();
    place.sync(&[declared("t", &["id"], &[("id", None), ("a", Some(DataType::Json))]), declared("k", &[], &[])], &[]);
    assert_eq!(place.query("SELECT * FROM t").len() + place.query("SELECT * FROM k").len(), 0);
    // A key declared without a type takes that of its first value, with the row id where it can.
    place.sync(&[], &[upsert("t", &[("id", int(70_000_000_000)), ("a", Value::Json("{}".into()))])]);
    assert_eq!(place.type_of("t", "id").as_deref(), Some("LONG"));
    assert_eq!(place.query("SELECT rowid FROM t"), [[Stored::Integer(70_000_000_000)]]);
}
