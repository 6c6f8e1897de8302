//! What is known of a connection's last sync, to tell what is due and what is slow.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;

use crate::destination::sqlite::Warehouse;

/// What is known of last syncs. What cannot be found out is not known.
pub(super) trait LastSyncs {
    /// When the last attempt of a connection began, whatever became of it.
    fn began(&self, connection: &str) -> Option<Timestamp>;

    /// How long its last successful sync took.
    fn took(&self, connection: &str) -> Option<Duration>;
}

/// As the warehouse knows it.
pub(super) struct Last(Warehouse);

impl Last {
    /// Of the connections of a warehouse.
    pub(super) fn of(warehouse: &Path) -> Self {
        Self(Warehouse::new(warehouse))
    }
}

impl LastSyncs for Last {
    fn began(&self, connection: &str) -> Option<Timestamp> {
        let micros = self.0.last_synced(connection).ok().flatten()?;
        Timestamp::from_microsecond(micros).ok()
    }

    fn took(&self, _: &str) -> Option<Duration> {
        None
    }
}
