//! The connector's log: what a guest says, made safe, redacted, bounded and passed on.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::policy::limits::Limits;
use crate::policy::secrets::Redactor;
use crate::policy::terminal::Lines;

/// How important a message is, least first; see `level` in `wit/connector.wit`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub enum Level {
    /// For the author while developing.
    Debug,
    /// Detail that is usually hidden.
    Fine,
    /// What an operator wants to see.
    Info,
    /// Something unexpected that the connector handled.
    Warning,
    /// Something failed.
    Error,
    /// Something failed badly.
    Severe,
    /// The connector cannot go on.
    Critical,
}

impl Level {
    /// The level as it is printed.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "DEBUG",
            Self::Fine => "FINE",
            Self::Info => "INFO",
            Self::Warning => "WARNING",
            Self::Error => "ERROR",
            Self::Severe => "SEVERE",
            Self::Critical => "CRITICAL",
        }
    }
}

/// Where log lines go: a terminal, a stream of events, a test.
pub trait LogSink: Send + Sync {
    /// One line, already redacted, bounded and without control characters.
    fn line(&self, level: Level, text: &str);
}

/// Passes lines on, counts them, and remembers the last.
pub struct LastLines {
    next: Option<Arc<dyn LogSink>>,
    most: usize,
    seen: Mutex<(u64, VecDeque<String>)>,
}

impl LastLines {
    /// Remembers `most` lines; `next` gets them all.
    #[must_use]
    pub fn new(most: usize, next: Option<Arc<dyn LogSink>>) -> Self {
        Self { next, most, seen: Mutex::default() }
    }

    /// How many there were.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.seen().0
    }

    /// The last of them with their levels, oldest first.
    #[must_use]
    pub fn last(&self) -> Vec<String> {
        self.seen().1.iter().cloned().collect()
    }

    fn seen(&self) -> MutexGuard<'_, (u64, VecDeque<String>)> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl LogSink for LastLines {
    fn line(&self, level: Level, text: &str) {
        let mut seen = self.seen();
        seen.0 += 1;
        if seen.1.len() >= self.most {
            seen.1.pop_front();
        }
        seen.1.push_back(format!("{} {text}", level.as_str()));
        drop(seen);
        if let Some(next) = &self.next {
            next.line(level, text);
        }
    }
}

/// The log of one sync.
pub struct ConnectorLog {
    sink: Arc<dyn LogSink>,
    redactor: Redactor,
    line_limit: usize,
    total_limit: usize,
    written: AtomicUsize,
    dropped: AtomicU64,
    /// In a worker, whose parent has the log itself.
    relay: bool,
}

/// What a relay passes on beyond a limit, so that a secret which a cut would divide is still found.
const RELAY_MARGIN: usize = 64 * 1024;

impl ConnectorLog {
    /// A log that passes lines to `sink`, under `log_line_bytes` and `log_bytes` of `limits`.
    pub fn new(sink: Arc<dyn LogSink>, redactor: Redactor, limits: &Limits) -> Self {
        Self {
            sink,
            redactor,
            line_limit: limits.log_line_bytes,
            total_limit: limits.log_bytes,
            written: AtomicUsize::new(0),
            dropped: AtomicU64::new(0),
            relay: false,
        }
    }

    /// A log that passes messages on to another one as they are, and only bounds what goes there.
    pub(crate) fn relay(sink: Arc<dyn LogSink>, limits: &Limits) -> Self {
        let total = limits.log_bytes.saturating_mul(2).saturating_add(RELAY_MARGIN);
        Self { total_limit: total, relay: true, ..Self::new(sink, Redactor::new(&[]), limits) }
    }

    /// Takes one message of the guest.
    pub fn message(&self, level: Level, text: &str) {
        if self.written.load(Ordering::Relaxed) >= self.total_limit {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let line = self.clean(text, self.line_limit);
        let before = self.written.fetch_add(line.len().max(1), Ordering::Relaxed);
        self.sink.line(level, &line);
        if !self.relay && before.saturating_add(line.len().max(1)) >= self.total_limit {
            self.sink.line(Level::Warning, "the log's limit is reached; further messages are counted and dropped");
        }
    }

    /// Text of the guest, redacted, cut to `limit` bytes and safe to print on one line.
    pub fn clean(&self, text: &str, limit: usize) -> String {
        self.cleaned(text, Lines::One, limit)
    }

    /// As [`Self::clean`], keeping line breaks: for tracebacks.
    pub fn clean_block(&self, text: &str, limit: usize) -> String {
        self.cleaned(text, Lines::Keep, limit)
    }

    fn cleaned(&self, text: &str, lines: Lines, limit: usize) -> String {
        if self.relay {
            let end = text.floor_char_boundary(limit.saturating_add(RELAY_MARGIN));
            return text.get(..end).unwrap_or_default().to_owned();
        }
        self.redactor.log_line(text, lines, limit)
    }

    /// How many messages were dropped because the log was full.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}
