//! Many connections: their file, batches of them, and a process that stays.

pub(super) mod batch;
pub(super) mod file;
pub(super) mod inspect;
pub(super) mod last;
pub(super) mod serve;
pub(super) mod validate;
