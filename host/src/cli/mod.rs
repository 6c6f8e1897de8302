//! The command line: arguments in, calls to the library, text and an exit code out.

mod accept;
mod args;
mod ask;
mod batch;
mod build;
mod check;
mod components;
mod confidential;
mod configure;
mod connection;
mod contents;
mod dev;
mod environment;
mod failure;
mod fleet;
mod folders;
mod grants;
mod init;
mod input;
mod inspect;
mod interpreter;
mod landing;
mod last;
mod limits;
mod migrate;
mod passwords;
mod record;
mod report;
mod resync;
mod run;
mod runs;
mod secrets;
mod serve;
mod server;
mod signals;
mod subject;
mod syncing;
mod tape;
mod test;
mod tracing;
mod unchanged;
mod validate;
mod wall;
mod wit;

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
        Command::Init(arguments) => init::init(&arguments),
        Command::Build(arguments) => build::build(&arguments, &Folders::find()?),
        Command::Check(arguments) => check::check(&arguments, &Folders::find()?),
        Command::Wit(arguments) => wit::wit(&arguments),
        Command::Configure(arguments) => configure::configure(&arguments, &Folders::find()?),
        Command::Run(arguments) => run::run(&arguments, &Folders::find()?),
        Command::Test(arguments) => test::test(&arguments, &Folders::find()?),
        Command::Dev(arguments) => dev::dev(*arguments, &Folders::find()?),
        Command::Batch(arguments) => batch::batch(&arguments, &Folders::find()?),
        Command::Serve(arguments) => serve::serve(&arguments, &Folders::find()?),
        Command::Validate(arguments) => validate::validate(&arguments, &Folders::find()?),
        Command::Tables(arguments) => contents::tables(&arguments),
        Command::Peek(arguments) => contents::peek(&arguments),
        Command::Runs(arguments) => runs::runs(&arguments),
        Command::State(command) => connection::state(&command),
        Command::Resync(arguments) => resync::resync(&arguments),
        Command::Secrets(command) => secrets::secrets(&command, &Folders::find()?),
        Command::Reset(arguments) => connection::reset(&arguments),
        Command::Migrate(arguments) => migrate::migrate(&arguments),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Arguments::command(), "sluice", &mut io::stdout());
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
