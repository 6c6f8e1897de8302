//! `sluice build`.

use serde::Serialize;

use super::args::BuildArguments;
use super::failure::{Failure, with_causes};
use super::folders::Folders;
use super::print;
use super::subject;
use crate::compiler::requirements::normal_name;
use crate::compiler::{Jail, Options};
use crate::display::output::Output;
use crate::display::units;

#[derive(Serialize)]
struct Report<'a> {
    component: &'a str,
    name: &'a str,
    version: &'a str,
    digest: &'a str,
    source: &'a str,
    bytes: u64,
    fresh: bool,
}

/// Builds a project and copies the component out of the cache.
pub(super) fn build(arguments: &BuildArguments, folders: &Folders) -> Result<u8, Failure> {
    let output = Output::standard(arguments.json);
    let project = subject::read_project(&arguments.project)?;
    let options = Options {
        upgrade: arguments.upgrade,
        locked: arguments.locked,
        jail: match (arguments.no_jail, arguments.require_jail) {
            (true, _) => Jail::None,
            (false, true) => Jail::Whole,
            (false, false) => Jail::Usual,
        },
        allow_sdists: arguments.allow_sdist.iter().map(|name| normal_name(name)).collect(),
    };
    let built = subject::build(&project, folders, &options, &output)?;
    let target = match &arguments.output {
        Some(path) => path.clone(),
        None => arguments.project.join(format!("{}.wasm", project.name)),
    };
    built.copy_to(&target).map_err(|error| Failure::host(with_causes(&error)))?;
    let target = target.display().to_string();
    let report = Report {
        component: &target,
        name: &built.stamp.name,
        version: &built.stamp.version,
        digest: &built.digest,
        source: &built.key,
        bytes: built.size,
        fresh: built.fresh,
    };
    if arguments.json {
        let text = serde_json::to_string(&report).map_err(|error| Failure::host(error.to_string()))?;
        print(&format!("{text}\n"))?;
    } else {
        let unchanged = if built.fresh { "" } else { ", unchanged" };
        print(&format!(
            "{target} ({}{unchanged})\n{} {}, sha256 {}\n",
            units::bytes(built.size),
            built.stamp.name,
            built.stamp.version,
            built.digest
        ))?;
    }
    Ok(0)
}
