//! `sluice state` and `sluice reset`: what a connection keeps.

use std::io::{self, IsTerminal, Read, Write};
use std::path::Path;

use super::contents;
use super::resync;
use crate::cli::args::{ConnectionArguments, ResetArguments, StateCommand};
use crate::cli::eprint;
use crate::cli::failure::Failure;
use crate::cli::input;
use crate::cli::print;
use crate::destination::sqlite::Warehouse;
use crate::policy::limits::Limits;

/// Shows, sets or resets the state of a connection.
pub(in crate::cli) fn state(command: &StateCommand) -> Result<u8, Failure> {
    match command {
        StateCommand::Show(connection) => {
            let warehouse = warehouse(connection);
            let state = warehouse.state(&connection.connection)?;
            // The state alone goes to standard output, for programs.
            for pending in warehouse.pending_resyncs(&connection.connection)? {
                eprint(&format!("note: {}\n", resync::pending_in_words(&pending)));
            }
            if !warehouse.contains(&connection.connection)? {
                // The answer is right all the same: this is what its first sync gets.
                eprint(&format!("note: connection {} has not synced yet\n", connection.connection));
            }
            print(&format!("{state}\n"))?;
        }
        StateCommand::Set { connection, file } => {
            let state = read_state(file)?;
            let warehouse = warehouse(connection);
            let new = !warehouse.contains(&connection.connection)?;
            warehouse.set_state(&connection.connection, state.trim())?;
            if new {
                eprint(&format!(
                    "note: connection {} is new: its first sync starts from this state\n",
                    connection.connection
                ));
            }
        }
        StateCommand::Reset(connection) => {
            let warehouse = warehouse(connection);
            if !warehouse.contains(&connection.connection)? {
                return Err(contents::unknown(&warehouse, &connection.connection));
            }
            warehouse.set_state(&connection.connection, "{}")?;
        }
    }
    Ok(0)
}

/// Deletes a connection's tables and state.
pub(in crate::cli) fn reset(arguments: &ResetArguments) -> Result<u8, Failure> {
    let ConnectionArguments { connection, .. } = &arguments.connection;
    if !arguments.yes && !confirmed(connection)? {
        return Err(Failure::refused(format!("connection {connection} was not reset")));
    }
    let message = match warehouse(&arguments.connection).reset(connection)? {
        true => format!("connection {connection} was reset: its tables and its state are gone\n"),
        false => format!("connection {connection} has nothing to reset\n"),
    };
    print(&message)?;
    Ok(0)
}

pub(in crate::cli) fn warehouse(connection: &ConnectionArguments) -> Warehouse {
    Warehouse::new(&connection.warehouse.warehouse)
}

fn confirmed(connection: &str) -> Result<bool, Failure> {
    if !io::stdin().is_terminal() {
        return Err(Failure::refused(format!("resetting connection {connection} deletes its tables and its state"))
            .hint("pass --yes when there is nobody to ask"));
    }
    print(&format!("Delete all tables and the state of connection {connection}? [y/N] "))?;
    let _ = io::stdout().flush();
    let mut answer = String::new();
    io::stdin().read_line(&mut answer).map_err(|error| Failure::host(error.to_string()))?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

pub(in crate::cli) fn read_state(file: &Path) -> Result<String, Failure> {
    let limit = Limits::default().state_bytes as u64;
    let refused = |error: &dyn std::fmt::Display| {
        Failure::refused(format!("cannot read the state from {}: {error}", file.display()))
    };
    let text = match file.to_str() {
        Some("-") => io::read_to_string(io::stdin().take(limit + 1)).map_err(|error| refused(&error))?,
        _ => {
            let bytes = input::read(file, "state", limit.saturating_add(1), input::Holds::Decisions)?;
            String::from_utf8(bytes).map_err(|error| refused(&error))?
        }
    };
    if text.len() as u64 > limit {
        return Err(Failure::refused(format!("the state is larger than {limit} bytes"))
            .hint("a state holds cursors; keep data in tables"));
    }
    Ok(text)
}
