//! A request of a worker, which the parent sends, and the body of its answer, which the parent pushes.
//!
//! The parent reads ahead as far as there is room here, so that the connector and the network work at the same time.
//! The room grows while a body is read, up to [`BODY_WINDOW_BYTES`].

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::future::{Either, select};
use futures_util::{Stream, StreamExt};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::mpsc::error::TryRecvError;
use tokio::task::yield_now;
use tokio::time::timeout;

use super::link::{Link, Part, Reply, Waiting};
use super::message::{Answer, Answered, Body, Call, FIRST_BYTES, Piece, Window};
use super::remote_web::broken;
use crate::http::{FarRequest, Head, HttpError, Later, RequestBody, RequestParts, Rest};
use crate::policy::limits::BODY_WINDOW_BYTES;
use crate::rows::Block;

/// How long the connector waits before the parent is told, whose limits on the server's time begin with that. Most pieces
/// come sooner, and the parent need not be woken for each.
const WAITS_AFTER: Duration = Duration::from_millis(5);
/// What it may wait in all without that: so much more for so many bytes. A server that is slower has every wait counted,
/// or it could go on for ever in small pieces.
const WAITS_LONGER: Duration = Duration::from_millis(1);
const WAITS_LONGER_BYTES: u64 = 64 * 1024;
/// By how much the room grows when half of it is used up.
const GROWS: u64 = 4;

/// A request that was not sent yet.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) parts: RequestParts,
    pub(super) link: Arc<Link>,
}

impl FarRequest for Request {
    fn send(self: Box<Self>, body: RequestBody) -> Later<'static, (Head, Box<dyn Rest>)> {
        Box::pin(async move {
            let Self { parts, link } = *self;
            let (body, stream) = match body {
                RequestBody::Empty => (Body::Empty, None),
                RequestBody::Bytes(bytes) => (Body::Bytes(Block(bytes.into())), None),
                RequestBody::Stream(stream) => (Body::Stream, Some(stream)),
            };
            let mut waiting = link.call(Call::Fetch { parts, body });
            let reply = match stream {
                None => waiting.reply().await,
                Some(stream) => uploading(&link, &mut waiting, stream).await,
            };
            match reply {
                Ok(Reply { answer: Answer::Head(Ok(Answered { head, .. })), following, rest }) => {
                    let body = RemoteBody::new(link, waiting.id(), following, rest);
                    Ok((head, Box::new(body) as Box<dyn Rest>))
                }
                Ok(Reply { answer: Answer::Head(Err(error)), .. }) => Err(error.into()),
                _ => Err(broken()),
            }
        })
    }
}

type Source = Pin<Box<dyn Stream<Item = Result<Bytes, Box<dyn std::error::Error + Send + Sync>>> + Send>>;

/// Sends the pieces of a request's body while its answer is waited for, which may come first.
async fn uploading(link: &Arc<Link>, waiting: &mut Waiting, mut from: Source) -> std::io::Result<Reply> {
    let request = waiting.id();
    let pieces = async {
        loop {
            let piece = match from.next().await {
                Some(Ok(bytes)) => Piece::Bytes(Block(bytes.into())),
                Some(Err(_)) => Piece::Broken,
                None => Piece::End,
            };
            let last = !matches!(piece, Piece::Bytes(_));
            let more = link.call(Call::Piece { request, piece }).answer().await;
            if last || !matches!(more, Ok(Answer::More(true))) {
                return std::future::pending().await;
            }
        }
    };
    match select(pin!(waiting.reply()), pin!(pieces)).await {
        Either::Left((reply, _)) | Either::Right((reply, _)) => reply,
    }
}

/// The body of an answer.
#[derive(Debug)]
struct RemoteBody {
    link: Arc<Link>,
    id: u64,
    /// What came with the head, until it is taken.
    first: Bytes,
    /// What comes after it; none when that was all.
    rest: Option<UnboundedReceiver<Part>>,
    ended: Result<(), HttpError>,
    /// Bytes that were taken.
    received: u64,
    /// Bytes that the parent may send.
    until: u64,
    /// How far ahead of the connector.
    window: u64,
    /// What the parent was told last.
    waits_at: Option<u64>,
    /// How long the connector waited without the parent being told.
    untold: Duration,
    /// Whether the channel gets its turn before the next piece.
    turn: bool,
}

impl RemoteBody {
    fn new(link: Arc<Link>, id: u64, first: Bytes, rest: Option<UnboundedReceiver<Part>>) -> Self {
        let until = FIRST_BYTES as u64;
        let (ended, received, waits_at, turn) = (Ok(()), 0, None, false);
        let untold = Duration::ZERO;
        Self { link, id, first, rest, ended, received, until, window: until, waits_at, untold, turn }
    }

    fn take(&mut self, bytes: Bytes) -> Option<Bytes> {
        self.received = self.received.saturating_add(bytes.len() as u64);
        self.turn = true;
        if self.rest.is_some() {
            self.make_room(None);
        }
        Some(bytes)
    }

    /// Tells the parent how far it may go on, when half of that is used up or the connector waits.
    fn make_room(&mut self, waits_at: Option<u64>) {
        let left = self.until.saturating_sub(self.received);
        let grows = left <= self.window / 2;
        if grows {
            self.window = self.window.saturating_mul(GROWS).min(BODY_WINDOW_BYTES as u64);
            self.until = self.received.saturating_add(self.window);
        }
        if grows || (waits_at.is_some() && waits_at != self.waits_at) {
            self.waits_at = waits_at;
            self.link.window(self.id, Window { until: self.until, waits_at });
        }
    }

    fn end(&mut self, ended: Result<(), HttpError>) -> Result<Option<Bytes>, HttpError> {
        self.rest = None;
        self.ended = ended.clone();
        ended.map(|()| None)
    }
}

/// How long the connector may wait now before the parent is told.
fn patience(received: u64, untold: Duration) -> Duration {
    let more = u32::try_from(received / WAITS_LONGER_BYTES).unwrap_or(u32::MAX);
    let in_all = WAITS_AFTER.saturating_add(WAITS_LONGER.saturating_mul(more));
    in_all.saturating_sub(untold).min(WAITS_AFTER)
}

impl Rest for RemoteBody {
    fn next(&mut self) -> Later<'_, Option<Bytes>> {
        Box::pin(async move {
            if !self.first.is_empty() {
                let first = std::mem::take(&mut self.first);
                return Ok(self.take(first));
            }
            // The guest, which takes piece after piece, would keep the channel from its turn.
            if std::mem::take(&mut self.turn) && self.rest.is_some() {
                yield_now().await;
            }
            let mut yielded = false;
            let part = loop {
                let Some(rest) = &mut self.rest else { return self.ended.clone().map(|()| None) };
                match rest.try_recv() {
                    Ok(part) => break Some(part),
                    Err(TryRecvError::Disconnected) => break None,
                    // Whoever only looks whether something is there does not wait.
                    Err(TryRecvError::Empty) if !yielded => {
                        yielded = true;
                        yield_now().await;
                    }
                    Err(TryRecvError::Empty) => {
                        let patience = patience(self.received, self.untold);
                        if !patience.is_zero() {
                            let began = Instant::now();
                            let part = timeout(patience, rest.recv()).await;
                            self.untold = self.untold.saturating_add(began.elapsed());
                            if let Ok(part) = part {
                                break part;
                            }
                        }
                        self.make_room(Some(self.received));
                        let Some(rest) = &mut self.rest else { return self.ended.clone().map(|()| None) };
                        break rest.recv().await;
                    }
                }
            };
            match part {
                Some(Part::Bytes(bytes)) => Ok(self.take(bytes)),
                Some(Part::End) => self.end(Ok(())),
                Some(Part::Broken(error)) => self.end(Err(error.into())),
                None => self.end(Err(broken())),
            }
        })
    }
}

impl Drop for RemoteBody {
    fn drop(&mut self) {
        if self.rest.is_some() {
            self.link.give_up(self.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_of_small_pieces_has_every_wait_counted_but_the_first() {
        let waits = |milliseconds| Duration::from_millis(milliseconds);
        assert_eq!(patience(0, Duration::ZERO), WAITS_AFTER);
        assert_eq!(patience(0, waits(3)), waits(2));
        // A byte every few milliseconds.
        assert_eq!(patience(1_000, waits(5)), Duration::ZERO);
        assert_eq!(patience(1_000, waits(5_000)), Duration::ZERO);
        // 100 MiB a second.
        assert_eq!(patience(100 << 20, waits(1_000)), WAITS_AFTER);
    }
}
