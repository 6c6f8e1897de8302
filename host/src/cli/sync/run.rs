//! `sluice run`: sync once as the flags say, say what happened.

use std::collections::BTreeMap;
use std::path::Path;

use super::environment::Environment;
use super::grants::{Granted, oversight, trust};
use super::record::StartedBy;
use super::report;
use super::server::SERVER_PLACEHOLDER;
use super::syncing::{Ended, Server, Surroundings, Wanted, sync};
use super::tape::Tape;
use crate::cli::args::RunArguments;
use crate::cli::connector::components::Components;
use crate::cli::failure::{Failure, with_causes};
use crate::cli::folders::Folders;
use crate::cli::input;
use crate::cli::warehouse::connection;
use crate::compiler::configuration;
use crate::destination::sqlite::Warehouse;
use crate::sync::Cancel;

/// Syncs once.
pub(in crate::cli) fn run(arguments: &RunArguments, folders: &Folders) -> Result<u8, Failure> {
    let output = crate::cli::tracing::output(arguments.sync.json);
    let folders = &Folders { crash_report: arguments.crash_report.clone(), ..folders.clone() };
    let (components, cancel) = (Components::default(), Cancel::default());
    let around =
        Surroundings { folders, components: &components, output: &output, cancel, by: StartedBy::command("run") };
    let ended = sync(wanted(arguments)?, &around)?;
    if !arguments.sync.json {
        let Ended { summary, connection, redactor, .. } = &ended;
        report::print(summary, &arguments.warehouse.warehouse, connection, arguments.preview, redactor)?;
    }
    // A reader that went away is not a failure of the sync, whose rows have landed.
    let _ = output.finish();
    Ok(ended.code)
}

/// What the flags say.
pub(in crate::cli) fn wanted(arguments: &RunArguments) -> Result<Wanted, Failure> {
    let trust = trust(arguments.sync.grants.ca_file.as_deref())?;
    let granted = Granted::parse(&arguments.sync.grants)?;
    let oversight = oversight(&arguments.sync.audit)?;
    let tape = Tape::open(&arguments.sync.cassette)?;
    Ok(Wanted {
        subject: arguments.subject.clone(),
        connection: arguments.sync.connection.clone(),
        warehouse: arguments.warehouse.warehouse.clone(),
        configuration: {
            let (file, server) = (arguments.sync.configuration.as_deref(), arguments.sync.grants.with_server.is_some());
            read_configuration(&arguments.subject, file, server, tape.server())?
        },
        granted,
        trust,
        server: arguments.sync.grants.with_server.clone().map(Server::Script),
        environment: Environment::parse(&arguments.sync.env, |name| std::env::var(name).ok())?
            .and_secrets(&arguments.sync.env_secret)?,
        state: arguments.state.as_deref().map(initial_state).transpose()?,
        settings: arguments.sync.landing.read()?,
        limits: arguments.sync.limits.clone(),
        said: arguments.sync.secrets.read(arguments.sync.landing.settings.as_deref())?,
        tape,
        accept: arguments.accept,
        jail: arguments.sync.jail,
        oversight,
    })
}

fn initial_state(file: &Path) -> Result<String, Failure> {
    let state = connection::read_state(file)?.trim().to_owned();
    Warehouse::check_state(&state)?;
    Ok(state)
}

/// The configuration, in which the test server's URL is not filled in yet.
pub(in crate::cli) fn read_configuration(
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
    let mut configuration = configuration_file(path)?;
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

/// A configuration's file: a flat object of strings.
///
/// # Errors
/// When it cannot be read, or is none.
pub(in crate::cli) fn configuration_file(path: &Path) -> Result<BTreeMap<String, String>, Failure> {
    let text = input::read_text(path, "configuration")?;
    configuration::parse(&text)
        .map_err(|error| Failure::refused(format!("{}: {}", path.display(), with_causes(&error))))
}
