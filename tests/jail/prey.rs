//! What is attacked, what an attacker tries on it, and what each layer answers.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::Instant;

use sluicegate::policy::limits::Limits;

use crate::harness::{COPIED, launch, sync};
use crate::probes::{self, Targets};
use crate::templates;

/// Things beside the sync that must stay as they are.
pub(crate) struct Prey {
    _folder: tempfile::TempDir,
    database: PathBuf,
    listener: TcpListener,
    socket: UnixDatagram,
    targets: Targets,
}

impl Prey {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("other.db");
        fs::write(&database, b"rows of another connection").unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let name = format!("sluice-test-{}-{:?}", std::process::id(), Instant::now());
        let socket = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        socket.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let targets = Targets { other_database: database.clone(), port, socket: name };
        Self { _folder: folder, database, listener, socket, targets }
    }

    pub(crate) fn attacked(&self, layers: &str) -> BTreeMap<String, i64> {
        let (report, lines) = sync(&launch(layers, "probe", &self.targets.arguments()), Limits::default());
        assert_eq!(report.result, Ok(()), "the sync itself goes on: {lines:?}");
        let answers = lines.iter().map(|line| line.rsplit_once('=').unwrap_or_else(|| panic!("{line}")));
        answers.map(|(name, answer)| (name.to_owned(), answer.parse().unwrap())).collect()
    }

    pub(crate) fn unhurt(&self) {
        probes::untouched(&self.database, b"rows of another connection");
        assert!(self.listener.accept().is_err(), "it connected");
        assert!(self.socket.recv(&mut [0]).is_err(), "it spoke to a socket");
    }
}

const EPERM: i64 = libc::EPERM as i64;
const EACCES: i64 = libc::EACCES as i64;

/// What it tries; the answers of the filter alone and of Landlock alone. Zero is what a layer does not keep.
const ATTEMPTS: [(&str, i64, i64); 34] = [
    ("read /etc/passwd", EPERM, EACCES),
    ("read another connection's database", EPERM, EACCES),
    ("write another connection's database", EPERM, EACCES),
    ("make a file beside it", EPERM, EACCES),
    ("list its folder", EPERM, EACCES),
    ("remove it", EPERM, EACCES),
    ("rename it", EPERM, EACCES),
    ("make a link", EPERM, EACCES),
    ("read its own environment", EPERM, EACCES),
    ("read the parent's memory", EPERM, EACCES),
    ("spawn a program", EPERM, EACCES),
    ("execute a program", EPERM, EACCES),
    ("connect to a port", EPERM, EACCES),
    ("listen on a port", EPERM, EACCES),
    ("signal the parent", EPERM, EPERM),
    ("signal everybody", EPERM, -2),
    ("speak to an abstract socket", EPERM, EPERM),
    ("fork", EPERM, -2),
    ("open a datagram socket", EPERM, 0),
    ("open a raw socket", EPERM, EPERM),
    ("open a netlink socket", EPERM, -2),
    ("trace the parent", EPERM, EPERM),
    ("signal a thread of the parent", EPERM, EPERM),
    ("open a process by its number", EPERM, -2),
    ("map memory as code", EPERM, 0),
    ("new user namespace", EPERM, -2),
    ("asynchronous system calls", EPERM, -2),
    ("a file without a name", EPERM, -2),
    ("keys", EPERM, -2),
    ("kernel programs", EPERM, -2),
    ("performance counters", EPERM, -2),
    ("another root", EPERM, -2),
    ("become another user", EPERM, -2),
    ("own another's signals", EPERM, -2),
];

pub(crate) fn expect(answers: &BTreeMap<String, i64>, expected: impl Fn(&(&str, i64, i64)) -> i64) {
    for attempt in &ATTEMPTS {
        let (name, expected) = (attempt.0, expected(attempt));
        // Not this layer's to keep, and not the same on every machine.
        if expected != -2 {
            assert_eq!(answers.get(name), Some(&expected), "{name}: {answers:#?}");
            if COPIED.load(Ordering::Relaxed) && templates::are_possible() {
                let name = format!("template: {name}");
                assert_eq!(answers.get(&name), Some(&expected), "{name}: {answers:#?}");
            }
        }
    }
    assert_eq!(answers.get("environment variables"), Some(&0));
    assert_eq!(answers.get("files it can write"), Some(&0));
    assert_eq!(answers.get("bytes of a core file"), Some(&0));
    // The channel twice, two that go nowhere else, the machine code, the event of the engine.
    assert!(answers["descriptors"] <= 8, "{answers:#?}");
}
