//! `sluice check`.

use std::fs::File;
use std::io::Read;

use crate::check::{Contract, MAX_COMPONENT_BYTES, Report, Severity, check as check_bytes};
use crate::cli::args::CheckArguments;
use crate::cli::connector::subject::Subject;
use crate::cli::failure::Failure;
use crate::cli::folders::Folders;
use crate::cli::print;
use crate::display::output::Output;
use crate::embedded;
use crate::stamp::Stamp;

/// Holds a component or project against the contract.
pub(in crate::cli) fn check(arguments: &CheckArguments, folders: &Folders) -> Result<u8, Failure> {
    let contract = Contract::parse(embedded::WIT).map_err(|error| Failure::host(error.to_string()))?;
    let bytes = if arguments.subject.is_dir() {
        Subject::load(&arguments.subject, folders, &Output::standard(arguments.json))?.bytes
    } else {
        // Not through `Subject`: a file that is no component is this command's subject too.
        let mut bytes = Vec::new();
        File::open(&arguments.subject)
            .and_then(|file| file.take(MAX_COMPONENT_BYTES as u64 + 1).read_to_end(&mut bytes))
            .map_err(|error| Failure::refused(format!("cannot read {}: {error}", arguments.subject.display())))?;
        bytes
    };
    let report = check_bytes(&bytes, &contract);
    let text = if arguments.json {
        serde_json::to_string(&report).map_err(|error| Failure::host(error.to_string()))? + "\n"
    } else {
        words(&arguments.subject.display().to_string(), &report)
    };
    print(&text)?;
    Ok(u8::from(!report.conforms()))
}

fn words(subject: &str, report: &Report) -> String {
    let mut text = match report.conforms() {
        true => format!("{subject} conforms to sluice:connector\n"),
        false => format!("{subject} does not conform to sluice:connector\n"),
    };
    for finding in &report.findings {
        let mark = match finding.severity {
            Severity::Error => "error",
            Severity::Note => "note",
        };
        text += &format!("  {mark}[{}]: {finding}\n", finding.code.as_str());
        if let Some(hint) = &finding.hint {
            text += &format!("    hint: {hint}\n");
        }
    }
    text += &report.stamp.as_ref().map(claims).unwrap_or_default();
    text
}

/// What the component says of itself, which proves nothing.
fn claims(stamp: &Stamp) -> String {
    let sdk = stamp.sdk.as_ref().map(|sdk| format!("SDK {sdk}, ")).unwrap_or_default();
    let mut text =
        format!("  it says of itself: connector {} {}, {sdk}contract {}\n", stamp.name, stamp.version, stamp.contract);
    text += &match stamp.network.is_empty() {
        true => "  it asks for no network at all\n".to_owned(),
        false => format!("  it asks for: {}\n", stamp.network.join(", ")),
    };
    if !stamp.dependencies.is_empty() {
        let list: Vec<_> = stamp.dependencies.iter().map(|one| format!("{} {}", one.name, one.version)).collect();
        text += &format!("  it says it holds: {}\n", list.join(", "));
    }
    text
}
