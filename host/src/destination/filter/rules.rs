//! Which tables and columns of a sync pass, worked out once for each.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::batch::reshape;
use super::hash::HashKey;
use super::unmatched::{Pending, Unmatched};
use super::withheld::{List, Reason, Withheld};
use crate::destination::DestinationError;
use crate::landing::baseline::{Baseline, Columns};
use crate::landing::protection::{Protection, Treatment};
use crate::landing::references::{TableReference, table_spelling};
use crate::landing::{Landing, SchemaChanges};
use crate::rows::{Batch, ColumnDefinition, DataType, Operation, OperationKind, TableDefinition, TableName};

/// Most columns whose fate is remembered; a connector chooses the names.
const MAX_REMEMBERED: usize = 50_000;

const BLOCKED_KEY: &str = "it is part of the primary key and cannot be blocked; hash it, or block the whole table";
const NEW_KEY: &str =
    "it is part of the primary key, but new, and new columns are kept out; sync once with --schema-changes allow-all";
const HASHED_PATH: &str =
    "it says where files land and cannot be hashed, since a file has its name in plain; block it to keep the files out";

/// A table that a destination holds when a sync begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredTable {
    /// Its name in the source.
    pub source: TableName,
    /// Its columns.
    pub columns: Vec<StoredColumn>,
}

/// A column of a [`StoredTable`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredColumn {
    /// Its name in the source.
    pub source: String,
    /// Whether it is part of the primary key.
    pub key: bool,
}

/// What happens to a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Plain,
    Hash,
    Out(Reason),
}

/// What happens to a table.
#[derive(Debug)]
enum TableFate {
    /// All of it lands.
    Plain,
    Out,
    /// It depends on the column.
    Columns(HashMap<String, Fate>),
}

/// What the operator decided about a connection, applied to one sync.
#[derive(Debug)]
pub struct Filter {
    protection: Protection,
    changes: SchemaChanges,
    /// `None` while nothing is too new.
    baseline: Option<Baseline>,
    stored: Vec<StoredTable>,
    key: Option<HashKey>,
    tables: HashMap<TableName, TableFate>,
    remembered: usize,
    withheld: List,
    pending: Pending,
}

impl Filter {
    /// Whether the operator decided anything that a filter acts on.
    #[must_use]
    pub fn is_wanted(landing: &Landing) -> bool {
        let changes = landing.schema_changes.unwrap_or_default();
        changes != SchemaChanges::AllowAll || !Protection::of(landing).is_empty()
    }

    /// The filter of a sync; `None` when the operator decided nothing. `stored` is what the destination holds,
    /// `synced` whether a sync has ended well before, and `key` must be there when columns are hashed.
    #[must_use]
    pub fn new(landing: &Landing, stored: Vec<StoredTable>, synced: bool, key: Option<HashKey>) -> Option<Self> {
        let protection = Protection::of(landing);
        let changes = landing.schema_changes.unwrap_or_default();
        let baseline = (synced && changes != SchemaChanges::AllowAll).then(|| baseline(&stored));
        if protection.is_empty() && baseline.is_none() {
            return None;
        }
        let (tables, withheld, pending) = (HashMap::new(), List::default(), Pending::of(landing));
        Some(Self { protection, changes, baseline, stored, key, tables, remembered: 0, withheld, pending })
    }

    /// What was kept out so far.
    pub(super) fn withheld(&self) -> &[Withheld] {
        self.withheld.entries()
    }

    /// The decisions that matched nothing so far.
    pub(super) fn unmatched(&self) -> Vec<Unmatched> {
        self.pending.rest()
    }

    /// The definitions of what may land.
    ///
    /// # Errors
    /// `Refused` when a column that is kept out is part of a primary key.
    pub(super) fn definitions(&mut self, all: &[TableDefinition]) -> Result<Vec<TableDefinition>, DestinationError> {
        let mut admitted = Vec::with_capacity(all.len());
        for definition in all {
            if let Some(definition) = self.definition(definition)? {
                admitted.push(definition);
            }
        }
        let declared: HashSet<&TableName> = all.iter().map(|definition| &definition.name).collect();
        for table in self.stored.iter().filter(|table| !declared.contains(&table.source)) {
            self.check_stored_key(table)?;
        }
        Ok(admitted)
    }

    /// The key of a table that nobody declares this time.
    fn check_stored_key(&self, table: &StoredTable) -> Result<(), DestinationError> {
        let protected = self.protection.table(table.source.schema.as_deref(), &table.source.name);
        let Some(protected) = protected.filter(|protected| !protected.is_blocked()) else {
            return Ok(());
        };
        let mut key = table.columns.iter().filter(|column| column.key);
        match key.find(|column| protected.treatment(&column.source) == Treatment::Block) {
            None => Ok(()),
            Some(column) => Err(DestinationError::refused(&table.source, Some(&column.source), BLOCKED_KEY)),
        }
    }

    fn definition(&mut self, definition: &TableDefinition) -> Result<Option<TableDefinition>, DestinationError> {
        let table = &definition.name;
        self.meet(table);
        self.check_key(table, definition.primary_key.iter().map(String::as_str))?;
        if matches!(self.tables.get(table), Some(TableFate::Out)) {
            return Ok(None);
        }
        let mut columns = Vec::with_capacity(definition.columns.len());
        for column in &definition.columns {
            match self.fate(table, &column.name) {
                Fate::Plain => columns.push(column.clone()),
                Fate::Hash => {
                    columns.push(ColumnDefinition { name: column.name.clone(), data_type: Some(DataType::Text) });
                }
                Fate::Out(_) => {}
            }
        }
        Ok(Some(TableDefinition { name: table.clone(), primary_key: definition.primary_key.clone(), columns }))
    }

    fn check_key<'a>(&mut self, table: &TableName, key: impl Iterator<Item = &'a str>) -> Result<(), DestinationError> {
        self.meet(table);
        if matches!(self.tables.get(table), Some(TableFate::Out)) {
            return Ok(());
        }
        for column in key {
            let reason = match self.fate(table, column) {
                Fate::Plain | Fate::Hash => continue,
                Fate::Out(Reason::Blocked) => BLOCKED_KEY,
                Fate::Out(Reason::New) => NEW_KEY,
            };
            return Err(DestinationError::refused(table, Some(column), reason));
        }
        Ok(())
    }

    /// The operation as it may land; `None` when nothing of it may.
    ///
    /// # Errors
    /// `Refused` for a value that cannot be hashed.
    pub(super) fn operation<'a>(
        &mut self,
        operation: &'a Operation,
    ) -> Result<Option<Cow<'a, Operation>>, DestinationError> {
        let (Operation::Rows { table, .. } | Operation::Rejected { table, .. } | Operation::Truncate { table }) =
            operation;
        self.meet(table);
        match (self.tables.get(table), operation) {
            (Some(TableFate::Out), _) => Ok(None),
            (
                Some(TableFate::Columns(_)),
                Operation::Rows { kind, batch, .. } | Operation::Rejected { kind, batch, .. },
            ) => {
                if batch.rows > 0 && *kind == OperationKind::Upsert {
                    self.pending.met_rows(&table_spelling(table.schema.as_deref(), &table.name));
                }
                let fates: Vec<Fate> = batch.columns.iter().map(|column| self.fate(table, &column.name)).collect();
                if fates.iter().all(|fate| *fate == Fate::Plain) {
                    return Ok(Some(Cow::Borrowed(operation)));
                }
                let batch: Batch = reshape(table, batch, &fates, self.key.as_ref())?;
                let (table, kind) = (table.clone(), *kind);
                Ok(Some(Cow::Owned(match operation {
                    Operation::Rejected { reason, .. } => {
                        Operation::Rejected { table, kind, batch, reason: reason.clone() }
                    }
                    _ => Operation::Rows { table, kind, batch },
                })))
            }
            _ => Ok(Some(Cow::Borrowed(operation))),
        }
    }

    /// Whether the files of a table land: those of a table that is kept out do not, nor those whose row may not say
    /// where its file is.
    ///
    /// # Errors
    /// `Refused` when the column that says so is hashed: the file would have the name that is to be hidden.
    pub(super) fn admits_file(&mut self, table: &TableName, path_column: &str) -> Result<bool, DestinationError> {
        self.meet(table);
        match self.fate(table, path_column) {
            Fate::Plain => Ok(true),
            Fate::Out(_) => Ok(false),
            Fate::Hash => Err(DestinationError::refused(table, Some(path_column), HASHED_PATH)),
        }
    }

    /// Works out what happens to a table, the first time it is seen.
    fn meet(&mut self, table: &TableName) {
        if self.tables.contains_key(table) {
            return;
        }
        let protected = self.protection.table(table.schema.as_deref(), &table.name);
        if protected.is_some() {
            self.pending.met_table(&table_spelling(table.schema.as_deref(), &table.name));
        }
        let reference = reference(table);
        let admitted = self.baseline.as_ref().map(|baseline| baseline.admits(self.changes, &reference));
        let fate = if protected.is_some_and(|table| table.is_blocked()) {
            self.withheld.add(table, None, Reason::Blocked);
            TableFate::Out
        } else if matches!(admitted, Some(None)) {
            self.withheld.add(table, None, Reason::New);
            TableFate::Out
        } else if protected.is_none() && !matches!(admitted, Some(Some(Columns::Known(_)))) {
            TableFate::Plain
        } else {
            TableFate::Columns(HashMap::new())
        };
        self.tables.insert(table.clone(), fate);
    }

    /// What happens to a column of a table that was [met](Self::meet).
    fn fate(&mut self, table: &TableName, column: &str) -> Fate {
        match self.tables.get(table) {
            Some(TableFate::Plain) => return Fate::Plain,
            Some(TableFate::Columns(known)) => {
                if let Some(fate) = known.get(column) {
                    return *fate;
                }
            }
            Some(TableFate::Out) | None => return Fate::Out(Reason::Blocked),
        }
        let fate = self.judge(table, column);
        if fate != Fate::Plain {
            self.pending.met_column(&table_spelling(table.schema.as_deref(), &table.name), column);
        }
        if let Fate::Out(reason) = fate {
            self.withheld.add(table, Some(column), reason);
        }
        self.remember(table, column, fate);
        fate
    }

    fn judge(&self, table: &TableName, column: &str) -> Fate {
        let protected = self.protection.table(table.schema.as_deref(), &table.name);
        let treatment = protected.map_or(Treatment::Plain, |table| table.treatment(column));
        let admitted = self.baseline.as_ref().and_then(|baseline| baseline.admits(self.changes, &reference(table)));
        match treatment {
            Treatment::Block => Fate::Out(Reason::Blocked),
            _ if admitted.is_some_and(|columns| !columns.contains(column)) => Fate::Out(Reason::New),
            Treatment::Hash => Fate::Hash,
            Treatment::Plain => Fate::Plain,
        }
    }

    fn remember(&mut self, table: &TableName, column: &str, fate: Fate) {
        if self.remembered >= MAX_REMEMBERED {
            self.remembered = 0;
            for fate in self.tables.values_mut() {
                if let TableFate::Columns(known) = fate {
                    known.clear();
                }
            }
        }
        if let Some(TableFate::Columns(known)) = self.tables.get_mut(table) {
            known.insert(column.to_owned(), fate);
            self.remembered += 1;
        }
    }
}

fn reference(table: &TableName) -> TableReference {
    TableReference { schema: table.schema.clone(), name: table.name.clone() }
}

fn baseline(stored: &[StoredTable]) -> Baseline {
    let mut baseline = Baseline::default();
    for table in stored {
        baseline.insert(reference(&table.source), table.columns.iter().map(|column| column.source.clone()));
    }
    baseline
}
