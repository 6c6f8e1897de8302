//! Logical types of columns: their names, how they are stored, and how they widen.
//!
//! # The lattice
//!
//! A column's type only ever moves up; [`join`] is the least type above two.
//!
//! | types | together |
//! |---|---|
//! | SHORT, INT, LONG | the wider |
//! | SHORT, INT, LONG with DECIMAL | DECIMAL with room for both |
//! | DECIMAL with DECIMAL | precision and scale grow; beyond 38 digits any DECIMAL |
//! | FLOAT with DOUBLE | DOUBLE |
//! | SHORT, INT with FLOAT, DOUBLE | DOUBLE |
//! | LONG with FLOAT, DOUBLE | DOUBLE if every integer in the column is exact in it, else DECIMAL |
//! | FLOAT, DOUBLE with DECIMAL | any DECIMAL (shortest digits that read back the same; NaN and infinities as words) |
//! | NAIVE_DATE with NAIVE_DATETIME | NAIVE_DATETIME (a date becomes its midnight) |
//! | all other pairs | STRING |
//!
//! Values may also be taken without widening: floats into FLOAT are rounded to 32 bits,
//! integers into FLOAT and DOUBLE when they are exact in it, text into XML.

use crate::rows::DataType;

/// SQLite's declared type of a column. It decides the affinity, and is chosen so that SQLite
/// never converts a value that is bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Storage {
    Integer,
    Real,
    Text,
    Blob,
    /// No declared type, hence no conversion at all: a declared column without type or value.
    Any,
}

impl Storage {
    pub(super) fn of(data_type: Option<DataType>) -> Self {
        match data_type {
            None => Self::Any,
            Some(DataType::Boolean | DataType::Short | DataType::Int | DataType::Long) => Self::Integer,
            Some(DataType::Float | DataType::Double) => Self::Real,
            Some(DataType::Binary) => Self::Blob,
            Some(_) => Self::Text,
        }
    }

    pub(super) fn sql(self) -> &'static str {
        match self {
            Self::Integer => "INTEGER",
            Self::Real => "REAL",
            Self::Text => "TEXT",
            Self::Blob => "BLOB",
            Self::Any => "",
        }
    }

    pub(super) fn parse(sql: &str) -> Option<Self> {
        [Self::Integer, Self::Real, Self::Text, Self::Blob, Self::Any].into_iter().find(|s| s.sql() == sql)
    }
}

/// The type's name as authors write it, with precision and scale.
pub(super) fn type_name(data_type: DataType) -> String {
    match data_type {
        DataType::Decimal(Some((precision, scale))) => format!("DECIMAL({precision},{scale})"),
        other => plain_name(other).to_owned(),
    }
}

fn plain_name(data_type: DataType) -> &'static str {
    match data_type {
        DataType::Boolean => "BOOLEAN",
        DataType::Short => "SHORT",
        DataType::Int => "INT",
        DataType::Long => "LONG",
        DataType::Decimal(_) => "DECIMAL",
        DataType::Float => "FLOAT",
        DataType::Double => "DOUBLE",
        DataType::NaiveDate => "NAIVE_DATE",
        DataType::NaiveDatetime => "NAIVE_DATETIME",
        DataType::UtcDatetime => "UTC_DATETIME",
        DataType::Binary => "BINARY",
        DataType::Xml => "XML",
        DataType::Text => "STRING",
        DataType::Json => "JSON",
    }
}

/// Every type without parameters.
pub(super) const PLAIN_TYPES: [DataType; 14] = [
    DataType::Boolean,
    DataType::Short,
    DataType::Int,
    DataType::Long,
    DataType::Decimal(None),
    DataType::Float,
    DataType::Double,
    DataType::NaiveDate,
    DataType::NaiveDatetime,
    DataType::UtcDatetime,
    DataType::Binary,
    DataType::Xml,
    DataType::Text,
    DataType::Json,
];

/// Reads what [`type_name`] wrote.
pub(super) fn parse_type(name: &str) -> Option<DataType> {
    if let Some(inner) = name.strip_prefix("DECIMAL(").and_then(|rest| rest.strip_suffix(')')) {
        let (precision, scale) = inner.split_once(',')?;
        return Some(DataType::Decimal(Some((precision.parse().ok()?, scale.parse().ok()?))));
    }
    PLAIN_TYPES.into_iter().find(|t| plain_name(*t) == name)
}

/// The most digits a DECIMAL with precision may have.
pub(super) const MAX_PRECISION: u32 = 38;

/// A decimal with room for so many digits before and after the point.
pub(super) fn decimal(integer_digits: u32, scale: u32) -> DataType {
    let precision = integer_digits.saturating_add(scale).max(1);
    if precision > MAX_PRECISION {
        return DataType::Decimal(None);
    }
    match (u8::try_from(precision), u8::try_from(scale)) {
        (Ok(precision), Ok(scale)) => DataType::Decimal(Some((precision, scale))),
        _ => DataType::Decimal(None),
    }
}

fn integer_rank(data_type: DataType) -> Option<u8> {
    match data_type {
        DataType::Short => Some(0),
        DataType::Int => Some(1),
        DataType::Long => Some(2),
        _ => None,
    }
}

fn is_float(data_type: DataType) -> bool {
    matches!(data_type, DataType::Float | DataType::Double)
}

/// Digits before the point that any value of an integer or decimal type may have, and its
/// scale.
fn digits(data_type: DataType) -> Option<(u32, u32)> {
    match data_type {
        DataType::Short => Some((5, 0)),
        DataType::Int => Some((10, 0)),
        DataType::Long => Some((19, 0)),
        DataType::Decimal(Some((precision, scale))) => {
            Some((u32::from(precision).saturating_sub(u32::from(scale)), u32::from(scale)))
        }
        _ => None,
    }
}

/// The least type that holds the values of both. `exact` tells whether every integer at hand
/// is exact in a DOUBLE; it matters for LONG only.
pub(super) fn join(a: DataType, b: DataType, exact: bool) -> DataType {
    if a == b {
        return a;
    }
    if let (Some(x), Some(y)) = (integer_rank(a), integer_rank(b)) {
        return if x > y { a } else { b };
    }
    if is_float(a) && is_float(b) {
        return DataType::Double;
    }
    let (number, float) = if is_float(a) { (b, a) } else { (a, b) };
    if is_float(float) {
        return match number {
            DataType::Short | DataType::Int => DataType::Double,
            DataType::Long if exact => DataType::Double,
            DataType::Long | DataType::Decimal(_) => DataType::Decimal(None),
            _ => DataType::Text,
        };
    }
    let decimal_in_play = matches!(a, DataType::Decimal(_)) || matches!(b, DataType::Decimal(_));
    let numeric = |t| integer_rank(t).is_some() || matches!(t, DataType::Decimal(_));
    if decimal_in_play && numeric(a) && numeric(b) {
        return match (digits(a), digits(b)) {
            (Some((i, s)), Some((j, t))) => decimal(i.max(j), s.max(t)),
            _ => DataType::Decimal(None),
        };
    }
    match (a, b) {
        (DataType::NaiveDate, DataType::NaiveDatetime) | (DataType::NaiveDatetime, DataType::NaiveDate) => {
            DataType::NaiveDatetime
        }
        _ => DataType::Text,
    }
}

/// Whether the integer has the same value as a 64-bit float.
pub(super) fn exact_in_double(value: i64) -> bool {
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "the loss is what is tested")]
    let back = value as f64 as i128;
    back == i128::from(value)
}

/// Whether the integer has the same value as a 32-bit float.
pub(super) fn exact_in_float(value: i64) -> bool {
    #[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "the loss is what is tested")]
    let back = value as f32 as i128;
    back == i128::from(value)
}

/// Whether values that are stored under `from` must be rewritten when the column becomes `to`.
pub(super) fn rewrites(from: DataType, to: DataType) -> bool {
    Storage::of(Some(from)) != Storage::of(Some(to))
        || matches!((from, to), (DataType::NaiveDate, DataType::NaiveDatetime))
}
