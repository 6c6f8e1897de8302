//! How many syncs may be under way, by what the machine has to spare.
//!
//! A usual number always may. Beyond it one more begins at once when a processor would have nothing to do, as long as
//! there is memory for it: a sync mostly waits for its source. The decision is here and knows no clock and no kernel.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::passing::Lacking;
use super::spare::Spare;

/// How often it is looked whether there is something to spare, while somebody waits.
const LOOK: Duration = Duration::from_millis(2);
/// The same when it was memory that was missing, which comes back as syncs end.
const LOOK_FOR_MEMORY: Duration = Duration::from_millis(20);
/// How long a sync that begins has not taken all of its memory yet, so that it is kept for it, less and less. Who grows
/// later has the part that is never given away, see [`super::spare`].
const YOUNG: Duration = Duration::from_millis(250);

/// Places for syncs: a usual number, and more while there is something to spare.
pub struct Places<'a> {
    usual: usize,
    most: usize,
    spare: &'a dyn Spare,
    taken: BTreeMap<Place, Young>,
    next: u64,
    /// How many more may begin by what was seen last.
    idle: usize,
    look: Option<Instant>,
}

/// The place of a sync that is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place(u64);

/// A sync that began at a time, and may need so much memory.
struct Young {
    memory: u64,
    since: Instant,
}

impl Young {
    /// What is kept for it.
    fn kept(&self, now: Instant) -> u64 {
        let left = YOUNG.saturating_sub(now.saturating_duration_since(self.since));
        (self.memory as f64 * (left.as_secs_f64() / YOUNG.as_secs_f64())) as u64
    }
}

impl<'a> Places<'a> {
    /// At least one place.
    #[must_use]
    pub fn new(usual: usize, most: usize, spare: &'a dyn Spare) -> Self {
        let usual = usual.max(1);
        Self { usual, most: most.max(usual), spare, taken: BTreeMap::new(), next: 0, idle: 0, look: None }
    }

    /// Other numbers, for those who ask from now on.
    pub fn change(&mut self, usual: usize, most: usize) {
        self.usual = usual.max(1);
        self.most = most.max(self.usual);
    }

    /// How many are taken.
    #[must_use]
    pub fn taken(&self) -> usize {
        self.taken.len()
    }

    /// A place for a sync that may need so much memory, in bytes, if it may begin now.
    ///
    /// # Errors
    /// What is lacking for it.
    pub fn take(&mut self, memory: u64, now: Instant) -> Result<Place, Lacking> {
        if self.taken() >= self.usual {
            self.spare(memory, now)?;
        }
        self.next += 1;
        self.taken.insert(Place(self.next), Young { memory, since: now });
        Ok(Place(self.next))
    }

    /// A sync has ended.
    pub fn give_back(&mut self, place: Place) {
        self.taken.remove(&place);
    }

    /// When it is worth while to ask again, for somebody who got no place; never before one is given back if there
    /// cannot be more.
    #[must_use]
    pub fn wakes(&self, now: Instant) -> Option<Instant> {
        (self.taken() < self.most).then(|| self.look.unwrap_or(now))
    }

    fn spare(&mut self, memory: u64, now: Instant) -> Result<(), Lacking> {
        if self.taken() >= self.most {
            return Err(Lacking::Place);
        }
        if self.look.is_none_or(|look| look <= now) {
            self.idle = self.spare.idle(now);
            self.look = Some(now + LOOK);
        }
        if self.idle == 0 {
            return Err(Lacking::Place);
        }
        let kept = self.taken.values().map(|young| young.kept(now)).fold(0, u64::saturating_add);
        if self.spare.memory() < kept.saturating_add(memory) {
            self.look = Some(now + LOOK_FOR_MEMORY);
            return Err(Lacking::Memory);
        }
        self.idle -= 1;
        self.look = self.look.map(|look| look.min(now + LOOK));
        Ok(())
    }
}
