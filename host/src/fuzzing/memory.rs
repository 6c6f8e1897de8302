//! Counts what a thread of the tests has on the heap, so that a target can say how much an input may cost.

#![allow(unsafe_code, reason = "an allocator that counts and hands everything on to the system's")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

thread_local! {
    static LIVE: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

fn count(bytes: isize) {
    // A thread that ends has no counters any more, and nobody asks for them.
    let _ = LIVE.try_with(|live| {
        live.set(live.get() + bytes);
        PEAK.try_with(|peak| peak.set(peak.get().max(live.get())))
    });
}

// SAFETY: every call goes to the system's allocator unchanged; counting allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size().cast_signed());
        // SAFETY: as asked.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size().cast_signed());
        // SAFETY: as asked.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-layout.size().cast_signed());
        // SAFETY: as asked.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // Both live while bytes are moved.
        count(size.cast_signed());
        count(-layout.size().cast_signed());
        // SAFETY: as asked.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// Does the work and asserts that this thread never had more than so many bytes on the heap for it.
pub(crate) fn within<T>(most: usize, work: impl FnOnce() -> T) -> T {
    let before = LIVE.get();
    PEAK.set(before);
    let done = work();
    let peak = PEAK.get() - before;
    assert!(peak <= most.cast_signed(), "{peak} bytes on the heap; at most {most} are in proportion");
    done
}

#[test]
fn what_is_allocated_is_counted() {
    within(1000, || vec![0_u8; 900]);
    let too_much = std::panic::catch_unwind(|| within(1000, || drop(vec![0_u8; 1100])));
    assert!(too_much.is_err());
}
