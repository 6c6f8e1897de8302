//! What is durable when, and what is not.

use super::*;

fn row_of(id: i64) -> Operation {
    upsert("t", &[("id", int(id))])
}

fn ids(place: &Place) -> Vec<Vec<Stored>> {
    if place.query("SELECT 1 FROM sqlite_schema WHERE name = 't'").is_empty() {
        return Vec::new();
    }
    place.query("SELECT id FROM t ORDER BY id")
}

#[test]
fn a_checkpoint_keeps_rows_schema_and_state_together() {
    let place = place();
    let mut destination = place.open();
    assert_eq!(destination.state(), "{}");
    destination.declare(&[declared("t", &["id"], &[])]).unwrap();
    destination.write(&row_of(1)).unwrap();
    assert_eq!(ids(&place).len(), 0);
    destination.checkpoint("{\"n\": 1}").unwrap();
    assert_eq!(ids(&place).len(), 1);
    assert_eq!(destination.state(), "{\"n\": 1}");
    destination.write(&row_of(2)).unwrap();
    destination.write(&upsert("t", &[("id", text("three")), ("new", int(1))])).unwrap();
    destination.write(&upsert("other", &[("x", int(1))])).unwrap();
    drop(destination);
    assert_eq!(ids(&place), [[Stored::Integer(1)]]);
    assert_eq!(place.warehouse.state("shop").unwrap(), "{\"n\": 1}");
    assert_eq!(place.warehouse.tables("shop").unwrap().len(), 1);
    assert_eq!(place.type_of("t", "id").as_deref(), Some("INT"));
    // The next sync sees what was committed, not what was discarded.
    place.sync(&[], &[row_of(4)]);
    assert_eq!(ids(&place), [[Stored::Integer(1)], [Stored::Integer(4)]]);
}

#[test]
fn finish_keeps_rows_and_leaves_the_state() {
    let place = place();
    let mut destination = place.open();
    destination.checkpoint("{\"n\": 1}").unwrap();
    destination.write(&row_of(1)).unwrap();
    destination.finish().unwrap();
    assert!(matches!(destination.write(&row_of(2)), Err(DestinationError::Ended)));
    assert!(matches!(destination.finish(), Err(DestinationError::Ended)));
    drop(destination);
    assert_eq!(ids(&place).len(), 1);
    assert_eq!(place.open().state(), "{\"n\": 1}");
    assert_eq!(std::fs::metadata(place.database().with_extension("db-wal")).map_or(0, |m| m.len()), 0);
}

#[test]
fn abandon_goes_back_to_the_checkpoint() {
    let place = place();
    let mut destination = place.open();
    destination.write(&row_of(1)).unwrap();
    destination.checkpoint("{\"n\": 1}").unwrap();
    destination.write(&row_of(2)).unwrap();
    destination.abandon().unwrap();
    assert!(matches!(destination.checkpoint("{}"), Err(DestinationError::Ended)));
    assert_eq!(ids(&place).len(), 1);
    assert_eq!(destination.state(), "{\"n\": 1}");
}

#[test]
fn the_component_is_recorded() {
    let place = place();
    let mut destination = place.open();
    assert_eq!(destination.last_identity().unwrap(), None);
    destination.finish().unwrap();
    drop(destination);
    let mut destination = place.warehouse.open("shop", identity("two")).unwrap();
    assert_eq!(destination.last_identity().unwrap(), Some(identity("one")));
    destination.checkpoint("{}").unwrap();
    assert_eq!(destination.last_identity().unwrap(), Some(identity("two")));
}

#[test]
fn a_second_sync_is_refused() {
    let place = place();
    let first = place.open();
    let error = place.warehouse.open("shop", identity("two")).unwrap_err();
    assert!(matches!(error, DestinationError::Busy { .. }));
    assert!(error.to_string().contains(&format!("process {}", std::process::id())), "{error}");
    assert!(matches!(place.warehouse.set_state("shop", "{}"), Err(DestinationError::Busy { .. })));
    assert!(matches!(place.warehouse.reset("shop"), Err(DestinationError::Busy { .. })));
    place.warehouse.open("other", identity("two")).unwrap();
    drop(first);
    place.open();
}

#[test]
fn a_foreign_transaction_is_waited_for_and_then_named() {
    let place =
        place_with(SqliteOptions { busy_timeout: std::time::Duration::from_millis(50), ..SqliteOptions::default() });
    let mut destination = place.open();
    let outside = place.outside();
    outside.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = destination.write(&row_of(1)).unwrap_err();
    assert!(matches!(error, DestinationError::Busy { .. }), "{error:?}");
    drop(destination);
    drop(outside);
    place.sync(&[], &[row_of(1)]);
}

#[test]
fn a_full_database_loses_nothing_committed() {
    let place = place_with(SqliteOptions { database_bytes: 200_000, ..SqliteOptions::default() });
    let mut destination = place.open();
    destination.write(&row_of(1)).unwrap();
    destination.checkpoint("{\"n\": 1}").unwrap();
    let mut id = 2;
    let error = loop {
        let big = upsert("t", &[("id", int(id)), ("pad", text(&"x".repeat(20_000)))]);
        match destination.write(&big) {
            Ok(()) => id += 1,
            Err(error) => break error,
        }
        assert!(id < 100);
    };
    assert!(matches!(error, DestinationError::Full { .. }), "{error:?}");
    drop(destination);
    assert_eq!(ids(&place).len(), 1);
    assert_eq!(place.warehouse.state("shop").unwrap(), "{\"n\": 1}");
}

#[test]
fn what_is_accepted_is_noted_before_anything_lands_and_only_as_it_was_judged() {
    let place = place();
    let folder = place.database().parent().unwrap().to_owned();
    let opening = |known: Option<&str>, connector: &str| {
        let acceptance = Acceptance { known: known.map(ToOwned::to_owned), connector: connector.to_owned() };
        let options = SqliteOptions { acceptance: Some(acceptance), ..SqliteOptions::default() };
        Warehouse::with_options(&folder, options).open("shop", identity("one"))
    };
    let accepted = || place.warehouse.look("shop").unwrap().accepted().map(str::to_owned);
    assert_eq!(accepted(), None);
    drop(opening(None, "first").unwrap());
    assert_eq!(accepted().as_deref(), Some("first"));
    // Two that were judged before either began: the second does not overrule the first.
    let error = opening(None, "second").unwrap_err();
    assert!(matches!(&error, DestinationError::Busy { .. }) && error.to_string().contains("sync again"), "{error}");
    assert_eq!(accepted().as_deref(), Some("first"));
    drop(opening(None, "first").unwrap());
    drop(opening(Some("first"), "second").unwrap());
    assert_eq!(accepted().as_deref(), Some("second"));
}

#[test]
fn a_sync_goes_on_with_what_was_looked_at_unless_it_is_another_database_by_then() {
    let place = place();
    let write = |looked: Looked, id: i64| {
        let mut destination = place.warehouse.open_looked(looked, "shop", identity("one")).unwrap();
        destination.declare(&[declared("t", &["id"], &[])]).unwrap();
        destination.write(&row_of(id)).unwrap();
        destination.finish().unwrap();
    };
    let look = || place.warehouse.look("shop").unwrap();
    let nothing = look();
    assert!(!place.database().exists(), "nothing is made by looking");
    write(nothing, 1);
    write(look(), 2);
    assert_eq!(ids(&place).len(), 2);
    // Somebody else syncs meanwhile, or takes the database away.
    let before = look();
    write(Looked::default(), 3);
    write(before, 4);
    assert_eq!(ids(&place).len(), 4);
    for made_anew in [false, true] {
        let before = look();
        place.warehouse.reset("shop").unwrap();
        if made_anew {
            write(Looked::default(), 5);
        }
        write(before, 6);
        assert_eq!(ids(&place).len(), 1 + usize::from(made_anew));
    }
}

#[test]
fn what_a_last_checkpoint_wrote_is_not_written_once_more() {
    let place = place();
    place.sync(&[declared("t", &["id"], &[])], &[]);
    for more in [false, true] {
        let mut destination = place.open();
        destination.write(&row_of(1)).unwrap();
        destination.checkpoint("{\"n\": 1}").unwrap();
        if more {
            destination.write(&row_of(2)).unwrap();
        }
        // Not what another connection sees: it takes the log that is emptied for a change, too.
        let before = destination.connection.total_changes();
        destination.finish().unwrap();
        assert_eq!(destination.connection.total_changes() != before, more);
        assert_eq!(destination.counts()[0].upserts, 1 + u64::from(more));
        assert!(matches!(destination.finish(), Err(DestinationError::Ended)));
    }
    assert_eq!(ids(&place).len(), 2);
}
