//! Which values of a connection are secret, where they come from, and which of them its connector sees.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use ring::rand::{SecureRandom, SystemRandom};

use crate::cli::connector::subject::Subject;
use crate::cli::failure::{Failure, with_causes};
use crate::cli::folders::Folders;
use crate::destination::sqlite::Warehouse;
use crate::http::{Client, Credentials, Held, Keep, Oauth, Source, SystemResolver, Trust};
use crate::landing::settings;
use crate::policy::egress::{AddressGrant, NetworkGrants};
use crate::policy::held::{
    Binding, Bindings, OauthRule, PLACEHOLDER_DIGITS, SecretRule, SecretRules, placeholder, token_grant,
};
use crate::policy::limits::Limits;
use crate::policy::secrets::{Learned, Secret};
use crate::secrets::{Keys, SECRET_BYTES, SecretStore, SecretsError};
use crate::sync::Confidential;

/// What the command line says of secrets.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Secrets")]
pub struct SecretArguments {
    /// A configuration value is secret, whatever it is called
    #[arg(long, value_name = "NAME")]
    pub secret: Vec<String>,
    /// Take a secret configuration value from a file
    #[arg(long, value_name = "NAME=FILE")]
    pub secret_file: Vec<String>,
    /// Take a secret configuration value from an environment variable, of the same name or another
    #[arg(long, value_name = "NAME[=VARIABLE]")]
    pub secret_env: Vec<String>,
    /// Keep a secret from the connector, which sees a placeholder: the host puts the value into header fields of
    /// requests to this host, and to no other. A settings file can say more
    #[arg(long, value_name = "NAME=SCHEME://HOST[:PORT]")]
    pub hold_secret: Vec<String>,
}

/// What the operator says of secrets.
#[derive(Debug, Default)]
pub(in crate::cli) struct Said {
    rules: SecretRules,
    names: BTreeSet<String>,
    values: BTreeMap<String, String>,
    /// Where stored secrets lie, when not beside the connection's database.
    store: Option<PathBuf>,
}

impl SecretArguments {
    /// Reads the flags, and the sections of the settings file.
    ///
    /// # Errors
    /// When one cannot be used. Values are never part of a message.
    pub(in crate::cli) fn read(&self, settings: Option<&Path>) -> Result<Said, Failure> {
        let mut rules = match settings {
            None => SecretRules::default(),
            Some(path) => {
                let refused = |reason: String| Failure::refused(format!("settings {}: {reason}", path.display()));
                let text = fs::read_to_string(path).map_err(|error| refused(error.to_string()))?;
                settings::read_secrets(&text).map_err(|error| refused(error.to_string()))?
            }
        };
        let mut held = BTreeMap::<String, SecretRule>::new();
        for text in &self.hold_secret {
            let refused = |reason: String| Failure::refused(format!("--hold-secret {text}: {reason}"));
            let (name, host) = text.split_once('=').ok_or_else(|| refused("write NAME=https://host".to_owned()))?;
            let host = host.parse().map_err(|error| refused(format!("{error}")))?;
            held.entry(name.to_owned()).or_default().hosts.push(host);
        }
        rules = rules.overridden_by(SecretRules { secrets: held, ..SecretRules::default() });
        rules.check().map_err(|error| Failure::refused(error.to_string()))?;
        let mut files = Vec::new();
        for text in &self.secret_file {
            let file = text.split_once('=').ok_or_else(|| Failure::refused("--secret-file takes NAME=FILE"))?;
            files.push(file);
        }
        let variables = self.secret_env.iter().map(|text| text.split_once('=').unwrap_or((text, text)));
        Said::new(rules, self.secret.iter().cloned(), files, variables)
    }
}

impl Said {
    /// Rules, names of secret values, and secret values from files and from the operator's own variables.
    ///
    /// # Errors
    /// When a value cannot be had. None is part of a message.
    pub(in crate::cli) fn new<'a>(
        rules: SecretRules,
        names: impl IntoIterator<Item = String>,
        files: impl IntoIterator<Item = (&'a str, &'a str)>,
        variables: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, Failure> {
        let mut values = BTreeMap::new();
        for (name, path) in files {
            values.insert(name.to_owned(), from_file(&format!("the secret {name}"), path)?);
        }
        for (name, variable) in variables {
            let value = std::env::var(variable).map_err(|_| {
                Failure::refused(format!("the secret {name}: there is no variable {variable}, or it is not UTF-8"))
            })?;
            values.insert(name.to_owned(), value);
        }
        if values.values().any(|value| value.len() > SECRET_BYTES) {
            return Err(Failure::refused(format!("a secret has more than {SECRET_BYTES} bytes")));
        }
        let names = names.into_iter().chain(values.keys().cloned()).collect();
        Ok(Self { rules, names, values, store: None })
    }

    /// The same with the secrets of another warehouse.
    pub(in crate::cli) fn stored_in(self, warehouse: Option<PathBuf>) -> Self {
        Self { store: warehouse, ..self }
    }

    /// Whether a flag says that a value of this name is secret.
    pub(in crate::cli) fn names(&self) -> &BTreeSet<String> {
        &self.names
    }
}

/// What a file holds, without the line break at its end.
///
/// # Errors
/// When it cannot be read or is too large.
pub(in crate::cli) fn from_file(what: &str, path: &str) -> Result<String, Failure> {
    let value =
        fs::read_to_string(path).map_err(|error| Failure::refused(format!("{what}: cannot read {path}: {error}")))?;
    Ok(without_line_break(&value).to_owned())
}

/// The text without the line break that editors and `echo` put there.
pub(in crate::cli) fn without_line_break(text: &str) -> &str {
    text.strip_suffix('\n').map_or(text, |line| line.strip_suffix('\r').unwrap_or(line))
}

/// The store beside a warehouse.
///
/// # Errors
/// When a connection cannot have this name, or the file of keys cannot be used.
pub(in crate::cli) fn store(warehouse: &Path, connection: &str, folders: &Folders) -> Result<SecretStore, Failure> {
    Warehouse::check_name(connection)?;
    Ok(SecretStore::new(warehouse, Keys::open(&folders.secrets_key)?))
}

impl From<SecretsError> for Failure {
    fn from(error: SecretsError) -> Self {
        let message = with_causes(&error);
        match error {
            SecretsError::Refused(_) | SecretsError::WrongKey { .. } | SecretsError::NotPrivate { .. } => {
                Self::refused(message)
            }
            _ => Self::host(message),
        }
    }
}

/// Everything that decides what a connector is given.
pub(in crate::cli) struct Sources<'a> {
    pub(in crate::cli) subject: &'a Subject,
    pub(in crate::cli) connection: &'a str,
    pub(in crate::cli) warehouse: &'a Path,
    pub(in crate::cli) folders: &'a Folders,
    pub(in crate::cli) said: Said,
    /// Names of the form's password fields.
    pub(in crate::cli) passwords: BTreeSet<String>,
    /// What is in the configuration's file.
    pub(in crate::cli) configuration: BTreeMap<String, String>,
    /// There is no network: no secret is needed.
    pub(in crate::cli) replayed: bool,
}

/// How the host fetches tokens.
pub(in crate::cli) struct Way<'a> {
    pub(in crate::cli) grants: &'a NetworkGrants,
    pub(in crate::cli) trust: &'a Trust,
    pub(in crate::cli) limits: &'a Limits,
}

/// The configuration as the connector gets it, and what is secret of it.
pub(in crate::cli) struct Composed {
    pub(in crate::cli) configuration: BTreeMap<String, String>,
    pub(in crate::cli) confidential: Confidential,
}

/// Puts configuration and secrets together.
///
/// # Errors
/// When a secret cannot be read, or one that a token needs is missing.
pub(in crate::cli) fn compose(sources: Sources<'_>, way: &Way<'_>) -> Result<Composed, Failure> {
    let Sources { subject, connection, warehouse, folders, said, passwords, mut configuration, replayed } = sources;
    let warehouse = said.store.clone().unwrap_or_else(|| warehouse.to_path_buf());
    let warehouse = warehouse.as_path();
    let project = subject.project.as_ref().map(|project| project.secrets.clone()).unwrap_or_default();
    let rules = project.overridden_by(said.rules);
    let stored = stored(warehouse, connection, folders, replayed)?;
    let mut names: BTreeSet<String> = rules.names().cloned().chain(said.names).chain(passwords).collect();
    names.extend(stored.keys().cloned());
    for (name, value) in stored {
        // A file that was named for this sync says more than what is kept for all.
        if configuration.get(&name).is_none_or(String::is_empty) {
            configuration.insert(name, value.map_or_else(|| stand_in(connection), |value| value.expose().to_owned()));
        }
    }
    configuration.extend(said.values);
    let mut holding = Holding {
        configuration,
        replayed,
        values: Vec::new(),
        learned: Learned::default(),
        bindings: Vec::new(),
        sources: Vec::new(),
    };
    for (name, rule) in rules.secrets {
        holding.secret(name, rule)?;
    }
    let used: BTreeSet<_> =
        rules.oauth.values().flat_map(|rule| rule.client_secret.iter().chain(&rule.refresh_token)).cloned().collect();
    for (name, rule) in rules.oauth {
        let keep = Arc::new(Kept {
            warehouse: warehouse.to_path_buf(),
            connection: connection.to_owned(),
            key: folders.secrets_key.clone(),
        });
        holding.token(name, rule, way, keep)?;
    }
    // Tokens are fetched with these, by the host alone.
    holding.configuration.retain(|name, _| !used.contains(name));
    let Holding { configuration, values, learned, bindings, sources, .. } = holding;
    let held = (!bindings.is_empty() && !replayed).then(|| Arc::new(Held::new(Bindings::new(bindings), sources)));
    Ok(Composed { configuration, confidential: Confidential { names, values, learned, held } })
}

/// The stored secrets. In a replay they are not needed, so that only their names are read, as far as they are there.
fn stored(
    warehouse: &Path,
    connection: &str,
    folders: &Folders,
    replayed: bool,
) -> Result<BTreeMap<String, Option<Secret>>, Failure> {
    if replayed {
        let names = store(warehouse, connection, folders).and_then(|store| Ok(store.names(connection)?));
        return Ok(names.unwrap_or_default().into_iter().map(|name| (name, None)).collect());
    }
    let all = store(warehouse, connection, folders)?.all(connection)?;
    Ok(all.into_iter().map(|(name, value)| (name, Some(value))).collect())
}

/// Stands for a secret in a replay: the same each time.
fn stand_in(name: &str) -> String {
    let mut bytes = [0; PLACEHOLDER_DIGITS / 2];
    for (byte, hashed) in bytes.iter_mut().zip(blake3::hash(name.as_bytes()).as_bytes()) {
        *byte = *hashed;
    }
    placeholder(bytes)
}

/// Secrets on their way behind placeholders.
struct Holding {
    configuration: BTreeMap<String, String>,
    replayed: bool,
    values: Vec<Secret>,
    learned: Learned,
    bindings: Vec<Binding>,
    sources: Vec<Source>,
}

impl Holding {
    fn placeholder(&self, name: &str) -> Result<String, Failure> {
        if self.replayed {
            return Ok(stand_in(name));
        }
        let mut random = [0; PLACEHOLDER_DIGITS / 2];
        let filled = SystemRandom::new().fill(&mut random);
        filled.map_err(|_| Failure::from(SecretsError::Random))?;
        Ok(placeholder(random))
    }

    fn secret(&mut self, name: String, rule: SecretRule) -> Result<(), Failure> {
        let value = self.configuration.get(&name).filter(|value| !value.is_empty()).cloned();
        match value {
            None if self.replayed => {
                let placeholder = self.placeholder(&name)?;
                self.configuration.insert(name, placeholder);
            }
            Some(value) if !rule.hosts.is_empty() => {
                let value = Secret::new(value);
                self.values.push(value.clone());
                self.bind(name, rule.hosts, rule.places, Source::Value(value))?;
            }
            // A value that the connector may do without, or that it sees.
            None | Some(_) => {}
        }
        Ok(())
    }

    fn token(&mut self, name: String, rule: OauthRule, way: &Way<'_>, keep: Arc<Kept>) -> Result<(), Failure> {
        let mut value = |key: &str| match self.configuration.get(key).filter(|value| !value.is_empty()) {
            Some(value) => Ok(value.clone()),
            None if self.replayed => Ok(String::new()),
            None => {
                Err(Failure::refused(format!("the token `{name}` needs `{key}`, which has no value")).hint(format!(
                    "store it with `sluice secrets set {} {key}`, or put it into the configuration",
                    keep.connection
                )))
            }
        };
        let client_id = value(&rule.client_id)?;
        let client_secret = rule.client_secret.as_deref().map(&mut value).transpose()?.map(Secret::new);
        let refresh_token = rule.refresh_token.as_deref().map(&mut value).transpose()?.map(Secret::new);
        self.values.extend(client_secret.iter().chain(&refresh_token).cloned());
        let grants = token_grant(&rule).into_iter().collect::<Vec<_>>();
        let addresses: Vec<AddressGrant> = way.grants.address_grants().cloned().collect();
        let client = Client::new(
            NetworkGrants::from_operator(&grants, &addresses),
            &Oauth::limits(way.limits),
            Arc::new(SystemResolver),
            way.trust.clone(),
        );
        let (hosts, places) = (rule.hosts.clone(), rule.places.clone());
        let credentials = Credentials { client_id, client_secret, refresh_token };
        let token = Oauth::new(name.clone(), rule, credentials, client, Some(keep), self.learned.clone());
        self.bind(name, hosts, places, Source::Token(Box::new(token)))
    }

    fn bind(
        &mut self,
        name: String,
        hosts: Vec<crate::policy::egress::NetworkGrant>,
        places: BTreeSet<crate::policy::held::Place>,
        source: Source,
    ) -> Result<(), Failure> {
        let placeholder = self.placeholder(&name)?;
        self.configuration.insert(name.clone(), placeholder.clone());
        self.bindings.push(Binding { name, placeholder, hosts, places });
        self.sources.push(source);
        Ok(())
    }
}

/// Keeps what a token endpoint renews.
struct Kept {
    warehouse: PathBuf,
    connection: String,
    key: PathBuf,
}

impl Keep for Kept {
    fn keep(&self, name: &str, value: &Secret) -> Result<(), String> {
        let kept = Keys::open(&self.key).and_then(|keys| {
            let values = BTreeMap::from([(name.to_owned(), value.clone())]);
            SecretStore::new(&self.warehouse, keys).set(&self.connection, &values)
        });
        kept.map_err(|error| error.to_string())
    }
}
