//! Components written by hand: of edited contracts, and with any core module inside.

use std::path::Path;

use sluicegate::embedded;
use wasm_encoder::{
    ComponentSection, ComponentTypeSection, ComponentValType, InstanceSection, PrimitiveValType, RawSection,
};
use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::{LiftLowerAbi, ManglingAndAbi, Resolve, UnresolvedPackageGroup, WorldId};

const CORE_MODULE_SECTION: u8 = 1;

/// A conforming core module is this with bodies for `schema` and `sync`: both answer with
/// the zeroes at 1024, which is `ok` without tables.
const SCHEMA: &str = r#"(func (export "schema") (param i32 i32) (result i32) i32.const 1024)"#;
const REALLOC: &str = r#"
    (global $next (mut i32) (i32.const 4096))
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
        global.get $next
        (global.set $next (i32.and (i32.add (global.get $next) (i32.add (local.get 3) (i32.const 7))) (i32.const -8))))"#;

/// A component that imports everything its world has and does nothing; `edits` are made in
/// the contract's WIT files, `more` are further WIT files.
pub(crate) fn dummy(edits: &[(&str, &str)], more: &[(&str, &str)]) -> Vec<u8> {
    let (resolve, world) = contract(edits, more);
    let module = dummy_module(&resolve, world, ManglingAndAbi::Legacy(LiftLowerAbi::Sync));
    encode(module, &resolve, world)
}

/// A component of the contract made of WebAssembly text: `imports` and `items` stand in the
/// core module, `sync` is the body of the function `sync(configuration, state)`.
pub(crate) fn component(imports: &str, items: &str, sync: &str) -> Vec<u8> {
    component_with(&[], imports, items, sync)
}

/// A component whose `schema` traps, and whose `sync` would say so in the log.
pub(crate) fn trapping_in_schema() -> Vec<u8> {
    let log = r#"(import "sluice:connector/logging@0.1.0" "log" (func $log (param i32 i32 i32)))"#;
    let items = r#"(data (i32.const 16) "entered again")"#;
    let sync = "(call $log (i32.const 2) (i32.const 16) (i32.const 13))";
    let schema = SCHEMA.replacen("i32.const 1024", "unreachable", 1);
    assert_ne!(schema, SCHEMA);
    component_of(&schema, REALLOC, &[], log, items, sync)
}

/// The same for a contract with `edits`.
pub(crate) fn component_with(edits: &[(&str, &str)], imports: &str, items: &str, sync: &str) -> Vec<u8> {
    component_of(SCHEMA, REALLOC, edits, imports, items, sync)
}

/// A component whose `cabi_realloc` calls `sluice:connector/logging`, as no honest one does.
pub(crate) fn calling_from_realloc(imports: &str, call: &str) -> Vec<u8> {
    let realloc = REALLOC.replacen("global.get $next\n", &format!("{call}\n global.get $next\n"), 1);
    assert_ne!(realloc, REALLOC);
    component_of(SCHEMA, &realloc, &[], imports, "", "")
}

fn component_of(
    schema: &str,
    realloc: &str,
    edits: &[(&str, &str)],
    imports: &str,
    items: &str,
    sync: &str,
) -> Vec<u8> {
    let sync = format!(r#"(func (export "sync") (param i32 i32 i32 i32) (result i32) {sync} i32.const 1024)"#);
    let text = format!(r#"(module {imports} (memory (export "memory") 16) {schema} {realloc} {items} {sync})"#);
    let module = wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}"));
    let (resolve, world) = contract(edits, &[]);
    encode(module, &resolve, world)
}

/// A component that conforms and does nothing.
pub(crate) fn idle() -> Vec<u8> {
    component("", "", "")
}

/// A component of a few kilobytes, whose compiler keeps every local in every loop apart.
pub(crate) fn dear() -> Vec<u8> {
    const DEPTH: usize = 1000;
    const LOCALS: usize = 1000;
    let declared = "(local i32)".repeat(LOCALS);
    let touched: String =
        (0..LOCALS).map(|at| format!("(local.set {at} (i32.add (local.get {at}) (i32.const 1)))")).collect();
    let back: String = (0..DEPTH).map(|at| format!("(br_if {at} (local.get {}))", at % LOCALS)).collect();
    let function = format!("(func $f {declared} {}{touched}{back}{})", "(loop ".repeat(DEPTH), ")".repeat(DEPTH));
    component("", &function, "(call $f)")
}

/// The component with one more core module, instantiated `instances` times.
pub(crate) fn with_core_module(mut component: Vec<u8>, module: &str, instances: usize) -> Vec<u8> {
    let index = core_modules(&component);
    let module = wat::parse_str(module).unwrap_or_else(|error| panic!("{error}"));
    RawSection { id: CORE_MODULE_SECTION, data: &module }.append_to_component(&mut component);
    let mut section = InstanceSection::new();
    for _ in 0..instances {
        section.instantiate::<_, &str>(index, []);
    }
    section.append_to_component(&mut component);
    component
}

/// A component of nothing but types, two bytes each.
pub(crate) fn types_only(count: u32) -> Vec<u8> {
    let mut section = ComponentTypeSection::new();
    for _ in 0..count {
        section.defined_type().list(ComponentValType::Primitive(PrimitiveValType::U8));
    }
    let mut component = b"\0asm\x0d\0\x01\0".to_vec();
    section.append_to_component(&mut component);
    component
}

fn core_modules(component: &[u8]) -> u32 {
    let mut count = 0;
    let mut depth = 0;
    for payload in wasmparser::Parser::new(0).parse_all(component) {
        match payload.expect("a valid component") {
            wasmparser::Payload::ModuleSection { .. } => {
                count += u32::from(depth == 0);
                depth += 1;
            }
            wasmparser::Payload::ComponentSection { .. } => depth += 1,
            wasmparser::Payload::End(_) => depth -= 1,
            _ => {}
        }
    }
    count
}

fn encode(mut module: Vec<u8>, resolve: &Resolve, world: WorldId) -> Vec<u8> {
    embed_component_metadata(&mut module, resolve, world, StringEncoding::UTF8).expect("metadata fits");
    let encoder = ComponentEncoder::default().module(&module).unwrap_or_else(|error| panic!("{error:?}"));
    encoder.validate(true).encode().unwrap_or_else(|error| panic!("{error:?}"))
}

fn contract(edits: &[(&str, &str)], more: &[(&str, &str)]) -> (Resolve, WorldId) {
    for (from, _) in edits {
        assert!(embedded::WIT.iter().any(|(_, text)| text.contains(from)), "no WIT file has {from:?}");
    }
    let mut main = None;
    let mut dependencies = Vec::new();
    for (path, text) in embedded::WIT.iter().chain(more) {
        // An older package may not hold items that say they came with a newer one.
        let aged = |line: &&str| !line.trim().starts_with("@since") && !line.trim().starts_with("@deprecated");
        let mut text = text.lines().filter(aged).collect::<Vec<_>>().join("\n");
        for (from, to) in edits {
            text = text.replace(from, to);
        }
        let group = UnresolvedPackageGroup::parse(Path::new(path), &text)
            .unwrap_or_else(|(map, error)| panic!("{}", error.render(&map)));
        if *path == "connector.wit" {
            main = Some(group);
        } else {
            dependencies.push(group);
        }
    }
    let mut resolve = Resolve::default();
    let main = main.expect("the contract is embedded");
    let package = resolve.push_groups(main, dependencies).unwrap_or_else(|error| panic!("{error:?}"));
    let world = resolve.packages[package].worlds["connector"];
    (resolve, world)
}
