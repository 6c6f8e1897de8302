//! What is secret in an exchange.
//!
//! Four things are: the secret values of the configuration wherever they stand, header fields and parameters of a
//! URL or form by their names, and the tokens of a JSON document by theirs. A replay compares what is left, on
//! both sides, so that the secrets of another machine do not keep a request from its entry.

use crate::policy::secrets::{REDACTED, Redactor};

/// Parameters and header fields that are secret, without case, `-`, `_` and `.`.
const SECRET_FIELDS: [&str; 10] =
    ["key", "sig", "auth", "jwt", "pass", "pwd", "passwd", "authorization", "cookie", "session"];

/// Endings of names that are secret.
const SECRET_ENDINGS: [&str; 13] = [
    "apikey",
    "accesskey",
    "secretkey",
    "privatekey",
    "authkey",
    "subscriptionkey",
    "token",
    "secret",
    "password",
    "signature",
    "credential",
    "sessionid",
    "authorization",
];

/// Names of tokens that are no secret: they say where a page begins.
const PLACES: [&str; 6] = ["page", "next", "continuation", "cursor", "sync", "delta"];

/// Fields of a JSON document that are secret. Fewer, since documents are data.
const SECRET_MEMBERS: [&str; 8] =
    ["accesstoken", "refreshtoken", "idtoken", "authtoken", "sessiontoken", "clientsecret", "password", "apikey"];

/// A longer name is no name.
const NAME_BYTES: usize = 64;

/// Removes what is secret of an exchange.
#[derive(Clone, Debug, Default)]
pub struct Redaction {
    redactor: Redactor,
}

impl Redaction {
    /// Knows the secret values of a configuration beside the usual names.
    #[must_use]
    pub fn new(redactor: Redactor) -> Self {
        Self { redactor }
    }

    /// A URL without its secrets, as it stands in a cassette and as it is compared.
    #[must_use]
    pub fn url(&self, url: &str) -> String {
        // clients encode the brackets of what was redacted before
        let url = url.replace("%5Bredacted%5D", REDACTED).replace("%5bredacted%5d", REDACTED);
        self.redactor.redact(&parameters(&url, false))
    }

    /// Text without the secret values.
    #[must_use]
    pub fn text(&self, text: &str) -> String {
        self.redactor.redact(text)
    }

    /// The value of a header field, a character a byte.
    #[must_use]
    pub fn header(&self, name: &str, value: &[u8]) -> String {
        let text = one_char_a_byte(value);
        let name = name.to_ascii_lowercase();
        if name == "set-cookie" {
            return self.set_cookie(&text);
        }
        if is_secret_field(&name) {
            return REDACTED.to_owned();
        }
        // a value that is UTF-8 may hold a secret that is no ASCII
        match std::str::from_utf8(value) {
            Ok(utf8) => one_char_a_byte(self.redactor.redact(&parameters(utf8, false)).as_bytes()),
            Err(_) => self.redactor.redact(&parameters(&text, false)),
        }
    }

    /// A cookie keeps its name and attributes, which decide where a client sends it.
    fn set_cookie(&self, text: &str) -> String {
        let (cookie, attributes) = text.split_at(text.find(';').unwrap_or(text.len()));
        let name = cookie.split_once('=').map_or("", |(name, _)| name);
        self.redactor.redact(&format!("{name}={REDACTED}{attributes}"))
    }

    /// A body without its secrets.
    #[must_use]
    pub fn body(&self, bytes: &[u8], media_type: &str) -> Vec<u8> {
        let Ok(text) = std::str::from_utf8(bytes) else {
            return bytes_of(&self.redactor.redact(&one_char_a_byte(bytes)));
        };
        let form = media_type.to_ascii_lowercase().contains("x-www-form-urlencoded");
        let text = parameters(text, form);
        let start = text.trim_start();
        let text = match start.starts_with(['{', '[']) {
            true => members(&text),
            false => text,
        };
        self.redactor.redact(&text).into_bytes()
    }
}

/// Whether a header field or parameter of this name is secret.
fn is_secret_field(name: &str) -> bool {
    let name = plain(name);
    let named = SECRET_FIELDS.contains(&name.as_str()) || SECRET_ENDINGS.iter().any(|end| name.ends_with(end));
    named && !PLACES.iter().any(|place| name.contains(place))
}

fn plain(name: &str) -> String {
    name.chars().filter(|letter| !matches!(letter, '-' | '_' | '.')).map(|letter| letter.to_ascii_lowercase()).collect()
}

/// The text without the values of secret parameters, in every URL that it holds. In a form, the first one has
/// no mark before it.
fn parameters(text: &str, form: bool) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    let mut begins = form;
    while !rest.is_empty() {
        if !begins {
            let Some(mark) = rest.find(['?', '&', ';']) else { break };
            let (before, after) = rest.split_at(mark + 1);
            clean.push_str(before);
            rest = after;
        }
        begins = false;
        let Some((name, value)) = assignment(rest) else { continue };
        if is_secret_field(name) {
            let end = value.find(['&', '#', '"', '\'', '<', '>', ',', ';', ')', '\\']);
            let end = end.unwrap_or(value.len()).min(value.find(char::is_whitespace).unwrap_or(value.len()));
            let (secret, after) = value.split_at(end);
            clean.push_str(name);
            clean.push('=');
            clean.push_str(if secret.is_empty() { "" } else { REDACTED });
            rest = after;
        }
    }
    clean.push_str(rest);
    clean
}

/// The name at the beginning and what follows its `=`.
fn assignment(text: &str) -> Option<(&str, &str)> {
    let window = text.get(..text.floor_char_boundary(NAME_BYTES)).unwrap_or_default();
    let (name, _) = window.split_once('=')?;
    let usual = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.%[]".contains(&byte);
    (!name.is_empty() && name.bytes().all(usual)).then(|| (name, text.get(name.len() + 1..).unwrap_or_default()))
}

/// The JSON text without the texts of secret members. What is no JSON stays as it is.
fn members(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    let mut secret = false;
    while let Some(quote) = rest.find('"') {
        let (before, from) = rest.split_at(quote);
        let word = from.get(1..).unwrap_or_default();
        let Some(end) = closing(word) else { break };
        let (inner, after) = word.split_at(end);
        let after = after.get(1..).unwrap_or_default();
        let value = secret && before.trim() == ":";
        clean.push_str(before);
        clean.push('"');
        clean.push_str(if value && !inner.is_empty() { REDACTED } else { inner });
        clean.push('"');
        secret = !value && inner.len() <= NAME_BYTES && SECRET_MEMBERS.contains(&plain(inner).as_str());
        rest = after;
    }
    clean.push_str(rest);
    clean
}

/// Where a JSON text ends whose opening quote was taken.
fn closing(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.bytes().position(|byte| {
        let end = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        end
    })
}

/// Bytes as the characters of the same numbers, so that a text of bytes survives.
pub(super) fn one_char_a_byte(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

/// The reverse of [`one_char_a_byte`]; text that it cannot have made is UTF-8.
pub(super) fn bytes_of(text: &str) -> Vec<u8> {
    let bytes: Option<Vec<u8>> = text.chars().map(|letter| u8::try_from(u32::from(letter)).ok()).collect();
    bytes.unwrap_or_else(|| text.as_bytes().to_vec())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::policy::secrets::Secret;
    use proptest::prelude::*;

    fn redaction() -> Redaction {
        Redaction::new(Redactor::new(&[Secret::new("hunter22".to_owned())]))
    }

    #[test]
    fn urls_lose_secret_parameters_and_values() {
        let clean = |url| redaction().url(url);
        assert_eq!(clean("https://a.example/x?api_key=1&page=2"), "https://a.example/x?api_key=[redacted]&page=2");
        assert_eq!(clean("https://a.example/hunter22/x"), "https://a.example/[redacted]/x");
        assert_eq!(clean("https://a.example/%5Bredacted%5D/x"), "https://a.example/[redacted]/x");
        for same in ["https://a.example/?page_token=x&next=y&keyset=z", "https://a.example/a=b?&&c"] {
            assert_eq!(clean(same), same);
        }
        let once = clean("https://a.example/x?X-Amz-Signature=abc&sig=%20d&key=#f");
        assert_eq!(once, "https://a.example/x?X-Amz-Signature=[redacted]&sig=[redacted]&key=#f");
        assert_eq!(clean(&once), once);
    }

    #[test]
    fn headers_by_name_and_value() {
        let clean = |name, value: &str| redaction().header(name, value.as_bytes());
        for name in ["Authorization", "Proxy-Authorization", "Cookie", "X-Api-Key", "X-Auth-Token", "apikey"] {
            assert_eq!(clean(name, "anything"), REDACTED, "{name}");
        }
        assert_eq!(clean("Set-Cookie", "sid=abc; Path=/; HttpOnly"), "sid=[redacted]; Path=/; HttpOnly");
        assert_eq!(clean("Set-Cookie", "abc"), "=[redacted]");
        assert_eq!(
            clean("Link", "<https://a.example/?access_token=x&page=2>; rel=next"),
            "<https://a.example/?access_token=[redacted]&page=2>; rel=next"
        );
        assert_eq!(clean("X-Next-Page-Token", "abc"), "abc");
        assert_eq!(clean("User-Agent", "hunter22/1"), "[redacted]/1");
        assert_eq!(bytes_of(&redaction().header("x", &[0xff, b'a'])), [0xff, b'a']);
    }

    #[test]
    fn bodies_of_every_kind() {
        let clean = |body: &str, kind| String::from_utf8(redaction().body(body.as_bytes(), kind)).unwrap();
        assert_eq!(
            clean(r#"{"access_token" : "a\"b", "id": "c", "refreshToken":"d", "password": null}"#, ""),
            r#"{"access_token" : "[redacted]", "id": "c", "refreshToken":"[redacted]", "password": null}"#
        );
        assert_eq!(clean(r#"["access_token", "x"]"#, ""), r#"["access_token", "x"]"#);
        assert_eq!(
            clean("client_secret=a+b&grant_type=c", "application/x-www-form-urlencoded"),
            "client_secret=[redacted]&grant_type=c"
        );
        assert_eq!(
            clean(r#"{"next":"https://a.example/?key=k&page=2"}"#, ""),
            r#"{"next":"https://a.example/?key=[redacted]&page=2"}"#
        );
        assert_eq!(redaction().body(b"\xffhunter22\x00", ""), b"\xff[redacted]\x00");
    }

    proptest! {
        #[test]
        fn twice_is_once(text in "[a-z?&=;\"{}:,\\\\ ]{0,40}|\\PC{0,40}|(\\?key=|&token=|\"password\":|\"a\"|x){0,9}") {
            let once = redaction().body(text.as_bytes(), "");
            prop_assert_eq!(redaction().body(&once, ""), once);
            let once = redaction().url(&text);
            prop_assert_eq!(redaction().url(&once), once);
        }

        #[test]
        fn bytes_survive(bytes: Vec<u8>) {
            prop_assert_eq!(bytes_of(&one_char_a_byte(&bytes)), bytes);
        }
    }
}
