//! From a source's names to the destination's, and how names are written into SQL.

use crate::policy::identifiers::FILE_PATH_COLUMN;
use crate::policy::names::{Kind, destination_name};
use crate::rows::TableName;

/// Column: when the row was last written, UTC.
pub(super) const SYNCED: &str = "_sluice_synced";
/// Column: 1 when the row is deleted.
pub(super) const DELETED: &str = "_sluice_deleted";
/// Column of a table with history: 1 in the version that holds now.
pub(super) const ACTIVE: &str = "_sluice_active";
/// Column of a table with history: the first microsecond in which a version held.
pub(super) const START: &str = "_sluice_start";
/// Column of a table with history: the last microsecond in which a version held.
pub(super) const END: &str = "_sluice_end";
/// Column: identity of a row without a primary key.
pub(super) const ID: &str = "_sluice_id";
/// Column: where the file of a row landed. The only one of these that rows bring along.
pub(super) const FILE_PATH: &str = FILE_PATH_COLUMN;

/// The name of a table in the destination; a source's schema becomes a part before it.
///
/// # Errors
/// Why the name is not acceptable.
pub(super) fn table_name(source: &TableName) -> Result<String, String> {
    let joined = match &source.schema {
        Some(schema) => format!("{schema}_{}", source.name),
        None => source.name.clone(),
    };
    destination_name(Kind::Table, &joined).map_err(|error| error.to_string())
}

/// The name of a column in the destination.
///
/// # Errors
/// Why the name is not acceptable.
pub(super) fn column_name(source: &str) -> Result<String, String> {
    destination_name(Kind::Column, source).map_err(|error| error.to_string())
}

/// A name as a quoted SQL identifier. Every name that becomes part of a statement passes here.
pub(super) fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::quote;

    #[test]
    fn a_quote_in_a_name_stays_in_the_name() {
        assert_eq!(quote("x\"; DROP TABLE y; --"), "\"x\"\"; DROP TABLE y; --\"");
    }
}
