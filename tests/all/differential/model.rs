//! What operations mean, as plainly as it can be said: a warehouse is tables, a table is columns
//! with types and a list of rows, a row is values. One operation after the other, one row at a
//! time: nothing here knows of batches, buffers or transactions.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};
use sluicegate::landing::TypeMismatch;

use super::program::{Declared, End, Kind, Mode, Operation, Program, Row, SyncSpec, TableSpec};
use super::python::{Py, hex};
use super::types::{Exact, Type, fits_double};

#[derive(Clone, Debug, Default)]
pub(super) struct Column {
    /// The type. There are two where the documentation allows two: integers that are not exact in
    /// a DOUBLE make the difference between DOUBLE and DECIMAL while they are in the column, and
    /// when exactly they are overwritten depends on how rows are cut into batches.
    pub(super) types: Vec<Type>,
    inexact_seen: bool,
}

/// Values by the place of their column; no value is NULL.
pub(super) type Cells = BTreeMap<usize, Exact>;

/// A row's values as they land, and as they were sent.
#[derive(Default)]
struct Values {
    cells: Cells,
    sent: Cells,
}

#[derive(Clone, Debug)]
pub(super) struct StoredRow {
    /// What identifies a row of a table without a key.
    pub(super) identity: Option<String>,
    pub(super) cells: Cells,
    pub(super) deleted: bool,
    /// The number of the operation that wrote the row last.
    pub(super) touched: u64,
    /// In a table with history: the row is one version of what has this key.
    pub(super) version: Option<Version>,
}

/// When a version of a row held, in numbers of operations.
#[derive(Clone, Copy, Debug)]
pub(super) struct Version {
    pub(super) start: u64,
    /// The first operation after it; none while it is active.
    pub(super) end: Option<u64>,
    /// It was closed before the table had a history, nobody knows when.
    pub(super) end_is_start: bool,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    pub(super) columns: BTreeMap<usize, Column>,
    pub(super) rows: Vec<StoredRow>,
    pub(super) mode: Mode,
    /// The first operation of which the table kept the versions.
    pub(super) history_from: u64,
}

/// What is durable at a checkpoint.
#[derive(Clone, Debug, Default)]
pub(super) struct Warehouse {
    pub(super) tables: BTreeMap<usize, Table>,
    pub(super) state: Option<i64>,
    /// Rows that were kept aside.
    pub(super) quarantined: u64,
}

/// The exceptions that operations raise: by number, the classes that are right.
pub(super) type Raised = BTreeMap<usize, BTreeSet<&'static str>>;

/// A connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Model {
    pub(super) durable: Warehouse,
    operations: u64,
}

impl Model {
    /// Plays one sync.
    pub(super) fn sync(&mut self, program: &Program, sync: &SyncSpec) -> Raised {
        for (place, table) in &mut self.durable.tables {
            table.switch(sync.modes.get(place).copied().unwrap_or_default(), self.operations);
        }
        let mut now = self.durable.clone();
        let mut raised = Raised::new();
        let new =
            |place: &usize| Table { mode: sync.modes.get(place).copied().unwrap_or_default(), ..Table::default() };
        for (place, declared) in &sync.declared {
            declare(now.tables.entry(*place).or_insert_with(|| new(place)), &program.tables[*place], declared);
        }
        for (number, operation) in sync.operations.iter().enumerate() {
            self.operations += 1;
            match operation {
                Operation::Checkpoint(state) => {
                    now.state = Some(*state);
                    self.durable = now.clone();
                }
                Operation::Truncate(place) => {
                    if let Some(table) = now.tables.get_mut(place) {
                        table.truncate(self.operations);
                    }
                }
                Operation::Rows(kind, place, row) => {
                    let spec = &program.tables[*place];
                    let values = match checked(spec, sync.declared.get(place), row, sync.mismatch) {
                        Ok(values) => values,
                        Err(_) if sync.quarantine => {
                            now.quarantined += 1;
                            continue;
                        }
                        Err(classes) => {
                            raised.insert(number, classes);
                            continue;
                        }
                    };
                    let table = match kind {
                        Kind::Upsert => now.tables.entry(*place).or_insert_with(|| new(place)),
                        // Nothing is there to be changed.
                        Kind::Update | Kind::Delete => match now.tables.get_mut(place) {
                            Some(table) => table,
                            None => continue,
                        },
                    };
                    table.write(spec, *kind, row, values, self.operations);
                }
            }
        }
        if sync.end == End::Well {
            self.durable = now;
        }
        raised
    }
}

/// Declared columns exist, and have at least the type that is declared.
fn declare(table: &mut Table, spec: &TableSpec, declared: &Declared) {
    for place in &spec.key {
        table.columns.entry(*place).or_default();
    }
    for (place, data_type) in declared {
        let inexact = table.holds_inexact(*place);
        table.columns.entry(*place).or_default().join(*data_type, true, inexact);
    }
}

/// The row's values, checked where the author called the operation.
fn checked(
    spec: &TableSpec,
    declared: Option<&Declared>,
    row: &Row,
    mismatch: TypeMismatch,
) -> Result<Values, BTreeSet<&'static str>> {
    let mut classes = BTreeSet::new();
    let mut values = Values::default();
    let no_key = |column: &usize| matches!(row.get(column), None | Some(Py::None));
    if declared.is_some() && spec.key.iter().any(no_key) {
        classes.insert("ValueError");
    }
    for (column, value) in row.iter().filter(|(_, value)| **value != Py::None) {
        let data_type = declared.and_then(|declared| declared.get(column)).copied();
        // What does not fit may come as it would be without a declaration.
        let unfit = || value.exact(None).ok().filter(|_| mismatch != TypeMismatch::Fail);
        match (value.exact(data_type), unfit()) {
            (Ok(exact), _) => {
                // The identity is that of the values before a FLOAT column rounds them.
                let sent =
                    if data_type == Some(Type::Float) { value.exact(Some(Type::Double)) } else { Ok(exact.clone()) };
                values.sent.extend(sent.map(|sent| (*column, sent)));
                values.cells.insert(*column, exact);
            }
            (Err(_), Some(exact)) => {
                values.sent.insert(*column, exact.clone());
                // It may fit the type after all: a date is its midnight, a UUID in an XML column its text.
                let fits = data_type.is_some_and(|data_type| exact.stored(data_type).is_some());
                if mismatch == TypeMismatch::Widen || fits {
                    values.cells.insert(*column, exact);
                }
            }
            (Err(class), None) => {
                classes.insert(class);
                classes.extend(value.exact(None).err());
            }
        }
    }
    if classes.is_empty() { Ok(values) } else { Err(classes) }
}

impl StoredRow {
    fn is_active(&self) -> bool {
        self.version.is_some_and(|version| version.end.is_none())
    }

    fn close(&mut self, number: u64) {
        if let Some(version) = self.version.as_mut().filter(|version| version.end.is_none()) {
            version.end = Some(number);
        }
    }
}

/// Values as they are compared.
fn texts(cells: &Cells) -> BTreeMap<usize, String> {
    cells.iter().map(|(column, exact)| (*column, exact.text())).collect()
}

/// The documented hash of all values as they were sent.
fn identity(spec: &TableSpec, sent: &Cells) -> String {
    let mut form = b"sluice row 1\0".to_vec();
    let by_name: BTreeMap<&str, &Exact> = sent.iter().map(|(column, exact)| (spec.columns[*column].1, exact)).collect();
    for (name, exact) in by_name {
        let (tag, bytes) = exact.identity();
        form.extend(u32::try_from(name.len()).expect("a short name").to_be_bytes());
        form.extend(name.as_bytes());
        form.push(tag);
        form.extend((bytes.len() as u64).to_be_bytes());
        form.extend(bytes);
    }
    hex(&Sha256::digest(&form)[..16])
}

impl Column {
    /// Widens to hold what `other` stands for.
    fn join(&mut self, other: Type, exact: bool, inexact_now: bool) {
        let Some(own) = self.types.first().copied() else {
            self.types = vec![other];
            return;
        };
        let meets = |a: Type, b: Type| a == Type::Long && b.is_real();
        if meets(own, other) && !inexact_now || meets(other, own) && exact {
            self.types = vec![Type::Double];
            // Whether the host has seen them go depends on its batches.
            if meets(own, other) && self.inexact_seen {
                self.types.push(Type::Decimal(None));
            }
            return;
        }
        let mut joined: Vec<Type> = Vec::new();
        for own in &self.types {
            let both = own.join(other);
            if !joined.contains(&both) {
                joined.push(both);
            }
        }
        self.types = joined;
    }
}

impl Table {
    /// What the operator wants from now on.
    fn switch(&mut self, mode: Mode, operations: u64) {
        if mode == Mode::History && self.mode != Mode::History {
            self.history_from = operations + 1;
            for row in &mut self.rows {
                let end = row.deleted.then_some(row.touched);
                row.version = Some(Version { start: row.touched, end, end_is_start: row.deleted });
            }
        }
        self.mode = mode;
    }

    fn truncate(&mut self, number: u64) {
        match self.mode {
            Mode::Soft => self.rows.iter_mut().for_each(|row| row.deleted = true),
            Mode::Hard => self.rows.clear(),
            Mode::History => self.rows.iter_mut().for_each(|row| row.close(number)),
        }
    }

    fn write(&mut self, spec: &TableSpec, kind: Kind, row: &Row, Values { cells, sent }: Values, number: u64) {
        for (column, exact) in &cells {
            // What only selects a row stores nothing.
            if kind == Kind::Upsert || kind == Kind::Update && !spec.key.contains(column) {
                self.widen(*column, exact);
            }
        }
        let identity = spec.key.is_empty().then(|| identity(spec, &sent));
        let found = self.find(spec, identity.as_deref(), &cells);
        let cells = match (kind, found) {
            (Kind::Update, Some(index)) => {
                let mut changed = self.rows[index].cells.clone();
                for column in row.keys().filter(|column| !spec.key.contains(column)) {
                    match cells.get(column) {
                        Some(exact) => drop(changed.insert(*column, exact.clone())),
                        None => drop(changed.remove(column)),
                    }
                }
                changed
            }
            _ => cells,
        };
        match (self.mode, kind, found) {
            (_, Kind::Update | Kind::Delete, None) => {}
            (Mode::History, _, found) => self.version(kind, found, identity, cells, number),
            (_, Kind::Upsert, found) => {
                let row = StoredRow { identity, cells, deleted: false, touched: number, version: None };
                match found {
                    Some(index) => self.rows[index] = row,
                    None => self.rows.push(row),
                }
            }
            (_, Kind::Update, Some(index)) => {
                self.rows[index].cells = cells;
                self.rows[index].touched = number;
            }
            (Mode::Hard, Kind::Delete, Some(index)) => drop(self.rows.remove(index)),
            (Mode::Soft, Kind::Delete, Some(index)) => {
                self.rows[index].deleted = true;
                self.rows[index].touched = number;
            }
        }
    }

    /// `found` is the latest version.
    fn version(&mut self, kind: Kind, found: Option<usize>, identity: Option<String>, cells: Cells, number: u64) {
        let active = found.filter(|index| self.rows[*index].is_active());
        if let Some(index) = active {
            let latest = &mut self.rows[index];
            latest.touched = number;
            if kind != Kind::Delete && texts(&latest.cells) == texts(&cells) {
                return;
            }
            latest.close(number);
        } else if kind != Kind::Upsert {
            return;
        }
        if kind != Kind::Delete {
            let version = Some(Version { start: number, end: None, end_is_start: false });
            self.rows.push(StoredRow { identity, cells, deleted: false, touched: number, version });
        }
    }
    fn holds_inexact(&self, column: usize) -> bool {
        let inexact =
            |row: &StoredRow| matches!(row.cells.get(&column), Some(Exact::Integer(value)) if !fits_double(*value));
        self.rows.iter().any(inexact)
    }

    fn widen(&mut self, place: usize, exact: &Exact) {
        let inexact_now = self.holds_inexact(place);
        let inexact = matches!(exact, Exact::Integer(value) if !fits_double(*value));
        let column = self.columns.entry(place).or_default();
        if let Some(own) = column.types.first().copied() {
            if !column.types.iter().all(|own| exact.stored(*own).is_some()) {
                let sized = matches!(own, Type::Decimal(Some(_))).then(|| exact.own_size()).flatten();
                column.join(sized.unwrap_or(exact.own_type()), !inexact, inexact_now);
            }
        } else {
            column.types = vec![exact.first_type()];
        }
        column.inexact_seen |= inexact;
    }

    /// The row of this key, the latest of its versions. Two keys are one when they are one in a column that holds both, which is when their texts are.
    fn find(&self, spec: &TableSpec, identity: Option<&str>, cells: &Cells) -> Option<usize> {
        if identity.is_some() {
            return self.rows.iter().rposition(|row| row.identity.as_deref() == identity);
        }
        let key =
            |cells: &Cells| spec.key.iter().map(|column| Some(cells.get(column)?.text())).collect::<Option<Vec<_>>>();
        let wanted = key(cells)?;
        self.rows.iter().rposition(|row| key(&row.cells).as_ref() == Some(&wanted))
    }
}
