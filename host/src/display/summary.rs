//! The summary at the end of a sync, for people and for programs.

use std::io::{self, Write};
use std::time::Duration;

use serde::{Serialize, Serializer};

use super::cassette::{self, CassetteSummary};
use super::table::{Column, Table};
use super::traceback::{self, Frame};
use super::units;
use super::withheld::{self, WithheldSummary};
use crate::policy::terminal::{self, Lines};

/// Longest message in the text form, in bytes.
const MAX_MESSAGE_BYTES: usize = 8 << 10;
/// Longest traceback in the text form, in bytes.
const MAX_TRACEBACK_BYTES: usize = 32 << 10;
/// Longest name of anything in the text form, in bytes.
const MAX_NAME_BYTES: usize = 512;

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

impl OutcomeClass {
    fn headline(self) -> &'static str {
        match self {
            Self::Success => "succeeded",
            Self::Connector => "failed in the connector",
            Self::Limit => "ended at a limit",
            Self::Denied => "ended because something was not granted",
            Self::Host => "failed in the host",
        }
    }
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

/// The heading of a column, and what it counts.
type Count = (&'static str, fn(&TableSummary) -> u64);

/// What is shown of a table only when there is something to show.
const UNUSUAL: [Count; 4] = [
    ("swept", |table| table.swept),
    ("nulled", |table| table.nulled),
    ("without key", |table| table.keyless),
    ("quarantined", |table| table.quarantined),
];

/// Traffic with one host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct HostSummary {
    /// Scheme, host and port.
    pub host: String,
    /// Requests that left.
    pub requests: u64,
    /// TCP connections that were made.
    pub connections: u64,
    /// Bytes sent, heads included.
    pub bytes_sent: u64,
    /// Bytes received, heads included.
    pub bytes_received: u64,
    /// Requests and connections that were refused because the host is not granted.
    pub denied: u64,
}

impl SyncSummary {
    /// Writes the summary as text.
    ///
    /// # Errors
    ///
    /// What `out` returns.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        self.write_outcome(out)?;
        if !self.tables.is_empty() {
            writeln!(out)?;
            self.table_of_tables().write(out, "  ")?;
        }
        if !self.hosts.is_empty() {
            writeln!(out)?;
            self.table_of_hosts().write(out, "  ")?;
        }
        writeln!(out)?;
        self.write_totals(out)
    }

    fn write_outcome(&self, out: &mut dyn Write) -> io::Result<()> {
        let connector = &self.connector;
        let version = connector.version.as_ref().map(|version| format!(" {version}")).unwrap_or_default();
        let digest = connector.digest.get(..12).unwrap_or(&connector.digest);
        let name = one_line(&format!("{}{version}", connector.name), MAX_NAME_BYTES);
        let connection = one_line(&self.connection, MAX_NAME_BYTES);
        writeln!(out, "sync of {connection} {}: {name} ({digest})", self.outcome.class.headline())?;
        if let Some(message) = &self.outcome.message {
            writeln!(out, "  {}", one_line(message, MAX_MESSAGE_BYTES))?;
        }
        if let Some(traceback) = &self.outcome.traceback {
            let traceback = terminal::visible(traceback, Lines::Keep, MAX_TRACEBACK_BYTES);
            let traceback = if self.outcome.all_frames { traceback } else { traceback::folded(&traceback) };
            for line in traceback.lines() {
                writeln!(out, "{}", format!("    {line}").trim_end())?;
            }
        }
        if let Some(hint) = &self.outcome.hint {
            writeln!(out, "  hint: {}", one_line(hint, MAX_MESSAGE_BYTES))?;
        }
        if !self.outcome.last_log_lines.is_empty() {
            writeln!(out, "  last log lines:")?;
            for line in &self.outcome.last_log_lines {
                writeln!(out, "    {}", one_line(line, MAX_MESSAGE_BYTES))?;
            }
        }
        if let Some(path) = &self.outcome.crash_report {
            writeln!(out, "  crash report: {path}")?;
        }
        Ok(())
    }

    fn table_of_tables(&self) -> Table {
        let seen = |count: fn(&TableSummary) -> u64| self.tables.iter().any(|table| count(table) > 0);
        let unusual: Vec<_> = UNUSUAL.into_iter().filter(|(_, count)| seen(*count)).collect();
        let usual = ["upserts", "updates", "deletes", "truncates"].into_iter();
        let columns = usual.chain(unusual.iter().map(|(name, _)| *name)).map(Column::right);
        let mut table = Table::new(std::iter::once(Column::left("table")).chain(columns).collect());
        for one in &self.tables {
            let numbers = [one.upserts, one.updates, one.deletes, one.truncates].into_iter();
            let numbers = numbers.chain(unusual.iter().map(|(_, count)| count(one))).map(units::count);
            table.row(std::iter::once(one.table.clone()).chain(numbers));
        }
        table
    }

    fn table_of_hosts(&self) -> Table {
        let streams = self.hosts.iter().any(|host| host.connections > 0);
        let mut names = vec!["requests", "sent", "received", "denied"];
        if streams {
            names.insert(1, "connections");
        }
        let columns = names.into_iter().map(Column::right);
        let mut table = Table::new(std::iter::once(Column::left("host")).chain(columns).collect());
        for one in &self.hosts {
            let connections = streams.then(|| units::count(one.connections));
            let traffic = [units::bytes(one.bytes_sent), units::bytes(one.bytes_received), units::count(one.denied)];
            let cells = [one.host.clone(), units::count(one.requests)].into_iter();
            table.row(cells.chain(connections).chain(traffic));
        }
        table
    }

    fn write_totals(&self, out: &mut dyn Write) -> io::Result<()> {
        let rate = self.rows_per_second.map(|rate| format!(", {} rows/s", units::rate(rate))).unwrap_or_default();
        // Of a sync that failed, the tables count what stayed.
        let rate = if self.outcome.class == OutcomeClass::Success { rate } else { format!(" received{rate}") };
        let mut table = Table::new(vec![
            Column::left("rows"),
            Column::left(format!("{} ({}){rate}", units::count(self.rows), units::bytes(self.bytes))),
        ]);
        table.row(["checkpoints".to_owned(), units::count(self.checkpoints)]);
        if self.files > 0 {
            table
                .row(["files".to_owned(), format!("{} ({})", units::count(self.files), units::bytes(self.file_bytes))]);
        }
        let (wall, cpu) = (units::duration(self.wall), units::duration(self.cpu));
        table.row(["time".to_owned(), format!("{wall}, {cpu} of it computing")]);
        table.row(["peak memory".to_owned(), units::bytes(self.peak_memory_bytes)]);
        for pending in &self.pending_resyncs {
            let of = pending.table.as_ref().map(|table| format!(" of {}", one_line(table, MAX_NAME_BYTES)));
            let (of, began) = (of.unwrap_or_default(), &pending.began);
            table.row(["re-sync".to_owned(), format!("the one{of} that began {began} is pending")]);
        }
        if !self.withheld.is_empty() {
            table.row(["kept out".to_owned(), withheld::text(&self.withheld)]);
        }
        for (index, line) in self.cassette.iter().flat_map(cassette::lines).enumerate() {
            table.row([if index == 0 { "cassette" } else { "" }.to_owned(), line]);
        }
        if self.log_messages_dropped > 0 {
            let dropped = units::counted(self.log_messages_dropped, "message");
            table.row(["log".to_owned(), format!("{dropped} dropped, the log was full")]);
        }
        table.row(["database".to_owned(), self.database.clone()]);
        table.write(out, "  ")
    }
}

fn one_line(text: &str, limit: usize) -> String {
    terminal::visible(text, Lines::One, limit)
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

    fn text(summary: &SyncSummary) -> String {
        let mut out = Vec::new();
        summary.write(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_success_in_text() {
        insta::assert_snapshot!(text(&summary()), @r"
        sync of shop succeeded: orders 1.2.0 (3f9a1c02d4e5)

          table      upserts  updates  deletes  truncates
          orders      12,000        0       12          0
          customers      345        0        0          1

          host                         requests     sent  received  denied
          https://api.example.com:443        13  4.1 KiB   2.1 MiB       0

          rows         12,357 (1.2 MiB), 5,344 rows/s
          checkpoints  3
          time         2.31 s, 910 ms of it computing
          peak memory  63.0 MiB
          database     warehouse/shop.db
        ");
    }

    #[test]
    fn a_failure_in_text_cannot_paint_the_terminal() {
        let failed = SyncSummary {
            outcome: Outcome {
                class: OutcomeClass::Connector,
                message: Some("ValueError: bad\u{1b}[2J page".to_owned()),
                traceback: Some("Traceback:\n  File \"connector.py\", line 3\u{202e}\n".to_owned()),
                hint: Some("run it again with a smaller page".to_owned()),
                last_log_lines: vec!["INFO page 3\u{7}".to_owned()],
                crash_report: Some("state/crashes/1.json".to_owned()),
                ..Outcome::default()
            },
            tables: Vec::new(),
            hosts: Vec::new(),
            log_messages_dropped: 1,
            ..summary()
        };
        insta::assert_snapshot!(text(&failed), @r#"
        sync of shop failed in the connector: orders 1.2.0 (3f9a1c02d4e5)
          ValueError: bad\x1b[2J page
            Traceback:
              File "connector.py", line 3\u{202e}
          hint: run it again with a smaller page

          rows         12,357 (1.2 MiB) received, 5,344 rows/s
          checkpoints  3
          time         2.31 s, 910 ms of it computing
          peak memory  63.0 MiB
          log          1 message dropped, the log was full
          database     warehouse/shop.db
        "#);
    }

    #[test]
    fn what_did_not_land_as_it_came_is_shown_when_there_was_some() {
        let mut summary = summary();
        let text = |summary: &SyncSummary| {
            let mut out = Vec::new();
            summary.write(&mut out).unwrap();
            String::from_utf8(out).unwrap()
        };
        assert!(!text(&summary).contains("nulled") && !text(&summary).contains("quarantined"));
        summary.tables[1].quarantined = 4_321;
        assert!(!text(&summary).contains("nulled"));
        assert!(text(&summary).contains("quarantined") && text(&summary).contains("4,321"), "{}", text(&summary));
    }

    #[test]
    fn the_keys_of_the_json_form_are_stable() {
        insta::assert_snapshot!(serde_json::to_string(&summary()).unwrap(), @r#"{"connector":{"name":"orders","version":"1.2.0","digest":"3f9a1c02d4e5aabbccdd"},"connection":"shop","database":"warehouse/shop.db","outcome":{"class":"success","message":null,"traceback":null,"hint":null},"tables":[{"table":"orders","upserts":12000,"updates":0,"deletes":12,"truncates":0,"swept":0,"nulled":0,"keyless":0,"quarantined":0},{"table":"customers","upserts":345,"updates":0,"deletes":0,"truncates":1,"swept":0,"nulled":0,"keyless":0,"quarantined":0}],"pending_resyncs":[],"withheld":[],"checkpoints":3,"files":0,"file_bytes":0,"rows":12357,"bytes":1258291,"rows_per_second":5344.2,"hosts":[{"host":"https://api.example.com:443","requests":13,"connections":0,"bytes_sent":4210,"bytes_received":2202009,"denied":0}],"peak_memory_bytes":66060288,"log_messages_dropped":0,"wall_seconds":2.312345,"cpu_seconds":0.91}"#);
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
