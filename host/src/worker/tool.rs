//! Build tools in a jail: they read a stranger's project, and run its dependencies in a sandbox of their own.
//!
//! **Threat.** Whoever builds a connector runs tools on what its author wrote. The code in it only ever runs inside of
//! WebAssembly, so this is the second wall again, for the day that the tool's sandbox or one of its parsers has a hole.
//! Tools are programs of others, so they cannot be held as tightly as a worker: they may read the system's libraries
//! and their interpreter, write into the folder of one build, and start programs that lie among those libraries. pip
//! may also connect to others, since it fetches packages.
//!
//! This program starts itself, goes into jail, and becomes the tool. A tool that may start this program, see
//! [`Reach::run`], can put a part of its work into a jail within its own, which allows what both allow:
//! `PROGRAM __tool [write PATH | read PATH]… -- COMMAND`.

use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use super::bounds;
use super::jail::{self, Layers, Places};

/// The argument that makes this program a tool in a jail, see [`Reach::run`].
pub const TOOL: &str = "__tool";
const WRITE: &str = "write";
const READ: &str = "read";
const RUN: &str = "run";
const NETWORK: &str = "network";
const PROBE: &str = "probe";
const GO: &str = "--";
/// Exits with this when the tool could not be started.
const NOT_STARTED: u8 = 126;

/// What a tool may reach beside what every program needs. Nothing, unless it is named.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reach<'a> {
    /// What it may write and read, with everything below.
    pub write: &'a [&'a Path],
    /// What it may only read.
    pub read: &'a [&'a Path],
    /// Programs that it may start beside those of the system.
    pub run: &'a [&'a Path],
    /// Whether it may connect to others, by TCP and UDP.
    pub network: bool,
}

/// The same command in a jail, with the environment that it was given.
#[must_use]
pub fn jailed(tool: &Command, reach: Reach<'_>) -> Command {
    let mut jailed = Command::new(super::parent::OURSELVES);
    jailed.arg(TOOL);
    for (kind, paths) in [(WRITE, reach.write), (READ, reach.read), (RUN, reach.run)] {
        for path in paths {
            jailed.arg(kind).arg(path);
        }
    }
    jailed.args(reach.network.then_some(NETWORK));
    jailed.arg(GO).arg(tool.get_program()).args(tool.get_args()).env_clear();
    jailed.envs(tool.get_envs().filter_map(|(name, value)| Some((name, value?))));
    if let Some(folder) = tool.get_current_dir() {
        jailed.current_dir(folder);
    }
    jailed
}

/// What is missing of the jail for tools on this machine, in plain words.
#[must_use]
pub fn missing_for_tools() -> Vec<String> {
    let probed = Command::new(super::parent::OURSELVES).args([TOOL, PROBE]).env_clear().output();
    match probed {
        Ok(said) if said.status.success() => String::from_utf8_lossy(&said.stdout).lines().map(str::to_owned).collect(),
        _ => vec!["every layer".to_owned()],
    }
}

/// Becomes the tool.
pub(super) fn child(arguments: impl Iterator<Item = OsString>) -> ExitCode {
    let (mut places, mut command) = (Places::default(), None);
    let mut arguments = arguments;
    while let Some(kind) = arguments.next() {
        if kind == GO {
            command = arguments.next().map(Command::new);
            break;
        }
        if kind == PROBE {
            return probe();
        }
        if kind == NETWORK {
            places.network = true;
            continue;
        }
        let Some(path) = arguments.next().map(PathBuf::from) else { break };
        match kind {
            kind if kind == WRITE => places.write.push(path),
            kind if kind == RUN => places.run.push(path),
            _ => places.read.push(path),
        }
    }
    let Some(mut command) = command else { return ExitCode::from(NOT_STARTED) };
    places.program = PathBuf::from(command.get_program());
    enter(&places);
    let error = command.args(arguments).exec();
    say(&format!("cannot start {}: {error}", command.get_program().display()));
    ExitCode::from(NOT_STARTED)
}

fn enter(places: &Places) -> Layers {
    jail::prepare();
    let limits = jail::limit_tool(&bounds::building());
    let mut layers = jail::enter_tool(places);
    layers.limits &= limits;
    layers
}

fn probe() -> ExitCode {
    let missing = enter(&Places::default()).missing().join("\n");
    use std::io::Write;
    match std::io::stdout().write_all(missing.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn say(text: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "{text}");
}
