//! The layers of Linux for programs of others: what they may not do is listed, since what they need is not known.

use std::path::{Path, PathBuf};

use landlock::{
    Access, AccessFs, AccessNet, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetCreated, RulesetCreatedAttr,
    RulesetError, RulesetStatus, Scope, path_beneath_rules,
};
use seccompiler::{SeccompAction, SeccompCmpArgLen as Len, SeccompCmpOp as Is, SeccompCondition as Where, SeccompRule};

use super::calls;
use super::system::{EPERM, LANDLOCK, Rule, program};
use super::{Layers, Places};

/// Where programs and their libraries lie, as far as they are there.
const SYSTEM: [&str; 8] = ["/usr", "/bin", "/lib", "/lib32", "/lib64", "/etc/ld.so.cache", "/nix/store", "/gnu/store"];
/// What of a device or of the process itself is read by usual libraries.
const READ: [&str; 4] = ["/dev/urandom", "/dev/random", "/dev/zero", "/proc/self"];
/// The folders of an interpreter that lies elsewhere. Not what is around them: that could be somebody's home.
const OF_AN_INTERPRETER: [&str; 5] = ["bin", "lib", "lib64", "include", "pyvenv.cfg"];

pub(in crate::worker) fn enter_tool(places: &Places) -> Layers {
    let no_privileges = calls::no_capabilities().is_ok() & calls::no_new_privileges().is_ok();
    let landlock = files(places).unwrap_or(false);
    let seccomp = filter(places.network).is_ok();
    Layers { limits: true, no_privileges, landlock, seccomp }
}

fn files(places: &Places) -> Result<bool, RulesetError> {
    let ruleset = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(LANDLOCK))?
        .handle_access(if places.network { AccessNet::BindTcp.into() } else { AccessNet::from_all(LANDLOCK) })?
        .scope(Scope::from_all(LANDLOCK))?
        .create()?;
    let reading = AccessFs::ReadFile | AccessFs::ReadDir;
    let ruleset = allow(ruleset, interpreter(&places.program), reading | AccessFs::Execute)?;
    let ruleset = allow(ruleset, SYSTEM.map(PathBuf::from), reading | AccessFs::Execute)?;
    let ruleset = allow(ruleset, READ.map(PathBuf::from), reading)?;
    let ruleset = allow(ruleset, places.read.clone(), reading)?;
    let ruleset = allow(ruleset, places.run.clone(), AccessFs::ReadFile | AccessFs::Execute)?;
    let ruleset = allow(ruleset, [PathBuf::from("/dev/null")], AccessFs::ReadFile | AccessFs::WriteFile)?;
    // Not devices, sockets and FIFOs, which no build makes.
    let made = AccessFs::MakeReg | AccessFs::MakeDir | AccessFs::MakeSym | AccessFs::RemoveFile | AccessFs::RemoveDir;
    let writing = AccessFs::WriteFile | AccessFs::Truncate | AccessFs::Refer;
    let ruleset = allow(ruleset, places.write.clone(), reading | writing | made)?;
    Ok(ruleset.restrict_self()?.ruleset != RulesetStatus::NotEnforced)
}

/// What does not exist allows nothing.
fn allow(
    ruleset: RulesetCreated,
    paths: impl IntoIterator<Item = PathBuf>,
    access: landlock::BitFlags<AccessFs>,
) -> Result<RulesetCreated, RulesetError> {
    ruleset.add_rules(path_beneath_rules(paths, access))
}

/// A virtual environment, and the interpreter that it was made from.
fn interpreter(program: &Path) -> Vec<PathBuf> {
    let mut homes: Vec<PathBuf> = Vec::new();
    // Links one after the other: an environment of an environment, a version beside its name.
    let mut link = program.to_path_buf();
    for _ in 0..8 {
        homes.extend(link.parent().and_then(Path::parent).map(Path::to_path_buf));
        let Ok(next) = std::fs::read_link(&link) else { break };
        link = link.parent().map_or(next.clone(), |folder| folder.join(&next));
    }
    let parts = homes.iter().flat_map(|home| OF_AN_INTERPRETER.map(|part| home.join(part)));
    parts.chain(program.canonicalize()).collect()
}

/// What making a connection needs.
const CONNECTING: [i64; 2] = [libc::SYS_socket, libc::SYS_connect];

/// Being connected to, other processes, and whole subsystems that no build needs and that faults were found in.
const NEVER: [i64; 48] = [
    libc::SYS_bind,
    libc::SYS_listen,
    libc::SYS_accept,
    libc::SYS_accept4,
    libc::SYS_io_uring_setup,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_process_madvise,
    libc::SYS_kcmp,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_pidfd_send_signal,
    libc::SYS_kill,
    libc::SYS_tkill,
    libc::SYS_rt_sigqueueinfo,
    libc::SYS_rt_tgsigqueueinfo,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_open_tree,
    libc::SYS_move_mount,
    libc::SYS_fsopen,
    libc::SYS_fspick,
    libc::SYS_mount_setattr,
    libc::SYS_open_by_handle_at,
    libc::SYS_name_to_handle_at,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_acct,
    libc::SYS_quotactl,
    libc::SYS_fanotify_init,
];

fn filter(network: bool) -> std::io::Result<()> {
    let mut rules: Vec<Rule> = NEVER.into_iter().map(|call| (call, Vec::new())).collect();
    if network {
        rules.push((libc::SYS_socket, vec![not_of_the_internet().map_err(std::io::Error::other)?]));
    } else {
        rules.extend(CONNECTING.map(|call| (call, Vec::new())));
    }
    let program = program(rules, SeccompAction::Allow, SeccompAction::Errno(EPERM))?;
    seccompiler::apply_filter(&program).map_err(std::io::Error::other)
}

/// Sockets of this machine lead to its other programs: an agent with keys, a service that starts containers.
fn not_of_the_internet() -> Result<SeccompRule, seccompiler::BackendError> {
    let not = |family: i32| Where::new(0, Len::Dword, Is::Ne, family.cast_unsigned().into());
    SeccompRule::new(vec![not(libc::AF_INET)?, not(libc::AF_INET6)?])
}
