//! The contract as types, parsed from its WIT text.

use std::collections::HashMap;
use std::path::Path;

use wit_parser::{Function, Interface, Resolve, SourceMap, UnresolvedPackageGroup, World, WorldItem, WorldKey};

use super::allowed::{CONTRACT_VERSION, INTERFACES};

/// Package and world that a connector is held against.
const PACKAGE: (&str, &str) = ("sluice", "connector");
const WORLD: &str = "connector";
/// The same with exports that a connector may leave out.
const LARGEST_WORLD: &str = "connector-with-work";

/// The worlds of `sluice:connector` and every interface on the allow-list.
///
/// Parsing the WIT text takes about ten milliseconds: do it once, and ask
/// [`admit_imports`](super::admit_imports) where only the names matter.
pub struct Contract {
    pub(super) resolve: Resolve,
    /// What every connector exports.
    pub(super) exports: Vec<(String, Function)>,
    /// What a connector may export beside that.
    pub(super) optional: Vec<(String, Function)>,
    pub(super) world_types: HashMap<String, wit_parser::TypeId>,
    interfaces: HashMap<String, wit_parser::InterfaceId>,
}

impl Contract {
    /// Parses the contract from its files, as (path, contents): `connector.wit` and the
    /// WASI packages it and the allow-list name. Files of one package share a folder; the
    /// folder of `connector.wit` is the shortest.
    ///
    /// Unstable items of WASI are left out: this host does not provide them.
    ///
    /// # Errors
    ///
    /// When the text is not WIT, a package is missing, or the allow-list names an interface
    /// that the text does not have.
    pub fn parse(files: &[(&str, &str)]) -> Result<Self, ContractError> {
        let (main, dependencies) = groups(files)?;
        let mut resolve = Resolve::default();
        let package =
            resolve.push_groups(main, dependencies).map_err(|error| ContractError::Unresolved(format!("{error}")))?;
        let exports = exports_of(find_world(&resolve, package, WORLD)?)?;
        let interfaces = find_interfaces(&resolve)?;
        let largest = find_world(&resolve, package, LARGEST_WORLD)?;
        let mut optional = exports_of(largest)?;
        optional.retain(|(name, _)| exports.iter().all(|(known, _)| known != name));
        let mut world_types = HashMap::new();
        for (key, item) in &largest.imports {
            if let (WorldKey::Name(name), WorldItem::Type { id, .. }) = (key, item) {
                world_types.insert(name.clone(), *id);
            }
        }
        Ok(Self { resolve, exports, optional, world_types, interfaces })
    }

    /// An interface of the allow-list by its name without version.
    pub(super) fn interface(&self, name: &str) -> Option<&Interface> {
        self.resolve.interfaces.get(*self.interfaces.get(name)?)
    }
}

fn groups(files: &[(&str, &str)]) -> Result<(UnresolvedPackageGroup, Vec<UnresolvedPackageGroup>), ContractError> {
    let mut folders: Vec<(&Path, SourceMap)> = Vec::new();
    for (path, contents) in files {
        let path = Path::new(path);
        let folder = path.parent().unwrap_or(Path::new(""));
        let known = folders.iter_mut().find(|(known, _)| *known == folder);
        let map = match known {
            Some((_, map)) => map,
            None => {
                folders.push((folder, SourceMap::default()));
                &mut folders.last_mut().ok_or(ContractError::NoWorld)?.1
            }
        };
        map.push(path, *contents);
    }
    let mut main = None;
    let mut dependencies = Vec::new();
    for (_, map) in folders {
        let group = map.parse().map_err(|(map, error)| ContractError::Syntax(error.render(&map)))?;
        let name = &group.main.name;
        if (name.namespace.as_str(), name.name.as_str()) == PACKAGE {
            main = Some(group);
        } else {
            dependencies.push(group);
        }
    }
    Ok((main.ok_or(ContractError::NoWorld)?, dependencies))
}

fn exports_of(world: &World) -> Result<Vec<(String, Function)>, ContractError> {
    let function = |(key, item): (&WorldKey, &WorldItem)| match (key, item) {
        (WorldKey::Name(name), WorldItem::Function(function)) => Ok((name.clone(), function.clone())),
        _ => Err(ContractError::ExportsInterface),
    };
    world.exports.iter().map(function).collect()
}

fn find_world<'a>(
    resolve: &'a Resolve,
    package: wit_parser::PackageId,
    name: &str,
) -> Result<&'a World, ContractError> {
    let package = resolve.packages.get(package).ok_or(ContractError::NoWorld)?;
    let version = package.name.version.as_ref().map(ToString::to_string);
    if version != Some(CONTRACT_VERSION.to_string()) {
        return Err(ContractError::Version { found: version.unwrap_or_default() });
    }
    package.worlds.get(name).and_then(|id| resolve.worlds.get(*id)).ok_or(ContractError::NoWorld)
}

fn find_interfaces(resolve: &Resolve) -> Result<HashMap<String, wit_parser::InterfaceId>, ContractError> {
    let mut found = HashMap::new();
    for (package, interfaces) in INTERFACES {
        let known = resolve
            .packages
            .iter()
            .map(|(_, package)| package)
            .find(|known| format!("{}:{}", known.name.namespace, known.name.name) == *package);
        for interface in *interfaces {
            let name = format!("{package}/{interface}");
            let id = known.and_then(|package| package.interfaces.get(*interface));
            let id = *id.ok_or_else(|| ContractError::MissingInterface(name.clone()))?;
            found.insert(name, id);
        }
    }
    Ok(found)
}

/// Why a contract cannot be used. It is part of the host, so each of these is a fault of
/// the build.
#[derive(Debug, thiserror::Error)]
pub enum ContractError {
    /// The text is not WIT.
    #[error("the contract is not valid WIT: {0}")]
    Syntax(String),
    /// A package or item that the text names is missing.
    #[error("the contract does not resolve: {0}")]
    Unresolved(String),
    /// The text lacks a world of the package `sluice:connector`.
    #[error("the contract does not have the worlds of sluice:connector")]
    NoWorld,
    /// The text is of another version than the allow-list.
    #[error("the contract has version `{found}`, but the allow-list is for {CONTRACT_VERSION}")]
    Version {
        /// The version in the text.
        found: String,
    },
    /// The world exports an interface; only functions are supported.
    #[error("the contract exports an interface, which the check does not support")]
    ExportsInterface,
    /// The allow-list names an interface that the text does not have.
    #[error("the allow-list names {0}, which the contract's WIT files do not have")]
    MissingInterface(String),
}
