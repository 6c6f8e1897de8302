//! What is secret in one sync.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::error::{ConnectorFailure, LimitReached, SyncError};
use crate::http::Held;
use crate::policy::secrets::{Learned, Redactor, Secret, is_secret_name};

/// What must not be shown, and what the host holds. Names that look secret are secret without being listed.
#[derive(Clone, Debug, Default)]
pub struct Confidential {
    /// Names of values, of the configuration or environment, that somebody said are secret.
    pub names: BTreeSet<String>,
    /// Values that the connector does not have.
    pub values: Vec<Secret>,
    /// What turns up while a sync runs, and must not be shown either.
    pub learned: Learned,
    /// What the host puts into requests; the configuration has placeholders for it.
    pub held: Option<Arc<Held>>,
}

impl Confidential {
    /// Keeps secrets out of what people read: of `values`, those with a secret name.
    #[must_use]
    pub fn redactor<'a>(&self, values: impl IntoIterator<Item = (&'a String, &'a String)>) -> Redactor {
        let secret = values.into_iter().filter(|(name, _)| is_secret_name(name) || self.names.contains(*name));
        let secrets: Vec<_> = secret.map(|(_, value)| Secret::new(value.clone())).collect();
        Redactor::new(secrets.iter().chain(&self.values)).and(&self.learned)
    }

    /// Knows only the secrets that somebody said are secret, which are worth a refusal.
    #[must_use]
    pub fn said(&self, configuration: &BTreeMap<String, String>) -> Redactor {
        let said = configuration.iter().filter(|(name, _)| self.names.contains(*name));
        let long = |value: &&Secret| value.expose().chars().count() >= REFUSED_CHARS;
        let secrets: Vec<_> = said.map(|(_, value)| Secret::new(value.clone())).collect();
        Redactor::new(secrets.iter().chain(&self.values).filter(long)).and(&self.learned)
    }
}

/// A shorter value stands in ordinary texts by chance.
const REFUSED_CHARS: usize = 8;

/// An error without secrets.
pub(crate) fn redacted(error: SyncError, redactor: &Redactor) -> SyncError {
    let clean = |text: &str| redactor.redact(text);
    match error {
        SyncError::Connector(failure) => SyncError::Connector(ConnectorFailure {
            kind: clean(&failure.kind),
            message: clean(&failure.message),
            traceback: clean(&failure.traceback),
        }),
        SyncError::Limit(reached) => {
            SyncError::Limit(LimitReached { what: clean(&reached.what), limit: clean(&reached.limit) })
        }
        SyncError::Denied(text) => SyncError::Denied(clean(&text)),
        SyncError::Host(text) => SyncError::Host(clean(&text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_lose_their_secrets() {
        let secret = Secret::new("hunter2hunter2".to_owned());
        let redactor = Redactor::new([&secret]);
        let text = || "before hunter2hunter2 after".to_owned();
        let failure = ConnectorFailure { kind: text(), message: text(), traceback: text() };
        for error in [
            SyncError::Connector(failure),
            SyncError::Limit(LimitReached { what: text(), limit: text() }),
            SyncError::Denied(text()),
            SyncError::Host(text()),
        ] {
            let clean = format!("{:?}", redacted(error, &redactor));
            assert!(clean.contains("[redacted]") && !clean.contains("hunter2"), "{clean}");
        }
    }
}
