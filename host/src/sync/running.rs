//! A guest run to its end, in a worker or here, unless a signal comes first.

use std::collections::BTreeMap;
use std::pin::pin;
use std::time::Duration;

use futures_util::future::{Either, select};
use tokio::runtime::Builder;

use crate::error::SyncError;
use crate::http::Web;
use crate::sandbox::{self, Capabilities};
use crate::trial::Trial;
use crate::worker::{self, Done, Task};

use super::Place;
use super::cancel::Cancel;
use super::verdict::classify;

/// Threads for sockets and timers; the guest runs on the caller's own.
const IO_THREADS: usize = 1;

/// How long requests under way may take to notice that the sync is over.
const LAST_ENTRIES: Duration = Duration::from_secs(1);

/// How a guest ended.
pub(super) struct Ran {
    pub(super) result: Result<(), SyncError>,
    pub(super) cpu: Duration,
    /// Messages that did not even reach the log.
    pub(super) dropped_messages: u64,
}

impl Ran {
    pub(super) fn failed(error: SyncError) -> Self {
        Self { result: Err(error), cpu: Duration::ZERO, dropped_messages: 0 }
    }
}

/// Runs the guest, here on this thread. Its store, and with it the queue's sending end, is gone when this returns.
pub(super) fn run(
    place: Place<'_>,
    capabilities: Capabilities,
    configuration: &BTreeMap<String, String>,
    state: String,
    trial: &Trial,
    cancel: &Cancel,
) -> Ran {
    let recorded = matches!(capabilities.http, Web::Recorded(..));
    let configuration = serde_json::to_string(configuration).unwrap_or_else(|_| "{}".to_owned());
    let ran = match place {
        Place::Here(engine, component) => {
            let running = sandbox::run(engine, component, capabilities, &configuration, &state);
            run_here(until_cut(running, trial), recorded, cancel).and_then(|ended| ended).map(|finished| Ran {
                result: classify(finished.result, finished.writer),
                cpu: finished.cpu,
                dropped_messages: 0,
            })
        }
        Place::Worker(worker) => {
            let task = Task::Sync { configuration, state };
            let running = until_cut(worker::run(*worker, capabilities, task), trial);
            run_worker(running, recorded, cancel).and_then(|ended| ended).map(|outcome| Ran {
                result: match outcome.done {
                    Done::Sync(result) => classify(result, outcome.writer),
                    Done::Form(_) | Done::Test(_) | Done::Work(_) => {
                        Err(SyncError::Host("the worker did another task".to_owned()))
                    }
                },
                cpu: outcome.cpu,
                dropped_messages: outcome.dropped_messages,
            })
        }
    };
    ran.unwrap_or_else(Ran::failed)
}

/// Ends the guest where its trial cuts it, as its own death would.
async fn until_cut<T>(guest: impl Future<Output = T>, trial: &Trial) -> Result<T, SyncError> {
    match select(pin!(guest), pin!(trial.cut())).await {
        Either::Left((ended, _)) => Ok(ended),
        Either::Right(_) => Err(SyncError::Host("the sync was cut, as its trial wants it".to_owned())),
    }
}

/// Runs a guest on this thread until it is done or cancelled, with everything it started. `last_entries` gives
/// requests on their way a moment to be recorded.
fn run_here<T>(guest: impl Future<Output = T>, last_entries: bool, cancel: &Cancel) -> Result<T, SyncError> {
    block(Builder::new_multi_thread().worker_threads(IO_THREADS).enable_all(), guest, last_entries, cancel)
}

/// The same for a guest that computes in a worker. This process only answers it, which one thread does best: waking
/// another one for each batch of rows cost a fifth of the speed.
fn run_worker<T>(guest: impl Future<Output = T>, last_entries: bool, cancel: &Cancel) -> Result<T, SyncError> {
    match last_entries {
        true => run_here(guest, last_entries, cancel),
        false => block(Builder::new_current_thread().enable_all(), guest, last_entries, cancel),
    }
}

/// Runs a form or its test in this process, until a signal comes.
pub(crate) fn block_on<T>(guest: impl Future<Output = T>) -> Result<T, SyncError> {
    run_here(guest, false, &Cancel::default())
}

/// The same in a worker.
pub(crate) fn block_on_worker<T>(guest: impl Future<Output = T>) -> Result<T, SyncError> {
    run_worker(guest, false, &Cancel::default())
}

fn block<T>(
    builder: &mut Builder,
    guest: impl Future<Output = T>,
    last_entries: bool,
    cancel: &Cancel,
) -> Result<T, SyncError> {
    let runtime = builder.build();
    let runtime = runtime.map_err(|error| SyncError::Host(format!("could not start the runtime: {error}")))?;
    let finished = runtime.block_on(async {
        match select(pin!(guest), pin!(cancel.cancelled())).await {
            Either::Left((finished, _)) => Ok(finished),
            Either::Right((by, _)) => Err(SyncError::Host(format!("the sync was cancelled by {by}"))),
        }
    });
    // Tasks of the guest's requests must not outlive it; what they had so far is part of a recording.
    match last_entries {
        true => runtime.shutdown_timeout(LAST_ENTRIES),
        false => runtime.shutdown_background(),
    }
    finished
}
