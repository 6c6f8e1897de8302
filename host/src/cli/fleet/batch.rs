//! `sluice batch`: sync a fleet's connections, side by side.

use std::io::Write as _;
use std::path::Path;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::Serialize;

use super::file;
use super::last::{Last, LastSyncs};
use crate::batch::{self, Again, Attempt, Before, Class, Job, Machine, Options, Outcome, Work};
use crate::cli::args::BatchArguments;
use crate::cli::connector::components::Components;
use crate::cli::failure::Failure;
use crate::cli::folders::Folders;
use crate::cli::print;
use crate::cli::signals;
use crate::cli::sync::record::{self, StartedBy};
use crate::cli::sync::syncing::{Ended, Surroundings, sync};
use crate::display::batch::{BatchReport, ConnectionReport, Succeeded};
use crate::display::output::Output;
use crate::display::overall::Overall;
use crate::display::summary::{OutcomeClass, SyncSummary};
use crate::display::units;
use crate::fleet::{Connection, Fleet};
use crate::history::History;
use crate::http::Upstreams;
use crate::policy::limits::Limits;
use crate::policy::terminal::{self, Lines};
use crate::sync::Cancel;

/// Version of the report's form.
const REPORT_VERSION: u32 = 1;
/// Syncs at a time for each processor: most of a sync is waiting for its source.
const FOR_EACH_PROCESSOR: usize = 4;
/// Longest message of a sync on one line, in bytes.
const MESSAGE_BYTES: usize = 2 << 10;
/// The most at a time, however much there is to spare: each has some threads and processes.
const MOST: usize = 1_024;
/// Memory of a sync beside that of its connector: the worker's own, rows on their way, SQLite's cache.
const BESIDES: u64 = 80 << 20;
/// Files and sockets that the host has open for a sync that is under way, in round numbers, and for itself.
const FILES_FOR_EACH: u64 = 32;
const FILES_OF_THE_HOST: u64 = 128;

/// Syncs what is asked for.
pub(in crate::cli) fn batch(arguments: &BatchArguments, folders: &Folders) -> Result<u8, Failure> {
    let began = (Instant::now(), Timestamp::now());
    let output = crate::cli::tracing::output(arguments.json);
    let fleet = file::read_whole(&arguments.file)?;
    let history = record::history(&fleet.warehouse);
    let last = Last(history.clone());
    let chosen = chosen(&fleet, arguments, &last)?;
    let jobs: Vec<_> = chosen.iter().map(|connection| job(connection, &last)).collect();
    let machine = Machine::default();
    let (concurrency, most) = concurrency(&fleet, arguments.concurrency);
    let timeout = arguments.timeout.or(fleet.timeout);
    let options = Options { concurrency, most, spare: &machine, timeout, again: Again::Here };
    let (sender, events) = channel();
    signals::stop_at(&sender)?;
    let names: Vec<_> = chosen.iter().map(|connection| connection.name.as_str()).collect();
    output.event("batch_started", &Began { connections: &names, concurrency: options.concurrency });
    let syncs = Syncs {
        fleet: &fleet,
        chosen: &chosen,
        accept: arguments.accept,
        folders,
        components: &Components::default(),
        command: "batch",
        upstreams: Upstreams::default(),
        output: &output,
        history,
        totals: Mutex::new(vec![Totals::default(); chosen.len()]),
        overall: Overall::start(&output, chosen.len()),
    };
    let (outcomes, stopped_by) = batch::run(&syncs, &jobs, options, &sender, &events);
    let connections = outcomes.into_iter().enumerate().map(|(job, outcome)| syncs.report(job, outcome)).collect();
    let report = report(arguments, began, stopped_by, connections);
    drop(syncs);
    output.event("batch_finished", &report);
    if let Some(path) = &arguments.report {
        write(path, &report)?;
    }
    if !arguments.json {
        let mut text = Vec::new();
        report.write(&mut text).map_err(|error| Failure::host(error.to_string()))?;
        print(&String::from_utf8_lossy(&text))?;
    }
    let _ = output.finish();
    Ok(report.succeeded.exit_code())
}

/// Lets this process have as many files and sockets as it may; for how many syncs that is enough. What a shell allows
/// by default is of one program's size.
fn allow_files() -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let allowed = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit });
    let files = if allowed.is_ok() { limit.maximum } else { limit.current };
    let syncs = files.map(|files| files.saturating_sub(FILES_OF_THE_HOST) / FILES_FOR_EACH);
    syncs.and_then(|syncs| usize::try_from(syncs).ok()).unwrap_or(MOST)
}

/// The connections that are asked for, in the order of the file.
fn chosen<'a>(
    fleet: &'a Fleet,
    arguments: &BatchArguments,
    last: &dyn LastSyncs,
) -> Result<Vec<&'a Connection>, Failure> {
    let names = || fleet.connections.iter().map(|connection| connection.name.as_str());
    if let Some(name) = arguments.only.iter().find(|name| !names().any(|known| known == name.as_str())) {
        let meant = crate::fleet::instead(name, names().collect::<Vec<_>>().iter().copied());
        let message = format!("{} has no connection {}", arguments.file.display(), name.escape_debug());
        return Err(Failure::refused(message).hint(meant));
    }
    let now = Timestamp::now();
    let wanted = |connection: &&Connection| match (arguments.only.is_empty(), arguments.due) {
        (false, _) => arguments.only.contains(&connection.name),
        (true, false) => connection.enabled,
        (true, true) => {
            let schedule = connection.schedule.as_ref().filter(|_| connection.enabled);
            schedule.is_some_and(|schedule| schedule.is_due(last.began(&connection.name), now))
        }
    };
    Ok(fleet.connections.iter().filter(wanted).collect())
}

pub(super) fn job(connection: &Connection, last: &dyn LastSyncs) -> Job {
    let (retry, timeout, memory) = (connection.retry, connection.settings.timeout, memory(connection));
    Job { expected: last.took(&connection.name), retry, timeout, memory, before: Before::default() }
}

/// What a sync of a connection may need: its connector's memory and files, and what the host has of it.
pub(super) fn memory(connection: &Connection) -> u64 {
    let mut limits = Limits::default();
    // A connection whose limits cannot be used is refused before it needs any.
    let _ = connection.settings.limits.apply(&mut limits);
    (limits.memory_bytes as u64).saturating_add(limits.local_file_bytes).saturating_add(BESIDES)
}

/// How many syncs at a time, and how many while there is something to spare. A number that is asked for is kept to.
pub(super) fn concurrency(fleet: &Fleet, asked: Option<u64>) -> (usize, usize) {
    let files = allow_files();
    let asked = asked.and_then(|count| usize::try_from(count).ok()).or(fleet.concurrency);
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let usual = processors.saturating_mul(FOR_EACH_PROCESSOR);
    asked.map_or_else(|| (usual, MOST.min(files).max(usual)), |asked| (asked, asked))
}

#[derive(Serialize)]
struct Began<'a> {
    connections: &'a [&'a str],
    concurrency: usize,
}

#[derive(Serialize)]
struct Retrying<'a> {
    attempt: u32,
    message: &'a str,
    wait_seconds: f64,
}

/// What all attempts of a connection did together.
#[derive(Clone, Copy, Default)]
pub(super) struct Totals {
    attempts: u32,
    rows: u64,
    checkpoints: u64,
}

impl Totals {
    /// Of so many attempts that another process made.
    pub(super) fn after(attempts: u32) -> Self {
        Self { attempts, ..Self::default() }
    }
}

/// What is known of an attempt.
pub(super) enum Detail {
    /// It began and ended.
    Ended(Box<SyncSummary>),
    /// It did not begin: the message and what to do.
    Kept(String, Option<String>),
}

impl Detail {
    fn message(&self) -> &str {
        match self {
            Self::Ended(summary) => summary.outcome.message.as_deref().unwrap_or_default(),
            Self::Kept(message, _) => message,
        }
    }
}

/// The syncs of a batch.
pub(super) struct Syncs<'a> {
    pub(super) fleet: &'a Fleet,
    pub(super) chosen: &'a [&'a Connection],
    pub(super) accept: bool,
    pub(super) folders: &'a Folders,
    pub(super) components: &'a Components,
    /// Budgets of hosts, which all of them share.
    pub(super) upstreams: Upstreams,
    pub(super) output: &'a Output,
    pub(super) history: Option<Arc<History>>,
    /// What the history says they were started by.
    pub(super) command: &'static str,
    pub(super) totals: Mutex<Vec<Totals>>,
    pub(super) overall: Overall,
}

impl Work for Syncs<'_> {
    type Detail = Detail;

    fn attempt(&self, job: usize, attempt: u32, cancel: Cancel) -> Attempt<Detail> {
        let Some(connection) = self.chosen.get(job) else { return kept(Failure::host("there is no such connection")) };
        let output = self.output.of_connection(&connection.name);
        let around = Surroundings {
            folders: self.folders,
            components: self.components,
            output: &output,
            cancel,
            by: StartedBy { command: self.command, attempt, history: self.history.clone() },
        };
        let wanted = file::wanted(self.fleet, connection, &self.upstreams, self.accept);
        let wanted =
            wanted.inspect_err(|failure| record::refused(&self.fleet.warehouse, &connection.name, &around.by, failure));
        match wanted.and_then(|wanted| sync(wanted, &around)) {
            Ok(Ended { summary, may_pass, .. }) => {
                let class = class(summary.outcome.class);
                Attempt { class, again: may_pass, detail: Detail::Ended(Box::new(summary)) }
            }
            Err(failure) => kept(failure),
        }
    }

    fn broken(&self, _: usize, reason: String) -> Detail {
        Detail::Kept(reason, None)
    }

    fn attempted(&self, job: usize, attempt: &Attempt<Detail>, again_in: Option<Duration>) {
        let Some(connection) = self.chosen.get(job) else { return };
        let mut totals = self.totals.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(totals) = totals.get_mut(job) else { return };
        totals.attempts += 1;
        if let Detail::Ended(summary) = &attempt.detail {
            totals.rows += summary.rows;
            totals.checkpoints += summary.checkpoints;
        }
        if let Some(wait) = again_in {
            let output = self.output.of_connection(&connection.name);
            let (attempt, message, wait_seconds) = (totals.attempts + 1, attempt.detail.message(), wait.as_secs_f64());
            output.event("retry", &Retrying { attempt, message, wait_seconds });
            output.timed_line(format_args!("attempt {attempt} in {}: {message}", units::duration(wait)));
        }
    }

    fn ended(&self, job: usize, outcome: &Outcome<Detail>) {
        let Some(connection) = self.chosen.get(job) else { return };
        let output = self.output.of_connection(&connection.name);
        let rows = match &outcome.detail {
            Some(Detail::Ended(summary)) => format!(", {}", units::counted(summary.rows, "row")),
            _ => String::new(),
        };
        let number = self.overall.ended(outcome.class == Class::Success);
        if outcome.attempts > 0 {
            let time = units::duration(outcome.wall);
            let number = number.map(|number| format!(" ({number})")).unwrap_or_default();
            // A batch says it at its end, and a process that stays has none.
            let message = outcome.detail.as_ref().map(Detail::message).filter(|_| self.command == "serve");
            let message = message.filter(|message| !message.is_empty()).map(|message| format!(": {message}"));
            let message = terminal::visible(&message.unwrap_or_default(), Lines::One, MESSAGE_BYTES);
            output.timed_line(format_args!("{}{rows}, {time}{number}{message}", outcome.class.words()));
        }
        output.event("ended", &Over { outcome: outcome.class, attempts: outcome.attempts });
    }
}

#[derive(Serialize)]
struct Over {
    outcome: Class,
    attempts: u32,
}

impl Syncs<'_> {
    /// How many attempts of a job have ended.
    pub(super) fn attempts(&self, job: usize) -> u32 {
        let totals = self.totals.lock().unwrap_or_else(PoisonError::into_inner);
        totals.get(job).map_or(0, |totals| totals.attempts)
    }

    fn report(&self, job: usize, outcome: Outcome<Detail>) -> ConnectionReport {
        let totals = self.totals.lock().unwrap_or_else(PoisonError::into_inner).get(job).copied().unwrap_or_default();
        let (message, hint, last_sync) = match outcome.detail {
            None => (None, None, None),
            Some(Detail::Kept(message, hint)) => (Some(message), hint, None),
            Some(Detail::Ended(summary)) => {
                (summary.outcome.message.clone(), summary.outcome.hint.clone(), Some(*summary))
            }
        };
        let connection = self.chosen.get(job).map(|connection| connection.name.clone()).unwrap_or_default();
        let flags = [&message, &hint].into_iter().flatten().any(|text| text.contains("--allow"));
        let flags = (flags && outcome.class == Class::Denied).then(|| to_grant(&connection));
        let hint = hint.into_iter().chain(flags).reduce(|hint, flags| format!("{hint}; {flags}"));
        ConnectionReport {
            connection,
            outcome: outcome.class,
            message,
            hint,
            attempts: outcome.attempts,
            rows: totals.rows,
            checkpoints: totals.checkpoints,
            wall: outcome.wall,
            last_sync,
        }
    }
}

/// Messages name flags of `sluice run`, which a batch has not.
fn to_grant(connection: &str) -> String {
    format!("in the file, --allow is `allow` under [connections.{connection}], and --allow-address is `allow_address`")
}

/// An attempt that did not begin.
fn kept(failure: Failure) -> Attempt<Detail> {
    let class = match failure.exit_code() {
        _ if failure.is_busy() => Class::RunningElsewhere,
        1 => Class::Connector,
        3 => Class::Limit,
        4 => Class::Denied,
        5 => Class::Host,
        _ => Class::Refused,
    };
    let (message, hint) = failure.into_words();
    Attempt { class, again: class == Class::Host, detail: Detail::Kept(message, hint) }
}

fn class(outcome: OutcomeClass) -> Class {
    match outcome {
        OutcomeClass::Success => Class::Success,
        OutcomeClass::Connector => Class::Connector,
        OutcomeClass::Limit => Class::Limit,
        OutcomeClass::Denied => Class::Denied,
        OutcomeClass::Host => Class::Host,
    }
}

fn report(
    arguments: &BatchArguments,
    (began, started): (Instant, Timestamp),
    stopped_by: Option<String>,
    connections: Vec<ConnectionReport>,
) -> BatchReport {
    BatchReport {
        version: REPORT_VERSION,
        file: arguments.file.display().to_string(),
        started: format!("{started:.3}"),
        wall: began.elapsed(),
        stopped_by,
        succeeded: Succeeded::of(connections.iter().map(|one| one.outcome)),
        connections,
    }
}

/// Writes the report in one step: whoever reads the file has the former one or this one, and never a part.
fn write(path: &Path, report: &BatchReport) -> Result<(), Failure> {
    let failed = |error: &dyn std::fmt::Display| {
        Failure::host(format!("could not write the report {}: {error}", path.display()))
    };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(|error| failed(&error))?;
    let mut text = serde_json::to_vec_pretty(report).map_err(|error| failed(&error))?;
    text.push(b'\n');
    file.write_all(&text).and_then(|()| file.as_file().sync_all()).map_err(|error| failed(&error))?;
    file.persist(path).map_err(|error| failed(&error))?;
    Ok(())
}
