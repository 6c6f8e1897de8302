//! An escaped connector, simulated: native code of this program runs in a worker, where a connector would have broken
//! out of its sandbox, and tries what such a one would try.
//!
//! This program is its own parent and its own worker, as `sluice` is; the shipped binary has nothing of it. Each
//! attempt is made with the whole jail, and again with each of the two layers that overlap left out, so that neither
//! can be lost behind the other.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    unsafe_code,
    unreachable_pub,
    dead_code,
    reason = "tests"
)]

#[cfg(target_os = "linux")]
mod building;
#[path = "../all/support/component.rs"]
mod component;
#[cfg(target_os = "linux")]
mod dear;
#[cfg(target_os = "linux")]
mod forged;
#[cfg(target_os = "linux")]
mod harness;
#[cfg(target_os = "linux")]
mod lacking;
#[cfg(target_os = "linux")]
mod prey;
#[cfg(target_os = "linux")]
mod probes;
#[cfg(target_os = "linux")]
mod scenarios;
#[cfg(target_os = "linux")]
mod templates;

use std::process::ExitCode;

fn main() -> ExitCode {
    #[cfg(target_os = "linux")]
    return scenarios::main();
    #[cfg(not(target_os = "linux"))]
    ExitCode::SUCCESS
}
