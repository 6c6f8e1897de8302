//! How column types widen: one lattice, in one place.
//!
//! | types | together |
//! |---|---|
//! | SHORT, INT, LONG | the wider |
//! | SHORT with FLOAT | FLOAT |
//! | FLOAT with DOUBLE; SHORT, INT with DOUBLE; INT with FLOAT | DOUBLE |
//! | LONG with FLOAT, DOUBLE | DECIMAL; but see [`Integers`] |
//! | SHORT, INT, LONG with DECIMAL | DECIMAL with room for both |
//! | DECIMAL with DECIMAL | precision and scale grow; beyond 38 digits any DECIMAL |
//! | FLOAT, DOUBLE with DECIMAL | any DECIMAL |
//! | NAIVE_DATE with NAIVE_DATETIME | NAIVE_DATETIME |
//! | all other pairs | STRING |
//!
//! Each type stands for the values it holds without loss, and [`join`] is the least type above
//! two: commutative, associative, idempotent. So the type of a column does not depend on the
//! order of its values or on how they are cut into batches. The same holds for stored texts,
//! because the text of a value is that of the least type that holds it (`text.rs`).

use crate::rows::DataType;

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

/// What is known about the integers of a column beside its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Integers {
    /// All are exact in a DOUBLE: as far as floats are concerned, a LONG is no more than an INT.
    ExactInDouble,
    /// Perhaps not.
    Any,
}

/// [`join`] where a LONG holds only integers that are exact in a DOUBLE, or not.
pub(super) fn join_knowing(a: DataType, b: DataType, integers: Integers) -> DataType {
    let shrunk = |t, other| match t {
        DataType::Long if integers == Integers::ExactInDouble && is_float(other) => DataType::Int,
        _ => t,
    };
    join(shrunk(a, b), shrunk(b, a))
}

/// The least type that holds the values of both.
pub(super) fn join(a: DataType, b: DataType) -> DataType {
    use DataType::{Decimal, Double, Float, Int, Long, NaiveDate, NaiveDatetime, Short, Text};
    if a == b {
        return a;
    }
    match (a, b) {
        (Short, other @ (Int | Long | Float | Double)) | (other @ (Int | Long | Float | Double), Short) => other,
        (Int, Long) | (Long, Int) => Long,
        (Float | Int, Double) | (Double, Float | Int) | (Int, Float) | (Float, Int) => Double,
        (Long | Decimal(_), Float | Double) | (Float | Double, Long | Decimal(_)) => Decimal(None),
        (Decimal(_), Short | Int | Long | Decimal(_)) | (Short | Int | Long, Decimal(_)) => {
            match (digits(a), digits(b)) {
                (Some((i, s)), Some((j, t))) => decimal(i.max(j), s.max(t)),
                _ => Decimal(None),
            }
        }
        (NaiveDate, NaiveDatetime) | (NaiveDatetime, NaiveDate) => NaiveDatetime,
        _ => Text,
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

/// Whether the number has the same value as a 32-bit float; NaN and infinities do.
pub(super) fn is_single(value: f64) -> bool {
    #[allow(clippy::cast_possible_truncation, reason = "the loss is what is tested")]
    let back = f64::from(value as f32);
    back == value || value.is_nan()
}

/// Whether values that are stored under `from` must be rewritten when the column becomes `to`.
pub(super) fn rewrites(from: DataType, to: DataType) -> bool {
    use super::types::Storage;
    Storage::of(Some(from)) != Storage::of(Some(to))
        || matches!(
            (from, to),
            (DataType::NaiveDate, DataType::NaiveDatetime) | (DataType::NaiveDatetime, DataType::Text)
        )
}

#[cfg(test)]
mod tests {
    use super::super::types::PLAIN_TYPES;
    use super::*;

    /// Every plain type, and decimals around the edges of what they may have.
    fn types() -> Vec<DataType> {
        let shapes = [(1, 0), (1, 1), (5, 0), (5, 5), (10, 2), (19, 0), (38, 0), (38, 19), (38, 38), (20, 19)];
        PLAIN_TYPES.into_iter().chain(shapes.map(|shape| DataType::Decimal(Some(shape)))).collect()
    }

    #[test]
    fn join_is_a_least_upper_bound() {
        let above = |a, b| join(a, b) == b;
        for a in types() {
            assert_eq!(join(a, a), a);
            for b in types() {
                let ab = join(a, b);
                assert_eq!(ab, join(b, a), "{a:?} {b:?}");
                assert!(above(a, ab) && above(b, ab), "{a:?} {b:?} {ab:?}");
                for c in types() {
                    assert_eq!(join(ab, c), join(a, join(b, c)), "{a:?} {b:?} {c:?}");
                    assert!(!(above(a, c) && above(b, c)) || above(ab, c), "{a:?} {b:?} {c:?}: {ab:?} is not least");
                }
            }
        }
    }

    #[test]
    fn a_long_of_small_numbers_is_a_double_beside_floats() {
        for float in [DataType::Float, DataType::Double] {
            for (a, b) in [(DataType::Long, float), (float, DataType::Long)] {
                assert_eq!(join_knowing(a, b, Integers::ExactInDouble), DataType::Double);
                assert_eq!(join_knowing(a, b, Integers::Any), DataType::Decimal(None));
            }
        }
        assert_eq!(join_knowing(DataType::Long, DataType::Int, Integers::ExactInDouble), DataType::Long);
    }
}
