//! The command line: what may be typed, and nothing else.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use super::confidential::SecretArguments;
use super::landing::LandingArguments;
use super::secrets::SecretsCommand;

/// Run data connectors that nobody has reviewed.
///
/// A connector is Python code written against the Connector SDK interface. Sluice compiles it
/// to one WebAssembly component, runs it with exactly the network, memory and time it was
/// granted, and lands its rows and its state in a SQLite database, each checkpoint in one
/// transaction.
#[derive(Debug, Parser)]
#[command(name = "sluice", version, propagate_version = true, after_help = EXIT_CODES)]
pub struct Arguments {
    /// What to do
    #[command(subcommand)]
    pub command: Command,

    /// Say more about what the host does, on standard error (-vv for everything)
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  success
  1  the connector failed, or a component does not conform to the contract
  2  the command line, a configuration or a project file was refused; nothing ran
  3  a limit of the sync was reached
  4  the connector wanted something that was not granted
  5  the host or its machine failed";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a new connector project that works at once
    Init(InitArguments),
    /// Compile a project to one component
    Build(BuildArguments),
    /// Hold a component or project against the contract and say what does not fit
    ///
    /// Works for components of any language. Exits with 0 when it conforms, 1 when it does not.
    Check(CheckArguments),
    /// Fill in a connector's form and test what was filled in
    ///
    /// Asks for each field at a terminal; elsewhere values come from --set. The form and its tests
    /// run in the sandbox, like a sync. Writes a configuration that only you can read.
    ///
    /// Exits with 1 when a test fails.
    Configure(Box<ConfigureArguments>),
    /// Sync once: run a connector and land its rows and state
    ///
    /// A project is built first when something changed. Nothing is granted unless you say so:
    /// a connector reaches only the hosts given with --allow and, for a project (your own
    /// code), the public hosts that its connector.toml lists.
    Run(Box<RunArguments>),
    /// List a connection's tables: rows, keys, columns and when they were last synced
    Tables(TablesArguments),
    /// Show the first rows of a table
    Peek(PeekArguments),
    /// Show, set or reset the state of a connection
    #[command(subcommand)]
    State(StateCommand),
    /// Read everything again, and then delete what the source no longer has
    ///
    /// This command only notes that a re-sync begins and sets the state to {}; no row changes.
    /// The next `sluice run` reads everything again. When one ends well, rows that did not
    /// arrive again are deleted; until then the re-sync is pending and survives failures.
    Resync(ResyncArguments),
    /// Store, list and remove the secrets of a connection
    ///
    /// They lie encrypted beside its database. The key is made on first use, in a file that only you can read:
    /// `secrets.key` in Sluice's state folder, or the one that SLUICE_SECRETS_KEY_FILE names.
    #[command(subcommand)]
    Secrets(SecretsCommand),
    /// Delete a connection's tables and state
    Reset(ResetArguments),
    /// Give a table another primary key
    ///
    /// A sync is refused when a connector declares another primary key than a table has. This
    /// changes the key, in one transaction, if the rows that are not deleted have it once each.
    Migrate(MigrateArguments),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// `sluice init`
#[derive(Debug, Args)]
pub struct InitArguments {
    /// The folder to make; must not hold a connector yet
    #[arg(default_value = ".")]
    pub folder: PathBuf,
}

/// `sluice build`
#[derive(Debug, Args)]
pub struct BuildArguments {
    /// The project: a folder with connector.py
    #[arg(default_value = ".")]
    pub project: PathBuf,
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

/// Where connections land.
#[derive(Debug, Args)]
pub struct WarehouseArguments {
    /// Folder of the databases, one <connection>.db each
    #[arg(long, value_name = "DIR", default_value = "warehouse")]
    pub warehouse: PathBuf,
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

    /// The configuration: a flat JSON object of strings [default: <project>/configuration.json]
    #[arg(long, value_name = "FILE")]
    pub configuration: Option<PathBuf>,
    /// Name of the connection, which names the database [default: the connector's name]
    #[arg(long, value_name = "NAME")]
    pub connection: Option<String>,
    #[command(flatten)]
    pub warehouse: WarehouseArguments,
    /// Start this sync from the state in this file, a JSON object, or - for standard input. Checkpoints
    /// are kept as usual, and the next sync starts from the last of them
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,
    /// Rows to show of each table at the end
    #[arg(long, value_name = "ROWS", default_value_t = 5)]
    pub preview: usize,
    /// Print events and the result as JSON, one object a line, on standard output
    #[arg(long)]
    pub json: bool,

    #[command(flatten)]
    pub grants: GrantArguments,
    /// Let the connector see an environment variable: NAME=VALUE, or NAME to pass on your own value
    #[arg(long, value_name = "NAME[=VALUE]", help_heading = "Grants")]
    pub env: Vec<String>,
    /// Run a component that is not the one this connection accepted at its first sync, or a connector that asks for
    /// more than it did then, and accept it from now on. Grants nothing
    #[arg(long, help_heading = "Grants")]
    pub accept: bool,
    #[command(flatten)]
    pub audit: AuditArguments,
    #[command(flatten)]
    pub secrets: SecretArguments,
    #[command(flatten)]
    pub cassette: CassetteArguments,
    #[command(flatten)]
    pub landing: LandingArguments,
    #[command(flatten)]
    pub jail: JailArguments,
    #[command(flatten)]
    pub limits: LimitArguments,
}

/// What a connector may reach.
#[derive(Debug, Args)]
#[command(next_help_heading = "Grants")]
pub struct GrantArguments {
    /// Grant requests to a host: https://api.example.com, http://127.0.0.1:8080,
    /// https://*.example.com; or TCP connections, with TLS only or either way:
    /// tls://db.example.com:5432, tcp://db.example.com:5432
    #[arg(long = "allow", value_name = "SCHEME://HOST[:PORT]")]
    pub allow: Vec<String>,
    /// Let a granted host name resolve to non-public addresses: db.internal=10.0.0.0/8
    #[arg(long = "allow-address", value_name = "HOST=RANGE")]
    pub allow_address: Vec<String>,
    /// Trust the certificate authorities in this PEM file too
    #[arg(long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// Start this Python script beside the sync, as a test server of your own: it must print
    /// the URL it listens on, on loopback, as its first line. That URL is granted, and replaces
    /// ${server} in configuration values. The script runs outside the sandbox
    #[arg(long, value_name = "SCRIPT")]
    pub with_server: Option<PathBuf>,
}

/// The wall behind the sandbox.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Jail")]
pub struct JailArguments {
    /// Refuse to run where the system cannot jail the connector's process with everything that there is: resource
    /// limits, no-new-privileges, Landlock, seccomp
    #[arg(long)]
    pub require_jail: bool,
    /// Run the connector inside this process, with the sandbox as the only wall: to measure, or to look for a fault
    #[arg(long, conflicts_with = "require_jail")]
    pub no_jail: bool,
}

/// What is written down about a sync.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Audit")]
pub struct AuditArguments {
    /// Append what was granted, every request and every denial to this file, one JSON object a line. The file is
    /// made so that only you can read it
    #[arg(long, value_name = "FILE")]
    pub audit: Option<PathBuf>,
    /// Write the paths of requests into the audit log too, but never what follows a `?`
    #[arg(long, requires = "audit")]
    pub audit_paths: bool,
}

/// Recorded HTTP.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Cassettes")]
pub struct CassetteArguments {
    /// Write every HTTP exchange into this file (HAR 1.2), without secrets that can be recognised
    #[arg(long, value_name = "FILE", conflicts_with = "replay")]
    pub record: Option<PathBuf>,
    /// Answer every request from this file (HAR 1.2, of --record, a browser or your own hand). There is no
    /// network and no grant is needed; clocks and random numbers are the same each time
    #[arg(long, value_name = "FILE", conflicts_with_all = ["with_server", "ca_file"])]
    pub replay: Option<PathBuf>,
    /// Where the clock of a replay stands, such as 2025-01-31T12:00:00Z [default: the first entry's time]
    #[arg(long, value_name = "TIME", requires = "replay")]
    pub clock: Option<String>,
}

/// Limits of a sync.
#[derive(Debug, Args)]
#[command(next_help_heading = "Limits")]
pub struct LimitArguments {
    /// Memory of the connector, in MiB [default: 256]
    #[arg(long, value_name = "MIB")]
    pub memory: Option<usize>,
    /// Processor time of the connector, in seconds [default: 300]
    #[arg(long, value_name = "SECONDS")]
    pub cpu_time: Option<f64>,
    /// Time from start to end, in seconds [default: 900]
    #[arg(long, value_name = "SECONDS")]
    pub wall_time: Option<f64>,
    /// HTTP requests [default: 100000]
    #[arg(long, value_name = "COUNT")]
    pub requests: Option<u64>,
    /// Bytes of rows sent by the connector, in MiB [default: 20480]
    #[arg(long, value_name = "MIB")]
    pub row_data: Option<u64>,
    /// Processes of the connector's pools, which share memory and processor time [default: 4]
    #[arg(long, value_name = "COUNT")]
    pub workers: Option<usize>,
    /// Local files of the connector, in MiB; they lie in this machine's memory [default: 64]
    #[arg(long, value_name = "MIB")]
    pub local_files: Option<u64>,
    /// Files of the connector [default: 100000]
    #[arg(long, value_name = "COUNT")]
    pub files: Option<u64>,
    /// Bytes of one file, in MiB [default: 1024]
    #[arg(long, value_name = "MIB")]
    pub file_size: Option<u64>,
    /// Bytes of all files sent by the connector, in MiB [default: 10240]
    #[arg(long, value_name = "MIB")]
    pub file_data: Option<u64>,
    /// Bytes of log messages, in KiB [default: 4096]
    #[arg(long, value_name = "KIB")]
    pub log: Option<usize>,
    /// Any limit by its name, such as response_bytes=64MiB or requests_per_second=5; may be repeated. The page
    /// docs/limits.md lists all of them
    #[arg(long = "limit", value_name = "NAME=VALUE")]
    pub by_name: Vec<String>,
}

/// `sluice state`
#[derive(Debug, Subcommand)]
pub enum StateCommand {
    /// Print the state of the last checkpoint, a JSON object
    Show(ConnectionArguments),
    /// Replace the state
    Set {
        #[command(flatten)]
        connection: ConnectionArguments,
        /// A file with a JSON object, or - for standard input
        file: PathBuf,
    },
    /// Set the state back to {}, so that the next sync starts from the beginning; the rows stay
    Reset(ConnectionArguments),
}

/// One connection.
#[derive(Debug, Args)]
pub struct ConnectionArguments {
    /// Name of the connection
    pub connection: String,
    #[command(flatten)]
    pub warehouse: WarehouseArguments,
}

/// `sluice resync`
#[derive(Debug, Args)]
pub struct ResyncArguments {
    #[command(flatten)]
    pub connection: ConnectionArguments,
    /// Only this table, named as in the source: users, or schema.users
    #[arg(long, value_name = "TABLE")]
    pub table: Option<String>,
    /// With --table: remove this top-level key from the state (may be repeated)
    #[arg(long, value_name = "KEY", requires = "table", group = "forget")]
    pub remove_state_key: Vec<String>,
    /// With --table: set the whole state to {}
    #[arg(long, requires = "table", group = "forget")]
    pub whole_state: bool,
    /// With --table: keep the state, for a table that the connector always reads as a whole
    #[arg(long, requires = "table", group = "forget")]
    pub keep_state: bool,
    /// Forget the re-syncs that are pending; rows and state stay as they are
    #[arg(long, conflicts_with_all = ["table", "forget"])]
    pub cancel: bool,
    /// Print one JSON object instead of text
    #[arg(long)]
    pub json: bool,
}

/// `sluice tables`
#[derive(Debug, Args)]
pub struct TablesArguments {
    #[command(flatten)]
    pub connection: ConnectionArguments,
    /// Print one JSON array with every column instead of text
    #[arg(long)]
    pub json: bool,
}

/// `sluice peek`
#[derive(Debug, Args)]
pub struct PeekArguments {
    /// Name of the connection
    pub connection: String,
    /// The table, as it is called in the database or in the source
    pub table: String,
    #[command(flatten)]
    pub warehouse: WarehouseArguments,
    /// Rows to show
    #[arg(long, value_name = "ROWS", default_value_t = 10)]
    pub rows: u32,
    /// Columns to show, in order [default: all of them]
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub columns: Vec<String>,
    /// Show the rows that are marked as deleted instead of the others
    #[arg(long)]
    pub deleted: bool,
    /// Print one JSON object instead of text; values are texts or null
    #[arg(long)]
    pub json: bool,
}

/// `sluice reset`
#[derive(Debug, Args)]
pub struct ResetArguments {
    #[command(flatten)]
    pub connection: ConnectionArguments,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
}

/// `sluice migrate`
#[derive(Debug, Args)]
pub struct MigrateArguments {
    #[command(flatten)]
    pub connection: ConnectionArguments,
    /// The table, by its name in the source or in the database
    #[arg(long, value_name = "TABLE")]
    pub table: String,
    /// The columns of the new key, in order
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',', required_unless_present = "no_primary_key")]
    pub primary_key: Vec<String>,
    /// No key: rows are identified by all their values
    #[arg(long, conflicts_with = "primary_key")]
    pub no_primary_key: bool,
    /// Print one JSON object about the change instead of text
    #[arg(long)]
    pub json: bool,
}
