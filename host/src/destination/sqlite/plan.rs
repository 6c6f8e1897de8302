//! The statement that applies a batch, worked out once for each set of columns.

use std::sync::Arc;

use super::catalogue::{Catalogue, Table, collision};
use super::fit::Rule;
use super::history;
use super::infer::{Incoming, always_fits};
use super::lattice::Integers;
use super::naming::{Names, quote};
use super::obstacle::Obstacle;
use super::removal::Removal;
use super::rules::Rules;
use super::schema::Change;
use super::statements::Statements;
use crate::destination::DestinationError;
use crate::rows::{Batch, Column, DataType, OperationKind, TableName, Value, Values};

/// Whether rows have every part of their key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keys {
    /// All do; one that does not is an obstacle.
    Whole,
    /// None does: they are identified by their hash.
    Lacking,
}

/// Where a column of a batch goes.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    /// The column in the destination.
    pub(super) name: String,
    /// `None` when the column does not exist or has no type yet.
    pub(super) data_type: Option<DataType>,
    pub(super) key: bool,
    /// What it is to hold in this sync.
    pub(super) rule: Option<Rule>,
}

/// A column of a batch that is bound to a parameter.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parameter {
    /// Index in the batch.
    pub(super) column: usize,
    pub(super) stored: DataType,
    /// It selects the row; a value the column cannot hold selects none.
    pub(super) selects: bool,
}

/// What is done with each row.
#[derive(Debug)]
pub(super) enum Work {
    /// Statements for one row and for several.
    Plain(Statements),
    /// Versions are made and closed.
    History(Box<history::Statements>),
}

/// How batches with these columns are applied.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) table: Arc<Table>,
    pub(super) slots: Vec<Slot>,
    pub(super) work: Work,
    /// Parameters after the stamp and, in hashed tables, the id.
    pub(super) parameters: Vec<Parameter>,
    /// Batch columns in the order of the row's hash; `None` for rows with a key.
    pub(super) hash: Option<Vec<usize>>,
}

impl Plan {
    /// The number of the first parameter that takes a column.
    pub(super) fn first_parameter(&self) -> usize {
        if self.hash.is_some() { 3 } else { 2 }
    }
}

/// Finds the columns of a batch in its table.
///
/// # Errors
/// Names that are not acceptable, that collide, or a missing key column.
pub(super) fn resolve(
    names: Names,
    source: &TableName,
    table: Option<&Table>,
    rules: &Rules,
    batch: &Batch,
    keys: Keys,
) -> Result<Vec<Slot>, Obstacle> {
    let mut slots: Vec<Slot> = Vec::with_capacity(batch.columns.len());
    let mut taken = std::collections::HashMap::with_capacity(batch.columns.len());
    let rules = rules.of(source);
    for column in &batch.columns {
        let refused = |reason: String| Obstacle::column(source, &column.name, reason);
        let name = names.column(&column.name).map_err(refused)?;
        if let Some(other) = taken.insert(name.to_ascii_lowercase(), &column.name) {
            return Err(refused(collision(other, &name)));
        }
        let known = table.and_then(|table| table.find(&name));
        if let Some(known) = known.filter(|known| known.source != column.name) {
            return Err(refused(collision(&known.source, &name)));
        }
        slots.push(Slot {
            data_type: known.and_then(|known| known.data_type),
            key: known.is_some_and(|known| known.key.is_some()),
            rule: rules.and_then(|rules| rules.get(&column.name).copied()),
            name,
        });
    }
    for key in table.filter(|_| keys == Keys::Whole).map(Table::key).unwrap_or_default() {
        if !slots.iter().any(|slot| slot.key && slot.name.eq_ignore_ascii_case(&key.name)) {
            let reason = "the primary key column is missing; every row must name it";
            return Err(Obstacle::null(source, &key.source, reason));
        }
    }
    if let Some(table) = table.filter(|table| table.history)
        && table.row_id(slots.iter().map(|slot| slot.name.as_str())).is_none()
    {
        let reason = "columns have the names rowid, _rowid_ and oid; block one of them, or do without history";
        return Err(DestinationError::refused(source, None, reason).into());
    }
    Ok(slots)
}

/// Refuses a batch with a NULL in its primary key.
pub(super) fn check_keys(source: &TableName, slots: &[Slot], batch: &Batch) -> Result<(), Obstacle> {
    for (_, column) in slots.iter().zip(&batch.columns).filter(|(slot, _)| slot.key) {
        let mixed_null = matches!(&column.values, Values::Mixed(values) if values.contains(&Value::Null));
        if mixed_null || !column.nulls.is_empty() {
            let reason = "the primary key is null; every row must have one";
            return Err(Obstacle::null(source, &column.name, reason));
        }
    }
    Ok(())
}

/// The columns that must be created or widened for a batch.
///
/// # Errors
/// A value that no column can hold.
pub(super) fn changes(
    source: &TableName,
    slots: &[Slot],
    columns: &[&Column],
    rows: usize,
    kind: OperationKind,
    mut integers: impl FnMut(&str) -> Result<Integers, DestinationError>,
) -> Result<Vec<Change>, Obstacle> {
    let mut changes = Vec::new();
    if kind == OperationKind::Delete {
        return Ok(changes);
    }
    for (slot, column) in slots.iter().zip(columns) {
        // The key of an update selects a row; it stores nothing.
        if kind == OperationKind::Update && slot.key {
            continue;
        }
        let settled = settle(source, slot, column, rows, &mut integers)?;
        if settled != slot.data_type {
            changes.push(Change { source: column.name.clone(), name: slot.name.clone(), data_type: settled });
        }
    }
    Ok(changes)
}

fn settle(
    source: &TableName,
    slot: &Slot,
    column: &Column,
    rows: usize,
    integers: &mut impl FnMut(&str) -> Result<Integers, DestinationError>,
) -> Result<Option<DataType>, Obstacle> {
    if slot.data_type.is_some_and(|stored| always_fits(stored, &column.values)) {
        return Ok(slot.data_type);
    }
    let incoming = Incoming::of(column, rows).map_err(|reason| Obstacle::column(source, &column.name, reason))?;
    Ok(incoming.settle(slot.data_type, || integers(&slot.name))?)
}

/// Works out the statement for batches with these columns.
pub(super) fn plan(table: Arc<Table>, slots: Vec<Slot>, kind: OperationKind, removal: Removal, keys: Keys) -> Plan {
    let hashed = table.hashed || keys == Keys::Lacking;
    let typed = |key: bool| {
        let wanted = slots.iter().enumerate().filter(move |(_, slot)| slot.key == key);
        wanted.filter_map(move |(column, slot)| {
            let selects = key && kind != OperationKind::Upsert;
            slot.data_type.map(|stored| Parameter { column, stored, selects })
        })
    };
    let mut parameters: Vec<Parameter> = Vec::new();
    if kind != OperationKind::Delete {
        parameters.extend(typed(false));
    }
    parameters.extend(typed(true));
    let names: Vec<String> =
        parameters.iter().filter_map(|parameter| slots.get(parameter.column)).map(|slot| quote(&slot.name)).collect();
    let work = match (removal, kind) {
        (Removal::Close, _) => Work::History(Box::new(history::Statements::new(&table, &slots, &parameters, kind))),
        (_, OperationKind::Upsert) => Work::Plain(Statements::upsert(&table, &names, hashed)),
        _ => Work::Plain(Statements::change(&table, &names, &parameters, kind, removal)),
    };
    let hash = hashed.then(|| {
        let mut order: Vec<usize> = (0..slots.len()).collect();
        order.sort_by_key(|index| slots.get(*index).map(|slot| slot.name.clone()));
        order
    });
    Plan { table, slots, work, parameters, hash }
}

/// Plans by table, kind and columns; bounded, because a connector chooses the columns.
#[derive(Debug, Default)]
pub(super) struct Plans {
    plans: std::collections::HashMap<String, Arc<Plan>>,
    columns: usize,
    key: String,
}

/// Sum of the columns of all plans kept.
const MAX_PLANNED_COLUMNS: usize = 50_000;

impl Plans {
    /// The plan for a batch, if there is one.
    pub(super) fn get(&mut self, source: &TableName, kind: OperationKind, batch: &Batch) -> Option<Arc<Plan>> {
        self.key.clear();
        self.key.push(match kind {
            OperationKind::Upsert => 'i',
            OperationKind::Update => 'u',
            OperationKind::Delete => 'd',
        });
        // Lengths keep names apart whatever they hold.
        let schema = source.schema.as_deref();
        let names = [schema.unwrap_or_default(), &source.name].into_iter();
        self.key.push(if schema.is_some() { 's' } else { '-' });
        for name in names.chain(batch.columns.iter().map(|column| column.name.as_str())) {
            use std::fmt::Write as _;
            let _ = write!(self.key, "{}:", name.len());
            self.key.push_str(name);
        }
        self.plans.get(&self.key).map(Arc::clone)
    }

    /// Keeps the plan for the batch that [`Plans::get`] was asked for last.
    pub(super) fn put(&mut self, plan: &Arc<Plan>) {
        if self.columns > MAX_PLANNED_COLUMNS {
            self.clear();
        }
        self.columns += plan.slots.len() + 1;
        self.plans.insert(self.key.clone(), Arc::clone(plan));
    }

    /// Forgets the plans of a table that has changed.
    pub(super) fn forget(&mut self, table: &Table) {
        self.plans.retain(|_, plan| plan.table.name != table.name);
        self.columns = self.plans.values().map(|plan| plan.slots.len() + 1).sum();
    }

    fn clear(&mut self) {
        self.plans.clear();
        self.columns = 0;
    }
}

/// A new table for rows of a table that nobody declared.
pub(super) fn undeclared(names: Names, source: &TableName, name: String, changes: &[Change]) -> Table {
    let columns = changes
        .iter()
        .map(|change| super::catalogue::TableColumn {
            source: change.source.clone(),
            name: change.name.clone(),
            data_type: change.data_type,
            storage: super::types::Storage::of(change.data_type),
            key: None,
        })
        .collect();
    Table {
        source: source.clone(),
        name,
        hashed: true,
        keyless: false,
        history: false,
        system: names.system(),
        columns,
    }
}

/// Refuses more tables than the limit allows.
pub(super) fn check_tables(catalogue: &Catalogue, more: u64, limit: u64) -> Result<(), DestinationError> {
    if catalogue.count().saturating_add(more) <= limit {
        return Ok(());
    }
    Err(DestinationError::Limit { what: "tables", limit, table: None })
}

/// Refuses more columns than the limit allows.
pub(super) fn check_columns(source: &TableName, columns: usize, limit: usize) -> Result<(), DestinationError> {
    if columns <= limit {
        return Ok(());
    }
    let limit = u64::try_from(limit).unwrap_or(u64::MAX);
    Err(DestinationError::Limit { what: "columns", limit, table: Some(source.to_string()) })
}
