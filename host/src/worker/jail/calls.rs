//! The few system calls that no safe library here offers.

#![allow(unsafe_code, reason = "system calls on plain numbers; no memory of this process is handed out")]

use std::io;

fn checked(answer: libc::c_long) -> io::Result<()> {
    match answer {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Closes every descriptor from `first` on.
///
/// Only to be called at the start of a process, while nothing in it owns one of them.
pub(super) fn close_from(first: u32) -> io::Result<()> {
    // SAFETY: three integers; the caller vouches that nobody uses these descriptors.
    if checked(unsafe { libc::syscall(libc::SYS_close_range, first, libc::c_uint::MAX, 0) }).is_ok() {
        return Ok(());
    }
    // A kernel before 5.9, or a container that does not know the call. The list has a descriptor of its own, which is
    // closed with it.
    let listed = std::fs::read_dir("/proc/self/fd")?.flatten();
    let numbers = listed.filter_map(|entry| entry.file_name().to_str()?.parse::<libc::c_int>().ok());
    let open: Vec<libc::c_int> = numbers.filter(|number| u32::try_from(*number).is_ok_and(|n| n >= first)).collect();
    for descriptor in open {
        // SAFETY: an integer; the caller vouches that nobody uses it. One of them is closed already, which is no error here.
        unsafe { libc::close(descriptor) };
    }
    Ok(())
}

/// Makes standard output the same as standard error, which closes what it was.
pub(super) fn forget_output() -> io::Result<()> {
    // SAFETY: two descriptors that every process has; nothing here owns them.
    match unsafe { libc::dup2(libc::STDERR_FILENO, libc::STDOUT_FILENO) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// Whatever this process executes from now on gains nothing by it.
pub(super) fn no_new_privileges() -> io::Result<()> {
    // SAFETY: integers only.
    checked(unsafe { libc::syscall(libc::SYS_prctl, libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) })
}

/// Gives up all capabilities of this thread, and of those that it starts.
pub(super) fn no_capabilities() -> io::Result<()> {
    #[repr(C)]
    struct Header {
        version: u32,
        pid: i32,
    }
    const VERSION_3: u32 = 0x2008_0522;
    let header = Header { version: VERSION_3, pid: 0 };
    // Two sets of effective, permitted and inheritable.
    let none = [[0_u32; 3]; 2];
    // SAFETY: both point to values of the layout that capset(2) defines for this version, and live during the call,
    // which only reads them.
    checked(unsafe { libc::syscall(libc::SYS_capset, &raw const header, none.as_ptr()) })
}

/// Copies this process. `None` in the copy, its number in the original.
///
/// Only to be called by a process that has one thread: in the copy of another one, locks that its other threads held
/// would stay locked, memory that they were changing half changed.
pub(super) fn fork() -> io::Result<Option<i32>> {
    // SAFETY: no memory is handed over. The caller vouches that there is no other thread, so that the copy's memory is
    // as whole as ours, and the C library, which knows of this call, has nothing left to mend.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => Ok(None),
        number => Ok(Some(number)),
    }
}

/// Ends this process as one that did well, at once: nothing is dropped, flushed or called before.
pub(super) fn leave() -> ! {
    // SAFETY: nothing of this process is used any more.
    unsafe { libc::_exit(0) }
}

/// The descriptors below `end` that are open.
pub(super) fn open_below(end: i32) -> Vec<i32> {
    // SAFETY: asks about numbers.
    (0..end).filter(|number| unsafe { libc::fcntl(*number, libc::F_GETFD) } >= 0).collect()
}

/// Puts what is open as `from` in the place of `to`.
///
/// Only to be called for places that every process has, and that nothing here owns: the first three.
pub(super) fn put(from: &impl std::os::fd::AsRawFd, to: i32) -> io::Result<()> {
    // SAFETY: two numbers; the caller vouches that nobody owns the second.
    match unsafe { libc::dup2(from.as_raw_fd(), to) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

/// Closes every descriptor but these, which are in order.
///
/// Only to be called where whatever owned another one was forgotten and is never used nor dropped.
pub(super) fn close_but(kept: &[i32]) -> io::Result<()> {
    let mut first = 0;
    for number in kept {
        if first < *number {
            // SAFETY: three integers; the caller vouches that nobody uses these descriptors.
            checked(unsafe { libc::syscall(libc::SYS_close_range, first, *number - 1, 0) })?;
        }
        first = *number + 1;
    }
    close_from(first.unsigned_abs())
}
