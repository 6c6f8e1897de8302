//! Why a destination did not do something.

use std::path::PathBuf;

use crate::room::Lack;

/// Why a destination did not do something. No text holds row data.
#[derive(Debug, thiserror::Error)]
pub enum DestinationError {
    /// The connector's fault: the operation cannot land in its table.
    #[error("table {table}{}: {reason}", column.as_ref().map(|name| format!(", column {name}")).unwrap_or_default())]
    Refused {
        /// The table as the source names it.
        table: String,
        /// The column as the source names it.
        column: Option<String>,
        /// What is wrong and what to do.
        reason: String,
    },
    /// The connector's fault: a file cannot be where it is to land.
    #[error("file {path}: a folder is where the file is to be, or a file where a folder is; use another path")]
    FileInTheWay {
        /// The path as the connector wrote it; it holds no control characters.
        path: String,
    },
    /// A limit of the destination was reached.
    #[error("limit of {limit} {what} reached{}", table.as_ref().map(|name| format!(" in table {name}")).unwrap_or_default())]
    Limit {
        /// What is limited, in the plural, with its unit.
        what: &'static str,
        /// The limit.
        limit: u64,
        /// The table, when the limit is one of a table.
        table: Option<String>,
    },
    /// Somebody else uses the connection's files.
    #[error("connection {connection} is in use: {reason}")]
    Busy {
        /// The connection.
        connection: String,
        /// By whom, and what to do.
        reason: String,
    },
    /// The files of the warehouse are not as they must be.
    #[error("{}: {reason}", path.display())]
    Files {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong and what to do.
        reason: String,
        /// The system's error.
        #[source]
        source: Option<std::io::Error>,
    },
    /// The database failed.
    #[error("database failed while {doing}")]
    Sqlite {
        /// What was under way.
        doing: &'static str,
        /// SQLite's error.
        #[source]
        source: rusqlite::Error,
    },
    /// There is no room on the disk, or for a file.
    #[error(
        "{}: what was checkpointed is kept, and nothing after it has landed; {} and sync again",
        lack.of(path), lack.remedy()
    )]
    DiskFull {
        /// The database.
        path: PathBuf,
        /// What is used up.
        lack: Lack,
    },
    /// There is no room: the disk is full, or the database has reached its limit.
    #[error("{}: no room: the disk is full, or the database has reached its limit of {limit} bytes", path.display())]
    Full {
        /// The database.
        path: PathBuf,
        /// Its limit in bytes.
        limit: u64,
    },
    /// A table is not as the catalogue says.
    #[error("table {table} was altered by another program at column {column}: undo that, or reset the connection")]
    Altered {
        /// The table in the destination.
        table: String,
        /// The column in the destination.
        column: String,
    },
    /// A value did not fit a column that was made to hold it; a fault of the host.
    #[error(
        "table {table}, column {column}: a value does not fit although the column was widened for it; please report this"
    )]
    Misfit {
        /// The table in the destination.
        table: String,
        /// The column in the destination.
        column: String,
    },
    /// The name of a connection or a state given by the operator is not acceptable.
    #[error("{what} is not acceptable: {reason}")]
    Invalid {
        /// What was given.
        what: &'static str,
        /// What is wrong and what to do.
        reason: String,
    },
    /// The sync has ended or failed before; nothing more is taken.
    #[error("the destination takes nothing more: the sync has ended")]
    Ended,
}

impl DestinationError {
    pub(crate) fn refused(table: &crate::rows::TableName, column: Option<&str>, reason: impl Into<String>) -> Self {
        Self::Refused { table: table.to_string(), column: column.map(str::to_owned), reason: reason.into() }
    }

    pub(crate) fn files(path: &std::path::Path, reason: impl Into<String>, source: Option<std::io::Error>) -> Self {
        Self::Files { path: path.to_owned(), reason: reason.into(), source }
    }

    /// The reason and the column of a refusal, without the table.
    pub(crate) fn refusal(&self) -> String {
        match self {
            Self::Refused { column: Some(column), reason, .. } => format!("column {column}: {reason}"),
            Self::Refused { column: None, reason, .. } => reason.clone(),
            other => other.to_string(),
        }
    }

    pub(crate) fn is_refused(&self) -> bool {
        matches!(self, Self::Refused { .. } | Self::FileInTheWay { .. })
    }
}
