//! What a component may import: names and versions, nothing else.
//!
//! The threat: an import is the only way out of the sandbox, so a name that is not in
//! [`INTERFACES`] is refused before anything is compiled, whatever the engine could link.
//! The answer depends on the name alone, which makes it cheap enough to be asked at every
//! start and easy to hold against the table below.
//!
//! | package | accepted versions |
//! |---|---|
//! | `sluice:connector` | exactly 0.1.0 |
//! | `wasi:*` | 0.2.0 to 0.2.12, no pre-release and no build metadata |

use super::report::{Code, Finding};

/// Version of the contract this host speaks.
pub const CONTRACT_VERSION: Version = Version { major: 0, minor: 1, patch: 0 };

/// Newest WASI version this host provides; older patch versions of it are accepted too.
pub const WASI_VERSION: Version = Version { major: 0, minor: 2, patch: 12 };

/// Largest component in bytes that is looked at. A Python connector has 18 to 45 MB.
pub const MAX_COMPONENT_BYTES: usize = 256 << 20;

/// Interfaces a component may import, by package.
pub const INTERFACES: &[(&str, &[&str])] = &[
    ("sluice:connector", &["types", "operations", "files", "logging", "http", "workers"]),
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
    fn parse(text: &str) -> Option<Self> {
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

/// Judges one import by its name.
///
/// # Errors
///
/// The finding says whether the interface or only its version is not in the contract.
pub fn admit_import(name: &str) -> Result<Allowed, Finding> {
    if WORLD_TYPES.contains(&name) {
        return Ok(Allowed::WorldType);
    }
    let Some((package, rest)) = name.split_once('/') else {
        return Err(not_an_interface(name));
    };
    let (interface, version) = match rest.split_once('@') {
        Some((interface, version)) => (interface, Some(version)),
        None => (rest, None),
    };
    let known = INTERFACES
        .iter()
        .find(|(known, _)| *known == package)
        .is_some_and(|(_, interfaces)| interfaces.contains(&interface));
    if !known {
        return Err(unknown_interface(name, package, interface));
    }
    let wasi = package.starts_with("wasi:");
    let accepted = version.and_then(Version::parse).is_some_and(|version| {
        if wasi {
            (version.major, version.minor) == (WASI_VERSION.major, WASI_VERSION.minor) && version <= WASI_VERSION
        } else {
            version == CONTRACT_VERSION
        }
    });
    if accepted {
        return Ok(Allowed::Interface(format!("{package}/{interface}")));
    }
    Err(unknown_version(name, package, version, wasi))
}

/// Judges all imports of a component by their names, without parsing the contract. This is
/// the check to ask before every sync; [`check`](super::check) says more.
///
/// # Errors
///
/// One finding for every import that is not on the list, at most
/// [`MAX_FINDINGS`](super::MAX_FINDINGS).
pub fn admit_imports<'a>(names: impl Iterator<Item = &'a str>) -> Result<(), Vec<Finding>> {
    let refused: Vec<_> = names.filter_map(|name| admit_import(name).err()).take(super::MAX_FINDINGS).collect();
    if refused.is_empty() { Ok(()) } else { Err(refused) }
}

fn not_an_interface(name: &str) -> Finding {
    Finding::error(Code::ImportNotInterface, name, "imports something that is not an interface of the contract")
        .hint("a connector imports interfaces such as `sluice:connector/operations@0.1.0`; build it against wit/connector.wit")
}

fn unknown_interface(name: &str, package: &str, interface: &str) -> Finding {
    let finding = Finding::error(
        Code::ImportUnknownInterface,
        name,
        "imports an interface that the contract does not have, and no grant can give it",
    );
    let hint = match (package, interface) {
        ("wasi:http", "incoming-handler") => {
            "this interface serves requests; a connector sends them with `sluice:connector/http` or `wasi:http/outgoing-handler`"
                .to_owned()
        }
        ("wasi:keyvalue" | "wasi:config", _) => {
            "what a connector keeps between syncs is the state of `checkpoint`, and its settings are the configuration passed to `sync`"
                .to_owned()
        }
        ("wasi:clocks", "timezone") => "this interface is unstable in WASI 0.2; compute with UTC".to_owned(),
        _ => match INTERFACES.iter().find(|(known, _)| *known == package) {
            Some((package, interfaces)) => {
                format!("of {package} a connector may import {}", interfaces.join(", "))
            }
            None => {
                let packages: Vec<_> = INTERFACES.iter().map(|(package, _)| *package).collect();
                format!("a connector may import from {}", packages.join(", "))
            }
        },
    };
    finding.hint(hint)
}

fn unknown_version(name: &str, package: &str, version: Option<&str>, wasi: bool) -> Finding {
    let newest = if wasi { WASI_VERSION } else { CONTRACT_VERSION };
    let message = match version {
        None => "imports an interface without saying its version".to_owned(),
        Some(_) if wasi => {
            format!("imports a version that this host does not have; it has {package} 0.2.0 to {newest}")
        }
        Some(_) => {
            format!("imports a version that this host does not have; it has {package} {newest}")
        }
    };
    let newer = version.and_then(Version::parse).is_some_and(|version| version > newest);
    let hint = if !wasi && newer {
        "the component was built for a newer host: upgrade sluice, or build it with an SDK for this contract".to_owned()
    } else if !wasi {
        "build the component again with the SDK that belongs to this host".to_owned()
    } else if version.is_some_and(|version| version.starts_with("0.3")) {
        "WASI 0.3 is not supported; build the component for WASI 0.2 (wasip2)".to_owned()
    } else {
        format!("build the component with a toolchain for {package} {newest} or older")
    };
    Finding::error(Code::ImportVersion, name, message).hint(hint)
}
