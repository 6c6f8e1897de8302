//! Which table and column names are accepted.
//!
//! The threat: a name that ends a quoted identifier, hides in a log, reaches the host's own
//! tables or SQLite's. A source name may hold anything a source may call a column, except what no one
//! can read; a destination name is what is left after `landing::names`, and may not be one
//! of ours. Quoting is done once, where SQL is written, for every name.

use std::fmt;

/// Destination names with this prefix are the host's own: its tables, and the system columns.
pub const RESERVED_PREFIX: &str = "_sluice_";

/// The one column with that prefix that rows bring along: where the row's file landed.
pub const FILE_PATH_COLUMN: &str = "_sluice_file_path";

/// Columns with this prefix are the host's in a connection with `SystemColumns::Fivetran`.
pub const FIVETRAN_PREFIX: &str = "_fivetran_";

/// The one column with that prefix that rows bring along there.
pub const FIVETRAN_FILE_PATH_COLUMN: &str = "_fivetran_file_path";

/// Tables with this prefix are SQLite's own.
pub const SQLITE_PREFIX: &str = "sqlite_";

/// Bytes of a destination name. Transliteration makes names longer than the source had them.
pub const DESTINATION_NAME_BYTES: usize = 1024;

/// What a name names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A table.
    Table,
    /// A column.
    Column,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Table => "table",
            Self::Column => "column",
        })
    }
}

/// Why a name was not accepted. The texts hold the name only where it is readable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Empty, or only white space.
    #[error("a {kind} name is empty or blank")]
    Blank {
        /// Table or column.
        kind: Kind,
    },
    /// Longer than [`super::limits::Limits::identifier_bytes`].
    #[error("a {kind} name has {bytes} bytes, at most {limit} are possible")]
    TooLong {
        /// Table or column.
        kind: Kind,
        /// Its length.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// A control character, NUL, or an invisible character that changes how text reads.
    #[error("a {kind} name holds U+{code:04X}, a control character")]
    Control {
        /// Table or column.
        kind: Kind,
        /// The first such character.
        code: u32,
    },
    /// No letter or digit is left after naming.
    #[error("{kind} name '{name}' has no letter or digit to make a destination name from")]
    NothingLeft {
        /// Table or column.
        kind: Kind,
        /// The name of the source.
        name: String,
    },
    /// The destination name is the host's or SQLite's.
    #[error("{kind} name '{name}' is reserved: names beginning with {prefix} are not the connector's; rename it")]
    Reserved {
        /// Table or column.
        kind: Kind,
        /// The destination name.
        name: String,
        /// What it begins with.
        prefix: &'static str,
    },
}

/// Accepts or refuses a name as the source writes it. `limit` is in bytes.
///
/// # Errors
///
/// Blank, too long, or with a control character (C0, C1, DEL, line and bidi controls).
pub fn check_source(kind: Kind, name: &str, limit: usize) -> Result<(), NameError> {
    if name.len() > limit {
        return Err(NameError::TooLong { kind, bytes: name.len(), limit });
    }
    if let Some(bad) = name.chars().find(|c| super::terminal::is_control(*c)) {
        return Err(NameError::Control { kind, code: u32::from(bad) });
    }
    if name.trim().is_empty() {
        return Err(NameError::Blank { kind });
    }
    Ok(())
}

/// Accepts or refuses a destination name that a connector's name became.
///
/// # Errors
///
/// Reserved in any case of its letters, or longer than [`DESTINATION_NAME_BYTES`].
pub fn check_destination(kind: Kind, name: &str) -> Result<(), NameError> {
    if name.len() > DESTINATION_NAME_BYTES {
        return Err(NameError::TooLong { kind, bytes: name.len(), limit: DESTINATION_NAME_BYTES });
    }
    let prefixes: &[&'static str] = match kind {
        Kind::Table => &[RESERVED_PREFIX, SQLITE_PREFIX],
        Kind::Column => &[RESERVED_PREFIX],
    };
    if kind == Kind::Column && name == FILE_PATH_COLUMN {
        return Ok(());
    }
    prefixes.iter().try_for_each(|prefix| check_prefix(kind, name, prefix))
}

/// Accepts or refuses a destination name that must not begin with `prefix`, in any case of its letters.
///
/// # Errors
///
/// Reserved.
pub fn check_prefix(kind: Kind, name: &str, prefix: &'static str) -> Result<(), NameError> {
    match name.get(..prefix.len()) {
        Some(start) if start.eq_ignore_ascii_case(prefix) => {
            Err(NameError::Reserved { kind, name: name.to_owned(), prefix })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn source_names() {
        for name in ["id", "Id", "x\"; DROP TABLE y; --", "a.b", "日本", "é", " spaced ", "%", "a'b", &"x".repeat(255)]
        {
            assert_eq!(check_source(Kind::Column, name, 255), Ok(()), "{name:?}");
        }
        for name in
            ["", " ", "\u{3000}", "a\0b", "a\nb", "a\x1b[31m", "\u{85}", "a\u{202e}b", "\u{2028}", &"x".repeat(256)]
        {
            assert!(check_source(Kind::Table, name, 255).is_err(), "{name:?}");
        }
        assert!(check_source(Kind::Column, &"é".repeat(128), 255).is_err());
    }

    #[test]
    fn reserved_names() {
        for (kind, name, accepted) in [
            (Kind::Table, "_sluice_state", false),
            (Kind::Table, "_SLUICE_state", false),
            (Kind::Table, "sqlite_master", false),
            (Kind::Table, "SQLite_x", false),
            (Kind::Table, "sqlite", true),
            (Kind::Table, "sluice_state", true),
            (Kind::Column, "_sluice_deleted", false),
            (Kind::Column, "sqlite_x", true),
            (Kind::Column, "_sluice", true),
            (Kind::Column, "é_sluice_", true),
        ] {
            assert_eq!(check_destination(kind, name).is_ok(), accepted, "{name}");
        }
    }
}
