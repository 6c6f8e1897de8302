//! Every key of a fleet's file.

use super::retry::Retry;
use crate::keys::{DESTINATION, Key, Kind, OAUTH, SECRET, key};

/// The most syncs that may run at a time.
pub const MOST_AT_A_TIME: u64 = 10_000;

/// The file itself.
pub(crate) const FILE: &[Key] = &[
    key("warehouse", Kind::Path, "Folder of the databases, one <connection>.db each. Default: warehouse"),
    key(
        "concurrency",
        Kind::Count(1, MOST_AT_A_TIME),
        "Most syncs at a time. Default: four for each processor, and more while one idles and memory is left",
    ),
    key(
        "timeout",
        Kind::Duration,
        "The longest a batch may take; what still runs then is cancelled. Under `sluice serve`, the longest that all attempts of one sync may take, as the `timeout` of a connection",
    ),
    key("defaults", Kind::Table(DEFAULTS), "What holds for every connection that does not say otherwise"),
    key("connections", Kind::Connections(CONNECTION), "The connections, by name"),
];

/// What a connection may say, and what its defaults may say too.
macro_rules! connection_keys {
    ($($first:expr,)*) => {
        &[
            $($first,)*
            key("configuration", Kind::Configuration, "A JSON file with a flat object of strings, or a table of strings"),
            key("environment", Kind::TextsByName, "Environment variables that the connector sees"),
            key("pass_environment", Kind::Texts, "Names of your own environment variables that the connector sees"),
            key("allow", Kind::Texts, "Hosts it may reach, such as https://api.example.com, https://*.example.com, tls://db.example.com:5432"),
            key("allow_address", Kind::Texts, "Ranges of non-public addresses that granted hosts may have, such as db.internal=10.0.0.0/8"),
            key("ca_file", Kind::Path, "Certificate authorities that are trusted too, a PEM file"),
            key("limits", Kind::Limits, "Limits by name"),
            key("destination", Kind::Table(DESTINATION), "How rows land"),
            key("secrets", Kind::ByName(SECRET), "Configuration values that are secret, by name, and the hosts they may be sent to"),
            key("oauth", Kind::ByName(OAUTH), "Tokens that the host fetches, by name of the configuration value"),
            key("secret", Kind::Texts, "Names of configuration values that are secret, whatever they are called"),
            key("secret_files", Kind::TextsByName, "Secret configuration values, each from a file"),
            key("secret_environment", Kind::TextsByName, "Secret configuration values, each from one of your own environment variables"),
            key("require_jail", Kind::Flag, "Refuse to run where the connector's process cannot be jailed completely"),
            key("audit", Kind::Path, "Append grants, requests and denials to this file"),
            key("audit_paths", Kind::Flag, "Write the paths of requests into the audit log too"),
            key("every", Kind::Duration, "The time from the start of one sync to the next, at least 10s"),
            key("cron", Kind::Text, "When to sync, the five fields of a cron line"),
            key("time_zone", Kind::Text, "The time zone of cron, such as Europe/Berlin. Default: UTC"),
            key("retry", Kind::Table(RETRY), "How often a sync is tried again"),
            key("timeout", Kind::Duration, "The longest all attempts together may take, with the waits between them"),
            key("enabled", Kind::Flag, "Whether it is part of a batch that does not name it. Default: true"),
        ]
    };
}

/// A connection.
pub(crate) const CONNECTION: &[Key] =
    connection_keys!(key("component", Kind::Path, "A component (.wasm) or a project folder").needed(),);

/// What holds for all of them.
pub(crate) const DEFAULTS: &[Key] = connection_keys!();

/// The policy of retries.
pub(crate) const RETRY: &[Key] = &[
    key("attempts", Kind::Count(1, Retry::MOST_ATTEMPTS as u64), "Attempts in all, the first included. Default: 3"),
    key("wait", Kind::Duration, "Before the second attempt; doubled before each further one. Default: 10s"),
    key("longest_wait", Kind::Duration, "No wait is longer. Default: 5m"),
];
