//! What becomes of rows that the source no longer has: they are marked, removed, or their
//! versions closed. Which of them happens where stands in `docs/semantics-history.md`.

use rusqlite::Connection;

use super::catalogue::Table;
use super::naming::quote;
use super::open::failed;
use crate::destination::DestinationError;
use crate::landing::{Deletes, Landing};

/// What becomes of rows that go away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Removal {
    /// They stay and are marked as deleted.
    Mark,
    /// They are removed.
    Remove,
    /// Their active versions end.
    Close,
}

impl Removal {
    /// What the operator decided for a table. Versions are never removed.
    pub(super) fn of(table: &Table, landing: &Landing) -> Self {
        if table.history {
            return Self::Close;
        }
        match landing.deletes(table.source.schema.as_deref(), &table.source.name) {
            Deletes::Soft => Self::Mark,
            Deletes::Hard => Self::Remove,
        }
    }

    /// The statement that does it to the rows that `condition` selects, all without one. With
    /// [`Removal::Close`] its first parameter is the end.
    fn statement(self, table: &Table, condition: Option<&str>) -> String {
        let name = quote(&table.name);
        let (head, alive) = match self {
            Self::Mark => (
                format!("UPDATE {name} SET {0} = 1", quote(table.system.deleted)),
                Some(format!("{} = 0", quote(table.system.deleted))),
            ),
            Self::Remove => (format!("DELETE FROM {name}"), None),
            Self::Close => {
                let head =
                    format!("UPDATE {name} SET {} = 0, {} = ?1", quote(table.system.active), quote(table.system.end));
                (head, Some(format!("{} = 1", quote(table.system.active))))
            }
        };
        let conditions: Vec<&str> = alive.as_deref().into_iter().chain(condition).collect();
        match conditions.is_empty() {
            // Without a condition SQLite empties a table without looking at its rows.
            true => head,
            false => format!("{head} WHERE {}", conditions.join(" AND ")),
        }
    }

    /// Takes every row of a table away. `end` is the last moment at which they were there.
    pub(super) fn truncate(self, connection: &Connection, table: &Table, end: &str) -> Result<(), DestinationError> {
        let statement = self.statement(table, None);
        let done = match self {
            Self::Close => connection.execute(&statement, [end]),
            Self::Mark | Self::Remove => connection.execute(&statement, []),
        };
        done.map(|_| ()).map_err(failed("truncating a table"))
    }

    /// Takes the rows away that were last synced before `since`; answers how many.
    pub(super) fn sweep(
        self,
        connection: &Connection,
        table: &Table,
        since: &str,
        end: &str,
    ) -> Result<u64, DestinationError> {
        let statement = self.statement(table, Some(&format!("{} < ?2", quote(table.system.synced))));
        // A number that the statement does not use is no fault below the largest it uses.
        let swept = connection.execute(&statement, [end, since]).map_err(failed("sweeping a table"))?;
        Ok(u64::try_from(swept).unwrap_or(u64::MAX))
    }
}
