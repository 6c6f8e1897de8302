//! Secrets that the host holds: a connector sees a placeholder, and the host puts the value in its place on the
//! way out, toward the hosts that the secret is bound to and nowhere else.
//!
//! The threat: a connector that is hostile, or a library inside it, sends a credential to a place of its choice,
//! keeps it in a row, or spells it backwards into a log. What it never had it cannot send.
//!
//! ```toml
//! [secrets.api_key]
//! hosts = ["https://api.example.com"]
//! in = ["header"]                      # the default; also "query" and "body"
//!
//! [secrets.dsn]                        # no hosts: the connector gets the value, people never see it
//!
//! [oauth.access_token]                 # the host fetches tokens; see `OauthRule`
//! token_url = "https://login.example.com/oauth/token"
//! flow = "client-credentials"
//! client_id = "client_id"              # names of configuration values
//! client_secret = "client_secret"
//! hosts = ["https://api.example.com"]
//! ```
//!
//! A placeholder that stands anywhere else in a request is refused, and not sent: it would be of no use there, so
//! it is a mistake or an attempt. A secret leaves over plain `http` only where an operator bound it to such a host.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use memchr::memmem;
use serde::{Deserialize, Deserializer};

use super::base64;
use super::egress::{Destination, NetworkGrant};

/// What every placeholder begins with. Letters and digits only, so that no encoding of URLs, forms or JSON
/// changes it.
pub const PLACEHOLDER_PREFIX: &str = "slcsecret";
/// Hexadecimal digits after it: 128 bits that nobody guesses.
pub const PLACEHOLDER_DIGITS: usize = 32;
/// Most secrets and tokens of one connector.
pub const MAX_SECRETS: usize = 64;
/// Longest name of a secret, in bytes.
pub const SECRET_NAME_BYTES: usize = 200;

/// Where in a request a secret may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    /// The value of a header field, also inside the base64 of `Authorization: Basic`.
    Header,
    /// What follows the `?` of the URL.
    Query,
    /// The body.
    Body,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Header => "header",
            Self::Query => "query",
            Self::Body => "body",
        })
    }
}

fn header() -> BTreeSet<Place> {
    BTreeSet::from([Place::Header])
}

/// How one secret is treated.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecretRule {
    /// Where it may be sent. Empty: the connector has the value itself.
    #[serde(default, deserialize_with = "grants")]
    pub hosts: Vec<NetworkGrant>,
    /// Where it may stand there.
    #[serde(default = "header", rename = "in")]
    pub places: BTreeSet<Place>,
}

impl Default for SecretRule {
    fn default() -> Self {
        Self { hosts: Vec::new(), places: header() }
    }
}

/// How the host gets a token (RFC 6749).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Flow {
    /// Section 4.4: with the client's own credentials.
    ClientCredentials,
    /// Section 6: with a refresh token, which the server may replace.
    RefreshToken,
}

/// How the client says who it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ClientAuthentication {
    /// `Authorization: Basic`, which every server must take.
    #[default]
    Basic,
    /// `client_id` and `client_secret` in the body.
    Body,
}

/// A token that the host fetches, holds and renews.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OauthRule {
    /// Where tokens are given out; the host alone may go there, unless it is granted too.
    pub token_url: String,
    /// How.
    pub flow: Flow,
    /// Name of the configuration value with the client's id.
    pub client_id: String,
    /// Name of the secret with the client's secret; a public client has none.
    pub client_secret: Option<String>,
    /// Name of the secret with the refresh token.
    pub refresh_token: Option<String>,
    /// Scopes to ask for, divided by spaces.
    pub scope: Option<String>,
    /// How the client says who it is.
    #[serde(default)]
    pub client_authentication: ClientAuthentication,
    /// Where the token may be sent.
    #[serde(deserialize_with = "grants")]
    pub hosts: Vec<NetworkGrant>,
    /// Where it may stand there.
    #[serde(default = "header", rename = "in")]
    pub places: BTreeSet<Place>,
}

fn grants<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<NetworkGrant>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    let parsed = texts.iter().map(|text| {
        text.parse().map_err(|error| serde::de::Error::custom(format!("`{}`: {error}", text.escape_debug())))
    });
    parsed.collect()
}

/// What is said of a connector's secrets, each by the name of its configuration value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct SecretRules {
    /// Secrets.
    #[serde(default)]
    pub secrets: BTreeMap<String, SecretRule>,
    /// Tokens that the host fetches.
    #[serde(default)]
    pub oauth: BTreeMap<String, OauthRule>,
}

/// Why rules cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// Too many.
    #[error("more than {MAX_SECRETS} secrets")]
    TooMany,
    /// A name that is none.
    #[error("the name of a secret is empty, has control characters or more than {SECRET_NAME_BYTES} bytes")]
    Name,
    /// One name, two meanings.
    #[error("`{0}` is both a secret and a token")]
    Twice(String),
    /// A token without a place to be sent to.
    #[error("[oauth.{0}] names no hosts; say where its tokens may be sent")]
    NoHosts(String),
    /// A host that takes no requests.
    #[error("`{name}` is bound to {host}: a secret is put into HTTP requests only, so write https://")]
    Stream {
        /// The secret.
        name: String,
        /// The host.
        host: String,
    },
    /// No URL.
    #[error("[oauth.{name}] token_url: {reason}")]
    TokenUrl {
        /// The token.
        name: String,
        /// Why.
        reason: String,
    },
    /// The flow needs a value that is not named.
    #[error("[oauth.{name}] needs `{key}` for this flow")]
    Missing {
        /// The token.
        name: String,
        /// The key.
        key: &'static str,
    },
    /// A project may not decide this.
    #[error(
        "`{name}` would be sent to {host}, {why}; that is an operator's decision: write the section into a file for --settings"
    )]
    NotForProjects {
        /// The secret.
        name: String,
        /// The host.
        host: String,
        /// What is wrong with it.
        why: &'static str,
    },
}

/// Whether a secret may have this name.
#[must_use]
pub fn is_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= SECRET_NAME_BYTES && !name.chars().any(char::is_control)
}

impl SecretRules {
    /// Holds the rules against what they must be.
    ///
    /// # Errors
    /// The first that cannot be used.
    pub fn check(&self) -> Result<(), RuleError> {
        if self.secrets.len() + self.oauth.len() > MAX_SECRETS {
            return Err(RuleError::TooMany);
        }
        if !self.secrets.keys().chain(self.oauth.keys()).all(|name| is_name(name)) {
            return Err(RuleError::Name);
        }
        let secrets = self.secrets.iter().map(|(name, rule)| (name, &rule.hosts));
        for (name, hosts) in secrets.chain(self.oauth.iter().map(|(name, rule)| (name, &rule.hosts))) {
            if let Some(host) = hosts.iter().find(|host| !host.is_http()) {
                return Err(RuleError::Stream { name: name.clone(), host: host.to_string() });
            }
        }
        for (name, rule) in &self.oauth {
            let missing = |key| RuleError::Missing { name: name.clone(), key };
            if self.secrets.contains_key(name) {
                return Err(RuleError::Twice(name.clone()));
            }
            if rule.hosts.is_empty() {
                return Err(RuleError::NoHosts(name.clone()));
            }
            Destination::parse(&rule.token_url)
                .map_err(|error| RuleError::TokenUrl { name: name.clone(), reason: error.to_string() })?;
            match rule.flow {
                Flow::ClientCredentials if rule.client_secret.is_none() => return Err(missing("client_secret")),
                Flow::RefreshToken if rule.refresh_token.is_none() => return Err(missing("refresh_token")),
                Flow::ClientCredentials | Flow::RefreshToken => {}
            }
        }
        Ok(())
    }

    /// The rules of a project's own file, which may not send a secret out in plain or into the operator's network.
    ///
    /// # Errors
    /// As [`check`](Self::check), and when one would do that.
    pub fn from_project(self) -> Result<Self, RuleError> {
        self.check()?;
        let refuse =
            |name: &String, host: String, why| Err(RuleError::NotForProjects { name: name.clone(), host, why });
        let secrets = self.secrets.iter().map(|(name, rule)| (name, &rule.hosts));
        for (name, hosts) in secrets.chain(self.oauth.iter().map(|(name, rule)| (name, &rule.hosts))) {
            for host in hosts {
                if host.is_plain() {
                    return refuse(name, host.to_string(), "which is not encrypted");
                }
                if host.is_non_public() {
                    return refuse(name, host.to_string(), "which is not a public host");
                }
            }
        }
        for (name, rule) in &self.oauth {
            match token_grant(rule) {
                Some(grant) if grant.is_plain() => return refuse(name, grant.to_string(), "which is not encrypted"),
                Some(grant) if grant.is_non_public() => {
                    return refuse(name, grant.to_string(), "which is not a public host");
                }
                _ => {}
            }
        }
        Ok(self)
    }

    /// Both; what `operator` says of a name holds alone.
    #[must_use]
    pub fn overridden_by(mut self, operator: Self) -> Self {
        for name in operator.secrets.keys() {
            self.oauth.remove(name);
        }
        for name in operator.oauth.keys() {
            self.secrets.remove(name);
        }
        self.secrets.extend(operator.secrets);
        self.oauth.extend(operator.oauth);
        self
    }

    /// Every name of a secret value: the secrets, the tokens, and what tokens are fetched with.
    pub fn names(&self) -> impl Iterator<Item = &String> {
        let with = self.oauth.values().flat_map(|rule| rule.client_secret.iter().chain(&rule.refresh_token));
        self.secrets.keys().chain(self.oauth.keys()).chain(with)
    }
}

/// The grant that the host needs to fetch a token; `None` when the URL is none.
#[must_use]
pub fn token_grant(rule: &OauthRule) -> Option<NetworkGrant> {
    let (destination, _) = Destination::parse(&rule.token_url).ok()?;
    destination.to_string().parse().ok()
}

/// One secret that the host holds, without its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// Its name.
    pub name: String,
    /// What the connector has in its place.
    pub placeholder: String,
    /// Where it may be sent.
    pub hosts: Vec<NetworkGrant>,
    /// Where it may stand there.
    pub places: BTreeSet<Place>,
}

impl Binding {
    fn goes_to(&self, to: &Destination) -> bool {
        self.hosts.iter().any(|host| host.matches(to))
    }
}

/// A placeholder where its secret may not go.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct SecretDenied {
    text: String,
}

/// All secrets that the host holds in a sync. The default holds none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bindings(Vec<Binding>);

impl Bindings {
    /// These, numbered in order.
    #[must_use]
    pub fn new(all: Vec<Binding>) -> Self {
        Self(all)
    }

    /// In order.
    #[must_use]
    pub fn all(&self) -> &[Binding] {
        &self.0
    }

    /// Which placeholders stand in the text, by number.
    #[must_use]
    pub fn found(&self, text: &[u8]) -> BTreeSet<usize> {
        marks(text).filter_map(|(_, mark)| self.number(mark)).collect()
    }

    /// The secret of a placeholder.
    #[must_use]
    pub fn number(&self, placeholder: &[u8]) -> Option<usize> {
        self.0.iter().position(|binding| binding.placeholder.as_bytes() == placeholder)
    }

    /// Judges the head of a request and answers which secrets it needs.
    ///
    /// # Errors
    /// When a placeholder stands where its secret may not.
    pub fn judge_head<'a>(
        &self,
        to: &Destination,
        url: &str,
        headers: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    ) -> Result<BTreeSet<usize>, SecretDenied> {
        let (before, query) = url.split_once('?').unwrap_or((url, ""));
        if let Some(number) = self.found(before.as_bytes()).first() {
            return Err(self.denied(*number, to, "path"));
        }
        let mut uses = self.judge(to, Place::Query, query.as_bytes())?;
        for (name, value) in headers {
            if let Some(number) = self.found(name.as_bytes()).first() {
                return Err(self.denied(*number, to, "name of a header field"));
            }
            uses.extend(self.judge(to, Place::Header, value)?);
            if let Some(inner) = basic(value) {
                uses.extend(self.judge(to, Place::Header, &inner)?);
            }
        }
        Ok(uses)
    }

    /// Judges one part of a request.
    ///
    /// # Errors
    /// As [`judge_head`](Self::judge_head).
    pub fn judge(&self, to: &Destination, place: Place, text: &[u8]) -> Result<BTreeSet<usize>, SecretDenied> {
        let found = self.found(text);
        for number in &found {
            let may = self.0.get(*number).is_some_and(|binding| binding.goes_to(to) && binding.places.contains(&place));
            if !may {
                return Err(self.denied(*number, to, &place.to_string()));
            }
        }
        Ok(found)
    }

    /// Whether any secret may stand in a body that goes there.
    #[must_use]
    pub fn in_bodies(&self, to: &Destination) -> bool {
        self.0.iter().any(|binding| binding.places.contains(&Place::Body) && binding.goes_to(to))
    }

    fn denied(&self, number: usize, to: &Destination, place: &str) -> SecretDenied {
        let Some(binding) = self.0.get(number) else { return SecretDenied { text: String::new() } };
        let hosts: Vec<_> = binding.hosts.iter().map(ToString::to_string).collect();
        let places: Vec<_> = binding.places.iter().map(ToString::to_string).collect();
        let name = binding.name.escape_debug();
        let bound = hosts.join(", ");
        let text = match binding.goes_to(to) {
            true => format!(
                "the secret `{name}` may not stand in the {place} of a request to {to}, only in: {}; an operator can \
                 change that with `in` of [secrets.{name}] in a settings file",
                places.join(", ")
            ),
            false => format!(
                "the secret `{name}` may not go to {to}: it is bound to {bound}; an operator can bind it with \
                 --hold-secret {name}={to}"
            ),
        };
        SecretDenied { text }
    }
}

/// What a `Basic` credential holds, in plain.
#[must_use]
pub fn basic(value: &[u8]) -> Option<Vec<u8>> {
    let (scheme, rest) = value.split_at_checked(6)?;
    if !scheme.eq_ignore_ascii_case(b"basic ") {
        return None;
    }
    base64::decode(std::str::from_utf8(rest).ok()?.trim())
}

/// Everything that looks like a placeholder, and where it begins.
pub(super) fn marks(text: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let length = PLACEHOLDER_PREFIX.len() + PLACEHOLDER_DIGITS;
    memmem::find_iter(text, PLACEHOLDER_PREFIX)
        .filter_map(move |at| text.get(at..at.checked_add(length)?).map(|mark| (at, mark)))
}

/// A placeholder of these random bytes.
#[must_use]
pub fn placeholder(random: [u8; PLACEHOLDER_DIGITS / 2]) -> String {
    random.iter().fold(PLACEHOLDER_PREFIX.to_owned(), |text, byte| format!("{text}{byte:02x}"))
}

#[cfg(test)]
#[path = "held_tests.rs"]
mod tests;
