//! The machine around a sync: machine code, databases and disks that others prepared, cores, and an instance after it
//! trapped.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::components::refused;
use super::{connector, ends, of, stored};
use crate::support::component::{dummy, idle, trapping_in_schema};
use crate::support::{Connector, Sync, text};

/// A connector whose machine code is kept in a folder of its own.
struct Apart {
    folder: tempfile::TempDir,
    connector: Connector,
    _component: tempfile::TempDir,
}

impl Apart {
    fn new() -> Self {
        let (component, path) = stored(&idle());
        Self { folder: tempfile::tempdir().unwrap(), connector: of(&path), _component: component }
    }

    /// Syncs; whether machine code was made.
    fn sync(&self) -> (Option<i32>, bool, String) {
        let mut command = self.connector.command();
        command.env("SLUICE_CACHE_DIR", self.folder.path().join("cache"));
        command.env("SLUICE_STATE_DIR", self.folder.path().join("state"));
        let output = command.output().unwrap();
        let said = text(&output.stdout) + &text(&output.stderr);
        (output.status.code(), said.contains("making machine code"), said)
    }

    #[track_caller]
    fn makes_code(&self, makes: bool) {
        let (code, made, said) = self.sync();
        assert_eq!((code, made), (Some(0), makes), "{said}");
    }

    fn entry(&self) -> PathBuf {
        let entries = fs::read_dir(self.folder.path().join("cache/code")).unwrap().map(|entry| entry.unwrap().path());
        entries.into_iter().find(|path| path.extension().is_some_and(|ending| ending == "cwasm")).unwrap()
    }
}

#[test]
fn poisoned_machine_code_is_made_anew() {
    let it = Apart::new();
    it.makes_code(true);
    it.makes_code(false);
    let mut code = fs::read(it.entry()).unwrap();
    let last = code.len() - 1;
    code[last] ^= 1;
    fs::write(it.entry(), &code).unwrap();
    it.makes_code(true);
    it.makes_code(false);
    // Through a link it is not even read.
    let (entry, moved) = (it.entry(), it.folder.path().join("moved"));
    fs::rename(&entry, &moved).unwrap();
    symlink(&moved, &entry).unwrap();
    it.makes_code(true);
    // Who has another key made other entries.
    fs::remove_file(it.folder.path().join("state/code-cache.key")).unwrap();
    it.makes_code(true);
}

#[test]
fn a_cache_that_others_can_enter_is_refused() {
    let it = Apart::new();
    it.makes_code(true);
    fs::set_permissions(it.folder.path().join("cache/code"), fs::Permissions::from_mode(0o777)).unwrap();
    let (code, _, said) = it.sync();
    assert_eq!(code, Some(5), "{said}");
    assert!(said.contains("is not private") && said.contains("fix its owner and mode"), "{said}");
}

/// Nothing of a sync's secrets is left where machine code is kept, nor can a core file hold them.
#[test]
fn secrets_are_in_no_cache_and_no_core_file() {
    const CANARY: &str = "canary-5d1e-of-a-secret";
    let mut it = Apart::new();
    it.connector = it.connector.with("api_key", CANARY);
    it.makes_code(true);
    for path in files(it.folder.path()) {
        let bytes = fs::read(&path).unwrap();
        assert!(memchr::memmem::find(&bytes, CANARY.as_bytes()).is_none(), "{}", path.display());
    }

    super::warm();
    let sleeping = Connector::mode("endless_sleep").with("api_key", CANARY);
    let mut sync = sleeping.command().stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    for process in [child_of(sync.id()), sync.id()] {
        let limits = fs::read_to_string(format!("/proc/{process}/limits")).unwrap();
        let cores = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
        assert_eq!(cores.split_whitespace().nth(4), Some("0"), "{cores}");
    }
    sync.kill().unwrap();
    sync.wait().unwrap();
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// The process that a process has started; waits for it.
fn child_of(process: u32) -> u32 {
    let began = Instant::now();
    let parent = format!("PPid:\t{process}");
    loop {
        let all = fs::read_dir("/proc").unwrap().filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
        let is_child = |child: &u32| {
            let status = fs::read_to_string(format!("/proc/{child}/status")).unwrap_or_default();
            status.lines().any(|line| line == parent)
        };
        if let Some(child) = all.into_iter().find(is_child) {
            return child;
        }
        assert!(began.elapsed() < Duration::from_secs(120), "no worker was started");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_database_that_was_prepared_is_refused() {
    let (_folder, path) = stored(&idle());
    let hostile = of(&path);
    hostile.succeed();
    let outside = || rusqlite::Connection::open(hostile.database_path()).unwrap();
    outside()
        .execute_batch("CREATE TRIGGER evil AFTER INSERT ON _sluice_meta BEGIN DELETE FROM _sluice_state; END")
        .unwrap();
    let sync = hostile.sync();
    assert_eq!(sync.code, Some(5), "{}", sync.everything());
    assert!(sync.stderr.contains("holds the trigger \"evil\""), "{}", sync.stderr);
    outside().execute_batch("DROP TRIGGER evil; PRAGMA application_id = 1").unwrap();
    let sync = hostile.sync();
    assert_eq!(sync.code, Some(5), "{}", sync.everything());
    assert!(sync.stderr.contains("is not a database of sluice"), "{}", sync.stderr);
}

/// As on a disk that is full: the system refuses to make any file longer than this.
fn with_a_small_disk(connector: &Connector, kib: u32) -> Sync {
    let given = connector.command();
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' XFSZ; ulimit -f \"$0\"; exec \"$@\"", &(kib * 2).to_string()]);
    command.arg(given.get_program()).args(given.get_args());
    for (name, value) in given.get_envs().filter_map(|(name, value)| Some((name, value?))) {
        command.env(name, value);
    }
    let output = command.output().unwrap();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    let events = stdout.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    Sync { code: output.status.code(), stdout, stderr, events, took: Duration::ZERO, peak_kib: 0 }
}

#[test]
fn a_disk_that_is_full_loses_nothing_that_was_checkpointed() {
    super::warm();
    let hostile = Connector::mode("rows_for_ever");
    let sync = with_a_small_disk(&hostile, 2048);
    assert_eq!(sync.code, Some(5), "{}", super::excerpt(&sync));
    assert_eq!(sync.report()["outcome"]["class"], "host", "{}", super::excerpt(&sync));
    assert!(hostile.database().is_sound());
    assert_eq!(super::rows(&hostile, "endless"), 0, "nothing of it was checkpointed");
    super::benign(hostile);
}

#[test]
fn a_component_of_asynchronous_exports_is_refused() {
    refused(&dummy(&[("export sync: func", "export sync: async func")], &[]), &["feature this host keeps off"]);
}

/// `schema` traps: the instance is never entered again, so `sync` says nothing.
#[test]
fn an_instance_that_trapped_is_not_entered_again() {
    let (_folder, path) = stored(&trapping_in_schema());
    ends(of(&path), &connector(&["the component crashed"]), |sync, _| {
        assert!(sync.log().is_empty(), "{:?}", sync.log());
    });
}
