//! The part of a component that takes long to make and is the same for many connectors.
//!
//! A base is a whole component, without a project: CPython, the SDK, the packages of a lock file, and in its memory
//! those modules of packages that the project imports, as they are once imported. It is named by these, so a project
//! whose code changes keeps its base, and projects that use nothing but `requests` all have the same one.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::componentize::componentize;
use super::dependencies::Dependencies;
use super::digest::Fields;
use super::project::ProjectFile;
use super::toolchain::{self, Toolchain};
use super::{BuildError, Inputs, Progress, add_inputs, extension, prune, write_whole, writing};

/// What a component begins with.
const MAGIC: &[u8] = b"\0asm";
/// What every base has imported, or leaves for when it is asked for: the modules of the packages that are always there.
const EVERYWHERE: [&str; 7] = ["certifi", "charset_normalizer", "dotenv", "idna", "requests", "tzdata", "urllib3"];

/// A base in the cache.
#[derive(Clone, Debug)]
pub struct Base {
    /// The component.
    pub path: PathBuf,
    /// SHA-256 of everything it was made from, in hexadecimal.
    pub key: String,
}

/// What a base is made from.
pub(super) struct Recipe<'a> {
    pub(super) inputs: &'a Inputs<'a>,
    pub(super) cache: &'a Path,
    pub(super) toolchain: &'a Toolchain,
}

impl Recipe<'_> {
    /// The base with these packages, of which the named modules are imported. Made unless it is there.
    pub(super) fn make(
        &self,
        dependencies: &Dependencies,
        preload: &[String],
        progress: &mut dyn Progress,
    ) -> Result<Base, BuildError> {
        let key = self.key(&dependencies.digest, preload);
        let path = self.cache.join("components").join(format!("{key}.wasm"));
        if is_component(&path) {
            prune::touch(&path);
            return Ok(Base { path, key });
        }
        let lock = fs::File::create(self.cache.join("base.lock")).map_err(writing(self.cache))?;
        lock.lock().map_err(writing(self.cache))?;
        if is_component(&path) {
            // Another build was quicker.
            return Ok(Base { path, key });
        }
        let extension = extension::ready(self.cache, self.inputs, self.toolchain, progress)?;
        progress.step(&format!("making the base {} (about 15 seconds, once)", of(preload)));
        let component = componentize(dependencies, preload, self.inputs, &extension, self.toolchain)?;
        write_whole(&path, &component)?;
        Ok(Base { path, key })
    }

    fn key(&self, dependencies: &str, preload: &[String]) -> String {
        let mut fields = Fields::default().with("sluice base 1").with(toolchain::LOCK).with(dependencies);
        for text in [self.inputs.sdk_version, self.inputs.contract_version] {
            fields.add(text);
        }
        add_inputs(&mut fields, self.inputs);
        for name in preload {
            fields.add(name);
        }
        fields.finish()
    }
}

impl Base {
    /// The component's bytes.
    pub(super) fn read(&self) -> Result<Vec<u8>, BuildError> {
        fs::read(&self.path).map_err(writing(&self.path))
    }
}

/// The modules of packages that a project imports and a base is to have imported.
///
/// What the project has under such a name comes first and is left out, and so are packages that every base has.
pub(super) fn preload(imports: &[String], project: &[ProjectFile], site: &Path) -> Vec<String> {
    let own: BTreeSet<&str> = project.iter().filter_map(|file| top_module(&file.path)).collect();
    let wanted = imports.iter().filter(|name| {
        let top = name.split('.').next().unwrap_or_default();
        // Nothing but a module's name becomes a path.
        let plain =
            name.split('.').all(|part| !part.is_empty() && part.chars().all(|c| c == '_' || c.is_alphanumeric()));
        plain && !own.contains(top) && !EVERYWHERE.contains(&top) && is_module(site, name)
    });
    let sorted: BTreeSet<&String> = wanted.collect();
    sorted.into_iter().cloned().collect()
}

/// The name of the module or package that a file is in the project's top folder.
fn top_module(path: &str) -> Option<&str> {
    path.strip_suffix("/__init__.py").or_else(|| path.strip_suffix(".py")).filter(|name| !name.contains('/'))
}

fn is_module(site: &Path, name: &str) -> bool {
    let path = site.join(name.replace('.', "/"));
    path.join("__init__.py").is_file() || path.with_extension("py").is_file()
}

fn of(preload: &[String]) -> String {
    let tops: BTreeSet<&str> = preload.iter().filter_map(|name| name.split('.').next()).collect();
    match tops.is_empty() {
        true => "of connectors without packages of their own".to_owned(),
        false => format!("with {}", tops.into_iter().collect::<Vec<_>>().join(", ")),
    }
}

/// What lies there was put there whole.
fn is_component(path: &Path) -> bool {
    use std::io::Read;
    let mut head = [0; MAGIC.len()];
    fs::File::open(path).and_then(|mut file| file.read_exact(&mut head)).is_ok() && head == MAGIC
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::compiler::dependencies::BASE;

    #[test]
    fn what_is_everywhere_is_of_the_packages_that_are_always_there() {
        let locked = BASE.lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!(EVERYWHERE.len(), locked);
        for name in EVERYWHERE {
            assert!(BASE.replace('-', "_").contains(&format!("{name}==")), "{name}");
        }
    }

    #[test]
    fn what_is_preloaded_are_modules_of_packages_that_the_project_imports() {
        let site = tempfile::tempdir().unwrap();
        for path in ["pg8000/__init__.py", "pg8000/dbapi.py", "scramp.py", "requests/__init__.py", "own/__init__.py"] {
            let path = site.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let imports = names(&[
            "scramp",
            "pg8000.dbapi",
            "pg8000.dbapi.connect",
            "json",
            "requests",
            "own",
            "pg8000",
            "..",
            "pg8000/x",
            "",
        ]);
        let file = |path: &str| ProjectFile { path: path.into(), contents: Vec::new() };
        let project = [file("connector.py"), file("own/__init__.py"), file("scramp/data.csv")];
        assert_eq!(preload(&imports, &project, site.path()), names(&["pg8000", "pg8000.dbapi", "scramp"]));
        assert_eq!(preload(&imports, &[file("pg8000.py")], site.path()), names(&["own", "scramp"]));
    }
}
