//! Budgets of upstream hosts, which several syncs may share.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::policy::budgets::{HostBudget, Spent};
use crate::policy::egress::Host;
use crate::policy::limits::Limits;

/// What was used of each host. Clones share it: syncs of one batch get clones of one value, and are held to rates and
/// budgets together. Each sync's own limits say how much that may be.
#[derive(Clone)]
pub struct Upstreams {
    since: Instant,
    hosts: Arc<Mutex<HashMap<Host, HostBudget>>>,
}

impl Default for Upstreams {
    fn default() -> Self {
        Self { since: Instant::now(), hosts: Arc::default() }
    }
}

impl fmt::Debug for Upstreams {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upstreams").finish_non_exhaustive()
    }
}

impl Upstreams {
    /// Takes a request, and says how long to wait before it is sent.
    pub(super) fn request(&self, host: &Host, limits: &Limits) -> Result<Duration, Spent> {
        self.with(host, |budget| budget.request(self.since.elapsed(), limits))
    }

    /// Takes bytes of a body.
    pub(super) fn body(&self, host: &Host, bytes: usize, limits: &Limits) -> Result<(), Spent> {
        self.with(host, |budget| budget.body(bytes as u64, limits))
    }

    fn with<T>(&self, host: &Host, take: impl FnOnce(&mut HostBudget) -> T) -> T {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        match hosts.get_mut(host) {
            Some(budget) => take(budget),
            None => take(hosts.entry(host.clone()).or_default()),
        }
    }
}
