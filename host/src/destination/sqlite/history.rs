//! Tables that keep every version of a row. The rules stand in `docs/semantics-history.md`.
//!
//! A key's versions lie beside each other in the index of (key, start), so the latest is found
//! at once however many there are; it is the only one that can be active.

use rusqlite::{CachedStatement, Connection};

use super::catalogue::Table;
use super::clock::{self, Clock};
use super::dates;
use super::naming::{ACTIVE, END, ID, START, SYNCED, quote};
use super::open::failed;
use super::plan::{Parameter, Plan, Slot, first_parameter};
use super::write::{Buffers, Cells, bind_row};
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
///
/// In `latest` and `begin` the parameters are those of a plain plan: the stamp, the id in
/// hashed tables, the batch's columns; in `begin` one more may follow, see `copied_from`. In
/// `confirm` and `close` they are: the stamp, the start of the version, its end, its key.
#[derive(Debug)]
pub(super) struct Statements {
    kind: OperationKind,
    latest: String,
    confirm: String,
    close: String,
    begin: String,
    /// The parameter of `begin` for the start of the version that fills columns which an
    /// update does not name.
    copied_from: Option<usize>,
    /// The parameters that make up the key; none in hashed tables.
    key: Vec<Parameter>,
}

/// Where the key stands in `confirm` and `close`.
const KEY_AT: usize = 4;

impl Statements {
    /// Works them out for batches of these columns.
    pub(super) fn new(table: &Table, slots: &[Slot], parameters: &[Parameter], kind: OperationKind) -> Self {
        let first = first_parameter(table);
        let named: Vec<(String, String, bool)> = parameters
            .iter()
            .enumerate()
            .filter_map(|(index, parameter)| {
                let slot = slots.get(parameter.column)?;
                Some((quote(&slot.name), format!("?{}", first + index), slot.key))
            })
            .collect();
        let key: Vec<Parameter> =
            parameters.iter().filter(|p| slots.get(p.column).is_some_and(|slot| slot.key)).copied().collect();
        let own_key = if table.hashed {
            format!("{} = ?2", quote(ID))
        } else {
            let equal = named.iter().filter(|(_, _, key)| *key).map(|(name, mark, _)| format!("{name} = {mark}"));
            equal.collect::<Vec<_>>().join(" AND ")
        };
        let far_key = key_condition(table, slots, &key);
        let (name, synced, start) = (quote(&table.name), quote(SYNCED), quote(START));
        let copied_from = (kind == OperationKind::Update).then_some(first + parameters.len());
        Self {
            kind,
            latest: format!(
                "SELECT {}, {start}, {} FROM {name} WHERE {own_key} ORDER BY {start} DESC LIMIT 1",
                quote(ACTIVE),
                same(table, &named, kind),
            ),
            confirm: format!("UPDATE {name} SET {synced} = ?1 WHERE {far_key} AND {start} = ?2"),
            close: format!(
                "UPDATE {name} SET {} = 0, {} = ?3, {synced} = ?1 WHERE {far_key} AND {start} = ?2",
                quote(ACTIVE),
                quote(END)
            ),
            begin: begin(table, &named, copied_from, &own_key),
            copied_from,
            key,
        }
    }
}

fn key_condition(table: &Table, slots: &[Slot], key: &[Parameter]) -> String {
    if table.hashed {
        return format!("{} = ?{KEY_AT}", quote(ID));
    }
    let names = key.iter().filter_map(|parameter| slots.get(parameter.column));
    let equal = names.enumerate().map(|(index, slot)| format!("{} = ?{}", quote(&slot.name), KEY_AT + index));
    equal.collect::<Vec<_>>().join(" AND ")
}

/// The expression that tells whether a version holds what a row says. Rows without a key are
/// the same when their id is.
fn same(table: &Table, named: &[(String, String, bool)], kind: OperationKind) -> String {
    let mut left = Vec::new();
    let mut right = Vec::new();
    let mut compare = |name: &str, mark: &str| {
        left.push(name.to_owned());
        right.push(mark.to_owned());
    };
    match kind {
        _ if table.hashed => {}
        OperationKind::Delete => {}
        OperationKind::Update => {
            named.iter().filter(|(_, _, key)| !key).for_each(|(name, mark, _)| compare(name, mark))
        }
        OperationKind::Upsert => {
            for column in table.columns.iter().filter(|column| column.key.is_none()) {
                let name = quote(&column.name);
                let mark = named.iter().find(|(other, _, _)| *other == name).map_or("NULL", |(_, mark, _)| mark);
                compare(&name, mark);
            }
        }
    }
    match left.len() {
        0 => "1".to_owned(),
        // Two lists, since a thousand comparisons joined by AND are too deep for SQLite.
        _ => format!("({}) IS ({})", left.join(", "), right.join(", ")),
    }
}

/// The statement that begins a version: with the values of the row, and the others NULL or
/// those of a former version.
fn begin(table: &Table, named: &[(String, String, bool)], copied_from: Option<usize>, key: &str) -> String {
    let mut columns = vec![quote(SYNCED), quote(ACTIVE), quote(START), quote(END)];
    let mut values = vec!["?1".to_owned(), "1".to_owned(), "?1".to_owned(), format!("'{FOREVER}'")];
    if table.hashed {
        columns.push(quote(ID));
        values.push("?2".to_owned());
    }
    for (name, mark, _) in named {
        columns.push(name.clone());
        values.push(mark.clone());
    }
    let (name, list) = (quote(&table.name), values.join(", "));
    let Some(former) = copied_from else {
        return format!("INSERT INTO {name} ({}) VALUES ({list})", columns.join(", "));
    };
    let mut list = list;
    for column in table.columns.iter().map(|column| quote(&column.name)) {
        if !named.iter().any(|(name, _, _)| *name == column) {
            list = format!("{list}, {column}");
            columns.push(column);
        }
    }
    format!(
        "INSERT INTO {name} ({}) SELECT {list} FROM {name} WHERE {key} AND {} = ?{former}",
        columns.join(", "),
        quote(START)
    )
}

/// Applies the rows of one batch.
struct Writer<'c> {
    plan: &'c Plan,
    statements: &'c Statements,
    latest: CachedStatement<'c>,
    confirm: CachedStatement<'c>,
    close: CachedStatement<'c>,
    begin: CachedStatement<'c>,
    /// When the latest version of the key at hand began.
    start: String,
    stamp: String,
    end: String,
}

/// Applies every row of a batch in order.
pub(super) fn apply(
    connection: &Connection,
    plan: &Plan,
    statements: &Statements,
    batch: &Batch,
    clock: &mut Clock,
    buffers: &mut Buffers,
) -> Result<(), DestinationError> {
    let prepare = |sql: &str| connection.prepare_cached(sql).map_err(failed("writing versions"));
    let mut writer = Writer {
        plan,
        statements,
        latest: prepare(&statements.latest)?,
        confirm: prepare(&statements.confirm)?,
        close: prepare(&statements.close)?,
        begin: prepare(&statements.begin)?,
        start: String::new(),
        stamp: String::new(),
        end: String::new(),
    };
    let mut cells = Cells::of(batch);
    for row in 0..batch.rows {
        if let Some(order) = &plan.hash {
            buffers.hash_row(plan, order, &mut cells, row);
        }
        if let Some(latest) = writer.find(&mut cells, row, buffers)? {
            let mut stamp = clock.next();
            if let (true, Some(former)) = (latest != Latest::Missing, parse(&writer.start)) {
                // Only another program can have put a version into the future.
                stamp = if former < stamp { stamp } else { clock.step(former + 1) };
            }
            clock::write(stamp, &mut writer.stamp);
            clock::write(stamp - 1, &mut writer.end);
            writer.take(step(statements.kind, latest), &mut cells, row, buffers)?;
        }
    }
    Ok(())
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
            self.latest.raw_bind_parameter(2, buffers.id()).map_err(&doing)?;
        } else {
            let parameters = &self.plan.parameters;
            let first = first_parameter(&self.plan.table);
            if !bind_row(&mut self.latest, first, parameters, self.plan, cells, row, &mut buffers.text)? {
                return Ok(None);
            }
        }
        let mut rows = self.latest.raw_query();
        let Some(found) = rows.next().map_err(&doing)? else {
            return Ok(Some(Latest::Missing));
        };
        self.start.clear();
        self.start.push_str(found.get_ref(1).and_then(|start| Ok(start.as_str()?)).map_err(&doing)?);
        let (active, same): (bool, bool) = (found.get(0).map_err(&doing)?, found.get(2).map_err(&doing)?);
        Ok(Some(match (active, same) {
            (false, _) => Latest::Closed,
            (true, true) => Latest::Same,
            (true, false) => Latest::Other,
        }))
    }

    fn take(
        &mut self,
        step: Step,
        cells: &mut [Cells<'_>],
        row: usize,
        buffers: &mut Buffers,
    ) -> Result<(), DestinationError> {
        if matches!(step, Step::Close | Step::Follow) {
            self.close.raw_bind_parameter(3, self.end.as_str()).map_err(failed("closing a version"))?;
        }
        match step {
            Step::Nothing => return Ok(()),
            Step::Confirm => return self.change(true, cells, row, buffers),
            Step::Close => return self.change(false, cells, row, buffers),
            Step::Follow => self.change(false, cells, row, buffers)?,
            Step::Begin => {}
        }
        self.begin(cells, row, buffers)
    }

    /// Confirms or closes the version that began at `self.start`.
    fn change(
        &mut self,
        confirm: bool,
        cells: &mut [Cells<'_>],
        row: usize,
        buffers: &mut Buffers,
    ) -> Result<(), DestinationError> {
        let doing = failed("changing a version");
        let statement = if confirm { &mut self.confirm } else { &mut self.close };
        statement.raw_bind_parameter(1, self.stamp.as_str()).map_err(&doing)?;
        statement.raw_bind_parameter(2, self.start.as_str()).map_err(&doing)?;
        if self.plan.table.hashed {
            statement.raw_bind_parameter(KEY_AT, buffers.id()).map_err(&doing)?;
        } else {
            bind_row(statement, KEY_AT, &self.statements.key, self.plan, cells, row, &mut buffers.text)?;
        }
        statement.raw_execute().map(|_| ()).map_err(&doing)
    }

    fn begin(&mut self, cells: &mut [Cells<'_>], row: usize, buffers: &mut Buffers) -> Result<(), DestinationError> {
        let doing = failed("beginning a version");
        let statement = &mut self.begin;
        statement.raw_bind_parameter(1, self.stamp.as_str()).map_err(&doing)?;
        if self.plan.table.hashed {
            statement.raw_bind_parameter(2, buffers.id()).map_err(&doing)?;
        }
        if let Some(number) = self.statements.copied_from {
            statement.raw_bind_parameter(number, self.start.as_str()).map_err(&doing)?;
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
