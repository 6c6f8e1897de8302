//! What became of a cassette, in the summary.

use serde::Serialize;

use super::units;
use crate::policy::terminal::{self, Lines};

/// Longest method and URL in the text form, in bytes.
const REQUEST_BYTES: usize = 512;
/// Most requests named in the text form.
const SHOWN: usize = 3;

/// What became of a cassette.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CassetteSummary {
    /// It was written.
    Recorded {
        /// Exchanges in it.
        entries: u64,
        /// The sync was ended before it was done, and the cassette says so.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        partial: bool,
    },
    /// It was played.
    Replayed {
        /// Entries that answered a request.
        used: u64,
        /// Entries that answered none.
        unused: u64,
        /// The first of them, method and URL.
        unused_requests: Vec<String>,
        /// Requests without an entry.
        missing: u64,
        /// The first of them, method and URL.
        missing_requests: Vec<String>,
    },
}

/// All of it, a line each.
pub(super) fn lines(cassette: &CassetteSummary) -> Vec<String> {
    match cassette {
        CassetteSummary::Recorded { entries, partial: false } => vec![format!("{} recorded", exchanges(*entries))],
        CassetteSummary::Recorded { entries, partial: true } => {
            vec![format!(
                "{} recorded until the sync was ended; the cassette is marked as partial",
                exchanges(*entries)
            )]
        }
        CassetteSummary::Replayed { used, unused, unused_requests, missing, missing_requests } => {
            let mut lines = vec![format!("{} replayed", exchanges(*used))];
            lines.extend(named(*unused, "not used", unused_requests));
            lines.extend(named(*missing, "missing", missing_requests));
            lines
        }
    }
}

fn exchanges(count: u64) -> String {
    units::counted(count, "exchange")
}

fn named(count: u64, what: &str, requests: &[String]) -> Option<String> {
    let names: Vec<_> =
        requests.iter().take(SHOWN).map(|request| terminal::visible(request, Lines::One, REQUEST_BYTES)).collect();
    let more = count.saturating_sub(names.len() as u64);
    let more = if more > 0 { format!(" and {} more", units::count(more)) } else { String::new() };
    (count > 0).then(|| format!("{} {what}: {}{more}", exchanges(count), names.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_are_named_and_many_counted() {
        assert_eq!(lines(&CassetteSummary::Recorded { entries: 1, partial: false }), ["1 exchange recorded"]);
        assert_eq!(
            lines(&CassetteSummary::Recorded { entries: 2, partial: true }),
            ["2 exchanges recorded until the sync was ended; the cassette is marked as partial"]
        );
        let replayed = CassetteSummary::Replayed {
            used: 2,
            unused: 1_234,
            unused_requests: (0..20).map(|n| format!("GET http://a.example/{n}")).collect(),
            missing: 1,
            missing_requests: vec!["GET http://a.example/\u{1b}[2J".to_owned()],
        };
        assert_eq!(
            lines(&replayed),
            [
                "2 exchanges replayed",
                "1,234 exchanges not used: GET http://a.example/0, GET http://a.example/1, GET http://a.example/2 \
                 and 1,231 more",
                "1 exchange missing: GET http://a.example/\\x1b[2J",
            ]
        );
    }
}
