//! Asks pip what it would install for the guest, without installing anything.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::command;
use super::dependencies::DependencyError;
use super::pip::GuestPip;
use super::requirements::normal_name;
use super::toolchain::Toolchain;

/// Longest answer of pip.
const MAX_ANSWER_BYTES: u64 = 64 << 20;

/// One package of a resolution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Resolved {
    pub(super) name: String,
    pub(super) version: String,
    /// Of the file, in hexadecimal.
    pub(super) sha256: String,
    /// The file's name.
    pub(super) file: String,
    /// Where it came from, without credentials.
    pub(super) url: String,
}

impl Resolved {
    /// Whether it is source that has to be built.
    pub(super) fn is_source(&self) -> bool {
        !self.file.ends_with(".whl")
    }
}

/// Which files of packages may be taken.
#[derive(Clone, Debug, Default)]
pub(super) struct Policy {
    /// Take wheels with machine code of packages that nobody knows, to see whether they work without it.
    pub(super) any_native: bool,
    /// Packages whose source may be built, which runs their code.
    pub(super) sdists: Vec<String>,
    /// The hashes that are acceptable, by package; of others any.
    pub(super) hashes: BTreeMap<String, Vec<String>>,
}

/// Why a package has no acceptable file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Blocked {
    MachineCode,
    Source,
}

/// What pip said to a question.
#[derive(Debug)]
pub(super) struct Answer {
    /// What it would install, or its output when there is no solution.
    pub(super) resolved: Result<Vec<Resolved>, String>,
    /// The packages it came across that have no acceptable file at all.
    pub(super) blocked: BTreeMap<String, Blocked>,
    /// Those of which other versions have one.
    pub(super) partly: BTreeMap<String, Blocked>,
}

/// What the guest's pip writes of the packages it came across.
#[derive(Default, Deserialize)]
struct Refused {
    blocked: BTreeMap<String, Blocked>,
    partly: BTreeMap<String, Blocked>,
}

#[derive(Deserialize)]
struct Report {
    install: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    metadata: Metadata,
    download_info: Download,
}

#[derive(Deserialize)]
struct Metadata {
    name: String,
    version: String,
}

#[derive(Deserialize)]
struct Download {
    url: String,
    #[serde(default)]
    archive_info: Archive,
}

#[derive(Default, Deserialize)]
struct Archive {
    #[serde(default)]
    hashes: BTreeMap<String, String>,
}

/// Asks pip what it would install.
pub(super) fn query(
    toolchain: &Toolchain,
    work: &Path,
    wanted: &[String],
    pins: &[String],
    policy: &Policy,
) -> Result<Answer, DependencyError> {
    let failed = |source| DependencyError::Cache { path: work.to_path_buf(), source };
    let mut pip = GuestPip::new(toolchain, work, policy)?;
    let (list, constraints) = (pip.input("wanted.txt", &wanted.join("\n"))?, pip.input("pins.txt", &pins.join("\n"))?);
    let (report, nowhere) = (pip.made("report.json"), pip.made("nowhere"));
    pip.args(["install", "--quiet", "--dry-run", "--ignore-installed", "--prefer-binary"]).args(command::PIP_OPTIONS);
    pip.args([OsStr::new("--target"), nowhere.as_ref(), OsStr::new("--report"), report.as_ref()]);
    pip.args([OsStr::new("-c"), constraints.as_ref(), OsStr::new("-r"), list.as_ref()]);
    let (finished, pip) = pip.run(&[], &[])?;
    let blocked = command::plain(&pip.made("blocked.json"), MAX_ANSWER_BYTES).ok();
    let Refused { blocked, partly } = blocked.and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
    if !finished.success {
        return Ok(Answer { resolved: Err(finished.output), blocked, partly });
    }
    let report = command::plain(&report, MAX_ANSWER_BYTES).map_err(failed)?;
    let report: Report = serde_json::from_slice(&report).map_err(|error| failed(error.into()))?;
    let mut resolved: Vec<Resolved> = report.install.into_iter().map(Resolved::from).collect();
    resolved.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(Answer { resolved: Ok(resolved), blocked, partly })
}

impl From<Item> for Resolved {
    fn from(item: Item) -> Self {
        let url = without_credentials(item.download_info.url.split(['#', '?']).next().unwrap_or_default());
        let file = url.rsplit('/').next().unwrap_or_default().replace("%2B", "+");
        Self {
            name: normal_name(&item.metadata.name),
            version: item.metadata.version,
            sha256: item.download_info.archive_info.hashes.get("sha256").cloned().unwrap_or_default(),
            file,
            url,
        }
    }
}

fn without_credentials(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let host = host.rsplit('@').next().unwrap_or_default();
    format!("{scheme}://{host}/{path}")
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_read() {
        let text = r#"{"version": "1", "install": [{"metadata": {"name": "Charset_Normalizer", "version": "3.5.2"},
            "download_info": {"url": "https://me:secret@index.example/x/charset_normalizer-3.5.2-py3-none-any.whl#sha256=00",
            "archive_info": {"hash": "sha256=ab", "hashes": {"sha256": "ab"}}}}]}"#;
        let report: Report = serde_json::from_str(text).unwrap();
        let resolved: Vec<Resolved> = report.install.into_iter().map(Resolved::from).collect();
        assert_eq!(resolved[0].name, "charset-normalizer");
        assert_eq!(resolved[0].file, "charset_normalizer-3.5.2-py3-none-any.whl");
        assert_eq!(resolved[0].url, "https://index.example/x/charset_normalizer-3.5.2-py3-none-any.whl");
        assert_eq!(resolved[0].sha256, "ab");
        assert!(!resolved[0].is_source());
    }

    #[test]
    fn what_a_file_is_shows_in_its_name() {
        let of = |file: &str| Resolved {
            name: String::new(),
            version: String::new(),
            sha256: String::new(),
            file: file.into(),
            url: String::new(),
        };
        assert!(!of("pyyaml-6.0.3-cp314-cp314-manylinux2014_x86_64.whl").is_source());
        assert!(of("docopt-0.6.2.tar.gz").is_source());
    }
}
