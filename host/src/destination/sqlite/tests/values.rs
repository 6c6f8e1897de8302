//! Values come back as they were sent, through a real file.

use proptest::prelude::*;

use super::super::dates::{FIRST_DAY, FIRST_MICRO, LAST_DAY, LAST_MICRO};
use super::super::lattice::exact_in_double;
use super::super::types::parse_type;
use super::super::values::{Scalar, decode};
use super::*;

fn any_value() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Boolean),
        any::<i64>().prop_map(Value::Integer),
        any::<i32>().prop_map(|v| int(i64::from(v))),
        any::<f64>().prop_map(Value::Float),
        any::<f32>().prop_map(|v| Value::Float(f64::from(v))),
        Just(Value::Float(f64::NAN)),
        Just(Value::Float(f64::INFINITY)),
        any::<String>().prop_map(Value::Text),
        Just(text("a\0b")),
        Just(text(" 12 ")),
        Just(text("1e5")),
        proptest::collection::vec(any::<u8>(), 0..40).prop_map(Value::Blob),
        "[a-z]{0,8}".prop_map(|v| Value::Json(format!("{{\"k\":\"{v}\"}}"))),
        (any::<i64>(), 0_u8..60).prop_map(|(v, e)| Value::Decimal(format!("{v}E-{e}"))),
        (FIRST_DAY..=LAST_DAY).prop_map(Value::Date),
        (FIRST_MICRO..=LAST_MICRO).prop_map(Value::Datetime),
        (FIRST_MICRO..=LAST_MICRO).prop_map(Value::Timestamp),
    ]
}

/// Whether what is stored under a type means the value that was sent.
fn means(sent: &Value, stored_as: DataType, cell: &Stored) -> bool {
    let cell = rusqlite::types::ValueRef::from(cell);
    let Some(back) = decode(cell, stored_as) else {
        return *sent == Value::Null && cell == rusqlite::types::ValueRef::Null;
    };
    #[allow(clippy::float_cmp, clippy::cast_precision_loss, reason = "bits are what is tested")]
    match (sent, back) {
        (Value::Boolean(a), Scalar::Boolean(b)) => *a == b,
        (Value::Integer(a), Scalar::Integer(b)) => *a == b,
        (Value::Integer(a), Scalar::Float(b)) => *a as f64 == b && exact_in_double(*a),
        (Value::Float(a), Scalar::Float(b)) => *a == b || a.is_nan() && b.is_nan(),
        (Value::Text(a), Scalar::Text(b))
        | (Value::Json(a), Scalar::Json(b))
        | (Value::Decimal(a), Scalar::Decimal(b)) => a == b,
        (Value::Blob(a), Scalar::Blob(b)) => a == b,
        (Value::Date(a), Scalar::Date(b)) => *a == b,
        (Value::Datetime(a), Scalar::Datetime(b)) | (Value::Timestamp(a), Scalar::Timestamp(b)) => *a == b,
        (Value::Date(a), Scalar::Datetime(b)) => i64::from(*a) * 86_400_000_000 == b,
        // Wider forms: the text must give the value back.
        (Value::Integer(a), Scalar::Decimal(b) | Scalar::Text(b)) => {
            b.parse() == Ok(*a) || b.parse::<f64>().is_ok_and(|f| f as i128 == i128::from(*a))
        }
        (Value::Float(a), Scalar::Decimal(b) | Scalar::Text(b)) => {
            b.parse::<f64>().is_ok_and(|b| *a == b || a.is_nan() && b.is_nan())
        }
        (Value::Boolean(a), Scalar::Text(b)) => b.parse() == Ok(*a),
        (Value::Json(a) | Value::Decimal(a), Scalar::Text(b)) => a == b,
        (Value::Blob(a), Scalar::Text(b)) => b == a.iter().map(|byte| format!("{byte:02x}")).collect::<String>(),
        (Value::Date(_) | Value::Datetime(_) | Value::Timestamp(_), Scalar::Text(b)) => {
            [DataType::NaiveDate, DataType::NaiveDatetime, DataType::UtcDatetime]
                .into_iter()
                .filter_map(|t| decode(rusqlite::types::ValueRef::Text(b.as_bytes()), t))
                .any(|scalar| match (sent, scalar) {
                    (Value::Date(a), Scalar::Date(b)) => *a == b,
                    (Value::Date(a), Scalar::Datetime(b)) => i64::from(*a) * 86_400_000_000 == b,
                    (Value::Datetime(a), Scalar::Datetime(b)) | (Value::Timestamp(a), Scalar::Timestamp(b)) => *a == b,
                    _ => false,
                })
        }
        _ => false,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    /// One value alone.
    #[test]
    fn a_value_comes_back(value in any_value()) {
        check(&[value]);
    }

    /// Values of any types one after the other: whatever the column was widened to, each
    /// still means what was sent.
    #[test]
    fn values_survive_widening(values in proptest::collection::vec(any_value(), 1..6)) {
        check(&values);
    }
}

fn check(values: &[Value]) {
    let place = place();
    let operations: Vec<_> =
        values.iter().zip(1..).map(|(value, id)| upsert("t", &[("id", int(id)), ("x", value.clone())])).collect();
    place.sync(&[declared("t", &["id"], &[("x", None)])], &operations);
    let cells = place.query("SELECT x FROM t ORDER BY id").concat();
    let settled = place.type_of("t", "x");
    for (value, cell) in values.iter().zip(&cells) {
        match &settled {
            Some(name) => assert!(means(value, parse_type(name).unwrap(), cell), "{value:?} became {cell:?} in {name}"),
            None => assert_eq!((value, cell), (&Value::Null, &Stored::Null)),
        }
    }
}
