//! Whether this machine has a processor and memory to spare for one more sync.

use std::fs;
use std::sync::{Mutex, PoisonError};

use super::memory::{self, Memory};

/// How much of a processor must have been idle for it to count as one to spare.
const IDLE: f64 = 0.5;
/// What one more sync may need: the default limits of its memory and its files, and its share of the host.
const MEMORY_BYTES: u64 = 400 << 20;
/// Which part of all memory is left for those that run already and grow, and for everybody else.
const KEPT_PART: u64 = 4;

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
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        // One for each: it keeps its processor busy until it waits for its source, and then the next may begin.
        match idle(before, now, processors) {
            0 => 0,
            idle => idle.min(memory::of_machine().into_iter().chain(memory::of_group()).map(room).min().unwrap_or(0)),
        }
    }
}

/// For how many more syncs there is memory.
fn room(memory: Memory) -> usize {
    let free = memory.available.saturating_sub(memory.total / KEPT_PART);
    usize::try_from(free / MEMORY_BYTES).unwrap_or(usize::MAX)
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

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn what_linux_says_is_read() {
        let stat = "cpu  100 5 50 800 20 1 2 3 9 9\ncpu0 1 1 1 1 1 1 1 1 0 0\n";
        assert_eq!(time(stat), Some(Time { idle: 820, all: 981 }));
        assert_eq!(time("intr 1 2"), None);
    }

    #[test]
    fn a_part_of_memory_is_left() {
        let of = |total: u64, available: u64| room(Memory { total: total << 20, available: available << 20 });
        assert_eq!((of(8_000, 8_000), of(8_000, 2_399), of(8_000, 2_400), of(8_000, 100)), (15, 0, 1, 0));
    }

    #[test]
    fn idle_processors_are_counted_and_busy_ones_are_not() {
        let before = Time { idle: 1_000, all: 2_000 };
        for (idle_of_100, processors, expected) in
            [(0, 4, 0), (10, 2, 0), (24, 2, 0), (25, 2, 1), (50, 2, 1), (90, 2, 2), (100, 8, 8)]
        {
            let now = Time { idle: 1_000 + idle_of_100, all: 2_100 };
            assert_eq!(idle(before, now, processors), expected, "{idle_of_100} % of {processors}");
        }
        assert_eq!(idle(before, before, 4), 0);
    }
}
