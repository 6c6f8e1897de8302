//! Connectors in other languages: what the command line has for them, and two of them.

mod others;
mod shop;
mod wasi_http;
mod wrong;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::{Value, json};

use crate::support::component::{component, dummy, idle};
use crate::support::{Connector, repository, sluice, text};

const MANIFEST: &str =
    "name = 'shop'\nversion = '1.2.0'\n[network]\nallow = ['https://api.example.com']\n[limits]\nrows = 9\n";

/// A project of another language: a component, and what `connector.toml` says.
struct Project(tempfile::TempDir);

impl Project {
    fn new(component: &[u8], manifest: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("component.wasm"), component).unwrap();
        if let Some(manifest) = manifest {
            fs::write(folder.path().join("connector.toml"), manifest).unwrap();
        }
        Self(folder)
    }

    fn at(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn build(&self, arguments: &[&str]) -> Output {
        let mut command = sluice();
        command.arg("build").arg(self.0.path()).arg("--component").arg(self.at("component.wasm"));
        command.args(arguments).output().unwrap()
    }

    /// Refused before anything is written, with these words and a hint.
    #[track_caller]
    fn is_refused(&self, says: &[&str]) {
        let output = self.build(&[]);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        says.iter().for_each(|expected| assert!(said.contains(expected), "{expected:?} is not in {said}"));
        assert!(!self.at("shop.wasm").exists());
    }
}

#[test]
fn a_component_of_another_language_says_what_it_asks_for() {
    let project = Project::new(&idle(), Some(MANIFEST));
    let output = project.build(&["--json"]);
    assert!(output.status.success(), "{}", text(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&report["name"], &report["version"]), (&json!("shop"), &json!("1.2.0")));
    let path = project.at("shop.wasm");
    assert_eq!(report["component"], json!(path));

    let checked = sluice().arg("check").arg(&path).arg("--json").output().unwrap();
    let checked: Value = serde_json::from_slice(&checked.stdout).unwrap();
    let stamp = &checked["stamp"];
    assert_eq!(
        (&checked["conforms"], &stamp["name"], &stamp["version"]),
        (&json!(true), &json!("shop"), &json!("1.2.0"))
    );
    assert_eq!((&stamp["network"], &stamp["limits"]["rows"]), (&json!(["https://api.example.com"]), &json!(9)));
    assert_eq!((stamp.get("sdk"), &stamp["source"]), (None, &report["source"]));
    let words = text(&sluice().arg("check").arg(&path).output().unwrap().stdout);
    assert!(words.contains("connector shop 1.2.0, contract 0.1.0"), "{words}");

    // asking is not getting
    let refused = Connector::of(&path, json!({})).sync();
    assert_eq!(refused.code, Some(4), "{}", refused.everything());
    assert!(refused.stderr.contains("--allow https://api.example.com"), "{}", refused.everything());
    Connector::of(&path, json!({})).arguments(&["--allow", "https://api.example.com"]).succeed();

    // the same input gives the same bytes, and a second stamp would be none
    let again = project.build(&["--output", project.at("again.wasm").to_str().unwrap()]);
    assert!(again.status.success());
    assert_eq!(fs::read(&path).unwrap(), fs::read(project.at("again.wasm")).unwrap());
    fs::rename(&path, project.at("component.wasm")).unwrap();
    project.is_refused(&["a stamp already, as shop 1.2.0", "--output"]);
}

#[test]
fn what_cannot_be_stamped_is_refused() {
    Project::new(&idle(), None).is_refused(&["has no connector.toml", "hint: "]);
    Project::new(&idle(), Some("nmae = 'shop'")).is_refused(&["unknown key `nmae`"]);
    Project::new(b"(component)", Some(MANIFEST)).is_refused(&["is not a component"]);
    Project::new(&wat::parse_str("(module)").unwrap(), Some(MANIFEST)).is_refused(&["hint: `sluice check "]);
    let sync = "export sync: func(configuration: string, state: string) -> result<_, failure>;";
    Project::new(&dummy(&[(sync, "")], &[]), Some(MANIFEST))
        .is_refused(&["does not conform", "`sync` is not exported"]);
    let output = Project::new(&idle(), Some(MANIFEST)).build(&["--locked"]);
    assert_eq!(output.status.code(), Some(2), "what belongs to Python is not silently ignored");
}

#[test]
fn a_folder_without_python_says_what_to_run() {
    let project = Project::new(&idle(), Some(MANIFEST));
    let output = sluice().arg("run").arg(project.0.path()).output().unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert!(said.contains("has no connector.py") && said.contains("the component that its tools build"), "{said}");
}

#[test]
fn the_contract_is_written_with_all_that_it_builds_on() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("wit");
    let write = |folder: &Path| sluice().arg("wit").arg(folder).output().unwrap();
    for times in ["first", "second"] {
        let output = write(&folder);
        assert!(output.status.success(), "{times}: {}", text(&output.stderr));
    }
    let mut resolve = wit_parser::Resolve::default();
    let (package, _) = resolve.push_dir(&folder).unwrap();
    resolve.select_world(&[package], Some("connector")).unwrap();
    let contract = fs::read_to_string(repository().join("wit/connector.wit")).unwrap();
    assert_eq!(fs::read_to_string(folder.join("connector.wit")).unwrap(), contract);

    let refused = write(place.path());
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stderr).contains("holds something else"), "{}", text(&refused.stderr));
}

#[test]
fn a_crash_names_the_functions_it_was_in() {
    let items = "(func $orders_parse unreachable) (func $orders_read (call $orders_parse))";
    let project = Project::new(&component("", items, "(call $orders_read)"), None);
    let sync = Connector::of(&project.at("component.wasm"), json!({})).sync();
    assert_eq!(sync.code, Some(1), "{}", sync.everything());
    let outcome = &sync.report()["outcome"];
    let message = outcome["message"].as_str().unwrap();
    assert!(message.contains("the component crashed: it aborted"), "{message}");
    assert!(message.contains("is in the log"), "{message}");
    assert_eq!(outcome["traceback"], "at orders_parse\nat orders_read\n");
    assert!(outcome["frames"].as_array().is_none_or(Vec::is_empty), "these are not Python's: {outcome}");
}

#[test]
fn recursion_without_end_is_one_line() {
    let items = "(func $again (param i32) (i32.store (local.get 0) (i32.const 1)) \
                 (call $again (i32.add (local.get 0) (i32.const 4096))))";
    let project = Project::new(&component("", items, "(call $again (i32.const 0))"), None);
    let sync = Connector::of(&project.at("component.wasm"), json!({})).sync();
    assert_eq!(sync.report()["outcome"]["traceback"], "at again\n", "{}", sync.everything());
}
