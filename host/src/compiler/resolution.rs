//! Asks pip what it would install, without installing or running anything.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::command;
use super::dependencies::DependencyError;
use super::requirements::normal_name;
use super::toolchain::Toolchain;

/// Wheels of pure Python for the guest's CPython; no other code can run in a component.
pub(super) const PURE: [&str; 10] = [
    "--only-binary",
    ":all:",
    "--python-version",
    "3.14",
    "--implementation",
    "py",
    "--abi",
    "none",
    "--platform",
    "any",
];
/// One package of a resolution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Resolved {
    pub(super) name: String,
    pub(super) version: String,
    pub(super) sha256: String,
    /// The file name of the wheel.
    pub(super) wheel: String,
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
    archive_info: Archive,
}

#[derive(Deserialize)]
struct Archive {
    hashes: BTreeMap<String, String>,
}

/// Asks pip what it would install; `Err` holds its output when there is no solution.
pub(super) fn query(
    toolchain: &Toolchain,
    work: &Path,
    wanted: &[String],
    pins: &[String],
    platform: &[&str],
) -> Result<Result<Vec<Resolved>, String>, DependencyError> {
    let failed = |source| DependencyError::Cache { path: work.to_path_buf(), source };
    let (list, constraints, report) = (work.join("wanted.txt"), work.join("pins.txt"), work.join("report.json"));
    fs::write(&list, wanted.join("\n")).map_err(failed)?;
    fs::write(&constraints, pins.join("\n")).map_err(failed)?;
    let mut pip = command::pip(&toolchain.python);
    pip.args(["install", "--quiet", "--dry-run", "--ignore-installed", "--target"]).arg(work.join("nowhere"));
    pip.args(platform).arg("--report").arg(&report).arg("-c").arg(&constraints).arg("-r").arg(&list);
    let finished = command::run(&mut pip)?;
    if !finished.success {
        return Ok(Err(finished.output));
    }
    let report = fs::read(&report).map_err(failed)?;
    let report: Report = serde_json::from_slice(&report).map_err(|error| failed(error.into()))?;
    let mut resolved: Vec<Resolved> = report.install.into_iter().map(Resolved::from).collect();
    resolved.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(Ok(resolved))
}

impl From<Item> for Resolved {
    fn from(item: Item) -> Self {
        let url = item.download_info.url;
        let file = url.split(['#', '?']).next().unwrap_or_default().rsplit('/').next().unwrap_or_default();
        Self {
            name: normal_name(&item.metadata.name),
            version: item.metadata.version,
            sha256: item.download_info.archive_info.hashes.get("sha256").cloned().unwrap_or_default(),
            wheel: file.to_owned(),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_read() {
        let text = r#"{"version": "1", "install": [{"metadata": {"name": "Charset_Normalizer", "version": "3.5.2"},
            "download_info": {"url": "https://index.example/x/charset_normalizer-3.5.2-py3-none-any.whl#sha256=00",
            "archive_info": {"hash": "sha256=ab", "hashes": {"sha256": "ab"}}}}]}"#;
        let report: Report = serde_json::from_str(text).unwrap();
        let resolved: Vec<Resolved> = report.install.into_iter().map(Resolved::from).collect();
        assert_eq!(resolved[0].name, "charset-normalizer");
        assert_eq!(resolved[0].wheel, "charset_normalizer-3.5.2-py3-none-any.whl");
        assert_eq!(resolved[0].sha256, "ab");
    }
}
