//! What the values of one column of a batch ask of the column's type.

use super::dates;
use super::types::{decimal, exact_in_double, exact_in_float, join};
use super::values::Scalar;
use crate::rows::{Column, DataType, Values};

/// A summary of the values of one column.
#[derive(Clone, Debug, Default)]
pub(super) struct Incoming {
    integers: Option<(i64, i64)>,
    in_double: bool,
    in_float: bool,
    floats: bool,
    texts: bool,
    decimals: Option<DataType>,
    /// Types that only join by [`join`], without repeats.
    others: Vec<DataType>,
}

/// Whether values of this variant always fit a column of this type, so that nothing has to be
/// looked at.
pub(super) fn always_fits(stored: DataType, values: &Values) -> bool {
    matches!(
        (stored, values),
        (DataType::Boolean, Values::Booleans(_))
            | (DataType::Long, Values::Integers(_))
            | (DataType::Float | DataType::Double, Values::Floats(_))
            | (DataType::Text | DataType::Xml, Values::Texts(_))
            | (DataType::Json | DataType::Text, Values::Json(_))
            | (DataType::Binary, Values::Blobs(_))
    )
}

/// Calls `take` for every value that is not NULL.
pub(super) fn each<'a>(column: &'a Column, rows: usize, mut take: impl FnMut(Scalar<'a>)) {
    let mut nulls = column.nulls.iter().peekable();
    for row in 0..rows {
        if nulls.next_if(|null| usize::try_from(**null).is_ok_and(|n| n == row)).is_some() {
            continue;
        }
        if let Some(scalar) = Scalar::at(&column.values, row) {
            take(scalar);
        }
    }
}

impl Incoming {
    /// Looks at all values of a column.
    ///
    /// # Errors
    /// A reason for refusal: a date or decimal that no column can hold.
    pub(super) fn of(column: &Column, rows: usize) -> Result<Self, &'static str> {
        let mut seen = Self { in_double: true, in_float: true, ..Self::default() };
        let mut refusal = None;
        each(column, rows, |scalar| {
            if let Err(reason) = seen.add(scalar) {
                refusal = Some(reason);
            }
        });
        refusal.map_or(Ok(seen), Err)
    }

    fn add(&mut self, scalar: Scalar<'_>) -> Result<(), &'static str> {
        match scalar {
            Scalar::Integer(v) => {
                let (low, high) = self.integers.unwrap_or((v, v));
                self.integers = Some((low.min(v), high.max(v)));
                self.in_double &= exact_in_double(v);
                self.in_float &= exact_in_float(v);
            }
            Scalar::Float(_) | Scalar::Single(_) => self.floats = true,
            Scalar::Text(_) => self.texts = true,
            Scalar::Boolean(_) => self.other(DataType::Boolean),
            Scalar::Blob(_) => self.other(DataType::Binary),
            Scalar::Json(_) => self.other(DataType::Json),
            Scalar::Decimal(text) => {
                let (before, after) = decimal_digits(text).ok_or("a decimal value is not a number")?;
                let shape = decimal(before, after);
                self.decimals = Some(self.decimals.map_or(shape, |known| join(known, shape, true)));
            }
            Scalar::Date(days) => {
                in_calendar((dates::FIRST_DAY..=dates::LAST_DAY).contains(&days))?;
                self.other(DataType::NaiveDate);
            }
            Scalar::Datetime(micros) => {
                in_calendar((dates::FIRST_MICRO..=dates::LAST_MICRO).contains(&micros))?;
                self.other(DataType::NaiveDatetime);
            }
            Scalar::Timestamp(micros) => {
                in_calendar((dates::FIRST_MICRO..=dates::LAST_MICRO).contains(&micros))?;
                self.other(DataType::UtcDatetime);
            }
        }
        Ok(())
    }

    fn other(&mut self, data_type: DataType) {
        if !self.others.contains(&data_type) {
            self.others.push(data_type);
        }
    }

    /// The type the column must have to take these values: `stored` when it fits already,
    /// `None` when there is no type and no value. `stored_in_double` tells whether every
    /// integer in the column is exact in a DOUBLE; it is asked only when that decides.
    pub(super) fn settle<E>(
        &self,
        stored: Option<DataType>,
        stored_in_double: impl FnOnce() -> Result<bool, E>,
    ) -> Result<Option<DataType>, E> {
        let mut settled = stored;
        if let Some(range) = self.integers {
            settled = Some(self.add_integers(settled, range));
        }
        if self.floats {
            let exact = self.in_double && (stored != Some(DataType::Long) || stored_in_double()?);
            settled = Some(match settled {
                None => DataType::Double,
                Some(DataType::Float) => DataType::Float,
                Some(known) => join(known, DataType::Double, exact),
            });
        }
        if let Some(shape) = self.decimals {
            settled = Some(match settled {
                None => DataType::Decimal(None),
                Some(known) => join(known, shape, true),
            });
        }
        if self.texts {
            settled = Some(match settled {
                Some(DataType::Xml) => DataType::Xml,
                _ => DataType::Text,
            });
        }
        for other in &self.others {
            settled = Some(settled.map_or(*other, |known| match (known, *other) {
                (DataType::NaiveDatetime, DataType::NaiveDate) => DataType::NaiveDatetime,
                (known, other) => join(known, other, true),
            }));
        }
        Ok(settled)
    }

    fn add_integers(&self, settled: Option<DataType>, (low, high): (i64, i64)) -> DataType {
        let within = |bound: i64| low >= -bound - 1 && high <= bound;
        let smallest = if within(i64::from(i16::MAX)) {
            DataType::Short
        } else if within(i64::from(i32::MAX)) {
            DataType::Int
        } else {
            DataType::Long
        };
        match settled {
            // Nobody asked for 16 bits.
            None if smallest == DataType::Short => DataType::Int,
            None => smallest,
            Some(DataType::Float) if self.in_float => DataType::Float,
            Some(DataType::Float | DataType::Double) if self.in_double => DataType::Double,
            Some(DataType::Float | DataType::Double) => DataType::Decimal(None),
            Some(known @ DataType::Decimal(_)) => {
                let widest = low.unsigned_abs().max(high.unsigned_abs());
                join(known, decimal(widest.checked_ilog10().map_or(1, |log| log + 1), 0), true)
            }
            Some(known) => join(known, smallest, true),
        }
    }
}

fn in_calendar(inside: bool) -> Result<(), &'static str> {
    if inside { Ok(()) } else { Err("a date lies outside the years 0001 to 9999") }
}

/// Digits before and after the point that writing the number without an exponent takes;
/// `None` when the text is not a number.
pub(super) fn decimal_digits(text: &str) -> Option<(u32, u32)> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, clamped_exponent(exponent)?),
        None => (unsigned, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all_digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if whole.len() + fraction.len() == 0 || !all_digits(whole) || !all_digits(fraction) {
        return None;
    }
    let leading_zeros = whole.bytes().chain(fraction.bytes()).take_while(|b| *b == b'0').count();
    let point = i64::try_from(whole.len()).ok()? + exponent;
    let before = point - i64::try_from(leading_zeros).ok()?;
    let after = i64::try_from(fraction.len()).ok()? - exponent;
    let count = |digits: i64| u32::try_from(digits.max(0)).unwrap_or(u32::MAX);
    Some((count(before), count(after)))
}

fn clamped_exponent(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    // Beyond any precision a larger exponent changes nothing.
    let size = digits.parse::<i64>().unwrap_or(i64::from(u32::MAX)).min(i64::from(u32::MAX));
    Some(if text.starts_with('-') { -size } else { size })
}
