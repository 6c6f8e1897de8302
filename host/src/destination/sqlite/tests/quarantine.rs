//! Rows that cannot land are kept aside.

use std::sync::Arc;

use super::*;
use crate::landing::{BadRow, Landing};

fn place_for(quarantined_rows: u64) -> Place {
    let landing = Landing { on_bad_row: Some(BadRow::Quarantine), ..Landing::default() };
    place_with(SqliteOptions { landing: Arc::new(landing), quarantined_rows, ..SqliteOptions::default() })
}

const KEPT: &str = "SELECT table_name, operation, reason, row, times FROM _sluice_quarantine ORDER BY row";

fn users() -> [TableDefinition; 1] {
    [declared("t", &["id"], &[("n", Some(DataType::Short))])]
}

#[test]
fn only_the_bad_rows_of_a_batch_are_kept_aside() {
    let place = place_for(10);
    let mut destination = place.open();
    destination.declare(&users()).unwrap();
    let column = |name: &str, values, nulls| Column { name: name.to_owned(), values, nulls };
    let batch = Batch {
        rows: 5,
        bytes: 80,
        columns: vec![
            column("id", Values::Integers(vec![1, 2, 0, 4, 5]), vec![2]),
            column("n", Values::Integers(vec![1, 70_000, 3, 0, 5]), vec![3]),
            column("!!", Values::Texts(["", "", "", "", "bad name"].into_iter().collect()), vec![0, 1, 2, 3]),
        ],
    };
    destination.write(&Operation::Rows { table: name("t"), kind: OperationKind::Upsert, batch }).unwrap();
    assert_eq!((destination.counts()[0].upserts, destination.counts()[0].quarantined), (2, 3));
    destination.checkpoint("{}").unwrap();
    assert_eq!(
        place.query("SELECT id, n FROM t ORDER BY id"),
        [[Stored::Integer(1), Stored::Integer(1)], [Stored::Integer(4), Stored::Null]]
    );
    let kept = place.query(KEPT);
    let rows: Vec<_> = kept.iter().map(|row| row[3].clone()).collect();
    assert_eq!(
        rows,
        [r#"{"!!":"bad name","id":5,"n":5}"#, r#"{"id":2,"n":70000}"#, r#"{"id":null,"n":3}"#,].map(stored)
    );
    for (row, part) in kept.iter().zip(["column !!: ", "column n: a value does not fit", "column id: the primary key"])
    {
        let Stored::Text(reason) = &row[2] else { panic!("{row:?}") };
        assert!(reason.starts_with(part), "{reason}");
        assert_eq!((&row[0], &row[1], &row[4]), (&stored("t"), &stored("upsert"), &Stored::Integer(1)));
    }
}

#[test]
fn a_row_that_comes_again_is_counted() {
    let place = place_for(1);
    let bad = upsert("t", &[("id", int(1)), ("n", text("many"))]);
    place.sync(&users(), &[bad.clone(), bad.clone()]);
    place.sync(&users(), std::slice::from_ref(&bad));
    let kept = place.query("SELECT times, first_seen < last_seen FROM _sluice_quarantine");
    assert_eq!(kept, [[Stored::Integer(3), Stored::Integer(1)]]);
}

#[test]
fn their_number_is_limited() {
    let place = place_for(2);
    let mut destination = place.open();
    destination.declare(&users()).unwrap();
    let bad = |id| upsert("t", &[("id", int(id)), ("n", text("many"))]);
    destination.write(&bad(1)).unwrap();
    destination.checkpoint("{}").unwrap();
    destination.write(&bad(2)).unwrap();
    let error = destination.write(&bad(3)).unwrap_err();
    assert!(matches!(&error, DestinationError::Limit { limit: 2, .. }), "{error}");
    assert!(error.to_string().contains("_sluice_quarantine"), "{error}");
    drop(destination);
    assert_eq!(place.query(KEPT).len(), 1, "what was not committed is gone");
}

#[test]
fn rows_that_lack_a_key_or_a_table_are_kept_aside_whole() {
    let place = place_for(10);
    let mut destination = place.open();
    destination.declare(&users()).unwrap();
    destination.write(&delete("t", &[("n", int(1))])).unwrap();
    destination.write(&upsert("!!", &[("id", int(1))])).unwrap();
    let batch = Batch { rows: 1, bytes: 8, columns: vec![] };
    let (table, kind, reason) = (name("t"), OperationKind::Update, "column x: no".to_owned());
    destination.write(&Operation::Rejected { table, kind, batch, reason }).unwrap();
    destination.finish().unwrap();
    let kept: Vec<_> = place.query("SELECT table_name, operation FROM _sluice_quarantine ORDER BY 2").concat();
    assert_eq!(kept, ["t", "delete", "t", "update", "!!", "upsert"].map(stored));
    let counts: Vec<_> = destination.counts().iter().map(|c| (c.upserts, c.deletes, c.quarantined)).collect();
    assert_eq!(counts, [(0, 0, 2), (0, 0, 1)]);
}

#[test]
fn without_leave_they_are_refused() {
    let landing = Landing { on_bad_row: Some(BadRow::Fail), ..Landing::default() };
    let place = place_with(SqliteOptions { landing: landing.into(), ..SqliteOptions::default() });
    let mut destination = place.open();
    destination.declare(&users()).unwrap();
    assert_refused(destination.write(&upsert("t", &[("id", Value::Null)])), &["null"]);
    destination.finish().unwrap();
    assert!(place.query("SELECT 1 FROM sqlite_schema WHERE name = '_sluice_quarantine'").is_empty());
}

#[test]
fn what_is_blocked_or_hashed_does_not_get_there() {
    let place = place();
    let with = |settings: &str| {
        let landing = toml::from_str(&format!("on_bad_row = 'quarantine'\n[tables.t]\n{settings}")).unwrap();
        let options = SqliteOptions { landing: Arc::new(landing), ..SqliteOptions::default() };
        Warehouse::with_options(place.folder.path().join("warehouse"), options).open("shop", identity("one")).unwrap()
    };
    let cells = [("id", Value::Null), ("mail", text("a@b")), ("word", text("secret"))];
    let bad = upsert("t", &cells);
    let Operation::Rows { table, kind, batch } = bad.clone() else { panic!() };
    let rejected = Operation::Rejected { table, kind, batch, reason: "column id: no".to_owned() };
    let kept = || place.query("SELECT \"row\" FROM _sluice_quarantine ORDER BY 1").concat();

    // In plain at first; hashing takes it away from here too.
    let mut destination = with("");
    destination.declare(&users()).unwrap();
    for operation in [&bad, &rejected] {
        destination.write(operation).unwrap();
    }
    destination.finish().unwrap();
    drop(destination);
    assert_eq!(kept().len(), 2);
    let mut destination = with("hash_columns = ['mail']\nblock_columns = ['word']");
    assert!(kept().iter().all(|row| !format!("{row:?}").contains("a@b")), "{:?}", kept());
    destination.declare(&users()).unwrap();
    for operation in [&bad, &rejected] {
        destination.write(operation).unwrap();
    }
    destination.finish().unwrap();
    let new: Vec<_> = kept().into_iter().filter(|row| !format!("{row:?}").contains("word")).collect();
    assert_eq!(new.len(), 2);
    assert!(new.iter().all(|row| !format!("{row:?}").contains("a@b") && !format!("{row:?}").contains("secret")));
}
