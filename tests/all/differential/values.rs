//! Random Python values, the edges of every type among them.

use jiff::civil::{Date, DateTime, date, datetime};

use super::python::Py;
use super::random::Random;
use super::types::Type;

/// What a column mostly holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ValueKind {
    Small,
    Text,
    Date,
    Decimal,
    Real,
    Uuid,
    Bool,
    Integer,
    Datetime,
    Instant,
    Bytes,
    Json,
    Odd,
}

/// All kinds; the first six are also those of keys.
pub(super) const KINDS: [ValueKind; 13] = [
    ValueKind::Small,
    ValueKind::Text,
    ValueKind::Date,
    ValueKind::Decimal,
    ValueKind::Real,
    ValueKind::Uuid,
    ValueKind::Bool,
    ValueKind::Integer,
    ValueKind::Datetime,
    ValueKind::Instant,
    ValueKind::Bytes,
    ValueKind::Json,
    ValueKind::Odd,
];

/// Whether values of this kind mostly go into columns of this type.
pub(super) fn suits(data_type: Type, kind: ValueKind) -> bool {
    use ValueKind as K;
    match data_type {
        Type::Boolean => matches!(kind, K::Bool | K::Small),
        Type::Short | Type::Int => matches!(kind, K::Small | K::Bool),
        Type::Long => matches!(kind, K::Small | K::Integer),
        Type::Decimal(_) => matches!(kind, K::Decimal | K::Small | K::Integer),
        Type::Float | Type::Double => matches!(kind, K::Real | K::Small | K::Bool),
        Type::NaiveDate => matches!(kind, K::Date | K::Datetime),
        Type::NaiveDatetime | Type::UtcDatetime => matches!(kind, K::Datetime | K::Instant),
        Type::Binary => kind == K::Bytes,
        Type::Xml => kind == K::Text,
        Type::Text => matches!(kind, K::Text | K::Uuid | K::Small | K::Real | K::Date | K::Bool),
        Type::Json => matches!(kind, K::Json | K::Small | K::Text),
    }
}

const INTEGERS: [i128; 16] = [
    32_767,
    32_768,
    -32_769,
    2_147_483_647,
    2_147_483_648,
    -2_147_483_649,
    16_777_217,
    9_007_199_254_740_992,
    9_007_199_254_740_993,
    -9_007_199_254_740_993,
    1_000_000_000_000_000_000,
    9_223_372_036_854_775_807,
    -9_223_372_036_854_775_808,
    9_223_372_036_854_775_808,
    -9_223_372_036_854_775_809,
    1_208_925_819_614_629_174_706_176,
];

const REALS: [f64; 18] = [
    0.0,
    -0.0,
    0.5,
    1.5,
    42.0,
    0.1,
    -0.3,
    1e300,
    1e-7,
    5e-324,
    1e16,
    1e22,
    9_007_199_254_740_992.0,
    16_777_217.0,
    123_456.75,
    f64::NAN,
    f64::INFINITY,
    f64::NEG_INFINITY,
];

const TEXTS: [&str; 16] = [
    "",
    "a",
    "1",
    "true",
    "NaN",
    "1.50",
    "2024-02-29",
    "2024-02-29T01:02:03",
    "2024-02-29T01:02:03.5Z",
    "Straße ✓",
    "😀 \u{7f}",
    "a\0b",
    "'; DROP TABLE orders; --",
    "line\nbreak\t\"quoted\" \\",
    " padded ",
    "e\u{301}",
];

/// In the form that Python's `str` has for them.
const DECIMALS: [&str; 14] = [
    "0",
    "1",
    "1.5",
    "1.50",
    "-0.00",
    "-7.25",
    "105.345",
    "1E+5",
    "1E-7",
    "12345678901234567890",
    "123456789012345678901234567890.12345",
    "99999999999999999999999999999999999999",
    "1E-41",
    "1E+200",
];

const DATES: [Date; 5] = [date(1, 1, 1), date(1969, 12, 31), date(1970, 1, 1), date(2024, 2, 29), date(9999, 12, 31)];

const DATETIMES: [DateTime; 6] = [
    datetime(1, 1, 1, 0, 0, 0, 0),
    datetime(1969, 12, 31, 23, 59, 59, 999_999_000),
    datetime(2024, 2, 29, 0, 0, 0, 0),
    datetime(2024, 2, 29, 1, 2, 3, 456_789_000),
    datetime(2024, 2, 29, 23, 30, 0, 0),
    datetime(9999, 12, 31, 23, 59, 59, 0),
];

/// A random value for a column of this declared type.
pub(super) fn value(random: &mut Random, kind: ValueKind, declared: Option<Type>) -> Py {
    let text = |random: &mut Random| (*random.pick(&TEXTS)).to_owned();
    match kind {
        ValueKind::Small => Py::Int(i128::try_from(random.below(9)).expect("small") - 3),
        ValueKind::Bool => Py::Bool(random.percent(50)),
        ValueKind::Integer if random.percent(40) => Py::Int(*random.pick(&INTEGERS)),
        ValueKind::Integer => Py::Int(i128::from(random.next() as i64 >> random.below(64))),
        ValueKind::Real if random.percent(60) => Py::Float(*random.pick(&REALS)),
        ValueKind::Real => Py::Float(random.below(1_000_000) as f64 / 64.0),
        ValueKind::Text if random.percent(1) => Py::Surrogate,
        ValueKind::Text if random.percent(1) => Py::Str("ü".repeat(random.below(3000))),
        ValueKind::Text => Py::Str(text(random)),
        ValueKind::Decimal if declared == Some(Type::Text) => Py::Decimal("1.50".to_owned()),
        ValueKind::Decimal => Py::Decimal((*random.pick(&DECIMALS)).to_owned()),
        ValueKind::Date => Py::Date(*random.pick(&DATES)),
        ValueKind::Datetime => Py::Datetime(*random.pick(&DATETIMES), None),
        ValueKind::Instant => Py::Datetime(*random.pick(&DATETIMES), Some(*random.pick(&[0, 330, -480, 1]))),
        ValueKind::Uuid => Py::Uuid(u128::from(random.next())),
        ValueKind::Bytes | ValueKind::Json | ValueKind::Odd if declared == Some(Type::Text) => Py::Str(text(random)),
        ValueKind::Bytes => (*random.pick(&[Py::Bytes, Py::ByteArray]))(
            random.pick(&[&b""[..], b"a", b"\x00\xff", b"\xc3\xa9"]).to_vec(),
        ),
        ValueKind::Json => document(random),
        ValueKind::Odd => Py::Tuple(vec![Py::Int(1), Py::Str(text(random))]),
    }
}

fn document(random: &mut Random) -> Py {
    let item = |random: &mut Random| match random.below(5) {
        0 => Py::None,
        1 => Py::Int(i128::from(random.next() as i64)),
        2 => Py::Float(1.5),
        3 => Py::List(vec![Py::Bool(true), Py::Str("ü".to_owned())]),
        _ => Py::Str((*random.pick(&TEXTS)).to_owned()),
    };
    match random.below(4) {
        0 => Py::Dict(Vec::new()),
        1 => Py::List(vec![item(random)]),
        _ => Py::Dict(vec![("a".to_owned(), item(random)), ("é".to_owned(), item(random))]),
    }
}

/// One of a few keys.
pub(super) fn key(kind: ValueKind, number: usize) -> Py {
    let small = i128::try_from(number).expect("small");
    match kind {
        ValueKind::Small => Py::Int(small),
        ValueKind::Date => Py::Date(DATES[number % DATES.len()]),
        ValueKind::Decimal => Py::Decimal(DECIMALS[number % DECIMALS.len()].to_owned()),
        ValueKind::Real => Py::Float(number as f64 / 2.0),
        ValueKind::Uuid => Py::Uuid(u128::try_from(number).expect("small")),
        _ => Py::Str(TEXTS[number % TEXTS.len()].to_owned()),
    }
}
