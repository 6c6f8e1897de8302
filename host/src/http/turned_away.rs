//! Whether a host turned a sync away as somebody that it does not know or does not let in, every time.
//!
//! Whatever a connector makes of that, trying again with the same credential does not help. A host that answered
//! anything else before may have let a token run out meanwhile, and one that asks to wait means that: there it may.

use std::collections::BTreeMap;
use std::fmt;

use http::{HeaderMap, StatusCode};

/// A host whose last answer, and every other, was that it does not let the sync in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TurnedAway {
    /// The host.
    pub host: String,
    /// The status of its last answer: 401 or 403.
    pub status: u16,
}

impl fmt::Display for TurnedAway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} answered {} and let nothing through", self.host, self.status)
    }
}

/// What hosts answered, as far as it says something of the credential.
#[derive(Debug, Default)]
pub(super) struct Answers {
    /// Whether a host answered anything else than that it lets nobody in.
    other: BTreeMap<String, bool>,
    last: Option<TurnedAway>,
}

/// Hosts that are remembered; of others nothing is concluded.
const HOSTS: usize = 1_000;

impl Answers {
    /// A host answered.
    pub(super) fn answered(&mut self, host: &str, status: StatusCode, fields: &HeaderMap) {
        let away = turns_away(status, fields);
        if !self.other.contains_key(host) && self.other.len() >= HOSTS {
            self.last = None;
            return;
        }
        let other = self.other.entry(host.to_owned()).or_default();
        *other |= !away;
        self.last = (!*other).then(|| TurnedAway { host: host.to_owned(), status: status.as_u16() });
    }

    /// A request got no answer.
    pub(super) fn failed(&mut self) {
        self.last = None;
    }

    /// The host that gave the last answer, if it turned the sync away every time.
    pub(super) fn turned_away(&self) -> Option<TurnedAway> {
        self.last.clone()
    }
}

/// Whether an answer is about who asks, and not about when or how often.
fn turns_away(status: StatusCode, fields: &HeaderMap) -> bool {
    let spent = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        let name = name.as_str();
        name.contains("ratelimit") && name.ends_with("remaining") && value.as_bytes().trim_ascii() == b"0"
    };
    let waits = fields.contains_key(http::header::RETRY_AFTER) || fields.iter().any(spent);
    matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) && !waits
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    /// Host, status (0 for none at all) and header fields.
    type Answer<'a> = (&'a str, u16, &'a [(&'static str, &'static str)]);

    fn after(answers: &[Answer<'_>]) -> Option<(String, u16)> {
        let mut all = Answers::default();
        for (host, status, fields) in answers {
            let fields = fields.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
            match *status {
                0 => all.failed(),
                status => all.answered(host, StatusCode::from_u16(status).unwrap(), &fields),
            }
        }
        all.turned_away().map(|away| (away.host, away.status))
    }

    #[test]
    fn only_a_host_that_never_let_it_in_and_answered_last_counts() {
        let away = |status| Some(("a".to_owned(), status));
        assert_eq!(after(&[]), None);
        assert_eq!(after(&[("a", 401, &[])]), away(401));
        assert_eq!(after(&[("a", 403, &[]), ("a", 401, &[])]), away(401));
        assert_eq!(after(&[("b", 200, &[]), ("a", 403, &[])]), away(403), "the credential of another host is another");
        assert_eq!(after(&[("a", 200, &[]), ("a", 401, &[])]), None, "a token may have run out");
        assert_eq!(after(&[("a", 500, &[]), ("a", 401, &[])]), None, "its answers change");
        assert_eq!(after(&[("a", 401, &[]), ("b", 200, &[])]), None, "the connector went on");
        assert_eq!(after(&[("a", 401, &[]), ("a", 0, &[])]), None, "it failed at something else");
        for status in [200, 400, 404, 407, 429, 500, 503] {
            assert_eq!(after(&[("a", status, &[])]), None, "{status}");
        }
    }

    #[test]
    fn who_asks_to_wait_may_let_it_in_later() {
        assert_eq!(after(&[("a", 403, &[("retry-after", "60")])]), None);
        assert_eq!(after(&[("a", 403, &[("x-ratelimit-remaining", "0")])]), None);
        assert_eq!(after(&[("a", 403, &[("ratelimit-remaining", " 0 ")])]), None);
        assert_eq!(after(&[("a", 403, &[("x-ratelimit-remaining", "12")])]), Some(("a".to_owned(), 403)));
    }
}
