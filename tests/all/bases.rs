//! What `sluice build` makes once and what it makes each time: a base with its machine code, and the project beside it.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use sluicegate::parcel::artifact::{self, Artifact, Digests};
use sluicegate::parcel::{Archive, Entry};
use sluicegate::stamp;

use crate::support::component::idle;
use crate::support::{Connector, clients, events, many, repository, sluice, text};

const CONNECTOR: &str = r#"
from fivetran_connector_sdk import Connector, Operations as op
from lib import value


def update(configuration, state):
    op.upsert("t", {"id": 1, "value": value.VALUE, "data": open("lib/data.txt").read()})
    op.checkpoint({})


connector = Connector(update=update, schema=lambda c: [{"table": "t", "primary_key": ["id"]}])
"#;

struct Project(tempfile::TempDir);

impl Project {
    fn new() -> Self {
        let project = Self(tempfile::tempdir().unwrap());
        project.save("connector.toml", "name = \"shop\"\n");
        project.save("connector.py", CONNECTOR);
        project.save("lib/value.py", "VALUE = 'first'\n");
        project.save("lib/data.txt", "data");
        project
    }

    fn save(&self, name: &str, text: &str) {
        let path = self.0.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn build(&self) -> Built {
        let target = self.0.path().join("shop.wasm");
        let output = sluice().arg("build").arg(self.0.path()).arg("--json").arg("-o").arg(&target).output().unwrap();
        let said = text(&output.stdout) + &text(&output.stderr);
        assert!(output.status.success(), "{said}");
        // Its steps are events before it.
        let report: Value = serde_json::from_str(text(&output.stdout).lines().last().unwrap()).unwrap();
        events::printed_all("build", &report);
        Built { bytes: fs::read(target).unwrap(), report, said }
    }

    fn refused(&self) -> String {
        let output = sluice().arg("build").arg(self.0.path()).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
        text(&output.stderr)
    }
}

struct Built {
    bytes: Vec<u8>,
    report: Value,
    said: String,
}

impl Built {
    fn digests(&self) -> Digests {
        digests(&self.bytes)
    }

    /// Makes `sluice build` forget that it made this.
    fn forget(&self) {
        let name = format!("{}.wasm", self.report["source"].as_str().unwrap());
        let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("caches/cache/components");
        fs::remove_file(cache.join(name)).unwrap();
    }
}

fn digests(bytes: &[u8]) -> Digests {
    Artifact::read(bytes).unwrap().digests()
}

/// An archive of files, as a section holds it.
fn project(files: &[(&str, &str)]) -> Vec<u8> {
    let entries: Vec<_> =
        files.iter().map(|(path, text)| Entry { path, contents: text.as_bytes(), code: None }).collect();
    Archive::pack(&entries, true).as_bytes().to_vec()
}

#[test]
fn a_changed_project_has_the_same_base_and_needs_no_new_machine_code() {
    let project = Project::new();
    let first = project.build();
    project.save("lib/value.py", "import json, requests\nVALUE = json.dumps('second')\n");
    let second = project.build();
    for made in ["making the base", "making machine code"] {
        assert!(!second.said.contains(made), "{}", second.said);
    }
    assert_eq!(first.digests().compiled, second.digests().compiled);
    assert_ne!(first.digests().whole, second.digests().whole);
    assert_eq!(second.report["digest"], json!(second.digests().whole));

    let folder = tempfile::tempdir().unwrap();
    for (built, value) in [(first, "first"), (second, "\"second\"")] {
        let path = folder.path().join("shop.wasm");
        fs::write(&path, &built.bytes).unwrap();
        let connector = Connector::of(&path, json!({}));
        let sync = connector.sync();
        assert_eq!(sync.code, Some(0), "{}", sync.everything());
        assert!(!sync.stderr.contains("making machine code"), "{}", sync.stderr);
        let row = connector.database().query("SELECT value, data FROM t");
        assert_eq!(row, [[json!(value), json!("data")]]);
    }
}

#[test]
fn the_same_project_is_the_same_bytes() {
    let project = Project::new();
    let first = project.build();
    first.forget();
    let again = project.build();
    assert_eq!(again.report["fresh"], json!(true));
    assert!(first.bytes == again.bytes, "two builds of one project differ");
}

#[test]
fn connectors_without_packages_have_one_base_and_packages_another() {
    let compiled = |path: &Path| digests(&fs::read(path).unwrap()).compiled;
    let plain = Project::new().build().digests().compiled;
    assert_eq!(compiled(many()), plain);
    assert_ne!(compiled(clients()), plain);
}

#[test]
fn what_only_the_components_python_refuses_is_named() {
    let project = Project::new();
    // The build machine's may leave it to the component's.
    project.save("lib/broken.py", "x = 1\0\n");
    let said = project.refused();
    assert!(said.contains("lib/broken.py:1: "), "{said}");
}

#[test]
fn a_module_of_the_project_comes_before_a_package_that_is_imported_already() {
    let project = Project::new();
    project.save("idna.py", "VALUE = 'ours'\n");
    project.save(
        "lib/value.py",
        "import idna, requests\nVALUE = idna.VALUE + requests.Request('GET', 'http://x').method\n",
    );
    let built = project.build();
    let path = project.0.path().join("shop.wasm");
    fs::write(&path, &built.bytes).unwrap();
    let connector = Connector::of(&path, json!({}));
    let sync = connector.sync();
    assert_eq!(sync.code, Some(0), "{}", sync.everything());
    assert_eq!(connector.database().value("SELECT value FROM t"), json!("oursGET"));
}

#[test]
fn a_connection_refuses_a_component_whose_project_was_tampered_with() {
    let built = Project::new().build();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shop.wasm");
    fs::write(&path, &built.bytes).unwrap();
    let connector = Connector::of(&path, json!({}));
    assert_eq!(connector.sync().code, Some(0));

    let mut tampered = built.bytes.clone();
    let start = artifact_start(&tampered);
    let place = memchr::memmem::find(&tampered[start..], b"VALUE = 'first'").unwrap() + start;
    tampered[place + 9..place + 14].copy_from_slice(b"worse");
    assert_eq!(digests(&tampered).compiled, built.digests().compiled);
    fs::write(&path, &tampered).unwrap();
    let sync = connector.sync();
    assert_eq!(sync.code, Some(4), "{}", sync.everything());
    assert!(sync.stderr.contains("runs another connector than it accepted"), "{}", sync.stderr);
    assert_eq!(connector.database().value("SELECT value FROM t"), json!("first"));
}

fn artifact_start(bytes: &[u8]) -> usize {
    memchr::memmem::rfind(bytes, artifact::SECTION.as_bytes()).unwrap()
}

#[test]
fn a_hostile_project_is_refused_before_anything_runs() {
    let with = |contents: &[&[u8]]| {
        let mut bytes = idle();
        contents.iter().for_each(|contents| stamp::append_section(&mut bytes, artifact::SECTION, contents));
        bytes
    };
    let honest = project(&[("connector.py", "x = 1")]);
    let huge = [&u64::MAX.to_le_bytes()[..], b"{}"].concat();
    let cases = [
        (with(&[&honest, &honest]), "more than one project"),
        (with(&[b"anything at all"]), "no index that can be read"),
        (with(&[&huge]), "no index that can be read"),
        (with(&[&project(&[("../connector.py", "")])]), "path is not a plain one"),
        (with(&[&project(&[("/etc/passwd", "")])]), "path is not a plain one"),
        (with(&[&project(&[("a.py", ""), ("a.py", "")])]), "two files in one place"),
        (with(&[&[honest.as_slice(), b"more"].concat()]), "do not lie where they should"),
    ];
    for (bytes, expected) in cases {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("hostile.wasm");
        fs::write(&path, bytes).unwrap();
        let connector = Connector::of(&path, json!({}));
        let sync = connector.sync();
        assert_eq!(sync.code, Some(2), "{}", sync.everything());
        assert!(sync.stderr.contains(expected), "{expected}: {}", sync.stderr);
        assert!(!connector.database_path().exists());
        let checked = sluice().arg("check").arg(&path).output().unwrap();
        assert_eq!(checked.status.code(), Some(1));
        let said = text(&checked.stdout);
        assert!(said.contains("error[project]") && said.contains(expected), "{said}");
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("honest.wasm");
    fs::write(&path, with(&[&honest])).unwrap();
    assert_eq!(Connector::of(&path, json!({})).sync().code, Some(0), "a project that is not looked at is no harm");
}

#[test]
fn a_base_alone_says_that_it_has_no_project() {
    let bytes = fs::read(many()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("base.wasm");
    fs::write(&path, Artifact::read(&bytes).unwrap().compiled()).unwrap();
    let sync = Connector::of(&path, json!({})).sync();
    assert_eq!(sync.code, Some(1), "{}", sync.everything());
    assert!(sync.everything().contains("this component has no project"), "{}", sync.everything());
}

#[test]
fn every_example_is_built_on_the_one_base() {
    let plain = digests(&fs::read(many()).unwrap()).compiled;
    for example in ["hello", "three_operations"] {
        let target = tempfile::tempdir().unwrap();
        let path = target.path().join("example.wasm");
        let output =
            sluice().arg("build").arg(repository().join("examples").join(example)).arg("-o").arg(&path).output();
        assert!(output.unwrap().status.success());
        assert_eq!(digests(&fs::read(path).unwrap()).compiled, plain, "{example}");
    }
}
