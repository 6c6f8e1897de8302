//! `--record` and `--replay`: which cassette a sync writes or plays.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::cassette::{CASSETTE_BYTES, Cassette, CassetteError, Redaction};
use crate::cli::args::CassetteArguments;
use crate::cli::failure::Failure;
use crate::cli::input;
use crate::http::Recorder;

/// What was asked for.
pub(in crate::cli) enum Tape {
    /// No cassette.
    None,
    /// One to be written.
    Record(PathBuf),
    /// One to be played, and the time at which the clock stands.
    Replay(Cassette, Timestamp),
}

impl Tape {
    /// Reads a cassette that is to be played, so that a broken one is refused before anything runs.
    ///
    /// # Errors
    /// When it cannot be used.
    pub(super) fn open(arguments: &CassetteArguments) -> Result<Self, Failure> {
        if let Some(path) = &arguments.record {
            return Ok(Self::Record(path.clone()));
        }
        let Some(path) = &arguments.replay else { return Ok(Self::None) };
        Self::replay(path, arguments.clock.as_deref())
    }

    /// Reads a cassette, and where its clock stands.
    ///
    /// # Errors
    /// When it cannot be used.
    pub(in crate::cli) fn replay(path: &Path, given: Option<&str>) -> Result<Self, Failure> {
        let given = given.map(clock).transpose()?;
        let refused = |error: CassetteError| Failure::refused(format!("{}: {error}", path.display()));
        let cassette = Cassette::parse(&read(path)?).map_err(refused)?;
        let clock = match given {
            Some(clock) => clock,
            None => {
                cassette.started().map_err(|error| refused(error).hint("say when with --clock 2025-01-31T12:00:00Z"))?
            }
        };
        if clock < Timestamp::UNIX_EPOCH {
            return Err(Failure::refused(format!("the clock of a replay cannot stand at {clock}, before 1970"))
                .hint("say when with --clock 2025-01-31T12:00:00Z"));
        }
        Ok(Self::Replay(cassette, clock))
    }

    /// The URL of the test server that was recorded.
    pub(in crate::cli) fn server(&self) -> Option<&str> {
        match self {
            Self::Replay(cassette, _) => cassette.server.as_deref(),
            Self::None | Self::Record(_) => None,
        }
    }

    /// What records the sync, if it is to be recorded.
    ///
    /// # Errors
    /// When nothing can be written where the cassette is to be.
    pub(super) fn recorder(self, redaction: Redaction, server: Option<String>) -> Result<Option<Recorder>, Failure> {
        let Self::Record(path) = self else { return Ok(None) };
        if path.is_dir() {
            return Err(Failure::refused(format!("cannot write the cassette {}: it is a folder", path.display())));
        }
        Recorder::new(&path, redaction, server).map(Some).map_err(|error| Failure::refused(error.to_string()))
    }
}

pub(in crate::cli) fn clock(text: &str) -> Result<Timestamp, Failure> {
    text.parse().map_err(|_| {
        Failure::refused(format!("--clock {text}: not a time with an offset")).hint("write it as 2025-01-31T12:00:00Z")
    })
}

/// At most one byte more than a cassette may have.
fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    input::read(path, "cassette", CASSETTE_BYTES + 1, input::Holds::Anything)
}
