//! The numbers, and their text form for Prometheus.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::protobuf::Message;

/// Most series, so that names that connectors choose end; what comes beyond is left out.
const SERIES: usize = 20_000;
/// Upper bounds of the durations that are told apart, in seconds.
const BOUNDS: [f64; 12] = [0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3_600.0];

/// What a number is, in the order of [`KINDS`].
struct Kind {
    name: &'static str,
    unit: &'static str,
    help: &'static str,
}

const fn kind(name: &'static str, unit: &'static str, help: &'static str) -> Kind {
    Kind { name, unit, help }
}

const SYNCS: usize = 0;
const ROWS: usize = 1;
const BYTES: usize = 2;
const CHECKPOINTS: usize = 3;
const REQUESTS: usize = 4;
const DENIED: usize = 5;
const LIMITS: usize = 6;
const ACTIVE: usize = 7;

const KINDS: [Kind; 8] = [
    kind("sluice.syncs", "{sync}", "Syncs that ended, by outcome"),
    kind("sluice.rows", "{row}", "Rows that connectors sent"),
    kind("sluice.row_bytes", "By", "Bytes of rows that connectors sent"),
    kind("sluice.checkpoints", "{checkpoint}", "Durable checkpoints"),
    kind("sluice.requests", "{request}", "Requests and TCP connections that were let out, by host"),
    kind("sluice.denied", "{request}", "Requests and TCP connections that were denied"),
    kind("sluice.limits_reached", "{sync}", "Syncs that ended at a limit, by limit"),
    kind("sluice.active_rows", "{row}", "Rows that became active in their month, by table"),
];
const DURATION: Kind = kind("sluice.sync.duration", "s", "Time of syncs from start to end");

/// A series' attributes, in order.
type Labels = Vec<(&'static str, String)>;

#[derive(Debug, Default)]
struct Histogram {
    buckets: [u64; BOUNDS.len() + 1],
    sum: f64,
}

#[derive(Debug, Default)]
struct Series {
    counters: BTreeMap<(usize, Labels), u64>,
    durations: BTreeMap<Labels, Histogram>,
}

/// Numbers since the process began.
#[derive(Debug, Default)]
pub struct Metrics(Mutex<Series>);

/// What one sync adds.
#[derive(Clone, Debug, Default)]
pub struct Report<'a> {
    /// The connection.
    pub connection: &'a str,
    /// `success`, or the class of its failure.
    pub outcome: &'a str,
    /// The limit that was reached, if one was.
    pub limit: Option<&'a str>,
    /// From start to end, in seconds.
    pub seconds: f64,
    /// Rows that the connector sent, their bytes, and durable checkpoints.
    pub rows: (u64, u64, u64),
    /// By host: requests that were let out.
    pub hosts: Vec<(&'a str, u64)>,
    /// Requests that were denied.
    pub denied: u64,
    /// By table: rows that became active.
    pub active: Vec<(&'a str, u64)>,
}

impl Metrics {
    fn series(&self) -> MutexGuard<'_, Series> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a sync.
    pub fn add(&self, report: &Report<'_>) {
        let mut series = self.series();
        let connection = ("connection", report.connection.to_owned());
        let outcome = ("outcome", report.outcome.to_owned());
        let own = vec![connection.clone()];
        let with = |name, value: &str| vec![connection.clone(), (name, value.to_owned())];
        let mut add = |kind, labels: Labels, value: u64| {
            let full = series.counters.len() >= SERIES;
            if value > 0 && (!full || series.counters.contains_key(&(kind, labels.clone()))) {
                *series.counters.entry((kind, labels)).or_default() += value;
            }
        };
        let (rows, bytes, checkpoints) = report.rows;
        add(SYNCS, vec![connection.clone(), outcome.clone()], 1);
        add(ROWS, own.clone(), rows);
        add(BYTES, own.clone(), bytes);
        add(CHECKPOINTS, own.clone(), checkpoints);
        // Not by host: what is denied is any name that a connector makes up.
        add(DENIED, own, report.denied);
        for (host, requests) in &report.hosts {
            add(REQUESTS, with("server.address", host), *requests);
        }
        if let Some(limit) = report.limit {
            add(LIMITS, with("limit", limit), 1);
        }
        for (table, rows) in &report.active {
            add(ACTIVE, with("table", table), *rows);
        }
        if series.durations.len() < SERIES {
            let histogram = series.durations.entry(vec![connection, outcome]).or_default();
            let place = BOUNDS.iter().position(|bound| report.seconds <= *bound).unwrap_or(BOUNDS.len());
            if let Some(bucket) = histogram.buckets.get_mut(place) {
                *bucket += 1;
            }
            histogram.sum += report.seconds;
        }
    }

    /// The text that Prometheus reads.
    #[must_use]
    pub fn prometheus(&self) -> String {
        let (series, mut text) = (self.series(), String::new());
        for (index, kind) in KINDS.iter().enumerate() {
            let name = format!("{}_total", prometheus_name(kind.name));
            let of_kind = series.counters.range((index, Labels::new())..(index + 1, Labels::new()));
            let lines: String =
                of_kind.map(|((_, labels), value)| format!("{name}{} {value}\n", braces(labels, None))).collect();
            if !lines.is_empty() {
                let _ = write!(text, "# HELP {name} {}\n# TYPE {name} counter\n{lines}", kind.help);
            }
        }
        if !series.durations.is_empty() {
            let name = format!("{}_seconds", prometheus_name(DURATION.name));
            let _ = write!(text, "# HELP {name} {}\n# TYPE {name} histogram\n", DURATION.help);
            for (labels, histogram) in &series.durations {
                let mut count = 0;
                let bounds = BOUNDS.iter().map(ToString::to_string).chain(["+Inf".to_owned()]);
                for (bound, bucket) in bounds.zip(histogram.buckets) {
                    count += bucket;
                    let _ = writeln!(text, "{name}_bucket{} {count}", braces(labels, Some(&bound)));
                }
                let labels = braces(labels, None);
                let _ = write!(text, "{name}_sum{labels} {}\n{name}_count{labels} {count}\n", histogram.sum);
            }
        }
        text
    }

    /// The metrics of OTLP, each a field 2 of the scope.
    pub(super) fn write(&self, scope: &mut Message, start: u64, now: u64) {
        const CUMULATIVE: u64 = 2;
        let series = self.series();
        for (index, kind) in KINDS.iter().enumerate() {
            let of_kind: Vec<_> = series.counters.range((index, Labels::new())..(index + 1, Labels::new())).collect();
            if of_kind.is_empty() {
                continue;
            }
            scope.message(2, |metric| {
                metric.text(1, kind.name).text(2, kind.help).text(3, kind.unit).message(7, |sum| {
                    for ((_, labels), value) in of_kind {
                        sum.message(1, |point| {
                            point.fixed(2, start).fixed(3, now).fixed(6, *value);
                            attributes(point, 7, labels);
                        });
                    }
                    sum.number(2, CUMULATIVE).number(3, 1);
                });
            });
        }
        if series.durations.is_empty() {
            return;
        }
        scope.message(2, |metric| {
            metric.text(1, DURATION.name).text(2, DURATION.help).text(3, DURATION.unit).message(9, |all| {
                for (labels, histogram) in &series.durations {
                    all.message(1, |point| {
                        let buckets = histogram.buckets;
                        point.fixed(2, start).fixed(3, now).fixed(4, buckets.iter().sum()).double(5, histogram.sum);
                        point.fixed_many(6, buckets.into_iter());
                        point.fixed_many(7, BOUNDS.iter().map(|bound| bound.to_bits()));
                        attributes(point, 9, labels);
                    });
                }
                all.number(2, CUMULATIVE);
            });
        });
    }
}

fn attributes(message: &mut Message, field: u32, labels: &Labels) {
    for (key, value) in labels {
        message.attribute(field, key, value);
    }
}

fn prometheus_name(name: &str) -> String {
    name.replace('.', "_")
}

fn braces(labels: &Labels, bound: Option<&str>) -> String {
    let escaped = |value: &str| value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    let pairs = labels.iter().map(|(key, value)| format!("{}=\"{}\"", prometheus_name(key), escaped(value)));
    let bound = bound.map(|bound| format!("le=\"{bound}\""));
    format!("{{{}}}", pairs.chain(bound).collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prometheus_reads_counters_and_histograms() {
        let metrics = Metrics::default();
        let report = Report {
            connection: "shop",
            outcome: "success",
            seconds: 0.3,
            rows: (5, 100, 1),
            hosts: vec![("api.example.com", 2)],
            active: vec![("a\"b", 3)],
            ..Report::default()
        };
        metrics.add(&report);
        metrics.add(&Report { outcome: "limit", limit: Some("memory"), seconds: 9_999.0, ..report });
        let text = metrics.prometheus();
        for line in [
            "# TYPE sluice_syncs_total counter",
            "sluice_syncs_total{connection=\"shop\",outcome=\"success\"} 1",
            "sluice_rows_total{connection=\"shop\"} 10",
            "sluice_requests_total{connection=\"shop\",server_address=\"api.example.com\"} 4",
            "sluice_limits_reached_total{connection=\"shop\",limit=\"memory\"} 1",
            "sluice_active_rows_total{connection=\"shop\",table=\"a\\\"b\"} 6",
            "sluice_sync_duration_seconds_bucket{connection=\"shop\",outcome=\"success\",le=\"0.25\"} 0",
            "sluice_sync_duration_seconds_bucket{connection=\"shop\",outcome=\"success\",le=\"0.5\"} 1",
            "sluice_sync_duration_seconds_bucket{connection=\"shop\",outcome=\"limit\",le=\"+Inf\"} 1",
            "sluice_sync_duration_seconds_count{connection=\"shop\",outcome=\"limit\"} 1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
        assert!(!text.contains("denied"), "what never happened is no series");
    }

    #[test]
    fn series_end() {
        let metrics = Metrics::default();
        let hosts: Vec<String> = (0..SERIES + 10).map(|host| format!("h{host}")).collect();
        metrics.add(&Report { hosts: hosts.iter().map(|host| (host.as_str(), 1)).collect(), ..Report::default() });
        assert_eq!(metrics.series().counters.len(), SERIES);
    }
}
