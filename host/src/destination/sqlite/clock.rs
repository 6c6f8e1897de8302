//! Stamps that only go forward.

use std::time::{SystemTime, UNIX_EPOCH};

use super::dates;

/// Gives each operation a time later than every one before, whatever the system's clock does.
#[derive(Debug)]
pub(super) struct Clock {
    last: i64,
    still: Option<i64>,
}

impl Clock {
    /// `last` is the latest stamp of earlier syncs, microseconds since 1970. The time of day is that of the system,
    /// or stands `still`.
    pub(super) fn after(last: i64, still: Option<i64>) -> Self {
        Self { last: last.clamp(0, dates::LAST_MICRO / 2), still }
    }

    /// The next stamp, microseconds since 1970.
    pub(super) fn next(&mut self) -> i64 {
        if let Some(still) = self.still {
            return self.step(still);
        }
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map(|time| time.as_micros()).unwrap_or_default();
        self.step(i64::try_from(now).unwrap_or(i64::MAX))
    }

    /// A stamp that is later than every one before, and not before `moment`.
    pub(super) fn step(&mut self, moment: i64) -> i64 {
        self.last = moment.max(self.last + 1).min(dates::LAST_MICRO);
        self.last
    }

    /// The next stamp, as text.
    pub(super) fn tick(&mut self) -> String {
        text(self.next())
    }

    pub(super) fn last(&self) -> i64 {
        self.last
    }
}

/// A stamp as text.
pub(super) fn text(stamp: i64) -> String {
    let mut text = String::with_capacity(27);
    write(stamp, &mut text);
    text
}

/// Writes a stamp over `text`.
pub(super) fn write(stamp: i64, text: &mut String) {
    text.clear();
    // The clock gives none out of range.
    let _ = dates::push_stamp(text, stamp);
}
