//! The command line: what may be typed, and nothing else.

mod connection;
mod dev;
mod fleet;
mod project;
mod runs;
mod sync;
mod test;

use clap::{Parser, Subcommand};

use crate::cli::warehouse::secrets::SecretsCommand;
use crate::error::Exit;

pub(super) use connection::{
    ConnectionArguments, MigrateArguments, PeekArguments, ResetArguments, ResyncArguments, StateCommand,
    TablesArguments, WarehouseArguments,
};
pub(super) use dev::{DevArguments, DevOptions};
pub(super) use fleet::{BatchArguments, ServeArguments, ValidateArguments};
pub(super) use project::{
    BuildArguments, CheckArguments, ConfigureArguments, InitArguments, RunArguments, WitArguments,
};
pub(super) use runs::{ListArguments, RunsArguments, RunsCommand};
pub(super) use sync::{AuditArguments, CassetteArguments, GrantArguments, JailArguments, LimitArguments};
pub(super) use test::TestArguments;

/// Run data connectors that nobody has reviewed.
///
/// A connector is Python code written against the Connector SDK interface, which Sluice compiles
/// to one WebAssembly component, or a component of another language. Sluice runs it with exactly the network, memory and time it was
/// granted, and lands its rows and its state in a SQLite database, each checkpoint in one
/// transaction.
#[derive(Debug, Parser)]
#[command(name = "sluice", version, propagate_version = true, after_help = exit_codes())]
pub struct Arguments {
    /// What to do
    #[command(subcommand)]
    pub command: Command,

    /// Say more about what the host does, on standard error (-vv for everything)
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,

    /// How the host's own messages, and with `json` a connector's too, are written to standard error
    #[arg(long, global = true, value_enum, value_name = "FORMAT", default_value_t, hide_default_value = true)]
    pub log_format: LogFormat,
}

fn exit_codes() -> String {
    let lines = Exit::ALL.map(|exit| format!("\n  {}  {}", exit.code(), exit.says()));
    format!("Exit codes:{}", lines.concat())
}

/// How messages are written to standard error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// Lines for people
    #[default]
    Text,
    /// One JSON object a line
    Json,
}

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
    /// Write the contract as WIT, for building connectors in other languages
    ///
    /// The world of a connector is `sluice:connector/connector`; what it builds on of WASI is written beside it. Tools
    /// for components of any language read such a folder. The page docs/languages.md shows it step by step.
    Wit(WitArguments),
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
    /// Hold a connector against the contract by real syncs: the kit every author gets for free
    ///
    /// Works for components of any language. Syncs run in the sandbox, into databases that are thrown away, against
    /// the project's cassettes (tests/*.har and cassettes/*.har), or, with --with-server or --allow, against a
    /// server. One sync is cut after every checkpoint and resumed, run again, and replayed; whatever then differs is a
    /// failure. The page docs/testing.md says what each check is for.
    ///
    /// Exits with 1 when a check failed, or none could be made.
    Test(Box<TestArguments>),
    /// Sync a project again whenever you save it, without building it
    ///
    /// What is saved runs at once: in the same sandbox, with the same grants, limits and rows as with `sluice run`,
    /// by a runner that is made once for all projects and is given your files and packages. Rows land in
    /// <project>/.sluice/dev. A sync under way ends when you save, and begins anew.
    Dev(Box<DevArguments>),
    /// Sync the connections of a fleet side by side
    ///
    /// The file sluice.toml says which connections there are, what each is granted, and when it is due.
    /// One that fails touches no other; failures that may pass are tried again. At SIGINT or SIGTERM
    /// nothing new begins and what runs is cancelled; what it checkpointed is kept.
    ///
    /// Exits with 0 when all succeeded, 6 when some did, and 7 when none did.
    Batch(BatchArguments),
    /// Stay up, and sync a fleet's connections when they are due
    ///
    /// Follows the schedules in the fleet's file. A connection is never synced twice at once, and what was missed is
    /// caught up by one sync. SIGHUP reads the file again, if it is right; SIGTERM and SIGINT end what runs, of which
    /// is kept what was checkpointed, and then the process.
    Serve(ServeArguments),
    /// Check a fleet's file and everything it names, without running anything
    ///
    /// Says each problem with its line and what to do. Exits with 2 when there is a problem.
    Validate(ValidateArguments),
    /// List a connection's tables: rows, keys, columns and when they were last synced
    Tables(TablesArguments),
    /// Show the first rows of a table
    Peek(PeekArguments),
    /// Show the history of runs: who synced what, when, and how it ended
    ///
    /// Every sync leaves a row in runs.db in the warehouse. --months shows monthly active rows.
    Runs(RunsArguments),
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
