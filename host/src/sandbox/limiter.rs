//! The store-wide memory limit.
//!
//! wasmtime's own limiter counts each memory alone, so that a component with many memories
//! multiplies it; this one sums over the whole store.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use wasmtime::ResourceLimiter;

use crate::policy::limits::Limits;

/// What the limiter saw, readable while and after the sync runs.
#[derive(Debug, Default)]
pub struct MemoryUse {
    bytes: AtomicU64,
    refused: AtomicBool,
}

impl MemoryUse {
    /// The most linear memory the guest had at once, in bytes. Memory never shrinks, so
    /// this is also what it has now.
    pub fn peak_bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// What a worker says it had.
    pub(crate) fn claimed(&self, bytes: u64) {
        self.bytes.store(bytes, Ordering::Relaxed);
    }

    /// Whether a request for more memory was refused.
    pub fn was_refused(&self) -> bool {
        self.refused.load(Ordering::Relaxed)
    }
}

/// Sums memories and tables of one store and refuses growth beyond the limits.
#[derive(Debug)]
pub(crate) struct Limiter {
    memory_limit: usize,
    table_limit: usize,
    instances: usize,
    tables: usize,
    memories: usize,
    memory: usize,
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
            elements: 0,
            seen,
        }
    }

    pub(crate) fn was_refused(&self) -> bool {
        self.seen.was_refused()
    }
}

impl ResourceLimiter for Limiter {
    fn memory_growing(&mut self, current: usize, desired: usize, _maximum: Option<usize>) -> wasmtime::Result<bool> {
        let total = self.memory.saturating_add(desired.saturating_sub(current));
        if total > self.memory_limit {
            // Refused, not trapped: Python sees a MemoryError and may go on.
            self.seen.refused.store(true, Ordering::Relaxed);
            return Ok(false);
        }
        self.memory = total;
        self.seen.bytes.store(total as u64, Ordering::Relaxed);
        Ok(true)
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
    fn table_elements_are_summed() {
        let limits = Limits { table_elements: 10, ..Limits::default() };
        let mut limiter = Limiter::new(&limits, Arc::default());
        assert!(limiter.table_growing(0, 8, None).unwrap());
        assert!(!limiter.table_growing(0, 8, None).unwrap());
    }
}
