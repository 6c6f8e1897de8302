//! What is attacked, and what must hold. Targets whose code is private to a module lie there (`fuzz.rs`).

mod cassettes;
mod components;
mod destinations;
mod files;
mod names;
