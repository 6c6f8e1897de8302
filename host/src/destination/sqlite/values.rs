//! How values are stored, and read back when a column is rewritten.
//!
//! [`encode`] gives the stored form of a value in a column of some type; [`decode`] is its
//! inverse. The forms are listed in the documentation of [`super`].

use rusqlite::types::ValueRef;

use super::dates;
use super::lattice::{exact_in_double, exact_in_float};
use super::text::encode_text;
use crate::rows::{DataType, Value, Values};

/// One value, borrowed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::destination) enum Scalar<'a> {
    Boolean(bool),
    Integer(i64),
    Float(f64),
    Text(&'a str),
    Blob(&'a [u8]),
    Json(&'a str),
    Decimal(&'a str),
    Date(i32),
    Datetime(i64),
    Timestamp(i64),
}

impl<'a> Scalar<'a> {
    /// The value at `row`, `None` for NULL in a mixed column or when there is no such row.
    pub(in crate::destination) fn at(values: &'a Values, row: usize) -> Option<Self> {
        Some(match values {
            Values::Booleans(v) => Self::Boolean(*v.get(row)?),
            Values::Integers(v) => Self::Integer(*v.get(row)?),
            Values::Floats(v) => Self::Float(*v.get(row)?),
            Values::Texts(v) => Self::Text(v.get(row)?),
            Values::Blobs(v) => Self::Blob(v.get(row)?),
            Values::Json(v) => Self::Json(v.get(row)?),
            Values::Decimals(v) => Self::Decimal(v.get(row)?),
            Values::Dates(v) => Self::Date(*v.get(row)?),
            Values::Datetimes(v) => Self::Datetime(*v.get(row)?),
            Values::Timestamps(v) => Self::Timestamp(*v.get(row)?),
            Values::Mixed(v) => return Self::of(v.get(row)?),
        })
    }

    /// The value, `None` for NULL.
    pub(super) fn of(value: &'a Value) -> Option<Self> {
        Some(match value {
            Value::Null => return None,
            Value::Boolean(v) => Self::Boolean(*v),
            Value::Integer(v) => Self::Integer(*v),
            Value::Float(v) => Self::Float(*v),
            Value::Text(v) => Self::Text(v),
            Value::Blob(v) => Self::Blob(v),
            Value::Json(v) => Self::Json(v),
            Value::Decimal(v) => Self::Decimal(v),
            Value::Date(v) => Self::Date(*v),
            Value::Datetime(v) => Self::Datetime(*v),
            Value::Timestamp(v) => Self::Timestamp(*v),
        })
    }
}

impl Scalar<'_> {
    /// The value, on its own.
    pub(super) fn to_value(self) -> Value {
        match self {
            Self::Boolean(v) => Value::Boolean(v),
            Self::Integer(v) => Value::Integer(v),
            Self::Float(v) => Value::Float(v),
            Self::Text(v) => Value::Text(v.to_owned()),
            Self::Blob(v) => Value::Blob(v.to_owned()),
            Self::Json(v) => Value::Json(v.to_owned()),
            Self::Decimal(v) => Value::Decimal(v.to_owned()),
            Self::Date(v) => Value::Date(v),
            Self::Datetime(v) => Value::Datetime(v),
            Self::Timestamp(v) => Value::Timestamp(v),
        }
    }
}

/// The stored form of `scalar` in a column of type `stored`; `None` when the column cannot
/// hold it without widening. `scratch` is overwritten and may hold the answer.
pub(super) fn encode<'a>(scalar: Scalar<'a>, stored: DataType, scratch: &'a mut String) -> Option<ValueRef<'a>> {
    match (stored, scalar) {
        (DataType::Boolean, Scalar::Boolean(v)) => Some(ValueRef::Integer(i64::from(v))),
        (DataType::Short | DataType::Int | DataType::Long, Scalar::Integer(v)) => Some(ValueRef::Integer(v)),
        (DataType::Float | DataType::Double, _) => encode_real(scalar, stored == DataType::Float),
        (DataType::Text | DataType::Xml, Scalar::Text(v))
        | (DataType::Json | DataType::Text, Scalar::Json(v))
        | (DataType::Decimal(_) | DataType::Text, Scalar::Decimal(v)) => Some(ValueRef::Text(v.as_bytes())),
        (DataType::Binary, Scalar::Blob(v)) => Some(ValueRef::Blob(v)),
        (DataType::NaiveDatetime, Scalar::Datetime(micros)) => encode_datetime(micros, scratch),
        (DataType::NaiveDatetime, Scalar::Date(days)) => {
            encode_datetime(i64::from(days).checked_mul(dates::MICROS_PER_DAY)?, scratch)
        }
        (DataType::Decimal(_), Scalar::Integer(_) | Scalar::Float(_))
        | (DataType::NaiveDate, Scalar::Date(_))
        | (DataType::UtcDatetime, Scalar::Timestamp(_))
        | (DataType::Text, _) => encode_text(scalar, scratch),
        _ => None,
    }
}

fn encode_datetime(micros: i64, scratch: &mut String) -> Option<ValueRef<'_>> {
    scratch.clear();
    dates::push_datetime(scratch, micros)?;
    Some(ValueRef::Text(scratch.as_bytes()))
}

fn encode_real<'a>(scalar: Scalar<'_>, single: bool) -> Option<ValueRef<'a>> {
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_precision_loss,
        reason = "rounding is what FLOAT means; integers were tested to be exact"
    )]
    let real = match scalar {
        Scalar::Float(v) if single => f64::from(v as f32),
        Scalar::Float(v) => v,
        Scalar::Integer(v) if if single { exact_in_float(v) } else { exact_in_double(v) } => v as f64,
        _ => return None,
    };
    // SQLite turns NaN into NULL.
    Some(if real.is_nan() { ValueRef::Text(b"NaN") } else { ValueRef::Real(real) })
}

/// What a stored value means in a column of type `stored`; `None` for NULL and for a value
/// that is not in the form [`encode`] gives, which only a foreign program can have written.
pub(super) fn decode(value: ValueRef<'_>, stored: DataType) -> Option<Scalar<'_>> {
    match (stored, value) {
        (DataType::Boolean, ValueRef::Integer(v)) => Some(Scalar::Boolean(v != 0)),
        (DataType::Short | DataType::Int | DataType::Long, ValueRef::Integer(v)) => Some(Scalar::Integer(v)),
        (DataType::Float | DataType::Double, ValueRef::Real(v)) => Some(Scalar::Float(v)),
        (DataType::Float | DataType::Double, ValueRef::Text(b"NaN")) => Some(Scalar::Float(f64::NAN)),
        (DataType::Binary, ValueRef::Blob(v)) => Some(Scalar::Blob(v)),
        (_, ValueRef::Text(bytes)) => decode_text(std::str::from_utf8(bytes).ok()?, stored),
        _ => None,
    }
}

fn decode_text(text: &str, stored: DataType) -> Option<Scalar<'_>> {
    match stored {
        DataType::Decimal(_) => Some(Scalar::Decimal(text)),
        DataType::NaiveDate => dates::parse_date(text).map(Scalar::Date),
        DataType::NaiveDatetime => dates::parse_datetime(text).map(Scalar::Datetime),
        DataType::UtcDatetime => dates::parse_datetime(text.strip_suffix('Z')?).map(Scalar::Timestamp),
        DataType::Xml | DataType::Text => Some(Scalar::Text(text)),
        DataType::Json => Some(Scalar::Json(text)),
        _ => None,
    }
}
