//! The one wasmtime engine of the process, with everything a connector does not need off.
//!
//! Most serious engine bugs of past years were in features that connectors do not use
//! (`docs/security.md` lists them); each is therefore off by name here rather than by
//! relying on a default that may change.

use std::sync::Arc;
use std::time::Duration;

use wasmtime::{Config, Engine, OptLevel, RegallocAlgorithm, Strategy};

use super::clock::{Awake, Clock};
use crate::policy::limits::{ASYNC_STACK_BYTES, WASM_STACK_BYTES};

/// How many frames of CPython's C code a trap's message may name: enough to tell a stack
/// overflow from an abort, no more, since a guest chooses the names.
const BACKTRACE_FRAMES: usize = 16;

/// How long [`SandboxEngine::new`] waits to see the ticker move.
const TICKER_TEST: Duration = Duration::from_secs(5);

/// Why there is no engine.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// wasmtime refused the configuration on this machine.
    #[error("could not set up the WebAssembly engine: {0}")]
    Config(String),
    /// The thread that interrupts guests could not be started.
    #[error("could not start the clock that interrupts connectors: {0}")]
    Ticker(#[source] std::io::Error),
    /// The clock does not move, so nothing would ever stop an endless loop.
    #[error("the clock that interrupts connectors does not move")]
    TickerStuck,
}

/// An engine and the clock that interrupts its guests. One per process.
#[derive(Clone)]
pub struct SandboxEngine {
    engine: Engine,
    clock: Arc<Clock>,
}

impl SandboxEngine {
    /// Makes the engine and starts its clock, which ends with the engine.
    ///
    /// # Errors
    /// See [`EngineError`].
    pub fn new() -> Result<Self, EngineError> {
        let engine = Self::without_clock()?;
        engine.start_clock()?;
        Ok(engine)
    }

    /// Makes an engine that no component runs in yet: one that names or compiles machine code, or that maps it
    /// while the process still has one thread.
    ///
    /// # Errors
    /// [`EngineError::Config`].
    pub(crate) fn without_clock() -> Result<Self, EngineError> {
        let engine = Engine::new(&config()).map_err(|error| EngineError::Config(error.to_string()))?;
        Ok(Self { engine, clock: Arc::new(Clock::new()) })
    }

    /// Starts the clock that interrupts guests.
    ///
    /// # Errors
    /// [`EngineError::Ticker`].
    pub(crate) fn start_clock(&self) -> Result<(), EngineError> {
        let (weak, clock) = (self.engine.weak(), Arc::clone(&self.clock));
        let ticking = std::thread::Builder::new().name("epoch".into()).spawn(move || clock.run(&weak));
        ticking.map(drop).map_err(EngineError::Ticker)
    }

    /// A runtime of one thread, the only one on which guests run beside those that hold an [`Awake`]. While it waits
    /// the clock may rest.
    ///
    /// # Errors
    /// As the system says.
    pub(crate) fn resting_runtime(&self) -> std::io::Result<tokio::runtime::Runtime> {
        let (waits, goes_on) = (Arc::clone(&self.clock), Arc::clone(&self.clock));
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .on_thread_park(move || waits.sleep())
            .on_thread_unpark(move || goes_on.wake())
            .build()
    }

    /// For a thread on which a guest runs beside the one that waits for it.
    pub(super) fn awake(&self) -> Awake {
        Awake::new(&self.clock)
    }

    /// wasmtime's engine.
    pub(crate) fn raw(&self) -> &Engine {
        &self.engine
    }

    /// Asserts that the clock moves: without it every time limit would be silently inert.
    ///
    /// # Errors
    /// [`EngineError::TickerStuck`] when it does not within five seconds.
    pub fn assert_ticking(&self) -> Result<(), EngineError> {
        match self.clock.has_begun(TICKER_TEST) {
            true => Ok(()),
            false => Err(EngineError::TickerStuck),
        }
    }
}

fn config() -> Config {
    let mut config = Config::new();
    // Garbage collection, typed function references, exceptions, threads, streams and the
    // other compiler are not even compiled in: `host/Cargo.toml` leaves their features out.
    config
        // Cranelift only: the other compiler has had sandbox escapes.
        .strategy(Strategy::Cranelift)
        .cranelift_opt_level(OptLevel::Speed)
        .cranelift_regalloc_algorithm(RegallocAlgorithm::Backtracking)
        .parallel_compilation(true)
        .epoch_interruption(true)
        // CPython's own guard against C recursion fires before this much stack is used;
        // with less, deeply nested JSON from an API would be a trap that Python can't catch.
        .max_wasm_stack(WASM_STACK_BYTES)
        // The difference is what host functions have when a guest calls them at full depth.
        .async_stack_size(ASYNC_STACK_BYTES)
        .wasm_backtrace_max_frames(std::num::NonZeroUsize::new(BACKTRACE_FRAMES))
        .wasm_component_model(true)
        .wasm_component_model_map(false)
        .wasm_component_model_fixed_length_lists(false)
        .concurrency_support(false)
        .gc_support(false)
        .shared_memory(false)
        .wasm_memory64(false)
        .wasm_multi_memory(false)
        .wasm_relaxed_simd(false)
        .wasm_tail_call(false)
        .wasm_wide_arithmetic(false)
        .wasm_custom_page_sizes(false);
    config
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use wasmtime::Module;

    use super::*;

    /// `check` refuses most of them before; the engine does so by itself.
    #[test]
    fn features_of_the_engine_are_off() {
        let engine = SandboxEngine::without_clock().unwrap();
        let compiles = |text: &str| Module::new(engine.raw(), wat::parse_str(text).unwrap()).is_ok();
        assert!(compiles("(module (memory 1))"));
        for text in [
            "(module (memory i64 1))",
            "(module (memory 1) (memory 1))",
            "(module (memory 1 1 shared))",
            "(module (func $f (return_call $f)))",
            "(module (func (result v128) (i8x16.relaxed_swizzle (v128.const i64x2 0 0) (v128.const i64x2 0 0))))",
            "(module (func (result i64 i64) (i64.mul_wide_u (i64.const 1) (i64.const 1))))",
            "(module (memory 1 (pagesize 1)))",
            "(module (tag $t) (func (throw $t)))",
            "(module (type (struct (field i32))))",
        ] {
            assert!(!compiles(text), "{text}");
        }
    }
}
