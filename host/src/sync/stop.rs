//! Ending a sync from another thread.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;

/// Ends a sync, as a signal does: its checkpoints stay, what came after the last is dropped. Clones are one.
#[derive(Clone, Debug, Default)]
pub struct Stop(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    reason: Mutex<Option<&'static str>>,
    told: Notify,
}

impl Stop {
    /// Ends it now, or when it starts. The reason follows "the sync was cancelled".
    pub fn stop(&self, reason: &'static str) {
        self.0.reason.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(reason);
        self.0.told.notify_one();
    }

    /// Why it was ended, if it was.
    #[must_use]
    pub fn reason(&self) -> Option<&'static str> {
        *self.0.reason.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until somebody ends it.
    pub(super) async fn stopped(&self) -> &'static str {
        loop {
            if let Some(reason) = self.reason() {
                return reason;
            }
            self.0.told.notified().await;
        }
    }
}
