//! The one text of a value, in STRING columns and, for numbers, in DECIMAL columns.
//!
//! It is that of the least type that holds the value: 42.0 is written as 42, a midnight as a
//! date. A value may have been an integer in a DOUBLE column or a date in a NAIVE_DATETIME column
//! before its column became STRING; nobody can tell then, and so it must not show.

use std::fmt::Write as _;

use rusqlite::types::ValueRef;

use super::dates;
use super::values::Scalar;

/// The text of a value; `None` for a date that does not exist. `scratch` is overwritten and may
/// hold the answer.
pub(super) fn encode_text<'a>(scalar: Scalar<'a>, scratch: &'a mut String) -> Option<ValueRef<'a>> {
    scratch.clear();
    match scalar {
        Scalar::Boolean(v) => scratch.push_str(if v { "true" } else { "false" }),
        Scalar::Integer(v) => write!(scratch, "{v}").ok()?,
        Scalar::Float(v) => push_float(scratch, v)?,
        Scalar::Text(v) | Scalar::Json(v) | Scalar::Decimal(v) => {
            return Some(ValueRef::Text(v.as_bytes()));
        }
        Scalar::Blob(v) => push_hex(scratch, v),
        Scalar::Date(days) => dates::push_date(scratch, days)?,
        Scalar::Datetime(micros) => match midnight(micros) {
            Some(days) => dates::push_date(scratch, days)?,
            None => dates::push_datetime(scratch, micros)?,
        },
        Scalar::Timestamp(micros) => dates::push_stamp(scratch, micros)?,
    }
    Some(ValueRef::Text(scratch.as_bytes()))
}

/// The text of a value, see [`encode_text`].
pub(in crate::destination) fn text_form<'a>(scalar: Scalar<'a>, scratch: &'a mut String) -> Option<&'a str> {
    encode_text(scalar, scratch)?.as_str().ok()
}

/// The day that begins at this microsecond, if one does.
pub(super) fn midnight(micros: i64) -> Option<i32> {
    (micros % dates::MICROS_PER_DAY == 0).then(|| i32::try_from(micros / dates::MICROS_PER_DAY).ok())?
}

/// The integer of the same value, if there is one of 64 bits.
pub(super) fn whole(value: f64) -> Option<i64> {
    // 2^63 itself is not an i64, and the cast would saturate.
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    #[allow(clippy::cast_possible_truncation, reason = "a whole number within the range")]
    (value.trunc() == value && (-LIMIT..LIMIT).contains(&value)).then_some(value as i64)
}

fn push_float(out: &mut String, value: f64) -> Option<()> {
    match whole(value) {
        Some(integer) => write!(out, "{integer}").ok()?,
        None if value.is_nan() => out.push_str("NaN"),
        None if value.is_infinite() => out.push_str(if value > 0.0 { "Infinity" } else { "-Infinity" }),
        // The shortest digits that read back the same.
        None => write!(out, "{value:?}").ok()?,
    }
    Some(())
}

/// Lower-case hexadecimal digits.
pub(in crate::destination) fn push_hex(out: &mut String, bytes: &[u8]) {
    for byte in bytes {
        for nibble in [byte >> 4, byte & 15] {
            out.push(char::from(if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 }));
        }
    }
}
