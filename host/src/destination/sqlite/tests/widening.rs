//! Every pair of types, with data, on a file.

use super::super::lattice::{Integers, join_knowing};
use super::super::types::{PLAIN_TYPES, type_name};
use super::*;

/// A value of each type and its text in a STRING column.
fn sample(data_type: DataType) -> (Value, &'static str) {
    match data_type {
        DataType::Boolean => (Value::Boolean(true), "true"),
        DataType::Short => (int(-7), "-7"),
        DataType::Int => (int(70_000), "70000"),
        DataType::Long => (int(70_000_000_000), "70000000000"),
        DataType::Decimal(_) => (Value::Decimal("1.50".into()), "1.50"),
        DataType::Float => (Value::Float(f64::from(0.1_f32)), "0.10000000149011612"),
        DataType::Double => (Value::Float(0.2), "0.2"),
        DataType::NaiveDate => (Value::Date(0), "1970-01-01"),
        DataType::NaiveDatetime => (Value::Datetime(1), "1970-01-01T00:00:00.000001"),
        DataType::UtcDatetime => (Value::Timestamp(-1_000_000), "1969-12-31T23:59:59.000000Z"),
        DataType::Binary => (Value::Blob(vec![0, 0xab]), "00ab"),
        DataType::Xml => (text("<a/>"), "<a/>"),
        DataType::Text => (text("5"), "5"),
        DataType::Json => (Value::Json("{\"a\":1}".into()), "{\"a\":1}"),
    }
}

fn expected(data_type: DataType, settled: DataType) -> Stored {
    let (value, words) = sample(data_type);
    match (settled, value) {
        (DataType::Boolean | DataType::Short | DataType::Int | DataType::Long, Value::Integer(v)) => Stored::Integer(v),
        (DataType::Boolean, Value::Boolean(v)) => Stored::Integer(i64::from(v)),
        #[allow(clippy::cast_precision_loss, reason = "small integers")]
        (DataType::Float | DataType::Double, Value::Integer(v)) => Stored::Real(v as f64),
        (DataType::Float | DataType::Double, Value::Float(v)) => Stored::Real(v),
        (DataType::Binary, Value::Blob(v)) => Stored::Blob(v),
        (DataType::NaiveDatetime, Value::Date(_)) => stored("1970-01-01T00:00:00.000000"),
        _ => stored(words),
    }
}

/// By declaration: the column holds a value, then another sync declares another type.
#[test]
fn every_pair_by_declaration() {
    for from in PLAIN_TYPES {
        let place = place();
        let table = |number| format!("t_{number}");
        let pairs = || PLAIN_TYPES.into_iter().enumerate();
        let tables = |of: &dyn Fn(DataType) -> DataType| -> Vec<_> {
            pairs().map(|(i, to)| declared(&table(i), &["id"], &[("x", Some(of(to)))])).collect()
        };
        let put = |i, id, of| upsert(&table(i), &[("id", int(id)), ("x", sample(of).0)]);
        let first = pairs().flat_map(|(i, _)| [put(i, 1, from), upsert(&table(i), &[("id", int(2))])]);
        place.sync(&tables(&|_| from), &first.collect::<Vec<_>>());
        place.sync(&tables(&|to| to), &pairs().map(|(i, to)| put(i, 3, to)).collect::<Vec<_>>());
        for (i, to) in pairs() {
            let settled = join_knowing(from, to, Integers::ExactInDouble);
            assert_eq!(place.type_of(&table(i), "x"), Some(type_name(settled)), "{from:?} {to:?}");
            assert_eq!(
                place.query(&format!("SELECT x FROM t_{i} ORDER BY id")),
                [[expected(from, settled)], [Stored::Null], [expected(to, settled)]],
                "{from:?} {to:?}"
            );
        }
    }
}

/// As a key: rows stay apart and can be reached by the old and the new type.
#[test]
fn every_pair_as_key() {
    for from in PLAIN_TYPES {
        let place = place();
        let table = |number| format!("t_{number}");
        let pairs = || PLAIN_TYPES.into_iter().enumerate();
        let keys = |of: &dyn Fn(DataType) -> DataType| -> Vec<_> {
            pairs().map(|(i, to)| declared(&table(i), &["k"], &[("k", Some(of(to)))])).collect()
        };
        let put = |i, key, n| upsert(&table(i), &[("k", sample(key).0), ("n", int(n))]);
        place.sync(&keys(&|_| from), &pairs().map(|(i, _)| put(i, from, 1)).collect::<Vec<_>>());
        place.sync(&keys(&|to| to), &pairs().map(|(i, to)| put(i, to, 2)).collect::<Vec<_>>());
        let deletes: Vec<_> = pairs().map(|(i, to)| delete(&table(i), &[("k", sample(to).0)])).collect();
        place.sync(&[], &deletes);
        for (i, to) in pairs() {
            let rows = place.query(&format!("SELECT n, _sluice_deleted FROM t_{i} ORDER BY n"));
            let old = vec![Stored::Integer(1), Stored::Integer(0)];
            let new = vec![Stored::Integer(2), Stored::Integer(1)];
            let expected = if from == to { vec![new] } else { vec![old, new] };
            assert_eq!(rows, expected, "{from:?} {to:?}");
        }
    }
}

#[test]
fn by_values_within_one_batch_and_across_syncs() {
    let place = place();
    let key = [declared("t", &["id"], &[])];
    let put = |id, value| upsert("t", &[("id", int(id)), ("x", value)]);
    let kind = || place.type_of("t", "x").unwrap();
    place.sync(&key, &[put(1, int(42))]);
    assert_eq!(kind(), "INT");
    place.sync(&key, &[put(2, Value::Float(42.42))]);
    assert_eq!(kind(), "DOUBLE");
    place.sync(&key, &[put(3, text("forty-two")), put(4, Value::Float(42.43))]);
    assert_eq!(kind(), "STRING");
    let words = ["42", "42.42", "forty-two", "42.43"].map(|w| vec![stored(w)]);
    assert_eq!(place.query("SELECT x FROM t ORDER BY id"), words);
}

#[test]
fn long_and_float_lose_nothing() {
    for (long, settled, values) in [
        (1_i64 << 53, "DOUBLE", [Stored::Real(9_007_199_254_740_992.0), Stored::Real(0.5)]),
        ((1_i64 << 53) + 1, "DECIMAL", [stored("9007199254740993"), stored("0.5")]),
        (i64::MAX, "DECIMAL", [stored("9223372036854775807"), stored("0.5")]),
    ] {
        for float_first in [false, true] {
            let place = place();
            let mut operations = [
                upsert("t", &[("id", int(1)), ("x", int(long))]),
                upsert("t", &[("id", int(2)), ("x", Value::Float(0.5))]),
            ];
            if float_first {
                operations.reverse();
            }
            place.sync(&[declared("t", &["id"], &[])], &operations);
            assert_eq!(place.type_of("t", "x").as_deref(), Some(settled), "{long}");
            assert_eq!(place.query("SELECT x FROM t ORDER BY id").concat(), values);
        }
    }
}

#[test]
fn special_floats_become_words() {
    let place = place();
    let floats = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300, f64::MIN_POSITIVE];
    let put: Vec<_> =
        floats.iter().zip(1..).map(|(v, id)| upsert("t", &[("id", int(id)), ("x", Value::Float(*v))])).collect();
    place.sync(&[declared("t", &["id"], &[])], &put);
    assert_eq!(place.query("SELECT x FROM t WHERE id = 1"), [[stored("NaN")]]);
    assert_eq!(place.query("SELECT x FROM t WHERE id = 2"), [[Stored::Real(f64::INFINITY)]]);
    place.sync(&[], &[upsert("t", &[("id", int(9)), ("x", text("end"))])]);
    let words: Vec<_> =
        ["NaN", "Infinity", "-Infinity", "1e300", "2.2250738585072014e-308", "end"].map(|w| vec![stored(w)]).into();
    assert_eq!(place.query("SELECT x FROM t ORDER BY id"), words);
}

#[test]
fn a_declared_float_rounds_and_redeclaring_narrower_changes_nothing() {
    let place = place();
    let float = |t| [declared("t", &["id"], &[("x", Some(t))])];
    place.sync(&float(DataType::Float), &[upsert("t", &[("id", int(1)), ("x", Value::Float(0.1))])]);
    assert_eq!(place.query("SELECT x FROM t"), [[Stored::Real(f64::from(0.1_f32))]]);
    place.sync(&float(DataType::Double), &[upsert("t", &[("id", int(2)), ("x", Value::Float(0.1))])]);
    place.sync(&float(DataType::Float), &[upsert("t", &[("id", int(3)), ("x", Value::Float(0.1))])]);
    assert_eq!(place.type_of("t", "x").as_deref(), Some("DOUBLE"));
    assert_eq!(place.query("SELECT x FROM t WHERE id = 2"), [[Stored::Real(0.1)]]);
    assert_eq!(place.query("SELECT x FROM t WHERE id = 3"), [[Stored::Real(f64::from(0.1_f32))]]);
}

#[test]
fn a_column_declared_without_type_settles_late() {
    let place = place();
    let table = [declared("t", &["id"], &[("x", None), ("y", None)])];
    place.sync(&table, &[upsert("t", &[("id", int(1))])]);
    assert_eq!(place.type_of("t", "x"), None);
    place.sync(
        &table,
        &[upsert("t", &[("id", int(2)), ("x", int(5))]), upsert("t", &[("id", int(3)), ("x", int(1 << 40))])],
    );
    assert_eq!(place.type_of("t", "x").as_deref(), Some("LONG"));
    place.sync(&table, &[upsert("t", &[("id", int(4)), ("x", text("5"))])]);
    let cells: Vec<_> = place.query("SELECT x FROM t ORDER BY id").concat();
    assert_eq!(cells, [Stored::Null, stored("5"), stored("1099511627776"), stored("5")]);
}

#[test]
fn a_column_may_have_the_name_of_a_row_id() {
    let place = place();
    let table = declared("t", &["id"], &[("id", Some(DataType::Text))]);
    let row = |id: &str, name: &str| upsert("t", &[("id", text(id)), (name, int(7))]);
    place.sync(&[table], &[row("a", "x"), row("b", "rowid"), row("c", "oid"), row("d", "_rowid_")]);
    let rows = place.query("SELECT id, x, \"rowid\", oid, \"_rowid_\" FROM t ORDER BY id");
    for (at, row) in rows.iter().enumerate() {
        assert_eq!(row.iter().position(|value| *value == Stored::Integer(7)), Some(at + 1), "{row:?}");
    }
}

#[test]
fn impossible_values_are_refused() {
    let place = place();
    let mut destination = place.open();
    for value in
        [Value::Date(i32::MAX), Value::Datetime(i64::MIN), Value::Timestamp(i64::MAX), Value::Decimal("abc".into())]
    {
        assert_refused(destination.write(&upsert("t", &[("x", value)])), &["table t", "column x"]);
    }
}
