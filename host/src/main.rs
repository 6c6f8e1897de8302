//! The `sluice` binary: parse, call the library, say what went wrong, set the exit code.

use std::process::ExitCode;

use clap::Parser;
use sluicegate::cli;

fn main() -> ExitCode {
    // First of all: a worker must be in its jail before anything else happens.
    if let Some(code) = sluicegate::worker::main(std::env::args_os()) {
        return code;
    }
    let arguments = cli::Arguments::parse();
    cli::run(arguments)
}
