//! Many syncs in one process: who comes first, how many at a time, what is tried again, and when all of it ends.
//!
//! It knows nothing of what a sync is. Each attempt is a thread; one that fails, or panics, touches no other.
//!
//! - The slowest of last time begin first, so that no long one is left over at the end; one whose time is not known
//!   may be the slowest and begins before them.
//! - An attempt that says that trying again can help is tried again as its [`Retry`] says. It gives its place to others
//!   while it waits.
//! - There are more at a time than usual while a processor would idle: a sync mostly waits for its source.
//! - When there is too little memory for the one whose turn it is, smaller ones begin before it, but only so many.
//! - When the batch is stopped nothing begins any more, and what runs is cancelled.

mod memory;
mod outcome;
mod passing;
mod places;
mod queue;
#[cfg(test)]
mod simulated;
mod spare;
#[cfg(test)]
mod tests;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::thread::{Builder, Scope};
use std::time::{Duration, Instant};

pub use outcome::{Class, Outcome};
pub use passing::{Lacking, MOST_PASSES, Waits, fitting};
pub use places::{Place, Places};
pub use spare::{Machine, Nothing, Spare};

use crate::fleet::Retry;
use crate::sync::Cancel;
use queue::Queue;

/// One sync of a batch.
#[derive(Clone, Debug, Default)]
pub struct Job {
    /// How long it took last time.
    pub expected: Option<Duration>,
    /// How often it is tried.
    pub retry: Retry,
    /// The longest all its attempts may take, waits included.
    pub timeout: Option<Duration>,
    /// Bytes of memory that it may need.
    pub memory: u64,
    /// What was tried of it before this process knew it.
    pub before: Before,
}

/// What was tried of a job before.
#[derive(Clone, Copy, Debug, Default)]
pub struct Before {
    /// How often it failed.
    pub failed: u32,
    /// When the first attempt began, if there was one.
    pub since: Option<Instant>,
}

/// How one attempt ended.
#[derive(Debug)]
pub struct Attempt<T> {
    /// Its class.
    pub class: Class,
    /// Whether trying again can help.
    pub again: bool,
    /// What is known of it.
    pub detail: T,
}

/// What a batch consists of.
pub trait Work: Sync {
    /// What is known of an attempt.
    type Detail: Send;

    /// Makes an attempt, of 1 and more, until it ends or is cancelled.
    fn attempt(&self, job: usize, attempt: u32, cancel: Cancel) -> Attempt<Self::Detail>;

    /// What is known of an attempt that panicked, or could not begin, and why.
    fn broken(&self, job: usize, reason: String) -> Self::Detail;

    /// An attempt ended; with how long it waits, if it is tried again.
    fn attempted(&self, job: usize, attempt: &Attempt<Self::Detail>, again_in: Option<Duration>);

    /// A job has ended.
    fn ended(&self, job: usize, outcome: &Outcome<Self::Detail>);
}

/// What may happen to a batch from outside and inside.
#[derive(Debug)]
pub enum Event<T> {
    /// Nothing begins any more, for this reason.
    Stop(String),
    /// An attempt ended.
    Ended(usize, Attempt<T>),
}

/// How a batch runs.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// Most attempts at a time, while nothing is to spare.
    pub concurrency: usize,
    /// Most attempts at a time.
    pub most: usize,
    /// What is to spare beyond `concurrency`.
    pub spare: &'a dyn Spare,
    /// The longest all of it may take.
    pub timeout: Option<Duration>,
    /// Who waits until an attempt is made again.
    pub again: Again,
}

/// Who waits until an attempt is made again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Again {
    /// The batch does.
    #[default]
    Here,
    /// Whoever runs it, as [`Work::attempted`] was told: such a job has an outcome and has not ended.
    Elsewhere,
}

/// Runs jobs until all have ended; answers their outcomes in order, and why it was stopped, if it was. What `sender`
/// sends, and others who have it, comes out of `events`.
pub fn run<W: Work>(
    work: &W,
    jobs: &[Job],
    options: Options<'_>,
    sender: &Sender<Event<W::Detail>>,
    events: &Receiver<Event<W::Detail>>,
) -> (Vec<Outcome<W::Detail>>, Option<String>) {
    std::thread::scope(|scope| {
        let outcomes = jobs.iter().map(|_| None).collect();
        let queue = Queue::new(jobs);
        let mut batch = Batch {
            work,
            jobs,
            sender,
            scope,
            queue,
            outcomes,
            running: Vec::new(),
            places: Places::new(options.concurrency, options.most, options.spare),
            stopped: None,
            again: options.again,
        };
        let deadline = options.timeout.map(|timeout| Instant::now() + timeout);
        loop {
            batch.begin();
            if batch.running.is_empty() && batch.queue.is_empty() {
                break;
            }
            batch.wait(events, deadline);
        }
        let missing = || Outcome { class: Class::NotStarted, attempts: 0, wall: Duration::ZERO, detail: None };
        let outcomes = batch.outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(missing)).collect();
        (outcomes, batch.stopped)
    })
}

/// An attempt under way.
struct Running {
    job: usize,
    attempt: u32,
    cancel: Cancel,
    /// When the first attempt of its job began.
    since: Instant,
    late: bool,
    place: Place,
}

struct Batch<'scope, 'env, W: Work> {
    work: &'env W,
    jobs: &'env [Job],
    sender: &'env Sender<Event<W::Detail>>,
    scope: &'scope Scope<'scope, 'env>,
    queue: Queue<W::Detail>,
    running: Vec<Running>,
    places: Places<'env>,
    outcomes: Vec<Option<Outcome<W::Detail>>>,
    stopped: Option<String>,
    again: Again,
}

impl<W: Work> Batch<'_, '_, W> {
    /// Begins what may begin now.
    fn begin(&mut self) {
        while self.stopped.is_none() {
            let now = Instant::now();
            let Some((next, place)) = self.queue.next(now, |memory| self.places.take(memory, now)) else { return };
            let (job, attempt) = (next.job, next.failed + 1);
            let since = next.since.unwrap_or_else(Instant::now);
            let cancel = Cancel::by_hand();
            self.running.push(Running { job, attempt, cancel: cancel.clone(), since, late: false, place });
            let (work, sender) = (self.work, self.sender.clone());
            let body = move || {
                let attempted = catch_unwind(AssertUnwindSafe(|| work.attempt(job, attempt, cancel)));
                let attempted = attempted.unwrap_or_else(|panic| broken(work, job, &said(&*panic)));
                // The batch waits for every attempt, so that somebody listens.
                let _ = sender.send(Event::Ended(job, attempted));
            };
            if let Err(error) = Builder::new().name("sync".to_owned()).spawn_scoped(self.scope, body) {
                let broken = broken(self.work, job, &format!("could not start a thread: {error}"));
                self.ended(job, broken);
            }
        }
    }

    /// Waits until something happens, at most until something is to be done.
    fn wait(&mut self, events: &Receiver<Event<W::Detail>>, deadline: Option<Instant>) {
        let now = Instant::now();
        // Who may begin now did not get a place.
        let wake = match self.queue.is_ready(now) {
            true => self.places.wakes(now),
            false => self.queue.wakes(),
        };
        let late = self.running.iter().filter(|running| !running.late).filter_map(|running| self.deadline(running));
        let until = late.chain(wake).chain(deadline.filter(|_| self.stopped.is_none())).min();
        let event = match until {
            None => events.recv().map_err(|_| RecvTimeoutError::Disconnected),
            Some(until) => events.recv_timeout(until.saturating_duration_since(now)),
        };
        match event {
            Ok(Event::Ended(job, attempt)) => self.ended(job, attempt),
            Ok(Event::Stop(reason)) => self.stop(reason),
            Err(_) => {}
        }
        let now = Instant::now();
        if self.stopped.is_none() && deadline.is_some_and(|deadline| deadline <= now) {
            self.stop("the timeout of the batch".to_owned());
        }
        self.cancel_late(now);
    }

    fn deadline(&self, running: &Running) -> Option<Instant> {
        let timeout = self.jobs.get(running.job).and_then(|job| job.timeout)?;
        Some(running.since + timeout)
    }

    fn cancel_late(&mut self, now: Instant) {
        let mut all = std::mem::take(&mut self.running);
        for running in &mut all {
            if !running.late && self.deadline(running).is_some_and(|deadline| deadline <= now) {
                running.late = true;
                running.cancel.cancel("its timeout");
            }
        }
        self.running = all;
    }

    fn stop(&mut self, reason: String) {
        for running in &self.running {
            running.cancel.cancel(&reason);
        }
        for (job, next) in self.queue.take_all() {
            let class = next.last.as_ref().map_or(Class::NotStarted, |last| last.class);
            let wall = next.since.map(|since| since.elapsed()).unwrap_or_default();
            self.finish(job, Outcome { class, attempts: next.failed, wall, detail: next.last.map(|last| last.detail) });
        }
        self.stopped.get_or_insert(reason);
    }

    fn ended(&mut self, job: usize, mut attempt: Attempt<W::Detail>) {
        let Some(at) = self.running.iter().position(|running| running.job == job) else { return };
        let running = self.running.swap_remove(at);
        self.places.give_back(running.place);
        let cancelled = running.cancel.reason().is_some() && attempt.class == Class::Host;
        if cancelled {
            attempt.class = if running.late { Class::TimedOut } else { Class::Cancelled };
        }
        let again = attempt.again && !cancelled && !running.late && self.stopped.is_none();
        let retry = self.jobs.get(job).map(|job| job.retry).unwrap_or_default();
        let wait = retry.wait_after(running.attempt, chance()).filter(|_| again);
        // What would only be cancelled is not begun.
        let wait = wait.filter(|wait| self.deadline(&running).is_none_or(|late| Instant::now() + *wait < late));
        self.work.attempted(job, &attempt, wait);
        if let Some(wait) = wait.filter(|_| self.again == Again::Here) {
            let memory = self.jobs.get(job).map_or(0, |job| job.memory);
            self.queue.again((job, memory), running.attempt, running.since, Instant::now() + wait, attempt);
            return;
        }
        let Attempt { class, detail, .. } = attempt;
        let (attempts, elapsed) = (running.attempt, running.since.elapsed());
        let outcome = Outcome { class, attempts, wall: elapsed, detail: Some(detail) };
        match wait {
            Some(_) => self.keep(job, outcome),
            None => self.finish(job, outcome),
        }
    }

    fn finish(&mut self, job: usize, outcome: Outcome<W::Detail>) {
        self.work.ended(job, &outcome);
        self.keep(job, outcome);
    }

    fn keep(&mut self, job: usize, outcome: Outcome<W::Detail>) {
        if let Some(slot) = self.outcomes.get_mut(job) {
            *slot = Some(outcome);
        }
    }
}

fn broken<W: Work>(work: &W, job: usize, reason: &str) -> Attempt<W::Detail> {
    Attempt { class: Class::Host, again: true, detail: work.broken(job, reason.to_owned()) }
}

fn said(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    format!("sluice has a fault of its own, please report it: {}", text.unwrap_or_else(|| "it panicked".to_owned()))
}

/// From 0 to 1.
fn chance() -> f64 {
    use std::hash::{BuildHasher as _, RandomState};
    // Each state of the standard library is keyed by chance.
    RandomState::new().hash_one(0_u8) as f64 / u64::MAX as f64
}
