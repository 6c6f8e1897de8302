//! `connector.toml`: what a project is called and what it asks for.
//!
//! ```toml
//! name = "shop"          # default: the folder's name
//! version = "1.0.0"      # default: 0.0.0
//!
//! [network]
//! allow = ["https://api.example.com"]
//!
//! [limits]
//! memory_mib = 512       # also cpu_seconds, wall_seconds, rows, requests
//!
//! [destination]          # how rows land when this folder is run, see `landing/decisions.rs`
//! deletes = "hard"
//!
//! [secrets.api_key]      # also [oauth.NAME], see `policy/held.rs`
//! hosts = ["https://api.example.com"]
//! ```
//!
//! `FILE` has every key. Asking grants nothing: the operator does. `[destination]` is for a project that is run from its folder, whose
//! author is its operator; a component takes nothing of it along.

use toml::{Table, Value};

use crate::keys::{self, ANY, DESTINATION, Key, Kind, OAUTH, SECRET, key};
use crate::landing::Landing;
use crate::landing::settings::{self, SettingsError};
use crate::policy::egress::NetworkGrant;
use crate::policy::held::{RuleError, SecretRules};
use crate::stamp::{AskedLimits, MAX_NAME_BYTES, is_name, is_version};

/// The file's name in the project's folder.
pub const MANIFEST: &str = "connector.toml";
/// Most network destinations one project may ask for.
pub const MAX_ASKED_DESTINATIONS: usize = 256;
/// Every key of the file.
pub(crate) const FILE: &[Key] = &[
    key(
        "name",
        Kind::Text,
        "What the connector is called: 1 to 63 lower-case letters, digits, - or _. Default: after the folder",
    ),
    key("version", Kind::Text, "Its version: letters, digits, ., +, - or _. Default: 0.0.0"),
    key("network", Kind::Table(NETWORK), "Where it goes"),
    key("limits", Kind::Table(LIMITS), "What it needs beyond the defaults. The operator decides"),
    key(
        "destination",
        Kind::Table(DESTINATION),
        "How rows land when this folder is run. A component takes nothing of it along",
    ),
    key(
        "secrets",
        Kind::ByName(SECRET),
        "Configuration values that are secret, by name, and the public hosts they may be sent to, over TLS alone. A \
         component takes nothing of it along",
    ),
    key(
        "oauth",
        Kind::ByName(OAUTH),
        "Tokens that the host fetches, by name of the configuration value. A component takes nothing of it along",
    ),
];

const NETWORK: &[Key] = &[key(
    "allow",
    Kind::Texts,
    "Hosts it asks for, at most 256, such as https://api.example.com, https://*.example.com, \
     tls://db.example.com:5432. Public ones are granted when this folder is run; a component only asks",
)];

const LIMITS: &[Key] = &[
    key("memory_mib", Kind::Count(1, ANY), "Memory, in MiB"),
    key("cpu_seconds", Kind::Count(1, ANY), "Processor time, in seconds"),
    key("wall_seconds", Kind::Count(1, ANY), "Time from start to end, in seconds"),
    key("rows", Kind::Count(1, ANY), "Rows of one sync"),
    key("requests", Kind::Count(1, ANY), "HTTP requests of one sync"),
];

/// The JSON Schema (2020-12) of the file.
#[must_use]
pub fn schema() -> serde_json::Value {
    crate::keys::schema("connector.toml: what a connector is called and what it asks for", FILE)
}

/// The parsed file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    /// The connector's name, when given.
    pub name: Option<String>,
    /// The connector's version, when given.
    pub version: Option<String>,
    /// The network destinations asked for.
    pub network: Vec<NetworkGrant>,
    /// The limits asked for.
    pub limits: AskedLimits,
    /// How its rows land.
    pub destination: Landing,
    /// What of its configuration is secret.
    pub secrets: SecretRules,
}

/// Why `connector.toml` cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ManifestError {
    /// Not TOML.
    #[error("connector.toml is not valid TOML: {0}")]
    Syntax(String),
    /// A key that means nothing here.
    #[error("connector.toml has an unknown key `{key}`; known keys{place} are {known}")]
    UnknownKey {
        /// The key.
        key: String,
        /// Where, for example ` in [limits]`.
        place: &'static str,
        /// The keys that may stand there.
        known: String,
    },
    /// A value of another type or out of range.
    #[error("connector.toml: `{key}` must be {expected}")]
    Value {
        /// The key.
        key: String,
        /// What is expected.
        expected: String,
    },
    /// The sections about secrets.
    #[error("connector.toml: {0}")]
    Secrets(#[from] RuleError),
    /// The section about the destination.
    #[error("connector.toml: {0}")]
    Destination(SettingsError),
    /// A network destination that is not a grant.
    #[error("connector.toml: network.allow[{index}]: {reason}")]
    Network {
        /// Which entry, from 0.
        index: usize,
        /// Why.
        reason: crate::policy::egress::GrantError,
    },
}

impl Manifest {
    /// Reads the text of a `connector.toml`.
    ///
    /// # Errors
    ///
    /// When it is not TOML, or a key or value means nothing to us.
    pub fn parse(text: &str) -> Result<Self, ManifestError> {
        let table: Table = text.parse().map_err(|error: toml::de::Error| ManifestError::Syntax(error.to_string()))?;
        check_keys(&table, "", FILE)?;
        let empty = Table::new();
        let network = section(&table, "network", &empty)?;
        check_keys(network, " in [network]", NETWORK)?;
        let limits = section(&table, "limits", &empty)?;
        check_keys(limits, " in [limits]", LIMITS)?;
        let name_is = "1 to 63 lower-case letters, digits, `-` or `_`, beginning with a letter or digit";
        let version_is = "text of letters, digits, `.`, `+`, `-` or `_`, for example \"1.0.0\"";
        Ok(Self {
            name: text_of(&table, "name", name_is, is_name)?,
            version: text_of(&table, "version", version_is, is_version)?,
            network: destinations(network)?,
            limits: AskedLimits {
                memory_mib: number(limits, "memory_mib")?,
                cpu_seconds: number(limits, "cpu_seconds")?,
                wall_seconds: number(limits, "wall_seconds")?,
                rows: number(limits, "rows")?,
                requests: number(limits, "requests")?,
            },
            destination: settings::read_section(text).map_err(ManifestError::Destination)?,
            secrets: settings::read_secret_sections(text).map_err(ManifestError::Destination)?.from_project()?,
        })
    }
}

/// The nearest name to a folder's name, or `connector`.
#[must_use]
pub fn name_from_folder(folder: &str) -> String {
    let lower = folder.to_lowercase();
    let replaced: String = lower.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' }).collect();
    let name: String = replaced.trim_matches(['-', '_']).chars().take(MAX_NAME_BYTES).collect();
    if is_name(&name) { name } else { "connector".to_owned() }
}

fn check_keys(table: &Table, place: &'static str, known: &'static [Key]) -> Result<(), ManifestError> {
    match table.keys().find(|name| !known.iter().any(|key| key.name == name.as_str())) {
        None => Ok(()),
        Some(name) => {
            let known = keys::names(known).collect::<Vec<_>>().join(", ");
            Err(ManifestError::UnknownKey { key: name.escape_debug().to_string(), place, known })
        }
    }
}

fn section<'a>(table: &'a Table, key: &str, empty: &'a Table) -> Result<&'a Table, ManifestError> {
    match table.get(key) {
        None => Ok(empty),
        Some(Value::Table(section)) => Ok(section),
        Some(_) => Err(ManifestError::Value { key: key.into(), expected: format!("a section, [{key}]") }),
    }
}

fn text_of(
    table: &Table,
    key: &str,
    expected: &str,
    accept: fn(&str) -> bool,
) -> Result<Option<String>, ManifestError> {
    match table.get(key) {
        None => Ok(None),
        Some(Value::String(text)) if accept(text) => Ok(Some(text.clone())),
        Some(_) => Err(ManifestError::Value { key: key.into(), expected: expected.into() }),
    }
}

fn number(table: &Table, key: &str) -> Result<Option<u64>, ManifestError> {
    match table.get(key) {
        None => Ok(None),
        Some(Value::Integer(value)) if *value > 0 => Ok(u64::try_from(*value).ok()),
        Some(_) => {
            Err(ManifestError::Value { key: format!("limits.{key}"), expected: "a whole number above 0".into() })
        }
    }
}

fn destinations(network: &Table) -> Result<Vec<NetworkGrant>, ManifestError> {
    let wrong = || ManifestError::Value {
        key: "network.allow".into(),
        expected: format!(
            "a list of at most {MAX_ASKED_DESTINATIONS} destinations such as \"https://api.example.com\""
        ),
    };
    let Some(value) = network.get("allow") else {
        return Ok(Vec::new());
    };
    let entries = value.as_array().filter(|list| list.len() <= MAX_ASKED_DESTINATIONS).ok_or_else(wrong)?;
    let parse = |(index, entry): (usize, &Value)| {
        let text = entry.as_str().ok_or_else(wrong)?;
        text.parse().map_err(|reason| ManifestError::Network { index, reason })
    };
    entries.iter().enumerate().map(parse).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn everything_that_may_stand_in_the_file() {
        let manifest = Manifest::parse(
            r#"
            name = "shop"
            version = "1.0.0"
            [network]
            allow = ["https://api.example.com", "https://*.example.org"]
            [limits]
            memory_mib = 512
            rows = 1000
            [destination.tables.users]
            block_columns = ["password"]
            "#,
        )
        .unwrap();
        assert_eq!(manifest.name.as_deref(), Some("shop"));
        assert_eq!(manifest.network.len(), 2);
        assert_eq!(manifest.limits.memory_mib, Some(512));
        assert_eq!(manifest.limits.cpu_seconds, None);
        assert!(manifest.destination.table(None, "users").unwrap().block_columns.contains("password"));
    }

    #[test]
    fn every_key_is_read() {
        for key in FILE.iter().chain(NETWORK).chain(LIMITS) {
            let section = [("network", NETWORK), ("limits", LIMITS)]
                .into_iter()
                .find(|(_, keys)| keys.iter().any(|one| one.name == key.name));
            let value = match key.kind {
                Kind::Table(_) if key.name == "network" => "{ allow = ['https://a.example'] }",
                Kind::Table(_) if key.name == "limits" => "{ rows = 1 }",
                Kind::Table(_) => "{ deletes = 'hard' }",
                Kind::ByName(_) if key.name == "oauth" => {
                    "{ t = { token_url = 'https://a.example/t', flow = 'refresh-token', client_id = 'i', \
                     refresh_token = 'r', hosts = ['https://a.example'] } }"
                }
                Kind::ByName(_) => "{ s = { in = ['body'] } }",
                Kind::Texts => "['https://a.example']",
                Kind::Count(..) => "7",
                _ => "'x1'",
            };
            let text = match section {
                Some((section, _)) => format!("[{section}]\n{} = {value}", key.name),
                None => format!("{} = {value}", key.name),
            };
            assert_ne!(Manifest::parse(&text).unwrap(), Manifest::default(), "{text}");
        }
    }

    #[test]
    fn an_empty_file_asks_for_nothing() {
        assert_eq!(Manifest::parse("").unwrap(), Manifest::default());
    }

    #[test]
    fn what_means_nothing_is_refused_by_name() {
        let cases = [
            ("nmae = 'x'", "unknown key `nmae`; known keys are name, version, network, limits, destination"),
            ("[network]\nallowed = []", "unknown key `allowed`; known keys in [network] are allow"),
            ("[limits]\nmemory = 5", "unknown key `memory`; known keys in [limits] are memory_mib"),
            ("name = 'Shop'", "`name` must be"),
            ("version = 1", "`version` must be"),
            ("network = 'all'", "`network` must be a section"),
            ("[limits]\nrows = 0", "`limits.rows` must be a whole number above 0"),
            ("[limits]\nrows = -1", "`limits.rows` must be"),
            ("[network]\nallow = '*'", "`network.allow` must be a list"),
            ("[network]\nallow = ['https://a.example', '*']", "network.allow[1]"),
            ("name = ", "not valid TOML"),
            ("name = 'x'\n[destination]\nhistory = true", "connector.toml: line 3, in `destination`: unknown field"),
        ];
        for (text, expected) in cases {
            let message = Manifest::parse(text).unwrap_err().to_string();
            assert!(message.contains(expected), "{text}: {message}");
        }
    }

    #[test]
    fn a_folder_gives_a_name() {
        for (folder, name) in [
            ("Shop", "shop"),
            ("my connector", "my-connector"),
            ("-x-", "x"),
            ("日本", "connector"),
            ("a_b.c", "a_b-c"),
        ] {
            assert_eq!(name_from_folder(folder), name);
        }
    }
}
