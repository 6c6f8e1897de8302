//! What a component may import: names and versions, nothing else.
//!
//! The threat: an import is the only way out of the sandbox, so a name that is not in
//! [`INTERFACES`] is refused before anything is compiled, whatever the engine could link.
//! The answer depends on the name alone, which makes it cheap enough to be asked at every
//! start and easy to hold against the table below. `check` puts refusals into words.
//!
//! | package | accepted versions |
//! |---|---|
//! | `sluice:connector` | exactly 0.1.0 |
//! | `wasi:*` | 0.2.0 to 0.2.12, no pre-release and no build metadata |

/// Version of the contract this host speaks.
pub const CONTRACT_VERSION: Version = Version { major: 0, minor: 1, patch: 0 };

/// Newest WASI version this host provides; older patch versions of it are accepted too.
pub const WASI_VERSION: Version = Version { major: 0, minor: 2, patch: 12 };

/// Interfaces a component may import, by package.
pub const INTERFACES: &[(&str, &[&str])] = &[
    ("sluice:connector", &["types", "operations", "files", "logging", "http", "tcp", "workers"]),
    ("wasi:io", &["error", "poll", "streams"]),
    ("wasi:clocks", &["monotonic-clock", "wall-clock"]),
    ("wasi:random", &["random", "insecure", "insecure-seed"]),
    (
        "wasi:cli",
        &[
            "environment",
            "exit",
            "stdin",
            "stdout",
            "stderr",
            "terminal-input",
            "terminal-output",
            "terminal-stdin",
            "terminal-stdout",
            "terminal-stderr",
        ],
    ),
    ("wasi:filesystem", &["types", "preopens"]),
    (
        "wasi:sockets",
        &["network", "instance-network", "ip-name-lookup", "tcp", "tcp-create-socket", "udp", "udp-create-socket"],
    ),
    ("wasi:http", &["types", "outgoing-handler"]),
];

/// Types the world brings into scope by `use`. They show as imports of a component, but
/// are only names: nothing is called through them.
pub const WORLD_TYPES: &[&str] =
    &["table-definition", "failure", "setup-failure", "setup-form", "test-outcome", "work-failure"];

/// A released version: three numbers and nothing after them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// Incompatible changes.
    pub major: u32,
    /// Additions; below 1.0 incompatible changes too.
    pub minor: u32,
    /// Documentation and repairs.
    pub patch: u32,
}

impl Version {
    /// Reads three plain numbers.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.split('.').map(number);
        let version = Self { major: numbers.next()??, minor: numbers.next()??, patch: numbers.next()?? };
        numbers.next().is_none().then_some(version)
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

fn number(text: &str) -> Option<u32> {
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let canonical = text == "0" || !text.starts_with('0');
    // `parse` alone would take a sign
    (digits && canonical).then(|| text.parse().ok()).flatten()
}

/// An import that is on the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Allowed {
    /// An interface, without its version: `wasi:io/poll`.
    Interface(String),
    /// One of [`WORLD_TYPES`].
    WorldType,
}

/// Why an import is not on the list; holds the parts of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusedImport<'a> {
    /// Not `package/interface`.
    NotAnInterface,
    /// An interface that is not on the list.
    UnknownInterface {
        /// `wasi:http`.
        package: &'a str,
        /// `incoming-handler`.
        interface: &'a str,
    },
    /// An interface on the list, in a version that is not, or in none.
    UnknownVersion {
        /// `wasi:http`.
        package: &'a str,
        /// What stands after the `@`.
        version: Option<&'a str>,
    },
}

/// The newest version of a package's interfaces.
#[must_use]
pub fn newest(package: &str) -> Version {
    if package.starts_with("wasi:") { WASI_VERSION } else { CONTRACT_VERSION }
}

/// Judges one import by its name.
///
/// # Errors
///
/// Whether the interface or only its version is not on the list.
pub fn admit(name: &str) -> Result<Allowed, RefusedImport<'_>> {
    if WORLD_TYPES.contains(&name) {
        return Ok(Allowed::WorldType);
    }
    let (package, rest) = name.split_once('/').ok_or(RefusedImport::NotAnInterface)?;
    let (interface, version) = match rest.split_once('@') {
        Some((interface, version)) => (interface, Some(version)),
        None => (rest, None),
    };
    let listed = INTERFACES.iter().find(|(listed, _)| *listed == package);
    if !listed.is_some_and(|(_, interfaces)| interfaces.contains(&interface)) {
        return Err(RefusedImport::UnknownInterface { package, interface });
    }
    let newest = newest(package);
    let wasi = package.starts_with("wasi:");
    let accepted = version.and_then(Version::parse).is_some_and(|version| match wasi {
        true => (version.major, version.minor) == (newest.major, newest.minor) && version <= newest,
        false => version == newest,
    });
    match accepted {
        true => Ok(Allowed::Interface(format!("{package}/{interface}"))),
        false => Err(RefusedImport::UnknownVersion { package, version }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_listed_is_refused() {
        for name in [
            "",
            "wasi:http",
            "wasi:http/incoming-handler@0.2.0",
            "wasi:tls/types@0.2.0-draft",
            "wasi:sockets/other@0.2.0",
            "wasi:io/poll",
            "wasi:io/poll@",
            "wasi:io/poll@0.2.13",
            "wasi:io/poll@0.3.0",
            "wasi:io/poll@0.2.0-rc.1",
            "wasi:io/poll@0.2.0+x",
            "wasi:io/poll@0.2.00",
            "wasi:io/poll@+0.2.0",
            "Wasi:io/poll@0.2.0",
            "sluice:connector/http@0.1.1",
            "sluice:connector/http@0.2.0",
            "other:package/poll@0.2.0",
        ] {
            assert!(admit(name).is_err(), "{name}");
        }
        for name in ["wasi:io/poll@0.2.0", "wasi:io/poll@0.2.12", "sluice:connector/http@0.1.0", "failure"] {
            assert!(admit(name).is_ok(), "{name}");
        }
    }
}
