//! Components that are dear to compile: their compiler ends within its limits, and nothing is kept but the refusal.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use rustix::process::{Resource, Rlimit, setrlimit};
use sluicegate::policy::limits::Limits;
use sluicegate::sandbox::CodeCache;
use sluicegate::worker;

use crate::component::dear;

/// What makes this program compile under limits.
pub(crate) const BOUNDED: &str = "__bounded";

/// Compiles it in processes of their own, one after the other, whose limits are tighter than the compiler's.
fn compiled_with(limit: Resource, limits: &[u64]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let own = std::env::current_exe().unwrap();
    let compile = |most: &u64| {
        let mut process = std::process::Command::new(&own);
        process.arg(BOUNDED).arg(format!("{limit:?}")).arg(most.to_string()).arg(folder.path());
        let said = process.output().unwrap();
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
        String::from_utf8(said.stdout).unwrap()
    };
    let said = limits.iter().map(compile).collect();
    let kept = fs::read_dir(folder.path().join("cache/code")).unwrap().map(|entry| entry.unwrap().path());
    let code =
        kept.into_iter().filter(|path| path.extension().is_none_or(|ending| ending != "refused" && ending != "lock"));
    assert_eq!(code.collect::<Vec<_>>(), Vec::<PathBuf>::new(), "something was kept of it");
    said
}

pub(crate) fn bounded(arguments: &[OsString]) -> ExitCode {
    let limit = if arguments[0] == "Cpu" { Resource::Cpu } else { Resource::Data };
    let most = Some(arguments[1].to_str().unwrap().parse().unwrap());
    setrlimit(limit, Rlimit { current: most, maximum: most }).unwrap();
    let folder = Path::new(&arguments[2]);
    let cache = CodeCache::open(&folder.join("cache"), &folder.join("state")).unwrap();
    let mut compiled = false;
    let refused = worker::admit(&cache, &dear(), &Limits::default(), || compiled = true);
    println!("{} ({})", refused.expect_err("it is too dear"), if compiled { "compiled" } else { "not compiled" });
    ExitCode::SUCCESS
}

pub(crate) fn bomb() {
    let times = compiled_with(Resource::Cpu, &[3, 3, 4]);
    println!("    {}", times.join("    "));
    for time in &times {
        assert!(time.contains("did not finish") && time.contains("SIGXCPU: its processor time is used up"), "{time}");
    }
    assert!(times[0].ends_with("(compiled)\n"), "{times:?}");
    assert!(times[1].contains("not tried again") && times[1].ends_with("(not compiled)\n"), "{times:?}");
    assert!(times[2].ends_with("(compiled)\n"), "with more time it is tried: {times:?}");
    let memory = compiled_with(Resource::Data, &[96 << 20, 96 << 20]);
    println!("    {}", memory.join("    "));
    for memory in &memory {
        assert!(memory.contains("did not finish") && memory.contains("SIGABRT: out of memory"), "{memory}");
    }
    assert!(memory[0].ends_with("(compiled)\n") && memory[1].ends_with("(not compiled)\n"), "{memory:?}");
}
