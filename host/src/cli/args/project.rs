//! The commands about a connector: a project or a component.

use std::path::PathBuf;

use clap::Args;
use clap::builder::PossibleValuesParser;

use super::connection::WarehouseArguments;
use super::sync::{AuditArguments, GrantArguments, JailArguments, LimitArguments, SyncArguments};
use crate::cli::sync::confidential::SecretArguments;
use crate::compiler::template;

/// `sluice init`
#[derive(Debug, Args)]
pub struct InitArguments {
    /// The folder to make; must not hold a connector yet
    #[arg(default_value = ".")]
    pub folder: PathBuf,
    /// What the project is to be like; --list says what there is
    #[arg(long, value_name = "NAME", default_value = template::DEFAULT, value_parser = template_names())]
    pub template: String,
    /// List the templates, and make nothing
    #[arg(long)]
    pub list: bool,
}

fn template_names() -> PossibleValuesParser {
    PossibleValuesParser::new(template::templates().map(|(name, _)| name))
}

/// `sluice build`
#[derive(Debug, Args)]
pub struct BuildArguments {
    /// The project: a folder with connector.py, or with --component one with connector.toml
    #[arg(default_value = ".")]
    pub project: PathBuf,
    /// Build from this component, which another language's tools made, instead of connector.py
    ///
    /// It is held against the contract, and gets the name, version, destinations and limits of connector.toml.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["upgrade", "locked", "allow_sdist", "require_jail", "no_jail"])]
    pub component: Option<PathBuf>,
    /// Where to write the component [default: <project>/<name>.wasm]
    #[arg(short, long, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Look for newer versions of the packages than those in pylock.sluice.toml
    #[arg(long, conflicts_with = "locked")]
    pub upgrade: bool,
    /// Refuse to build anything but what pylock.sluice.toml says
    #[arg(long)]
    pub locked: bool,
    /// Build this package from its source, which runs its code on this machine; may be repeated
    ///
    /// Once built it is kept in the cache, and later builds need no permission.
    #[arg(long, value_name = "PACKAGE")]
    pub allow_sdist: Vec<String>,
    /// Refuse to build where the system cannot jail the build's tools with everything that there is: resource limits,
    /// no-new-privileges, Landlock, seccomp
    #[arg(long)]
    pub require_jail: bool,
    /// Run the build's tools without a jail: for a Python that lies where the jail does not look
    #[arg(long, conflicts_with = "require_jail")]
    pub no_jail: bool,
    /// Print one JSON object about the result instead of text
    #[arg(long)]
    pub json: bool,
}

/// `sluice check`
#[derive(Debug, Args)]
pub struct CheckArguments {
    /// A component (.wasm) or a project folder
    pub subject: PathBuf,
    /// Print the report as one JSON object
    #[arg(long)]
    pub json: bool,
}

/// `sluice wit`
#[derive(Debug, Args)]
pub struct WitArguments {
    /// The folder to write
    #[arg(default_value = "wit")]
    pub folder: PathBuf,
}

/// `sluice configure`
#[derive(Debug, Args)]
pub struct ConfigureArguments {
    /// A component (.wasm) or a project folder
    pub subject: PathBuf,

    /// The configuration to write [default: <project>/configuration.json]
    #[arg(long, value_name = "FILE")]
    pub configuration: Option<PathBuf>,
    /// Name of the connection, which names the file of its secrets [default: the connector's name]
    #[arg(long, value_name = "NAME")]
    pub connection: Option<String>,
    #[command(flatten)]
    pub warehouse: WarehouseArguments,
    /// Set a field instead of asking for it, unless it is a password; may be repeated
    #[arg(long, value_name = "NAME=VALUE")]
    pub set: Vec<String>,
    /// Set a field to what a file holds, which keeps a secret out of the list of processes
    #[arg(long, value_name = "NAME=FILE")]
    pub set_file: Vec<String>,
    /// A TOML file with sections [secrets] and [oauth], for the form's tests
    #[arg(long, value_name = "FILE")]
    pub settings: Option<PathBuf>,
    /// Ask for nothing and run the form's tests
    #[arg(long)]
    pub test: bool,
    /// Print events and the result as JSON, one object a line, and ask for nothing
    #[arg(long)]
    pub json: bool,

    #[command(flatten)]
    pub grants: GrantArguments,
    #[command(flatten)]
    pub secrets: SecretArguments,
    #[command(flatten)]
    pub jail: JailArguments,
    #[command(flatten)]
    pub audit: AuditArguments,
    #[command(flatten)]
    pub limits: LimitArguments,
}

/// `sluice run`
#[derive(Debug, Args)]
pub struct RunArguments {
    /// A component (.wasm) or a project folder
    pub subject: PathBuf,

    #[command(flatten)]
    pub warehouse: WarehouseArguments,
    /// Start this sync from the state in this file, a JSON object, or - for standard input. Checkpoints
    /// are kept as usual, and the next sync starts from the last of them
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,
    /// Write the crash report of a sync that fails into this file, and not into Sluice's state folder. It has no
    /// secrets, values of the configuration, or rows in it
    #[arg(long, value_name = "FILE")]
    pub crash_report: Option<PathBuf>,
    /// Rows to show of each table at the end
    #[arg(long, value_name = "ROWS", default_value_t = 5)]
    pub preview: usize,
    /// Run a component that is not the one this connection accepted at its first sync, or a connector that asks for
    /// more than it did then, and accept it from now on. Grants nothing
    #[arg(long, help_heading = "Grants")]
    pub accept: bool,
    #[command(flatten)]
    pub sync: SyncArguments,
}
