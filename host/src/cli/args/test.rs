//! `sluice test`

use std::path::PathBuf;

use clap::Args;
use clap::builder::PossibleValuesParser;

use super::sync::{GrantArguments, JailArguments, LimitArguments};
use crate::cli::sync::confidential::SecretArguments;
use crate::kit::{Check, MOST_CUTS};

/// `sluice test`
#[derive(Debug, Args)]
pub struct TestArguments {
    /// A component (.wasm) or a project folder
    pub subject: PathBuf,

    /// Make this check and no others; may be repeated
    #[arg(long, value_name = "CHECK", value_parser = checks())]
    pub only: Vec<String>,
    /// Leave this check out; may be repeated
    #[arg(long, value_name = "CHECK", value_parser = checks())]
    pub skip: Vec<String>,
    /// List the checks, and make none
    #[arg(long)]
    pub list: bool,
    /// Count warnings and checks that cannot be decided as failures
    #[arg(long)]
    pub strict: bool,
    /// Choose the operations after which syncs are cut as an earlier test did
    #[arg(long, value_name = "NUMBER")]
    pub seed: Option<u64>,
    /// Checkpoints after which a sync is cut, evenly chosen where it has more
    #[arg(long, value_name = "COUNT", default_value_t = MOST_CUTS)]
    pub cuts: usize,
    /// A column that need not be the same in two syncs, such as the time of the sync; may be repeated
    #[arg(long, value_name = "[TABLE.]COLUMN")]
    pub ignore_column: Vec<String>,
    /// Print the report as one JSON object
    #[arg(long)]
    pub json: bool,
    /// Write the report into this file as JUnit XML, for continuous integration
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,

    /// Replay this cassette (HAR 1.2); may be repeated [default: tests/*.har and cassettes/*.har of a project]
    #[arg(long, value_name = "FILE", help_heading = "Cassettes", conflicts_with_all = ["allow", "with_server"])]
    pub cassette: Vec<PathBuf>,
    /// Where the clock of a replay stands, such as 2025-01-31T12:00:00Z [default: the first entry's time]
    #[arg(long, value_name = "TIME", help_heading = "Cassettes")]
    pub clock: Option<String>,
    /// Write everything that the syncs exchange into this file, so that a replay of it decides every check
    #[arg(long, value_name = "FILE", help_heading = "Cassettes", conflicts_with = "cassette")]
    pub record: Option<PathBuf>,
    /// The configuration: a flat JSON object of strings [default: <project>/configuration.json]
    #[arg(long, value_name = "FILE")]
    pub configuration: Option<PathBuf>,
    /// Let the connector see an environment variable: NAME=VALUE, or NAME to pass on your own value
    #[arg(long, value_name = "NAME[=VALUE]", help_heading = "Grants")]
    pub env: Vec<String>,
    #[command(flatten)]
    pub grants: GrantArguments,
    #[command(flatten)]
    pub secrets: SecretArguments,
    #[command(flatten)]
    pub jail: JailArguments,
    #[command(flatten)]
    pub limits: LimitArguments,
}

fn checks() -> PossibleValuesParser {
    PossibleValuesParser::new(Check::ALL.map(Check::name))
}
