//! The packages a connector imports: resolved for the guest's Python, pinned by hash, machine code left out.
//!
//! pip first says what it would take (it runs no code of packages, unless the operator allows to build source), then
//! installs exactly that by name, version and hash into a folder of the cache. What it says is kept in the project's
//! lock file, which later builds follow.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::command::{self, CommandError};
use super::digest::Fields;
use super::installed::{self, Probe};
use super::lock::{Lock, LockError};
use super::native::{self, NativeOnly, WITHOUT_MACHINE_CODE};
use super::pip::GuestPip;
use super::requirements::{Requirements, name_of};
use super::resolution::{Answer, Blocked, Policy, Resolved, query};
use super::sdists;
use super::toolchain::{self, Toolchain};
use super::{Options, Progress};
use crate::stamp::Dependency;

/// What every connector can import without asking, with hashes.
pub const BASE: &str = include_str!("base.lock");
const SITE: &str = "site";
const PROBES: &str = "probes.json";

/// Resolved dependencies in the cache.
#[derive(Clone, Debug)]
pub struct Dependencies {
    /// The folder with their modules.
    pub site: PathBuf,
    /// What they are, by name.
    pub list: Vec<Dependency>,
    /// SHA-256 over names, versions and hashes, in hexadecimal.
    pub digest: String,
    /// Packages that are to be tried without their machine code.
    pub probes: Vec<Probe>,
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
    /// A package has none of the hashes that the project's requirements allow.
    #[error("{name} {version} does not have a hash that the project's requirements list for it")]
    NotListed {
        /// The package.
        name: String,
        /// Its version.
        version: String,
    },
    /// A source distribution could not be built.
    #[error("cannot build {name} from its source\n{output}")]
    Source {
        /// The package.
        name: String,
        /// What pip said.
        output: String,
    },
    /// The lock file.
    #[error(transparent)]
    Lock(#[from] LockError),
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

/// What dependencies are made for and with.
pub(super) struct Resolver<'a> {
    pub(super) requirements: &'a Requirements,
    /// The project's folder, for the lock file.
    pub(super) folder: &'a Path,
    pub(super) toolchain: &'a Toolchain,
    pub(super) cache: &'a Path,
    pub(super) options: &'a Options,
}

impl Resolver<'_> {
    /// Finds out what to take, and installs it unless the cache has it.
    ///
    /// What to take is what the lock file says as long as it is of these requirements. Otherwise pip decides; where
    /// only some requirements changed, the versions of the others are kept if that is possible.
    pub(super) fn resolve(&self, progress: &mut dyn Progress) -> Result<Dependencies, DependencyError> {
        let failed = |source| DependencyError::Cache { path: self.cache.to_path_buf(), source };
        fs::create_dir_all(self.cache.join("dependencies")).map_err(failed)?;
        let lock = File::create(self.cache.join("dependencies.lock")).map_err(failed)?;
        lock.lock().map_err(failed)?;
        let work = tempfile::Builder::new().prefix("work-").tempdir_in(self.cache).map_err(failed)?;

        if self.requirements.lines.is_empty() {
            return self.install(work.path(), base_set(), progress);
        }
        self.refuse_directly()?;
        let required = described(self.requirements);
        let there = Lock::read(self.folder)?;
        let difference = there.as_ref().and_then(|lock| lock.difference(&required));
        let packages = match (there, difference) {
            (Some(lock), None) if !self.options.upgrade => lock.packages,
            (None, _) if self.options.locked => return Err(LockError::Missing.into()),
            (Some(_), Some(difference)) if self.options.locked => return Err(LockError::Stale(difference).into()),
            (there, difference) => {
                if let Some(difference) = difference {
                    progress.step(&format!("note: the requirements changed ({difference}); the lock file follows"));
                }
                let pins = there.filter(|_| !self.options.upgrade).map(|lock| lock.pins(&required));
                let packages = self.ask(work.path(), &pins.unwrap_or_default(), progress)?;
                let installed = self.install(work.path(), packages.clone(), progress)?;
                let lock = Lock { requirements: required, packages };
                if let Err(error) = lock.write(self.folder) {
                    progress.step(&format!("note: no lock file, so later builds may take other versions: {error}"));
                }
                return Ok(installed);
            }
        };
        self.install(work.path(), packages, progress)
    }

    /// Says at once what no package index can change.
    fn refuse_directly(&self) -> Result<(), DependencyError> {
        // A marker may leave a package out; that is for pip to see.
        let lines = self.requirements.lines.iter().filter(|line| !line.contains(';'));
        let names = lines.filter_map(|line| name_of(line)).filter(|name| native::advice(name).is_some());
        let refused: Vec<NativeOnly> = names.map(|name| NativeOnly::machine_code(&name)).collect();
        if refused.is_empty() { Ok(()) } else { Err(DependencyError::Native(refused)) }
    }

    /// Asks pip, keeping versions where that is possible: of the lock, then of the base set.
    fn ask(
        &self,
        work: &Path,
        locked: &[String],
        progress: &mut dyn Progress,
    ) -> Result<Vec<Resolved>, DependencyError> {
        progress.step("resolving dependencies");
        let known = |pins: &[String], line: &str| pins.iter().any(|pin| name_of(pin) == name_of(line));
        let base: Vec<String> = base().map(|(name, version, _)| format!("{name}=={version}")).collect();
        let kept: Vec<String> =
            locked.iter().cloned().chain(base.iter().filter(|pin| !known(locked, pin)).cloned()).collect();
        let mut policy = Policy {
            any_native: false,
            sdists: self.options.allow_sdists.clone(),
            hashes: self.requirements.hashes.clone(),
        };
        let mut attempts = vec![(kept, None)];
        if !locked.is_empty() {
            attempts.push((base, Some("note: the locked versions do not fit the requirements; looking for others")));
        }
        let other = "note: the project needs other versions of requests or its dependencies than the tested ones";
        attempts.push((Vec::new(), Some(other)));
        let mut first: Option<Answer> = None;
        let mut attempts = attempts.into_iter();
        let mut attempt = attempts.next();
        while let Some((pins, note)) = attempt {
            let answer = self.question(work, &pins, &policy)?;
            if let Ok(resolved) = answer.resolved {
                note.iter().for_each(|note| progress.step(note));
                note_passed_over(&answer.blocked, progress);
                self.check(&resolved)?;
                return Ok(resolved);
            }
            let output = answer.resolved.as_ref().err().map(String::as_str).unwrap_or_default();
            let unmet = answer.partly.iter().filter(|(name, _)| native::is_unmet(output, name));
            let unknown = answer.blocked.iter().chain(unmet).any(|(name, why)| is_unknown(name, *why));
            if unknown && !policy.any_native {
                policy.any_native = true;
                attempt = Some((pins, note));
            } else {
                // No other version helps where a package has none at all.
                attempt = if answer.blocked.is_empty() { attempts.next() } else { None };
            }
            first.get_or_insert(answer);
        }
        Err(self.refusal(first))
    }

    fn question(&self, work: &Path, pins: &[String], policy: &Policy) -> Result<Answer, DependencyError> {
        let named: Vec<String> = self.requirements.lines.iter().filter_map(|line| name_of(line)).collect();
        let mut wanted = self.requirements.lines.clone();
        wanted.extend(base().filter(|(name, ..)| !named.iter().any(|n| n == name)).map(|(name, ..)| name.to_owned()));
        let pins: Vec<String> = pins.iter().chain(&self.requirements.constraints).cloned().collect();
        query(self.toolchain, work, &wanted, &pins, policy)
    }

    fn refusal(&self, answer: Option<Answer>) -> DependencyError {
        let Some(answer) = answer else {
            return DependencyError::Resolve { output: String::new() };
        };
        let required: Vec<String> = self.requirements.lines.iter().filter_map(|line| name_of(line)).collect();
        let culprits = native::culprits(&answer, &required);
        match answer.resolved {
            Err(output) if culprits.is_empty() => DependencyError::Resolve { output },
            _ => DependencyError::Native(culprits),
        }
    }

    fn check(&self, resolved: &[Resolved]) -> Result<(), DependencyError> {
        check_base(resolved)?;
        let listed = |package: &&Resolved| {
            self.requirements.hashes.get(&package.name).is_some_and(|hashes| !hashes.contains(&package.sha256))
        };
        match resolved.iter().find(listed) {
            None => Ok(()),
            Some(Resolved { name, version, .. }) => {
                Err(DependencyError::NotListed { name: name.clone(), version: version.clone() })
            }
        }
    }

    /// Installs packages into a folder of the cache named by what they are, unless it is there.
    fn install(
        &self,
        work: &Path,
        packages: Vec<Resolved>,
        progress: &mut dyn Progress,
    ) -> Result<Dependencies, DependencyError> {
        let digest = digest_of(&packages);
        let folder = self.cache.join("dependencies");
        let home = folder.join(Fields::default().with("2").with(&digest).with(toolchain::LOCK).finish());
        let failed = |source| DependencyError::Cache { path: home.clone(), source };
        if !home.join(PROBES).is_file() {
            let names: Vec<String> = packages.iter().map(|r| format!("{} {}", r.name, r.version)).collect();
            progress.step(&format!("installing {}", names.join(", ")));
            let making = tempfile::Builder::new().prefix("new-").tempdir_in(&folder).map_err(failed)?;
            self.install_into(&making.path().join(SITE), work, &packages, progress)?;
            let probes = installed::probes(&making.path().join(SITE)).map_err(failed)?;
            let text = serde_json::to_vec(&probes).map_err(|error| failed(error.into()))?;
            fs::write(making.path().join(PROBES), text).map_err(failed)?;
            if home.exists() {
                fs::remove_dir_all(&home).map_err(failed)?;
            }
            fs::rename(making.keep(), &home).map_err(failed)?;
        }
        super::prune::touch(&home.join(PROBES));
        let probes = fs::read(home.join(PROBES)).map_err(failed)?;
        let probes = serde_json::from_slice(&probes).map_err(|error| failed(error.into()))?;
        let list = packages.into_iter().map(|r| Dependency { name: r.name, version: r.version }).collect();
        Ok(Dependencies { site: home.join(SITE), list, digest, probes })
    }

    fn install_into(
        &self,
        site: &Path,
        work: &Path,
        packages: &[Resolved],
        progress: &mut dyn Progress,
    ) -> Result<(), DependencyError> {
        let failed = |source| DependencyError::Cache { path: work.to_path_buf(), source };
        let policy = Policy { any_native: true, sdists: self.options.allow_sdists.clone(), ..Policy::default() };
        let mut lines = String::new();
        for package in packages {
            let line = if package.is_source() {
                let wheel = sdists::wheel_of(package, self.toolchain, self.cache, work, &policy, progress)?;
                format!("{} --hash=sha256:{}\n", wheel.path.display(), wheel.sha256)
            } else {
                format!("{}=={} --hash=sha256:{}\n", package.name, package.version, package.sha256)
            };
            lines.push_str(&line);
        }
        fs::create_dir_all(site).map_err(failed)?;
        // Wheels only, so no code of a package runs: what was source is a wheel by now.
        let mut pip = GuestPip::new(self.toolchain, work, &Policy { sdists: Vec::new(), ..policy })?;
        let list = pip.input("resolved.txt", &lines)?;
        pip.args(["install", "--quiet", "--no-deps", "--require-hashes", "--no-compile", "--ignore-requires-python"]);
        pip.args(command::PIP_OPTIONS);
        pip.args([OsStr::new("--target"), site.as_ref(), OsStr::new("-r"), list.as_ref()]);
        let (finished, _pip) = pip.run(&[site], &[&self.cache.join("built")])?;
        if finished.success { Ok(()) } else { Err(DependencyError::Install { output: finished.output }) }
    }
}

fn is_unknown(name: &str, why: Blocked) -> bool {
    why == Blocked::MachineCode && native::advice(name).is_none() && !WITHOUT_MACHINE_CODE.contains(&name)
}

/// pip takes older versions of packages whose newest need machine code; an author should know.
fn note_passed_over(blocked: &std::collections::BTreeMap<String, Blocked>, progress: &mut dyn Progress) {
    for (name, _) in blocked.iter().filter(|(_, why)| **why == Blocked::MachineCode) {
        progress.step(&format!("note: {name} is machine code, so versions of packages that need it were passed over"));
    }
}

/// The requirements as the lock file keeps them.
fn described(requirements: &Requirements) -> Vec<String> {
    let mut lines = requirements.lines.clone();
    lines.extend(requirements.constraints.iter().map(|line| format!("-c {line}")));
    for (name, hashes) in &requirements.hashes {
        lines.extend(hashes.iter().map(|hash| format!("{name} --hash=sha256:{hash}")));
    }
    lines.sort();
    lines.dedup();
    lines
}

fn digest_of(packages: &[Resolved]) -> String {
    let mut digest = Fields::default();
    for package in packages {
        digest.add(&package.name);
        digest.add(&package.version);
        digest.add(&package.sha256);
    }
    digest.finish()
}

/// The entries of the base set: name, version, hash.
fn base() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    BASE.lines().filter_map(|line| {
        let (package, hash) = line.split_once(" --hash=sha256:")?;
        let (name, version) = package.split_once("==")?;
        Some((name, version, hash))
    })
}

fn base_set() -> Vec<Resolved> {
    let entry = |(name, version, hash): (&str, &str, &str)| Resolved {
        name: name.to_owned(),
        version: version.to_owned(),
        sha256: hash.to_owned(),
        file: format!("{}-{version}-py3-none-any.whl", name.replace('-', "_")),
        url: String::new(),
    };
    base().map(entry).collect()
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

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn the_base_set_is_pinned_by_hash() {
        let names: Vec<_> = base().map(|(name, ..)| name).collect();
        assert_eq!(names, ["certifi", "charset-normalizer", "idna", "python-dotenv", "requests", "tzdata", "urllib3"]);
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
            file: String::new(),
            url: String::new(),
        };
        assert!(check_base(&[package(hash)]).is_ok());
        assert!(matches!(check_base(&[package("00")]), Err(DependencyError::Hash { .. })));
    }
}
