//! What is still to be begun, in order.

use std::time::{Duration, Instant};

use super::passing::{Lacking, Waits, fitting};
use super::{Attempt, Before, Job};

/// A job that has not ended and does not run.
pub(super) struct Next<T> {
    pub(super) job: usize,
    /// How often it failed.
    pub(super) failed: u32,
    /// When its first attempt began.
    pub(super) since: Option<Instant>,
    /// How the last attempt ended.
    pub(super) last: Option<Attempt<T>>,
    not_before: Option<Instant>,
    expected: Duration,
    waits: Waits,
}

pub(super) struct Queue<T>(Vec<Next<T>>);

impl<T> Queue<T> {
    /// The slowest comes last here, where it is taken from; equal ones stay in order.
    pub(super) fn new(jobs: &[Job]) -> Self {
        let mut all: Vec<_> = jobs
            .iter()
            .enumerate()
            .map(|(job, known)| {
                let expected = known.expected.unwrap_or(Duration::MAX);
                let Before { failed, since } = known.before;
                let waits = Waits { memory: known.memory, passed: 0 };
                Next { job, failed, since, last: None, not_before: None, expected, waits }
            })
            .collect();
        all.reverse();
        all.sort_by_key(|next| next.expected);
        Self(all)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes the slowest that may begin and gets a place for the memory that it may need.
    pub(super) fn next<P>(
        &mut self,
        now: Instant,
        mut place: impl FnMut(u64) -> Result<P, Lacking>,
    ) -> Option<(Next<T>, P)> {
        let ready = |next: &Next<T>| next.not_before.is_none_or(|time| time <= now);
        let first = self.0.iter().rposition(ready)?;
        let waiting = self.0.iter().enumerate().rev().filter(|(_, next)| ready(next));
        let (at, place) = fitting(waiting.map(|(at, next)| (at, next.waits)), |_, memory| place(memory))?;
        if let Some(passed) = self.0.get_mut(first).filter(|_| at != first) {
            passed.waits.passed += 1;
        }
        Some((self.0.remove(at), place))
    }

    /// Whether one may begin.
    pub(super) fn is_ready(&self, now: Instant) -> bool {
        self.0.iter().any(|next| next.not_before.is_none_or(|time| time <= now))
    }

    /// When the next that waits may begin; None when none waits.
    pub(super) fn wakes(&self) -> Option<Instant> {
        self.0.iter().filter_map(|next| next.not_before).min()
    }

    /// Puts a job back, which may need so much memory.
    pub(super) fn again(
        &mut self,
        (job, memory): (usize, u64),
        failed: u32,
        since: Instant,
        at: Instant,
        last: Attempt<T>,
    ) {
        // It took so long, and is as slow as that.
        let expected = since.elapsed();
        let waits = Waits { memory, passed: 0 };
        let next = Next { job, failed, since: Some(since), last: Some(last), not_before: Some(at), expected, waits };
        let place = self.0.partition_point(|other| other.expected <= expected);
        self.0.insert(place, next);
    }

    /// Takes all of them.
    pub(super) fn take_all(&mut self) -> Vec<(usize, Next<T>)> {
        let mut all = std::mem::take(&mut self.0);
        all.sort_by_key(|next| next.job);
        all.into_iter().map(|next| (next.job, next)).collect()
    }
}
