//! The lattice and inference, without a file.

use super::super::infer::Incoming;
use super::super::lattice::{Integers, exact_in_double};
use super::super::types::{PLAIN_TYPES, parse_type, type_name};
use super::*;

#[test]
fn names_read_back() {
    for data_type in PLAIN_TYPES.into_iter().chain([DataType::Decimal(Some((38, 37)))]) {
        assert_eq!(parse_type(&type_name(data_type)), Some(data_type));
    }
    assert_eq!(parse_type("VARCHAR"), None);
}

#[test]
fn exactness() {
    for (value, exact) in [(0, true), (1 << 53, true), ((1 << 53) + 1, false), (i64::MIN, true), (i64::MAX, false)] {
        assert_eq!(exact_in_double(value), exact, "{value}");
    }
}

fn settled(stored: Option<DataType>, values: Values) -> Option<DataType> {
    let rows = match &values {
        Values::Mixed(v) => v.len(),
        Values::Integers(v) => v.len(),
        Values::Floats(v) => v.len(),
        Values::Texts(v) => v.len(),
        other => panic!("{other:?}"),
    };
    let column = Column { name: "c".into(), values, nulls: vec![] };
    Incoming::of(&column, rows).unwrap().settle(stored, || Ok::<_, ()>(Integers::Any)).unwrap()
}

#[test]
fn inference() {
    assert_eq!(settled(None, Values::Integers(vec![1, -5])), Some(DataType::Int));
    assert_eq!(settled(None, Values::Integers(vec![1, 1 << 31])), Some(DataType::Long));
    assert_eq!(settled(None, Values::Integers(vec![i64::from(i32::MIN)])), Some(DataType::Int));
    assert_eq!(settled(None, Values::Integers(vec![i64::MIN])), Some(DataType::Long));
    assert_eq!(settled(None, Values::Floats(vec![0.5])), Some(DataType::Double));
    assert_eq!(settled(None, Values::Mixed(vec![Value::Null])), None);
    assert_eq!(settled(None, Values::Mixed(vec![int(1), Value::Float(0.5)])), Some(DataType::Double));
    assert_eq!(settled(None, Values::Mixed(vec![int(i64::MAX), Value::Float(0.5)])), Some(DataType::Decimal(None)));
    assert_eq!(settled(None, Values::Mixed(vec![int(1), Value::Boolean(true)])), Some(DataType::Text));
    let short = Some(DataType::Short);
    assert_eq!(settled(short, Values::Integers(vec![32_767, -32_768])), short);
    assert_eq!(settled(short, Values::Integers(vec![32_768])), Some(DataType::Int));
    let float = Some(DataType::Float);
    assert_eq!(settled(float, Values::Integers(vec![1 << 24])), float);
    assert_eq!(settled(float, Values::Integers(vec![(1 << 24) + 1])), Some(DataType::Double));
    assert_eq!(settled(float, Values::Integers(vec![i64::MAX])), Some(DataType::Decimal(None)));
    assert_eq!(settled(float, Values::Floats(vec![0.5, f64::NAN, f64::INFINITY])), float);
    assert_eq!(settled(float, Values::Floats(vec![0.1])), Some(DataType::Double));
    assert_eq!(settled(Some(DataType::Xml), Values::Texts([""].into_iter().collect())), Some(DataType::Xml));
    assert_eq!(settled(Some(DataType::Json), Values::Texts([""].into_iter().collect())), Some(DataType::Text));
    let fixed = Some(DataType::Decimal(Some((5, 2))));
    assert_eq!(settled(fixed, Values::Mixed(vec![Value::Decimal("999.99".into()), int(999)])), fixed);
    assert_eq!(
        settled(fixed, Values::Mixed(vec![Value::Decimal("9999.999".into())])),
        Some(DataType::Decimal(Some((7, 3))))
    );
}
