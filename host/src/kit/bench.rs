//! Where the kit's syncs run: each is a real one, into a throw-away database.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::merge::Merged;
use super::{Case, Source, Stand, Subject, Trouble};
use crate::cassette::{Player, Replayed};
use crate::counters::Counters;
use crate::destination::sqlite::{TableContents, Warehouse};
use crate::display::units::counted;
use crate::error::SyncError;
use crate::http::{Oversight, Recorder};
use crate::log::{LastLines, LogSink};
use crate::policy::secrets::Redactor;
use crate::sync::{Cancel, CassetteReport, Network, SyncReport, SyncRequest, redaction};
use crate::trial::{CutAfter, Journal, Trial};

/// The connection of every sync of the kit.
pub(super) const CONNECTION: &str = "tested";
/// Log lines that are kept of a sync.
const LAST_LINES: usize = 5;
/// How much later it is in a sync that is to differ in nothing else.
const LATER: SignedDuration = SignedDuration::from_hours(25);

/// What is particular of one sync.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Setting {
    pub(super) cut: Option<CutAfter>,
    /// Other random numbers than the usual ones of a replay.
    pub(super) chance: u64,
    /// In a replay it is a day later.
    pub(super) later: bool,
}

/// A sync that ran.
#[derive(Debug)]
pub(super) struct Ran {
    pub(super) result: Result<(), SyncError>,
    pub(super) journal: Journal,
    pub(super) replayed: Option<Replayed>,
    pub(super) dropped_messages: u64,
    pub(super) log_lines: u64,
    pub(super) last_lines: Vec<String>,
    /// What its database holds now.
    pub(super) contents: Vec<TableContents>,
    /// The state that the next sync would start from.
    pub(super) state: String,
}

impl Ran {
    /// Requests that the cassette has no entry for.
    pub(super) fn missing(&self) -> &[String] {
        self.replayed.as_ref().map_or(&[], |replayed| &replayed.missing_requests)
    }

    /// Requests that the order of entries answered.
    pub(super) fn repeated(&self) -> &[String] {
        self.replayed.as_ref().map_or(&[], |replayed| &replayed.repeated_requests)
    }

    /// How it failed, without its last line break.
    pub(super) fn failure(&self) -> Option<String> {
        self.result.as_ref().err().map(ToString::to_string)
    }
}

/// Runs the syncs of one case and remembers what they used together.
pub(super) struct Bench<'a> {
    pub(super) subject: &'a Subject,
    pub(super) case: &'a Case,
    stand: &'a dyn Stand,
    folder: tempfile::TempDir,
    warehouses: Cell<u64>,
    unused: RefCell<Option<BTreeSet<usize>>>,
    origins: RefCell<BTreeSet<String>>,
    hosts: RefCell<BTreeMap<String, (u64, u64)>>,
    merged: RefCell<Merged>,
    pub(super) secrets: Redactor,
    cancel: Cancel,
}

impl<'a> Bench<'a> {
    pub(super) fn new(
        stand: &'a dyn Stand,
        subject: &'a Subject,
        case: &'a Case,
        cancel: Cancel,
    ) -> Result<Self, Trouble> {
        let folder = tempfile::Builder::new().prefix("sluice-test").tempdir();
        let folder = folder.map_err(|error| Trouble(format!("could not make a temporary folder: {error}")))?;
        Ok(Self {
            subject,
            case,
            stand,
            folder,
            warehouses: Cell::new(0),
            unused: RefCell::default(),
            origins: RefCell::default(),
            hosts: RefCell::default(),
            merged: RefCell::default(),
            secrets: case.confidential.redactor(&case.configuration),
            cancel,
        })
    }

    /// A folder for databases that nothing is in.
    pub(super) fn fresh(&self) -> PathBuf {
        self.warehouses.set(self.warehouses.get() + 1);
        self.folder.path().join(self.warehouses.get().to_string())
    }

    /// The entries that answered no sync so far, method and URL.
    pub(super) fn unused(&self) -> Vec<String> {
        let Source::Cassette(cassette, _) = &self.case.source else { return Vec::new() };
        let redaction = redaction(&self.case.configuration, &self.case.confidential);
        let unused = self.unused.borrow();
        let entries = unused.iter().flatten().filter_map(|place| cassette.entries.get(*place));
        entries.map(|entry| format!("{} {}", entry.method, redaction.url(&entry.url))).collect()
    }

    /// What a sync had no answer from, so that little can be said of it; None when it had all that it asked for.
    pub(super) fn lacks(&self, ran: &Ran) -> Option<&'static str> {
        match &self.case.source {
            _ if ran.missing().is_empty() => None,
            Source::Cassette(cassette, _) if cassette.entries.is_empty() => Some("no cassette: see sync"),
            _ => Some("the cassette lacks what the sync asks for: see sync"),
        }
    }

    /// What all syncs so far asked of a cassette.
    pub(super) fn origins(&self) -> BTreeSet<String> {
        self.origins.borrow().clone()
    }

    /// The hosts of all syncs so far: what was admitted, and what was denied.
    pub(super) fn hosts(&self) -> BTreeMap<String, (u64, u64)> {
        self.hosts.borrow().clone()
    }

    /// Writes what all syncs exchanged, where that is wanted.
    pub(super) fn keep_recording(&self) -> Result<Option<u64>, Trouble> {
        match &self.case.source {
            Source::Network { record: Some(path), .. } => self.merged.borrow().write(path, false).map(Some),
            _ => Ok(None),
        }
    }

    /// Keeps what was exchanged until the test could not go on, where that is wanted, and says so. A cassette that is
    /// there stays: it may be whole.
    pub(super) fn keep_partial(&self, Trouble(reason): Trouble) -> Trouble {
        let Source::Network { record: Some(path), .. } = &self.case.source else { return Trouble(reason) };
        let merged = self.merged.borrow();
        if merged.is_empty() {
            return Trouble(reason);
        }
        let place = match path.exists() {
            false => path.clone(),
            true => {
                let mut name = path.clone().into_os_string();
                name.push(".partial");
                name.into()
            }
        };
        Trouble(match merged.write(&place, true) {
            Ok(entries) => format!(
                "{reason}; {} recorded until then: {}, which is marked as partial",
                counted(entries, "exchange"),
                place.display()
            ),
            Err(Trouble(other)) => format!("{reason}; what was recorded until then is lost: {other}"),
        })
    }

    /// Syncs once into a warehouse, from the state that is there.
    pub(super) fn sync(&self, warehouse: &Path, setting: Setting) -> Result<Ran, Trouble> {
        let trial = Trial::new(setting.cut, setting.chance);
        let log = Arc::new(LastLines::new(LAST_LINES, None));
        let recording = warehouse.with_extension("har");
        let request = SyncRequest {
            connector: self.subject.connector.clone(),
            connection: CONNECTION.to_owned(),
            warehouse: warehouse.to_path_buf(),
            landing: self.subject.landing.clone(),
            configuration: self.case.configuration.clone(),
            initial_state: None,
            confidential: self.case.confidential.clone(),
            environment: self.case.environment.clone(),
            network: self.network(setting, &recording)?,
            oversight: Oversight::default(),
            limits: self.subject.limits.clone(),
            log: Arc::clone(&log) as Arc<dyn LogSink>,
            counters: Arc::new(Counters::default()),
            cancel: self.cancel.clone(),
            trial: trial.clone(),
            following: None,
            acceptance: None,
            looked: Default::default(),
        };
        let report = self.stand.sync(request)?;
        let journal = trial.journal();
        if matches!(report.cassette, Some(CassetteReport::Recorded(_))) {
            self.merged.borrow_mut().add(&recording)?;
        }
        if let (Err(SyncError::Host(reason)), false) = (&report.result, journal.was_cut) {
            return Err(Trouble(reason.clone()));
        }
        self.note(&report);
        let opened = Warehouse::new(warehouse);
        let contents = opened.contents(CONNECTION).map_err(|error| Trouble(error.to_string()))?;
        let state = opened.state(CONNECTION).map_err(|error| Trouble(error.to_string()))?;
        let replayed = match report.cassette {
            Some(CassetteReport::Replayed(replayed)) => Some(replayed),
            _ => None,
        };
        Ok(Ran {
            result: report.result,
            journal,
            replayed,
            dropped_messages: report.dropped_messages,
            log_lines: log.count(),
            last_lines: log.last(),
            contents,
            state,
        })
    }

    fn network(&self, setting: Setting, recording: &Path) -> Result<Network, Trouble> {
        let redaction = redaction(&self.case.configuration, &self.case.confidential);
        Ok(match &self.case.source {
            Source::Cassette(cassette, clock) => {
                let later = clock.checked_add(LATER).unwrap_or(Timestamp::MAX);
                let clock = if setting.later { later } else { *clock };
                Network::Replayed(Player::new(cassette.clone(), redaction), clock)
            }
            Source::Network { grants, trust, server, record } => match record {
                None => Network::Granted(grants.clone(), trust.clone()),
                Some(_) => {
                    let recorder = Recorder::new(recording, redaction, server.clone());
                    let recorder = recorder.map_err(|error| Trouble(error.to_string()))?;
                    Network::Recorded(grants.clone(), trust.clone(), recorder)
                }
            },
        })
    }

    fn note(&self, report: &SyncReport) {
        let mut hosts = self.hosts.borrow_mut();
        for host in &report.hosts {
            let (admitted, denied) = hosts.entry(host.host.clone()).or_default();
            *admitted += host.requests + host.connections;
            *denied += host.denied;
        }
        if let Some(CassetteReport::Replayed(replayed)) = &report.cassette {
            self.origins.borrow_mut().extend(replayed.origins.iter().cloned());
            let these: BTreeSet<usize> = replayed.unused_entries.iter().copied().collect();
            let mut unused = self.unused.borrow_mut();
            *unused = Some(match unused.take() {
                None => these,
                Some(before) => before.intersection(&these).copied().collect(),
            });
        }
    }
}
