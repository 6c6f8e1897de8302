//! When connections are to be synced: by their schedules, by the history of runs, and by what is to be tried again.
//!
//! What is to be tried again is written into the history before anybody waits for it, and that an attempt begins before
//! it does. So the process may be killed at any moment: the next one waits for the rest of the wait, and makes no more
//! attempts than were left.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

use crate::batch::Before;
use crate::cli::fleet::last::{Last, LastSyncs as _};
use crate::error::with_causes;
use crate::fleet::Connection;
use crate::history::{Again, History, Outcome, Run};

/// What is known of the connections of a fleet.
pub(super) struct Diary {
    last: Last,
    known: Mutex<BTreeMap<String, Known>>,
}

/// What this process knows of a connection: the history may be unwritable.
#[derive(Clone, Copy, Default)]
struct Known {
    began: Option<Timestamp>,
    again: Option<Again>,
}

impl Diary {
    pub(super) fn new(history: Option<Arc<History>>) -> Self {
        Self { last: Last(history), known: Mutex::default() }
    }

    pub(super) fn history(&self) -> Option<Arc<History>> {
        self.last.0.clone()
    }

    /// When the last sync of a connection began; None when it is to begin at once.
    pub(super) fn last(&self, connection: &str) -> Option<Timestamp> {
        let began = self.last.began(connection);
        match self.known().get(connection).and_then(|known| known.began) {
            Some(own) => Some(began.map_or(own, |other| other.max(own))),
            None if self.last.interrupted(connection) => None,
            None => began,
        }
    }

    /// Whether a connection is to be synced now.
    pub(super) fn is_due(&self, one: &Connection, now: Timestamp) -> bool {
        let Some(schedule) = &one.schedule else { return false };
        match self.again(one, now) {
            Some(again) => again.due <= now,
            None => schedule.is_due(self.last(&one.name), now),
        }
    }

    /// When it is, if it is not.
    pub(super) fn next(&self, one: &Connection, now: Timestamp) -> Option<Timestamp> {
        match self.again(one, now) {
            Some(again) => Some(again.due),
            None => one.schedule.as_ref()?.next(self.last(&one.name)?),
        }
    }

    /// What was tried of the sync that begins now.
    pub(super) fn before(&self, one: &Connection, now: Timestamp) -> Before {
        let Some(again) = self.again(one, now) else { return Before::default() };
        let ago = Duration::try_from(now.duration_since(again.since)).unwrap_or_default();
        Before { failed: again.failed, since: Instant::now().checked_sub(ago) }
    }

    /// An attempt begins, after so many that failed.
    pub(super) fn begins(&self, connection: &str, failed: u32, now: Timestamp) {
        // Also one that was cut short, whose time would begin anew with each process otherwise.
        let since = self.known().get(connection).and_then(|known| known.again).map_or(now, |again| again.since);
        self.write(connection, Some(Again { failed, since, due: now, written: now, under_way: true }));
        self.known().entry(connection.to_owned()).or_default().began = Some(now);
    }

    /// An attempt failed, and the next is due after a wait.
    pub(super) fn fails(&self, connection: &str, failed: u32, wait: Duration) {
        let now = Timestamp::now();
        let since = self.known().get(connection).and_then(|known| known.again).map_or(now, |again| again.since);
        let due = SignedDuration::try_from(wait).ok().and_then(|wait| now.checked_add(wait).ok()).unwrap_or(now);
        self.write(connection, Some(Again { failed, since, due, written: now, under_way: false }));
    }

    /// Nothing is to be tried again.
    pub(super) fn is_over(&self, connection: &str) {
        self.write(connection, None);
    }

    /// What is to be tried again of a connection that is not being synced.
    fn again(&self, one: &Connection, now: Timestamp) -> Option<Again> {
        let known = self.known().get(&one.name).copied();
        let last = || self.last.run(&one.name);
        let again = match known {
            Some(known) => known.again.filter(|again| last().is_none_or(|run| started(&run) <= again.written)),
            None => self.written(&one.name).and_then(|again| goes_on(again, last().as_ref(), now)),
        };
        let in_time = |again: &Again| {
            let until = one.settings.timeout.map(|timeout| again.since.saturating_add(timeout));
            until.is_none_or(|until| until.is_ok_and(|until| now < until))
        };
        let again = again.filter(|again| again.failed < one.retry.attempts).filter(in_time);
        if known.is_some_and(|known| known.again.is_some()) && again.is_none() {
            self.is_over(&one.name);
        }
        self.known().entry(one.name.clone()).or_default().again = again;
        again
    }

    fn written(&self, connection: &str) -> Option<Again> {
        let history = self.last.0.as_ref()?;
        history.again(connection).unwrap_or_else(|error| {
            tracing::warn!("what is to be tried again of {connection} is not known: {}", with_causes(&error));
            None
        })
    }

    fn write(&self, connection: &str, again: Option<Again>) {
        self.known().entry(connection.to_owned()).or_default().again = again;
        let Some(history) = &self.last.0 else { return };
        if let Err(error) = history.set_again(connection, again.as_ref()) {
            tracing::warn!("what is to be tried again of {connection} is not kept: {}", with_causes(&error));
        }
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<String, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn started(run: &Run) -> Timestamp {
    run.started.parse().unwrap_or(Timestamp::MIN)
}

/// What another process left to be done, by the last run of the connection.
fn goes_on(again: Again, last: Option<&Run>, now: Timestamp) -> Option<Again> {
    let Some(run) = last.filter(|run| started(run) > again.written) else {
        // It died before the attempt was a run.
        let due = if again.under_way { now } else { again.due };
        return Some(Again { due, under_way: false, ..again });
    };
    let is_the_attempt = again.under_way && run.command == "serve" && run.attempt == again.failed + 1;
    match run.outcome {
        Outcome::Interrupted if is_the_attempt => Some(Again { due: now, written: now, under_way: false, ..again }),
        // It died before it could say whether trying again can help.
        Outcome::Connector | Outcome::Limit | Outcome::Host if is_the_attempt => {
            Some(Again { failed: again.failed + 1, due: now, written: now, under_way: false, ..again })
        }
        // Somebody else has synced it since, or the attempt succeeded.
        _ => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn run(second: i64, command: &str, attempt: u32, outcome: Outcome) -> Run {
        Run {
            id: 1,
            sync: String::new(),
            connection: String::new(),
            connector: String::new(),
            version: None,
            component: String::new(),
            user: String::new(),
            command: command.to_owned(),
            attempt,
            started: at(second).to_string(),
            ended: None,
            outcome,
            message: None,
            totals: crate::history::Totals::default(),
            limits: BTreeMap::new(),
            tables: None,
            hosts: None,
        }
    }

    #[test]
    fn the_time_of_a_sync_runs_on_when_its_first_attempt_was_cut_short() {
        let diary = Diary::new(None);
        diary.begins("shop", 0, at(100));
        let cut = Again { failed: 0, since: at(100), due: at(500), written: at(500), under_way: false };
        diary.known().entry("shop".to_owned()).or_default().again = Some(cut);
        diary.begins("shop", 0, at(500));
        let since = |diary: &Diary| diary.known().get("shop").and_then(|known| known.again).map(|again| again.since);
        assert_eq!(since(&diary), Some(at(100)));
        diary.is_over("shop");
        diary.begins("shop", 0, at(900));
        assert_eq!(since(&diary), Some(at(900)), "another sync");
    }

    #[test]
    fn a_process_goes_on_where_another_was_killed() {
        let now = at(1_000);
        let waits = Again { failed: 2, since: at(100), due: at(2_000), written: at(200), under_way: false };
        let begun = Again { due: at(200), under_way: true, ..waits };
        let again = |again: Again, run: Option<Run>| {
            goes_on(again, run.as_ref(), now).map(|again| {
                assert_eq!((again.since, again.under_way), (at(100), false));
                // It is not taken for older than the run that it was found by.
                assert!(run.as_ref().is_none_or(|run| started(run) <= again.written));
                (again.failed, again.due)
            })
        };
        let failed = |second: i64| Some(run(second, "serve", 2, Outcome::Connector));
        assert_eq!(again(waits, failed(150)), Some((2, at(2_000))), "the rest of the wait");
        assert_eq!(again(begun, failed(150)), Some((2, now)), "it had hardly begun");
        assert_eq!(again(begun, None), Some((2, now)));
        let third = |outcome| Some(run(300, "serve", 3, outcome));
        assert_eq!(again(begun, third(Outcome::Interrupted)), Some((2, now)), "no attempt failed");
        assert_eq!(again(begun, third(Outcome::Connector)), Some((3, now)), "it had just failed");
        assert_eq!(again(begun, third(Outcome::Success)), None);
        assert_eq!(again(begun, third(Outcome::Denied)), None);
        let other = |command, attempt| Some(run(300, command, attempt, Outcome::Interrupted));
        assert_eq!(again(waits, other("run", 1)), None, "somebody else was there since");
        assert_eq!(again(begun, other("batch", 3)), None);
        assert_eq!(again(begun, other("serve", 1)), None);
    }
}
