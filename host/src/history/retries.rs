//! Attempts that are still to be made of a sync: a process that stays remembers them here, so that one that is killed
//! goes on where it was. They lie among the settings of the history, one for each connection.

use jiff::Timestamp;
use rusqlite::OptionalExtension as _;

use super::store::{History, HistoryError};

/// What is still to be done of a sync of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Again {
    /// How many attempts failed.
    pub failed: u32,
    /// When the first of them began.
    pub since: Timestamp,
    /// When the next is due.
    pub due: Timestamp,
    /// When this was written. Whoever synced the connection after that, this is over.
    pub written: Timestamp,
    /// Whether the next has begun.
    pub under_way: bool,
}

impl Again {
    fn text(&self) -> String {
        let Self { failed, since, due, written, under_way } = self;
        format!("{failed} {since} {due} {written} {under_way}")
    }

    fn read(text: &str) -> Option<Self> {
        let mut words = text.split(' ');
        let mut next = || words.next();
        let failed = next()?.parse().ok()?;
        let mut time = || next()?.parse().ok();
        let (since, due, written) = (time()?, time()?, time()?);
        Some(Self { failed, since, due, written, under_way: next()?.parse().ok()? })
    }
}

impl History {
    /// What is still to be done of a connection.
    ///
    /// # Errors
    /// When the history cannot be read.
    pub fn again(&self, connection: &str) -> Result<Option<Again>, HistoryError> {
        let statement = "SELECT \"value\" FROM \"settings\" WHERE \"key\" = ?";
        let found = self.database().query_row(statement, [key(connection)], |row| row.get::<_, String>(0)).optional();
        // What another version of the host wrote is not understood, and then nothing is.
        Ok(found.map_err(self.failed("reading what is to be tried again"))?.and_then(|text| Again::read(&text)))
    }

    /// Remembers that, or forgets it.
    ///
    /// # Errors
    /// When the history cannot be written.
    pub fn set_again(&self, connection: &str, again: Option<&Again>) -> Result<(), HistoryError> {
        let database = self.database();
        let done = match again {
            Some(again) => {
                let row = [key(connection), again.text()];
                database.execute("INSERT OR REPLACE INTO \"settings\" VALUES (?, ?)", row)
            }
            None => database.execute("DELETE FROM \"settings\" WHERE \"key\" = ?", [key(connection)]),
        };
        done.map(|_| ()).map_err(self.failed("writing what is to be tried again"))
    }
}

fn key(connection: &str) -> String {
    format!("again {connection}")
}
