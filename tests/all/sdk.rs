//! The Python SDK's own tests, in an environment of their own.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::{fs, io};

use serde_json::json;

use crate::support::{Connector, repository, seed, text};

/// A virtual environment in the target folder with these requirements, made once for each
/// list of requirements.
pub(crate) fn environment(name: &str, requirements: &str) -> io::Result<PathBuf> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _making = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let home = Path::new(env!("CARGO_TARGET_TMPDIR")).join("python").join(name);
    let (list, made) = (home.join("requirements.txt"), home.join("made.txt"));
    let python = home.join("bin/python");
    if fs::read_to_string(&made).is_ok_and(|made| made == requirements) {
        return Ok(python);
    }
    if home.exists() {
        fs::remove_dir_all(&home)?;
    }
    run(Command::new("python3").args(["-m", "venv"]).arg(&home));
    fs::write(&list, requirements)?;
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"];
    run(Command::new(&python).args(pip).arg(&list));
    fs::rename(&list, &made)?;
    Ok(python)
}

/// Runs a command to its end and answers its output; it must succeed.
fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = format!("{}{}", text(&output.stdout), text(&output.stderr));
    assert!(output.status.success(), "{command:?} failed:\n{said}");
    said
}

#[test]
fn the_tests_of_the_python_sdk() {
    let guest = repository().join("guest-python");
    let requirements = fs::read_to_string(guest.join("requirements-dev.txt")).unwrap();
    let python = environment("sdk", &requirements).unwrap();
    let cache = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pytest-cache");
    let said = run(Command::new(python)
        .current_dir(&guest)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .args(["-m", "pytest", "-q", "--color=no", "-o"])
        .arg(format!("cache_dir={}", cache.display()))
        .arg("tests"));
    let passed = said.lines().rev().find_map(|line| line.split_once(" passed")).expect("pytest counts its tests").0;
    let passed: u32 = passed.rsplit(' ').next().unwrap().parse().unwrap();
    assert!(passed >= 500, "only {passed} tests ran:\n{said}");
    assert!(!said.contains(" skipped"), "a test did not run:\n{said}");
}

#[test]
fn the_extension_sends_what_the_plain_way_sends() {
    let seed = seed().to_string();
    let connector = Connector::mode("fast_way").with("seed", &seed).with("programs", "300");
    connector.succeed();
    assert_eq!(connector.database().query("SELECT programs FROM agreed"), [[json!(300)]]);
}

#[test]
fn a_json_document_means_the_same_to_the_extension() {
    let seed = seed().to_string();
    let connector = Connector::mode("json_way").with("seed", &seed).with("documents", "3000");
    connector.succeed();
    assert_eq!(
        connector.database().query("SELECT documents, most_of_them_fast FROM agreed"),
        [[json!(3000), json!(1)]]
    );
}
