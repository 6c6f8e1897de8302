//! What the values of one column of a batch ask of the column's type.

use super::dates;
use super::lattice::{Integers, decimal, exact_in_double, exact_in_float, is_single, join, join_knowing};
use super::values::Scalar;
use crate::numbers::Number;
use crate::rows::{Column, DataType, Values};

/// A summary of the values of one column.
#[derive(Clone, Debug)]
pub(super) struct Incoming {
    /// The lowest and the highest.
    integers: Option<(i64, i64)>,
    in_double: bool,
    in_float: bool,
    floats: bool,
    /// Every float is exact in 32 bits.
    singles: bool,
    texts: bool,
    /// Room for every decimal.
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
            | (DataType::Long | DataType::Decimal(None) | DataType::Text, Values::Integers(_))
            | (DataType::Double | DataType::Decimal(None) | DataType::Text, Values::Floats(_))
            | (DataType::Text | DataType::Xml, Values::Texts(_))
            | (DataType::Json | DataType::Text, Values::Json(_))
            | (DataType::Binary | DataType::Text, Values::Blobs(_))
    )
}

/// Calls `take` for every value that is not NULL.
pub(super) fn each<'a>(column: &'a Column, rows: usize, mut take: impl FnMut(usize, Scalar<'a>)) {
    let mut nulls = column.nulls.iter().peekable();
    for row in 0..rows {
        if nulls.next_if(|null| usize::try_from(**null).is_ok_and(|n| n == row)).is_some() {
            continue;
        }
        if let Some(scalar) = Scalar::at(&column.values, row) {
            take(row, scalar);
        }
    }
}

/// The lowest and highest integer of a column; `None` without any.
pub(super) fn range(column: &Column, values: &[i64]) -> Option<(i64, i64)> {
    let widen = |range: Option<(i64, i64)>, v: i64| Some(range.map_or((v, v), |(low, high)| (low.min(v), high.max(v))));
    if column.nulls.is_empty() {
        return values.iter().copied().fold(None, widen);
    }
    let mut found = None;
    each(column, values.len(), |_, scalar| {
        if let Scalar::Integer(v) = scalar {
            found = widen(found, v);
        }
    });
    found
}

impl Incoming {
    /// Looks at all values of a column.
    ///
    /// # Errors
    /// A reason for refusal: a date or decimal that no column can hold.
    pub(super) fn of(column: &Column, rows: usize) -> Result<Self, &'static str> {
        let mut seen = Self {
            integers: None,
            in_double: true,
            in_float: true,
            floats: false,
            singles: true,
            texts: false,
            decimals: None,
            others: Vec::new(),
        };
        if let Values::Integers(values) = &column.values
            && let small @ Some((low, high)) = range(column, values)
            && (-MAX_EXACT_IN_FLOAT..=MAX_EXACT_IN_FLOAT).contains(&low)
            && (-MAX_EXACT_IN_FLOAT..=MAX_EXACT_IN_FLOAT).contains(&high)
        {
            seen.integers = small;
            return Ok(seen);
        }
        let mut refusal = None;
        each(column, rows, |_, scalar| {
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
            Scalar::Float(v) => {
                self.floats = true;
                self.singles &= is_single(v);
            }
            Scalar::Text(_) => self.texts = true,
            Scalar::Boolean(_) => self.other(DataType::Boolean),
            Scalar::Blob(_) => self.other(DataType::Binary),
            Scalar::Json(_) => self.other(DataType::Json),
            Scalar::Decimal(text) => {
                let (before, after) = Number::parse(text).ok_or("a decimal value is not a number")?.shape();
                let shape = decimal(before, after);
                self.decimals = Some(self.decimals.map_or(shape, |known| join(known, shape)));
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
    /// `None` when there is no type and no value. `stored_integers` is asked only when what is
    /// known about the column's own integers decides.
    pub(super) fn settle<E>(
        &self,
        stored: Option<DataType>,
        stored_integers: impl FnOnce() -> Result<Integers, E>,
    ) -> Result<Option<DataType>, E> {
        let mut settled = stored;
        if let Some(range) = self.integers {
            settled = Some(self.with_integers(settled, range));
        }
        if self.floats {
            let exact =
                self.in_double && (stored != Some(DataType::Long) || stored_integers()? == Integers::ExactInDouble);
            let integers = if exact { Integers::ExactInDouble } else { Integers::Any };
            settled = Some(match settled {
                None => DataType::Double,
                Some(DataType::Float) if self.singles => DataType::Float,
                Some(known) => join_knowing(known, DataType::Double, integers),
            });
        }
        if let Some(shape) = self.decimals {
            settled = Some(match settled {
                None => DataType::Decimal(None),
                Some(known @ DataType::Decimal(_)) => join(known, shape),
                Some(known) => join(known, DataType::Decimal(None)),
            });
        }
        if self.texts {
            settled = Some(match settled {
                Some(DataType::Xml) => DataType::Xml,
                _ => DataType::Text,
            });
        }
        for other in &self.others {
            settled = Some(settled.map_or(*other, |known| join(known, *other)));
        }
        Ok(settled)
    }

    fn with_integers(&self, settled: Option<DataType>, (low, high): (i64, i64)) -> DataType {
        let smallest = smallest_integer_type(low, high);
        match settled {
            // Nobody asked for 16 bits.
            None if smallest == DataType::Short => DataType::Int,
            None => smallest,
            Some(DataType::Float) if self.in_float => DataType::Float,
            Some(DataType::Float | DataType::Double) if self.in_double => DataType::Double,
            Some(DataType::Float | DataType::Double) => DataType::Decimal(None),
            Some(known @ DataType::Decimal(_)) => {
                let widest = low.unsigned_abs().max(high.unsigned_abs());
                join(known, decimal(widest.checked_ilog10().map_or(1, |log| log + 1), 0))
            }
            Some(known) => join(known, smallest),
        }
    }
}

/// Every smaller integer is exact in 32 bits.
const MAX_EXACT_IN_FLOAT: i64 = 1 << 24;

/// The least integer type that holds both.
pub(super) fn smallest_integer_type(low: i64, high: i64) -> DataType {
    let within = |bound: i64| low >= -bound - 1 && high <= bound;
    if within(i64::from(i16::MAX)) {
        DataType::Short
    } else if within(i64::from(i32::MAX)) {
        DataType::Int
    } else {
        DataType::Long
    }
}

fn in_calendar(inside: bool) -> Result<(), &'static str> {
    if inside { Ok(()) } else { Err("a date lies outside the years 0001 to 9999") }
}
