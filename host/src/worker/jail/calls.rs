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
