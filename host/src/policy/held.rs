//! Secrets that the host holds: a connector sees a placeholder, and the host puts the value in its place on the
//! way out, toward the hosts that the secret is bound to and nowhere else.
//!
//! The threat: a connector that is hostile, or a library inside it, sends a credential to a place of its choice,
//! keeps it in a row, or spells it backwards into a log. What it never had it cannot send.
//!
//! A placeholder that stands anywhere else in a request is refused, and not sent: it would be of no use there, so
//! it is a mistake or an attempt. A secret leaves over plain `http` only where an operator bound it to such a host.

use std::collections::BTreeSet;

use memchr::memmem;

use super::base64;
use super::egress::{Destination, NetworkGrant};
pub use super::secret_rules::{
    ClientAuthentication, Flow, MAX_SECRETS, OauthRule, Place, RuleError, SECRET_NAME_BYTES, SecretRule, SecretRules,
    is_name, token_grant,
};

/// What every placeholder begins with. Letters and digits only, so that no encoding of URLs, forms or JSON
/// changes it.
pub const PLACEHOLDER_PREFIX: &str = "slcsecret";
/// Hexadecimal digits after it: 128 bits that nobody guesses.
pub const PLACEHOLDER_DIGITS: usize = 32;

/// One secret that the host holds, without its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Binding {
    /// Its name.
    pub name: String,
    /// What the connector has in its place.
    pub placeholder: String,
    /// Where it may be sent.
    pub hosts: Vec<NetworkGrant>,
    /// Where it may stand there.
    pub places: BTreeSet<Place>,
}

impl Binding {
    fn goes_to(&self, to: &Destination) -> bool {
        self.hosts.iter().any(|host| host.matches(to))
    }
}

/// A placeholder where its secret may not go.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text}")]
pub struct SecretDenied {
    text: String,
}

/// All secrets that the host holds in a sync. The default holds none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bindings(Vec<Binding>);

impl Bindings {
    /// These, numbered in order.
    #[must_use]
    pub fn new(all: Vec<Binding>) -> Self {
        Self(all)
    }

    /// In order.
    #[must_use]
    pub fn all(&self) -> &[Binding] {
        &self.0
    }

    /// Which placeholders stand in the text, by number.
    #[must_use]
    pub fn found(&self, text: &[u8]) -> BTreeSet<usize> {
        marks(text).filter_map(|(_, mark)| self.number(mark)).collect()
    }

    /// The secret of a placeholder.
    #[must_use]
    pub fn number(&self, placeholder: &[u8]) -> Option<usize> {
        self.0.iter().position(|binding| binding.placeholder.as_bytes() == placeholder)
    }

    /// Judges the head of a request and answers which secrets it needs.
    ///
    /// # Errors
    /// When a placeholder stands where its secret may not.
    pub fn judge_head<'a>(
        &self,
        to: &Destination,
        url: &str,
        headers: impl IntoIterator<Item = (&'a str, &'a [u8])>,
    ) -> Result<BTreeSet<usize>, SecretDenied> {
        let (before, query) = url.split_once('?').unwrap_or((url, ""));
        if let Some(number) = self.found(before.as_bytes()).first() {
            return Err(self.denied(*number, to, "path"));
        }
        let mut uses = self.judge(to, Place::Query, query.as_bytes())?;
        for (name, value) in headers {
            if let Some(number) = self.found(name.as_bytes()).first() {
                return Err(self.denied(*number, to, "name of a header field"));
            }
            uses.extend(self.judge(to, Place::Header, value)?);
            if let Some(inner) = basic(value) {
                uses.extend(self.judge(to, Place::Header, &inner)?);
            }
        }
        Ok(uses)
    }

    /// Judges one part of a request.
    ///
    /// # Errors
    /// As [`judge_head`](Self::judge_head).
    pub fn judge(&self, to: &Destination, place: Place, text: &[u8]) -> Result<BTreeSet<usize>, SecretDenied> {
        let found = self.found(text);
        for number in &found {
            let may = self.0.get(*number).is_some_and(|binding| binding.goes_to(to) && binding.places.contains(&place));
            if !may {
                return Err(self.denied(*number, to, &place.to_string()));
            }
        }
        Ok(found)
    }

    /// Whether any secret may stand in a body that goes there.
    #[must_use]
    pub fn in_bodies(&self, to: &Destination) -> bool {
        self.0.iter().any(|binding| binding.places.contains(&Place::Body) && binding.goes_to(to))
    }

    fn denied(&self, number: usize, to: &Destination, place: &str) -> SecretDenied {
        let Some(binding) = self.0.get(number) else { return SecretDenied { text: String::new() } };
        let hosts: Vec<_> = binding.hosts.iter().map(ToString::to_string).collect();
        let places: Vec<_> = binding.places.iter().map(ToString::to_string).collect();
        let name = binding.name.escape_debug();
        let bound = hosts.join(", ");
        let text = match binding.goes_to(to) {
            true => format!(
                "the secret `{name}` may not stand in the {place} of a request to {to}, only in: {}; an operator can \
                 change that with `in` of [secrets.{name}] in a settings file",
                places.join(", ")
            ),
            false => format!(
                "the secret `{name}` may not go to {to}: it is bound to {bound}; an operator can bind it with \
                 --hold-secret {name}={to}"
            ),
        };
        SecretDenied { text }
    }
}

/// What a `Basic` credential holds, in plain.
#[must_use]
pub fn basic(value: &[u8]) -> Option<Vec<u8>> {
    let (scheme, rest) = value.split_at_checked(6)?;
    if !scheme.eq_ignore_ascii_case(b"basic ") {
        return None;
    }
    base64::decode(std::str::from_utf8(rest).ok()?.trim())
}

/// Everything that looks like a placeholder, and where it begins.
pub fn marks(text: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let length = PLACEHOLDER_PREFIX.len() + PLACEHOLDER_DIGITS;
    memmem::find_iter(text, PLACEHOLDER_PREFIX)
        .filter_map(move |at| text.get(at..at.checked_add(length)?).map(|mark| (at, mark)))
}

/// A placeholder of these random bytes.
#[must_use]
pub fn placeholder(random: [u8; PLACEHOLDER_DIGITS / 2]) -> String {
    random.iter().fold(PLACEHOLDER_PREFIX.to_owned(), |text, byte| format!("{text}{byte:02x}"))
}

#[cfg(test)]
#[path = "held_tests.rs"]
mod tests;
