//! How many syncs may run at a time, by what the machine has to spare.

use std::time::{Duration, Instant};

use super::spare::Spare;

/// How often it is looked whether there is something to spare while somebody waits.
pub(super) const LOOK: Duration = Duration::from_millis(50);

/// Places for syncs: always a usual number, and more while there is something to spare.
pub struct Places<'a> {
    usual: usize,
    most: usize,
    spare: &'a dyn Spare,
    now: usize,
    looked: Option<Instant>,
}

impl<'a> Places<'a> {
    /// At least one place.
    #[must_use]
    pub fn new(usual: usize, most: usize, spare: &'a dyn Spare) -> Self {
        let usual = usual.max(1);
        Self { usual, most: most.max(usual), spare, now: usual, looked: None }
    }

    /// How many there are now.
    #[must_use]
    pub fn count(&self) -> usize {
        self.now
    }

    /// When it is to be looked again, for somebody who waits for a place; never if there cannot be more.
    #[must_use]
    pub fn wakes(&self, now: Instant) -> Option<Instant> {
        (self.now < self.most).then(|| self.looked.map_or(now, |looked| looked + LOOK))
    }

    /// Makes places while there is something to spare, and takes them away one by one while there is not.
    pub fn look(&mut self, running: usize, now: Instant) {
        if self.most <= self.usual || self.looked.is_some_and(|looked| now < looked + LOOK) {
            return;
        }
        self.looked = Some(now);
        let places = match self.spare.more() {
            0 => self.now.saturating_sub(1),
            more => running.saturating_add(more),
        };
        self.now = places.clamp(self.usual, self.most);
    }
}
