//! The contract kit: what every connector is held against, in whatever language it is written.
//!
//! Nothing here looks into a connector. Each check runs real syncs in the sandbox, into throw-away databases, and
//! compares what came of them. `docs/testing.md` says what each check is for and what to do when it fails.
//!
//! | module | what it does |
//! |---|---|
//! | `bench` | runs syncs, and remembers what all of them used |
//! | `compare` | two databases: what is different |
//! | `merge` | one cassette of what many syncs exchanged |
//! | `report` | what came of the checks |
//! | `schema`, `operations`, `state`, `resume`, `idempotence`, `replay`, `capabilities`, `habits` | one check each |

mod bench;
mod capabilities;
mod compare;
mod habits;
mod idempotence;
mod merge;
mod operations;
mod replay;
mod report;
mod resume;
mod schema;
mod state;
mod whole;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Instant;

use jiff::Timestamp;

use crate::cassette::Cassette;
use crate::http::Trust;
use crate::landing::Landing;
use crate::policy::egress::{NetworkGrant, NetworkGrants};
use crate::policy::limits::Limits;
use crate::sync::{Cancel, Confidential, SyncReport, SyncRequest};

use bench::{Bench, Ran, Setting};
pub use habits::{LOG_LINES, ROWS_WITHOUT_CHECKPOINT};
pub use report::{CaseReport, Checked, Finding, Report, Result as CheckResult, Verdict};
pub use resume::MOST_CUTS;
pub use state::STATE_BYTES;

/// Something that a connector is held against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Check {
    /// The declaration can land, and is the same when asked again.
    Schema,
    /// A sync from the empty state ends well.
    Sync,
    /// Operations agree with the declaration.
    Operations,
    /// States are small, and change at checkpoints alone.
    State,
    /// A sync that is cut and resumed ends in the same tables.
    Resume,
    /// A further sync leaves the same tables.
    Idempotence,
    /// The same cassette gives the same operations.
    Replay,
    /// What is asked for is enough, and nothing too much.
    Capabilities,
    /// What works, but not well.
    Habits,
}

impl Check {
    /// All of them, in the order in which they run.
    pub const ALL: [Self; 9] = [
        Self::Schema,
        Self::Sync,
        Self::Operations,
        Self::State,
        Self::Resume,
        Self::Idempotence,
        Self::Replay,
        Self::Capabilities,
        Self::Habits,
    ];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Schema => "schema",
            Self::Sync => "sync",
            Self::Operations => "operations",
            Self::State => "state",
            Self::Resume => "resume",
            Self::Idempotence => "idempotence",
            Self::Replay => "replay",
            Self::Capabilities => "capabilities",
            Self::Habits => "habits",
        }
    }

    /// The check of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|check| check.name() == name)
    }

    /// What it holds a connector against, in one line.
    #[must_use]
    pub fn about(self) -> &'static str {
        match self {
            Self::Schema => "the declared tables can land, and are the same when asked again",
            Self::Sync => "a sync from the empty state ends well",
            Self::Operations => "rows agree with what schema declares",
            Self::State => "states are small, and change at checkpoints alone",
            Self::Resume => "a sync that is cut and resumed ends in the same tables",
            Self::Idempotence => "a further sync leaves the same tables",
            Self::Replay => "the same cassette gives the same operations",
            Self::Capabilities => "the hosts that are asked for are those that are used",
            Self::Habits => "checkpoints, log and cassette are in order; only warns",
        }
    }
}

/// Where syncs of the kit run.
pub trait Stand {
    /// Syncs once.
    ///
    /// # Errors
    /// When no sync could run; not when one failed.
    fn sync(&self, request: SyncRequest) -> Result<SyncReport, Trouble>;
}

/// Why the kit could not do its work, which says nothing of the connector.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Trouble(pub String);

/// The connector under test.
#[derive(Debug)]
pub struct Subject {
    /// Its name.
    pub connector: String,
    /// The destinations it asks for; `None` for a component that says nothing of itself.
    pub asks: Option<Vec<NetworkGrant>>,
    /// How its rows land.
    pub landing: Landing,
    /// The limits, for each sync.
    pub limits: Limits,
}

/// Something to test it with.
#[derive(Debug)]
pub struct Case {
    /// What people call it: the cassette's path, for example.
    pub name: String,
    /// The configuration.
    pub configuration: BTreeMap<String, String>,
    /// What of it is secret.
    pub confidential: Confidential,
    /// The environment variables of the connector.
    pub environment: BTreeMap<String, String>,
    /// What answers its requests.
    pub source: Source,
}

/// What answers the requests of a case.
#[derive(Debug)]
pub enum Source {
    /// A cassette, played anew for each sync, and the time at which it is played.
    Cassette(Cassette, Timestamp),
    /// Hosts.
    Network {
        /// Those that may be reached.
        grants: NetworkGrants,
        /// Which certificate authorities are trusted.
        trust: Trust,
        /// The URL of the test server, if there is one.
        server: Option<String>,
        /// Where to write a cassette of all syncs together.
        record: Option<PathBuf>,
    },
}

/// How to test.
#[derive(Clone, Debug)]
pub struct Options {
    /// The checks to make.
    pub checks: BTreeSet<Check>,
    /// What chance begins with.
    pub seed: u64,
    /// Most checkpoints after which a sync is cut.
    pub cuts: usize,
    /// Columns that need not be the same in two syncs: `column` or `table.column`.
    pub ignored: Vec<String>,
    /// What ends the test early.
    pub cancel: Cancel,
}

/// Holds a connector against the kit with one case. `begin` is told of each check before it runs.
///
/// # Errors
/// When the kit could not do its work.
pub fn test(
    stand: &dyn Stand,
    subject: &Subject,
    case: &Case,
    options: &Options,
    begin: &mut dyn FnMut(Check),
) -> Result<CaseReport, Trouble> {
    let bench = Bench::new(stand, subject, case, options.cancel.clone())?;
    let made = make_all(&bench, options, begin);
    let mut report = made.map_err(|trouble| bench.keep_partial(trouble))?;
    report.recorded = bench.keep_recording()?;
    Ok(report)
}

fn make_all(bench: &Bench<'_>, options: &Options, begin: &mut dyn FnMut(Check)) -> Result<CaseReport, Trouble> {
    let mut report = CaseReport::new(&bench.case.name);
    let mut kit = Kit { bench, options, first: None, cannot_land: false };
    for check in Check::ALL.into_iter().filter(|check| options.checks.contains(check)) {
        begin(check);
        let start = Instant::now();
        let result = kit.make(check)?;
        kit.cannot_land |= check == Check::Schema && result.verdict == Verdict::Failed;
        report.add(check, result.redacted(&bench.secrets), start.elapsed());
    }
    Ok(report)
}

/// The checks of one case, which share the first sync.
struct Kit<'a> {
    bench: &'a Bench<'a>,
    options: &'a Options,
    first: Option<Ran>,
    /// The declaration failed, and with it every sync.
    cannot_land: bool,
}

impl Kit<'_> {
    fn make(&mut self, check: Check) -> Result<CheckResult, Trouble> {
        if check == Check::Schema {
            return schema::check(self.bench);
        }
        if self.first.is_none() {
            self.first = Some(self.bench.sync(&self.bench.fresh(), Setting::default())?);
        }
        let Some(first) = &self.first else { return Ok(CheckResult::skipped("there was no sync")) };
        let (bench, options) = (self.bench, self.options);
        if self.cannot_land && first.result.is_err() {
            return Ok(CheckResult::skipped("no sync can go well: see schema"));
        }
        match check {
            Check::Schema | Check::Sync => return Ok(whole::check(bench, first)),
            Check::Operations => return Ok(operations::check(first).unless(bench.lacks(first))),
            Check::Capabilities => return Ok(capabilities::check(bench, first).unless(bench.lacks(first))),
            _ => {}
        }
        if let Some(lacking) = bench.lacks(first) {
            return Ok(CheckResult::skipped(lacking));
        }
        if first.result.is_err() {
            return Ok(CheckResult::skipped("a whole sync is needed for it"));
        }
        match check {
            Check::State => Ok(state::check(first)),
            Check::Resume => resume::check(bench, options, first),
            Check::Idempotence => idempotence::check(bench, options, first),
            Check::Replay => replay::check(bench, first),
            _ => Ok(habits::check(bench, first)),
        }
    }
}

/// What to do about a request that a cassette has no entry for.
fn how_to_record(bench: &Bench<'_>) -> String {
    let cassette = match &bench.case.source {
        Source::Cassette(cassette, _) if !cassette.entries.is_empty() => bench.case.name.as_str(),
        _ => "tests/recorded.har",
    };
    format!(
        "record what these checks ask for, from the real service or a test server: `sluice test <subject> --allow \
         https://<host> --record {cassette}` or `--with-server <script> --record {cassette}`"
    )
}

/// Requests in one line.
fn listed(requests: &[String]) -> String {
    const SHOWN: usize = 3;
    let shown = requests.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    match requests.len().checked_sub(SHOWN) {
        Some(more @ 1..) => format!("{shown} and {more} more"),
        _ => shown,
    }
}
