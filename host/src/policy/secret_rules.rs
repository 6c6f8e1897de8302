//! What an operator or a project says of secrets: which there are, where each may go, and how tokens are fetched.
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

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Deserializer};

use super::egress::{Destination, NetworkGrant};

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
        if let Some((name, host)) = self.bound().find(|(_, host)| !host.is_http()) {
            return Err(RuleError::Stream { name: name.clone(), host: host.to_string() });
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
        let tokens = self.oauth.iter().filter_map(|(name, rule)| Some((name, token_grant(rule)?)));
        for (name, host) in self.bound().map(|(name, host)| (name, host.clone())).chain(tokens) {
            let why = match (host.is_plain(), host.is_non_public()) {
                (true, _) => "which is not encrypted",
                (false, true) => "which is not a public host",
                (false, false) => continue,
            };
            return Err(RuleError::NotForProjects { name: name.clone(), host: host.to_string(), why });
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

    /// Where each secret and token may go.
    fn bound(&self) -> impl Iterator<Item = (&String, &NetworkGrant)> {
        let secrets = self.secrets.iter().map(|(name, rule)| (name, &rule.hosts));
        let tokens = self.oauth.iter().map(|(name, rule)| (name, &rule.hosts));
        secrets.chain(tokens).flat_map(|(name, hosts)| hosts.iter().map(move |host| (name, host)))
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
