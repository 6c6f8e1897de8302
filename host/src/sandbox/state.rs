//! What one store holds: everything a connector can reach, and nothing of another sync.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::Semaphore;
use wasmtime::component::ResourceTable;
use wasmtime_wasi::clocks::WasiClocksView;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use super::limiter::{Limiter, MemoryUse};
use super::local_files::{Files, FilesView};
use super::siblings::{self, Mould, Siblings};
use super::still::{Clocks, Still, StillClock};
use super::wasi;
use super::wasi_http::HttpHooks;
use crate::counters::Counters;
use crate::http::Web;
use crate::incidents::Incidents;
use crate::log::ConnectorLog;
use crate::parcel::Parcel;
use crate::policy::limits::Limits;
use crate::worker::Taker;

/// The parts a sync lends to its sandbox.
pub(crate) struct Capabilities {
    /// The limits.
    pub(crate) limits: Limits,
    /// Where rows go.
    pub(crate) operations: Taker,
    /// The network, or what stands in its place.
    pub(crate) http: Web,
    /// The time that stands still, if it does.
    pub(crate) still: Option<Still>,
    /// Where messages go.
    pub(crate) log: Arc<ConnectorLog>,
    /// What the sync runs into.
    pub(crate) incidents: Incidents,
    /// What it counts.
    pub(crate) counters: Arc<Counters>,
    /// The environment variables it sees, and no others.
    pub(crate) environment: BTreeMap<String, String>,
    /// What the memory limiter saw.
    pub(crate) memory: Arc<MemoryUse>,
}

/// What the stores of one sync have together beside [`Capabilities`].
#[derive(Clone)]
pub(super) struct Shared {
    files: Files,
    /// Kibibytes that requests which wait for their answers may still take.
    request_room: Arc<Semaphore>,
}

impl Shared {
    pub(super) fn new(limits: &Limits, still: Option<Still>, parcel: Option<&Parcel>) -> Self {
        let room = super::http::request_room(limits);
        Self { files: Files::new(limits, still, parcel), request_room: Arc::new(Semaphore::new(room)) }
    }
}

/// The data of one store.
pub(crate) struct HostState {
    pub(super) operations: Taker,
    pub(super) http: Web,
    /// Kibibytes that requests which wait for their answers may still take.
    pub(super) request_room: Arc<Semaphore>,
    pub(super) log: Arc<ConnectorLog>,
    pub(super) incidents: Incidents,
    pub(super) counters: Arc<Counters>,
    pub(super) limiter: Limiter,
    pub(super) table: ResourceTable,
    files: Files,
    wasi: WasiCtx,
    pub(super) still: Option<StillClock>,
    wasi_http: WasiHttpCtx,
    hooks: HttpHooks,
    workers: usize,
    /// The instances that work for this one; none for one that works itself. After `table`, whose handles end them.
    pub(super) siblings: Option<Siblings>,
}

impl HostState {
    /// The data of a store; with a mould it is that of a sync's first instance.
    pub(super) fn new(capabilities: Capabilities, shared: Shared, mould: Option<Mould>) -> Self {
        let Capabilities { limits, operations, http, still, log, incidents, counters, environment, memory } =
            capabilities;
        let workers = siblings::most(&limits, still.is_some());
        let still = still.map(StillClock::new);
        let mut table = ResourceTable::new();
        table.set_max_capacity(limits.handles);
        let mut wasi_http = WasiHttpCtx::new();
        wasi_http.set_field_size_limit(limits.header_bytes);
        Self {
            wasi: wasi::context(&log, &environment, &limits, still.as_ref()),
            files: shared.files,
            still,
            hooks: HttpHooks::new(http.clone(), incidents.clone(), Arc::clone(&counters)),
            limiter: Limiter::new(&limits, memory),
            operations,
            http,
            request_room: shared.request_room,
            log,
            incidents,
            counters,
            table,
            wasi_http,
            workers,
            siblings: mould.map(Siblings::new),
        }
    }

    /// How many instances may work beside the first; the same in all of them.
    pub(super) fn most_workers(&self) -> usize {
        self.siblings.as_ref().map_or(self.workers, Siblings::most)
    }
}

impl HostState {
    /// Nothing of the guest runs any more: its last lines are said, and the threads that work for it have ended.
    pub(super) fn end(&mut self) {
        self.table = ResourceTable::new();
        self.siblings = None;
        self.wasi = WasiCtx::builder().build();
    }

    pub(super) fn local_files(&mut self) -> FilesView<'_> {
        FilesView { files: &self.files, table: &mut self.table }
    }
}

impl WasiView for HostState {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl HostState {
    /// What the clock interface needs.
    pub(super) fn still_clocks(&mut self) -> Clocks<'_> {
        let still = self.still.clone();
        Clocks { wasi: WasiClocksView::clocks(self), still }
    }
}

impl WasiHttpView for HostState {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { ctx: &mut self.wasi_http, table: &mut self.table, hooks: &mut self.hooks }
    }
}
