//! Decimal numbers as text: the grammar, how large they are, and their plain form.
//!
//! A number is an optional sign, digits with an optional point, and an optional exponent.

/// The most digits a number is written with to spare its exponent.
const PLAIN_DIGITS: i64 = 100;

/// A number in parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Number<'a> {
    negative: bool,
    whole: &'a str,
    fraction: &'a str,
    exponent: i64,
}

impl<'a> Number<'a> {
    /// Reads a number; `None` when the text is none.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, clamped_exponent(exponent)?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all_digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
        if whole.len() + fraction.len() == 0 || !all_digits(whole) || !all_digits(fraction) {
            return None;
        }
        Some(Self { negative: text.starts_with('-'), whole, fraction, exponent })
    }

    fn digits(&self) -> impl Iterator<Item = u8> {
        self.whole.bytes().chain(self.fraction.bytes())
    }

    fn leading_zeros(&self) -> i64 {
        length(self.digits().take_while(|b| *b == b'0').count())
    }

    /// Digits before and after the point that writing the number without an exponent takes.
    pub(crate) fn shape(&self) -> (u32, u32) {
        let before = length(self.whole.len()) + self.exponent - self.leading_zeros();
        let after = length(self.fraction.len()) - self.exponent;
        let count = |digits: i64| u32::try_from(digits.max(0)).unwrap_or(u32::MAX);
        (count(before), count(after))
    }

    /// The number's sign, digits without zeros at either end, and the power of ten of the last
    /// digit: equal for equal numbers.
    fn value(&self) -> (bool, String, i64) {
        let digits: String = self.digits().map(char::from).collect();
        let unpadded = digits.trim_end_matches('0');
        let power = self.exponent - length(self.fraction.len()) + length(digits.len() - unpadded.len());
        match unpadded.trim_start_matches('0') {
            "" => (false, String::new(), 0),
            significant => (self.negative, significant.to_owned(), power),
        }
    }

    /// Whether two texts are the same number.
    pub(crate) fn equals(&self, other: &Number<'_>) -> bool {
        self.value() == other.value()
    }

    /// The same number as an integer of 64 bits.
    pub(crate) fn as_integer(&self) -> Option<i64> {
        let (negative, mut digits, power) = self.value();
        let zeros = usize::try_from(power).ok().filter(|zeros| zeros + digits.len() <= 19)?;
        digits.extend(std::iter::repeat_n('0', zeros));
        let size: i128 = if digits.is_empty() { 0 } else { digits.parse().ok()? };
        i64::try_from(if negative { -size } else { size }).ok()
    }

    /// The number without sign where it has none to need, leading zeros and exponent; zeros at
    /// the end are kept. `None` when that would take too many digits.
    fn plain(&self) -> Option<String> {
        let digits: String = self.digits().map(char::from).collect();
        let point = length(self.whole.len()) + self.exponent;
        if !(-PLAIN_DIGITS..=PLAIN_DIGITS).contains(&point) {
            return None;
        }
        let at = usize::try_from(point).unwrap_or(0);
        let padding = usize::try_from(-point).unwrap_or(0);
        let (whole, fraction) = match digits.split_at_checked(at) {
            Some((whole, fraction)) => (whole.to_owned(), "0".repeat(padding) + fraction),
            None => (format!("{digits:0<at$}"), String::new()),
        };
        let whole = whole.trim_start_matches('0');
        let zero = digits.bytes().all(|b| b == b'0');
        let sign = if self.negative && !zero { "-" } else { "" };
        let whole = if whole.is_empty() { "0" } else { whole };
        let point = if fraction.is_empty() { "" } else { "." };
        Some(format!("{sign}{whole}{point}{fraction}"))
    }
}

/// The plain form of a number, in which equal numbers of one scale have equal texts; other
/// texts, and numbers with very large exponents, as they are.
pub(crate) fn plain(text: String) -> String {
    if is_plain(text.as_bytes()) {
        return text;
    }
    Number::parse(&text).and_then(|number| number.plain()).unwrap_or(text)
}

/// Whether the text is an optional minus, digits without a leading zero and perhaps a point
/// with digits: what nearly all are. A minus before zero is not looked for.
fn is_plain(text: &[u8]) -> bool {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let mut points = 0;
    let known = digits.iter().all(|b| match b {
        b'.' => {
            points += 1;
            points == 1
        }
        b => b.is_ascii_digit(),
    });
    let starts_well = match digits {
        [b'0', rest @ ..] => text.len() == digits.len() && rest.first().is_none_or(|b| *b == b'.'),
        [first, ..] => first.is_ascii_digit(),
        [] => false,
    };
    known && starts_well && digits.last().is_some_and(u8::is_ascii_digit)
}

fn length(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX / 4)
}

fn clamped_exponent(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    // Beyond any precision a larger exponent changes nothing.
    let size = digits.parse::<i64>().unwrap_or(i64::from(u32::MAX)).min(i64::from(u32::MAX));
    Some(if text.starts_with('-') { -size } else { size })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_measured() {
        for (text, shape) in [
            ("0", Some((0, 0))),
            ("105.34", Some((3, 2))),
            ("-00.50", Some((0, 2))),
            ("1e3", Some((4, 0))),
            ("1.5E-3", Some((0, 4))),
            (".5", Some((0, 1))),
            ("5.", Some((1, 0))),
            ("1e99999999999999999999", Some((u32::MAX, 0))),
            ("", None),
            (".", None),
            ("+", None),
            ("1e", None),
            ("NaN", None),
            ("1_0", None),
            ("--1", None),
            ("1 ", None),
            ("٣", None),
        ] {
            assert_eq!(Number::parse(text).map(|number| number.shape()), shape, "{text:?}");
        }
    }

    #[test]
    fn plain_forms() {
        for (text, expected) in [
            ("0", "0"),
            ("1.50", "1.50"),
            ("-1.50", "-1.50"),
            ("+5", "5"),
            ("007", "7"),
            ("-0", "0"),
            ("-0.50", "-0.50"),
            ("-0.00", "0.00"),
            (".5", "0.5"),
            ("5.", "5"),
            ("1E+2", "100"),
            ("1.5e3", "1500"),
            ("1.2345e2", "123.45"),
            ("1E-7", "0.0000001"),
            ("0E-3", "0.000"),
            ("1e200", "1e200"),
            ("1e-99999999999", "1e-99999999999"),
            ("abc", "abc"),
            ("", ""),
        ] {
            assert_eq!(plain(text.to_owned()), expected, "{text}");
        }
    }

    #[test]
    fn integers() {
        for (text, expected) in [
            ("12", Some(12)),
            ("-12.00", Some(-12)),
            ("1e3", Some(1000)),
            ("1200e-2", Some(12)),
            ("0.000", Some(0)),
            ("0e999", Some(0)),
            ("-9223372036854775808", Some(i64::MIN)),
            ("9223372036854775808", None),
            ("1e19", None),
            ("1e99999999999", None),
            ("12.5", None),
        ] {
            assert_eq!(Number::parse(text).unwrap().as_integer(), expected, "{text}");
        }
        assert!(Number::parse("1.50").unwrap().equals(&Number::parse("15e-1").unwrap()));
        assert!(!Number::parse("1.51").unwrap().equals(&Number::parse("1.5").unwrap()));
    }
}
