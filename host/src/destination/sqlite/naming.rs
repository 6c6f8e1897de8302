//! From a source's names to the destination's, and how names are written into SQL.

use crate::rows::TableName;

/// Prefix of everything that is the host's own.
pub(super) const RESERVED: &str = "_sluice_";
/// Column: when the row was last written, UTC.
pub(super) const SYNCED: &str = "_sluice_synced";
/// Column: 1 when the row is deleted.
pub(super) const DELETED: &str = "_sluice_deleted";
/// Column: identity of a row without a primary key.
pub(super) const ID: &str = "_sluice_id";

/// The name of a table in the destination.
///
/// # Errors
/// Why the name is not acceptable.
pub(super) fn table_name(source: &TableName) -> Result<String, String> {
    let joined = match &source.schema {
        Some(schema) => format!("{schema}_{}", source.name),
        None => source.name.clone(),
    };
    destination_name(&joined)
}

/// The name of a column in the destination.
///
/// # Errors
/// Why the name is not acceptable.
pub(super) fn column_name(source: &str) -> Result<String, String> {
    destination_name(source)
}

// The one place where `crate::policy::names` and `crate::policy::identifiers` plug in.
fn destination_name(source: &str) -> Result<String, String> {
    if source.is_empty() || source.len() > 255 {
        return Err("names have 1 to 255 bytes".to_owned());
    }
    if source.chars().any(char::is_control) {
        return Err("names hold no control characters".to_owned());
    }
    let name = source.to_lowercase();
    if name.starts_with(RESERVED) || name.starts_with("sqlite_") {
        return Err(
            "names that start with _sluice_ or sqlite_ are reserved; choose another name"
                .to_owned(),
        );
    }
    Ok(name)
}

/// A name as a quoted SQL identifier. Every name that becomes part of a statement passes here.
pub(super) fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
