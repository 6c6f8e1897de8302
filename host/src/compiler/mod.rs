//! `sluice build`: from an author's project to one component.
//!
//! 1. [`project`] reads the folder: nothing of it is executed, and it is bounded.
//! 2. [`toolchain`] makes the build tools ready, at exact versions, once.
//! 3. [`dependencies`] resolves the requirements to wheels, so that no code of packages runs on the author's machine,
//!    and keeps the result in the project's lock file ([`lock`]).
//! 4. [`scan`] looks through the project's source for what cannot work.
//! 5. [`base`]: [`mod@componentize`] stages the dependencies and lets componentize-py take the snapshot in which they
//!    are imported, inside WebAssembly and without network. It knows nothing of the project, so that a project whose
//!    code changes, and others with the same dependencies, have the same base and the same machine code.
//! 6. [`modules`]: the base's own Python compiles the project's modules, without executing them.
//! 7. [`artifact`] puts the project beside the base, and [`stamp`] says in the component what it is and what it asks
//!    for.
//!
//! The tools of 3 to 5 read what a stranger wrote, so they run in a jail ([`Jail`]), without the author's environment;
//! 6 runs in a worker. pip alone has the network.
//!
//! A component that another language's tools built is only stamped ([`foreign`]).
//!
//! `sluice dev` builds nothing of a project: it hands it to a [`runner`], which is such a base.
//!
//! Everything is named by its content: unchanged input builds nothing. [`prune`] bounds the cache.

pub mod base;
pub mod bundle;
pub mod command;
pub mod componentize;
pub mod configuration;
pub mod dependencies;
mod digest;
pub mod extension;
pub mod files;
pub mod foreign;
pub mod installed;
pub mod lock;
pub mod manifest;
pub mod modules;
pub mod native;
mod pip;
pub mod project;
pub mod prune;
mod requirement_files;
pub mod requirements;
mod resolution;
pub mod runner;
pub mod scan;
mod sdists;
pub mod template;
pub mod toolchain;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use base::Recipe;
use bundle::BundleError;
use componentize::ComponentizeError;
use dependencies::{DependencyError, Resolver};
use digest::Fields;
use extension::ExtensionError;
use files::Files;
use modules::{Interpreter, Part};
pub use project::{Project, ProjectError};
use toolchain::{Toolchain, ToolchainError};

use crate::parcel::archive::ArchiveError;
use crate::parcel::artifact;
use crate::stamp::{self, Dependency, Stamp};
use crate::worker;

/// Text files that come with the program: path and contents.
pub type Embedded<'a> = &'a [(&'a str, &'a str)];

/// What every component is built from beside the project.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a> {
    /// The WIT contract and its dependencies.
    pub wit: Embedded<'a>,
    /// The Python SDK.
    pub sdk: Embedded<'a>,
    /// The source of the SDK's extension in C.
    pub native: Embedded<'a>,
    /// The SDK's version.
    pub sdk_version: &'a str,
    /// The contract's version.
    pub contract_version: &'a str,
}

/// Hears what a build is doing, one line at a time.
pub trait Progress {
    /// The build does this now, or noticed this.
    fn step(&mut self, line: &str);
}

impl<F: FnMut(&str)> Progress for F {
    fn step(&mut self, line: &str) {
        self(line);
    }
}

/// Starts the Python of components.
pub trait Interpreters {
    /// That of this component.
    ///
    /// # Errors
    ///
    /// Why it cannot be started.
    fn start(&self, component: &[u8], jail: Jail) -> Result<Box<Interpreter<'_>>, String>;
}

/// What a build is done with.
pub struct Workshop<'a> {
    /// What every component is built from.
    pub inputs: &'a Inputs<'a>,
    /// A folder of this user alone; whoever can write there decides what is built.
    pub cache: &'a Path,
    /// Compiles the project's modules.
    pub interpreters: &'a dyn Interpreters,
}

/// How to build.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Look for newer versions of dependencies instead of keeping those of the lock file.
    pub upgrade: bool,
    /// Refuse to build anything but what the lock file says.
    pub locked: bool,
    /// Packages whose source may be built, which runs their code on this machine; in normal spelling.
    pub allow_sdists: Vec<String>,
    /// What the tools that read the project are held by.
    pub jail: Jail,
}

/// What a build's tools are held by, beside the sandbox in which a project's dependencies are imported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Jail {
    /// A process that can write into this build's folder only and has no network, as far as the system can do that.
    #[default]
    Usual,
    /// The same, or nothing is built.
    Whole,
    /// Nothing.
    None,
}

/// A component in the cache.
#[derive(Clone, Debug)]
pub struct Built {
    /// The component. It lies in the cache: copy it out with [`Built::copy_to`].
    pub path: PathBuf,
    /// SHA-256 of everything it was built from, in hexadecimal.
    pub key: String,
    /// SHA-256 of the component, in hexadecimal.
    pub digest: String,
    /// What the component says of itself.
    pub stamp: Stamp,
    /// Bytes of the component.
    pub size: u64,
    /// Whether it was built now rather than found in the cache.
    pub fresh: bool,
}

/// Why a build failed.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The build tools.
    #[error(transparent)]
    Toolchain(#[from] ToolchainError),
    /// The dependencies.
    #[error(transparent)]
    Dependencies(#[from] DependencyError),
    /// The system lacks a part of the jail that was required.
    #[error("this machine cannot jail a build as --require-jail demands: {} missing", .0.join(" and "))]
    Jail(Vec<String>),
    /// The project's source.
    #[error(transparent)]
    Scan(#[from] scan::ScanError),
    /// The SDK's extension.
    #[error(transparent)]
    Extension(#[from] ExtensionError),
    /// The files of the packages.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// The component.
    #[error(transparent)]
    Componentize(#[from] ComponentizeError),
    /// The component's Python could not compile the project.
    #[error("cannot compile the project's modules: {0}")]
    Interpreter(String),
    /// The project with its byte code.
    #[error("the project with its byte code is too large; move what the connector does not need elsewhere")]
    Project(#[from] ArchiveError),
    /// The cache or the file to write to.
    #[error("cannot write {path}")]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Builds a project, or finds it built.
///
/// # Errors
///
/// See [`BuildError`].
pub fn build(
    project: &Project,
    workshop: &Workshop<'_>,
    options: &Options,
    progress: &mut dyn Progress,
) -> Result<Built, BuildError> {
    let Workshop { inputs, cache, interpreters } = *workshop;
    make_private(cache)?;
    if options.jail == Jail::Whole {
        // Before any tool runs, and pip is one.
        let missing = worker::missing_for_tools();
        if !missing.is_empty() {
            return Err(BuildError::Jail(missing));
        }
    }
    for name in &project.requirements.provided {
        progress.step(&format!("note: {name} is provided by the SDK and is not installed"));
    }
    let toolchain = Toolchain { jail: options.jail != Jail::None, ..Toolchain::ready(cache, progress)? };
    let (requirements, folder) = (&project.requirements, project.folder.as_path());
    let resolver = Resolver { requirements, folder, toolchain: &toolchain, cache, options };
    let dependencies = resolver.resolve(progress)?;
    let key = key(project, inputs, &dependencies.digest);
    let path = cache.join("components").join(format!("{key}.wasm"));
    if let Some(found) = cached(&path, &key) {
        prune::touch(&path);
        return Ok(found);
    }

    confess(options.jail, progress);
    let found = scan::scan(project, &dependencies.site, inputs, &toolchain)?;
    for finding in &found.notes {
        progress.step(&format!("note: {finding}"));
    }
    let preload = base::preload(&found.imports, &project.files, &dependencies.site);
    let base = Recipe { inputs, cache, toolchain: &toolchain }.make(&dependencies, &preload, progress)?;
    progress.step("compiling the project");
    let mut component = base.read()?;
    let interpreter = interpreters.start(&component, options.jail);
    let mut interpreter = interpreter.map_err(BuildError::Interpreter)?;
    let mut files = Files::of_project(project);
    let refused = modules::compile(&mut files, Part::Project, &base.key, &mut interpreter);
    let refused = refused.map_err(BuildError::Interpreter)?;
    if !refused.is_empty() {
        return Err(scan::ScanError::Syntax(refused).into());
    }
    let stamp = stamp_of(project, inputs, key.clone(), dependencies.list);
    artifact::append(&mut component, &files.pack())?;
    stamp::append(&mut component, &stamp)
        .map_err(|error| BuildError::Write { path: path.clone(), source: error.into() })?;
    write_whole(&path, &component)?;
    Ok(described(path, key, stamp, &component, true))
}

/// Says what is missing of the jail.
fn confess(jail: Jail, progress: &mut dyn Progress) {
    if jail == Jail::None {
        progress.step("note: --no-jail: the build's tools run as you, with your files and network");
        return;
    }
    let missing = worker::missing_for_tools();
    if !missing.is_empty() {
        let missing = missing.join(" and no ");
        progress.step(&format!(
            "note: WARNING: this machine has no {missing}: the wall behind the build's sandbox is not whole \
             (--require-jail refuses to build like this)"
        ));
    }
}

/// What the component of a project says of itself.
fn stamp_of(project: &Project, inputs: &Inputs<'_>, source: String, dependencies: Vec<Dependency>) -> Stamp {
    Stamp {
        name: project.name.clone(),
        version: project.version.clone(),
        sdk: Some(inputs.sdk_version.to_owned()),
        contract: inputs.contract_version.to_owned(),
        source,
        network: project.network.iter().map(ToString::to_string).collect(),
        limits: project.limits,
        dependencies,
    }
}

impl Built {
    /// Copies the component to where the author wants it; an interrupted copy leaves nothing half-written.
    ///
    /// # Errors
    ///
    /// When the cache cannot be read or the file cannot be written.
    pub fn copy_to(&self, target: &Path) -> Result<(), BuildError> {
        let component = fs::read(&self.path).map_err(writing(&self.path))?;
        write_whole(target, &component)
    }
}

fn cached(path: &Path, key: &str) -> Option<Built> {
    let component = fs::read(path).ok()?;
    let stamp = stamp::read(&component).ok().flatten().filter(|stamp| stamp.source == key)?;
    Some(described(path.to_path_buf(), key.to_owned(), stamp, &component, false))
}

fn described(path: PathBuf, key: String, stamp: Stamp, component: &[u8], fresh: bool) -> Built {
    let size = u64::try_from(component.len()).unwrap_or(u64::MAX);
    Built { path, key, digest: digest::sha256(component), stamp, size, fresh }
}

/// Names a component by everything that goes into it.
fn key(project: &Project, inputs: &Inputs<'_>, dependencies: &str) -> String {
    let mut fields = Fields::default().with("sluice component 2").with(toolchain::LOCK).with(dependencies);
    for text in [&project.name, &project.version, inputs.sdk_version, inputs.contract_version] {
        fields.add(text);
    }
    add_inputs(&mut fields, inputs);
    for file in &project.files {
        fields.add(&file.path);
        fields.add(&file.contents);
    }
    fields.finish()
}

fn add_inputs(fields: &mut Fields, inputs: &Inputs<'_>) {
    for (part, files) in [("wit", inputs.wit), ("sdk", inputs.sdk), ("native", inputs.native)] {
        fields.add(part);
        fields.add(files.len().to_le_bytes());
        for (path, contents) in files {
            fields.add(path);
            fields.add(contents);
        }
    }
}

fn make_private(cache: &Path) -> Result<(), BuildError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(cache).map_err(writing(cache))
}

/// Writes files into a new folder.
pub(crate) fn lay_out(files: Embedded<'_>, folder: &Path) -> Result<(), (PathBuf, io::Error)> {
    for (path, contents) in files {
        let path = folder.join(path);
        let made = path.parent().map_or(Ok(()), fs::create_dir_all);
        made.and_then(|()| fs::write(&path, contents)).map_err(|source| (path, source))?;
    }
    Ok(())
}

fn write_whole(path: &Path, contents: &[u8]) -> Result<(), BuildError> {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(writing(parent))?;
    let mut file = tempfile::NamedTempFile::new_in(parent).map_err(writing(parent))?;
    let written =
        file.write_all(contents).and_then(|()| share(file.as_file())).and_then(|()| file.as_file().sync_all());
    written.map_err(writing(path))?;
    file.persist(path).map_err(|error| BuildError::Write { path: path.to_path_buf(), source: error.error })?;
    Ok(())
}

/// Gives a file the usual permissions instead of a temporary file's; folders decide who gets there.
fn share(file: &fs::File) -> io::Result<()> {
    #[cfg(unix)]
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
    let _ = file;
    Ok(())
}

fn writing(path: &Path) -> impl FnOnce(io::Error) -> BuildError + '_ {
    move |source| BuildError::Write { path: path.to_path_buf(), source }
}

#[cfg(test)]
mod tests;
