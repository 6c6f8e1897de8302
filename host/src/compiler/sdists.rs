//! Source distributions: built only when the operator says so, and once for each content.
//!
//! Building one runs its code, in a jail within pip's ([`GuestPip`]), which has no network. The wheel is kept in the cache
//! under the hash of the source, so that later builds run nothing.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::Progress;
use super::command;
use super::dependencies::DependencyError;
use super::digest;
use super::native::{NativeOnly, Ships};
use super::pip::GuestPip;
use super::resolution::{Policy, Resolved};
use super::toolchain::Toolchain;

/// Largest wheel.
const MAX_WHEEL_BYTES: u64 = 1 << 30;

/// The wheel of a source distribution.
pub(super) struct Wheel {
    pub(super) path: PathBuf,
    pub(super) sha256: String,
}

/// Finds the wheel of a source distribution in the cache, or builds it if `policy` says so.
pub(super) fn wheel_of(
    package: &Resolved,
    toolchain: &Toolchain,
    cache: &Path,
    work: &Path,
    policy: &Policy,
    progress: &mut dyn Progress,
) -> Result<Wheel, DependencyError> {
    let home = cache.join("built").join(&package.sha256);
    if let Some(found) = only_wheel(&home) {
        return read(found);
    }
    if !policy.sdists.contains(&package.name) {
        let refused = NativeOnly { ships: Ships::Source, ..NativeOnly::machine_code(&package.name) };
        return Err(DependencyError::Native(vec![refused]));
    }
    progress.step(&format!("building {} {} from source, which runs its code", package.name, package.version));
    let failed = |source| DependencyError::Cache { path: home.clone(), source };
    fs::create_dir_all(cache.join("built")).map_err(failed)?;
    let making = tempfile::Builder::new().prefix("new-").tempdir_in(cache.join("built")).map_err(failed)?;
    let mut pip = GuestPip::new(toolchain, work, policy)?;
    let line = format!("{}=={} --hash=sha256:{}\n", package.name, package.version, package.sha256);
    let list = pip.input("source.txt", &line)?;
    pip.args(["wheel", "--quiet", "--no-deps", "--require-hashes"]).args(command::PIP_OPTIONS);
    pip.args([OsStr::new("--wheel-dir"), making.path().as_ref(), OsStr::new("-r"), list.as_ref()]);
    let (finished, _pip) = pip.run(&[making.path()], &[])?;
    if !finished.success || only_wheel(making.path()).is_none() {
        return Err(DependencyError::Source { name: package.name.clone(), output: finished.output });
    }
    fs::rename(making.keep(), &home).map_err(failed)?;
    let found = only_wheel(&home).ok_or_else(|| failed(io::Error::other("the wheel is gone")))?;
    read(found)
}

fn only_wheel(folder: &Path) -> Option<PathBuf> {
    // What was built can be anything; a link would lead elsewhere.
    let plain = fs::read_dir(folder).ok()?.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_file()));
    plain.map(|entry| entry.path()).find(|path| path.extension().is_some_and(|ending| ending == "whl"))
}

fn read(path: PathBuf) -> Result<Wheel, DependencyError> {
    let contents = command::plain(&path, MAX_WHEEL_BYTES)
        .map_err(|source| DependencyError::Cache { path: path.clone(), source })?;
    Ok(Wheel { path, sha256: digest::sha256(&contents) })
}
