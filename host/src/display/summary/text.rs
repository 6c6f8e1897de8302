//! The summary for people.

use std::io::{self, Write};

use super::super::cassette;
use super::super::table::{Column, Table};
use super::super::{traceback, units, withheld};
use super::{OutcomeClass, SyncSummary, TableSummary};
use crate::policy::terminal::{self, Lines};

/// Longest message in the text form, in bytes.
const MAX_MESSAGE_BYTES: usize = 8 << 10;
/// Longest traceback in the text form, in bytes.
const MAX_TRACEBACK_BYTES: usize = 32 << 10;
/// Longest name of anything in the text form, in bytes.
const MAX_NAME_BYTES: usize = 512;

/// The heading of a column, and what it counts.
type Count = (&'static str, fn(&TableSummary) -> u64);

/// What is shown of a table only when there is something to show.
const UNUSUAL: [Count; 4] = [
    ("swept", |table| table.swept),
    ("nulled", |table| table.nulled),
    ("without key", |table| table.keyless),
    ("quarantined", |table| table.quarantined),
];

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

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::super::Outcome;
    use super::super::tests::summary;
    use super::*;

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
          last log lines:
            INFO page 3\x07
          crash report: state/crashes/1.json

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
        assert!(!text(&summary).contains("nulled") && !text(&summary).contains("quarantined"));
        summary.tables[1].quarantined = 4_321;
        assert!(!text(&summary).contains("nulled"));
        assert!(text(&summary).contains("quarantined") && text(&summary).contains("4,321"), "{}", text(&summary));
    }
}
