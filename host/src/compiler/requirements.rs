//! What a project requires: `[project].dependencies` of `pyproject.toml` and `requirements.txt`, both when there are
//! both.
//!
//! Only names with versions, extras and markers are taken. Paths, URLs and version control are refused, because
//! resolving them can run code of strangers on the author's machine.

use std::collections::{BTreeMap, BTreeSet};

use toml::Table;

use super::requirement_files;

/// Most requirements of a project.
pub const MAX_REQUIREMENTS: usize = 500;
const MAX_REQUIREMENT_BYTES: usize = 1_000;
const PYPROJECT: &str = "pyproject.toml";
const REQUIREMENTS: &str = "requirements.txt";
/// Distributions that the component's own SDK stands for, also where another package requires them.
pub(super) const OURS: [&str; 4] = ["cryptography", "fivetran-connector-sdk", "sluicegate", "sluice"];
/// Distributions whose interface the SDK provides over another one, which is installed instead.
const OVER: [(&str, &str); 2] = [("psycopg2", "pg8000>=1.31"), ("psycopg2-binary", "pg8000>=1.31")];

/// The packages a project requires.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requirements {
    /// One requirement each, for example `requests>=2.31`.
    pub lines: Vec<String>,
    /// One constraint each: versions of packages that are taken only if something requires them.
    pub constraints: Vec<String>,
    /// The hashes a package's file must have one of: SHA-256 in hexadecimal.
    pub hashes: BTreeMap<String, Vec<String>>,
    /// Requirements left out because the SDK inside every component stands for them.
    pub provided: Vec<String>,
}

/// Why the requirements cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RequirementsError {
    /// `pyproject.toml` is not TOML.
    #[error("pyproject.toml is not valid TOML: {0}")]
    Syntax(String),
    /// `project.dependencies` is not a list of strings.
    #[error("pyproject.toml: project.dependencies must be a list of strings")]
    NotAList,
    /// A pip option.
    #[error("{file}, line {line}: `{option}` is not possible: {why}")]
    Option {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// The option.
        option: String,
        /// Why, and what to do.
        why: &'static str,
    },
    /// A URL, a path or a version control address.
    #[error("the requirement `{0}` is not a package name with versions; only packages of a package index are possible")]
    NotAName(String),
    /// A file that does not exist, or is left out of the project.
    #[error("the requirements name {0}, which is not a file of the project")]
    NoFile(String),
    /// Too many files.
    #[error("more than {} files of requirements", requirement_files::MAX_REQUIREMENT_FILES)]
    TooManyFiles,
    /// Too many.
    #[error("the project has more than {MAX_REQUIREMENTS} requirements")]
    TooMany,
}

impl Requirements {
    /// Reads the requirements of a project; `find` gives the text of one of its files by path.
    ///
    /// # Errors
    ///
    /// When a requirement is not a package name with versions, extras and markers, or an option leads elsewhere.
    pub fn of<'a>(find: &dyn Fn(&str) -> Option<&'a str>) -> Result<Self, RequirementsError> {
        let mut lines = find(PYPROJECT).map(dependencies).transpose()?.unwrap_or_default();
        let mut found = Self::default();
        if find(REQUIREMENTS).is_some() {
            let listed = requirement_files::read(REQUIREMENTS, find)?;
            lines.extend(listed.lines);
            (found.constraints, found.hashes) = (listed.constraints, listed.hashes);
        }
        if lines.len() + found.constraints.len() > MAX_REQUIREMENTS {
            return Err(RequirementsError::TooMany);
        }
        for line in lines {
            let name = name_of(&line).ok_or_else(|| RequirementsError::NotAName(shown(&line)))?;
            let over = OVER.iter().find(|(ours, _)| *ours == name).map(|(_, driver)| (*driver).to_owned());
            if over.is_some() || OURS.contains(&name.as_str()) {
                found.lines.extend(over);
                found.provided.push(name);
            } else {
                found.lines.push(line);
            }
        }
        for list in [&mut found.lines, &mut found.provided] {
            let mut seen = BTreeSet::new();
            list.retain(|line| seen.insert(line.clone()));
        }
        Ok(found)
    }
}

/// `[project].dependencies`; none when the file has none, as one for tools alone.
fn dependencies(text: &str) -> Result<Vec<String>, RequirementsError> {
    let table: Table = text.parse().map_err(|error: toml::de::Error| RequirementsError::Syntax(error.to_string()))?;
    let Some(list) = table.get("project").and_then(|project| project.get("dependencies")) else {
        return Ok(Vec::new());
    };
    let entries = list.as_array().ok_or(RequirementsError::NotAList)?;
    let texts: Option<Vec<String>> = entries.iter().map(|entry| entry.as_str().map(single_line)).collect();
    texts.ok_or(RequirementsError::NotAList)
}

/// A text with single spaces for all its white space.
pub(super) fn single_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The normalised name at the beginning of a requirement; `None` unless the whole is `name[extras] versions; marker`.
#[must_use]
pub fn name_of(requirement: &str) -> Option<String> {
    let (package, _marker) = requirement.split_once(';').unwrap_or((requirement, ""));
    let end = package.find(|c: char| !is_name_character(c)).unwrap_or(package.len());
    let (name, rest) = package.split_at(end);
    let allowed = |c: char| is_name_character(c) || "[], <>=!~*+()".contains(c);
    let plain = rest.chars().all(allowed) && requirement.len() <= MAX_REQUIREMENT_BYTES;
    let printable = requirement.chars().all(|c| c == ' ' || c.is_ascii_graphic());
    let starts_well = name.starts_with(|c: char| c.is_ascii_alphanumeric());
    (plain && printable && starts_well).then(|| normal_name(name))
}

/// A distribution's name in its one normal spelling.
#[must_use]
pub fn normal_name(name: &str) -> String {
    name.to_ascii_lowercase().split(['-', '_', '.']).filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-")
}

fn is_name_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-_.".contains(c)
}

/// A text of a stranger for a message.
pub(super) fn shown(text: &str) -> String {
    text.chars().take(100).flat_map(char::escape_debug).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn from_text(text: &str) -> Result<Requirements, RequirementsError> {
        Requirements::of(&|path| (path == REQUIREMENTS).then_some(text))
    }

    fn from_both(pyproject: &str, requirements: Option<&str>) -> Result<Requirements, RequirementsError> {
        Requirements::of(&|path| if path == PYPROJECT { Some(pyproject) } else { requirements })
    }

    #[test]
    fn names_versions_extras_and_markers() {
        let text = "# comment\nrequests\n\nhttpx[http2] >= 0.27, <1  # why\npg8000==1.31.2; python_version > '3.9'\nx \\\n >=1\n";
        let lines = from_text(text).unwrap().lines;
        assert_eq!(lines, ["requests", "httpx[http2] >= 0.27, <1", "pg8000==1.31.2; python_version > '3.9'", "x >=1"]);
    }

    #[test]
    fn what_can_run_code_is_refused() {
        for text in [
            "--index-url https://x.example",
            "-e .",
            "requests --hash=sha256:00",
            "git+https://x.example/y",
            "x @ https://x.example/y.whl",
            "./local",
            "/tmp/x.whl",
            "x.whl; y\u{1b}[2J",
            ";",
        ] {
            assert!(from_text(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_sdk_is_provided() {
        let found = from_text("Fivetran_Connector.SDK==2.1\nrequests\n").unwrap();
        assert_eq!(found.lines, ["requests"]);
        assert_eq!(found.provided, ["fivetran-connector-sdk"]);
        assert_eq!(from_text("cryptography==36.0.1").unwrap().provided, ["cryptography"]);
    }

    #[test]
    fn both_files_count() {
        let project = "[project]\nname='x'\ndependencies = ['a>=1', 'b']\n";
        assert_eq!(from_both(project, Some("b\nc")).unwrap().lines, ["a>=1", "b", "c"]);
        assert_eq!(from_both(project, None).unwrap().lines, ["a>=1", "b"]);
        assert_eq!(from_both("[tool.ruff]", Some("b")).unwrap().lines, ["b"]);
        assert_eq!(from_both("[project]\nname='x'", Some("b")).unwrap().lines, ["b"]);
        assert!(from_both("[project]\ndependencies='a'", None).is_err());
        assert!(from_both("[project", None).is_err());
    }

    #[test]
    fn psycopg2_is_provided_over_pg8000() {
        let found = from_text("psycopg2-binary>=2.9\nrequests").unwrap();
        assert_eq!(found.lines, ["pg8000>=1.31", "requests"]);
        assert_eq!(found.provided, ["psycopg2-binary"]);
    }

    proptest! {
        #[test]
        fn no_text_panics_and_no_line_begins_with_an_option(text in ".{0,200}") {
            for line in from_text(&text).map(|found| found.lines).unwrap_or_default() {
                prop_assert!(!line.starts_with('-') && !line.contains('\n') && !line.contains("://"));
            }
        }
    }
}
