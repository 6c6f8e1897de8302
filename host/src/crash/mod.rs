//! Crash reports: what somebody who is to help needs to know of a sync that failed, and nothing that is not theirs.
//!
//! In a report there are versions, limits, hosts with counts, the traceback and the last log lines. Not in it are values
//! of the configuration or environment, secret or not, paths and queries of URLs, bodies, rows and states. What an
//! author's code writes into a message of its own can be anything: what stands in quotes, looks like an address of
//! e-mail, or has many digits is left out of messages and log lines (`private`).

mod private;

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Serialize;

use crate::display::summary::{ConnectorIdentity, OutcomeClass, SyncSummary};
use crate::display::traceback::{self, Frame};
use crate::policy::secrets::{Redactor, Secret};

/// Reports that are kept; older ones go.
pub const KEPT: usize = 20;

/// What no report may hold: the values of a sync's configuration and environment.
#[derive(Debug)]
pub struct Private(Redactor);

impl Private {
    /// Values that are not to be in a report.
    #[must_use]
    pub fn new<'a>(values: impl IntoIterator<Item = &'a String>) -> Self {
        let values: Vec<_> = values.into_iter().map(|value| Secret::new(value.clone())).collect();
        Self(Redactor::new(&values))
    }

    fn message(&self, text: &str) -> String {
        private::message(&self.0.redact(text))
    }

    fn code(&self, text: &str) -> String {
        private::urls(&self.0.redact(text))
    }
}

#[derive(Serialize)]
struct Report<'a> {
    sluice: &'static str,
    system: String,
    time: String,
    connector: &'a ConnectorIdentity,
    connection: &'a str,
    class: OutcomeClass,
    message: Option<String>,
    traceback: Option<String>,
    frames: Vec<Frame>,
    last_log_lines: Vec<String>,
    hosts: Vec<Host<'a>>,
    rows: u64,
    checkpoints: u64,
    peak_memory_bytes: u64,
    wall_seconds: f64,
    cpu_seconds: f64,
    limits: &'a BTreeMap<&'static str, u64>,
}

#[derive(Serialize)]
struct Host<'a> {
    host: &'a str,
    requests: u64,
    connections: u64,
    denied: u64,
}

/// The report of a sync that failed, as JSON.
#[must_use]
pub fn report(summary: &SyncSummary, limits: &BTreeMap<&'static str, u64>, private: &Private) -> String {
    let outcome = &summary.outcome;
    let code =
        |frame: &Frame| Frame { source: frame.source.as_deref().map(|source| private.code(source)), ..frame.clone() };
    let whole = |text: &String| traceback::with(text, |line| private.code(line), |line| private.message(line));
    let hosts = summary.hosts.iter().map(|host| Host {
        host: &host.host,
        requests: host.requests,
        connections: host.connections,
        denied: host.denied,
    });
    let report = Report {
        sluice: env!("CARGO_PKG_VERSION"),
        system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        time: format!("{:.0}", Timestamp::now()),
        connector: &summary.connector,
        connection: &summary.connection,
        class: outcome.class,
        message: outcome.message.as_deref().map(|message| private.message(message)),
        traceback: outcome.traceback.as_ref().map(whole),
        frames: outcome.frames.iter().map(code).collect(),
        last_log_lines: outcome.last_log_lines.iter().map(|line| private.message(line)).collect(),
        hosts: hosts.collect(),
        rows: summary.rows,
        checkpoints: summary.checkpoints,
        peak_memory_bytes: summary.peak_memory_bytes,
        wall_seconds: summary.wall.as_secs_f64(),
        cpu_seconds: summary.cpu.as_secs_f64(),
        limits,
    };
    serde_json::to_string_pretty(&report).unwrap_or_default() + "\n"
}

/// Keeps a report in a folder that only this user can read, and removes the oldest beyond [`KEPT`].
///
/// # Errors
/// When it cannot be written.
pub fn keep(folder: &Path, connection: &str, report: &str) -> io::Result<PathBuf> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let time = Timestamp::now().strftime("%Y%m%dT%H%M%S");
    let micros = Timestamp::now().subsec_microsecond();
    let path = folder.join(format!("{time}.{micros:06}-{connection}.json"));
    write(&path, report)?;
    let mut all: Vec<PathBuf> =
        fs::read_dir(folder)?.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    all.retain(|path| path.extension().is_some_and(|ending| ending == "json"));
    all.sort();
    for old in all.iter().take(all.len().saturating_sub(KEPT)) {
        // Somebody else may have been quicker.
        let _ = fs::remove_file(old);
    }
    Ok(path)
}

/// Writes a report where only this user can read it.
///
/// # Errors
/// When it cannot be written.
pub fn write(path: &Path, report: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(report.as_bytes())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_go() {
        let folder = tempfile::tempdir().unwrap();
        let reports = folder.path().join("crashes");
        let paths: Vec<_> = (0..KEPT + 3).map(|number| keep(&reports, "shop", &number.to_string()).unwrap()).collect();
        let kept = fs::read_dir(&reports).unwrap().count();
        assert_eq!(kept, KEPT);
        assert_eq!(paths.iter().filter(|path| path.exists()).count(), KEPT);
        assert!(!paths.first().unwrap().exists() && paths.last().unwrap().exists());
    }
}
