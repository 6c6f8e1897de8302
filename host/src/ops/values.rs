//! Checks of single columns: lengths, nulls, ranges and forms.

use crate::numbers::Number;
use crate::rows::{Batch, Column, DataType, Value, Values};

/// 0001-01-01 and 9999-12-31 in days since 1970-01-01.
const DAYS: std::ops::RangeInclusive<i32> = -719_162..=2_932_896;
const DAY_MICROSECONDS: i64 = 86_400_000_000;
const MICROSECONDS: std::ops::Range<i64> = -719_162 * DAY_MICROSECONDS..2_932_897 * DAY_MICROSECONDS;
/// The longest decimal number taken: far beyond any destination's precision.
const DECIMAL_BYTES: usize = 1024;

/// Sizes of a column's values in bytes.
pub(super) struct Size {
    /// All values together.
    pub(super) total: usize,
    /// The largest one.
    pub(super) largest: usize,
}

/// Checks a declared type.
pub(super) fn check_type(data_type: Option<DataType>) -> Result<(), String> {
    match data_type {
        Some(DataType::Decimal(Some((precision, scale)))) if !(1..=38).contains(&precision) || scale > precision => {
            Err(format!("DECIMAL({precision},{scale}): precision is 1 to 38 and scale 0 to precision"))
        }
        _ => Ok(()),
    }
}

/// Checks one column of `rows` rows and answers its size. Reasons never hold a value.
pub(super) fn check_column(column: &Column, rows: usize) -> Result<Size, String> {
    if length(&column.values) != rows {
        return Err(format!("{} values for {rows} rows", length(&column.values)));
    }
    let ascending = column.nulls.windows(2).all(|pair| matches!(pair, [a, b] if a < b));
    if !ascending || column.nulls.last().is_some_and(|last| *last as usize >= rows) {
        return Err("the indexes of NULLs must ascend and be less than the number of rows".into());
    }
    match &column.values {
        Values::Booleans(_) => Ok(fixed(rows, 1)),
        Values::Integers(_) | Values::Floats(_) => Ok(fixed(rows, 8)),
        Values::Texts(values) | Values::Json(values) => Ok(sized(values.iter().map(str::len))),
        Values::Blobs(values) => Ok(sized(values.iter().map(Vec::len))),
        Values::Decimals(values) => {
            let mut nulls = column.nulls.iter().peekable();
            for (row, value) in values.iter().enumerate() {
                if nulls.next_if(|null| **null as usize == row).is_none() {
                    check_decimal(value)?;
                }
            }
            Ok(sized(values.iter().map(String::len)))
        }
        Values::Dates(values) => all(values, check_date).map(|()| fixed(rows, 4)),
        Values::Datetimes(values) | Values::Timestamps(values) => {
            all(values, check_microseconds).map(|()| fixed(rows, 8))
        }
        Values::Mixed(values) => {
            all(values, check_value)?;
            Ok(sized(values.iter().map(value_bytes)))
        }
    }
}

/// The size of one row in bytes.
pub(super) fn row_bytes(columns: &[Column], row: usize) -> usize {
    columns.iter().map(|column| cell_bytes(&column.values, row)).sum()
}

/// What a batch takes of the host's memory: its values, and what is around them. A batch of
/// many long column names and few values is small by its values alone.
pub(super) fn held_bytes(batch: &Batch) -> usize {
    batch.columns.iter().map(around_values).fold(batch.bytes, usize::saturating_add)
}

fn around_values(column: &Column) -> usize {
    /// A short text or blob on the heap takes at least this much beside its own size.
    const SMALLEST_ALLOCATION: usize = 16;
    let each = match &column.values {
        Values::Booleans(_) | Values::Integers(_) | Values::Floats(_) => 0,
        Values::Dates(_) | Values::Datetimes(_) | Values::Timestamps(_) => 0,
        Values::Texts(_) | Values::Json(_) => size_of::<usize>(),
        Values::Decimals(_) | Values::Blobs(_) => size_of::<String>() + SMALLEST_ALLOCATION,
        Values::Mixed(_) => size_of::<Value>() + SMALLEST_ALLOCATION,
    };
    let values = length(&column.values).saturating_mul(each);
    size_of::<Column>() + column.name.len() + column.nulls.len() * size_of::<u32>() + values
}

fn cell_bytes(values: &Values, row: usize) -> usize {
    match values {
        Values::Booleans(_) => 1,
        Values::Dates(_) => 4,
        Values::Integers(_) | Values::Floats(_) | Values::Datetimes(_) | Values::Timestamps(_) => 8,
        Values::Texts(values) | Values::Json(values) => values.get(row).map_or(0, str::len),
        Values::Decimals(values) => values.get(row).map_or(0, String::len),
        Values::Blobs(values) => values.get(row).map_or(0, Vec::len),
        Values::Mixed(values) => values.get(row).map_or(0, value_bytes),
    }
}

fn length(values: &Values) -> usize {
    match values {
        Values::Booleans(values) => values.len(),
        Values::Integers(values) | Values::Datetimes(values) | Values::Timestamps(values) => values.len(),
        Values::Floats(values) => values.len(),
        Values::Texts(values) | Values::Json(values) => values.len(),
        Values::Decimals(values) => values.len(),
        Values::Blobs(values) => values.len(),
        Values::Dates(values) => values.len(),
        Values::Mixed(values) => values.len(),
    }
}

fn fixed(rows: usize, bytes: usize) -> Size {
    Size { total: rows.saturating_mul(bytes), largest: bytes }
}

fn sized(sizes: impl Iterator<Item = usize>) -> Size {
    // A value without bytes still costs its place.
    sizes.fold(Size { total: 0, largest: 0 }, |size, bytes| Size {
        total: size.total.saturating_add(bytes + 8),
        largest: size.largest.max(bytes),
    })
}

fn all<T>(values: &[T], check: impl Fn(&T) -> Result<(), String>) -> Result<(), String> {
    values.iter().try_for_each(check)
}

fn check_date(days: &i32) -> Result<(), String> {
    if DAYS.contains(days) { Ok(()) } else { Err("a date outside the years 0001 to 9999".into()) }
}

fn check_microseconds(value: &i64) -> Result<(), String> {
    if MICROSECONDS.contains(value) { Ok(()) } else { Err("a date-time outside the years 0001 to 9999".into()) }
}

fn check_value(value: &Value) -> Result<(), String> {
    match value {
        Value::Decimal(text) => check_decimal(text),
        Value::Date(days) => check_date(days),
        Value::Datetime(value) | Value::Timestamp(value) => check_microseconds(value),
        _ => Ok(()),
    }
}

fn value_bytes(value: &Value) -> usize {
    match value {
        Value::Null | Value::Boolean(_) => 1,
        Value::Date(_) => 4,
        Value::Integer(_) | Value::Float(_) | Value::Datetime(_) | Value::Timestamp(_) => 8,
        Value::Text(text) | Value::Json(text) | Value::Decimal(text) => text.len(),
        Value::Blob(bytes) => bytes.len(),
    }
}

fn check_decimal(text: &str) -> Result<(), String> {
    if text.len() > DECIMAL_BYTES {
        return Err(format!("a DECIMAL value of {} characters; the limit is {DECIMAL_BYTES}", text.len()));
    }
    match Number::parse(text) {
        Some(_) => Ok(()),
        None => Err("a DECIMAL value that is not a decimal number".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_numbers() {
        for good in ["0", "-1", "+1.50", ".5", "5.", "1e10", "1.5E-7", "00012"] {
            assert!(check_decimal(good).is_ok(), "{good}");
        }
        for bad in ["", "-", ".", "1e", "1e+", "abc", "1 2", "0x10", "NaN", "1_000", "١", "--1", "1.2.3"] {
            assert!(check_decimal(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_edges_of_dates() {
        let column = |values| Column { name: "c".into(), values, nulls: vec![] };
        let check = |values, rows| check_column(&column(values), rows).is_ok();
        assert!(check(Values::Dates(vec![-719_162, 2_932_896]), 2));
        assert!(!check(Values::Dates(vec![-719_163]), 1));
        assert!(!check(Values::Dates(vec![2_932_897]), 1));
        assert!(check(Values::Timestamps(vec![MICROSECONDS.start, MICROSECONDS.end - 1]), 2));
        assert!(!check(Values::Timestamps(vec![MICROSECONDS.end]), 1));
        assert!(!check(Values::Datetimes(vec![i64::MIN]), 1));
    }

    #[test]
    fn lengths_and_nulls_agree() {
        let check = |nulls: Vec<u32>, rows| {
            check_column(&Column { name: "c".into(), values: Values::Integers(vec![1, 2]), nulls }, rows).is_ok()
        };
        assert!(check(vec![0, 1], 2));
        assert!(!check(vec![], 3), "too few values");
        assert!(!check(vec![2], 2), "an index beyond the rows");
        assert!(!check(vec![1, 0], 2), "not ascending");
        assert!(!check(vec![1, 1], 2), "a repeat");
    }

    #[test]
    fn what_a_batch_holds_is_more_than_its_values() {
        let column = |number: usize| Column {
            name: format!("{number:0250}"),
            values: Values::Booleans(vec![true]),
            nulls: vec![],
        };
        let wide = Batch { rows: 1, columns: (0..1000).map(column).collect(), bytes: 1000 };
        assert!(held_bytes(&wide) > 250 * 1000, "{}", held_bytes(&wide));
        let empty = Column { name: "c".into(), values: Values::Decimals(vec![String::new(); 1000]), nulls: vec![] };
        assert!(held_bytes(&Batch { rows: 1000, columns: vec![empty], bytes: 8000 }) > 24 * 1000);
    }

    #[test]
    fn a_null_decimal_is_a_placeholder() {
        let column =
            Column { name: "c".into(), values: Values::Decimals(vec![String::new(), "1".into()]), nulls: vec![0] };
        assert!(check_column(&column, 2).is_ok());
    }
}
