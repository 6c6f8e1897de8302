//! Secrets at rest: one file a connection beside its database, `<warehouse>/<connection>.secrets`, each value
//! sealed with XChaCha20-Poly1305 under a key that lies elsewhere.
//!
//! | module | what it does |
//! |---|---|
//! | `key` | the file of keys: the current one first, former ones after it until they are forgotten |
//! | `sealed` | one value: sealed for its connection and name, under a key that is named in it |
//! | `store` | the file of a connection |
//!
//! A value cannot be moved to another name or connection, changed, or opened with another key. Names are readable,
//! and the length of a value can be seen. An older file can be put in the place of a newer one by whoever may
//! write there.

mod file;
mod key;
mod sealed;
mod store;

use std::io;
use std::path::PathBuf;

pub use key::Keys;
pub use store::SecretStore;

/// Most bytes of one value.
pub const SECRET_BYTES: usize = 64 << 10;
/// Most secrets of one connection.
pub const SECRETS: usize = 1_000;

/// Why secrets cannot be read or kept. Holds no value.
#[derive(Debug, thiserror::Error)]
pub enum SecretsError {
    /// A file cannot be read or written.
    #[error("{path}: {error}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A file that others could read or change, or that is no file.
    #[error("{path}: {reason}; secrets are kept only where nobody else can reach them")]
    NotPrivate {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: &'static str,
    },
    /// A file that is not what was written.
    #[error("{path} is damaged or was written by a newer version: {reason}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The key is another one than the value was sealed with.
    #[error(
        "the secret `{name}` was sealed with the key {id}, which is not in {path}; name the right file of keys with \
         SLUICE_SECRETS_KEY_FILE, or set the secret anew"
    )]
    WrongKey {
        /// The secret.
        name: String,
        /// The first bytes of the hash of its key.
        id: String,
        /// The file of keys.
        path: PathBuf,
    },
    /// The value was changed, or belongs to another name or connection.
    #[error("the secret `{name}` of connection {connection} was changed since it was set; set it anew")]
    Changed {
        /// The secret.
        name: String,
        /// The connection.
        connection: String,
    },
    /// Not a name, or a value of no acceptable size.
    #[error("{0}")]
    Refused(String),
    /// The machine gave no random numbers.
    #[error("this machine gives no random numbers")]
    Random,
}
