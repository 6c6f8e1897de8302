//! What the host itself has to say, and telemetry: where it goes.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::{EnvFilter, Layer as _, Registry};

use crate::cli::args::LogFormat;
use crate::display::output::{Mode, Output};
use crate::log::{Level, LogSink};
use crate::telemetry::{Exporter, Settings, TARGET};

/// Whether connectors' messages go the way of the host's.
static TAKES_LOGS: AtomicBool = AtomicBool::new(false);
static JSON: AtomicBool = AtomicBool::new(false);
static VERBOSE: AtomicBool = AtomicBool::new(false);

/// Whether people want to know more of everything, with -v.
pub(super) fn verbose() -> bool {
    VERBOSE.load(Ordering::Relaxed)
}

/// Where a command that syncs says what happens. With JSON lines on standard error nothing else stands there.
pub(super) fn output(events: bool) -> Output {
    if events || !JSON.load(Ordering::Relaxed) {
        return Output::standard(events);
    }
    TAKES_LOGS.store(true, Ordering::Relaxed);
    Output::plain(Mode::Json, Box::new(io::sink()))
}

/// Where a connector's messages go, unless to the command's output.
pub(super) fn log(connection: &str) -> Option<Arc<dyn LogSink>> {
    let lines = || Arc::new(LogLines { connection: connection.to_owned() }) as Arc<dyn LogSink>;
    TAKES_LOGS.load(Ordering::Relaxed).then(lines)
}

/// What must be sent before the process ends.
pub(super) struct Telemetry(Option<Exporter>);

impl Telemetry {
    /// Sends what is left.
    pub(super) fn finish(self) {
        if let Some(exporter) = self.0 {
            exporter.finish();
        }
    }
}

/// Starts it: never on standard output, never values.
pub(super) fn start(verbose: u8, format: LogFormat) -> Telemetry {
    let level = match verbose {
        0 => "sluicegate=warn",
        1 => "sluicegate=info",
        2 => "sluicegate=debug",
        _ => "debug",
    };
    // Connectors' messages have a target of their own, and spans go elsewhere.
    let filter = EnvFilter::new(format!("{level},{CONNECTOR}=trace,{TARGET}=off"));
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr);
    let lines = match format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().flatten_event(true).with_current_span(false).with_span_list(false).boxed(),
    };
    VERBOSE.store(verbose > 0, Ordering::Relaxed);
    JSON.store(format == LogFormat::Json, Ordering::Relaxed);
    let settings = Settings::read(|name| std::env::var(name).ok());
    let (wanted, wrong) = match settings {
        Ok(wanted) => (wanted, None),
        Err(error) => (None, Some(error.to_string())),
    };
    let (started, failed) = match wanted.map(Exporter::start).transpose() {
        Ok(started) => (started, wrong),
        Err(error) => (None, Some(format!("telemetry is off: {error}"))),
    };
    let (exporter, spans) = started.unzip();
    let spans = spans.map(|spans| spans.with_filter(Targets::new().with_target(TARGET, tracing::Level::INFO)));
    let subscriber = Registry::default().with(lines.with_filter(filter)).with(spans);
    // A second call in one process keeps the first subscriber.
    let _ = tracing::subscriber::set_global_default(subscriber);
    if let Some(reason) = failed {
        tracing::warn!("{reason}");
    }
    Telemetry(exporter)
}

const CONNECTOR: &str = "sluicegate::connector";

/// A connector's log as lines of the host's own, for who reads them all as JSON.
struct LogLines {
    connection: String,
}

impl LogSink for LogLines {
    fn line(&self, level: Level, message: &str) {
        let connection = self.connection.as_str();
        match level {
            Level::Debug | Level::Fine => tracing::debug!(target: CONNECTOR, connection, "{message}"),
            Level::Info => tracing::info!(target: CONNECTOR, connection, "{message}"),
            Level::Warning => tracing::warn!(target: CONNECTOR, connection, "{message}"),
            Level::Error | Level::Severe | Level::Critical => {
                tracing::error!(target: CONNECTOR, connection, "{message}");
            }
        }
    }
}

/// Adds a sync that ended to the numbers of this process.
pub(super) fn count(summary: &crate::display::summary::SyncSummary) {
    use crate::display::summary::OutcomeClass;
    let outcome = match summary.outcome.class {
        OutcomeClass::Success => "success",
        OutcomeClass::Connector => "connector",
        OutcomeClass::Limit => "limit",
        OutcomeClass::Denied => "denied",
        OutcomeClass::Host => "host",
    };
    // The limit's name; what it was is for people.
    let limit = || summary.outcome.message.as_deref()?.split_once(" limit reached").map(|(name, _)| name);
    crate::telemetry::metrics().add(&crate::telemetry::Report {
        connection: &summary.connection,
        outcome,
        limit: (summary.outcome.class == OutcomeClass::Limit).then(|| limit().unwrap_or("other")),
        seconds: summary.wall.as_secs_f64(),
        rows: (summary.rows, summary.bytes, summary.checkpoints),
        hosts: summary.hosts.iter().map(|host| (host.host.as_str(), host.requests + host.connections)).collect(),
        denied: summary.hosts.iter().map(|host| host.denied).sum(),
        active: summary.tables.iter().map(|table| (table.table.as_str(), table.active_rows)).collect(),
    });
}
