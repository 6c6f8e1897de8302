//! A disk that is full is told as that. It is a small one of memory, which only root can make; where it cannot be made,
//! `room::tests` and `destination` are what is left.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::json;

use crate::support::server::Server;
use crate::support::{many, sluice, text};

/// Runs a command with a disk of so many KiB at `disk`, in a namespace of its own; then lists what is on it. None when
/// there can be none.
fn on_a_small_disk(disk: &Path, kib: u32, command: &Command) -> Option<Output> {
    const NO_DISK: i32 = 99;
    let script = format!("mount -t tmpfs -o size={kib}k none \"$1\" || exit {NO_DISK}; shift; exec \"$@\"");
    let mut inside = Command::new("unshare");
    inside.args(["--mount", "sh", "-c", &script, "sh"]).arg(disk).arg(command.get_program()).args(command.get_args());
    if let Some(folder) = command.get_current_dir() {
        inside.current_dir(folder);
    }
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => inside.env(name, value),
            None => inside.env_remove(name),
        };
    }
    let output = rustix::process::geteuid().is_root().then(|| inside.output().ok()).flatten();
    let output = output.filter(|output| output.status.code() != Some(NO_DISK) && output.status.code() != Some(1));
    if output.is_none() {
        eprintln!("no small disk can be made here: nothing was tested");
    }
    output
}

fn command(folder: &Path, more: &[&str]) -> Command {
    let configuration = json!({"mode": "resumable", "rows": "20000", "every": "500"});
    fs::write(folder.join("configuration.json"), configuration.to_string()).unwrap();
    let mut command = sluice();
    command.current_dir(folder).arg("run").arg(many()).args(["--configuration", "configuration.json"]);
    command.args(["--warehouse", "disk/warehouse", "--connection", "full"]).args(more);
    command
}

#[test]
fn a_warehouse_without_room_is_told_as_such_whenever_it_becomes_full() {
    // From one on which not even a database can be laid out to one that is full after some checkpoints.
    for kib in [16, 64, 100, 200, 1_200] {
        let folder = tempfile::tempdir().unwrap();
        let disk = folder.path().join("disk");
        fs::create_dir(&disk).unwrap();
        let Some(output) = on_a_small_disk(&disk, kib, &command(folder.path(), &[])) else { return };
        let said = text(&output.stdout) + &text(&output.stderr);
        assert_eq!(output.status.code(), Some(5), "{kib} KiB: {said}");
        assert!(said.contains("no space is left on the disk of"), "{kib} KiB: {said}");
        assert!(said.contains("full.db: what was checkpointed is kept"), "{kib} KiB: {said}");
        for code in ["Error code", "4874", "database or disk is full", "disk I/O error"] {
            assert!(!said.contains(code), "{kib} KiB: {code} is in {said}");
        }
    }
}

#[test]
fn a_cassette_without_room_is_told_as_such() {
    let folder = tempfile::tempdir().unwrap();
    let disk = folder.path().join("disk");
    fs::create_dir(&disk).unwrap();
    let server = Server::fixed("200 OK", &[], "x".repeat(200_000));
    let configuration = json!({"mode": "asking", "urls": server.url("/")});
    fs::write(folder.path().join("configuration.json"), configuration.to_string()).unwrap();
    let mut command = sluice();
    command.current_dir(folder.path()).arg("run").arg(many()).args(["--configuration", "configuration.json"]);
    command.args(["--allow", &server.origin(), "--record", "disk/kept.har"]);
    let Some(output) = on_a_small_disk(&disk, 64, &command) else { return };
    let said = text(&output.stdout) + &text(&output.stderr);
    assert!(said.contains("no space is left on its disk; make room there"), "{said}");
    assert!(said.contains("cassette") && !said.contains("os error"), "{said}");
}
