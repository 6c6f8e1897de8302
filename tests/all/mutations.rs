//! The table of `tests/mutations` fits the sources and the promises. The mutants themselves run with
//! `tests/mutations/run.py`, or here: `cargo test --release --test all mutations -- --ignored`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::Command;

use serde::Deserialize;

use crate::promises::{assert_test, quoted, rows};
use crate::support::repository;

#[derive(Deserialize)]
struct Table {
    mutant: Vec<Mutant>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Mutant {
    name: String,
    control: String,
    file: String,
    old: String,
    new: String,
    fails: Vec<String>,
    #[serde(default)]
    also: Vec<Also>,
    #[serde(default, rename = "seconds")]
    _seconds: u32,
    #[serde(default, rename = "prebuilt")]
    _prebuilt: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Also {
    file: Option<String>,
    old: String,
    new: String,
}

fn mutants() -> Vec<Mutant> {
    let folder = repository().join("tests/mutations/controls");
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let table: Table = toml::from_str(&fs::read_to_string(&path).unwrap())
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        all.extend(table.mutant);
    }
    all
}

/// A mutant whose text is gone would switch nothing off.
#[test]
fn every_mutant_still_fits_the_sources() {
    let mut names = BTreeSet::new();
    let mut texts = BTreeMap::<String, String>::new();
    let mut wrong = Vec::new();
    for mutant in mutants() {
        let Mutant { name, file, old, new, fails, also, .. } = mutant;
        assert!(names.insert(name.clone()), "{name} is there twice");
        assert!(!fails.is_empty(), "{name} names no test");
        let more = also.into_iter().map(|also| (also.file.unwrap_or_else(|| file.clone()), also.old, also.new));
        for (file, old, new) in std::iter::once((file.clone(), old, new)).chain(more) {
            let path = repository().join("host/src").join(&file);
            let text = texts.entry(file.clone()).or_insert_with(|| fs::read_to_string(path).unwrap_or_default());
            let found = text.matches(&old).count();
            if found != 1 || old == new {
                wrong.push(format!("{name}: its old text stands {found} times in host/src/{file}"));
            }
        }
        fails.iter().for_each(|test| assert_test(test));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Tests that no mutant of the host makes fail, because nothing in it keeps what they try: it is not there.
const NOTHING_TO_SWITCH_OFF: [(&str, &str); 2] = [
    ("hostile::surroundings::processes_are_refused", "no function of the host starts a program"),
    ("hostile::local_files::no_path_leads_to_the_host", "files are a tree in memory; no path is given to the system"),
];

#[test]
fn every_promise_has_mutants_for_what_enforces_it_and_for_each_of_its_tests() {
    let mutants = mutants();
    let controls: BTreeSet<_> = mutants.iter().map(|mutant| mutant.control.as_str()).collect();
    let killing: BTreeSet<_> = mutants.iter().flat_map(|mutant| &mutant.fails).map(String::as_str).collect();
    let without: BTreeMap<_, _> = NOTHING_TO_SWITCH_OFF.into_iter().collect();
    let page = fs::read_to_string(repository().join("docs/security.md")).unwrap();
    let mut missing = Vec::new();
    for (cells, at) in rows(&page, "test") {
        let switched = |name: &&str| !controls.contains(name);
        missing.extend(quoted(&cells[at - 1]).into_iter().filter(switched).map(|name| format!("control {name}")));
        let proven = |name: &&str| !killing.contains(name) && !without.contains_key(name);
        missing.extend(quoted(&cells[at]).into_iter().filter(proven).map(|name| format!("test {name}")));
    }
    assert!(missing.is_empty(), "no mutant switches off, or fails:\n{}", missing.join("\n"));
}

#[test]
#[ignore = "half an hour: every control is switched off in turn"]
fn with_a_control_switched_off_its_tests_fail() {
    let status = Command::new("python3").arg(repository().join("tests/mutations/run.py")).status().unwrap();
    assert!(status.success(), "a test passes although its control is switched off");
}
