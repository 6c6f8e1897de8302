//! How a sync of a batch ended.

use std::time::Duration;

use serde::Serialize;

/// The classes of outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Its rows and its state are durable.
    Success,
    /// The connector failed.
    Connector,
    /// What was asked for was refused; nothing ran.
    Refused,
    /// A limit was reached.
    Limit,
    /// Something was not granted.
    Denied,
    /// The host or its machine failed.
    Host,
    /// Somebody else syncs it at the moment.
    RunningElsewhere,
    /// All its attempts took too long.
    TimedOut,
    /// The batch was stopped while it ran; what it checkpointed stays.
    Cancelled,
    /// The batch was stopped before it began.
    NotStarted,
}

impl Class {
    /// As people read it.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Success => "succeeded",
            Self::Connector => "failed",
            Self::Refused => "refused",
            Self::Limit => "limit reached",
            Self::Denied => "denied",
            Self::Host => "host failed",
            Self::RunningElsewhere => "runs elsewhere",
            Self::TimedOut => "timed out",
            Self::Cancelled => "cancelled",
            Self::NotStarted => "not started",
        }
    }
}

/// How a job ended.
#[derive(Debug)]
pub struct Outcome<T> {
    /// The class of its last attempt.
    pub class: Class,
    /// How often it was tried.
    pub attempts: u32,
    /// From the start of the first attempt to the end of the last, waits included.
    pub wall: Duration,
    /// What is known of its last attempt; None when it never began.
    pub detail: Option<T>,
}
