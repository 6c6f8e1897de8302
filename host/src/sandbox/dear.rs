//! Components that were too dear to compile, remembered for a day.
//!
//! **Threat.** A component whose compilation ends at its limits costs minutes of a processor, and would again at every
//! sync. So that it ended there is kept beside machine code, under the same name and with a code of authenticity by
//! the same key: whoever can write into the cache cannot keep a component from running, nor have it compiled at once.
//! It holds for the limits that were in force, and not for ever, since a machine may have been short of memory.

use std::io::Read;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use wasmtime::Engine;

use super::cache::{CacheError, CodeCache, open_private};

/// How long a component is not compiled again.
pub(crate) const REMEMBERED: Duration = Duration::from_secs(24 * 60 * 60);
/// The longest reason that is kept, in bytes; with it, what is kept of one component.
const REASON_BYTES: usize = 4096;
const ENTRY_BYTES: u64 = 2 * REASON_BYTES as u64;

#[derive(Serialize, Deserialize)]
struct Refusal {
    /// Seconds since 1970.
    at: u64,
    reason: String,
}

impl CodeCache {
    /// Why the component was too dear to compile under these limits, if that was within the last day.
    pub(crate) fn too_dear(&self, engine: &Engine, digest: &str, limits: &str, now: SystemTime) -> Option<String> {
        let name = self.refusal_name(engine, digest, limits);
        let mut entry = Vec::new();
        open_private(&self.refusal_path(&name)).ok()?.take(ENTRY_BYTES).read_to_end(&mut entry).ok()?;
        let (tag, text) = entry.split_at_checked(blake3::OUT_LEN)?;
        // `blake3::Hash` compares in constant time.
        if self.tag(&name, &mut &*text).ok()? != blake3::Hash::from_slice(tag).ok()? {
            tracing::warn!(entry = name, "a refusal in the cache is not authentic and does not count");
            return None;
        }
        let refusal: Refusal = postcard::from_bytes(text).ok()?;
        let age = now.duration_since(UNIX_EPOCH + Duration::from_secs(refusal.at)).ok()?;
        (age < REMEMBERED).then_some(refusal.reason)
    }

    /// Remembers that the component was too dear to compile under these limits.
    ///
    /// # Errors
    /// When the cache cannot be written.
    pub(crate) fn remember_dear(
        &self,
        engine: &Engine,
        digest: &str,
        limits: &str,
        reason: &str,
        now: SystemTime,
    ) -> Result<(), CacheError> {
        let name = self.refusal_name(engine, digest, limits);
        let path = self.refusal_path(&name);
        let failed = |error: std::io::Error| CacheError::Io { path: path.clone(), source: error };
        let at = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let mut end = reason.len().min(REASON_BYTES);
        while !reason.is_char_boundary(end) {
            end -= 1;
        }
        let reason = reason.get(..end).unwrap_or_default().to_owned();
        let text =
            postcard::to_stdvec(&Refusal { at, reason }).map_err(|error| failed(std::io::Error::other(error)))?;
        let tag = self.tag(&name, &mut &*text).map_err(failed)?;
        self.replace(&path, &[tag.as_bytes().as_slice(), &text].concat())
    }

    fn refusal_name(&self, engine: &Engine, digest: &str, limits: &str) -> String {
        self.entry_name(engine, &format!("{digest} refused under {limits}"))
    }

    fn refusal_path(&self, name: &str) -> std::path::PathBuf {
        self.folder.join(format!("{name}.refused"))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use std::fs;

    use super::*;

    struct Fixture {
        engine: Engine,
        cache: CodeCache,
        home: tempfile::TempDir,
        now: SystemTime,
    }

    impl Fixture {
        fn new() -> Self {
            let home = tempfile::tempdir().unwrap();
            let cache = CodeCache::open(&home.path().join("cache"), &home.path().join("keys")).unwrap();
            Self { engine: Engine::default(), cache, home, now: UNIX_EPOCH + Duration::from_secs(1_800_000_000) }
        }

        fn refuse(&self, digest: &str, reason: &str) {
            self.cache.remember_dear(&self.engine, digest, "600 s", reason, self.now).unwrap();
        }

        fn asked(&self, digest: &str, limits: &str, after: Duration) -> Option<String> {
            self.cache.too_dear(&self.engine, digest, limits, self.now + after)
        }

        fn entry(&self, digest: &str) -> std::path::PathBuf {
            self.cache.refusal_path(&self.cache.refusal_name(&self.engine, digest, "600 s"))
        }
    }

    #[test]
    fn a_refusal_holds_for_its_component_its_limits_and_a_day() {
        let fixture = Fixture::new();
        let second = Duration::from_secs(1);
        assert_eq!(fixture.asked("one", "600 s", second), None);
        fixture.refuse("one", "too dear");
        assert_eq!(fixture.asked("one", "600 s", second).as_deref(), Some("too dear"));
        assert_eq!(fixture.asked("two", "600 s", second), None);
        assert_eq!(fixture.asked("one", "900 s", second), None, "the operator gave it more");
        assert!(fixture.asked("one", "600 s", REMEMBERED - second).is_some());
        assert_eq!(fixture.asked("one", "600 s", REMEMBERED), None);
        let before = fixture.cache.too_dear(&fixture.engine, "one", "600 s", fixture.now - 2 * second);
        assert_eq!(before, None, "a clock that was wrong does not make it last");
    }

    #[test]
    fn who_can_write_the_cache_cannot_refuse_a_component() {
        let fixture = Fixture::new();
        fixture.refuse("one", "too dear");
        fs::copy(fixture.entry("one"), fixture.entry("two")).unwrap();
        assert_eq!(fixture.asked("two", "600 s", Duration::ZERO), None, "it is bound to its component");
        let mut bytes = fs::read(fixture.entry("one")).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        fs::write(fixture.entry("one"), bytes).unwrap();
        assert_eq!(fixture.asked("one", "600 s", Duration::ZERO), None);
        fixture.refuse("one", "too dear");
        fs::remove_file(fixture.home.path().join("keys/code-cache.key")).unwrap();
        let (cache, keys) = (fixture.home.path().join("cache"), fixture.home.path().join("keys"));
        let other = Fixture { cache: CodeCache::open(&cache, &keys).unwrap(), ..fixture };
        assert_eq!(other.asked("one", "600 s", Duration::ZERO), None, "made with another key");
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let fixture = Fixture::new();
        fixture.refuse("one", &"ü".repeat(1 << 20));
        assert!(fs::metadata(fixture.entry("one")).unwrap().len() < ENTRY_BYTES);
        assert!(fixture.asked("one", "600 s", Duration::ZERO).unwrap().len() <= REASON_BYTES);
    }
}
