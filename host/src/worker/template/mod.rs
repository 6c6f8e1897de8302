//! Templates: processes that have a component's machine code, and become a worker by copying themselves.
//!
//! Starting a program, mapping machine code and linking it costs more than a short sync. A template does it once: it is
//! a worker that stops where it would learn what to do, and for each sync makes a copy of itself, which goes on from
//! there like any worker: jailed by itself, under the limits of its sync.
//!
//! **Threat.** What a template knows, all its copies know. So it knows nothing but the program and the machine code: no
//! limit, configuration or secret, and nothing of a component ever runs in it. It has one thread, so that a copy is
//! whole. A copy keeps nothing by which it could reach the template, the parent's other channels, or another copy: it
//! closes every descriptor but its own channel and what wasmtime keeps of the machine code before the jail closes. What
//! they share is what lies where in memory, which is chosen by chance once for each template instead of each worker.
//!
//! A template is for speed alone. When there is none, or it ends, workers are started the other way; what it had made
//! ends with it. It ends by itself when nobody asked for a while, and with its parent.

#[cfg(target_os = "linux")]
mod child;
#[cfg(target_os = "linux")]
mod parent;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

#[cfg(target_os = "linux")]
pub(super) use child::live;
#[cfg(target_os = "linux")]
pub(super) use parent::{Copy, Template};

/// The first byte that a worker receives when it is to be a template; otherwise it says what is handed over to it.
#[cfg(target_os = "linux")]
pub(super) const TEMPLATE: u8 = 0x80;
/// The byte that asks for a copy, and that answers when there is one.
#[cfg(target_os = "linux")]
const COPY: u8 = 2;

/// Templates of one process at most: for so many kinds of machine code.
const MOST: usize = 16;
/// Which worker of some machine code is a copy, the first being 1: one that is alone needs no template.
const FROM: u64 = 2;

/// After so many workers that could not be copied this machine lacks what it takes, and all are started.
const FAILURES: u32 = 8;

/// The templates of one process.
#[derive(Debug, Default)]
pub struct Templates {
    known: Mutex<HashMap<String, Known>>,
    failures: AtomicU32,
}

/// What is known of some machine code.
#[derive(Debug)]
struct Known {
    asked: u64,
    last: Instant,
    slot: Slot,
}

/// The template, if there is one. Whoever makes it, or asks it, holds the lock.
#[cfg(target_os = "linux")]
type Slot = Arc<Mutex<Option<Arc<Template>>>>;
#[cfg(not(target_os = "linux"))]
type Slot = ();

impl Templates {
    /// The place of the template for machine code with this name, once it is worth one.
    fn slot(&self, name: &str) -> Option<Slot> {
        if self.failures.load(Ordering::Relaxed) >= FAILURES {
            return None;
        }
        let mut all = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if !all.contains_key(name) && all.len() >= MOST {
            let oldest = all.iter().min_by_key(|(_, known)| known.last).map(|(name, _)| name.clone());
            // Its workers keep it until they end.
            oldest.map(|oldest| all.remove(&oldest));
        }
        let known = all.entry(name.to_owned()).or_insert_with(|| Known {
            asked: 0,
            last: Instant::now(),
            slot: Slot::default(),
        });
        known.asked = known.asked.saturating_add(1);
        known.last = Instant::now();
        (known.asked >= FROM).then(|| known.slot.clone())
    }

    /// A template, or a copy of it, did not get ready.
    pub(super) fn failed(&self) {
        self.failures.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn there_are_so_many_at_most_and_those_that_are_used_stay() {
        let templates = Templates::default();
        assert!(templates.slot("used").is_none(), "the first worker needs none");
        assert!(templates.slot("used").is_some());
        for at in 0..MOST * 2 {
            templates.slot(&at.to_string());
            assert!(templates.slot("used").is_some(), "{at}");
        }
        assert_eq!(templates.known.lock().unwrap().len(), MOST);
    }

    #[test]
    fn where_none_can_be_made_none_is_tried_for_ever() {
        let templates = Templates::default();
        templates.slot("used");
        for _ in 0..FAILURES {
            assert!(templates.slot("used").is_some());
            templates.failed();
        }
        assert!(templates.slot("used").is_none());
    }
}
