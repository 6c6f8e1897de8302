//! The audit log: what a connector was granted, every request with its verdict, and every denial, one JSON line each.
//!
//! docs/audit.md describes the lines. They hold scheme, host and port of a request and never a query, header or body;
//! its path only where the operator wants it. A line is written in one call to the end of the file, so that several
//! syncs may share one.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use rustix::fs::OFlags;
use serde::Serialize;

/// Why the audit log cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// The file system refused.
    #[error("cannot write the audit log {path}: {error}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Somebody else could write there, or it is no file.
    #[error("the audit log {path} {reason}")]
    NotOurs {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what to do.
        reason: &'static str,
    },
}

/// Where the lines of one sync go. Clones share it; the default keeps none.
#[derive(Clone, Debug, Default)]
pub struct Audit(Option<Arc<Shared>>);

#[derive(Debug)]
struct Shared {
    file: Mutex<File>,
    sync: String,
    paths: bool,
    failed: Mutex<Option<io::Error>>,
}

/// One line.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[expect(missing_docs, reason = "docs/audit.md describes each")]
pub enum Entry<'a> {
    /// A sync began, with everything it was granted.
    Started {
        connector: &'a str,
        component: &'a str,
        connection: &'a str,
        network: &'a [String],
        addresses: &'a [String],
        environment: &'a [String],
    },
    /// A request was answered, failed or was denied.
    Request(Request<'a>),
    /// It ended.
    Finished { outcome: &'a str, requests: u64, denied: u64 },
}

/// A request of a connector.
#[derive(Clone, Debug, Default, Serialize)]
#[expect(missing_docs, reason = "docs/audit.md describes each")]
pub struct Request<'a> {
    pub verdict: Verdict,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub method: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub scheme: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    pub host: &'a str,
    #[serde(skip_serializing_if = "is_zero")]
    pub port: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    pub bytes_sent: u64,
    pub bytes_received: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub missing: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<&'a str>,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The policy refused it; nothing left the host.
    #[default]
    Denied,
    /// A limit refused it; nothing left the host.
    Limited,
    /// It is no request that could be judged; nothing left the host.
    Refused,
    /// It was permitted and sent, whatever came of it.
    Allowed,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn is_zero(port: &u16) -> bool {
    *port == 0
}

#[derive(Serialize)]
struct Line<'a> {
    time: String,
    sync: &'a str,
    #[serde(flatten)]
    entry: &'a Entry<'a>,
}

impl Audit {
    /// Appends to a file, which is made with access for its owner only. `sync` stands in every line; `paths` puts the
    /// paths of requests there too.
    ///
    /// # Errors
    /// When the file is a link, no plain file, another user's, or can be written by others; or the system refuses.
    pub fn append(path: &Path, sync: String, paths: bool) -> Result<Self, AuditError> {
        let failed = |error| AuditError::Io { path: path.to_path_buf(), error };
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            // A planted link must not be followed, a planted FIFO must not hang the host.
            .custom_flags(flags.bits().cast_signed())
            .open(path)
            .map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        let not_ours = |reason| Err(AuditError::NotOurs { path: path.to_path_buf(), reason });
        if !metadata.is_file() || metadata.nlink() != 1 {
            return not_ours("is not a plain file; name another");
        }
        if metadata.uid() != rustix::process::geteuid().as_raw() {
            return not_ours("belongs to another user; name another");
        }
        if metadata.mode() & 0o022 != 0 {
            return not_ours("can be written by others; take that away with chmod go-w");
        }
        let shared = Shared { file: Mutex::new(file), sync, paths, failed: Mutex::new(None) };
        Ok(Self(Some(Arc::new(shared))))
    }

    /// Writes a line. What fails is told by [`failure`](Self::failure).
    pub fn write(&self, entry: &Entry<'_>) {
        let Some(shared) = &self.0 else { return };
        let line = Line { time: Timestamp::now().to_string(), sync: &shared.sync, entry };
        let written = serde_json::to_vec(&line).map_err(io::Error::from).and_then(|mut line| {
            line.push(b'\n');
            shared.file.lock().unwrap_or_else(PoisonError::into_inner).write_all(&line)
        });
        if let Err(error) = written {
            shared.failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        }
    }

    /// Whether lines hold the paths of requests.
    #[must_use]
    pub fn with_paths(&self) -> bool {
        self.0.as_ref().is_some_and(|shared| shared.paths)
    }

    /// What the sync is called in it.
    #[must_use]
    pub fn sync(&self) -> Option<&str> {
        self.0.as_ref().map(|shared| shared.sync.as_str())
    }

    /// Whether anything is kept.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// The first line that could not be written, if any: then what happened is not all in the log.
    #[must_use]
    pub fn failure(&self) -> Option<String> {
        let failed = self.0.as_ref()?.failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.as_ref().map(|error| format!("cannot write the audit log: {error}"))
    }
}
