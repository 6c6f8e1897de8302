//! Which destinations a connector may reach.
//!
//! The threat: a connector sends what it read to a place of its choice, or reaches into the
//! operator's network. So nothing is reachable until an operator grants it by name, and a
//! request cannot be sent without the [`Permit`] that only this module makes.
//!
//! # Grammar of a network grant
//!
//! | written | grants |
//! |---|---|
//! | `https://api.example.com` | that host, port 443 |
//! | `https://api.example.com:8443` | that host and port |
//! | `http://api.example.com` | without TLS, port 80 |
//! | `https://*.example.com` | every name below `example.com`, at any depth, not `example.com` itself |
//! | `http://127.0.0.1:8080`, `http://[::1]:8080` | exactly that address, public or not |
//! | `http://localhost:8080` | the loopback addresses (RFC 6761) |
//! | `tls://db.example.com:5432` | a stream of bytes to that host and port, with TLS that the host speaks and verifies: from its start, or after the request of PostgreSQL or MySQL to begin it, and nothing else in the clear |
//! | `tcp://db.example.com:5432` | a stream of bytes, in the clear or with TLS as the connector chooses |
//!
//! Streams have no default port. Wildcards, addresses and `localhost` are as above.
//!
//! Anything else is refused: other schemes, a path or query, user information, `*` alone or inside a name,
//! a wildcard with fewer than two labels after it, address ranges, a trailing dot, names that are not
//! ASCII (write `xn--`), numbers that are not plain IPv4 addresses, port 0.
//!
//! A name's non-public addresses need a second grant, `host=range`, for example
//! `db.internal=10.0.0.0/8`. Only operators make such grants, and only their grants for `localhost`
//! or an address open non-public addresses: what a connector's project asks for never does.
//!
//! ```
//! use sluicegate::policy::egress::{AddressGrant, Destination, NetworkGrants};
//!
//! let hosts = ["https://api.example.com".parse()?, "https://*.example.org:8443".parse()?];
//! let grants = NetworkGrants::from_operator(&hosts, &[]);
//!
//! let may = |url| grants.permit(&Destination::parse(url).unwrap().0).is_ok();
//! assert!(may("https://api.example.com/v1/items"));
//! assert!(may("https://a.b.example.org:8443/"));
//! assert!(!may("http://api.example.com/"));
//! assert!(!may("https://api.example.com:8443/"));
//! assert!(!may("https://example.org:8443/"));
//!
//! let range: AddressGrant = "db.internal=10.0.0.0/8".parse()?;
//! assert_eq!(range.to_string(), "db.internal=10.0.0.0/8");
//! # Ok::<(), sluicegate::policy::egress::GrantError>(())
//! ```

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::addresses::{self, RefusedRange};
pub use super::destination::{Destination, Host, Scheme, UrlError};
pub use super::grant::{AddressGrant, GrantError, NetworkGrant};
use super::upgrades;

const LOOPBACK_V4: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(127, 0, 0, 0), 8);
const LOOPBACK_V6: Ipv6Net = Ipv6Net::new_assert(Ipv6Addr::LOCALHOST, 128);

/// Leave to reach one destination. Only [`NetworkGrants::permit`] makes one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permit {
    destination: Destination,
    grant: NetworkGrant,
    ranges: Vec<IpNet>,
}

impl Permit {
    /// The destination that was judged.
    #[must_use]
    pub fn destination(&self) -> &Destination {
        &self.destination
    }

    /// The grant that permits it.
    #[must_use]
    pub fn grant(&self) -> &NetworkGrant {
        &self.grant
    }

    /// Whether the destination may be dialled at this address.
    ///
    /// # Errors
    ///
    /// The range that refuses it.
    pub fn admits(&self, address: IpAddr) -> Result<(), RefusedRange> {
        addresses::judge_with(address, &self.ranges)
    }

    /// The refusal for a name that leads only to addresses in `range`.
    #[must_use]
    pub fn non_public(&self, range: RefusedRange) -> Box<Denied> {
        let grant = format!("--allow-address {}={}", self.destination.host(), range.cidr);
        Box::new(Denied { destination: self.destination.clone(), reason: DenyReason::NonPublic(range), grant })
    }
}

impl Permit {
    /// Whether bytes may be written before TLS has begun, `request_sent` being whether one request to begin it
    /// was.
    ///
    /// # Errors
    ///
    /// [`Denied`] under a grant for `tls`, unless the bytes are the first request to begin TLS.
    pub fn admits_in_the_clear(&self, bytes: &[u8], request_sent: bool) -> Result<(), Box<Denied>> {
        if !self.destination.scheme().is_secure() || (!request_sent && upgrades::is_request(bytes)) {
            return Ok(());
        }
        let destination = self.destination.with_scheme(Scheme::Tcp);
        let grant = format!("--allow {destination}");
        Err(Box::new(Denied { destination, reason: DenyReason::InTheClear, grant }))
    }
}

/// Why a destination may not be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DenyReason {
    /// No grant names it.
    NotGranted,
    /// It is at a non-public address that no operator granted.
    NonPublic(RefusedRange),
    /// It is granted with TLS only, and this was not TLS.
    InTheClear,
}

/// A destination that may not be reached, and the grant that is missing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("network access to {destination} is {why}; an operator can grant it with {grant}", why = self.why())]
pub struct Denied {
    /// The destination.
    pub destination: Destination,
    /// Why.
    pub reason: DenyReason,
    /// The missing grant as an operator would write it.
    pub grant: String,
}

impl Denied {
    fn why(&self) -> String {
        match self.reason {
            DenyReason::NotGranted => "not granted".to_owned(),
            DenyReason::NonPublic(range) => {
                format!("not granted at non-public addresses, here {range}")
            }
            DenyReason::InTheClear => {
                "granted with TLS only, which the connector's driver must be told to use".to_owned()
            }
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum GrantedBy {
    Operator,
    Project,
}

/// All network grants of a sync. The default denies everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NetworkGrants {
    hosts: Vec<(NetworkGrant, GrantedBy)>,
    addresses: Vec<AddressGrant>,
}

impl NetworkGrants {
    /// Grants made by an operator.
    #[must_use]
    pub fn from_operator(hosts: &[NetworkGrant], addresses: &[AddressGrant]) -> Self {
        let hosts = hosts.iter().map(|grant| (grant.clone(), GrantedBy::Operator)).collect();
        Self { hosts, addresses: addresses.to_vec() }
    }

    /// What a connector's project asks for, taken as granted; never opens a non-public address.
    #[must_use]
    pub fn from_project(hosts: &[NetworkGrant]) -> Self {
        let hosts = hosts.iter().map(|grant| (grant.clone(), GrantedBy::Project)).collect();
        Self { hosts, addresses: Vec::new() }
    }

    /// Both, each with the rights of its origin.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.hosts.extend(other.hosts);
        self.addresses.extend(other.addresses);
        self
    }

    /// Whether nothing can be reached.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.hosts.is_empty()
    }

    /// The granted destinations, in order.
    pub fn iter(&self) -> impl Iterator<Item = &NetworkGrant> {
        self.hosts.iter().map(|(grant, _)| grant)
    }

    /// The granted address ranges, in order.
    pub fn address_grants(&self) -> impl Iterator<Item = &AddressGrant> {
        self.addresses.iter()
    }

    /// Whether everything that `asked` needs is granted.
    #[must_use]
    pub fn covers(&self, asked: &NetworkGrant) -> bool {
        let needs_operator = asked.is_non_public();
        self.hosts.iter().any(|(grant, by)| grant.covers(asked) && (*by == GrantedBy::Operator || !needs_operator))
    }

    /// What was asked and is not granted.
    #[must_use]
    pub fn missing(&self, asked: &[NetworkGrant]) -> Vec<NetworkGrant> {
        asked.iter().filter(|grant| !self.covers(grant)).cloned().collect()
    }

    /// Judges a stream that begins in the clear: with a grant for `tcp`, or one for `tls`, under which it has to
    /// change to TLS. The permit's destination says which.
    ///
    /// # Errors
    ///
    /// [`Denied`] names the grant that is missing.
    pub fn permit_stream(&self, to: &Destination) -> Result<Permit, Box<Denied>> {
        let clear = self.permit(to);
        match clear {
            Err(denied) if denied.reason == DenyReason::NotGranted => {
                self.permit(&to.with_scheme(Scheme::Tls)).map_err(|other| match other.reason {
                    DenyReason::NotGranted => denied,
                    DenyReason::NonPublic(_) | DenyReason::InTheClear => other,
                })
            }
            decided => decided,
        }
    }

    /// Whether a stream to this host is granted at any port, so that its name may be talked about.
    #[must_use]
    pub fn knows(&self, host: &Host) -> bool {
        self.iter().any(|grant| grant.is_stream_to(host))
    }

    /// Judges one destination. An IP address is judged here and now, a name's addresses later by
    /// [`Permit::admits`].
    ///
    /// # Errors
    ///
    /// [`Denied`] names the grant that is missing.
    pub fn permit(&self, to: &Destination) -> Result<Permit, Box<Denied>> {
        let denied = |reason| Box::new(Denied { destination: to.clone(), reason, grant: missing_grant(to) });
        let mut matching = self.hosts.iter().filter(|(grant, _)| grant.matches(to)).peekable();
        let Some((grant, _)) = matching.peek() else {
            return Err(denied(DenyReason::NotGranted));
        };
        let grant = grant.clone();
        let by_operator = matching.any(|(_, by)| *by == GrantedBy::Operator);
        let attached = self.addresses.iter().filter_map(|grant| grant.range_for(to.host()));
        let mut ranges: Vec<IpNet> = attached.collect();
        if by_operator {
            ranges.extend(own_ranges(to.host()));
        }
        let permit = Permit { destination: to.clone(), grant, ranges };
        if let Host::Ip(ip) = to.host() {
            permit.admits(*ip).map_err(|range| denied(DenyReason::NonPublic(range)))?;
        }
        Ok(permit)
    }
}

/// The grant that a destination lacks, as an operator would write it.
fn missing_grant(to: &Destination) -> String {
    match to.scheme() {
        Scheme::Tcp => format!("--allow {to}, or {} if the connector uses TLS", to.with_scheme(Scheme::Tls)),
        Scheme::Http | Scheme::Https | Scheme::Tls => format!("--allow {to}"),
    }
}

/// The non-public addresses that naming a host means by itself.
fn own_ranges(host: &Host) -> Vec<IpNet> {
    match host {
        Host::Ip(ip) => vec![IpNet::from(*ip)],
        Host::Name(name) if name == "localhost" => vec![LOOPBACK_V4.into(), LOOPBACK_V6.into()],
        Host::Name(_) => Vec::new(),
    }
}

#[cfg(test)]
#[path = "egress_tests.rs"]
mod tests;
