//! Components before anything of them is compiled: the check against the contract, the stamp, and the project.

use sha2::{Digest, Sha256};

use crate::check::tests::{CONTRACT, GOOD};
use crate::check::{MAX_FINDINGS, MAX_NAMES, check};
use crate::fuzzing::memory::within;
use crate::fuzzing::{Seen, Target, run};
use crate::parcel::artifact::{self, Artifact};
use crate::parcel::{Archive, Entry};
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
    "sluice:project",
    "{\"files\":[[\"connector.py\",0,1,1,0]],\"beside\":true}",
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

fn with_project() -> Vec<u8> {
    let mut component = b"\0asm\x0d\0\x01\0".to_vec();
    let file = Entry { path: "a.py", contents: b"x = 1", code: Some(b"code") };
    artifact::append(&mut component, &Archive::pack(&[file], true)).unwrap();
    component
}

/// What is compiled is named by its own bytes, and has neither project nor stamp.
fn take_apart(input: &[u8]) -> Result<bool, String> {
    let artifact = within(64 * input.len() + 64 * 1024, || Artifact::read(input)).map_err(|error| error.to_string())?;
    let (digests, compiled) = (artifact.digests(), artifact.compiled());
    assert_eq!(digests.whole, format!("{:x}", Sha256::digest(input)));
    assert_eq!(digests.compiled, format!("{:x}", Sha256::digest(&compiled)));
    let again = Artifact::read(&compiled).unwrap();
    assert_eq!(again.compiled(), compiled, "a section of ours is left");
    assert!(again.into_parcel("").is_none());
    Ok(artifact.into_parcel(&digests.whole).is_some())
}

fn seeds() -> Vec<Vec<u8>> {
    vec![
        GOOD.clone(),
        stamped(),
        with_project(),
        b"\0asm\x01\0\0\0".to_vec(),
        b"(component)".to_vec(),
        b"\x7fELF".to_vec(),
    ]
}

fn attack(input: &[u8]) -> Seen {
    let stamp = within(16 * input.len() + 64 * 1024, || stamp::read(input));
    if let Ok(Some(stamp)) = &stamp {
        let mut again = b"\0asm\x0d\0\x01\0".to_vec();
        stamp::append(&mut again, stamp).unwrap();
        assert_eq!(stamp::read(&again).as_ref(), Ok(&Some(stamp.clone())), "a stamp changes when it is written");
    }
    // Measured: a byte of declarations is at most some hundred in the validator's memory, and the contract is there.
    let project = take_apart(input);
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
    assert!(project.is_ok() || !report.conforms(), "a project that is refused and conforms");
    let first = errors.first().map(|finding| finding.message.as_str());
    let stamp = stamp.as_ref().map(Option::is_some).map_err(ToString::to_string);
    Seen::of(&(Seen::text(first.unwrap_or_default()), stamp, project))
}

#[test]
fn fuzz_components() {
    run(&Target { name: "components", words: WORDS, longest: 64 * 1024, brief: 1500, seeds, attack });
}
