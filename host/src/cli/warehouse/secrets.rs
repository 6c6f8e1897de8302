//! `sluice secrets`: the secrets of a connection, sealed beside its database.

use std::collections::BTreeMap;
use std::io::{self, BufRead, IsTerminal, Read, Write};

use clap::{Args, Subcommand};
use serde_json::json;

use crate::cli::args::{ConnectionArguments, WarehouseArguments};
use crate::cli::configure::ask::Hidden;
use crate::cli::eprint;
use crate::cli::failure::Failure;
use crate::cli::folders::Folders;
use crate::cli::print;
use crate::cli::sync::confidential::{from_file, store, without_line_break};
use crate::policy::secrets::Secret;
use crate::policy::terminal::{Lines, visible};
use crate::secrets::{Keys, SECRET_BYTES, SecretStore};

/// Longest name in a line of text, in bytes.
const NAME_BYTES: usize = 250;

/// `sluice secrets`
#[derive(Debug, Subcommand)]
pub enum SecretsCommand {
    /// Store a secret: asks for it, or reads it from standard input; never from the command line
    Set {
        #[command(flatten)]
        connection: ConnectionArguments,
        /// Name of the configuration value
        name: String,
        /// Take the value from this file
        #[arg(long, value_name = "FILE")]
        from_file: Option<String>,
    },
    /// List the names of the stored secrets
    List {
        #[command(flatten)]
        connection: ConnectionArguments,
        /// Print one JSON array of names
        #[arg(long)]
        json: bool,
    },
    /// Remove a stored secret
    Remove {
        #[command(flatten)]
        connection: ConnectionArguments,
        /// Name of the configuration value
        name: String,
    },
    /// Make a new key and seal every secret of a warehouse with it
    Rekey(RekeyArguments),
}

/// `sluice secrets rekey`
#[derive(Debug, Args)]
pub struct RekeyArguments {
    #[command(flatten)]
    pub warehouse: WarehouseArguments,
    /// Forget the former keys too; what other warehouses sealed with them cannot be read any more
    #[arg(long)]
    pub forget: bool,
}

/// Does it.
pub(in crate::cli) fn secrets(command: &SecretsCommand, folders: &Folders) -> Result<u8, Failure> {
    match command {
        SecretsCommand::Set { connection, name, from_file: file } => {
            let mut store = of(connection, folders)?;
            let value = match file {
                Some(path) => from_file(&format!("secret {}", shown(name)), path)?,
                None => asked(name)?,
            };
            let values = BTreeMap::from([(name.clone(), Secret::new(value))]);
            store.set(&connection.connection, &values)?;
            let path = store.path(&connection.connection);
            print(&format!("stored {} in {}\n", shown(name), path.display()))?;
        }
        SecretsCommand::List { connection, json } => {
            let names = of(connection, folders)?.names(&connection.connection)?;
            match json {
                true => print(&format!("{}\n", json!(names)))?,
                false => print(&names.iter().map(|name| format!("{}\n", shown(name))).collect::<String>())?,
            }
        }
        SecretsCommand::Remove { connection, name } => {
            if !of(connection, folders)?.remove(&connection.connection, name)? {
                let connection = &connection.connection;
                return Err(Failure::refused(format!("connection {connection} has no secret {}", shown(name)))
                    .hint(format!("`sluice secrets list {connection}` names them")));
            }
            print(&format!("removed {}\n", shown(name)))?;
        }
        SecretsCommand::Rekey(arguments) => rekey(arguments, folders)?,
    }
    Ok(0)
}

fn rekey(arguments: &RekeyArguments, folders: &Folders) -> Result<(), Failure> {
    let mut store = SecretStore::new(&arguments.warehouse.warehouse, Keys::open(&folders.secrets_key)?);
    let count = store.rekey(arguments.forget)?;
    print(&format!("sealed {count} secrets with a new key in {}\n", folders.secrets_key.display()))?;
    let former = store.keys().former();
    if former > 0 {
        eprint(&format!("note: {former} former keys are kept for other warehouses; --forget removes them\n"));
    }
    Ok(())
}

fn of(connection: &ConnectionArguments, folders: &Folders) -> Result<SecretStore, Failure> {
    store(&connection.warehouse.warehouse, &connection.connection, folders)
}

fn shown(name: &str) -> String {
    visible(name, Lines::One, NAME_BYTES)
}

/// One line typed at a terminal that does not show it, else all of standard input.
fn asked(name: &str) -> Result<String, Failure> {
    let failed = |error: io::Error| Failure::refused(format!("cannot read the secret: {error}"));
    let most = SECRET_BYTES as u64 + 2;
    let mut value = String::new();
    if io::stdin().is_terminal() {
        eprint(&format!("{}: ", shown(name)));
        let hidden = Hidden::begin().map_err(failed)?;
        io::stdin().lock().take(most).read_line(&mut value).map_err(failed)?;
        drop(hidden);
        let _ = io::stderr().write_all(b"\n");
    } else {
        io::stdin().lock().take(most).read_to_string(&mut value).map_err(failed)?;
    }
    Ok(without_line_break(&value).to_owned())
}
