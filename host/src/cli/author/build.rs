//! `sluice build`.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::check::{Contract, Severity, check};
use crate::cli::args::BuildArguments;
use crate::cli::connector::subject::{self, INPUTS};
use crate::cli::failure::{Failure, with_causes};
use crate::cli::folders::Folders;
use crate::cli::input;
use crate::cli::print;
use crate::compiler::manifest::MANIFEST;
use crate::compiler::requirements::normal_name;
use crate::compiler::{Built, Jail, Options, foreign};
use crate::display::output::Output;
use crate::display::units;
use crate::embedded;

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
pub(in crate::cli) fn build(arguments: &BuildArguments, folders: &Folders) -> Result<u8, Failure> {
    if let Some(component) = &arguments.component {
        return stamp(component, arguments);
    }
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
    let target = target(arguments, &project.name);
    built.copy_to(&target).map_err(|error| Failure::host(with_causes(&error)))?;
    say(&target, &built, arguments.json)
}

/// Makes the artifact of a component that another language's tools built.
fn stamp(component: &Path, arguments: &BuildArguments) -> Result<u8, Failure> {
    let folder = &arguments.project;
    let manifest = folder.join(MANIFEST);
    if !manifest.is_file() {
        return Err(Failure::refused(format!("{} has no {MANIFEST}", folder.display()))
            .hint("it says what the connector is called and which hosts it asks for; docs/languages.md shows one"));
    }
    let manifest = input::read(&manifest, MANIFEST, input::DECISION_BYTES, input::Holds::Anything)?;
    let bytes = subject::read_component(component)?;
    conforms(component, &bytes)?;
    let stamped = foreign::stamp(folder, &manifest, bytes, INPUTS.contract_version)
        .map_err(|error| Failure::refused(format!("could not build from {}: {error}", component.display())))?;
    let target = target(arguments, &stamped.stamp.name);
    let built = stamped.write(&target).map_err(|error| Failure::host(with_causes(&error)))?;
    say(&target, &built, arguments.json)
}

fn conforms(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let contract = Contract::parse(embedded::WIT).map_err(|error| Failure::host(error.to_string()))?;
    let report = check(bytes, &contract);
    let Some(first) = report.findings.iter().find(|finding| finding.severity == Severity::Error) else { return Ok(()) };
    Err(Failure::refused(format!("{} does not conform to the contract: {first}", path.display()))
        .hint(format!("`sluice check {}` says everything that does not fit", path.display())))
}

fn target(arguments: &BuildArguments, name: &str) -> PathBuf {
    arguments.output.clone().unwrap_or_else(|| arguments.project.join(format!("{name}.wasm")))
}

fn say(target: &Path, built: &Built, json: bool) -> Result<u8, Failure> {
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
    if json {
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
