//! One sync in one store: instantiate, `schema`, `sync`, drop.
//!
//! Everything a guest can do to end is mapped here to exactly one class of error. After a
//! trap, an exit or a time limit the store is dropped and never entered again.

use std::time::Duration;

use tokio::sync::mpsc::UnboundedReceiver;
use wasmtime::component::{
    Component, ComponentExportIndex, ComponentNamedList, ComponentType, HasSelf, Instance, Lift, Linker, Lower,
};
use wasmtime::{Store, Trap, UpdateDeadline, WasmBacktrace};
use wasmtime_wasi::I32Exit;
use wasmtime_wasi::p2::bindings::clocks::monotonic_clock;

use super::bindings::sluice::connector::workers::Error as WorkerError;
use super::bindings::{Connector, ConnectorPre, sluice, sluice::connector::types};
use super::component::Loaded;
use super::engine::SandboxEngine;
use super::names::readable;
use super::processor::ProcessorTime;
use super::siblings::Mould;
use super::state::{Capabilities, HostState, Shared};
use super::still::StillClocks;
use super::wasi;
use super::workers::Desk;
use crate::error::{ConnectorFailure, LimitReached, SyncError};
use crate::ops::Refusal;
use crate::policy::limits::{FAILURE_MESSAGE_BYTES, FAILURE_TRACEBACK_BYTES, Limits, WASM_STACK_BYTES};
use crate::queue::WriterFailure;

/// A component that may be instantiated.
#[derive(Clone)]
pub(crate) struct Linked(ConnectorPre<HostState>);

impl Linked {
    /// An export, if it has that.
    pub(super) fn export(&self, name: &str) -> Option<ComponentExportIndex> {
        self.0.instance_pre().component().get_export_index(None, name)
    }
}

/// What a finished guest leaves behind, however it ended.
pub(crate) struct Finished {
    /// How it ended.
    pub(crate) result: Result<(), SyncError>,
    /// Time the guest used the processor.
    pub(crate) cpu: Duration,
    /// Why the destination stopped taking operations, if it did.
    pub(crate) writer: Option<WriterFailure>,
    /// What is left of it.
    pub(crate) rest: Rest,
}

/// A store that nothing runs in any more. Dropping it gives its memory back; a process that ends anyway does so at
/// once, and need not do it piece by piece.
pub(crate) struct Rest {
    _guest: Guest,
}

/// What most often is behind a trap that a compiler put there.
const GAVE_UP: &str = "it aborted (wasm trap: unreachable), as a component does after a panic, a failed assertion, or an \
                       exception that nobody caught; what it wrote before that is in the log";

/// The CPU limit, as the error that interrupts the guest.
#[derive(Debug, thiserror::Error)]
#[error("cpu time limit reached")]
struct CpuLimit;

/// Resolves a component's imports against what the host offers.
///
/// # Errors
/// What does not fit, in wasmtime's words; `sluice check` says it in plain ones.
pub(crate) fn link(engine: &SandboxEngine, component: &Component) -> Result<Linked, String> {
    let mut linker = Linker::new(engine.raw());
    let linked =
        add_interfaces(&mut linker).and_then(|()| linker.instantiate_pre(component)).and_then(ConnectorPre::new);
    linked.map(Linked).map_err(|error| format!("{error:#}"))
}

fn add_interfaces(linker: &mut Linker<HostState>) -> wasmtime::Result<()> {
    wasi::add_to_linker(linker)?;
    // In a replay, waiting is over at once.
    linker.allow_shadowing(true);
    monotonic_clock::add_to_linker::<_, StillClocks>(linker, HostState::still_clocks)?;
    linker.allow_shadowing(false);
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(linker)?;
    sluice::connector::operations::add_to_linker::<_, HasSelf<HostState>>(linker, |state| state)?;
    sluice::connector::files::add_to_linker::<_, HasSelf<HostState>>(linker, |state| state)?;
    sluice::connector::logging::add_to_linker::<_, HasSelf<HostState>>(linker, |state| state)?;
    super::http::add_to_linker(linker)?;
    sluice::connector::tcp::add_to_linker::<_, HasSelf<HostState>>(linker, |state| state)?;
    sluice::connector::workers::add_to_linker::<_, HasSelf<HostState>>(linker, |state| state)?;
    Ok(())
}

/// Runs one sync.
pub(crate) async fn run(
    engine: &SandboxEngine,
    component: &Loaded,
    capabilities: Capabilities,
    configuration: &str,
    state: &str,
) -> Finished {
    let limits = capabilities.limits.clone();
    let mut guest = Guest::first(engine, component, capabilities);
    let time = guest.time.clone();
    let counted = time.counted(guest.sync(component.linked(), configuration, state));
    let ended = tokio::time::timeout(limits.wall, counted).await;
    let result = match ended {
        Ok(result) => result,
        Err(_) => Err(guest.breach(LimitReached::new(LimitReached::WALL_TIME, format!("{:?}", limits.wall)))),
    };
    guest.store.data_mut().end();
    Finished { result, cpu: time.used(), writer: guest.store.data().operations.failure(), rest: Rest { _guest: guest } }
}

/// One component in one store.
pub(crate) struct Guest {
    store: Store<HostState>,
    limits: Limits,
    time: ProcessorTime,
}

impl Guest {
    /// The first instance of a sync.
    fn first(engine: &SandboxEngine, component: &Loaded, capabilities: Capabilities) -> Self {
        let limits = capabilities.limits.clone();
        let time = ProcessorTime::default();
        let shared = Shared::new(&limits, capabilities.still, component.parcel());
        let mould = Mould::new(engine, component.linked(), &capabilities, &shared, &time);
        Self::new(engine, HostState::new(capabilities, shared, Some(mould)), limits, time)
    }

    /// An instance whose time on the processor is counted in `time`, with that of others. What is done with it must
    /// be done inside of [`ProcessorTime::counted`].
    pub(super) fn new(engine: &SandboxEngine, state: HostState, limits: Limits, time: ProcessorTime) -> Self {
        let mut store = Store::new(engine.raw(), state);
        store.limiter(|state| &mut state.limiter);
        store.set_hostcall_fuel(limits.hostcall_bytes);
        store.set_max_component_handles(limits.handles);
        // Before anything of the guest runs, instantiation included.
        store.set_epoch_deadline(1);
        let (budget, counter) = (limits.cpu, time.clone());
        store.epoch_deadline_callback(move |_| {
            if counter.used() > budget {
                return Err(CpuLimit.into());
            }
            // Other tasks get their turn, the wall clock limit among them.
            Ok(UpdateDeadline::Yield(1))
        });
        Self { store, limits, time }
    }

    /// Calls one export that a component may leave out, in a store of its own; `None` when it does.
    pub(super) async fn call_optional<P, T>(
        engine: &SandboxEngine,
        component: &Loaded,
        capabilities: Capabilities,
        export: &str,
        parameters: P,
    ) -> Result<Option<T>, SyncError>
    where
        P: ComponentNamedList + Lower + Send + Sync,
        T: ComponentType + Lift + Send + Sync + 'static,
    {
        let limits = capabilities.limits.clone();
        let mut guest = Self::first(engine, component, capabilities);
        let time = guest.time.clone();
        let called = time.counted(guest.optional(component.linked(), export, parameters));
        let result = match tokio::time::timeout(limits.wall, called).await {
            Ok(result) => result,
            Err(_) => Err(guest.breach(LimitReached::new(LimitReached::WALL_TIME, format!("{:?}", limits.wall)))),
        };
        match guest.store.data().incidents.reached() {
            Some(reached) => Err(reached.into()),
            None => result,
        }
    }

    async fn optional<P, T>(&mut self, linked: &Linked, export: &str, parameters: P) -> Result<Option<T>, SyncError>
    where
        P: ComponentNamedList + Lower + Send + Sync,
        T: ComponentType + Lift + Send + Sync + 'static,
    {
        let instance = match linked.0.instance_pre().instantiate_async(&mut self.store).await {
            Ok(instance) => instance,
            Err(error) => return Err(self.not_instantiated(&error)),
        };
        self.store.data_mut().limiter.completed();
        let Some(function) = instance.get_func(&mut self.store, export) else { return Ok(None) };
        let function = function.typed::<P, (Result<T, types::Failure>,)>(&self.store);
        let function = function.map_err(|error| self.trapped(&error))?;
        match function.call_async(&mut self.store, parameters).await {
            Ok((Ok(answer),)) => Ok(Some(answer)),
            Ok((Err(failure),)) => Err(self.failed(failure)),
            Err(error) => Err(self.trapped(&error)),
        }
    }

    /// Does the tasks of another instance until none can come any more.
    pub(super) async fn serve(&mut self, linked: &Linked, desk: &Desk, tasks: UnboundedReceiver<String>) {
        let time = self.time.clone();
        time.counted(self.served(linked, desk, tasks)).await;
    }

    async fn served(&mut self, linked: &Linked, desk: &Desk, mut tasks: UnboundedReceiver<String>) {
        let ended = match linked.0.instance_pre().instantiate_async(&mut self.store).await {
            Err(error) => self.not_instantiated(&error),
            Ok(instance) => match self.tasks(&instance, desk, &mut tasks).await {
                Ok(()) => return,
                Err(error) => match error.downcast_ref::<I32Exit>() {
                    Some(I32Exit(code)) => {
                        let text = format!("it ended itself with code {code}; return from the task instead, or raise");
                        return desk.close(WorkerError::Ended(text));
                    }
                    None => self.trapped(&error),
                },
            },
        };
        desk.close(match ended {
            SyncError::Limit(reached) => WorkerError::Limit(reached.to_string()),
            SyncError::Connector(failure) => WorkerError::Ended(failure.message),
            other => WorkerError::Ended(other.to_string()),
        });
    }

    async fn tasks(
        &mut self,
        instance: &Instance,
        desk: &Desk,
        tasks: &mut UnboundedReceiver<String>,
    ) -> wasmtime::Result<()> {
        let work = instance.get_typed_func::<(String,), (Result<String, types::Failure>,)>(&mut self.store, "work")?;
        while let Some(task) = tasks.recv().await {
            let (answer,) = work.call_async(&mut self.store, (task,)).await?;
            desk.answer(answer.map_err(WorkerError::Failed));
        }
        Ok(())
    }

    async fn sync(&mut self, linked: &Linked, configuration: &str, state: &str) -> Result<(), SyncError> {
        let connector = match linked.0.instantiate_async(&mut self.store).await {
            Ok(connector) => connector,
            Err(error) => return Err(self.not_instantiated(&error)),
        };
        self.store.data_mut().limiter.completed();
        let result = self.calls(&connector, configuration, state).await;
        // A limit is sticky: whatever the guest made of it, it decides how the sync ended.
        match self.store.data().incidents.reached() {
            Some(reached) => Err(reached.into()),
            None => result,
        }
    }

    async fn calls(&mut self, connector: &Connector, configuration: &str, state: &str) -> Result<(), SyncError> {
        let tables = match connector.call_schema(&mut self.store, configuration).await {
            Ok(Ok(tables)) => tables,
            Ok(Err(failure)) => return Err(self.failed(failure)),
            Err(error) => return Err(self.trapped(&error)),
        };
        let tables = tables.into_iter().map(Into::into).collect();
        if let Err(refusal) = self.store.data_mut().operations.declare(tables).await {
            return Err(refused("schema", refusal));
        }
        match connector.call_sync(&mut self.store, configuration, state).await {
            Ok(Ok(())) => {}
            Ok(Err(failure)) => return Err(self.failed(failure)),
            Err(error) => return Err(self.trapped(&error)),
        }
        match self.store.data_mut().operations.finish().await {
            Ok(()) => Ok(()),
            Err(refusal) => Err(refused("sync", refusal)),
        }
    }

    /// A typed failure of the connector.
    fn failed(&self, failure: types::Failure) -> SyncError {
        let log = &self.store.data().log;
        let failure = ConnectorFailure {
            kind: log.clean(&failure.kind, FAILURE_MESSAGE_BYTES),
            message: log.clean_block(&failure.message, FAILURE_MESSAGE_BYTES),
            traceback: log.clean_block(&failure.traceback, FAILURE_TRACEBACK_BYTES),
        };
        if failure.kind == "MemoryError" && self.store.data().limiter.was_refused() {
            return self.breach(self.memory_limit());
        }
        SyncError::Connector(failure)
    }

    /// Numbers of things are limited where they are made; wasmtime says which only in words.
    fn not_instantiated(&self, error: &wasmtime::Error) -> SyncError {
        let text = format!("{error:#}");
        let limits = &self.limits;
        let counts = [
            ("memory count too high", "memories", limits.memories),
            ("table count too high", "tables", limits.tables),
            ("instance count too high", "instances", limits.instances),
            ("exceeds table limits", "table elements", limits.table_elements),
        ];
        match counts.into_iter().find(|(mark, _, _)| text.contains(mark)) {
            Some((_, what, limit)) => self.breach(LimitReached::new(what, limit)),
            None => self.trapped(error),
        }
    }

    /// A trap, an exit, or an error of a host function.
    fn trapped(&self, error: &wasmtime::Error) -> SyncError {
        if error.downcast_ref::<CpuLimit>().is_some() {
            return self.breach(LimitReached::new("cpu time", format!("{:?}", self.limits.cpu)));
        }
        if let Some(exit) = error.downcast_ref::<I32Exit>() {
            return SyncError::Connector(ConnectorFailure {
                kind: "exit".into(),
                message: format!(
                    "the connector ended its own process with code {}; return instead, or raise an error",
                    exit.0
                ),
                traceback: String::new(),
            });
        }
        let text = format!("{error:#}");
        if text.contains("fuel allocated for hostcalls") {
            let limit = format!("{} MiB per call", self.limits.hostcall_bytes / (1024 * 1024));
            return self.breach(LimitReached::new("host transfer", limit));
        }
        if text.contains("resource table has no free keys") || text.contains("handle limit exceeded") {
            return self.breach(LimitReached::new("open handles", self.limits.handles));
        }
        match error.downcast_ref::<Trap>() {
            Some(Trap::StackOverflow) => {
                self.breach(LimitReached::new("stack", format!("{} MiB", WASM_STACK_BYTES / (1024 * 1024))))
            }
            // CPython aborts when it cannot get memory where no exception can be raised.
            _ if self.store.data().limiter.was_refused() => self.breach(self.memory_limit()),
            Some(Trap::UnreachableCodeReached) => self.crashed(GAVE_UP, error),
            Some(trap) => self.crashed(&trap.to_string(), error),
            None => self.crashed(&text, error),
        }
    }

    fn crashed(&self, text: &str, error: &wasmtime::Error) -> SyncError {
        let log = &self.store.data().log;
        SyncError::Connector(ConnectorFailure {
            kind: "trap".into(),
            message: format!("the component crashed: {}", log.clean(text, FAILURE_MESSAGE_BYTES)),
            traceback: log.clean_block(&functions(error), FAILURE_TRACEBACK_BYTES),
        })
    }

    fn memory_limit(&self) -> LimitReached {
        LimitReached::new("memory", format!("{} MiB", self.limits.memory_bytes / (1024 * 1024)))
    }

    fn breach(&self, reached: LimitReached) -> SyncError {
        self.store.data().incidents.limit(reached).into()
    }
}

/// The innermost functions that a component was in, where it keeps their names.
fn functions(error: &wasmtime::Error) -> String {
    let frames = error.downcast_ref::<WasmBacktrace>().map(WasmBacktrace::frames).unwrap_or_default();
    let named = frames.iter().filter_map(|frame| frame.func_name());
    let mut lines: Vec<_> = named.map(|name| format!("at {}\n", readable(name))).collect();
    // Recursion is one line.
    lines.dedup();
    lines.concat()
}

fn refused(during: &str, refusal: Refusal) -> SyncError {
    match refusal {
        Refusal::Invalid(message) | Refusal::Ended(message) => {
            SyncError::Connector(ConnectorFailure { kind: during.into(), message, traceback: String::new() })
        }
        Refusal::Limit(reached) => reached.into(),
    }
}
