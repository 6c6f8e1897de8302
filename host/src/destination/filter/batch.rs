//! A batch without what is kept out, and with hashes.

use super::hash::HashKey;
use super::rules::Fate;
use crate::destination::DestinationError;
use crate::rows::{Batch, TableName};

/// The batch as it may land; `fates` are those of its columns in order.
///
/// # Errors
/// `Refused` for a value that has no text.
pub(super) fn reshape(
    table: &TableName,
    batch: &Batch,
    fates: &[Fate],
    key: Option<&HashKey>,
) -> Result<Batch, DestinationError> {
    let mut columns = Vec::with_capacity(batch.columns.len());
    let mut bytes = batch.bytes;
    for (column, fate) in batch.columns.iter().zip(fates) {
        match (fate, key) {
            (Fate::Plain, _) => columns.push(column.clone()),
            (Fate::Hash, Some(key)) => {
                let hashed = key.column(column, batch.rows);
                columns.push(hashed.map_err(|reason| DestinationError::refused(table, Some(&column.name), reason))?);
                bytes = bytes.saturating_add(HashKey::bytes(batch.rows));
            }
            // Without a key nothing may land that was to be hashed.
            (Fate::Out(_) | Fate::Hash, _) => {}
        }
    }
    Ok(Batch { rows: batch.rows, columns, bytes })
}
