//! A batch at its end, for people and for programs.

use std::io::{self, Write};
use std::time::Duration;

use serde::Serialize;

use super::summary::SyncSummary;
use super::table::{Column, Table};
use super::units;
use crate::batch::Class;
use crate::error::Exit;
use crate::policy::terminal::{self, Lines};

/// Longest message in the text form, in bytes.
const MESSAGE_BYTES: usize = 2 << 10;

/// How much of a batch went well. Its exit code says it too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Succeeded {
    /// Every sync, or there was nothing to do.
    All,
    /// At least one, and another did not.
    Some,
    /// Not one.
    None,
}

/// What is said about a batch. In JSON one object with these keys; durations are seconds.
#[derive(Clone, Debug, Serialize)]
pub struct BatchReport {
    /// Version of this form; it changes when a key goes away or changes its meaning.
    pub version: u32,
    /// The fleet's file.
    pub file: String,
    /// When it began, UTC.
    pub started: String,
    /// Time from start to end.
    #[serde(rename = "wall_seconds", serialize_with = "super::summary::seconds")]
    pub wall: Duration,
    /// What stopped it before its end.
    pub stopped_by: Option<String>,
    /// How much of it went well.
    pub succeeded: Succeeded,
    /// Each connection, in the order of the file.
    pub connections: Vec<ConnectionReport>,
}

/// What became of one connection.
#[derive(Clone, Debug, Serialize)]
pub struct ConnectionReport {
    /// Its name.
    pub connection: String,
    /// How its last attempt ended.
    pub outcome: Class,
    /// What happened; absent after a success.
    pub message: Option<String>,
    /// What to do.
    pub hint: Option<String>,
    /// How often it was tried.
    pub attempts: u32,
    /// Rows received, in all attempts.
    pub rows: u64,
    /// Durable checkpoints, of all attempts.
    pub checkpoints: u64,
    /// From the start of the first attempt to the end of the last.
    #[serde(rename = "wall_seconds", serialize_with = "super::summary::seconds")]
    pub wall: Duration,
    /// The last attempt that began, as `sluice run --json` says it.
    pub last_sync: Option<SyncSummary>,
}

impl Succeeded {
    /// Of these outcomes. A connection that somebody else syncs at the moment counts for neither side, unless there
    /// is no other.
    #[must_use]
    pub fn of(outcomes: impl IntoIterator<Item = Class>) -> Self {
        let (mut well, mut badly) = (0, 0);
        for outcome in outcomes {
            match outcome {
                Class::Success => well += 1,
                Class::RunningElsewhere => {}
                _ => badly += 1,
            }
        }
        match (well, badly) {
            (_, 0) => Self::All,
            (0, _) => Self::None,
            _ => Self::Some,
        }
    }

    /// The process exit code.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        let exit = match self {
            Self::All => Exit::Success,
            Self::Some => Exit::Some,
            Self::None => Exit::None,
        };
        exit.code()
    }
}

impl BatchReport {
    /// Writes the table of all connections, and what to do about those that did not go well.
    ///
    /// # Errors
    /// What `out` returns.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.connections.is_empty() {
            return writeln!(out, "nothing is to be synced");
        }
        let columns = ["rows", "checkpoints", "retries", "time"].into_iter().map(Column::right);
        let names = ["connection", "outcome"].into_iter().map(Column::left);
        let mut table = Table::new(names.chain(columns).collect());
        for one in &self.connections {
            let began = one.attempts > 0;
            let numbers = [one.rows, one.checkpoints, one.attempts.saturating_sub(1).into()].map(units::count);
            let time = units::duration(one.wall);
            let numbers = numbers.into_iter().chain([time]).map(|cell| if began { cell } else { String::new() });
            let names = [one.connection.clone(), one.outcome.words().to_owned()];
            table.row(names.into_iter().chain(numbers));
        }
        table.write(out, "")?;
        for one in self.connections.iter().filter(|one| one.outcome != Class::Success) {
            let line = |text: &str| terminal::visible(text, Lines::One, MESSAGE_BYTES);
            let Some(message) = &one.message else { continue };
            writeln!(out, "\n{} {}:\n  {}", one.connection, one.outcome.words(), line(message))?;
            if let Some(hint) = &one.hint {
                writeln!(out, "  hint: {}", line(hint))?;
            }
            let crash = one.last_sync.as_ref().and_then(|sync| sync.outcome.crash_report.as_ref());
            if let Some(path) = crash {
                writeln!(out, "  crash report: {}", line(path))?;
            }
        }
        writeln!(out, "\n{}", self.in_words())
    }

    fn in_words(&self) -> String {
        let count = |of: fn(Class) -> bool| self.connections.iter().filter(|one| of(one.outcome)).count() as u64;
        let well = count(|class| class == Class::Success);
        let mut text =
            format!("{} of {} succeeded", units::count(well), units::counted(self.connections.len() as u64, "sync"));
        let elsewhere = count(|class| class == Class::RunningElsewhere);
        if elsewhere > 0 {
            text += &format!(", {} running elsewhere", units::count(elsewhere));
        }
        text += &format!(", in {}", units::duration(self.wall));
        if let Some(by) = &self.stopped_by {
            text += &format!("; stopped by {by}, what was checkpointed is kept");
        }
        text
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn one(name: &str, outcome: Class, message: Option<&str>) -> ConnectionReport {
        ConnectionReport {
            connection: name.to_owned(),
            outcome,
            message: message.map(str::to_owned),
            hint: message.map(|_| "grant it with allow = [\"https://a.example\"]".to_owned()),
            attempts: u32::from(outcome != Class::NotStarted) * 2,
            rows: 12_345,
            checkpoints: 3,
            wall: Duration::from_millis(1_500),
            last_sync: None,
        }
    }

    #[test]
    fn a_batch_in_words() {
        let report = BatchReport {
            version: 1,
            file: "sluice.toml".to_owned(),
            started: "2026-03-01T12:00:00Z".to_owned(),
            wall: Duration::from_secs(75),
            stopped_by: Some("SIGTERM".to_owned()),
            succeeded: Succeeded::Some,
            connections: vec![
                one("shop", Class::Success, None),
                one("crm", Class::Denied, Some("network access\u{1b}[2J was denied")),
                one("erp", Class::NotStarted, None),
                one("old", Class::RunningElsewhere, None),
            ],
        };
        let mut text = Vec::new();
        report.write(&mut text).unwrap();
        insta::assert_snapshot!(String::from_utf8(text).unwrap(), @r#"
        connection  outcome           rows  checkpoints  retries    time
        shop        succeeded       12,345            3        1  1.50 s
        crm         denied          12,345            3        1  1.50 s
        erp         not started
        old         runs elsewhere  12,345            3        1  1.50 s

        crm denied:
          network access\x1b[2J was denied
          hint: grant it with allow = ["https://a.example"]

        1 of 4 syncs succeeded, 1 running elsewhere, in 1 min 15 s; stopped by SIGTERM, what was checkpointed is kept
        "#);
    }

    #[test]
    fn the_exit_code_says_how_much_succeeded() {
        use Class::{Denied, NotStarted, RunningElsewhere, Success};
        for (outcomes, code) in [
            (vec![], 0),
            (vec![Success, Success], 0),
            (vec![Success, RunningElsewhere], 0),
            (vec![RunningElsewhere], 0),
            (vec![Success, Denied], 6),
            (vec![Success, NotStarted], 6),
            (vec![Denied, RunningElsewhere], 7),
        ] {
            assert_eq!(Succeeded::of(outcomes.clone()).exit_code(), code, "{outcomes:?}");
        }
    }
}
