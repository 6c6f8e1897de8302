//! Which entry answers a request.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};

use super::har::{Cassette, Outcome};
use super::redact::Redaction;
use crate::policy::egress::Destination;
use crate::policy::secrets::REDACTED;

/// The most requests and entries that are named one by one.
const NAMED: usize = 20;

/// Method and URL.
type Asked = (String, String);

/// Answers requests: each by the first entry with its method and URL that answered none before.
#[derive(Debug)]
pub struct Player {
    exact: HashMap<Asked, VecDeque<usize>>,
    /// With URLs without secrets: entries that were written so.
    masked: HashMap<Asked, VecDeque<usize>>,
    /// The same of all entries.
    alike: HashMap<Asked, VecDeque<usize>>,
    outcomes: Vec<Option<(String, Outcome)>>,
    /// Requests with several entries, of which the order chooses one.
    several: HashSet<Asked>,
    redaction: Redaction,
    origins: BTreeSet<String>,
    repeated: Vec<String>,
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
    /// Places of the entries that answered none.
    pub unused_entries: Vec<usize>,
    /// What its requests went to, each as an operator would grant it.
    pub origins: BTreeSet<String>,
    /// The first requests that were answered by one of several entries, method and URL: only the order says by which.
    pub repeated_requests: Vec<String>,
    /// Requests without an entry.
    pub missing: u64,
    /// The first of them, method and URL.
    pub missing_requests: Vec<String>,
}

impl Player {
    /// Plays a cassette. A URL that no entry has is compared without secrets, on both sides.
    #[must_use]
    pub fn new(cassette: Cassette, redaction: Redaction) -> Self {
        let mut exact: HashMap<_, VecDeque<usize>> = HashMap::new();
        let mut masked: HashMap<_, VecDeque<usize>> = HashMap::new();
        let mut alike: HashMap<_, VecDeque<usize>> = HashMap::new();
        let mut outcomes = Vec::with_capacity(cassette.entries.len());
        for (index, entry) in cassette.entries.into_iter().enumerate() {
            let url = redaction.url(&entry.url);
            outcomes.push(Some((format!("{} {url}", entry.method), entry.outcome)));
            if entry.url.contains(REDACTED) || entry.url.contains("%5Bredacted%5D") {
                masked.entry((entry.method.clone(), url.clone())).or_default().push_back(index);
            }
            alike.entry((entry.method.clone(), url)).or_default().push_back(index);
            exact.entry((entry.method, entry.url)).or_default().push_back(index);
        }
        let several = alike.iter().filter(|(_, entries)| entries.len() > 1).map(|(asked, _)| asked.clone()).collect();
        let (origins, repeated, missing) = (BTreeSet::new(), Vec::new(), Vec::new());
        Self { exact, masked, alike, outcomes, several, redaction, origins, repeated, missing, missed: 0, used: 0 }
    }

    /// Takes what came of this request when it was recorded.
    ///
    /// # Errors
    /// When no entry is left for it.
    pub fn take(&mut self, method: &str, url: &str) -> Result<Outcome, Missing> {
        let clean = self.redaction.url(url);
        let request = format!("{method} {clean}");
        // parameters such as `key` are secrets to some services and names of things to others
        let exact = self.exact.get_mut(&(method.to_owned(), url.to_owned()));
        let known = exact.is_some();
        let clean = (method.to_owned(), clean);
        let again = known || self.alike.contains_key(&clean);
        let mut found = exact.and_then(|entries| next(entries, &mut self.outcomes));
        if found.is_none() {
            let others = if known { &mut self.masked } else { &mut self.alike };
            found = others.get_mut(&clean).and_then(|entries| next(entries, &mut self.outcomes));
        }
        match found {
            Some(outcome) => {
                self.used += 1;
                if let Ok((destination, _)) = Destination::parse(url) {
                    self.origins.insert(destination.to_string());
                }
                if self.several.contains(&clean) && self.repeated.len() < NAMED && !self.repeated.contains(&request) {
                    self.repeated.push(request);
                }
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

    fn places_unused(&self) -> Vec<usize> {
        (0..).zip(&self.outcomes).filter(|(_, outcome)| outcome.is_some()).map(|(place, _)| place).collect()
    }

    /// What was used so far.
    #[must_use]
    pub fn replayed(&self) -> Replayed {
        let unused = self.outcomes.iter().flatten();
        Replayed {
            used: self.used,
            unused: unused.clone().count() as u64,
            unused_requests: unused.map(|(request, _)| request.clone()).take(NAMED).collect(),
            unused_entries: self.places_unused(),
            origins: self.origins.clone(),
            repeated_requests: self.repeated.clone(),
            missing: self.missed,
            missing_requests: self.missing.clone(),
        }
    }
}

/// Takes the first of these entries that is unused.
fn next(entries: &mut VecDeque<usize>, outcomes: &mut [Option<(String, Outcome)>]) -> Option<Outcome> {
    while let Some(index) = entries.pop_front() {
        if let Some((_, outcome)) = outcomes.get_mut(index).and_then(Option::take) {
            return Some(outcome);
        }
    }
    None
}
