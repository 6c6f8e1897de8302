//! The secrets of the connections in a warehouse.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::key::Keys;
use super::sealed::{Place, Sealed};
use super::{SECRET_BYTES, SECRETS, SecretsError, file};
use crate::policy::held::is_name;
use crate::policy::secrets::Secret;

const ENDING: &str = "secrets";
const FORMAT: &str = "sluice-secrets";
const VERSION: u32 = 1;
const FILE_BYTES: u64 = 96 << 20;

/// The file of a connection.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Contents {
    format: String,
    version: u32,
    secrets: BTreeMap<String, Sealed>,
}

impl Default for Contents {
    fn default() -> Self {
        Self { format: FORMAT.to_owned(), version: VERSION, secrets: BTreeMap::new() }
    }
}

/// The secrets beside the databases of a warehouse.
#[derive(Clone, Debug)]
pub struct SecretStore {
    warehouse: PathBuf,
    keys: Keys,
}

impl SecretStore {
    /// The store of a warehouse. Connections are named as the warehouse's own are.
    #[must_use]
    pub fn new(warehouse: &Path, keys: Keys) -> Self {
        Self { warehouse: warehouse.to_path_buf(), keys }
    }

    /// The file of a connection.
    #[must_use]
    pub fn path(&self, connection: &str) -> PathBuf {
        self.warehouse.join(format!("{connection}.{ENDING}"))
    }

    /// The names of a connection's secrets, in order.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn names(&self, connection: &str) -> Result<Vec<String>, SecretsError> {
        Ok(self.read(connection)?.secrets.into_keys().collect())
    }

    /// All secrets of a connection.
    ///
    /// # Errors
    /// When one cannot be opened.
    pub fn all(&self, connection: &str) -> Result<BTreeMap<String, Secret>, SecretsError> {
        let contents = self.read(connection)?;
        let opened =
            contents.secrets.iter().map(|(name, sealed)| Ok((name.clone(), self.open(connection, name, sealed)?)));
        opened.collect()
    }

    /// Sets some secrets of a connection, all or none.
    ///
    /// # Errors
    /// When a name or value is not acceptable, or nothing can be written.
    pub fn set(&mut self, connection: &str, values: &BTreeMap<String, Secret>) -> Result<(), SecretsError> {
        for (name, value) in values {
            if !is_name(name) {
                let reason = "the name of a secret has 1 to 200 bytes without control characters";
                return Err(SecretsError::Refused(reason.to_owned()));
            }
            if value.expose().is_empty() || value.expose().len() > SECRET_BYTES {
                let reason = format!("the secret `{name}` must have 1 to {SECRET_BYTES} bytes");
                return Err(SecretsError::Refused(reason));
            }
        }
        let key = self.keys.current()?;
        self.change(connection, |contents| {
            for (name, value) in values {
                contents.insert(name.clone(), Sealed::new(value, Place { connection, name }, &key)?);
            }
            if contents.len() > SECRETS {
                return Err(SecretsError::Refused(format!("a connection has at most {SECRETS} secrets")));
            }
            Ok(())
        })
    }

    /// Removes a secret; whether it was there.
    ///
    /// # Errors
    /// When the file cannot be read or written.
    pub fn remove(&self, connection: &str, name: &str) -> Result<bool, SecretsError> {
        let mut removed = false;
        self.change(connection, |contents| {
            removed = contents.remove(name).is_some();
            Ok(())
        })?;
        Ok(removed)
    }

    /// Makes a new key and seals every secret of the warehouse with it; answers how many. The former keys are kept
    /// until they are forgotten, since another warehouse may need them, and so that nothing is lost when this
    /// is ended midway.
    ///
    /// # Errors
    /// When one cannot be opened, or nothing can be written; then run it again.
    pub fn rekey(&mut self, forget: bool) -> Result<usize, SecretsError> {
        let connections = self.connections()?;
        // Nothing is changed before everything was read.
        for connection in &connections {
            self.all(connection)?;
        }
        self.keys.renew()?;
        let key = self.keys.current()?;
        let mut count = 0;
        for connection in &connections {
            let store = self.clone();
            self.change(connection, |contents| {
                for (name, sealed) in contents.iter_mut() {
                    let value = store.open(connection, name, sealed)?;
                    *sealed = Sealed::new(&value, Place { connection, name }, &key)?;
                    count += 1;
                }
                Ok(())
            })?;
        }
        if forget {
            self.keys.forget()?;
        }
        Ok(count)
    }

    /// The keys.
    #[must_use]
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    fn connections(&self) -> Result<Vec<String>, SecretsError> {
        let entries = match fs::read_dir(&self.warehouse) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(file::failed(&self.warehouse))?,
        };
        let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
        let ending = format!(".{ENDING}");
        let mut connections: Vec<_> = names.filter_map(|name| Some(name.strip_suffix(&ending)?.to_owned())).collect();
        connections.sort();
        Ok(connections)
    }

    fn open(&self, connection: &str, name: &str, sealed: &Sealed) -> Result<Secret, SecretsError> {
        let Some(key) = self.keys.find(&sealed.key) else {
            let id: String = sealed.key.chars().filter(char::is_ascii_alphanumeric).take(16).collect();
            return Err(SecretsError::WrongKey { name: name.to_owned(), id, path: self.keys.path().to_path_buf() });
        };
        let changed = || SecretsError::Changed { name: name.to_owned(), connection: connection.to_owned() };
        sealed.open(Place { connection, name }, key).ok_or_else(changed)
    }

    fn change(
        &self,
        connection: &str,
        change: impl FnOnce(&mut BTreeMap<String, Sealed>) -> Result<(), SecretsError>,
    ) -> Result<(), SecretsError> {
        let path = self.path(connection);
        let _lock = file::lock(&path)?;
        let mut contents = self.read(connection)?;
        change(&mut contents.secrets)?;
        let text = serde_json::to_string_pretty(&contents)
            .map_err(|error| SecretsError::Damaged { path: path.clone(), reason: error.to_string() })?;
        file::replace(&path, &format!("{text}\n"))
    }

    fn read(&self, connection: &str) -> Result<Contents, SecretsError> {
        let path = self.path(connection);
        let Some(text) = file::read(&path, FILE_BYTES)? else { return Ok(Contents::default()) };
        let damaged = |reason: String| SecretsError::Damaged { path: path.clone(), reason };
        let contents: Contents = serde_json::from_str(&text).map_err(|error| damaged(error.to_string()))?;
        if contents.format != FORMAT || contents.version != VERSION {
            return Err(damaged(format!("it is not {FORMAT} of version {VERSION}")));
        }
        if contents.secrets.len() > SECRETS || !contents.secrets.keys().all(|name| is_name(name)) {
            return Err(damaged("it holds too many secrets, or one without a name".to_owned()));
        }
        Ok(contents)
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
