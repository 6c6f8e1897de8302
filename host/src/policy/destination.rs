//! Where a request goes: scheme, host and port, taken from one parse of one text.
//!
//! The threat: two parsers that read one URL differently, so that one host is judged and
//! another is dialled. Here the authority is read by a strict grammar, the URL is parsed once, and
//! both must agree to the letter. What is dialled is that parsed URL.
//!
//! ```
//! use sluicegate::policy::egress::Destination;
//!
//! let (destination, url) = Destination::parse("https://API.example.com:443/items?page=2")?;
//! assert_eq!(destination.to_string(), "https://api.example.com");
//! assert_eq!(url.path(), "/items");
//!
//! for refused in [
//!     "https://user@api.example.com/",
//!     "https://api.example.com./",
//!     "https://0x7f.1/",
//!     "https://2130706433/",
//!     "https://[::ffff:127.0.0.1]/",
//!     "https://b\u{fc}cher.example/",
//!     "ftp://api.example.com/",
//!     "//api.example.com/",
//! ] {
//!     assert!(Destination::parse(refused).is_err(), "{refused}");
//! }
//! # Ok::<(), sluicegate::policy::egress::UrlError>(())
//! ```

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use url::Url;

/// What is spoken with a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scheme {
    /// HTTP in the clear.
    Http,
    /// HTTP with TLS.
    Https,
    /// A stream of bytes, in the clear or with TLS as the connector chooses.
    Tcp,
    /// A stream of bytes with TLS.
    Tls,
}

impl Scheme {
    /// All of them.
    const ALL: [Self; 4] = [Self::Http, Self::Https, Self::Tcp, Self::Tls];

    /// 80 or 443; none for streams, of which each protocol has its own.
    #[must_use]
    pub fn default_port(self) -> Option<u16> {
        match self {
            Self::Http => Some(80),
            Self::Https => Some(443),
            Self::Tcp | Self::Tls => None,
        }
    }

    /// The scheme as it stands in a URL.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
        }
    }

    /// Whether TLS is spoken, always.
    #[must_use]
    pub fn is_secure(self) -> bool {
        matches!(self, Self::Https | Self::Tls)
    }

    /// Whether this is HTTP.
    #[must_use]
    pub fn is_http(self) -> bool {
        matches!(self, Self::Http | Self::Https)
    }

    /// Whether a grant for this is one for `other` too: who may speak in the clear may speak TLS.
    pub(super) fn includes(self, other: Self) -> bool {
        self == other || (self == Self::Tcp && other == Self::Tls)
    }

    /// Splits `scheme://rest`, in any case.
    pub(super) fn split(text: &str) -> Result<(Self, &str), UrlError> {
        let (name, rest) = text.split_once("://").ok_or(UrlError::NotAbsolute)?;
        let found = Self::ALL.into_iter().find(|scheme| name.eq_ignore_ascii_case(scheme.as_str()));
        found.map(|scheme| (scheme, rest)).ok_or(UrlError::Scheme)
    }
}

/// A host name or an IP address, in the one form that is accepted.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Host {
    /// A name, lower case, ASCII, without a trailing dot.
    Name(String),
    /// An address. Never an IPv4-mapped IPv6 address.
    Ip(IpAddr),
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Ip(IpAddr::V4(ip)) => write!(f, "{ip}"),
            Self::Ip(IpAddr::V6(ip)) => write!(f, "[{ip}]"),
        }
    }
}

/// Why a URL was not accepted. The texts hold nothing of the URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Not `scheme://host…`.
    #[error("the url is not absolute; write scheme://host[:port]")]
    NotAbsolute,
    /// Another scheme.
    #[error("the url's scheme is neither https nor http")]
    Scheme,
    /// `user@` or `user:password@`.
    #[error("the url holds user information; send an Authorization header instead")]
    UserInfo,
    /// White space or a control character.
    #[error("the url holds white space or a control character; percent-encode it")]
    Control,
    /// A host with characters outside ASCII.
    #[error("the host name is not ASCII; write its xn-- form")]
    NotAscii,
    /// No host.
    #[error("the url has no host")]
    NoHost,
    /// A dot at the end.
    #[error("the host name ends with a dot; leave it out")]
    TrailingDot,
    /// Numeric, but no plain address.
    #[error("the host looks like an ip address but is not written in its plain form")]
    LooksNumeric,
    /// Letters, digits, hyphens and underscores only; labels of 1 to 63, 253 in all.
    #[error("the host is not a valid name")]
    BadName,
    /// Empty, signed, with leading zeros, or outside 1 to 65535.
    #[error("the port is not a plain number from 1 to 65535")]
    Port,
    /// A stream without a port.
    #[error("a tcp or tls destination names its port, for example tcp://db.example.com:5432")]
    NoPort,
    /// The grammar and the URL parser disagree, or the parser refuses.
    #[error("the url cannot be read in exactly one way")]
    Ambiguous,
}

impl Host {
    /// Reads a host as it stands in a URL: a name, an IPv4 address, or an IPv6 address in
    /// brackets.
    ///
    /// # Errors
    ///
    /// Anything that another parser could read as a different host.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        if text.is_empty() {
            return Err(UrlError::NoHost);
        }
        if !text.is_ascii() {
            return Err(UrlError::NotAscii);
        }
        let text = text.to_ascii_lowercase();
        let host = if text.starts_with('[') { parse_v6(&text)? } else { parse_name_or_v4(&text)? };
        // a second, independent reading must give the same text: `0x7f.1` becomes 127.0.0.1 there
        match url::Host::parse(&text) {
            Ok(other) if other.to_string() == text => Ok(host),
            _ => Err(UrlError::Ambiguous),
        }
    }
}

fn parse_v6(text: &str) -> Result<Host, UrlError> {
    let inner = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let ip = inner.and_then(|inner| inner.parse().ok()).ok_or(UrlError::LooksNumeric)?;
    match IpAddr::V6(ip).to_canonical() {
        IpAddr::V4(_) => Err(UrlError::LooksNumeric),
        v6 => Ok(Host::Ip(v6)),
    }
}

fn parse_name_or_v4(text: &str) -> Result<Host, UrlError> {
    if text.ends_with('.') {
        return Err(UrlError::TrailingDot);
    }
    let last = text.rsplit('.').next().unwrap_or(text);
    let hex = last.strip_prefix("0x").is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_hexdigit()));
    if hex || last.bytes().all(|b| b.is_ascii_digit()) {
        let ip: Ipv4Addr = text.parse().map_err(|_| UrlError::LooksNumeric)?;
        return Ok(Host::Ip(IpAddr::V4(ip)));
    }
    let valid = text.len() <= 253 && text.split('.').all(is_label);
    if valid { Ok(Host::Name(text.to_owned())) } else { Err(UrlError::BadName) }
}

fn is_label(label: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
    (1..=63).contains(&label.len()) && label.bytes().all(allowed) && !label.starts_with('-') && !label.ends_with('-')
}

/// Splits `host[:port]` without judging the host.
pub(super) fn split_port(authority: &str, scheme: Scheme) -> Result<(&str, u16), UrlError> {
    let after_bracket = authority.rfind(']').map_or(0, |at| at + 1);
    let tail = authority.get(after_bracket..).unwrap_or_default();
    let Some(colon) = tail.find(':').map(|at| at + after_bracket) else {
        return scheme.default_port().map(|port| (authority, port)).ok_or(UrlError::NoPort);
    };
    let (host, port) = authority.split_at_checked(colon).ok_or(UrlError::Port)?;
    let digits = port.strip_prefix(':').ok_or(UrlError::Port)?;
    let plain = !digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit());
    match digits.parse::<u16>() {
        Ok(port) if plain => Ok((host, port)),
        _ => Err(UrlError::Port),
    }
}

/// Where a request goes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Destination {
    scheme: Scheme,
    host: Host,
    port: u16,
}

impl Destination {
    /// Reads an absolute URL. The returned [`Url`] is the value to dial; its fragment is removed.
    ///
    /// # Errors
    ///
    /// See [`UrlError`].
    pub fn parse(text: &str) -> Result<(Self, Url), UrlError> {
        if text.bytes().any(|b| b <= b' ' || b == 0x7f) {
            return Err(UrlError::Control);
        }
        let (scheme, rest) = Scheme::split(text)?;
        if !scheme.is_http() {
            return Err(UrlError::Scheme);
        }
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if authority.contains('@') {
            return Err(UrlError::UserInfo);
        }
        let (host_text, port) = split_port(authority, scheme)?;
        let host = Host::parse(host_text)?;
        let mut url = Url::parse(text).map_err(|_| UrlError::Ambiguous)?;
        url.set_fragment(None);
        let destination = Self { scheme, host, port };
        if destination.agrees_with(&url) { Ok((destination, url)) } else { Err(UrlError::Ambiguous) }
    }

    /// A stream to a host as a program names it: a name, or an address, IPv6 without brackets.
    ///
    /// ```
    /// use sluicegate::policy::egress::{Destination, Scheme};
    ///
    /// let to = Destination::stream(Scheme::Tcp, "2001:db8::1", 5432)?;
    /// assert_eq!(to.to_string(), "tcp://[2001:db8::1]:5432");
    /// assert!(Destination::stream(Scheme::Tls, "db.example.com/x", 5432).is_err());
    /// assert!(Destination::stream(Scheme::Https, "db.example.com", 443).is_err());
    /// # Ok::<(), sluicegate::policy::egress::UrlError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// See [`UrlError`].
    pub fn stream(scheme: Scheme, host: &str, port: u16) -> Result<Self, UrlError> {
        if scheme.is_http() {
            return Err(UrlError::Scheme);
        }
        if port == 0 {
            return Err(UrlError::Port);
        }
        let host = match host.contains(':') {
            true => Host::parse(&format!("[{host}]"))?,
            false => Host::parse(host)?,
        };
        Ok(Self { scheme, host, port })
    }

    /// The same place in another scheme.
    #[must_use]
    pub fn with_scheme(&self, scheme: Scheme) -> Self {
        Self { scheme, ..self.clone() }
    }

    /// Whether a URL leads here and nowhere else.
    fn agrees_with(&self, url: &Url) -> bool {
        url.scheme() == self.scheme.as_str()
            && url.username().is_empty()
            && url.password().is_none()
            && url.host_str().is_some_and(|host| host == self.host.to_string())
            && url.port_or_known_default() == Some(self.port)
    }

    /// The scheme.
    #[must_use]
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The host.
    #[must_use]
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The port, 1 to 65535.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme.as_str(), self.host)?;
        if Some(self.port) == self.scheme.default_port() { Ok(()) } else { write!(f, ":{}", self.port) }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    /// What the grammar lets through agrees with the parser of URLs as far as anybody knows; this is for the rest.
    #[test]
    fn a_url_that_leads_elsewhere_does_not_agree() {
        let (destination, _) = Destination::parse("https://good.example/").unwrap();
        let agrees = |url: &str| destination.agrees_with(&Url::parse(url).unwrap());
        assert!(agrees("https://good.example/x") && agrees("https://good.example:443/"));
        for url in [
            "http://good.example/",
            "https://evil.example/",
            "https://good.example:8443/",
            "https://user@good.example/",
            "https://:password@good.example/",
            "data:text/plain,good.example",
        ] {
            assert!(!agrees(url), "{url}");
        }
    }
}
