//! How a sync ends, and which process exit code says so.

use std::fmt;

use crate::room;

/// What a command's exit code says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// All went well.
    Success = 0,
    /// The connector failed, or does not hold what was asked of it.
    Connector = 1,
    /// Something was refused before anything ran.
    Refused = 2,
    /// A limit was reached.
    Limit = 3,
    /// Something was not granted.
    Denied = 4,
    /// The host failed.
    Host = 5,
    /// A part of a batch succeeded.
    Some = 6,
    /// Nothing of a batch succeeded.
    None = 7,
}

impl Exit {
    /// All of them, in order.
    pub const ALL: [Self; 8] =
        [Self::Success, Self::Connector, Self::Refused, Self::Limit, Self::Denied, Self::Host, Self::Some, Self::None];

    /// The number.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// What it means, in a few words.
    #[must_use]
    pub const fn says(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Connector => "the connector failed, or a component does not conform to the contract",
            Self::Refused => "the command line, a configuration or a project file was refused; nothing ran",
            Self::Limit => "a limit of the sync was reached",
            Self::Denied => "the connector wanted something that was not granted",
            Self::Host => "the host or its machine failed",
            Self::Some => "some syncs of a batch succeeded, and others did not",
            Self::None => "no sync of a batch succeeded",
        }
    }
}

/// A limit of the sync that was reached. Sticky: the sync fails with it whatever the
/// connector does afterwards.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, serde::Serialize, serde::Deserialize)]
#[error("{what} limit reached ({limit})")]
pub struct LimitReached {
    /// What was limited, for example `memory`.
    pub what: String,
    /// The limit with its unit, for example `256 MiB`.
    pub limit: String,
}

impl LimitReached {
    /// What [`Self::what`] is for the time from start to end.
    pub const WALL_TIME: &str = "wall time";

    /// A reached limit.
    pub fn new(what: impl Into<String>, limit: impl fmt::Display) -> Self {
        Self { what: what.into(), limit: limit.to_string() }
    }
}

/// A failure that the connector reported, or that its component caused.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct ConnectorFailure {
    /// The kind, in the connector's language, for example `ValueError`.
    pub kind: String,
    /// What happened.
    pub message: String,
    /// Where, as the connector's language prints it; may be empty.
    pub traceback: String,
}

impl fmt::Display for ConnectorFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind, self.message)
    }
}

/// Why a sync failed: exactly one of four classes, which also decides the exit code and
/// whether trying again can help.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, serde::Serialize, serde::Deserialize)]
pub enum SyncError {
    /// The connector failed: its code, its source, or rows that cannot land.
    #[error("the connector failed: {0}")]
    Connector(ConnectorFailure),
    /// A limit of this sync was reached.
    #[error(transparent)]
    Limit(#[from] LimitReached),
    /// The connector wanted something that it was not granted.
    #[error("{0}")]
    Denied(String),
    /// The host or its machine failed.
    #[error("{0}")]
    Host(String),
}

impl SyncError {
    /// The class, as it appears in `--json` output.
    pub fn class(&self) -> &'static str {
        match self {
            Self::Connector(_) => "connector",
            Self::Limit(_) => "limit",
            Self::Denied(_) => "denied",
            Self::Host(_) => "host",
        }
    }

    /// Whether trying again can help: a source, a network or a machine may have recovered, and a sync that ran out of
    /// time goes on from its last checkpoint. What was denied stays denied, and other limits are reached again.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Connector(_) | Self::Host(_) => true,
            Self::Limit(limit) => limit.what == LimitReached::WALL_TIME,
            Self::Denied(_) => false,
        }
    }

    /// The process exit code.
    pub fn exit_code(&self) -> u8 {
        let exit = match self {
            Self::Connector(_) => Exit::Connector,
            Self::Limit(_) => Exit::Limit,
            Self::Denied(_) => Exit::Denied,
            Self::Host(_) => Exit::Host,
        };
        exit.code()
    }
}

/// An error and what caused it, on one line.
pub(crate) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(lack) = room::lack(error) {
            // What the system says of it is in codes. Some have it in their own text already.
            let before = text.strip_suffix(&error.to_string()).map(|text| text.trim_end_matches([':', ' ']).to_owned());
            return format!("{}: {}", before.unwrap_or(text), lack.words());
        }
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
