//! When a connection is to be synced.

use std::fmt;
use std::time::Duration;

use cronexpr::{Crontab, FallbackTimezoneOption, ParseOptions};
use jiff::{SignedDuration, Timestamp};

/// The shortest interval.
pub(super) const SHORTEST: Duration = Duration::from_secs(10);

/// When a connection is to be synced.
#[derive(Clone, Debug)]
pub enum Schedule {
    /// So long after the former sync began.
    Every(Duration),
    /// At these times.
    Cron(Box<Cron>),
}

/// Times as crontab(5) writes them, in a time zone.
#[derive(Clone, Debug)]
pub struct Cron {
    text: String,
    crontab: Crontab,
}

impl Schedule {
    /// The times of a crontab line, five fields, in a time zone of the IANA database; UTC when none is given.
    ///
    /// # Errors
    /// Why it is none.
    pub fn cron(fields: &str, time_zone: Option<&str>) -> Result<Self, String> {
        let fields = fields.split_whitespace().collect::<Vec<_>>();
        if fields.len() != 5 {
            return Err(format!("a line of cron has 5 fields, this one has {}", fields.len()));
        }
        let mut text = fields.join(" ");
        if let Some(zone) = time_zone {
            text = format!("{text} {zone}");
        }
        let mut options = ParseOptions::default();
        options.fallback_timezone_option = FallbackTimezoneOption::UTC;
        let crontab = cronexpr::parse_crontab_with(&text, options).map_err(|error| one_line(&error.to_string()))?;
        Ok(Self::Cron(Box::new(Cron { text, crontab })))
    }

    /// The first time after `last` at which a sync is due; None when there is none.
    #[must_use]
    pub fn next(&self, last: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Every(interval) => {
                last.checked_add(SignedDuration::try_from(*interval).unwrap_or(SignedDuration::MAX)).ok()
            }
            Self::Cron(cron) => {
                let next = cron.crontab.find_next(cronexpr::MakeTimestamp(last)).ok()?;
                Some(next.timestamp())
            }
        }
    }

    /// Whether a sync is due: one that never was is, and however many were missed, they are caught up by one. A last
    /// time in the future is of a clock that was wrong, and does not count.
    #[must_use]
    pub fn is_due(&self, last: Option<Timestamp>, now: Timestamp) -> bool {
        last.filter(|last| *last <= now).is_none_or(|last| self.next(last).is_some_and(|next| next <= now))
    }
}

impl fmt::Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Every(interval) => write!(f, "every {}", crate::display::units::duration(*interval)),
            Self::Cron(cron) => f.write_str(&cron.text),
        }
    }
}

/// The library draws a picture of several lines; its last word is the reason.
fn one_line(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines.last().map_or_else(String::new, |line| line.trim_start_matches(['^', ' ', '|']).to_owned())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn an_interval_counts_from_the_start_of_the_last_sync() {
        let every = Schedule::Every(Duration::from_secs(900));
        let last = at("2026-03-01T10:00:00Z");
        for (now, due) in [
            ("2026-03-01T10:14:59Z", false),
            ("2026-03-01T10:15:00Z", true),
            ("2026-03-05T00:00:00Z", true),
            // The clock was put back.
            ("2026-03-01T09:00:00Z", true),
        ] {
            assert_eq!(every.is_due(Some(last), at(now)), due, "{now}");
        }
        assert!(every.is_due(None, last));
    }

    #[test]
    fn cron_knows_its_time_zone_and_catches_up_once() {
        let cron = Schedule::cron("30 6 * * MON-FRI", Some("Europe/Berlin")).unwrap();
        // A Friday in winter, then a Monday in summer time.
        let last = at("2026-03-27T05:30:00Z");
        assert_eq!(cron.next(last), Some(at("2026-03-30T04:30:00Z")));
        for (now, due) in [
            ("2026-03-27T05:31:00Z", false),
            ("2026-03-30T04:29:59Z", false),
            ("2026-03-30T04:30:00Z", true),
            ("2026-05-30T04:30:00Z", true),
        ] {
            assert_eq!(cron.is_due(Some(last), at(now)), due, "{now}");
        }
        let now = at("2026-05-30T04:30:00Z");
        assert!(!cron.is_due(Some(now), now), "one sync catches up all that were missed");
        assert_eq!(Schedule::cron("0 6 * * *", None).unwrap().to_string(), "0 6 * * *");
    }

    #[test]
    fn what_is_no_time_is_refused_in_one_line() {
        for (fields, zone) in [
            ("0 6 * *", None),
            ("0 6 * * * Europe/Berlin", None),
            ("61 6 * * *", None),
            ("0 6 * * MOON", None),
            ("0 6 * * *", Some("Europe/Atlantis")),
            ("", None),
        ] {
            let reason = Schedule::cron(fields, zone).unwrap_err();
            assert!(!reason.is_empty() && !reason.contains('\n'), "{fields}: {reason}");
        }
    }
}
