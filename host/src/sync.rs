//! One sync from start to end: destination, sandbox and writer put together.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::future::{Either, select};
use jiff::Timestamp;
use tokio::runtime::Builder;

use crate::audit::{Audit, Entry};
use crate::cassette::{Player, Redaction, Replayed};
pub use crate::confidential::Confidential;
use crate::confidential::redacted;
use crate::counters::Counters;
use crate::destination::filter::{Reason, Unmatched, Withheld};
use crate::destination::sqlite::{SqliteOptions, Warehouse};
use crate::destination::{Destination, DestinationError, SyncIdentity, TableCounts};
use crate::error::{ConnectorFailure, SyncError};
use crate::http::{Client, Held, HostUsage, Oversight, Recorded, Recorder, Replay, SystemResolver, Trust, Web};
use crate::incidents::Incidents;
use crate::landing::Landing;
use crate::log::{ConnectorLog, Level, LogSink};
use crate::ops::{Operations, StateGuard};
use crate::policy::egress::NetworkGrants;
use crate::policy::limits::Limits;
use crate::queue::{self, WriterFailure, WriterThread};
use crate::sandbox::{self, Capabilities, Loaded, MemoryUse, SandboxEngine, Still};
use crate::worker::{self, Done, Taker, Task, Worker};

/// Threads for sockets and timers; the guest runs on the caller's own.
const IO_THREADS: usize = 1;

/// How long requests under way may take to notice that the sync is over.
const LAST_ENTRIES: Duration = Duration::from_secs(1);

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
    /// The most memory the connector had, in bytes.
    pub peak_memory_bytes: u64,
    /// Log messages dropped because the log was full.
    pub dropped_messages: u64,
    /// Processor time of the connector, to the tick.
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
        ..SqliteOptions::default()
    };
    let started = (identity.connector.clone(), identity.digest.clone());
    let destination = Warehouse::with_options(&request.warehouse, options).open(&request.connection, identity)?;
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
        .with_state_guard(guard);
    let capabilities = Capabilities {
        limits: request.limits,
        operations: Taker::Here(operations),
        http: web.clone(),
        still: clock.map(still),
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
            let ran = run(place, capabilities, &request.configuration, state);
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
    }
    let result = with_denial(result, &incidents);
    let (result, cassette) = with_cassette(result, &web, &log);
    let result = result.map_err(|error| redacted(error, &redactor));
    let hosts = web.usage();
    let result = finish_audit(&audit, &hosts, result);
    Ok(SyncReport {
        result,
        cassette,
        tables: destination.map(|destination| destination.counts().to_vec()).unwrap_or_default(),
        withheld,
        checkpoints: counters.checkpoints(),
        rows: counters.rows(),
        bytes: counters.bytes(),
        files: counters.files(),
        hosts,
        peak_memory_bytes: memory.peak_bytes(),
        dropped_messages: log.dropped().saturating_add(dropped_messages),
        cpu,
        wall: start.elapsed(),
    })
}

fn still(clock: Timestamp) -> Still {
    Still { since_1970: Duration::try_from(clock.as_duration()).unwrap_or_default(), instance: 0 }
}

/// What the audit log says a sync was granted.
struct Granted {
    network: Vec<String>,
    addresses: Vec<String>,
    environment: Vec<String>,
}

impl Granted {
    fn of<'a>(network: &Network, environment: impl Iterator<Item = &'a String>) -> Self {
        let (network, addresses) = match network {
            Network::Granted(grants, _) | Network::Recorded(grants, ..) => (
                grants.iter().map(ToString::to_string).collect(),
                grants.address_grants().map(ToString::to_string).collect(),
            ),
            Network::Replayed(..) => (Vec::new(), Vec::new()),
        };
        Self { network, addresses, environment: environment.cloned().collect() }
    }

    fn started<'a>(&'a self, connector: &'a str, component: &'a str, connection: &'a str) -> Entry<'a> {
        let Self { network, addresses, environment } = self;
        Entry::Started { connector, component, connection, network, addresses, environment }
    }
}

/// Writes the last line. An audit log that is not whole is a failure of the host, whatever else went well.
fn finish_audit(audit: &Audit, hosts: &[HostUsage], result: Result<(), SyncError>) -> Result<(), SyncError> {
    audit.write(&Entry::Finished {
        outcome: result.as_ref().map_or_else(SyncError::class, |()| "success"),
        requests: hosts.iter().map(|host| host.requests).sum(),
        denied: hosts.iter().map(|host| host.denied).sum(),
    });
    match audit.failure() {
        Some(reason) => result.and(Err(SyncError::Host(reason))),
        None => result,
    }
}

/// Says what is new and did not land, each once.
fn warn_of_new(log: &ConnectorLog, withheld: &[Withheld]) {
    for one in withheld.iter().filter(|one| one.reason == Reason::New) {
        let what = match &one.column {
            None => format!("table {} is", one.table),
            Some(column) => format!("table {}: column {column} is", one.table),
        };
        let how = "sync once with --schema-changes allow-all to let it in";
        log.message(Level::Warning, &format!("{what} new and was kept out; {how}"));
    }
}

/// Says which decisions protected nothing, since a misspelled one looks like that.
fn warn_of_unmatched(log: &ConnectorLog, unmatched: &[Unmatched]) {
    for Unmatched { table, column } in unmatched {
        let text = match column {
            None => format!(
                "the settings protect table {table}, of which nothing came; is it spelled as the source has it?"
            ),
            Some(column) => format!(
                "the settings protect column {column} of table {table}, which no row of it had; is it spelled as the source has it?"
            ),
        };
        log.message(Level::Warning, &text);
    }
}

/// How a guest ended.
struct Ran {
    result: Result<(), SyncError>,
    cpu: Duration,
    /// Messages that did not even reach the log.
    dropped_messages: u64,
}

impl Ran {
    fn failed(error: SyncError) -> Self {
        Self { result: Err(error), cpu: Duration::ZERO, dropped_messages: 0 }
    }
}

/// Runs the guest, here on this thread. Its store, and with it the queue's sending end, is gone when this returns.
fn run(place: Place<'_>, capabilities: Capabilities, configuration: &BTreeMap<String, String>, state: String) -> Ran {
    let recorded = matches!(capabilities.http, Web::Recorded(..));
    let configuration = serde_json::to_string(configuration).unwrap_or_else(|_| "{}".to_owned());
    let ran = match place {
        Place::Here(engine, component) => {
            let running = sandbox::run(engine, component, capabilities, &configuration, &state);
            block_on(running, recorded).map(|finished| Ran {
                result: classify(finished.result, finished.writer),
                cpu: finished.cpu,
                dropped_messages: 0,
            })
        }
        Place::Worker(worker) => {
            let task = Task::Sync { configuration, state };
            block_on_worker(worker::run(*worker, capabilities, task), recorded).map(|outcome| Ran {
                result: match outcome.done {
                    Done::Sync(result) => classify(result, outcome.writer),
                    Done::Form(_) | Done::Test(_) => Err(SyncError::Host("the worker did another task".to_owned())),
                },
                cpu: outcome.cpu,
                dropped_messages: outcome.dropped_messages,
            })
        }
    };
    ran.unwrap_or_else(Ran::failed)
}

/// Runs a guest on this thread until it is done or a signal comes, with everything it started. `last_entries` gives
/// requests on their way a moment to be recorded.
pub(crate) fn block_on<T>(guest: impl Future<Output = T>, last_entries: bool) -> Result<T, SyncError> {
    block(Builder::new_multi_thread().worker_threads(IO_THREADS).enable_all(), guest, last_entries)
}

/// The same for a guest that computes in a worker. This process only answers it, which one thread does best: waking
/// another one for each batch of rows cost a fifth of the speed.
pub(crate) fn block_on_worker<T>(guest: impl Future<Output = T>, last_entries: bool) -> Result<T, SyncError> {
    match last_entries {
        true => block_on(guest, last_entries),
        false => block(Builder::new_current_thread().enable_all(), guest, last_entries),
    }
}

fn block<T>(builder: &mut Builder, guest: impl Future<Output = T>, last_entries: bool) -> Result<T, SyncError> {
    let runtime = builder.build();
    let runtime = runtime.map_err(|error| SyncError::Host(format!("could not start the runtime: {error}")))?;
    let finished = runtime.block_on(async {
        match select(pin!(guest), pin!(interrupted())).await {
            Either::Left((finished, _)) => Ok(finished),
            Either::Right((signal, _)) => Err(SyncError::Host(format!("the sync was cancelled by {signal}"))),
        }
    });
    // Tasks of the guest's requests must not outlive it; what they had so far is part of a recording.
    match last_entries {
        true => runtime.shutdown_timeout(LAST_ENTRIES),
        false => runtime.shutdown_background(),
    }
    finished
}

/// A failed destination decides, whatever the connector made of it.
fn classify(result: Result<(), SyncError>, writer: Option<WriterFailure>) -> Result<(), SyncError> {
    match (result, writer) {
        (_, Some(WriterFailure::Failed(text))) => Err(SyncError::Host(text)),
        (Ok(()), Some(WriterFailure::Refused(message))) => {
            Err(SyncError::Connector(ConnectorFailure { kind: "refused".into(), message, traceback: String::new() }))
        }
        (result, _) => result,
    }
}

/// A connector that failed after it was denied something failed because of the denial, as
/// far as an operator is concerned: the message says what to grant.
pub(crate) fn with_denial<T>(result: Result<T, SyncError>, incidents: &Incidents) -> Result<T, SyncError> {
    match (result, incidents.denial()) {
        (Err(SyncError::Connector(failure)), Some(denial)) => {
            Err(SyncError::Denied(format!("{denial} (the connector then failed: {})", failure.kind)))
        }
        (result, _) => result,
    }
}

/// Writes what was recorded, or says what a cassette lacked.
fn with_cassette(
    result: Result<(), SyncError>,
    web: &Web,
    log: &ConnectorLog,
) -> (Result<(), SyncError>, Option<CassetteReport>) {
    match web {
        Web::Network(_) | Web::Elsewhere(_) => (result, None),
        Web::Recorded(_, recorder) => match recorder.finish() {
            Ok(recorded) => {
                if recorded.unsearched > 0 {
                    let text = format!(
                        "{} recorded bodies arrived compressed: secrets in them could not be looked for",
                        recorded.unsearched
                    );
                    log.message(Level::Warning, &text);
                }
                (result, Some(CassetteReport::Recorded(recorded)))
            }
            // Rows that have landed stay, but what was asked for is not there.
            Err(error) => (result.and(Err(SyncError::Host(error.to_string()))), None),
        },
        Web::Replayed(replay) => {
            let replayed = replay.replayed();
            let result = result.map_err(|error| with_missing(error, &replayed));
            (result, Some(CassetteReport::Replayed(replayed)))
        }
    }
}

/// A connector that failed after a request had no entry failed because of it, as far as people are concerned.
fn with_missing(error: SyncError, replayed: &Replayed) -> SyncError {
    match (error, replayed.missing_requests.first()) {
        (SyncError::Connector(failure), Some(request)) => SyncError::Connector(ConnectorFailure {
            message: format!(
                "the cassette has no entry for {request} (the connector then failed: {})",
                failure.message
            ),
            ..failure
        }),
        (error, _) => error,
    }
}

/// What is secret in the exchanges of a sync with this configuration.
#[must_use]
pub fn redaction(configuration: &BTreeMap<String, String>, confidential: &Confidential) -> Redaction {
    Redaction::new(confidential.redactor(configuration))
}

async fn interrupted() -> &'static str {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        // Without handlers the signals end the process, which discards what was not committed.
        return std::future::pending().await;
    };
    match select(pin!(interrupt.recv()), pin!(terminate.recv())).await {
        Either::Left(_) => "SIGINT",
        Either::Right(_) => "SIGTERM",
    }
}
