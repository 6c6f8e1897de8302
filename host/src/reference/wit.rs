//! The contract, from the comments of its WIT.

use std::path::Path;

use wit_parser::{
    Docs, Function, FunctionKind, Handle, Interface, Resolve, Type, TypeDef, TypeDefKind, TypeId,
    UnresolvedPackageGroup, World, WorldItem, WorldKey,
};

use super::markdown::{anchor, head, table};
use crate::embedded;

pub(super) fn page() -> String {
    let (resolve, package) = contract();
    let package = &resolve.packages[package];
    let about = "\
All that a connector and the host can say to each other: [connector.wit](../../wit/connector.wit), whose comments these
are. Connectors in other languages are made against it; the SDK for Python does that for you.";
    let mut page = head(&format!("The contract, {}", package.name), about);
    page += &format!("\n{}\n", text(&package.docs));
    let interfaces: Vec<_> = package.interfaces.values().map(|id| &resolve.interfaces[*id]).collect();
    let worlds: Vec<_> = package.worlds.values().map(|id| &resolve.worlds[*id]).collect();
    let name = |heading: &str| format!("[`{heading}`](#{})", anchor(heading));
    let listed = interfaces
        .iter()
        .map(|one| (heading(one), &one.docs))
        .chain(worlds.iter().map(|one| (world_heading(one), &one.docs)));
    let listed: Vec<_> = listed.map(|(heading, docs)| vec![name(&heading), first_sentence(&text(docs))]).collect();
    page += &format!("\n{}", table(&["part", ""], &listed));
    interfaces.iter().for_each(|one| page += &interface(&resolve, one));
    worlds.iter().for_each(|one| page += &world(&resolve, one));
    page
}

fn contract() -> (Resolve, wit_parser::PackageId) {
    let parse = |(path, text): &(&str, &str)| {
        UnresolvedPackageGroup::parse(Path::new(path), text).map_err(|(map, error)| error.render(&map)).unwrap()
    };
    let (main, others): (Vec<_>, Vec<_>) = embedded::WIT.iter().partition(|(path, _)| *path == "connector.wit");
    let mut resolve = Resolve::default();
    let package = resolve.push_groups(parse(&main[0]), others.iter().map(parse).collect()).unwrap();
    (resolve, package)
}

fn text(docs: &Docs) -> String {
    docs.contents.as_deref().map(str::trim).unwrap_or_default().to_owned()
}

fn described(what: &str, docs: &Docs) -> String {
    let text = text(docs);
    assert!(!text.is_empty(), "wit: {what} has no comment");
    text
}

fn first_sentence(text: &str) -> String {
    let paragraph = text.split("\n\n").next().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
    paragraph.split_once(". ").map_or(paragraph.clone(), |(first, _)| format!("{first}."))
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|")
}

fn heading(interface: &Interface) -> String {
    format!("interface {}", interface.name.as_deref().unwrap_or_default())
}

fn world_heading(world: &World) -> String {
    format!("world {}", world.name)
}

fn interface(resolve: &Resolve, interface: &Interface) -> String {
    let name = heading(interface);
    let mut page = format!("\n## {name}\n\n{}\n", described(&name, &interface.docs));
    for (name, id) in &interface.types {
        let own = &resolve.types[*id];
        if matches!(own.kind, TypeDefKind::Type(Type::Id(other)) if resolve.types[other].name.is_some()) {
            continue; // of another interface, where it is described
        }
        page += &typed(resolve, name, own);
        let methods = interface.functions.values().filter(|one| one.kind.resource() == Some(*id));
        methods.for_each(|method| page += &function(resolve, method));
    }
    let free = interface.functions.values().filter(|one| one.kind.resource().is_none());
    free.for_each(|one| page += &function(resolve, one));
    page
}

fn typed(resolve: &Resolve, name: &str, own: &TypeDef) -> String {
    let heading = format!("{} {name}", own.kind.as_str());
    let mut page = format!("\n### {heading}\n\n{}\n", described(&heading, &own.docs));
    let parts = if matches!(own.kind, TypeDefKind::Record(_)) { "field" } else { "case" };
    let rows: Vec<Vec<String>> = match &own.kind {
        TypeDefKind::Record(record) => record
            .fields
            .iter()
            .map(|field| {
                vec![
                    format!("`{}: {}`", field.name, shown(resolve, field.ty)),
                    one_line(&described(&field.name, &field.docs)),
                ]
            })
            .collect(),
        TypeDefKind::Variant(variant) => variant
            .cases
            .iter()
            .map(|case| {
                let of = case.ty.map(|ty| format!("({})", shown(resolve, ty))).unwrap_or_default();
                vec![format!("`{}{of}`", case.name), one_line(&described(&case.name, &case.docs))]
            })
            .collect(),
        TypeDefKind::Enum(cases) => cases
            .cases
            .iter()
            .map(|case| vec![format!("`{}`", case.name), one_line(&described(&case.name, &case.docs))])
            .collect(),
        _ => Vec::new(),
    };
    if !rows.is_empty() {
        page += &format!("\n{}", table(&[parts, ""], &rows));
    }
    page
}

fn function(resolve: &Resolve, one: &Function) -> String {
    let name = match one.kind {
        FunctionKind::Freestanding => one.name.clone(),
        _ => one.name.rsplit_once(']').map_or(one.name.as_str(), |(_, name)| name).to_owned(),
    };
    let parameters = one.params.iter().filter(|one| one.name != "self");
    let parameters: Vec<_> = parameters.map(|one| format!("{}: {}", one.name, shown(resolve, one.ty))).collect();
    let result = one.result.map(|ty| format!(" -> {}", shown(resolve, ty))).unwrap_or_default();
    let heading = format!("func {name}");
    let docs = described(&heading, &one.docs);
    format!("\n### {heading}\n\n```wit\nfunc({}){result}\n```\n\n{docs}\n", parameters.join(", "))
}

fn world(resolve: &Resolve, world: &World) -> String {
    let name = world_heading(world);
    let mut page = format!("\n## {name}\n\n{}\n", described(&name, &world.docs));
    let mut imports: Vec<_> = world.imports.keys().filter_map(|key| imported(resolve, key)).collect();
    imports.sort();
    page += &format!("\nIt imports {}.\n", imports.join(", "));
    for item in world.exports.values() {
        if let WorldItem::Function(one) = item {
            page += &function(resolve, one).replacen("### func", "### export", 1);
        }
    }
    page
}

/// Interfaces of the contract, and of others those that it names.
fn imported(resolve: &Resolve, key: &WorldKey) -> Option<String> {
    match key {
        WorldKey::Interface(id) => Some(format!("`{}`", resolve.id_of(*id)?)),
        WorldKey::Name(_) => None,
    }
}

fn shown(resolve: &Resolve, ty: Type) -> String {
    match ty {
        Type::Bool => "bool".to_owned(),
        Type::U8 => "u8".to_owned(),
        Type::U16 => "u16".to_owned(),
        Type::U32 => "u32".to_owned(),
        Type::U64 => "u64".to_owned(),
        Type::S8 => "s8".to_owned(),
        Type::S16 => "s16".to_owned(),
        Type::S32 => "s32".to_owned(),
        Type::S64 => "s64".to_owned(),
        Type::F32 => "f32".to_owned(),
        Type::F64 => "f64".to_owned(),
        Type::Char => "char".to_owned(),
        Type::String => "string".to_owned(),
        Type::ErrorContext => "error-context".to_owned(),
        Type::Id(id) => of_id(resolve, id),
    }
}

fn of_id(resolve: &Resolve, id: TypeId) -> String {
    let own = &resolve.types[id];
    if let Some(name) = &own.name {
        return name.clone();
    }
    let shown = |ty: Type| shown(resolve, ty);
    match &own.kind {
        TypeDefKind::List(ty) => format!("list<{}>", shown(*ty)),
        TypeDefKind::Option(ty) => format!("option<{}>", shown(*ty)),
        TypeDefKind::Tuple(tuple) => {
            format!("tuple<{}>", tuple.types.iter().map(|ty| shown(*ty)).collect::<Vec<_>>().join(", "))
        }
        TypeDefKind::Handle(Handle::Own(id)) => of_id(resolve, *id),
        TypeDefKind::Handle(Handle::Borrow(id)) => format!("borrow<{}>", of_id(resolve, *id)),
        TypeDefKind::Result(result) => match (result.ok, result.err) {
            (None, None) => "result".to_owned(),
            (ok, None) => format!("result<{}>", ok.map(shown).unwrap_or_default()),
            (ok, Some(error)) => format!("result<{}, {}>", ok.map_or("_".to_owned(), shown), shown(error)),
        },
        other => panic!("wit: a {} without a name", other.as_str()),
    }
}
