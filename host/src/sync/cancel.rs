//! What ends a sync before it is done. What it checkpointed stays.

use std::pin::pin;
use std::sync::Arc;

use futures_util::future::{Either, select};
use tokio::sync::watch;

/// What ends a sync early. The default is a signal to this process, SIGINT or SIGTERM; clones are one and the same.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Option<Arc<watch::Sender<Option<String>>>>);

impl Cancel {
    /// One that ends syncs when [`cancel`](Self::cancel) is called, and at no signal: whoever runs several syncs
    /// decides what a signal means.
    #[must_use]
    pub fn by_hand() -> Self {
        Self(Some(Arc::new(watch::Sender::new(None))))
    }

    /// Ends the syncs that have this, now or when they begin. `by` is for people, such as `SIGTERM`; the first call
    /// counts.
    pub fn cancel(&self, by: &str) {
        if let Some(sender) = &self.0 {
            sender.send_if_modified(|reason| {
                let first = reason.is_none();
                reason.get_or_insert_with(|| by.to_owned());
                first
            });
        }
    }

    /// By what it was cancelled, if it was by hand.
    #[must_use]
    pub fn reason(&self) -> Option<String> {
        self.0.as_ref().and_then(|sender| sender.borrow().clone())
    }

    /// Waits until it is cancelled; answers by what.
    pub(super) async fn cancelled(&self) -> String {
        let Some(sender) = &self.0 else { return interrupted().await.to_owned() };
        let mut receiver = sender.subscribe();
        match receiver.wait_for(Option::is_some).await {
            Ok(reason) => reason.clone().unwrap_or_default(),
            // The sender is ours, so that it is always there.
            Err(_) => std::future::pending().await,
        }
    }
}

async fn interrupted() -> &'static str {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        // Without handlers the signals end the process, which discards what was not committed.
        return std::future::pending().await;
    };
    match select(pin!(interrupt.recv()), pin!(terminate.recv())).await {
        Either::Left(_) => "SIGINT",
        Either::Right(_) => "SIGTERM",
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn wait(cancel: &Cancel) -> String {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(cancel.cancelled())
    }

    #[test]
    fn the_first_reason_counts_whenever_it_came() {
        let cancel = Cancel::by_hand();
        assert_eq!(cancel.reason(), None);
        let (other, waiting) = (cancel.clone(), cancel.clone());
        let waiter = std::thread::spawn(move || wait(&waiting));
        other.cancel("SIGTERM");
        cancel.cancel("SIGINT");
        assert_eq!((waiter.join().unwrap().as_str(), cancel.reason().as_deref()), ("SIGTERM", Some("SIGTERM")));
        assert_eq!(wait(&other), "SIGTERM");
    }
}
