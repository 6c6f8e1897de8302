//! Answers requests from a cassette. There is no client in here, and nothing that could make a connection.

use std::sync::{Mutex, MutexGuard, PoisonError};

use futures_util::StreamExt;

use super::admit::{RequestParts, read_rest, read_target};
use super::error::{HttpError, at};
use super::upload::RequestBody;
use super::usage::{HostUsage, Ledger};
use super::web::{Answer, AnswerBody};
use crate::cassette::{Outcome, Player, Replayed};
use crate::policy::egress::Destination;
use crate::policy::limits::Limits;

/// The answers of one sync.
#[derive(Debug)]
pub struct Replay {
    limits: Limits,
    player: Mutex<Player>,
    ledger: Mutex<Ledger>,
}

/// A request and what answers it.
#[derive(Debug)]
pub(super) struct Found {
    destination: Destination,
    outcome: Outcome,
}

impl Replay {
    /// Plays a cassette under a sync's limits.
    #[must_use]
    pub fn new(player: Player, limits: &Limits) -> Self {
        Self { limits: limits.clone(), player: Mutex::new(player), ledger: Mutex::default() }
    }

    /// What was used so far.
    #[must_use]
    pub fn replayed(&self) -> Replayed {
        self.player.lock().unwrap_or_else(PoisonError::into_inner).replayed()
    }

    pub(super) fn usage(&self) -> Vec<HostUsage> {
        self.ledger().usage()
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Finds the answer at once, so that the order of requests decides and nothing else. A request must be
    /// acceptable as it must be for the client, except that it needs no grant. One that has no answer counts as
    /// refused, as nothing would have been sent.
    pub(super) fn find(&self, parts: &RequestParts) -> Result<Found, HttpError> {
        self.ledger().check()?;
        self.look(parts).inspect_err(|_| self.ledger().refused(&self.limits))
    }

    fn look(&self, parts: &RequestParts) -> Result<Found, HttpError> {
        let (method, destination, url) = read_target(parts, &self.limits)?;
        read_rest(parts, &url, &destination, &self.limits)?;
        self.ledger().room(destination.host(), &self.limits)?;
        let mut player = self.player.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = player.take(method.as_str(), url.as_str());
        let outcome = taken.map_err(|missing| HttpError::Connect(missing.to_string()))?;
        drop(player);
        self.ledger().take(destination.host(), &self.limits)?;
        Ok(Found { destination, outcome })
    }

    /// Gives the answer. Waits for nothing but the request's own body.
    pub(super) async fn answer(&self, found: Found, body: RequestBody) -> Result<Answer, HttpError> {
        let Found { destination, outcome } = found;
        let sent = self.read(body, &destination).await?;
        let reply = match outcome {
            Outcome::Reply(reply) => reply,
            Outcome::Failed { kind, text } => return Err(HttpError::of_kind(&kind, text)),
        };
        let bytes: usize = reply.headers.iter().map(|(name, value)| name.len() + value.len() + 4).sum();
        if bytes > self.limits.header_bytes {
            let most = self.limits.header_bytes;
            let at = at(&destination);
            return Err(HttpError::limit(format!("{at}: the response's headers have more than {most} bytes")));
        }
        let (mut body, mut end) = (reply.body, reply.end.map(|(kind, text)| HttpError::of_kind(&kind, text)));
        let most = self.limits.response_bytes;
        if body.len() as u64 > most {
            body.truncate(usize::try_from(most).unwrap_or(usize::MAX));
            let at = at(&destination);
            end = Some(HttpError::limit(format!("{at}: the response body is longer than {most} bytes")));
        }
        let mut ledger = self.ledger();
        let usage = ledger.host(destination.host());
        usage.bytes_sent += sent;
        usage.bytes_received += body.len() as u64;
        drop(ledger);
        Ok(Answer {
            status: reply.status,
            reason: reply.reason,
            headers: reply.headers,
            body: AnswerBody::kept(body, end),
        })
    }

    /// Reads a streamed body to its end, as a server would.
    async fn read(&self, body: RequestBody, destination: &Destination) -> Result<u64, HttpError> {
        let mut stream = match body {
            RequestBody::Empty => return Ok(0),
            RequestBody::Bytes(bytes) => return Ok(bytes.len() as u64),
            RequestBody::Stream(stream) => stream,
        };
        let mut sent = 0u64;
        while let Some(piece) = stream.next().await {
            let at = at(destination);
            let piece =
                piece.map_err(|_| HttpError::InvalidRequest(format!("{at}: the request body ended in an error")))?;
            sent = sent.saturating_add(piece.len() as u64);
            let most = self.limits.request_bytes;
            if sent > most {
                return Err(HttpError::limit(format!("{at}: the request body is longer than {most} bytes")));
            }
        }
        Ok(sent)
    }
}
