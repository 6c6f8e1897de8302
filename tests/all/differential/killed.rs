//! The same programs in a process that is killed: what is there is the model up to a checkpoint.

use std::io::{BufRead, BufReader};
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use serde_json::Value;

use super::compare::compare;
use super::generate::group;
use super::model::Model;
use super::program::{End, Operation, Program, SyncSpec};
use super::random::Random;
use super::seed;
use crate::support::Connector;
use crate::support::in_process::contents;

const GROUPS: usize = 20;
/// Programs in each.
const PROGRAMS: usize = 40;
/// A sync of so many takes about as long.
const LONGEST: Duration = Duration::from_millis(400);

#[test]
fn killed_at_any_moment_a_program_is_at_a_checkpoint() {
    // The component and its machine code are made before anything is killed.
    Connector::mode("cursor").succeed();
    let mut random = Random::new(seed());
    let (mut killed, mut midway) = (0, 0);
    for _ in 0..GROUPS {
        let seed = random.next();
        let program = without_decisions(group(seed, PROGRAMS));
        let mut model = Model::default();
        let mut connector = Connector::mode("program");
        for (number, sync) in program.syncs.iter().enumerate() {
            connector = connector.with("schema", program.schema(sync)).with("operations", program.operations(sync));
            let moment = LONGEST.mul_f64(f64::from(u32::try_from(random.below(1000)).unwrap()) / 1000.0);
            let was_killed = kill_after(&connector, moment);
            let found = contents(&connector.warehouse(), "tested");
            let cut = up_to(sync, &found.state);
            killed += usize::from(was_killed);
            midway += usize::from(was_killed && !cut.operations.is_empty());
            // A process that is killed may have landed all, and not yet have ended.
            let possible = if was_killed { vec![cut, sync.clone()] } else { vec![sync.clone()] };
            let after = possible.iter().map(|sync| {
                let mut model = model.clone();
                drop(model.sync(&program, sync));
                compare(&program, &mut model.durable, &found).map(|()| model)
            });
            model = match after.reduce(|one, other| one.or_else(|difference| other.map_err(|_| difference))) {
                Some(Ok(model)) => model,
                Some(Err(difference)) => {
                    panic!("group {seed}, after sync {number}, killed {was_killed}: {}", difference.what)
                }
                None => unreachable!(),
            };
        }
    }
    eprintln!("{killed} killed, {midway} of them after a checkpoint");
}

/// What the operator decides is not in a connector's configuration; here it decides nothing.
fn without_decisions(mut program: Program) -> Program {
    for sync in &mut program.syncs {
        sync.modes.clear();
        sync.mismatch = Default::default();
        sync.quarantine = false;
    }
    program
}

/// Starts a sync and kills it so long after it said that it began; tells whether it was still running.
fn kill_after(connector: &Connector, moment: Duration) -> bool {
    let mut child = connector.command().stderr(Stdio::null()).spawn().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    output.read_line(&mut String::new()).unwrap();
    sleep(moment);
    drop(child.kill());
    child.wait().unwrap().code().is_none()
}

/// The sync as far as the checkpoint of this state, and then cut.
fn up_to(sync: &SyncSpec, state: &Value) -> SyncSpec {
    let is_it = |operation: &Operation| matches!(operation, Operation::Checkpoint(at) if state["at"] == *at);
    let end = sync.operations.iter().position(is_it).map_or(0, |place| place + 1);
    let operations = sync.operations.get(..end).unwrap_or_default().to_vec();
    SyncSpec { operations, end: End::Raise, ..sync.clone() }
}
