//! What this machine has to spare for more syncs: processors with nothing to do, and memory.

use std::fs;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::memory::{self, Memory};

/// How many tasks more than there are processors may be ready to run: while one ends or begins to wait, and until that
/// is seen, its processor has another.
const AHEAD: usize = 1;
/// Which part of all memory is left for those that run already and grow, and for everybody else.
const KEPT_PART: u64 = 4;
/// Over how long at least it is seen how much of its share a group used.
const WINDOW: Duration = Duration::from_millis(20);

/// What a machine has to spare.
pub trait Spare: Sync {
    /// How many more syncs may begin for all processors to have something to do.
    fn idle(&self, now: Instant) -> usize;

    /// Bytes of memory that syncs may have which begin now.
    fn memory(&self) -> u64;
}

/// Nothing: as many as there may be run already.
#[derive(Debug)]
pub struct Nothing;

impl Spare for Nothing {
    fn idle(&self, _: Instant) -> usize {
        0
    }

    fn memory(&self) -> u64 {
        0
    }
}

/// What Linux says of the machine; elsewhere nothing is known to spare.
#[derive(Debug)]
pub struct Machine {
    /// Processors of which this process may use so many at a time.
    processors: usize,
    /// Whether they are only a part of the machine's.
    confined: bool,
    /// How much processor time our group had used when.
    used: Mutex<Option<(Instant, Duration)>>,
}

impl Default for Machine {
    fn default() -> Self {
        let processors = std::thread::available_parallelism().map_or(1, usize::from);
        let online = fs::read_to_string("/sys/devices/system/cpu/online").ok().and_then(|text| count(&text));
        Self { processors, confined: online.is_none_or(|online| online > processors), used: Mutex::default() }
    }
}

impl Spare for Machine {
    fn idle(&self, now: Instant) -> usize {
        if self.confined {
            // Who is ready to run elsewhere says nothing of the part of the machine that is ours.
            return self.of_group(now);
        }
        let ready = fs::read_to_string("/proc/loadavg").ok().and_then(|text| ready(&text));
        // Whoever looks is one of them.
        ready.map_or(0, |ready| lacking(self.processors, ready.saturating_sub(1)))
    }

    fn memory(&self) -> u64 {
        memory::of_machine().into_iter().chain(memory::of_group()).map(free).min().unwrap_or(0)
    }
}

impl Machine {
    fn of_group(&self, now: Instant) -> usize {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        if used.is_some_and(|(then, _)| now < then + WINDOW) {
            return 0;
        }
        let total = memory::file_of_group("cpu.stat").and_then(|text| usage(&text));
        let before = std::mem::replace(&mut *used, total.map(|total| (now, total)));
        let Some(((then, before), total)) = before.zip(total) else { return 0 };
        idle(self.processors, total.saturating_sub(before), now.saturating_duration_since(then))
    }
}

/// How many tasks are lacking for all processors to have something to do.
pub(super) fn lacking(processors: usize, ready: usize) -> usize {
    processors.saturating_add(AHEAD).saturating_sub(ready)
}

/// Memory that may be given away.
pub(super) fn free(memory: Memory) -> u64 {
    memory.available.saturating_sub(memory.total / KEPT_PART)
}

/// Processors that had little to do.
fn idle(processors: usize, used: Duration, passed: Duration) -> usize {
    if passed.is_zero() {
        return 0;
    }
    // One that had nothing to do for half of the time counts.
    (processors as f64 - used.as_secs_f64() / passed.as_secs_f64() + 0.5).max(0.0).floor() as usize
}

/// Tasks that run or could, from `/proc/loadavg`: three averages, those ready to run of all, and the newest.
fn ready(text: &str) -> Option<usize> {
    text.split_ascii_whitespace().nth(3)?.split_once('/')?.0.parse().ok()
}

/// How much processor time a control group used.
fn usage(text: &str) -> Option<Duration> {
    text.lines().find_map(|line| line.strip_prefix("usage_usec ")?.trim().parse().ok()).map(Duration::from_micros)
}

/// How many numbers a list such as `0-3,8` has.
fn count(list: &str) -> Option<usize> {
    let range = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        last.parse::<usize>().ok()?.checked_sub(first.parse().ok()?)?.checked_add(1)
    };
    list.trim().split(',').map(range).sum()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn what_linux_says_is_read() {
        assert_eq!(ready("0.20 0.18 0.12 3/80 11206\n"), Some(3));
        assert_eq!(ready("nonsense"), None);
        assert_eq!(usage("usage_usec 1500000\nuser_usec 9\n"), Some(Duration::from_millis(1_500)));
        assert_eq!((count("0-1\n"), count("0\n"), count("0-3,8,10-11\n")), (Some(2), Some(1), Some(7)));
        assert_eq!((count("\n"), count("3-1")), (None, None));
    }

    #[test]
    fn a_part_of_the_machine_is_seen_by_what_it_used() {
        let second = Duration::from_secs(1);
        for (used, expected) in [(0, 4), (400, 4), (600, 3), (3_400, 1), (3_600, 0), (4_000, 0), (9_000, 0)] {
            assert_eq!(idle(4, Duration::from_millis(used), second), expected, "{used} ms of 4 processors");
        }
        assert_eq!(idle(4, Duration::ZERO, Duration::ZERO), 0);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_machine_says_what_it_has() {
        let machine = Machine::default();
        assert!(machine.processors > 0);
        assert!(memory::of_machine().is_some_and(|memory| memory.available <= memory.total));
        assert!(ready(&fs::read_to_string("/proc/loadavg").unwrap()).is_some_and(|ready| ready > 0));
    }
}
