//! `sluice run`: resolve what was asked, sync once, say what happened.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::accept::accept;
use super::args::{LimitArguments, RunArguments};
use super::confidential::{Composed, Sources, Way, compose};
use super::connection;
use super::environment::Environment;
use super::failure::{Failure, with_causes};
use super::folders::Folders;
use super::grants::{Granted, oversight, refuse_ungranted, trust};
use super::input;
use super::passwords;
use super::report;
use super::server::{SERVER_PLACEHOLDER, TestServer};
use super::subject::Subject;
use super::tape::Tape;
use super::wall::Wall;
use crate::cassette::{Player, Redaction};
use crate::compiler::configuration;
use crate::counters::Counters;
use crate::destination::sqlite::Warehouse;
use crate::display::output::Output;
use crate::display::progress::{Started, SyncProgress};
use crate::http::Trust;
use crate::landing::settings::LimitSettings;
use crate::policy::egress::NetworkGrants;
use crate::policy::limits::{Limits, LimitsError};
use crate::stamp::AskedLimits;
use crate::sync::{Network, SyncRequest, redaction};
use crate::trial::Trial;

/// Syncs once.
pub(super) fn run(arguments: &RunArguments, folders: &Folders) -> Result<u8, Failure> {
    let output = Output::standard(arguments.json);
    // What can be refused at once is refused before a project is built.
    let trust = trust(&arguments.grants)?;
    let mut granted = Granted::parse(&arguments.grants)?;
    let oversight = oversight(&arguments.audit)?;
    let tape = Tape::open(&arguments.cassette)?;
    let has_server = arguments.grants.with_server.is_some();
    let mut configuration =
        read_configuration(&arguments.subject, arguments.configuration.as_deref(), has_server, tape.server())?;
    let environment = Environment::parse(&arguments.env, |name| std::env::var(name).ok())?;
    let state = arguments.state.as_deref().map(initial_state).transpose()?;
    let operator = arguments.landing.read()?;
    let said = arguments.secrets.read(arguments.landing.settings.as_deref())?;
    let subject = Subject::load(&arguments.subject, folders, &output)?;
    let server = arguments.grants.with_server.as_deref().map(TestServer::start).transpose()?;
    if let Some(server) = &server {
        granted.add(server);
        for value in configuration.values_mut() {
            *value = value.replace(SERVER_PLACEHOLDER, &server.url);
        }
    }
    let server_url = server.as_ref().map(|server| server.url.clone());
    let replayed = matches!(tape, Tape::Replay(..));
    let grants = granted.with_project(&subject);
    if !replayed {
        refuse_ungranted(&subject, &grants)?;
    }
    let limits = limits(&arguments.limits, &operator.limits, &subject, &output)?;
    // A component is a stranger's: how its rows land is not its author's to say.
    let project = subject.project.as_ref().map(|project| project.landing.clone()).unwrap_or_default();
    let landing = project.overridden_by(operator.landing);
    let connection = arguments.connection.clone().unwrap_or_else(|| subject.connection());

    let wall = Wall::admit(&arguments.jail, &subject, &limits, folders, &output)?;
    let place = wall.open(&limits)?;
    let digest = place.digest().to_owned();
    accept(arguments, &subject, &digest, &connection, &output)?;
    let passwords = match configuration.is_empty() {
        true => BTreeSet::new(),
        false => passwords::of_component(&wall, &digest, &limits, folders, &output),
    };
    let sources = Sources {
        subject: &subject,
        connection: &connection,
        warehouse: &arguments.warehouse.warehouse,
        folders,
        said,
        passwords,
        configuration,
        replayed,
    };
    let way = Way { grants: &grants, trust: &trust, limits: &limits };
    let Composed { configuration, confidential } = compose(sources, &way)?;
    let network = network(tape, grants, trust, redaction(&configuration, &confidential), server_url)?;
    let said = confidential.said(&configuration);

    let counters = Arc::new(Counters::default());
    let started =
        Started { connector: subject.name(), version: subject.version(), digest: &digest, connection: &connection };
    let progress = Arc::new(SyncProgress::start(output.clone(), Arc::clone(&counters), &started));
    let request = SyncRequest {
        connector: subject.name().to_owned(),
        connection: connection.clone(),
        warehouse: arguments.warehouse.warehouse.clone(),
        landing,
        configuration,
        confidential,
        network,
        oversight,
        initial_state: state,
        environment: environment.with_connection(&connection, arguments.cassette.replay.is_some()),
        limits,
        log: progress.clone(),
        counters,
        trial: Trial::default(),
    };
    let done = place.sync(request)?;
    drop(server);
    let code = done.result.as_ref().map_or_else(|error| error.exit_code(), |()| 0);
    let summary = report::summary(&subject, &digest, &connection, &arguments.warehouse.warehouse, done, &said);
    progress.finish(&summary);
    drop(progress);
    if !arguments.json {
        report::print(&summary, &arguments.warehouse.warehouse, &connection, arguments.preview, &said)?;
    }
    // A reader that went away is not a failure of the sync, whose rows have landed.
    let _ = output.finish();
    Ok(code)
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

fn initial_state(file: &Path) -> Result<String, Failure> {
    let state = connection::read_state(file)?.trim().to_owned();
    Warehouse::check_state(&state)?;
    Ok(state)
}

/// The configuration, in which the test server's URL is not filled in yet.
pub(super) fn read_configuration(
    subject: &Path,
    file: Option<&Path>,
    has_server: bool,
    recorded: Option<&str>,
) -> Result<BTreeMap<String, String>, Failure> {
    let default = subject.join("configuration.json");
    let path: &Path = match file {
        Some(path) => path,
        None if subject.is_dir() && default.exists() => &default,
        None => return Ok(BTreeMap::new()),
    };
    let text = input::read_text(path, "configuration")?;
    let mut configuration = configuration::parse(&text)
        .map_err(|error| Failure::refused(format!("{}: {}", path.display(), with_causes(&error))))?;
    if let Some(url) = recorded {
        for value in configuration.values_mut() {
            *value = value.replace(SERVER_PLACEHOLDER, url);
        }
    }
    let wants_server = configuration.iter().find(|(_, value)| value.contains(SERVER_PLACEHOLDER));
    match wants_server {
        Some((name, _)) if !has_server => Err(Failure::refused(format!(
            "{}: `{name}` holds {SERVER_PLACEHOLDER}, but there is no test server",
            path.display()
        ))
        .hint("start one with --with-server <script>, or write the real URL into the configuration")),
        _ => Ok(configuration),
    }
}

/// The limits: the defaults, what a project of this machine asks for, the settings file, and the flags, each over
/// the former.
pub(super) fn limits(
    arguments: &LimitArguments,
    settings: &LimitSettings,
    subject: &Subject,
    output: &Output,
) -> Result<Limits, Failure> {
    const MIB: usize = 1024 * 1024;
    let mut limits = Limits::default();
    let asked = subject.stamp.as_ref().map(|stamp| stamp.limits).unwrap_or_default();
    // A project on this machine is the author's own; what a component asks for is only said.
    let own = if subject.project.is_some() { asked } else { AskedLimits::default() };
    let refused = |error: LimitsError| Failure::refused(error.to_string());
    let mib = |mib: u64| mib.saturating_mul(MIB as u64);
    let memory = |wanted: u64| usize::try_from(mib(wanted)).unwrap_or(usize::MAX);
    limits.memory_bytes = own.memory_mib.map_or(limits.memory_bytes, memory);
    limits.cpu = own.cpu_seconds.map_or(limits.cpu, Duration::from_secs);
    limits.wall = own.wall_seconds.map_or(limits.wall, Duration::from_secs);
    limits.requests = own.requests.unwrap_or(limits.requests);
    limits.rows = own.rows.unwrap_or(limits.rows);
    settings.apply(&mut limits).map_err(refused)?;

    let seconds = |value: f64| Duration::try_from_secs_f64(value).unwrap_or(Duration::ZERO);
    limits.memory_bytes = arguments.memory.map_or(limits.memory_bytes, |wanted| memory(wanted as u64));
    limits.cpu = arguments.cpu_time.map_or(limits.cpu, seconds);
    limits.wall = arguments.wall_time.map_or(limits.wall, seconds);
    limits.requests = arguments.requests.unwrap_or(limits.requests);
    limits.workers = arguments.workers.unwrap_or(limits.workers);
    limits.files = arguments.files.unwrap_or(limits.files);
    limits.row_bytes_total = arguments.row_data.map_or(limits.row_bytes_total, mib);
    limits.file_bytes = arguments.file_size.map_or(limits.file_bytes, mib);
    limits.file_bytes_total = arguments.file_data.map_or(limits.file_bytes_total, mib);
    limits.local_file_bytes = arguments.local_files.map_or(limits.local_file_bytes, mib);
    limits.log_bytes = arguments.log.map_or(limits.log_bytes, |kib| kib.saturating_mul(1024));
    for text in &arguments.by_name {
        let (name, value) = text
            .split_once('=')
            .ok_or_else(|| Failure::refused(format!("--limit {}: write NAME=VALUE", text.escape_debug())))?;
        limits.set(name, value).map_err(refused)?;
    }
    limits.check().map_err(refused)?;
    if let Some(mib) = asked.memory_mib.filter(|mib| *mib > (limits.memory_bytes / MIB) as u64) {
        output.line(&format!("note: {} asks for {mib} MiB of memory; grant it with --memory {mib}", subject.name()));
    }
    Ok(limits)
}
