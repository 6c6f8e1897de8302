//! `sluice check` tells components apart by exit code, in words and in JSON.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::component::{dummy, idle};
use crate::support::{events, many, repository, sluice, text};

const SYNC: &str = "export sync: func(configuration: string, state: string) -> result<_, failure>;";

/// What one check said, both ways.
struct Checked {
    code: Option<i32>,
    words: String,
    report: Value,
}

impl Checked {
    fn codes(&self) -> Vec<&str> {
        let findings = self.report["findings"].as_array().unwrap();
        findings.iter().map(|finding| finding["code"].as_str().unwrap()).collect()
    }
}

#[track_caller]
fn check(subject: &Path) -> Checked {
    let words = sluice().arg("check").arg(subject).output().unwrap();
    let programs = sluice().arg("check").arg(subject).arg("--json").output().unwrap();
    assert_eq!(words.status.code(), programs.status.code(), "the form changes the verdict");
    let printed = text(&programs.stdout);
    let report = serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{error}: {printed}"));
    events::printed("check", &report);
    Checked { code: words.status.code(), words: text(&words.stdout), report }
}

#[track_caller]
fn check_bytes(bytes: &[u8]) -> Checked {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("subject.wasm");
    std::fs::write(&path, bytes).unwrap();
    check(&path)
}

/// Refused with exactly these codes; the words name the codes and hold `says`.
#[track_caller]
fn refuses(bytes: &[u8], kind: &str, codes: &[&str], says: &[&str]) {
    let checked = check_bytes(bytes);
    assert_eq!(checked.code, Some(1), "{}", checked.words);
    assert_eq!(checked.codes(), codes, "{}", checked.report);
    assert_eq!(checked.report["conforms"], json!(false));
    assert_eq!(checked.report["kind"], kind);
    assert!(checked.words.contains("does not conform"), "{}", checked.words);
    for code in codes {
        assert!(checked.words.contains(&format!("error[{code}]")), "{}", checked.words);
    }
    for expected in says {
        assert!(checked.words.contains(expected), "{expected:?} is not in {}", checked.words);
    }
    assert!(checked.words.contains("hint: "), "what to do next is missing: {}", checked.words);
}

#[track_caller]
fn assert_is_many(checked: &Checked) {
    assert_eq!(checked.code, Some(0), "{}", checked.words);
    assert!(checked.words.contains("conforms to sluice:connector"), "{}", checked.words);
    assert!(checked.words.contains("many 1.0.0"), "the stamp is not shown: {}", checked.words);
    assert_eq!(checked.report["conforms"], json!(true));
    assert_eq!(checked.codes(), Vec::<&str>::new(), "{}", checked.report);
    assert_eq!(checked.report["stamp"]["name"], "many");
    assert_eq!(checked.report["stamp"]["contract"], "0.1.0");
    let exports: Vec<_> = checked.report["exports"].as_array().unwrap().iter().collect();
    assert!(exports.contains(&&json!("schema")) && exports.contains(&&json!("sync")), "{exports:?}");
    let dependencies = checked.report["stamp"]["dependencies"].as_array().unwrap();
    assert!(dependencies.iter().any(|one| one["name"] == "requests"), "{dependencies:?}");
}

#[test]
fn a_component_from_python_conforms() {
    let checked = check(many());
    assert_is_many(&checked);
    assert!(checked.words.contains("it asks for no network at all\n"), "{}", checked.words);
}

#[test]
fn a_project_is_built_and_conforms() {
    assert_is_many(&check(&repository().join("tests/guests/many")));
}

#[test]
fn components_of_other_languages_conform_without_a_stamp() {
    for bytes in [idle(), dummy(&[], &[])] {
        let checked = check_bytes(&bytes);
        assert_eq!(checked.code, Some(0), "{}", checked.words);
        assert_eq!(checked.report["stamp"], Value::Null);
        assert!(!checked.words.contains("says of itself"), "{}", checked.words);
    }
}

#[test]
fn a_missing_export_is_named_with_its_signature() {
    let signature = "(configuration: string, state: string) -> result<_, failure>";
    refuses(&dummy(&[(SYNC, "")], &[]), "component", &["export_missing"], &["`sync` is not exported", signature]);
}

#[test]
fn a_wrong_signature_is_shown_beside_the_right_one() {
    let other = "export sync: func(configuration: string, state: list<u8>) -> result<_, failure>;";
    refuses(
        &dummy(&[(SYNC, other)], &[]),
        "component",
        &["export_type"],
        &["`sync`", "state: list<u8>", "state: string"],
    );
}

#[test]
fn a_version_outside_the_contract_is_named() {
    let bytes = dummy(&[("package sluice:connector@0.1.0;", "package sluice:connector@0.2.0;")], &[]);
    let checked = check_bytes(&bytes);
    assert_eq!(checked.code, Some(1));
    assert!(checked.codes().iter().all(|code| *code == "import_version"), "{}", checked.report);
    assert!(checked.words.contains("sluice:connector/operations@0.2.0"), "{}", checked.words);
    assert!(checked.words.contains("upgrade sluice"), "{}", checked.words);

    let newer = ("@0.2.12", "@0.3.0");
    let bytes = dummy(&[newer, ("world connector {", "world connector {\n  import wasi:random/random@0.3.0;")], &[]);
    let checked = check_bytes(&bytes);
    assert_eq!(checked.code, Some(1));
    assert!(checked.words.contains("wasi:random/random@0.3.0"), "{}", checked.words);
    assert!(checked.words.contains("error[import_version]"), "{}", checked.words);
}

#[test]
fn an_interface_outside_the_contract_is_named() {
    let store = "package wasi:keyvalue@0.2.0;\ninterface store { get: func(key: string) -> string; }";
    let bytes = dummy(
        &[("world connector {", "world connector {\n  import wasi:keyvalue/store@0.2.0;")],
        &[("deps/keyvalue/package.wit", store)],
    );
    refuses(&bytes, "component", &["import_unknown_interface"], &["wasi:keyvalue/store@0.2.0"]);
}

#[test]
fn what_is_no_component_is_recognised() {
    refuses(&wat::parse_str("(module)").unwrap(), "core_module", &["core_module"], &[]);
    refuses(b"(component)\n", "not_webassembly", &["wat_text"], &[]);
    refuses(b"def update(configuration, state):\n    pass\n", "not_webassembly", &["text"], &[]);
    refuses(b"PK\x03\x04rest", "not_webassembly", &["zip_archive"], &[]);
    let whole = std::fs::read(many()).unwrap();
    refuses(&whole[..whole.len() / 2], "component", &["truncated"], &["cut off"]);
}

#[test]
fn a_damaged_stamp_is_a_note() {
    let mut bytes = idle();
    sluicegate::stamp::append_section(&mut bytes, sluicegate::stamp::SECTION, b"{\"name\": \"\\u001b[2J\"}");
    let checked = check_bytes(&bytes);
    assert_eq!((checked.code, checked.codes()), (Some(0), vec!["stamp_unreadable"]));
    assert!(checked.words.contains("note[stamp_unreadable]"), "{}", checked.words);
    assert!(!checked.words.contains('\u{1b}'));
}

#[test]
fn a_file_that_is_not_there_is_refused() {
    let missing = PathBuf::from("no-such-component.wasm");
    for arguments in [&["check"][..], &["check", "--json"]] {
        let output = sluice().args(arguments).arg(&missing).output().unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(text(&output.stderr).contains("no-such-component.wasm"), "{}", text(&output.stderr));
        assert_eq!(text(&output.stdout), "");
    }
}
