//! A worker's end of the channel: calls to the parent, and what waits for their answers.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::io::AsyncWriteExt;
use tokio::net::UnixStream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::message::{Answer, Call, FromWorker, Reply, frame, next};

/// Replies are the parent's own and bounded by it.
const LONGEST_REPLY: usize = u32::MAX as usize;

/// The worker's end. What is sent here is bounded by what a connector may have on its way.
#[derive(Debug)]
pub(super) struct Link {
    outgoing: UnboundedSender<Vec<u8>>,
    waiting: Mutex<HashMap<u64, oneshot::Sender<Answer>>>,
    last: AtomicU64,
}

/// An answer that is waited for. Dropping it tells the parent that nobody waits any more.
#[derive(Debug)]
pub(super) struct Waiting {
    id: u64,
    link: Arc<Link>,
    answer: oneshot::Receiver<Answer>,
    over: bool,
}

impl Link {
    /// Takes a channel over. The task writes what is sent, until the link is gone.
    pub(super) fn start(channel: UnixStream) -> (Arc<Self>, JoinHandle<()>) {
        let (reader, writer) = channel.into_split();
        let (outgoing, messages) = unbounded_channel();
        let link = Arc::new(Self { outgoing, waiting: Mutex::default(), last: AtomicU64::new(0) });
        let answered = Arc::downgrade(&link);
        tokio::spawn(async move {
            let mut reader = tokio::io::BufReader::new(reader);
            loop {
                match next::<Reply>(&mut reader, LONGEST_REPLY).await {
                    Ok(Some((reply, _))) => match answered.upgrade() {
                        Some(link) => link.answered(reply),
                        None => return,
                    },
                    // Without a parent there is nothing left to do, whatever the guest thinks.
                    Ok(None) | Err(_) => std::process::abort(),
                }
            }
        });
        (link, tokio::spawn(write(writer, messages)))
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<u64, oneshot::Sender<Answer>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn answered(&self, reply: Reply) {
        let waiting = self.waiting().remove(&reply.id);
        let unwanted = match waiting {
            Some(waiting) => waiting.send(reply.answer).err(),
            None => Some(reply.answer),
        };
        // It was cancelled here while the parent answered: nobody else would give up what it holds.
        if let Some(Answer::Admitted(Ok(id)) | Answer::Head(Ok((id, _))) | Answer::Connected(Ok(id))) = unwanted {
            self.tell(&FromWorker::Drop { id });
        }
    }

    /// Sends a message without an answer.
    pub(super) fn tell(&self, message: &FromWorker) {
        // What cannot be encoded cannot be answered either, which the caller sees as an interruption.
        if let Ok(frame) = frame(message) {
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
        let (sender, answer) = oneshot::channel();
        self.waiting().insert(id, sender);
        self.tell(&FromWorker::Call { id, call });
        Waiting { id, link: Arc::clone(self), answer, over: false }
    }
}

impl Waiting {
    /// Waits. May be cancelled, and waited for again.
    pub(super) async fn answer(&mut self) -> io::Result<Answer> {
        let answer = (&mut self.answer).await;
        self.over = true;
        answer.map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if !self.over {
            self.link.waiting().remove(&self.id);
            self.link.tell(&FromWorker::Cancel { id: self.id });
        }
    }
}

async fn write(mut to: tokio::net::unix::OwnedWriteHalf, mut messages: UnboundedReceiver<Vec<u8>>) {
    while let Some(message) = messages.recv().await {
        if message.is_empty() || to.write_all(&message).await.is_err() {
            return;
        }
    }
}
