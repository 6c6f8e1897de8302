//! What monitoring systems are told: spans of syncs, and numbers. `docs/observability.md` lists all of it.
//!
//! Spans are those of `tracing` with the target [`TARGET`]; nothing else leaves. They and the numbers go out over
//! OTLP/HTTP, binary protobuf, when the standard `OTEL_*` variables say where to, and the numbers to whoever reads
//! `/metrics` of `sluice serve`. Names of connections, connectors, tables and hosts are in them; rows, secrets, paths,
//! queries and messages never are.
//!
//! The few messages of the protocol are written by hand (`protobuf`): the crates for it would change features that
//! wasmtime's own dependencies share.

mod layer;
mod metrics;
mod otlp;
mod protobuf;
mod settings;

pub use layer::SpanLayer;
pub use metrics::{Metrics, Report};
pub use otlp::Exporter;
pub use settings::{Settings, SettingsError};

/// The target of spans that go out.
// Not the name of a module, whose warnings are not to go the same way.
pub const TARGET: &str = "sluicegate-spans";

/// The numbers of this process.
pub fn metrics() -> &'static Metrics {
    static METRICS: std::sync::LazyLock<Metrics> = std::sync::LazyLock::new(Metrics::default);
    &METRICS
}
