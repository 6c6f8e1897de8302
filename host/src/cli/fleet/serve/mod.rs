//! `sluice serve`: stay up, and sync the connections of a fleet when they are due.
//!
//! One thread decides, and each sync has one of its own. What is due follows from the history of runs and the clock
//! alone, so that a process that was killed goes on where it was: a run that was missed is caught up once, and one that
//! was interrupted begins again.

mod diary;
mod endpoint;

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::Serialize;

use super::batch::{Detail, Syncs, Totals, concurrency, job, memory};
use super::file;
use super::last::Last;
use crate::batch::{self, Again, Attempt, Job, Machine, Nothing, Options, Place, Places, Waits, Work};
use crate::cli::args::ServeArguments;
use crate::cli::connector::components::Components;
use crate::cli::failure::Failure;
use crate::cli::folders::Folders;
use crate::cli::signals::{self, Asked};
use crate::cli::sync::record;
use crate::display::output::Output;
use crate::display::overall::Overall;
use crate::fleet::{Connection, Fleet};
use crate::http::Upstreams;
use crate::sync::Cancel;
use diary::Diary;
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
pub(in crate::cli) fn serve(arguments: &ServeArguments, folders: &Folders) -> Result<u8, Failure> {
    let output = crate::cli::tracing::output(arguments.json);
    let fleet = Arc::new(read(arguments)?);
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
    let (usual, most) = concurrency(&fleet, arguments.concurrency);
    let server = Server {
        places: Places::new(usual, most, &machine),
        waiting: VecDeque::new(),
        arguments,
        shared: Arc::new(shared),
        fleet,
        diary: Arc::new(Diary::new(history)),
        running: HashMap::new(),
        sender,
        stopping: None,
        state,
    };
    server.run(&events);
    let _ = output.finish();
    Ok(0)
}

/// The fleet. There is no batch here that could be too long, so that its timeout is one of each connection: for all
/// attempts of one sync and the waits between them.
fn read(arguments: &ServeArguments) -> Result<Fleet, Failure> {
    let mut fleet = file::read_whole(&arguments.file)?;
    for one in &mut fleet.connections {
        one.settings.timeout = one.settings.timeout.into_iter().chain(fleet.timeout).min();
    }
    Ok(fleet)
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
    places: Places<'a>,
    /// Who is due and has no place, in order.
    waiting: VecDeque<Waiting>,
    shared: Arc<Shared>,
    fleet: Arc<Fleet>,
    diary: Arc<Diary>,
    running: HashMap<String, Running>,
    sender: Sender<Event>,
    stopping: Option<String>,
    state: State,
}

/// A connection that is due and has no place.
struct Waiting {
    name: String,
    waits: Waits,
}

/// The sync of a connection.
struct Running {
    /// What stops it.
    sender: Sender<batch::Event<Detail>>,
    place: Place,
}

impl Server<'_> {
    fn run(mut self, events: &Receiver<Event>) {
        let mut look = Instant::now();
        loop {
            let now = Instant::now();
            if self.stopping.is_some() && self.running.is_empty() {
                return;
            }
            if self.stopping.is_some() {
                (self.waiting, look) = (VecDeque::new(), now + LOOK);
            } else if look <= now {
                self.waiting = self.due(Timestamp::now());
                self.begin(now);
                look = now + self.until_next(Timestamp::now());
            } else {
                // Asking for a place is cheap, asking the history is not.
                self.begin(now);
            }
            self.state.set(self.running.len(), self.stopping.is_some());
            let place = (!self.waiting.is_empty()).then(|| self.places.wakes(now)).flatten();
            let until = place.into_iter().chain([look]).min().unwrap_or(look);
            match events.recv_timeout(until.saturating_duration_since(Instant::now())) {
                Ok(event) => {
                    self.happened(event);
                    look = Instant::now();
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {}
            }
        }
    }

    fn happened(&mut self, event: Event) {
        match event {
            Event::Ended(connection) => {
                if let Some(ended) = self.running.remove(&connection) {
                    self.places.give_back(ended.place);
                }
            }
            Event::Stop(signal) => self.stop(signal),
            Event::Reload => self.reload(),
        }
    }

    fn scheduled(&self) -> impl Iterator<Item = &Connection> {
        let idle = |one: &&Connection| one.enabled && !self.running.contains_key(&one.name);
        self.fleet.connections.iter().filter(idle)
    }

    /// What is due, whoever waited longest first.
    fn due(&self, now: Timestamp) -> VecDeque<Waiting> {
        let due = self.scheduled().filter(|one| self.diary.is_due(one, now));
        let mut due: Vec<_> = due.map(|one| (self.diary.last(&one.name), &one.name, memory(one))).collect();
        due.sort();
        let passed = |name: &str| self.waiting.iter().find(|one| one.name == name).map_or(0, |one| one.waits.passed);
        due.into_iter()
            .map(|(_, name, memory)| Waiting { name: name.clone(), waits: Waits { memory, passed: passed(name) } })
            .collect()
    }

    /// Begins what is due while there are places.
    fn begin(&mut self, now: Instant) {
        loop {
            let waiting = self.waiting.iter().map(|one| one.waits).enumerate();
            let Some((at, place)) = batch::fitting(waiting, |_, needs| self.places.take(needs, now)) else { return };
            if let Some(first) = self.waiting.front_mut().filter(|_| at > 0) {
                first.waits.passed += 1;
            }
            if let Some(Waiting { name, .. }) = self.waiting.remove(at) {
                self.begin_one(name, place);
            }
        }
    }

    fn begin_one(&mut self, name: String, place: Place) {
        let (shared, fleet) = (Arc::clone(&self.shared), Arc::clone(&self.fleet));
        let (diary, ended, of) = (Arc::clone(&self.diary), Ending(self.sender.clone(), name.clone()), name.clone());
        let (sender, events) = channel();
        let own = sender.clone();
        let body = move || {
            // Tells that it ended, also when it panics.
            let _ended = ended;
            sync(&shared, &fleet, &diary, &of, &own, &events);
        };
        match std::thread::Builder::new().name("serve".to_owned()).spawn(body) {
            Ok(_) => {
                self.running.insert(name, Running { sender, place });
            }
            Err(error) => {
                self.places.give_back(place);
                tracing::warn!("could not start a sync of {name}: {error}");
            }
        }
    }

    /// How long nothing becomes due.
    fn until_next(&self, now: Timestamp) -> Duration {
        let waits = |one: &&Connection| !self.waiting.iter().any(|waiting| waiting.name == one.name);
        let next = self.scheduled().filter(waits).filter_map(|one| self.diary.next(one, now)).min();
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
            let _ = sync.sender.send(batch::Event::Stop(signal.clone()));
        }
        self.stopping = Some(signal);
    }

    /// Reads the file again. What is wrong with it is said, and nothing changes.
    fn reload(&mut self) {
        let output = &self.shared.output;
        match read(self.arguments) {
            Ok(fleet) => {
                if fleet.warehouse != self.fleet.warehouse {
                    self.diary = Arc::new(Diary::new(record::history(&fleet.warehouse)));
                }
                self.fleet = Arc::new(fleet);
                let (usual, most) = concurrency(&self.fleet, self.arguments.concurrency);
                self.places.change(usual, most);
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

/// Tells that a sync has ended when it is dropped.
struct Ending(Sender<Event>, String);

impl Drop for Ending {
    fn drop(&mut self) {
        let _ = self.0.send(Event::Ended(std::mem::take(&mut self.1)));
    }
}

/// One attempt to sync a connection: a batch of one.
fn sync(
    shared: &Shared,
    fleet: &Fleet,
    diary: &Diary,
    name: &str,
    sender: &Sender<batch::Event<Detail>>,
    events: &Receiver<batch::Event<Detail>>,
) {
    let Some(connection) = fleet.connections.iter().find(|one| one.name == name) else { return };
    let before = diary.before(connection, Timestamp::now());
    let syncs = Syncs {
        fleet,
        chosen: &[connection],
        accept: false,
        folders: &shared.folders,
        components: &shared.components,
        upstreams: shared.upstreams.clone(),
        output: &shared.output,
        history: diary.history(),
        command: "serve",
        totals: Mutex::new(vec![Totals::after(before.failed)]),
        overall: Overall::start(&shared.output, 1),
    };
    let (one, jobs) = (One { syncs, diary, name }, [Job { before, ..job(connection, &Last(diary.history())) }]);
    let options = Options { concurrency: 1, most: 1, spare: &Nothing, timeout: None, again: Again::Elsewhere };
    batch::run(&one, &jobs, options, sender, events);
}

/// The sync of a connection, which the diary follows.
struct One<'a> {
    syncs: Syncs<'a>,
    diary: &'a Diary,
    name: &'a str,
}

impl Work for One<'_> {
    type Detail = Detail;

    fn attempt(&self, job: usize, attempt: u32, cancel: Cancel) -> Attempt<Detail> {
        self.diary.begins(self.name, attempt.saturating_sub(1), Timestamp::now());
        self.syncs.attempt(job, attempt, cancel)
    }

    fn broken(&self, job: usize, reason: String) -> Detail {
        self.syncs.broken(job, reason)
    }

    fn attempted(&self, job: usize, attempt: &Attempt<Detail>, again_in: Option<Duration>) {
        match again_in {
            Some(wait) => self.diary.fails(self.name, self.syncs.attempts(job) + 1, wait),
            None => self.diary.is_over(self.name),
        }
        self.syncs.attempted(job, attempt, again_in);
    }

    fn ended(&self, job: usize, outcome: &batch::Outcome<Detail>) {
        self.syncs.ended(job, outcome);
    }
}
