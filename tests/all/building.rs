//! What a stranger's project can do while it is built: nothing of the machine is there, and no network.

use std::fs;
use std::net::TcpListener;

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
