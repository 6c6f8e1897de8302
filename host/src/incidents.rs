//! What a sync ran into, remembered where a connector cannot make it undone.

use std::sync::{Arc, OnceLock};

use crate::error::LimitReached;

/// The first limit that was reached and the first thing that was denied. Everything that
/// enforces a limit or a grant shares one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Incidents(Arc<First>);

#[derive(Debug, Default)]
struct First {
    limit: OnceLock<LimitReached>,
    denial: OnceLock<String>,
}

impl Incidents {
    /// Remembers a limit unless one was reached before, and answers the first one. A limit is
    /// sticky: the sync fails with it whatever the connector does.
    pub(crate) fn limit(&self, reached: LimitReached) -> LimitReached {
        self.0.limit.get_or_init(|| reached).clone()
    }

    /// The limit that was reached first.
    pub(crate) fn reached(&self) -> Option<LimitReached> {
        self.0.limit.get().cloned()
    }

    /// Remembers a denial. It is not sticky; it explains a failure that follows.
    pub(crate) fn denied(&self, text: &str) {
        self.0.denial.get_or_init(|| text.to_owned());
    }

    /// What was denied first.
    pub(crate) fn denial(&self) -> Option<String> {
        self.0.denial.get().cloned()
    }
}
