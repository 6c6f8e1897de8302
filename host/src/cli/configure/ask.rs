//! Asks a person for the fields of a form, one after the other.

use std::collections::BTreeMap;
use std::io::{self, BufRead, Write};

use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use crate::policy::terminal::{Lines, visible};
use crate::setup::{Choice, Field, FieldKind, Form};

/// Longest text of a connector in one line.
const TEXT_BYTES: usize = 500;
/// Longest answer.
const ANSWER_BYTES: u64 = 64 << 10;

/// Whether a value is acceptable for a field.
///
/// # Errors
/// What is wrong with it, without the value.
pub(super) fn check(field: &Field, value: &str) -> Result<(), String> {
    if value.trim().is_empty() {
        return if field.required { Err("a value is required".to_owned()) } else { Ok(()) };
    }
    match &field.kind {
        FieldKind::Toggle if !matches!(value, "true" | "false") => Err("it must be true or false".to_owned()),
        FieldKind::Dropdown(choices) if choices.iter().all(|choice| choice.value != value) => {
            let values: Vec<_> = choices.iter().map(|choice| shown(&choice.value)).collect();
            Err(format!("it must be one of {}", values.join(", ")))
        }
        _ => Ok(()),
    }
}

/// A text of the connector, safe for a terminal.
pub(super) fn shown(text: &str) -> String {
    visible(text, Lines::One, TEXT_BYTES)
}

/// Where questions go and answers come from.
pub(super) struct Person<'a> {
    pub(super) input: &'a mut dyn BufRead,
    pub(super) output: &'a mut dyn Write,
    /// Makes the terminal show nothing of what is typed, until it is dropped.
    pub(super) hide: &'a dyn Fn() -> io::Result<Hidden>,
}

impl Person<'_> {
    /// Asks for every field of the form that is not in `given`, with the values of `configuration` as
    /// defaults, and puts the answers there.
    ///
    /// # Errors
    /// The terminal failed, or the input ended before the form did.
    pub(super) fn fill(
        &mut self,
        form: &Form,
        given: &BTreeMap<String, String>,
        configuration: &mut BTreeMap<String, String>,
    ) -> io::Result<()> {
        for field in form.fields.iter().filter(|field| !given.contains_key(&field.name)) {
            if let Some(value) = self.ask(field, configuration.get(&field.name).map(String::as_str))? {
                configuration.insert(field.name.clone(), value);
            }
        }
        Ok(())
    }

    /// The answer; `None` leaves the field as it is.
    fn ask(&mut self, field: &Field, current: Option<&str>) -> io::Result<Option<String>> {
        let mark = if field.required { " (required)" } else { "" };
        writeln!(self.output, "{}{mark}", shown(&field.label))?;
        if !field.description.is_empty() {
            writeln!(self.output, "  {}", shown(&field.description))?;
        }
        if let FieldKind::Dropdown(choices) = &field.kind {
            for (index, choice) in choices.iter().enumerate() {
                writeln!(self.output, "  {:>2}  {}", index + 1, described(choice))?;
            }
        }
        loop {
            write!(self.output, "  {}: ", hint(field, current))?;
            self.output.flush()?;
            let answer = self.answer(field)?;
            let value = match answer.trim() {
                "" => current.map(str::to_owned).or_else(|| default(field)),
                answer => Some(meant(field, answer)),
            };
            match check(field, value.as_deref().unwrap_or_default()) {
                Ok(()) => return Ok(value),
                Err(reason) => writeln!(self.output, "  {reason}")?,
            }
        }
    }

    fn answer(&mut self, field: &Field) -> io::Result<String> {
        let hidden = match field.kind {
            FieldKind::Password => Some((self.hide)()?),
            _ => None,
        };
        let mut line = String::new();
        let read = io::Read::take(&mut *self.input, ANSWER_BYTES).read_line(&mut line)?;
        if hidden.is_some() {
            // The line break that was typed was not shown either.
            writeln!(self.output)?;
        }
        if read == 0 { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(line) }
    }
}

fn described(choice: &Choice) -> String {
    let label = shown(&choice.label);
    if choice.description.is_empty() { label } else { format!("{label} - {}", shown(&choice.description)) }
}

/// What stands before the cursor: what an empty answer means, or what is expected.
fn hint(field: &Field, current: Option<&str>) -> String {
    match (&field.kind, current) {
        (FieldKind::Password, Some(value)) if !value.is_empty() => "[keep the current one]".to_owned(),
        (FieldKind::Toggle, current) => if current == Some("true") { "[Y/n]" } else { "[y/N]" }.to_owned(),
        (FieldKind::Dropdown(choices), Some(value)) => {
            let place = choices.iter().position(|choice| choice.value == value);
            place.map_or_else(|| "number".to_owned(), |place| format!("[{}]", place + 1))
        }
        (FieldKind::Dropdown(_), None) => "number".to_owned(),
        (_, Some(value)) if !value.is_empty() => format!("[{}]", shown(value)),
        _ if !field.placeholder.is_empty() => format!("({})", shown(&field.placeholder)),
        _ => "value".to_owned(),
    }
}

fn default(field: &Field) -> Option<String> {
    (field.kind == FieldKind::Toggle).then(|| "false".to_owned())
}

/// The configuration's value for what a person types.
fn meant(field: &Field, answer: &str) -> String {
    let value = match &field.kind {
        FieldKind::Toggle => match answer.to_ascii_lowercase().as_str() {
            "y" | "yes" | "true" | "on" => Some("true"),
            "n" | "no" | "false" | "off" => Some("false"),
            _ => None,
        },
        FieldKind::Dropdown(choices) if choices.iter().all(|choice| choice.value != answer) => {
            let place = answer.parse::<usize>().ok().and_then(|number| number.checked_sub(1));
            place.and_then(|place| choices.get(place)).map(|choice| choice.value.as_str())
        }
        _ => None,
    };
    value.unwrap_or(answer).to_owned()
}

/// While this lives, standard input shows nothing of what is typed.
pub(in crate::cli) struct Hidden(Option<Termios>);

impl Hidden {
    /// Makes standard input show nothing, which must be a terminal.
    pub(in crate::cli) fn begin() -> io::Result<Self> {
        let before = tcgetattr(io::stdin())?;
        let mut silent = before.clone();
        silent.local_modes.remove(LocalModes::ECHO);
        tcsetattr(io::stdin(), OptionalActions::Flush, &silent)?;
        Ok(Self(Some(before)))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        if let Some(before) = self.0.take() {
            // A terminal that is gone shows nothing anyway.
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, &before);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn field(name: &str, kind: FieldKind, required: bool) -> Field {
        let label = format!("The {name}");
        Field { name: name.to_owned(), label, kind, required, ..Field::default() }
    }

    fn form() -> Form {
        let choice =
            |value: &str, label: &str| Choice { value: value.to_owned(), label: label.to_owned(), ..Choice::default() };
        let regions = vec![choice("eu", "Europe"), choice("us", "America\u{1b}[2J")];
        Form {
            fields: vec![
                Field { description: "Where it is".to_owned(), ..field("host", FieldKind::Text, true) },
                field("key", FieldKind::Password, false),
                field("region", FieldKind::Dropdown(regions), true),
                field("deep", FieldKind::Toggle, false),
                Field { placeholder: "none".to_owned(), ..field("note", FieldKind::Text, false) },
            ],
            tests: Vec::new(),
        }
    }

    fn map(entries: &[(&str, &str)]) -> BTreeMap<String, String> {
        entries.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    /// What is asked when somebody types these lines, and the configuration after it.
    fn typed(
        lines: &str,
        current: &[(&str, &str)],
        given: &[(&str, &str)],
    ) -> (String, io::Result<BTreeMap<String, String>>) {
        let mut output = Vec::new();
        let mut configuration = map(current);
        let mut input = lines.as_bytes();
        let mut person = Person { input: &mut input, output: &mut output, hide: &|| Ok(Hidden(None)) };
        let filled = person.fill(&form(), &map(given), &mut configuration);
        (String::from_utf8(output).unwrap(), filled.map(|()| configuration))
    }

    #[test]
    fn answers_become_a_configuration() {
        let (asked, filled) = typed("\nexample.com\nsecret\n3\n2\nyes\n\n", &[("other", "kept")], &[]);
        let expected =
            [("deep", "true"), ("host", "example.com"), ("key", "secret"), ("other", "kept"), ("region", "us")];
        assert_eq!(filled.unwrap(), map(&expected));
        insta::assert_snapshot!(asked, @r"
        The host (required)
          Where it is
          value:   a value is required
          value: The key
          value: 
        The region (required)
           1  Europe
           2  America\x1b[2J
          number:   it must be one of eu, us
          number: The deep
          [y/N]: The note
          (none): 
        ");
    }

    #[test]
    fn nothing_typed_keeps_what_is_there() {
        let current = [("host", "h"), ("key", "k"), ("region", "eu"), ("deep", "true"), ("note", "n")];
        let (asked, filled) = typed("\n\n\n\n\n", &current, &[]);
        assert_eq!(filled.unwrap(), map(&current));
        assert!(
            asked.contains("[h]: ") && asked.contains("[keep the current one]: ") && asked.contains("[1]: "),
            "{asked}"
        );
        assert!(asked.contains("[Y/n]: ") && asked.contains("[n]: ") && !asked.contains("[k]"), "{asked}");
    }

    #[test]
    fn what_was_given_is_not_asked() {
        let (asked, filled) = typed("\n\n\n", &[("region", "eu")], &[("host", "h"), ("key", "k")]);
        assert_eq!(filled.unwrap(), map(&[("region", "eu"), ("deep", "false")]));
        assert!(!asked.contains("The host"), "{asked}");
    }

    #[test]
    fn an_end_of_input_is_an_error() {
        assert!(typed("h\n", &[], &[]).1.is_err());
    }

    #[test]
    fn values_are_checked_by_their_field() {
        let form = form();
        for (index, value, good) in [
            (0, "", false),
            (0, "x", true),
            (1, "", true),
            (2, "Europe", false),
            (2, "us", true),
            (3, "yes", false),
            (3, "true", true),
        ] {
            assert_eq!(check(form.fields.get(index).unwrap(), value).is_ok(), good, "{index} {value}");
        }
    }
}
