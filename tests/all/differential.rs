//! Random programs of operations give the tables that a small model says they give.
//!
//! A program is a few tables and a few syncs of operations on them, some of which end badly. The
//! real way is an author's Python, the component, the host and SQLite; the model (`model`) is maps
//! of values and the documented rules, written without looking at the host. After every sync both
//! must hold the same tables: names, columns, logical types, rows, marks, order of stamps, state;
//! and the operations that raised must be those that the documentation refuses.
//!
//! | variable | |
//! |---|---|
//! | `SLUICE_TEST_PROGRAMS` | how many programs to try; 2,000 when it is not set |
//! | `SLUICE_TEST_SEED` | the seed of the first group of programs; from the clock when it is not set |
//!
//! A difference is shrunk to a few operations and printed with its seed.

mod compare;
mod generate;
mod killed;
mod model;
mod natively;
mod program;
mod python;
mod random;
mod shrink;
mod types;
mod values;

use std::env;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use sluicegate::error::SyncError;

use crate::support::in_process::{Done, Given, contents, run};
use compare::{Difference, compare};
use model::{Model, Raised};
use program::{End, Program};

/// How many programs are tried in a usual run of the tests.
const PROGRAMS: usize = 2_000;

/// How many programs share a connection, in turn: alone, so that little stands beside what goes
/// wrong, and many, because a sync has its price.
const GROUPS: [usize; 4] = [1, 10, 40, 150];

/// A seed: that which is given, or the clock.
fn seed() -> u64 {
    let clock = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_micros().try_into().unwrap();
    let seed = number("SLUICE_TEST_SEED").unwrap_or_else(clock);
    eprintln!("SLUICE_TEST_SEED={seed}");
    seed
}

fn number(variable: &str) -> Option<u64> {
    env::var(variable)
        .ok()
        .map(|text| text.parse().unwrap_or_else(|_| panic!("{variable} must be a number, not {text}")))
}

#[test]
fn random_programs_give_what_the_model_gives() {
    let first = seed();
    let wanted = number("SLUICE_TEST_PROGRAMS").map_or(PROGRAMS, |number| number.try_into().unwrap());
    let (start, mut done, mut operations) = (Instant::now(), 0, 0);
    for (seed, size) in (first..).zip(GROUPS.into_iter().cycle()) {
        if done >= wanted {
            break;
        }
        let size = size.min(wanted - done);
        let program = generate::group(seed, size);
        if let Err(difference) = play(&program) {
            let small = shrink::shrink(&program, &difference);
            let last = play(&small).err().map_or(difference.what, |difference| difference.what);
            panic!("SLUICE_TEST_SEED={seed}, {size} programs:\n{}{last}", small.show());
        }
        done += size;
        operations += program.syncs.iter().map(|sync| sync.operations.len()).sum::<usize>();
    }
    eprintln!("{done} programs of {operations} operations in {:.1?}", start.elapsed());
}

/// Plays a program in both, sync by sync.
fn play(program: &Program) -> Result<(), Difference> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut model = Model::default();
    for (number, sync) in program.syncs.iter().enumerate() {
        let at = |what: String| Difference { table: None, what: format!("after sync {number}: {what}") };
        let raised = model.sync(program, sync);
        let given = Given { landing: program.landing(sync), ..Given::default() };
        let done = run(folder.path(), "c", &program.schema(sync), &program.operations(sync), given);
        ended(sync.end, &done).map_err(at)?;
        same_exceptions(&raised, &done).map_err(at)?;
        let found = contents(folder.path(), "c");
        compare(program, &mut model.durable, &found)
            .map_err(|difference| Difference { table: difference.table, ..at(difference.what) })?;
    }
    Ok(())
}

fn ended(end: End, done: &Done) -> Result<(), String> {
    let kind = match &done.report.result {
        Ok(()) => None,
        Err(SyncError::Connector(failure)) => Some(failure.kind.as_str()),
        Err(other) => Some(other.class()),
    };
    let expected = match end {
        End::Well => None,
        End::Raise => Some("ValueError"),
        End::Exit => Some("SystemExit"),
        End::Abort => Some("trap"),
        End::Error => Some("op.error"),
    };
    if kind == expected { Ok(()) } else { Err(format!("expected {expected:?}, it ended as {:?}", done.report.result)) }
}

fn same_exceptions(expected: &Raised, done: &Done) -> Result<(), String> {
    let wrong = done
        .raised
        .iter()
        .find(|(number, class, _)| !expected.get(number).is_some_and(|classes| classes.contains(class.as_str())));
    if let Some((number, class, message)) = wrong {
        let expected = expected.get(number);
        return Err(format!("operation {number} raised {class}: {message}\n    expected {expected:?}"));
    }
    let silent = expected.iter().find(|(number, _)| !done.raised.iter().any(|(raised, ..)| raised == *number));
    silent.map_or(Ok(()), |(number, classes)| Err(format!("operation {number} must raise one of {classes:?}")))
}
