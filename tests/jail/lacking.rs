//! Machines that lack a layer, as `sluice` meets them: a filter around it answers like an old kernel, or like a
//! container that forbids what it does not know.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output};

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen as Len, SeccompCmpOp as Is, SeccompCondition as Where, SeccompFilter,
    SeccompRule,
};

use crate::component::idle;
use crate::probes;

const LANDLOCK: [i64; 3] =
    [libc::SYS_landlock_create_ruleset, libc::SYS_landlock_add_rule, libc::SYS_landlock_restrict_self];

/// A machine, how it answers the calls that it lacks, and the layers that are missing then.
struct Machine {
    name: &'static str,
    calls: &'static [i64],
    filters: bool,
    answer: i32,
    missing: &'static [&'static str],
}

const MACHINES: [Machine; 7] = [
    Machine { name: "as it is", calls: &[], filters: true, answer: libc::ENOSYS, missing: &[] },
    Machine {
        name: "a kernel before 5.13",
        calls: &LANDLOCK,
        filters: true,
        answer: libc::ENOSYS,
        missing: &["Landlock"],
    },
    Machine {
        name: "Landlock switched off",
        calls: &LANDLOCK,
        filters: true,
        answer: libc::EOPNOTSUPP,
        missing: &["Landlock"],
    },
    Machine {
        name: "a container that forbids Landlock",
        calls: &LANDLOCK,
        filters: true,
        answer: libc::EPERM,
        missing: &["Landlock"],
    },
    Machine {
        name: "a kernel without filters",
        calls: &[],
        filters: false,
        answer: libc::EINVAL,
        missing: &["seccomp"],
    },
    Machine {
        name: "a kernel with neither",
        calls: &LANDLOCK,
        filters: false,
        answer: libc::ENOSYS,
        missing: &["Landlock", "seccomp"],
    },
    Machine {
        name: "a container without namespaces, and that does not know newer calls",
        calls: &[libc::SYS_unshare, libc::SYS_setns, libc::SYS_clone3, libc::SYS_close_range, libc::SYS_pidfd_open],
        filters: true,
        answer: libc::ENOSYS,
        missing: &[],
    },
];

impl Machine {
    fn filter(&self) -> BpfProgram {
        let mut rules: Vec<(i64, Vec<SeccompRule>)> = self.calls.iter().map(|call| (*call, Vec::new())).collect();
        if !self.filters {
            let setting = Where::new(0, Len::Dword, Is::Eq, libc::PR_SET_SECCOMP.cast_unsigned().into()).unwrap();
            rules.push((libc::SYS_prctl, vec![SeccompRule::new(vec![setting]).unwrap()]));
            rules.push((libc::SYS_seccomp, Vec::new()));
        }
        // One that nobody makes, since a filter must have a rule.
        rules.push((libc::SYS_acct, Vec::new()));
        let arch = std::env::consts::ARCH.try_into().unwrap();
        let answer = SeccompAction::Errno(self.answer.cast_unsigned());
        let filter = SeccompFilter::new(rules.into_iter().collect(), SeccompAction::Allow, answer, arch).unwrap();
        filter.try_into().unwrap()
    }

    /// A program on such a machine.
    fn command(&self, program: &Path) -> Command {
        let filter = self.filter();
        let mut command = Command::new(program);
        let caches = Path::new(env!("CARGO_TARGET_TMPDIR")).join("caches");
        command.env("SLUICE_CACHE_DIR", caches.join("cache")).env("SLUICE_STATE_DIR", caches.join("state"));
        // SAFETY: two system calls on memory that was made before.
        unsafe {
            command.pre_exec(move || seccompiler::apply_filter(&filter).map_err(std::io::Error::other));
        }
        command
    }

    fn sluice(&self, arguments: &[&str], folder: &Path) -> (Output, String) {
        let said = self.command(Path::new(env!("CARGO_BIN_EXE_sluice"))).args(arguments).current_dir(folder).output();
        let said = said.unwrap();
        let text = String::from_utf8_lossy(&said.stderr).into_owned();
        (said, text)
    }
}

/// Every command that starts strangers' code says what is missing and goes on, or refuses if that was asked for.
pub fn is_told_and_refused() {
    if !probes::kernel_has_landlock() {
        println!("this kernel has no Landlock itself");
        return;
    }
    for machine in &MACHINES {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("idle.wasm"), idle()).unwrap();
        let run = ["run", "idle.wasm", "--warehouse", "warehouse", "--connection", "tested"];
        let (refused, text) = machine.sluice(&[&run[..], &["--require-jail"]].concat(), folder.path());
        let whole = machine.missing.is_empty();
        assert_eq!(refused.status.success(), whole, "{}: {text}", machine.name);
        assert_eq!(folder.path().join("warehouse/tested.db").exists(), whole, "{}: it ran", machine.name);
        let named = |text: &str| machine.missing.iter().all(|layer| text.contains(layer));
        assert!(named(&text), "{}: {text}", machine.name);

        let (went_on, text) = machine.sluice(&run, folder.path());
        assert!(went_on.status.success(), "{}: {text}", machine.name);
        assert_eq!(text.contains("WARNING: this machine has no"), !whole, "{}: {text}", machine.name);
        assert!(named(&text), "{}: {text}", machine.name);

        let (probed, text) = machine.sluice(&["__tool", "probe"], folder.path());
        assert!(probed.status.success(), "{}: {text}", machine.name);
        let told = String::from_utf8(probed.stdout).unwrap();
        assert_eq!(told.lines().collect::<Vec<_>>(), machine.missing, "{}", machine.name);
        println!("    {}: {}", machine.name, if whole { "whole".to_owned() } else { machine.missing.join(", ") });
    }
}

/// What is left of the wall keeps what it keeps elsewhere.
pub fn the_rest_holds() {
    if !probes::kernel_has_landlock() {
        println!("this kernel has no Landlock itself");
        return;
    }
    let own = std::env::current_exe().unwrap();
    for machine in &MACHINES {
        let mut scenarios = vec!["an_escaped_worker_has_no_privileges"];
        // What it tries would be done where nothing is left to keep it.
        scenarios.extend((machine.missing.len() < 2).then_some("what_the_parent_has_open_is_not_inherited"));
        scenarios.extend(machine.filters.then_some("an_escaped_worker_reaches_nothing"));
        scenarios.extend(machine.missing.is_empty().then_some("landlock_alone_keeps_files_ports_and_signals"));
        for scenario in scenarios {
            let said = machine.command(&own).arg(scenario).output().unwrap();
            let text = String::from_utf8_lossy(&said.stderr);
            assert!(said.status.success(), "{}: {scenario}: {text}", machine.name);
        }
    }
}
