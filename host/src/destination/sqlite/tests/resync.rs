//! Re-syncs: what is noted, what is swept and when.

use std::sync::Arc;

use super::operations::users;
use super::*;
use crate::destination::sqlite::{Forget, Resync};

/// The same files under other settings.
fn redecided(place: Place, settings: &str) -> Place {
    let landing = Arc::new(toml::from_str(settings).unwrap());
    let options = SqliteOptions { landing, ..SqliteOptions::default() };
    Place { warehouse: Warehouse::with_options(place.folder.path().join("warehouse"), options), ..place }
}

fn row_of(id: i64) -> Operation {
    upsert("t", &[("id", int(id)), ("a", text("x"))])
}

fn gone(id: i64) -> Operation {
    delete("t", &[("id", int(id))])
}

/// Ids and what `column` says of them.
fn lines(place: &Place, column: &str) -> Vec<(i64, i64)> {
    let rows = place.query(&format!("SELECT id, {column} FROM t ORDER BY id, _sluice_synced"));
    rows.into_iter()
        .map(|row| match (&row[0], &row[1]) {
            (Stored::Integer(id), Stored::Integer(value)) => (*id, *value),
            other => panic!("{other:?}"),
        })
        .collect()
}

fn marks(place: &Place) -> Vec<(i64, i64)> {
    lines(place, "_sluice_deleted")
}

/// One sync that does these operations, ends with this state, and answers what was swept.
fn sync(place: &Place, operations: &[Operation], state: &str) -> Vec<(String, u64)> {
    let mut destination = place.open();
    for operation in operations {
        destination.write(operation).unwrap();
    }
    destination.checkpoint(state).unwrap();
    destination.finish().unwrap();
    destination.counts().iter().filter(|c| c.swept > 0).map(|c| (c.table.name.clone(), c.swept)).collect()
}

fn table(name: &str, forget: Forget) -> Resync {
    Resync::Table { name: name.to_owned(), forget }
}

fn begin(place: &Place, resync: &Resync) -> Result<(), DestinationError> {
    place.warehouse.resync("shop", resync).map(|begun| assert!(begun.is_some()))
}

fn pending(place: &Place) -> Vec<Option<String>> {
    place.warehouse.pending_resyncs("shop").unwrap().into_iter().map(|p| p.table.map(|t| t.to_string())).collect()
}

#[test]
fn what_did_not_arrive_again_is_marked() {
    let place = place();
    place.sync(&[users()], &[]);
    let other = upsert("other", &[("k", text("v"))]);
    sync(&place, &[row_of(1), row_of(2), row_of(3), gone(3), other], "{\"next\": 9}");
    let synced = || place.query("SELECT _sluice_synced FROM t WHERE id = 2");
    let before = synced();
    begin(&place, &Resync::Everything).unwrap();
    assert_eq!(place.warehouse.state("shop").unwrap(), "{}");
    assert_eq!(marks(&place), [(1, 0), (2, 0), (3, 1)], "beginning changes no row");
    assert_eq!(pending(&place), [None]);
    assert_eq!(sync(&place, &[row_of(1), row_of(4)], "{\"next\": 4}"), [("t".into(), 1), ("other".into(), 1)]);
    assert_eq!(marks(&place), [(1, 0), (2, 1), (3, 1), (4, 0)]);
    assert_eq!(synced(), before, "a sweep does not move it");
    assert_eq!(place.query("SELECT _sluice_deleted FROM other"), [[Stored::Integer(1)]], "not mentioned: gone");
    assert_eq!(place.warehouse.state("shop").unwrap(), "{\"next\": 4}");
    // It is over: what does not arrive now stays.
    assert!(pending(&place).is_empty());
    assert!(sync(&place, &[row_of(5)], "{}").is_empty());
    assert_eq!(marks(&place).len(), 5);
}

#[test]
fn a_failed_sync_sweeps_nothing_and_what_arrived_counts() {
    let place = place();
    place.sync(&[users()], &[row_of(1), row_of(2), row_of(3)]);
    begin(&place, &Resync::Everything).unwrap();
    let began = place.query("SELECT table_name, began FROM _sluice_resync");
    for (row, state) in [(row_of(1), "{\"at\": 1}"), (row_of(2), "{\"at\": 2}")] {
        let mut destination = place.open();
        destination.write(&row).unwrap();
        destination.checkpoint(state).unwrap();
        destination.write(&row_of(3)).unwrap();
        if state.contains('1') {
            destination.abandon().unwrap()
        } else {
            drop(destination)
        }
        assert_eq!(marks(&place), [(1, 0), (2, 0), (3, 0)]);
        assert_eq!(place.query("SELECT table_name, began FROM _sluice_resync"), began, "the stamp stays the first");
        assert_eq!(place.warehouse.state("shop").unwrap(), state);
    }
    assert_eq!(sync(&place, &[], "{\"at\": 3}"), [("t".into(), 1)]);
    assert_eq!(marks(&place), [(1, 0), (2, 0), (3, 1)]);
}

#[test]
fn beginning_again_asks_for_every_row_again() {
    let place = place();
    place.sync(&[users()], &[row_of(1), row_of(2)]);
    begin(&place, &Resync::Everything).unwrap();
    let mut destination = place.open();
    destination.write(&row_of(1)).unwrap();
    destination.checkpoint("{\"at\": 1}").unwrap();
    drop(destination);
    begin(&place, &Resync::Everything).unwrap();
    assert_eq!(place.warehouse.state("shop").unwrap(), "{}");
    sync(&place, &[row_of(2)], "{}");
    assert_eq!(marks(&place), [(1, 1), (2, 0)]);
}

#[test]
fn hard_deletes_remove_what_did_not_arrive() {
    let place = place();
    place.sync(&[users()], &[row_of(1), row_of(2), row_of(3), gone(3)]);
    let place = redecided(place, "deletes = 'hard'");
    begin(&place, &Resync::Everything).unwrap();
    assert_eq!(sync(&place, &[row_of(1)], "{}"), [("t".into(), 2)]);
    assert_eq!(marks(&place), [(1, 0)], "marked ones are removed, too");
}

#[test]
fn with_history_versions_are_closed() {
    let place = redecided(place(), "tables.t.history = true");
    let changed = upsert("t", &[("id", int(3)), ("a", text("new"))]);
    place.sync(&[users()], &[row_of(1), row_of(2), row_of(3), changed.clone()]);
    let second = || place.query("SELECT _sluice_start, _sluice_synced FROM t WHERE id = 2");
    let before = second();
    begin(&place, &Resync::Everything).unwrap();
    // Row 1 is the same as ever, row 3 has changed once more, row 2 is gone.
    let again = upsert("t", &[("id", int(3)), ("a", text("newest"))]);
    assert_eq!(sync(&place, &[row_of(1), again], "{}"), [("t".into(), 1)]);
    assert_eq!(lines(&place, "_sluice_active"), [(1, 1), (2, 0), (3, 0), (3, 0), (3, 1)]);
    assert_eq!(second(), before);
    let wrong = "SELECT 1 FROM t WHERE _sluice_end < _sluice_start OR (id = 2 AND _sluice_end LIKE '9999%')";
    assert!(place.query(wrong).is_empty());
    // And the row that comes back begins again.
    sync(&place, &[row_of(2)], "{}");
    assert_eq!(lines(&place, "_sluice_active")[1..3], [(2, 0), (2, 1)]);
}

#[test]
fn blocked_tables_are_left_alone() {
    let place = place();
    place.sync(&[users()], &[row_of(1), upsert("other", &[("k", text("v"))])]);
    let place = redecided(place, "tables.t.block = true");
    begin(&place, &Resync::Everything).unwrap();
    assert_eq!(sync(&place, &[], "{}"), [("other".into(), 1)]);
    assert_eq!(marks(&place), [(1, 0)]);
}

#[test]
fn a_table_is_swept_once_it_arrives() {
    let place = place();
    place.sync(&[users()], &[]);
    let other = upsert("other", &[("k", text("v"))]);
    sync(&place, &[row_of(1), row_of(2), other.clone()], "{\"t\": 1.50, \"other\": [1]}");
    begin(&place, &table("t", Forget::Keys(vec!["t".into()]))).unwrap();
    assert_eq!(place.warehouse.state("shop").unwrap(), "{\"other\": [1]}");
    assert_eq!(pending(&place), [Some("t".into())]);
    // Not touched: it was not read.
    assert!(sync(&place, &[other], "{}").is_empty());
    assert_eq!(pending(&place), [Some("t".into())]);
    assert_eq!(sync(&place, &[row_of(2)], "{}"), [("t".into(), 1)]);
    assert_eq!(marks(&place), [(1, 1), (2, 0)]);
    assert_eq!(place.query("SELECT _sluice_deleted FROM other"), [[Stored::Integer(0)]], "only the table named");
    assert!(pending(&place).is_empty());
}

#[test]
fn several_at_once_and_cancelling() {
    let place = place();
    let other = |k: &str| upsert("other", &[("k", text(k))]);
    place.sync(&[users()], &[row_of(1), row_of(2), other("v"), other("w")]);
    for name in ["t", "other"] {
        begin(&place, &table(name, Forget::Nothing)).unwrap();
    }
    assert_eq!(pending(&place), [Some("other".into()), Some("t".into())]);
    assert_eq!(place.warehouse.cancel_resyncs("shop").unwrap().len(), 2);
    assert!(sync(&place, &[row_of(1), other("v")], "{}").is_empty());
    begin(&place, &table("t", Forget::Nothing)).unwrap();
    // Everything takes the place of one table; a table that begins later asks for more.
    begin(&place, &Resync::Everything).unwrap();
    assert_eq!(pending(&place), [None]);
    let mut destination = place.open();
    destination.write(&row_of(1)).unwrap();
    destination.write(&other("v")).unwrap();
    destination.checkpoint("{}").unwrap();
    drop(destination);
    begin(&place, &table("t", Forget::Everything)).unwrap();
    assert_eq!(pending(&place), [None, Some("t".into())]);
    assert_eq!(sync(&place, &[row_of(2)], "{}"), [("t".into(), 1), ("other".into(), 1)]);
    assert_eq!(marks(&place), [(1, 1), (2, 0)]);
    assert!(pending(&place).is_empty());
}

#[test]
fn a_clock_that_goes_back_sweeps_nothing_that_arrived() {
    let place = place();
    place.sync(&[users()], &[row_of(1), row_of(2)]);
    place.outside().execute("UPDATE _sluice_meta SET value = '4000000000000000' WHERE key = 'last_stamp'", []).unwrap();
    begin(&place, &Resync::Everything).unwrap();
    sync(&place, &[row_of(1)], "{}");
    assert_eq!(marks(&place), [(1, 0), (2, 1)]);
}

#[test]
fn what_cannot_begin_changes_nothing() {
    let place = place();
    assert!(place.warehouse.resync("shop", &Resync::Everything).unwrap().is_none());
    assert!(place.warehouse.pending_resyncs("shop").unwrap().is_empty());
    place.sync(&[users()], &[row_of(1)]);
    place.warehouse.set_state("shop", "{\"a\": 1}").unwrap();
    for (resync, expected) in [
        (table("nobody", Forget::Everything), "no table \"nobody\" yet; there are: \"t\""),
        (table("t", Forget::Keys(vec!["a".into(), "b".into()])), "no key \"b\"; its keys are: \"a\""),
    ] {
        let error = begin(&place, &resync).unwrap_err();
        assert!(matches!(error, DestinationError::Invalid { .. }));
        assert!(error.to_string().contains(expected), "{error}");
    }
    assert!(pending(&place).is_empty());
    assert_eq!(place.warehouse.state("shop").unwrap(), "{\"a\": 1}");
    let _syncing = place.open();
    assert!(matches!(begin(&place, &Resync::Everything), Err(DestinationError::Busy { .. })));
}

#[test]
fn tables_are_named_as_in_the_source_or_the_destination() {
    let place = place();
    let source = TableName { schema: Some("Sales".into()), name: "OrderLines".into() };
    let batch = Batch {
        rows: 1,
        bytes: 8,
        columns: vec![Column { name: "k".into(), values: Values::Integers(vec![1]), nulls: vec![] }],
    };
    place.sync(&[], &[Operation::Rows { table: source, kind: OperationKind::Upsert, batch }]);
    for name in ["Sales.OrderLines", "sales_order_lines"] {
        begin(&place, &table(name, Forget::Nothing)).unwrap();
    }
    assert_eq!(pending(&place), [Some("Sales.OrderLines".into())]);
}

/// A row that arrived but could not land is not gone from the source.
#[test]
fn a_table_with_rows_in_quarantine_is_not_swept_until_they_are_dealt_with() {
    let place = redecided(place(), "on_bad_row = 'quarantine'");
    let users = [declared("t", &["id"], &[("a", Some(DataType::Short))])];
    let row = |id: i64, a: i64| upsert("t", &[("id", int(id)), ("a", int(a))]);
    let other = || upsert("other", &[("k", text("v"))]);
    place.sync(&users, &[row(1, 1), row(2, 2), row(3, 3), other()]);
    begin(&place, &Resync::Everything).unwrap();
    let again = |operations: &[Operation]| {
        let mut destination = place.open();
        destination.declare(&users).unwrap();
        operations.iter().for_each(|operation| destination.write(operation).unwrap());
        destination.checkpoint("{}").unwrap();
        destination.finish().unwrap();
    };
    again(&[row(1, 1), row(2, 70_000)]);
    assert_eq!(marks(&place), [(1, 0), (2, 0), (3, 0)], "2 is there, so nothing is known about 3 alone");
    assert_eq!(place.query("SELECT _sluice_deleted FROM other"), [[Stored::Integer(1)]], "other tables are swept");
    assert_eq!(pending(&place), [Some("t".to_owned())]);
    again(&[row(2, 2)]);
    assert_eq!(pending(&place), [Some("t".to_owned())], "it is still there");
    place.outside().execute("DELETE FROM _sluice_quarantine", []).unwrap();
    again(&[]);
    assert_eq!(marks(&place), [(1, 0), (2, 0), (3, 1)]);
    assert!(pending(&place).is_empty());
}
