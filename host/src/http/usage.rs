//! What a sync used of the network, and the budgets that are counted over the whole sync.

use std::collections::{BTreeMap, BTreeSet};

use super::error::HttpError;
use super::turned_away::Answers;
use crate::policy::egress::Host;
use crate::policy::limits::{HOSTS_IN_USAGE, Limits};

/// What a sync exchanged with one host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HostUsage {
    /// The host as it stands in a grant; `(others)` sums up what is beyond the number of hosts
    /// that are counted one by one.
    pub host: String,
    /// Requests that were admitted.
    pub requests: u64,
    /// TCP connections that were admitted.
    pub connections: u64,
    /// Bytes of request bodies, and those written to TCP connections, handed to the network.
    pub bytes_sent: u64,
    /// Bytes of response bodies, and those read from TCP connections.
    pub bytes_received: u64,
    /// Requests and connections that were refused, by name or by address.
    pub denied: u64,
}

/// Counts of one sync.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    requests: u64,
    refused: u64,
    hosts: BTreeSet<String>,
    by_host: BTreeMap<String, HostUsage>,
    streamed: u64,
    broken: Option<HttpError>,
    /// What hosts answered.
    pub(super) answers: Answers,
}

/// Requests that may be refused even when none is allowed.
const LEAST_REFUSED: u64 = 1_000;

const OTHERS: &str = "(others)";

impl Ledger {
    /// The counts of one host.
    pub(super) fn host(&mut self, host: &Host) -> &mut HostUsage {
        let mut name = host.to_string();
        if !self.by_host.contains_key(&name) && self.by_host.len() >= HOSTS_IN_USAGE {
            OTHERS.clone_into(&mut name);
        }
        self.by_host.entry(name.clone()).or_insert_with(|| HostUsage { host: name, ..HostUsage::default() })
    }

    /// The limit of the whole sync that was reached before, if any.
    pub(super) fn check(&self) -> Result<(), HttpError> {
        self.broken.clone().map_or(Ok(()), Err)
    }

    /// Takes one request from the budgets, or ends the network for this sync.
    pub(super) fn take(&mut self, host: &Host, limits: &Limits) -> Result<(), HttpError> {
        self.take_one(host, limits)?;
        self.host(host).requests += 1;
        Ok(())
    }

    /// The same for a connection, which counts as one request.
    pub(super) fn take_connection(&mut self, host: &Host, limits: &Limits) -> Result<(), HttpError> {
        self.take_one(host, limits)?;
        self.host(host).connections += 1;
        Ok(())
    }

    /// Takes bytes of a stream from the budget, or ends the network for this sync.
    pub(super) fn take_bytes(&mut self, bytes: u64, limits: &Limits) -> Result<(), HttpError> {
        self.check()?;
        self.streamed = self.streamed.saturating_add(bytes);
        if self.streamed <= limits.stream_bytes {
            return Ok(());
        }
        let most = limits.stream_bytes;
        Err(self.end(format!("the sync's limit of {most} bytes over tcp connections is reached")))
    }

    fn take_one(&mut self, host: &Host, limits: &Limits) -> Result<(), HttpError> {
        self.room(host, limits)?;
        self.requests += 1;
        self.hosts.insert(host.to_string());
        Ok(())
    }

    /// Whether the budgets have one request more, which is not taken; else the network ends for this sync.
    pub(super) fn room(&mut self, host: &Host, limits: &Limits) -> Result<(), HttpError> {
        self.check()?;
        let name = host.to_string();
        let text = if self.requests >= limits.requests {
            Some(format!("the sync's limit of {} requests is reached", limits.requests))
        } else if self.hosts.len() >= limits.hosts && !self.hosts.contains(&name) {
            Some(format!("the sync's limit of {} different hosts is reached", limits.hosts))
        } else {
            None
        };
        text.map_or(Ok(()), |text| Err(self.end(text)))
    }

    /// Takes a request that was refused, of which a connector may make as many as of others: each costs a line of the
    /// audit log.
    pub(super) fn refused(&mut self, limits: &Limits) {
        self.refused += 1;
        if self.refused > limits.requests.max(LEAST_REFUSED) {
            let text = format!("more than {} requests of the sync were refused", limits.requests.max(LEAST_REFUSED));
            self.end(text);
        }
    }

    /// Ends the network for this sync.
    pub(super) fn end(&mut self, text: String) -> HttpError {
        self.broken.get_or_insert(HttpError::Limit { text, sticky: true }).clone()
    }

    /// All counts, by host name.
    pub(super) fn usage(&self) -> Vec<HostUsage> {
        self.by_host.values().cloned().collect()
    }
}
