//! What the documents say to type can be typed: every `sluice` command in their blocks of code is parsed.

use std::fs;
use std::path::Path;

use clap::CommandFactory;
use clap::error::ErrorKind;

use super::docs;
use crate::cli::Arguments;

/// The lines of blocks for a shell, those that go on joined.
fn shell_lines(page: &str) -> Vec<String> {
    let mut lines = Vec::<String>::new();
    let (mut open, mut shell, mut goes_on) = (false, false, false);
    for line in page.lines() {
        if let Some(info) = line.trim_start().strip_prefix("```") {
            open = !open;
            shell = open && matches!(info.split(' ').next(), Some("sh" | "console" | "bash" | ""));
            continue;
        }
        if !shell {
            continue;
        }
        let more = line.trim().trim_end_matches('\\').to_owned();
        match lines.last_mut() {
            Some(last) if goes_on => *last += &format!(" {more}"),
            _ => lines.push(more),
        }
        goes_on = line.ends_with('\\');
    }
    lines
}

/// The words of the first `sluice` command of a line, as a shell divides them; none when there is no such command.
fn words(line: &str) -> Option<Vec<String>> {
    let line = line.strip_prefix("$ ").unwrap_or(line);
    let begins =
        [" | sluice ", " && sluice "].iter().filter_map(|before| line.find(before).map(|at| at + before.len() - 7));
    let begins = if line.starts_with("sluice ") { Some(0) } else { begins.min() };
    let mut words = vec![String::new()];
    let mut quote = None;
    for character in line.get(begins?..)?.chars() {
        match (quote, character) {
            (None, '\'' | '"') => quote = Some(character),
            (Some(open), _) if open == character => quote = None,
            (None, '#') if words.last().is_some_and(String::is_empty) => break,
            (None, '|' | '>' | '&' | ';') => break,
            (None, ' ') => words.push(String::new()),
            _ => words.last_mut()?.push(character),
        }
    }
    words.retain(|word| !word.is_empty());
    Some(words)
}

fn check(page: &Path, found: &mut usize, wrong: &mut Vec<String>) {
    let text = fs::read_to_string(page).unwrap();
    for line in shell_lines(&text) {
        let Some(words) = words(&line) else { continue };
        // A sketch, such as `sluice secrets set <connection> <name>` or `sluice help run`, is no command.
        if words.iter().any(|word| word.contains(['<', '…', '['])) || words.get(1).is_some_and(|word| word == "help")
        {
            continue;
        }
        *found += 1;
        if let Err(error) = Arguments::command().try_get_matches_from(&words)
            && !matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion)
        {
            let said = error.to_string();
            wrong.push(format!("{}: {line}\n  {}", page.display(), said.lines().next().unwrap_or_default()));
        }
    }
}

fn pages(folder: &Path, visit: &mut dyn FnMut(&Path)) {
    for entry in folder.read_dir().unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            pages(&path, visit);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            visit(&path);
        }
    }
}

#[test]
fn what_documents_say_to_type_can_be_typed() {
    let (mut found, mut wrong) = (0, Vec::new());
    let mut visit = |page: &Path| check(page, &mut found, &mut wrong);
    let root = docs().join("..");
    [root.join("README.md"), root.join("guest-python/README.md")].iter().for_each(|page| visit(page));
    [docs(), root.join("host/templates")].iter().for_each(|folder| pages(folder, &mut visit));
    assert!(wrong.is_empty(), "these cannot be typed:\n{}", wrong.join("\n"));
    assert!(found > 100, "{found} commands");
}

#[test]
fn words_are_those_of_a_shell() {
    for (line, expected) in [
        ("sluice run a --env 'A=b c' # what it does", Some(vec!["sluice", "run", "a", "--env", "A=b c"])),
        ("$ vault read | sluice secrets set a b", Some(vec!["sluice", "secrets", "set", "a", "b"])),
        ("cd /etc && sluice batch > log", Some(vec!["sluice", "batch"])),
        ("cargo test", None),
    ] {
        let expected = expected.map(|words| words.into_iter().map(ToOwned::to_owned).collect());
        assert_eq!(words(line), expected, "{line}");
    }
}
