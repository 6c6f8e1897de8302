//! A Python traceback for its author: their own frames as Python prints them, runs of others' folded into one line.
//!
//! It arrives as text, as any language prints it. What does not look like Python's stays as it is, line by line, so
//! that nothing is ever lost that somebody wants to read.

use std::fmt::Write as _;

use serde::Serialize;

/// Where the files of a project lie in a component.
const PROJECT: &str = "/project/";
/// Where its dependencies lie.
const SITE: &str = "/site-packages/";

/// A frame.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Frame {
    /// The file; of a project, its path in there.
    pub file: String,
    /// The line.
    pub line: u64,
    /// The function.
    pub function: String,
    /// The source line, where it is known.
    pub source: Option<String>,
    /// Whose it is: `connector`, `sluice`, `python`, or the name of a package.
    pub owner: String,
}

enum Part<'a> {
    Line(&'a str),
    Frame { indent: &'a str, frame: Frame, lines: Vec<&'a str> },
}

/// The frames of all exceptions, in the order of the text.
#[must_use]
pub fn frames(text: &str) -> Vec<Frame> {
    let frame = |part| match part {
        Part::Frame { frame, .. } => Some(frame),
        Part::Line(_) => None,
    };
    parts(text).into_iter().filter_map(frame).collect()
}

/// The text with others' frames folded. Where an exception has no frame of the author, nothing of it is.
#[must_use]
pub fn folded(text: &str) -> String {
    let mut out = String::new();
    let mut block = Vec::new();
    for part in parts(text) {
        match part {
            Part::Line(line) => {
                write_block(&mut out, &block);
                block.clear();
                push(&mut out, line);
            }
            Part::Frame { .. } => block.push(part),
        }
    }
    write_block(&mut out, &block);
    out
}

/// The text with its lines made anew: frames and source lines by `code`, everything else by `message`.
#[must_use]
pub fn with(text: &str, code: impl Fn(&str) -> String, message: impl Fn(&str) -> String) -> String {
    let mut out = String::new();
    for part in parts(text) {
        match part {
            Part::Line(line) => push(&mut out, &message(line)),
            Part::Frame { lines, .. } => lines.iter().for_each(|line| push(&mut out, &code(line))),
        }
    }
    out
}

fn push(out: &mut String, line: &str) {
    out.push_str(line);
    out.push('\n');
}

impl Clone for Part<'_> {
    fn clone(&self) -> Self {
        match self {
            Self::Line(line) => Self::Line(line),
            Self::Frame { indent, frame, lines } => Self::Frame { indent, frame: frame.clone(), lines: lines.clone() },
        }
    }
}

/// Frames that follow each other: those of one exception.
fn write_block(out: &mut String, block: &[Part<'_>]) {
    let authors = |part: &Part<'_>| matches!(part, Part::Frame { frame, .. } if frame.owner == "connector");
    let fold = block.iter().any(authors);
    let mut hidden: Vec<&Part<'_>> = Vec::new();
    for part in block {
        if fold && !authors(part) {
            hidden.push(part);
            continue;
        }
        write_hidden(out, &mut hidden);
        if let Part::Frame { lines, .. } = part {
            lines.iter().for_each(|line| push(out, line));
        }
    }
    write_hidden(out, &mut hidden);
}

fn write_hidden(out: &mut String, hidden: &mut Vec<&Part<'_>>) {
    let mut owners: Vec<&str> = Vec::new();
    let mut first = "  ";
    for (number, part) in hidden.iter().enumerate() {
        let Part::Frame { indent, frame, .. } = part else { continue };
        if number == 0 {
            first = indent;
        }
        if !owners.contains(&frame.owner.as_str()) {
            owners.push(&frame.owner);
        }
    }
    let frames = if hidden.len() == 1 { "frame" } else { "frames" };
    if !owners.is_empty() {
        let _ = writeln!(out, "{first}... {} {frames} of {} (-v shows them)", hidden.len(), owners.join(", "));
    }
    hidden.clear();
}

fn parts(text: &str) -> Vec<Part<'_>> {
    let mut parts: Vec<Part<'_>> = Vec::new();
    for line in text.lines() {
        if let Some((indent, frame)) = frame(line) {
            parts.push(Part::Frame { indent, frame, lines: vec![line] });
            continue;
        }
        match parts.last_mut() {
            // Source, its marks, and `[Previous line repeated 7 more times]` stand deeper than their frame.
            Some(Part::Frame { indent, frame, lines }) if deeper(line, indent) => {
                if lines.len() == 1 {
                    let source = line.get(indent.len()..).unwrap_or_default().trim();
                    frame.source = Some(source.to_owned()).filter(|source| !source.is_empty());
                }
                lines.push(line);
            }
            _ => parts.push(Part::Line(line)),
        }
    }
    parts
}

fn deeper(line: &str, indent: &str) -> bool {
    let rest = line.strip_prefix(indent);
    rest.is_some_and(|rest| rest.starts_with("  ") || rest.starts_with("[Previous line"))
}

/// `  File "…", line 7, in update`, which groups of exceptions indent with `  | `.
fn frame(line: &str) -> Option<(&str, Frame)> {
    let at = line.find("File \"")?;
    let (indent, rest) = line.split_at_checked(at)?;
    if !indent.starts_with("  ") || !indent.chars().all(|letter| letter == ' ' || letter == '|') {
        return None;
    }
    let (file, rest) = rest.strip_prefix("File \"")?.split_once("\", line ")?;
    let (number, function) = rest.split_once(", in ").unwrap_or((rest, ""));
    let line = number.parse().ok()?;
    let (owner, file) = owner(file);
    Some((indent, Frame { file, line, function: function.to_owned(), source: None, owner }))
}

fn owner(file: &str) -> (String, String) {
    if let Some(own) = file.strip_prefix(PROJECT) {
        return ("connector".to_owned(), own.to_owned());
    }
    let owner = match file.split_once(SITE) {
        Some((_, rest)) => rest.split('/').next().unwrap_or_default().trim_end_matches(".py"),
        None if ["/sluice/", "/fivetran_connector_sdk/", "/psycopg2/"].iter().any(|name| file.contains(name)) => {
            "sluice"
        }
        None if file.starts_with("<sluice") => "sluice",
        None if file.starts_with('/') || file.starts_with("<frozen") => "python",
        // made by the connector itself: `<string>`
        None => "connector",
    };
    (owner.to_owned(), file.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHAINED: &str = r#"Traceback (most recent call last):
  File "/project/shop/api.py", line 12, in fetch
    return json.loads(body)
           ~~~~~~~~~~^^^^^^
  File "/python/json/__init__.py", line 352, in loads
    return _default_decoder.decode(s)
  File "/python/json/decoder.py", line 345, in decode
    obj, end = self.raw_decode(s)
json.decoder.JSONDecodeError: Expecting value: line 1 column 1 (char 0)

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/sdk/sluice/_drive.py", line 30, in exhaust
    finish(answer)
  File "/project/connector.py", line 20, in update
    rows = fetch()
  File "/site-packages/requests/api.py", line 1, in get
  File "/site-packages/urllib3/poolmanager.py", line 2, in urlopen
    [Previous line repeated 3 more times]
ValueError: a note follows
look at the page
"#;

    #[test]
    fn the_authors_frames_stay_and_others_are_one_line() {
        insta::assert_snapshot!(folded(CHAINED), @"");
    }

    #[test]
    fn groups_keep_their_lines() {
        let group = "  + Exception Group Traceback (most recent call last):\n  |   File \"/project/connector.py\", line 3, in \
                     update\n  |     raise ExceptionGroup(\"several\", found)\n  | ExceptionGroup: several (1 \
                     sub-exception)\n  +-+---------------- 1 ----------------\n    | Traceback (most recent call last):\n    \
                     |   File \"/python/x.py\", line 3, in f\n    |   File \"/project/connector.py\", line 9, in one\n    | \
                     ValueError: one\n    +------------------------------------\n";
        let expected = group.replace(
            "    |   File \"/python/x.py\", line 3, in f\n",
            "    |   ... 1 frame of python (-v shows them)\n",
        );
        assert_eq!(folded(group), expected);
    }

    #[test]
    fn what_is_no_python_stays_as_it_is() {
        for text in ["error: at main.rs:3\n  called from lib.rs:7\n", "", "  File \"x\n"] {
            assert_eq!(folded(text), text);
            assert!(frames(text).is_empty());
        }
        let only_sdk =
            "Traceback (most recent call last):\n  File \"/sdk/sluice/_a.py\", line 1, in f\n    g()\nE: x\n";
        assert_eq!(folded(only_sdk), only_sdk);
    }

    #[test]
    fn frames_are_structured() {
        let all = frames(CHAINED);
        let owners: Vec<_> = all.iter().map(|frame| frame.owner.as_str()).collect();
        assert_eq!(owners, ["connector", "python", "python", "sluice", "connector", "requests", "urllib3"]);
        let first = all.first().map(|frame| (frame.file.as_str(), frame.line, frame.function.as_str()));
        assert_eq!(first, Some(("shop/api.py", 12, "fetch")));
        assert_eq!(all.first().and_then(|frame| frame.source.as_deref()), Some("return json.loads(body)"));
    }
}
