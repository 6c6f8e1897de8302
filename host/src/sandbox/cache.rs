//! Machine code, compiled once and kept between syncs.
//!
//! **Threat.** Loading a compiled component is running native code: whoever can put a file
//! into this cache owns the host. wasmtime checks version and settings of such a file, not
//! who made it. So the folder is private to this user (0700, owner checked on the open
//! folder, never through a link), a file's name binds it to the component's digest and the
//! engine's settings, and its content is authenticated with a key kept *outside* the
//! folder. Anything that does not check out is ignored and compiled anew.
//!
//! This and `worker::jail::calls` are the only modules of the host with `unsafe` code.

use std::fs::{self, File, OpenOptions};
use std::hash::{Hash, Hasher};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use wasmtime::Engine;
use wasmtime::component::Component;

use super::turn::Turn;

/// Folders of the cache; see [`CodeCache::open`].
#[derive(Clone, Debug)]
pub struct CodeCache {
    pub(super) folder: PathBuf,
    key: [u8; KEY_BYTES],
}

pub(super) const KEY_BYTES: usize = 32;
/// What the key of the authentication code is derived for; a new format gets a new text.
const KEY_CONTEXT: &str = "sluice compiled component v1";

/// Why the cache can't be used.
#[derive(Debug, thiserror::Error)]
pub enum CacheError {
    /// The file system refused.
    #[error("could not use the code cache at {path}: {source}")]
    Io {
        /// What was accessed.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Somebody else could write there.
    #[error("the code cache at {path} is not private: {reason}; remove it or fix its owner and mode")]
    NotPrivate {
        /// The folder or file.
        path: PathBuf,
        /// What is wrong.
        reason: &'static str,
    },
    /// The component could not be compiled.
    #[error("could not compile the component: {0}")]
    Compile(String),
}

impl CodeCache {
    /// Opens or makes the cache below `cache_home`, with its key below `key_home`. Both
    /// folders are made private when they do not exist.
    ///
    /// # Errors
    /// [`CacheError::NotPrivate`] when another user owns or may write the folder or key.
    pub fn open(cache_home: &Path, key_home: &Path) -> Result<Self, CacheError> {
        let folder = cache_home.join("code");
        private_folder(&folder)?;
        let key = derived_key(key_home, KEY_CONTEXT)?;
        Ok(Self { folder, key })
    }

    /// The component's machine code, when it is in the cache and authentic.
    pub fn find(&self, engine: &Engine, digest: &str) -> Option<Component> {
        self.read(engine, &self.entry_name(engine, digest))
    }

    /// Compiles a component (seconds) and keeps its machine code. Bytes of a stranger are to
    /// be checked first: the compiler's memory and time are not bounded.
    ///
    /// # Errors
    /// [`CacheError::Compile`] for bytes wasmtime refuses; the others as in [`Self::open`].
    pub fn compile(&self, engine: &Engine, bytes: &[u8], digest: &str) -> Result<Component, CacheError> {
        let name = self.entry_name(engine, digest);
        let code = engine.precompile_component(bytes).map_err(|error| CacheError::Compile(format!("{error:#}")))?;
        self.write(&name, &code)?;
        match self.read(engine, &name) {
            Some(component) => Ok(component),
            None => deserialize(engine, &code).map_err(|error| CacheError::Compile(format!("{error:#}"))),
        }
    }

    /// The file of the component's machine code, when it is in the cache and authentic. It is open to be read, and
    /// what it holds was authenticated through this very descriptor.
    pub(crate) fn find_file(&self, engine: &Engine, digest: &str) -> Option<File> {
        self.authentic(&self.entry_name(engine, digest))
    }

    /// Waits until nobody else makes the component's machine code; it may be there then. `None` where the file system
    /// knows no turns, so that it may be made twice.
    pub(crate) fn turn(&self, engine: &Engine, digest: &str) -> Option<Turn> {
        Turn::take(self.folder.join(format!("{}.lock", self.entry_name(engine, digest)))).ok()
    }

    /// A nameless file beside the entries.
    pub(crate) fn scratch(&self) -> Result<tempfile::NamedTempFile, CacheError> {
        tempfile::NamedTempFile::new_in(&self.folder)
            .map_err(|source| CacheError::Io { path: self.folder.clone(), source })
    }

    /// Keeps machine code that another process of ours made, and authenticates it from now on.
    pub(crate) fn keep(
        &self,
        engine: &Engine,
        digest: &str,
        mut code: tempfile::NamedTempFile,
    ) -> Result<File, CacheError> {
        let name = self.entry_name(engine, digest);
        let path = self.code_path(&name);
        let failed = |source| CacheError::Io { path: path.clone(), source };
        code.rewind().map_err(failed)?;
        let tag = self.tag(&name, code.as_file_mut()).map_err(failed)?;
        code.persist(&path).map_err(|error| failed(error.error))?;
        self.replace(&self.tag_path(&name), tag.as_bytes())?;
        self.authentic(&name).ok_or_else(|| failed(io::ErrorKind::InvalidData.into()))
    }

    pub(super) fn entry_name(&self, engine: &Engine, digest: &str) -> String {
        let mut settings = StableHasher(blake3::Hasher::new());
        engine.precompile_compatibility_hash().hash(&mut settings);
        settings.0.update(digest.as_bytes());
        settings.0.finalize().to_hex().to_string()
    }

    fn code_path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.cwasm"))
    }

    fn tag_path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.mac"))
    }

    /// The entry, if it exists, is private and authentic.
    fn read(&self, engine: &Engine, name: &str) -> Option<Component> {
        self.authentic(name)?;
        deserialize_file(engine, &self.code_path(name))
            .inspect_err(|error| tracing::debug!(entry = name, %error, "a compiled component does not fit this host"))
            .ok()
    }

    fn authentic(&self, name: &str) -> Option<File> {
        private_folder(&self.folder).ok()?;
        let path = self.code_path(name);
        let mut file = open_private(&path).ok()?;
        let mut tag = [0; blake3::OUT_LEN];
        open_private(&self.tag_path(name)).ok()?.read_exact(&mut tag).ok()?;
        // `blake3::Hash` compares in constant time.
        if self.tag(name, &mut file).ok()? != blake3::Hash::from_bytes(tag) {
            tracing::warn!(entry = name, "a compiled component in the cache is not authentic and is compiled anew");
            return None;
        }
        // When it was last used; see `compiler::prune`.
        let _ = file.set_modified(std::time::SystemTime::now());
        file.rewind().ok()?;
        Some(file)
    }

    fn write(&self, name: &str, code: &[u8]) -> Result<(), CacheError> {
        let tag =
            self.tag(name, &mut &*code).map_err(|source| CacheError::Io { path: self.code_path(name), source })?;
        self.replace(&self.code_path(name), code)?;
        self.replace(&self.tag_path(name), tag.as_bytes())
    }

    /// Puts a file in place by renaming, so that a reader never sees half of it and a
    /// mapping of the former file stays what it was.
    pub(super) fn replace(&self, path: &Path, contents: &[u8]) -> Result<(), CacheError> {
        let failed = |source| CacheError::Io { path: path.to_path_buf(), source };
        let mut file = tempfile::NamedTempFile::new_in(&self.folder).map_err(failed)?;
        file.write_all(contents).map_err(failed)?;
        file.persist(path).map_err(|error| failed(error.error))?;
        Ok(())
    }

    pub(super) fn tag(&self, name: &str, code: &mut dyn Read) -> io::Result<blake3::Hash> {
        let mut mac = blake3::Hasher::new_keyed(&self.key);
        mac.update(name.as_bytes());
        mac.update_reader(code)?;
        Ok(mac.finalize())
    }
}

/// A folder only this user can enter, made if need be.
pub(super) fn private_folder(path: &Path) -> Result<(), CacheError> {
    let failed = |source| CacheError::Io { path: path.to_path_buf(), source };
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed)?;
    let folder = OpenOptions::new()
        .read(true)
        .custom_flags((OFlags::NOFOLLOW | OFlags::DIRECTORY).bits().cast_signed())
        .open(path)
        .map_err(failed)?;
    check_private(path, &folder.metadata().map_err(failed)?, 0o077)
}

pub(super) fn open_private(path: &Path) -> Result<File, CacheError> {
    let failed = |source| CacheError::Io { path: path.to_path_buf(), source };
    let file = OpenOptions::new()
        .read(true)
        // NONBLOCK: a planted FIFO must not hang the host.
        .custom_flags((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed())
        .open(path)
        .map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if !metadata.is_file() || metadata.nlink() != 1 {
        return Err(CacheError::NotPrivate { path: path.to_path_buf(), reason: "it is not a plain file" });
    }
    check_private(path, &metadata, 0o022)?;
    Ok(file)
}

fn check_private(path: &Path, metadata: &fs::Metadata, forbidden_mode: u32) -> Result<(), CacheError> {
    let not_private = |reason| Err(CacheError::NotPrivate { path: path.to_path_buf(), reason });
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return not_private("another user owns it");
    }
    if metadata.mode() & forbidden_mode != 0 {
        return not_private("other users may access it");
    }
    Ok(())
}

/// The key for one purpose, made of the secret below `key_home`.
pub(super) fn derived_key(key_home: &Path, context: &str) -> Result<[u8; KEY_BYTES], CacheError> {
    private_folder(key_home)?;
    Ok(blake3::derive_key(context, &read_or_make_secret(&key_home.join("code-cache.key"))?))
}

fn read_or_make_secret(path: &Path) -> Result<[u8; KEY_BYTES], CacheError> {
    let failed = |source| CacheError::Io { path: path.to_path_buf(), source };
    if !path.exists() {
        let mut fresh = [0; KEY_BYTES];
        File::open("/dev/urandom").and_then(|mut random| random.read_exact(&mut fresh)).map_err(failed)?;
        let folder = path.parent().unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(folder).map_err(failed)?;
        file.write_all(&fresh).map_err(failed)?;
        // Another process may have been quicker: then its key is the key.
        match file.persist_noclobber(path) {
            Ok(_) => {}
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(failed(error.error)),
        }
    }
    let mut secret = [0; KEY_BYTES];
    open_private(path)?.read_exact(&mut secret).map_err(failed)?;
    Ok(secret)
}

/// The engine hands its settings over through [`Hash`]; the names of entries must be the
/// same in every process, which the standard hashers do not promise.
struct StableHasher(blake3::Hasher);

impl Hasher for StableHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        0
    }
}

#[allow(unsafe_code, reason = "loads machine code that this user's host compiled, authenticated just before")]
fn deserialize_file(engine: &Engine, path: &Path) -> wasmtime::Result<Component> {
    // SAFETY: the file lies in a folder only this user can write, was opened without
    // following links, and carries an authentication code made with a key from outside the
    // folder over exactly these bytes, which `precompile_component` produced. Files are
    // replaced by renaming only, so the mapping does not change while it is in use.
    unsafe { Component::deserialize_file(engine, path) }
}

/// Maps machine code that a parent authenticated and handed over as an open file at `path`, below `/proc/self/fd`;
/// without such a folder it is read instead.
///
/// # Errors
/// What wasmtime has against it.
pub(crate) fn map_handed_over(engine: &Engine, path: &Path, mut file: impl Read) -> wasmtime::Result<Component> {
    if path.exists() {
        return deserialize_file(engine, path);
    }
    let mut code = Vec::new();
    file.read_to_end(&mut code)?;
    deserialize(engine, &code)
}

#[allow(unsafe_code, reason = "loads machine code that this process just compiled")]
fn deserialize(engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
    // SAFETY: `code` was produced by `precompile_component` in this process and never left it, or a parent
    // authenticated it and handed it over.
    unsafe { Component::deserialize(engine, code) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    fn component(export: &str) -> Vec<u8> {
        wat::parse_str(format!(
            r#"(component (core module $m (func (export "f"))) (core instance $i (instantiate $m))
               (func (export "{export}") (canon lift (core func $i "f"))))"#
        ))
        .unwrap()
    }

    struct Fixture {
        engine: Engine,
        cache: CodeCache,
        home: tempfile::TempDir,
    }

    fn fixture() -> Fixture {
        let home = tempfile::tempdir().unwrap();
        let cache = CodeCache::open(&home.path().join("cache"), &home.path().join("keys")).unwrap();
        Fixture { engine: Engine::default(), cache, home }
    }

    /// Whether it had to be compiled.
    fn load(fixture: &Fixture, export: &str) -> bool {
        let bytes = component(export);
        let digest = blake3::hash(&bytes).to_hex().to_string();
        let found = fixture.cache.find(&fixture.engine, &digest);
        let compiled = found.is_none();
        let component = found.unwrap_or_else(|| fixture.cache.compile(&fixture.engine, &bytes, &digest).unwrap());
        assert!(
            component.component_type().get_export(&fixture.engine, export).is_some(),
            "the wrong component was loaded"
        );
        compiled
    }

    fn entry(fixture: &Fixture, export: &str, ending: &str) -> PathBuf {
        let digest = blake3::hash(&component(export)).to_hex().to_string();
        fixture.cache.folder.join(format!("{}.{ending}", fixture.cache.entry_name(&fixture.engine, &digest)))
    }

    #[test]
    fn a_component_is_compiled_once() {
        let fixture = fixture();
        assert!(load(&fixture, "one"));
        assert!(!load(&fixture, "one"));
        let reopened = Fixture {
            cache: CodeCache::open(&fixture.home.path().join("cache"), &fixture.home.path().join("keys")).unwrap(),
            ..fixture
        };
        assert!(!load(&reopened, "one"), "the cache must outlive the process");
    }

    #[test]
    fn a_changed_or_swapped_entry_is_ignored() {
        let fixture = fixture();
        load(&fixture, "one");
        load(&fixture, "two");

        let path = entry(&fixture, "one", "cwasm");
        let mut junk = fs::read(&path).unwrap();
        let last = junk.len() - 1;
        *junk.get_mut(last).unwrap() ^= 1;
        fs::write(&path, junk).unwrap();
        assert!(load(&fixture, "one"), "a flipped bit must not be loaded");

        // A valid entry of another component, with its valid authentication code.
        for ending in ["cwasm", "mac"] {
            fs::copy(entry(&fixture, "two", ending), entry(&fixture, "one", ending)).unwrap();
        }
        assert!(load(&fixture, "one"), "an entry must be bound to its component");
    }

    #[test]
    fn an_entry_made_without_the_key_is_ignored() {
        let fixture = fixture();
        load(&fixture, "one");
        fs::remove_file(fixture.home.path().join("keys/code-cache.key")).unwrap();
        let other = CodeCache::open(&fixture.home.path().join("cache"), &fixture.home.path().join("keys")).unwrap();
        assert!(load(&Fixture { cache: other, ..fixture }, "one"));
    }

    #[test]
    fn machine_code_of_another_engine_is_made_anew() {
        let fixture = fixture();
        load(&fixture, "one");
        let mut other = wasmtime::Config::new();
        other.epoch_interruption(true);
        let other = Fixture { engine: Engine::new(&other).unwrap(), ..fixture };
        assert!(load(&other, "one"), "it does not even look at the other engine's entry");
        assert!(!load(&other, "one"));
        let again = Fixture { engine: Engine::default(), ..other };
        assert!(!load(&again, "one"), "and leaves it where it is");
    }

    #[test]
    fn links_and_open_folders_are_refused() {
        let fixture = fixture();
        load(&fixture, "one");
        let path = entry(&fixture, "one", "cwasm");
        let moved = fixture.home.path().join("moved");
        fs::rename(&path, &moved).unwrap();
        symlink(&moved, &path).unwrap();
        assert!(load(&fixture, "one"), "a link must not be followed");

        fs::hard_link(&path, moved.with_extension("again")).unwrap();
        assert!(load(&fixture, "one"), "nor what has a second name, under which it may be written");

        fs::set_permissions(&fixture.cache.folder, fs::Permissions::from_mode(0o777)).unwrap();
        let reopened = CodeCache::open(&fixture.home.path().join("cache"), &fixture.home.path().join("keys"));
        assert!(matches!(reopened, Err(CacheError::NotPrivate { .. })), "{reopened:?}");
    }
}
