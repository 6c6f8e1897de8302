//! `sluice dev`

use std::path::PathBuf;

use clap::Args;

use super::connection::WarehouseArguments;
use super::project::RunArguments;
use super::sync::SyncArguments;

/// `sluice dev`
#[derive(Debug, Args)]
pub struct DevArguments {
    /// The project: a folder with connector.py
    #[arg(default_value = ".")]
    pub project: PathBuf,

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
    #[command(flatten)]
    pub sync: SyncArguments,
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
            subject: self.project,
            warehouse: WarehouseArguments { warehouse },
            state: self.state,
            crash_report: None,
            preview: self.preview,
            accept: false,
            sync: self.sync,
        };
        (run, options)
    }
}
