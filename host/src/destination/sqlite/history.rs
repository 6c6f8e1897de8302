//! Tables that keep every version of a row. The rules stand in `docs/semantics-history.md`.
//!
//! A key's versions lie beside each other in the index of (key, start), so the latest is found
//! at once however many there are; it is the only one that can be active.

use rusqlite::types::ValueRef;
use rusqlite::{CachedStatement, Connection};

use super::active::Active;
use super::catalogue::Table;
use super::clock::{self, Clock};
use super::dates;
use super::fit::Fitted;
use super::naming::quote;
use super::open::failed;
use super::plan::{Parameter, Plan, Slot};
use super::statements::first_parameter;
use super::write::{Buffers, Cells, bind_row, value};
use crate::destination::DestinationError;
use crate::rows::{Batch, OperationKind};

/// The end of a version that is active: the last microsecond there is.
pub(super) const FOREVER: &str = "9999-12-31T23:59:59.999999Z";

/// The latest version of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Latest {
    /// There is none.
    Missing,
    Closed,
    /// It is active and holds what the operation says.
    Same,
    /// It is active and holds something else.
    Other,
}

/// What an operation does to a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Nothing,
    /// The active version was confirmed.
    Confirm,
    Close,
    /// A new version begins.
    Begin,
    /// A new version follows the active one.
    Follow,
}

fn step(kind: OperationKind, latest: Latest) -> Step {
    match (kind, latest) {
        (OperationKind::Upsert, Latest::Missing | Latest::Closed) => Step::Begin,
        (_, Latest::Missing | Latest::Closed) => Step::Nothing,
        (OperationKind::Delete, Latest::Same | Latest::Other) => Step::Close,
        (_, Latest::Same) => Step::Confirm,
        (_, Latest::Other) => Step::Follow,
    }
}

/// The statements of a plan for a table with history.
#[derive(Debug)]
pub(super) struct Statements {
    kind: OperationKind,
    /// Parameters: the key. Columns: see [`FOUND`], then those of `compared`.
    latest: String,
    /// Parameters: the stamp, the version's row.
    confirm: String,
    /// Parameters: the stamp, the version's row, its end.
    close: String,
    /// Parameters: those of a plain plan (the stamp, the id in hashed tables, the batch's
    /// columns), and in an update the row of the version that fills the other columns.
    begin: String,
    /// The last parameter of `begin`, in an update.
    copied_from: Option<usize>,
    /// What makes up the key; nothing in hashed tables.
    key: Vec<Parameter>,
    /// What a version must hold to be the same; `None` stands for NULL.
    compared: Vec<Option<Parameter>>,
}

/// The columns of `latest` that come first: the row, whether it is active, its start, when it was last synced.
const FOUND: usize = 4;

impl Statements {
    /// Works them out for batches of these columns.
    pub(super) fn new(table: &Table, slots: &[Slot], parameters: &[Parameter], kind: OperationKind) -> Self {
        let named = |wanted: bool| {
            let all = parameters.iter().filter_map(|parameter| Some((slots.get(parameter.column)?, *parameter)));
            all.filter(move |(slot, _)| slot.key == wanted)
        };
        let key: Vec<Parameter> = named(true).map(|(_, parameter)| parameter).collect();
        let condition = if table.hashed {
            format!("{} = ?1", quote(table.system.id))
        } else {
            let equal = named(true).enumerate().map(|(at, (slot, _))| format!("{} = ?{}", quote(&slot.name), at + 1));
            equal.collect::<Vec<_>>().join(" AND ")
        };
        let compared: Vec<(&str, Option<Parameter>)> = match kind {
            // Rows without a key are the same when their id is.
            _ if table.hashed => Vec::new(),
            OperationKind::Delete => Vec::new(),
            OperationKind::Update => {
                named(false).map(|(slot, parameter)| (slot.name.as_str(), Some(parameter))).collect()
            }
            OperationKind::Upsert => {
                let said = |name: &str| named(false).find(|(slot, _)| slot.name.eq_ignore_ascii_case(name));
                let columns = table.columns.iter().filter(|column| column.key.is_none());
                columns
                    .map(|column| (column.name.as_str(), said(&column.name).map(|(_, parameter)| parameter)))
                    .collect()
            }
        };
        let (name, synced, start, active) =
            (quote(&table.name), quote(table.system.synced), quote(table.system.start), quote(table.system.active));
        // Plans are made after it was checked that one is free.
        let row = table.row_id(std::iter::empty()).unwrap_or("rowid");
        let mut found = vec![row.to_owned(), active.clone(), start.clone(), synced.clone()];
        found.extend(compared.iter().map(|(name, _)| quote(name)));
        let copied_from = (kind == OperationKind::Update).then_some(first_parameter(table) + parameters.len());
        Self {
            kind,
            latest: format!("SELECT {} FROM {name} WHERE {condition} ORDER BY {start} DESC LIMIT 1", found.join(", ")),
            confirm: format!("UPDATE {name} SET {synced} = ?1 WHERE {row} = ?2"),
            close: format!(
                "UPDATE {name} SET {active} = 0, {} = ?3, {synced} = ?1 WHERE {row} = ?2",
                quote(table.system.end)
            ),
            begin: begin(table, slots, parameters, copied_from.map(|number| (row, number))),
            copied_from,
            key,
            compared: compared.into_iter().map(|(_, parameter)| parameter).collect(),
        }
    }
}

/// The statement that begins a version: with the values of the row, and the others NULL or
/// those of a former version.
fn begin(table: &Table, slots: &[Slot], parameters: &[Parameter], former: Option<(&str, usize)>) -> String {
    let mut columns = vec![
        quote(table.system.synced),
        quote(table.system.active),
        quote(table.system.start),
        quote(table.system.end),
    ];
    let mut values = vec!["?1".to_owned(), "1".to_owned(), "?1".to_owned(), format!("'{FOREVER}'")];
    if table.hashed {
        columns.push(quote(table.system.id));
        values.push("?2".to_owned());
    }
    let named = parameters.iter().filter_map(|parameter| slots.get(parameter.column));
    for (index, slot) in named.clone().enumerate() {
        columns.push(quote(&slot.name));
        values.push(format!("?{}", first_parameter(table) + index));
    }
    let name = quote(&table.name);
    let Some((row, number)) = former else {
        return format!("INSERT INTO {name} ({}) VALUES ({})", columns.join(", "), values.join(", "));
    };
    for column in &table.columns {
        if !named.clone().any(|slot| slot.name.eq_ignore_ascii_case(&column.name)) {
            columns.push(quote(&column.name));
            values.push(quote(&column.name));
        }
    }
    let (columns, values) = (columns.join(", "), values.join(", "));
    format!("INSERT INTO {name} ({columns}) SELECT {values} FROM {name} WHERE {row} = ?{number}")
}

/// Applies the rows of one batch.
struct Writer<'c> {
    plan: &'c Plan,
    statements: &'c Statements,
    latest: CachedStatement<'c>,
    confirm: CachedStatement<'c>,
    close: CachedStatement<'c>,
    begin: CachedStatement<'c>,
    /// The row of the latest version of the key at hand, and when it began.
    former: i64,
    start: String,
    /// When it was last synced.
    synced: String,
    /// A stamp as text.
    stamp: String,
}

/// Applies every row of a batch in order; see [`super::write::apply`]. Answers how many rows are active for the first
/// time in the month.
pub(super) fn apply(
    connection: &Connection,
    plan: &Plan,
    statements: &Statements,
    batch: &Batch,
    fitted: &Fitted,
    (clock, active): (&mut Clock, &mut Active),
    buffers: &mut Buffers,
) -> Result<u64, DestinationError> {
    let prepare = |sql: &str| connection.prepare_cached(sql).map_err(failed("writing versions"));
    let mut writer = Writer {
        plan,
        statements,
        latest: prepare(&statements.latest)?,
        confirm: prepare(&statements.confirm)?,
        close: prepare(&statements.close)?,
        begin: prepare(&statements.begin)?,
        former: 0,
        start: String::new(),
        synced: String::new(),
        stamp: String::new(),
    };
    let mut counted = 0;
    let mut sent = fitted.is_changed().then(|| Cells::of(&batch.columns));
    let mut cells = Cells::of(fitted.columns(batch));
    for row in 0..batch.rows {
        if let Some(order) = &plan.hash {
            buffers.hash_row(plan, order, sent.as_mut().unwrap_or(&mut cells), row);
        }
        let Some(latest) = writer.find(&mut cells, row, buffers)? else { continue };
        let mut stamp = clock.next();
        if latest != Latest::Missing
            && let Some(former) = parse(&writer.start).filter(|former| *former >= stamp)
        {
            // Only another program can have put a version into the future.
            stamp = clock.step(former + 1);
        }
        let step = step(statements.kind, latest);
        writer.take(step, stamp, &mut cells, row, buffers)?;
        let former = (latest != Latest::Missing).then_some(writer.synced.as_str());
        if step != Step::Nothing && Active::counts(former, &writer.stamp) {
            active.add(&plan.table.name, &writer.stamp, 1);
            counted += 1;
        }
    }
    Ok(counted)
}

fn parse(stamp: &str) -> Option<i64> {
    dates::parse_datetime(stamp.strip_suffix('Z')?)
}

impl Writer<'_> {
    /// The latest version of the key of a row; `None` when its key can be in no row.
    fn find(
        &mut self,
        cells: &mut [Cells<'_>],
        row: usize,
        buffers: &mut Buffers,
    ) -> Result<Option<Latest>, DestinationError> {
        let doing = failed("reading versions");
        if self.plan.table.hashed {
            self.latest.raw_bind_parameter(1, buffers.id()).map_err(&doing)?;
        } else if !bind_row(&mut self.latest, 1, &self.statements.key, self.plan, cells, row, &mut buffers.text)? {
            return Ok(None);
        }
        let mut rows = self.latest.raw_query();
        let Some(found) = rows.next().map_err(&doing)? else {
            return Ok(Some(Latest::Missing));
        };
        self.former = found.get(0).map_err(&doing)?;
        self.start.clear();
        self.start.push_str(found.get_ref(2).and_then(|start| Ok(start.as_str()?)).map_err(&doing)?);
        self.synced.clear();
        self.synced.push_str(found.get_ref(3).and_then(|synced| Ok(synced.as_str()?)).map_err(&doing)?);
        if !found.get::<_, bool>(1).map_err(&doing)? {
            return Ok(Some(Latest::Closed));
        }
        for (index, parameter) in self.statements.compared.iter().enumerate() {
            let said = match parameter {
                Some(parameter) => value(self.plan, parameter, cells, row, &mut buffers.text)?,
                None => ValueRef::Null,
            };
            if said != found.get_ref(FOUND + index).map_err(&doing)? {
                return Ok(Some(Latest::Other));
            }
        }
        Ok(Some(Latest::Same))
    }

    fn take(
        &mut self,
        step: Step,
        stamp: i64,
        cells: &mut [Cells<'_>],
        row: usize,
        buffers: &mut Buffers,
    ) -> Result<(), DestinationError> {
        let doing = failed("changing a version");
        let changed = match step {
            Step::Nothing => return Ok(()),
            Step::Begin => None,
            Step::Confirm => Some(&mut self.confirm),
            Step::Close | Step::Follow => {
                clock::write(stamp - 1, &mut self.stamp);
                self.close.raw_bind_parameter(3, self.stamp.as_str()).map_err(&doing)?;
                Some(&mut self.close)
            }
        };
        clock::write(stamp, &mut self.stamp);
        if let Some(statement) = changed {
            statement.raw_bind_parameter(1, self.stamp.as_str()).map_err(&doing)?;
            statement.raw_bind_parameter(2, self.former).map_err(&doing)?;
            statement.raw_execute().map_err(&doing)?;
        }
        match step {
            Step::Begin | Step::Follow => self.begin(cells, row, buffers),
            _ => Ok(()),
        }
    }

    fn begin(&mut self, cells: &mut [Cells<'_>], row: usize, buffers: &mut Buffers) -> Result<(), DestinationError> {
        let doing = failed("beginning a version");
        let statement = &mut self.begin;
        statement.raw_bind_parameter(1, self.stamp.as_str()).map_err(&doing)?;
        if self.plan.table.hashed {
            statement.raw_bind_parameter(2, buffers.id()).map_err(&doing)?;
        }
        if let Some(number) = self.statements.copied_from {
            statement.raw_bind_parameter(number, self.former).map_err(&doing)?;
        }
        let first = first_parameter(&self.plan.table);
        bind_row(statement, first, &self.plan.parameters, self.plan, cells, row, &mut buffers.text)?;
        statement.raw_execute().map(|_| ()).map_err(&doing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_operation_does_to_a_key() {
        use {Latest as L, OperationKind as K, Step as S};
        for (latest, upsert, update, delete) in [
            (L::Missing, S::Begin, S::Nothing, S::Nothing),
            (L::Closed, S::Begin, S::Nothing, S::Nothing),
            (L::Same, S::Confirm, S::Confirm, S::Close),
            (L::Other, S::Follow, S::Follow, S::Close),
        ] {
            for (kind, expected) in [(K::Upsert, upsert), (K::Update, update), (K::Delete, delete)] {
                assert_eq!(step(kind, latest), expected, "{kind:?} of {latest:?}");
            }
        }
    }
}
