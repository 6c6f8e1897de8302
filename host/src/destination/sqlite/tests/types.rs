//! The lattice and inference, without a file.

use super::super::infer::{Incoming, decimal_digits};
use super::super::types::{PLAIN_TYPES, exact_in_double, join, parse_type, type_name};
use super::*;

#[test]
fn names_read_back() {
    for data_type in PLAIN_TYPES.into_iter().chain([DataType::Decimal(Some((38, 37)))]) {
        assert_eq!(parse_type(&type_name(data_type)), Some(data_type));
    }
    assert_eq!(parse_type("VARCHAR"), None);
}

#[test]
fn join_is_commutative_and_goes_up() {
    let more = [DataType::Decimal(Some((5, 2))), DataType::Decimal(Some((38, 0)))];
    let all: Vec<_> = PLAIN_TYPES.into_iter().chain(more).collect();
    for exact in [false, true] {
        for a in &all {
            assert_eq!(join(*a, *a, exact), *a);
            for b in &all {
                let above = join(*a, *b, exact);
                assert_eq!(above, join(*b, *a, exact), "{a:?} {b:?}");
                assert_eq!(join(above, *a, exact), above, "{a:?} {b:?}");
                assert_eq!(join(above, *b, exact), above, "{a:?} {b:?}");
            }
        }
    }
}

#[test]
fn decimals_are_measured() {
    for (text, digits) in [
        ("0", Some((0, 0))),
        ("105.34", Some((3, 2))),
        ("-00.50", Some((0, 2))),
        ("1e3", Some((4, 0))),
        ("1.5E-3", Some((0, 4))),
        (".5", Some((0, 1))),
        ("5.", Some((1, 0))),
        ("1e99999999999999999999", Some((u32::MAX, 0))),
        ("", None),
        (".", None),
        ("+", None),
        ("1e", None),
        ("NaN", None),
        ("1_0", None),
        ("--1", None),
        ("1 ", None),
        ("٣", None),
    ] {
        assert_eq!(decimal_digits(text), digits, "{text:?}");
    }
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
    Incoming::of(&column, rows).unwrap().settle(stored, || Ok::<_, ()>(false)).unwrap()
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
    assert_eq!(settled(float, Values::Floats(vec![0.1])), float);
    assert_eq!(settled(Some(DataType::Xml), Values::Texts([""].into_iter().collect())), Some(DataType::Xml));
    assert_eq!(settled(Some(DataType::Json), Values::Texts([""].into_iter().collect())), Some(DataType::Text));
    let fixed = Some(DataType::Decimal(Some((5, 2))));
    assert_eq!(settled(fixed, Values::Mixed(vec![Value::Decimal("999.99".into()), int(999)])), fixed);
    assert_eq!(
        settled(fixed, Values::Mixed(vec![Value::Decimal("9999.999".into())])),
        Some(DataType::Decimal(Some((7, 3))))
    );
}
