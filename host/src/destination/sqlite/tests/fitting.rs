//! Values that do not fit their declared or locked types.

use std::sync::Arc;

use super::*;
use crate::landing::{Landing, TableLanding, TypeMismatch};

fn place_that(mismatch: TypeMismatch, lock_types: bool) -> Place {
    let table = TableLanding { lock_types, ..TableLanding::default() };
    let tables = [("t".parse().unwrap(), table)].into();
    let landing = Landing { on_type_mismatch: Some(mismatch), tables, ..Landing::default() };
    place_with(SqliteOptions { landing: Arc::new(landing), ..SqliteOptions::default() })
}

fn put(id: i64, value: Value) -> Operation {
    upsert("t", &[("id", int(id)), ("x", value)])
}

fn table(of: DataType) -> [TableDefinition; 1] {
    [declared("t", &["id"], &[("x", Some(of))])]
}

/// Values that a declaration of the type does not take.
fn misfits() -> Vec<(DataType, Value)> {
    vec![
        (DataType::Boolean, int(1)),
        (DataType::Short, int(32_768)),
        (DataType::Int, int(1 << 31)),
        (DataType::Long, Value::Float(1.0)),
        (DataType::Long, Value::Decimal("9223372036854775808".into())),
        (DataType::Float, Value::Float(1e300)),
        (DataType::Float, int((1 << 24) + 1)),
        (DataType::Double, int((1 << 53) + 1)),
        (DataType::Decimal(Some((5, 2))), Value::Float(1.0)),
        (DataType::NaiveDate, Value::Datetime(0)),
        (DataType::NaiveDatetime, Value::Timestamp(0)),
        (DataType::UtcDatetime, Value::Datetime(0)),
        (DataType::Binary, text("00")),
        (DataType::Xml, Value::Json("{}".into())),
        (DataType::Json, text("{}")),
    ]
}

#[test]
fn by_default_they_are_refused() {
    for (declared, value) in misfits() {
        let place = place_that(TypeMismatch::Fail, false);
        let mut destination = place.open();
        destination.declare(&table(declared)).unwrap();
        let parts = ["table t, column x", "does not fit the declared type", "on_type_mismatch"];
        assert_refused(destination.write(&put(1, value)), &parts);
        destination.finish().unwrap();
        assert!(place.query("SELECT * FROM t").is_empty());
    }
}

#[test]
fn they_widen_when_the_operator_says_so() {
    for (declared, value) in misfits() {
        let place = place_that(TypeMismatch::Widen, false);
        place.sync(&table(declared), &[put(1, value.clone())]);
        assert_ne!(place.type_of("t", "x"), Some(super::super::types::type_name(declared)), "{declared:?} {value:?}");
        assert_eq!(place.query("SELECT x IS NULL FROM t"), [[Stored::Integer(0)]]);
    }
}

#[test]
fn they_become_null_and_are_counted() {
    for (declared, value) in misfits() {
        let place = place_that(TypeMismatch::Null, false);
        let mut destination = place.open();
        destination.declare(&table(declared)).unwrap();
        destination.write(&put(1, value.clone())).unwrap();
        destination.write(&put(2, Value::Null)).unwrap();
        destination.finish().unwrap();
        assert_eq!((destination.counts()[0].nulled, destination.counts()[0].upserts), (1, 2), "{declared:?} {value:?}");
        assert_eq!(place.query("SELECT x FROM t"), [[Stored::Null], [Stored::Null]]);
        assert_eq!(place.type_of("t", "x"), Some(super::super::types::type_name(declared)));
    }
}

#[test]
fn a_key_is_never_made_null() {
    let place = place_that(TypeMismatch::Null, false);
    let mut destination = place.open();
    destination.declare(&[declared("t", &["id"], &[("id", Some(DataType::Int))])]).unwrap();
    assert_refused(destination.write(&put(1 << 40, int(1))), &["table t, column id", "declared type INT"]);
}

#[test]
fn rows_that_differ_only_in_what_became_null_stay_two_rows() {
    let place = place_that(TypeMismatch::Null, false);
    let rows = [upsert("t", &[("x", text("a"))]), upsert("t", &[("x", text("b"))]), upsert("t", &[("x", text("a"))])];
    place.sync(&[declared("t", &[], &[("x", Some(DataType::Int))])], &rows);
    assert_eq!(place.query("SELECT x FROM t"), [[Stored::Null], [Stored::Null]]);
}

#[test]
fn what_a_declaration_takes_lands() {
    let place = place_that(TypeMismatch::Fail, false);
    let fits = [
        (DataType::Short, int(-32_768), Stored::Integer(-32_768)),
        (DataType::Float, Value::Float(0.1), Stored::Real(f64::from(0.1_f32))),
        (DataType::Float, Value::Float(f64::NEG_INFINITY), Stored::Real(f64::NEG_INFINITY)),
        (DataType::Float, Value::Float(f64::NAN), stored("NaN")),
        (DataType::Double, int(1 << 53), Stored::Real(9_007_199_254_740_992.0)),
        (DataType::Decimal(Some((5, 2))), Value::Decimal("123456.789".into()), stored("123456.789")),
        (DataType::NaiveDatetime, Value::Date(0), stored("1970-01-01T00:00:00.000000")),
        (DataType::Text, int(5), stored("5")),
    ];
    for (number, (declared_type, value, expected)) in fits.into_iter().enumerate() {
        let name = format!("t_{number}");
        let tables = [declared(&name, &["id"], &[("x", Some(declared_type))])];
        place.sync(&tables, &[upsert(&name, &[("id", int(1)), ("x", value)])]);
        assert_eq!(place.query(&format!("SELECT x FROM {name}")), [[expected]], "{declared_type:?}");
    }
    assert_eq!(place.type_of("t_5", "x").as_deref(), Some("DECIMAL(9,3)"), "precision and scale are no limit");
}

#[test]
fn locked_types_stay_and_values_are_converted() {
    let place = place_that(TypeMismatch::Null, true);
    // The first sync is free.
    place.sync(&[declared("t", &["id"], &[])], &[put(1, int(1))]);
    let mut destination = place.open();
    destination.declare(&table(DataType::Text)).unwrap();
    for (id, value) in [(2, text("12")), (3, text("many")), (4, Value::Float(3.0)), (5, Value::Boolean(true))] {
        destination.write(&put(id, value)).unwrap();
    }
    destination.write(&upsert("t", &[("id", text("new")), ("y", int(1))])).unwrap();
    destination.finish().unwrap();
    assert_eq!(place.type_of("t", "x").as_deref(), Some("INT"));
    assert_eq!(place.type_of("t", "id").as_deref(), Some("STRING"), "keys are not locked");
    let cells = place.query("SELECT x FROM t WHERE id != 'new' ORDER BY id").concat();
    let one = Stored::Integer;
    assert_eq!(cells, [one(1), one(12), Stored::Null, one(3), one(1)]);
    assert_eq!(destination.counts()[0].nulled, 1);
    drop(destination);
    // The column that came then is locked now.
    let mut destination = place.open();
    destination.write(&upsert("t", &[("id", text("new")), ("y", text("text"))])).unwrap();
    destination.finish().unwrap();
    assert_eq!(place.type_of("t", "y").as_deref(), Some("INT"));
}

#[test]
fn a_locked_column_refuses_by_default_and_never_widens() {
    for mismatch in [TypeMismatch::Fail, TypeMismatch::Widen] {
        let place = place_that(mismatch, true);
        place.sync(&table(DataType::Int), &[]);
        let mut destination = place.open();
        destination.declare(&table(DataType::Int)).unwrap();
        let result = destination.write(&put(1, text("many")));
        if mismatch == TypeMismatch::Fail {
            assert_refused(result, &["table t, column x", "locked type INT"]);
        } else {
            result.unwrap();
            assert_eq!(destination.counts()[0].nulled, 1);
        }
        destination.finish().unwrap();
        assert_eq!(place.type_of("t", "x").as_deref(), Some("INT"));
    }
}
