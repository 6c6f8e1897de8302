//! The pages of docs/reference, and the JSON Schemas beside them, are made of the code: clap's arguments, the tables of
//! keys, limits and exit codes, and the WIT contract with its comments. One command writes them anew:
//!
//! ```sh
//! SLUICE_WRITE_REFERENCE=1 cargo test --release --lib reference
//! ```

mod commands;
mod events;
mod exits;
mod files;
mod limits;
mod markdown;
mod printed;
mod typed;
mod wit;

use std::fs;
use std::path::{Path, PathBuf};

const AGAIN: &str = "SLUICE_WRITE_REFERENCE=1 cargo test --release --lib reference";

type Page = fn() -> String;

/// What is made, by its path below docs/.
const MADE: [(&str, Page); 11] = [
    ("reference/cli.md", commands::page),
    ("reference/sluice-toml.md", files::fleet),
    ("reference/connector-toml.md", files::connector),
    ("reference/settings-toml.md", files::settings),
    ("reference/wit.md", wit::page),
    ("reference/exit-codes.md", exits::page),
    ("reference/events.md", events::page),
    ("reference/json.md", printed::page),
    ("limits.md", limits::page),
    ("sluice.schema.json", files::fleet_schema),
    ("connector.schema.json", files::connector_schema),
];

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs")
}

#[test]
fn the_pages_are_what_the_code_says() {
    let write = std::env::var_os("SLUICE_WRITE_REFERENCE").is_some();
    let mut differ = Vec::new();
    for (path, make) in MADE {
        let (file, made) = (docs().join(path), make());
        let stored = fs::read_to_string(&file).unwrap_or_default();
        if stored == made {
            continue;
        }
        if write {
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(&file, made).unwrap();
            continue;
        }
        let line = 1 + stored.lines().zip(made.lines()).take_while(|(stored, made)| stored == made).count();
        let is = made.lines().nth(line - 1).unwrap_or("(the end)");
        differ.push(format!("docs/{path}, line {line}, should be:\n  {is}\n"));
    }
    assert!(differ.is_empty(), "{}write them anew with\n  {AGAIN}", differ.concat());
}

#[test]
fn no_page_is_left_over() {
    for file in docs().join("reference").read_dir().unwrap() {
        let path = format!("reference/{}", file.unwrap().file_name().to_string_lossy());
        assert!(
            MADE.iter().any(|(made, _)| *made == path) || path == "reference/README.md",
            "docs/{path}: nothing makes it"
        );
    }
}
