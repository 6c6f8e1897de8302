//! Values for locked columns: converted where that loses nothing. The table of what is
//! converted stands in `docs/types.md`.

use super::dates::{self, MICROS_PER_DAY};
use super::lattice::{exact_in_double, exact_in_float};
use super::text::{midnight, text_form, whole};
use super::values::Scalar;
use crate::numbers::Number;
use crate::rows::{DataType, Value};

/// The value of the locked type that means the same as `scalar`; `None` when there is none.
pub(super) fn converted(scalar: Scalar<'_>, locked: DataType) -> Option<Value> {
    match locked {
        DataType::Boolean => boolean(scalar).map(Value::Boolean),
        DataType::Short => integer(scalar).filter(|v| i16::try_from(*v).is_ok()).map(Value::Integer),
        DataType::Int => integer(scalar).filter(|v| i32::try_from(*v).is_ok()).map(Value::Integer),
        DataType::Long => integer(scalar).map(Value::Integer),
        DataType::Float => float(scalar, true).map(Value::Float),
        DataType::Double => float(scalar, false).map(Value::Float),
        DataType::Decimal(_) => decimal(scalar).map(Value::Decimal),
        DataType::NaiveDate => moment(scalar).and_then(midnight).map(Value::Date),
        DataType::NaiveDatetime => moment(scalar).map(Value::Datetime),
        DataType::UtcDatetime => moment(scalar).map(Value::Timestamp),
        DataType::Binary => match scalar {
            Scalar::Blob(v) => Some(Value::Blob(v.to_owned())),
            _ => None,
        },
        DataType::Xml => match scalar {
            Scalar::Text(v) => Some(Value::Text(v.to_owned())),
            _ => None,
        },
        DataType::Text => text(scalar).map(Value::Text),
        DataType::Json => json(scalar).map(Value::Json),
    }
}

/// The text of a value, see `text.rs`.
pub(super) fn text(scalar: Scalar<'_>) -> Option<String> {
    text_form(scalar, &mut String::new()).map(str::to_owned)
}

fn boolean(scalar: Scalar<'_>) -> Option<bool> {
    match scalar {
        Scalar::Boolean(v) => Some(v),
        Scalar::Text(v) if v.eq_ignore_ascii_case("true") => Some(true),
        Scalar::Text(v) if v.eq_ignore_ascii_case("false") => Some(false),
        other => match integer(other)? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        },
    }
}

fn integer(scalar: Scalar<'_>) -> Option<i64> {
    match scalar {
        Scalar::Boolean(v) => Some(i64::from(v)),
        Scalar::Integer(v) => Some(v),
        Scalar::Float(v) => whole(v),
        Scalar::Decimal(v) | Scalar::Text(v) => Number::parse(v)?.as_integer(),
        _ => None,
    }
}

#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, reason = "what would lose is not converted")]
fn float(scalar: Scalar<'_>, single: bool) -> Option<f64> {
    match scalar {
        Scalar::Boolean(v) => Some(f64::from(u8::from(v))),
        Scalar::Integer(v) => if single { exact_in_float(v) } else { exact_in_double(v) }.then_some(v as f64),
        // Rounding is what FLOAT means; becoming infinite is not.
        Scalar::Float(v) if single => rounded(v),
        Scalar::Float(v) => Some(v),
        Scalar::Text("NaN") => Some(f64::NAN),
        Scalar::Text("Infinity") => Some(f64::INFINITY),
        Scalar::Text("-Infinity") => Some(f64::NEG_INFINITY),
        Scalar::Decimal(v) | Scalar::Text(v) => {
            let number = Number::parse(v)?;
            let nearest = if single { f64::from(v.parse::<f32>().ok()?) } else { v.parse().ok()? };
            let shortest = if single { format!("{:?}", nearest as f32) } else { format!("{nearest:?}") };
            Number::parse(&shortest)?.equals(&number).then_some(nearest)
        }
        _ => None,
    }
}

/// The nearest number of 32 bits; `None` when a finite number would become infinite.
pub(super) fn rounded(value: f64) -> Option<f64> {
    #[allow(clippy::cast_possible_truncation, reason = "rounding is what FLOAT means")]
    let nearest = f64::from(value as f32);
    (nearest.is_finite() == value.is_finite()).then_some(nearest)
}

fn decimal(scalar: Scalar<'_>) -> Option<String> {
    match scalar {
        Scalar::Boolean(v) => Some(u8::from(v).to_string()),
        Scalar::Integer(_) => text(scalar),
        Scalar::Float(v) if v.is_finite() => text(scalar),
        Scalar::Decimal(v) | Scalar::Text(v) => {
            Number::parse(v)?;
            Some(crate::numbers::plain(v.to_owned()))
        }
        _ => None,
    }
}

/// Microseconds of a time: instants as UTC shows them, dates as their midnight.
fn moment(scalar: Scalar<'_>) -> Option<i64> {
    match scalar {
        Scalar::Date(days) => i64::from(days).checked_mul(MICROS_PER_DAY),
        Scalar::Datetime(micros) | Scalar::Timestamp(micros) => Some(micros),
        Scalar::Text(v) => dates::parse_moment(v),
        _ => None,
    }
}

fn json(scalar: Scalar<'_>) -> Option<String> {
    match scalar {
        Scalar::Json(v) => Some(v.to_owned()),
        Scalar::Boolean(_) | Scalar::Integer(_) => text(scalar),
        Scalar::Float(v) if v.is_finite() => text(scalar),
        // A plain decimal is a JSON number; one with a large exponent is too, once its sign is gone.
        Scalar::Decimal(v) if serde_json::from_str::<serde::de::IgnoredAny>(v).is_ok() => Some(v.to_owned()),
        other => serde_json::to_string(&text(other)?).ok(),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    const MICROS: i64 = 1_709_168_523_000_000;

    #[test]
    fn what_is_converted_to_numbers() {
        let integer = |v| Some(Value::Integer(v));
        for (scalar, locked, expected) in [
            (Scalar::Text("12"), DataType::Int, integer(12)),
            (Scalar::Text("12.0"), DataType::Int, integer(12)),
            (Scalar::Text("12.5"), DataType::Int, None),
            (Scalar::Text("x"), DataType::Int, None),
            (Scalar::Text(""), DataType::Int, None),
            (Scalar::Text("2147483648"), DataType::Int, None),
            (Scalar::Integer(32_768), DataType::Short, None),
            (Scalar::Boolean(true), DataType::Long, integer(1)),
            (Scalar::Float(3.0), DataType::Long, integer(3)),
            (Scalar::Float(3.5), DataType::Long, None),
            (Scalar::Float(f64::NAN), DataType::Long, None),
            (Scalar::Decimal("9223372036854775807"), DataType::Long, integer(i64::MAX)),
            (Scalar::Decimal("9223372036854775808"), DataType::Long, None),
            (Scalar::Date(1), DataType::Long, None),
            (Scalar::Text("TRUE"), DataType::Boolean, Some(Value::Boolean(true))),
            (Scalar::Text("yes"), DataType::Boolean, None),
            (Scalar::Integer(2), DataType::Boolean, None),
            (Scalar::Float(0.0), DataType::Boolean, Some(Value::Boolean(false))),
            (Scalar::Text("0.1"), DataType::Double, Some(Value::Float(0.1))),
            (Scalar::Text("0.1"), DataType::Float, Some(Value::Float(f64::from(0.1_f32)))),
            (Scalar::Text("0.1000000000000000055"), DataType::Double, None),
            (Scalar::Decimal("9007199254740993"), DataType::Double, None),
            (Scalar::Integer((1 << 53) + 1), DataType::Double, None),
            (Scalar::Float(1e300), DataType::Float, None),
            (Scalar::Text("1e999"), DataType::Double, None),
            (Scalar::Text("Infinity"), DataType::Double, Some(Value::Float(f64::INFINITY))),
            (Scalar::Float(f64::INFINITY), DataType::Decimal(None), None),
            (Scalar::Text("+1.50"), DataType::Decimal(None), Some(Value::Decimal("1.50".into()))),
            (Scalar::Float(0.5), DataType::Decimal(None), Some(Value::Decimal("0.5".into()))),
        ] {
            assert_eq!(converted(scalar, locked), expected, "{scalar:?} {locked:?}");
        }
    }

    #[test]
    fn what_is_converted_to_times_and_texts() {
        let text = |v: &str| Some(Value::Text(v.to_owned()));
        let json = |v: &str| Some(Value::Json(v.to_owned()));
        for (scalar, locked, expected) in [
            (Scalar::Text("2024-02-29"), DataType::NaiveDate, Some(Value::Date(19_782))),
            (Scalar::Text("2024-02-29T00:00:00Z"), DataType::NaiveDate, Some(Value::Date(19_782))),
            (Scalar::Datetime(MICROS), DataType::NaiveDate, None),
            (Scalar::Timestamp(MICROS), DataType::NaiveDatetime, Some(Value::Datetime(MICROS))),
            (Scalar::Text("2024-02-29 06:32:03+05:30"), DataType::UtcDatetime, Some(Value::Timestamp(MICROS))),
            (Scalar::Text("2024-02-29T01:02:03"), DataType::UtcDatetime, Some(Value::Timestamp(MICROS))),
            (Scalar::Text("soon"), DataType::UtcDatetime, None),
            (Scalar::Integer(5), DataType::UtcDatetime, None),
            (Scalar::Integer(5), DataType::Text, text("5")),
            (Scalar::Datetime(0), DataType::Text, text("1970-01-01")),
            (Scalar::Integer(5), DataType::Xml, None),
            (Scalar::Text("ab"), DataType::Binary, None),
            (Scalar::Text("{}"), DataType::Json, json("\"{}\"")),
            (Scalar::Integer(5), DataType::Json, json("5")),
            (Scalar::Float(f64::NAN), DataType::Json, json("\"NaN\"")),
            (Scalar::Decimal("1.50"), DataType::Json, json("1.50")),
            (Scalar::Date(0), DataType::Json, json("\"1970-01-01\"")),
        ] {
            assert_eq!(converted(scalar, locked), expected, "{scalar:?} {locked:?}");
        }
    }
}
