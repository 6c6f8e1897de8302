//! `sluice runs`

use clap::{Args, Subcommand};

use super::WarehouseArguments;

/// `sluice runs`
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct RunsArguments {
    /// One run, or how long runs are kept
    #[command(subcommand)]
    pub command: Option<RunsCommand>,
    #[command(flatten)]
    pub list: ListArguments,
}

/// Which runs are listed.
#[derive(Debug, Args)]
pub struct ListArguments {
    #[command(flatten)]
    pub warehouse: WarehouseArguments,
    /// Only runs of this connection
    #[arg(long, value_name = "NAME")]
    pub connection: Option<String>,
    /// Only runs that did not end well
    #[arg(long, conflicts_with = "months")]
    pub failed: bool,
    /// Only runs that began since then: 24h, 7d, 2025-01-31 or 2025-01-31T12:00:00Z
    #[arg(long, value_name = "WHEN", conflicts_with = "months")]
    pub since: Option<String>,
    /// At most so many, the latest
    #[arg(long, value_name = "RUNS", default_value_t = 20, conflicts_with = "months")]
    pub limit: u32,
    /// Show monthly active rows instead: for each month, connection and table the rows that were upserted, updated or
    /// deleted in it, each counted once
    #[arg(long)]
    pub months: bool,
    /// Print one JSON array instead of text
    #[arg(long)]
    pub json: bool,
}

/// What else there is to do with runs.
#[derive(Debug, Subcommand)]
pub enum RunsCommand {
    /// Show one run with its tables, hosts and limits
    Show {
        /// Its number
        run: u64,
        #[command(flatten)]
        warehouse: WarehouseArguments,
        /// Print one JSON object instead of text
        #[arg(long)]
        json: bool,
    },
    /// Forget old runs
    ///
    /// Every sync forgets some by itself: those that are older than 400 days, and the oldest when there are more than
    /// 100,000. Rows, states and monthly active rows are not touched.
    Prune {
        #[command(flatten)]
        warehouse: WarehouseArguments,
        /// Forget runs that began longer ago than this: 12h, 30d [default: as every sync does]
        #[arg(long, value_name = "TIME")]
        older_than: Option<String>,
        /// Keep at most so many runs, the latest [default: as every sync does]
        #[arg(long, value_name = "RUNS")]
        keep: Option<u64>,
        /// From now on let every sync do so
        #[arg(long)]
        always: bool,
    },
}
