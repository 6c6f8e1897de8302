//! The grammar of grants; see [`super::egress`] for the table.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;

use super::addresses;
use super::destination::{Destination, Host, Scheme, UrlError, split_port};

/// Hosts a grant holds for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum HostPattern {
    /// One name or address.
    Exact(Host),
    /// Every name that ends with a dot and this suffix.
    Below(String),
}

impl HostPattern {
    fn parse(text: &str) -> Result<Self, GrantError> {
        let Some(suffix) = text.strip_prefix("*.") else {
            return match text.contains('*') {
                true => Err(GrantError::Wildcard),
                false => Ok(Self::Exact(Host::parse(text)?)),
            };
        };
        match Host::parse(suffix)? {
            Host::Name(name) if name.contains('.') => Ok(Self::Below(name)),
            _ => Err(GrantError::Wildcard),
        }
    }

    pub(super) fn matches(&self, host: &Host) -> bool {
        match (self, host) {
            (Self::Exact(own), other) => own == other,
            (Self::Below(suffix), Host::Name(name)) => {
                name.strip_suffix(suffix.as_str()).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
            }
            (Self::Below(_), Host::Ip(_)) => false,
        }
    }

    fn covers(&self, asked: &Self) -> bool {
        match asked {
            Self::Exact(host) => self.matches(host),
            Self::Below(suffix) => self == asked || self.matches(&Host::Name(suffix.clone())),
        }
    }

    fn is_non_public(&self) -> bool {
        match self {
            Self::Exact(Host::Ip(ip)) => addresses::judge(*ip).is_err(),
            Self::Exact(Host::Name(name)) => name == "localhost",
            Self::Below(_) => false,
        }
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(host) => write!(f, "{host}"),
            Self::Below(suffix) => write!(f, "*.{suffix}"),
        }
    }
}

/// Why a grant cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GrantError {
    /// The destination itself.
    #[error(transparent)]
    Url(#[from] UrlError),
    /// Something after the port.
    #[error("a network grant ends with its host or port; leave out path, query and fragment")]
    Path,
    /// `*` where it must not be.
    #[error("a wildcard is only possible as the first label before at least two others: https://*.example.com")]
    Wildcard,
    /// Not `host=range`.
    #[error("an address grant is written host=range, for example db.internal=10.0.0.0/8")]
    NotAddressGrant,
    /// A range with host bits, an IPv4-mapped one, or one wider than /8 (IPv4) or /7 (IPv6).
    #[error("not an address range; write a network such as 10.0.0.0/8 or fd00::/8")]
    Range,
}

/// One network grant, or one thing a project asks for; see the grammar above.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NetworkGrant {
    scheme: Scheme,
    host: HostPattern,
    port: u16,
}

impl FromStr for NetworkGrant {
    type Err = GrantError;

    fn from_str(text: &str) -> Result<Self, GrantError> {
        if text.bytes().any(|b| b <= b' ' || b == 0x7f) {
            return Err(UrlError::Control.into());
        }
        let (scheme, authority) = Scheme::split(text)?;
        if authority.contains('@') {
            return Err(UrlError::UserInfo.into());
        }
        if authority.contains(['/', '?', '#', '\\']) {
            return Err(GrantError::Path);
        }
        let (host, port) = split_port(authority, scheme)?;
        Ok(Self { scheme, host: HostPattern::parse(host)?, port })
    }
}

impl fmt::Display for NetworkGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme.as_str(), self.host)?;
        if Some(self.port) == self.scheme.default_port() { Ok(()) } else { write!(f, ":{}", self.port) }
    }
}

impl NetworkGrant {
    /// Whether everything that `asked` would allow is allowed by this grant.
    #[must_use]
    pub fn covers(&self, asked: &Self) -> bool {
        self.scheme.includes(asked.scheme) && self.port == asked.port && self.host.covers(&asked.host)
    }

    pub(super) fn matches(&self, to: &Destination) -> bool {
        self.scheme.includes(to.scheme()) && self.port == to.port() && self.host.matches(to.host())
    }

    /// Whether this opens a stream to a host, whatever its port.
    pub(super) fn is_stream_to(&self, host: &Host) -> bool {
        !self.scheme.is_http() && self.host.matches(host)
    }

    /// Whether it is of HTTP requests.
    #[must_use]
    pub fn is_http(&self) -> bool {
        self.scheme.is_http()
    }

    /// Whether what is sent there is not encrypted.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        self.scheme == Scheme::Http
    }

    /// Whether this names something on the operator's own side, so that only an operator's
    /// grant can mean it.
    pub(super) fn is_non_public(&self) -> bool {
        self.host.is_non_public()
    }
}

/// An operator's word that a name may lead to non-public addresses: `host=range`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AddressGrant {
    host: HostPattern,
    range: IpNet,
}

impl FromStr for AddressGrant {
    type Err = GrantError;

    fn from_str(text: &str) -> Result<Self, GrantError> {
        let (host, range) = text.split_once('=').ok_or(GrantError::NotAddressGrant)?;
        let range: IpNet = match range.parse() {
            Ok(net) => net,
            Err(_) => range.parse::<IpAddr>().map_err(|_| GrantError::Range)?.into(),
        };
        let too_wide = match range {
            IpNet::V4(net) => net.prefix_len() < 8,
            IpNet::V6(net) => net.prefix_len() < 7 || net.network().to_ipv4_mapped().is_some(),
        };
        if too_wide || range.trunc() != range {
            return Err(GrantError::Range);
        }
        Ok(Self { host: HostPattern::parse(host)?, range })
    }
}

impl AddressGrant {
    /// The range, when this grant holds for the host.
    pub(super) fn range_for(&self, host: &Host) -> Option<IpNet> {
        self.host.matches(host).then_some(self.range)
    }
}

impl fmt::Display for AddressGrant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.host, self.range)
    }
}
