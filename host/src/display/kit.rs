//! What the contract kit found, for people.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use super::table::{Column, Table};
use super::units;
use crate::kit::{CaseReport, Report, Verdict};
use crate::policy::terminal::{self, Lines};

const MAX_LINE_BYTES: usize = 4 << 10;

/// How a verdict is printed.
#[must_use]
pub fn word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Passed => "passed",
        Verdict::Warned => "warning",
        Verdict::Skipped => "skipped",
        Verdict::Undecided => "not decidable",
        Verdict::Failed => "FAILED",
    }
}

/// Writes the report.
///
/// # Errors
/// What `out` returns.
pub fn write(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    for case in &report.cases {
        write_case(case, out)?;
    }
    let counts = [Verdict::Passed, Verdict::Failed, Verdict::Warned, Verdict::Undecided, Verdict::Skipped];
    let counts = counts.into_iter().map(|verdict| (report.count(verdict), verdict)).filter(|(count, _)| *count > 0);
    let counts = counts.map(|(count, verdict)| format!("{count} {}", word(verdict).to_lowercase()));
    let counts = counts.collect::<Vec<_>>().join(", ");
    let style = |colour: AnsiColor| Style::new().bold().fg_color(Some(colour.into()));
    let (style, end) = match report.passed() {
        true => (style(AnsiColor::Green), "passed"),
        false => (style(AnsiColor::Red), "did not pass"),
    };
    writeln!(out, "{style}{} {end}{style:#}: {counts} (seed {})", one_line(&report.connector), report.seed)
}

fn write_case(case: &CaseReport, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}", one_line(&case.name))?;
    let mut table =
        Table::new(vec![Column::left("check"), Column::left("result"), Column::right("time"), Column::left("what")]);
    for one in &case.checks {
        let time = units::duration(one.took);
        table.row([one.check.name(), word(one.result.verdict), &time, &one.result.note]);
    }
    table.write(out, "  ")?;
    for one in case.checks.iter().filter(|one| !one.result.findings.is_empty()) {
        writeln!(out, "\n  {}: {}", one.check.name(), word(one.result.verdict))?;
        for finding in &one.result.findings {
            writeln!(out, "    {}", one_line(&finding.text))?;
            if let Some(hint) = &finding.hint {
                writeln!(out, "      hint: {}", one_line(hint))?;
            }
        }
    }
    if let Some(entries) = case.recorded {
        writeln!(out, "\n  recorded {}", units::counted(entries, "exchange"))?;
    }
    writeln!(out)
}

fn one_line(text: &str) -> String {
    terminal::visible(text, Lines::One, MAX_LINE_BYTES)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
pub(super) mod tests {
    use std::time::Duration;

    use super::*;
    use crate::kit::{Check, CheckResult, Checked, Finding};

    pub(in crate::display) fn report() -> Report {
        let one = |check, verdict, note: &str, text: &str| Checked {
            check,
            result: CheckResult {
                verdict,
                note: note.to_owned(),
                findings: (!text.is_empty())
                    .then(|| Finding { text: text.to_owned(), hint: Some("do <that>".to_owned()) })
                    .into_iter()
                    .collect(),
            },
            took: Duration::from_millis(120),
        };
        let checks = vec![
            one(Check::Schema, Verdict::Passed, "2 tables, asked twice", ""),
            one(Check::Resume, Verdict::Failed, "cut after 3 checkpoints", "table a&b: 1 row \u{1b}[2J missing"),
            one(Check::Idempotence, Verdict::Undecided, "", "it asks for GET https://api.example.com/?since=3"),
            one(Check::Habits, Verdict::Warned, "", "no checkpoint"),
        ];
        Report {
            connector: "orders".to_owned(),
            digest: "3f9a".to_owned(),
            seed: 7,
            strict: false,
            cases: vec![CaseReport { name: "tests/orders.har".to_owned(), checks, recorded: None }],
        }
    }

    #[test]
    fn a_report_in_text() {
        let mut out = Vec::new();
        write(&report(), &mut anstream::StripStream::new(&mut out)).unwrap();
        insta::assert_snapshot!(String::from_utf8(out).unwrap(), @r##"
        tests/orders.har
          check        result           time  what
          schema       passed         120 ms  2 tables, asked twice
          resume       FAILED         120 ms  cut after 3 checkpoints
          idempotence  not decidable  120 ms
          habits       warning        120 ms

          resume: FAILED
            table a&b: 1 row \x1b[2J missing
              hint: do <that>

          idempotence: not decidable
            it asks for GET https://api.example.com/?since=3
              hint: do <that>

          habits: warning
            no checkpoint
              hint: do <that>

        orders did not pass: 1 passed, 1 failed, 1 warning, 1 not decidable (seed 7)
        "##);
    }
}
