//! Applying batches through prepared statements.

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, Statement};

use super::fit::Fitted;
use super::identity::RowHash;
use super::naming::{DELETED, quote};
use super::open::failed;
use super::plan::{Parameter, Plan, first_parameter};
use super::values::{Scalar, encode};
use crate::destination::DestinationError;
use crate::rows::{Batch, Column};

/// What writing rows needs again and again.
#[derive(Debug, Default)]
pub(super) struct Buffers {
    text: String,
    hash: RowHash,
}

/// A column of a batch, read from its first row to its last.
struct Cells<'a> {
    column: &'a Column,
    next_null: usize,
}

impl<'a> Cells<'a> {
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
    batch: &Batch,
    fitted: &Fitted,
    stamp: &str,
    buffers: &mut Buffers,
) -> Result<(), DestinationError> {
    let doing = failed("writing rows");
    let mut statement = connection.prepare_cached(&plan.statement).map_err(&doing)?;
    statement.raw_bind_parameter(1, stamp).map_err(&doing)?;
    let cells = |column| Cells { column, next_null: 0 };
    let mut sent = (!fitted.is_unchanged()).then(|| batch.columns.iter().map(cells).collect::<Vec<_>>());
    let mut cells: Vec<Cells<'_>> = fitted.columns(batch).into_iter().map(cells).collect();
    for row in 0..batch.rows {
        if let Some(order) = &plan.hash {
            let sent = sent.as_mut().unwrap_or(&mut cells);
            bind_id(&mut statement, plan, order, sent, row, buffers).map_err(&doing)?;
        }
        if bind_row(&mut statement, plan, &mut cells, row, &mut buffers.text)? {
            statement.raw_execute().map_err(&doing)?;
        }
    }
    Ok(())
}

/// Binds the columns of one row; `false` when its key can be in no row.
fn bind_row(
    statement: &mut Statement<'_>,
    plan: &Plan,
    cells: &mut [Cells<'_>],
    row: usize,
    scratch: &mut String,
) -> Result<bool, DestinationError> {
    let first = first_parameter(&plan.table);
    for (index, parameter) in plan.parameters.iter().enumerate() {
        let scalar = cells.get_mut(parameter.column).and_then(|cells| cells.at(row));
        let value = match scalar.map(|scalar| encode(scalar, parameter.stored, scratch)) {
            None => ValueRef::Null,
            Some(Some(value)) => value,
            Some(None) if parameter.selects => return Ok(false),
            Some(None) => return Err(misfit(plan, parameter)),
        };
        statement.raw_bind_parameter(first + index, ToSqlOutput::Borrowed(value)).map_err(failed("binding a value"))?;
    }
    Ok(true)
}

fn misfit(plan: &Plan, parameter: &Parameter) -> DestinationError {
    DestinationError::Misfit {
        table: plan.table.name.clone(),
        column: plan.slots.get(parameter.column).map(|slot| slot.name.clone()).unwrap_or_default(),
    }
}

fn bind_id(
    statement: &mut Statement<'_>,
    plan: &Plan,
    order: &[usize],
    cells: &mut [Cells<'_>],
    row: usize,
    buffers: &mut Buffers,
) -> rusqlite::Result<()> {
    buffers.hash.begin();
    for index in order {
        let scalar = cells.get_mut(*index).and_then(|cells| cells.at(row));
        if let (Some(scalar), Some(slot)) = (scalar, plan.slots.get(*index)) {
            buffers.hash.add(&slot.name, scalar);
        }
    }
    buffers.hash.finish(&mut buffers.text);
    statement.raw_bind_parameter(2, buffers.text.as_str())
}

/// Marks every row as deleted.
pub(super) fn truncate(connection: &Connection, table: &str) -> Result<(), DestinationError> {
    let statement = format!("UPDATE {0} SET {1} = 1 WHERE {1} = 0", quote(table), quote(DELETED));
    connection.execute(&statement, []).map_err(failed("truncating a table"))?;
    Ok(())
}
