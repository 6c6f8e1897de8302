//! The time that guests of one sync use the processor.
//!
//! It is the time of the threads on which they run, from when a guest is entered until it waits or yields: what passes
//! while it waits, or while the system lets others run, is not its own. What the worker's half of the host does for a
//! guest that called it is, since nothing else would bound it.
//!
//! **Threat.** A guest that is never left must be counted while it runs: the clock of the engine makes it ask
//! [`ProcessorTime::used`] at each of its ticks.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

thread_local! {
    /// When the guest that runs on this thread was entered, by the clock of the thread.
    static ENTERED: Cell<Option<Duration>> = const { Cell::new(None) };
}

/// What the guests of one sync used so far, on all threads.
#[derive(Clone, Debug, Default)]
pub(super) struct ProcessorTime(Arc<AtomicU64>);

/// A guest is entered for as long as this lives.
struct Inside<'a>(&'a ProcessorTime);

impl ProcessorTime {
    /// Time that was used and that no thread's clock tells.
    pub(super) fn add(&self, time: Duration) {
        self.0.fetch_add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// What was used until now, by the guest that runs on this thread too.
    pub(super) fn used(&self) -> Duration {
        if ENTERED.get().is_some() {
            self.count(Some(now()));
        }
        Duration::from_nanos(self.0.load(Ordering::Relaxed))
    }

    /// Counts whatever the future does on the thread that drives it.
    pub(super) async fn counted<F: Future>(&self, guest: F) -> F::Output {
        let mut guest = pin!(guest);
        poll_fn(|context| {
            let _inside = Inside::enter(self);
            guest.as_mut().poll(context)
        })
        .await
    }

    /// Counts what this thread used since it was last counted.
    fn count(&self, then: Option<Duration>) {
        let since = ENTERED.replace(then);
        if let Some(since) = since {
            self.add(then.unwrap_or_else(now).saturating_sub(since));
        }
    }
}

impl<'a> Inside<'a> {
    fn enter(time: &'a ProcessorTime) -> Self {
        ENTERED.set(Some(now()));
        Self(time)
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.count(None);
    }
}

/// The processor time of this thread.
fn now() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap_or_default()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    const WORK: Duration = Duration::from_millis(30);

    fn work() {
        let since = now();
        while now() - since < WORK {
            std::hint::spin_loop();
        }
    }

    #[test]
    fn work_is_counted_and_waiting_is_not() {
        let time = ProcessorTime::default();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            // Another task of the thread, while the guest waits.
            let other = tokio::spawn(async {
                work();
                work();
            });
            let guest = time.counted(async {
                tokio::time::sleep(WORK).await;
                let before = time.used();
                assert!(before < WORK, "{before:?} though it only waited");
                work();
                assert!(time.used() >= before + WORK, "it is counted while it runs");
                other.await.unwrap();
            });
            guest.await;
        });
        let used = time.used();
        assert!(used >= WORK && used < WORK * 2, "{used:?}");
        work();
        assert_eq!(time.used(), used, "nobody is inside");
    }

    #[test]
    fn threads_are_counted_together() {
        let time = ProcessorTime::default();
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| futures_util::FutureExt::now_or_never(time.counted(async { work() })));
            }
        });
        time.add(WORK);
        assert!(time.used() >= WORK * 4, "{:?}", time.used());
    }
}
