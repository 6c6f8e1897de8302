//! Holding a declaration against what is stored, before anything is changed.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::Connection;

use super::catalogue::{Catalogue, Table, TableColumn, collision};
use super::lattice::{Integers, join_knowing};
use super::naming::Names;
use super::plan::check_columns;
use super::rules::Rules;
use super::schema::{Change, integers};
use super::types::Storage;
use crate::destination::DestinationError;
use crate::rows::{DataType, TableDefinition};

/// What a declared table needs.
#[derive(Debug)]
pub(super) enum Need {
    /// It does not exist.
    Create(Table),
    /// It exists; the changes may be none.
    Evolve(Arc<Table>, Vec<Change>),
}

/// Checks all definitions and says what they need.
///
/// # Errors
/// See [`crate::destination::Destination::declare`].
pub(super) fn needs(
    connection: &Connection,
    catalogue: &mut Catalogue,
    rules: &Rules,
    definitions: &[TableDefinition],
    max_columns: usize,
) -> Result<Vec<Need>, DestinationError> {
    let mut taken = HashMap::new();
    let mut needs = Vec::with_capacity(definitions.len());
    for definition in definitions {
        let (name, stored) = catalogue.get(connection, &definition.name)?;
        if let Some(other) = taken.insert(name.to_ascii_lowercase(), &definition.name) {
            return Err(DestinationError::refused(&definition.name, None, collision(&other.to_string(), &name)));
        }
        let declared = columns(catalogue.names(), definition)?;
        let need = match stored {
            None => {
                check_columns(&definition.name, declared.len(), max_columns)?;
                let hashed = definition.primary_key.is_empty();
                let (source, system) = (definition.name.clone(), catalogue.names().system());
                Need::Create(Table { source, name, hashed, keyless: false, history: false, system, columns: declared })
            }
            Some(stored) => {
                let changes = compare(connection, rules, definition, &stored, &declared)?;
                let new = changes.iter().filter(|change| stored.find(&change.name).is_none()).count();
                check_columns(&definition.name, stored.columns.len() + new, max_columns)?;
                Need::Evolve(stored, changes)
            }
        };
        needs.push(need);
    }
    Ok(needs)
}

/// The declared columns, key columns first.
fn columns(names: Names, definition: &TableDefinition) -> Result<Vec<TableColumn>, DestinationError> {
    let mut taken: HashMap<String, (String, usize)> = HashMap::new();
    let mut columns: Vec<TableColumn> = Vec::new();
    let keys = definition.primary_key.iter().map(|name| (name, None, true));
    let others = definition.columns.iter().map(|column| (&column.name, column.data_type, false));
    for (source, data_type, key) in keys.chain(others) {
        let refused = |reason: String| DestinationError::refused(&definition.name, Some(source), reason);
        let name = names.column(source).map_err(refused)?;
        if let Some((other, index)) = taken.get(&name.to_ascii_lowercase()) {
            if other != source {
                return Err(refused(collision(other, &name)));
            }
            if let (Some(column), Some(data_type)) = (columns.get_mut(*index), data_type) {
                column.data_type = Some(data_type);
                column.storage = Storage::of(Some(data_type));
            }
            continue;
        }
        let position = columns.len();
        taken.insert(name.to_ascii_lowercase(), (source.clone(), position));
        let storage = Storage::of(data_type);
        columns.push(TableColumn { source: source.clone(), name, data_type, storage, key: key.then_some(position) });
    }
    Ok(columns)
}

fn compare(
    connection: &Connection,
    rules: &Rules,
    definition: &TableDefinition,
    stored: &Table,
    declared: &[TableColumn],
) -> Result<Vec<Change>, DestinationError> {
    check_same_key(definition, stored, declared)?;
    let mut changes = Vec::new();
    for column in declared {
        let change = |data_type| Change { source: column.source.clone(), name: column.name.clone(), data_type };
        let Some(known) = stored.find(&column.name) else {
            changes.push(change(column.data_type));
            continue;
        };
        if known.source != column.source {
            let reason = collision(&known.source, &column.name);
            return Err(DestinationError::refused(&definition.name, Some(&column.source), reason));
        }
        let settled = match (known.data_type, column.data_type) {
            (locked, _) if rules.is_locked(&definition.name, &column.source) => locked,
            (Some(from), Some(to)) => Some(widened(connection, stored, &known.name, from, to)?),
            (from, to) => from.or(to),
        };
        if settled != known.data_type {
            changes.push(change(settled));
        }
    }
    Ok(changes)
}

fn widened(
    connection: &Connection,
    table: &Table,
    column: &str,
    from: DataType,
    to: DataType,
) -> Result<DataType, DestinationError> {
    // Integers that are still to come do not widen a column of floats; too large ones will.
    let decides = from == DataType::Long && matches!(to, DataType::Float | DataType::Double);
    let known = if decides { integers(connection, table, column)? } else { Integers::ExactInDouble };
    Ok(join_knowing(from, to, known))
}

fn check_same_key(
    definition: &TableDefinition,
    stored: &Table,
    declared: &[TableColumn],
) -> Result<(), DestinationError> {
    let mut was: Vec<&str> = stored.key().iter().map(|column| column.source.as_str()).collect();
    let mut is: Vec<&str> = declared.iter().filter(|c| c.key.is_some()).map(|c| c.source.as_str()).collect();
    let describe = |names: &[&str]| {
        if names.is_empty() { "none".to_owned() } else { format!("({})", names.join(", ")) }
    };
    let (was_text, is_text) = (describe(&was), describe(&is));
    was.sort_unstable();
    is.sort_unstable();
    if was == is {
        return Ok(());
    }
    let key = match declared.iter().filter(|c| c.key.is_some()).map(|c| c.source.as_str()).collect::<Vec<_>>() {
        none if none.is_empty() => "--no-primary-key".to_owned(),
        names => format!("--primary-key {}", names.join(",")),
    };
    let reason = format!(
        "the declared primary key {is_text} differs from the stored one {was_text}; declare the stored key, or change \
         it with `sluice migrate <connection> --table {} {key}`",
        definition.name
    );
    Err(DestinationError::refused(&definition.name, None, reason))
}
