//! What a sync is given: grants, the jail, the audit log, cassettes and limits.

use std::path::PathBuf;

use clap::Args;

use crate::cli::sync::confidential::SecretArguments;
use crate::cli::sync::landing::LandingArguments;

/// What every command that syncs a connector is told of it.
#[derive(Debug, Args)]
pub struct SyncArguments {
    /// The configuration: a flat JSON object of strings [default: <project>/configuration.json]
    #[arg(long, value_name = "FILE")]
    pub configuration: Option<PathBuf>,
    /// Name of the connection, which names the database [default: the connector's name]
    #[arg(long, value_name = "NAME")]
    pub connection: Option<String>,
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
    /// the URL it listens on, on loopback, as its first line: http://127.0.0.1:8080, or for other protocols
    /// tcp://127.0.0.1:5432. That URL is granted, and replaces
    /// ${server} in configuration values. The script runs outside the sandbox
    #[arg(long, value_name = "SCRIPT")]
    pub with_server: Option<PathBuf>,
}

/// The wall behind the sandbox.
#[derive(Clone, Copy, Debug, Default, Args)]
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
#[derive(Clone, Debug, Default, Args)]
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
