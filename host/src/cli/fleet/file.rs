//! The fleet's file as the commands have it: read, or refused with all its problems.

use std::collections::BTreeMap;
use std::path::Path;

use crate::cli::args::{JailArguments, LimitArguments};
use crate::cli::failure::Failure;
use crate::cli::input;
use crate::cli::sync::confidential::Said;
use crate::cli::sync::environment::Environment;
use crate::cli::sync::grants::{Granted, audit, trust};
use crate::cli::sync::run::configuration_file;
use crate::cli::sync::syncing::Wanted;
use crate::cli::sync::tape::Tape;
use crate::compiler::configuration::{self, CONFIGURATION};
use crate::fleet::{self, Configured, Connection, Fleet, Problem};
use crate::http::{Oversight, Upstreams};
use crate::landing::settings::Settings;

/// Reads the file; the inner result is what is wrong in it.
///
/// # Errors
/// When there is no such file, or others can write it.
pub(super) fn read(path: &Path) -> Result<Result<Fleet, Vec<Problem>>, Failure> {
    let text = input::read_text(path, "fleet's file")?;
    let folder = path.parent().unwrap_or(Path::new(""));
    Ok(fleet::read(&text, folder))
}

/// Reads a file that must be right.
///
/// # Errors
/// As [`read`], and everything that is wrong in it.
pub(super) fn read_whole(path: &Path) -> Result<Fleet, Failure> {
    read(path)?.map_err(|problems| {
        let lines: Vec<_> = problems.iter().map(|problem| in_words(path, problem)).collect();
        let count = crate::display::units::counted(problems.len() as u64, "problem");
        Failure::refused(format!("{} has {count}, nothing ran:\n{}", path.display(), lines.join("\n")))
            .hint("`sluice validate` checks the file without running anything")
    })
}

/// A problem with its place, as compilers write them.
pub(super) fn in_words(path: &Path, problem: &Problem) -> String {
    let hint = problem.hint.as_ref().map(|hint| format!("\n  hint: {hint}")).unwrap_or_default();
    match problem.line {
        0 => format!("{}: {problem}{hint}", path.display()),
        line => format!("{}:{line}: {problem}{hint}", path.display()),
    }
}

/// A connection's configuration, without stored secrets.
///
/// # Errors
/// When its file cannot be used, or it is too large.
pub(in crate::cli) fn configuration(connection: &Connection) -> Result<BTreeMap<String, String>, Failure> {
    let of_project = connection.component.join(CONFIGURATION);
    match &connection.settings.configuration {
        Configured::File(path) => configuration_file(path),
        Configured::Nowhere if connection.component.is_dir() && of_project.exists() => configuration_file(&of_project),
        Configured::Nowhere => Ok(BTreeMap::new()),
        Configured::Here(values) => {
            let text = serde_json::to_string(values).map_err(|error| Failure::host(error.to_string()))?;
            configuration::parse(&text).map_err(|error| Failure::refused(error.to_string()))
        }
    }
}

/// What an attempt to sync a connection is to be. Files and variables are read anew each time.
///
/// # Errors
/// When one of them cannot be used.
pub(super) fn wanted(
    fleet: &Fleet,
    connection: &Connection,
    upstreams: &Upstreams,
    accept: bool,
) -> Result<Wanted, Failure> {
    let settings = &connection.settings;
    Ok(Wanted {
        subject: connection.component.clone(),
        connection: Some(connection.name.clone()),
        warehouse: fleet.warehouse.clone(),
        configuration: configuration(connection)?,
        granted: Granted::new(settings.allow.clone(), settings.allow_address.clone()),
        trust: trust(settings.ca_file.as_deref())?,
        server: None,
        environment: environment(connection)?,
        state: None,
        settings: Settings {
            landing: settings.destination.clone(),
            limits: settings.limits.clone(),
            ..Settings::default()
        },
        limits: LimitArguments::default(),
        said: said(connection)?,
        tape: Tape::None,
        accept,
        jail: JailArguments { require_jail: settings.require_jail, no_jail: false },
        oversight: Oversight {
            upstreams: upstreams.clone(),
            audit: audit(settings.audit.as_deref(), settings.audit_paths)?,
        },
    })
}

/// The variables a connection's connector sees.
///
/// # Errors
/// When one that is to be passed on is not there.
pub(super) fn environment(connection: &Connection) -> Result<Environment, Failure> {
    let settings = &connection.settings;
    let given = settings.environment.iter().map(|(name, value)| format!("{name}={value}"));
    let all: Vec<_> = settings.pass_environment.iter().cloned().chain(given).collect();
    Environment::parse(&all, |name| std::env::var(name).ok())
}

/// What is secret of a connection.
///
/// # Errors
/// When a file or variable with a secret is not there.
pub(in crate::cli) fn said(connection: &Connection) -> Result<Said, Failure> {
    let settings = &connection.settings;
    let pairs = |(name, value): (&'_ String, &'_ String)| (name.clone(), value.clone());
    let files: Vec<_> = settings.secret_files.iter().map(pairs).collect();
    let variables: Vec<_> = settings.secret_environment.iter().map(pairs).collect();
    Said::new(
        settings.secrets.clone(),
        settings.secret.iter().cloned(),
        files.iter().map(|(name, path)| (name.as_str(), path.as_str())),
        variables.iter().map(|(name, variable)| (name.as_str(), variable.as_str())),
    )
}
