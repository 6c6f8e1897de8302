//! Whether this machine has a processor and memory to spare for one more sync.

use std::fs;
use std::sync::{Mutex, PoisonError};

/// How much of a processor must have been idle for it to count as one to spare.
const IDLE: f64 = 0.7;
/// Syncs that one idle processor is given at once: most of a sync is waiting.
const FOR_AN_IDLE_PROCESSOR: usize = 2;
/// What one more sync may need: the default limits of its memory and its files, and its share of the host.
const MEMORY_BYTES: u64 = 400 << 20;

/// What a machine has to spare.
pub trait Spare: Sync {
    /// How many more syncs may begin now, by what happened since it was asked last.
    fn more(&self) -> usize;
}

/// Nothing: as many as there may be run already.
#[derive(Debug)]
pub struct Nothing;

impl Spare for Nothing {
    fn more(&self) -> usize {
        0
    }
}

/// What Linux says of the machine; elsewhere nothing is known to spare.
#[derive(Debug, Default)]
pub struct Machine(Mutex<Option<Time>>);

/// Time of all processors together, in ticks since the machine began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Time {
    idle: u64,
    all: u64,
}

impl Spare for Machine {
    fn more(&self) -> usize {
        let now = fs::read_to_string("/proc/stat").ok().and_then(|text| time(&text));
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((before, now)) = std::mem::replace(&mut *last, now).zip(now) else { return 0 };
        let available = fs::read_to_string("/proc/meminfo").ok().and_then(|text| available(&text)).unwrap_or(0);
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let room = usize::try_from(available / MEMORY_BYTES).unwrap_or(usize::MAX);
        (idle(before, now, processors) * FOR_AN_IDLE_PROCESSOR).min(room)
    }
}

/// Processors that were idle between two moments.
fn idle(before: Time, now: Time, processors: usize) -> usize {
    let (idle, all) = (now.idle.saturating_sub(before.idle), now.all.saturating_sub(before.all));
    if all == 0 {
        return 0;
    }
    // One that was idle for most of the time counts.
    (processors as f64 * (idle as f64 / all as f64) + (1.0 - IDLE)).floor() as usize
}

/// From the first line of `/proc/stat`: user, nice, system, idle, iowait, irq, softirq, steal.
fn time(stat: &str) -> Option<Time> {
    let line = stat.lines().next()?.strip_prefix("cpu ")?;
    let ticks: Vec<u64> = line.split_whitespace().take(8).map_while(|tick| tick.parse().ok()).collect();
    let idle = ticks.get(3)?.saturating_add(*ticks.get(4)?);
    Some(Time { idle, all: ticks.iter().sum() })
}

/// From `/proc/meminfo`, in bytes.
fn available(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn what_linux_says_is_read() {
        let stat = "cpu  100 5 50 800 20 1 2 3 9 9\ncpu0 1 1 1 1 1 1 1 1 0 0\n";
        assert_eq!(time(stat), Some(Time { idle: 820, all: 981 }));
        assert_eq!(time("intr 1 2"), None);
        assert_eq!(available("MemTotal: 9 kB\nMemAvailable:    2048 kB\n"), Some(2 << 20));
    }

    #[test]
    fn idle_processors_are_counted_and_busy_ones_are_not() {
        let before = Time { idle: 1_000, all: 2_000 };
        for (idle_of_100, processors, expected) in
            [(0, 4, 0), (10, 2, 0), (34, 2, 0), (35, 2, 1), (50, 2, 1), (90, 2, 2), (100, 8, 8)]
        {
            let now = Time { idle: 1_000 + idle_of_100, all: 2_100 };
            assert_eq!(idle(before, now, processors), expected, "{idle_of_100} % of {processors}");
        }
        assert_eq!(idle(before, before, 4), 0);
    }
}
