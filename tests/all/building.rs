//! What a stranger's project can do while it is built, and the source of a package that whoever builds allowed to build:
//! nothing of the machine is there, and no network.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use crate::support::{sluice, text};

const SECRET: &str = "canary-of-the-builder-4711";

/// A connector that tries everything while it is imported, and keeps what it got.
const TRIES: &str = r#"
import os
import socket

FOUND = []
for attempt in (
    lambda: open("@planted").read(),
    lambda: os.environ["TOP_SECRET"],
    lambda: socket.create_connection(("127.0.0.1", @port), timeout=5),
    lambda: open("@outside", "w").write("planted"),
    lambda: os.listdir(os.path.dirname("@planted")),
):
    try:
        FOUND.append(str(attempt()))
    except Exception as error:
        FOUND.append(repr(error))

from fivetran_connector_sdk import Connector


def update(configuration, state):
    pass


connector = Connector(update=update)
"#;

#[test]
fn a_project_that_attacks_its_build_gets_nothing() {
    let home = tempfile::tempdir().unwrap();
    let project = tempfile::Builder::new().prefix("attacking").tempdir().unwrap();
    let (planted, outside) = (home.path().join("id_ed25519"), home.path().join("outside"));
    fs::write(&planted, SECRET).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let source = TRIES
        .replace("@planted", planted.to_str().unwrap())
        .replace("@outside", outside.to_str().unwrap())
        .replace("@port", &listener.local_addr().unwrap().port().to_string());
    fs::write(project.path().join("connector.py"), source).unwrap();
    fs::write(project.path().join("connector.toml"), "name = 'attacking'\n").unwrap();

    let built = sluice().arg("build").arg(project.path()).env("TOP_SECRET", SECRET).output().unwrap();
    assert!(built.status.success(), "{}", text(&built.stderr));
    assert_eq!(fs::read_to_string(&planted).unwrap(), SECRET);
    assert!(!outside.exists(), "it wrote outside of its build");
    assert!(listener.accept().is_err(), "it connected");
    let component = fs::read(project.path().join("attacking.wasm")).unwrap();
    assert!(memchr::memmem::find(&component, SECRET.as_bytes()).is_none(), "a secret is in the component");
}

/// A source distribution whose build attacks, in a folder that pip looks through.
fn hostile_source(folder: &Path, backend: &str) {
    let source = folder.join("sluice_hostile_source-1.0");
    fs::create_dir_all(&source).unwrap();
    fs::write(source.join("backend.py"), backend).unwrap();
    let project = "[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = ['.']\n\
                   [project]\nname = 'sluice-hostile-source'\nversion = '1.0'\n";
    fs::write(source.join("pyproject.toml"), project).unwrap();
    let about = "Metadata-Version: 2.1\nName: sluice_hostile_source\nVersion: 1.0\n";
    fs::write(source.join("PKG-INFO"), about).unwrap();
    let packed = Command::new("tar")
        .args(["-czf", "sluice_hostile_source-1.0.tar.gz", "sluice_hostile_source-1.0"])
        .current_dir(folder)
        .status()
        .unwrap();
    assert!(packed.success());
}

#[cfg(target_os = "linux")]
#[test]
fn source_that_attacks_who_builds_it_reaches_nothing_of_theirs() {
    let missing = sluice().args(["__tool", "probe"]).output().unwrap().stdout;
    if !missing.is_empty() {
        eprintln!("this kernel has no {}; not tested", text(&missing));
        return;
    }
    let (home, links) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let project = tempfile::Builder::new().prefix("dependent").tempdir().unwrap();
    let at = |name: &str| home.path().join(name);
    fs::write(at("id_ed25519"), SECRET).unwrap();
    fs::write(at("outside.sh"), "#!/bin/sh\n").unwrap();
    fs::set_permissions(at("outside.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    let agent = std::os::unix::net::UnixListener::bind(at("agent")).unwrap();
    agent.set_nonblocking(true).unwrap();
    fs::create_dir(at("cache")).unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    fs::write(at("netrc"), format!("machine index.test login me password {SECRET}\n")).unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let mut backend = include_str!("building/backend.py").replace("@port", &port);
    let places = ["planted=id_ed25519", "outside=outside", "agent=agent", "cache=cache", "netrc=netrc"];
    for (place, name) in places.map(|place| place.split_once('=').unwrap()) {
        backend = backend.replace(&format!("@{place}"), at(name).to_str().unwrap());
    }
    hostile_source(links.path(), &backend);
    fs::write(project.path().join("connector.py"), "import sluice_hostile_source\n").unwrap();
    fs::write(project.path().join("requirements.txt"), "sluice-hostile-source==1.0\n").unwrap();

    let built = sluice()
        .args(["build", "--allow-sdist", "sluice-hostile-source"])
        .arg(project.path())
        .env("TOP_SECRET", SECRET)
        .env("PIP_FIND_LINKS", links.path())
        .env("PIP_CACHE_DIR", at("cache"))
        .env("NETRC", at("netrc"))
        // Nobody asks there: there is no other package to look for.
        .env("PIP_EXTRA_INDEX_URL", format!("http://me:{SECRET}@127.0.0.1:9/simple"))
        .env("PIP_RETRIES", "0")
        .output()
        .unwrap();
    let said = text(&built.stderr);
    assert!(!built.status.success() && said.contains("cannot build sluice-hostile-source from its source"), "{said}");
    let attempts: Vec<_> = said.lines().filter_map(|line| line.trim().strip_prefix("ATTEMPT ")).collect();
    assert_eq!(attempts.len(), 24, "{said}");
    assert!(attempts.iter().all(|attempt| attempt.ends_with(": refused")), "{said}");
    assert!(!said.contains(SECRET), "{said}");
    assert_eq!(fs::read_to_string(at("id_ed25519")).unwrap(), SECRET);
    assert!(!at("outside").exists() && !at("beside").exists() && !at("cache/planted").exists(), "it wrote outside");
    assert!(agent.accept().is_err(), "it spoke to the agent");
    assert!(listener.accept().is_err(), "it connected");
}
