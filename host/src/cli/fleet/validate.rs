//! `sluice validate`: everything about a fleet that can be checked without running it.

use serde::Serialize;

use super::file;
use super::inspect;
use crate::cli::args::ValidateArguments;
use crate::cli::failure::Failure;
use crate::cli::folders::Folders;
use crate::cli::print;
use crate::display::units;
use crate::fleet::Problem;

#[derive(Serialize)]
struct Report<'a> {
    file: String,
    connections: usize,
    problems: &'a [Problem],
    notes: &'a [Problem],
}

/// Checks the file and what it names. Exits with 2 when anything is wrong.
pub(in crate::cli) fn validate(arguments: &ValidateArguments, folders: &Folders) -> Result<u8, Failure> {
    if arguments.schema {
        let schema = serde_json::to_string_pretty(&crate::fleet::schema());
        let schema = schema.map_err(|error| Failure::host(error.to_string()))?;
        print(&format!("{schema}\n"))?;
        return Ok(0);
    }
    let (connections, problems, notes) = match file::read(&arguments.file)? {
        Ok(fleet) => {
            let found = inspect::inspect(&fleet, folders);
            (fleet.connections.len(), found.problems, found.notes)
        }
        Err(problems) => (0, problems, Vec::new()),
    };
    let code = if problems.is_empty() { 0 } else { 2 };
    let file = arguments.file.display().to_string();
    if arguments.json {
        let report = Report { file, connections, problems: &problems, notes: &notes };
        let text = serde_json::to_string(&report).map_err(|error| Failure::host(error.to_string()))?;
        print(&format!("{text}\n"))?;
        return Ok(code);
    }
    let mut text = String::new();
    for problem in &problems {
        text += &format!("{}\n", file::in_words(&arguments.file, problem));
    }
    for note in &notes {
        text += &format!("note: {}\n", file::in_words(&arguments.file, note));
    }
    text += &match problems.len() as u64 {
        0 => format!("{file}: {}, nothing is wrong\n", units::counted(connections as u64, "connection")),
        count => format!("{file}: {}\n", units::counted(count, "problem")),
    };
    print(&text)?;
    Ok(code)
}
