//! `sluice wit`: the contract as files, for tools of other languages.

use std::fs;

use crate::cli::args::WitArguments;
use crate::cli::failure::Failure;
use crate::cli::print;
use crate::compiler::lay_out;
use crate::embedded;

/// The file by which a folder is known to be the contract's.
const CONTRACT: &str = "connector.wit";

/// Writes the contract and the packages that it builds on.
pub(in crate::cli) fn wit(arguments: &WitArguments) -> Result<u8, Failure> {
    let folder = &arguments.folder;
    let empty = fs::read_dir(folder).map_or(true, |mut files| files.next().is_none());
    if !empty && !folder.join(CONTRACT).is_file() {
        return Err(Failure::refused(format!("{} holds something else than the contract", folder.display()))
            .hint("name a folder of its own"));
    }
    lay_out(embedded::WIT, folder)
        .map_err(|(path, error)| Failure::host(format!("cannot write {}: {error}", path.display())))?;
    print(&format!("wrote the contract to {}; its world is `connector`\n", folder.display()))?;
    Ok(0)
}
