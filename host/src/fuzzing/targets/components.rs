//! Components before anything of them is compiled: the check against the contract, and the stamp.

use crate::check::tests::{CONTRACT, GOOD};
use crate::check::{MAX_FINDINGS, MAX_NAMES, check};
use crate::fuzzing::memory::within;
use crate::fuzzing::{Seen, Target, run};
use crate::stamp;

const WORDS: &[&str] = &[
    "\0asm\x0d\0\x01\0",
    "\0asm\x01\0\0\0",
    "sluice:connector/operations@0.1.0",
    "wasi:http/types@0.2.9",
    "@0.2.9",
    "\x01\0",
    "sluice",
    "sync",
    "schema",
    "{\"name\":\"a\",\"version\":\"1\",\"sdk\":\"1\",\"contract\":\"1\",\"source\":\"1\",\"network\":[],\"dependencies\":[]}",
    "\x7f",
    "\u{1b}",
    "[method]",
    "[constructor]",
];

fn stamped() -> Vec<u8> {
    let mut component = b"\0asm\x0d\0\x01\0".to_vec();
    let stamp = stamp::Stamp {
        name: "a".to_owned(),
        version: "1.0".to_owned(),
        sdk: Some("1".to_owned()),
        contract: "0.1.0".to_owned(),
        source: "ab".repeat(32),
        network: vec!["https://a.example".to_owned()],
        limits: stamp::AskedLimits::default(),
        dependencies: Vec::new(),
    };
    stamp::append(&mut component, &stamp).unwrap();
    component
}

fn seeds() -> Vec<Vec<u8>> {
    vec![GOOD.clone(), stamped(), b"\0asm\x01\0\0\0".to_vec(), b"(component)".to_vec(), b"\x7fELF".to_vec()]
}

fn attack(input: &[u8]) -> Seen {
    let stamp = within(16 * input.len() + 64 * 1024, || stamp::read(input));
    if let Ok(Some(stamp)) = &stamp {
        let mut again = b"\0asm\x0d\0\x01\0".to_vec();
        stamp::append(&mut again, stamp).unwrap();
        assert_eq!(stamp::read(&again).as_ref(), Ok(&Some(stamp.clone())), "a stamp changes when it is written");
    }
    // Measured: a byte of declarations is at most some hundred in the validator's memory, and the contract is there.
    let report = within(600 * input.len() + (8 << 20), || check(input, &CONTRACT));
    let errors: Vec<_> = report.errors().collect();
    assert!(report.findings.len() <= MAX_FINDINGS + 1, "{} findings", report.findings.len());
    assert_eq!(report.conforms(), errors.is_empty());
    for finding in &report.findings {
        let text = format!("{}{}{:?}", finding.subject, finding.message, finding.hint);
        assert!(text.len() < 16 * 1024, "{} bytes in one finding", text.len());
        assert!(!text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t')), "{text:?}");
    }
    assert!(report.imports.len() <= MAX_NAMES && report.exports.len() <= MAX_NAMES);
    let first = errors.first().map(|finding| finding.message.as_str());
    Seen::of(&(Seen::text(first.unwrap_or_default()), stamp.as_ref().map(Option::is_some).map_err(ToString::to_string)))
}

#[test]
fn fuzz_components() {
    run(&Target { name: "components", words: WORDS, longest: 64 * 1024, brief: 1500, seeds, attack });
}
