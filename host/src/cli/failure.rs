//! What a command says when it did not do what it was asked.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};

use crate::destination::DestinationError;
use crate::error::Exit;
pub(super) use crate::error::with_causes;

/// A command's failure: a message, perhaps a hint, and whose fault it is.
#[derive(Debug)]
pub(super) struct Failure {
    message: String,
    hint: Option<String>,
    exit_code: u8,
    busy: bool,
}

impl Failure {
    /// The command line or a file was refused; nothing was done.
    pub(super) fn refused(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, exit_code: Exit::Refused.code(), busy: false }
    }

    /// Something was not granted.
    pub(super) fn denied(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, exit_code: Exit::Denied.code(), busy: false }
    }

    /// The host or its machine failed.
    pub(super) fn host(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, exit_code: Exit::Host.code(), busy: false }
    }

    /// A guest that failed outside a sync.
    pub(super) fn of(message: impl Into<String>, exit_code: u8) -> Self {
        Self { message: message.into(), hint: None, exit_code, busy: false }
    }

    /// The same with what to do next.
    pub(super) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// What happened, and what to do.
    pub(super) fn into_words(self) -> (String, Option<String>) {
        (self.message, self.hint)
    }

    /// Whether somebody else uses the connection at the moment.
    pub(super) fn is_busy(&self) -> bool {
        self.busy
    }

    /// What happened.
    pub(super) fn message(&self) -> &str {
        &self.message
    }

    pub(super) fn exit_code(&self) -> u8 {
        self.exit_code
    }

    pub(super) fn print(&self, out: &mut dyn Write) -> io::Result<()> {
        let (error, hint) = (Style::new().bold().fg_color(Some(AnsiColor::Red.into())), Style::new().bold());
        writeln!(out, "{error}error{error:#}: {}", self.message)?;
        match &self.hint {
            Some(text) => writeln!(out, "{hint}hint{hint:#}: {text}"),
            None => Ok(()),
        }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl From<DestinationError> for Failure {
    fn from(error: DestinationError) -> Self {
        let message = with_causes(&error);
        match error {
            DestinationError::Invalid { .. } => Self::refused(message),
            DestinationError::Busy { .. } => Self { busy: true, ..Self::host(message) },
            _ => Self::host(message),
        }
    }
}
