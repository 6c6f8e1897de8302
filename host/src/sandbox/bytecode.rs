//! Byte code that guests made of packages, kept between syncs.
//!
//! **Threat.** These bytes are a guest's: only a guest may ever load them again, in its sandbox, as part of what it was
//! made of. So they lie in a folder of their own, apart from machine code and authenticated with another key: nothing
//! here can pass for that, and nobody else can put anything here. An entry is named by all that it was made of.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::cache::{CacheError, KEY_BYTES, derived_key, open_private, private_folder};

const FOLDER: &str = "bytecode";
/// What the key is derived for; a new format gets a new text.
const KEY_CONTEXT: &str = "sluice byte code of packages v1";
/// The longest entry.
const ENTRY_BYTES: u64 = 256 << 20;

/// The kept byte code.
#[derive(Clone, Debug)]
pub struct BytecodeCache {
    folder: PathBuf,
    key: [u8; KEY_BYTES],
}

impl BytecodeCache {
    /// Opens or makes the cache below `cache_home`, with its key below `key_home`.
    ///
    /// # Errors
    /// [`CacheError::NotPrivate`] when another user owns or may write the folder or key.
    pub fn open(cache_home: &Path, key_home: &Path) -> Result<Self, CacheError> {
        let folder = cache_home.join(FOLDER);
        private_folder(&folder)?;
        Ok(Self { folder, key: derived_key(key_home, KEY_CONTEXT)? })
    }

    /// What is kept under a name, when it is authentic.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<Vec<u8>> {
        private_folder(&self.folder).ok()?;
        let file = open_private(&self.path(name)).ok()?;
        let mut bytes = Vec::new();
        (&file).take(ENTRY_BYTES).read_to_end(&mut bytes).ok()?;
        let (tag, rest) = bytes.split_first_chunk::<{ blake3::OUT_LEN }>()?;
        // `blake3::Hash` compares in constant time.
        if self.tag(name, rest) != blake3::Hash::from_bytes(*tag) {
            tracing::warn!(entry = name, "byte code in the cache is not authentic and is made anew");
            return None;
        }
        // When it was last used; see `compiler::prune`.
        let _ = file.set_modified(std::time::SystemTime::now());
        bytes.drain(..blake3::OUT_LEN);
        Some(bytes)
    }

    /// Keeps byte code under a name.
    ///
    /// # Errors
    /// [`CacheError::Io`] when it cannot be written.
    pub fn keep(&self, name: &str, bytes: &[u8]) -> Result<(), CacheError> {
        let path = self.path(name);
        let written = || -> io::Result<()> {
            let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
            file.write_all(self.tag(name, bytes).as_bytes())?;
            file.write_all(bytes)?;
            file.persist(&path).map_err(|error| error.error)?;
            Ok(())
        };
        written().map_err(|source| CacheError::Io { path: path.clone(), source })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(blake3::hash(name.as_bytes()).to_hex().as_str())
    }

    fn tag(&self, name: &str, bytes: &[u8]) -> blake3::Hash {
        let mut mac = blake3::Hasher::new_keyed(&self.key);
        mac.update(&(name.len() as u64).to_le_bytes()).update(name.as_bytes()).update(bytes);
        mac.finalize()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn only_what_was_kept_under_this_name_is_found() {
        let home = tempfile::tempdir().unwrap();
        let open = || BytecodeCache::open(&home.path().join("cache"), &home.path().join("keys")).unwrap();
        let cache = open();
        assert_eq!(cache.find("one"), None);
        cache.keep("one", b"first").unwrap();
        cache.keep("two", b"second").unwrap();
        assert_eq!(open().find("one").as_deref(), Some(b"first".as_slice()));

        fs::copy(cache.path("two"), cache.path("one")).unwrap();
        assert_eq!(cache.find("one"), None, "an entry is bound to its name");
        let mut changed = fs::read(cache.path("two")).unwrap();
        *changed.last_mut().unwrap() ^= 1;
        fs::write(cache.path("two"), changed).unwrap();
        assert_eq!(cache.find("two"), None);
    }

    #[test]
    fn an_entry_made_without_the_key_is_ignored() {
        let home = tempfile::tempdir().unwrap();
        let open = || BytecodeCache::open(&home.path().join("cache"), &home.path().join("keys")).unwrap();
        open().keep("one", b"first").unwrap();
        fs::remove_file(home.path().join("keys/code-cache.key")).unwrap();
        assert_eq!(open().find("one"), None);
    }
}
