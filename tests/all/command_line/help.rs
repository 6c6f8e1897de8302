//! The help of every command, as it stands in `snapshots/`. `INSTA_UPDATE=always` writes it anew.

use std::collections::BTreeSet;
use std::path::Path;

use super::say;
use crate::support::text;

fn help(command: &[String]) -> String {
    let arguments: Vec<_> = command.iter().map(String::as_str).chain(["--help"]).collect();
    let output = say(&arguments);
    assert!(output.status.success(), "sluice {}", arguments.join(" "));
    text(&output.stdout).lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

/// The commands that a command's help lists.
fn listed(help: &str) -> impl Iterator<Item = &str> {
    let list = help.split_once("\nCommands:\n").map_or("", |(_, list)| list);
    let lines = list.lines().take_while(|line| !line.is_empty());
    let names = lines.filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    names.filter(|name| !name.is_empty() && *name != "help")
}

#[test]
fn every_command_says_what_it_does() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/all/command_line/snapshots");
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.set_snapshot_path(&folder);
    let (mut commands, mut files) = (vec![Vec::new()], BTreeSet::new());
    while let Some(command) = commands.pop() {
        let help = help(&command);
        commands.extend(listed(&help).map(|name| [command.as_slice(), &[name.to_owned()]].concat()));
        let name = [&["sluice".to_owned()], command.as_slice()].concat().join("-");
        files.insert(format!("{name}.snap"));
        settings.bind(|| insta::assert_snapshot!(name, help));
    }
    assert!(files.len() > 20, "{files:?}");
    let stored = folder.read_dir().expect("snapshots").map(|file| file.expect("a file").file_name());
    let stored = stored.map(|name| name.to_string_lossy().into_owned());
    let stored: BTreeSet<_> = stored.filter(|name| name.ends_with(".snap")).collect();
    assert_eq!(stored, files, "snapshots of commands that there are not, or of new ones");
}
