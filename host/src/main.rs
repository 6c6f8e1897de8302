//! The `sluice` binary: parse, call the library, say what went wrong, set the exit code.

use std::process::ExitCode;

use clap::Parser;
use sluicegate::cli;

fn main() -> ExitCode {
    let arguments = cli::Arguments::parse();
    cli::run(arguments)
}
