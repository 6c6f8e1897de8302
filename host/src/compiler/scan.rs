//! Looks at a project's source before anything is compiled: what is no Python, what imports a module that is not
//! there, what cannot work in a sandbox.
//!
//! The looking is done by `sluice._scan` of the SDK, which knows Python; it runs beside the build tools and executes
//! nothing of the project.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::json;

use super::command::{self, CommandError};
use super::project::{Project, ProjectFile};
use super::toolchain::Toolchain;
use super::{Inputs, lay_out, native};
use crate::policy::terminal::{Lines, visible};
use crate::worker::Reach;

const PARTS: [&str; 2] = ["sluice/_scan.py", "sluice/_advice.py"];
const START: &str = "import sys; sys.path.insert(0, sys.argv[1]); from sluice._scan import main; main(*sys.argv[2:])";
/// Longest answer of the scanner.
const MAX_ANSWER_BYTES: u64 = 64 << 20;
const MAX_SHOWN: usize = 20;
const MAX_SHOWN_BYTES: usize = 1_000;

/// What was found.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Findings {
    /// Files that are certainly not valid Python.
    pub(super) syntax: Vec<SyntaxError>,
    /// What certainly fails as soon as the connector is imported.
    pub(super) errors: Vec<Finding>,
    /// What fails if it is reached.
    pub(super) notes: Vec<Finding>,
    /// Every dotted name that an import statement could import.
    pub(super) imports: Vec<String>,
}

/// One place that is not valid Python.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, thiserror::Error)]
#[error(
    "{}:{line}: {}{}",
    visible(.file, Lines::One, MAX_SHOWN_BYTES),
    visible(.message, Lines::One, MAX_SHOWN_BYTES),
    .text.as_ref().map(|text| format!("\n{}", visible(text, Lines::Keep, MAX_SHOWN_BYTES))).unwrap_or_default()
)]
pub struct SyntaxError {
    /// The file's path in the project.
    pub file: String,
    /// The line, from 1.
    pub line: u64,
    /// What is wrong.
    pub message: String,
    /// The line's text with a mark below the place, when it is known.
    #[serde(default)]
    pub text: Option<String>,
}

/// One place and what is wrong there.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Finding {
    /// The file's path in the project.
    pub file: String,
    /// The line, from 1.
    pub line: u64,
    /// What cannot work, and what to do.
    pub message: String,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let shown = |text: &str| visible(text, Lines::One, MAX_SHOWN_BYTES);
        write!(f, "{}:{}: {}", shown(&self.file), self.line, shown(&self.message))
    }
}

/// Why there is no component, found before it was made.
#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    /// Files of the project that are not valid Python.
    #[error("{}", listed(.0))]
    Syntax(Vec<SyntaxError>),
    /// Imports that cannot work.
    #[error("{}", listed(.0))]
    Imports(Vec<Finding>),
    /// A file.
    #[error("cannot use the build folder {path}")]
    Stage {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The tool could not be run.
    #[error(transparent)]
    Command(#[from] CommandError),
    /// The tool failed.
    #[error("cannot look through the project's source\n{0}")]
    Failed(String),
}

fn listed<T: ToString>(items: &[T]) -> String {
    items.iter().take(MAX_SHOWN).map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// Looks through a project; what may fail later and what is imported come back, what certainly fails is an error.
pub(super) fn scan(
    project: &Project,
    site: &Path,
    inputs: &Inputs<'_>,
    toolchain: &Toolchain,
) -> Result<Findings, ScanError> {
    let stage = tempfile::Builder::new().prefix("sluice-scan-").tempdir().map_err(failed(Path::new("TMPDIR")))?;
    let parts: Vec<(&str, &str)> = inputs
        .sdk
        .iter()
        .filter(|(path, _)| PARTS.contains(path))
        .copied()
        .chain([("sluice/__init__.py", "")])
        .collect();
    lay_out(&parts, stage.path()).map_err(|(path, source)| ScanError::Stage { path, source })?;
    let (question, answer) = (stage.path().join("question.json"), stage.path().join("answer.json"));
    let source = |file: &ProjectFile| Some((file.path.clone(), String::from_utf8(file.contents.clone()).ok()?));
    let text = json!({
        "files": project.files.iter().filter(|file| file.path.ends_with(".py")).filter_map(source).collect::<Vec<_>>(),
        "site": site,
        "sdk": top_level(inputs),
        "instead": native::refused().map(|name| (name, native::advice(name))).collect::<Vec<_>>(),
    });
    fs::write(&question, text.to_string()).map_err(failed(&question))?;
    let mut tool = command::isolated(&toolchain.python);
    tool.args(["-I", "-c", START]).arg(stage.path()).arg(&question).arg(&answer);
    let reach = Reach { write: &[stage.path()], read: &[site], ..Reach::default() };
    let finished = command::run(&mut toolchain.held(tool, reach))?;
    if !finished.success {
        return Err(ScanError::Failed(finished.output));
    }
    let found = command::plain(&answer, MAX_ANSWER_BYTES).map_err(failed(&answer))?;
    let mut found: Findings = serde_json::from_slice(&found).map_err(|error| failed(&answer)(error.into()))?;
    if !found.syntax.is_empty() {
        return Err(ScanError::Syntax(found.syntax));
    }
    if !found.errors.is_empty() {
        return Err(ScanError::Imports(found.errors));
    }
    found.notes.truncate(MAX_SHOWN);
    Ok(found)
}

/// The modules at the top of the SDK.
pub(super) fn top_level<'a>(inputs: &Inputs<'a>) -> Vec<&'a str> {
    let mut names: Vec<&str> =
        inputs.sdk.iter().filter_map(|(path, _)| path.split('/').next()?.split('.').next()).collect();
    names.dedup();
    names
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> ScanError + '_ {
    move |source| ScanError::Stage { path: path.to_path_buf(), source }
}
