//! The packages a connector imports: resolved for the guest's Python, pure Python only, pinned by hash.
//!
//! pip first says what it would take (it runs no code of packages, since only wheels are allowed), then installs
//! exactly that by name, version and hash into a folder of the cache.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Progress;
use super::command::{self, CommandError};
use super::digest::Fields;
use super::native::{self, NativeOnly};
use super::requirements::name_of;
use super::resolution::{PURE, Resolved, query};
use super::toolchain::{self, Toolchain};
use crate::stamp::Dependency;

/// What every connector can import without asking, with hashes.
pub const BASE: &str = include_str!("base.lock");
const RESOLVED: &str = "resolved.json";
const SITE: &str = "site";

/// Resolved dependencies in the cache.
#[derive(Clone, Debug)]
pub struct Dependencies {
    /// The folder with their modules.
    pub site: PathBuf,
    /// What they are, by name.
    pub list: Vec<Dependency>,
    /// SHA-256 over names, versions and hashes, in hexadecimal.
    pub digest: String,
}

/// Why the dependencies cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum DependencyError {
    /// Packages that cannot run in the sandbox.
    #[error("{}", native::explain(.0))]
    Native(Vec<NativeOnly>),
    /// pip found no solution, or no package index.
    #[error("cannot resolve the project's requirements\n{output}")]
    Resolve {
        /// What pip said.
        output: String,
    },
    /// pip found one but could not install it.
    #[error("cannot install the project's requirements\n{output}")]
    Install {
        /// What pip said.
        output: String,
    },
    /// A package of the base set has other contents than when it was reviewed.
    #[error("{name} {version} from the package index does not have the hash it had when it was pinned")]
    Hash {
        /// The package.
        name: String,
        /// Its version.
        version: String,
    },
    /// The cache.
    #[error("cannot use the dependencies in {path}")]
    Cache {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// pip could not be run.
    #[error(transparent)]
    Command(#[from] CommandError),
}

impl Dependencies {
    /// Resolves the requirements together with the base set, or finds them resolved in the cache.
    ///
    /// The same requirements give the same packages as long as the cache is kept; `refresh` resolves anew.
    ///
    /// # Errors
    ///
    /// When there is no solution, a package is not pure Python, or pip or the cache fails.
    pub fn resolve(
        requirements: &[String],
        toolchain: &Toolchain,
        cache: &Path,
        refresh: bool,
        progress: &mut dyn Progress,
    ) -> Result<Self, DependencyError> {
        let mut sorted = requirements.to_vec();
        sorted.sort();
        let key = Fields::default().with("1").with(sorted.join("\n")).with(BASE).with(toolchain::LOCK).finish();
        let home = cache.join("dependencies").join(&key);
        let failed = |source| DependencyError::Cache { path: home.clone(), source };
        fs::create_dir_all(cache.join("dependencies")).map_err(failed)?;
        let lock = File::create(cache.join("dependencies.lock")).map_err(failed)?;
        lock.lock().map_err(failed)?;

        if !refresh && let Some(found) = Self::cached(&home) {
            return Ok(found);
        }
        progress.step("resolving dependencies");
        let making = tempfile::Builder::new().prefix("new-").tempdir_in(cache.join("dependencies")).map_err(failed)?;
        let resolved = query_with_base(toolchain, making.path(), &sorted, progress)?;
        check_base(&resolved)?;
        let names: Vec<String> = resolved.iter().map(|r| format!("{} {}", r.name, r.version)).collect();
        progress.step(&format!("installing {}", names.join(", ")));
        install(toolchain, making.path(), &resolved)?;
        let text = serde_json::to_vec(&resolved).map_err(|error| failed(error.into()))?;
        fs::write(making.path().join(RESOLVED), text).map_err(failed)?;
        if home.exists() {
            fs::remove_dir_all(&home).map_err(failed)?;
        }
        fs::rename(making.keep(), &home).map_err(failed)?;
        Self::cached(&home).ok_or_else(|| failed(io::Error::other("the folder is incomplete")))
    }

    fn cached(home: &Path) -> Option<Self> {
        let resolved: Vec<Resolved> = serde_json::from_slice(&fs::read(home.join(RESOLVED)).ok()?).ok()?;
        let mut digest = Fields::default();
        for package in &resolved {
            digest.add(&package.name);
            digest.add(&package.version);
            digest.add(&package.sha256);
        }
        let list = resolved.into_iter().map(|r| Dependency { name: r.name, version: r.version }).collect();
        Some(Self { site: home.join(SITE), list, digest: digest.finish() })
    }
}

/// The entries of the base set: name, version, hash.
fn base() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    BASE.lines().filter_map(|line| {
        let (package, hash) = line.split_once(" --hash=sha256:")?;
        let (name, version) = package.split_once("==")?;
        Some((name, version, hash))
    })
}

/// Resolves with the base set pinned, so that a rebuild elsewhere gives the same; without the pins when the
/// project needs other versions.
fn query_with_base(
    toolchain: &Toolchain,
    work: &Path,
    requirements: &[String],
    progress: &mut dyn Progress,
) -> Result<Vec<Resolved>, DependencyError> {
    let named: Vec<String> = requirements.iter().filter_map(|line| name_of(line)).collect();
    let mut wanted = requirements.to_vec();
    wanted.extend(base().filter(|(name, ..)| !named.iter().any(|n| n == name)).map(|(name, ..)| name.to_owned()));
    let pins: Vec<String> = base().map(|(name, version, _)| format!("{name}=={version}")).collect();
    let output = match query(toolchain, work, &wanted, &pins, &PURE)? {
        Ok(resolved) => return Ok(resolved),
        Err(output) => output,
    };
    if !requirements.is_empty()
        && !output.contains("from versions: none")
        && let Ok(resolved) = query(toolchain, work, &wanted, &[], &PURE)?
    {
        progress.step("note: the project needs other versions of requests or its dependencies than the tested ones");
        return Ok(resolved);
    }
    let culprits = native::culprits(toolchain, work, requirements, &output)?;
    Err(if culprits.is_empty() { DependencyError::Resolve { output } } else { DependencyError::Native(culprits) })
}

fn check_base(resolved: &[Resolved]) -> Result<(), DependencyError> {
    let changed = |package: &&Resolved| {
        base().any(|(name, version, hash)| name == package.name && version == package.version && hash != package.sha256)
    };
    match resolved.iter().find(changed) {
        None => Ok(()),
        Some(package) => Err(DependencyError::Hash { name: package.name.clone(), version: package.version.clone() }),
    }
}

fn install(toolchain: &Toolchain, work: &Path, resolved: &[Resolved]) -> Result<(), DependencyError> {
    let failed = |source| DependencyError::Cache { path: work.to_path_buf(), source };
    let pinned = |r: &Resolved| format!("{}=={} --hash=sha256:{}\n", r.name, r.version, r.sha256);
    let list = work.join("resolved.txt");
    fs::write(&list, resolved.iter().map(pinned).collect::<String>()).map_err(failed)?;
    fs::create_dir_all(work.join(SITE)).map_err(failed)?;
    let mut pip: Command = command::pip(&toolchain.python);
    pip.args(["install", "--quiet", "--no-deps", "--require-hashes", "--no-compile", "--target"]);
    pip.arg(work.join(SITE)).args(PURE).arg("-r").arg(&list);
    let finished = command::run(&mut pip)?;
    if finished.success { Ok(()) } else { Err(DependencyError::Install { output: finished.output }) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn the_base_set_is_pinned_by_hash() {
        let names: Vec<_> = base().map(|(name, ..)| name).collect();
        assert_eq!(names, ["certifi", "charset-normalizer", "idna", "requests", "tzdata", "urllib3"]);
        assert!(base().all(|(_, _, hash)| hash.len() == 64));
        assert_eq!(names.len(), BASE.lines().filter(|line| !line.starts_with('#')).count());
    }

    #[test]
    fn another_content_of_a_base_package_is_refused() {
        let (name, version, hash) = base().next().unwrap();
        let package = |sha256: &str| Resolved {
            name: name.into(),
            version: version.into(),
            sha256: sha256.into(),
            wheel: String::new(),
        };
        assert!(check_base(&[package(hash)]).is_ok());
        assert!(matches!(check_base(&[package("00")]), Err(DependencyError::Hash { .. })));
    }
}
