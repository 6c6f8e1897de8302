//! What is wrong with a fleet's file, and where.

use std::fmt;

use serde::Serialize;

/// How many different letters a misspelled word may have to be recognised, of three.
const MOST_DIFFERENT: usize = 3;

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// The line, from 1; 0 when it is of no line.
    pub line: usize,
    /// The key, such as `connections.shop.allow`; empty for the file.
    pub key: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

impl Problem {
    /// A problem without a hint.
    pub fn new(line: usize, key: impl Into<String>, message: impl Into<String>) -> Self {
        Self { line, key: key.into(), message: message.into(), hint: None }
    }

    /// The same with what to do.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.message)
    }
}

/// The line of a byte, from 1.
pub(super) fn line_of(text: &str, byte: usize) -> usize {
    text.get(..byte).unwrap_or(text).matches('\n').count() + 1
}

/// The word that was probably meant.
pub(super) fn meant<'a>(word: &str, words: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let distance = |known: &str| strsim::damerau_levenshtein(word, known);
    let near = |known: &&str| distance(known) <= MOST_DIFFERENT.min(known.len().max(word.len()).div_ceil(3));
    words.into_iter().filter(near).min_by_key(|known| distance(known))
}

/// What to do about a word that is unknown.
#[must_use]
pub fn instead<'a>(word: &str, words: impl IntoIterator<Item = &'a str> + Clone) -> String {
    match meant(word, words.clone()) {
        Some(known) => format!("did you mean `{known}`?"),
        None => {
            let words: Vec<_> = words.into_iter().map(|word| format!("`{word}`")).collect();
            format!("there may be {}", words.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelled_word_is_recognised_and_another_is_not() {
        let words = ["allow", "allow_address", "limits", "every", "cron"];
        for (word, known) in [
            ("alow", Some("allow")),
            ("limit", Some("limits")),
            ("corn", Some("cron")),
            ("schedule", None),
            ("x", None),
        ] {
            assert_eq!(meant(word, words), known, "{word}");
        }
        assert_eq!(instead("schedule", ["every", "cron"]), "there may be `every`, `cron`");
    }

    #[test]
    fn lines_are_counted_from_one() {
        assert_eq!([0, 1, 2, 99].map(|byte| line_of("a\nb\n", byte)), [1, 1, 2, 3]);
    }
}
