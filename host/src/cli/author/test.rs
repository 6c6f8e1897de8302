//! `sluice test`: the contract kit.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::cassette::Cassette;
use crate::cli::args::TestArguments;
use crate::cli::connector::passwords;
use crate::cli::connector::subject::Subject;
use crate::cli::connector::wall::Wall;
use crate::cli::failure::Failure;
use crate::cli::folders::Folders;
use crate::cli::print;
use crate::cli::signals::{self, Asked};
use crate::cli::sync::confidential::{Composed, Sources, Way, compose};
use crate::cli::sync::environment::Environment;
use crate::cli::sync::grants::{Granted, refuse_ungranted, trust};
use crate::cli::sync::limits::limits;
use crate::cli::sync::run::read_configuration;
use crate::cli::sync::server::{SERVER_PLACEHOLDER, TestServer};
use crate::cli::sync::tape::{Tape, clock};
use crate::display::output::Output;
use crate::display::steps::Step;
use crate::display::{junit, kit as shown};
use crate::http::Trust;
use crate::kit::{self, Case, Check, Options, Report, Source, Stand, Trouble};
use crate::landing::Landing;
use crate::policy::egress::{NetworkGrant, NetworkGrants};
use crate::policy::limits::Limits;
use crate::sync::{Cancel, SyncReport, SyncRequest};

/// The connection that environment and secrets are for.
const CONNECTION: &str = "tested";
/// Folders of a project in which cassettes lie.
const CASSETTE_FOLDERS: [&str; 2] = ["tests", "cassettes"];
/// Most cassettes of a project.
const CASSETTES: usize = 1_000;
/// Where the clock stands when nothing was recorded.
const NO_CASSETTE_CLOCK: &str = "2026-01-01T00:00:00Z";

/// Holds a connector against the kit.
pub(in crate::cli) fn test(arguments: &TestArguments, folders: &Folders) -> Result<u8, Failure> {
    if arguments.list {
        return list();
    }
    let output = Output::standard(false);
    let checks = checks(arguments);
    if checks.is_empty() {
        return Err(Failure::refused("no check is left").hint("`sluice test <subject> --list` lists them"));
    }
    let tapes = tapes(arguments)?;
    let trust = trust(arguments.grants.ca_file.as_deref())?;
    let mut granted = Granted::parse(&arguments.grants)?;
    // A broken variable is refused before a project is built.
    environment(arguments, true)?;
    let subject = Subject::load(&arguments.subject, folders, &output)?;
    let limits = limits(&arguments.limits, &Default::default(), &subject, &output)?;
    let wall = Wall::admit(&arguments.jail, &subject.bytes, &limits, folders, &output)?;
    let digest = wall.open(&limits)?.digest().to_owned();
    let server = arguments.grants.with_server.as_deref().map(TestServer::start).transpose()?;
    if let Some(server) = &server {
        granted.add(server);
    }
    let grants = granted.with_project(&subject);
    if tapes.is_empty() {
        refuse_ungranted(&subject, &grants)?;
    }
    let preparing = Preparing { arguments, folders, subject: &subject, wall: &wall, digest: &digest, limits: &limits };
    let cases = match tapes.is_empty() {
        false => tapes.into_iter().map(|tape| preparing.replayed(tape, &output)).collect::<Result<_, _>>()?,
        true => vec![preparing.live(grants, trust, server.as_ref(), &output)?],
    };
    let options = Options {
        checks,
        seed: arguments.seed.unwrap_or_else(|| Timestamp::now().as_microsecond().unsigned_abs() % 1_000_000),
        cuts: arguments.cuts,
        ignored: arguments.ignore_column.clone(),
        cancel: cancelled_by_signals()?,
    };
    let tested = kit::Subject {
        connector: subject.name().to_owned(),
        asks: asks(&subject),
        landing: landing(&subject),
        limits: limits.clone(),
    };
    let mut report = Report {
        connector: tested.connector.clone(),
        digest,
        seed: options.seed,
        strict: arguments.strict,
        cases: Vec::new(),
    };
    for case in &cases {
        report.cases.push(one(&Workers { wall: &wall, limits: &limits }, &tested, case, &options, &output)?);
    }
    drop(server);
    finish(arguments, &report)
}

/// What a signal ends the test by, also between two syncs: what was recorded is kept then.
fn cancelled_by_signals() -> Result<Cancel, Failure> {
    let cancel = Cancel::by_hand();
    let ours = cancel.clone();
    signals::tell(move |asked| match asked {
        Asked::Stop(name) => ours.cancel(name),
        Asked::Reload => ours.cancel("SIGHUP"),
    })?;
    Ok(cancel)
}

fn one(
    stand: &Workers<'_>,
    tested: &kit::Subject,
    case: &Case,
    options: &Options,
    output: &Output,
) -> Result<kit::CaseReport, Failure> {
    let mut step: Option<Step> = None;
    let mut begin = |check: Check| {
        if let Some(step) = step.take() {
            step.done(None);
        }
        step = Some(Step::start(output, format!("checking {}: {}", check.name(), check.about())));
    };
    let report = kit::test(stand, tested, case, options, &mut begin)?;
    if let Some(step) = step {
        step.done(None);
    }
    Ok(report)
}

fn finish(arguments: &TestArguments, report: &Report) -> Result<u8, Failure> {
    if let Some(path) = &arguments.junit {
        let written = fs::File::create(path).and_then(|file| junit::write(report, std::io::BufWriter::new(file)));
        written.map_err(|error| Failure::host(format!("could not write {}: {error}", path.display())))?;
    }
    let mut text = Vec::new();
    let written = match arguments.json {
        true => serde_json::to_writer(&mut text, report).map_err(Into::into).map(|()| text.push(b'\n')),
        false => shown::write(report, &mut text),
    };
    written.map_err(|error: std::io::Error| Failure::host(error.to_string()))?;
    print(&String::from_utf8_lossy(&text))?;
    Ok(u8::from(!report.passed()))
}

fn list() -> Result<u8, Failure> {
    let mut table = crate::display::table::Table::new(
        ["check", "holds a connector against"].map(crate::display::table::Column::left).into(),
    );
    for check in Check::ALL {
        table.row([check.name(), check.about()]);
    }
    let mut text = Vec::new();
    table.write(&mut text, "").map_err(|error| Failure::host(error.to_string()))?;
    print(&String::from_utf8_lossy(&text))?;
    Ok(0)
}

fn checks(arguments: &TestArguments) -> BTreeSet<Check> {
    let named = |names: &[String]| names.iter().filter_map(|name| Check::named(name)).collect::<BTreeSet<_>>();
    let chosen = match arguments.only.is_empty() {
        true => Check::ALL.into(),
        false => named(&arguments.only),
    };
    chosen.difference(&named(&arguments.skip)).copied().collect()
}

/// What it asks for: a project in its `connector.toml`, a component in its stamp.
fn asks(subject: &Subject) -> Option<Vec<NetworkGrant>> {
    match (&subject.project, &subject.stamp) {
        (Some(project), _) => Some(project.network.clone()),
        (None, Some(stamp)) => Some(stamp.network.iter().filter_map(|text| text.parse().ok()).collect()),
        (None, None) => None,
    }
}

/// How a project's rows land, as far as two databases can be compared: each has a key of its own for hashes.
fn landing(subject: &Subject) -> Landing {
    let mut landing = subject.project.as_ref().map(|project| project.landing.clone()).unwrap_or_default();
    landing.tables.values_mut().for_each(|table| table.hash_columns.clear());
    landing
}

/// A cassette and what it is called; nothing when syncs are to use the network.
type Named = (String, Tape);

fn tapes(arguments: &TestArguments) -> Result<Vec<Named>, Failure> {
    let read = |path: &PathBuf| {
        let tape = Tape::replay(path, arguments.clock.as_deref())?;
        Ok((path.display().to_string(), tape))
    };
    if !arguments.cassette.is_empty() {
        return arguments.cassette.iter().map(read).collect();
    }
    let grants = &arguments.grants;
    if grants.with_server.is_some() || !grants.allow.is_empty() {
        return Ok(Vec::new());
    }
    if arguments.record.is_some() {
        return Err(
            Failure::refused("--record needs something to record").hint("say what with --allow or --with-server")
        );
    }
    let found = found(&arguments.subject)?;
    if !found.is_empty() {
        return found.iter().map(read).collect();
    }
    let clock = clock(arguments.clock.as_deref().unwrap_or(NO_CASSETTE_CLOCK))?;
    Ok(vec![("without a cassette".to_owned(), Tape::Replay(Cassette::default(), clock))])
}

/// The cassettes of a project, in the order of their names.
fn found(subject: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut found = Vec::new();
    for folder in CASSETTE_FOLDERS.map(|folder| subject.join(folder)).iter().filter(|folder| folder.is_dir()) {
        let unreadable = |error| Failure::refused(format!("cannot read {}: {error}", folder.display()));
        for entry in fs::read_dir(folder).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            if path.extension().is_some_and(|ending| ending == "har") {
                found.push(path);
            }
        }
    }
    found.sort();
    if found.len() > CASSETTES {
        return Err(Failure::refused(format!("more than {CASSETTES} cassettes")).hint("name some with --cassette"));
    }
    Ok(found)
}

fn environment(arguments: &TestArguments, replay: bool) -> Result<BTreeMap<String, String>, Failure> {
    let environment = Environment::parse(&arguments.env, |name| std::env::var(name).ok())?;
    Ok(environment.with_connection(CONNECTION, replay))
}

/// What cases are made of.
struct Preparing<'a> {
    arguments: &'a TestArguments,
    folders: &'a Folders,
    subject: &'a Subject,
    wall: &'a Wall,
    digest: &'a str,
    limits: &'a Limits,
}

impl Preparing<'_> {
    fn replayed(&self, (name, tape): Named, output: &Output) -> Result<Case, Failure> {
        let configuration = self.configuration(false, tape.server())?;
        let composed = self.compose(configuration, &NetworkGrants::default(), &Trust::nobody(), true, output)?;
        let Tape::Replay(cassette, clock) = tape else { return Err(Failure::host("no cassette was read")) };
        self.case(name, composed, Source::Cassette(cassette, clock), true)
    }

    fn live(
        &self,
        grants: NetworkGrants,
        trust: Trust,
        server: Option<&TestServer>,
        output: &Output,
    ) -> Result<Case, Failure> {
        let mut configuration = self.configuration(server.is_some(), None)?;
        if let Some(server) = server {
            for value in configuration.values_mut() {
                *value = value.replace(SERVER_PLACEHOLDER, &server.url);
            }
        }
        let composed = self.compose(configuration, &grants, &trust, false, output)?;
        let name = match &self.arguments.grants.with_server {
            Some(script) => format!("the server {}", script.display()),
            None => "the granted hosts".to_owned(),
        };
        let server = server.map(|server| server.url.clone());
        let source = Source::Network { grants, trust, server, record: self.arguments.record.clone() };
        self.case(name, composed, source, false)
    }

    fn configuration(&self, server: bool, recorded: Option<&str>) -> Result<BTreeMap<String, String>, Failure> {
        let file = self.arguments.configuration.as_deref();
        read_configuration(&self.arguments.subject, file, server, recorded)
    }

    fn compose(
        &self,
        configuration: BTreeMap<String, String>,
        grants: &NetworkGrants,
        trust: &Trust,
        replayed: bool,
        output: &Output,
    ) -> Result<Composed, Failure> {
        let passwords = match configuration.is_empty() {
            true => BTreeSet::new(),
            false => passwords::of_component(self.wall, self.digest, self.limits, self.folders, output),
        };
        // No stored secret is of this connection, whose warehouse there is not.
        let nowhere = tempfile::tempdir().map_err(|error| Failure::host(error.to_string()))?;
        let sources = Sources {
            subject: self.subject,
            connection: CONNECTION,
            warehouse: nowhere.path(),
            folders: self.folders,
            said: self.arguments.secrets.read(None)?,
            passwords,
            configuration,
            replayed,
        };
        compose(sources, &Way { grants, trust, limits: self.limits })
    }

    fn case(&self, name: String, composed: Composed, source: Source, replay: bool) -> Result<Case, Failure> {
        let Composed { configuration, confidential } = composed;
        let environment = environment(self.arguments, replay)?;
        Ok(Case { name, configuration, confidential, environment, source })
    }
}

/// Syncs in the jailed sandbox, each in a worker of its own.
struct Workers<'a> {
    wall: &'a Wall,
    limits: &'a Limits,
}

impl Stand for Workers<'_> {
    fn sync(&self, request: SyncRequest) -> Result<SyncReport, Trouble> {
        let place = self.wall.open(self.limits).map_err(|failure| Trouble(failure.to_string()))?;
        place.sync(request).map_err(|error| Trouble(error.to_string()))
    }
}

impl From<Trouble> for Failure {
    fn from(trouble: Trouble) -> Self {
        Self::host(format!("the test could not be made: {trouble}"))
    }
}
