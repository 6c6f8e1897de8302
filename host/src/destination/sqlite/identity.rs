//! The identity of rows without a primary key: `_sluice_id`.
//!
//! The id is the first 32 hexadecimal digits of SHA-256 over this form of the row: the bytes
//! `sluice row 1` and a zero byte, then for each column that is not NULL, in the byte order of
//! the destination's column names: the length of the name (4 bytes, big-endian), the name, a
//! tag (1 byte), the length of the value (8 bytes, big-endian), the value.
//!
//! | value | tag | bytes |
//! |---|---|---|
//! | boolean | `b` | 0 or 1 |
//! | integer, a float that is a whole number of 64 bits, a decimal without a point of 64 bits | `i` | 8, big-endian two's complement |
//! | any other float | `f` | 8, big-endian IEEE 754; one NaN (`7ff8000000000000`) |
//! | text, XML | `t` | UTF-8 |
//! | bytes | `x` | as they are |
//! | JSON | `j` | the document as sent |
//! | decimal | `n` | the number as sent |
//! | date | `d` | days since 1970-01-01, 4, big-endian |
//! | date and time | `w` | microseconds, 8, big-endian |
//! | instant | `u` | microseconds, 8, big-endian |
//!
//! It covers the values as they were sent, so that it stays the same when a column is widened.

use sha2::{Digest, Sha256};

use super::text::{push_hex, whole};
use super::values::Scalar;

/// Collects one row after the other.
#[derive(Debug, Default)]
pub(super) struct RowHash {
    form: Vec<u8>,
}

impl RowHash {
    pub(super) fn begin(&mut self) {
        self.form.clear();
        self.form.extend_from_slice(b"sluice row 1\0");
    }

    /// Adds a value. Columns come in the order of their names.
    pub(super) fn add(&mut self, name: &str, value: Scalar<'_>) {
        self.form.extend_from_slice(&u32::try_from(name.len()).unwrap_or(u32::MAX).to_be_bytes());
        self.form.extend_from_slice(name.as_bytes());
        match value {
            Scalar::Boolean(v) => self.value(b'b', &[u8::from(v)]),
            Scalar::Integer(v) => self.value(b'i', &v.to_be_bytes()),
            Scalar::Float(v) => self.float(v),
            Scalar::Text(v) => self.value(b't', v.as_bytes()),
            Scalar::Blob(v) => self.value(b'x', v),
            Scalar::Json(v) => self.value(b'j', v.as_bytes()),
            // One column's integers come as decimals when a larger one is in the same batch.
            Scalar::Decimal(v) => match v.parse::<i64>() {
                Ok(integer) => self.value(b'i', &integer.to_be_bytes()),
                Err(_) => self.value(b'n', v.as_bytes()),
            },
            Scalar::Date(v) => self.value(b'd', &v.to_be_bytes()),
            Scalar::Datetime(v) => self.value(b'w', &v.to_be_bytes()),
            Scalar::Timestamp(v) => self.value(b'u', &v.to_be_bytes()),
        }
    }

    fn value(&mut self, tag: u8, bytes: &[u8]) {
        self.form.push(tag);
        self.form.extend_from_slice(&u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
        self.form.extend_from_slice(bytes);
    }

    fn float(&mut self, value: f64) {
        if let Some(integer) = whole(value) {
            self.value(b'i', &integer.to_be_bytes());
        } else if value.is_nan() {
            self.value(b'f', &0x7ff8_0000_0000_0000_u64.to_be_bytes());
        } else {
            self.value(b'f', &value.to_bits().to_be_bytes());
        }
    }

    /// The id of the row, written over `out`.
    pub(super) fn finish(&self, out: &mut String) {
        out.clear();
        push_hex(out, Sha256::digest(&self.form).get(..16).unwrap_or_default());
    }
}
