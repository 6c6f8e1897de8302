//! The documents about security say what is there: every function and test that they name exists, and the tables of
//! limits and threats are whole.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use sluicegate::policy::limits::ROWS;

use crate::support::repository;

/// Rows of the threat model.
const THREATS: [(char, usize); 7] = [('A', 11), ('B', 21), ('C', 19), ('D', 29), ('E', 9), ('F', 11), ('G', 12)];

/// The most code that can be read in one sitting, comments and tests left out.
const POLICY_LINES: usize = 1_900;

fn read(path: &str) -> String {
    fs::read_to_string(repository().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The cells of the tables of a page whose header has this column, with that column's index.
pub(crate) fn rows(page: &str, column: &str) -> Vec<(Vec<String>, usize)> {
    let mut found = Vec::new();
    let mut at = None;
    for line in page.lines() {
        let Some(cells) = line.strip_prefix('|').and_then(|line| line.strip_suffix('|')) else {
            at = None;
            continue;
        };
        let cells: Vec<String> = cells.split('|').map(|cell| cell.trim().to_owned()).collect();
        match at {
            None => at = cells.iter().position(|cell| cell == column).or(Some(usize::MAX)),
            Some(at) if at < cells.len() && !cells[at].starts_with("---") => found.push((cells, at)),
            Some(_) => {}
        }
    }
    found
}

/// What stands between backquotes.
pub(crate) fn quoted(cell: &str) -> Vec<&str> {
    cell.split('`').skip(1).step_by(2).collect()
}

/// Where a name of a page leads: `dir/file.rs::item` below host/src, or `module::item` of the end-to-end tests, those
/// of `jail` in a program of their own.
fn source(name: &str) -> (String, String) {
    if let Some((file, item)) = name.split_once(".rs::") {
        return (read(&format!("host/src/{file}.rs")), item.to_owned());
    }
    let (module, item) = name.rsplit_once("::").unwrap_or_else(|| panic!("{name}: not module::test"));
    if module == "jail" {
        return (read("tests/jail/scenarios.rs").replace("(\"", "fn "), format!("{item}\", "));
    }
    (read(&format!("tests/all/{}.rs", module.replace("::", "/"))), item.to_owned())
}

pub(crate) fn assert_test(name: &str) {
    let (text, item) = source(name);
    let test = if item.ends_with(", ") { format!("fn {item}") } else { format!("fn {item}(") };
    assert!(text.contains(&test), "{name}: there is no such test");
}

fn assert_item(name: &str) {
    let (text, item) = source(name);
    let ways = ["fn {}(", "fn {}<", "const {}:", "struct {}", "enum {}", "mod {}", "    {}: ", "    pub {}: "];
    let found = ways.iter().any(|way| text.contains(&way.replace("{}", &item)));
    assert!(found, "{name}: nothing is called so");
}

#[test]
fn every_promise_names_what_enforces_it_and_what_attacks_it() {
    let page = read("docs/security.md");
    let promises = rows(&page, "test");
    assert!(promises.len() >= 40, "{} promises", promises.len());
    for (cells, at) in promises {
        let (enforced, tests) = (quoted(&cells[at - 1]), quoted(&cells[at]));
        assert!(!enforced.is_empty() && !tests.is_empty(), "{cells:?}");
        enforced.into_iter().for_each(assert_item);
        tests.into_iter().for_each(assert_test);
    }
}

#[test]
fn the_readmes_tests_exist() {
    let sources: String =
        ["tests/all", "tests/jail", "host/src"].iter().map(|folder| everything(&repository().join(folder))).collect();
    for (cells, at) in rows(&read("README.md"), "test") {
        for name in quoted(&cells[at]) {
            let item = name.rsplit("::").next().unwrap();
            let known = sources.contains(&format!("fn {item}("))
                || sources.contains(&format!("(\"{item}\", "))
                || sources.contains(&format!("mod {item}"));
            assert!(known || item.contains('/'), "README.md: {name}");
        }
    }
}

#[test]
fn every_threat_has_a_test_or_a_reason() {
    let page = read("docs/threats.md");
    let mut missing: BTreeSet<String> =
        THREATS.iter().flat_map(|(letter, count)| (1..=*count).map(move |row| format!("{letter}{row}"))).collect();
    assert_eq!(missing.len(), 112);
    for (cells, at) in rows(&page, "test") {
        assert!(missing.remove(&cells[0]), "{}: no row of the threat model, or twice", cells[0]);
        let tests: Vec<_> = quoted(&cells[at]).into_iter().filter(|name| name.contains("::")).collect();
        assert!(!tests.is_empty() || cells[at].len() > 20, "{}: neither a test nor a reason", cells[0]);
        tests.into_iter().for_each(assert_test);
    }
    assert!(missing.is_empty(), "docs/threats.md lacks {missing:?}");
}

/// What else stands in the table is made of the code, see `reference` of the library.
#[test]
fn every_limit_has_a_test() {
    let page = read("docs/limits.md");
    let listed = rows(&page, "test");
    let names: Vec<_> = listed.iter().map(|(cells, _)| cells[0].trim_matches('`')).collect();
    let expected: Vec<_> = ROWS.iter().map(|row| row.name).collect();
    assert_eq!(names, expected, "docs/limits.md lists other limits, or in another order");
    for (cells, at) in &listed {
        let tests = quoted(&cells[*at]);
        assert!(!tests.is_empty(), "{}: no test", cells[0]);
        tests.into_iter().for_each(assert_test);
    }
}

/// Its fields are private and no function of the module but one makes it: what compiles proves the rest.
#[test]
fn only_the_policy_makes_a_permit() {
    let text = read("host/src/policy/egress.rs");
    let (_, rest) = text.split_once("pub struct Permit {").unwrap();
    let (fields, rest) = rest.split_once('}').unwrap();
    assert!(!fields.contains("pub"), "{fields}");
    let code = rest.split("#[cfg(test)]").next().unwrap();
    assert_eq!(code.matches("Permit {").count() - code.matches("impl Permit {").count(), 1, "made in one place");
    assert_eq!(code.matches("-> Permit").count(), 0, "none is handed out");
    let derived = text.split("pub struct Permit {").next().unwrap().rsplit("#[derive(").next().unwrap();
    assert!(!derived.contains("Default") && !derived.contains("Deserialize"), "{derived}");
}

/// The policy stays pure and short enough to be read in one sitting.
#[test]
fn the_policy_is_pure_and_short() {
    let mut lines = 0;
    for entry in fs::read_dir(repository().join("host/src/policy")).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.ends_with("_tests.rs") {
            continue;
        }
        let code = text.split("#[cfg(test)]").next().unwrap();
        let code: Vec<_> =
            code.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//")).collect();
        for line in &code {
            for foreign in [
                "std::fs",
                "std::env",
                "std::io",
                "std::process",
                "std::thread",
                "async ",
                ".await",
                "tokio",
                "wasmtime",
                "rusqlite",
                "reqwest",
                "hyper",
                "rustls",
                "http::",
                "TcpStream",
                "UdpSocket",
                "Instant::now",
                "SystemTime",
                "static ",
                "unsafe",
            ] {
                let kept = line.replace("&'static ", "").replace("static str", "");
                assert!(!kept.contains(foreign), "{name}: {line}");
            }
            let foreign = line.contains("crate::") && !line.contains("crate::policy");
            assert!(!foreign, "{name} knows the rest of the host: {line}");
        }
        assert!(code.len() <= 220, "{name} has {} lines of code", code.len());
        lines += code.len();
    }
    eprintln!("{lines} lines");
    assert!(lines <= POLICY_LINES, "{lines} lines of code");
}

fn everything(folder: &Path) -> String {
    let mut all = String::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all += &everything(&path);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            all += &fs::read_to_string(&path).unwrap();
        }
    }
    all
}
