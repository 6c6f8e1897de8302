//! What landed and what is kept: tables, states, secrets, runs.

pub(super) mod connection;
pub(super) mod contents;
pub(super) mod migrate;
pub(super) mod resync;
pub(super) mod runs;
pub(super) mod secrets;
