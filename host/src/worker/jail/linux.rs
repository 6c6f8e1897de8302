//! The layers of Linux.

use std::io;
use std::os::fd::OwnedFd;

use landlock::{ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, Ruleset, RulesetAttr, RulesetStatus, Scope};
use rustix::process::{
    DumpableBehavior, Pid, Resource, Rlimit, getppid, set_dumpable_behavior, set_parent_process_death_signal, setpgid,
    setrlimit,
};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen as Len, SeccompCmpOp as Is, SeccompCondition as Where, SeccompFilter,
    SeccompRule,
};

use super::calls;
use super::{Bounds, Layers, Wanted, Work};

/// Descriptors of a worker: its channel, its machine code, the event loop.
const DESCRIPTORS: u64 = 64;
/// Descriptors of a tool, which opens the folders and files of a build.
const DESCRIPTORS_OF_TOOLS: u64 = 1024;
/// Where descriptors of a template that is ready are looked for.
const DESCRIPTORS_LOOKED_AT: i32 = 256;
/// Address space. An engine reserves 4 GiB and guards for each memory and touches what is used.
const ADDRESS_SPACE: u64 = 64 << 30;
/// Landlock as far as this is known here; an older kernel enforces what it knows of it.
pub(super) const LANDLOCK: ABI = ABI::V6;

/// Closes what was inherited; dies with its parent; shows its memory to nobody.
pub(in crate::worker) fn prepare() {
    // Each fails only on systems that lack it, where a later layer is reported missing.
    let _ = calls::close_from(3);
    let _ = set_parent_process_death_signal(Some(rustix::process::Signal::KILL));
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}

/// The copy that a process with one thread makes of itself.
pub(in crate::worker) enum Copied {
    /// This is still the original; the copy has this number.
    Original(Pid),
    /// This is the copy.
    Copy,
}

/// Copies this process, which must have one thread.
pub(in crate::worker) fn copy() -> io::Result<Copied> {
    let number = calls::fork()?;
    Ok(number.and_then(Pid::from_raw).map_or(Copied::Copy, Copied::Original))
}

/// What is open now.
pub(in crate::worker) fn open() -> Vec<i32> {
    calls::open_below(DESCRIPTORS_LOOKED_AT)
}

/// Makes a fresh copy of a process a worker of its own: these two as its standard input and error, of the rest only
/// what is kept, and its end with that of `parent`.
///
/// Whatever owned other descriptors must have been forgotten.
pub(in crate::worker) fn part(channel: &OwnedFd, words: &OwnedFd, kept: &[i32], parent: Pid) -> io::Result<()> {
    set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
    // It may have ended before that.
    if getppid() != Some(parent) {
        return Err(io::Error::other("the template has ended"));
    }
    setpgid(None, None)?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    calls::put(channel, 0)?;
    calls::put(words, 2)?;
    calls::forget_output()?;
    calls::close_but(kept)
}

/// What a template may never do, nor those that it makes. It outlives the thread that started it, and ends when
/// nobody has the other end of its channel.
pub(in crate::worker) fn enter_template(wanted: Wanted) {
    let _ = set_parent_process_death_signal(None);
    // Workers do it again for themselves and say what is missing.
    let _ = calls::no_capabilities();
    let _ = calls::no_new_privileges();
    if wanted.landlock {
        let _ = no_files();
    }
}

/// Lets go of the file that came as standard output.
pub(in crate::worker) fn forget_output() {
    // It could only be read, and only by this process.
    let _ = calls::forget_output();
}

pub(in crate::worker) fn leave() -> ! {
    calls::leave()
}

pub(in crate::worker) fn limit(bounds: &Bounds) -> bool {
    set(bounds, &[(Resource::Nofile, DESCRIPTORS), (Resource::As, ADDRESS_SPACE)])
}

pub(in crate::worker) fn limit_tool(bounds: &Bounds) -> bool {
    set(bounds, &[(Resource::Nofile, DESCRIPTORS_OF_TOOLS)])
}

pub(in crate::worker) fn in_force(bounds: Bounds) -> Bounds {
    let least = |resource, value: u64| value.min(rustix::process::getrlimit(resource).maximum.unwrap_or(u64::MAX));
    Bounds {
        memory: least(Resource::Data, bounds.memory),
        cpu_seconds: least(Resource::Cpu, bounds.cpu_seconds),
        file: least(Resource::Fsize, bounds.file),
    }
}

fn set(bounds: &Bounds, more: &[(Resource, u64)]) -> bool {
    let limits = [
        (Resource::Core, 0),
        (Resource::Fsize, bounds.file),
        (Resource::Data, bounds.memory),
        (Resource::Cpu, bounds.cpu_seconds),
        (Resource::Msgqueue, 0),
        (Resource::Memlock, 0),
    ];
    let mut all = true;
    for (resource, value) in limits.into_iter().chain(more.iter().copied()) {
        // An administrator's own, lower limit stays.
        let most = rustix::process::getrlimit(resource).maximum.unwrap_or(u64::MAX);
        let (current, maximum) = match resource {
            // At the one it is told, at the other it is killed, which says less.
            Resource::Cpu => (value.min(most.saturating_sub(1)), value.saturating_add(1).min(most)),
            _ => (value.min(most), value.min(most)),
        };
        all &= setrlimit(resource, Rlimit { current: Some(current), maximum: Some(maximum) }).is_ok();
    }
    all
}

pub(in crate::worker) fn enter(work: Work, wanted: Wanted) -> Layers {
    let no_privileges = calls::no_capabilities().is_ok() & calls::no_new_privileges().is_ok();
    let landlock = wanted.landlock && no_files().unwrap_or(false);
    let seccomp = wanted.seccomp && filter(work).is_ok();
    Layers { limits: true, no_privileges, landlock, seccomp }
}

/// No rule follows, so nothing is allowed of what is handled.
fn no_files() -> Result<bool, landlock::RulesetError> {
    let status = Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(LANDLOCK))?
        .handle_access(AccessNet::from_all(LANDLOCK))?
        .scope(Scope::from_all(LANDLOCK))?
        .create()?
        .restrict_self()?;
    Ok(status.ruleset != RulesetStatus::NotEnforced)
}

pub(super) type Rule = (i64, Vec<SeccompRule>);

fn filter(work: Work) -> io::Result<()> {
    let failed = |error: &dyn std::fmt::Display| io::Error::other(error.to_string());
    // Its flags lie in memory, where a filter cannot look; libraries then use `clone`.
    let no_clone3 = program(vec![(libc::SYS_clone3, vec![])], SeccompAction::Allow, SeccompAction::Errno(ENOSYS))?;
    let rules = allowed(work).map_err(|error| failed(&error))?;
    let rest = program(rules, SeccompAction::Errno(EPERM), SeccompAction::Allow)?;
    seccompiler::apply_filter(&no_clone3).map_err(|error| failed(&error))?;
    seccompiler::apply_filter(&rest).map_err(|error| failed(&error))
}

const ENOSYS: u32 = libc::ENOSYS.cast_unsigned();
pub(super) const EPERM: u32 = libc::EPERM.cast_unsigned();

pub(super) fn program(rules: Vec<Rule>, otherwise: SeccompAction, action: SeccompAction) -> io::Result<BpfProgram> {
    let arch = std::env::consts::ARCH.try_into().map_err(io::Error::other)?;
    let filter = SeccompFilter::new(rules.into_iter().collect(), otherwise, action, arch);
    filter.and_then(BpfProgram::try_from).map_err(io::Error::other)
}

/// What a process may still ask the system. Nothing here names a file, an address or another process.
fn allowed(work: Work) -> Result<Vec<Rule>, seccompiler::BackendError> {
    let any = |call: i64| (call, Vec::new());
    let mut rules: Vec<Rule> = FREELY.iter().copied().map(any).collect();
    #[cfg(target_arch = "x86_64")]
    rules.extend([libc::SYS_epoll_wait, libc::SYS_poll].map(any));
    if work == Work::Compiling {
        // The temporary file of the machine code, by its descriptor.
        rules.extend([libc::SYS_ftruncate, libc::SYS_pwrite64].map(any));
    }
    let own = u64::from(std::process::id());
    let thread = libc::CLONE_THREAD.cast_unsigned().into();
    let no_code = || Where::new(2, Len::Dword, Is::MaskedEq(libc::PROT_EXEC.cast_unsigned().into()), 0);
    let stream = libc::SOCK_STREAM.cast_unsigned().into();
    let only: [(i64, Vec<Where>); 8] = [
        (libc::SYS_mmap, vec![no_code()?]),
        (libc::SYS_mprotect, vec![no_code()?]),
        (libc::SYS_clone, vec![Where::new(0, Len::Qword, Is::MaskedEq(thread), thread)?]),
        (libc::SYS_tgkill, vec![Where::new(0, Len::Dword, Is::Eq, own)?]),
        (libc::SYS_prctl, vec![Where::new(0, Len::Dword, Is::Eq, libc::PR_SET_NAME.cast_unsigned().into())?]),
        (libc::SYS_ioctl, vec![Where::new(1, Len::Dword, Is::Eq, libc::FIONBIO)?]),
        // Asking, not setting.
        (libc::SYS_prlimit64, vec![Where::new(0, Len::Dword, Is::Eq, 0)?, Where::new(2, Len::Qword, Is::Eq, 0)?]),
        // Two ends of nothing outside; a datagram socket could be pointed elsewhere.
        (
            libc::SYS_socketpair,
            vec![
                Where::new(0, Len::Dword, Is::Eq, libc::AF_UNIX.cast_unsigned().into())?,
                Where::new(1, Len::Dword, Is::MaskedEq(0xf), stream)?,
            ],
        ),
    ];
    for (call, conditions) in only {
        rules.push((call, vec![SeccompRule::new(conditions)?]));
    }
    // Not `F_SETOWN`, by which a descriptor signals another process.
    let commands = [libc::F_GETFD, libc::F_SETFD, libc::F_GETFL, libc::F_SETFL, libc::F_DUPFD_CLOEXEC];
    let command = |number: i32| Where::new(1, Len::Dword, Is::Eq, number.cast_unsigned().into());
    let fcntl: Result<Vec<_>, _> =
        commands.into_iter().map(|number| SeccompRule::new(vec![command(number)?])).collect();
    rules.push((libc::SYS_fcntl, fcntl?));
    Ok(rules)
}

/// Descriptors that are open, memory, threads, time, chance and this process's own signals.
const FREELY: [i64; 44] = [
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_readv,
    libc::SYS_writev,
    libc::SYS_pread64,
    libc::SYS_lseek,
    libc::SYS_fstat,
    libc::SYS_close,
    libc::SYS_recvfrom,
    libc::SYS_recvmsg,
    libc::SYS_sendto,
    libc::SYS_sendmsg,
    libc::SYS_shutdown,
    libc::SYS_epoll_create1,
    libc::SYS_epoll_ctl,
    libc::SYS_epoll_pwait,
    libc::SYS_eventfd2,
    libc::SYS_ppoll,
    libc::SYS_brk,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_membarrier,
    libc::SYS_futex,
    libc::SYS_clone3,
    libc::SYS_set_robust_list,
    libc::SYS_rseq,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_gettid,
    libc::SYS_getpid,
    libc::SYS_sched_yield,
    libc::SYS_sched_getaffinity,
    libc::SYS_restart_syscall,
    libc::SYS_nanosleep,
    libc::SYS_clock_nanosleep,
    libc::SYS_clock_gettime,
    // Without it the clock of the engine has no resolution but what lies on the stack.
    libc::SYS_clock_getres,
    libc::SYS_gettimeofday,
    libc::SYS_getrandom,
    libc::SYS_sigaltstack,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
];
