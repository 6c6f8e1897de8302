//! A worker's end of the channel: calls to the parent, and what waits for their answers.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::io::AsyncWriteExt;
use tokio::net::UnixStream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::frame::{frame, next_of_parent};
use super::message::{Answer, Answered, Call, Failed, FromWorker, ToWorker, Window};
use super::shared::View;

/// Head and beginning of most frames, which one read gets.
const READ_BYTES: usize = 16 * 1024;
/// Messages up to this are put together.
const TOGETHER: usize = 4 * 1024;

/// The worker's end. What is sent here is bounded by what a connector may have on its way.
#[derive(Debug)]
pub(super) struct Link {
    outgoing: UnboundedSender<Vec<u8>>,
    /// Memory that the parent puts pieces into.
    view: Option<Arc<View>>,
    expected: Mutex<Expected>,
    last: AtomicU64,
}

/// What comes from the parent, by number.
#[derive(Debug, Default)]
struct Expected {
    answers: HashMap<u64, oneshot::Sender<Reply>>,
    bodies: HashMap<u64, UnboundedSender<Part>>,
}

/// An answer with what came beside it.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) answer: Answer,
    /// The bytes that followed it.
    pub(super) following: Bytes,
    /// The rest of a body whose beginning they are.
    pub(super) rest: Option<UnboundedReceiver<Part>>,
}

/// What is pushed of a body. The room that a worker gives bounds it.
#[derive(Debug)]
pub(super) enum Part {
    Bytes(Bytes),
    End,
    Broken(Failed),
}

/// An answer that is waited for. Dropping it tells the parent that nobody waits any more.
#[derive(Debug)]
pub(super) struct Waiting {
    id: u64,
    link: Arc<Link>,
    reply: oneshot::Receiver<Reply>,
    over: bool,
}

impl Link {
    /// Takes a channel over. The task writes what is sent, until the link is gone.
    pub(super) fn start(channel: UnixStream, view: Option<Arc<View>>) -> (Arc<Self>, JoinHandle<()>) {
        let (reader, writer) = channel.into_split();
        let (outgoing, messages) = unbounded_channel();
        let link = Arc::new(Self { outgoing, view, expected: Mutex::default(), last: AtomicU64::new(0) });
        let answered = Arc::downgrade(&link);
        tokio::spawn(async move {
            let mut reader = tokio::io::BufReader::with_capacity(READ_BYTES, reader);
            loop {
                match next_of_parent(&mut reader).await {
                    Ok(Some((message, following))) => match answered.upgrade() {
                        Some(link) => link.arrived(message, following),
                        None => return,
                    },
                    // Without a parent there is nothing left to do, whatever the guest thinks.
                    Ok(None) | Err(_) => std::process::abort(),
                }
            }
        });
        (link, tokio::spawn(write(writer, messages)))
    }

    fn expected(&self) -> MutexGuard<'_, Expected> {
        self.expected.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn arrived(&self, message: ToWorker, following: Bytes) {
        match message {
            ToWorker::Reply { id, answer } => self.answered(id, answer, following),
            ToWorker::Body { id, last, at } => {
                let piece = at.and_then(|at| Some(self.view.as_ref()?.piece(at, &self.outgoing)));
                let following = piece.unwrap_or(following);
                let mut expected = self.expected();
                // Somebody who wants no more of it has said so.
                let Some(body) = expected.bodies.get(&id) else { return };
                if !following.is_empty() {
                    let _ = body.send(Part::Bytes(following));
                }
                if last {
                    let _ = body.send(Part::End);
                    expected.bodies.remove(&id);
                }
            }
            ToWorker::Broken { id, error } => {
                if let Some(body) = self.expected().bodies.remove(&id) {
                    let _ = body.send(Part::Broken(error));
                }
            }
        }
    }

    fn answered(&self, id: u64, answer: Answer, following: Bytes) {
        let mut expected = self.expected();
        let waiting = expected.answers.remove(&id);
        let goes_on = matches!(&answer, Answer::Head(Ok(Answered { whole: false, .. })));
        let rest = (goes_on && waiting.is_some()).then(|| {
            let (parts, rest) = unbounded_channel();
            expected.bodies.insert(id, parts);
            rest
        });
        drop(expected);
        let reply = Reply { answer, following, rest };
        let unwanted = match waiting {
            Some(waiting) => waiting.send(reply).err(),
            None => Some(reply),
        };
        // It was cancelled here while the parent answered: nobody else would give up what it holds.
        match unwanted {
            Some(Reply { answer: Answer::Connected(Ok(id)), .. }) => self.tell(&FromWorker::Drop { id }),
            Some(_) if goes_on => self.give_up(id),
            _ => {}
        }
    }

    /// Wants no more of what has this number.
    pub(super) fn give_up(&self, id: u64) {
        let mut expected = self.expected();
        expected.answers.remove(&id);
        expected.bodies.remove(&id);
        drop(expected);
        self.tell(&FromWorker::Cancel { id });
    }

    /// Sends a message without an answer.
    pub(super) fn tell(&self, message: &FromWorker) {
        // What cannot be encoded cannot be answered either, which the caller sees as an interruption.
        if let Ok(frame) = frame(message) {
            let _ = self.outgoing.send(frame);
        }
    }

    /// Says how far a body may go, and which places are free again.
    pub(super) fn window(&self, id: u64, window: Window) {
        let returning = self.view.as_ref().and_then(|view| view.returning());
        let returning = returning.and_then(|message| frame(&message).ok());
        if let Ok(mut frame) = frame(&FromWorker::Window { id, window }) {
            frame.extend(returning.unwrap_or_default());
            let _ = self.outgoing.send(frame);
        }
    }

    /// Sends the last message there is.
    pub(super) fn tell_last(&self, message: &FromWorker) {
        self.tell(message);
        let _ = self.outgoing.send(Vec::new());
    }

    /// Calls the parent.
    pub(super) fn call(self: &Arc<Self>, call: Call) -> Waiting {
        let id = self.last.fetch_add(1, Ordering::Relaxed) + 1;
        let (sender, reply) = oneshot::channel();
        self.expected().answers.insert(id, sender);
        self.tell(&FromWorker::Call { id, call });
        Waiting { id, link: Arc::clone(self), reply, over: false }
    }
}

impl Waiting {
    /// The number of the call.
    pub(super) fn id(&self) -> u64 {
        self.id
    }

    /// Waits. May be cancelled, and waited for again.
    pub(super) async fn answer(&mut self) -> io::Result<Answer> {
        Ok(self.reply().await?.answer)
    }

    /// The same, with what came beside the answer.
    pub(super) async fn reply(&mut self) -> io::Result<Reply> {
        let reply = (&mut self.reply).await;
        self.over = true;
        reply.map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if !self.over {
            self.link.give_up(self.id);
        }
    }
}

async fn write(mut to: tokio::net::unix::OwnedWriteHalf, mut messages: UnboundedReceiver<Vec<u8>>) {
    while let Some(mut message) = messages.recv().await {
        let mut last = message.is_empty();
        // Short messages that are there go out together.
        while !last && message.len() < TOGETHER {
            let Ok(next) = messages.try_recv() else { break };
            last = next.is_empty();
            message.extend_from_slice(&next);
        }
        if to.write_all(&message).await.is_err() || last {
            return;
        }
    }
}
