//! How much of the parent's memory a worker's calls and their answers may take.
//!
//! **Threat.** A worker that sends calls without end, or never reads an answer. A call waits for its place before it is
//! begun, and the parent reads no further meanwhile.

use std::sync::Arc;

use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};

use super::frame::largest;
use super::message::{Call, PIECE_BYTES, StreamCall};
use crate::policy::limits::{Limits, STREAM_CHUNK_BYTES};
use crate::sandbox::request_room;

/// Replies that wait to be written. A worker that does not read them is not served.
pub(super) const REPLIES: usize = 16;
/// Things that the parent holds under numbers: as many as a connector has handles, and some on their way.
pub(super) const SPARE_NUMBERS: usize = 64;
/// The semaphores count in these, since their counters are 32 bits wide.
const PERMIT_BYTES: usize = 1024;
/// What a call takes beside its bytes: what waits for it, a short answer.
const CALL_BYTES: usize = 16 * 1024;

/// The two bounds.
#[derive(Clone)]
pub(super) struct Room {
    calls: Arc<Semaphore>,
    answers: Arc<Semaphore>,
}

impl Room {
    pub(super) fn new(limits: &Limits) -> Self {
        let semaphore = |permits| Arc::new(Semaphore::new(permits));
        Self { calls: semaphore(of_calls(limits)), answers: semaphore(of_answers(limits)) }
    }

    /// Waits for a place for a call of that many bytes, which it gives up when the call is done, and for one for its
    /// answer, which it gives up when that is on its way.
    pub(super) async fn take(
        &self,
        call: &Call,
        bytes: usize,
    ) -> Result<(OwnedSemaphorePermit, OwnedSemaphorePermit), AcquireError> {
        let weight = permits(bytes.saturating_add(CALL_BYTES));
        let place = Arc::clone(&self.calls).acquire_many_owned(weight).await?;
        let weight = permits(answer_bytes(call));
        Ok((place, Arc::clone(&self.answers).acquire_many_owned(weight).await?))
    }

    /// Waits for a place for a piece of a body, which it gives up when that is on its way.
    pub(super) async fn piece(&self) -> Result<OwnedSemaphorePermit, AcquireError> {
        Arc::clone(&self.answers).acquire_many_owned(permits(PIECE_BYTES)).await
    }
}

/// For calls: two of the largest messages, and requests that are held until they are sent.
fn of_calls(limits: &Limits) -> usize {
    let frames = largest(limits).div_ceil(PERMIT_BYTES).saturating_mul(2);
    let short = limits.handles.saturating_mul(CALL_BYTES).div_ceil(PERMIT_BYTES);
    frames.saturating_add(request_room(limits)).saturating_add(short).min(Semaphore::MAX_PERMITS)
}

/// For answers that are not on their way yet: a piece for each exchange and connection that may be open, and a short
/// one for each handle. An honest worker reads its answers, and never has more calls than that.
fn of_answers(limits: &Limits) -> usize {
    let pieces = limits.concurrent_requests.saturating_add(REPLIES).saturating_mul(PIECE_BYTES);
    let reads = limits.connections.saturating_mul(STREAM_CHUNK_BYTES);
    let short = limits.handles.saturating_add(SPARE_NUMBERS).saturating_mul(CALL_BYTES);
    let bytes = pieces.saturating_add(reads).saturating_add(short);
    bytes.div_ceil(PERMIT_BYTES).min(Semaphore::MAX_PERMITS)
}

fn permits(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(PERMIT_BYTES)).unwrap_or(u32::MAX)
}

/// The most that the answer to a call takes.
fn answer_bytes(call: &Call) -> usize {
    match call {
        Call::Stream { what: StreamCall::Read(_), .. } => CALL_BYTES + STREAM_CHUNK_BYTES,
        _ => CALL_BYTES,
    }
}
