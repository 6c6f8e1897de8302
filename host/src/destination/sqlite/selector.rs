//! How the key of an update or a delete finds its row.
//!
//! Two keys are the same when they would be the same in a column that holds both: 1 and 1.0,
//! a date and its midnight, and in a column that became STRING also 1 and `1`. That is when their
//! texts are the same (`text.rs`), whatever the column is now. So it makes no difference whether
//! a delete comes before or after the value that widens the column, nor that a connector may send
//! an integer as a decimal because of the others in its batch.

use rusqlite::types::{ToSqlOutput, Value};

use super::convert::text;
use super::lattice::is_single;
use super::types::Storage;
use super::values::{Scalar, encode};
use crate::rows::DataType;

/// Characters of a date's text.
const DATE_LENGTH: usize = 10;

/// The stored form that a row with this key has in a column of type `stored`; `None` when no row
/// can have it. `scratch` is overwritten and may hold the answer.
pub(super) fn selector<'a>(key: Scalar<'a>, stored: DataType, scratch: &'a mut String) -> Option<ToSqlOutput<'a>> {
    match key {
        // It would be rounded.
        Scalar::Float(v) if stored == DataType::Float && !is_single(v) => None,
        _ => match encode(key, stored, scratch) {
            Some(value) => Some(ToSqlOutput::Borrowed(value)),
            None => of_text(text(key)?, stored).map(ToSqlOutput::Owned),
        },
    }
}

/// The stored form of the value that has this text.
fn of_text(text: String, stored: DataType) -> Option<Value> {
    let value = match Storage::of(Some(stored)) {
        Storage::Integer if stored == DataType::Boolean => Value::Integer(i64::from(text.parse::<bool>().ok()?)),
        Storage::Integer => Value::Integer(text.parse().ok().filter(|v: &i64| v.to_string() == text)?),
        Storage::Real => return real(text, stored),
        Storage::Blob => Value::Blob(bytes(&text)?),
        Storage::Text if stored == DataType::NaiveDatetime && text.len() == DATE_LENGTH => {
            Value::Text(text + "T00:00:00.000000")
        }
        Storage::Text | Storage::Any => Value::Text(text),
    };
    Some(value)
}

fn real(key: String, stored: DataType) -> Option<Value> {
    let value: f64 = key.parse().ok()?;
    let same = text(Scalar::Float(value)).is_some_and(|text| text == key);
    if !same || stored == DataType::Float && !is_single(value) {
        return None;
    }
    // NaN is stored as its text.
    Some(if value.is_nan() { Value::Text(key) } else { Value::Real(value) })
}

/// The bytes that lower-case hexadecimal digits stand for.
fn bytes(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect()
}
