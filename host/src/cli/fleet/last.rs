//! What is known of a connection's last sync, to tell what is due and what is slow.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::history::{Filter, History, Outcome, Run};

/// How far back a successful sync is looked for.
const LOOKED_AT: u32 = 20;

/// What is known of last syncs. What cannot be found out is not known.
pub(super) trait LastSyncs {
    /// When the last attempt of a connection began, whatever became of it.
    fn began(&self, connection: &str) -> Option<Timestamp>;

    /// Whether that attempt's process died.
    fn interrupted(&self, connection: &str) -> bool;

    /// How long its last successful sync took.
    fn took(&self, connection: &str) -> Option<Duration>;
}

/// As the history of runs knows it.
pub(super) struct Last(pub(super) Option<Arc<History>>);

impl Last {
    /// The last run of a connection.
    pub(super) fn run(&self, connection: &str) -> Option<Run> {
        self.runs(connection, 1).into_iter().next()
    }

    fn runs(&self, connection: &str, limit: u32) -> Vec<Run> {
        let filter = Filter { connection: Some(connection.to_owned()), limit, ..Filter::default() };
        self.0.as_ref().and_then(|history| history.runs(&filter).ok()).unwrap_or_default()
    }
}

impl LastSyncs for Last {
    fn began(&self, connection: &str) -> Option<Timestamp> {
        self.run(connection)?.started.parse().ok()
    }

    fn interrupted(&self, connection: &str) -> bool {
        self.run(connection).is_some_and(|run| run.outcome == Outcome::Interrupted)
    }

    fn took(&self, connection: &str) -> Option<Duration> {
        let runs = self.runs(connection, LOOKED_AT);
        let success = runs.iter().find(|run| run.outcome == Outcome::Success)?;
        Duration::try_from_secs_f64(success.totals.wall_seconds).ok()
    }
}
