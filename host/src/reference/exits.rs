//! Exit codes.

use clap::{Command, CommandFactory};

use super::markdown::{code, head, plain, table};
use crate::cli::Arguments;
use crate::error::{ConnectorFailure, Exit, LimitReached, SyncError};

const ABOUT: &str = "\
Every command ends with one of these. A message on standard error says what happened, and a hint what to do.";

pub(super) fn page() -> String {
    let codes = Exit::ALL.map(|exit| vec![exit.code().to_string(), plain(exit.says())]);
    let mut page = head("Exit codes", ABOUT);
    page += &format!("\n{}", table(&["code", "means"], &codes));
    page += "\n## What some commands mean by them\n\n";
    let mut root = Arguments::command();
    root.build();
    let mut said = Vec::new();
    commands(&root, &mut said);
    page += &table(&["command", ""], &said);
    page += "\n## How a sync ends\n\nThe class stands in `outcome.class` of `--json`, in the history of runs and in reports of a batch, where the class\n\
             also decides whether `sluice batch` and `sluice serve` try again.\n\n";
    page += &table(&["class", "code", "tried again"], &syncs());
    page += "\nOf a connection in a batch more can be said: [batches](../batch.md#what-a-batch-does).\n";
    page
}

/// The sentences of the help about exit codes.
fn commands(command: &Command, said: &mut Vec<Vec<String>>) {
    for command in command.get_subcommands().filter(|one| one.get_name() != "help") {
        let about = command.get_long_about().map(ToString::to_string).unwrap_or_default();
        let sentences = about.split_inclusive(". ").flat_map(|part| part.split("\n\n"));
        let sentences: Vec<_> = sentences.map(str::trim).filter(|one| one.starts_with("Exits with")).collect();
        if !sentences.is_empty() {
            said.push(vec![code(command.get_bin_name().unwrap_or_default()), plain(&sentences.join(" "))]);
        }
        commands(command, said);
    }
}

fn samples() -> [SyncError; 4] {
    let failure = ConnectorFailure { kind: String::new(), message: String::new(), traceback: String::new() };
    [
        SyncError::Connector(failure),
        SyncError::Limit(LimitReached::new("rows", 1)),
        SyncError::Denied(String::new()),
        SyncError::Host(String::new()),
    ]
}

fn syncs() -> Vec<Vec<String>> {
    let mut rows = vec![vec![code("success"), Exit::Success.code().to_string(), String::new()]];
    for error in samples() {
        let wall = SyncError::Limit(LimitReached::new(LimitReached::WALL_TIME, 1));
        let again = match (&error, error.may_pass()) {
            (SyncError::Limit(_), false) if wall.may_pass() => "only at the limit `wall`, from the last checkpoint",
            (_, true) => "yes",
            (_, false) => "no",
        };
        rows.push(vec![code(error.class()), error.exit_code().to_string(), again.to_owned()]);
    }
    rows
}
