//! Looking at a connection's database before a sync, which then goes on with what is open.
//!
//! Opening a database costs more than most statements. Whoever looks holds no lock, so that whatever it sees may have
//! changed when the sync begins, and the file may be another one.

use std::fmt;
use std::os::unix::fs::MetadataExt as _;

use rusqlite::Connection;

use super::files::Files;
use super::open::{explain, failed, look};
use super::{SqliteOptions, state};
use crate::destination::DestinationError;

/// What a database held when it was looked at.
#[derive(Default)]
pub struct Looked {
    accepted: Option<String>,
    opened: Option<Opened>,
}

struct Opened {
    database: Connection,
    file: (u64, u64),
}

impl Looked {
    /// Looks at a database, if there is one.
    ///
    /// # Errors
    /// As for opening it.
    pub(super) fn at(files: &Files, options: &SqliteOptions) -> Result<Self, DestinationError> {
        let file = which(files);
        let Some(database) = look(files, options)? else { return Ok(Self::default()) };
        let accepted = state::read_entry(&database, state::ACCEPTED);
        let accepted = accepted.map_err(|error| explain(failed("reading the catalogue")(error), files))?;
        // It may have been replaced while it was opened.
        let file = file.filter(|file| which(files) == Some(*file));
        Ok(Self { accepted, opened: file.map(|file| Opened { database, file }) })
    }

    /// Which connector the operator had accepted, as an [`Acceptance`](super::Acceptance) said; `None` when none yet.
    #[must_use]
    pub fn accepted(&self) -> Option<&str> {
        self.accepted.as_deref()
    }

    /// The database, if it is the one of these files. Whoever asks holds the lock, so that it stays that.
    pub(super) fn still(self, files: &Files) -> Option<Connection> {
        let Opened { database, file } = self.opened?;
        (which(files) == Some(file)).then_some(database)
    }
}

impl fmt::Debug for Looked {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Looked").field("accepted", &self.accepted).finish_non_exhaustive()
    }
}

/// What tells a file from another as long as somebody has it open.
fn which(files: &Files) -> Option<(u64, u64)> {
    files.database.symlink_metadata().ok().map(|metadata| (metadata.dev(), metadata.ino()))
}
