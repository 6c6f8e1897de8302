//! The second wall: every connector runs in a process of its own, which can do almost nothing.
//!
//! The sandbox is the first wall. This one is for the day it has a hole, so it takes the worker for lost: what runs
//! there may be a connector's native code.
//!
//! | in the worker | in the parent |
//! |---|---|
//! | the engine, one store, memory, files in memory, clocks, chance | configuration, secrets, grants, limits |
//! | stand-ins for the rest (`remote`) | the destination and its database, name lookup, dialling, TLS, HTTP |
//! | | recorder and cassette, the log with its redaction, counters, the report |
//!
//! A worker is this program started anew, with an empty environment and three descriptors: the channel, the
//! component's machine code to be read, a pipe for the last words of a crash. It maps the code, goes into jail
//! ([`Layers`]), and only then learns what to do: the configuration does not exist in it before. The parent checks
//! what it says as it checks a connector (`serve`), holds it to its wall time, and ends it in any case.
//!
//! Rows cross as blocks of bytes (`rows::wire`), so that a batch costs a few copies. A request crosses in one message,
//! and the answer to it in one, with its body if that is short; longer bodies are pushed as far as there is room.
//!
//! | module | what it does |
//! |---|---|
//! | `jail` | the layers |
//! | `bounds` | the numbers of the limits |
//! | `message`, `frame` | the channel: messages and frames |
//! | `shared` | memory that the parent writes and the worker reads |
//! | `child`, `link`, `remote`, `remote_web`, `remote_body` | the worker |
//! | `parent`, `serve`, `exchange`, `room`, `outcome` | the parent |
//! | `template` | processes that become a worker by copying themselves |
//! | `compile` | compiling a stranger's component, in a jail too |
//! | `tool` | building a stranger's project, in a jail for programs of others |

mod bounds;
mod child;
mod compile;
mod exchange;
mod frame;
#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::unreachable,
    reason = "tests"
)]
mod fuzz;
mod jail;
mod link;
mod message;
mod outcome;
mod parent;
mod remote;
mod remote_body;
mod remote_web;
mod room;
mod serve;
mod shared;
mod template;
mod tool;

use std::ffi::{OsStr, OsString};
use std::process::ExitCode;

pub use compile::{admit, admit_if};
pub use jail::{Layers, Wanted};
pub use parent::{Code, Launch, Worker, WorkerError};
pub use template::Templates;
pub use tool::{Reach, TOOL, jailed, missing_for_tools};

pub(crate) use message::{Done, Task};
pub(crate) use outcome::run;
pub(crate) use remote::Taker;

/// The argument that makes this program a worker. Not a command: it does nothing without a parent.
const WORKER: &str = "__worker";
/// The argument that makes this program compile.
const COMPILER: &str = "__compiler";

/// Lives as a worker if the arguments say so; `None` for everybody else. Must come first in a program.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> Option<ExitCode> {
    let mut arguments = arguments.into_iter();
    match arguments.nth(1) {
        Some(argument) if argument == WORKER => Some(code(child::live(Wanted::default(), None))),
        Some(argument) if argument == COMPILER => Some(compile::child()),
        Some(argument) if argument == tool::TOOL => Some(tool::child(arguments)),
        _ => None,
    }
}

/// Lives as a worker in which native code runs after the jail has closed and before the component does, as if a
/// connector had escaped: what a test of the jail calls in its own program. The function may send log messages.
pub fn escaped(wanted: Wanted, mut escape: impl FnMut(&mut dyn FnMut(&str))) -> ExitCode {
    code(child::live(wanted, Some(&mut escape)))
}

/// Whether an argument makes the program of a test compile.
#[must_use]
pub fn is_compiler(argument: &OsStr) -> bool {
    argument == COMPILER
}

fn code(lived: std::io::Result<()>) -> ExitCode {
    match lived {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            use std::io::Write;
            let _ = writeln!(std::io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}
