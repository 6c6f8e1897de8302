//! What an escaped connector tries. Each attempt says how the system answered.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where to attack, as arguments of a worker.
pub struct Targets {
    pub other_database: PathBuf,
    pub port: u16,
    pub socket: String,
}

impl Targets {
    pub fn arguments(&self) -> [OsString; 3] {
        [self.other_database.clone().into(), self.port.to_string().into(), self.socket.clone().into()]
    }

    pub fn parse(arguments: &[OsString]) -> Self {
        let text = |at: usize| arguments[at].to_str().unwrap().to_owned();
        Self { other_database: text(0).into(), port: text(1).parse().unwrap(), socket: text(2) }
    }
}

fn system(answer: libc::c_long) -> io::Result<()> {
    if answer < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// A system call on numbers alone.
fn call(number: libc::c_long, arguments: [libc::c_long; 6]) -> io::Result<()> {
    let [a, b, c, d, e, f] = arguments;
    // SAFETY: the arguments point nowhere; what the call does to this process is what is tested.
    system(unsafe { libc::syscall(number, a, b, c, d, e, f) })
}

/// Whether the kernel knows Landlock, asked without the program that is tested.
pub fn kernel_has_landlock() -> bool {
    // SAFETY: asks for a version; nothing is pointed to.
    unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, std::ptr::null::<u8>(), 0, 1) > 0 }
}

/// Every attempt by name.
pub fn all(targets: &Targets, parent_id: libc::c_long) -> Vec<(&'static str, io::Result<()>)> {
    let database = &targets.other_database;
    let address = ("127.0.0.1", targets.port);
    let page = 4096;
    let executable = libc::c_long::from(libc::PROT_READ | libc::PROT_EXEC);
    let memory = libc::c_long::from(libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
    vec![
        ("read /etc/passwd", File::open("/etc/passwd").map(drop)),
        ("read another connection's database", File::open(database).map(drop)),
        ("write another connection's database", OpenOptions::new().append(true).open(database).map(drop)),
        ("make a file beside it", File::create_new(database.with_extension("planted")).map(drop)),
        ("list its folder", std::fs::read_dir(database.parent().unwrap()).map(drop)),
        ("remove it", std::fs::remove_file(database)),
        ("rename it", std::fs::rename(database, database.with_extension("gone"))),
        ("make a link", std::os::unix::fs::symlink(database, database.with_extension("link"))),
        ("read its own environment", File::open("/proc/self/environ").map(drop)),
        ("read the parent's memory", File::open(format!("/proc/{parent_id}/mem")).map(drop)),
        ("spawn a program", Command::new("/bin/true").spawn().map(drop)),
        ("execute a program", execute()),
        ("connect to a port", TcpStream::connect(address).map(drop)),
        ("listen on a port", TcpListener::bind("127.0.0.1:0").map(drop)),
        ("signal the parent", call(libc::SYS_kill, [parent_id, 0, 0, 0, 0, 0])),
        ("signal everybody", call(libc::SYS_kill, [-1, 0, 0, 0, 0, 0])),
        ("speak to an abstract socket", abstract_socket(&targets.socket)),
        ("fork", fork()),
        ("open a datagram socket", UdpSocket::bind("127.0.0.1:0").map(drop)),
        ("open a raw socket", call(libc::SYS_socket, [libc::AF_INET.into(), libc::SOCK_RAW.into(), 1, 0, 0, 0])),
        ("open a netlink socket", call(libc::SYS_socket, [libc::AF_NETLINK.into(), libc::SOCK_RAW.into(), 0, 0, 0, 0])),
        ("trace the parent", call(libc::SYS_ptrace, [libc::PTRACE_SEIZE.into(), parent_id, 0, 0, 0, 0])),
        ("signal a thread of the parent", call(libc::SYS_tgkill, [parent_id, parent_id, 0, 0, 0, 0])),
        ("open a process by its number", call(libc::SYS_pidfd_open, [parent_id, 0, 0, 0, 0, 0])),
        ("map memory as code", call(libc::SYS_mmap, [0, page, executable, memory, -1, 0])),
        ("new user namespace", call(libc::SYS_unshare, [libc::CLONE_NEWUSER.into(), 0, 0, 0, 0, 0])),
        ("asynchronous system calls", call(libc::SYS_io_uring_setup, [8, 0, 0, 0, 0, 0])),
        ("a file without a name", call(libc::SYS_memfd_create, [0, 0, 0, 0, 0, 0])),
        ("keys", call(libc::SYS_keyctl, [0, -3, 0, 0, 0, 0])),
        ("kernel programs", call(libc::SYS_bpf, [0, 0, 0, 0, 0, 0])),
        ("performance counters", call(libc::SYS_perf_event_open, [0, 0, -1, -1, 0, 0])),
        ("another root", call(libc::SYS_chroot, [0, 0, 0, 0, 0, 0])),
        ("become another user", call(libc::SYS_setuid, [12345, 0, 0, 0, 0, 0])),
        ("own another's signals", call(libc::SYS_fcntl, [0, libc::F_SETOWN.into(), parent_id, 0, 0, 0])),
    ]
}

/// What is left to it without asking.
pub fn surroundings() -> Vec<(&'static str, usize)> {
    let descriptors = (0..1024).filter(|descriptor| {
        // SAFETY: asks about a number.
        unsafe { libc::fcntl(*descriptor, libc::F_GETFD) >= 0 }
    });
    let writable = (0..1024).filter(|descriptor| {
        // SAFETY: the second argument is a value of the size that the call fills.
        let file = unsafe {
            let mut about: libc::stat = std::mem::zeroed();
            libc::fstat(*descriptor, &raw mut about) == 0 && about.st_mode & libc::S_IFMT == libc::S_IFREG
        };
        // SAFETY: asks about a number.
        file && unsafe { libc::fcntl(*descriptor, libc::F_GETFL) } & libc::O_ACCMODE != libc::O_RDONLY
    });
    let core = rustix::process::getrlimit(rustix::process::Resource::Core).maximum;
    vec![
        ("environment variables", std::env::vars_os().count()),
        ("descriptors", descriptors.count()),
        ("files it can write", writable.count()),
        ("bytes of a core file", usize::try_from(core.unwrap_or(u64::MAX)).unwrap_or(usize::MAX)),
    ]
}

/// What the system says of this process's privileges.
pub fn status() -> Vec<(String, String)> {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let lines = text.lines().filter_map(|line| line.split_once(':'));
    let told = lines.filter(|(name, _)| name.starts_with("Cap") || *name == "NoNewPrivs");
    told.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect()
}

fn execute() -> io::Result<()> {
    let program = c"/bin/true";
    let none: [*const libc::c_char; 1] = [std::ptr::null()];
    // SAFETY: a text with an end, and two lists with one.
    system(unsafe { libc::execve(program.as_ptr(), none.as_ptr(), none.as_ptr()) }.into())
}

fn fork() -> io::Result<()> {
    // SAFETY: numbers; a copy of this process ends at once.
    let answer = unsafe { libc::syscall(libc::SYS_clone, libc::c_long::from(libc::SIGCHLD), 0, 0, 0, 0) };
    if answer == 0 {
        // SAFETY: ends this copy, which must not go on as a test.
        unsafe { libc::_exit(0) }
    }
    system(answer)
}

fn abstract_socket(name: &str) -> io::Result<()> {
    use std::os::linux::net::SocketAddrExt;
    let address = std::os::unix::net::SocketAddr::from_abstract_name(name)?;
    UnixDatagram::unbound()?.send_to_addr(b"x", &address).map(drop)
}

/// The file must still be what it was.
pub fn untouched(path: &Path, bytes: &[u8]) {
    assert_eq!(std::fs::read(path).expect("it is still there"), bytes);
    let beside = std::fs::read_dir(path.parent().unwrap()).unwrap().count();
    assert_eq!(beside, 1, "something was planted");
}
