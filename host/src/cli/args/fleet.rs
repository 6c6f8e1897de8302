//! The commands about a fleet.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::fleet::{FLEET, MOST_AT_A_TIME, duration};

/// `sluice validate`
#[derive(Debug, Args)]
pub struct ValidateArguments {
    /// The fleet's file
    #[arg(default_value = FLEET)]
    pub file: PathBuf,
    /// Print one JSON object with all problems instead of text
    #[arg(long)]
    pub json: bool,
    /// Print the JSON Schema of the file, for editors, and do nothing else
    #[arg(long, conflicts_with_all = ["file", "json"])]
    pub schema: bool,
}

/// `sluice batch`
#[derive(Debug, Args)]
pub struct BatchArguments {
    /// The fleet's file
    #[arg(long, value_name = "FILE", default_value = FLEET)]
    pub file: PathBuf,
    /// Sync these connections only, also when they are not enabled or not due
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub only: Vec<String>,
    /// Sync what is due by its schedule only
    #[arg(long, conflicts_with = "only")]
    pub due: bool,
    /// Most syncs at a time [default: what the file says, or by what idles]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..=MOST_AT_A_TIME))]
    pub concurrency: Option<u64>,
    /// The longest the batch may take, such as 90m; what still runs then is cancelled, and what it checkpointed is kept
    /// [default: what the file says]
    #[arg(long, value_name = "DURATION", value_parser = length)]
    pub timeout: Option<Duration>,
    /// With --only: accept the components that come, as `sluice run --accept` does
    #[arg(long, requires = "only")]
    pub accept: bool,
    /// Write a report as one JSON object into this file
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Print events and the report as JSON, one object a line, on standard output
    #[arg(long)]
    pub json: bool,
}

/// `sluice serve`
#[derive(Debug, Args)]
pub struct ServeArguments {
    /// The fleet's file
    #[arg(long, value_name = "FILE", default_value = FLEET)]
    pub file: PathBuf,
    /// Most syncs at a time [default: what the file says, or by what idles]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..=MOST_AT_A_TIME))]
    pub concurrency: Option<u64>,
    /// Serve /metrics for Prometheus, and /healthz, at this address: 127.0.0.1:9464. Who reaches it reads the names of
    /// connections, tables and hosts
    #[arg(long, value_name = "ADDRESS")]
    pub metrics: Option<SocketAddr>,
    /// Print events as JSON, one object a line, on standard output
    #[arg(long)]
    pub json: bool,
}

fn length(text: &str) -> Result<Duration, String> {
    duration(text).ok_or_else(|| "write it as 90s, 15m, 6h, 1d or 1h30m".to_owned())
}
