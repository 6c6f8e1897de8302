//! Rows become batches: of one table and operation, and naming the same columns.

use crate::sluice::connector::operations::{self, Refusal};
use crate::values::{Row, Table, batch};

const ROWS: usize = 1000;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    Upsert,
    Update,
    Delete,
}

#[derive(Default)]
pub struct Writer {
    waiting: Vec<Waiting>,
}

struct Waiting {
    table: &'static Table,
    operation: Operation,
    rows: Vec<Row>,
}

impl Waiting {
    fn takes(&self, operation: Operation, row: &Row) -> bool {
        let names = |row: &Row| row.iter().map(|(name, _)| *name).collect::<Vec<_>>();
        self.operation == operation
            && self.rows.len() < ROWS
            && self.rows.first().is_none_or(|first| names(first) == names(row))
    }

    fn send(self) -> Result<(), Refusal> {
        let (name, rows) = (self.table.table_name(), batch(self.rows));
        match self.operation {
            Operation::Upsert => operations::upsert(&name, &rows),
            Operation::Update => operations::update(&name, &rows),
            Operation::Delete => operations::delete(&name, &rows),
        }
    }
}

impl Writer {
    /// Takes a row. Rows of a table are sent in the order of the calls.
    pub fn write(&mut self, operation: Operation, table: &'static Table, row: Row) -> Result<(), Refusal> {
        let found = self.waiting.iter().position(|waiting| waiting.table.name == table.name);
        match found.map(|index| &mut self.waiting[index]) {
            Some(waiting) if waiting.takes(operation, &row) => waiting.rows.push(row),
            Some(waiting) => std::mem::replace(waiting, Waiting { table, operation, rows: vec![row] }).send()?,
            None => self.waiting.push(Waiting { table, operation, rows: vec![row] }),
        }
        Ok(())
    }

    /// Sends what waits, and makes it durable together with the state.
    pub fn checkpoint(&mut self, state: &str) -> Result<(), Refusal> {
        for waiting in self.waiting.drain(..) {
            waiting.send()?;
        }
        operations::checkpoint(state)
    }
}
