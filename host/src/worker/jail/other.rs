//! A system without these layers.

use super::{Bounds, Layers, Places, Wanted, Work};

pub(in crate::worker) fn prepare() {}

pub(in crate::worker) fn forget_output() {}

#[expect(clippy::exit, reason = "a worker that has said everything")]
pub(in crate::worker) fn leave() -> ! {
    std::process::exit(0)
}

pub(in crate::worker) fn limit(_bounds: &Bounds) -> bool {
    false
}

pub(in crate::worker) fn limit_tool(_bounds: &Bounds) -> bool {
    false
}

pub(in crate::worker) fn in_force(bounds: Bounds) -> Bounds {
    bounds
}

pub(in crate::worker) fn enter_tool(_places: &Places) -> Layers {
    Layers::default()
}

pub(in crate::worker) fn enter(_work: Work, _wanted: Wanted) -> Layers {
    Layers::default()
}
