//! Finds the packages that cannot run in a component, and says what to use instead.

use std::path::Path;

use super::command;
use super::dependencies::DependencyError;
use super::requirements::{name_of, normal_name};
use super::resolution::{PURE, query};
use super::toolchain::Toolchain;

/// Wheels with machine code for the same Python, to tell "native only" from "no such version". Nothing is
/// downloaded beyond metadata, and nothing is run.
const NATIVE: [&str; 18] = [
    "--only-binary",
    ":all:",
    "--python-version",
    "3.14",
    "--implementation",
    "cp",
    "--abi",
    "cp314",
    "--abi",
    "abi3",
    "--abi",
    "none",
    "--platform",
    "manylinux_2_28_x86_64",
    "--platform",
    "manylinux2014_x86_64",
    "--platform",
    "any",
];

/// What to use instead of well-known packages: an advice each.
const INSTEAD: [(&str, &str); 27] = [
    ("asyncpg", "use pg8000"),
    ("confluent-kafka", "there is no pure replacement; read from an HTTP interface of the broker"),
    ("cryptography", "use hashlib and hmac, or the package `rsa` for signing; TLS is the host's and needs no package"),
    ("duckdb", "use sqlite3, or let the destination do the work"),
    ("google-cloud-bigquery", "use the service's REST interface with requests"),
    ("grpcio", "use the service's REST interface with requests"),
    ("lxml", "use xml.etree.ElementTree of the standard library"),
    ("mysqlclient", "use PyMySQL"),
    ("mysql-connector-python", "use PyMySQL"),
    ("numpy", "there is no pure replacement; plain Python, `statistics` and `decimal` do what a connector needs"),
    ("oracledb", "there is no pure replacement"),
    ("orjson", "use json of the standard library"),
    ("pandas", "there is no pure replacement; `csv` and plain dictionaries do what a connector needs"),
    ("polars", "there is no pure replacement; `csv` and plain dictionaries do what a connector needs"),
    ("psycopg", "use pg8000"),
    ("psycopg-binary", "use pg8000"),
    ("psycopg2", "use pg8000"),
    ("psycopg2-binary", "use pg8000"),
    ("pyarrow", "there is no pure replacement; ask the source for CSV or JSON"),
    ("pycryptodome", "use hashlib and hmac"),
    ("pydantic-core", "require pydantic<2, or use dataclasses"),
    ("pymssql", "use python-tds"),
    ("pyodbc", "use a driver in pure Python: pg8000, PyMySQL, python-tds"),
    ("pyyaml", "there is no pure replacement; keep settings as JSON or TOML"),
    ("rapidfuzz", "use difflib of the standard library"),
    ("snowflake-connector-python", "use the service's SQL REST interface with requests"),
    ("ujson", "use json of the standard library"),
];

/// What a package offers instead of pure Python.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ships {
    /// Only machine code.
    MachineCode,
    /// Only source that has to be built by running it.
    Source,
}

/// A package that cannot run in a component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NativeOnly {
    /// Its name.
    pub name: String,
    /// What it offers.
    pub ships: Ships,
}

impl NativeOnly {
    /// What to use instead, for well-known packages.
    #[must_use]
    pub fn instead(&self) -> Option<&'static str> {
        INSTEAD.iter().find(|(name, _)| *name == self.name).map(|(_, advice)| *advice)
    }
}

/// One sentence for each package.
pub(super) fn explain(packages: &[NativeOnly]) -> String {
    let sentence = |package: &NativeOnly| {
        let why = match package.ships {
            Ships::MachineCode => "ships only machine code, and a sandboxed connector runs pure Python",
            Ships::Source => {
                "ships only source that must be run to be built, and a build runs no code of packages on this machine"
            }
        };
        let advice = package.instead().map(|advice| format!("; {advice}")).unwrap_or_default();
        format!("{} cannot be used: it {why}{advice}", package.name)
    };
    packages.iter().map(sentence).collect::<Vec<_>>().join("\n")
}

/// The packages because of which pip found no solution in pure Python; empty when the reason is another.
pub(super) fn culprits(
    toolchain: &Toolchain,
    work: &Path,
    requirements: &[String],
    output: &str,
) -> Result<Vec<NativeOnly>, DependencyError> {
    let mut suspects: Vec<String> = named_in(output);
    for requirement in requirements {
        let name = name_of(requirement).unwrap_or_default();
        if !suspects.contains(&name) && !name.is_empty() {
            suspects.push(name);
        }
    }
    // With machine code allowed pip may find a solution; what is not pure in it is suspect too.
    if let Ok(resolved) = query(toolchain, work, requirements, &[], &NATIVE)? {
        let native = resolved.into_iter().filter(|r| !r.wheel.ends_with("-none-any.whl")).map(|r| r.name);
        suspects = native.collect();
    }
    let mut found = Vec::new();
    for name in suspects {
        if let Some(ships) = ships(toolchain, work, &name)? {
            found.push(NativeOnly { name, ships });
        }
    }
    Ok(found)
}

/// The packages that pip's output says have no version for us at all.
fn named_in(output: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for line in output.lines().filter(|line| line.contains("from versions: none")) {
        let after = line.split("satisfies the requirement ").nth(1).unwrap_or_default();
        let end = after.find(|c: char| !c.is_ascii_alphanumeric() && !"-_.".contains(c)).unwrap_or(after.len());
        let name = normal_name(after.get(..end).unwrap_or_default());
        if !name.is_empty() && !found.contains(&name) {
            found.push(name);
        }
    }
    found
}

/// What a package ships when it has no pure wheel in any version; `None` when it has one, or does not exist.
fn ships(toolchain: &Toolchain, work: &Path, name: &str) -> Result<Option<Ships>, DependencyError> {
    let alone = [name.to_owned()];
    let offered = |platform: &[&str]| {
        let arguments: Vec<&str> = platform.iter().copied().chain(["--no-deps"]).collect();
        query(toolchain, work, &alone, &[], &arguments).map(|answer| answer.is_ok())
    };
    if offered(&PURE)? {
        return Ok(None);
    }
    if offered(&NATIVE)? {
        return Ok(Some(Ships::MachineCode));
    }
    let mut pip = command::pip(&toolchain.python);
    let listed = command::run(pip.args(["index", "versions", name]))?;
    Ok(listed.success.then_some(Ships::Source))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn pip_names_what_it_could_not_find() {
        let output = "ERROR: Could not find a version that satisfies the requirement psycopg2_binary>=2 (from x) (from versions: none)\n\
                      ERROR: No matching distribution found for psycopg2_binary>=2\n\
                      ERROR: Could not find a version that satisfies the requirement y==9 (from versions: 1, 2)";
        assert_eq!(named_in(output), ["psycopg2-binary"]);
    }

    #[test]
    fn the_sentence_names_package_reason_and_replacement() {
        let text = explain(&[
            NativeOnly { name: "psycopg2".into(), ships: Ships::MachineCode },
            NativeOnly { name: "unknown".into(), ships: Ships::Source },
        ]);
        assert!(text.starts_with("psycopg2 cannot be used: it ships only machine code"), "{text}");
        assert!(text.contains("; use pg8000\nunknown cannot be used: it ships only source"), "{text}");
    }

    #[test]
    fn advice_is_sorted_and_in_normal_spelling() {
        assert!(INSTEAD.windows(2).all(|pair| normal_name(pair[0].0) == pair[0].0 && pair[0].0 != pair[1].0));
    }
}
