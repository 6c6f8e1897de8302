//! Files of a project and of an operator, and states: the first byte says which.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::compiler::configuration::{self, MAX_ENTRIES};
use crate::compiler::lock::Lock;
use crate::compiler::manifest::Manifest;
use crate::compiler::requirements::{Requirements, name_of};
use crate::destination::sqlite::state_entries;
use crate::fuzzing::memory::within;
use crate::fuzzing::{Seen, Target, run, texts};
use crate::landing::settings;
use crate::policy::addresses;
use crate::policy::egress::{Destination, NetworkGrants};
use crate::policy::limits::Limits;
use crate::stamp::{is_name, is_version};

const WORDS: &[&str] = &[
    "name = \"a\"\n",
    "version = \"1\"\n",
    "[network]\n",
    "allow = [\"https://a.example\"]\n",
    "[limits]\n",
    "memory_mib = ",
    "rows = ",
    "[destination]\n",
    "[destination.tables.a]\n",
    "block_columns = [\"x\"]\n",
    "hash_columns = [\"y\"]\n",
    "[secrets.key]\n",
    "hosts = [\"https://a.example\"]\n",
    "in = [\"header\"]\n",
    "[oauth.token]\n",
    "token_url = \"https://a.example/t\"\n",
    "[[",
    "]]",
    "[",
    "]",
    "{",
    "}",
    "\"\"\"",
    "'''",
    "1979-05-27",
    "0x",
    "inf",
    "nan",
    "\\u0000",
    "\\ud800",
    "null",
    "{\"a\":",
    "[project]\ndependencies = [",
    "-r requirements.txt\n",
    "--hash=sha256:",
    " \\\n",
    "; python_version",
    "-e .",
    "git+https://",
    "lock-version = \"1.0\"\n",
    "[tool.sluice]\nrequirements = []\n",
    "[[packages]]\n",
    "a==1.0",
    "#",
];

fn seeds() -> Vec<Vec<u8>> {
    texts(&[
        "mname = \"shop\"\nversion = \"1.0.0\"\n[network]\nallow = [\"https://api.example.com\"]\n[limits]\nmemory_mib = 512\n",
        "m[destination.tables.users]\nblock_columns = [\"password\"]\n[secrets.key]\nhosts = [\"https://a.example\"]\n",
        "g[limits]\nwall = \"10m\"\nmemory_bytes = 268435456\n[destination]\nnaming = \"source\"\n",
        "g[oauth.token]\ntoken_url = \"https://a.example/t\"\nflow = \"client_credentials\"\nclient_id = \"id\"\n",
        "c{\"a\": \"1\", \"b\": \"\"}",
        "s{\"cursor\": {\"a\": [1, 2.50, null]}, \"b\" : \"x\"}",
        "rrequests>=2,<3 ; python_version > '3'\n-c constraints.txt\na==1 --hash=sha256:0000000000000000000000000000000000000000000000000000000000000000\n",
        "y[project]\nname = \"x\"\ndependencies = [\"requests>=2\", \"a[b]==1\"]\n",
        "llock-version = \"1.0\"\n[tool.sluice]\nrequirements = [\"a\"]\n[[packages]]\nname = \"a\"\nversion = \"1\"\n",
    ])
}

fn attack(input: &[u8]) -> Seen {
    let Some((what, rest)) = input.split_first() else { return Seen::of(&0) };
    let text = String::from_utf8_lossy(rest);
    match what {
        b'm' => manifest(&text),
        b'g' => operator(&text),
        b'c' => given(&text),
        b's' => state(&text),
        b'r' | b'y' => requirements(*what, &text),
        b'l' => lock(&text),
        _ => Seen::of(&1),
    }
}

/// Reading TOML keeps positions and spans of everything, three times over for the sections.
fn proportion(text: &str) -> usize {
    512 * text.len() + 256 * 1024
}

fn manifest(text: &str) -> Seen {
    let manifest = match within(proportion(text), || Manifest::parse(text)) {
        Ok(manifest) => manifest,
        Err(error) => return short(&error.to_string(), text),
    };
    assert!(manifest.name.as_deref().is_none_or(is_name) && manifest.version.as_deref().is_none_or(is_version));
    let granted = NetworkGrants::from_project(&manifest.network);
    for asked in &manifest.network {
        // What a project asks for never opens an address that is not public.
        let Ok((to, _)) = Destination::parse(&asked.to_string()) else { continue };
        if let crate::policy::egress::Host::Ip(ip) = to.host() {
            assert_eq!(granted.permit(&to).is_ok(), addresses::judge(*ip).is_ok(), "{asked}");
        }
    }
    assert!(manifest.secrets.check().is_ok());
    assert_eq!(Manifest::parse(text).as_ref().ok(), Some(&manifest));
    Seen::of(&(manifest.name.is_some(), manifest.network.len().min(3), manifest.secrets.names().count().min(3)))
}

fn operator(text: &str) -> Seen {
    let secrets = within(proportion(text), || settings::read_secrets(text)).is_ok();
    let read = match within(proportion(text), || settings::read(text)) {
        Ok(read) => read,
        Err(error) => return short(&error.to_string(), text),
    };
    let mut limits = Limits::default();
    assert_eq!(read.limits.apply(&mut limits), Ok(()));
    // Limits that hold have a floor and a ceiling, whatever a file says.
    if limits.check().is_ok() {
        assert!(limits.memory_bytes <= 4 << 30 && limits.hostcall_bytes >= limits.batch_bytes);
    }
    Seen::of(&(2, secrets, limits.check().is_ok()))
}

/// A message is for a person, and tells little of a long file.
fn short(error: &str, text: &str) -> Seen {
    assert!(error.len() < 4096 + 4 * text.len(), "{} bytes of message for {} of text", error.len(), text.len());
    // Further on, messages of parsers repeat the text.
    Seen::text(error.lines().next().and_then(|line| line.get(..40)).unwrap_or_default())
}

fn given(text: &str) -> Seen {
    let parse = || within(256 * text.len() + 16 * 1024, || configuration::parse(text));
    match parse() {
        Err(error) => short(&error.to_string(), text),
        Ok(read) => {
            assert!(read.len() <= MAX_ENTRIES);
            let printed = serde_json::to_string(&read).unwrap();
            assert_eq!(configuration::parse(&printed).unwrap(), read);
            Seen::of(&3).and(read.len())
        }
    }
}

fn state(text: &str) -> Seen {
    let entries = within(256 * text.len() + 16 * 1024, || state_entries(text));
    let Ok(whole) = serde_json::from_str::<BTreeMap<String, Value>>(text) else {
        return Seen::of(&4).and(entries.len());
    };
    // Of a key that stands twice the last counts, as everywhere.
    let mut read = BTreeMap::new();
    for (key, value) in entries {
        read.insert(key, serde_json::from_str::<Value>(value).expect("the text of a value"));
    }
    assert_eq!(read, whole, "{text}");
    Seen::of(&5).and(read.len())
}

fn requirements(what: u8, text: &str) -> Seen {
    let file = if what == b'r' { "requirements.txt" } else { "pyproject.toml" };
    let find = |path: &str| (path == file || path == "constraints.txt").then_some(text);
    let read = match within(proportion(text), || Requirements::of(&find)) {
        Ok(read) => read,
        Err(error) => return short(&error.to_string(), text),
    };
    for line in &read.lines {
        assert!(name_of(line).is_some() && !line.starts_with('-'), "{line:?} would be an option of pip");
        assert!(line.bytes().all(|b| (b' '..0x7f).contains(&b)), "{line:?}");
    }
    for line in &read.constraints {
        assert!(!line.starts_with('-') && !line.contains(['\n', '\r']), "{line:?} would be an option of pip");
    }
    Seen::of(&(6, read.lines.len().min(4), read.constraints.len().min(4), read.hashes.len().min(4)))
}

fn lock(text: &str) -> Seen {
    match within(proportion(text), || Lock::parse(text)) {
        Err(error) => short(&error.to_string(), text),
        Ok(lock) => {
            let again = Lock::parse(&lock.text()).unwrap_or_else(|error| panic!("{error}: {}", lock.text()));
            assert_eq!(again, lock, "{}", lock.text());
            Seen::of(&7).and(lock.text().len())
        }
    }
}

#[test]
fn fuzz_files() {
    run(&Target { name: "files", words: WORDS, longest: 16 * 1024, brief: 6000, seeds, attack });
}
