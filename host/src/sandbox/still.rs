//! Clocks, waiting and chance of a replay: the same every time.
//!
//! The time of day stands still. The clock that measures durations moves only when the guest waits, and then by
//! exactly what it waits for, without real time passing: an event loop whose timers never come due would turn for
//! ever. Something else that is ready, such as an answer, comes before any timer. Limits of a sync use the
//! machine's clocks and know nothing of these.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use wasmtime::component::{HasData, Resource};
use wasmtime_wasi::clocks::WasiClocksCtxView;
use wasmtime_wasi::p2::bindings::clocks::monotonic_clock;
use wasmtime_wasi::p2::{DynPollable, Pollable, subscribe};
use wasmtime_wasi::{Deterministic, HostMonotonicClock, HostWallClock, WasiCtxBuilder, async_trait};

/// Bytes of chance until it repeats. Odd, so that identifiers of any usual size are different for as many calls.
const CHANCE_BYTES: usize = 1024 * 1024 + 7;

/// The number that seeds hash tables.
const HASH_SEED: u128 = 0x5be0_cd19_137e_2179_1f83_d9ab_fb41_bd6b;

/// The time that stands still.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Still {
    /// Time of day, since 1970.
    pub(crate) since_1970: Duration,
    /// Which instance of the sync it is for: each has chance of its own.
    pub(crate) instance: u64,
}

/// The clocks of one store.
#[derive(Clone)]
pub(super) struct StillClock {
    still: Still,
    waited: Arc<AtomicU64>,
}

impl StillClock {
    pub(super) fn new(still: Still) -> Self {
        Self { still, waited: Arc::default() }
    }

    /// Puts clocks and chance of a context in its hands.
    pub(super) fn rule(&self, wasi: &mut WasiCtxBuilder) {
        wasi.wall_clock(self.clone())
            .monotonic_clock(self.clone())
            .secure_random(chance("secure", self.still.instance))
            .insecure_random(chance("insecure", self.still.instance))
            .insecure_random_seed(HASH_SEED);
    }
}

fn chance(name: &str, instance: u64) -> Deterministic {
    let mut bytes = vec![0; CHANCE_BYTES];
    let mut seed = blake3::Hasher::new();
    seed.update(b"sluice replay ").update(name.as_bytes());
    if instance > 0 {
        seed.update(&instance.to_le_bytes());
    }
    seed.finalize_xof().fill(&mut bytes);
    Deterministic::new(bytes)
}

impl HostWallClock for StillClock {
    fn resolution(&self) -> Duration {
        Duration::from_micros(1)
    }

    fn now(&self) -> Duration {
        self.still.since_1970
    }
}

impl HostMonotonicClock for StillClock {
    fn resolution(&self) -> u64 {
        1
    }

    fn now(&self) -> u64 {
        self.waited.load(Ordering::Relaxed)
    }
}

/// The clock interface for a store whose clocks may stand still.
pub(super) struct Clocks<'a> {
    pub(super) wasi: WasiClocksCtxView<'a>,
    pub(super) still: Option<StillClock>,
}

/// Names [`Clocks`] for the linker.
pub(super) struct StillClocks;

impl HasData for StillClocks {
    type Data<'a> = Clocks<'a>;
}

impl monotonic_clock::Host for Clocks<'_> {
    fn now(&mut self) -> wasmtime::Result<u64> {
        self.wasi.now()
    }

    fn resolution(&mut self) -> wasmtime::Result<u64> {
        self.wasi.resolution()
    }

    fn subscribe_instant(&mut self, when: u64) -> wasmtime::Result<Resource<DynPollable>> {
        match &self.still {
            None => self.wasi.subscribe_instant(when),
            Some(clock) => {
                let timer = Timer::new(clock, when);
                let timer = self.wasi.table.push(timer)?;
                subscribe(self.wasi.table, timer)
            }
        }
    }

    fn subscribe_duration(&mut self, nanoseconds: u64) -> wasmtime::Result<Resource<DynPollable>> {
        match &self.still {
            None => self.wasi.subscribe_duration(nanoseconds),
            Some(clock) => {
                let when = HostMonotonicClock::now(clock).saturating_add(nanoseconds);
                self.subscribe_instant(when)
            }
        }
    }
}

/// A wait that is over when it is asked for a second time.
struct Timer {
    waited: Arc<AtomicU64>,
    when: u64,
    asked: AtomicBool,
}

impl Timer {
    fn new(clock: &StillClock, when: u64) -> Self {
        Self { waited: Arc::clone(&clock.waited), when, asked: AtomicBool::new(false) }
    }
}

#[async_trait]
impl Pollable for Timer {
    async fn ready(&mut self) {
        if !self.asked.swap(true, Ordering::Relaxed) {
            // what else is ready comes first
            tokio::task::yield_now().await;
        }
        self.waited.fetch_max(self.when, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasmtime_wasi::Rng as _;

    #[test]
    fn chance_is_the_same_every_time_and_does_not_repeat_soon() {
        let draw = |name, instance| {
            let mut chance = chance(name, instance);
            (0..10_000).map(|_| chance.next_u64()).collect::<Vec<_>>()
        };
        assert_eq!(draw("secure", 0), draw("secure", 0));
        assert_ne!(draw("secure", 0), draw("insecure", 0));
        assert_ne!(draw("secure", 0), draw("secure", 1));
        let different: std::collections::BTreeSet<_> = draw("secure", 0).into_iter().collect();
        assert_eq!(different.len(), 10_000);
    }

    #[test]
    fn time_moves_by_waiting_alone() {
        let clock = StillClock::new(Still { since_1970: Duration::from_secs(7), instance: 0 });
        assert_eq!(HostWallClock::now(&clock), Duration::from_secs(7));
        let mut timer = Timer::new(&clock, 5_000_000_000);
        assert_eq!(HostMonotonicClock::now(&clock), 0);
        futures_util::FutureExt::now_or_never(async {
            timer.asked.store(true, Ordering::Relaxed);
            timer.ready().await;
        });
        assert_eq!(HostMonotonicClock::now(&clock), 5_000_000_000);
        assert_eq!(HostWallClock::now(&clock), Duration::from_secs(7));
    }
}
