//! Packages with machine code: which work without it, and which cannot run in a component and what to use instead.

use super::requirements::normal_name;
use super::resolution::{Answer, Blocked};

/// Packages that work without their machine code: each has the same in Python, and takes it by itself when importing
/// the other fails.
pub(super) const WITHOUT_MACHINE_CODE: [&str; 28] = [
    "aiohttp",
    "cassandra-driver",
    "charset-normalizer",
    "coverage",
    "fastavro",
    "frozenlist",
    "google-crc32c",
    "ijson",
    "lazy-object-proxy",
    "markupsafe",
    "msgpack",
    "multidict",
    "mysql-connector-python",
    "peewee",
    "propcache",
    "protobuf",
    "pymongo",
    "pyrsistent",
    "pyyaml",
    "rapidfuzz",
    "ruamel-yaml",
    "simplejson",
    "sqlalchemy",
    "tornado",
    "websockets",
    "wrapt",
    "yarl",
    "zope-interface",
];

/// Requirements that a package can do without, because it imports them only for what a connector does not do: the
/// package, and what it requires.
pub(super) const SPARED: [(&str, &str); 1] = [("redshift-connector", "lxml")];

const NO_FRAMES: &str =
    "nothing replaces it; `csv`, `statistics`, `decimal` and plain dictionaries do what a connector needs";
const JSON: &str = "use json of the standard library";
const POSTGRES: &str = "use pg8000";
const REST: &str = "use the service's REST interface with requests";
const SIGNING: &str = "use the package cryptography, whose interface is provided";

/// Packages that are machine code at heart, whatever else their files hold: an advice each.
const INSTEAD: [(&str, &str); 61] = [
    ("asyncmy", "use aiomysql"),
    ("asyncpg", POSTGRES),
    ("awscrt", "require boto3 without the extra `crt`"),
    ("bcrypt", "use hashlib.sha256 and hmac"),
    ("brotli", "nothing replaces it; servers send gzip to those that do not ask for brotli"),
    ("cffi", "nothing replaces it; a package that needs it is machine code"),
    ("ciso8601", "use datetime.fromisoformat"),
    ("clickhouse-connect", "ask ClickHouse's HTTP interface with requests: FORMAT JSONEachRow"),
    ("confluent-kafka", "nothing replaces it; read from an HTTP interface of the broker"),
    ("couchbase", REST),
    ("cx-oracle", "use the database's REST interface with requests"),
    ("dateparser", "use dateutil.parser of the package python-dateutil"),
    ("dolphindb", REST),
    ("duckdb", "use sqlite3, or let the destination do the work"),
    ("google-ads", REST),
    ("google-analytics-data", REST),
    ("google-cloud-bigquery", REST),
    ("google-cloud-bigtable", REST),
    ("google-cloud-firestore", REST),
    ("google-cloud-pubsub", REST),
    ("google-cloud-secret-manager", REST),
    ("google-cloud-spanner", REST),
    ("greenlet", "require SQLAlchemy without the extra `asyncio`"),
    ("grpcio", REST),
    ("hdbcli", REST),
    ("ibm-db", "use the database's REST interface with requests"),
    ("lxml", "use xml.etree.ElementTree of the standard library"),
    ("lz4", "use zlib or gzip of the standard library"),
    ("mysqlclient", "use PyMySQL"),
    ("numpy", NO_FRAMES),
    ("oracledb", "use the database's REST interface with requests"),
    ("orjson", JSON),
    ("pandas", NO_FRAMES),
    ("paramiko", "nothing replaces it: a connector has no SSH; fetch the files over HTTP"),
    ("pdfplumber", "use pypdf"),
    ("pillow", "nothing replaces it; a connector reads no pictures"),
    ("polars", NO_FRAMES),
    ("psutil", "a connector sees no machine; remove it"),
    ("psycopg", POSTGRES),
    ("psycopg-binary", POSTGRES),
    ("psycopg-c", POSTGRES),
    ("psycopg2", POSTGRES),
    ("psycopg2-binary", POSTGRES),
    ("pyarrow", "nothing replaces it; ask the source for CSV or JSON"),
    ("pycryptodome", SIGNING),
    ("pycryptodomex", SIGNING),
    ("pydantic-core", "require pydantic<2, or use dataclasses"),
    ("pymssql", "use python-tds"),
    ("pynacl", SIGNING),
    ("pyodbc", "use a driver in pure Python: pg8000, PyMySQL, python-tds"),
    ("python-snappy", "use zlib or gzip of the standard library"),
    ("regex", "use re of the standard library"),
    ("rpds-py", "require jsonschema<4.18"),
    ("scikit-learn", NO_FRAMES),
    ("scipy", NO_FRAMES),
    ("snowflake-connector-python", "use the service's SQL REST interface with requests"),
    ("temporalio", REST),
    ("tiktoken", "nothing replaces it; count characters"),
    ("ujson", JSON),
    ("uvloop", "remove it; asyncio has a loop of its own here"),
    ("zstandard", "use zlib or gzip of the standard library"),
];

/// What a package offers instead of pure Python.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ships {
    /// Machine code that it cannot do without.
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
    /// The package that requires it, unless the project does.
    pub required_by: Option<String>,
    /// What was seen when it was tried.
    pub seen: Option<String>,
}

impl NativeOnly {
    /// A package that is machine code, required by the project.
    #[must_use]
    pub fn machine_code(name: &str) -> Self {
        Self { name: name.to_owned(), ships: Ships::MachineCode, required_by: None, seen: None }
    }

    /// What to use instead, for well-known packages.
    #[must_use]
    pub fn instead(&self) -> Option<&'static str> {
        advice(&self.name)
    }
}

/// The names of packages that are never taken.
pub(super) fn refused() -> impl Iterator<Item = &'static str> {
    INSTEAD.iter().map(|(name, _)| *name)
}

/// What to use instead of a package that is never taken.
pub(super) fn advice(name: &str) -> Option<&'static str> {
    INSTEAD.iter().find(|(known, _)| *known == name).map(|(_, advice)| *advice)
}

/// One sentence for each package.
pub(super) fn explain(packages: &[NativeOnly]) -> String {
    packages.iter().map(sentence).collect::<Vec<_>>().join("\n")
}

fn sentence(package: &NativeOnly) -> String {
    let name = &package.name;
    let by = package.required_by.as_ref().map(|by| format!(", which {by} requires,")).unwrap_or_default();
    let seen = package.seen.as_ref().map(|seen| format!(" ({seen})")).unwrap_or_default();
    let advice = package.instead().map(|advice| format!("; {advice}")).unwrap_or_default();
    match package.ships {
        Ships::MachineCode => format!(
            "{name}{by} cannot be used: it is machine code, and a sandboxed connector runs pure Python{seen}{advice}"
        ),
        Ships::Source => format!(
            "{name}{by} ships only source, and building that runs its code on this machine, in a jail with the network; \
             if you trust it, `sluice build --allow-sdist {name}` does so once{advice}"
        ),
    }
}

/// The packages because of which pip found no solution; empty when the reason is another.
pub(super) fn culprits(answer: &Answer, required: &[String]) -> Vec<NativeOnly> {
    let output = answer.resolved.as_ref().err().map(String::as_str).unwrap_or_default();
    let found = answer.blocked.iter().map(|(name, why)| NativeOnly {
        name: name.clone(),
        ships: if *why == Blocked::Source { Ships::Source } else { Ships::MachineCode },
        required_by: required_by(output, name).filter(|_| !required.contains(name)),
        seen: None,
    });
    let mut found: Vec<NativeOnly> = found.collect();
    if found.is_empty() {
        // Other versions than the wanted one have acceptable files.
        let partly = answer.partly.iter().filter(|(name, _)| is_unmet(output, name));
        found = partly
            .map(|(name, why)| NativeOnly {
                name: name.clone(),
                ships: if *why == Blocked::Source { Ships::Source } else { Ships::MachineCode },
                required_by: required_by(output, name).filter(|_| !required.contains(name)),
                seen: None,
            })
            .collect();
    }
    // What pip came across while it tried older versions is no reason beside what the project itself requires.
    if found.iter().any(|package| required.contains(&package.name)) {
        found.retain(|package| required.contains(&package.name));
    }
    found
}

/// Whether pip's output says that no version of a package is as required.
pub(super) fn is_unmet(output: &str, name: &str) -> bool {
    let mut lines = output.lines().filter_map(|line| line.split("No matching distribution found for ").nth(1));
    lines.any(|after| name_at(after) == name)
}

/// The name at the beginning of a requirement.
fn name_at(text: &str) -> String {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric() && !"-_.".contains(c)).unwrap_or(text.len());
    normal_name(text.get(..end).unwrap_or_default())
}

/// The package that pip's output says requires another.
fn required_by(output: &str, name: &str) -> Option<String> {
    let lines = output.lines().filter(|line| line.contains("satisfies the requirement "));
    for line in lines {
        let after = line.split("satisfies the requirement ").nth(1).unwrap_or_default();
        if name_at(after) == name {
            let by = after.split("(from ").nth(1).and_then(|by| by.split([')', ' ', '>', '<', '=', ';']).next());
            return by.map(normal_name).filter(|by| !by.is_empty() && by != "versions:" && by != "versions");
        }
    }
    None
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn pip_says_who_requires_it() {
        let output = "ERROR: Could not find a version that satisfies the requirement pydantic_core==2.4 (from pydantic) (from versions: none)\n\
                      ERROR: Could not find a version that satisfies the requirement y==9 (from versions: none)";
        assert_eq!(required_by(output, "pydantic-core").as_deref(), Some("pydantic"));
        assert_eq!(required_by(output, "y"), None);
    }

    #[test]
    fn what_the_project_requires_itself_is_the_reason() {
        let blocked = [("numpy", Blocked::MachineCode), ("old", Blocked::Source)];
        let blocked = blocked.map(|(name, why)| (name.to_owned(), why)).into_iter().collect();
        let answer = Answer { resolved: Err(String::new()), blocked, partly: std::collections::BTreeMap::new() };
        let names = |required: &str| -> Vec<String> {
            culprits(&answer, &[required.to_owned()]).into_iter().map(|found| found.name).collect()
        };
        assert_eq!(names("numpy"), ["numpy"]);
        assert_eq!(names("other"), ["numpy", "old"]);
    }

    #[test]
    fn a_version_that_has_only_source_is_the_reason_too() {
        let output = "ERROR: No matching distribution found for Happy_Base==1.2.0";
        let partly = [("happy-base".to_owned(), Blocked::Source), ("other".to_owned(), Blocked::Source)].into();
        let answer = Answer { resolved: Err(output.to_owned()), blocked: [].into(), partly };
        let found = culprits(&answer, &["happy-base".to_owned()]);
        assert_eq!(found.iter().map(|one| one.name.as_str()).collect::<Vec<_>>(), ["happy-base"]);
        assert_eq!(found[0].ships, Ships::Source);
    }

    #[test]
    fn the_sentence_names_package_reason_and_replacement() {
        let source = NativeOnly { ships: Ships::Source, ..NativeOnly::machine_code("unknown") };
        let needed = NativeOnly { required_by: Some("pydantic".into()), ..NativeOnly::machine_code("pydantic-core") };
        let text = explain(&[NativeOnly::machine_code("psycopg2"), source, needed]);
        assert!(text.starts_with("psycopg2 cannot be used: it is machine code"), "{text}");
        assert!(text.contains("; use pg8000\nunknown ships only source"), "{text}");
        assert!(text.contains("`sluice build --allow-sdist unknown`"), "{text}");
        assert!(text.contains("pydantic-core, which pydantic requires, cannot be used"), "{text}");
    }

    #[test]
    fn names_are_sorted_once_and_in_normal_spelling() {
        assert!(INSTEAD.windows(2).all(|pair| normal_name(pair[0].0) == pair[0].0 && pair[0].0 < pair[1].0));
        assert!(WITHOUT_MACHINE_CODE.windows(2).all(|pair| normal_name(pair[0]) == pair[0] && pair[0] < pair[1]));
        assert!(WITHOUT_MACHINE_CODE.iter().all(|name| advice(name).is_none()));
    }
}
