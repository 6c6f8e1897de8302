//! `sluice configure`: fill in a connector's form, and test what was filled in.

pub(super) mod ask;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};

use self::ask::{Hidden, Person, check, shown};
use crate::cli::args::ConfigureArguments;
use crate::cli::connector::passwords;
use crate::cli::connector::subject::Subject;
use crate::cli::connector::wall::Wall;
use crate::cli::failure::{Failure, with_causes};
use crate::cli::folders::Folders;
use crate::cli::input;
use crate::cli::print;
use crate::cli::sync::confidential::{self, Sources, Way, compose};
use crate::cli::sync::grants::{Granted, oversight, refuse_ungranted, trust};
use crate::cli::sync::limits::limits;
use crate::cli::sync::server::{SERVER_PLACEHOLDER, TestServer};
use crate::compiler::configuration::{self, CONFIGURATION};
use crate::display::output::Output;
use crate::error::SyncError;
use crate::landing::settings::LimitSettings;
use crate::log::{Level, LogSink};
use crate::policy::secrets::Secret;
use crate::secrets::SecretStore;
use crate::setup::{Form, Outcome, SetupRequest};
use crate::sync::Confidential;

/// Fills in the form, or tests what is there.
pub(super) fn configure(arguments: &ConfigureArguments, folders: &Folders) -> Result<u8, Failure> {
    let output = Output::standard(arguments.json);
    let trust = trust(arguments.grants.ca_file.as_deref())?;
    let oversight = oversight(&arguments.audit)?;
    let mut granted = Granted::parse(&arguments.grants)?;
    let path = configuration_path(arguments)?;
    let in_file = read(&path)?;
    let given = given(arguments)?;
    let said = arguments.secrets.read(arguments.settings.as_deref())?;
    let subject = Subject::load(&arguments.subject, folders, &output)?;
    let connection = arguments.connection.clone().unwrap_or_else(|| subject.connection());
    let mut kept = Kept::read(arguments, &connection, folders)?;
    let current = kept.beside(&in_file);
    let server = arguments.grants.with_server.as_deref().map(TestServer::start).transpose()?;
    if let Some(server) = &server {
        granted.add(server);
    }
    let grants = granted.with_project(&subject);
    if arguments.test {
        refuse_ungranted(&subject, &grants)?;
    }
    let limits = limits(&arguments.limits, &LimitSettings::default(), &subject, &output)?;
    let wall = Wall::admit(&arguments.jail, &subject.bytes, &limits, folders, &output)?;
    let log = Arc::new(Messages(output));
    let names = kept.names().chain(said.names()).cloned().collect();
    let mut request = SetupRequest {
        configuration: current.clone(),
        confidential: Confidential { names, ..Confidential::default() },
        grants,
        trust,
        oversight,
        limits,
        log,
    };

    let form = match wall.open(&request.limits)?.form(&request) {
        Ok(form) => form.unwrap_or_default(),
        Err(error) => return Err(failed("asking for the form", &error)),
    };
    check_form(&form, &subject, arguments)?;
    let passwords = passwords::of_form(&form);
    refuse_shown(&passwords, arguments)?;
    let filled = filled(&form, &given, current.clone(), arguments)?;
    check_filled(&form, &filled)?;
    let secret = |name: &String| {
        let by_project = subject.project.as_ref().is_some_and(|project| project.secrets.names().any(|own| own == name));
        passwords.contains(name) || by_project || request.confidential.names.contains(name)
    };
    let (secrets, plain): (BTreeMap<_, _>, _) = filled.clone().into_iter().partition(|(name, _)| secret(name));
    let changes = !arguments.test || filled != current;
    let stored = if changes { kept.keep(&secrets)? } else { Vec::new() };
    let configuration = if changes { plain } else { in_file.clone() };
    let written = configuration != in_file;
    if written {
        write(&path, &configuration)?;
    }
    let tests = if arguments.test {
        let mut configuration = configuration;
        if let Some(server) = &server {
            for value in configuration.values_mut() {
                *value = value.replace(SERVER_PLACEHOLDER, &server.url);
            }
        }
        let sources = Sources {
            subject: &subject,
            connection: &connection,
            warehouse: &arguments.warehouse.warehouse,
            folders,
            said,
            passwords,
            configuration,
            replayed: false,
        };
        let way = Way { grants: &request.grants, trust: &request.trust, limits: &request.limits };
        let composed = compose(sources, &way)?;
        request.configuration = composed.configuration;
        request.confidential = composed.confidential;
        tests(&wall, &request, &form)?
    } else {
        Vec::new()
    };
    report(arguments, &Written { path: &path, written, stored, secrets: &kept.path() }, &tests)
}

/// What was written, and where.
struct Written<'a> {
    path: &'a Path,
    written: bool,
    /// Names of secrets.
    stored: Vec<String>,
    secrets: &'a Path,
}

/// The stored secrets of the connection.
struct Kept {
    store: SecretStore,
    connection: String,
    all: BTreeMap<String, Secret>,
}

impl Kept {
    fn read(arguments: &ConfigureArguments, connection: &str, folders: &Folders) -> Result<Self, Failure> {
        let store = confidential::store(&arguments.warehouse.warehouse, connection, folders)?;
        let all = store.all(connection)?;
        Ok(Self { store, connection: connection.to_owned(), all })
    }

    fn path(&self) -> PathBuf {
        self.store.path(&self.connection)
    }

    fn names(&self) -> impl Iterator<Item = &String> {
        self.all.keys()
    }

    /// A configuration with the secrets that it does not have.
    fn beside(&self, configuration: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        let stored = self.all.iter().map(|(name, value)| (name.clone(), value.expose().to_owned()));
        let own = configuration.iter().filter(|(name, value)| !value.is_empty() || !self.all.contains_key(*name));
        stored.chain(own.map(|(name, value)| (name.clone(), value.clone()))).collect()
    }

    /// Stores what changed and answers its names; an empty value is not stored.
    fn keep(&mut self, secrets: &BTreeMap<String, String>) -> Result<Vec<String>, Failure> {
        let changed =
            |(name, value): &(&String, &String)| self.all.get(*name).map_or("", Secret::expose) != value.as_str();
        let changed: Vec<_> = secrets.iter().filter(changed).collect();
        let (gone, new): (Vec<_>, Vec<_>) = changed.into_iter().partition(|(_, value)| value.is_empty());
        for (name, _) in gone {
            self.store.remove(&self.connection, name)?;
        }
        let new: BTreeMap<_, _> =
            new.into_iter().map(|(name, value)| (name.clone(), Secret::new(value.clone()))).collect();
        if !new.is_empty() {
            self.store.set(&self.connection, &new)?;
        }
        Ok(new.into_keys().collect())
    }
}

/// What stands on a command line can be read by every user of the machine.
fn refuse_shown(passwords: &BTreeSet<String>, arguments: &ConfigureArguments) -> Result<(), Failure> {
    let shown = arguments.set.iter().filter_map(|text| text.split_once('=')).map(|(name, _)| name);
    match shown.into_iter().find(|name| passwords.contains(*name)) {
        None => Ok(()),
        Some(name) => Err(Failure::refused(format!(
            "field {} is a password, which --set would show in the list of processes",
            self::shown(name)
        ))
        .hint(format!("put it into a file and pass --set-file {}=FILE", self::shown(name)))),
    }
}

/// One test and how it went.
struct Tested {
    name: String,
    label: String,
    result: Result<Outcome, SyncError>,
}

impl Tested {
    fn message(&self) -> Option<String> {
        match &self.result {
            Ok(Outcome::Success) => None,
            Ok(Outcome::Failure(text)) => Some(text.clone()),
            Err(error) => Some(error.to_string()),
        }
    }

    fn exit_code(&self) -> u8 {
        match &self.result {
            Ok(Outcome::Success) => 0,
            Ok(Outcome::Failure(_)) => 1,
            Err(error) => error.exit_code(),
        }
    }
}

/// A connector's messages.
struct Messages(Output);

impl LogSink for Messages {
    fn line(&self, level: Level, text: &str) {
        self.0.log(level, text);
    }
}

fn configuration_path(arguments: &ConfigureArguments) -> Result<PathBuf, Failure> {
    match &arguments.configuration {
        Some(path) => Ok(path.clone()),
        None if arguments.subject.is_dir() => Ok(arguments.subject.join(CONFIGURATION)),
        None => Err(Failure::refused("a component has no configuration of its own")
            .hint("name the file to write with --configuration <FILE>")),
    }
}

fn read(path: &Path) -> Result<BTreeMap<String, String>, Failure> {
    if matches!(path.symlink_metadata(), Err(error) if error.kind() == io::ErrorKind::NotFound) {
        return Ok(BTreeMap::new());
    }
    let text = input::read_text(path, "configuration")?;
    configuration::parse(&text)
        .map_err(|error| Failure::refused(format!("{}: {}", path.display(), with_causes(&error))))
}

/// The values that were given on the command line.
fn given(arguments: &ConfigureArguments) -> Result<BTreeMap<String, String>, Failure> {
    let mut given = BTreeMap::new();
    for text in &arguments.set {
        let Some((name, value)) = text.split_once('=') else {
            return Err(Failure::refused("--set takes NAME=VALUE"));
        };
        given.insert(name.to_owned(), value.to_owned());
    }
    for text in &arguments.set_file {
        let Some((name, path)) = text.split_once('=') else {
            return Err(Failure::refused("--set-file takes NAME=FILE"));
        };
        given.insert(name.to_owned(), confidential::from_file(&format!("--set-file {name}"), path)?);
    }
    Ok(given)
}

fn check_form(form: &Form, subject: &Subject, arguments: &ConfigureArguments) -> Result<(), Failure> {
    let name = subject.name();
    if form.fields.is_empty() && (!arguments.test || form.tests.is_empty()) {
        return Err(Failure::refused(format!("{name} has no form to fill in"))
            .hint("write its configuration by hand: a flat JSON object of strings"));
    }
    if arguments.test && form.tests.is_empty() {
        return Err(Failure::refused(format!("the form of {name} has no tests")));
    }
    Ok(())
}

/// The configuration with the values given, and with answers when somebody can be asked.
fn filled(
    form: &Form,
    given: &BTreeMap<String, String>,
    mut configuration: BTreeMap<String, String>,
    arguments: &ConfigureArguments,
) -> Result<BTreeMap<String, String>, Failure> {
    for (name, value) in given {
        let Some(field) = form.fields.iter().find(|field| field.name == *name) else {
            let names: Vec<_> = form.fields.iter().map(|field| shown(&field.name)).collect();
            return Err(Failure::refused(format!("the form has no field {}", shown(name)))
                .hint(format!("its fields are: {}", names.join(", "))));
        };
        check(field, value).map_err(|reason| Failure::refused(format!("field {name}: {reason}")))?;
        configuration.insert(name.clone(), value.clone());
    }
    let somebody = io::stdin().is_terminal() && io::stderr().is_terminal() && !arguments.json;
    if somebody && !arguments.test {
        let (mut input, mut output) = (io::stdin().lock(), io::stderr().lock());
        let mut person = Person { input: &mut input, output: &mut output, hide: &Hidden::begin };
        person
            .fill(form, given, &mut configuration)
            .map_err(|_| Failure::refused("the form was not filled in; nothing was written"))?;
    }
    Ok(configuration)
}

/// Every field has a value that it can have.
fn check_filled(form: &Form, configuration: &BTreeMap<String, String>) -> Result<(), Failure> {
    let wrong: Vec<_> = form
        .fields
        .iter()
        .filter_map(|field| {
            let value = configuration.get(&field.name).map_or("", String::as_str);
            check(field, value).err().map(|reason| format!("field {}: {reason}", shown(&field.name)))
        })
        .collect();
    if wrong.is_empty() {
        return Ok(());
    }
    Err(Failure::refused(wrong.join("; "))
        .hint("give each with --set NAME=VALUE, or run this at a terminal to be asked"))
}

/// Replaces the file as a whole, for its owner's eyes only.
fn write(path: &Path, configuration: &BTreeMap<String, String>) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(configuration).map_err(|error| Failure::host(error.to_string()))?;
    configuration::parse(&text).map_err(|error| Failure::refused(with_causes(&error)))?;
    let failed = |error: &dyn std::fmt::Display| Failure::host(format!("cannot write {}: {error}", path.display()));
    // Where a link leads to, so that it stays a link.
    let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Made for its owner only, and never seen half written.
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(|error| failed(&error))?;
    let written = writeln!(file, "{text}").and_then(|()| file.as_file().sync_all());
    written.map_err(|error| failed(&error))?;
    file.persist(path).map_err(|error| failed(&error.error))?;
    Ok(())
}

fn tests(wall: &Wall, request: &SetupRequest, form: &Form) -> Result<Vec<Tested>, Failure> {
    let mut tested = Vec::new();
    for test in &form.tests {
        let result = match wall.open(&request.limits)?.test(request, &test.name) {
            Ok(Some(outcome)) => Ok(outcome),
            Ok(None) => {
                return Err(Failure::refused("the component has a form with tests, but does not export `test`"));
            }
            // Nothing went wrong with the connector, and the next test would not go better.
            Err(error @ SyncError::Host(_)) => return Err(failed("testing", &error)),
            Err(error) => Err(error),
        };
        tested.push(Tested { name: test.name.clone(), label: test.label.clone(), result });
    }
    Ok(tested)
}

fn report(arguments: &ConfigureArguments, written: &Written<'_>, tests: &[Tested]) -> Result<u8, Failure> {
    let shown_path = written.path.display().to_string();
    if arguments.json {
        let tests: Vec<Value> = tests
            .iter()
            .map(|test| {
                let message = test.message();
                json!({ "name": test.name, "label": test.label, "success": message.is_none(), "message": message })
            })
            .collect();
        let report = json!({
            "configuration": shown_path, "written": written.written, "stored": written.stored, "tests": tests,
        });
        print(&format!("{report}\n"))?;
    } else {
        let mut text = match written.written {
            true => format!("wrote {shown_path}\n"),
            false if tests.is_empty() => format!("{shown_path} is as it was\n"),
            false => String::new(),
        };
        for name in &written.stored {
            text += &format!("stored {} in {}\n", shown(name), written.secrets.display());
        }
        for test in tests {
            text += &match test.message() {
                None => format!("ok      {}\n", shown(&test.label)),
                Some(message) => format!("failed  {}: {message}\n", shown(&test.label)),
            };
        }
        print(&text)?;
    }
    Ok(tests.iter().map(Tested::exit_code).max().unwrap_or(0))
}

fn failed(doing: &str, error: &SyncError) -> Failure {
    Failure::of(format!("{doing}: {error}"), error.exit_code())
}
