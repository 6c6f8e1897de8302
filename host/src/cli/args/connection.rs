//! The commands about a connection: what landed, its state, and what is to be read again.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Where connections land.
#[derive(Debug, Args)]
pub struct WarehouseArguments {
    /// Folder of the databases, one <connection>.db each
    #[arg(long, value_name = "DIR", default_value = "warehouse")]
    pub warehouse: PathBuf,
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
