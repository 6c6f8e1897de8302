//! A tool of a build that a stranger took over.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use sluicegate::worker::{self, Reach};

use crate::probes;

/// What a tool with the network does: pip, which fetches packages.
const WITH_NETWORK: [&str; 2] = ["connect", "a datagram"];

/// Runs what such a tool tries, without and with the network.
pub fn reaches_nothing() {
    if !probes::kernel_has_landlock() {
        println!("this kernel has no Landlock");
        return;
    }
    assert_eq!(worker::missing_for_tools(), Vec::<String>::new());
    tries(false);
    tries(true);
}

fn tries(network: bool) {
    let home = tempfile::tempdir().unwrap();
    let stage = tempfile::tempdir().unwrap();
    let (planted, outside) = (home.path().join("id_ed25519"), home.path().join("outside"));
    fs::write(&planted, "a key").unwrap();
    let program = home.path().join("outside.sh");
    fs::write(&program, "#!/bin/sh\n").unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();

    let mut tool = Command::new(python());
    tool.env_clear().env("LANG", "C.UTF-8").args(["-I", "-S", "-c", include_str!("tool.py")]);
    tool.arg(&planted).arg(&outside).arg(listener.local_addr().unwrap().port().to_string());
    tool.arg(stage.path()).arg(std::process::id().to_string());
    let reach = Reach { write: &[stage.path()], network, ..Reach::default() };
    let said = worker::jailed(&tool, reach).env("LANG", "C").output().unwrap();
    let (out, error) = (String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
    assert!(said.status.success(), "{out}{error}");
    let did: Vec<_> = out.lines().filter_map(|line| line.strip_suffix(": DONE")).collect();
    assert_eq!(did, if network { &WITH_NETWORK[..] } else { &[] }, "{out}");
    assert_eq!(out.lines().filter(|line| line.ends_with(": refused")).count(), 20 - did.len(), "{out}{error}");
    assert!(out.ends_with("write into the stage: done\nvariables: ['LANG']\n"), "{out}");
    assert_eq!(fs::read(stage.path().join("made")).unwrap(), b"planted");
    assert_eq!(fs::read(&planted).unwrap(), b"a key");
    assert!(!outside.exists());
    assert_eq!(listener.accept().is_ok(), network);
}

/// Where the Python of this machine lies: a jail knows no PATH.
fn python() -> String {
    let found = Command::new("python3").args(["-I", "-c", "import sys; print(sys.executable)"]).output().unwrap();
    String::from_utf8(found.stdout).unwrap().trim().to_owned()
}
