//! One connection of a fleet's file, and the defaults it stands on.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use toml::de::DeTable;

use super::keys::RETRY;
use super::problem::Problem;
use super::retry::Retry;
use super::schedule::{SHORTEST, Schedule};
use super::sections;
use super::values::{Entry, Reader, joined};
use crate::destination::sqlite::Warehouse;
use crate::keys::Key;
use crate::landing::Landing;
use crate::landing::settings::LimitSettings;
use crate::policy::egress::{AddressGrant, NetworkGrant};
use crate::policy::held::SecretRules;

/// Where a connection's configuration is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Configured {
    /// There is none; a project has its own `configuration.json`.
    #[default]
    Nowhere,
    /// In a JSON file.
    File(PathBuf),
    /// In the fleet's file.
    Here(BTreeMap<String, String>),
}

/// A connection. Paths are absolute or begin where the fleet's file lies.
#[derive(Clone, Debug)]
pub struct Connection {
    /// Its name.
    pub name: String,
    /// The line it begins on.
    pub line: usize,
    /// The component or the project.
    pub component: PathBuf,
    /// What else is said of it.
    pub settings: ConnectionSettings,
    /// When it is due; None when only by hand.
    pub schedule: Option<Schedule>,
    /// How often it is tried.
    pub retry: Retry,
    /// Whether it is part of a batch that does not name it.
    pub enabled: bool,
}

/// What is said of a connection, or of all of them.
#[derive(Clone, Debug, Default)]
pub struct ConnectionSettings {
    /// Its configuration.
    pub configuration: Configured,
    /// Variables it sees.
    pub environment: BTreeMap<String, String>,
    /// Names of the operator's variables it sees.
    pub pass_environment: Vec<String>,
    /// Hosts it may reach.
    pub allow: Vec<NetworkGrant>,
    /// Non-public addresses that hosts may have.
    pub allow_address: Vec<AddressGrant>,
    /// More authorities.
    pub ca_file: Option<PathBuf>,
    /// Limits.
    pub limits: LimitSettings,
    /// How rows land.
    pub destination: Landing,
    /// Secrets and tokens.
    pub secrets: SecretRules,
    /// Names of values that are secret.
    pub secret: Vec<String>,
    /// Secrets from files.
    pub secret_files: BTreeMap<String, String>,
    /// Secrets from the operator's variables.
    pub secret_environment: BTreeMap<String, String>,
    /// Whether the jail must be whole.
    pub require_jail: bool,
    /// The audit log.
    pub audit: Option<PathBuf>,
    /// Whether it has paths.
    pub audit_paths: bool,
    /// The longest all attempts may take.
    pub timeout: Option<Duration>,
    /// The line of each key, of the connection or of the defaults.
    pub lines: BTreeMap<String, usize>,
}

/// What is still to be put together.
#[derive(Clone, Default)]
pub(super) struct Draft {
    component: Option<PathBuf>,
    settings: ConnectionSettings,
    every: Option<Duration>,
    cron: Option<String>,
    time_zone: Option<String>,
    retry: Retry,
    enabled: Option<bool>,
}

impl Draft {
    /// Reads a section over what is there: a value replaces, and so does a list; tables are joined, key by key.
    pub(super) fn read<'t>(&mut self, reader: &mut Reader<'t>, table: DeTable<'t>, place: &str, keys: &'static [Key]) {
        let entries = reader.known(table, place, keys);
        self.choose_schedule(reader, &entries);
        for entry in entries {
            self.settings.lines.insert(entry.name().to_owned(), reader.line(&entry));
            self.value(reader, entry);
        }
    }

    fn choose_schedule(&mut self, reader: &mut Reader<'_>, entries: &[Entry<'_>]) {
        let find = |name: &str| entries.iter().find(|entry| entry.name() == name);
        match (find("every"), find("cron")) {
            (Some(every), Some(_)) => {
                let line = reader.line(every);
                let problem = Problem::new(line, &every.place, "there are two schedules, `every` and `cron`");
                reader.problems.push(problem.hint("keep one of them"));
            }
            // The schedule of a connection takes the place of the defaults'.
            (Some(_), None) => self.cron = None,
            (None, Some(_)) => self.every = None,
            (None, None) => {}
        }
    }

    fn value<'t>(&mut self, reader: &mut Reader<'t>, entry: Entry<'t>) {
        let settings = &mut self.settings;
        match entry.name() {
            "component" => self.component = reader.path(&entry),
            "configuration" => settings.configuration = configured(reader, entry),
            "environment" => settings.environment.extend(reader.strings_by_name(entry).unwrap_or_default()),
            "pass_environment" => settings.pass_environment = texts(reader, &entry),
            "allow" => settings.allow = reader.parsed(&entry, str::parse).unwrap_or_default(),
            "allow_address" => settings.allow_address = reader.parsed(&entry, str::parse).unwrap_or_default(),
            "ca_file" => settings.ca_file = reader.path(&entry),
            "limits" | "destination" | "secrets" | "oauth" => sections::read(settings, reader, entry),
            "secret" => settings.secret = texts(reader, &entry),
            "secret_files" => settings.secret_files.extend(reader.strings_by_name(entry).unwrap_or_default()),
            "secret_environment" => {
                settings.secret_environment.extend(reader.strings_by_name(entry).unwrap_or_default());
            }
            "require_jail" => settings.require_jail = reader.flag(&entry).unwrap_or_default(),
            "audit" => settings.audit = reader.path(&entry),
            "audit_paths" => settings.audit_paths = reader.flag(&entry).unwrap_or_default(),
            "every" => self.every = interval(reader, &entry),
            "cron" => self.cron = reader.string(&entry),
            "time_zone" => self.time_zone = reader.string(&entry),
            "retry" => self.retry(reader, entry),
            "timeout" => settings.timeout = reader.duration(&entry),
            "enabled" => self.enabled = reader.flag(&entry),
            // Only known keys come here; a test holds them against this list.
            other => unread(other),
        }
    }

    fn retry<'t>(&mut self, reader: &mut Reader<'t>, entry: Entry<'t>) {
        let Some((place, table)) = reader.table(entry) else { return };
        for entry in reader.known(table, &place, RETRY) {
            match entry.name() {
                "attempts" => {
                    let attempts = reader.count(&entry, 1, u64::from(Retry::MOST_ATTEMPTS));
                    self.retry.attempts = attempts.and_then(|it| u32::try_from(it).ok()).unwrap_or(1);
                }
                "wait" => self.retry.wait = reader.duration(&entry).unwrap_or_default(),
                "longest_wait" => self.retry.longest_wait = reader.duration(&entry).unwrap_or_default(),
                other => unread(other),
            }
        }
    }

    /// The connection, if enough is said of it.
    pub(super) fn finish(self, reader: &mut Reader<'_>, name: &str, line: usize, place: &str) -> Option<Connection> {
        let at = |key: &str| self.settings.lines.get(key).copied().unwrap_or(line);
        let mut problem = |line: usize, key: &str, message: String, hint: &str| {
            reader.problems.push(Problem::new(line, joined(place, key), message).hint(hint));
        };
        let schedule = match (self.every, &self.cron) {
            (_, Some(fields)) => match Schedule::cron(fields, self.time_zone.as_deref()) {
                Ok(schedule) => Some(schedule),
                Err(reason) => {
                    problem(at("cron"), "cron", reason, "write minute, hour, day, month and weekday: \"30 6 * * 1-5\"");
                    None
                }
            },
            (Some(interval), None) => Some(Schedule::Every(interval)),
            (None, None) => None,
        };
        if self.settings.audit_paths && self.settings.audit.is_none() {
            let message = "there is no audit log whose paths these are".to_owned();
            problem(at("audit_paths"), "audit_paths", message, "name its file with `audit`");
        }
        if let Err(error) = self.settings.secrets.check() {
            problem(at("secrets").max(at("oauth")), "secrets", error.to_string(), "see docs/secrets.md");
        }
        if let Err(error) = Warehouse::check_name(name) {
            problem(line, "", error.to_string(), "name the connection after what it syncs, such as shop_orders");
        }
        let Some(component) = self.component else {
            if !self.settings.lines.contains_key("component") {
                let message = "there is no `component`".to_owned();
                problem(line, "component", message, "name a component (.wasm) or a project folder");
            }
            return None;
        };
        Some(Connection {
            name: name.to_owned(),
            line,
            component,
            settings: self.settings,
            schedule,
            retry: self.retry,
            enabled: self.enabled.unwrap_or(true),
        })
    }
}

fn texts<'t>(reader: &mut Reader<'t>, entry: &Entry<'t>) -> Vec<String> {
    reader.parsed(entry, |text| Ok::<_, std::convert::Infallible>(text.to_owned())).unwrap_or_default()
}

fn interval<'t>(reader: &mut Reader<'t>, entry: &Entry<'t>) -> Option<Duration> {
    let interval = reader.duration(entry)?;
    if interval < SHORTEST {
        reader.refuse(entry, format!("the shortest interval is {}s", SHORTEST.as_secs()), None);
    }
    Some(interval)
}

fn configured<'t>(reader: &mut Reader<'t>, entry: Entry<'t>) -> Configured {
    if Reader::is_string(&entry) {
        return reader.path(&entry).map_or(Configured::Nowhere, Configured::File);
    }
    reader.strings_by_name(entry).map_or(Configured::Nowhere, Configured::Here)
}

/// A key of the table of keys that nothing reads would be taken and do nothing.
fn unread(key: &str) {
    debug_assert!(false, "no one reads the key {key}");
}
