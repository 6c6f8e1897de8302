//! The memory limit of a sync.
//!
//! wasmtime's own limiter counts each memory alone, so that a component with many memories
//! multiplies it; this one sums over all memories of all instances of a sync.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use wasmtime::ResourceLimiter;

use crate::policy::limits::Limits;

/// What an instance needs beside its first memory before it is worth starting.
const WORKING_BYTES: usize = 8 * 1024 * 1024;

/// What the instances of a sync have together, readable while and after the sync runs.
#[derive(Debug, Default)]
pub struct MemoryUse {
    now: AtomicUsize,
    peak: AtomicUsize,
    refused: AtomicBool,
}

impl MemoryUse {
    /// The most linear memory the guest had at once, in bytes.
    pub fn peak_bytes(&self) -> u64 {
        self.peak.load(Ordering::Relaxed) as u64
    }

    /// Bytes it has now.
    pub(super) fn now(&self) -> usize {
        self.now.load(Ordering::Relaxed)
    }

    /// Takes some bytes if the limit allows it.
    fn take(&self, bytes: usize, limit: usize) -> bool {
        let more = |now: usize| now.checked_add(bytes).filter(|total| *total <= limit);
        match self.now.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more) {
            Ok(before) => {
                self.peak.fetch_max(before.saturating_add(bytes), Ordering::Relaxed);
                true
            }
            Err(_) => {
                self.refused.store(true, Ordering::Relaxed);
                false
            }
        }
    }

    fn give_back(&self, bytes: usize) {
        self.now.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Whether a request for more memory was refused.
    pub fn was_refused(&self) -> bool {
        self.refused.load(Ordering::Relaxed)
    }
}

/// Sums memories and tables, and refuses growth beyond the limits: memory over all instances of a
/// sync, the rest over one store.
#[derive(Debug)]
pub(crate) struct Limiter {
    memory_limit: usize,
    table_limit: usize,
    instances: usize,
    tables: usize,
    memories: usize,
    memory: usize,
    /// Memory of an instance that has done nothing yet.
    first: usize,
    elements: usize,
    seen: Arc<MemoryUse>,
}

impl Limiter {
    pub(crate) fn new(limits: &Limits, seen: Arc<MemoryUse>) -> Self {
        Self {
            memory_limit: limits.memory_bytes,
            table_limit: limits.table_elements,
            instances: limits.instances,
            tables: limits.tables,
            memories: limits.memories,
            memory: 0,
            first: 0,
            elements: 0,
            seen,
        }
    }

    pub(crate) fn was_refused(&self) -> bool {
        self.seen.was_refused()
    }

    /// The instance is complete: another one takes what this one has now.
    pub(crate) fn completed(&mut self) {
        self.first = self.memory;
    }

    /// Whether the memory that is left would hold another instance, and what it needs for any work.
    pub(crate) fn room_for_another(&self) -> bool {
        let needed = self.first.saturating_add(WORKING_BYTES);
        self.seen.now().saturating_add(needed) <= self.memory_limit
    }
}

impl Drop for Limiter {
    fn drop(&mut self) {
        self.seen.give_back(self.memory);
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        let more = desired.saturating_sub(current);
        let taken = self.seen.take(more, self.memory_limit);
        if taken {
            self.memory = self.memory.saturating_add(more);
        }
        // Refused, not trapped: Python sees a MemoryError and may go on.
        Ok(taken)
    }

    fn table_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        let total = self.elements.saturating_add(desired.saturating_sub(current));
        if total > self.table_limit {
            return Ok(false);
        }
        self.elements = total;
        Ok(true)
    }

    fn instances(&self) -> usize {
        self.instances
    }

    fn tables(&self) -> usize {
        self.tables
    }

    fn memories(&self) -> usize {
        self.memories
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn several_memories_share_one_limit() {
        let seen = Arc::new(MemoryUse::default());
        let limits = Limits { memory_bytes: 100, ..Limits::default() };
        let mut limiter = Limiter::new(&limits, Arc::clone(&seen));
        assert!(limiter.memory_growing(0, 60, None).unwrap());
        assert!(!limiter.memory_growing(0, 60, None).unwrap(), "a second memory must not double the limit");
        assert!(limiter.memory_growing(60, 100, None).unwrap());
        assert_eq!(seen.peak_bytes(), 100);
        assert!(seen.was_refused());
    }

    #[test]
    fn several_instances_share_one_limit_and_give_back() {
        let seen = Arc::new(MemoryUse::default());
        let limits = Limits { memory_bytes: 100, ..Limits::default() };
        let mut one = Limiter::new(&limits, Arc::clone(&seen));
        let mut other = Limiter::new(&limits, Arc::clone(&seen));
        assert!(one.memory_growing(0, 60, None).unwrap());
        assert!(!other.memory_growing(0, 60, None).unwrap());
        assert!(other.memory_growing(0, 40, None).unwrap());
        drop(one);
        assert_eq!((seen.now(), seen.peak_bytes()), (40, 100));
        assert!(other.memory_growing(40, 100, None).unwrap());
        assert!(!other.room_for_another());
    }

    #[test]
    fn table_elements_are_summed() {
        let limits = Limits { table_elements: 10, ..Limits::default() };
        let mut limiter = Limiter::new(&limits, Arc::default());
        assert!(limiter.table_growing(0, 8, None).unwrap());
        assert!(!limiter.table_growing(0, 8, None).unwrap());
    }
}
