//! A report of the contract kit as JUnit XML, which continuous integration reads.

use std::io::{self, Write};
use std::time::Duration;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use crate::kit::{CheckResult, Report, Verdict};
use crate::policy::terminal::{self, Lines};

/// Longest text of a finding, in bytes.
const MAX_TEXT_BYTES: usize = 16 << 10;

/// Writes the report: a suite a case, a test a check.
///
/// # Errors
/// What `out` returns.
pub fn write(report: &Report, out: impl Write) -> io::Result<()> {
    let mut xml = Writer::new_with_indent(out, b' ', 2);
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let suites = xml.create_element("testsuites").with_attribute(("name", report.connector.as_str()));
    suites.write_inner_content(|xml| {
        for case in &report.cases {
            let count = |wanted: &[Verdict]| {
                case.checks.iter().filter(|one| wanted.contains(&one.result.verdict)).count().to_string()
            };
            let time: Duration = case.checks.iter().map(|one| one.took).sum();
            let (failed, skipped) = (count(&[Verdict::Failed]), count(&[Verdict::Skipped, Verdict::Undecided]));
            let name = visible(&format!("{} {}", report.connector, case.name));
            let (tests, time) = (case.checks.len().to_string(), seconds(time));
            let suite = xml.create_element("testsuite").with_attributes([
                ("name", name.as_str()),
                ("tests", &tests),
                ("failures", &failed),
                ("skipped", &skipped),
                ("errors", "0"),
                ("time", &time),
            ]);
            suite.write_inner_content(|xml| {
                for one in &case.checks {
                    let time = seconds(one.took);
                    let class = format!("sluice.{}", report.connector);
                    let test = xml.create_element("testcase").with_attributes([
                        ("name", one.check.name()),
                        ("classname", &class),
                        ("time", &time),
                    ]);
                    test.write_inner_content(|xml| content(xml, &one.result))?;
                }
                Ok(())
            })?;
        }
        Ok(())
    })?;
    xml.get_mut().write_all(b"\n")
}

fn content<W: Write>(xml: &mut Writer<W>, result: &CheckResult) -> io::Result<()> {
    let text = visible(&words(result));
    let message = visible(result.findings.first().map_or(&result.note, |finding| &finding.text));
    let element = match result.verdict {
        Verdict::Failed => "failure",
        Verdict::Skipped | Verdict::Undecided => "skipped",
        Verdict::Warned | Verdict::Passed => {
            xml.create_element("system-out").write_text_content(BytesText::new(&text))?;
            return Ok(());
        }
    };
    let element = xml.create_element(element).with_attribute(("message", message.as_str()));
    element.write_text_content(BytesText::new(&text))?;
    Ok(())
}

fn words(result: &CheckResult) -> String {
    let mut lines = vec![result.note.clone()];
    for finding in &result.findings {
        lines.push(finding.text.clone());
        lines.extend(finding.hint.as_ref().map(|hint| format!("hint: {hint}")));
    }
    lines.retain(|line| !line.is_empty());
    lines.join("\n")
}

/// XML has no place for most control characters at all.
fn visible(text: &str) -> String {
    terminal::visible(text, Lines::Keep, MAX_TEXT_BYTES)
}

fn seconds(time: Duration) -> String {
    format!("{:.3}", time.as_secs_f64())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::display::kit::tests::report;

    #[test]
    fn checks_are_tests_and_texts_cannot_break_out() {
        let mut out = Vec::new();
        write(&report(), &mut out).unwrap();
        insta::assert_snapshot!(String::from_utf8(out).unwrap(), @r##"
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuites name="orders">
          <testsuite name="orders tests/orders.har" tests="4" failures="1" skipped="1" errors="0" time="0.480">
            <testcase name="schema" classname="sluice.orders" time="0.120">
              <system-out>2 tables, asked twice</system-out>
            </testcase>
            <testcase name="resume" classname="sluice.orders" time="0.120">
              <failure message="table a&amp;b: 1 row \x1b[2J missing">cut after 3 checkpoints
        table a&amp;b: 1 row \x1b[2J missing
        hint: do &lt;that&gt;</failure>
            </testcase>
            <testcase name="idempotence" classname="sluice.orders" time="0.120">
              <skipped message="it asks for GET https://api.example.com/?since=3">it asks for GET https://api.example.com/?since=3
        hint: do &lt;that&gt;</skipped>
            </testcase>
            <testcase name="habits" classname="sluice.orders" time="0.120">
              <system-out>no checkpoint
        hint: do &lt;that&gt;</system-out>
            </testcase>
          </testsuite>
        </testsuites>
        "##);
    }
}
