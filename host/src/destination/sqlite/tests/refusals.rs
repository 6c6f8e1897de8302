//! What is refused, and that it then has no effect.

use super::operations::{ROWS, users};
use super::*;
use crate::landing::{BadRow, Landing};

/// An operator who wants bad rows to fail.
fn strict() -> SqliteOptions {
    let landing = Landing { on_bad_row: Some(BadRow::Fail), ..Landing::default() };
    SqliteOptions { landing: landing.into(), ..SqliteOptions::default() }
}

#[test]
fn keys_must_be_complete_where_bad_rows_fail() {
    let place = place_with(strict());
    let mut destination = place.open();
    destination.declare(&[declared("t", &["id", "part"], &[])]).unwrap();
    for operation in [
        upsert("t", &[("id", int(1))]),
        upsert("t", &[("id", int(1)), ("part", Value::Null)]),
        update("t", &[("id", int(1)), ("x", int(2))]),
        delete("t", &[("id", int(1))]),
        delete("t", &[]),
    ] {
        let result = destination.write(&operation);
        let column = if operation == delete("t", &[]) { "column id" } else { "column part" };
        assert_refused(result, &["table t", column]);
    }
    destination.write(&upsert("t", &[("id", int(1)), ("part", text("a"))])).unwrap();
    destination.finish().unwrap();
    assert_eq!(place.query("SELECT id, part FROM t"), [[Stored::Integer(1), stored("a")]]);
}

#[test]
fn a_refused_batch_has_no_effect() {
    let place = place_with(strict());
    let mut destination = place.open();
    destination.declare(&[users()]).unwrap();
    let batch = Batch {
        rows: 2,
        bytes: 8,
        columns: vec![
            Column { name: "id".into(), values: Values::Integers(vec![1, 0]), nulls: vec![1] },
            Column { name: "new".into(), values: Values::Integers(vec![1, 2]), nulls: vec![] },
        ],
    };
    let operation = Operation::Rows { table: name("t"), kind: OperationKind::Upsert, batch };
    assert_refused(destination.write(&operation), &["table t", "column id", "null"]);
    destination.finish().unwrap();
    assert!(place.query(ROWS).is_empty());
    assert!(place.query("SELECT 1 FROM pragma_table_info('t') WHERE name = 'new'").is_empty());
    assert!(destination.counts().is_empty());
}

#[test]
fn a_changed_key_is_refused() {
    let place = place();
    place.sync(&[users(), declared("k", &[], &[])], &[upsert("e", &[("x", int(1))])]);
    let mut destination = place.open();
    assert_refused(destination.declare(&[declared("t", &["id", "a"], &[])]), &["table t", "(id, a)", "(id)"]);
    assert_refused(destination.declare(&[declared("t", &[], &[])]), &["none", "(id)"]);
    assert_refused(destination.declare(&[declared("e", &["x"], &[])]), &["table e", "(x)", "none"]);
    destination.declare(&[users(), declared("k", &[], &[])]).unwrap();
}

#[test]
fn names_that_meet_are_refused_with_both() {
    let place = place();
    let mut destination = place.open();
    assert_refused(destination.declare(&[declared("A", &[], &[]), declared("a", &[], &[])]), &["table a", "\"A\""]);
    assert_refused(destination.declare(&[declared("t", &["Id"], &[("id", None)])]), &["column id", "\"Id\""]);
    destination.write(&upsert("T", &[("Id", int(1))])).unwrap();
    assert_refused(destination.write(&upsert("t", &[("x", int(1))])), &["table t", "\"T\""]);
    assert_refused(destination.write(&upsert("T", &[("ID", int(1))])), &["column ID", "\"Id\""]);
    assert_refused(destination.write(&upsert("T", &[("n", int(1)), ("N", int(1))])), &["column N", "\"n\""]);
    destination.finish().unwrap();
    drop(destination);
    assert_refused(place.open().write(&upsert("t", &[("x", int(1))])), &["table t", "\"T\""]);
}

#[test]
fn hostile_names_stay_names() {
    let place = place();
    place.sync(&[], &[upsert("y", &[("a", int(1))])]);
    let table = "x\"; DROP TABLE y; --";
    let column = "c\"') --";
    place.sync(&[declared(table, &[column], &[])], &[]);
    place.sync(
        &[],
        &[
            upsert(table, &[(column, int(1)), ("?1", text("v"))]),
            upsert(table, &[(column, int(1)), ("?1", int(2))]),
            update(table, &[(column, int(1)), ("?1", int(3))]),
            delete(table, &[(column, int(1))]),
            truncate(table),
        ],
    );
    assert_eq!(place.warehouse.tables("shop").unwrap()[0].name, "x_drop_table_y_");
    assert_eq!(place.warehouse.peek("shop", table, 5).unwrap().unwrap().rows[0][1].as_deref(), Some("3"));
    assert_eq!(place.query("SELECT a FROM y"), [[Stored::Integer(1)]]);
    for reserved in ["sqlite_master", "_sqlite_x", ""] {
        assert_refused(place.open().write(&upsert(reserved, &[("a", int(1))])), &["table"]);
    }
    for reserved in ["_sluice_state", "_Sluice_x", ""] {
        assert_refused(place.open().write(&upsert("y", &[(reserved, int(1))])), &["table y", "column"]);
    }
}

#[test]
fn limits_end_the_sync() {
    let place = place_with(SqliteOptions {
        tables: 1,
        columns: 2,
        uncommitted_bytes: 20,
        row_bytes: 100_000,
        ..SqliteOptions::default()
    });
    let is_limit = |operations: &[Operation]| {
        let mut destination = place.open();
        let (last, first) = operations.split_last().unwrap();
        first.iter().for_each(|operation| destination.write(operation).unwrap());
        assert!(matches!(destination.write(last), Err(DestinationError::Limit { .. })));
        assert!(matches!(destination.write(last), Err(DestinationError::Ended)));
        assert!(matches!(destination.checkpoint("{}"), Err(DestinationError::Ended)));
    };
    let one = || upsert("t", &[("a", int(1))]);
    is_limit(&[one(), upsert("u", &[("a", int(1))])]);
    is_limit(&[one(), upsert("t", &[("b", int(1)), ("c", int(1))])]);
    is_limit(&[one(), one(), one()]);
    is_limit(&[upsert("t", &[("a", text(&"x".repeat(200_000)))])]);
    assert!(place.warehouse.tables("shop").unwrap().is_empty());
}
