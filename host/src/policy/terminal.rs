//! Makes text of a connector safe to show.
//!
//! The threat: a message that moves the cursor, sets the clipboard, hides behind right-to-left
//! marks, or holds a line break and a forged second record. Every such character is written out, so
//! that a reader sees it.

use std::fmt::Write as _;

/// What becomes of line breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lines {
    /// Written as `\n`: one record is one line.
    One,
    /// Kept, as in a traceback. `\r` is still written out.
    Keep,
}

/// Whether a character acts on the text around it instead of being read: C0, DEL, C1, line and
/// paragraph separators, bidi controls, invisible marks and tags.
#[must_use]
pub fn is_control(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// The text with every control character written out (`\x1b`, `\u{202e}`), at most
/// `max_bytes` long. Longer text is cut between characters and ends with a mark that says how
/// many bytes there were. Tabs are kept.
///
/// ```
/// use sluicegate::policy::terminal::{Lines, visible};
///
/// assert_eq!(visible("ok\x1b[2J\nline", Lines::One, 100), "ok\\x1b[2J\\nline");
/// ```
#[must_use]
pub fn visible(text: &str, lines: Lines, max_bytes: usize) -> String {
    let (shown, whole) = visible_prefix(text, lines, max_bytes);
    if whole {
        return shown;
    }
    let mark = cut_mark(text.len());
    let (mut shown, _) = visible_prefix(text, lines, max_bytes.saturating_sub(mark.len()));
    shown.push_str(&mark);
    // a limit smaller than the mark itself is still a limit; the mark is ASCII
    shown.truncate(max_bytes);
    shown
}

/// Names of a connector in quotes with commas between, made visible: at most 20, each at most 100
/// bytes long.
#[must_use]
pub fn listed<T: AsRef<str>>(names: &[T]) -> String {
    const MOST: usize = 20;
    const LONGEST: usize = 100;
    let mut list = String::new();
    for (index, name) in names.iter().take(MOST).enumerate() {
        let comma = if index == 0 { "" } else { ", " };
        let _ = write!(list, "{comma}\"{}\"", visible(name.as_ref(), Lines::One, LONGEST));
    }
    match names.len().checked_sub(MOST) {
        _ if names.is_empty() => "none".to_owned(),
        Some(more @ 1..) => format!("{list} and {more} more"),
        _ => list,
    }
}

/// What stands at the end of a text that was cut.
pub(super) fn cut_mark(bytes: usize) -> String {
    format!(" [cut, {bytes} bytes in all]")
}

/// As much of the text, made visible, as fits; and whether that is all of it.
pub(super) fn visible_prefix(text: &str, lines: Lines, max_bytes: usize) -> (String, bool) {
    let mut shown = String::with_capacity(text.len().min(max_bytes));
    for c in text.chars() {
        let fits = shown.len();
        push_visible(&mut shown, c, lines);
        if shown.len() > max_bytes {
            shown.truncate(fits);
            return (shown, false);
        }
    }
    (shown, true)
}

fn push_visible(shown: &mut String, c: char, lines: Lines) {
    match c {
        '\t' => shown.push(c),
        '\n' if lines == Lines::Keep => shown.push(c),
        '\n' => shown.push_str("\\n"),
        '\r' => shown.push_str("\\r"),
        c if !is_control(c) => shown.push(c),
        // writing to a String cannot fail
        c if c.is_ascii() => drop(write!(shown, "\\x{:02x}", u32::from(c))),
        c => drop(write!(shown, "\\u{{{:x}}}", u32::from(c))),
    }
}

#[cfg(test)]
#[allow(clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn controls_are_visible() {
        for (text, shown) in [
            ("plain ä 日本 \t", "plain ä 日本 \t"),
            ("\x1b[31mred", "\\x1b[31mred"),
            ("\x1b]52;c;AAAA\x07", "\\x1b]52;c;AAAA\\x07"),
            ("\u{9b}31m", "\\u{9b}31m"),
            ("a\r\nb", "a\\r\\nb"),
            ("a\0b\x7f", "a\\x00b\\x7f"),
            ("user\u{202e}txt.exe", "user\\u{202e}txt.exe"),
            ("a\u{2066}b\u{2028}c", "a\\u{2066}b\\u{2028}c"),
            ("\u{e0041}", "\\u{e0041}"),
        ] {
            assert_eq!(visible(text, Lines::One, 1000), shown);
        }
        assert_eq!(visible("a\n\tb\rc", Lines::Keep, 1000), "a\n\tb\\rc");
    }

    #[test]
    fn long_text_is_cut_with_a_mark() {
        let text = "ä".repeat(100);
        let shown = visible(&text, Lines::One, 50);
        assert!(
            shown.len() <= 50 && shown.starts_with("ää") && shown.ends_with("ä [cut, 200 bytes in all]"),
            "{shown}"
        );
        assert_eq!(visible(&text, Lines::One, 200), text);
        assert_eq!(visible("abcdef", Lines::One, 3).len(), 3);
    }

    proptest! {
        #[test]
        fn never_longer_never_active(text in "\\PC*|[\\x00-\\x1f\\u{80}-\\u{9f}a]*", max in 0usize..200) {
            let shown = visible(&text, Lines::One, max);
            prop_assert!(shown.len() <= max);
            prop_assert!(!shown.chars().any(|c| is_control(c) && c != '\t'));
        }
    }

    #[test]
    fn a_list_has_an_end() {
        let list = |count: usize| listed(&(0..count).map(|n| format!("n{n}")).collect::<Vec<_>>());
        assert_eq!(list(0), "none");
        assert_eq!(list(2), "\"n0\", \"n1\"");
        assert!(list(20).ends_with("\"n19\""));
        assert!(list(23).ends_with("\"n19\" and 3 more"));
        assert_eq!(listed(&["a\u{1b}[2J"]), "\"a\\x1b[2J\"");
        assert!(listed(&["x".repeat(10_000)]).len() < 200);
    }
}
