//! `sluice init`: a project that works at once.

use super::args::InitArguments;
use super::failure::{Failure, with_causes};
use super::print;
use crate::compiler::template::{self, InitError};

/// Writes the template into a folder. Files that are there are never overwritten.
pub(super) fn init(arguments: &InitArguments) -> Result<u8, Failure> {
    template::init(&arguments.folder).map_err(|error| match error {
        InitError::Exists(_) => Failure::refused(error.to_string()),
        InitError::Write { .. } => Failure::host(with_causes(&error)),
    })?;
    let folder = arguments.folder.display();
    print(&format!(
        "made a connector project in {folder}\n\n\
         \x20 sluice run {folder}      build it, sync once, show the rows\n\
         \x20 sluice check {folder}    hold it against the contract\n"
    ))?;
    Ok(0)
}
