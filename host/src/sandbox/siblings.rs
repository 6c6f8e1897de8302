//! Other instances of a sync's component: each in a store of its own, on a thread of its own.
//!
//! **Threat.** Instances multiply whatever one may have. So memory, CPU time, requests, files and
//! the log are counted once for all of them; their number is bounded; an instance that was made by
//! another makes none; and each costs a tick of CPU time, because making one is work of the host
//! that nothing else counts. None outlives the store that made it: dropping that one waits for their threads.

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle, available_parallelism};

use futures_util::future::select;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use super::bindings::sluice::connector::workers::Error;
use super::clock::Awake;
use super::engine::SandboxEngine;
use super::instance::{Guest, Linked};
use super::limiter::MemoryUse;
use super::processor::ProcessorTime;
use super::state::{Capabilities, HostState, Shared};
use super::still::Still;
use super::workers::{Desk, Worker};
use crate::counters::Counters;
use crate::http::Web;
use crate::incidents::Incidents;
use crate::log::ConnectorLog;
use crate::ops::Operations;
use crate::policy::limits::{EPOCH_TICK, Limits};
use crate::queue;
use crate::worker::Taker;

/// Workers of a replay, whatever the machine has, so that connectors divide their work as elsewhere.
const REPLAYED: usize = 2;

/// How many instances may work beside the first.
pub(super) fn most(limits: &Limits, replayed: bool) -> usize {
    let processors = if replayed { REPLAYED } else { available_parallelism().map_or(1, usize::from) };
    limits.workers.min(processors)
}

/// What it takes to make one more instance.
#[derive(Clone)]
pub(super) struct Mould {
    engine: SandboxEngine,
    linked: Linked,
    limits: Limits,
    http: Web,
    still: Option<Still>,
    log: Arc<ConnectorLog>,
    incidents: Incidents,
    counters: Arc<Counters>,
    environment: BTreeMap<String, String>,
    memory: Arc<MemoryUse>,
    shared: Shared,
    time: ProcessorTime,
}

impl Mould {
    pub(super) fn new(
        engine: &SandboxEngine,
        linked: &Linked,
        capabilities: &Capabilities,
        shared: &Shared,
        time: &ProcessorTime,
    ) -> Self {
        Self {
            engine: engine.clone(),
            linked: linked.clone(),
            limits: capabilities.limits.clone(),
            http: capabilities.http.clone(),
            still: capabilities.still,
            log: Arc::clone(&capabilities.log),
            incidents: capabilities.incidents.clone(),
            counters: Arc::clone(&capabilities.counters),
            environment: capabilities.environment.clone(),
            memory: Arc::clone(&capabilities.memory),
            shared: shared.clone(),
            time: time.clone(),
        }
    }

    fn cast(&self, number: u64) -> Guest {
        let counters = Arc::clone(&self.counters);
        // Nothing ever passes: operations stay closed, and the writer's end is gone at once.
        let (sender, _) = queue::queue(Arc::clone(&counters));
        let limits = self.limits.clone();
        let operations =
            Operations::new(limits.clone(), Arc::default(), sender, self.incidents.clone(), Arc::clone(&counters));
        let capabilities = Capabilities {
            operations: Taker::Here(operations),
            limits,
            http: self.http.clone(),
            still: self.still.map(|still| Still { instance: still.instance.wrapping_add(number), ..still }),
            log: Arc::clone(&self.log),
            incidents: self.incidents.clone(),
            counters,
            environment: self.environment.clone(),
            memory: Arc::clone(&self.memory),
        };
        let state = HostState::new(capabilities, self.shared.clone(), None);
        Guest::new(&self.engine, state, self.limits.clone(), self.time.clone())
    }
}

/// The instances that work for one.
pub(super) struct Siblings {
    mould: Mould,
    most: usize,
    /// Handles that the guest holds.
    held: usize,
    made: u64,
    /// Held by threads until their very end.
    places: Arc<Semaphore>,
    threads: Vec<JoinHandle<()>>,
}

impl Siblings {
    pub(super) fn new(mould: Mould) -> Self {
        let most = most(&mould.limits, mould.still.is_some());
        Self { mould, most, held: 0, made: 0, places: Arc::new(Semaphore::new(most)), threads: Vec::new() }
    }

    /// Starts another. `room` says whether the memory that is left would hold it.
    pub(super) async fn start(&mut self, room: bool) -> Result<Worker, Error> {
        if self.mould.linked.export("work").is_none() {
            return Err(Error::Invalid("this component does not export work, which a worker does".into()));
        }
        if self.held >= self.most {
            return Err(Error::Invalid(format!("there are {} workers already, the most there may be", self.most)));
        }
        if !room {
            let limit = self.mould.limits.memory_bytes / (1024 * 1024);
            return Err(Error::Invalid(format!("no memory is left for another worker (the limit is {limit} MiB)")));
        }
        // A thread that is about to end still has its place.
        let Ok(place) = Arc::clone(&self.places).acquire_owned().await else {
            return Err(Error::Invalid("the sync is over".into()));
        };
        self.threads.retain(|thread| !thread.is_finished());
        self.made += 1;
        self.mould.time.add(EPOCH_TICK);
        let (tasks, orders) = mpsc::unbounded_channel();
        let (alive, ended) = oneshot::channel();
        let desk = Arc::new(Desk::new());
        let sibling = Sibling {
            mould: self.mould.clone(),
            number: self.made,
            desk: Arc::clone(&desk),
            _awake: self.mould.engine.awake(),
            _place: place,
        };
        let runtime = Handle::current();
        let thread = Builder::new().name("worker".into()).spawn(move || runtime.block_on(sibling.live(orders, ended)));
        let thread = thread.map_err(|error| Error::Invalid(format!("the host could not start a thread: {error}")))?;
        self.threads.push(thread);
        self.held += 1;
        Ok(Worker { desk, tasks, _alive: alive })
    }

    /// The guest has dropped one.
    pub(super) fn left(&mut self) {
        self.held = self.held.saturating_sub(1);
    }

    pub(super) fn most(&self) -> usize {
        self.most
    }
}

impl Drop for Siblings {
    /// Waits for the threads, which end at once: their handles are gone with the store's table.
    fn drop(&mut self) {
        for thread in self.threads.drain(..) {
            // a thread that panicked has said so at its desk
            let _ = thread.join();
        }
    }
}

/// One instance, on its own thread.
struct Sibling {
    mould: Mould,
    number: u64,
    desk: Arc<Desk>,
    _awake: Awake,
    /// Given back last.
    _place: OwnedSemaphorePermit,
}

impl Sibling {
    async fn live(self, orders: mpsc::UnboundedReceiver<String>, ended: oneshot::Receiver<()>) {
        let _closing = Closing(Arc::clone(&self.desk));
        let mut guest = self.mould.cast(self.number);
        select(pin!(guest.serve(&self.mould.linked, &self.desk, orders)), ended).await;
    }
}

/// Says at the desk that the instance is gone, however that came.
struct Closing(Arc<Desk>);

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.close(Error::Ended("the worker is gone".into()));
    }
}
