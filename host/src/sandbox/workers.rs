//! The contract's `workers` interface: other instances of the same component, as the guest sees them.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;
use wasmtime::component::Resource;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::p2::{DynPollable, Pollable, subscribe};

use super::bindings::sluice::connector::workers;
use super::bindings::sluice::connector::workers::Error;
use super::state::HostState;
use crate::policy::limits::TASK_BYTES;

/// An instance that works for another; the host's side of the `worker` resource. Dropping it ends the instance.
#[expect(unreachable_pub, reason = "the generated bindings name it")]
pub struct Worker {
    pub(super) desk: Arc<Desk>,
    pub(super) tasks: UnboundedSender<String>,
    /// Its end is what the instance's thread listens to.
    pub(super) _alive: oneshot::Sender<()>,
}

/// Where a task and its answer change hands.
pub(super) struct Desk {
    state: Mutex<State>,
    changed: Notify,
}

enum State {
    /// Ready for a task.
    Idle,
    /// At work.
    Busy,
    /// The answer lies here.
    Answered(Result<String, Error>),
    /// The instance is gone.
    Gone(Error),
}

impl Desk {
    pub(super) fn new() -> Self {
        Self { state: Mutex::new(State::Idle), changed: Notify::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The instance has done its task.
    pub(super) fn answer(&self, answer: Result<String, Error>) {
        let answer = answer.and_then(|answer| match answer.len() {
            0..=TASK_BYTES => Ok(answer),
            size => Err(Error::Invalid(too_large("answer", size))),
        });
        *self.state() = State::Answered(answer);
        self.changed.notify_waiters();
    }

    /// The instance is gone, unless that was said before.
    pub(super) fn close(&self, reason: Error) {
        let mut state = self.state();
        if !matches!(*state, State::Gone(_)) {
            *state = State::Gone(reason);
        }
        drop(state);
        self.changed.notify_waiters();
    }

    /// Marks it as busy.
    fn take(&self) -> Result<(), Error> {
        let mut state = self.state();
        match &*state {
            State::Idle => {
                *state = State::Busy;
                Ok(())
            }
            State::Busy | State::Answered(_) => {
                Err(Error::Invalid("the worker has a task already; finish that one first".into()))
            }
            State::Gone(reason) => Err(reason.clone()),
        }
    }

    /// Waits while the instance is at work. May be cancelled.
    async fn quiet(&self) {
        loop {
            let changed = self.changed.notified();
            if !matches!(*self.state(), State::Busy) {
                return;
            }
            changed.await;
        }
    }

    fn collect(&self) -> Result<String, Error> {
        let mut state = self.state();
        match std::mem::replace(&mut *state, State::Idle) {
            State::Answered(answer) => answer,
            State::Gone(reason) => {
                *state = State::Gone(reason.clone());
                Err(reason)
            }
            before @ (State::Idle | State::Busy) => {
                *state = before;
                Err(Error::Invalid("the worker has no task; begin one first".into()))
            }
        }
    }
}

fn too_large(what: &str, size: usize) -> String {
    format!("the {what} of a worker has {size} bytes; the limit is {} MiB", TASK_BYTES / (1024 * 1024))
}

/// Readiness of a worker. It owns its share, so that pollable and worker may be dropped in any order.
struct Readiness(Arc<Desk>);

#[async_trait]
impl Pollable for Readiness {
    async fn ready(&mut self) {
        self.0.quiet().await;
    }
}

type Answer<T> = wasmtime::Result<Result<T, Error>>;

impl HostState {
    fn limit_reached(&self) -> Option<Error> {
        self.incidents.reached().map(|reached| Error::Limit(reached.to_string()))
    }
}

impl workers::Host for HostState {
    async fn most(&mut self) -> wasmtime::Result<u32> {
        Ok(u32::try_from(self.most_workers()).unwrap_or(u32::MAX))
    }

    async fn start(&mut self) -> Answer<Resource<Worker>> {
        if let Some(limit) = self.limit_reached() {
            return Ok(Err(limit));
        }
        let room = self.limiter.room_for_another();
        let Some(siblings) = &mut self.siblings else {
            return Ok(Err(Error::Invalid("a worker cannot have workers of its own".into())));
        };
        match siblings.start(room).await {
            Ok(worker) => Ok(Ok(self.table.push(worker)?)),
            Err(error) => Ok(Err(error)),
        }
    }
}

impl workers::HostWorker for HostState {
    async fn begin(&mut self, worker: Resource<Worker>, task: String) -> Answer<()> {
        if let Some(limit) = self.limit_reached() {
            return Ok(Err(limit));
        }
        if task.len() > TASK_BYTES {
            return Ok(Err(Error::Invalid(too_large("task", task.len()))));
        }
        let worker = self.table.get(&worker)?;
        let desk = Arc::clone(&worker.desk);
        if let Err(error) = desk.take() {
            return Ok(Err(error));
        }
        // when nobody is there to take it, the desk says so
        let _ = worker.tasks.send(task);
        if self.still.is_some() {
            // In a replay one instance works at a time, so that the order of what they do is always the same.
            desk.quiet().await;
        }
        Ok(Ok(()))
    }

    async fn finish(&mut self, worker: Resource<Worker>) -> Answer<String> {
        let desk = Arc::clone(&self.table.get(&worker)?.desk);
        desk.quiet().await;
        if let Some(limit) = self.limit_reached() {
            return Ok(Err(limit));
        }
        Ok(desk.collect())
    }

    async fn subscribe(&mut self, worker: Resource<Worker>) -> wasmtime::Result<Resource<DynPollable>> {
        let readiness = Readiness(Arc::clone(&self.table.get(&worker)?.desk));
        let owned = self.table.push(readiness)?;
        subscribe(&mut self.table, owned)
    }

    fn drop(&mut self, worker: Resource<Worker>) -> wasmtime::Result<()> {
        self.table.delete(worker)?;
        if let Some(siblings) = &mut self.siblings {
            siblings.left();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    fn text(result: Result<String, Error>) -> String {
        match result {
            Ok(text) => text,
            Err(Error::Invalid(text) | Error::Ended(text)) => format!("no: {text}"),
            Err(_) => "another error".into(),
        }
    }

    #[test]
    fn one_task_at_a_time() {
        let desk = Desk::new();
        assert_eq!(text(desk.collect()), "no: the worker has no task; begin one first");
        assert!(desk.take().is_ok());
        assert!(desk.take().is_err());
        assert!(desk.quiet().now_or_never().is_none());
        desk.answer(Ok("done".into()));
        assert!(desk.quiet().now_or_never().is_some());
        assert!(desk.take().is_err(), "the answer would be lost");
        assert_eq!(text(desk.collect()), "done");
        assert!(desk.take().is_ok());
    }

    #[test]
    fn the_first_reason_of_an_end_stays() {
        let desk = Desk::new();
        assert!(desk.take().is_ok());
        desk.close(Error::Ended("it crashed".into()));
        desk.close(Error::Ended("it is over".into()));
        assert!(desk.quiet().now_or_never().is_some());
        assert_eq!(text(desk.collect()), "no: it crashed");
        assert_eq!(text(desk.collect()), "no: it crashed");
    }

    #[test]
    fn an_answer_that_is_too_large_is_none() {
        let desk = Desk::new();
        assert!(desk.take().is_ok());
        desk.answer(Ok("x".repeat(TASK_BYTES + 1)));
        assert!(text(desk.collect()).starts_with("no: the answer of a worker has 16777217 bytes"));
    }
}
