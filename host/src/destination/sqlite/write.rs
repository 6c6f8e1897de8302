//! Applying batches through prepared statements.

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection, Statement};

use super::fit::Fitted;
use super::identity::RowHash;
use super::open::failed;
use super::plan::{Parameter, Plan};
use super::selector::selector;
use super::statements::{SEVERAL, Statements};
use super::values::{Scalar, encode};
use crate::destination::DestinationError;
use crate::rows::{Batch, Column};

/// What writing rows needs again and again.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    pub(super) text: String,
    hash: RowHash,
    id: String,
}

impl Buffers {
    /// Works out the id of a row, from the columns in this order.
    pub(super) fn hash_row(&mut self, plan: &Plan, order: &[usize], cells: &mut [Cells<'_>], row: usize) {
        self.hash.begin();
        for index in order {
            let scalar = cells.get_mut(*index).and_then(|cells| cells.at(row));
            if let (Some(scalar), Some(slot)) = (scalar, plan.slots.get(*index)) {
                self.hash.add(&slot.name, scalar);
            }
        }
        self.hash.finish(&mut self.id);
    }

    /// The id that was worked out last.
    pub(super) fn id(&self) -> &str {
        &self.id
    }
}

/// A column of a batch, read from its first row to its last.
pub(super) struct Cells<'a> {
    column: &'a Column,
    next_null: usize,
}

impl<'a> Cells<'a> {
    /// Columns of one batch.
    pub(super) fn of(columns: impl IntoIterator<Item = &'a Column>) -> Vec<Self> {
        columns.into_iter().map(|column| Self { column, next_null: 0 }).collect()
    }

    /// The value in `row`, which never goes back; `None` for NULL.
    fn at(&mut self, row: usize) -> Option<Scalar<'a>> {
        while let Some(null) = self.column.nulls.get(self.next_null) {
            let null = usize::try_from(*null).unwrap_or(usize::MAX);
            if null >= row {
                if null == row {
                    return None;
                }
                break;
            }
            self.next_null += 1;
        }
        Scalar::at(&self.column.values, row)
    }
}

/// Applies every row of a batch in order. `fitted` is what lands; the identity of a row is that
/// of the values as they were sent.
pub(super) fn apply(
    connection: &Connection,
    plan: &Plan,
    statements: &Statements,
    batch: &Batch,
    fitted: &Fitted,
    stamp: &str,
    buffers: &mut Buffers,
) -> Result<(), DestinationError> {
    let sent = fitted.is_changed().then(|| Cells::of(&batch.columns));
    let mut rows = Rows { plan, sent, cells: Cells::of(fitted.columns(batch)), buffers };
    let mut row = 0;
    if let Some(several) = statements.several.as_ref().filter(|_| batch.rows >= SEVERAL) {
        let mut statement = prepare(connection, several, stamp)?;
        while batch.rows - row >= SEVERAL {
            for offset in 0..SEVERAL {
                rows.bind(&mut statement, row + offset, offset)?;
            }
            statement.raw_execute().map_err(failed(WRITING))?;
            row += SEVERAL;
        }
    }
    if row < batch.rows {
        let mut statement = prepare(connection, &statements.one, stamp)?;
        for row in row..batch.rows {
            if rows.bind(&mut statement, row, 0)? {
                statement.raw_execute().map_err(failed(WRITING))?;
            }
        }
    }
    Ok(())
}

const WRITING: &str = "writing rows";

fn prepare<'c>(
    connection: &'c Connection,
    statement: &str,
    stamp: &str,
) -> Result<CachedStatement<'c>, DestinationError> {
    let mut statement = connection.prepare_cached(statement).map_err(failed(WRITING))?;
    statement.raw_bind_parameter(1, stamp).map_err(failed(WRITING))?;
    Ok(statement)
}

/// The rows of a batch on their way into a statement.
struct Rows<'a, 'p> {
    plan: &'p Plan,
    /// As they were sent, when that is not what lands.
    sent: Option<Vec<Cells<'a>>>,
    cells: Vec<Cells<'a>>,
    buffers: &'p mut Buffers,
}

impl Rows<'_, '_> {
    /// Binds a row as the statement's row `place`; `false` when its key can be in no row.
    fn bind(&mut self, statement: &mut Statement<'_>, row: usize, place: usize) -> Result<bool, DestinationError> {
        let plan = self.plan;
        let first = plan.first_parameter();
        // The stamp is there once, the rest for each row.
        let first = first + place * (first - 2 + plan.parameters.len());
        if let Some(order) = &plan.hash {
            self.buffers.hash_row(plan, order, self.sent.as_mut().unwrap_or(&mut self.cells), row);
            statement.raw_bind_parameter(first - 1, self.buffers.id()).map_err(failed(WRITING))?;
        }
        bind_row(statement, first, &plan.parameters, plan, &mut self.cells, row, &mut self.buffers.text)
    }
}

/// Binds columns of one row from parameter `first` on; `false` when its key can be in no row.
pub(super) fn bind_row(
    statement: &mut Statement<'_>,
    first: usize,
    parameters: &[Parameter],
    plan: &Plan,
    cells: &mut [Cells<'_>],
    row: usize,
    scratch: &mut String,
) -> Result<bool, DestinationError> {
    for (index, parameter) in parameters.iter().enumerate() {
        let value = if parameter.selects {
            let key = cells.get_mut(parameter.column).and_then(|cells| cells.at(row));
            let Some(found) = key.and_then(|key| selector(key, parameter.stored, scratch)) else { return Ok(false) };
            found
        } else {
            ToSqlOutput::Borrowed(value(plan, parameter, cells, row, scratch)?)
        };
        statement.raw_bind_parameter(first + index, value).map_err(failed("binding a value"))?;
    }
    Ok(true)
}

/// The stored form of a value of a row.
#[inline]
pub(super) fn value<'v, 'a: 'v>(
    plan: &Plan,
    parameter: &Parameter,
    cells: &mut [Cells<'a>],
    row: usize,
    scratch: &'v mut String,
) -> Result<ValueRef<'v>, DestinationError> {
    let scalar = cells.get_mut(parameter.column).and_then(|cells| cells.at(row));
    match scalar.map(|scalar| encode(scalar, parameter.stored, scratch)) {
        None => Ok(ValueRef::Null),
        Some(Some(value)) => Ok(value),
        Some(None) => Err(misfit(plan, parameter)),
    }
}

fn misfit(plan: &Plan, parameter: &Parameter) -> DestinationError {
    DestinationError::Misfit {
        table: plan.table.name.clone(),
        column: plan.slots.get(parameter.column).map(|slot| slot.name.clone()).unwrap_or_default(),
    }
}
