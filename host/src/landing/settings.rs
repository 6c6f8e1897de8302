//! An operator's settings as a file: the sections `[destination]`, `[limits]`, `[secrets]` and `[oauth]` in a file of
//! the operator's own, and all of them but `[limits]` in a project's `connector.toml`.
//!
//! A key or value that means nothing is refused: a misspelled `block_columns` would protect nothing.

use std::collections::BTreeMap;

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};

use super::decisions::Landing;
use crate::policy::held::{OauthRule, SecretRule, SecretRules};
use crate::policy::limits::{Limits, LimitsError};

/// Why settings cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}{}: {reason}", place.as_ref().map(|key| format!(", in {key}")).unwrap_or_default())]
pub struct SettingsError {
    /// The line, from 1.
    pub line: usize,
    /// The section or key.
    pub place: Option<String>,
    /// What is wrong and what may stand there.
    pub reason: String,
}

/// What an operator's file says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// How rows land.
    #[serde(default, rename = "destination")]
    pub landing: Landing,
    /// Limits by name, as [`Limits::set`] reads them.
    #[serde(default)]
    pub limits: LimitSettings,
    /// Secrets, by the name of their value.
    #[serde(default)]
    pub secrets: BTreeMap<String, SecretRule>,
    /// Tokens that the host fetches, by the name of their value.
    #[serde(default)]
    pub oauth: BTreeMap<String, OauthRule>,
}

/// Limits by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LimitSettings(BTreeMap<String, String>);

impl LimitSettings {
    /// Sets these limits; the others stay.
    ///
    /// # Errors
    /// As [`Limits::set`].
    pub fn apply(&self, limits: &mut Limits) -> Result<(), LimitsError> {
        self.0.iter().try_for_each(|(name, value)| limits.set(name, value))
    }

    /// Adds others, which win.
    pub fn extend(&mut self, stronger: Self) {
        self.0.extend(stronger.0);
    }
}

impl<'de> Deserialize<'de> for LimitSettings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let values = BTreeMap::<String, LimitValue>::deserialize(deserializer)?;
        let written = values.into_iter().map(|(name, value)| (name, value.written()));
        let limits = Self(written.collect());
        limits.apply(&mut Limits::default()).map_err(D::Error::custom)?;
        Ok(limits)
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum LimitValue {
    Whole(u64),
    Part(f64),
    Text(String),
}

impl LimitValue {
    fn written(self) -> String {
        match self {
            Self::Whole(number) => number.to_string(),
            Self::Part(number) => number.to_string(),
            Self::Text(text) => text,
        }
    }
}

/// A file whose other sections are somebody else's.
#[derive(Default, Deserialize)]
struct Among {
    #[serde(default)]
    destination: Landing,
}

/// Reads an operator's file, which holds [`Settings`] and nothing else.
///
/// # Errors
/// When it is not TOML, or a key or value means nothing.
pub fn read(text: &str) -> Result<Settings, SettingsError> {
    parse::<Settings>(text)
}

/// Reads the `[destination]` section of a file that has others.
///
/// # Errors
/// As [`read`], for that section.
pub fn read_section(text: &str) -> Result<Landing, SettingsError> {
    parse::<Among>(text).map(|file| file.destination)
}

/// Reads `[secrets]` and `[oauth]` of an operator's file.
///
/// # Errors
/// As [`read`].
pub fn read_secrets(text: &str) -> Result<SecretRules, SettingsError> {
    let Settings { secrets, oauth, .. } = parse(text)?;
    checked(SecretRules { secrets, oauth })
}

/// Reads `[secrets]` and `[oauth]` of a file that has other sections; as it stands, not yet judged as a project's.
///
/// # Errors
/// As [`read`], for those sections.
pub fn read_secret_sections(text: &str) -> Result<SecretRules, SettingsError> {
    parse::<SecretRules>(text).and_then(checked)
}

fn checked(rules: SecretRules) -> Result<SecretRules, SettingsError> {
    match rules.check() {
        Ok(()) => Ok(rules),
        Err(error) => Err(SettingsError { line: 1, place: Some("secrets".to_owned()), reason: error.to_string() }),
    }
}

fn parse<T: DeserializeOwned>(text: &str) -> Result<T, SettingsError> {
    toml::from_str(text).map_err(|mut error| {
        let start = error.span().map_or(0, |span| span.start);
        let before = text.get(..start).unwrap_or(text);
        let reason = error.message().to_owned();
        // Without the text, the error ends with the path of keys.
        error.set_input(None);
        let shown = error.to_string();
        let place = shown.trim_end().rsplit_once("\nin ").map(|(_, keys)| keys.to_owned());
        SettingsError { line: before.matches('\n').count() + 1, place, reason: reason.replace('\n', "; ") }
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::landing::{Deletes, SchemaChanges};

    #[test]
    fn everything_that_may_stand_there() {
        let text = r#"
            [destination]
            deletes = "hard"
            on_type_mismatch = "widen"
            on_bad_row = "quarantine"
            schema_changes = "block-all"
            naming = "source"
            system_columns = "fivetran"
            [destination.tables.users]
            history = true
            lock_types = true
            hash_columns = ["email"]
            block_columns = ["password"]
            [destination.tables."sales.audit"]
            block = true
            deletes = "soft"
            [limits]
            cpu = 90
            wall = 0.5
            response_bytes = "1MiB"
        "#;
        let Settings { landing, limits: set, .. } = read(text).unwrap();
        let mut limits = Limits::default();
        set.apply(&mut limits).unwrap();
        assert_eq!((limits.cpu.as_secs(), limits.wall.as_millis(), limits.response_bytes), (90, 500, 1 << 20));
        assert_eq!(landing.schema_changes, Some(SchemaChanges::BlockAll));
        assert_eq!(landing.deletes(Some("sales"), "audit"), Deletes::Soft);
        assert!(landing.table(Some("sales"), "audit").unwrap().block);
        assert_eq!(read_section(&format!("name = 'x'\n{text}")).unwrap(), landing);
        assert_eq!(read("").unwrap(), Settings::default());
    }

    #[test]
    fn what_means_nothing_is_refused_with_its_place() {
        for (text, line, expected) in [
            ("[destinatoin]", 1, "unknown field `destinatoin`"),
            ("[destination]\ndelete = 'hard'", 2, "unknown field `delete`, expected one of `deletes`"),
            ("[destination]\n\ndeletes = 'harsh'", 3, "unknown variant `harsh`, expected `soft` or `hard`"),
            ("[destination.tables.users]\nblock_column = ['a']", 2, "in `destination.tables.users`: unknown field"),
            ("[destination.tables.users]\nblock_columns = 'a'", 2, "expected a sequence"),
            (
                "[destination.tables.\"a.b.c\"]\nblock = true",
                1,
                "`a.b.c`: a table is named as `table` or `schema.table`",
            ),
            ("[destination.tables.users]\nblock = 1", 2, "expected a boolean"),
            ("destination = ", 1, "string"),
            ("[limits]\nmemory = 1", 1, "there is no limit memory"),
            ("[limits]\ncpu = 'soon'", 1, "limit cpu: write seconds"),
            ("[limits]\ncpu = -1", 1, "limit cpu: write seconds"),
        ] {
            let error = read(text).unwrap_err();
            let message = error.to_string();
            assert_eq!(error.line, line, "{text}: {message}");
            assert!(message.contains(expected), "{text}: {message}");
            assert!(!message.contains('\n'), "{message}");
        }
    }
}
