//! Says in words which imports of a component are not in [`policy::imports`](crate::policy::imports), which
//! decides.

use super::report::{Code, Finding};
use crate::policy::imports::{self, RefusedImport, Version};
pub(super) use crate::policy::imports::{Allowed, CONTRACT_VERSION, INTERFACES};

/// Largest component in bytes that is looked at. A Python connector has 18 to 45 MB.
pub const MAX_COMPONENT_BYTES: usize = 256 << 20;

/// Judges one import by its name.
///
/// # Errors
///
/// The finding says whether the interface or only its version is not in the contract.
pub fn admit_import(name: &str) -> Result<Allowed, Finding> {
    imports::admit(name).map_err(|refused| match refused {
        RefusedImport::NotAnInterface => not_an_interface(name),
        RefusedImport::UnknownInterface { package, interface } => unknown_interface(name, package, interface),
        RefusedImport::UnknownVersion { package, version } => unknown_version(name, package, version),
    })
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

fn unknown_version(name: &str, package: &str, version: Option<&str>) -> Finding {
    let wasi = package.starts_with("wasi:");
    let newest = imports::newest(package);
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
