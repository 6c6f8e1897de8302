//! Places on a machine that is simulated: what its processors do while somebody waits to begin, and its memory.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::memory::Memory;
use super::spare::{Spare, free, lacking};
use super::{MOST_PASSES, Place, Places, Waits, fitting};

const MIB: u64 = 1 << 20;
const STEP: Duration = Duration::from_millis(1);
/// What most syncs are said to need, in MiB.
const NEEDS: u64 = 400;

/// What a sync does: it computes, waits for its source and computes again, in milliseconds.
#[derive(Clone, Copy)]
struct Does {
    first: u64,
    waits: u64,
    then: u64,
    /// MiB that it is said to need.
    needs: u64,
    /// MiB that it has once it has computed for the first time, growing evenly.
    memory: u64,
}

/// A sync under way.
struct Sync {
    does: Does,
    place: Place,
    /// What is left of each part.
    left: [Duration; 3],
}

impl Sync {
    fn new(does: Does, place: Place) -> Self {
        Self { does, place, left: [does.first, does.waits, does.then].map(Duration::from_millis) }
    }

    fn part(&self) -> Option<usize> {
        self.left.iter().position(|left| !left.is_zero())
    }

    fn memory(&self) -> u64 {
        let done = self.does.first as f64 - self.left[0].as_secs_f64() * 1_000.0;
        (self.does.memory as f64 * done / self.does.first as f64) as u64 * MIB
    }
}

struct Machine {
    processors: usize,
    total: u64,
    ready: AtomicUsize,
    available: AtomicU64,
    looks: AtomicUsize,
}

impl Spare for Machine {
    fn idle(&self, _: Instant) -> usize {
        self.looks.fetch_add(1, Ordering::Relaxed);
        lacking(self.processors, self.ready.load(Ordering::Relaxed))
    }

    fn memory(&self) -> u64 {
        free(Memory { total: self.total, available: self.available.load(Ordering::Relaxed) })
    }
}

/// What became of a fleet.
#[derive(Debug)]
struct Seen {
    took: Duration,
    most: usize,
    /// What part of the processors idled, while somebody waited to begin, although there was memory.
    idle: f64,
    least_available: u64,
    looks: usize,
    /// How often somebody passed the first.
    passes: u32,
}

fn run(fleet: &[Does], (usual, most): (usize, usize), (processors, gib): (usize, u64)) -> Seen {
    let total = gib << 30;
    let machine = Machine {
        processors,
        total,
        ready: AtomicUsize::default(),
        available: AtomicU64::new(total),
        looks: AtomicUsize::default(),
    };
    let start = Instant::now();
    let (mut now, mut places, mut running) = (start, Places::new(usual, most, &machine), Vec::<Sync>::new());
    let mut waiting: Vec<_> = fleet.iter().map(|does| (*does, Waits { memory: does.needs * MIB, passed: 0 })).collect();
    let (mut idled, mut waited, turn) = (Duration::ZERO, Duration::ZERO, Cell::new(0));
    let mut seen = Seen { took: Duration::ZERO, most: 0, idle: 0.0, least_available: total, looks: 0, passes: 0 };
    let mut wakes = Some(start);
    while !waiting.is_empty() || !running.is_empty() {
        // As a batch does: it asks when it wakes up for it, and when a sync has ended.
        while !waiting.is_empty() && wakes.is_some_and(|wakes| wakes <= now) {
            let order = waiting.iter().map(|(_, waits)| *waits).enumerate();
            match fitting(order, |_, memory| places.take(memory, now)) {
                Some((at, place)) => {
                    waiting[0].1.passed += u32::from(at > 0);
                    seen.passes = seen.passes.max(waiting[0].1.passed);
                    running.push(Sync::new(waiting.remove(at).0, place));
                    // Its first thread can run as soon as it was made.
                    machine.ready.fetch_add(1, Ordering::Relaxed);
                }
                None => wakes = places.wakes(now),
            }
        }
        let next = waiting.first().map(|(_, waits)| waits.memory);
        let ready: Vec<_> = (0..running.len()).filter(|at| running[*at].part() != Some(1)).collect();
        for at in 0..processors.min(ready.len()) {
            let sync = &mut running[ready[(at + turn.get()) % ready.len()]];
            let part = sync.part().unwrap();
            sync.left[part] = sync.left[part].saturating_sub(STEP);
        }
        turn.set(turn.get() + processors);
        for sync in running.iter_mut().filter(|sync| sync.part() == Some(1)) {
            sync.left[1] = sync.left[1].saturating_sub(STEP);
        }
        if next.is_some() {
            waited += STEP * u32::try_from(processors).unwrap();
        }
        if next.is_some_and(|needs| machine.memory() >= needs) && running.len() < most {
            idled += STEP * u32::try_from(processors.saturating_sub(ready.len())).unwrap();
        }
        let ended: Vec<_> = running.iter().filter(|sync| sync.part().is_none()).map(|sync| sync.place).collect();
        running.retain(|sync| sync.part().is_some());
        now += STEP;
        for place in ended {
            places.give_back(place);
            wakes = Some(now);
        }
        let used: u64 = running.iter().map(Sync::memory).sum();
        machine.available.store(total.saturating_sub(used), Ordering::Relaxed);
        machine.ready.store(running.iter().filter(|sync| sync.part() != Some(1)).count(), Ordering::Relaxed);
        seen.most = seen.most.max(running.len());
        seen.least_available = seen.least_available.min(total.saturating_sub(used));
    }
    seen.took = now - start;
    seen.idle = idled.as_secs_f64() / waited.as_secs_f64().max(f64::MIN_POSITIVE);
    seen.looks = machine.looks.load(Ordering::Relaxed);
    seen
}

/// Of ten, four are short, three wait for their source, two fail at once and one computes until its limit.
fn mixed(count: usize) -> Vec<Does> {
    let kind = |at: usize| match at % 10 {
        0..=3 => Does { first: 38, waits: 0, then: 0, needs: NEEDS, memory: 20 },
        4..=6 => Does { first: 30, waits: 2_000, then: 8, needs: NEEDS, memory: 20 },
        7 | 8 => Does { first: 30, waits: 0, then: 0, needs: NEEDS, memory: 20 },
        _ => Does { first: 500, waits: 0, then: 500, needs: NEEDS, memory: 256 },
    };
    (0..count).map(kind).collect()
}

#[test]
fn no_processor_idles_while_somebody_waits() {
    for (processors, gib) in [(2, 24), (2, 8), (8, 32), (1, 16)] {
        let seen = run(&mixed(100), (processors * 4, 1_024), (processors, gib));
        assert!(seen.idle < 0.02, "{processors} processors, {gib} GiB: {seen:?}");
    }
}

#[test]
fn those_who_only_wait_are_many() {
    let waits = Does { first: 20, waits: 15_000, then: 5, needs: NEEDS, memory: 10 };
    let seen = run(&vec![waits; 1_100], (8, 1_024), (2, 64));
    assert_eq!(seen.most, 1_024);
    assert!(seen.idle < 0.02, "{seen:?}");
    // 1,024 begin within a second more than their processor time, and then the others as those end.
    assert!(seen.took < Duration::from_millis(2 * (15_000 + 12_000)), "{seen:?}");
}

#[test]
fn memory_bounds_them() {
    for gib in [4, 8, 16] {
        let large = Does { first: 60, waits: 5_000, then: 5, needs: NEEDS, memory: 320 };
        let seen = run(&vec![large; 200], (2, 1_024), (2, gib));
        assert!(seen.least_available >= (gib << 30) / 4, "{gib} GiB: {seen:?}");
        // What is kept for those that have just begun, and is theirs already, keeps others out for a moment.
        assert!(seen.idle < 0.15, "{gib} GiB: {seen:?}");
        assert!(seen.most as u64 >= (gib * 1_024 * 3 / 4 - 400) / 320, "{gib} GiB: {seen:?}");
    }
}

#[test]
fn busy_processors_get_no_more_than_the_usual() {
    let seen = run(&[Does { first: 500, waits: 0, then: 500, needs: NEEDS, memory: 50 }; 40], (8, 1_024), (2, 24));
    assert_eq!(seen.most, 8);
    assert!(seen.looks < 40 * 1_000, "{seen:?}");
}

#[test]
fn a_number_that_is_asked_for_is_kept_to() {
    let seen = run(&mixed(40), (3, 3), (4, 24));
    assert_eq!((seen.most, seen.looks), (3, 0));
}

#[test]
fn small_ones_pass_a_large_one_that_has_to_wait_for_memory_but_not_for_ever() {
    let holds = Does { first: 20, waits: 4_000, then: 5, needs: 400, memory: 350 };
    let large = Does { first: 60, waits: 1_000, then: 5, needs: 5_000, memory: 4_800 };
    let small = Does { first: 10, waits: 300, then: 5, needs: 100, memory: 90 };
    let fleet = |small_ones: usize| {
        let mut fleet = vec![holds; 8];
        fleet.push(large);
        fleet.extend(vec![small; small_ones]);
        fleet
    };
    // Eight of them leave 3.2 GiB of what may be given away, which is too little for the large one until they end.
    let few = run(&fleet(10), (2, 1_024), (2, 8));
    assert_eq!(few.passes, 10, "{few:?}");
    assert!(few.took < Duration::from_millis(5_500), "the small ones are done before the large one begins: {few:?}");
    let many = run(&fleet(500), (2, 1_024), (2, 8));
    assert_eq!(many.passes, MOST_PASSES, "{many:?}");
    assert!(many.least_available >= (8 << 30) / 4, "{many:?}");
    assert!(many.took < Duration::from_millis(15_000), "{many:?}");
}
