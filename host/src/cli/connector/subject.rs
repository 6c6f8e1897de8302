//! What a command works on: a component, or a project that is built first.

use std::path::Path;
use std::time::SystemTime;

use super::interpreter::Workers;
use crate::check::MAX_COMPONENT_BYTES;
use crate::cli::failure::{Failure, with_causes};
use crate::cli::folders::Folders;
use crate::cli::input;
use crate::compiler::{self, BuildError, Built, Inputs, Options, Progress, Project, Workshop, prune};
use crate::display::output::Output;
use crate::display::steps::Step;
use crate::embedded;
use crate::stamp::{self, Stamp};

/// The contract's version, as `wit/connector.wit` says it.
pub(super) const CONTRACT_VERSION: &str = "0.1.0";
/// What components are built from beside projects.
pub(in crate::cli) const INPUTS: Inputs<'_> = Inputs {
    wit: embedded::WIT,
    sdk: embedded::SDK,
    native: embedded::NATIVE,
    sdk_version: env!("CARGO_PKG_VERSION"),
    contract_version: CONTRACT_VERSION,
};
/// What every WebAssembly file begins with.
const WASM_MAGIC: &[u8] = b"\0asm";
const WHAT_TO_NAME: &str = "name a component (.wasm) or a folder with connector.py";

/// A component's bytes and what is known of them.
pub(in crate::cli) struct Subject {
    /// The component.
    pub(in crate::cli) bytes: Vec<u8>,
    /// What it says of itself; a component of another tool may say nothing.
    pub(in crate::cli) stamp: Option<Stamp>,
    /// The project, when it was built from one here.
    pub(in crate::cli) project: Option<Project>,
    /// The name of the file or folder, for a component without a stamp.
    stem: String,
}

impl Subject {
    /// Reads a component, or builds a project.
    pub(in crate::cli) fn load(path: &Path, folders: &Folders, output: &Output) -> Result<Self, Failure> {
        if !path.exists() {
            return Err(Failure::refused(format!("there is no {}", path.display())).hint(WHAT_TO_NAME));
        }
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            let project = read_project(path)?;
            let built = build(&project, folders, &Options::default(), output)?;
            let bytes = read_component(&built.path)?;
            return Ok(Self { bytes, stamp: Some(built.stamp), project: Some(project), stem });
        }
        let bytes = read_component(path)?;
        // A stamp that cannot be read asks for nothing; grants decide either way.
        let stamp = stamp::read(&bytes).ok().flatten();
        Ok(Self { bytes, stamp, project: None, stem })
    }

    /// A project that a runner is given.
    pub(in crate::cli) fn given(stamp: Stamp, project: Project) -> Self {
        Self { bytes: Vec::new(), stamp: Some(stamp), project: Some(project), stem: String::new() }
    }

    /// The connector's name.
    pub(in crate::cli) fn name(&self) -> &str {
        self.stamp.as_ref().map_or(&self.stem, |stamp| &stamp.name)
    }

    /// The name of its connection, unless another is given.
    pub(in crate::cli) fn connection(&self) -> String {
        self.name().replace('-', "_")
    }

    /// The connector's version, if it says one.
    pub(in crate::cli) fn version(&self) -> Option<&str> {
        self.stamp.as_ref().map(|stamp| stamp.version.as_str())
    }
}

/// Reads a project's folder.
pub(in crate::cli) fn read_project(folder: &Path) -> Result<Project, Failure> {
    Project::read(folder).map_err(|error| Failure::refused(with_causes(&error)))
}

/// Builds a project, showing each step.
pub(in crate::cli) fn build(
    project: &Project,
    folders: &Folders,
    options: &Options,
    output: &Output,
) -> Result<Built, Failure> {
    let interpreters = &Workers { folders, output };
    let workshop = Workshop { inputs: &INPUTS, cache: &folders.cache, interpreters };
    let build = |progress: &mut dyn Progress| compiler::build(project, &workshop, options, progress);
    let built = in_steps(output, &project.name, build)?;
    if built.fresh {
        let pruned = prune::prune(&folders.cache, folders.cache_bytes, SystemTime::now());
        tracing::debug!(entries = pruned.entries, bytes = pruned.bytes, "pruned the cache");
    }
    Ok(built)
}

/// Makes something for a connector, showing each step.
pub(in crate::cli) fn in_steps<T>(
    output: &Output,
    name: &str,
    make: impl FnOnce(&mut dyn Progress) -> Result<T, BuildError>,
) -> Result<T, Failure> {
    let mut current: Option<Step> = None;
    let mut progress = |line: &str| {
        if let Some(step) = current.take() {
            step.done(None);
        }
        match line.strip_prefix("note: ") {
            Some(note) => output.line(&format!("note: {note}")),
            None => current = Some(Step::start(output, line)),
        }
    };
    let made = make(&mut progress);
    match (made, current.take()) {
        (Ok(made), step) => {
            if let Some(step) = step {
                step.done(None);
            }
            Ok(made)
        }
        (Err(error), _) => Err(Failure::refused(format!("could not build {name}: {}", with_causes(&error)))),
    }
}

pub(in crate::cli) fn read_component(path: &Path) -> Result<Vec<u8>, Failure> {
    // How large it may be is decided when the limits are known.
    let bytes = input::read(path, "component", MAX_COMPONENT_BYTES as u64, input::Holds::Anything)?;
    if !bytes.starts_with(WASM_MAGIC) {
        return Err(Failure::refused(format!("{} is not a component", path.display())).hint(WHAT_TO_NAME));
    }
    Ok(bytes)
}
