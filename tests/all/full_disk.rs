//! A disk that is full, or a file that may not become larger, is told as that. The disk is a small one of memory, which
//! only root can make; where it cannot be made, `room::tests` and `destination` are what is left.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::json;

use crate::support::server::Server;
use crate::support::{after, many, sluice, text};

/// Runs a command with a disk of so many KiB at `disk`, in a namespace of its own. None when there can be none.
fn on_a_small_disk(disk: &Path, kib: u32, command: &Command) -> Option<Output> {
    // Tried by itself first, so that no end of the command is taken for a disk that could not be made.
    let mounted = |command: &Command| {
        let script = format!("mount -t tmpfs -o size={kib}k none \"$1\" || exit 1");
        after(&script, &["unshare", "--mount", "sh"], &[disk], command).output()
    };
    let tried = rustix::process::geteuid().is_root().then(|| mounted(&Command::new("true")).ok()).flatten();
    if !tried.is_some_and(|tried| tried.status.success()) {
        eprintln!("no small disk can be made here: nothing was tested");
        return None;
    }
    Some(mounted(command).expect("it was mounted a moment ago"))
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
        assert_eq!(said.contains("items ("), kib == 1_200, "{kib} KiB: {said}");
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
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(said.contains("no space is left on its disk; make room there"), "{said}");
    assert!(said.contains("cassette") && !said.contains("os error"), "{said}");
}

/// Runs it as a process whose files may become so large, in blocks of 512 bytes.
fn with_small_files(blocks: u32, command: &Command) -> Output {
    after(&format!("ulimit -f {blocks}"), &["sh"], &[], command).output().unwrap()
}

#[test]
fn a_history_of_runs_without_room_is_told_with_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let disk = folder.path().join("disk");
    fs::create_dir(&disk).unwrap();
    let made = command(folder.path(), &[]).output().unwrap();
    assert!(made.status.success(), "{}", text(&made.stderr));
    // As it was, on a disk on which nothing else fits.
    fs::rename(&disk, folder.path().join("kept")).unwrap();
    fs::create_dir(&disk).unwrap();
    let filled = "cp -r kept/. disk && cat /dev/zero 2> log > disk/rest";
    // Too little for what SQLite shares beside a database, and enough for that but not for its log.
    for spare in [0, 36] {
        let script = format!("head -c {spare}K /dev/zero > disk/spare; {filled}; rm disk/spare");
        let mut prune = sluice();
        prune.current_dir(folder.path()).args(["runs", "prune", "--warehouse", "disk/warehouse"]);
        let filled = after(&script, &["sh"], &[], prune.args(["--keep", "5", "--always"]));
        let Some(output) = on_a_small_disk(&disk, 8_000, &filled) else { return };
        let said = text(&output.stdout) + &text(&output.stderr);
        assert_eq!(output.status.code(), Some(5), "{spare} KiB: {said}");
        assert!(said.contains("no space is left on the disk of") && said.contains("/disk/warehouse/runs.db"), "{said}");
        assert!(said.contains("make room there"), "{said}");
        for code in ["Error code", "database or disk is full", "disk I/O error"] {
            assert!(!said.contains(code), "{code} is in {said}");
        }
    }
}

#[test]
fn a_file_that_may_not_become_larger_is_told_as_such() {
    // Whatever has to be made once is made without a limit.
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("disk")).unwrap();
    let whole = command(folder.path(), &[]).output().unwrap();
    assert!(whole.status.success(), "{}", text(&whole.stderr));
    for blocks in [16, 100, 1_000] {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("disk")).unwrap();
        let output = with_small_files(blocks, &command(folder.path(), &[]));
        let said = text(&output.stdout) + &text(&output.stderr);
        assert_eq!(output.status.code(), Some(5), "{blocks}: {said}");
        assert!(said.contains("a file may not become larger here (`ulimit -f`) than "), "{blocks}: {said}");
        assert!(said.contains("full.db: what was checkpointed is kept"), "{blocks}: {said}");
        assert_eq!(said.contains("items ("), blocks == 1_000, "{blocks}: {said}");
        assert!(!said.contains("disk I/O error") && !said.contains("os error"), "{blocks}: {said}");
    }
}
