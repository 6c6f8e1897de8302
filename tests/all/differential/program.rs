//! Programs: tables, and syncs of operations on them.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sluicegate::landing::references::TableReference;
use sluicegate::landing::{BadRow, Deletes, Landing, TypeMismatch};

use super::python::Py;
use super::types::Type;

/// A name in the source and what the documented rule makes of it. Written by hand.
pub(super) type Name = (&'static str, &'static str);

/// A table that operations name by its place in the program.
#[derive(Clone, Debug)]
pub(super) struct TableSpec {
    /// The program that it belongs to, when several share a connection.
    pub(super) program: usize,
    pub(super) schema: Option<&'static str>,
    /// Its name in the source.
    pub(super) name: String,
    /// Its name in the database.
    pub(super) stored: String,
    pub(super) columns: Vec<Name>,
    /// Places of the key columns; empty for a table without a primary key.
    pub(super) key: Vec<usize>,
}

/// Values by the place of their column.
pub(super) type Row = BTreeMap<usize, Py>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Upsert,
    Update,
    Delete,
}

#[derive(Clone, Debug)]
pub(super) enum Operation {
    Rows(Kind, usize, Row),
    Truncate(usize),
    Checkpoint(i64),
}

/// How a sync ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Well,
    /// An exception that nobody catches.
    Raise,
    /// `sys.exit()`.
    Exit,
    /// The interpreter aborts: a trap, at which no Python code runs any more.
    Abort,
    /// `op.error`.
    Error,
}

/// What a sync declares about a table: types by the place of their column.
pub(super) type Declared = BTreeMap<usize, Type>;

/// What the operator wants done with rows that change or go away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Mode {
    #[default]
    Soft,
    Hard,
    History,
}

#[derive(Clone, Debug)]
pub(super) struct SyncSpec {
    /// By the place of the table.
    pub(super) modes: BTreeMap<usize, Mode>,
    pub(super) mismatch: TypeMismatch,
    /// Whether rows that cannot land are kept aside.
    pub(super) quarantine: bool,
    /// By the place of the table.
    pub(super) declared: BTreeMap<usize, Declared>,
    pub(super) operations: Vec<Operation>,
    pub(super) end: End,
}

#[derive(Clone, Debug)]
pub(super) struct Program {
    pub(super) tables: Vec<TableSpec>,
    pub(super) syncs: Vec<SyncSpec>,
}

impl Program {
    /// What `schema` of a sync returns.
    pub(super) fn schema(&self, sync: &SyncSpec) -> Value {
        let tables = sync.declared.iter().map(|(place, declared)| {
            let table = &self.tables[*place];
            let name = |column: &usize| table.columns[*column].0;
            let columns: serde_json::Map<_, _> =
                declared.iter().map(|(column, data_type)| (name(column).to_owned(), data_type.declaration())).collect();
            let mut entry = json!({"table": table.name, "columns": columns});
            if !table.key.is_empty() {
                entry["primary_key"] = table.key.iter().map(name).collect();
            }
            if let Some(schema) = table.schema {
                entry["schema"] = json!(schema);
            }
            entry
        });
        tables.collect()
    }

    /// What the operator of a sync decided.
    pub(super) fn landing(&self, sync: &SyncSpec) -> Landing {
        let bad_row = if sync.quarantine { BadRow::Quarantine } else { BadRow::Fail };
        let mut landing =
            Landing { on_type_mismatch: Some(sync.mismatch), on_bad_row: Some(bad_row), ..Landing::default() };
        for (place, mode) in &sync.modes {
            let table = &self.tables[*place];
            let name = TableReference { schema: table.schema.map(ToOwned::to_owned), name: table.name.clone() };
            let entry = landing.table_mut(name);
            match mode {
                Mode::Soft => entry.deletes = Some(Deletes::Soft),
                Mode::Hard => entry.deletes = Some(Deletes::Hard),
                Mode::History => entry.history = true,
            }
        }
        landing
    }

    /// The operations of a sync as the connector with many modes reads them.
    pub(super) fn operations(&self, sync: &SyncSpec) -> Value {
        let mut all: Vec<Value> = sync.operations.iter().map(|operation| self.operation(operation)).collect();
        match sync.end {
            End::Well => {}
            End::Raise => all.push(json!(["raise", "ValueError", "cut"])),
            End::Exit => all.push(json!(["exit", 0])),
            End::Abort => all.push(json!(["abort"])),
            End::Error => all.push(json!(["error", "cut"])),
        }
        json!(all)
    }

    fn operation(&self, operation: &Operation) -> Value {
        let on = |name: &str, place: usize, row: Option<Value>| {
            let table = &self.tables[place];
            let arguments = [Some(json!(name)), Some(json!(table.name)), row, table.schema.map(Value::from)];
            arguments.into_iter().flatten().collect()
        };
        match operation {
            Operation::Truncate(place) => on("truncate", *place, None),
            Operation::Checkpoint(number) => json!(["checkpoint", {"at": number}]),
            Operation::Rows(kind, place, row) => {
                let name = |column: &usize| self.tables[*place].columns[*column].0.to_owned();
                let row: serde_json::Map<_, _> =
                    row.iter().map(|(column, value)| (name(column), value.to_json())).collect();
                let kind = match kind {
                    Kind::Upsert => "upsert",
                    Kind::Update => "update",
                    Kind::Delete => "delete",
                };
                on(kind, *place, Some(row.into()))
            }
        }
    }

    /// The program in a form to read, and to run again by hand.
    pub(super) fn show(&self) -> String {
        let mut text = String::new();
        for (number, sync) in self.syncs.iter().enumerate() {
            text.push_str(&format!("  sync {number} declares {}\n", self.schema(sync)));
            text.push_str(&format!("    what does not fit: {:?}, quarantine: {}\n", sync.mismatch, sync.quarantine));
            for (place, mode) in sync.modes.iter().filter(|(_, mode)| **mode != Mode::Soft) {
                text.push_str(&format!("    {mode:?} of {}\n", self.tables[*place].name));
            }
            for operation in self.operations(sync).as_array().expect("a list") {
                text.push_str(&format!("    {operation}\n"));
            }
        }
        text
    }

    /// Only the tables of one of the programs that share this connection, everything else as it is.
    pub(super) fn only(&self, program: usize) -> Self {
        let mut only = self.clone();
        let ours = |place: usize| self.tables[place].program == program;
        for sync in &mut only.syncs {
            sync.declared.retain(|place, _| ours(*place));
            sync.modes.retain(|place, _| ours(*place));
            sync.operations.retain(|operation| match operation {
                Operation::Rows(_, place, _) | Operation::Truncate(place) => ours(*place),
                Operation::Checkpoint(_) => true,
            });
        }
        only
    }
}
