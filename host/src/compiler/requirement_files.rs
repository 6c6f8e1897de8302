//! The format of `requirements.txt`: continued lines, comments, `-r`, `-c` and `--hash`.
//!
//! Options that choose where packages come from, and everything that names code by its place, are refused: a project
//! must not choose the package index of the machine it is built on.

use std::collections::BTreeMap;

use super::requirements::{RequirementsError, name_of, shown, single_line};

/// Most files that name each other.
pub(super) const MAX_REQUIREMENT_FILES: usize = 32;
const SHA256_DIGITS: usize = 64;
/// Options that say what happens anyway.
const HARMLESS: [&str; 3] = ["--prefer-binary", "--require-hashes", "--only-binary"];
const INDEX_OPTIONS: [&str; 8] =
    ["-i", "--index-url", "--extra-index-url", "--no-index", "-f", "--find-links", "--trusted-host", "--use-feature"];

/// What requirement files say together.
#[derive(Debug, Default)]
pub(super) struct Listed {
    /// One requirement each.
    pub(super) lines: Vec<String>,
    /// One constraint each: versions of packages that are taken only if something requires them.
    pub(super) constraints: Vec<String>,
    /// SHA-256 in hexadecimal, by package.
    pub(super) hashes: BTreeMap<String, Vec<String>>,
}

/// Reads a file and those it names; `find` gives a project's file by its path.
pub(super) fn read<'a>(path: &str, find: &dyn Fn(&str) -> Option<&'a str>) -> Result<Listed, RequirementsError> {
    let mut reader = Reader { find, seen: Vec::new(), listed: Listed::default() };
    reader.file(path, false)?;
    Ok(reader.listed)
}

struct Reader<'a, 'f> {
    find: &'f dyn Fn(&str) -> Option<&'a str>,
    seen: Vec<(String, bool)>,
    listed: Listed,
}

impl Reader<'_, '_> {
    fn file(&mut self, path: &str, constrains: bool) -> Result<(), RequirementsError> {
        let entry = (path.to_owned(), constrains);
        if self.seen.contains(&entry) {
            return Ok(());
        }
        if self.seen.len() >= MAX_REQUIREMENT_FILES {
            return Err(RequirementsError::TooManyFiles);
        }
        self.seen.push(entry);
        let text = (self.find)(path).ok_or_else(|| RequirementsError::NoFile(shown(path)))?;
        for (number, line) in logical_lines(text) {
            self.line(path, number, &line, constrains)?;
        }
        Ok(())
    }

    fn line(&mut self, path: &str, number: usize, line: &str, constrains: bool) -> Result<(), RequirementsError> {
        let option = |option: &str| RequirementsError::Option {
            file: shown(path),
            line: number,
            option: shown(option),
            why: refusal(option),
        };
        if let Some(named) = named_file(line) {
            let (constrains, named) = (constrains || named.0, named.1);
            let named = beside(path, named).ok_or_else(|| RequirementsError::NoFile(shown(named)))?;
            return self.file(&named, constrains);
        }
        if line.starts_with('-') {
            let word = line.split([' ', '=']).next().unwrap_or(line);
            return if HARMLESS.contains(&word) { Ok(()) } else { Err(option(word)) };
        }
        let (requirement, hashes) = split_hashes(line).map_err(option)?;
        let name = name_of(&requirement).ok_or_else(|| RequirementsError::NotAName(shown(&requirement)))?;
        if !hashes.is_empty() {
            self.listed.hashes.entry(name).or_default().extend(hashes);
        }
        let list = if constrains { &mut self.listed.constraints } else { &mut self.listed.lines };
        list.push(requirement);
        Ok(())
    }
}

/// `-r other.txt` in one of its spellings: whether it constrains, and the file.
fn named_file(line: &str) -> Option<(bool, &str)> {
    let spellings = [("--requirement", false), ("--constraint", true), ("-r", false), ("-c", true)];
    let (rest, constrains) =
        spellings.iter().find_map(|(option, constrains)| Some((line.strip_prefix(option)?, *constrains)))?;
    let file = rest.trim_start_matches([' ', '=']);
    (!file.is_empty() && !file.starts_with('-')).then_some((constrains, file))
}

/// The path of a file that another names, in the project; `None` when it leads out of it.
fn beside(path: &str, named: &str) -> Option<String> {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    if named.starts_with('/') {
        return None;
    }
    for part in named.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// A requirement without its hashes, and those; `Err` holds another option.
fn split_hashes(line: &str) -> Result<(String, Vec<String>), &str> {
    let mut words = line.split(' ').peekable();
    let (mut kept, mut hashes) = (Vec::new(), Vec::new());
    while let Some(word) = words.next() {
        let hash = match word.strip_prefix("--hash=") {
            Some(hash) => Some(hash),
            None if word == "--hash" => words.next(),
            None if word.starts_with('-') => return Err(word),
            None => None,
        };
        match (hash, hash.and_then(|hash| hash.strip_prefix("sha256:"))) {
            (Some(_), Some(digits)) if is_sha256(digits) => hashes.push(digits.to_ascii_lowercase()),
            (Some(_), _) => return Err(word),
            (None, _) => kept.push(word),
        }
    }
    Ok((kept.join(" "), hashes))
}

/// Whether a text is a SHA-256 in hexadecimal.
pub(super) fn is_sha256(text: &str) -> bool {
    text.len() == SHA256_DIGITS && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Lines with their numbers, continued ones joined and comments removed.
fn logical_lines(text: &str) -> Vec<(usize, String)> {
    let (mut found, mut pending, mut started) = (Vec::new(), String::new(), 0);
    for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        if pending.is_empty() {
            started = index + 1;
        }
        let comment = line.trim_start().starts_with('#');
        if let Some(line) = line.trim_end().strip_suffix('\\').filter(|_| !comment) {
            pending.push_str(line);
            pending.push(' ');
            continue;
        }
        pending.push_str(if comment { "" } else { line });
        let line = single_line(&pending.replace('\t', " "));
        let line = line.split(" #").next().unwrap_or_default().trim().to_owned();
        if !line.is_empty() && !line.starts_with('#') {
            found.push((started, line));
        }
        pending.clear();
    }
    let rest = single_line(&pending);
    if !rest.is_empty() {
        found.push((started, rest));
    }
    found
}

fn refusal(option: &str) -> &'static str {
    if INDEX_OPTIONS.contains(&option) {
        "a project does not choose where packages come from; set it in pip's own configuration on this machine"
    } else if option == "-e" || option == "--editable" {
        "a project's own files need no installation; list packages only"
    } else {
        "only -r, -c and --hash=sha256:... are possible"
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;

    fn from(files: &'static [(&'static str, &'static str)]) -> Result<Listed, RequirementsError> {
        read("requirements.txt", &|path| files.iter().find(|(name, _)| *name == path).map(|(_, text)| *text))
    }

    #[test]
    fn files_name_each_other_and_circles_end() {
        let listed = from(&[
            ("requirements.txt", "-r lib/more.txt\n-c lib/pins.txt\na\n"),
            ("lib/more.txt", "-r ../requirements.txt\n--constraint=pins.txt\nb>=1 # why\n"),
            ("lib/pins.txt", "b==1.5\n"),
        ])
        .unwrap();
        assert_eq!(listed.lines, ["b>=1", "a"]);
        assert_eq!(listed.constraints, ["b==1.5"]);
    }

    #[test]
    fn hashes_belong_to_their_package() {
        let listed = from(&[(
            "requirements.txt",
            "Big_Name==1 \\\n    --hash=sha256:00000000000000000000000000000000000000000000000000000000000000aa \\\n\
             \x20   --hash=sha256:00000000000000000000000000000000000000000000000000000000000000BB\n\
             \x20   # via something\nb\n",
        )])
        .unwrap();
        assert_eq!(listed.lines, ["Big_Name==1", "b"]);
        let hashes = &listed.hashes["big-name"];
        assert!(hashes[0].ends_with("aa") && hashes[1].ends_with("bb") && hashes.len() == 2, "{hashes:?}");
    }

    #[test]
    fn what_leads_elsewhere_is_refused_with_the_reason() {
        let cases: [(&'static [(&str, &str)], &str); 8] = [
            (&[("requirements.txt", "-r ../other.txt")], "../other.txt"),
            (&[("requirements.txt", "-r /etc/passwd")], "/etc/passwd"),
            (&[("requirements.txt", "-r gone.txt")], "gone.txt, which is not a file of the project"),
            (&[("requirements.txt", "a\n--extra-index-url https://x.example")], "line 2: `--extra-index-url`"),
            (&[("requirements.txt", "-e .")], "own files need no installation"),
            (&[("requirements.txt", "a --hash=md5:00")], "`--hash=md5:00`"),
            (&[("requirements.txt", "a --config-settings=x")], "only -r, -c and --hash"),
            (&[("requirements.txt", "git+https://x.example/y")], "not a package name"),
        ];
        for (files, expected) in cases {
            let message = from(files).unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
    }
}
