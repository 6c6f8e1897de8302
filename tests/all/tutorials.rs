//! The tutorials, done as they say: files are written as they stand there, commands are run in a folder of the reader's,
//! and what they print is what the page shows.
//!
//! | block | what is done with it |
//! |---|---|
//! | <code>```python file=shop/connector.py</code> | written, whatever the language |
//! | <code>```console</code> | lines with `$` are run; what follows is what they print, and they succeed |
//! | <code>```console exit=4</code> | the same, and the last one ends so |
//! | <code>```console background</code> | started, and left running once it printed what follows |
//! | <code>```text</code> | nothing |
//!
//! `…` stands for anything in a line, and alone for any lines. Blanks count as one. What a work prints step by step is
//! left out, since a terminal shows it in place. A port that a background command prints is whatever it is today.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::support::{repository, sluice, text};

/// A fenced block.
struct Block {
    line: usize,
    language: String,
    attributes: BTreeMap<String, String>,
    lines: Vec<String>,
}

/// A command of a block, and what it is to print.
struct Step {
    line: usize,
    command: String,
    shown: Vec<String>,
}

fn blocks(page: &str) -> Vec<Block> {
    let mut blocks = Vec::<Block>::new();
    let mut open = false;
    for (line, content) in (1..).zip(page.lines()) {
        match content.strip_prefix("```") {
            Some(_) if open => open = false,
            Some(info) => {
                let mut words = info.split_whitespace();
                let language = words.next().unwrap_or_default().to_owned();
                let attributes = words.map(|word| word.split_once('=').unwrap_or((word, "")));
                let attributes = attributes.map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
                blocks.push(Block { line, language, attributes, lines: Vec::new() });
                open = true;
            }
            None if open => blocks.last_mut().unwrap().lines.push(content.to_owned()),
            None => {}
        }
    }
    blocks
}

fn steps(block: &Block) -> Vec<Step> {
    let mut steps = Vec::<Step>::new();
    let mut goes_on = false;
    for (line, content) in (block.line + 1..).zip(&block.lines) {
        match content.strip_prefix("$ ") {
            Some(command) => steps.push(Step { line, command: command.to_owned(), shown: Vec::new() }),
            None => {
                let step = steps.last_mut().unwrap_or_else(|| panic!("line {line}: output before a command"));
                match goes_on {
                    true => step.command += &format!("\n{content}"),
                    false => step.shown.push(content.clone()),
                }
            }
        }
        goes_on = content.ends_with('\\') && (goes_on || content.starts_with("$ "));
    }
    steps
}

/// Whether a line is as the page shows it.
fn fits(shown: &str, line: &str) -> bool {
    let (shown, line) = (one_blank(shown), one_blank(line));
    let mut pieces = shown.split('…');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = line.strip_prefix(first) else { return false };
    let mut last = None;
    for piece in pieces {
        last = Some(piece);
        match rest.find(piece) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    rest.is_empty() || last.is_some_and(|last| line.len() >= first.len() + last.len() && line.ends_with(last))
}

fn one_blank(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The first line of the page that is not as it is shown, if there is one.
fn differs<'a>(shown: &'a [String], printed: &[&str]) -> Option<&'a str> {
    match (shown.split_first(), printed.split_first()) {
        (None, None) => None,
        (None, Some(_)) => Some("(the end)"),
        (Some((hole, rest)), _) if hole.trim() == "…" => {
            let ends = (0..=printed.len()).map(|skipped| differs(rest, &printed[skipped..]));
            ends.reduce(|best, one| if best.is_none() { best } else { one }).flatten()
        }
        (Some((line, _)), None) => Some(line),
        (Some((line, shown)), Some((is, printed))) => {
            if fits(line, is) {
                differs(shown, printed)
            } else {
                Some(line)
            }
        }
    }
}

/// What a terminal keeps.
fn kept(printed: &str) -> Vec<&str> {
    let is_step = |line: &str| line.ends_with(" ...") || line.contains(": done in ");
    let mut lines: Vec<_> = printed.lines().map(str::trim_end).filter(|line| !is_step(line)).collect();
    while lines.last().is_some_and(|line| line.is_empty()) {
        lines.pop();
    }
    lines
}

/// Somebody who does what a page says.
struct Reader {
    folder: tempfile::TempDir,
    background: Vec<Child>,
    /// Ports of the page, and what they are today.
    ports: Vec<(String, String)>,
}

impl Reader {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), background: Vec::new(), ports: Vec::new() }
    }

    fn does(&mut self, name: &str) {
        let path = repository().join("docs/tutorials").join(name);
        let page = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
        let (mut files, mut commands) = (0, 0);
        for block in blocks(&page) {
            let place = format!("docs/tutorials/{name}, line {}", block.line);
            match (block.attributes.get("file"), block.language.as_str()) {
                (Some(file), _) => {
                    self.write(file, &block.lines);
                    files += 1;
                }
                (None, "console") if block.attributes.contains_key("background") => self.starts(&place, &block),
                (None, "console") => commands += self.types(name, &block),
                (None, "text") => {}
                (None, other) => panic!("{place}: a block of {other} that is neither written nor run"),
            }
        }
        assert!(commands > 3, "{name}: {files} files, {commands} commands");
    }

    fn today(&self, text: &str) -> String {
        self.ports.iter().fold(text.to_owned(), |text, (shown, is)| text.replace(shown, is))
    }

    fn write(&self, file: &str, lines: &[String]) {
        let path = self.folder.path().join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, self.today(&(lines.join("\n") + "\n"))).unwrap();
    }

    fn command(&self, command: &str) -> Command {
        let own = Path::new(env!("CARGO_BIN_EXE_sluice")).parent().unwrap();
        let path = format!("{}:{}", own.display(), std::env::var("PATH").unwrap_or_default());
        let mut shell = Command::new("sh");
        // The caches that `sluice` of the tests has.
        let caches = sluice();
        let variables = caches.get_envs().filter_map(|(name, value)| Some((name, value?)));
        shell.envs(variables).env("PATH", path).env("PYTHONDONTWRITEBYTECODE", "1");
        shell.args(["-c", &format!("exec 2>&1\n{}", self.today(command))]);
        shell.current_dir(self.folder.path()).stdin(Stdio::null()).stdout(Stdio::piped());
        shell
    }

    fn starts(&mut self, place: &str, block: &Block) {
        for step in steps(block) {
            let mut child = self.command(&format!("exec {}", step.command)).spawn().unwrap();
            let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
            self.background.push(child);
            for shown in &step.shown {
                let line = lines.next().unwrap_or_else(|| panic!("{place}: it ended")).unwrap();
                if let (Some(was), Some(is)) = (port(shown), port(&line)) {
                    self.ports.push((was.to_owned(), is.to_owned()));
                }
                assert!(fits(&self.today(shown), &line), "{place}: shown is\n{shown}\nprinted was\n{line}");
            }
            // Nobody reads on, and it must not end for that.
            std::thread::spawn(move || lines.for_each(drop));
        }
    }

    fn types(&self, name: &str, block: &Block) -> usize {
        let steps = steps(block);
        let wanted = block.attributes.get("exit").map_or(0, |code| code.parse().unwrap());
        for (index, step) in steps.iter().enumerate() {
            let output = self.command(&step.command).output().unwrap();
            let printed = text(&output.stdout);
            let said = format!("docs/tutorials/{name}, line {}: $ {}\n{printed}", step.line, step.command);
            let wanted = if index + 1 == steps.len() { wanted } else { 0 };
            assert_eq!(output.status.code(), Some(wanted), "{said}");
            let shown: Vec<_> = step.shown.iter().map(|line| self.today(line)).collect();
            let shown: Vec<_> = kept(&shown.join("\n")).into_iter().map(ToOwned::to_owned).collect();
            if let Some(line) = differs(&shown, &kept(&printed)) {
                panic!("{said}\nthis is not as the page shows it, from\n{line}");
            }
        }
        steps.len()
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        for child in &mut self.background {
            // It may have ended.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The port of a loopback URL in a line.
fn port(line: &str) -> Option<&str> {
    let (_, after) = line.split_once("127.0.0.1:")?;
    let end = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
    (end > 0).then(|| &after[..end])
}

/// The operator begins where the author ended.
#[test]
fn an_author_and_an_operator() {
    let mut reader = Reader::new();
    reader.does("first-connector.md");
    reader.does("first-fleet.md");
}

#[test]
fn an_auditor() {
    Reader::new().does("unknown-component.md");
}

#[test]
fn every_tutorial_is_done() {
    let done = include_str!("tutorials.rs");
    for page in fs::read_dir(repository().join("docs/tutorials")).unwrap() {
        let name = page.unwrap().file_name().into_string().unwrap();
        assert!(done.contains(&format!("does(\"{name}\")")), "nobody does {name}");
    }
}

#[test]
fn lines_are_compared_with_holes() {
    for (shown, line, fit) in [
        ("a b", "a   b", true),
        ("rows …, … rows/s", "rows   10 (361 B), 26 rows/s", true),
        ("… rows", "10 rows more", false),
        ("time …", "time", false),
        ("a … b … b", "a x b y b z b", true),
        ("x", "xy", false),
        ("…x", "yyx", true),
    ] {
        assert_eq!(fits(shown, line), fit, "{shown} | {line}");
    }
    let shown = ["a", "…", "c"].map(ToOwned::to_owned);
    assert_eq!(differs(&shown, &["a", "b", "b", "c"]), None);
    assert_eq!(differs(&shown, &["a", "c"]), None);
    assert_eq!(differs(&shown, &["a", "b"]), Some("c"));
    assert_eq!(differs(&shown[..1], &["a", "b"]), Some("(the end)"));
}
