//! `pylock.sluice.toml`: which files of packages a project was built from, in the standard format for that (PEP 751).
//!
//! It has a name of its own because it holds for the guest's Python only; a `pylock.toml` for the author's own Python
//! may lie beside it. The table `[tool.sluice]` keeps what the project required when it was written.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use toml::{Table, Value};

use super::requirement_files::is_sha256;
use super::requirements::{name_of, normal_name};
use super::resolution::Resolved;

/// The file's name in the project's folder.
pub const LOCK: &str = "pylock.sluice.toml";
/// Most bytes of a lock file.
pub const MAX_LOCK_BYTES: u64 = 4 << 20;
const LOCK_VERSION: &str = "1.0";

/// A lock file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lock {
    /// What the project required: requirements, constraints and hashes, sorted.
    pub(super) requirements: Vec<String>,
    /// What it got, by name.
    pub(super) packages: Vec<Resolved>,
}

/// Why a lock file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// It cannot be read or written.
    #[error("cannot use {LOCK}")]
    Io(#[source] io::Error),
    /// It is not one of ours.
    #[error("{LOCK} is damaged: {0}; remove it, or get it back from version control")]
    Damaged(String),
    /// `--locked`, and there is none.
    #[error("there is no {LOCK}, and --locked takes no other versions; build once without it")]
    Missing,
    /// `--locked`, and the requirements are not those it was written for.
    #[error("{LOCK} is not of these requirements ({0}), and --locked changes nothing; build once without it")]
    Stale(String),
}

impl Lock {
    /// Reads the lock file of a project; `None` when it has none.
    pub(super) fn read(folder: &Path) -> Result<Option<Self>, LockError> {
        let path = folder.join(LOCK);
        match fs::symlink_metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(LockError::Io(error)),
            Ok(kind) if !kind.is_file() => return Err(LockError::Damaged("it is not a file".into())),
            Ok(_) => {}
        }
        let mut text = String::new();
        let file = File::open(&path).map_err(LockError::Io)?;
        let read = file.take(MAX_LOCK_BYTES + 1).read_to_string(&mut text).map_err(LockError::Io)?;
        if read as u64 > MAX_LOCK_BYTES {
            return Err(LockError::Damaged(format!("it has more than {} MiB", MAX_LOCK_BYTES >> 20)));
        }
        Self::parse(&text).map(Some)
    }

    pub(crate) fn parse(text: &str) -> Result<Self, LockError> {
        let damaged = |what: &str| LockError::Damaged(what.to_owned());
        let table: Table = text.parse().map_err(|error: toml::de::Error| LockError::Damaged(error.to_string()))?;
        if table.get("lock-version").and_then(Value::as_str) != Some(LOCK_VERSION) {
            return Err(damaged("its lock-version is not 1.0"));
        }
        let ours = table.get("tool").and_then(|tool| tool.get("sluice"));
        let required = ours.and_then(|ours| ours.get("requirements")).and_then(Value::as_array);
        let required = required.ok_or_else(|| damaged("it has no [tool.sluice] requirements"))?;
        let requirements = required.iter().filter_map(|line| line.as_str().map(str::to_owned)).collect();
        let none = Vec::new();
        let packages = table.get("packages").and_then(Value::as_array).unwrap_or(&none);
        let packages: Option<Vec<Resolved>> = packages.iter().map(package).collect();
        Ok(Self { requirements, packages: packages.ok_or_else(|| damaged("one of its packages is incomplete"))? })
    }

    /// Writes it into a project's folder; what lies there is replaced at once or not at all.
    pub(super) fn write(&self, folder: &Path) -> io::Result<()> {
        let text = self.text();
        if fs::read_to_string(folder.join(LOCK)).is_ok_and(|there| there == text) {
            return Ok(());
        }
        super::write_whole(&folder.join(LOCK), text.as_bytes()).map_err(|error| match error {
            super::BuildError::Write { source, .. } => source,
            other => io::Error::other(other.to_string()),
        })
    }

    pub(crate) fn text(&self) -> String {
        let mut text = String::from(
            "# Written by `sluice build`: the packages of this connector, by content. Keep it under version control.\n\
             # `sluice build --upgrade` looks for newer versions.\n",
        );
        text.push_str(&format!("lock-version = {}\n", quoted(LOCK_VERSION)));
        text.push_str("requires-python = \"==3.14.*\"\ncreated-by = \"sluice\"\n");
        for package in &self.packages {
            let hash = format!("hashes = {{ sha256 = {} }}", quoted(&package.sha256));
            let (name, version, url) = (quoted(&package.name), quoted(&package.version), quoted(&package.url));
            text.push_str(&format!("\n[[packages]]\nname = {name}\nversion = {version}\n"));
            let file = format!("{{ name = {}, url = {url}, {hash} }}", quoted(&package.file));
            let line = if package.is_source() { format!("sdist = {file}\n") } else { format!("wheels = [{file}]\n") };
            text.push_str(&line);
        }
        text.push_str("\n[tool.sluice]\nrequirements = [\n");
        for line in &self.requirements {
            text.push_str(&format!("    {},\n", quoted(line)));
        }
        text.push_str("]\n");
        text
    }

    /// What was required then and is not now, and the reverse, in words; `None` when nothing.
    pub(super) fn difference(&self, requirements: &[String]) -> Option<String> {
        let missing = |from: &[String], other: &[String], sign: char| -> Vec<String> {
            from.iter().filter(|line| !other.contains(line)).map(|line| format!("{sign}{line}")).collect()
        };
        let mut changes = missing(requirements, &self.requirements, '+');
        changes.extend(missing(&self.requirements, requirements, '-'));
        (!changes.is_empty()).then(|| changes.join(", "))
    }

    /// The versions to keep where possible: those of packages whose own requirement did not change.
    pub(super) fn pins(&self, requirements: &[String]) -> Vec<String> {
        let changed = |line: &&String| !requirements.contains(line);
        let gone = self.requirements.iter().filter(changed);
        let new = requirements.iter().filter(|line| !self.requirements.contains(line));
        let changed: Vec<String> = gone.chain(new).filter_map(|line| name_of(line)).collect();
        let kept = self.packages.iter().filter(|package| !changed.contains(&package.name));
        kept.map(|package| format!("{}=={}", package.name, package.version)).collect()
    }
}

fn package(entry: &Value) -> Option<Resolved> {
    let name = entry.get("name")?.as_str().filter(|name| normal_name(name) == **name && name_of(name).is_some())?;
    let plain = |c: char| c.is_ascii_alphanumeric() || ".+!-_".contains(c);
    let version = entry.get("version")?.as_str().filter(|version| !version.is_empty() && version.chars().all(plain))?;
    let wheel = entry.get("wheels").and_then(Value::as_array).and_then(|wheels| wheels.first());
    let file = wheel.or_else(|| entry.get("sdist"))?;
    let sha256 = file.get("hashes")?.get("sha256")?.as_str().filter(|digits| is_sha256(digits))?;
    let named = file.get("name")?.as_str().filter(|name| name.chars().all(plain))?;
    let url = file.get("url").and_then(Value::as_str).unwrap_or_default();
    Some(Resolved {
        name: name.to_owned(),
        version: version.to_owned(),
        sha256: sha256.to_ascii_lowercase(),
        file: named.to_owned(),
        url: url.to_owned(),
    })
}

fn quoted(text: &str) -> String {
    Value::String(text.to_owned()).to_string()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;

    fn lock() -> Lock {
        let resolved = |name: &str, version: &str, file: &str| Resolved {
            name: name.into(),
            version: version.into(),
            sha256: "ab".repeat(32),
            file: file.into(),
            url: format!("https://index.example/{file}"),
        };
        Lock {
            requirements: vec!["docopt".into(), "idna>=3 ; python_version > \"3\"".into()],
            packages: vec![
                resolved("docopt", "0.6.2", "docopt-0.6.2.tar.gz"),
                resolved("idna", "3.20", "idna-3.20-py3-none-any.whl"),
            ],
        }
    }

    #[test]
    fn it_is_read_as_it_was_written() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Lock::read(folder.path()).unwrap(), None);
        lock().write(folder.path()).unwrap();
        assert_eq!(Lock::read(folder.path()).unwrap(), Some(lock()));
    }

    #[test]
    fn a_change_is_named_and_the_rest_is_kept() {
        let lock = lock();
        assert_eq!(lock.difference(&lock.requirements), None);
        let now = ["docopt".to_owned(), "idna<4".to_owned()];
        let difference = lock.difference(&now).unwrap();
        assert!(difference.starts_with("+idna<4, -idna>=3"), "{difference}");
        assert_eq!(lock.pins(&now), ["docopt==0.6.2"]);
    }

    #[test]
    fn what_is_no_lock_is_refused() {
        let whole = lock().text();
        let cases = [
            (whole.replace("1.0", "2.0"), "lock-version"),
            (whole.replace(&"ab".repeat(32), "ab"), "incomplete"),
            (whole.replace("0.6.2\"", "0.6.2 --index-url=x\""), "incomplete"),
            (whole.replace("name = \"docopt\"", "name = \"-r x\""), "incomplete"),
            (whole.replace("[tool.sluice]", "[tool.other]"), "[tool.sluice]"),
            ("[".into(), "damaged"),
        ];
        for (text, expected) in cases {
            let message = Lock::parse(&text).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/etc/passwd", folder.path().join(LOCK)).unwrap();
        assert!(Lock::read(folder.path()).is_err());
    }
}
