//! Monthly active rows: each row of a table once a month, however often it comes.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::destination::sqlite::ActiveRows;

const OCTOBER: i64 = 1_791_000_000_000_000;
const DAY: i64 = 86_400_000_000;

/// The same warehouse at another time, with other settings.
fn at(place: &Place, clock: i64, settings: &str) -> Warehouse {
    let landing = Arc::new(toml::from_str(settings).unwrap());
    let options =
        SqliteOptions { clock: Some(clock), landing, sync: Some("this".to_owned()), ..SqliteOptions::default() };
    Warehouse::with_options(place.folder.path().join("warehouse"), options)
}

fn sync(warehouse: &Warehouse, operations: &[Operation]) -> u64 {
    let mut destination = warehouse.open("shop", identity("one")).unwrap();
    for operation in operations {
        destination.write(operation).unwrap();
    }
    destination.finish().unwrap();
    destination.counts().iter().map(|counts| counts.active).sum()
}

fn sums(place: &Place) -> Vec<(String, u64)> {
    let rows = place.warehouse.active_rows("shop").unwrap();
    rows.into_iter().map(|ActiveRows { month, table, rows }| (format!("{month} {table}"), rows)).collect()
}

fn of(sums: &[(&str, u64)]) -> Vec<(String, u64)> {
    sums.iter().map(|(name, rows)| ((*name).to_owned(), *rows)).collect()
}

fn rows(kind: OperationKind, ids: std::ops::Range<i64>, value: &str) -> Operation {
    let count = usize::try_from(ids.end - ids.start).unwrap();
    let column = |name: &str, values: Values| Column { name: name.into(), values, nulls: vec![] };
    let mut columns = vec![column("id", Values::Integers(ids.collect()))];
    if kind != OperationKind::Delete {
        columns.push(column("value", Values::Texts(std::iter::repeat_n(value.to_owned(), count).collect())));
    }
    Operation::Rows { table: name("t"), kind, batch: Batch { rows: count, columns, bytes: 8 } }
}

fn keyed(place: &Place, clock: i64) {
    let mut destination = at(place, clock, "").open("shop", identity("one")).unwrap();
    destination.declare(&[declared("t", &["id"], &[("id", Some(DataType::Long))])]).unwrap();
    destination.finish().unwrap();
}

#[test]
fn a_row_counts_once_a_month_however_often_it_comes() {
    use OperationKind::{Delete, Update, Upsert};
    let place = place();
    keyed(&place, OCTOBER);
    let first = at(&place, OCTOBER, "");
    assert_eq!(sync(&first, &[rows(Upsert, 0..100, "a"), rows(Upsert, 50..120, "b")]), 120);
    assert_eq!(sync(&first, &[rows(Upsert, 0..50, "a"), rows(Update, 0..10, "c"), rows(Delete, 5..20, "")]), 0);
    assert_eq!(sums(&place), of(&[("2026-10 t", 120)]));
    // Unchanged or not, what is sent again in another month counts again; what is not there changes nothing.
    let next = at(&place, OCTOBER + 40 * DAY, "");
    assert_eq!(sync(&next, &[rows(Upsert, 0..10, "a"), rows(Update, 5..15, "d"), rows(Delete, 12..17, "")]), 17);
    assert_eq!(sync(&next, &[rows(Delete, 100..140, ""), rows(Update, 500..600, "e")]), 20);
    assert_eq!(sums(&place), of(&[("2026-10 t", 120), ("2026-11 t", 37)]));
    // A truncate names no row, as in the field.
    assert_eq!(sync(&next, &[truncate("t")]), 0);
}

#[test]
fn what_is_rolled_back_does_not_count() {
    let place = place();
    keyed(&place, OCTOBER);
    let warehouse = at(&place, OCTOBER, "");
    let mut destination = warehouse.open("shop", identity("one")).unwrap();
    destination.write(&rows(OperationKind::Upsert, 0..10, "a")).unwrap();
    destination.checkpoint("{}").unwrap();
    destination.write(&rows(OperationKind::Upsert, 0..30, "a")).unwrap();
    destination.abandon().unwrap();
    assert_eq!(destination.counts()[0].active, 10);
    drop(destination);
    assert_eq!(sums(&place), of(&[("2026-10 t", 10)]));
    let kept = warehouse.last_kept("shop").unwrap().unwrap();
    assert_eq!((kept.sync.as_str(), kept.checkpoints, kept.rows, kept.active), ("this", 1, 10, 10));
    assert_eq!((kept.tables[0].table.as_str(), kept.tables[0].upserts), ("t", 10));
    assert_eq!(sync(&warehouse, &[rows(OperationKind::Upsert, 0..30, "a")]), 20);
}

#[test]
fn rows_without_a_key_and_versions_count_by_what_they_are_told_apart_by() {
    let place = place();
    let hashed = at(&place, OCTOBER, "");
    // Another value is another row.
    assert_eq!(sync(&hashed, &[rows(OperationKind::Upsert, 0..5, "a"), rows(OperationKind::Upsert, 0..5, "b")]), 10);
    assert_eq!(sync(&hashed, &[rows(OperationKind::Upsert, 0..5, "a")]), 0);

    let place = super::place();
    keyed(&place, OCTOBER);
    let versions = "tables.t.history = true";
    let upserts = [rows(OperationKind::Upsert, 0..5, "a"), rows(OperationKind::Upsert, 0..5, "b")];
    assert_eq!(sync(&at(&place, OCTOBER, versions), &upserts), 5, "versions of one key are one row");
    let next = at(&place, OCTOBER + 40 * DAY, versions);
    assert_eq!(sync(&next, &[rows(OperationKind::Delete, 0..2, ""), rows(OperationKind::Upsert, 0..3, "b")]), 3);
    assert_eq!(sums(&place), of(&[("2026-10 t", 5), ("2026-11 t", 3)]));
}

#[test]
fn a_database_of_before_gets_the_table_of_sums() {
    let place = place();
    keyed(&place, OCTOBER);
    place.outside().execute_batch("DROP TABLE _sluice_active").unwrap();
    assert_eq!(sums(&place), []);
    sync(&at(&place, OCTOBER, ""), &[rows(OperationKind::Upsert, 0..5, "a")]);
    assert_eq!(sums(&place), of(&[("2026-10 t", 5)]));
}

/// What a sync of random programs does: days since the last one, and operations.
type Program = Vec<(i64, Vec<(u8, i64)>)>;

fn programs() -> impl Strategy<Value = Program> {
    let operations = prop::collection::vec((0u8..5, 0i64..12), 1..30);
    prop::collection::vec((0i64..20, operations), 1..8)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]
    #[test]
    fn random_syncs_count_what_the_model_counts(program in programs(), mode in 0usize..3) {
        let settings = ["", "tables.t.history = true", "deletes = 'hard'"][mode];
        let place = place();
        keyed(&place, OCTOBER);
        let (mut clock, mut there) = (OCTOBER, BTreeSet::new());
        // By month: how often a row became active. Of a removed row nothing is known any more.
        let (mut last, mut expected) = (HashMap::new(), BTreeMap::new());
        for (days, operations) in program {
            clock += days * DAY;
            let month = clock_month(clock);
            let mut todo = Vec::new();
            for (kind, id) in operations {
                let (kind, touches) = match kind {
                    0..=2 => (OperationKind::Upsert, true),
                    3 => (OperationKind::Update, there.contains(&id)),
                    _ => (OperationKind::Delete, there.contains(&id)),
                };
                todo.push(rows(kind, id..id + 1, "x"));
                if touches {
                    if last.insert(id, month.clone()).as_ref() != Some(&month) {
                        *expected.entry(format!("{month} t")).or_insert(0) += 1;
                    }
                    match (kind, mode) {
                        (OperationKind::Delete, 0) => {}
                        (OperationKind::Delete, hard) => {
                            there.remove(&id);
                            if hard == 2 {
                                last.remove(&id);
                            }
                        }
                        _ => {
                            there.insert(id);
                        }
                    }
                }
            }
            sync(&at(&place, clock, settings), &todo);
        }
        prop_assert_eq!(sums(&place), expected.into_iter().collect::<Vec<_>>());
    }
}

fn clock_month(clock: i64) -> String {
    jiff::Timestamp::from_microsecond(clock).unwrap().to_string()[..7].to_owned()
}
