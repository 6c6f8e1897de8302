//! Values that their column's declared or locked type does not take: what is done about them
//! before a batch is written. The rules stand in `docs/types.md`.

use super::convert::{converted, rounded};
use super::infer::{each, range, smallest_integer_type};
use super::lattice::{exact_in_double, exact_in_float, is_single, join};
use super::obstacle::Obstacle;
use super::plan::Slot;
use super::types::type_name;
use super::values::Scalar;
use crate::landing::TypeMismatch;
use crate::rows::{Batch, Column, DataType, OperationKind, TableName, Value, Values};

/// What a column is to hold in this sync; a column that is neither takes what comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// The connector declared the type.
    Declared(DataType),
    /// The operator locked the type.
    Locked(DataType),
}

/// What becomes of a value.
enum Fate {
    Stays,
    Becomes(Value),
    Null,
    Bad,
}

/// The columns of a batch that had to be changed so that it may land.
#[derive(Debug, Default)]
pub(super) struct Fitted {
    /// Ascending places in the batch, and the columns that take them.
    changed: Vec<(usize, Column)>,
    /// Values that became NULL.
    pub(super) nulled: u64,
}

impl Fitted {
    /// The columns of the batch as they shall land.
    pub(super) fn columns<'a>(&'a self, batch: &'a Batch) -> Vec<&'a Column> {
        let mut columns: Vec<&Column> = batch.columns.iter().collect();
        for (index, column) in &self.changed {
            if let Some(place) = columns.get_mut(*index) {
                *place = column;
            }
        }
        columns
    }

    /// Whether the batch does not land as it came.
    pub(super) fn is_changed(&self) -> bool {
        !self.changed.is_empty()
    }
}

/// Makes the values of a batch fit the rules of their columns.
///
/// # Errors
/// Rows with a value that does not fit and must not be changed.
pub(super) fn fit(
    source: &TableName,
    slots: &[Slot],
    batch: &Batch,
    kind: OperationKind,
    mismatch: TypeMismatch,
) -> Result<Fitted, Obstacle> {
    let mut fitted = Fitted::default();
    for (index, (slot, column)) in slots.iter().zip(&batch.columns).enumerate() {
        let Some(rule) = slot.rule else { continue };
        let rounds = rule == Rule::Declared(DataType::Float) && matches!(column.values, Values::Floats(_));
        let applies = match kind {
            OperationKind::Upsert => true,
            // A key that selects a row stores nothing, but is rounded as the row's own was.
            OperationKind::Update => !slot.key || rounds,
            OperationKind::Delete => slot.key && rounds,
        };
        if !applies || fits(rule, column, batch.rows) {
            continue;
        }
        let column = match (rule, &column.values) {
            (Rule::Declared(DataType::Float), Values::Floats(values))
                if values.iter().all(|v| rounded(*v).is_some()) =>
            {
                singles(column, values)
            }
            _ => {
                let (column, nulled) = changed(source, slot, rule, column, batch.rows, mismatch)?;
                fitted.nulled += nulled;
                column
            }
        };
        fitted.changed.push((index, column));
    }
    Ok(fitted)
}

/// The column rounded to 32 bits.
fn singles(column: &Column, values: &[f64]) -> Column {
    let values = values.iter().map(|v| rounded(*v).unwrap_or(*v)).collect();
    Column { name: column.name.clone(), values: Values::Floats(values), nulls: column.nulls.clone() }
}

/// Whether all values are as the column stores them, without looking at each where the variant
/// tells.
fn fits(rule: Rule, column: &Column, rows: usize) -> bool {
    let (Rule::Declared(wanted) | Rule::Locked(wanted)) = rule;
    match (wanted, &column.values) {
        (DataType::Boolean, Values::Booleans(_))
        | (DataType::Long | DataType::Decimal(_), Values::Integers(_))
        | (DataType::Double, Values::Floats(_))
        | (DataType::Decimal(_), Values::Decimals(_))
        | (DataType::NaiveDate | DataType::NaiveDatetime, Values::Dates(_))
        | (DataType::NaiveDatetime, Values::Datetimes(_))
        | (DataType::UtcDatetime, Values::Timestamps(_))
        | (DataType::Binary, Values::Blobs(_))
        | (DataType::Xml, Values::Texts(_))
        | (DataType::Json, Values::Json(_))
        | (DataType::Text, _) => true,
        (DataType::Short | DataType::Int, Values::Integers(values)) => {
            range(column, values).is_none_or(|(low, high)| join(smallest_integer_type(low, high), wanted) == wanted)
        }
        (DataType::Float, Values::Floats(values)) if column.nulls.is_empty() => values.iter().all(|v| is_single(*v)),
        _ => {
            let mut fits = true;
            each(column, rows, |_, scalar| fits &= matches!(taken(scalar, rule), Fate::Stays));
            fits
        }
    }
}

/// The column with every value as it shall land.
fn changed(
    source: &TableName,
    slot: &Slot,
    rule: Rule,
    column: &Column,
    rows: usize,
    mismatch: TypeMismatch,
) -> Result<(Column, u64), Obstacle> {
    let mut values = vec![Value::Null; rows];
    let mut nulls = column.nulls.clone();
    let (mut bad, mut nulled) = (Vec::new(), 0);
    each(column, rows, |row, scalar| {
        let fate = match taken(scalar, rule) {
            Fate::Bad => mismatched(rule, slot, mismatch),
            other => other,
        };
        let value = match fate {
            Fate::Stays => scalar.to_value(),
            Fate::Becomes(value) => value,
            Fate::Null => {
                nulled += 1;
                nulls.extend(u32::try_from(row));
                Value::Null
            }
            Fate::Bad => {
                bad.push(row);
                Value::Null
            }
        };
        if let Some(place) = values.get_mut(row) {
            *place = value;
        }
    });
    if !bad.is_empty() {
        return Err(Obstacle::rows(source, &column.name, bad, reason(rule)));
    }
    nulls.sort_unstable();
    Ok((Column { name: column.name.clone(), values: Values::Mixed(values), nulls }, nulled))
}

fn reason(rule: Rule) -> String {
    match rule {
        Rule::Declared(wanted) => format!(
            "a value does not fit the declared type {}; declare a wider type or none, or set on_type_mismatch for \
             the connection",
            type_name(wanted)
        ),
        Rule::Locked(wanted) => format!(
            "a value cannot be converted to the locked type {}; unlock the table's types, or set on_type_mismatch \
             for the connection",
            type_name(wanted)
        ),
    }
}

fn taken(scalar: Scalar<'_>, rule: Rule) -> Fate {
    match rule {
        // Only a declaration rounds.
        Rule::Declared(DataType::Float) => match scalar {
            Scalar::Float(v) => match rounded(v) {
                None => Fate::Bad,
                Some(nearest) if nearest == v || v.is_nan() => Fate::Stays,
                Some(nearest) => Fate::Becomes(Value::Float(nearest)),
            },
            Scalar::Integer(v) if exact_in_float(v) => Fate::Stays,
            _ => Fate::Bad,
        },
        Rule::Declared(wanted) if declared_takes(scalar, wanted) => Fate::Stays,
        Rule::Declared(_) => Fate::Bad,
        Rule::Locked(wanted) => match converted(scalar, wanted) {
            None => Fate::Bad,
            Some(value) if Scalar::of(&value) == Some(scalar) => Fate::Stays,
            Some(value) => Fate::Becomes(value),
        },
    }
}

fn declared_takes(scalar: Scalar<'_>, wanted: DataType) -> bool {
    match (wanted, scalar) {
        (DataType::Short, Scalar::Integer(v)) => i16::try_from(v).is_ok(),
        (DataType::Int, Scalar::Integer(v)) => i32::try_from(v).is_ok(),
        (DataType::Double, Scalar::Integer(v)) => exact_in_double(v),
        (DataType::Boolean, Scalar::Boolean(_))
        | (DataType::Long | DataType::Decimal(_), Scalar::Integer(_))
        | (DataType::Double, Scalar::Float(_))
        | (DataType::Decimal(_), Scalar::Decimal(_))
        | (DataType::NaiveDate | DataType::NaiveDatetime, Scalar::Date(_))
        | (DataType::NaiveDatetime, Scalar::Datetime(_))
        | (DataType::UtcDatetime, Scalar::Timestamp(_))
        | (DataType::Binary, Scalar::Blob(_))
        | (DataType::Xml, Scalar::Text(_))
        | (DataType::Json, Scalar::Json(_))
        | (DataType::Text, _) => true,
        _ => false,
    }
}

/// What becomes of a value that does not fit.
fn mismatched(rule: Rule, slot: &Slot, mismatch: TypeMismatch) -> Fate {
    match (mismatch, rule) {
        (TypeMismatch::Fail, _) => Fate::Bad,
        (TypeMismatch::Widen, Rule::Declared(_)) => Fate::Stays,
        // A key without a value is no key.
        (TypeMismatch::Widen | TypeMismatch::Null, _) if slot.key => Fate::Bad,
        (TypeMismatch::Widen | TypeMismatch::Null, _) => Fate::Null,
    }
}
