//! Keeps secrets out of logs and errors.
//!
//! The threat: a connector, or a library inside it, writes a password into a message. A [`Redactor`]
//! knows the sync's secret values and removes them, also where they were encoded on the way.
//! It is a net, not a wall: a connector that wants to leak can spell a secret backwards. Rows and
//! state are data and are not touched.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use super::terminal::{Lines, cut_mark, visible, visible_prefix};

/// What stands in a secret's place.
pub const REDACTED: &str = "[redacted]";

/// Shorter values are not redacted: they would blank out ordinary words.
pub const SECRET_CHARS: usize = 4;

/// Encoded pieces shorter than this are too common in ordinary text.
const PIECE_BYTES: usize = 5;

/// A line of a multi-line secret (a key file) that is at least this long is redacted alone too.
const LINE_BYTES: usize = 16;

/// Parts of a configuration value's name that say it is secret.
const SECRET_NAMES: [&str; 8] = ["password", "passwd", "secret", "token", "key", "credential", "auth", "private"];

/// Whether a configuration value of this name is secret, in any case of its letters.
#[must_use]
pub fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRET_NAMES.iter().any(|part| name.contains(part))
}

/// A value that is never shown: it has no `Display`, cannot be serialised, and its `Debug` is
/// [`REDACTED`].
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a value.
    #[must_use]
    pub fn new(value: String) -> Self {
        Self(value)
    }

    /// The value, for the one place that needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

/// The forms in which secrets are recognised.
#[derive(Clone, Default)]
struct Patterns {
    all: BTreeSet<String>,
    longest: usize,
}

impl Patterns {
    fn add(&mut self, secret: &Secret) {
        let value = secret.expose();
        if value.chars().count() >= SECRET_CHARS {
            collect_forms(value, &mut self.all);
            self.longest = self.all.iter().map(String::len).max().unwrap_or(0);
        }
    }

    fn find(&self, text: &str, found: &mut Vec<(usize, usize)>) {
        for pattern in &self.all {
            let mut from = 0;
            while let Some(at) = text.get(from..).and_then(|rest| rest.find(pattern.as_str())) {
                let start = from + at;
                found.push((start, start + pattern.len()));
                from = text.ceil_char_boundary(start + 1);
            }
        }
    }
}

/// Secrets that turn up while a sync runs, as tokens do that the host fetches. Clones share them.
#[derive(Clone, Default)]
pub struct Learned(Arc<RwLock<Patterns>>);

impl fmt::Debug for Learned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Learned")
    }
}

impl Learned {
    /// Every [`Redactor`] that has this knows the secret from now on.
    pub fn learn(&self, secret: &Secret) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).add(secret);
    }

    fn patterns(&self) -> RwLockReadGuard<'_, Patterns> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Removes secrets from text.
#[derive(Clone, Default)]
pub struct Redactor {
    known: Patterns,
    learned: Learned,
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redactor({} patterns)", self.known.all.len())
    }
}

impl Redactor {
    /// Knows these secrets: as they are, in base64 (at any offset in a longer text, both alphabets),
    /// percent-encoded, and with JSON's escapes. Values of fewer than [`SECRET_CHARS`] characters
    /// are left out.
    #[must_use]
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a Secret>) -> Self {
        let mut known = Patterns::default();
        secrets.into_iter().for_each(|secret| known.add(secret));
        Self { known, learned: Learned::default() }
    }

    /// The same, knowing what is learned too.
    #[must_use]
    pub fn and(self, learned: &Learned) -> Self {
        Self { learned: learned.clone(), ..self }
    }

    /// Whether a secret stands in the text.
    #[must_use]
    pub fn finds(&self, text: &str) -> bool {
        let finds = |patterns: &Patterns| patterns.all.iter().any(|pattern| text.contains(pattern.as_str()));
        finds(&self.known) || finds(&self.learned.patterns())
    }

    /// Whether there is nothing to redact.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.known.all.is_empty() && self.learned.patterns().all.is_empty()
    }

    /// The text without secrets.
    #[must_use]
    pub fn redact(&self, text: &str) -> String {
        let mut clean = String::with_capacity(text.len());
        let mut from = 0;
        for (start, end) in self.found(text) {
            clean.push_str(text.get(from..start).unwrap_or_default());
            clean.push_str(REDACTED);
            from = end;
        }
        clean.push_str(text.get(from..).unwrap_or_default());
        clean
    }

    /// A message as it may stand in a log: without secrets, with control characters written out,
    /// and at most `max_bytes` long. Looks at no more of a long message than it needs.
    #[must_use]
    pub fn log_line(&self, message: &str, lines: Lines, max_bytes: usize) -> String {
        let longest = self.known.longest.max(self.learned.patterns().longest);
        let window = message.floor_char_boundary(max_bytes.saturating_add(longest));
        let Some(head) = message.get(..window).filter(|head| head.len() < message.len()) else {
            return visible(&self.redact(message), lines, max_bytes);
        };
        let mut clean = self.redact(head);
        // the window may end inside a secret, which then was not recognised
        clean.truncate(clean.floor_char_boundary(clean.len().saturating_sub(longest)));
        let mark = cut_mark(message.len());
        let (mut shown, _) = visible_prefix(&clean, lines, max_bytes.saturating_sub(mark.len()));
        shown.push_str(&mark);
        shown.truncate(max_bytes);
        shown
    }

    /// Where secrets stand, ascending and merged: two that overlap leave no rest.
    fn found(&self, text: &str) -> Vec<(usize, usize)> {
        let mut all = Vec::new();
        self.known.find(text, &mut all);
        self.learned.patterns().find(text, &mut all);
        all.sort_unstable();
        let mut merged: Vec<(usize, usize)> = Vec::with_capacity(all.len());
        for (start, end) in all {
            match merged.last_mut() {
                Some(last) if start <= last.1 => last.1 = last.1.max(end),
                _ => merged.push((start, end)),
            }
        }
        merged
    }
}

fn collect_forms(value: &str, forms: &mut BTreeSet<String>) {
    forms.insert(value.to_owned());
    forms.extend(value.lines().filter(|line| line.len() >= LINE_BYTES).map(str::to_owned));
    for keep_slash in [false, true] {
        for upper in [false, true] {
            let encoded = percent_encode(value, keep_slash, upper);
            forms.insert(encoded.replace("%20", "+"));
            forms.insert(encoded);
        }
    }
    let escaped = value.replace('\\', "\\\\").replace('"', "\\\"");
    forms.insert(escaped.replace('\r', "\\r").replace('\n', "\\n").replace('\t', "\\t"));
    for offset in 0..3 {
        let piece = base64_inner(value.as_bytes(), offset);
        if piece.len() >= PIECE_BYTES {
            forms.insert(piece.replace('+', "-").replace('/', "_"));
            forms.insert(piece);
        }
    }
}

pub(crate) fn percent_encode(value: &str, keep_slash: bool, upper: bool) -> String {
    let mut encoded = String::with_capacity(value.len());
    for byte in value.bytes() {
        let plain = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) || (keep_slash && byte == b'/');
        match (plain, upper) {
            (true, _) => encoded.push(char::from(byte)),
            (false, true) => encoded.push_str(&format!("%{byte:02X}")),
            (false, false) => encoded.push_str(&format!("%{byte:02x}")),
        }
    }
    encoded
}

/// The base64 characters that depend on nothing but `value` when it stands `offset` bytes (modulo
/// three) into an encoded text, as a password does in `user:password`.
fn base64_inner(value: &[u8], offset: usize) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bit = |index: usize| {
        let byte = value.get(index / 8).copied().unwrap_or(0);
        byte >> (7 - index % 8) & 1
    };
    let total = value.len() * 8;
    // characters begin at multiples of 6 bits, counted from `offset` bytes before the value
    let mut start = (6 - (offset * 8) % 6) % 6;
    let mut piece = String::new();
    while start + 6 <= total {
        let sextet = (start..start + 6).fold(0u8, |bits, index| bits << 1 | bit(index));
        piece.push(char::from(ALPHABET.get(usize::from(sextet)).copied().unwrap_or(b'=')));
        start += 6;
    }
    piece
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn redactor(secrets: &[&str]) -> Redactor {
        let secrets: Vec<_> = secrets.iter().map(|text| Secret::new((*text).to_owned())).collect();
        Redactor::new(&secrets)
    }

    #[test]
    fn every_form_is_redacted() {
        let redactor = redactor(&["p@ss/wörd 1", "-----KEY-----\nMIIBVQIBADANBgkqhkiG9w0\n-----END-----"]);
        for text in [
            "p@ss/wörd 1",
            "p%40ss%2Fw%C3%B6rd%201",
            "p%40ss%2fw%c3%b6rd%201",
            "p%40ss%2Fw%C3%B6rd+1",
            "p%40ss/w%C3%B6rd%201",
            "cEBzcy93w7ZyZCAx",     // the value
            "dTpwQHNzL3fDtnJkIDE",  // u:value
            "dXM6cEBzcy93w7ZyZCAx", // us:value
            "MIIBVQIBADANBgkqhkiG9w0",
            "-----KEY-----\\nMIIBVQIBADANBgkqhkiG9w0\\n-----END-----",
        ] {
            let clean = redactor.redact(&format!("before {text} after"));
            assert!(clean.contains(REDACTED), "{text}");
            assert!(clean.starts_with("before ") && clean.ends_with(" after"), "{clean}");
            assert!(!clean.contains("rd") && !clean.contains("MIIB") && !clean.contains("L3fDtnJk"), "{clean}");
        }
    }

    #[test]
    fn short_values_and_overlaps() {
        assert_eq!(redactor(&["abc", ""]).redact("abc"), "abc");
        assert_eq!(redactor(&["abcd", "cdef"]).redact("xabcdefx"), "x[redacted]x");
        assert_eq!(redactor(&["aaaa"]).redact("aaaaaaa!"), "[redacted]!");
        assert_eq!(redactor(&[]).redact("text"), "text");
    }

    #[test]
    fn what_is_learned_is_redacted_by_all_that_share_it() {
        let learned = Learned::default();
        let (one, other) = (redactor(&["known-1"]).and(&learned), Redactor::default().and(&learned));
        assert!(other.is_empty() && one.redact("token-77") == "token-77");
        learned.learn(&Secret::new("token-77".to_owned()));
        assert_eq!(one.redact("known-1, token-77"), "[redacted], [redacted]");
        assert!(!other.clone().redact("Bearer dG9rZW4tNzc=").contains("dG9rZW4tN"));
        assert!(other.finds("a token-77") && !other.is_empty());
        assert!(!one.log_line(&"token-77".repeat(9), Lines::One, 40).contains("token"));
    }

    #[test]
    fn debug_shows_nothing() {
        let secret = Secret::new("hunter22".to_owned());
        assert!(!format!("{secret:?} {:?}", Redactor::new([&secret])).contains("hunter"));
        assert_eq!(secret.expose(), "hunter22");
    }

    #[test]
    fn a_cut_never_uncovers_a_secret() {
        let secret = "correct-horse-battery";
        let redactor = redactor(&[secret]);
        for before in 0..200 {
            let message = format!("{}{}{}", "x".repeat(before), secret.repeat(8), "y".repeat(200));
            for max in [0, 10, 60, 100, 128] {
                let line = redactor.log_line(&message, Lines::One, max);
                assert!(line.len() <= max);
                for piece in ["corr", "horse", "batt", "tery"] {
                    assert!(!line.contains(piece), "{before} {max}: {line}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn base64_of_any_text_around(before in "[a-z:]{0,5}", secret in "[!-~]{6,20}", after in "[a-z]{0,5}") {
            let encoded = base64_inner(format!("{before}{secret}{after}\0\0").as_bytes(), 0);
            let clean = redactor(&[&secret]).redact(&encoded);
            prop_assert!(clean.contains(REDACTED));
        }

        #[test]
        fn nothing_of_the_secret_is_left(before in "\\PC{0,9}", secret in "\\PC{4,12}", after in "\\PC{0,9}") {
            let clean = redactor(&[&secret]).redact(&format!("{before}{secret}{after}"));
            prop_assert!(clean.contains(REDACTED));
        }
    }
}
