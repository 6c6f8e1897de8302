//! The file of keys.

use std::path::{Path, PathBuf};

use ring::rand::{SecureRandom, SystemRandom};

use super::SecretsError;
use super::file;

const KEY_BYTES: usize = 32;
/// Most keys in one file, the former ones included.
const MOST_KEYS: usize = 1_000;
const FILE_BYTES: u64 = 128 << 10;
const HEAD: &str = "# keys of `sluice secrets`, the current one first; without them no stored secret can be read";
/// What each key is derived for; a new format gets a new text.
const SEALING: &str = "sluice secrets at rest, version 1";
const NAMING: &str = "sluice secrets, name of a key";

/// One key.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Key([u8; KEY_BYTES]);

impl Key {
    fn fresh() -> Result<Self, SecretsError> {
        random().map(Self)
    }

    /// What it is called in files.
    pub(super) fn id(&self) -> String {
        let hash = blake3::Hash::from(blake3::derive_key(NAMING, &self.0));
        hash.to_hex().chars().take(16).collect()
    }

    /// What values are sealed with.
    pub(super) fn sealing(&self) -> [u8; KEY_BYTES] {
        blake3::derive_key(SEALING, &self.0)
    }

    fn parse(line: &str) -> Option<Self> {
        blake3::Hash::from_hex(line.trim()).ok().map(|bytes| Self(*bytes.as_bytes()))
    }

    fn line(&self) -> String {
        blake3::Hash::from(self.0).to_hex().to_string()
    }
}

/// Random bytes of the operating system.
pub(super) fn random<const N: usize>() -> Result<[u8; N], SecretsError> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| SecretsError::Random)?;
    Ok(bytes)
}

/// The keys of a file: the current one, and former ones that may still be needed.
#[derive(Clone)]
pub struct Keys {
    path: PathBuf,
    all: Vec<Key>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Keys({} in {})", self.all.len(), self.path.display())
    }
}

impl Keys {
    /// Reads a file of keys; one that is not there holds none.
    ///
    /// # Errors
    /// When it cannot be read, is not private, or holds anything else.
    pub fn open(path: &Path) -> Result<Self, SecretsError> {
        let text = file::read(path, FILE_BYTES)?.unwrap_or_default();
        let lines = text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty());
        let all: Option<Vec<_>> = lines.map(Key::parse).collect();
        match all.filter(|all| all.len() <= MOST_KEYS && (text.is_empty() || !all.is_empty())) {
            Some(all) => Ok(Self { path: path.to_path_buf(), all }),
            None => {
                let reason = "it holds other lines than keys of 64 hexadecimal digits".to_owned();
                Err(SecretsError::Damaged { path: path.to_path_buf(), reason })
            }
        }
    }

    /// Where they are.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// How many former keys are kept.
    #[must_use]
    pub fn former(&self) -> usize {
        self.all.len().saturating_sub(1)
    }

    /// The current key, made if there is none yet.
    pub(super) fn current(&mut self) -> Result<Key, SecretsError> {
        if self.all.is_empty() {
            let _lock = file::lock(&self.path)?;
            // Another process may have been quicker: then its key is the key.
            let made = Self::open(&self.path)?;
            self.all = if made.all.is_empty() { vec![Key::fresh()?] } else { made.all };
            self.write()?;
        }
        self.all.first().cloned().ok_or(SecretsError::Random)
    }

    pub(super) fn find(&self, id: &str) -> Option<&Key> {
        self.all.iter().find(|key| key.id() == id)
    }

    /// Puts a new key before the others.
    pub(super) fn renew(&mut self) -> Result<(), SecretsError> {
        let _lock = file::lock(&self.path)?;
        self.all = Self::open(&self.path)?.all;
        self.all.insert(0, Key::fresh()?);
        self.write()
    }

    /// Forgets all keys but the current one.
    pub(super) fn forget(&mut self) -> Result<(), SecretsError> {
        let _lock = file::lock(&self.path)?;
        self.all.truncate(1);
        self.write()
    }

    fn write(&self) -> Result<(), SecretsError> {
        let lines: String = self.all.iter().map(|key| format!("{}\n", key.line())).collect();
        file::replace(&self.path, &format!("{HEAD}\n{lines}"))
    }
}
