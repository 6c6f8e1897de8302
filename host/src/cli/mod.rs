//! The command line: arguments in, calls to the library, text and an exit code out.
//!
//! | folder | commands and what they share |
//! |---|---|
//! | `args` | what may be typed |
//! | `author` | `init`, `build`, `check`, `dev`, `test`, `wit` |
//! | `configure` | `configure`, and asking a person |
//! | `connector` | what is to run: found, built, admitted, behind the second wall |
//! | `sync` | `run`, and the one way of every command that syncs |
//! | `fleet` | `batch`, `serve`, `validate` |
//! | `warehouse` | `tables`, `peek`, `runs`, `state`, `resync`, `reset`, `migrate`, `secrets` |

mod args;
mod author;
mod configure;
mod connector;
mod failure;
mod fleet;
mod folders;
mod input;
mod signals;
mod sync;
mod tracing;
mod warehouse;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::CommandFactory;

pub use args::Arguments;
use args::Command;
use failure::Failure;
use folders::Folders;

/// Does what the arguments say and answers the process's exit code.
pub fn run(arguments: Arguments) -> ExitCode {
    let telemetry = tracing::start(arguments.verbose, arguments.log_format);
    no_core_dumps();
    signals::catch_too_large_files();
    let done = dispatch(arguments.command);
    telemetry.finish();
    match done {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            // Nothing can be done about a standard error that is gone.
            let _ = failure.print(&mut anstream::stderr());
            ExitCode::from(failure.exit_code())
        }
    }
}

fn dispatch(command: Command) -> Result<u8, Failure> {
    match command {
        Command::Init(arguments) => author::init::init(&arguments),
        Command::Build(arguments) => author::build::build(&arguments, &Folders::find()?),
        Command::Check(arguments) => author::check::check(&arguments, &Folders::find()?),
        Command::Wit(arguments) => author::wit::wit(&arguments),
        Command::Configure(arguments) => configure::configure(&arguments, &Folders::find()?),
        Command::Run(arguments) => sync::run::run(&arguments, &Folders::find()?),
        Command::Test(arguments) => author::test::test(&arguments, &Folders::find()?),
        Command::Dev(arguments) => author::dev::dev(*arguments, &Folders::find()?),
        Command::Batch(arguments) => fleet::batch::batch(&arguments, &Folders::find()?),
        Command::Serve(arguments) => fleet::serve::serve(&arguments, &Folders::find()?),
        Command::Validate(arguments) => fleet::validate::validate(&arguments, &Folders::find()?),
        Command::Tables(arguments) => warehouse::contents::tables(&arguments),
        Command::Peek(arguments) => warehouse::contents::peek(&arguments),
        Command::Runs(arguments) => warehouse::runs::runs(&arguments),
        Command::State(command) => warehouse::connection::state(&command),
        Command::Resync(arguments) => warehouse::resync::resync(&arguments),
        Command::Secrets(command) => warehouse::secrets::secrets(&command, &Folders::find()?),
        Command::Reset(arguments) => warehouse::connection::reset(&arguments),
        Command::Migrate(arguments) => warehouse::migrate::migrate(&arguments),
        Command::Completions { shell } => {
            // Not written by the library, which panics when the reader has gone.
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Arguments::command(), "sluice", &mut script);
            print(&String::from_utf8_lossy(&script))?;
            Ok(0)
        }
    }
}

/// A dump of this process's memory would hold every secret of a sync.
fn no_core_dumps() {
    let none = rustix::process::Rlimit { current: Some(0), maximum: Some(0) };
    // Where this is refused, the limit was lower already.
    let _ = rustix::process::setrlimit(rustix::process::Resource::Core, none);
}

/// Writes to standard error, where a note may be lost.
fn eprint(text: &str) {
    let _ = anstream::stderr().write_all(text.as_bytes());
}

/// Writes to standard output; a reader that went away is not a failure.
fn print(text: &str) -> Result<(), Failure> {
    match anstream::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::host(format!("could not write to standard output: {error}")))
        }
        _ => Ok(()),
    }
}
