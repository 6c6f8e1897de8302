//! Stages one build and runs componentize-py on it.
//!
//! componentize-py runs the guest's Python to take the snapshot, with the folders it is given mounted *writable* and
//! with no network. Dependencies are imported there. So it must see nothing but a stage made for this build:
//! without `VIRTUAL_ENV` it would mount the machine's own `site-packages` as well. The tool itself is in a jail with
//! the same view ([`Toolchain`]), should that sandbox have a hole.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::bundle::{self, BundleError};
use super::command::{self, CommandError};
use super::dependencies::Dependencies;
use super::extension;
use super::native::{self, NativeOnly};
use super::toolchain::Toolchain;
use super::{Inputs, lay_out};
use crate::policy::terminal::{Lines, visible};
use crate::worker::Reach;

/// The module that componentize-py takes as the component's implementation.
const GUEST_MODULE: &str = "sluice._guest";
const WORLD: &str = "connector-with-work";
const REPORT: &str = "sluice-report.json";
const MAX_REPORT_BYTES: u64 = 1 << 20;
/// Largest component that is read, before any limit of an operator.
const MAX_COMPONENT_BYTES: u64 = 512 << 20;
const MAX_SHOWN_ERRORS: usize = 10;
const MAX_SHOWN_BYTES: usize = 1_000;
const START: &str = "import sys; from componentize_py import script; sys.exit(script())";
/// What componentize-py says when the snapshot exceeds its 128 MiB.
const TOO_LARGE: &str = "fuel allocated for hostcalls has been exhausted";

/// Why there is no component.
#[derive(Debug, thiserror::Error)]
pub enum ComponentizeError {
    /// Packages that do not work without their machine code.
    #[error("{}", native::explain(.0))]
    Native(Vec<NativeOnly>),
    /// The dependencies need too much memory when they are loaded.
    #[error(
        "the connector with its dependencies is larger than the 128 MiB of memory a component can start with; require fewer packages"
    )]
    TooLarge,
    /// componentize-py failed.
    #[error("componentize-py failed\n{output}")]
    Failed {
        /// What it said.
        output: String,
    },
    /// The bundle.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// The stage.
    #[error("cannot use the build folder {path}")]
    Stage {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// componentize-py could not be run.
    #[error(transparent)]
    Command(#[from] CommandError),
}

/// What `freeze` writes. Code of dependencies runs beside it, so it may hold anything.
#[derive(Debug, Default, Deserialize)]
struct Report {
    #[serde(default)]
    unusable: Vec<Unusable>,
}

/// A package that cannot be imported without its machine code.
#[derive(Debug, Deserialize)]
struct Unusable {
    package: String,
    message: String,
}

/// Makes a component of packages, importing those modules that are named.
///
/// # Errors
///
/// When a package does not work without its machine code, they are too large, or the tool or the file system fails.
pub fn componentize(
    dependencies: &Dependencies,
    preload: &[String],
    inputs: &Inputs<'_>,
    extension: &Path,
    toolchain: &Toolchain,
) -> Result<Vec<u8>, ComponentizeError> {
    let stage = tempfile::Builder::new().prefix("sluice-build-").tempdir().map_err(failed(Path::new("TMPDIR")))?;
    let at = |name: &str| stage.path().join(name);
    let (wit, sdk, empty, temporary, output) = (at("wit"), at("sdk"), at("nothing"), at("tmp"), at("component.wasm"));
    for (files, folder) in [(inputs.wit, &wit), (inputs.sdk, &sdk)] {
        lay_out(files, folder).map_err(|(path, source)| ComponentizeError::Stage { path, source })?;
    }
    fs::copy(extension, sdk.join(extension::PLACE)).map_err(failed(extension))?;
    bundle::write(&sdk.join(bundle::BUNDLE), dependencies, preload)?;
    for folder in [&empty.join("site-packages"), &temporary] {
        fs::create_dir_all(folder).map_err(failed(folder))?;
    }

    let mut tool = command::isolated(&toolchain.python);
    // An empty PATH hides `pipenv` and other interpreters, whose packages it would look for.
    tool.env("PATH", &empty).env("VIRTUAL_ENV", &empty).env("TMPDIR", &temporary).env("TEMP", &temporary);
    tool.env("HOME", &temporary);
    tool.args(["-I", "-c", START]).arg("-d").arg(&wit).args(["-w", WORLD, "componentize", GUEST_MODULE]);
    tool.arg("-p").arg(&sdk).arg("-o").arg(&output).current_dir(stage.path());
    let finished = command::run(&mut toolchain.held(tool, Reach { write: &[stage.path()], ..Reach::default() }))?;
    let report = read_report(&sdk.join(REPORT));
    if !report.unusable.is_empty() {
        let shown = |text: &str| visible(text, Lines::One, MAX_SHOWN_BYTES);
        let seen = |found: &Unusable| NativeOnly {
            seen: Some(shown(&found.message)),
            ..NativeOnly::machine_code(&shown(&found.package))
        };
        return Err(ComponentizeError::Native(report.unusable.iter().take(MAX_SHOWN_ERRORS).map(seen).collect()));
    }
    if !finished.success {
        let too_large = finished.output.contains(TOO_LARGE);
        return Err(if too_large {
            ComponentizeError::TooLarge
        } else {
            ComponentizeError::Failed { output: finished.output }
        });
    }
    command::plain(&output, MAX_COMPONENT_BYTES).map_err(failed(&output))
}

/// Reads what `freeze` wrote, unless something else lies there: a link could name any file of this machine.
fn read_report(path: &Path) -> Report {
    let plain = fs::symlink_metadata(path).is_ok_and(|kind| kind.is_file());
    let mut text = Vec::new();
    let read = |text: &mut Vec<u8>| fs::File::open(path)?.take(MAX_REPORT_BYTES).read_to_end(text);
    if !plain || read(&mut text).is_err() {
        return Report::default();
    }
    serde_json::from_slice(&text).unwrap_or_default()
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> ComponentizeError + '_ {
    move |source| ComponentizeError::Stage { path: path.to_path_buf(), source }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_read_and_anything_else_is_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(REPORT);
        assert!(read_report(&path).unusable.is_empty());
        fs::write(&path, r#"{"unusable": [{"package": "a", "message": "b"}], "preloaded": []}"#).unwrap();
        assert_eq!(read_report(&path).unusable.len(), 1);
        fs::write(&path, "[").unwrap();
        assert!(read_report(&path).unusable.is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn a_link_in_place_of_the_report_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("other"), r#"{"unusable": [{"package": "a", "message": "secret"}]}"#).unwrap();
        let path = folder.path().join(REPORT);
        std::os::unix::fs::symlink("other", &path).unwrap();
        assert!(read_report(&path).unusable.is_empty());
    }
}
