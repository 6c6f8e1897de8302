//! One sync, from what is wanted to its end: the one way of every command that syncs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::accept::Judge;
use super::confidential::{Composed, Said, Sources, Way, compose};
use super::environment::Environment;
use super::grants::{Granted, refuse_ungranted};
use super::limits::limits;
use super::record::{Record, StartedBy, named};
use super::report;
use super::server::{SERVER_PLACEHOLDER, TestServer};
use super::tape::Tape;
use crate::cassette::{Player, Redaction};
use crate::cli::args::{JailArguments, LimitArguments};
use crate::cli::connector::components::Components;
use crate::cli::connector::passwords;
use crate::cli::connector::subject::Subject;
use crate::cli::failure::{Failure, with_causes};
use crate::cli::folders::Folders;
use crate::counters::Counters;
use crate::crash::{self, Private};
use crate::destination::sqlite::Warehouse;
use crate::display::output::Output;
use crate::display::progress::{Started, SyncProgress};
use crate::display::summary::SyncSummary;
use crate::error::SyncError;
use crate::http::{Oversight, Trust};
use crate::landing::settings::Settings;
use crate::log::LastLines;
use crate::policy::egress::NetworkGrants;
use crate::policy::secrets::Redactor;
use crate::sync::{Cancel, Network, SyncReport, SyncRequest, redaction};
use crate::trial::Trial;

/// What one sync is to be, however that was said: everything that could be judged before the component was read.
pub(in crate::cli) struct Wanted {
    /// A component or a project.
    pub(in crate::cli) subject: PathBuf,
    /// The connection; that of the connector's name when absent.
    pub(in crate::cli) connection: Option<String>,
    pub(in crate::cli) warehouse: PathBuf,
    /// The configuration without stored secrets, in which the test server's URL is not filled in yet.
    pub(in crate::cli) configuration: BTreeMap<String, String>,
    pub(in crate::cli) granted: Granted,
    pub(in crate::cli) trust: Trust,
    /// A test server.
    pub(in crate::cli) server: Option<Server>,
    pub(in crate::cli) environment: Environment,
    /// The state to start from instead of the last checkpoint's.
    pub(in crate::cli) state: Option<String>,
    /// How rows land, and limits.
    pub(in crate::cli) settings: Settings,
    /// Limits that win over those of the settings.
    pub(in crate::cli) limits: LimitArguments,
    pub(in crate::cli) said: Said,
    pub(in crate::cli) tape: Tape,
    /// Whether the component that comes is accepted, whatever was accepted before.
    pub(in crate::cli) accept: bool,
    pub(in crate::cli) jail: JailArguments,
    pub(in crate::cli) oversight: Oversight,
}

/// A test server of the author's own.
pub(in crate::cli) enum Server {
    /// A script, to be started for this sync.
    Script(PathBuf),
    /// One that runs.
    Running(Arc<TestServer>),
}

impl Server {
    fn running(self) -> Result<Arc<TestServer>, Failure> {
        match self {
            Self::Script(script) => TestServer::start(&script).map(Arc::new),
            Self::Running(server) => Ok(server),
        }
    }
}

/// Lines of the log that are shown once more when a sync failed.
const LOG_LINES: usize = 10;
/// Where crash reports lie in the state folder.
const CRASHES: &str = "crashes";

/// Where a sync happens.
pub(in crate::cli) struct Surroundings<'a> {
    pub(in crate::cli) folders: &'a Folders,
    pub(in crate::cli) components: &'a Components,
    /// Where progress, the log and notes go.
    pub(in crate::cli) output: &'a Output,
    pub(in crate::cli) cancel: Cancel,
    /// What the history of runs says of how it was started.
    pub(in crate::cli) by: StartedBy,
}

/// A sync that has ended, well or not.
pub(in crate::cli) struct Ended {
    pub(in crate::cli) connection: String,
    pub(in crate::cli) summary: SyncSummary,
    /// 0, or the class of its failure.
    pub(in crate::cli) code: u8,
    /// Whether trying again can help.
    pub(in crate::cli) may_pass: bool,
    /// Keeps secrets out of what is shown of its rows.
    pub(in crate::cli) redactor: Redactor,
}

/// Syncs once.
///
/// # Errors
/// What keeps a sync from starting. How one ended that did start is part of the answer.
pub(in crate::cli) fn sync(wanted: Wanted, around: &Surroundings<'_>) -> Result<Ended, Failure> {
    // What can be refused at once is refused before a project is built.
    if let Some(connection) = &wanted.connection {
        Warehouse::check_name(connection)?;
    }
    let mut record = Record::new(&wanted.warehouse, wanted.oversight.audit.sync(), &around.by);
    record.knows().connection = wanted.connection.clone().unwrap_or_default();
    recorded(wanted, around, &mut record).inspect_err(|failure| record.refused(failure))
}

fn recorded(wanted: Wanted, around: &Surroundings<'_>, record: &mut Record) -> Result<Ended, Failure> {
    let Surroundings { folders, output, .. } = around;
    let component = around.components.load(&wanted.subject, folders, output)?;
    let subject = component.subject();
    let known = record.knows();
    known.connector = (subject.name().to_owned(), subject.version().map(str::to_owned));
    known.connection = wanted.connection.clone().unwrap_or_else(|| subject.connection());
    let (mut configuration, mut granted) = (wanted.configuration, wanted.granted);
    let server = wanted.server.map(Server::running).transpose()?;
    if let Some(server) = &server {
        granted.add(server);
        for value in configuration.values_mut() {
            *value = value.replace(SERVER_PLACEHOLDER, &server.url);
        }
    }
    let server_url = server.as_ref().map(|server| server.url.clone());
    let replayed = matches!(wanted.tape, Tape::Replay(..));
    let grants = granted.with_project(subject);
    let limits = limits(&wanted.limits, &wanted.settings.limits, subject, output)?;
    record.knows().limits = named(&limits);
    // A component is a stranger's: how its rows land is not its author's to say.
    let project = subject.project.as_ref().map(|project| project.landing.clone()).unwrap_or_default();
    let landing = project.overridden_by(wanted.settings.landing);
    let connection = wanted.connection.unwrap_or_else(|| subject.connection());

    if let Some(by) = around.cancel.reason() {
        return Err(Failure::host(format!("the sync was cancelled by {by}")));
    }
    // Another component than was accepted is refused before anything is made of it or started.
    let accepting = Judge::of(subject, &wanted.warehouse, &connection, wanted.accept)?;
    let mut judge = |digest: &str| {
        digest.clone_into(&mut record.knows().component);
        // First that it is another one: who reads that a grant is missing would grant it.
        accepting.judge(digest)?;
        if replayed { Ok(()) } else { refuse_ungranted(subject, &grants) }
    };
    let wall = component.admit(&wanted.jail, &limits, folders, output, &mut judge)?;
    let digest = wall.digest().to_owned();
    judge(&digest)?;
    let place = wall.open(&limits)?;
    let (acceptance, looked) = accepting.note(&digest, output)?;
    let passwords = match configuration.is_empty() {
        true => BTreeSet::new(),
        false => {
            let form = component.parcel().map_or(Some(digest.clone()), |_| passwords::form_of(subject, &digest));
            form.map(|form| passwords::of_component(&wall, &form, &limits, folders, output)).unwrap_or_default()
        }
    };
    let sources = Sources {
        subject,
        connection: &connection,
        warehouse: &wanted.warehouse,
        folders,
        said: wanted.said,
        passwords,
        configuration,
        replayed,
    };
    let way = Way { grants: &grants, trust: &wanted.trust, limits: &limits };
    let Composed { configuration, mut confidential } = compose(sources, &way)?;
    let environment = wanted.environment.with_values(&configuration, &mut confidential.names)?;
    let network = network(wanted.tape, grants, wanted.trust, redaction(&configuration, &confidential), server_url)?;
    let redactor = confidential.said(&configuration);

    let counters = Arc::new(Counters::default());
    let started =
        Started { connector: subject.name(), version: subject.version(), digest: &digest, connection: &connection };
    let progress = Arc::new(SyncProgress::start((*output).clone(), Arc::clone(&counters), &started));
    let told = crate::cli::tracing::log(&connection).unwrap_or_else(|| progress.clone());
    let log = Arc::new(LastLines::new(LOG_LINES, Some(told)));
    let environment = environment.with_connection(&connection, replayed);
    // What the host says of itself and the connection is no secret, and stands in paths.
    let own = |value: &&String| **value != connection && !["test_group_id", "local_debug"].contains(&value.as_str());
    let private = Private::new(configuration.values().chain(environment.values().filter(own)));
    let request = SyncRequest {
        connector: subject.name().to_owned(),
        connection: connection.clone(),
        warehouse: wanted.warehouse.clone(),
        landing,
        configuration,
        confidential,
        network,
        oversight: wanted.oversight,
        initial_state: wanted.state,
        environment,
        limits,
        log: log.clone(),
        counters,
        cancel: around.cancel.clone(),
        trial: Trial::default(),
        following: Some(record.following()),
        acceptance,
        looked,
    };
    let done = place.sync(request)?;
    drop(server);
    let mut ended = ended(subject, &digest, connection, &wanted.warehouse, done, redactor);
    if ended.code != 0 {
        ended.summary.outcome.last_log_lines = log.last();
        keep_crash_report(&mut ended, &record.knows().limits, &private, folders);
    }
    crate::cli::tracing::count(&ended.summary);
    record.finished(&ended.summary);
    progress.finish(&ended.summary);
    Ok(ended)
}

/// The one place where a sync that began has ended, whatever command it was of.
fn ended(
    subject: &Subject,
    digest: &str,
    connection: String,
    warehouse: &Path,
    done: SyncReport,
    redactor: Redactor,
) -> Ended {
    let code = done.result.as_ref().map_or_else(|error| error.exit_code(), |()| 0);
    let turned_away = done.turned_away.is_some() && matches!(done.result, Err(SyncError::Connector(_)));
    let may_pass = done.result.as_ref().is_err_and(SyncError::may_pass) && !turned_away;
    let summary = report::summary(subject, digest, &connection, warehouse, done, &redactor);
    Ended { connection, summary, code, may_pass, redactor }
}

/// Writes down what whoever is to help needs to know. Where that cannot be written, the failure is reported all the
/// same.
fn keep_crash_report(ended: &mut Ended, limits: &BTreeMap<&'static str, u64>, private: &Private, folders: &Folders) {
    let report = crash::report(&ended.summary, limits, private);
    let kept = match &folders.crash_report {
        Some(path) => crash::write(path, &report).map(|()| path.clone()),
        None => crash::keep(&folders.state.join(CRASHES), &ended.connection, &report),
    };
    match kept {
        Ok(path) => ended.summary.outcome.crash_report = Some(path.display().to_string()),
        Err(error) => tracing::warn!(error = with_causes(&error), "could not write a crash report"),
    }
}

/// What answers the connector's requests.
fn network(
    tape: Tape,
    grants: NetworkGrants,
    trust: Trust,
    redaction: Redaction,
    server: Option<String>,
) -> Result<Network, Failure> {
    Ok(match tape {
        Tape::Replay(cassette, clock) => Network::Replayed(Player::new(cassette, redaction), clock),
        tape => match tape.recorder(redaction, server)? {
            Some(recorder) => Network::Recorded(grants, trust, recorder),
            None => Network::Granted(grants, trust),
        },
    })
}
