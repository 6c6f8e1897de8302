//! Keyed hashes in the place of values.
//!
//! The hash is HMAC-SHA-256 over the UTF-8 of the value's text, the one it would have in a STRING column, as 64
//! lower-case hexadecimal digits. So the number 7 and the text `7` have the same hash, as tables are joined whose
//! sources do not agree on types. NULL stays NULL. Who has the key can try out values; who has only the hashes cannot.

use std::fmt;

use ring::hmac;

use crate::destination::sqlite::{Scalar, push_hex, text_form};
use crate::rows::{Column, Texts, Values};

/// Digits of a hash.
const HASH_DIGITS: usize = 64;

/// The key of a connection's hashes.
#[derive(Clone)]
pub struct HashKey(hmac::Key);

impl fmt::Debug for HashKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HashKey")
    }
}

impl HashKey {
    /// Bytes of a key.
    pub const BYTES: usize = 32;

    /// The key of these bytes.
    #[must_use]
    pub fn new(bytes: &[u8; Self::BYTES]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, bytes))
    }

    /// The hash of a text, added to `out`.
    pub fn push(&self, text: &str, out: &mut String) {
        push_hex(out, hmac::sign(&self.0, text.as_bytes()).as_ref());
    }

    /// A column of hashes. The error is a reason for refusal.
    pub(super) fn column(&self, column: &Column, rows: usize) -> Result<Column, &'static str> {
        let mut nulls = column.nulls.clone();
        let mut known = column.nulls.iter().peekable();
        let mut hashes = String::with_capacity(rows.saturating_mul(HASH_DIGITS + 1));
        let mut scratch = String::new();
        for row in 0..rows {
            if row > 0 {
                hashes.push('\0');
            }
            let number = u32::try_from(row).unwrap_or(u32::MAX);
            if known.next_if(|null| **null == number).is_some() {
                continue;
            }
            match Scalar::at(&column.values, row) {
                Some(scalar) => {
                    let text = text_form(scalar, &mut scratch).ok_or("a date lies outside the years 0001 to 9999")?;
                    self.push(text, &mut hashes);
                }
                None => nulls.push(number),
            }
        }
        nulls.sort_unstable();
        let hashes = if rows == 0 { Texts::default() } else { Texts::joined(hashes) };
        Ok(Column { name: column.name.clone(), values: Values::Texts(hashes), nulls })
    }

    /// Bytes that a column of hashes takes.
    pub(super) fn bytes(rows: usize) -> usize {
        rows.saturating_mul(HASH_DIGITS)
    }
}
