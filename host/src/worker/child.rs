//! A worker's whole life.
//!
//! The order matters: machine code is mapped while files can still be opened, then the jail closes, and only then
//! the parent says what to do. No code of the component runs before that.

use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::bounds;
use super::frame::{read, write};
use super::jail::{self, Wanted, Work};
use super::link::Link;
use super::message::{Done, Ended, FromWorker, Open, Opened, Start, Task, VERSION};
use super::remote::{RemoteLog, RemoteOperations, Taker};
use super::remote_web::RemoteWeb;
use super::shared::{Handed, View, map_given};
#[cfg(target_os = "linux")]
use super::template;
use crate::counters::Counters;
use crate::error::with_causes;
use crate::http::Web;
use crate::incidents::Incidents;
use crate::log::ConnectorLog;
use crate::policy::limits::Limits;
use crate::sandbox::{self, Capabilities, Loaded, MemoryUse, SandboxEngine, Still};

/// The longest first messages: what the parent says is its own.
const LONGEST: usize = u32::MAX as usize;
/// Where the machine code lies that came as standard output.
const CODE: &str = "/proc/self/fd/1";

/// What a test does in a worker's place: native code, as if a connector had escaped.
pub(super) type Escape<'a> = Option<&'a mut dyn FnMut(&mut dyn FnMut(&str))>;

/// Lives. An error means that the parent is gone or not ours.
pub(super) fn live(wanted: Wanted, escape: Escape<'_>) -> io::Result<()> {
    jail::prepare();
    let mut channel = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let mut mapped = None;
    #[cfg(target_os = "linux")]
    if super::shared::peek(&channel)? == template::TEMPLATE {
        let Some(copied) = template::live(channel, wanted, map)? else { return Ok(()) };
        mapped = Some(Ok(copied));
        channel = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    }
    let Handed { view, given: file } = Handed::receive(&channel)?;
    let Open { version, limits, given, lent } = read(&channel, LONGEST)?;
    if version != VERSION {
        return Err(io::Error::other("the parent is another version of this program"));
    }
    let lent = lent.zip(file).map(|(outline, file)| map_given(outline, &file)).transpose()?;
    let limited = jail::limit(&bounds::running(&limits, given));
    let (engine, component) = match mapped.unwrap_or_else(map) {
        Ok(opened) => opened,
        Err(text) => return write(&channel, &Opened::Refused(text)),
    };
    jail::forget_output();
    let mut layers = jail::enter(Work::Running, wanted);
    layers.limits &= limited;
    // It has begun to move until the parent says what to do.
    engine.start_clock().map_err(io::Error::other)?;
    write(&channel, &Opened::Ready { version: VERSION, layers })?;
    let mut start: Start = read(&channel, LONGEST)?;
    if let Some(escape) = escape {
        let mut tell = |text: &str| {
            let message = FromWorker::Log { level: crate::log::Level::Info, text: text.to_owned() };
            let _ = write(&channel, &message);
        };
        escape(&mut tell);
    }
    let mut component = component;
    if let Some(parcel) = start.parcel.take().or(lent) {
        component.give(parcel);
    }
    run(&engine, &component, limits, start, (channel, view))
}

/// An engine and the machine code that came as standard output.
fn map() -> Result<(SandboxEngine, Loaded), String> {
    let engine = SandboxEngine::without_clock().map_err(|error| error.to_string())?;
    let component = Loaded::map(&engine, Path::new(CODE), code_file()?).map_err(|error| with_causes(&error))?;
    Ok((engine, component))
}

fn code_file() -> Result<std::fs::File, String> {
    let file = io::stdout().as_fd().try_clone_to_owned().map_err(|error| error.to_string())?;
    Ok(file.into())
}

fn run(
    engine: &SandboxEngine,
    component: &Loaded,
    limits: Limits,
    start: Start,
    (channel, view): (UnixStream, Option<Arc<View>>),
) -> io::Result<()> {
    engine.assert_ticking().map_err(io::Error::other)?;
    channel.set_nonblocking(true)?;
    let runtime = engine.resting_runtime()?;
    // The guest lets the channel have its turn whenever it waits, and at each tick of its clock.
    runtime.block_on(async {
        let (link, written) = Link::start(tokio::net::UnixStream::from_std(channel)?, view);
        let ended = work(engine, component, limits, start, &link).await;
        link.tell_last(&FromWorker::Ended(Box::new(ended)));
        let _ = tokio::time::timeout(LAST_WORDS, written).await;
        io::Result::Ok(())
    })?;
    // Everything is said. What this process has is worth nothing to anybody, and not the time to put it in order.
    jail::leave()
}

/// How long the end of a sync may take to be written.
const LAST_WORDS: Duration = Duration::from_secs(10);

async fn work(engine: &SandboxEngine, component: &Loaded, limits: Limits, start: Start, link: &Arc<Link>) -> Ended {
    let memory = Arc::new(MemoryUse::default());
    let log = Arc::new(ConnectorLog::relay(Arc::new(RemoteLog(Arc::clone(link))), &limits));
    let incidents = Incidents::default();
    let capabilities = Capabilities {
        limits,
        operations: Taker::Parent(RemoteOperations {
            link: Arc::clone(link),
            incidents: incidents.clone(),
            path_column: start.path_column,
            rows: None,
            refused: None,
        }),
        http: Web::Elsewhere(Arc::new(RemoteWeb { link: Arc::clone(link), at_once: start.answers_at_once })),
        still: start.still.map(|(since_1970, instance)| Still { since_1970, instance }),
        log: Arc::clone(&log),
        incidents,
        counters: Arc::new(Counters::default()),
        environment: start.environment,
        memory: Arc::clone(&memory),
    };
    let (done, cpu) = match start.task {
        Task::Sync { configuration, state } => {
            let finished = sandbox::run(engine, component, capabilities, &configuration, &state).await;
            // It is given back with the process, all at once.
            std::mem::forget(finished.rest);
            (Done::Sync(finished.result), finished.cpu)
        }
        Task::Form => (Done::Form(sandbox::form(engine, component, capabilities).await), Duration::ZERO),
        Task::Test { name, configuration } => {
            let tested = sandbox::test(engine, component, capabilities, &name, &configuration).await;
            (Done::Test(tested), Duration::ZERO)
        }
        Task::Work(task) => (Done::Work(sandbox::work(engine, component, capabilities, &task).await), Duration::ZERO),
    };
    Ended { done, cpu, peak_bytes: memory.peak_bytes(), dropped_messages: log.dropped() }
}
