//! The log and everything else a person reads: bounded, one record a line, without control
//! characters and without secrets.

use std::process::Output;

use super::{End, connector, ends, success};
use crate::support::{Connector, Sync, text};

const SECRET: &str = "sk-live-9f/8e7d6c5b+4a3921";

/// Text of the log with what every line costs beside it in JSON.
fn log_bytes(sync: &Sync) -> usize {
    sync.log().iter().map(String::len).sum()
}

fn assert_log_is_full(sync: &Sync) {
    let marks = sync.log().iter().filter(|line| line.contains("the log's limit is reached")).count();
    assert_eq!(marks, 1, "the log says once that it is full");
    assert!(log_bytes(sync) <= (4 << 20) + 16 * 1024, "{} bytes", log_bytes(sync));
    let dropped = sync.report()["log_messages_dropped"].as_u64().unwrap();
    assert!(dropped > 0);
}

#[test]
fn a_flood_of_messages_is_bounded() {
    ends(Connector::mode("log_flood"), &success(), |sync, it| {
        assert_log_is_full(sync);
        let kept = sync.log().iter().filter(|line| line.starts_with("line ")).count() as u64;
        let dropped = sync.report()["log_messages_dropped"].as_u64().unwrap();
        assert_eq!(kept + dropped, 200_000, "every message is shown or counted");
        assert_eq!(super::rows(it, "survived"), 1);
    });
}

#[test]
fn a_flood_on_standard_error_is_bounded() {
    ends(Connector::mode("stderr_flood"), &success(), |sync, it| {
        assert_log_is_full(sync);
        for line in sync.log() {
            assert!(line.len() <= 8 * 1024, "{} bytes", line.len());
        }
        assert!(sync.log()[0].contains("[cut, "), "{}", &sync.log()[0][8000..]);
        assert_eq!(super::rows(it, "survived"), 1);
    });
}

#[test]
fn one_huge_message_is_cut() {
    ends(Connector::mode("huge_log"), &success(), |sync, _| {
        assert_eq!(sync.log().len(), 1);
        assert!(sync.log()[0].len() <= 8 * 1024);
    });
}

#[test]
fn a_smaller_log_holds() {
    ends(Connector::mode("log_flood").arguments(&["--log", "64"]), &success(), |sync, _| {
        assert!(log_bytes(sync) <= 65 * 1024, "{} bytes", log_bytes(sync));
    });
}

/// The same sync as people see it.
fn plainly(connector: &Connector) -> Output {
    let given = connector.command();
    let mut command = crate::support::sluice();
    command.args(given.get_args().filter(|argument| *argument != "--json"));
    command.output().unwrap()
}

/// Nothing that acts on a terminal, and nothing that looks like text of another direction.
#[track_caller]
fn assert_inert(bytes: &[u8]) {
    let shown = std::str::from_utf8(bytes).expect("output is UTF-8");
    let active = |c: &char| {
        (c.is_control() && *c != '\n' && *c != '\t')
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    let found: Vec<char> = shown.chars().filter(active).collect();
    assert!(found.is_empty(), "{found:?} in {shown:?}");
}

#[track_caller]
fn assert_escapes_are_inert(mode: &str, end: &End) {
    ends(Connector::mode(mode), end, |sync, it| {
        assert_inert(sync.stdout.as_bytes());
        assert_inert(sync.stderr.as_bytes());
        for line in sync.stdout.lines() {
            assert!(serde_json::from_str::<serde_json::Value>(line).is_ok(), "not one record: {line}");
        }
        for event in &sync.events {
            for field in ["message", "level"] {
                assert_inert(event[field].as_str().unwrap_or_default().replace('\n', "!").as_bytes());
                assert!(!event[field].as_str().unwrap_or_default().contains('\n'), "{event}");
            }
        }
        let outcome = &sync.report()["outcome"];
        assert_inert(outcome["message"].as_str().unwrap_or_default().as_bytes());
        assert_inert(outcome["traceback"].as_str().unwrap_or_default().as_bytes());
        let plain = plainly(it);
        assert_inert(&plain.stdout);
        assert_inert(&plain.stderr);
    });
}

#[test]
fn escapes_in_messages_names_and_rows_are_inert() {
    assert_escapes_are_inert("terminal_escapes", &success());
}

#[test]
fn a_message_with_line_breaks_is_one_record() {
    super::warm();
    let connector = Connector::mode("terminal_escapes");
    let plain = plainly(&connector);
    assert!(plain.status.success(), "{}", text(&plain.stderr));
    let stderr = text(&plain.stderr);
    let records: Vec<_> = stderr.lines().filter(|line| line.contains("second line")).collect();
    assert!(!records.is_empty(), "{stderr}");
    assert!(records.iter().any(|line| line.contains("before ") && line.contains(" after")), "{stderr}");
}

#[test]
fn escapes_in_a_failure_are_inert() {
    assert_escapes_are_inert("terminal_escapes_in_failure", &connector(&["before"]));
}

#[test]
fn secrets_are_redacted_wherever_people_read() {
    let connector_of = || Connector::mode("secret_in_log").with("api_key", SECRET);
    ends(connector_of(), &connector(&["ValueError", "[redacted]"]), |sync, it| {
        let plain = plainly(it);
        let seen = sync.everything() + &text(&plain.stdout) + &text(&plain.stderr);
        assert_eq!(sync.log().iter().filter(|line| line.contains("[redacted]")).count(), 5, "{:?}", sync.log());
        for form in [
            SECRET,
            "9f/8e7d6c5b",
            "9f%2F8e7d6c5b",
            "c2stbGl2ZS05Zi84ZTdkNmM1Yis0YTM5MjE",
            "ay1saXZlLTlmLzhlN2Q2YzViKzRhMzkyM",
        ] {
            assert!(!seen.contains(form), "{form} was shown");
        }
    });
}
