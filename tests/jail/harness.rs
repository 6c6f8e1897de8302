//! Syncs whose worker is this program, started or copied from a template.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use sluicegate::counters::Counters;
use sluicegate::error::SyncError;
use sluicegate::http::Trust;
use sluicegate::landing::Landing;
use sluicegate::log::{Level, LogSink};
use sluicegate::policy::egress::NetworkGrants;
use sluicegate::policy::limits::Limits;
use sluicegate::sandbox::CodeCache;
use sluicegate::sync::{Network, SyncReport, SyncRequest, sync_in};
use sluicegate::worker::{self, Launch, Worker, WorkerError};

use crate::component::idle;
use crate::templates;

/// What makes this program a worker with native code in it.
pub(crate) const ESCAPED: &str = "__escaped";

#[derive(Default)]
struct Lines(Mutex<Vec<String>>);

impl LogSink for Lines {
    fn line(&self, _: Level, text: &str) {
        self.0.lock().unwrap().push(text.to_owned());
    }
}

pub(crate) fn caches() -> CodeCache {
    let caches = Path::new(env!("CARGO_TARGET_TMPDIR")).join("caches");
    CodeCache::open(&caches.join("cache"), &caches.join("state")).unwrap()
}

/// Whether workers are copies of a template now, instead of started.
pub(crate) static COPIED: AtomicBool = AtomicBool::new(false);

pub(crate) fn launch(layers: &str, what: &str, more: &[OsString]) -> Launch {
    let first = [ESCAPED, layers, what].map(OsString::from);
    let arguments = first.into_iter().chain(more.iter().cloned()).collect();
    let templates = COPIED.load(Ordering::Relaxed).then(Arc::default);
    Launch { arguments, require_jail: false, templates }
}

pub(crate) fn open(launch: &Launch, limits: &Limits) -> Result<Worker, WorkerError> {
    let code = worker::admit(&caches(), &idle(), limits, || {}).unwrap();
    let worker = Worker::open(&code, limits, launch)?;
    if launch.templates.is_none() || worker.is_copy() {
        return Ok(worker);
    }
    // The first of some machine code is started, and the next is a copy.
    let next = Worker::open(&code, limits, launch)?;
    assert!(next.is_copy() || !templates::are_possible(), "there is no template");
    Ok(next)
}

pub(crate) fn sync(launch: &Launch, limits: Limits) -> (SyncReport, Vec<String>) {
    sync_into(tempfile::tempdir().unwrap().path(), launch, limits)
}

pub(crate) fn sync_into(warehouse: &Path, launch: &Launch, limits: Limits) -> (SyncReport, Vec<String>) {
    let worker = open(launch, &limits).unwrap_or_else(|error| panic!("{error}"));
    sync_worker(warehouse, worker, &limits)
}

pub(crate) fn sync_worker(warehouse: &Path, worker: Worker, limits: &Limits) -> (SyncReport, Vec<String>) {
    let lines = Arc::new(Lines::default());
    let request = SyncRequest {
        confidential: Default::default(),
        oversight: Default::default(),
        initial_state: None,
        environment: BTreeMap::new(),
        connector: "escaped".to_owned(),
        connection: "escaped".to_owned(),
        warehouse: warehouse.to_path_buf(),
        landing: Landing::default(),
        configuration: BTreeMap::new(),
        network: Network::Granted(NetworkGrants::default(), Trust::nobody()),
        limits: limits.clone(),
        log: lines.clone(),
        counters: Arc::new(Counters::default()),
        trial: sluicegate::trial::Trial::default(),
        cancel: sluicegate::sync::Cancel::default(),
        following: None,
        acceptance: None,
        looked: Default::default(),
    };
    let report = sync_in(worker, request).unwrap();
    let lines = lines.0.lock().unwrap().clone();
    (report, lines)
}

pub(crate) fn host_error(report: &SyncReport) -> String {
    match &report.result {
        Err(SyncError::Host(text)) => text.clone(),
        other => panic!("{other:?}"),
    }
}
