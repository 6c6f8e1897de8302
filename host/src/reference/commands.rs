//! Commands and flags, from clap.

use clap::{Arg, ArgAction, Command, CommandFactory};

use super::markdown::{anchor, code, head, plain, table};
use crate::cli::Arguments;

const ABOUT: &str = "\
Every command with its arguments. `sluice help <command>` says the same at a terminal.

An option with `…` may be given several times. A value in brackets may be left out.";

pub(super) fn page() -> String {
    let mut root = Arguments::command();
    root.build();
    let mut commands = Vec::new();
    visit(&root, &mut commands);
    let list = commands.iter().map(|command| {
        let name = command.get_bin_name().unwrap_or_default();
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        vec![format!("[`{name}`](#{})", anchor(name)), plain(&about)]
    });
    let list: Vec<_> = list.collect();
    let mut page = head("Commands", ABOUT);
    page += &format!("\n{}\n## Options of every command\n\n", table(&["command", ""], &list));
    page += &options(&root, |arg| arg.is_global_set());
    page +=
        "\nWhat commands answer with is in [exit codes](exit-codes.md), what `--json` prints in [events](events.md).\n";
    commands.iter().for_each(|command| page += &section(command));
    page
}

/// Commands that do something, in the order of the help.
fn visit<'a>(command: &'a Command, found: &mut Vec<&'a Command>) {
    for command in command.get_subcommands().filter(|one| !one.is_hide_set() && one.get_name() != "help") {
        if !command.is_subcommand_required_set() {
            found.push(command);
        }
        visit(command, found);
    }
}

fn section(command: &Command) -> String {
    let name = command.get_bin_name().unwrap_or_default();
    let about = command.get_long_about().or(command.get_about()).map(ToString::to_string).unwrap_or_default();
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ").lines().map(str::trim).collect::<Vec<_>>().join("\n");
    let mut section = format!("\n## {name}\n\n{}\n\n```text\n{usage}\n```\n", paragraphs(&about));
    let of_section = |arg: &&Arg| !arg.is_hide_set() && !is_common(arg);
    let positionals: Vec<_> = command.get_positionals().filter(of_section).map(row).collect();
    if !positionals.is_empty() {
        section += &format!("\n{}", table(&["argument", "default", ""], &positionals));
    }
    let mut headings: Vec<Option<&str>> = vec![None];
    for arg in command.get_opts().chain(flags(command)).filter(of_section) {
        if !headings.contains(&arg.get_help_heading()) {
            headings.push(arg.get_help_heading());
        }
    }
    for heading in headings {
        let rows = options(command, |arg| of_section(&arg) && arg.get_help_heading() == heading);
        if rows.is_empty() {
            continue;
        }
        section += &heading.map(|heading| format!("\n{heading}:\n")).unwrap_or_default();
        section += &format!("\n{rows}");
    }
    section
}

fn flags(command: &Command) -> impl Iterator<Item = &Arg> {
    command.get_arguments().filter(|arg| !arg.is_positional() && !arg.get_action().takes_values())
}

fn is_common(arg: &Arg) -> bool {
    arg.is_global_set()
        || matches!(arg.get_action(), ArgAction::Help | ArgAction::HelpShort | ArgAction::HelpLong | ArgAction::Version)
}

fn options(command: &Command, wanted: impl Fn(&Arg) -> bool) -> String {
    let rows: Vec<_> = command.get_arguments().filter(|arg| !arg.is_positional() && wanted(arg)).map(row).collect();
    if rows.is_empty() { String::new() } else { table(&["option", "default", ""], &rows) }
}

/// How it is typed, its default, and what it does.
fn row(arg: &Arg) -> Vec<String> {
    let says = arg.get_long_help().or(arg.get_help()).map(ToString::to_string).unwrap_or_default();
    assert!(!says.is_empty(), "{}: no description", arg.get_id());
    let (says, default) = match says.split_once("[default: ") {
        None => (says, defaults(arg)),
        Some((before, after)) => {
            let (default, rest) = after.split_once(']').unwrap_or((after, ""));
            (format!("{}{rest}", before.trim_end()), plain(default))
        }
    };
    let choices = arg.get_possible_values();
    let listed = match arg.get_action().takes_values() && !choices.is_empty() {
        true => format!(". One of {}", choices.iter().map(|one| code(one.get_name())).collect::<Vec<_>>().join(", ")),
        false => String::new(),
    };
    let says = says.split("\n\n").map(plain).collect::<Vec<_>>().join(". ");
    vec![code(&typed(arg)), default, says + &listed]
}

fn defaults(arg: &Arg) -> String {
    if !arg.get_action().takes_values() {
        return String::new();
    }
    let values = arg.get_default_values().iter().map(|value| code(&value.to_string_lossy()));
    values.collect::<Vec<_>>().join(" ")
}

fn typed(arg: &Arg) -> String {
    let values = arg.get_value_names().unwrap_or_default();
    let value = values.iter().map(|name| format!("<{name}>")).collect::<Vec<_>>().join(" ");
    let several = match arg.get_action() {
        ArgAction::Append | ArgAction::Count => " …",
        _ => "",
    };
    if arg.is_positional() {
        let optional = || format!("[{}]{several}", values.join(" "));
        return if arg.is_required_set() { format!("{value}{several}") } else { optional() };
    }
    let short = arg.get_short().map(|short| format!("-{short}"));
    let long = arg.get_long().map(|long| format!("--{long}"));
    let names = short.into_iter().chain(long).collect::<Vec<_>>().join(", ");
    if !arg.get_action().takes_values() {
        return format!("{names}{several}");
    }
    match arg.get_num_args().is_some_and(|count| count.min_values() == 0) {
        true => format!("{names}[=<{}>]{several}", values.join(" ")),
        false => format!("{names} {value}{several}"),
    }
}

fn paragraphs(text: &str) -> String {
    text.split("\n\n").map(plain).collect::<Vec<_>>().join("\n\n")
}
