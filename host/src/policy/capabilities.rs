//! What a connector asked for when an operator accepted it for a connection, and whether it still is that.
//!
//! The threat: a new version that asks for more, or other code under the same name, runs because an older one did. So
//! the first component that a connection runs is remembered, with what it asked for; another one, or one that asks for
//! more, is refused with the difference until the operator accepts it. Accepting grants nothing: what a connector may
//! reach is what is asked *and* granted, and grants are given anew with every command.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::egress::NetworkGrant;

/// A connector as it was accepted, or as it comes. The default is nobody and asks for nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    /// The connector's name.
    pub connector: String,
    /// Its version, if it says one.
    #[serde(default)]
    pub version: Option<String>,
    /// SHA-256 of the component, in hexadecimal.
    pub component: String,
    /// Built from the operator's own project, whose component changes with every edit: only what it asks for counts.
    #[serde(default)]
    pub own_project: bool,
    /// The network destinations it asks for.
    #[serde(default)]
    pub network: Vec<String>,
    /// The limits it asks for, by name.
    #[serde(default)]
    pub limits: BTreeMap<String, u64>,
}

/// Why a connector does not run on a connection before it is accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// What was accepted: connector, version and the beginning of the digest.
    pub was: String,
    /// What came, when it is another component.
    pub is: Option<String>,
    /// What it asks for beyond what was accepted.
    pub more: Vec<String>,
    /// What it no longer asks for.
    pub less: Vec<String>,
}

impl Accepted {
    /// Holds a connector against what was accepted.
    ///
    /// # Errors
    ///
    /// The difference, when it is another component or asks for more.
    pub fn admit(&self, comes: &Self) -> Result<(), Changed> {
        let more = comes.beyond(self);
        let other = self.component != comes.component && !comes.own_project;
        if !other && more.is_empty() {
            return Ok(());
        }
        let is = (self.component != comes.component).then(|| comes.name());
        Err(Changed { was: self.name(), is, more, less: self.beyond(comes) })
    }

    /// What this asks for and `other` does not.
    fn beyond(&self, other: &Self) -> Vec<String> {
        let asked: Vec<NetworkGrant> = other.network.iter().filter_map(|text| text.parse().ok()).collect();
        let covered = |text: &String| {
            // what cannot be read is covered by nothing but itself
            other.network.contains(text)
                || text.parse::<NetworkGrant>().is_ok_and(|grant| asked.iter().any(|other| other.covers(&grant)))
        };
        let network = self.network.iter().filter(|text| !covered(text)).map(|text| format!("network {text}"));
        let limits = self.limits.iter().filter_map(|(name, value)| match other.limits.get(name) {
            Some(other) if value <= other => None,
            Some(other) => Some(format!("{name} {value} instead of {other}")),
            None => Some(format!("{name} {value}")),
        });
        network.chain(limits).collect()
    }

    fn name(&self) -> String {
        let version = self.version.as_ref().map(|version| format!(" {version}")).unwrap_or_default();
        let digest = self.component.get(..12).unwrap_or(&self.component);
        format!("{}{version} (sha256 {digest}…)", self.connector)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn connector(component: &str, network: &[&str], limits: &[(&str, u64)]) -> Accepted {
        Accepted {
            connector: "shop".to_owned(),
            version: Some("1.0".to_owned()),
            component: component.repeat(32),
            own_project: false,
            network: network.iter().map(ToString::to_string).collect(),
            limits: limits.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect(),
        }
    }

    #[test]
    fn the_same_component_is_admitted() {
        let accepted = connector("ab", &["https://api.example.com"], &[("rows", 5)]);
        assert_eq!(accepted.admit(&accepted.clone()), Ok(()));
    }

    #[test]
    fn another_component_is_refused_though_it_asks_for_the_same() {
        let accepted = connector("ab", &["https://api.example.com"], &[]);
        let changed = accepted.admit(&connector("cd", &["https://api.example.com"], &[])).unwrap_err();
        assert_eq!(changed.was, "shop 1.0 (sha256 abababababab…)");
        assert_eq!(changed.is.as_deref(), Some("shop 1.0 (sha256 cdcdcdcdcdcd…)"));
        assert!(changed.more.is_empty() && changed.less.is_empty());
    }

    #[test]
    fn what_it_asks_for_more_and_less_is_told() {
        let accepted =
            connector("ab", &["https://*.example.com", "https://old.example.net"], &[("rows", 5), ("requests", 9)]);
        let asks = connector(
            "cd",
            &["https://api.example.com", "https://evil.example.net", "http://api.example.com", "https://*.example.org"],
            &[("rows", 6), ("memory_mib", 512)],
        );
        let changed = accepted.admit(&asks).unwrap_err();
        assert_eq!(
            changed.more,
            [
                "network https://evil.example.net",
                "network http://api.example.com",
                "network https://*.example.org",
                "memory_mib 512",
                "rows 6 instead of 5",
            ]
        );
        assert_eq!(changed.less, ["network https://*.example.com", "network https://old.example.net", "requests 9"]);
    }

    #[test]
    fn an_own_project_changes_freely_but_asks_for_no_more() {
        let accepted = connector("ab", &["https://api.example.com"], &[]);
        let own = |network: &[&str]| Accepted { own_project: true, ..connector("cd", network, &[]) };
        assert_eq!(accepted.admit(&own(&["https://api.example.com"])), Ok(()));
        assert_eq!(accepted.admit(&own(&[])), Ok(()));
        let changed = accepted.admit(&own(&["https://api.example.com:8443"])).unwrap_err();
        assert_eq!(changed.more, ["network https://api.example.com:8443"]);
        assert!(own(&[]).admit(&connector("ef", &[], &[])).is_err(), "a component in its place is another");
    }
}
