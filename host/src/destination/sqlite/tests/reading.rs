//! State, tables and peek without a sync.

use super::*;

#[test]
fn nothing_there_is_not_an_error() {
    let place = place();
    assert_eq!(place.warehouse.state("shop").unwrap(), "{}");
    assert!(place.warehouse.tables("shop").unwrap().is_empty());
    assert_eq!(place.warehouse.peek("shop", "t", 5).unwrap(), None);
    assert!(!place.warehouse.reset("shop").unwrap());
    assert!(!place.folder.path().join("warehouse").exists());
}

#[test]
fn state_can_be_set_and_reset() {
    let place = place();
    for bad in ["", "[]", "1", "null", "{", "{} {}", "{\"a\": NaN}"] {
        assert!(matches!(place.warehouse.set_state("shop", bad), Err(DestinationError::Invalid { .. })), "{bad:?}");
    }
    place.warehouse.set_state("shop", "{\"cursor\": 5}").unwrap();
    assert_eq!(place.open().state(), "{\"cursor\": 5}");
    place.sync(&[], &[upsert("t", &[("a", int(1))])]);
    assert!(place.warehouse.reset("shop").unwrap());
    assert!(!place.database().exists());
    assert_eq!(place.warehouse.state("shop").unwrap(), "{}");
    place.sync(&[], &[upsert("t", &[("a", text("now text"))])]);
}

#[test]
fn tables_and_peek_tell_what_is_stored() {
    let place = place();
    let decimal = Some(DataType::Decimal(Some((10, 2))));
    place.sync(
        &[declared("Users", &["id"], &[("Price", decimal)])],
        &[
            upsert(
                "Users",
                &[("id", int(1)), ("Price", Value::Decimal("1.50".into())), ("raw", Value::Blob(vec![0, 255]))],
            ),
            upsert("Users", &[("id", int(2)), ("raw", Value::Null)]),
            delete("Users", &[("id", int(2))]),
        ],
    );
    let tables = place.warehouse.tables("shop").unwrap();
    assert_eq!(tables.len(), 1);
    let table = &tables[0];
    assert_eq!((table.name.as_str(), table.source.name.as_str(), table.alive, table.deleted), ("users", "Users", 1, 1));
    assert!(table.last_synced.as_deref().unwrap().ends_with('Z'));
    let columns: Vec<_> =
        table.columns.iter().map(|c| (c.name.as_str(), c.data_type.as_deref().unwrap(), c.key)).collect();
    assert_eq!(columns, [("id", "INT", true), ("price", "DECIMAL(10,2)", false), ("raw", "BINARY", false)]);
    let peek = place.warehouse.peek("shop", "Users", 1).unwrap().unwrap();
    assert_eq!(peek.columns, ["id", "price", "raw", "_sluice_deleted", "_sluice_synced"]);
    let cells: Vec<_> = peek.rows[0][..4].iter().map(|c| c.as_deref().unwrap()).collect();
    assert_eq!(cells, ["1", "1.50", "00ff", "0"]);
    assert_eq!(peek.rows.len(), 1);
}

#[test]
fn reading_works_while_a_sync_writes() {
    let place = place();
    let mut destination = place.open();
    destination.write(&upsert("t", &[("a", int(1))])).unwrap();
    destination.checkpoint("{\"n\": 1}").unwrap();
    destination.write(&upsert("t", &[("a", int(2))])).unwrap();
    assert_eq!(place.warehouse.state("shop").unwrap(), "{\"n\": 1}");
    assert_eq!(place.warehouse.tables("shop").unwrap()[0].alive, 1);
}
