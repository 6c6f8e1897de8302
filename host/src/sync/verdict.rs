//! How a sync ended, from what the connector, the writer, the network and the cassette say of it.

use crate::cassette::Replayed;
use crate::destination::filter::{Reason, Unmatched, Withheld};
use crate::error::{ConnectorFailure, SyncError};
use crate::http::Web;
use crate::incidents::Incidents;
use crate::log::{ConnectorLog, Level};
use crate::queue::WriterFailure;

use super::CassetteReport;

/// A failed destination decides, whatever the connector made of it.
pub(super) fn classify(result: Result<(), SyncError>, writer: Option<WriterFailure>) -> Result<(), SyncError> {
    match (result, writer) {
        (_, Some(WriterFailure::Failed(text))) => Err(SyncError::Host(text)),
        (Ok(()), Some(WriterFailure::Refused(message))) => {
            Err(SyncError::Connector(ConnectorFailure { kind: "refused".into(), message, traceback: String::new() }))
        }
        (result, _) => result,
    }
}

/// A connector that failed after it was denied something failed because of the denial, as
/// far as an operator is concerned: the message says what to grant.
pub(crate) fn with_denial<T>(result: Result<T, SyncError>, incidents: &Incidents) -> Result<T, SyncError> {
    match (result, incidents.denial()) {
        (Err(SyncError::Connector(failure)), Some(denial)) => {
            Err(SyncError::Denied(format!("{denial} (the connector then failed: {})", failure.kind)))
        }
        (result, _) => result,
    }
}

/// Writes what was recorded, or says what a cassette lacked.
pub(super) fn with_cassette(
    result: Result<(), SyncError>,
    web: &Web,
    log: &ConnectorLog,
) -> (Result<(), SyncError>, Option<CassetteReport>) {
    match web {
        Web::Network(_) | Web::Elsewhere(_) => (result, None),
        Web::Recorded(_, recorder) => match recorder.finish(was_cut_short(&result)) {
            Ok(recorded) => {
                if recorded.unsearched > 0 {
                    let text = format!(
                        "{} recorded bodies arrived compressed: secrets in them could not be looked for",
                        recorded.unsearched
                    );
                    log.message(Level::Warning, &text);
                }
                (result, Some(CassetteReport::Recorded(recorded)))
            }
            // Rows that have landed stay, but what was asked for is not there.
            Err(error) => (result.and(Err(SyncError::Host(error.to_string()))), None),
        },
        Web::Replayed(replay) => {
            let replayed = replay.replayed();
            let result = result.map_err(|error| with_missing(error, &replayed));
            (result, Some(CassetteReport::Replayed(replayed)))
        }
    }
}

/// Whether it was ended from outside. One that failed, or was denied something, is done.
fn was_cut_short(result: &Result<(), SyncError>) -> bool {
    matches!(result, Err(SyncError::Limit(_) | SyncError::Host(_)))
}

/// A connector that failed after a request had no entry failed because of it, as far as people are concerned.
fn with_missing(error: SyncError, replayed: &Replayed) -> SyncError {
    match (error, replayed.missing_requests.first()) {
        (SyncError::Connector(failure), Some(request)) => SyncError::Connector(ConnectorFailure {
            message: format!(
                "the cassette has no entry for {request} (the connector then failed: {})",
                failure.message
            ),
            ..failure
        }),
        (error, _) => error,
    }
}

/// Says what is new and did not land, each once.
pub(super) fn warn_of_new(log: &ConnectorLog, withheld: &[Withheld]) {
    for one in withheld.iter().filter(|one| one.reason == Reason::New) {
        let what = match &one.column {
            None => format!("table {} is", one.table),
            Some(column) => format!("table {}: column {column} is", one.table),
        };
        let how = "sync once with --schema-changes allow-all to let it in";
        log.message(Level::Warning, &format!("{what} new and was kept out; {how}"));
    }
}

/// Says which decisions protected nothing, since a misspelled one looks like that.
pub(super) fn warn_of_unmatched(log: &ConnectorLog, unmatched: &[Unmatched]) {
    for Unmatched { table, column } in unmatched {
        let text = match column {
            None => format!(
                "the settings protect table {table}, of which nothing came; is it spelled as the source has it?"
            ),
            Some(column) => format!(
                "the settings protect column {column} of table {table}, which no row of it had; is it spelled as the source has it?"
            ),
        };
        log.message(Level::Warning, &text);
    }
}
