//! What came of the checks.

use std::time::Duration;

use serde::Serialize;

use super::Check;
use crate::policy::secrets::Redactor;

/// What came of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The connector does what it must.
    Passed,
    /// It does, but not well.
    Warned,
    /// It was not made: it does not apply, or there is nothing to make it with. The note says which.
    Skipped,
    /// What there is to test with does not tell.
    Undecided,
    /// It does not.
    Failed,
}

/// One thing that a check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What.
    pub text: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// What a check found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Result {
    /// What came of it.
    pub verdict: Verdict,
    /// What was done, in a few words.
    pub note: String,
    /// What was found, at most a few things.
    pub findings: Vec<Finding>,
}

impl Result {
    pub(super) fn passed(note: impl Into<String>) -> Self {
        Self { verdict: Verdict::Passed, note: note.into(), findings: Vec::new() }
    }

    pub(super) fn skipped(note: impl Into<String>) -> Self {
        Self { verdict: Verdict::Skipped, note: note.into(), findings: Vec::new() }
    }

    /// The same where something was found; otherwise the check was not made, if there is a reason.
    pub(super) fn unless(self, reason: Option<&str>) -> Self {
        match (self.verdict, reason) {
            (Verdict::Passed | Verdict::Skipped, Some(reason)) => Self::skipped(reason),
            _ => self,
        }
    }

    pub(super) fn failed(text: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::passed("").and(Verdict::Failed, text, Some(hint.into()))
    }

    pub(super) fn undecided(text: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::passed("").and(Verdict::Undecided, text, Some(hint.into()))
    }

    /// The same with one more finding. The worst decides.
    pub(super) fn and(mut self, verdict: Verdict, text: impl Into<String>, hint: Option<String>) -> Self {
        self.verdict = self.verdict.max(verdict);
        self.findings.push(Finding { text: text.into(), hint });
        self
    }

    pub(super) fn redacted(mut self, secrets: &Redactor) -> Self {
        self.note = secrets.redact(&self.note);
        for finding in &mut self.findings {
            finding.text = secrets.redact(&finding.text);
            finding.hint = finding.hint.as_deref().map(|hint| secrets.redact(hint));
        }
        self
    }
}

/// A check and what came of it.
#[derive(Clone, Debug, Serialize)]
pub struct Checked {
    /// The check.
    pub check: Check,
    /// What came of it.
    #[serde(flatten)]
    pub result: Result,
    /// How long it took.
    #[serde(rename = "seconds", serialize_with = "seconds")]
    pub took: Duration,
}

fn seconds<S: serde::Serializer>(duration: &Duration, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    serializer.serialize_f64((duration.as_secs_f64() * 1e3).round() / 1e3)
}

/// All checks of a case.
#[derive(Clone, Debug, Serialize)]
pub struct CaseReport {
    /// What people call the case.
    pub name: String,
    /// What came of the checks, in their order.
    pub checks: Vec<Checked>,
    /// Entries of the cassette that was written, if one was.
    pub recorded: Option<u64>,
}

impl CaseReport {
    pub(super) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), checks: Vec::new(), recorded: None }
    }

    pub(super) fn add(&mut self, check: Check, result: Result, took: Duration) {
        self.checks.push(Checked { check, result, took });
    }
}

/// All cases of a connector.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The connector's name.
    pub connector: String,
    /// SHA-256 of the component, in hex.
    pub digest: String,
    /// What chance began with.
    pub seed: u64,
    /// Whether undecided checks and warnings count as failures.
    pub strict: bool,
    /// The cases.
    pub cases: Vec<CaseReport>,
}

impl Report {
    /// Whether the connector passed: nothing failed, and a sync could be tried at all.
    #[must_use]
    pub fn passed(&self) -> bool {
        self.checks().all(|checked| match checked.result.verdict {
            Verdict::Failed => false,
            Verdict::Undecided => !self.strict && checked.check != Check::Sync,
            Verdict::Warned => !self.strict,
            Verdict::Passed | Verdict::Skipped => true,
        })
    }

    /// How many checks ended so.
    #[must_use]
    pub fn count(&self, verdict: Verdict) -> usize {
        self.checks().filter(|checked| checked.result.verdict == verdict).count()
    }

    fn checks(&self) -> impl Iterator<Item = &Checked> {
        self.cases.iter().flat_map(|case| &case.checks)
    }
}
