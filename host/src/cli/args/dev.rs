//! `sluice dev`

use std::path::PathBuf;

use clap::Args;

use super::connection::WarehouseArguments;
use super::project::RunArguments;
use super::sync::{AuditArguments, CassetteArguments, GrantArguments, JailArguments, LimitArguments};
use crate::cli::confidential::SecretArguments;
use crate::cli::landing::LandingArguments;

/// `sluice dev`
#[derive(Debug, Args)]
pub struct DevArguments {
    /// The project: a folder with connector.py
    #[arg(default_value = ".")]
    pub project: PathBuf,

    /// The configuration: a flat JSON object of strings [default: <project>/configuration.json]
    #[arg(long, value_name = "FILE")]
    pub configuration: Option<PathBuf>,
    /// Name of the connection, which names the database [default: the connector's name]
    #[arg(long, value_name = "NAME")]
    pub connection: Option<String>,
    /// Folder of the databases [default: <project>/.sluice/dev]. Stored secrets are read from here too; without it,
    /// from the folder `warehouse`
    #[arg(long, value_name = "DIR")]
    pub warehouse: Option<PathBuf>,
    /// Go on from the rows and the state of the sync before, instead of deleting them before each sync
    #[arg(long)]
    pub keep: bool,
    /// Sync once, and exit with how that ended
    #[arg(long)]
    pub once: bool,
    /// Start each sync from the state in this file, a JSON object
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,
    /// Rows to show of each table after a sync
    #[arg(long, value_name = "ROWS", default_value_t = 3)]
    pub preview: usize,
    /// Print events and results as JSON, one object a line, on standard output
    #[arg(long)]
    pub json: bool,

    #[command(flatten)]
    pub grants: GrantArguments,
    /// Let the connector see an environment variable: NAME=VALUE, or NAME to pass on your own value
    #[arg(long, value_name = "NAME[=VALUE]", help_heading = "Grants")]
    pub env: Vec<String>,
    /// Let the connector see a secret as an environment variable: NAME=SECRET for the secret of that name, stored or of
    /// a flag, or NAME for the one called so
    #[arg(long, value_name = "NAME[=SECRET]", help_heading = "Grants")]
    pub env_secret: Vec<String>,
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

/// What only `sluice dev` has.
#[derive(Clone, Copy, Debug)]
pub(in crate::cli) struct DevOptions {
    /// Whether rows and state stay.
    pub(in crate::cli) keep: bool,
    /// Whether it ends after one sync.
    pub(in crate::cli) once: bool,
    /// Whether the folder of the databases was named.
    pub(in crate::cli) own_warehouse: bool,
}

impl DevArguments {
    /// Each of its syncs as `sluice run` would be told to do it, and the rest.
    pub(in crate::cli) fn into_run(self) -> (RunArguments, DevOptions) {
        let options = DevOptions { keep: self.keep, once: self.once, own_warehouse: self.warehouse.is_some() };
        let warehouse = self.warehouse.unwrap_or_else(|| self.project.join(".sluice").join("dev"));
        let run = RunArguments {
            crash_report: None,
            subject: self.project,
            configuration: self.configuration,
            connection: self.connection,
            warehouse: WarehouseArguments { warehouse },
            state: self.state,
            preview: self.preview,
            json: self.json,
            grants: self.grants,
            env: self.env,
            env_secret: self.env_secret,
            accept: false,
            audit: self.audit,
            secrets: self.secrets,
            cassette: self.cassette,
            landing: self.landing,
            jail: self.jail,
            limits: self.limits,
        };
        (run, options)
    }
}
