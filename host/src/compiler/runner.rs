//! `sluice dev`: a base without a project, and what it is given instead of one.
//!
//! The runner is the base of connectors without packages of their own. A project's packages are read when its
//! requirements change, and its own files for each sync.

use std::path::Path;

use super::base::{Base, Recipe};
use super::dependencies::{Dependencies, Resolver};
use super::files::Files;
use super::requirements::Requirements;
use super::toolchain::Toolchain;
use super::{BuildError, Inputs, Options, Progress, Project, digest, make_private, stamp_of};
use crate::stamp::Stamp;

/// A runner in the cache.
#[derive(Debug)]
pub struct Runner {
    /// The component.
    pub base: Base,
    /// SHA-256 of the component, in hexadecimal.
    pub digest: String,
    /// The packages that it has.
    pub packages: Files,
}

/// Makes the runner, or finds it made.
///
/// # Errors
///
/// See [`BuildError`].
pub fn runner(inputs: &Inputs<'_>, cache: &Path, progress: &mut dyn Progress) -> Result<Runner, BuildError> {
    make_private(cache)?;
    let toolchain = &Toolchain::ready(cache, progress)?;
    let (requirements, options) = (&Requirements::default(), &Options::default());
    let own = Resolver { requirements, folder: cache, toolchain, cache, options }.resolve(progress)?;
    let packages = Files::of_packages(&own)?;
    let base = Recipe { inputs, cache, toolchain }.make(&own, &[], progress)?;
    Ok(Runner { digest: digest::sha256(&base.read()?), base, packages })
}

/// Resolves a project's requirements, and installs them unless the cache has them.
///
/// # Errors
///
/// See [`BuildError`].
pub fn dependencies(
    project: &Project,
    cache: &Path,
    options: &Options,
    progress: &mut dyn Progress,
) -> Result<Dependencies, BuildError> {
    make_private(cache)?;
    let toolchain = Toolchain::ready(cache, progress)?;
    let (requirements, folder) = (&project.requirements, project.folder.as_path());
    Ok(Resolver { requirements, folder, toolchain: &toolchain, cache, options }.resolve(progress)?)
}

/// What the component of a project would say of itself.
#[must_use]
pub fn stamp(project: &Project, inputs: &Inputs<'_>, source: &str, dependencies: &Dependencies) -> Stamp {
    stamp_of(project, inputs, source.to_owned(), dependencies.list.clone())
}
