//! Workers as their parent has them: started, jailed, waited for, ended.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, PipeReader, PipeWriter, Read};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::io::ioctl_fionbio;

use super::frame::{read, write};
use super::jail::Layers;
use super::message::{Open, Opened, VERSION};
use super::shared::{Shelf, lend};
#[cfg(target_os = "linux")]
use super::template::Copy;
use super::template::Templates;
use crate::parcel::Parcel;
use crate::policy::limits::Limits;

/// The program that this process runs, also when the file has been replaced since.
pub(super) const OURSELVES: &str = "/proc/self/exe";
/// How long a worker may take to be ready.
pub(super) const READY_WITHIN: Duration = Duration::from_secs(60);
/// The longest message of a worker that nothing of the component ran in.
pub(super) const LONGEST_OPENED: usize = 64 * 1024;
/// How long a process that closed its channel may take to end.
const ENDS_WITHIN: Duration = Duration::from_millis(500);
/// What is kept of what a worker writes to its standard error, which is nothing unless it crashes.
const LAST_WORDS_BYTES: usize = 2 * 1024;

/// A component's machine code that may be run in workers.
#[derive(Debug)]
pub struct Code {
    digest: String,
    /// The name of the machine code, which components may share.
    name: String,
    file: File,
    /// The project that lies in the component.
    parcel: Option<Parcel>,
}

impl Code {
    pub(super) fn new(digest: String, name: String, file: File, parcel: Option<Parcel>) -> Self {
        Self { digest, name, file, parcel: parcel.map(lend) }
    }

    /// SHA-256 of the component with its project, in hex.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }
}

/// How workers are started.
#[derive(Clone, Debug)]
pub struct Launch {
    /// Arguments of this program that make it a worker.
    pub arguments: Vec<OsString>,
    /// Whether a worker must have every layer of the jail.
    pub require_jail: bool,
    /// Templates that workers may be copied from.
    pub templates: Option<Arc<Templates>>,
}

impl Default for Launch {
    fn default() -> Self {
        Self { arguments: vec![super::WORKER.into()], require_jail: false, templates: None }
    }
}

impl Templates {
    /// A worker copied from the template of this code, and our end of its channel; `None` when it has none.
    #[cfg(target_os = "linux")]
    fn worker(&self, code: &Code, launch: &Launch) -> Option<(Process, UnixStream)> {
        let (channel, theirs) = UnixStream::pair().ok()?;
        let process = self.copy(&code.name, &code.file, launch, &theirs)?;
        Some((process, channel))
    }

    #[cfg(not(target_os = "linux"))]
    fn worker(&self, _: &Code, _: &Launch) -> Option<(Process, UnixStream)> {
        None
    }
}

/// Why there is no worker.
#[derive(Debug, thiserror::Error)]
pub enum WorkerError {
    /// The system could not start it.
    #[error("could not start a worker process: {0}")]
    Start(#[source] io::Error),
    /// It ended before it was ready.
    #[error("the worker process did not get ready: {0}")]
    NotReady(String),
    /// The machine code does not fit.
    #[error("the component does not fit the contract: {0}")]
    Refused(String),
    /// A layer of the jail is missing and was required.
    #[error("this machine cannot jail a worker as --require-jail demands: {} missing", .0.join(" and "))]
    Jail(Vec<&'static str>),
}

/// A worker that is jailed and has the component's code, and does not know yet what to do.
#[derive(Debug)]
pub struct Worker {
    digest: String,
    process: Process,
    channel: UnixStream,
    layers: Layers,
    parcel: Option<Parcel>,
    shelf: Option<Arc<Shelf>>,
}

/// What a worker is made of.
pub(super) struct Parts {
    pub(super) process: Process,
    pub(super) channel: UnixStream,
    pub(super) parcel: Option<Parcel>,
    /// The memory that it reads.
    pub(super) shelf: Option<Arc<Shelf>>,
}

impl Worker {
    /// Starts a worker. The limits must be those of the work it is given later.
    ///
    /// # Errors
    /// See [`WorkerError`].
    pub fn open(code: &Code, limits: &Limits, launch: &Launch) -> Result<Self, WorkerError> {
        Self::open_with(code, limits, launch, None)
    }

    /// The same, with another project than the component's own.
    ///
    /// # Errors
    /// See [`WorkerError`].
    pub fn open_with(
        code: &Code,
        limits: &Limits,
        launch: &Launch,
        parcel: Option<Parcel>,
    ) -> Result<Self, WorkerError> {
        let parcel = parcel.or_else(|| code.parcel.clone());
        let copied = launch.templates.as_ref().and_then(|templates| templates.worker(code, launch));
        if let (Some((process, channel)), Some(templates)) = (copied, &launch.templates) {
            match Self::opened(code, limits, launch, parcel.clone(), process, channel) {
                Ok(worker) => return Ok(worker),
                // None of the component has run. What was not the fault of its template happens again.
                Err(_) => templates.failed(),
            }
        }
        let (channel, theirs) = UnixStream::pair().map_err(WorkerError::Start)?;
        let output = code.file.try_clone().map_err(WorkerError::Start)?;
        let process = Process::start(launch.arguments.iter(), OwnedFd::from(theirs).into(), output.into())
            .map_err(WorkerError::Start)?;
        Self::opened(code, limits, launch, parcel, process, channel)
    }

    fn opened(
        code: &Code,
        limits: &Limits,
        launch: &Launch,
        parcel: Option<Parcel>,
        process: Process,
        channel: UnixStream,
    ) -> Result<Self, WorkerError> {
        let file = parcel.as_ref().and_then(Parcel::file);
        let lent = parcel.as_ref().filter(|_| file.is_some()).map(Parcel::outline);
        let crosses = parcel.as_ref().filter(|_| file.is_none());
        let open = Open { version: VERSION, limits: limits.clone(), given: crosses.map_or(0, Parcel::bytes), lent };
        channel.set_read_timeout(Some(READY_WITHIN)).map_err(WorkerError::Start)?;
        let shelf = Shelf::share(&channel, file).map_err(WorkerError::Start)?;
        let opened = write(&channel, &open).and_then(|()| read::<Opened>(&channel, LONGEST_OPENED));
        channel.set_read_timeout(None).map_err(WorkerError::Start)?;
        match opened {
            Ok(Opened::Ready { version: VERSION, layers }) => {
                let missing = layers.missing();
                match launch.require_jail && !missing.is_empty() {
                    true => Err(WorkerError::Jail(missing)),
                    false => Ok(Self { digest: code.digest.clone(), process, channel, layers, parcel, shelf }),
                }
            }
            Ok(Opened::Ready { .. }) => Err(WorkerError::NotReady("it is another version of this program".to_owned())),
            Ok(Opened::Refused(text)) => Err(WorkerError::Refused(text)),
            Err(error) => Err(WorkerError::NotReady(format!("{error}; {}", process.end().text()))),
        }
    }

    /// SHA-256 of its component with the project, in hex.
    #[must_use]
    pub fn digest(&self) -> &str {
        self.parcel.as_ref().map_or(&self.digest, Parcel::digest)
    }

    /// The layers of its jail.
    #[must_use]
    pub fn layers(&self) -> Layers {
        self.layers
    }

    /// Whether it is a copy of a template.
    #[must_use]
    pub fn is_copy(&self) -> bool {
        match self.process.child {
            Kind::Own(_) => false,
            #[cfg(target_os = "linux")]
            Kind::Copy(_) => true,
        }
    }

    pub(super) fn into_parts(self) -> Parts {
        Parts { process: self.process, channel: self.channel, parcel: self.parcel, shelf: self.shelf }
    }
}

/// A process of ours. Dropping it ends it.
#[derive(Debug)]
pub(super) struct Process {
    child: Kind,
    words: PipeReader,
}

#[derive(Debug)]
enum Kind {
    /// Started by us.
    Own(Child),
    /// A copy of a template.
    #[cfg(target_os = "linux")]
    Copy(Copy),
}

impl Kind {
    /// How it ended, if it does so within this time; `Some(None)` when nobody knows.
    fn wait_for(&mut self, time: Duration) -> Option<Option<ExitStatus>> {
        match self {
            Self::Own(child) => {
                let until = Instant::now() + time;
                loop {
                    match child.try_wait() {
                        Ok(None) if Instant::now() < until => std::thread::sleep(Duration::from_millis(10)),
                        Ok(None) => return None,
                        Ok(status) => return Some(status),
                        Err(_) => return Some(None),
                    }
                }
            }
            #[cfg(target_os = "linux")]
            Self::Copy(copy) => copy.wait_for(time).map(Some),
        }
    }

    fn wait(&mut self) -> Option<ExitStatus> {
        match self {
            Self::Own(child) => child.wait().ok(),
            #[cfg(target_os = "linux")]
            Self::Copy(copy) => Some(copy.wait()),
        }
    }

    /// Ends it and whatever it may have started.
    fn kill(&mut self) {
        use rustix::process::{Pid, Signal, kill_process_group};
        match self {
            Self::Own(child) => {
                if let Ok(None) = child.try_wait() {
                    let _ = kill_process_group(Pid::from_child(child), Signal::KILL);
                }
                let _ = child.kill();
            }
            // Its template ends the rest.
            #[cfg(target_os = "linux")]
            Self::Copy(copy) => copy.kill(),
        }
    }
}

/// How a process ended.
#[derive(Debug)]
pub(super) struct End {
    pub(super) status: Option<ExitStatus>,
    words: String,
}

impl Process {
    /// Starts this program anew with an empty environment, these two descriptors and a pipe for standard error.
    pub(super) fn start<'a>(
        arguments: impl Iterator<Item = &'a OsString>,
        input: Stdio,
        output: Stdio,
    ) -> io::Result<Self> {
        let (words, theirs) = last_words()?;
        let child = Command::new(OURSELVES)
            .arg0("sluice")
            .args(arguments)
            .env_clear()
            .current_dir("/")
            // Signals of a terminal are for the parent, which ends the worker in order.
            .process_group(0)
            .stdin(input)
            .stdout(output)
            .stderr(theirs)
            .spawn()?;
        Ok(Self { child: Kind::Own(child), words })
    }

    /// A copy of a template, with what it writes to its standard error.
    #[cfg(target_os = "linux")]
    pub(super) fn of_copy(copy: Copy, words: PipeReader) -> Self {
        Self { child: Kind::Copy(copy), words }
    }

    /// Waits for its end, which must be near.
    pub(super) fn wait(mut self) -> End {
        let status = self.child.wait();
        End { status, words: self.words() }
    }

    /// Ends it, unless it did so itself.
    pub(super) fn end(mut self) -> End {
        // A process that just closed its channel is ending; its own way says more than ours.
        let _ = self.child.wait_for(ENDS_WITHIN);
        self.child.kill();
        self.wait()
    }

    /// What it said until now.
    fn words(&mut self) -> String {
        let mut kept = vec![0; LAST_WORDS_BYTES];
        let mut length = 0;
        while let Some(room) = kept.get_mut(length..).filter(|room| !room.is_empty()) {
            match self.words.read(room) {
                Ok(0) | Err(_) => break,
                Ok(more) => length += more,
            }
        }
        String::from_utf8_lossy(kept.get(..length).unwrap_or_default()).into_owned()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.child.kill();
        let _ = self.child.wait();
    }
}

/// A pipe for what a process says, of which the beginning is looked at once it has ended. Nobody waits for the other:
/// what a process says beyond what a pipe holds is lost, and whoever still holds the pipe does not make us wait.
pub(super) fn last_words() -> io::Result<(PipeReader, PipeWriter)> {
    let (words, theirs) = io::pipe()?;
    ioctl_fionbio(&words, true)?;
    ioctl_fionbio(&theirs, true)?;
    Ok((words, theirs))
}

impl End {
    pub(super) fn signal(&self) -> Option<i32> {
        self.status.and_then(|status| status.signal())
    }

    /// Whether it used up its processor time or memory, rather than that somebody or the machine ended it.
    pub(super) fn at_its_limits(&self) -> bool {
        use rustix::process::Signal;
        self.signal()
            .is_some_and(|signal| [Signal::XCPU, Signal::XFSZ, Signal::ABORT].map(Signal::as_raw).contains(&signal))
    }

    /// How it ended, in plain words.
    pub(super) fn text(&self) -> String {
        let how = match (self.signal(), self.status.and_then(|status| status.code())) {
            (Some(signal), _) => match named(signal) {
                Some(name) => format!("it was ended by {name}"),
                None => format!("it was ended by signal {signal}"),
            },
            (None, Some(code)) => format!("it exited with code {code}"),
            (None, None) => "nobody knows how it ended".to_owned(),
        };
        let words: Vec<_> = self.words.split_whitespace().collect();
        match words.is_empty() {
            true => how,
            false => format!("{how} and said: {}", words.join(" ")),
        }
    }
}

fn named(signal: i32) -> Option<&'static str> {
    use rustix::process::Signal;
    let names = [
        (Signal::ABORT, "SIGABRT: out of memory, or a fault of its own"),
        (Signal::BUS, "SIGBUS: a fault of its own, or a disk that failed"),
        (Signal::ILL, "SIGILL: a fault of its own"),
        (Signal::KILL, "SIGKILL: somebody killed it, or the machine is out of memory"),
        (Signal::SEGV, "SIGSEGV: a fault of its own"),
        (Signal::SYS, "SIGSYS: a forbidden system call"),
        (Signal::TERM, "SIGTERM"),
        (Signal::XCPU, "SIGXCPU: its processor time is used up"),
        (Signal::XFSZ, "SIGXFSZ: it wrote more than it may"),
    ];
    names.into_iter().find(|(known, _)| known.as_raw() == signal).map(|(_, name)| name)
}

/// Waits for the end of a process on a thread that may block, since the system tells no other way.
pub(super) async fn ended(process: Process) -> End {
    let process = Arc::new(std::sync::Mutex::new(Some(process)));
    let waited = tokio::task::spawn_blocking(move || {
        let process = process.lock().ok().and_then(|mut process| process.take());
        process.map(Process::end)
    });
    match waited.await {
        Ok(Some(end)) => end,
        _ => End { status: None, words: String::new() },
    }
}
