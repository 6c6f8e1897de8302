//! `sluice dev`: a component without a project, and what it is given instead of one.
//!
//! The runner is built once for all projects. A project's packages are read when its requirements change, and its own
//! files for each sync; the byte code of both is made by the runner itself.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use super::bundle::{self, Contents};
use super::componentize::componentize;
use super::dependencies::{Dependencies, Resolver};
use super::digest::Fields;
use super::project::ProjectFile;
use super::requirements::Requirements;
use super::toolchain::{self, Toolchain};
use super::{
    BuildError, Built, Inputs, Options, Progress, Project, add_inputs, cached, described, extension, make_private,
    prune, stamp_of, write_whole, writing,
};
use crate::parcel::{Archive, Entry};
use crate::stamp::{self, AskedLimits, Stamp};

/// What a runner calls itself.
const NAME: &str = "sluice-runner";

/// A runner in the cache.
#[derive(Debug)]
pub struct Runner {
    /// The component.
    pub built: Built,
    /// The packages that it has.
    packages: Files,
}

/// Builds the runner, or finds it built.
///
/// # Errors
///
/// See [`BuildError`].
pub fn runner(inputs: &Inputs<'_>, cache: &Path, progress: &mut dyn Progress) -> Result<Runner, BuildError> {
    make_private(cache)?;
    let toolchain = Toolchain::ready(cache, progress)?;
    let (requirements, options) = (&Requirements::default(), &Options::default());
    let base = Resolver { requirements, folder: cache, toolchain: &toolchain, cache, options }.resolve(progress)?;
    let packages = Files::of_packages(&base)?;
    let built = built(inputs, cache, &base, &toolchain, progress)?;
    Ok(Runner { built, packages })
}

fn built(
    inputs: &Inputs<'_>,
    cache: &Path,
    base: &Dependencies,
    toolchain: &Toolchain,
    progress: &mut dyn Progress,
) -> Result<Built, BuildError> {
    let mut fields = Fields::default().with("sluice runner 1").with(toolchain::LOCK).with(&base.digest);
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
    let extension = extension::ready(cache, inputs, toolchain, progress)?;
    progress.step("making the runner, once for all projects (about 15 seconds)");
    let made = componentize(Contents::Runner(base), inputs, &extension, toolchain)?;
    let stamp = Stamp {
        name: NAME.to_owned(),
        version: inputs.sdk_version.to_owned(),
        sdk: Some(inputs.sdk_version.to_owned()),
        contract: inputs.contract_version.to_owned(),
        source: key.clone(),
        network: Vec::new(),
        limits: AskedLimits::default(),
        dependencies: base.list.clone(),
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

/// Whether a module of the project stands before one of the runner's packages.
#[must_use]
pub fn is_hidden(runner: &Runner, project: &Project) -> bool {
    let top = |path: &str| path.split('/').next().map(|name| name.trim_end_matches(".py").to_owned());
    let own: HashSet<_> = runner.packages.files.iter().filter_map(|(file, _)| top(&file.path)).collect();
    project.files.iter().filter_map(|file| top(&file.path)).any(|name| own.contains(&name))
}

/// Files with the byte code of some.
#[derive(Debug, Default)]
pub struct Files {
    files: Vec<(ProjectFile, Option<Vec<u8>>)>,
    /// Whether the runner keeps its own packages.
    beside: bool,
}

impl Files {
    /// The files of installed packages.
    ///
    /// # Errors
    ///
    /// When one cannot be read, or they are too many.
    pub fn of_packages(dependencies: &Dependencies) -> Result<Self, BuildError> {
        let files = bundle::packages(&dependencies.site)?;
        Ok(Self { files: files.into_iter().map(|file| (file, None)).collect(), beside: false })
    }

    /// The files of a project, with the byte code that is known for one of this path and content.
    pub fn of_project(project: &Project, code: impl Fn(&ProjectFile) -> Option<Vec<u8>>) -> Self {
        Self { files: project.files.iter().map(|file| (file.clone(), code(file))).collect(), beside: true }
    }

    /// Leaves out the packages that the runner has, if these are all of them and the project has no module of such a
    /// name, which would come before. Whether it did.
    pub fn share(&mut self, runner: &Runner, project: &Project) -> bool {
        let of: HashMap<_, _> = self.files.iter().map(|(file, _)| (file.path.as_str(), &file.contents)).collect();
        let own = &runner.packages.files;
        let same = own.iter().all(|(file, _)| of.get(file.path.as_str()) == Some(&&file.contents));
        self.beside = same && !is_hidden(runner, project);
        if self.beside {
            let own: HashSet<_> = own.iter().map(|(file, _)| file.path.as_str()).collect();
            self.files.retain(|(file, _)| !own.contains(file.path.as_str()));
        }
        self.beside
    }

    /// Notes the byte code of the file with this number.
    pub fn set_code(&mut self, number: usize, code: Vec<u8>) {
        if let Some((_, kept)) = self.files.get_mut(number) {
            *kept = Some(code);
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
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
        Archive::pack(&entries, self.beside)
    }
}
