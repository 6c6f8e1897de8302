//! The summary at the end of a sync, for people and for programs.

mod text;

use std::time::Duration;

use serde::{Serialize, Serializer};

use super::cassette::CassetteSummary;
use super::traceback::Frame;
use super::withheld::WithheldSummary;

/// Everything that is said about a finished sync. In JSON one object with these keys;
/// durations are seconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct SyncSummary {
    /// Which connector.
    pub connector: ConnectorIdentity,
    /// Which connection.
    pub connection: String,
    /// Path of the database the rows are in.
    pub database: String,
    /// How it ended.
    pub outcome: Outcome,
    /// What happened to each table, in the order of first use.
    pub tables: Vec<TableSummary>,
    /// Re-syncs that wait for a sync that ends well.
    pub pending_resyncs: Vec<ResyncSummary>,
    /// What was kept out because the operator wants it so.
    pub withheld: Vec<WithheldSummary>,
    /// What became of the cassette; absent without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cassette: Option<CassetteSummary>,
    /// Durable checkpoints.
    pub checkpoints: u64,
    /// Files that the connector finished.
    pub files: u64,
    /// Their size in bytes.
    pub file_bytes: u64,
    /// Rows received.
    pub rows: u64,
    /// Bytes of the rows received.
    pub bytes: u64,
    /// Rows received a second of wall time; absent when no time passed.
    pub rows_per_second: Option<f64>,
    /// Requests by host, the busiest first.
    pub hosts: Vec<HostSummary>,
    /// Largest memory of the connector.
    pub peak_memory_bytes: u64,
    /// Messages dropped because the log was full.
    pub log_messages_dropped: u64,
    /// Time from start to end.
    #[serde(rename = "wall_seconds", serialize_with = "seconds")]
    pub wall: Duration,
    /// Time the connector computed.
    #[serde(rename = "cpu_seconds", serialize_with = "seconds")]
    pub cpu: Duration,
}

/// Which connector ran.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ConnectorIdentity {
    /// Its name.
    pub name: String,
    /// Its version, when its project has one.
    pub version: Option<String>,
    /// Digest of its component.
    pub digest: String,
}

/// How a sync ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// Success, or whose fault it was.
    pub class: OutcomeClass,
    /// What happened; absent after a success.
    pub message: Option<String>,
    /// Where, as the connector's language prints it; absent when unknown.
    pub traceback: Option<String>,
    /// What to do next.
    pub hint: Option<String>,
    /// The frames of the traceback, where it is Python's; left out when there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub frames: Vec<Frame>,
    /// The last lines of the connector's log; left out after a success.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub last_log_lines: Vec<String>,
    /// Where a crash report lies, if one was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crash_report: Option<String>,
    /// Whether people want all frames, those that are not the author's too.
    #[serde(skip)]
    pub all_frames: bool,
}

/// The classes of outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeClass {
    /// All rows and the state are durable.
    #[default]
    Success,
    /// The connector failed.
    Connector,
    /// A limit was reached.
    Limit,
    /// Something was not granted.
    Denied,
    /// The host or its machine failed.
    Host,
}

/// What happened to one table.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TableSummary {
    /// The table as it is called in the destination.
    pub table: String,
    /// Rows inserted or replaced.
    pub upserts: u64,
    /// Rows changed.
    pub updates: u64,
    /// Rows marked as deleted one by one.
    pub deletes: u64,
    /// Calls that marked all rows as deleted.
    pub truncates: u64,
    /// Rows that a re-sync found gone from the source.
    pub swept: u64,
    /// Values that did not fit and became NULL.
    pub nulled: u64,
    /// Rows that lack a part of the primary key; counted among the others too.
    pub keyless: u64,
    /// Rows kept aside because they cannot land.
    pub quarantined: u64,
    /// Rows that were active for the first time in their month.
    pub active_rows: u64,
}

/// A re-sync that has begun.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ResyncSummary {
    /// The table in the source; absent for all tables.
    pub table: Option<String>,
    /// When it began, UTC.
    pub began: String,
}

/// Traffic with one host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct HostSummary {
    /// Scheme, host and port.
    pub host: String,
    /// Requests that left.
    pub requests: u64,
    /// TCP connections that were made.
    pub connections: u64,
    /// Bytes of request bodies, and those written to TCP connections. Heads are not counted.
    pub bytes_sent: u64,
    /// Bytes of response bodies, and those read from TCP connections.
    pub bytes_received: u64,
    /// Requests and connections that were refused because the host is not granted.
    pub denied: u64,
}

/// Seconds to the microsecond.
pub(super) fn seconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((duration.as_secs_f64() * 1e6).round() / 1e6)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
pub(super) mod tests {
    use super::*;

    pub(in crate::display) fn summary() -> SyncSummary {
        SyncSummary {
            connector: ConnectorIdentity {
                name: "orders".to_owned(),
                version: Some("1.2.0".to_owned()),
                digest: "3f9a1c02d4e5aabbccdd".to_owned(),
            },
            connection: "shop".to_owned(),
            database: "warehouse/shop.db".to_owned(),
            outcome: Outcome::default(),
            tables: vec![
                TableSummary { table: "orders".to_owned(), upserts: 12_000, deletes: 12, ..TableSummary::default() },
                TableSummary { table: "customers".to_owned(), upserts: 345, truncates: 1, ..TableSummary::default() },
            ],
            pending_resyncs: Vec::new(),
            withheld: Vec::new(),
            cassette: None,
            checkpoints: 3,
            files: 0,
            file_bytes: 0,
            rows: 12_357,
            bytes: 1_258_291,
            rows_per_second: Some(5_344.2),
            hosts: vec![HostSummary {
                host: "https://api.example.com:443".to_owned(),
                requests: 13,
                connections: 0,
                bytes_sent: 4_210,
                bytes_received: 2_202_009,
                denied: 0,
            }],
            peak_memory_bytes: 63 << 20,
            log_messages_dropped: 0,
            wall: Duration::from_micros(2_312_345),
            cpu: Duration::from_millis(910),
        }
    }

    #[test]
    fn the_keys_of_the_json_form_are_stable() {
        insta::assert_snapshot!(serde_json::to_string(&summary()).unwrap(), @r#"{"connector":{"name":"orders","version":"1.2.0","digest":"3f9a1c02d4e5aabbccdd"},"connection":"shop","database":"warehouse/shop.db","outcome":{"class":"success","message":null,"traceback":null,"hint":null},"tables":[{"table":"orders","upserts":12000,"updates":0,"deletes":12,"truncates":0,"swept":0,"nulled":0,"keyless":0,"quarantined":0,"active_rows":0},{"table":"customers","upserts":345,"updates":0,"deletes":0,"truncates":1,"swept":0,"nulled":0,"keyless":0,"quarantined":0,"active_rows":0}],"pending_resyncs":[],"withheld":[],"checkpoints":3,"files":0,"file_bytes":0,"rows":12357,"bytes":1258291,"rows_per_second":5344.2,"hosts":[{"host":"https://api.example.com:443","requests":13,"connections":0,"bytes_sent":4210,"bytes_received":2202009,"denied":0}],"peak_memory_bytes":66060288,"log_messages_dropped":0,"wall_seconds":2.312345,"cpu_seconds":0.91}"#);
        for class in ["connector", "limit", "denied", "host"] {
            assert!(
                serde_json::to_string(&[
                    OutcomeClass::Connector,
                    OutcomeClass::Limit,
                    OutcomeClass::Denied,
                    OutcomeClass::Host
                ])
                .unwrap()
                .contains(class)
            );
        }
    }
}
