//! Rows that are removed instead of marked.

use std::sync::Arc;

use super::operations::{ROWS, users};
use super::*;

fn deciding(settings: &str) -> SqliteOptions {
    SqliteOptions { landing: Arc::new(toml::from_str(settings).unwrap()), ..SqliteOptions::default() }
}

fn row_of(id: i64) -> Operation {
    upsert("t", &[("id", int(id)), ("a", text("x"))])
}

fn ids_and_marks(place: &Place) -> Vec<(i64, i64)> {
    place
        .query(ROWS)
        .into_iter()
        .map(|row| match (&row[0], &row[3]) {
            (Stored::Integer(id), Stored::Integer(deleted)) => (*id, *deleted),
            other => panic!("{other:?}"),
        })
        .collect()
}

#[test]
fn deletes_and_truncates_remove_in_the_order_of_the_calls() {
    let place = place_with(deciding("deletes = 'hard'"));
    let gone = |id| delete("t", &[("id", int(id)), ("a", text("other"))]);
    place.sync(&[users()], &[row_of(1), row_of(2), gone(1), gone(9), update("t", &[("id", int(1)), ("a", text("z"))])]);
    assert_eq!(ids_and_marks(&place), [(2, 0)]);
    place.sync(&[], &[row_of(1), gone(1), row_of(1), truncate("t"), row_of(3), truncate("nowhere")]);
    assert_eq!(ids_and_marks(&place), [(3, 0)]);
    place.sync(
        &[],
        &[upsert("e", &[("k", text("v"))]), upsert("e", &[("k", text("w"))]), delete("e", &[("k", text("v"))])],
    );
    assert_eq!(place.query("SELECT k FROM e"), [[stored("w")]]);
}

#[test]
fn a_table_decides_before_its_connection() {
    let place = place_with(deciding("deletes = 'hard'\n[tables.t]\ndeletes = 'soft'"));
    place.sync(&[users()], &[row_of(1), delete("t", &[("id", int(1))]), row_of(2), truncate("t")]);
    assert_eq!(ids_and_marks(&place), [(1, 1), (2, 1)]);
}

#[test]
fn switching_rules_what_comes_after() {
    let place = place();
    let all: Vec<_> = (1..=4).map(row_of).collect();
    place.sync(&[users()], &all);
    let gone = |id| delete("t", &[("id", int(id))]);
    place.sync(&[], &[gone(1), gone(2), gone(3)]);
    let hard = Warehouse::with_options(place.folder.path().join("warehouse"), deciding("deletes = 'hard'"));
    let mut destination = hard.open("shop", identity("one")).unwrap();
    for operation in [gone(1), row_of(2), gone(4)] {
        destination.write(&operation).unwrap();
    }
    destination.checkpoint("{}").unwrap();
    assert_eq!(ids_and_marks(&place), [(2, 0), (3, 1)]);
    destination.write(&truncate("t")).unwrap();
    destination.finish().unwrap();
    drop(destination);
    assert!(ids_and_marks(&place).is_empty());
    place.sync(&[], &[row_of(1), gone(1)]);
    assert_eq!(ids_and_marks(&place), [(1, 1)]);
}

#[test]
fn a_removal_that_was_not_committed_comes_back() {
    let place = place_with(deciding("deletes = 'hard'"));
    place.sync(&[users()], &[row_of(1), row_of(2)]);
    let mut destination = place.open();
    destination.write(&delete("t", &[("id", int(1))])).unwrap();
    destination.write(&truncate("t")).unwrap();
    drop(destination);
    assert_eq!(ids_and_marks(&place), [(1, 0), (2, 0)]);
}
