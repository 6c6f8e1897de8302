//! What a fleet names, looked at without running it: components, configurations, grants, secrets, files.

use std::collections::BTreeSet;
use std::path::Path;

use super::file;
use crate::check::{Contract, MAX_COMPONENT_BYTES, check};
use crate::cli::connector::subject;
use crate::cli::failure::Failure;
use crate::cli::folders::Folders;
use crate::cli::input;
use crate::cli::sync::confidential;
use crate::cli::sync::grants;
use crate::destination::sqlite::Warehouse;
use crate::embedded;
use crate::fleet::{Connection, Fleet, Problem};
use crate::policy::egress::{NetworkGrant, NetworkGrants};
use crate::policy::limits::Limits;
use crate::secrets::{Keys, SecretStore};
use crate::stamp;

/// What was found.
#[derive(Default)]
pub(super) struct Found {
    /// What would keep a sync from starting.
    pub(super) problems: Vec<Problem>,
    /// What may be meant so.
    pub(super) notes: Vec<Problem>,
}

/// Looks at everything.
pub(super) fn inspect(fleet: &Fleet, folders: &Folders) -> Found {
    let mut found = Found::default();
    if fleet.warehouse.exists() && !fleet.warehouse.is_dir() {
        let message = format!("the warehouse {} is no folder", fleet.warehouse.display());
        found.problems.push(Problem::new(0, "warehouse", message));
    }
    for connection in &fleet.connections {
        One { fleet, connection, folders, found: &mut found }.all();
    }
    found.problems.sort_by_key(|problem| problem.line);
    found
}

struct One<'a> {
    fleet: &'a Fleet,
    connection: &'a Connection,
    folders: &'a Folders,
    found: &'a mut Found,
}

/// What a component or project says of itself.
struct Says {
    network: Vec<String>,
    /// What it may reach without being granted it: a project of this machine, by its own file.
    own: NetworkGrants,
    secrets: BTreeSet<String>,
}

impl One<'_> {
    fn all(&mut self) {
        let says = self.component();
        self.files();
        if let Some(says) = says {
            self.capabilities(&says);
            self.secrets(&says);
        }
    }

    fn at(&self, key: &str, message: impl Into<String>) -> Problem {
        let line = self.connection.settings.lines.get(key).copied().unwrap_or(self.connection.line);
        Problem::new(line, format!("connections.{}.{key}", self.connection.name), message)
    }

    /// What would be refused when it runs.
    fn refused<T>(&mut self, key: &str, result: Result<T, Failure>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(failure) => {
                let (message, hint) = failure.into_words();
                let problem = Problem { hint, ..self.at(key, message) };
                self.found.problems.push(problem);
                None
            }
        }
    }

    fn component(&mut self) -> Option<Says> {
        let path = &self.connection.component;
        if !path.exists() {
            let problem = self.at("component", format!("there is no {}", path.display()));
            self.found.problems.push(problem.hint("name a component (.wasm) or a folder with connector.py"));
            return None;
        }
        if path.is_dir() {
            let project = self.refused("component", subject::read_project(path))?;
            let secrets = project.secrets.names().cloned().collect();
            let own = NetworkGrants::from_project(&project.network);
            return Some(Says { network: Vec::new(), own, secrets });
        }
        let read = input::read(path, "component", MAX_COMPONENT_BYTES as u64, input::Holds::Anything);
        let bytes = self.refused("component", read)?;
        self.conforms(path, &bytes)?;
        let network = match stamp::read(&bytes) {
            Ok(stamp) => stamp.map(|stamp| stamp.network).unwrap_or_default(),
            Err(error) => {
                let note = self.at("component", format!("what it says of itself cannot be read: {error}"));
                self.found.notes.push(note);
                Vec::new()
            }
        };
        Some(Says { network, own: NetworkGrants::default(), secrets: BTreeSet::new() })
    }

    fn conforms(&mut self, path: &Path, bytes: &[u8]) -> Option<()> {
        let contract = Contract::parse(embedded::WIT).map_err(|error| Failure::host(error.to_string()));
        let contract = self.refused("component", contract)?;
        let report = check(bytes, &contract);
        if report.conforms() {
            return Some(());
        }
        let message = format!("{} does not conform to the contract", path.display());
        let problem = self.at("component", message).hint(format!("`sluice check {}` says why", path.display()));
        self.found.problems.push(problem);
        None
    }

    fn files(&mut self) {
        let connection = self.connection;
        self.refused("configuration", file::configuration(connection));
        self.refused("ca_file", grants::trust(connection.settings.ca_file.as_deref()));
        self.refused("pass_environment", file::environment(connection).map(|_| ()));
        for (name, path) in &connection.settings.secret_files {
            let read = confidential::from_file(&format!("the secret {name}"), path);
            self.refused("secret_files", read.map(|_| ()));
        }
        for (name, variable) in &connection.settings.secret_environment {
            if std::env::var_os(variable).is_none() {
                let problem =
                    self.at("secret_environment", format!("the secret {name}: there is no variable {variable}"));
                self.found.problems.push(problem.hint("set it where the batch runs"));
            }
        }
        if let Some(audit) = &connection.settings.audit {
            let folder = audit.parent().filter(|folder| !folder.as_os_str().is_empty());
            if folder.is_some_and(|folder| !folder.is_dir()) {
                let problem = self.at("audit", format!("there is no folder for {}", audit.display()));
                self.found.problems.push(problem);
            }
        }
        let mut limits = Limits::default();
        let limited = connection.settings.limits.apply(&mut limits).and_then(|()| limits.check());
        self.refused("limits", limited.map_err(|error| Failure::refused(error.to_string())));
    }

    /// What it asks for and would not get.
    fn capabilities(&mut self, says: &Says) {
        let settings = &self.connection.settings;
        let granted = NetworkGrants::from_operator(&settings.allow, &settings.allow_address).and(says.own.clone());
        let asked: Vec<NetworkGrant> = says.network.iter().filter_map(|text| text.parse().ok()).collect();
        let missing: Vec<_> = granted.missing(&asked).iter().map(|grant| format!("\"{grant}\"")).collect();
        if !missing.is_empty() {
            let problem =
                self.at("allow", format!("the connector asks for {}, which is not granted", missing.join(", ")));
            let problem = problem.hint(format!("to grant it, write allow = [{}]", missing.join(", ")));
            self.found.problems.push(problem);
        }
    }

    /// Secrets that a rule names and that have no value anywhere.
    fn secrets(&mut self, says: &Says) {
        // That it cannot be read is said already.
        let Ok(configuration) = file::configuration(self.connection) else { return };
        let settings = &self.connection.settings;
        let tokens: BTreeSet<_> = settings.secrets.oauth.keys().collect();
        let named: BTreeSet<&String> = settings.secrets.names().chain(&says.secrets).chain(&settings.secret).collect();
        let stored = self.stored();
        let has = |name: &String| {
            configuration.get(name).is_some_and(|value| !value.is_empty())
                || stored.iter().flatten().any(|known| known == name)
                || settings.secret_files.contains_key(name)
                || settings.secret_environment.contains_key(name)
        };
        let missing: Vec<_> = named.into_iter().filter(|name| !tokens.contains(name) && !has(name)).cloned().collect();
        for name in missing {
            let key = if says.secrets.contains(&name) { "component" } else { "secrets" };
            let problem = self.at(key, format!("the secret {name} has no value"));
            let hint = format!("store it with `sluice secrets set {} {name}`", self.connection.name);
            self.found.problems.push(problem.hint(hint));
        }
    }

    /// The names of stored secrets.
    fn stored(&mut self) -> Option<Vec<String>> {
        let name = &self.connection.name;
        Warehouse::check_name(name).ok()?;
        if !self.fleet.warehouse.exists() {
            return None;
        }
        let names = Keys::open(&self.folders.secrets_key)
            .and_then(|keys| SecretStore::new(&self.fleet.warehouse, keys).names(name));
        self.refused("secrets", names.map_err(Failure::from))
    }
}
