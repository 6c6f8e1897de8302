//! The limits of a sync, from everybody who has a say.

use std::time::Duration;

use crate::cli::args::LimitArguments;
use crate::cli::connector::subject::Subject;
use crate::cli::failure::Failure;
use crate::display::output::Output;
use crate::landing::settings::LimitSettings;
use crate::policy::limits::{Limits, LimitsError};
use crate::stamp::AskedLimits;

/// The limits: the defaults, what a project of this machine asks for, the settings file, and the flags, each over
/// the former.
pub(in crate::cli) fn limits(
    arguments: &LimitArguments,
    settings: &LimitSettings,
    subject: &Subject,
    output: &Output,
) -> Result<Limits, Failure> {
    const MIB: usize = 1024 * 1024;
    let mut limits = Limits::default();
    let asked = subject.stamp.as_ref().map(|stamp| stamp.limits).unwrap_or_default();
    // A project on this machine is the author's own; what a component asks for is only said.
    let own = if subject.project.is_some() { asked } else { AskedLimits::default() };
    let refused = |error: LimitsError| Failure::refused(error.to_string());
    let mib = |mib: u64| mib.saturating_mul(MIB as u64);
    let memory = |wanted: u64| usize::try_from(mib(wanted)).unwrap_or(usize::MAX);
    limits.memory_bytes = own.memory_mib.map_or(limits.memory_bytes, memory);
    limits.cpu = own.cpu_seconds.map_or(limits.cpu, Duration::from_secs);
    limits.wall = own.wall_seconds.map_or(limits.wall, Duration::from_secs);
    limits.requests = own.requests.unwrap_or(limits.requests);
    limits.rows = own.rows.unwrap_or(limits.rows);
    settings.apply(&mut limits).map_err(refused)?;

    let seconds = |value: f64| Duration::try_from_secs_f64(value).unwrap_or(Duration::ZERO);
    limits.memory_bytes = arguments.memory.map_or(limits.memory_bytes, |wanted| memory(wanted as u64));
    limits.cpu = arguments.cpu_time.map_or(limits.cpu, seconds);
    limits.wall = arguments.wall_time.map_or(limits.wall, seconds);
    limits.requests = arguments.requests.unwrap_or(limits.requests);
    limits.workers = arguments.workers.unwrap_or(limits.workers);
    limits.files = arguments.files.unwrap_or(limits.files);
    limits.row_bytes_total = arguments.row_data.map_or(limits.row_bytes_total, mib);
    limits.file_bytes = arguments.file_size.map_or(limits.file_bytes, mib);
    limits.file_bytes_total = arguments.file_data.map_or(limits.file_bytes_total, mib);
    limits.local_file_bytes = arguments.local_files.map_or(limits.local_file_bytes, mib);
    limits.log_bytes = arguments.log.map_or(limits.log_bytes, |kib| kib.saturating_mul(1024));
    for text in &arguments.by_name {
        let (name, value) = text
            .split_once('=')
            .ok_or_else(|| Failure::refused(format!("--limit {}: write NAME=VALUE", text.escape_debug())))?;
        limits.set(name, value).map_err(refused)?;
    }
    limits.check().map_err(refused)?;
    if let Some(mib) = asked.memory_mib.filter(|mib| *mib > (limits.memory_bytes / MIB) as u64) {
        output.line(&format!("note: {} asks for {mib} MiB of memory; grant it with --memory {mib}", subject.name()));
    }
    Ok(limits)
}
