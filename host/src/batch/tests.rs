#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

use std::sync::mpsc::{Sender, channel};
use std::sync::{Condvar, Mutex};

use super::*;

const NOW: Retry = Retry { attempts: 3, wait: Duration::from_millis(1), longest_wait: Duration::from_millis(2) };

/// What each attempt does, by job and number.
type Does<'a> = dyn Fn(usize, u32, &Cancel) -> (Class, bool) + Sync + 'a;

struct Script<'a> {
    does: &'a Does<'a>,
    log: Mutex<Vec<String>>,
}

impl Script<'_> {
    fn note(&self, text: String) {
        self.log.lock().unwrap().push(text);
    }
}

impl Work for Script<'_> {
    type Detail = String;

    fn attempt(&self, job: usize, attempt: u32, cancel: Cancel) -> Attempt<String> {
        self.note(format!("begin {job}.{attempt}"));
        let (class, again) = (self.does)(job, attempt, &cancel);
        Attempt { class, again, detail: format!("{job}.{attempt}") }
    }

    fn broken(&self, _: usize, reason: String) -> String {
        reason
    }

    fn attempted(&self, job: usize, attempt: &Attempt<String>, again_in: Option<Duration>) {
        self.note(format!("{job} {:?}{}", attempt.class, if again_in.is_some() { " again" } else { "" }));
    }

    fn ended(&self, job: usize, outcome: &Outcome<String>) {
        self.note(format!("end {job} {:?}", outcome.class));
    }
}

struct Ran {
    classes: Vec<Class>,
    attempts: Vec<u32>,
    details: Vec<Option<String>>,
    stopped: Option<String>,
    log: Vec<String>,
}

fn run_jobs(
    jobs: &[Job],
    concurrency: usize,
    does: impl Fn(usize, u32, &Cancel, &Sender<Event<String>>) -> (Class, bool) + Sync,
) -> Ran {
    let (sender, events) = channel();
    let inside = Mutex::new(sender.clone());
    let does = |job: usize, attempt: u32, cancel: &Cancel| {
        let sender = inside.lock().unwrap().clone();
        does(job, attempt, cancel, &sender)
    };
    let script = Script { does: &does, log: Mutex::default() };
    let (outcomes, stopped) = run(&script, jobs, options(concurrency, None), &sender, &events);
    Ran {
        classes: outcomes.iter().map(|one| one.class).collect(),
        attempts: outcomes.iter().map(|one| one.attempts).collect(),
        details: outcomes.into_iter().map(|one| one.detail).collect(),
        stopped,
        log: script.log.into_inner().unwrap(),
    }
}

fn job(expected: Option<u64>) -> Job {
    Job { expected: expected.map(Duration::from_secs), retry: NOW, timeout: None, memory: 1, before: Before::default() }
}

fn options(concurrency: usize, timeout: Option<Duration>) -> Options<'static> {
    Options { concurrency, most: concurrency, spare: &Nothing, timeout, again: Again::Here }
}

/// Waits as a sync does that only a cancel ends.
fn until_cancelled(cancel: &Cancel) {
    while cancel.reason().is_none() {
        std::thread::yield_now();
    }
}

#[test]
fn the_slowest_begin_first_and_the_unknown_before_them() {
    let jobs = [job(Some(1)), job(Some(30)), job(None), job(Some(5)), job(None)];
    let ran = run_jobs(&jobs, 1, |_, _, _, _| (Class::Success, false));
    let begun: Vec<_> = ran.log.iter().filter_map(|line| line.strip_prefix("begin ")).collect();
    assert_eq!(begun, ["2.1", "4.1", "1.1", "3.1", "0.1"]);
}

#[test]
fn what_can_be_helped_is_tried_again_and_nothing_else() {
    let ran = run_jobs(&[job(None), job(None), job(None), job(None)], 2, |job, attempt, _, _| match (job, attempt) {
        (0, 1 | 2) => (Class::Connector, true),
        (1, _) => (Class::Denied, false),
        (2, _) => (Class::Host, true),
        _ => (Class::Success, false),
    });
    assert_eq!(ran.classes, [Class::Success, Class::Denied, Class::Host, Class::Success]);
    assert_eq!(ran.attempts, [3, 1, 3, 1]);
}

#[test]
fn a_panic_is_the_failure_of_one() {
    let ran = run_jobs(&[Job { retry: Retry { attempts: 1, ..NOW }, ..job(None) }, job(None)], 2, |job, _, _, _| {
        assert!(job != 0, "out of luck");
        (Class::Success, false)
    });
    assert_eq!(ran.classes, [Class::Host, Class::Success]);
    assert!(ran.details[0].as_ref().unwrap().contains("out of luck"), "{:?}", ran.details);
}

#[test]
fn as_many_run_at_a_time_as_may() {
    let (running, changed) = (Mutex::new((0_usize, 0_usize)), Condvar::new());
    let jobs = vec![job(None); 9];
    run_jobs(&jobs, 3, |_, _, _, _| {
        let mut now = running.lock().unwrap();
        now.0 += 1;
        now.1 = now.1.max(now.0);
        changed.notify_all();
        // All three places are used before any is given back.
        let mut now = changed.wait_while(now, |now| now.1 < 3).unwrap();
        assert!(now.0 <= 3);
        now.0 -= 1;
        (Class::Success, false)
    });
    assert_eq!(*running.lock().unwrap(), (0, 3));
}

#[test]
fn a_stop_cancels_what_runs_and_begins_nothing() {
    let jobs = [job(Some(9)), job(Some(8)), job(Some(7))];
    let ran = run_jobs(&jobs, 2, |job, _, cancel, sender| {
        if job == 1 {
            sender.send(Event::Stop("SIGTERM".to_owned())).unwrap();
        }
        until_cancelled(cancel);
        // One had just succeeded.
        if job == 0 { (Class::Success, false) } else { (Class::Host, true) }
    });
    assert_eq!(ran.classes, [Class::Success, Class::Cancelled, Class::NotStarted]);
    assert_eq!((ran.attempts, ran.stopped.as_deref()), (vec![1, 1, 0], Some("SIGTERM")));
}

#[test]
fn a_stop_ends_the_wait_for_another_attempt() {
    let slow = Retry { attempts: 2, wait: Duration::from_secs(3_600), longest_wait: Duration::from_secs(3_600) };
    let jobs = [Job { retry: slow, ..job(None) }, job(None)];
    let ran = run_jobs(&jobs, 1, |job, _, _, sender| {
        if job == 1 {
            sender.send(Event::Stop("SIGINT".to_owned())).unwrap();
            return (Class::Success, false);
        }
        (Class::Connector, true)
    });
    assert_eq!((ran.classes, ran.attempts), (vec![Class::Connector, Class::Success], vec![1, 1]));
    assert_eq!(ran.details[0].as_deref(), Some("0.1"));
}

#[test]
fn who_waits_elsewhere_for_another_attempt_is_not_kept() {
    let (sender, events) = channel();
    let does = |_: usize, _: u32, _: &Cancel| (Class::Connector, true);
    let script = Script { does: &does, log: Mutex::default() };
    let jobs = [job(None), Job { before: Before { failed: 2, since: None }, ..job(None) }];
    let options = Options { again: Again::Elsewhere, ..options(1, None) };
    let (outcomes, _) = run(&script, &jobs, options, &sender, &events);
    assert_eq!(outcomes.iter().map(|one| one.attempts).collect::<Vec<_>>(), [1, 3]);
    let log = script.log.into_inner().unwrap();
    assert_eq!(log, ["begin 0.1", "0 Connector again", "begin 1.3", "1 Connector", "end 1 Connector"]);
}

#[test]
fn what_was_tried_before_counts_for_the_timeout() {
    let timeout = Some(Duration::from_secs(3_600));
    let since = Instant::now().checked_sub(Duration::from_secs(3_599));
    let slow = Retry { attempts: 9, wait: Duration::from_secs(60), longest_wait: Duration::from_secs(60) };
    let before = Before { failed: 1, since };
    let jobs = [Job { timeout, retry: slow, before, ..job(None) }];
    let ran = run_jobs(&jobs, 1, |_, _, _, _| (Class::Connector, true));
    assert_eq!((ran.classes, ran.attempts), (vec![Class::Connector], vec![2]));
}

#[test]
fn a_timeout_is_of_all_attempts_together() {
    let timeout = Some(Duration::from_millis(50));
    let slow = Retry { attempts: 9, wait: Duration::from_secs(3_600), longest_wait: Duration::from_secs(3_600) };
    let jobs = [Job { timeout, ..job(None) }, Job { timeout, retry: slow, ..job(None) }];
    let ran = run_jobs(&jobs, 2, |job, _, cancel, _| {
        if job == 1 {
            return (Class::Connector, true);
        }
        until_cancelled(cancel);
        (Class::Host, true)
    });
    assert_eq!((ran.classes, ran.attempts), (vec![Class::TimedOut, Class::Connector], vec![1, 1]));
    assert!(!ran.log.contains(&"1 Connector again".to_owned()));
}

#[test]
fn a_batch_has_a_timeout_too() {
    let (sender, events) = channel();
    let does = |_: usize, _: u32, cancel: &Cancel| {
        until_cancelled(cancel);
        (Class::Host, true)
    };
    let script = Script { does: &does, log: Mutex::default() };
    let options = options(1, Some(Duration::from_millis(20)));
    let (outcomes, stopped) = run(&script, &[job(None), job(None)], options, &sender, &events);
    assert_eq!(outcomes.iter().map(|one| one.class).collect::<Vec<_>>(), [Class::Cancelled, Class::NotStarted]);
    assert_eq!(stopped.as_deref(), Some("the timeout of the batch"));
}

/// A machine on which a processor always idles.
struct Idle;

impl Spare for Idle {
    fn idle(&self, _: Instant) -> usize {
        1
    }

    fn memory(&self) -> u64 {
        u64::MAX
    }
}

#[test]
fn more_run_at_a_time_while_a_processor_idles() {
    let (sender, events) = channel();
    let (running, changed) = (Mutex::new(0_usize), Condvar::new());
    let does = |_: usize, _: u32, _: &Cancel| {
        let mut now = running.lock().unwrap();
        *now += 1;
        changed.notify_all();
        // None ends before as many run as ever may.
        drop(changed.wait_while(now, |now| *now < 3).unwrap());
        (Class::Success, false)
    };
    let script = Script { does: &does, log: Mutex::default() };
    let options = Options { most: 3, spare: &Idle, ..options(1, None) };
    let (outcomes, _) = run(&script, &vec![job(None); 3], options, &sender, &events);
    assert!(outcomes.iter().all(|one| one.class == Class::Success));
}

#[test]
fn nothing_to_do_is_done() {
    let ran = run_jobs(&[], 4, |_, _, _, _| unreachable!());
    assert!(ran.classes.is_empty() && ran.stopped.is_none());
}
