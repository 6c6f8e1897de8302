//! The clock that interrupts guests, which rests while none runs.
//!
//! Most of a sync is waiting, and a thousand clocks that tick a hundred times a second would take a good part of a
//! processor. So a clock that has seen no guest run for a few ticks sleeps until one does.
//!
//! **Threat.** A clock that rests while a guest runs would let it run for ever. Who runs guests therefore counts as
//! awake before they run, and each side says what it does before it looks at what the other does, so that one of
//! them sees the other.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};
use std::thread::Thread;
use std::time::Duration;

use wasmtime::EngineWeak;

use crate::policy::limits::EPOCH_TICK;

/// So many ticks without anybody awake, and the clock rests. Who waits only for a moment need not wake it.
const REST_AFTER: u32 = 5;

/// What the thread of the clock shares with those who run guests.
#[derive(Debug)]
pub(super) struct Clock {
    ticks: AtomicU64,
    /// Threads on which guests may run now.
    awake: AtomicUsize,
    resting: AtomicBool,
    thread: OnceLock<Thread>,
    /// Whether it has moved, and whom to tell.
    begun: (Mutex<bool>, Condvar),
}

/// A thread on which guests may run, for as long as this lives.
#[derive(Debug)]
pub(super) struct Awake(Arc<Clock>);

impl Clock {
    /// A clock that never rests, unless whoever made it says that no guest runs.
    pub(super) fn new() -> Self {
        let (ticks, awake) = (AtomicU64::new(0), AtomicUsize::new(1));
        Self { ticks, awake, resting: AtomicBool::new(false), thread: OnceLock::new(), begun: Default::default() }
    }

    #[cfg(test)]
    fn ticks(&self) -> u64 {
        self.ticks.load(Ordering::Relaxed)
    }

    /// Whether it moves, for which is waited so long.
    pub(super) fn has_begun(&self, within: Duration) -> bool {
        let (begun, told) = &self.begun;
        let begun = begun.lock().unwrap_or_else(PoisonError::into_inner);
        told.wait_timeout_while(begun, within, |begun| !*begun).is_ok_and(|(begun, _)| *begun)
    }

    /// Ticks until the engine is gone.
    pub(super) fn run(&self, engine: &EngineWeak) {
        let _ = self.thread.set(std::thread::current());
        let (mut idle, mut begun) = (0, false);
        while let Some(engine) = engine.upgrade() {
            engine.increment_epoch();
            self.ticks.fetch_add(1, Ordering::Relaxed);
            drop(engine);
            if !begun {
                begun = true;
                *self.begun.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
                self.begun.1.notify_all();
            }
            std::thread::sleep(EPOCH_TICK);
            idle = if self.awake.load(Ordering::SeqCst) == 0 { idle + 1 } else { 0 };
            if idle >= REST_AFTER {
                self.rest();
                idle = 0;
            }
        }
    }

    fn rest(&self) {
        self.resting.store(true, Ordering::SeqCst);
        while self.awake.load(Ordering::SeqCst) == 0 {
            std::thread::park();
        }
        self.resting.store(false, Ordering::SeqCst);
    }

    /// Guests may run on one more thread.
    pub(super) fn wake(&self) {
        self.awake.fetch_add(1, Ordering::SeqCst);
        if self.resting.load(Ordering::SeqCst)
            && let Some(thread) = self.thread.get()
        {
            thread.unpark();
        }
    }

    /// No guest runs on one of the threads.
    pub(super) fn sleep(&self) {
        self.awake.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Awake {
    pub(super) fn new(clock: &Arc<Clock>) -> Self {
        clock.wake();
        Self(Arc::clone(clock))
    }
}

impl Drop for Awake {
    fn drop(&mut self) {
        self.0.sleep();
    }
}

#[cfg(test)]
mod tests {
    use wasmtime::Engine;

    use super::*;

    #[test]
    fn it_rests_while_nobody_is_awake_and_ticks_while_somebody_is() {
        let (engine, clock) = (Engine::default(), Arc::new(Clock::new()));
        let (weak, own) = (engine.weak(), Arc::clone(&clock));
        let thread = std::thread::spawn(move || own.run(&weak));
        let until = |done: &dyn Fn() -> bool| {
            while !done() {
                std::thread::yield_now();
            }
        };
        let moves = |clock: &Clock| {
            let seen = clock.ticks();
            until(&|| clock.ticks() > seen + u64::from(REST_AFTER) * 2);
        };
        moves(&clock);
        for _ in 0..3 {
            clock.sleep();
            until(&|| clock.resting.load(Ordering::SeqCst));
            let seen = clock.ticks();
            let awake = Awake::new(&clock);
            assert!(clock.ticks() <= seen + 1, "it had been at rest");
            moves(&clock);
            clock.wake();
            drop(awake);
            moves(&clock);
        }
        drop(engine);
        assert!(thread.join().is_ok());
    }
}
