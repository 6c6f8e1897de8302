//! Where Sluice keeps what it makes. The only place that reads environment variables.

use std::env;
use std::path::PathBuf;

use etcetera::BaseStrategy;

use crate::cli::failure::Failure;
use crate::compiler::prune;

/// Folders of this user.
#[derive(Clone, Debug)]
pub(super) struct Folders {
    /// Toolchain, dependencies, components and machine code; may be deleted at any time.
    pub(super) cache: PathBuf,
    /// The key that authenticates machine code; kept apart from what it protects.
    pub(super) state: PathBuf,
    /// Most bytes of the cache.
    pub(super) cache_bytes: u64,
    /// The one file for the crash report of this command, in place of the folder of all.
    pub(super) crash_report: Option<PathBuf>,
    /// The keys of stored secrets.
    pub(super) secrets_key: PathBuf,
}

impl Folders {
    /// `$SLUICE_SECRETS_KEY_FILE`, `$SLUICE_CACHE_DIR` and `$SLUICE_STATE_DIR`, else `sluice` in the usual places of the
    /// platform (`$XDG_CACHE_HOME`, `$XDG_STATE_HOME` and their defaults on Linux). `$SLUICE_CACHE_MIB` bounds the
    /// cache.
    ///
    /// # Errors
    /// When there is no home folder, or the bound is not a number.
    pub(super) fn find() -> Result<Self, Failure> {
        let strategy = etcetera::choose_base_strategy().map_err(|error| Failure::host(error.to_string()))?;
        let given = |name: &str| env::var_os(name).map(PathBuf::from);
        let state_home = strategy.state_dir().unwrap_or_else(|| strategy.data_dir());
        let cache_bytes = match env::var("SLUICE_CACHE_MIB") {
            Err(_) => prune::DEFAULT_CACHE_BYTES,
            Ok(text) => {
                let mib = text.parse().ok().and_then(|mib: u64| mib.checked_mul(1 << 20));
                mib.ok_or_else(|| Failure::refused("SLUICE_CACHE_MIB must be a number of MiB".to_owned()))?
            }
        };
        let state = given("SLUICE_STATE_DIR").unwrap_or_else(|| state_home.join("sluice"));
        Ok(Self {
            crash_report: None,
            cache_bytes,
            cache: given("SLUICE_CACHE_DIR").unwrap_or_else(|| strategy.cache_dir().join("sluice")),
            secrets_key: given("SLUICE_SECRETS_KEY_FILE").unwrap_or_else(|| state.join("secrets.key")),
            state,
        })
    }
}
