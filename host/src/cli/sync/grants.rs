//! What the operator grants by flags, and what a connector asks for.

use std::path::Path;

use super::record::name_of_sync;
use super::server::TestServer;
use crate::audit::Audit;
use crate::cli::args::{AuditArguments, GrantArguments};
use crate::cli::connector::subject::Subject;
use crate::cli::failure::Failure;
use crate::cli::input;
use crate::http::{Oversight, Trust, Upstreams};
use crate::policy::egress::{AddressGrant, NetworkGrant, NetworkGrants};

/// What the operator grants by flags.
pub(in crate::cli) struct Granted {
    hosts: Vec<NetworkGrant>,
    addresses: Vec<AddressGrant>,
}

impl Granted {
    /// What a file grants.
    pub(in crate::cli) fn new(hosts: Vec<NetworkGrant>, addresses: Vec<AddressGrant>) -> Self {
        Self { hosts, addresses }
    }

    /// Reads the flags.
    pub(in crate::cli) fn parse(arguments: &GrantArguments) -> Result<Self, Failure> {
        let host = |text: &String| {
            text.parse::<NetworkGrant>().map_err(|error| Failure::refused(format!("--allow {text}: {error}")))
        };
        let address = |text: &String| {
            text.parse::<AddressGrant>().map_err(|error| Failure::refused(format!("--allow-address {text}: {error}")))
        };
        Ok(Self {
            hosts: arguments.allow.iter().map(host).collect::<Result<_, _>>()?,
            addresses: arguments.allow_address.iter().map(address).collect::<Result<_, _>>()?,
        })
    }

    /// Grants the test server too.
    pub(in crate::cli) fn add(&mut self, server: &TestServer) {
        self.hosts.push(server.grant.clone());
    }

    /// Together with what a project on this machine lists in its own `connector.toml`, as far as it is public.
    pub(in crate::cli) fn with_project(&self, subject: &Subject) -> NetworkGrants {
        let operator = NetworkGrants::from_operator(&self.hosts, &self.addresses);
        match &subject.project {
            Some(project) => operator.and(NetworkGrants::from_project(&project.network)),
            None => operator,
        }
    }
}

/// Opens the audit log, if one is asked for.
pub(in crate::cli) fn oversight(arguments: &AuditArguments) -> Result<Oversight, Failure> {
    let audit = audit(arguments.audit.as_deref(), arguments.audit_paths)?;
    Ok(Oversight { upstreams: Upstreams::default(), audit })
}

/// Opens an audit log for one sync.
pub(in crate::cli) fn audit(path: Option<&Path>, paths: bool) -> Result<Audit, Failure> {
    let Some(path) = path else { return Ok(Audit::default()) };
    Audit::append(path, name_of_sync(), paths).map_err(|error| Failure::refused(error.to_string()))
}

/// Which certificate authorities are trusted.
pub(in crate::cli) fn trust(ca_file: Option<&Path>) -> Result<Trust, Failure> {
    let Some(path) = ca_file else { return Ok(Trust::system()) };
    let pem = input::read(path, "CA file", input::DECISION_BYTES, input::Holds::Decisions)?;
    Trust::system().and_pem(&pem).map_err(|error| Failure::refused(format!("{}: {error}", path.display())))
}

/// A connector that asks for more than it was granted is refused before it runs, by name.
pub(in crate::cli) fn refuse_ungranted(subject: &Subject, grants: &NetworkGrants) -> Result<(), Failure> {
    let asked: Vec<NetworkGrant> =
        subject.stamp.iter().flat_map(|stamp| &stamp.network).filter_map(|text| text.parse().ok()).collect();
    let missing = grants.missing(&asked);
    if missing.is_empty() {
        return Ok(());
    }
    let list = |prefix: &str| missing.iter().map(|grant| format!("{prefix}{grant}")).collect::<Vec<_>>();
    Err(Failure::denied(format!(
        "{} asks for network access that is not granted: {}",
        subject.name(),
        list("").join(", ")
    ))
    .hint(format!("grant it with {}", list("--allow ").join(" "))))
}
