//! What a process of ours gives up before it touches a stranger's work.
//!
//! | layer | what it takes away | where it is missing |
//! |---|---|---|
//! | limits | core files, written files, descriptors, memory, processor time | nowhere |
//! | no new privileges, no capabilities | set-user-id programs; what root may | nowhere on Linux |
//! | Landlock | every file and folder, TCP, signals and abstract sockets outside | kernels before 5.13, some containers |
//! | seccomp | every system call that the work does not need: opening, sockets, processes, signals, executable memory | kernels built without it |
//!
//! The last two overlap on purpose: each alone keeps files and the network closed.

#[cfg(target_os = "linux")]
mod building;
#[cfg(target_os = "linux")]
mod calls;
#[cfg(target_os = "linux")]
#[path = "linux.rs"]
mod system;
#[cfg(not(target_os = "linux"))]
#[path = "other.rs"]
mod system;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// What a jailed process is for: which decides what it may still do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Work {
    /// Running a connector. Its machine code is mapped already.
    Running,
    /// Compiling one, into a file that is open already.
    Compiling,
}

/// Which layers are tried. Everything, except where a test asks what one layer does alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// Landlock.
    pub landlock: bool,
    /// The filter of system calls.
    pub seccomp: bool,
}

impl Default for Wanted {
    fn default() -> Self {
        Self { landlock: true, seccomp: true }
    }
}

/// The layers that are in force in a process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layers {
    /// Limits of the system on memory, files and processor time.
    pub limits: bool,
    /// No program that it starts can gain privileges, and it has no capabilities.
    pub no_privileges: bool,
    /// No file can be opened.
    pub landlock: bool,
    /// Only the system calls that are needed.
    pub seccomp: bool,
}

impl Layers {
    /// The layers that are missing, in plain words; empty when the jail is whole.
    #[must_use]
    pub fn missing(&self) -> Vec<&'static str> {
        let layers = [
            (self.limits, "resource limits"),
            (self.no_privileges, "no-new-privileges"),
            (self.landlock, "Landlock"),
            (self.seccomp, "seccomp"),
        ];
        layers.into_iter().filter(|(there, _)| !there).map(|(_, name)| name).collect()
    }
}

/// The numbers of the jail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bounds {
    /// Memory that the process can write, in bytes.
    pub(super) memory: u64,
    /// Processor time of all its threads, in seconds.
    pub(super) cpu_seconds: u64,
    /// The largest file it can write, in bytes.
    pub(super) file: u64,
}

/// The places of a tool.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Places {
    /// The program that it becomes.
    pub(super) program: PathBuf,
    /// What it may write and read, with everything below.
    pub(super) write: Vec<PathBuf>,
    /// What it may only read.
    pub(super) read: Vec<PathBuf>,
    /// Programs that it may start.
    pub(super) run: Vec<PathBuf>,
    /// Whether it may connect to others.
    pub(super) network: bool,
}

/// Goes into the jail of a tool, which is a program of others.
#[cfg(target_os = "linux")]
pub(super) use building::enter_tool;
#[cfg(not(target_os = "linux"))]
pub(super) use system::enter_tool;

/// Closes what was inherited and sets limits: what can be done before the work is known.
pub(super) use system::prepare;

/// Goes into jail. Must be called while the process has one thread: on most kernels Landlock holds for the thread
/// that asks for it and those that it starts.
pub(super) use system::enter;

/// Lets go of standard output.
pub(super) use system::forget_output;

/// Ends this process at once, with nothing of it put in order.
pub(super) use system::leave;

/// Sets the limits of the system; whether they are in force.
pub(super) use system::{limit, limit_tool};

/// The limits as a process of ours would get them: an administrator's own, lower ones stay.
pub(super) use system::in_force;

/// Templates: processes with one thread that copy themselves.
#[cfg(target_os = "linux")]
pub(super) use system::{Copied, copy, enter_template, open, part};
