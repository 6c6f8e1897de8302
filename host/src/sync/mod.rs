//! One sync from start to end: destination, sandbox and writer put together.

mod cancel;
mod granted;
mod running;
mod suspects;
mod verdict;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use crate::cassette::{Player, Redaction, Replayed};
pub use crate::confidential::Confidential;
use crate::confidential::redacted;
use crate::counters::Counters;
use crate::destination::filter::Withheld;
use crate::destination::sqlite::{Acceptance, Looked, PendingResync, SqliteOptions, Warehouse};
use crate::destination::{Destination, DestinationError, SyncIdentity, TableCounts};
use crate::error::SyncError;
use crate::http::{
    Client, Held, HostUsage, Oversight, Recorded, Recorder, Replay, SystemResolver, Trust, TurnedAway, Web,
};
use crate::incidents::Incidents;
use crate::landing::Landing;
use crate::log::{ConnectorLog, LogSink};
use crate::ops::{Operations, StateGuard};
use crate::policy::egress::NetworkGrants;
use crate::policy::limits::Limits;
use crate::queue::{self, WriterThread};
use crate::sandbox::{Capabilities, Loaded, MemoryUse, SandboxEngine, Still};
use crate::trial::Trial;
use crate::worker::{Taker, Worker};

pub use cancel::Cancel;
use granted::{Granted, finish_audit};
use running::{Ran, run};
pub(crate) use running::{block_on, block_on_worker};
pub(crate) use verdict::with_denial;
use verdict::{warn_of_new, warn_of_unmatched, with_cassette};

/// Everything one sync needs. Whatever is not granted here is denied.
pub struct SyncRequest {
    /// Name of the connector, as the destination records it.
    pub connector: String,
    /// Name of the connection, which names its database.
    pub connection: String,
    /// Folder of the databases.
    pub warehouse: PathBuf,
    /// How its rows land.
    pub landing: Landing,
    /// The connector's configuration.
    pub configuration: BTreeMap<String, String>,
    /// The state this sync starts from, a JSON object; None for that of the last checkpoint.
    pub initial_state: Option<String>,
    /// What of all this is secret.
    pub confidential: Confidential,
    /// The environment variables it sees, and no others.
    pub environment: BTreeMap<String, String>,
    /// What answers its requests.
    pub network: Network,
    /// Budgets that it shares with other syncs, and the audit log.
    pub oversight: Oversight,
    /// The limits.
    pub limits: Limits,
    /// Where the connector's log goes.
    pub log: Arc<dyn LogSink>,
    /// Counters to follow the sync by.
    pub counters: Arc<Counters>,
    /// Whether it is on trial; most are not.
    pub trial: Trial,
    /// What ends it before it is done.
    pub cancel: Cancel,
    /// Who writes it into a history, if somebody does.
    pub following: Option<Following>,
    /// Which connector the connection accepts from now on, if that has to be noted before it runs.
    pub acceptance: Option<Acceptance>,
    /// Its database, if somebody looked at it before.
    pub looked: Looked,
}

/// Who follows a sync from its beginning.
pub struct Following {
    /// What the sync is called, in the audit log too. What it has committed is noted under this name.
    pub sync: String,
    /// Called once, when the sync has its connection and before anything lands.
    pub began: Box<dyn FnOnce() + Send>,
}

/// What answers a connector's requests.
pub enum Network {
    /// The hosts it may connect to.
    Granted(NetworkGrants, Trust),
    /// The same, and every exchange goes into a cassette.
    Recorded(NetworkGrants, Trust, Recorder),
    /// A cassette. There is no network, the clock stands at a moment, and every sync of the same goes the same.
    Replayed(Player, Timestamp),
}

impl Network {
    fn web(self, limits: &Limits, oversight: Oversight, held: Option<Arc<Held>>) -> (Web, Option<Timestamp>) {
        let client =
            |grants, trust| Client::overseen(grants, limits, Arc::new(SystemResolver), trust, oversight).holding(held);
        match self {
            Self::Granted(grants, trust) => (Web::Network(client(grants, trust)), None),
            Self::Recorded(grants, trust, recorder) => (Web::Recorded(client(grants, trust), Arc::new(recorder)), None),
            Self::Replayed(player, clock) => (Web::Replayed(Arc::new(Replay::new(player, limits))), Some(clock)),
        }
    }
}

/// What became of a cassette.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CassetteReport {
    /// What is in it now.
    Recorded(Recorded),
    /// What was used of it.
    Replayed(Replayed),
}

/// What a sync did.
#[derive(Debug)]
pub struct SyncReport {
    /// How it ended.
    pub result: Result<(), SyncError>,
    /// Operations taken, a table each, in order of first appearance.
    pub tables: Vec<TableCounts>,
    /// What was kept out because the operator wants it so.
    pub withheld: Vec<Withheld>,
    /// Re-syncs that wait for a sync that ends well.
    pub pending_resyncs: Vec<PendingResync>,
    /// Durable checkpoints.
    pub checkpoints: u64,
    /// Rows the connector sent.
    pub rows: u64,
    /// Their size in bytes.
    pub bytes: u64,
    /// Files the connector finished, and their bytes.
    pub files: (u64, u64),
    /// What became of the cassette, if there is one.
    pub cassette: Option<CassetteReport>,
    /// Requests by host.
    pub hosts: Vec<HostUsage>,
    /// The host that let the connector in never and whose answer was its last: trying again does not help then.
    pub turned_away: Option<TurnedAway>,
    /// The most memory the connector had, in bytes.
    pub peak_memory_bytes: u64,
    /// Log messages dropped because the log was full.
    pub dropped_messages: u64,
    /// Processor time of the connector.
    pub cpu: Duration,
    /// Time from start to end.
    pub wall: Duration,
}

/// Syncs once in this process, without the second wall. Never panics and always answers: a failure is part of the
/// report.
///
/// # Errors
/// Only what keeps a sync from starting: the connection is in use, or its files are not as
/// they must be.
pub fn sync(engine: &SandboxEngine, component: &Loaded, request: SyncRequest) -> Result<SyncReport, DestinationError> {
    sync_at(Place::Here(engine, component), request)
}

/// The same in a worker, which was opened with the limits of the request.
///
/// # Errors
/// As [`sync`].
pub fn sync_in(worker: Worker, request: SyncRequest) -> Result<SyncReport, DestinationError> {
    sync_at(Place::Worker(Box::new(worker)), request)
}

/// Where a connector runs.
enum Place<'a> {
    Here(&'a SandboxEngine, &'a Loaded),
    Worker(Box<Worker>),
}

impl Place<'_> {
    fn digest(&self) -> &str {
        match self {
            Self::Here(_, component) => component.digest(),
            Self::Worker(worker) => worker.digest(),
        }
    }
}

fn sync_at(place: Place<'_>, request: SyncRequest) -> Result<SyncReport, DestinationError> {
    let start = Instant::now();
    let span = tracing::info_span!(
        target: crate::telemetry::TARGET,
        "sync",
        connection = %request.connection,
        connector = %request.connector,
        component = place.digest(),
        sync = request.following.as_ref().map(|following| following.sync.as_str()),
        outcome = tracing::field::Empty,
        error.r#type = tracing::field::Empty,
        rows = tracing::field::Empty,
        checkpoints = tracing::field::Empty,
    );
    let _entered = span.enter();
    let identity = SyncIdentity { connector: request.connector, digest: place.digest().to_owned() };
    let landing = Arc::new(request.landing);
    let audit = request.oversight.audit.clone();
    let granted = Granted::of(&request.network, request.environment.keys());
    let (web, clock) = request.network.web(&request.limits, request.oversight, request.confidential.held.clone());
    let options = SqliteOptions {
        landing: Arc::clone(&landing),
        clock: clock.map(|clock| clock.as_microsecond()),
        uncommitted_bytes: request.limits.uncommitted_bytes,
        columns: request.limits.columns_per_table,
        // A replay leaves the same bytes each time, so no name of its own.
        sync: request.following.as_ref().filter(|_| clock.is_none()).map(|following| following.sync.clone()),
        acceptance: request.acceptance,
        ..SqliteOptions::default()
    };
    let started = (identity.connector.clone(), identity.digest.clone());
    let destination = Warehouse::with_options(&request.warehouse, options).open_looked(
        request.looked,
        &request.connection,
        identity,
    )?;
    if let Some(following) = request.following {
        (following.began)();
    }
    audit.write(&granted.started(&started.0, &started.1, &request.connection));
    let state = request.initial_state.unwrap_or_else(|| destination.state().to_owned());
    let path_column = destination.path_column();

    let memory = Arc::new(MemoryUse::default());
    let incidents = Incidents::default();
    let redactor = request.confidential.redactor(request.configuration.iter().chain(&request.environment));
    let log = Arc::new(ConnectorLog::new(request.log, redactor.clone(), &request.limits));
    let guard = StateGuard::new(
        request.confidential.said(&request.configuration),
        request.confidential.redactor(&request.configuration),
        Arc::clone(&log),
    );
    let counters = request.counters;
    let (sender, writer) = queue::queue(Arc::clone(&counters));
    let operations = Operations::new(request.limits.clone(), landing, sender, incidents.clone(), Arc::clone(&counters))
        .with_path_column(path_column)
        .with_state_guard(guard)
        .on_trial(request.trial.clone());
    let capabilities = Capabilities {
        limits: request.limits,
        operations: Taker::Here(operations),
        http: web.clone(),
        still: clock.map(|clock| still(clock, request.trial.chance())),
        log: Arc::clone(&log),
        incidents: incidents.clone(),
        counters: Arc::clone(&counters),
        environment: request.environment,
        memory: Arc::clone(&memory),
    };

    let thread = WriterThread::start(writer, Box::new(destination));
    let (Ran { result, cpu, dropped_messages }, destination) = match thread {
        Err(error) => (Ran::failed(SyncError::Host(format!("could not start the writer: {error}"))), None),
        Ok(thread) => {
            let ran = run(place, capabilities, &request.configuration, state, &request.trial, &request.cancel);
            match thread.join() {
                Ok(destination) => (ran, Some(destination)),
                Err(reason) => (Ran { result: Err(SyncError::Host(reason)), ..ran }, None),
            }
        }
    };
    let withheld = destination.as_ref().map(|destination| destination.withheld().to_vec()).unwrap_or_default();
    warn_of_new(&log, &withheld);
    if result.is_ok() {
        warn_of_unmatched(&log, &destination.as_ref().map(|destination| destination.unmatched()).unwrap_or_default());
        if let Some(destination) = &destination {
            suspects::warn(&log, destination.declared(), destination.counts());
        }
    }
    let result = with_denial(result, &incidents);
    let (result, cassette) = with_cassette(result, &web, &log);
    let result = result.map_err(|error| redacted(error, &redactor));
    let hosts = web.usage();
    let result = finish_audit(&audit, &hosts, result);
    span.record("outcome", result.as_ref().map_or_else(SyncError::class, |()| "success"));
    if let Err(error) = &result {
        span.record("error.type", error.class());
    }
    span.record("rows", counters.rows()).record("checkpoints", counters.checkpoints());
    Ok(SyncReport {
        result,
        cassette,
        pending_resyncs: destination.as_ref().map(|destination| destination.pending_resyncs()).unwrap_or_default(),
        tables: destination.map(|destination| destination.counts().to_vec()).unwrap_or_default(),
        withheld,
        checkpoints: counters.checkpoints(),
        rows: counters.rows(),
        bytes: counters.bytes(),
        files: counters.files(),
        hosts,
        turned_away: web.turned_away(),
        peak_memory_bytes: memory.peak_bytes(),
        dropped_messages: log.dropped().saturating_add(dropped_messages),
        cpu,
        wall: start.elapsed(),
    })
}

fn still(clock: Timestamp, chance: u64) -> Still {
    // Further instances of the sync count from here.
    let instance = chance << 32;
    Still { since_1970: Duration::try_from(clock.as_duration()).unwrap_or_default(), instance }
}

/// What is secret in the exchanges of a sync with this configuration.
#[must_use]
pub fn redaction(configuration: &BTreeMap<String, String>, confidential: &Confidential) -> Redaction {
    Redaction::new(confidential.redactor(configuration))
}
