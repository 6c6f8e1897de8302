//! An operator's settings as a file: the sections `[destination]`, `[secrets]` and `[oauth]`, in a file of the
//! operator's own or in a project's `connector.toml`.
//!
//! A key or value that means nothing is refused: a misspelled `block_columns` would protect nothing.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::decisions::Landing;
use crate::policy::held::{OauthRule, SecretRule, SecretRules};

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

/// A file that holds nothing else.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Alone {
    #[serde(default)]
    destination: Landing,
    #[serde(default)]
    secrets: BTreeMap<String, SecretRule>,
    #[serde(default)]
    oauth: BTreeMap<String, OauthRule>,
}

/// A file whose other sections are somebody else's.
#[derive(Default, Deserialize)]
struct Among {
    #[serde(default)]
    destination: Landing,
}

/// Reads `[destination]` of an operator's file, which holds the sections of operators and nothing else.
///
/// # Errors
/// When it is not TOML, or a key or value means nothing.
pub fn read(text: &str) -> Result<Landing, SettingsError> {
    parse::<Alone>(text).map(|file| file.destination)
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
    let Alone { secrets, oauth, .. } = parse(text)?;
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
        "#;
        let landing = read(text).unwrap();
        assert_eq!(landing.schema_changes, Some(SchemaChanges::BlockAll));
        assert_eq!(landing.deletes(Some("sales"), "audit"), Deletes::Soft);
        assert!(landing.table(Some("sales"), "audit").unwrap().block);
        assert_eq!(read_section(&format!("name = 'x'\n{text}")).unwrap(), landing);
        assert_eq!(read("").unwrap(), Landing::default());
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
        ] {
            let error = read(text).unwrap_err();
            let message = error.to_string();
            assert_eq!(error.line, line, "{text}: {message}");
            assert!(message.contains(expected), "{text}: {message}");
            assert!(!message.contains('\n'), "{message}");
        }
    }
}
