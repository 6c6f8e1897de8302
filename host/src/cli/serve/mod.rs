//! `sluice serve`: stay up, and sync the connections of a fleet when they are due.
//!
//! One thread decides, and each sync has one of its own. What is due follows from the history of runs and the clock
//! alone, so that a process that was killed goes on where it was: a run that was missed is caught up once, and one that
//! was interrupted begins again.

mod endpoint;

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::Serialize;

use super::args::ServeArguments;
use super::batch::{Detail, Syncs, concurrency, job};
use super::components::Components;
use super::failure::Failure;
use super::fleet;
use super::folders::Folders;
use super::last::{Last, LastSyncs as _};
use super::record;
use super::signals::{self, Asked};
use crate::batch::{self, Machine, Nothing, Options, Places};
use crate::display::output::Output;
use crate::display::overall::Overall;
use crate::fleet::{Connection, Fleet};
use crate::history::History;
use crate::http::Upstreams;
use endpoint::{Endpoint, State};

/// How long at most until the clock is looked at again: somebody may set it.
const LOOK: Duration = Duration::from_secs(30);

/// What happens to a process that stays.
enum Event {
    Stop(String),
    Reload,
    /// The sync of a connection has ended.
    Ended(String),
}

/// What all syncs share.
struct Shared {
    folders: Folders,
    components: Components,
    upstreams: Upstreams,
    output: Output,
}

/// Serves until a signal comes.
pub(super) fn serve(arguments: &ServeArguments, folders: &Folders) -> Result<u8, Failure> {
    let output = super::tracing::output(arguments.json);
    let fleet = Arc::new(fleet::read_whole(&arguments.file)?);
    let (sender, events) = channel();
    let state = State::default();
    let endpoint = arguments.metrics.map(|address| Endpoint::start(address, state.clone())).transpose()?;
    let told = sender.clone();
    signals::tell(move |asked| {
        // A server that has just ended does not listen any more.
        let _ = told.send(match asked {
            Asked::Stop(name) => Event::Stop(name.to_owned()),
            Asked::Reload => Event::Reload,
        });
    })?;
    let address = endpoint.as_ref().map(Endpoint::address);
    let count = fleet.connections.iter().filter(|one| one.enabled && one.schedule.is_some()).count();
    output.event("serving", &Serving { scheduled: count, metrics: address });
    output.timed_line(format_args!("serving {}", crate::display::units::counted(count as u64, "scheduled connection")));
    if let Some(address) = address {
        output.timed_line(format_args!("numbers at http://{address}/metrics"));
    }
    let shared = Shared {
        folders: folders.clone(),
        components: Components::default(),
        upstreams: Upstreams::default(),
        output: output.clone(),
    };
    let history = record::history(&fleet.warehouse);
    let machine = Machine::default();
    let server = Server {
        places: places(&fleet, arguments, &machine),
        machine: &machine,
        waiting: false,
        arguments,
        shared: Arc::new(shared),
        fleet,
        history,
        running: HashMap::new(),
        began: BTreeMap::new(),
        sender,
        stopping: None,
        state,
    };
    server.run(&events);
    let _ = output.finish();
    Ok(0)
}

#[derive(Serialize)]
struct Serving {
    scheduled: usize,
    metrics: Option<SocketAddr>,
}

#[derive(Serialize)]
struct Said<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
}

struct Server<'a> {
    arguments: &'a ServeArguments,
    machine: &'a Machine,
    places: Places<'a>,
    /// Whether a connection is due and has no place.
    waiting: bool,
    shared: Arc<Shared>,
    fleet: Arc<Fleet>,
    history: Option<Arc<History>>,
    /// By connection, what stops its sync.
    running: HashMap<String, Sender<batch::Event<Detail>>>,
    /// When syncs of this process began: the history may be unwritable.
    began: BTreeMap<String, Timestamp>,
    sender: Sender<Event>,
    stopping: Option<String>,
    state: State,
}

impl Server<'_> {
    fn run(mut self, events: &Receiver<Event>) {
        loop {
            if self.stopping.is_none() {
                self.begin(Timestamp::now());
            } else if self.running.is_empty() {
                return;
            }
            self.state.set(self.running.len(), self.stopping.is_some());
            match events.recv_timeout(self.wait(Timestamp::now())) {
                Ok(Event::Ended(connection)) => {
                    self.running.remove(&connection);
                }
                Ok(Event::Stop(signal)) => self.stop(signal),
                Ok(Event::Reload) => self.reload(),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
            }
        }
    }

    /// When the last sync of a connection began; None when it is to begin at once.
    fn last(&self, connection: &str) -> Option<Timestamp> {
        let known = Last(self.history.clone());
        match self.began.get(connection) {
            Some(began) => Some(known.began(connection).map_or(*began, |other| other.max(*began))),
            None if known.interrupted(connection) => None,
            None => known.began(connection),
        }
    }

    fn scheduled(&self) -> impl Iterator<Item = &Connection> {
        let idle = |one: &&Connection| one.enabled && !self.running.contains_key(&one.name);
        self.fleet.connections.iter().filter(idle)
    }

    /// Begins what is due and has a place.
    fn begin(&mut self, now: Timestamp) {
        let is_due = |one: &&Connection| {
            one.schedule.as_ref().is_some_and(|schedule| schedule.is_due(self.last(&one.name), now))
        };
        let mut due: Vec<_> =
            self.scheduled().filter(is_due).map(|one| (self.last(&one.name), one.name.clone())).collect();
        // Whoever waited longest comes first.
        due.sort();
        self.places.look(self.running.len(), Instant::now());
        let places = self.places.count().saturating_sub(self.running.len());
        self.waiting = due.len() > places;
        for (_, name) in due.into_iter().take(places) {
            self.begin_one(name, now);
        }
    }

    fn begin_one(&mut self, name: String, now: Timestamp) {
        let (shared, fleet) = (Arc::clone(&self.shared), Arc::clone(&self.fleet));
        let (history, ended, of) = (self.history.clone(), Ending(self.sender.clone(), name.clone()), name.clone());
        let (sender, events) = channel();
        let own = sender.clone();
        let body = move || {
            // Tells that it ended, also when it panics.
            let _ended = ended;
            sync(&shared, &fleet, history, &of, &own, &events);
        };
        self.began.insert(name.clone(), now);
        match std::thread::Builder::new().name("serve".to_owned()).spawn(body) {
            Ok(_) => {
                self.running.insert(name, sender);
            }
            Err(error) => tracing::warn!("could not start a sync of {name}: {error}"),
        }
    }

    /// How long nothing is to be done.
    fn wait(&self, now: Timestamp) -> Duration {
        if self.stopping.is_some() {
            return LOOK;
        }
        if self.waiting {
            let now = Instant::now();
            let wakes = self.places.wakes(now).map(|wakes| wakes.saturating_duration_since(now));
            return wakes.map_or(LOOK, |wakes| wakes.clamp(Duration::from_millis(10), LOOK));
        }
        let next = |one: &Connection| one.schedule.as_ref()?.next(self.last(&one.name)?);
        let next = self.scheduled().filter_map(next).min();
        let until = next.map(|next| Duration::try_from(next.duration_since(now)).unwrap_or_default());
        until.map_or(LOOK, |until| until.clamp(Duration::from_millis(10), LOOK))
    }

    fn stop(&mut self, signal: String) {
        self.shared.output.event("stopping", &Said { message: Some(&signal) });
        self.shared.output.timed_line(format_args!(
            "{signal}: ending {} under way",
            crate::display::units::counted(self.running.len() as u64, "sync")
        ));
        for sync in self.running.values() {
            let _ = sync.send(batch::Event::Stop(signal.clone()));
        }
        self.stopping = Some(signal);
    }

    /// Reads the file again. What is wrong with it is said, and nothing changes.
    fn reload(&mut self) {
        let output = &self.shared.output;
        match fleet::read_whole(&self.arguments.file) {
            Ok(fleet) => {
                if fleet.warehouse != self.fleet.warehouse {
                    self.history = record::history(&fleet.warehouse);
                    self.began.clear();
                }
                self.fleet = Arc::new(fleet);
                self.places = places(&self.fleet, self.arguments, self.machine);
                output.event("reloaded", &Said { message: None });
                output.timed_line("read the file again");
            }
            Err(failure) => {
                output.event("reload_failed", &Said { message: Some(failure.message()) });
                tracing::warn!("the file is not used, the former one stays in force: {}", failure.message());
            }
        }
    }
}

fn places<'a>(fleet: &Fleet, arguments: &ServeArguments, machine: &'a Machine) -> Places<'a> {
    let (usual, most) = concurrency(fleet, arguments.concurrency);
    Places::new(usual, most, machine)
}

/// Tells that a sync has ended when it is dropped.
struct Ending(Sender<Event>, String);

impl Drop for Ending {
    fn drop(&mut self) {
        let _ = self.0.send(Event::Ended(std::mem::take(&mut self.1)));
    }
}

/// One connection, with its retries: a batch of one.
fn sync(
    shared: &Shared,
    fleet: &Fleet,
    history: Option<Arc<History>>,
    name: &str,
    sender: &Sender<batch::Event<Detail>>,
    events: &Receiver<batch::Event<Detail>>,
) {
    let Some(connection) = fleet.connections.iter().find(|one| one.name == name) else { return };
    let syncs = Syncs {
        fleet,
        chosen: &[connection],
        accept: false,
        folders: &shared.folders,
        components: &shared.components,
        upstreams: shared.upstreams.clone(),
        output: &shared.output,
        history: history.clone(),
        command: "serve",
        totals: Mutex::new(vec![super::batch::Totals::default()]),
        overall: Overall::start(&shared.output, 1),
    };
    let options = Options { concurrency: 1, most: 1, spare: &Nothing, timeout: fleet.timeout };
    batch::run(&syncs, &[job(connection, &Last(history))], options, sender, events);
}
