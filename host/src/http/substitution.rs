//! Puts the values of held secrets in the place of their placeholders, in the way each part of a request is
//! written, and takes them out of what comes back.
//!
//! Every result has a bound that is checked before it is made: a body full of placeholders would grow without one.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::policy::base64;
use crate::policy::held::{Bindings, basic, marks};
use crate::policy::secrets::{SECRET_CHARS, Secret, percent_encode};

/// How a part of a request is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// As it is.
    Plain,
    /// As in a URL or a form: percent-encoded.
    Percent,
    /// Inside of a JSON text.
    Json,
}

impl Form {
    /// How a body of this media type is written.
    #[must_use]
    pub(super) fn of_body(media_type: &str) -> Self {
        let kind = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match kind.as_str() {
            "application/x-www-form-urlencoded" => Self::Percent,
            "application/json" => Self::Json,
            _ if kind.ends_with("+json") => Self::Json,
            _ => Self::Plain,
        }
    }

    fn write<'a>(self, value: &'a Secret) -> Cow<'a, [u8]> {
        match self {
            Self::Plain => Cow::Borrowed(value.expose().as_bytes()),
            Self::Percent => Cow::Owned(percent_encode(value.expose(), false, true).into_bytes()),
            Self::Json => {
                let quoted = serde_json::Value::from(value.expose()).to_string().into_bytes();
                Cow::Owned(quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default().to_vec())
            }
        }
    }
}

/// The result would be larger than it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooLong;

/// Values by the number of their secret.
pub(super) type Values = BTreeMap<usize, Secret>;

/// The text with values for placeholders; `None` when it has none.
///
/// # Errors
/// When it would have more than `most` bytes.
pub(super) fn fill(
    text: &[u8],
    form: Form,
    bindings: &Bindings,
    values: &Values,
    most: usize,
) -> Result<Option<Vec<u8>>, TooLong> {
    let written: BTreeMap<usize, Cow<'_, [u8]>> =
        values.iter().map(|(number, value)| (*number, form.write(value))).collect();
    let places: Vec<_> =
        marks(text).filter_map(|(at, mark)| Some((at, mark.len(), written.get(&bindings.number(mark)?)?))).collect();
    if places.is_empty() {
        return Ok(None);
    }
    let more = places.iter().fold(text.len(), |length, (_, _, value)| length.saturating_add(value.len()));
    let length = more.saturating_sub(places.iter().map(|(_, length, _)| length).sum());
    if length > most {
        return Err(TooLong);
    }
    let mut filled = Vec::with_capacity(length);
    let mut from = 0;
    for (at, mark, value) in places {
        filled.extend_from_slice(text.get(from..at).unwrap_or_default());
        filled.extend_from_slice(value);
        from = at + mark;
    }
    filled.extend_from_slice(text.get(from..).unwrap_or_default());
    Ok(Some(filled))
}

/// The value of a header field, also inside of `Basic` credentials; `None` when it has no placeholder.
///
/// # Errors
/// As [`fill`].
pub(super) fn fill_header(
    value: &[u8],
    bindings: &Bindings,
    values: &Values,
    most: usize,
) -> Result<Option<Vec<u8>>, TooLong> {
    if let Some(inner) = basic(value)
        && let Some(filled) = fill(&inner, Form::Plain, bindings, values, most)?
    {
        return Ok(Some(format!("Basic {}", base64::encode(&filled)).into_bytes()));
    }
    fill(value, Form::Plain, bindings, values, most)
}

/// The text with placeholders where the values stand in it, as they are or percent-encoded; `None` when none does.
#[must_use]
pub(super) fn empty(text: &[u8], bindings: &Bindings, values: &Values) -> Option<Vec<u8>> {
    let mut emptied: Option<Vec<u8>> = None;
    for (number, value) in values {
        let Some(binding) = bindings.all().get(*number) else { continue };
        if value.expose().chars().count() < SECRET_CHARS {
            continue;
        }
        for form in [Form::Plain, Form::Percent] {
            let current = emptied.as_deref().unwrap_or(text);
            let written = form.write(value);
            if memchr::memmem::find(current, &written).is_some() {
                emptied = Some(replaced(current, &written, binding.placeholder.as_bytes()));
            }
        }
    }
    emptied
}

fn replaced(text: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    let mut result = Vec::with_capacity(text.len());
    let mut from = 0;
    for at in memchr::memmem::find_iter(text, old) {
        result.extend_from_slice(text.get(from..at).unwrap_or_default());
        result.extend_from_slice(new);
        from = at + old.len();
    }
    result.extend_from_slice(text.get(from..).unwrap_or_default());
    result
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::policy::held::{Binding, placeholder};

    fn bindings() -> Bindings {
        let binding = |name: &str, byte| Binding {
            name: name.to_owned(),
            placeholder: placeholder([byte; 16]),
            hosts: Vec::new(),
            places: BTreeSet::new(),
        };
        Bindings::new(vec![binding("one", 1), binding("two", 2)])
    }

    fn values() -> Values {
        let values = ["a\"b c/ü", "second"];
        values.iter().enumerate().map(|(number, value)| (number, Secret::new((*value).to_owned()))).collect()
    }

    #[test]
    fn each_part_is_written_in_its_own_way() {
        let (one, two) = (placeholder([1; 16]), placeholder([2; 16]));
        let text = format!("<{one}|{two}{two}>");
        let filled = |form| {
            let filled = fill(text.as_bytes(), form, &bindings(), &values(), 1000).unwrap();
            String::from_utf8(filled.unwrap()).unwrap()
        };
        assert_eq!(filled(Form::Plain), "<a\"b c/ü|secondsecond>");
        assert_eq!(filled(Form::Percent), "<a%22b%20c%2F%C3%BC|secondsecond>");
        assert_eq!(filled(Form::Json), "<a\\\"b c/ü|secondsecond>");
        assert_eq!(fill(b"nothing", Form::Plain, &bindings(), &values(), 0), Ok(None));
    }

    #[test]
    fn basic_credentials_are_opened() {
        let value = format!("basic {}", base64::encode(format!("user:{}", placeholder([2; 16])).as_bytes()));
        let filled = fill_header(value.as_bytes(), &bindings(), &values(), 1000).unwrap().unwrap();
        assert_eq!(String::from_utf8(filled).unwrap(), format!("Basic {}", base64::encode(b"user:second")));
        assert_eq!(fill_header(b"Basic ????", &bindings(), &values(), 1000), Ok(None));
    }

    #[test]
    fn growth_has_a_bound() {
        let many = placeholder([1; 16]).repeat(100);
        let long = Values::from([(0, Secret::new("x".repeat(1000)))]);
        assert_eq!(fill(many.as_bytes(), Form::Plain, &bindings(), &long, 99_999), Err(TooLong));
        assert_eq!(
            fill(many.as_bytes(), Form::Plain, &bindings(), &long, 100_000).unwrap().map(|filled| filled.len()),
            Some(100_000)
        );
    }

    #[test]
    fn what_comes_back_is_emptied() {
        let text = "/next?key=a%22b%20c%2F%C3%BC&also=second";
        let emptied = empty(text.as_bytes(), &bindings(), &values()).unwrap();
        let expected = format!("/next?key={}&also={}", placeholder([1; 16]), placeholder([2; 16]));
        assert_eq!(String::from_utf8(emptied).unwrap(), expected);
        assert_eq!(empty(b"nothing", &bindings(), &values()), None);
    }

    #[test]
    fn bodies_say_how_they_are_written() {
        assert_eq!(Form::of_body("Application/JSON; charset=utf-8"), Form::Json);
        assert_eq!(Form::of_body("application/vnd.api+json"), Form::Json);
        assert_eq!(Form::of_body("application/x-www-form-urlencoded"), Form::Percent);
        assert_eq!(Form::of_body("text/plain"), Form::Plain);
    }
}
