//! A component's imports and exports against the contract's.

use std::collections::HashMap;

use wasmparser::component_types::{
    ComponentAnyTypeId, ComponentEntityType, ComponentFuncTypeId, ComponentInstanceTypeId,
};
use wit_parser::{Function, Interface, TypeDefKind};

use super::allowed::{Allowed, admit_import};
use super::compare::{Compared, Types};
use super::contract::Contract;
use super::report::{Code, Finding, Findings, Kind, MAX_NAMES, Report, visible};
use super::surface::Surface;
use crate::stamp::{Stamp, StampError};

/// Most items of one imported interface; the largest of WASI has fewer than 60.
const MAX_ITEMS: usize = 1_000;

/// componentize-py groups a world's functions a second time under this name; saying so for
/// every Python connector would help nobody.
const TOOL_EXPORT: &str = "exports";

/// Says how the component differs from the contract.
pub(super) fn conform(
    surface: &Surface,
    stamp: Result<Option<Stamp>, StampError>,
    project: Option<Finding>,
    contract: &Contract,
) -> Report {
    let mut findings = Findings::default();
    project.into_iter().for_each(|found| findings.push(found));
    let kind = if is_wit_package(surface) { Kind::WitPackage } else { Kind::Component };
    if kind == Kind::WitPackage {
        let message = "the file is a WIT package: types without code";
        let hint = "`sluice build` makes a component from a Python project";
        findings.push(Finding::error(Code::WitPackage, "", message).hint(hint));
    } else {
        Conformity::new(surface, contract, &mut findings).judge();
    }
    let stamp = stamp.unwrap_or_else(|error| {
        findings.push(Finding::note(Code::StampUnreadable, "", error.to_string()));
        None
    });
    let names = |items: &[(String, ComponentEntityType)]| {
        let mut names: Vec<_> = items.iter().take(MAX_NAMES).map(|(name, _)| visible(name)).collect();
        names.sort();
        names
    };
    Report {
        kind,
        findings: findings.finish(),
        imports: names(&surface.imports),
        exports: names(&surface.exports),
        stamp,
    }
}

fn is_wit_package(surface: &Surface) -> bool {
    let type_only = |(_, ty): &(String, ComponentEntityType)| {
        matches!(ty, ComponentEntityType::Type { created: ComponentAnyTypeId::Component(_), .. })
    };
    surface.imports.is_empty() && !surface.exports.is_empty() && surface.exports.iter().all(type_only)
}

struct Conformity<'a> {
    surface: &'a Surface,
    contract: &'a Contract,
    types: Types<'a>,
    findings: &'a mut Findings,
    /// Imported interfaces that are on the list: full name, interface, type.
    interfaces: Vec<(&'a str, &'a Interface, ComponentInstanceTypeId)>,
}

impl<'a> Conformity<'a> {
    fn new(surface: &'a Surface, contract: &'a Contract, findings: &'a mut Findings) -> Self {
        let types = Types {
            resolve: &contract.resolve,
            found: surface.types.as_ref(),
            resources: HashMap::new(),
            names: HashMap::new(),
        };
        Self { surface, contract, types, findings, interfaces: Vec::new() }
    }

    fn judge(&mut self) {
        self.admit();
        for (name, interface, instance) in std::mem::take(&mut self.interfaces) {
            self.interface(name, interface, instance);
        }
        self.exports();
    }

    /// Judges the names of the imports and learns the names of their types.
    fn admit(&mut self) {
        let (surface, contract) = (self.surface, self.contract);
        for (name, ty) in &surface.imports {
            match (admit_import(name), ty) {
                (Err(finding), _) => self.findings.push(finding),
                (Ok(Allowed::Interface(short)), ComponentEntityType::Instance(instance)) => {
                    let Some(interface) = contract.interface(&short) else {
                        continue;
                    };
                    if self.learn(name, &short, *instance) {
                        self.interfaces.push((name, interface, *instance));
                    }
                }
                (Ok(Allowed::WorldType), ComponentEntityType::Type { created, .. }) => {
                    self.world_type(name, *created);
                }
                (Ok(_), _) => self.findings.push(Finding::error(
                    Code::ImportType,
                    name,
                    "is imported as something else than what the contract has under this name",
                )),
            }
        }
    }

    fn learn(&mut self, name: &str, short: &str, instance: ComponentInstanceTypeId) -> bool {
        let Some(items) = self.types.found.get(instance) else {
            return false;
        };
        if items.exports.len() > MAX_ITEMS {
            let message = format!("is imported with {} items; at most {MAX_ITEMS} are looked at", items.exports.len());
            self.findings.push(Finding::error(Code::ImportTooMany, name, message));
            return false;
        }
        for (item, found) in &items.exports {
            let origin = || (short.to_owned(), item.clone());
            match found.ty {
                // the interface that brings a resource first is where it comes from
                ComponentEntityType::Type { created: ComponentAnyTypeId::Resource(id), .. } => {
                    self.types.resources.entry(id.resource()).or_insert_with(origin);
                }
                ComponentEntityType::Type { created: ComponentAnyTypeId::Defined(id), .. } => {
                    self.types.names.entry(id).or_insert_with(origin);
                }
                _ => {}
            }
        }
        true
    }

    fn world_type(&mut self, name: &str, found: ComponentAnyTypeId) {
        let compared = match (self.contract.world_types.get(name), found) {
            (Some(expected), ComponentAnyTypeId::Defined(found)) => self.types.named(*expected, found),
            _ => Ok(()),
        };
        self.report_type(name, "", compared);
    }

    fn interface(&mut self, name: &str, expected: &Interface, instance: ComponentInstanceTypeId) {
        let Some(items) = self.types.found.get(instance) else {
            return;
        };
        for (item, found) in &items.exports {
            if self.findings.is_full() {
                return;
            }
            match found.ty {
                ComponentEntityType::Func(found) => match expected.functions.get(item) {
                    Some(expected) => self.imported_function(name, expected, found),
                    None => self.unknown_item(name, "function", item),
                },
                ComponentEntityType::Type { created, .. } => self.imported_type(name, expected, item, created),
                _ => self.unknown_item(name, "item", item),
            }
        }
    }

    fn unknown_item(&mut self, interface: &str, what: &str, item: &str) {
        let message =
            format!("is imported with the {what} `{}`, which the contract does not have there", visible(item));
        let hint = "build the component against the WIT files of this host";
        self.findings.push(Finding::error(Code::ImportUnknownItem, interface, message).hint(hint));
    }

    fn imported_function(&mut self, interface: &str, expected: &Function, found: ComponentFuncTypeId) {
        let Some(found) = self.types.found.get(found) else {
            return;
        };
        if let Err(difference) = self.types.function(expected, found) {
            let message = if difference.path.len() > 1 {
                format!(
                    "has `{}` with another type: at `{}` the contract says {}, the component {}",
                    expected.name,
                    difference.place(),
                    difference.expected,
                    difference.found
                )
            } else {
                format!(
                    "has `{}` as {} but the contract says {}",
                    expected.name,
                    self.types.found_signature(found),
                    self.types.expected_signature(expected)
                )
            };
            self.findings.push(Finding::error(Code::ImportType, interface, message).hint(REBUILD));
        }
    }

    fn imported_type(&mut self, interface: &str, expected: &Interface, item: &str, found: ComponentAnyTypeId) {
        let known = expected.types.get(item).copied();
        match (known, found) {
            (None, ComponentAnyTypeId::Resource(_)) => self.unknown_item(interface, "resource", item),
            // a type that no function uses harms nobody, and one that is used is compared there
            (None, _) => {}
            (Some(id), ComponentAnyTypeId::Defined(found)) => {
                let compared = self.types.named(id, found);
                self.report_type(interface, item, compared);
            }
            (Some(id), ComponentAnyTypeId::Resource(found)) => {
                let same = self.types.resources.get(&found.resource()) == self.types.expected_resource(id).as_ref();
                let resource = self.is_resource(id);
                if !(same && resource) {
                    let message = format!("has `{}` as another resource than the contract", visible(item));
                    self.findings.push(Finding::error(Code::ImportType, interface, message).hint(REBUILD));
                }
            }
            (Some(_), _) => self.unknown_item(interface, "type", item),
        }
    }

    fn is_resource(&self, id: wit_parser::TypeId) -> bool {
        let mut id = id;
        loop {
            match self.contract.resolve.types.get(id).map(|ty| &ty.kind) {
                Some(TypeDefKind::Type(wit_parser::Type::Id(inner))) => id = *inner,
                Some(TypeDefKind::Resource) => return true,
                _ => return false,
            }
        }
    }

    fn report_type(&mut self, subject: &str, item: &str, compared: Compared) {
        let Err(difference) = compared else { return };
        let inner = difference.place();
        let place: Vec<_> = [item, &inner].into_iter().filter(|part| !part.is_empty()).collect();
        let message = format!(
            "has another type: at `{}` the contract says {}, the component {}",
            visible(&place.join(".")),
            difference.expected,
            difference.found
        );
        self.findings.push(Finding::error(Code::ImportType, subject, message).hint(REBUILD));
    }

    fn exports(&mut self) {
        let (surface, contract) = (self.surface, self.contract);
        let exports: HashMap<_, _> = surface.exports.iter().map(|(name, ty)| (name.as_str(), *ty)).collect();
        let required = contract.exports.iter().map(|export| (export, true));
        for ((name, expected), required) in required.chain(contract.optional.iter().map(|export| (export, false))) {
            match exports.get(name.as_str()) {
                None if required => self.missing_export(name, expected, &exports),
                None => {}
                Some(ComponentEntityType::Func(found)) => self.exported_function(name, expected, *found),
                Some(_) => {
                    let message =
                        format!("is exported, but not as the function {}", self.types.expected_signature(expected));
                    self.findings.push(Finding::error(Code::ExportKind, name, message).hint(REBUILD));
                }
            }
        }
        for (name, _) in &surface.exports {
            let mut of_contract = contract.exports.iter().chain(&contract.optional);
            let known = name == TOOL_EXPORT || of_contract.any(|(known, _)| known == name);
            if !known {
                let message = "is exported too; the host does not use it";
                self.findings.push(Finding::note(Code::ExportExtra, name, message));
            }
        }
    }

    fn missing_export(&mut self, name: &str, expected: &Function, exports: &HashMap<&str, ComponentEntityType>) {
        let message = format!("is not exported; the contract asks for {}", self.types.expected_signature(expected));
        let hint = if exports.keys().any(|name| name.starts_with("wasi:cli/run@")) {
            "this component is a command; a connector exports `schema` and `sync` of the world sluice:connector/connector instead"
        } else if exports.keys().any(|name| name.starts_with("wasi:http/incoming-handler@")) {
            "this component is an HTTP server; a connector exports `schema` and `sync` of the world sluice:connector/connector instead"
        } else {
            "build the component for the world sluice:connector/connector"
        };
        self.findings.push(Finding::error(Code::ExportMissing, name, message).hint(hint));
    }

    fn exported_function(&mut self, name: &str, expected: &Function, found: ComponentFuncTypeId) {
        let Some(found) = self.types.found.get(found) else {
            return;
        };
        if let Err(difference) = self.types.function(expected, found) {
            let mut message = format!(
                "takes {} but the contract says {}",
                self.types.found_signature(found),
                self.types.expected_signature(expected)
            );
            if difference.path.len() > 1 {
                message = format!(
                    "has another type: at `{}` the contract says {}, the component {}",
                    difference.place(),
                    difference.expected,
                    difference.found
                );
            }
            self.findings.push(Finding::error(Code::ExportType, name, message).hint(REBUILD));
        }
    }
}

const REBUILD: &str = "build the component against the WIT files of this host";
