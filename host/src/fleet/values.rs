//! Values of a fleet's file: what stands there, or what is wrong with it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue, Deserializer};

use super::problem::{Problem, instead, line_of};
use crate::keys::{self, Key};

/// Reads a file and remembers what is wrong with it.
pub(super) struct Reader<'t> {
    pub(super) text: &'t str,
    /// Where relative paths begin.
    pub(super) folder: &'t Path,
    pub(super) problems: Vec<Problem>,
}

/// A key and its value.
pub(super) struct Entry<'t> {
    key: Spanned<DeString<'t>>,
    value: Spanned<DeValue<'t>>,
    /// The way to it, such as `connections.shop.allow`.
    pub(super) place: String,
}

impl<'t> Entry<'t> {
    pub(super) fn name(&self) -> &str {
        self.key.get_ref()
    }
}

impl<'t> Reader<'t> {
    pub(super) fn problem(&mut self, at: usize, place: &str, message: impl Into<String>, hint: Option<String>) {
        let line = line_of(self.text, at);
        self.problems.push(Problem { line, key: place.to_owned(), message: message.into(), hint });
    }

    pub(super) fn line(&self, entry: &Entry<'t>) -> usize {
        line_of(self.text, entry.key.span().start)
    }

    /// Something is wrong with a value.
    pub(super) fn refuse(&mut self, entry: &Entry<'t>, message: impl Into<String>, hint: Option<String>) {
        self.problem(entry.value.span().start, &entry.place, message, hint);
    }

    fn wrong<T>(&mut self, entry: &Entry<'t>, wanted: &str) -> Option<T> {
        let found = entry.value.get_ref().type_str();
        self.refuse(entry, format!("this is of type {found}; it must be {wanted}"), None);
        None
    }

    /// The entries of a table.
    pub(super) fn entries(&mut self, table: DeTable<'t>, place: &str) -> Vec<Entry<'t>> {
        let entry = |(key, value): (Spanned<DeString<'t>>, _)| {
            let place = joined(place, key.get_ref());
            Entry { key, value, place }
        };
        let mut entries: Vec<_> = table.into_iter().map(entry).collect();
        entries.sort_by_key(|entry| entry.key.span().start);
        entries
    }

    /// The entries of a table whose keys are known; the others are problems.
    pub(super) fn known(&mut self, table: DeTable<'t>, place: &str, keys: &'static [Key]) -> Vec<Entry<'t>> {
        let mut known = self.entries(table, place);
        known.retain(|entry| {
            let is = keys.iter().any(|key| key.name == entry.name());
            if !is {
                let message = format!("there is no key `{}` here", entry.name().escape_debug());
                let hint = instead(entry.name(), keys::names(keys));
                self.problem(entry.key.span().start, &entry.place, message, Some(hint));
            }
            is
        });
        known
    }

    pub(super) fn table(&mut self, entry: Entry<'t>) -> Option<(String, DeTable<'t>)> {
        match entry.value.get_ref() {
            DeValue::Table(_) => match entry.value.into_inner() {
                DeValue::Table(table) => Some((entry.place, table)),
                _ => None,
            },
            _ => self.wrong(&entry, "a table"),
        }
    }

    pub(super) fn string(&mut self, entry: &Entry<'t>) -> Option<String> {
        match entry.value.get_ref() {
            DeValue::String(text) => Some(text.to_string()),
            _ => self.wrong(entry, "a text in quotes"),
        }
    }

    pub(super) fn flag(&mut self, entry: &Entry<'t>) -> Option<bool> {
        match entry.value.get_ref() {
            DeValue::Boolean(flag) => Some(*flag),
            _ => self.wrong(entry, "true or false"),
        }
    }

    pub(super) fn count(&mut self, entry: &Entry<'t>, least: u64, most: u64) -> Option<u64> {
        let number = match entry.value.get_ref() {
            DeValue::Integer(number) => i128::from_str_radix(&number.as_str().replace('_', ""), number.radix()).ok(),
            _ => return self.wrong(entry, "a whole number"),
        };
        let fits = number.and_then(|number| u64::try_from(number).ok()).filter(|it| (least..=most).contains(it));
        if fits.is_none() {
            self.refuse(entry, format!("this must be a number from {least} to {most}"), None);
        }
        fits
    }

    pub(super) fn is_string(entry: &Entry<'t>) -> bool {
        entry.value.get_ref().is_str()
    }

    /// A path from the file's folder.
    pub(super) fn path(&mut self, entry: &Entry<'t>) -> Option<PathBuf> {
        let text = self.string(entry)?;
        if text.is_empty() {
            self.refuse(entry, "the path is empty", None);
            return None;
        }
        Some(self.folder.join(text))
    }

    pub(super) fn strings(&mut self, entry: &Entry<'t>) -> Option<Vec<(usize, String)>> {
        let DeValue::Array(items) = entry.value.get_ref() else {
            return self.wrong(entry, "a list of texts, such as [\"one\", \"two\"]");
        };
        let mut texts = Vec::new();
        for item in items.iter() {
            match item.get_ref() {
                DeValue::String(text) => texts.push((item.span().start, text.to_string())),
                other => {
                    let message =
                        format!("one of the list is of type {}; all must be texts in quotes", other.type_str());
                    self.problem(item.span().start, &entry.place, message, None);
                }
            }
        }
        Some(texts)
    }

    /// A list of texts, each of which means something.
    pub(super) fn parsed<T, E: std::fmt::Display>(
        &mut self,
        entry: &Entry<'t>,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Option<Vec<T>> {
        let mut all = Vec::new();
        for (at, text) in self.strings(entry)? {
            match parse(&text) {
                Ok(value) => all.push(value),
                Err(error) => self.problem(at, &entry.place, format!("`{}`: {error}", text.escape_debug()), None),
            }
        }
        Some(all)
    }

    pub(super) fn strings_by_name(&mut self, entry: Entry<'t>) -> Option<BTreeMap<String, String>> {
        let (place, table) = self.table(entry)?;
        let mut all = BTreeMap::new();
        for entry in self.entries(table, &place) {
            if let Some(text) = self.string(&entry) {
                all.insert(entry.name().to_owned(), text);
            }
        }
        Some(all)
    }

    pub(super) fn duration(&mut self, entry: &Entry<'t>) -> Option<Duration> {
        let text = self.string(entry)?;
        let duration = duration(&text);
        if duration.is_none() {
            let message = format!("`{}` is no length of time", text.escape_debug());
            self.refuse(entry, message, Some("write it as 90s, 15m, 6h, 1d or 1h30m".to_owned()));
        }
        duration
    }

    /// An entry as a type of its own that has only this key, inside these tables, each around the former.
    pub(super) fn typed<T: DeserializeOwned>(&mut self, entry: Entry<'t>, around: &[&'static str]) -> Option<T> {
        let Entry { key, value, place } = entry;
        let span = key.span();
        let mut table = DeTable::new();
        table.insert(key, value);
        for name in around {
            let inner = Spanned::new(span.clone(), DeValue::Table(table));
            table = DeTable::new();
            table.insert(Spanned::new(span.clone(), (*name).into()), inner);
        }
        match T::deserialize(Deserializer::from(Spanned::new(span.clone(), table))) {
            Ok(value) => Some(value),
            Err(error) => {
                let at = error.span().map_or(span.start, |found| found.start);
                let message = error.message().replace('\n', "; ");
                let hint = hint_of(&message);
                self.problem(at, &place, message, hint);
                None
            }
        }
    }
}

/// For "unknown field `a`, expected one of `b`, `c`".
fn hint_of(message: &str) -> Option<String> {
    let mut words = message.split('`').skip(1).step_by(2);
    let unknown = message.starts_with("unknown field") || message.starts_with("unknown variant");
    let word = words.next().filter(|_| unknown)?;
    super::problem::meant(word, words).map(|known| format!("did you mean `{known}`?"))
}

/// Where a key is.
pub(super) fn joined(place: &str, key: &str) -> String {
    let bare = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-';
    let key = match !key.is_empty() && key.chars().all(bare) {
        true => key.to_owned(),
        false => format!("\"{}\"", key.escape_debug()),
    };
    if key == "\"\"" {
        return place.to_owned();
    }
    if place.is_empty() { key } else { format!("{place}.{key}") }
}

/// A length of time: numbers with units, the larger first, such as `1h30m`; not nothing.
#[must_use]
pub fn duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let (mut millis, mut last) = (0_u64, u64::MAX);
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|letter: char| letter.is_ascii_digit()).len();
        let (number, after) = rest.split_at_checked(digits)?;
        let letters = after.len() - after.trim_start_matches(|letter: char| letter.is_ascii_alphabetic()).len();
        let (unit, after) = after.split_at_checked(letters)?;
        let unit = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        if unit >= last {
            return None;
        }
        millis = millis.checked_add(number.parse::<u64>().ok()?.checked_mul(unit)?)?;
        (rest, last) = (after, unit);
    }
    (millis > 0).then(|| Duration::from_millis(millis))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time() {
        for (text, millis) in [
            ("90s", Some(90_000)),
            ("15m", Some(900_000)),
            ("1d", Some(86_400_000)),
            ("1h30m", Some(5_400_000)),
            ("250ms", Some(250)),
            ("", None),
            ("0s", None),
            ("15", None),
            ("m", None),
            ("30m1h", None),
            ("1h1h", None),
            ("-1h", None),
            ("1.5h", None),
            ("1 h", None),
            ("99999999999999999999d", None),
            ("9999999999999999d", None),
        ] {
            assert_eq!(duration(text), millis.map(Duration::from_millis), "{text}");
        }
    }

    #[test]
    fn keys_that_need_quotes_have_them() {
        assert_eq!(joined("a", "b"), "a.b");
        assert_eq!(joined("", "odd.name\n"), "\"odd.name\\n\"");
    }
}
