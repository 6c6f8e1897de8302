//! What the audit log says of a sync: what it was granted, and how it ended.

use crate::audit::{Audit, Entry};
use crate::error::SyncError;
use crate::http::HostUsage;

use super::Network;

/// What the audit log says a sync was granted.
pub(super) struct Granted {
    network: Vec<String>,
    addresses: Vec<String>,
    environment: Vec<String>,
}

impl Granted {
    pub(super) fn of<'a>(network: &Network, environment: impl Iterator<Item = &'a String>) -> Self {
        let (network, addresses) = match network {
            Network::Granted(grants, _) | Network::Recorded(grants, ..) => (
                grants.iter().map(ToString::to_string).collect(),
                grants.address_grants().map(ToString::to_string).collect(),
            ),
            Network::Replayed(..) => (Vec::new(), Vec::new()),
        };
        Self { network, addresses, environment: environment.cloned().collect() }
    }

    pub(super) fn started<'a>(&'a self, connector: &'a str, component: &'a str, connection: &'a str) -> Entry<'a> {
        let Self { network, addresses, environment } = self;
        Entry::Started { connector, component, connection, network, addresses, environment }
    }
}

/// Writes the last line. An audit log that is not whole is a failure of the host, whatever else went well.
pub(super) fn finish_audit(audit: &Audit, hosts: &[HostUsage], result: Result<(), SyncError>) -> Result<(), SyncError> {
    audit.write(&Entry::Finished {
        outcome: result.as_ref().map_or_else(SyncError::class, |()| "success"),
        requests: hosts.iter().map(|host| host.requests).sum(),
        denied: hosts.iter().map(|host| host.denied).sum(),
    });
    match audit.failure() {
        Some(reason) => result.and(Err(SyncError::Host(reason))),
        None => result,
    }
}
