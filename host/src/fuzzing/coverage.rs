//! Which places of the code an input reached, when the build counts them (`tests/fuzz/instrument.sh`).

/// What was reached so far. Counters belong to the whole process, so guided runs attack one target at a time.
pub(super) struct Coverage {
    /// For each place how often it was reached in one execution, as bits of orders of magnitude.
    seen: Vec<u8>,
}

impl Coverage {
    pub(super) fn new() -> Self {
        Self { seen: vec![0; counters::all().len()] }
    }

    pub(super) fn is_there(&self) -> bool {
        !self.seen.is_empty()
    }

    pub(super) fn places(&self) -> usize {
        self.seen.iter().filter(|place| **place != 0).count()
    }

    pub(super) fn forget(&mut self) {
        self.seen.fill(0);
    }

    pub(super) fn begin(&mut self) {
        counters::all().fill(0);
    }

    /// Whether something new was reached since the beginning.
    pub(super) fn end(&mut self) -> bool {
        let mut new = false;
        let words = counters::all().chunks(64).zip(self.seen.chunks_mut(64));
        for (counts, seen) in words.filter(|(counts, _)| counts.iter().any(|count| *count != 0)) {
            for (count, seen) in counts.iter().zip(seen) {
                // Once only: this code is counted too, and a counter may pass zero between two looks.
                let Some(order) = count.checked_ilog2().map(|order| 1 << order) else { continue };
                new |= *seen & order == 0;
                *seen |= order;
            }
        }
        new
    }
}

#[cfg(sluice_coverage)]
#[allow(unsafe_code, reason = "where the compiler's counters lie is told by address")]
mod counters {
    use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

    static START: AtomicPtr<u8> = AtomicPtr::new(std::ptr::null_mut());
    static LENGTH: AtomicUsize = AtomicUsize::new(0);

    /// Called by the instrumented program before it begins.
    #[unsafe(no_mangle)]
    extern "C" fn __sanitizer_cov_8bit_counters_init(start: *mut u8, stop: *mut u8) {
        START.store(start, Ordering::Relaxed);
        LENGTH.store(stop.addr() - start.addr(), Ordering::Relaxed);
    }

    pub(super) fn all() -> &'static mut [u8] {
        let start = START.load(Ordering::Relaxed);
        if start.is_null() {
            return &mut [];
        }
        // SAFETY: the compiler's section of counters, which lives as long as the program; other threads only count,
        // and a lost count is no loss.
        unsafe { std::slice::from_raw_parts_mut(start, LENGTH.load(Ordering::Relaxed)) }
    }
}

#[cfg(not(sluice_coverage))]
mod counters {
    pub(super) fn all() -> &'static mut [u8] {
        &mut []
    }
}
