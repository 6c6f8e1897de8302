//! The build tools: componentize-py and pip at exact versions, in a virtual environment of their own in the cache.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Progress;
use super::command::{self, CommandError};
use super::digest;
use crate::worker::{self, Reach};

/// The tools with their versions and hashes, as pip reads them.
pub const LOCK: &str = include_str!("toolchain.lock");
/// The oldest Python that can run the tools.
pub const MIN_PYTHON: (u32, u32) = (3, 10);
const CANDIDATES: [&str; 8] =
    ["python3", "python", "python3.14", "python3.13", "python3.12", "python3.11", "python3.10", "py"];

/// Where the tools are.
#[derive(Clone, Debug)]
pub struct Toolchain {
    /// The interpreter of the virtual environment.
    pub python: PathBuf,
    /// Whether tools that read a stranger's files run in a jail.
    pub jail: bool,
}

/// Why the tools cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum ToolchainError {
    /// No Python, or only old ones.
    #[error(
        "building a connector needs Python {}.{} or newer as `python3` on PATH{}",
        MIN_PYTHON.0, MIN_PYTHON.1, .found.as_ref().map(|v| format!("; found {v}")).unwrap_or_default()
    )]
    NoPython {
        /// The newest version that was found.
        found: Option<String>,
    },
    /// The virtual environment cannot be made.
    #[error("cannot make a virtual environment; on Debian and Ubuntu, install the package python3-venv\n{output}")]
    Venv {
        /// What Python said.
        output: String,
    },
    /// pip failed.
    #[error("cannot install the build tools; the first build needs a package index\n{output}")]
    Install {
        /// What pip said.
        output: String,
    },
    /// The cache.
    #[error("cannot write the build tools to {path}")]
    Cache {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A tool could not be run.
    #[error(transparent)]
    Command(#[from] CommandError),
}

impl Toolchain {
    /// The tools in the cache; installs them the first time.
    ///
    /// A build that is ended half-way leaves nothing half-made, and of two builds one waits for the other.
    ///
    /// # Errors
    ///
    /// When there is no suitable Python, no package index, or the cache cannot be written.
    pub fn ready(cache: &Path, progress: &mut dyn Progress) -> Result<Self, ToolchainError> {
        let digest = digest::sha256(LOCK.as_bytes());
        let home = cache.join(format!("toolchain-{}", digest.get(..16).unwrap_or(&digest)));
        let writing = |source| ToolchainError::Cache { path: cache.to_path_buf(), source };
        fs::create_dir_all(cache).map_err(writing)?;
        let lock = File::create(cache.join("toolchain.lock")).map_err(writing)?;
        lock.lock().map_err(writing)?;

        let ready = Self { python: interpreter(&home), jail: true };
        if ready.works() {
            return Ok(ready);
        }
        let python = find_python()?;
        progress.step(&format!("installing the build tools, once ({})", versions()));
        let making = tempfile::Builder::new().prefix("toolchain-new-").tempdir_in(cache).map_err(writing)?;
        install(&python, making.path())?;
        if home.exists() {
            // The Python it was made from is gone.
            fs::remove_dir_all(&home).map_err(writing)?;
        }
        fs::rename(making.keep(), &home).map_err(writing)?;
        Ok(ready)
    }

    /// The command as it is to run: in a jail, in which it can write below `write` and read below `read`.
    pub(super) fn held(&self, tool: Command, reach: Reach<'_>) -> Command {
        if self.jail { worker::jailed(&tool, reach) } else { tool }
    }

    fn works(&self) -> bool {
        let mut probe = command::isolated(&self.python);
        probe.args(["-I", "-c", "import componentize_py"]);
        self.python.exists() && command::run(&mut probe).is_ok_and(|finished| finished.success)
    }
}

/// The names and versions in the lock, for people.
#[must_use]
pub fn versions() -> String {
    let named = LOCK.lines().filter(|line| line.contains("==") && !line.starts_with('#'));
    let plain = named.filter_map(|line| line.split_whitespace().next());
    plain.map(|entry| entry.replace("==", " ")).collect::<Vec<_>>().join(", ")
}

fn interpreter(home: &Path) -> PathBuf {
    if cfg!(windows) { home.join("Scripts/python.exe") } else { home.join("bin/python") }
}

fn find_python() -> Result<PathBuf, ToolchainError> {
    let mut newest = None;
    for candidate in CANDIDATES {
        let mut probe = Command::new(candidate);
        probe.args(["-I", "-c", "import sys; print(*sys.version_info[:2], sys.executable)"]);
        let Ok(finished) = command::run(&mut probe) else {
            continue;
        };
        let Some((version, executable)) = parse_probe(&finished.output).filter(|_| finished.success) else {
            continue;
        };
        if version >= MIN_PYTHON {
            return Ok(executable);
        }
        newest = newest.max(Some(version));
    }
    Err(ToolchainError::NoPython { found: newest.map(|(major, minor)| format!("{major}.{minor}")) })
}

fn parse_probe(output: &str) -> Option<((u32, u32), PathBuf)> {
    let mut words = output.splitn(3, ' ');
    let version = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    words.next().filter(|path| !path.is_empty()).map(|path| (version, PathBuf::from(path)))
}

fn install(python: &Path, home: &Path) -> Result<(), ToolchainError> {
    let mut venv = command::isolated(python);
    venv.args(["-I", "-m", "venv"]).arg(home);
    let made = command::run(&mut venv)?;
    if !made.success {
        return Err(ToolchainError::Venv { output: made.output });
    }
    let lock = home.join("toolchain.lock");
    fs::write(&lock, LOCK).map_err(|source| ToolchainError::Cache { path: lock.clone(), source })?;
    let mut pip = command::pip(&interpreter(home));
    pip.args(["install", "--require-hashes", "--only-binary", ":all:", "--no-deps", "--upgrade", "-r"]).arg(&lock);
    let installed = command::run(&mut pip)?;
    if installed.success { Ok(()) } else { Err(ToolchainError::Install { output: installed.output }) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn the_lock_names_exact_versions_and_hashes() {
        assert_eq!(versions(), "pip 26.3, componentize-py 0.25.1");
        assert_eq!(LOCK.matches("--hash=sha256:").count(), 6);
    }

    #[test]
    fn what_a_python_says_of_itself() {
        assert_eq!(parse_probe("3 13 /usr/bin/a b"), Some(((3, 13), PathBuf::from("/usr/bin/a b"))));
        assert_eq!(parse_probe("3 13 "), None);
        assert_eq!(parse_probe("Python was not found"), None);
    }

    #[test]
    fn an_old_python_is_named() {
        let message = ToolchainError::NoPython { found: Some("3.9".into()) }.to_string();
        assert!(message.contains("3.10 or newer") && message.ends_with("found 3.9"), "{message}");
    }
}
