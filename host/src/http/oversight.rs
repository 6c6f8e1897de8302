//! What stands over the requests of a sync: budgets that it shares with others, and the audit log.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::error::HttpError;
use super::upstreams::Upstreams;
use crate::audit::{Audit, Entry, Request, Verdict};
use crate::policy::egress::{Denied, Destination, Permit};

/// What stands in the place of a method for a TCP connection.
pub(super) const CONNECT: &str = "(connection)";

/// What a sync's requests are counted and written down by. The default shares nothing and keeps nothing.
#[derive(Clone, Debug, Default)]
pub struct Oversight {
    /// Budgets of hosts; syncs of one batch have clones of one.
    pub upstreams: Upstreams,
    /// Where requests are written down.
    pub audit: Audit,
}

impl Oversight {
    /// Writes down a request that was not let out.
    pub(super) fn refused(&self, method: &str, to: Option<&Destination>, error: &HttpError) {
        if self.audit.is_on() {
            let missing = missing(error);
            let host = to.map(|to| to.host().to_string()).unwrap_or_default();
            self.audit.write(&Entry::Request(Request {
                verdict: verdict(error),
                method: known(method),
                missing: missing.as_deref(),
                error: missing.is_none().then(|| error.kind()),
                ..toward(to, &host)
            }));
        }
    }
}

fn toward<'a>(to: Option<&Destination>, host: &'a str) -> Request<'a> {
    match to {
        None => Request::default(),
        Some(to) => Request { scheme: to.scheme().as_str(), host, port: to.port(), ..Request::default() },
    }
}

/// A method of the connector's own invention stays out of the log.
fn known(method: &str) -> &str {
    if method == CONNECT || crate::policy::requests::admits_method(method) { method } else { "" }
}

fn missing(error: &HttpError) -> Option<String> {
    match error {
        HttpError::Denied(denied) => {
            let denied: &Denied = denied;
            Some(denied.grant.clone())
        }
        _ => None,
    }
}

fn verdict(error: &HttpError) -> Verdict {
    match error {
        HttpError::Denied(_) | HttpError::SecretDenied(_) => Verdict::Denied,
        HttpError::Limit { .. } => Verdict::Limited,
        _ => Verdict::Refused,
    }
}

/// A permitted request in the audit log. Its line is written when this is dropped, however the request ended.
pub(super) struct Note {
    audit: Audit,
    method: String,
    path: Option<String>,
    permit: Permit,
    outcome: Mutex<Outcome>,
    /// Open until the note is dropped.
    span: tracing::Span,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Outcome {
    status: Option<u16>,
    error: Option<HttpError>,
}

/// Bytes of a request's bodies.
#[derive(Debug, Default)]
pub(super) struct Counts {
    sent: AtomicU64,
    received: AtomicU64,
}

impl Counts {
    pub(super) fn sent(&self, bytes: usize) {
        self.sent.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(super) fn received(&self, bytes: usize) {
        self.received.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

impl fmt::Debug for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Note").finish_non_exhaustive()
    }
}

impl Note {
    pub(super) fn new(oversight: &Oversight, sync: &tracing::Span, method: &str, path: &str, permit: &Permit) -> Self {
        let audit = oversight.audit.clone();
        let to = permit.destination();
        let span = tracing::info_span!(
            target: crate::telemetry::TARGET,
            parent: sync,
            "request",
            http.request.method = known(method),
            url.scheme = to.scheme().as_str(),
            server.address = %to.host(),
            server.port = to.port(),
            http.response.status_code = tracing::field::Empty,
            error.r#type = tracing::field::Empty,
        );
        Self {
            path: (audit.with_paths() && !path.is_empty()).then(|| path.to_owned()),
            method: method.to_owned(),
            permit: permit.clone(),
            outcome: Mutex::default(),
            counts: Arc::default(),
            span,
            audit,
        }
    }

    pub(super) fn counts(&self) -> Arc<Counts> {
        Arc::clone(&self.counts)
    }

    pub(super) fn answered(&self, status: u16) {
        self.span.record("http.response.status_code", status);
        self.outcome.lock().unwrap_or_else(PoisonError::into_inner).status = Some(status);
    }

    pub(super) fn failed(&self, error: &HttpError) {
        self.span.record("error.type", error.kind());
        if self.audit.is_on() {
            self.outcome.lock().unwrap_or_else(PoisonError::into_inner).error = Some(error.clone());
        }
    }
}

impl Drop for Note {
    fn drop(&mut self) {
        if !self.audit.is_on() {
            return;
        }
        let outcome = self.outcome.get_mut().unwrap_or_else(PoisonError::into_inner);
        let to = self.permit.destination();
        let host = to.host().to_string();
        let grant = self.permit.grant().to_string();
        let missing = outcome.error.as_ref().and_then(missing);
        // What was found out only after the name was looked up.
        let denied = missing.is_some();
        self.audit.write(&Entry::Request(Request {
            verdict: if denied { Verdict::Denied } else { Verdict::Allowed },
            method: &self.method,
            path: self.path.as_deref(),
            grant: (!denied).then_some(grant.as_str()),
            status: outcome.status,
            bytes_sent: self.counts.sent.load(Ordering::Relaxed),
            bytes_received: self.counts.received.load(Ordering::Relaxed),
            missing: missing.as_deref(),
            error: outcome.error.as_ref().filter(|_| !denied).map(HttpError::kind),
            ..toward(Some(to), &host)
        }));
    }
}
