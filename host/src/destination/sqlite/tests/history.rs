//! Tables that keep every version of a row.

use std::sync::Arc;

use super::*;
use crate::destination::sqlite::history::FOREVER;

fn kept(tables: &str) -> SqliteOptions {
    SqliteOptions { landing: Arc::new(toml::from_str(tables).unwrap()), ..SqliteOptions::default() }
}

fn history() -> Place {
    place_with(kept("[tables.t]\nhistory = true\n[tables.e]\nhistory = true"))
}

fn users() -> TableDefinition {
    operations::users()
}

/// Columns, whether it is active, start, end and synced of a version.
#[derive(Clone, Debug, PartialEq)]
struct Version {
    id: i64,
    a: Option<String>,
    b: Option<String>,
    active: bool,
    start: String,
    end: String,
    synced: String,
}

impl Version {
    fn line(&self) -> (i64, &str, &str, bool) {
        (self.id, self.a.as_deref().unwrap_or("-"), self.b.as_deref().unwrap_or("-"), self.active)
    }
}

/// All versions by key and start, after what always holds of them was checked.
fn versions(place: &Place) -> Vec<Version> {
    let connection = place.outside();
    let mut statement = connection
        .prepare("SELECT id, a, b, _sluice_active, _sluice_start, _sluice_end, _sluice_synced FROM t ORDER BY id, _sluice_start")
        .unwrap();
    let rows = statement.query_map([], |row| {
        Ok(Version {
            id: row.get(0)?,
            a: row.get(1)?,
            b: row.get(2)?,
            active: row.get(3)?,
            start: row.get(4)?,
            end: row.get(5)?,
            synced: row.get(6)?,
        })
    });
    let all: Vec<Version> = rows.unwrap().collect::<Result<_, _>>().unwrap();
    for version in &all {
        assert_eq!(version.start.len(), 27, "{version:?}");
        assert_eq!(version.active, version.end == FOREVER, "{version:?}");
        assert!(version.start <= version.end, "{version:?}");
    }
    for pair in all.windows(2).filter(|pair| pair[0].id == pair[1].id) {
        assert!(!pair[0].active && pair[0].start < pair[1].start && pair[0].end < pair[1].start, "{pair:?}");
    }
    all
}

fn full(id: i64, a: &str, b: &str) -> Operation {
    upsert("t", &[("id", int(id)), ("a", text(a)), ("b", text(b))])
}

fn before(start: &str) -> String {
    let micros = super::super::dates::parse_datetime(start.strip_suffix('Z').unwrap()).unwrap();
    super::super::clock::text(micros - 1)
}

#[test]
fn a_change_closes_the_version_before_it() {
    let place = history();
    place.sync(&[users()], &[full(1, "x", "y"), full(2, "q", "r")]);
    let first = versions(&place);
    assert_eq!(first.iter().map(Version::line).collect::<Vec<_>>(), [(1, "x", "y", true), (2, "q", "r", true)]);
    place.sync(&[], &[upsert("t", &[("id", int(1)), ("a", text("z"))])]);
    let after = versions(&place);
    assert_eq!(
        after.iter().map(Version::line).collect::<Vec<_>>(),
        [(1, "x", "y", false), (1, "z", "-", true), (2, "q", "r", true)]
    );
    assert_eq!(after[0].start, first[0].start);
    assert_eq!(after[0].end, before(&after[1].start));
    assert_eq!(after[0].synced, after[1].start);
    assert_eq!(after[2], first[1], "other keys are not touched");
}

#[test]
fn what_is_delivered_again_makes_no_version() {
    let place = history();
    place.sync(&[users()], &[full(1, "x", "y"), upsert("t", &[("id", int(2)), ("a", text("x"))])]);
    let first = versions(&place);
    let again = [
        full(1, "x", "y"),
        // NULL and what is not named are the same in an upsert, and an update only says what it names.
        upsert("t", &[("id", int(2)), ("a", text("x")), ("b", Value::Null)]),
        update("t", &[("id", int(1)), ("b", text("y"))]),
        update("t", &[("id", int(1))]),
    ];
    for operation in again {
        place.sync(&[], &[operation]);
    }
    let after = versions(&place);
    assert_eq!(after.len(), 2);
    for (was, is) in first.iter().zip(&after) {
        assert_eq!((&was.start, &was.end), (&is.start, &is.end));
        assert!(was.synced < is.synced, "it was confirmed");
    }
}

#[test]
fn an_update_fills_from_the_active_version() {
    let place = history();
    let operations = [
        full(1, "x", "y"),
        update("t", &[("id", int(1)), ("a", text("z"))]),
        update("t", &[("id", int(1)), ("b", Value::Null)]),
        update("t", &[("id", int(9)), ("a", text("nobody"))]),
        delete("t", &[("id", int(1))]),
        update("t", &[("id", int(1)), ("a", text("late"))]),
    ];
    place.sync(&[users()], &operations);
    assert_eq!(
        versions(&place).iter().map(Version::line).collect::<Vec<_>>(),
        [(1, "x", "y", false), (1, "z", "y", false), (1, "z", "-", false)]
    );
}

#[test]
fn a_delete_closes_and_an_upsert_begins_again() {
    let place = history();
    place.sync(&[users()], &[full(1, "x", "y"), delete("t", &[("id", int(1))]), delete("t", &[("id", int(7))])]);
    let closed = versions(&place);
    assert_eq!(closed.iter().map(Version::line).collect::<Vec<_>>(), [(1, "x", "y", false)]);
    assert_eq!(closed[0].end, before(&closed[0].synced));
    // What is closed stays as it is; the same values are a version of their own.
    place.sync(&[], &[delete("t", &[("id", int(1))]), full(1, "x", "y")]);
    let again = versions(&place);
    assert_eq!(again[0], closed[0]);
    assert_eq!(again.iter().map(Version::line).collect::<Vec<_>>(), [(1, "x", "y", false), (1, "x", "y", true)]);
}

#[test]
fn truncate_closes_what_came_before_it() {
    let place = history();
    place.sync(&[users()], &[full(1, "x", "y"), full(2, "x", "y"), full(3, "old", "y"), full(3, "x", "y")]);
    let synced = |place: &Place| versions(place).into_iter().map(|v| v.synced).take(2).collect::<Vec<_>>();
    let first = synced(&place);
    place.sync(&[], &[truncate("t")]);
    assert_eq!(synced(&place), first, "a truncate does not move it");
    let end = versions(&place)[0].end.clone();
    assert!(versions(&place).iter().filter(|v| v.a.as_deref() == Some("x")).all(|v| !v.active && v.end == end));
    place.sync(&[], &[full(1, "x", "y"), truncate("t"), full(2, "x", "y"), truncate("nowhere")]);
    let active: Vec<_> = versions(&place).into_iter().filter(|v| v.active).map(|v| v.id).collect();
    assert_eq!(active, [2]);
    assert_eq!(versions(&place).len(), 6);
}

#[test]
fn changes_of_one_key_in_one_batch_are_versions_in_their_order() {
    let place = history();
    let values: Vec<String> = (0..500).map(|n| format!("v{:03}", n / 2)).collect();
    let batch = |kind| Operation::Rows {
        table: name("t"),
        kind,
        batch: Batch {
            rows: values.len(),
            bytes: 30,
            columns: vec![
                Column { name: "id".into(), values: Values::Integers(vec![1; values.len()]), nulls: vec![] },
                Column { name: "a".into(), values: Values::Texts(values.iter().collect()), nulls: vec![] },
            ],
        },
    };
    place.sync(&[users()], &[batch(OperationKind::Upsert), batch(OperationKind::Update), batch(OperationKind::Upsert)]);
    let all = versions(&place);
    let expected: Vec<String> = (0..3).flat_map(|_| (0..250).map(|n| format!("v{n:03}"))).collect();
    assert_eq!(all.iter().map(|v| v.a.clone().unwrap()).collect::<Vec<_>>(), expected);
    for pair in all.windows(2) {
        assert_eq!(pair[0].end, before(&pair[1].start), "no moment between two versions");
    }
}

#[test]
fn starts_rise_although_the_clock_goes_back() {
    let place = history();
    place.sync(&[users()], &[full(1, "x", "y")]);
    // The clock of the last sync was ahead by decades.
    let ahead = 4_000_000_000_000_000_i64;
    place
        .outside()
        .execute("UPDATE _sluice_meta SET value = ?1 WHERE key = 'last_stamp'", [ahead.to_string()])
        .unwrap();
    for value in ["b", "c"] {
        place.sync(&[], &[full(1, value, "y")]);
    }
    let all = versions(&place);
    assert_eq!(all[1].start, super::super::clock::text(ahead + 1));
    assert!(all[2].start > all[1].end);
    // Another program put a version into the future, beyond the clock's own memory.
    place
        .outside()
        .execute_batch("UPDATE t SET _sluice_start = '2200-01-01T00:00:00.000000Z' WHERE _sluice_active = 1")
        .unwrap();
    place.sync(&[], &[full(1, "d", "y"), full(2, "x", "y")]);
    let all = versions(&place);
    assert_eq!(
        (all[2].end.as_str(), all[3].start.as_str()),
        ("2200-01-01T00:00:00.000000Z", "2200-01-01T00:00:00.000001Z")
    );
    assert!(all[4].start > all[3].start, "no stamp is given twice");
}

#[test]
fn what_was_not_committed_leaves_no_version() {
    let place = history();
    let mut destination = place.open();
    destination.declare(&[users()]).unwrap();
    destination.write(&full(1, "x", "y")).unwrap();
    destination.checkpoint("{}").unwrap();
    destination.write(&full(1, "z", "y")).unwrap();
    destination.write(&truncate("t")).unwrap();
    drop(destination);
    assert_eq!(versions(&place).iter().map(Version::line).collect::<Vec<_>>(), [(1, "x", "y", true)]);
    place.sync(&[], &[full(1, "z", "y")]);
    assert_eq!(versions(&place).len(), 2);
}

#[test]
fn rows_without_a_key_have_a_history_of_presence() {
    let place = history();
    let row = |k: &str| upsert("e", &[("k", text(k)), ("n", int(1))]);
    let gone = |k: &str| delete("e", &[("k", text(k)), ("n", int(1))]);
    place.sync(
        &[],
        &[
            row("v"),
            row("v"),
            row("w"),
            gone("v"),
            gone("v"),
            row("v"),
            update("e", &[("k", text("w")), ("n", int(1))]),
            update("e", &[("k", text("nobody")), ("n", int(1))]),
        ],
    );
    let all = place.query("SELECT k, n, _sluice_active FROM e ORDER BY k, _sluice_start");
    let line = |k, active| vec![stored(k), Stored::Integer(1), Stored::Integer(active)];
    assert_eq!(all, [line("v", 0), line("v", 1), line("w", 1)]);
    // A wider column keeps the id, and so the version.
    place.sync(&[], &[upsert("e", &[("k", text("v")), ("n", Value::Float(1.5))]), row("v")]);
    assert_eq!(place.query("SELECT k FROM e WHERE _sluice_active = 1").len(), 3);
    place.sync(&[], &[truncate("e")]);
    assert_eq!(place.query("SELECT k FROM e WHERE _sluice_active = 1").len(), 0);
}

#[test]
fn columns_are_added_and_widened_in_all_versions() {
    let place = history();
    let row = |n: Value| upsert("t", &[("id", int(1)), ("n", n)]);
    let bare = declared("t", &["id"], &[("id", Some(DataType::Int))]);
    place.sync(&[bare], &[row(int(1)), row(int(2)), upsert("t", &[("id", int(2))])]);
    // The same value in a wider column is no change; another one is.
    place.sync(&[], &[row(Value::Float(2.0)), row(Value::Float(2.5)), row(text("x"))]);
    let all = place.query("SELECT n, _sluice_active FROM t WHERE id = 1 ORDER BY _sluice_start");
    let expected = [("1", 0), ("2", 0), ("2.5", 0), ("x", 1)];
    assert_eq!(all, expected.map(|(n, active)| vec![stored(n), Stored::Integer(active)]));
    // A new column: the row that does not name it, or holds NULL there, stays as it is.
    place.sync(&[], &[upsert("t", &[("id", int(2)), ("new", text("v"))]), row(text("x"))]);
    place.sync(&[], &[upsert("t", &[("id", int(1)), ("n", text("x")), ("new", Value::Null)])]);
    assert_eq!(place.query("SELECT 1 FROM t WHERE id = 1").len(), 4);
    assert_eq!(place.query("SELECT new FROM t WHERE id = 2 ORDER BY _sluice_start"), [[Stored::Null], [stored("v")]]);
    // A key becomes wider in all versions, too.
    place.sync(&[], &[upsert("t", &[("id", text("three"))]), delete("t", &[("id", text("1"))])]);
    assert_eq!(place.query("SELECT 1 FROM t WHERE _sluice_active = 1").len(), 2);
}

#[test]
fn keys_of_several_columns_and_many_values() {
    let place = history();
    let wide: Vec<(String, Option<DataType>)> = (0..990).map(|n| (format!("c_{n}"), Some(DataType::Int))).collect();
    let columns: Vec<(&str, Option<DataType>)> = wide.iter().map(|(n, t)| (n.as_str(), *t)).collect();
    let mut cells = vec![("x", int(1)), ("y", text("k"))];
    cells.extend(columns.iter().map(|(n, _)| (*n, int(7))));
    let change = update("t", &[("y", text("k")), ("c_989", int(8)), ("x", int(1))]);
    let other = delete("t", &[("y", text("l")), ("x", int(1))]);
    place.sync(&[declared("t", &["x", "y"], &columns)], &[upsert("t", &cells), upsert("t", &cells), change, other]);
    assert_eq!(
        place.query("SELECT c_0, c_989, _sluice_active FROM t ORDER BY _sluice_start"),
        [[7, 7, 0], [7, 8, 1]].map(|line| line.map(Stored::Integer).to_vec())
    );
    let columns = place.query("SELECT name FROM pragma_table_info('t') WHERE pk ORDER BY pk");
    assert_eq!(columns, [[stored("x")], [stored("y")], [stored("_sluice_start")]]);
}

#[test]
fn columns_may_have_the_names_of_row_ids() {
    let place = history();
    let row = |n: i64, more: &[&str]| {
        let mut cells = vec![("id", int(1)), ("rowid", int(n))];
        cells.extend(more.iter().map(|name| (*name, int(n))));
        upsert("t", &cells)
    };
    place.sync(&[declared("t", &["id"], &[])], &[row(7, &[]), row(8, &[]), row(8, &["oid"]), row(8, &["oid"])]);
    let all = "SELECT \"rowid\", oid, _sluice_active FROM t ORDER BY _sluice_start";
    let before = place.query(all);
    assert_eq!(before.len(), 3);
    let mut destination = place.open();
    assert_refused(destination.write(&row(9, &["oid", "_rowid_"])), &["table t", "rowid, _rowid_ and oid"]);
    destination.write(&update("t", &[("id", int(1)), ("oid", int(9))])).unwrap();
    destination.finish().unwrap();
    assert_eq!(place.query(all)[3], [8, 9, 1].map(Stored::Integer));
    assert_eq!(place.query(all)[..2], before[..2]);
}

#[test]
fn special_values_are_compared_as_they_are_stored() {
    let place = history();
    let row = |n: Value| upsert("t", &[("id", int(1)), ("n", n)]);
    let table = declared("t", &["id"], &[("id", Some(DataType::Int)), ("n", Some(DataType::Double))]);
    let nan = Value::Float(f64::NAN);
    place.sync(
        &[table],
        &[
            row(nan.clone()),
            row(nan),
            row(Value::Float(0.0)),
            row(Value::Float(-0.0)),
            row(Value::Null),
            row(Value::Null),
        ],
    );
    assert_eq!(place.query("SELECT n FROM t").len(), 3);
}

fn plain_then(operations: &[Operation]) -> Place {
    let place = place();
    place.sync(&[users()], operations);
    place
}

/// The same files under other settings.
fn decided(place: &Place, settings: &str) -> Warehouse {
    Warehouse::with_options(place.folder.path().join("warehouse"), kept(settings))
}

#[test]
fn switched_on_rows_become_first_versions() {
    let place = plain_then(&[full(1, "x", "y"), full(2, "gone", "y"), delete("t", &[("id", int(2))])]);
    place.outside().execute_batch("CREATE INDEX mine ON t (a)").unwrap();
    let synced = place.query("SELECT _sluice_synced FROM t ORDER BY id");
    let warehouse = decided(&place, "[tables.t]\nhistory = true");
    let mut destination = warehouse.open("shop", identity("one")).unwrap();
    let first = versions(&place);
    assert_eq!(first.iter().map(Version::line).collect::<Vec<_>>(), [(1, "x", "y", true), (2, "gone", "y", false)]);
    for (version, synced) in first.iter().zip(synced) {
        assert_eq!([stored(&version.start), stored(&version.synced)], [synced[0].clone(), synced[0].clone()]);
    }
    assert_eq!(first[1].end, first[1].start);
    assert_eq!(place.query("SELECT name FROM sqlite_schema WHERE name = 'mine'").len(), 1);
    for operation in [full(1, "z", "y"), full(2, "back", "y")] {
        destination.write(&operation).unwrap();
    }
    destination.finish().unwrap();
    assert_eq!(versions(&place).len(), 4);
    let tables = place.warehouse.tables("shop").unwrap();
    assert_eq!((tables[0].history, tables[0].alive, tables[0].deleted), (true, 2, 2));
    let peek = place.warehouse.peek("shop", "t", 1).unwrap().unwrap();
    assert_eq!(peek.columns, ["id", "a", "b", "_sluice_active", "_sluice_start", "_sluice_end", "_sluice_synced"]);
}

#[test]
fn switched_off_is_refused_and_changes_nothing() {
    let place = history();
    place.sync(&[users()], &[full(1, "x", "y")]);
    let before = versions(&place);
    let error = decided(&place, "").open("shop", identity("one")).unwrap_err();
    assert!(matches!(error, DestinationError::Invalid { .. }));
    let said = error.to_string();
    assert!(said.contains("table t keeps its history") && said.contains("sluice reset shop"), "{said}");
    assert_eq!(versions(&place), before);
    place.open();
}

#[test]
fn a_switch_that_fails_changes_nothing() {
    let place = plain_then(&[full(1, "x", "y")]);
    place.outside().execute_batch("CREATE INDEX mine ON t (_sluice_deleted)").unwrap();
    let warehouse = decided(&place, "[tables.t]\nhistory = true");
    warehouse.open("shop", identity("one")).unwrap_err();
    assert_eq!(place.query(operations::ROWS).len(), 1);
    place.outside().execute_batch("DROP INDEX mine").unwrap();
    warehouse.open("shop", identity("one")).unwrap();
    assert_eq!(versions(&place).len(), 1);
}

#[test]
fn a_switch_waits_for_a_foreign_transaction_and_names_it() {
    let place = plain_then(&[full(1, "x", "y")]);
    let outside = place.outside();
    outside.execute_batch("BEGIN IMMEDIATE").unwrap();
    let options =
        SqliteOptions { busy_timeout: std::time::Duration::from_millis(50), ..kept("tables.t.history = true") };
    let warehouse = Warehouse::with_options(place.folder.path().join("warehouse"), options);
    let error = warehouse.open("shop", identity("one")).unwrap_err();
    assert!(matches!(error, DestinationError::Busy { .. }), "{error:?}");
    outside.execute_batch("ROLLBACK").unwrap();
    warehouse.open("shop", identity("one")).unwrap();
    assert_eq!(versions(&place).len(), 1);
}

#[test]
fn hard_deletes_remove_no_version() {
    let place = place_with(kept("deletes = 'hard'\n[tables.t]\nhistory = true"));
    place.sync(&[users()], &[full(1, "x", "y"), delete("t", &[("id", int(1))]), full(2, "x", "y"), truncate("t")]);
    assert_eq!(versions(&place).len(), 2);
}
