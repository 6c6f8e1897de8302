//! Counters of a running sync, shared between the threads that work on it and the one that
//! shows them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Counters of one sync. Reading them is always possible and never exact to the moment.
#[derive(Debug)]
pub struct Counters {
    started: Instant,
    received_rows: AtomicU64,
    received_bytes: AtomicU64,
    written_rows: AtomicU64,
    checkpoints: AtomicU64,
    last_checkpoint_millis: AtomicU64,
    requests: AtomicU64,
    files: AtomicU64,
    file_bytes: AtomicU64,
}

impl Default for Counters {
    fn default() -> Self {
        Self {
            started: Instant::now(),
            received_rows: AtomicU64::new(0),
            received_bytes: AtomicU64::new(0),
            written_rows: AtomicU64::new(0),
            checkpoints: AtomicU64::new(0),
            last_checkpoint_millis: AtomicU64::new(0),
            requests: AtomicU64::new(0),
            files: AtomicU64::new(0),
            file_bytes: AtomicU64::new(0),
        }
    }
}

impl Counters {
    /// Counts rows that the connector sent.
    pub(crate) fn received(&self, rows: u64, bytes: u64) {
        self.received_rows.fetch_add(rows, Ordering::Relaxed);
        self.received_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Counts rows that the destination took.
    pub(crate) fn written(&self, rows: u64) {
        self.written_rows.fetch_add(rows, Ordering::Relaxed);
    }

    /// Counts a durable checkpoint.
    pub(crate) fn checkpointed(&self) {
        self.checkpoints.fetch_add(1, Ordering::Relaxed);
        let now = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last_checkpoint_millis.store(now, Ordering::Relaxed);
    }

    /// Counts a request that left the host.
    pub(crate) fn requested(&self) {
        self.requests.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a file that the connector finished.
    pub(crate) fn filed(&self, bytes: u64) {
        self.files.fetch_add(1, Ordering::Relaxed);
        self.file_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Files finished so far, and their bytes.
    pub fn files(&self) -> (u64, u64) {
        (self.files.load(Ordering::Relaxed), self.file_bytes.load(Ordering::Relaxed))
    }

    /// Rows sent so far.
    pub fn rows(&self) -> u64 {
        self.received_rows.load(Ordering::Relaxed)
    }

    /// Bytes of rows sent so far.
    pub fn bytes(&self) -> u64 {
        self.received_bytes.load(Ordering::Relaxed)
    }

    /// Rows the destination took so far.
    pub fn rows_written(&self) -> u64 {
        self.written_rows.load(Ordering::Relaxed)
    }

    /// Durable checkpoints so far.
    pub fn checkpoints(&self) -> u64 {
        self.checkpoints.load(Ordering::Relaxed)
    }

    /// Time since the last durable checkpoint.
    pub fn since_checkpoint(&self) -> Option<Duration> {
        let at = Duration::from_millis(self.last_checkpoint_millis.load(Ordering::Relaxed));
        (self.checkpoints() > 0).then(|| self.started.elapsed().saturating_sub(at))
    }

    /// Requests that left the host so far.
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Time since the sync started.
    pub fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }
}
