//! Pieces of a page.

use super::AGAIN;

/// The head of a page that is made.
pub(super) fn head(title: &str, about: &str) -> String {
    format!("<!-- Made from the code. Change that, then: {AGAIN} -->\n\n# {title}\n\n{about}\n")
}

/// Plain text, so that nothing in it is markup.
pub(super) fn plain(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut escaped = String::new();
    let mut quoted = false;
    for character in text.chars() {
        quoted ^= character == '`';
        if !quoted && matches!(character, '<' | '>' | '*' | '[' | ']' | '_') || character == '|' {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

/// Something to type.
pub(super) fn code(text: &str) -> String {
    format!("`{}`", text.replace('|', "\\|"))
}

/// A table.
pub(super) fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    let head: Vec<String> = header.iter().map(ToString::to_string).collect();
    let rows: String = rows.iter().map(|row| line(row)).collect();
    format!("{}|{}\n{rows}", line(&head), "---|".repeat(header.len()))
}

/// Where a heading is found in its page.
pub(super) fn anchor(heading: &str) -> String {
    let kept = heading
        .to_lowercase()
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
        .collect::<String>();
    kept.replace(' ', "-")
}
