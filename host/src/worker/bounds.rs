//! How much of the machine a worker may take, as the system counts it.

use super::jail::Bounds;
use crate::policy::limits::{
    ASYNC_STACK_BYTES, BODY_WINDOW_BYTES, BUILD_CPU, COMPILE_CPU, COMPILE_FILE_BYTES, COMPILE_MEMORY_BYTES, Limits,
    TASK_BYTES,
};

const MIB: u64 = 1024 * 1024;
/// The engine, its code's data, threads and their stacks.
const OWN_MEMORY: u64 = 256 * MIB;
/// A thread with its stack and what the engine keeps for an instance.
const INSTANCE_MEMORY: u64 = 16 * MIB;
/// Calls that are encoded while the connector's values are still there, and answers on their way.
const COPIES: u64 = 4;
/// What a component is given, as it arrives and as it stays.
const GIVEN_COPIES: u64 = 3;

/// For a worker: what the connector may have, and what serving it takes. The connector's own limits come first and
/// have better messages; these are for one that got past them. `given` are the bytes of the project that the component is given.
pub(super) fn running(limits: &Limits, given: u64) -> Bounds {
    let calls = (limits.hostcall_bytes as u64).max(limits.log_bytes as u64).saturating_mul(COPIES);
    let instances = (limits.workers as u64).saturating_add(1);
    let each = (ASYNC_STACK_BYTES as u64).saturating_add(2 * TASK_BYTES as u64).saturating_add(INSTANCE_MEMORY);
    let memory = (limits.memory_bytes as u64)
        .saturating_add(limits.local_file_bytes)
        .saturating_add(instances.saturating_mul(each))
        .saturating_add(calls)
        .saturating_add((limits.concurrent_requests as u64).saturating_mul(2 * BODY_WINDOW_BYTES as u64))
        .saturating_add(given.saturating_mul(GIVEN_COPIES))
        .saturating_add(OWN_MEMORY);
    // Processor time of the connector is counted in the sandbox; this counts the host's work for it too.
    let cpu_seconds = limits.cpu.as_secs().saturating_mul(2).saturating_add(60);
    Bounds { memory, cpu_seconds, file: 0 }
}

/// For compiling a stranger's component.
pub(super) fn compiling() -> Bounds {
    Bounds { memory: COMPILE_MEMORY_BYTES, cpu_seconds: COMPILE_CPU.as_secs(), file: COMPILE_FILE_BYTES }
}

/// For a tool of a build.
pub(super) fn building() -> Bounds {
    Bounds { memory: COMPILE_MEMORY_BYTES, cpu_seconds: BUILD_CPU.as_secs(), file: COMPILE_FILE_BYTES }
}
