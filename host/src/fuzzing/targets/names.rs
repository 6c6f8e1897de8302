//! Names, paths, numbers and messages of a connector: the first byte says what the rest is.

use crate::fuzzing::memory::within;
use crate::fuzzing::{Seen, Target, run, texts};
use crate::landing::Naming;
use crate::landing::names::{destination_name, name_under, spelling, table_name};
use crate::numbers::{Number, plain};
use crate::policy::identifiers::{DESTINATION_NAME_BYTES, FILE_PATH_COLUMN, Kind, check_destination, check_source};
use crate::policy::paths::FilePath;
use crate::policy::secrets::{Redactor, Secret};
use crate::policy::terminal::{Lines, is_control, listed, visible};

const LIMIT: usize = 255;

const WORDS: &[&str] = &[
    "_sluice_",
    "sqlite_",
    "_SLUICE_",
    "SQLITE_",
    "..",
    "/",
    "\\",
    "C:",
    "./",
    "../",
    "HTTPServer",
    "userID",
    "2nd",
    "ß",
    "ﬁ",
    "İ",
    "日本",
    "\u{301}",
    "1e308",
    "-0.0",
    "E-",
    "0.10",
    "NaN",
    "c2x1aWNl",
    "hunter2-hunter2",
    "%2F",
    "\\u00",
];

fn seeds() -> Vec<Vec<u8>> {
    texts(&[
        "nuserAccountID",
        "nStraße 2",
        "n_sluice_state",
        "p2024/ü/日本 1.csv",
        "p../../etc/passwd",
        "#-001.500e-3",
        "#123456789012345678901234567890.5",
        "ttext \u{1b}[2J\nline",
        "sthe key is hunter2-hunter2!",
        "saHVudGVyMi1odW50ZXIy",
    ])
}

fn attack(input: &[u8]) -> Seen {
    let Some((what, rest)) = input.split_first() else { return Seen::of(&0) };
    let text = String::from_utf8_lossy(rest);
    match what {
        b'n' => name(&text),
        b'p' => path(&text),
        b'#' => number(&text),
        b't' => shown(&text),
        b's' => secret(&text),
        _ => Seen::of(&1),
    }
}

fn name(text: &str) -> Seen {
    for kind in [Kind::Table, Kind::Column] {
        if let Err(error) = check_source(kind, text, LIMIT) {
            assert!(error.to_string().len() < 1000, "an error repeats a long name");
            continue;
        }
        assert!(!text.is_empty() && text.len() <= LIMIT && !text.chars().any(is_control));
        for naming in [Naming::Standard, Naming::Source] {
            // The transliteration of one character can be some dozen letters.
            let Ok(named) = within(400 * LIMIT, || name_under(naming, kind, text)) else { continue };
            assert!(named.len() <= DESTINATION_NAME_BYTES);
            assert_eq!(check_destination(kind, &named), Ok(()), "{text:?} becomes {named:?}");
            let reserved = named.to_ascii_lowercase();
            let brought = kind == Kind::Column && named == FILE_PATH_COLUMN;
            assert!(brought || !reserved.starts_with("_sluice_"), "{named}");
            if kind == Kind::Table {
                assert!(!reserved.starts_with("sqlite_"), "{named}");
            }
        }
        if let Ok(named) = destination_name(kind, text) {
            assert!(named.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'), "{named}");
            assert_eq!(destination_name(kind, &named).as_ref(), Ok(&named), "naming {text:?} twice changes it");
            assert_eq!(spelling(&named), spelling(text), "a block on {text:?} misses its own name");
        }
    }
    match table_name(Naming::Standard, Some(text), text) {
        Ok(name) => Seen::of(&2).and(name.len()),
        Err(error) => Seen::text(&error.to_string()),
    }
}

fn path(text: &str) -> Seen {
    let parsed = match FilePath::parse(text) {
        Ok(parsed) => parsed,
        Err(error) => return Seen::text(&error.to_string()),
    };
    assert_eq!(parsed.as_str(), text);
    assert!(!parsed.conflicts_with(&parsed));
    let root = std::path::Path::new("/root/of/all");
    let joined = root.join(parsed.as_str());
    let inside = joined.strip_prefix(root).expect("it stays below");
    assert!(inside.components().all(|part| matches!(part, std::path::Component::Normal(_))), "{text:?}");
    assert_eq!(inside.components().count(), parsed.names().count(), "{text:?}");
    Seen::of(&3).and(parsed.names().count())
}

fn number(text: &str) -> Seen {
    let Some(number) = within(4096 + 8 * text.len(), || Number::parse(text)) else { return Seen::of(&4) };
    assert!(number.equals(&number));
    let written = within(16 * 1024 + 8 * text.len(), || plain(text.to_owned()));
    let again = Number::parse(&written).expect("a plain number is one");
    assert!(again.equals(&number), "{text} is written as {written}");
    assert_eq!(again.as_integer(), number.as_integer());
    if let Some(integer) = number.as_integer() {
        assert!(Number::parse(&integer.to_string()).unwrap().equals(&number), "{text} is not {integer}");
    }
    Seen::of(&(5, number.shape().0 > 38, number.shape().1 > 0, number.as_integer().is_some()))
}

fn shown(text: &str) -> Seen {
    let mut kinds = Vec::new();
    for (lines, most) in [(Lines::One, 40), (Lines::Keep, 40), (Lines::One, 4096)] {
        let shown = within(8 * most + 4096, || visible(text, lines, most));
        assert!(shown.len() <= most, "{} bytes", shown.len());
        let breaks = |c: char| c == '\n' && lines == Lines::Keep;
        assert!(!shown.chars().any(|c| is_control(c) && c != '\t' && !breaks(c)), "{shown:?}");
        kinds.push(shown.len() == text.len());
    }
    assert!(listed(&[text; 30]).len() < 20 * 110 + 20);
    Seen::of(&kinds)
}

fn secret(text: &str) -> Seen {
    let secret = Secret::new("hunter2-hunter2/ü".to_owned());
    let redactor = Redactor::new([&secret]);
    let clean = redactor.redact(text);
    assert_eq!(redactor.finds(text), clean != text, "{text:?}");
    assert!(!redactor.finds(&clean), "a secret is left in {clean:?}");
    for most in [10, 100, 1000] {
        let line = redactor.log_line(text, Lines::One, most);
        assert!(line.len() <= most && !redactor.finds(&line), "{line:?}");
    }
    // A text that is a secret itself, of any length and script, leaves nothing either.
    let own = Redactor::new([&Secret::new(text.to_owned())]);
    let around = format!("a{text}b{text}");
    assert!(own.is_empty() || !own.redact(&around).contains(text), "{around:?}");
    Seen::of(&(6, clean != text, own.is_empty()))
}

#[test]
fn fuzz_names() {
    run(&Target { name: "names", words: WORDS, longest: 4096, brief: 10_000, seeds, attack });
}
