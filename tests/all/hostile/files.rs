//! What other users of the machine may have put where an operator reads and writes.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use super::{of, stored};
use crate::support::component::idle;
use crate::support::{Sync, sluice, text};

fn fifo(path: &Path) {
    assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
}

fn open_to_all(path: &Path) {
    fs::set_permissions(path, fs::Permissions::from_mode(0o666)).unwrap();
}

/// Refused before anything ran, in a sentence that says why.
#[track_caller]
fn refused(sync: &Sync, says: &str) {
    assert_eq!(sync.code, Some(2), "{}", sync.everything());
    assert!(sync.stderr.contains(says), "{says:?} is not in {}", sync.stderr);
    assert!(sync.events.is_empty(), "it ran");
}

#[test]
fn a_pipe_in_the_place_of_a_file_does_not_hang_the_host() {
    let (folder, component) = stored(&idle());
    let pipe = folder.path().join("pipe");
    fifo(&pipe);
    let at = pipe.to_str().unwrap();
    for flag in ["--settings", "--ca-file"] {
        refused(&of(&component).arguments(&[flag, at]).sync(), "is a pipe");
    }
    refused(&of(&pipe).sync(), "is a pipe");
    let warehouse = folder.path().join("warehouse");
    let mut command = sluice();
    command.arg("run").arg(&component).arg("--warehouse").arg(&warehouse).args(["--configuration", at]);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("the configuration") && text(&output.stderr).contains("is a pipe"));
    for state in [["--state", at], ["--replay", at]] {
        let sync = of(&component).arguments(&state).sync();
        refused(&sync, "is a pipe");
    }
}

#[test]
fn decisions_that_everybody_can_change_are_refused() {
    let (folder, component) = stored(&idle());
    let settings = folder.path().join("settings.toml");
    fs::write(&settings, "[limits]\nrows = 1\n").unwrap();
    open_to_all(&settings);
    let flags = ["--settings", settings.to_str().unwrap()];
    refused(&of(&component).arguments(&flags).sync(), "can be written by every user");
    // A link that leads to such a file is no way around.
    let link = folder.path().join("link");
    symlink(&settings, &link).unwrap();
    refused(&of(&component).arguments(&["--settings", link.to_str().unwrap()]).sync(), "can be written by every user");
    fs::set_permissions(&settings, fs::Permissions::from_mode(0o644)).unwrap();
    of(&component).arguments(&flags).succeed();
    // What is too large to be one is not read to its end.
    fs::write(&settings, " ".repeat(5 << 20)).unwrap();
    refused(&of(&component).arguments(&flags).sync(), "is larger than");
}

#[test]
fn a_decision_of_another_user_is_refused() {
    if !is_root() {
        eprintln!("only root can make another user's file; not tested");
        return;
    }
    let (folder, component) = stored(&idle());
    let settings = folder.path().join("settings.toml");
    fs::write(&settings, "[limits]\nrows = 1\n").unwrap();
    std::os::unix::fs::chown(&settings, Some(54_321), None).unwrap();
    let flags = ["--settings", settings.to_str().unwrap()];
    refused(&of(&component).arguments(&flags).sync(), "belongs to user 54321");
    let connector = of(&component);
    connector.succeed();
    for name in ["tested.db", "tested.lock"] {
        let path = connector.warehouse().join(name);
        std::os::unix::fs::chown(&path, Some(54_321), None).unwrap();
        let sync = connector.sync();
        assert_eq!(sync.code, Some(5), "{}", sync.everything());
        assert!(sync.stderr.contains("belongs to user 54321"), "{}", sync.stderr);
        std::os::unix::fs::chown(&path, Some(0), None).unwrap();
    }
    connector.succeed();
}

fn is_root() -> bool {
    fs::read_to_string("/proc/self/status").unwrap().lines().any(|line| line.starts_with("Uid:\t0\t0"))
}

#[test]
fn a_planted_warehouse_is_refused() {
    let (_folder, component) = stored(&idle());
    type Plant = fn(&Path);
    let plants: [(&str, Plant); 4] = [
        ("is not a folder", |at| fs::write(at, "").unwrap()),
        ("is not a folder", fifo),
        ("chmod", |at| {
            fs::create_dir(at).unwrap();
            fs::set_permissions(at, fs::Permissions::from_mode(0o777)).unwrap();
        }),
        ("regular file", |at| {
            fs::create_dir(at).unwrap();
            fs::set_permissions(at, fs::Permissions::from_mode(0o700)).unwrap();
            symlink("/etc/passwd", at.join("tested.db")).unwrap();
        }),
    ];
    for (says, plant) in plants {
        let connector = of(&component);
        plant(&connector.warehouse());
        let sync = connector.sync();
        assert_eq!(sync.code, Some(5), "{says}: {}", sync.everything());
        let said: PathBuf = connector.warehouse();
        assert!(sync.stderr.contains(says) || sync.stderr.contains("cannot create"), "{says}: {}", sync.stderr);
        assert!(sync.stderr.contains(said.to_str().unwrap()), "the place is named: {}", sync.stderr);
    }
}
