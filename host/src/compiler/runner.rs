//! `sluice dev`: a component without a project, and what it is given instead of one.
//!
//! The runner is built once for all projects. A project's packages are read when its requirements change, and its own
//! files for each sync; the byte code of both is made by the runner itself.

use std::path::Path;

use super::bundle::{self, Contents};
use super::componentize::componentize;
use super::dependencies::{Dependencies, Resolver};
use super::digest::Fields;
use super::project::ProjectFile;
use super::toolchain::{self, Toolchain};
use super::{
    BuildError, Built, Inputs, Options, Progress, Project, add_inputs, cached, described, extension, make_private,
    prune, stamp_of, write_whole, writing,
};
use crate::parcel::{Archive, Entry};
use crate::stamp::{self, AskedLimits, Stamp};

/// What a runner calls itself.
const NAME: &str = "sluice-runner";

/// Builds the runner, or finds it built.
///
/// # Errors
///
/// See [`BuildError`].
pub fn runner(inputs: &Inputs<'_>, cache: &Path, progress: &mut dyn Progress) -> Result<Built, BuildError> {
    make_private(cache)?;
    let mut fields = Fields::default().with("sluice runner 1").with(toolchain::LOCK);
    for text in [inputs.sdk_version, inputs.contract_version] {
        fields.add(text);
    }
    add_inputs(&mut fields, inputs);
    let key = fields.finish();
    let path = cache.join("components").join(format!("{key}.wasm"));
    if let Some(found) = cached(&path, &key) {
        prune::touch(&path);
        return Ok(found);
    }
    let toolchain = Toolchain::ready(cache, progress)?;
    let extension = extension::ready(cache, inputs, &toolchain, progress)?;
    progress.step("making the runner, once for all projects (about 15 seconds)");
    let made = componentize(Contents::Runner, inputs, &extension, &toolchain)?;
    let stamp = Stamp {
        name: NAME.to_owned(),
        version: inputs.sdk_version.to_owned(),
        sdk: inputs.sdk_version.to_owned(),
        contract: inputs.contract_version.to_owned(),
        source: key.clone(),
        network: Vec::new(),
        limits: AskedLimits::default(),
        dependencies: Vec::new(),
    };
    let mut component = made.bytes;
    stamp::append(&mut component, &stamp).map_err(|error| writing(&path)(error.into()))?;
    write_whole(&path, &component)?;
    Ok(described(path, key, stamp, &component, true))
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

/// Files with the byte code of some.
#[derive(Debug, Default)]
pub struct Files {
    files: Vec<(ProjectFile, Option<Vec<u8>>)>,
}

impl Files {
    /// The files of installed packages.
    ///
    /// # Errors
    ///
    /// When one cannot be read, or they are too many.
    pub fn of_packages(dependencies: &Dependencies) -> Result<Self, BuildError> {
        let files = bundle::packages(&dependencies.site)?;
        Ok(Self { files: files.into_iter().map(|file| (file, None)).collect() })
    }

    /// The files of a project, with the byte code that is known for one of this path and content.
    pub fn of_project(project: &Project, code: impl Fn(&ProjectFile) -> Option<Vec<u8>>) -> Self {
        Self { files: project.files.iter().map(|file| (file.clone(), code(file))).collect() }
    }

    /// Notes the byte code of the file with this number.
    pub fn set_code(&mut self, number: usize, code: Vec<u8>) {
        if let Some((_, kept)) = self.files.get_mut(number) {
            *kept = Some(code);
        }
    }

    /// The file with this number.
    #[must_use]
    pub fn get(&self, number: usize) -> Option<&ProjectFile> {
        self.files.get(number).map(|(file, _)| file)
    }

    /// The numbers of files whose byte code is known, and that.
    pub fn code(&self) -> impl Iterator<Item = (usize, &[u8])> {
        self.files.iter().enumerate().filter_map(|(number, (_, code))| Some((number, code.as_deref()?)))
    }

    /// All of it, as a runner reads it.
    #[must_use]
    pub fn pack(&self) -> Archive {
        let entries = self.files.iter();
        let entries: Vec<_> = entries
            .map(|(file, code)| Entry { path: &file.path, contents: &file.contents, code: code.as_deref() })
            .collect();
        Archive::pack(&entries)
    }
}
