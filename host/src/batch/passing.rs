//! Who begins next of those who wait: the first, or somebody behind it for whom there is memory when there is too little
//! for the first.
//!
//! Only so many may pass it: then nobody begins until it has, so that a large one does not wait for as long as there are
//! small ones. The decision knows no clock and no memory.

/// How often one that waits for memory is passed, at most.
pub const MOST_PASSES: u32 = 16;

/// Why somebody may not begin now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lacking {
    /// Nobody may.
    Place,
    /// There is too little memory for it; for another one there may be enough.
    Memory,
}

/// Somebody who waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waits {
    /// Bytes of memory that it may need.
    pub memory: u64,
    /// How often it was passed while it was the first.
    pub passed: u32,
}

/// Who of those in order may begin, and what `take` gave it. Whoever is not the first has passed that.
pub fn fitting<P>(
    waiting: impl IntoIterator<Item = (usize, Waits)>,
    mut take: impl FnMut(usize, u64) -> Result<P, Lacking>,
) -> Option<(usize, P)> {
    let mut too_much = None;
    for (at, waits) in waiting {
        // Who needs as much does not fit either.
        if too_much.is_some_and(|too_much| waits.memory >= too_much) {
            continue;
        }
        match take(at, waits.memory) {
            Ok(place) => return Some((at, place)),
            Err(Lacking::Place) => return None,
            Err(Lacking::Memory) if too_much.is_none() && waits.passed >= MOST_PASSES => return None,
            Err(Lacking::Memory) => too_much = Some(waits.memory),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(memory: u64) -> Waits {
        Waits { memory, passed: 0 }
    }

    fn chosen(waiting: &[Waits], free: u64) -> (Option<usize>, u32) {
        let mut asked = 0;
        let chosen = fitting(waiting.iter().copied().enumerate(), |_, memory| {
            asked += 1;
            if memory <= free { Ok(()) } else { Err(Lacking::Memory) }
        });
        (chosen.map(|(at, ())| at), asked)
    }

    #[test]
    fn a_smaller_one_passes_and_those_that_cannot_fit_are_not_asked() {
        let waiting = [waits(900), waits(900), waits(1_000), waits(300), waits(100)];
        assert_eq!(chosen(&waiting, 1_000), (Some(0), 1), "the first where there is enough");
        assert_eq!(chosen(&waiting, 400), (Some(3), 2));
        assert_eq!(chosen(&waiting, 200), (Some(4), 3));
        assert_eq!(chosen(&waiting, 50), (None, 3));
        assert_eq!(chosen(&[], 50), (None, 0));
    }

    #[test]
    fn nobody_passes_one_that_was_passed_often() {
        let waiting = [Waits { memory: 900, passed: MOST_PASSES }, waits(100)];
        assert_eq!(chosen(&waiting, 400), (None, 1));
        let waiting = [Waits { memory: 900, passed: MOST_PASSES - 1 }, waits(100)];
        assert_eq!(chosen(&waiting, 400), (Some(1), 2));
    }

    #[test]
    fn without_a_place_nobody_else_is_asked() {
        let mut asked = 0;
        let chosen = fitting([waits(9), waits(1)].into_iter().enumerate(), |_, _| {
            asked += 1;
            Err::<(), _>(Lacking::Place)
        });
        assert_eq!((chosen, asked), (None, 1));
    }
}
