#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::path::Path;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use wit_component::{ComponentEncoder, StringEncoding, dummy_module, embed_component_metadata};
use wit_parser::{LiftLowerAbi, ManglingAndAbi, Resolve, UnresolvedPackageGroup};

use super::*;

mod world;

mod embedded {
    #![allow(dead_code, missing_docs, unreachable_pub, reason = "only the WIT text is needed here")]
    include!(concat!(env!("OUT_DIR"), "/embedded.rs"));
}

pub(crate) static CONTRACT: LazyLock<Contract> = LazyLock::new(|| Contract::parse(embedded::WIT).unwrap());
pub(crate) static GOOD: LazyLock<Vec<u8>> = LazyLock::new(|| component(&[]));

/// A component of the contract's world after `edits` of all WIT files.
fn component(edits: &[(&str, &str)]) -> Vec<u8> {
    component_with(edits, &[])
}

fn component_with(edits: &[(&str, &str)], more: &[(&str, &str)]) -> Vec<u8> {
    let (resolve, world) = edited(edits, more);
    encoded(&resolve, world)
}

/// A component of another world than `connector`.
fn component_of(world: &str, edits: &[(&str, &str)]) -> Vec<u8> {
    let (resolve, connector) = edited(edits, &[]);
    let package = resolve.packages.get(resolve.worlds[connector].package.unwrap()).unwrap();
    encoded(&resolve, package.worlds[world])
}

fn encoded(resolve: &Resolve, world: wit_parser::WorldId) -> Vec<u8> {
    let mut module = dummy_module(resolve, world, ManglingAndAbi::Legacy(LiftLowerAbi::Sync));
    embed_component_metadata(&mut module, resolve, world, StringEncoding::UTF8).unwrap();
    ComponentEncoder::default().module(&module).unwrap().encode().unwrap()
}

fn edited(edits: &[(&str, &str)], more: &[(&str, &str)]) -> (Resolve, wit_parser::WorldId) {
    let mut main = None;
    let mut dependencies = Vec::new();
    for (from, _) in edits {
        assert!(embedded::WIT.iter().any(|(_, text)| text.contains(from)), "no WIT file has {from:?}");
    }
    for (path, text) in embedded::WIT.iter().chain(more) {
        // an older package may not hold items that say they came with a newer one
        let aged = |line: &&str| !line.trim().starts_with("@since") && !line.trim().starts_with("@deprecated");
        let mut text = text.lines().filter(aged).collect::<Vec<_>>().join("\n");
        for (from, to) in edits {
            text = text.replace(from, to);
        }
        let group = UnresolvedPackageGroup::parse(Path::new(path), &text).map_err(|(map, e)| e.render(&map));
        let group = group.unwrap();
        if *path == "connector.wit" { main = Some(group) } else { dependencies.push(group) }
    }
    let mut resolve = Resolve::default();
    let package = resolve.push_groups(main.unwrap(), dependencies).unwrap();
    let world = resolve.packages[package].worlds["connector"];
    (resolve, world)
}

fn wat(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}

/// Every line of the report: code, then subject and message.
fn lines(bytes: &[u8]) -> Vec<String> {
    let report = check(bytes, &CONTRACT);
    report.findings.iter().map(|finding| format!("{}: {finding}", finding.code.as_str())).collect()
}

#[track_caller]
fn assert_lines(bytes: &[u8], expected: &[&str]) {
    assert_eq!(lines(bytes), expected);
}

const MISSING_SCHEMA: &str = "export_missing: `schema` is not exported; the contract asks for (configuration: string) -> result<list<table-definition>, failure>";
const MISSING_SYNC: &str = "export_missing: `sync` is not exported; the contract asks for (configuration: string, state: string) -> result<_, failure>";

#[test]
fn a_component_of_the_world_conforms() {
    let report = check(&GOOD, &CONTRACT);
    assert_eq!(report.findings, []);
    assert!(report.conforms());
    assert_eq!(report.exports, ["schema", "sync"]);
    assert!(report.imports.contains(&"sluice:connector/operations@0.1.0".to_owned()), "{:?}", report.imports);
    admit_imports(report.imports.iter().map(String::as_str)).unwrap();
}

#[test]
fn every_allowed_interface_conforms_in_every_accepted_version() {
    let mut world = String::from("import http;");
    for (package, interfaces) in allowed::INTERFACES.iter().filter(|(package, _)| package.starts_with("wasi:")) {
        // the contract's own world imports one of them already
        for interface in interfaces.iter().filter(|interface| **interface != "monotonic-clock") {
            world += &format!("\n  import {package}/{interface}@0.2.12;");
        }
    }
    for version in ["0.2.0", "0.2.9", "0.2.12"] {
        let edits = [("  import http;", world.as_str()), ("@0.2.12", &format!("@{version}"))];
        let report = check(&component(&edits), &CONTRACT);
        assert_eq!(report.findings, [], "{version}");
        assert!(report.imports.iter().any(|name| *name == format!("wasi:http/outgoing-handler@{version}")));
    }
}

#[test]
fn bytes_that_are_no_component() {
    let core = wat(r#"(module (import "env" "abort" (func)))"#);
    let preview1 = wat(r#"(module (import "wasi_snapshot_preview1" "fd_write" (func)))"#);
    let (resolve, world) = edited(&[], &[]);
    let mut unfinished = dummy_module(&resolve, world, ManglingAndAbi::Legacy(LiftLowerAbi::Sync));
    embed_component_metadata(&mut unfinished, &resolve, world, StringEncoding::UTF8).unwrap();
    let package = wit_component::encode(&resolve, resolve.worlds[world].package.unwrap()).unwrap();
    let half_a_character = "é".repeat(3000).into_bytes();
    let cases: &[(&[u8], Kind, Code)] = &[
        (b"", Kind::NotWebassembly, Code::Empty),
        (b"def update(configuration, state):\n    pass\n", Kind::NotWebassembly, Code::Text),
        (&half_a_character[1..], Kind::NotWebassembly, Code::NotWebassembly),
        (&half_a_character, Kind::NotWebassembly, Code::Text),
        (b"\n ;; a comment\n(component)", Kind::NotWebassembly, Code::WatText),
        (b"(module)", Kind::NotWebassembly, Code::WatText),
        (b"\x7fELF\x02\x01\x01\x00", Kind::NotWebassembly, Code::NativeProgram),
        (b"MZ\x90\x00", Kind::NotWebassembly, Code::NativeProgram),
        (b"PK\x03\x04\x14\x00", Kind::NotWebassembly, Code::ZipArchive),
        (b"\x1f\x8b\x08\x00", Kind::NotWebassembly, Code::Compressed),
        (b"\xff\xfe\x00\x01", Kind::NotWebassembly, Code::NotWebassembly),
        (b"\0asm", Kind::NotWebassembly, Code::Truncated),
        (b"\0asm\x02\0\0\0", Kind::NotWebassembly, Code::UnknownEncoding),
        (b"\0asm\x0c\0\x01\0", Kind::Component, Code::UnknownEncoding),
        (b"\0asm\x01\0\0\0", Kind::CoreModule, Code::CoreModule),
        (&core, Kind::CoreModule, Code::CoreModule),
        (&preview1, Kind::CoreModule, Code::Preview1Module),
        (&unfinished, Kind::CoreModule, Code::UnfinishedModule),
        (&package, Kind::WitPackage, Code::WitPackage),
        (&GOOD[..GOOD.len() - 3], Kind::Component, Code::Truncated),
        (&GOOD[..40], Kind::Component, Code::Truncated),
    ];
    for (bytes, kind, code) in cases {
        let report = check(bytes, &CONTRACT);
        let found: Vec<_> = report.findings.iter().map(|finding| finding.code).collect();
        assert_eq!((report.kind, found.as_slice()), (*kind, [*code].as_slice()), "{:?}", &bytes[..bytes.len().min(16)]);
        assert!(report.findings[0].hint.is_some());
        assert!(!report.conforms());
    }
    assert_lines(
        &core,
        &[
            "core_module: this is a core module, not a component; it has no types that the contract could be held against, and imports `env abort`",
        ],
    );
    let cut = &GOOD[..GOOD.len() - 3];
    assert_lines(
        cut,
        &[&format!("truncated: the file is cut off: it ends at byte {} in the middle of a section", cut.len())],
    );
}

#[test]
fn findings_and_names_are_bounded() {
    let imports: String = (0..5_000).map(|index| format!("(import \"f{index}\" (func))")).collect();
    let report = check(&wat(&format!("(component {imports})")), &CONTRACT);
    assert_eq!(report.findings.len(), MAX_FINDINGS);
    assert_eq!(report.findings.last().unwrap().code, Code::MoreFindings);
    assert_eq!(report.imports.len(), MAX_NAMES);

    let items: String = (0..2_000).map(|index| format!("(export \"f{index}\" (func))")).collect();
    let names = ["error", "poll", "streams"].iter().flat_map(|name| (0..13).map(move |patch| (name, patch)));
    let imports: String =
        names.map(|(name, patch)| format!("(import \"wasi:io/{name}@0.2.{patch}\" (instance (type 0)))")).collect();
    let hostile = wat(&format!("(component (type (instance {items})) {imports})"));
    let start = Instant::now();
    let report = check(&hostile, &CONTRACT);
    assert!(report.findings.iter().any(|finding| finding.code == Code::ImportTooMany));
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}

#[test]
fn a_component_that_is_dear_to_read_is_not_read() {
    let instances = "(instance (instantiate $c))".repeat(33);
    // a module whose types take 9 MiB: id, length, contents
    let mut types = vec![1, 0x80, 0x80, 0xc0, 0x04];
    types.resize(types.len() + (9 << 20), 0);
    let mut module = b"\0asm\x0d\0\x01\0\x01\x8d\x80\xc0\x04\0asm\x01\0\0\0".to_vec();
    module.extend(types);
    for hostile in [
        wat(&format!("(component (component $c) {instances})")),
        wat(&format!("(component {})", "(component)".repeat(17))),
        wat(&format!("(component {})", "(core module)".repeat(501))),
        module,
    ] {
        let report = check(&hostile, &CONTRACT);
        assert_eq!(report.findings.iter().map(|finding| finding.code).collect::<Vec<_>>(), [Code::TooComplex]);
    }
}

#[test]
fn a_component_may_end_with_an_inner_one() {
    for text in
        ["(component (component))", "(component (core module))", "(component (component (component (core module))))"]
    {
        let mut bytes = wat(text);
        assert_lines(&bytes, &[MISSING_SCHEMA, MISSING_SYNC]);
        bytes.pop();
        assert_eq!(check(&bytes, &CONTRACT).findings[0].code, Code::Truncated, "{text}");
    }
}

#[test]
fn every_cut_is_noticed_or_lacks_the_exports() {
    for length in (8..GOOD.len()).step_by(7) {
        let report = check(&GOOD[..length], &CONTRACT);
        let code = report.findings.first().map(|finding| finding.code);
        let known = matches!(code, Some(Code::Truncated | Code::ExportMissing | Code::Malformed));
        // after the last export only custom sections follow
        assert!(known || report.conforms() && length > GOOD.len() / 2, "{length}: {report:?}");
    }
}

#[test]
fn too_large_is_said_before_anything_is_read() {
    let mut bytes = GOOD.clone();
    bytes.resize(MAX_COMPONENT_BYTES + 1, 0);
    assert_eq!(check(&bytes, &CONTRACT).findings[0].code, Code::TooLarge);
}

#[test]
fn the_stamp_is_read_and_cannot_break_the_report() {
    let stamp = stamp::Stamp {
        name: "demo".into(),
        version: "1.0.0".into(),
        sdk: Some("0.1.0".into()),
        contract: "0.1.0".into(),
        source: "ab".repeat(32),
        network: vec!["https://api.example.com".into()],
        limits: stamp::AskedLimits::default(),
        dependencies: Vec::new(),
    };
    let mut stamped = GOOD.clone();
    stamp::append(&mut stamped, &stamp).unwrap();
    let report = check(&stamped, &CONTRACT);
    assert_eq!((report.stamp, report.findings), (Some(stamp), Vec::new()));
    let hostile = br#"{"name": "\u001b[31mred"}"#;
    for contents in [hostile.as_slice(), b"not json"] {
        let mut bytes = GOOD.clone();
        stamp::append_section(&mut bytes, stamp::SECTION, contents);
        let report = check(&bytes, &CONTRACT);
        assert!(report.conforms() && report.stamp.is_none());
        assert_eq!(report.findings[0].code, Code::StampUnreadable);
    }
}

#[test]
fn names_cannot_paint_the_terminal() {
    let core = wat("(module (import \"a\\1b[2J\" \"\\e2\\80\\ae\" (func)))");
    assert!(lines(&core)[0].ends_with("imports `a\\x1b[2J \\u{202e}`"), "{:?}", lines(&core));
}

#[test]
fn json_is_stable() {
    let report = check(&wat("(component (import \"peek\" (func)))"), &CONTRACT);
    let json = serde_json::to_value(&report).unwrap();
    assert_eq!(json["conforms"], false);
    assert_eq!(json["kind"], "component");
    assert_eq!(json["findings"][0]["severity"], "error");
    assert_eq!(json["findings"][0]["code"], "import_not_interface");
    assert_eq!(json["imports"][0], "peek");
    for finding in &report.findings {
        assert_eq!(serde_json::to_value(finding.code).unwrap(), finding.code.as_str());
    }
}

#[test]
fn a_contract_that_lacks_something_is_refused() {
    let without =
        |path: &str| embedded::WIT.iter().copied().filter(|(name, _)| !name.contains(path)).collect::<Vec<_>>();
    assert!(matches!(Contract::parse(&without("deps/http")), Err(ContractError::MissingInterface(_))));
    assert!(matches!(Contract::parse(&without("deps/io")), Err(ContractError::Unresolved(_))));
    assert!(matches!(Contract::parse(&without("connector.wit")), Err(ContractError::NoWorld)));
    assert!(matches!(Contract::parse(&[("connector.wit", "package")]), Err(ContractError::Syntax(_))));
    assert!(matches!(
        Contract::parse(&[("a.wit", "package sluice:connector@9.0.0;")]),
        Err(ContractError::Version { .. })
    ));
}

proptest! {
    #[test]
    fn hostile_bytes_are_answered(
        cut in 0_usize..200_000,
        changes in proptest::collection::vec((0_usize..200_000, any::<u8>()), 0..8),
    ) {
        let mut bytes = GOOD.clone();
        for (at, value) in changes {
            let length = bytes.len();
            bytes[at % length] = value;
        }
        if cut < bytes.len() {
            bytes.truncate(cut);
        }
        let start = Instant::now();
        let report = check(&bytes, &CONTRACT);
        prop_assert!(report.findings.len() <= MAX_FINDINGS);
        prop_assert!(start.elapsed() < Duration::from_secs(5));
    }

    #[test]
    fn any_bytes_are_answered(tail in proptest::collection::vec(any::<u8>(), 0..400), header in 0..3) {
        let mut bytes = match header {
            0 => Vec::new(),
            1 => b"\0asm\x01\0\0\0".to_vec(),
            _ => b"\0asm\x0d\0\x01\0".to_vec(),
        };
        bytes.extend(tail);
        let report = check(&bytes, &CONTRACT);
        prop_assert!(bytes == b"\0asm\x0d\0\x01\0" || !report.conforms());
    }
}
