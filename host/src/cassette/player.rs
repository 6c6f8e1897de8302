//! Which entry answers a request.

use std::collections::{HashMap, VecDeque};

use super::har::{Cassette, Outcome};
use super::redact::Redaction;

/// The most requests and entries that are named one by one.
const NAMED: usize = 20;

/// Answers requests: each by the first entry with its method and URL that answered none before.
#[derive(Debug)]
pub struct Player {
    waiting: HashMap<(String, String), VecDeque<usize>>,
    outcomes: Vec<Option<(String, Outcome)>>,
    redaction: Redaction,
    missing: Vec<String>,
    missed: u64,
    used: u64,
}

/// A request without an entry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the cassette has no {}entry for {request}", if *.again { "further " } else { "" })]
pub struct Missing {
    /// Method and URL, without secrets.
    pub request: String,
    /// Whether it had one that was used before.
    pub again: bool,
}

/// What a replay used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replayed {
    /// Entries that answered a request.
    pub used: u64,
    /// Entries that answered none.
    pub unused: u64,
    /// The first of them, method and URL.
    pub unused_requests: Vec<String>,
    /// Requests without an entry.
    pub missing: u64,
    /// The first of them, method and URL.
    pub missing_requests: Vec<String>,
}

impl Player {
    /// Plays a cassette. Secrets are removed from both sides before they are compared.
    #[must_use]
    pub fn new(cassette: Cassette, redaction: Redaction) -> Self {
        let mut waiting: HashMap<_, VecDeque<usize>> = HashMap::new();
        let mut outcomes = Vec::with_capacity(cassette.entries.len());
        for (index, entry) in cassette.entries.into_iter().enumerate() {
            let url = redaction.url(&entry.url);
            outcomes.push(Some((format!("{} {url}", entry.method), entry.outcome)));
            waiting.entry((entry.method, url)).or_default().push_back(index);
        }
        Self { waiting, outcomes, redaction, missing: Vec::new(), missed: 0, used: 0 }
    }

    /// Takes what came of this request when it was recorded.
    ///
    /// # Errors
    /// When no entry is left for it.
    pub fn take(&mut self, method: &str, url: &str) -> Result<Outcome, Missing> {
        let url = self.redaction.url(url);
        let request = format!("{method} {url}");
        let entries = self.waiting.get_mut(&(method.to_owned(), url));
        let again = entries.is_some();
        let index = entries.and_then(VecDeque::pop_front);
        match index.and_then(|index| self.outcomes.get_mut(index)).and_then(Option::take) {
            Some((_, outcome)) => {
                self.used += 1;
                Ok(outcome)
            }
            None => {
                self.missed += 1;
                if self.missing.len() < NAMED {
                    self.missing.push(request.clone());
                }
                Err(Missing { request, again })
            }
        }
    }

    /// What was used so far.
    #[must_use]
    pub fn replayed(&self) -> Replayed {
        let unused = self.outcomes.iter().flatten();
        Replayed {
            used: self.used,
            unused: unused.clone().count() as u64,
            unused_requests: unused.map(|(request, _)| request.clone()).take(NAMED).collect(),
            missing: self.missed,
            missing_requests: self.missing.clone(),
        }
    }
}
