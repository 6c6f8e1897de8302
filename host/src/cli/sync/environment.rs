//! The environment a connector sees: what the operator passes, and who it is.

use std::collections::{BTreeMap, BTreeSet};

use crate::cli::failure::Failure;

/// Most bytes of all names and values; the connector keeps them in its memory.
const MOST_BYTES: usize = 256 * 1024;

/// What `--env` and `--env-secret` say.
#[derive(Default)]
pub(in crate::cli) struct Environment {
    variables: BTreeMap<String, String>,
    /// Variables that are secrets, by the names of those.
    secrets: BTreeMap<String, String>,
}

impl Environment {
    /// Takes `NAME=VALUE` as it is, and for a `NAME` alone the value that `own` has.
    ///
    /// # Errors
    /// When a name is none, the operator has no such variable, or they are too large together. Values
    /// are never part of a message.
    pub(in crate::cli) fn parse(arguments: &[String], own: impl Fn(&str) -> Option<String>) -> Result<Self, Failure> {
        let mut variables = BTreeMap::new();
        for argument in arguments {
            let (name, value) = match argument.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (argument.as_str(), own(argument)),
            };
            check_name(name).map_err(|failure| failure.hint("pass NAME=VALUE, or NAME alone for your own value"))?;
            let value = value.ok_or_else(|| {
                Failure::refused(format!("--env {name}: there is no such variable here, or it is not UTF-8"))
                    .hint("set it, or pass its value with --env NAME=VALUE")
            })?;
            variables.insert(name.to_owned(), value);
        }
        let bytes: usize = variables.iter().map(|(name, value)| name.len() + value.len()).sum();
        if bytes > MOST_BYTES {
            return Err(Failure::refused(format!("the variables of --env are larger than {MOST_BYTES} bytes")));
        }
        Ok(Self { variables, secrets: BTreeMap::new() })
    }

    /// Takes `NAME=SECRET`, and for a `NAME` alone the secret that is called so.
    ///
    /// # Errors
    /// When a name is none.
    pub(super) fn and_secrets(mut self, arguments: &[String]) -> Result<Self, Failure> {
        for argument in arguments {
            let (name, secret) = argument.split_once('=').unwrap_or((argument, argument));
            check_name(name).map_err(|failure| failure.hint("pass --env-secret NAME=SECRET, or NAME alone"))?;
            self.secrets.insert(name.to_owned(), secret.to_owned());
        }
        Ok(self)
    }

    /// With the values of its secrets, as the connector has them in its configuration: for one that the host holds
    /// that is its placeholder. What they are called now is secret too.
    ///
    /// # Errors
    /// When there is no such secret.
    pub(super) fn with_values(
        mut self,
        configuration: &BTreeMap<String, String>,
        secret: &mut BTreeSet<String>,
    ) -> Result<Self, Failure> {
        for (name, called) in std::mem::take(&mut self.secrets) {
            let value = configuration.get(&called).filter(|_| secret.contains(&called)).ok_or_else(|| {
                Failure::refused(format!("--env-secret {name}: there is no secret `{}`", called.escape_debug()))
                    .hint("store it with `sluice secrets set`, or name a file with --secret-file")
            })?;
            self.variables.insert(name.clone(), value.clone());
            secret.insert(name);
        }
        Ok(self)
    }

    /// With the variables that say which connection is synced, unless they were passed.
    /// In a replay there is one that says so.
    pub(in crate::cli) fn with_connection(self, connection: &str, replay: bool) -> BTreeMap<String, String> {
        let own = [
            ("FIVETRAN_CONNECTION_ID", connection),
            ("FIVETRAN_CONNECTION_NAME", connection),
            ("FIVETRAN_GROUP_ID", "test_group_id"),
            ("FIVETRAN_DEPLOYMENT_MODEL", "local_debug"),
        ];
        let says = replay.then_some(("SLUICE_REPLAY", "1"));
        let mut variables: BTreeMap<_, _> =
            own.into_iter().chain(says).map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        variables.extend(self.variables);
        variables
    }
}

fn check_name(name: &str) -> Result<(), Failure> {
    if name.is_empty() || name.contains(|letter: char| letter.is_control() || letter.is_whitespace()) {
        return Err(Failure::refused("a variable has no name, or one of several words"));
    }
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<BTreeMap<String, String>, String> {
        let arguments: Vec<_> = arguments.iter().map(ToString::to_string).collect();
        let own = |name: &str| (name == "OWN").then(|| "mine".to_owned());
        let parsed = Environment::parse(&arguments, own).map_err(|failure| format!("{failure:?}"))?;
        Ok(parsed.with_connection("shop", false))
    }

    #[test]
    fn values_are_passed_and_passed_on() {
        let seen = parse(&["A=1", "B=x=y", "C=", "OWN", "A=2", "FIVETRAN_GROUP_ID=g"]).unwrap();
        let value = |name: &str| seen.get(name).map(String::as_str);
        assert_eq!(
            (value("A"), value("B"), value("C"), value("OWN")),
            (Some("2"), Some("x=y"), Some(""), Some("mine"))
        );
        assert_eq!((value("FIVETRAN_GROUP_ID"), value("FIVETRAN_CONNECTION_ID")), (Some("g"), Some("shop")));
        assert_eq!(seen.len(), 8);
    }

    #[test]
    fn what_has_no_name_or_value_is_refused_without_showing_it() {
        for bad in ["=secret-value", "", "a b=secret-value", "MISSING"] {
            let message = parse(&[bad]).unwrap_err();
            assert!(!message.contains("secret-value"), "{message}");
        }
        assert!(parse(&[&format!("A={}", "x".repeat(MOST_BYTES))]).is_err());
    }
}
