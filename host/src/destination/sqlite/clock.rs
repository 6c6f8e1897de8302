//! Stamps that only go forward.

use std::time::{SystemTime, UNIX_EPOCH};

use super::dates;

/// Gives each operation a time later than every one before, whatever the system's clock does.
#[derive(Debug)]
pub(super) struct Clock {
    last: i64,
}

impl Clock {
    /// `last` is the latest stamp of earlier syncs, microseconds since 1970.
    pub(super) fn after(last: i64) -> Self {
        Self { last: last.clamp(0, dates::LAST_MICRO / 2) }
    }

    /// The next stamp, as text.
    pub(super) fn tick(&mut self) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map(|time| time.as_micros()).unwrap_or_default();
        self.last = i64::try_from(now).unwrap_or(i64::MAX).max(self.last + 1).min(dates::LAST_MICRO);
        let mut text = String::with_capacity(27);
        // In range by the line above.
        let _ = dates::push_stamp(&mut text, self.last);
        text
    }

    pub(super) fn last(&self) -> i64 {
        self.last
    }
}
