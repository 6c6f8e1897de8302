//! Packages of a connector: what is taken, what is locked, what is refused, and what is said about its source.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::{Value, json};

use crate::support::{Connector, repository, sluice, text};

const LOCK: &str = "pylock.sluice.toml";
const TRIES_PACKAGES: &str = r#"
import importlib
import importlib.metadata
import importlib.resources
import pkgutil

import yaml
from fivetran_connector_sdk import Connector, Operations as op


def late(name):
    return importlib.import_module(name)


def update(configuration, state):
    from markupsafe import escape

    found = {
        "yaml": yaml.safe_load("a: [1, 2]")["a"][1],
        "without machine code": yaml.__with_libyaml__,
        "inside a function": str(escape("<")),
        "by name": late("msgpack.fallback").Unpacker.__name__,
        "after the project's own import": late("yaml.representer").SafeRepresenter.__name__,
        "version": importlib.metadata.version("PyYAML"),
        "resource": importlib.resources.files("certifi").joinpath("cacert.pem").is_file(),
        "pkgutil": len(pkgutil.get_data("certifi", "cacert.pem")) > 1000,
        "marker": importlib.metadata.version("idna") is not None,
        "imported again": str(late("defusedxml.ElementTree").fromstring("<a/>").tag),
    }
    for name, value in found.items():
        op.upsert("found", {"name": name, "value": str(value)})


connector = Connector(update=update)
"#;

fn project(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::Builder::new().prefix("dependent").tempdir().unwrap();
    for (path, contents) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, contents).unwrap();
    }
    folder
}

fn build(project: &Path, arguments: &[&str]) -> Output {
    sluice().arg("build").arg(project).args(arguments).output().unwrap()
}

/// What a build that must fail says.
fn refusal(files: &[(&str, &str)], arguments: &[&str]) -> String {
    let folder = project(files);
    let built = build(folder.path(), arguments);
    assert!(!built.status.success(), "the build did not fail");
    text(&built.stderr)
}

/// A connector with these lines before its `update`.
fn connector(lines: &str) -> String {
    format!(
        "{lines}\nfrom fivetran_connector_sdk import Connector\n\n\ndef update(configuration, state):\n    pass\n\n\n\
         connector = Connector(update=update)\n"
    )
}

#[test]
fn packages_work_without_their_machine_code_and_the_lock_file_holds() {
    let folder = project(&[
        ("connector.py", TRIES_PACKAGES),
        ("connector.toml", "name = 'dependent'\n"),
        ("requirements.txt", "-r lib/more.txt\n-c lib/pins.txt\nnumpy; sys_platform == 'linux'\ndefusedxml\n"),
        ("lib/more.txt", "PyYAML  # a wheel for one platform each\nmsgpack\n"),
        ("lib/pins.txt", "PyYAML==6.0.2\n"),
        ("pyproject.toml", "[project]\nname = 'x'\nversion = '1'\ndependencies = ['MarkupSafe>=3']\n"),
    ]);
    let built = build(folder.path(), &[]);
    assert!(built.status.success(), "{}", text(&built.stderr));
    let component = folder.path().join("dependent.wasm");
    let connection = Connector::of(&component, json!({}));
    connection.succeed();
    let found = connection.database().query("SELECT name, value FROM found");
    for (name, value) in [
        ("yaml", "2"),
        ("without machine code", "False"),
        ("inside a function", "&lt;"),
        ("by name", "Unpacker"),
        ("after the project's own import", "SafeRepresenter"),
        ("version", "6.0.2"),
        ("resource", "True"),
        ("pkgutil", "True"),
        ("marker", "True"),
        ("imported again", "a"),
    ] {
        assert!(found.contains(&vec![json!(name), json!(value)]), "{name}: {found:?}");
    }

    let lock = fs::read_to_string(folder.path().join(LOCK)).unwrap();
    let parsed: toml::Table = lock.parse().unwrap();
    assert_eq!(parsed["lock-version"].as_str(), Some("1.0"));
    assert!(!lock.contains("numpy\"\nversion"), "a marker for another system was taken for this one: {lock}");
    let again = build(folder.path(), &["--locked", "--json"]);
    let report: Value = serde_json::from_slice(&again.stdout).unwrap();
    assert_eq!(report["fresh"], json!(false), "the lock file changed what is built");

    fs::write(folder.path().join("lib/pins.txt"), "PyYAML==6.0.1\n").unwrap();
    let stale = build(folder.path(), &["--locked"]);
    assert!(text(&stale.stderr).contains("--locked changes nothing"), "{}", text(&stale.stderr));
    assert_eq!(fs::read_to_string(folder.path().join(LOCK)).unwrap(), lock, "a refused build wrote the lock file");

    // The file that the lock names, with another content: as if the package index had changed it.
    fs::write(folder.path().join("lib/pins.txt"), "PyYAML==6.0.2\n").unwrap();
    let digest = lock.split("sha256 = \"").nth(1).unwrap().get(..64).unwrap();
    fs::write(folder.path().join(LOCK), lock.replace(digest, &"0".repeat(64))).unwrap();
    let changed = build(folder.path(), &["--locked"]);
    assert!(!changed.status.success());
    assert!(text(&changed.stderr).to_lowercase().contains("do not match the hashes"), "{}", text(&changed.stderr));
}

#[test]
fn what_is_machine_code_is_refused_by_name_at_once() {
    let said =
        refusal(&[("connector.py", &connector("")), ("requirements.txt", "pandas\nlxml>=4\nrequests\norjson\n")], &[]);
    for name in
        ["pandas cannot be used: it is machine code", "lxml cannot", "orjson cannot", "use json of the standard"]
    {
        assert!(said.contains(name), "{said}");
    }
    assert!(!said.contains("requests cannot"), "{said}");
}

#[test]
fn who_requires_machine_code_is_named() {
    let said = refusal(&[("connector.py", &connector("")), ("requirements.txt", "pydantic>=2\n")], &[]);
    assert!(said.contains("pydantic-core"), "{said}");
    assert!(said.contains("require pydantic<2"), "{said}");
}

#[test]
fn source_is_built_only_when_that_is_allowed() {
    let requirements = "docopt==0.6.2\n";
    let folder = project(&[("connector.py", &connector("import docopt")), ("requirements.txt", requirements)]);
    // A cache of its own would need the tools again; the wheel of an earlier build is what must not count here.
    // Only that: other tests build there too, at the same time.
    let caches = Path::new(env!("CARGO_TARGET_TMPDIR")).join("caches/cache/built");
    let built = || {
        let folders = fs::read_dir(&caches).into_iter().flatten().flatten().map(|entry| entry.path());
        let is_it = |folder: &PathBuf| {
            let mut files = fs::read_dir(folder).into_iter().flatten().flatten();
            files.any(|file| file.file_name().to_string_lossy().starts_with("docopt-"))
        };
        folders.filter(is_it).collect::<Vec<_>>()
    };
    built().iter().for_each(|folder| fs::remove_dir_all(folder).unwrap());
    let said = text(&build(folder.path(), &[]).stderr);
    assert!(said.contains("docopt ships only source"), "{said}");
    assert!(said.contains("`sluice build --allow-sdist docopt`"), "{said}");
    assert_eq!(built(), Vec::<PathBuf>::new(), "something was built");
    let said = text(&build(folder.path(), &["--allow-sdist", "other"]).stderr);
    assert!(said.contains("docopt ships only source"), "{said}");

    let built = build(folder.path(), &["--allow-sdist", "docopt"]);
    assert!(built.status.success(), "{}", text(&built.stderr));
    let later = build(folder.path(), &[]);
    assert!(later.status.success(), "what was built once needs no permission: {}", text(&later.stderr));
}

#[test]
fn what_does_not_belong_to_a_project_is_refused() {
    for (requirements, expected) in [
        ("--index-url https://packages.example\nx", "pip's own configuration"),
        ("-r ../other.txt", "not a file of the project"),
        ("git+https://code.example/x", "not a package name"),
        ("six==1.17.0 --hash=sha256:0000000000000000000000000000000000000000000000000000000000000000", "six"),
    ] {
        let said = refusal(&[("connector.py", &connector("")), ("requirements.txt", requirements)], &[]);
        assert!(said.contains(expected), "{requirements}: {said}");
    }
}

#[test]
fn what_cannot_work_is_named_with_file_and_line_before_anything_is_compiled() {
    let broken = refusal(&[("connector.py", &connector("")), ("lib/broken.py", "x = 1\nif x\n    pass\n")], &[]);
    assert!(broken.contains("lib/broken.py:2: expected ':'"), "{broken}");
    assert!(broken.contains("    if x\n        ^"), "{broken}");
    assert!(!broken.contains("compiling"), "{broken}");

    let missing = refusal(
        &[
            ("connector.py", &connector("import helper\nfrom package import part")),
            ("helper.py", "import json\n\nimport yaml\n"),
            ("package/__init__.py", ""),
            ("package/part.py", "import fcntl\n"),
            ("unused.py", "import nowhere\n"),
        ],
        &[],
    );
    assert!(
        missing.contains("helper.py:3: `yaml` is imported, but no required package has it; add PyYAML"),
        "{missing}"
    );
    assert!(missing.contains("package/part.py:1: `fcntl` cannot be imported here"), "{missing}");
    assert!(!missing.contains("nowhere"), "{missing}");
    assert!(!missing.contains("compiling"), "{missing}");
}

#[test]
fn what_fails_only_if_it_is_reached_is_a_note_and_a_plain_failure_then() {
    let source = "import subprocess\n\nfrom fivetran_connector_sdk import Connector\n\ntry:\n    import numpy\nexcept \
                  ImportError:\n    numpy = None\n\n\ndef update(configuration, state):\n    subprocess.run(['ls'])\n\n\n\
                  connector = Connector(update=update)\n";
    let folder = project(&[("connector.py", source), ("connector.toml", "name = 'noted'\n")]);
    let built = build(folder.path(), &[]);
    let said = text(&built.stderr);
    assert!(built.status.success(), "{said}");
    assert!(said.contains("note: connector.py:12: `subprocess.run` does not work here: a sync starts no"), "{said}");
    assert!(said.contains("note: connector.py:6: `numpy` is imported but cannot be used"), "{said}");

    let sync = Connector::of(&folder.path().join("noted.wasm"), json!({})).sync();
    let said = format!("{}{}", sync.stdout, sync.stderr);
    assert!(said.contains("a sync starts no programs; use a package in pure Python"), "{said}");
    assert!(said.contains("connector.py\\\", line 12"), "{said}");
}

#[test]
fn the_page_about_compatibility_is_that_of_the_record() {
    let root = repository();
    let script = root.join("tests/compatibility/generate.py");
    let checked = std::process::Command::new("python3").arg(script).arg("--check").output().unwrap();
    assert!(checked.status.success(), "{}", text(&checked.stderr));
    let record = fs::read_to_string(root.join("tests/compatibility/results.json")).unwrap();
    let record: Value = serde_json::from_str(&record).unwrap();
    assert!(record["packages"].as_object().unwrap().len() >= 100);
    assert!(record["modules"].as_object().unwrap().len() >= 150);
}
