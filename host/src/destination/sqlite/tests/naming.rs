//! Names as the source has them, schemas, and the host's columns under their other names.

use std::sync::Arc;

use super::*;
use crate::landing::settings;

fn under(place: &Place, text: &str) -> Warehouse {
    let landing = Arc::new(settings::read(text).unwrap().landing);
    let options = SqliteOptions { landing, ..SqliteOptions::default() };
    Warehouse::with_options(place.folder.path().join("warehouse"), options)
}

fn sync(place: &Place, settings: &str, declared: &[TableDefinition], operations: &[Operation]) {
    let mut destination = under(place, settings).open("shop", identity("one")).unwrap();
    destination.declare(declared).unwrap();
    for operation in operations {
        destination.write(operation).unwrap();
    }
    destination.finish().unwrap();
}

fn in_schema(schema: &str, operation: Operation) -> Operation {
    let schema = Some(schema.to_owned());
    match operation {
        Operation::Rows { table, kind, batch } => Operation::Rows { table: TableName { schema, ..table }, kind, batch },
        Operation::Truncate { table } => Operation::Truncate { table: TableName { schema, ..table } },
        other @ Operation::Rejected { .. } => panic!("{other:?}"),
    }
}

fn tables(place: &Place) -> Vec<String> {
    place.warehouse.tables("shop").unwrap().into_iter().map(|table| table.name).collect()
}

const SOURCE: &str = "[destination]\nnaming = 'source'";
const FIVETRAN: &str = "[destination]\nsystem_columns = 'fivetran'";

#[test]
fn the_sources_names_are_kept() {
    let place = place();
    let odd = "Größe \"x\"; DROP TABLE y; --";
    let declared = [declared("Order Items", &["userID"], &[("!!!", Some(DataType::Int))])];
    let row = [("userID", int(1)), (odd, int(2)), ("user_id", int(3))];
    sync(
        &place,
        SOURCE,
        &declared,
        &[upsert("Order Items", &row), in_schema("Sales", upsert("Order Items", &row)), upsert("日本", &row)],
    );
    assert_eq!(tables(&place), ["Order Items", "Sales.Order Items", "日本"]);
    let columns = place.query("SELECT name FROM pragma_table_info('Order Items') WHERE name NOT LIKE '_sluice%'");
    assert_eq!(columns, [[stored("userID")], [stored("!!!")], [stored(odd)], [stored("user_id")]]);
    // and go on being found
    sync(&place, SOURCE, &declared, &[update("Order Items", &[("userID", int(1)), (odd, int(9))])]);
    let quoted = odd.replace('"', "\"\"");
    assert_eq!(place.query(&format!("SELECT \"{quoted}\" FROM \"Order Items\"")), [[Stored::Integer(9)]]);
}

#[test]
fn names_that_sqlite_does_not_tell_apart_are_refused() {
    let place = place();
    let mut destination = under(&place, SOURCE).open("shop", identity("one")).unwrap();
    destination.write(&upsert("Users", &[("Name", int(1))])).unwrap();
    assert_refused(destination.write(&upsert("users", &[("a", int(1))])), &["users", "\"Users\""]);
    assert_refused(destination.write(&upsert("Users", &[("NAME", int(1))])), &["Users", "NAME", "\"Name\""]);
    assert_refused(destination.write(&upsert("t", &[("_Sluice_x", int(1))])), &["reserved"]);
    assert_refused(destination.write(&upsert("_sluice_meta", &[("a", int(1))])), &["reserved"]);
    // a schema and its table become one name
    destination.write(&in_schema("a.b", upsert("c", &[("x", int(1))]))).unwrap();
    assert_refused(destination.write(&in_schema("a", upsert("b.c", &[("x", int(1))]))), &["a.b.c"]);
    drop(destination);
    let standard = super::place();
    let mut destination = standard.open();
    destination.write(&in_schema("a", upsert("b_c", &[("x", int(1))]))).unwrap();
    assert_refused(
        destination.write(&in_schema("a_b", upsert("c", &[("x", int(1))]))),
        &["a_b.c", "\"a.b_c\"", "a_b_c"],
    );
}

#[test]
fn blocking_holds_under_the_sources_names() {
    let place = place();
    let settings = format!("{SOURCE}\n[destination.tables.users]\nblock_columns = ['password']");
    sync(
        &place,
        &settings,
        &[],
        &[upsert("Users", &[("id", int(1)), ("Pass Word", text("x")), ("PASSWORD", text("y"))])],
    );
    let columns =
        place.query("SELECT group_concat(name) FROM pragma_table_info('Users') WHERE name NOT LIKE '_sluice%'");
    assert_eq!(columns, [[stored("id")]]);
}

#[test]
fn the_hosts_columns_under_their_other_names() {
    let place = place();
    let settings = format!("{FIVETRAN}\n[destination.tables.kept]\nhistory = true");
    let all = [declared("t", &["id"], &[]), declared("kept", &["id"], &[])];
    let row = [("id", int(1)), ("a", int(1))];
    sync(&place, &settings, &all, &[upsert("t", &row), upsert("kept", &row), upsert("keyless", &row)]);
    sync(
        &place,
        &settings,
        &all,
        &[delete("t", &row[..1]), update("kept", &[("id", int(1)), ("a", int(2))]), truncate("keyless")],
    );
    let columns = |table: &str| {
        let rows = place.query(&format!(
            "SELECT name FROM pragma_table_info('{table}') WHERE name LIKE '\\_%' ESCAPE '\\' ORDER BY name"
        ));
        rows.into_iter().map(|mut row| row.remove(0)).collect::<Vec<_>>()
    };
    assert_eq!(columns("t"), ["_fivetran_deleted", "_fivetran_synced"].map(stored));
    assert_eq!(columns("keyless"), ["_fivetran_deleted", "_fivetran_id", "_fivetran_synced"].map(stored));
    assert_eq!(
        columns("kept"),
        ["_fivetran_active", "_fivetran_end", "_fivetran_start", "_fivetran_synced"].map(stored)
    );
    assert_eq!(place.query("SELECT _fivetran_deleted FROM t"), [[Stored::Integer(1)]]);
    assert_eq!(
        place.query("SELECT a FROM kept ORDER BY _fivetran_start"),
        [[Stored::Integer(1)], [Stored::Integer(2)]]
    );
    assert_eq!(place.query("SELECT _fivetran_deleted FROM keyless"), [[Stored::Integer(1)]]);
    let peek = place.warehouse.peek("shop", "keyless", 1).unwrap().unwrap();
    assert_eq!(peek.columns.last().map(String::as_str), Some("_fivetran_synced"));
    let mut destination = under(&place, &settings).open("shop", identity("one")).unwrap();
    assert_refused(
        destination.write(&upsert("t", &[("id", int(1)), ("_Fivetran_id", int(1))])),
        &["_fivetran_id", "reserved"],
    );
    drop(destination);
    // without the setting such a column is the source's
    super::place().sync(&[], &[upsert("t", &[("_fivetran_id", int(1))])]);
}

#[test]
fn rows_bring_the_path_of_their_file_and_no_other_column_of_the_hosts() {
    let path = |column: &str| upsert("t", &[("id", int(1)), (column, text("a/b"))]);
    for (settings, column, other) in [
        ("", "_sluice_file_path", "_sluice_file_paths"),
        (FIVETRAN, "_fivetran_file_path", "_sluice_file_path"),
        (FIVETRAN, "_fivetran_file_path", "_fivetran_file_paths"),
        ("[destination]\nnaming = 'source'", "_sluice_file_path", "_SLUICE_file_path"),
    ] {
        let place = place();
        let mut destination = under(&place, settings).open("shop", identity("one")).unwrap();
        assert_eq!(destination.path_column(), column);
        destination.write(&path(column)).unwrap();
        assert_refused(destination.write(&path(other)), &[other, "reserved"]);
        destination.finish().unwrap();
        assert_eq!(place.query(&format!("SELECT {column} FROM t")), [[stored("a/b")]]);
    }
}

#[test]
fn names_are_fixed_at_the_first_sync() {
    let place = place();
    // nothing is fixed while there is no table
    place.warehouse.set_state("shop", "{}").unwrap();
    let settings = "[destination]\nnaming = 'source'\nsystem_columns = 'fivetran'";
    sync(&place, settings, &[], &[upsert("A", &[("B", int(1))])]);
    // nobody has to say it again
    sync(&place, "", &[], &[upsert("A", &[("B", int(2))])]);
    assert_eq!(tables(&place), ["A"]);
    for (other, parts) in [
        ("naming = 'standard'", ["naming is `standard`", "`source`"]),
        ("system_columns = 'sluice'", ["system_columns is `sluice`", "`fivetran`"]),
    ] {
        let error = under(&place, &format!("[destination]\n{other}")).open("shop", identity("one")).unwrap_err();
        assert!(matches!(error, DestinationError::Invalid { .. }), "{error}");
        let error = error.to_string();
        assert!(parts.iter().all(|part| error.contains(part)) && error.contains("sluice reset shop"), "{error}");
    }
    place.warehouse.reset("shop").unwrap();
    sync(&place, "[destination]\nnaming = 'standard'", &[], &[upsert("A", &[("B", int(1))])]);
    assert_eq!(tables(&place), ["a"]);
}
