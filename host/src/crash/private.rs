//! What of a message is left out of a crash report.

/// Stands for what was left out.
const LEFT_OUT: &str = "…";
/// A number with more digits could be somebody's.
const DIGITS: usize = 5;

/// A message without what could be data: URLs beyond their host, what stands in quotes, addresses of e-mail, long
/// numbers.
pub(super) fn message(text: &str) -> String {
    words(&quotes(&urls(text)))
}

/// The text with nothing of a URL but scheme and host.
pub(super) fn urls(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at_checked(at + 3).unwrap_or((rest, ""));
        out.push_str(before);
        let end = after.find(is_end).unwrap_or(after.len());
        let (url, following) = after.split_at_checked(end).unwrap_or((after, ""));
        let host = url.split(['/', '?', '#']).next().unwrap_or_default();
        // What stands before an @ is a user and a password.
        let shown = host.rsplit('@').next().unwrap_or_default();
        out.push_str(shown);
        if shown.len() < url.len() {
            out.push('/');
            out.push_str(LEFT_OUT);
        }
        rest = following;
    }
    out.push_str(rest);
    paths(&out)
}

fn is_end(letter: char) -> bool {
    letter.is_whitespace() || matches!(letter, '"' | '\'' | '<' | '>' | '`' | ')' | ']' | '}')
}

/// `with url: /orders?key=x`, as urllib3 says it, and other words that are a path with a query.
fn paths(text: &str) -> String {
    let mut after_url = false;
    let keep = |word: &str| {
        let path = word.trim_start_matches(['"', '\'', '(']).starts_with('/');
        let private = path && (after_url || word.contains('?'));
        after_url = word == "url:";
        if private { LEFT_OUT.to_owned() } else { word.to_owned() }
    };
    by_word(text, keep)
}

/// The text with each word made anew, the space between them as it is.
fn by_word(text: &str, mut make: impl FnMut(&str) -> String) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let space = rest.find(|letter: char| !letter.is_whitespace()).unwrap_or(rest.len());
        let (blank, word) = rest.split_at_checked(space).unwrap_or((rest, ""));
        out.push_str(blank);
        let end = word.find(char::is_whitespace).unwrap_or(word.len());
        let (word, following) = word.split_at_checked(end).unwrap_or((word, ""));
        if !word.is_empty() {
            out.push_str(&make(word));
        }
        rest = following;
    }
    out
}

/// The text with nothing in its quotes. An apostrophe within a word is none.
fn quotes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut open: Option<char> = None;
    let mut before = ' ';
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match open {
            Some(quote) if letter == '\n' || (letter == quote && before != '\\') => {
                out.push_str(LEFT_OUT);
                out.push(letter);
                open = None;
            }
            Some(_) => {}
            None => {
                let apostrophe = letter == '\'' && before.is_alphanumeric() && !matches!(before, 'b' | 'f' | 'r' | 'u');
                if matches!(letter, '"' | '\'') && !apostrophe && letters.peek().is_some() {
                    open = Some(letter);
                }
                out.push(letter);
            }
        }
        before = letter;
    }
    if open.is_some() {
        out.push_str(LEFT_OUT);
    }
    out
}

fn words(text: &str) -> String {
    let keep = |word: &str| {
        let mut run = 0;
        let long = word.chars().any(|letter| {
            run = if letter.is_ascii_digit() { run + 1 } else { 0 };
            run >= DIGITS
        });
        let address = word.find('@').is_some_and(|at| at > 0 && at + 1 < word.len());
        if address || (long && !word.contains("://")) { LEFT_OUT.to_owned() } else { word.to_owned() }
    };
    by_word(text, keep)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_url_the_host_stays() {
        let cases = [
            ("404 for url: https://api.example.com/orders?key=abc", "404 for url: https://api.example.com/…"),
            ("tcp://me:secret@db.example.com:5432/shop down", "tcp://db.example.com:5432/… down"),
            ("see https://example.com, and <http://a.b/c>", "see https://example.com, and <http://a.b/…>"),
            (
                "Max retries exceeded with url: /orders?token=x (Caused by y)",
                "Max retries exceeded with url: … (Caused by y)",
            ),
            ("no file /tmp/x", "no file /tmp/x"),
        ];
        for (text, expected) in cases {
            assert_eq!(urls(text), expected);
        }
    }

    #[test]
    fn what_could_be_data_is_left_out() {
        let cases = [
            ("KeyError: 'Ada Lovelace'", "KeyError: '…'"),
            (r#"invalid literal: "12\"3" here"#, r#"invalid literal: "…" here"#),
            ("it doesn't fit, b'raw' neither", "it doesn't fit, b'…' neither"),
            ("customer 4111111111111111 of ada@example.com owes 12", "customer … of … owes 12"),
            ("an open 'quote", "an open '…"),
            ("{'name': 'x',\n 'at': 3}", "{'…': '…',\n '…': 3}"),
        ];
        for (text, expected) in cases {
            assert_eq!(message(text), expected);
        }
    }
}
