//! Rows that lack a part of their table's primary key.

use super::operations::users;
use super::*;
use crate::landing::{BadRow, Landing, TableLanding};

const ROWS: &str = "SELECT id, name, _sluice_id IS NULL, _sluice_deleted FROM t ORDER BY id, name";

fn batch(ids: &[Option<i64>], names: &[&str]) -> Operation {
    let nulls = ids.iter().enumerate().filter(|(_, id)| id.is_none()).map(|(row, _)| row as u32).collect();
    let batch = Batch {
        rows: ids.len(),
        bytes: 8,
        columns: vec![
            Column {
                name: "id".into(),
                values: Values::Integers(ids.iter().map(|id| id.unwrap_or(0)).collect()),
                nulls,
            },
            Column {
                name: "name".into(),
                values: Values::Mixed(names.iter().map(|name| text(name)).collect()),
                nulls: vec![],
            },
        ],
    };
    Operation::Rows { table: name("t"), kind: OperationKind::Upsert, batch }
}

fn integer(value: i64) -> Stored {
    Stored::Integer(value)
}

#[test]
fn they_land_once_each_and_the_others_as_ever() {
    let place = place();
    let rows = batch(&[Some(1), None, None, Some(2), None], &["a", "b", "c", "d", "b"]);
    let again = batch(&[None, Some(2), None], &["c", "e", "f"]);
    for (operations, keyless) in [([rows.clone(), again.clone()], 5), ([rows, again], 5)] {
        let mut destination = place.open();
        destination.declare(&[users()]).unwrap();
        for operation in &operations {
            destination.write(operation).unwrap();
        }
        destination.finish().unwrap();
        let counts: Vec<_> = destination.counts().iter().map(|c| (c.upserts, c.keyless, c.quarantined)).collect();
        assert_eq!(counts, [(8, keyless, 0)]);
        let expected = [("b", false), ("c", false), ("f", false)];
        let keyless = expected.map(|(name, _)| [Stored::Null, stored(name), integer(0), integer(0)]);
        let keyed = [(1, "a"), (2, "e")].map(|(id, name)| [integer(id), stored(name), integer(1), integer(0)]);
        assert_eq!(place.query(ROWS), [&keyless[..], &keyed[..]].concat());
    }
}

#[test]
fn the_column_may_be_missing_and_the_key_of_several_columns() {
    let place = place();
    place.sync(
        &[declared("t", &["id", "part"], &[])],
        &[
            upsert("t", &[("id", int(1))]),
            upsert("t", &[("id", int(1)), ("part", Value::Null)]),
            upsert("t", &[("id", int(1)), ("part", text("a"))]),
            upsert("t", &[("part", text("a"))]),
            upsert("t", &[("x", text("y"))]),
            upsert("t", &[("id", int(1)), ("part", text("a")), ("x", text("z"))]),
        ],
    );
    let found = place.query("SELECT id, part, x FROM t ORDER BY id, part, x");
    let (null, a) = (Stored::Null, stored("a"));
    assert_eq!(
        found,
        [
            [null.clone(), null.clone(), stored("y")],
            [null.clone(), a.clone(), null.clone()],
            [integer(1), null.clone(), null],
            [integer(1), a, stored("z")],
        ]
    );
}

#[test]
fn updates_and_deletes_of_them_find_none() {
    let place = place();
    let place_rows = [
        upsert("t", &[("id", int(1)), ("name", text("a"))]),
        upsert("t", &[("id", Value::Null), ("name", text("b"))]),
        update("t", &[("name", text("c"))]),
        update("t", &[("id", Value::Null), ("name", text("c"))]),
        delete("t", &[("id", Value::Null)]),
        delete("t", &[("name", text("b"))]),
    ];
    place.sync(&[users()], &place_rows);
    let expected =
        [[Stored::Null, stored("b"), integer(0), integer(0)], [integer(1), stored("a"), integer(1), integer(0)]];
    assert_eq!(place.query(ROWS), expected);
    place.sync(&[users()], &[truncate("t")]);
    assert_eq!(place.query("SELECT DISTINCT _sluice_deleted FROM t"), [[integer(1)]]);
}

#[test]
fn the_table_can_still_widen_and_get_columns() {
    let place = place();
    place.sync(&[declared("t", &["id"], &[])], &[batch(&[None, Some(1)], &["a", "b"])]);
    place.sync(
        &[declared("t", &["id"], &[])],
        &[
            upsert("t", &[("id", text("one")), ("name", int(5)), ("more", int(1))]),
            upsert("t", &[("id", Value::Null), ("name", text("a"))]),
        ],
    );
    let found = place.query("SELECT id, name, more FROM t ORDER BY name");
    let (null, one) = (Stored::Null, stored("1"));
    assert_eq!(
        found,
        [[stored("one"), stored("5"), integer(1)], [null.clone(), stored("a"), null.clone()], [one, stored("b"), null]]
    );
}

#[test]
fn a_table_with_history_takes_none() {
    let tables = [("t".parse().unwrap(), TableLanding { history: true, ..TableLanding::default() })].into();
    let landing = Landing { tables, ..Landing::default() };
    let place = place_with(SqliteOptions { landing: landing.into(), ..SqliteOptions::default() });
    let mut destination = place.open();
    destination.declare(&[users()]).unwrap();
    let keyless = upsert("t", &[("id", Value::Null), ("name", text("b"))]);
    assert_refused(destination.write(&keyless), &["table t", "primary key", "history"]);
}

#[test]
fn who_wants_them_aside_gets_them_aside() {
    let landing = Landing { on_bad_row: Some(BadRow::Quarantine), ..Landing::default() };
    let place = place_with(SqliteOptions { landing: landing.into(), ..SqliteOptions::default() });
    place.sync(&[users()], &[batch(&[None, Some(1)], &["a", "b"])]);
    assert_eq!(place.query("SELECT id, name FROM t"), [[integer(1), stored("b")]]);
    assert_eq!(place.query("SELECT COUNT(*) FROM _sluice_quarantine"), [[integer(1)]]);
}
