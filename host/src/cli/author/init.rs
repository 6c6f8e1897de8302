//! `sluice init`: a project that works at once.

use crate::cli::args::InitArguments;
use crate::cli::failure::{Failure, with_causes};
use crate::cli::print;
use crate::compiler::template::{self, InitError};
use crate::display::table::{Column, Table};

/// Where a template has its stand-in for a service, and its recording.
const SERVER: &str = "tests/server.py";
const RECORDING: &str = "tests/recorded.har";

/// Writes a template into a folder. Files that are there are never overwritten.
pub(in crate::cli) fn init(arguments: &InitArguments) -> Result<u8, Failure> {
    if arguments.list {
        return list();
    }
    template::init(&arguments.folder, &arguments.template).map_err(|error| match error {
        InitError::Exists(_) | InitError::Unknown(_) => Failure::refused(error.to_string()),
        InitError::Write { .. } => Failure::host(with_causes(&error)),
    })?;
    let folder = arguments.folder.display();
    let files = template::files(&arguments.template).unwrap_or_default();
    let has = |path: &str| files.iter().any(|(file, _)| *file == path);
    let in_folder = |path: &str| arguments.folder.join(path).display().to_string();
    let run = if has(SERVER) { format!(" --with-server {}", in_folder(SERVER)) } else { String::new() };
    let test = if has(RECORDING) { String::new() } else { run.clone() };
    print(&format!(
        "made a connector project in {folder}\n\n\
         \x20 sluice run {folder}{run}\n      build it, sync once, show the rows\n\
         \x20 sluice test {folder}{test}\n      hold it against the contract by real syncs\n"
    ))?;
    Ok(0)
}

fn list() -> Result<u8, Failure> {
    let mut table = Table::new(vec![Column::left("template"), Column::left("what it reads")]);
    for (name, about) in template::templates() {
        table.row([name, about]);
    }
    let mut text = Vec::new();
    table.write(&mut text, "").map_err(|error| Failure::host(error.to_string()))?;
    print(&String::from_utf8_lossy(&text))?;
    Ok(0)
}
