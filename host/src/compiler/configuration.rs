//! `configuration.json`: one flat object of strings, as connectors expect it.

use std::collections::BTreeMap;

use serde_json::Value;

/// The file's name in the project's folder.
pub const CONFIGURATION: &str = "configuration.json";
/// Most entries of a configuration.
pub const MAX_ENTRIES: usize = 100;
/// Most bytes of a configuration as JSON text.
pub const MAX_CONFIGURATION_BYTES: usize = 1 << 20;

/// Why a configuration cannot be used. Values are never repeated: they may be secrets.
#[derive(Debug, thiserror::Error)]
pub enum ConfigurationError {
    /// More than [`MAX_CONFIGURATION_BYTES`].
    #[error("the configuration has more than {} KiB", MAX_CONFIGURATION_BYTES >> 10)]
    TooLarge,
    /// Not JSON.
    #[error("the configuration is not valid JSON (line {line}, column {column})")]
    Syntax {
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
    },
    /// JSON, but not an object.
    #[error("the configuration must be a JSON object of strings, such as {{\"api_key\": \"...\"}}")]
    NotAnObject,
    /// More than [`MAX_ENTRIES`].
    #[error("the configuration has {0} entries; at most {MAX_ENTRIES} are possible")]
    TooMany(usize),
    /// A value that is not a string.
    #[error("the configuration's `{key}` is {found}; every value must be a string, so write it in quotes{hint}")]
    NotAString {
        /// The entry.
        key: String,
        /// What its value is.
        found: &'static str,
        /// What else to do.
        hint: &'static str,
    },
}

/// Reads the text of a configuration.
///
/// # Errors
///
/// When it is not a flat JSON object of at most [`MAX_ENTRIES`] strings; names the first other entry.
pub fn parse(text: &str) -> Result<BTreeMap<String, String>, ConfigurationError> {
    if text.len() > MAX_CONFIGURATION_BYTES {
        return Err(ConfigurationError::TooLarge);
    }
    // An editor on Windows may have put a byte order mark there.
    let value: Value = serde_json::from_str(text.trim_start_matches('\u{feff}'))
        .map_err(|error| ConfigurationError::Syntax { line: error.line(), column: error.column() })?;
    let Value::Object(entries) = value else {
        return Err(ConfigurationError::NotAnObject);
    };
    if entries.len() > MAX_ENTRIES {
        return Err(ConfigurationError::TooMany(entries.len()));
    }
    entries.into_iter().map(entry).collect()
}

fn entry((key, value): (String, Value)) -> Result<(String, String), ConfigurationError> {
    let (found, hint) = match value {
        Value::String(text) => return Ok((key, text)),
        Value::Null => ("null", ""),
        Value::Bool(_) => ("a boolean", ""),
        Value::Number(_) => ("a number", ""),
        Value::Array(_) => ("a list", " as JSON text"),
        Value::Object(_) => ("an object", " as JSON text"),
    };
    Err(ConfigurationError::NotAString { key: key.escape_debug().to_string(), found, hint })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn a_flat_object_of_strings() {
        assert_eq!(parse(r#"{"a": "1", "b": ""}"#).unwrap().len(), 2);
        assert_eq!(parse("\u{feff}{}").unwrap().len(), 0);
    }

    #[test]
    fn anything_else_is_refused_by_key_and_without_its_value() {
        let cases = [
            (r#"{"a": 4711}"#, "`a` is a number"),
            (r#"{"a": true}"#, "`a` is a boolean"),
            (r#"{"a": null}"#, "`a` is null"),
            (r#"{"a": ["4711"]}"#, "`a` is a list"),
            (r#"{"a": {"b": "4711"}}"#, "`a` is an object"),
            (r#"["4711"]"#, "must be a JSON object"),
            ("{\n4711}", "line 2"),
        ];
        for (text, expected) in cases {
            let message = parse(text).unwrap_err().to_string();
            assert!(message.contains(expected) && !message.contains("4711"), "{message}");
        }
        let many: Vec<String> = (0..=MAX_ENTRIES).map(|n| format!("\"{n}\": \"\"")).collect();
        assert!(matches!(parse(&format!("{{{}}}", many.join(","))), Err(ConfigurationError::TooMany(101))));
    }
}
