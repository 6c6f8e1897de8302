//! The Python of a component, doing tasks of the compiler in workers.

use std::sync::Arc;
use std::time::Duration;

use super::wall::Wall;
use crate::cli::args::JailArguments;
use crate::cli::folders::Folders;
use crate::compiler::modules::Interpreter;
use crate::compiler::{Interpreters, Jail};
use crate::display::output::Output;
use crate::http::{Oversight, Trust};
use crate::log::{Level, LogSink};
use crate::parcel::Parcel;
use crate::policy::egress::NetworkGrants;
use crate::policy::limits::Limits;
use crate::setup::SetupRequest;
use crate::sync::Confidential;

/// Processor time for the byte code of one answer, and that on the clock.
const CPU: Duration = Duration::from_secs(120);
const WALL: Duration = Duration::from_secs(300);
/// Memory that it takes to make it.
const MEMORY_BYTES: usize = 1 << 30;

/// Starts workers.
pub(super) struct Workers<'a> {
    pub(super) folders: &'a Folders,
    pub(super) output: &'a Output,
}

impl Interpreters for Workers<'_> {
    fn start(&self, component: &[u8], jail: Jail) -> Result<Box<Interpreter<'_>>, String> {
        // What a build lacks without a jail are its tools; a worker needs none of the files that they need.
        let arguments = JailArguments { require_jail: jail == Jail::Whole, no_jail: false };
        let wall = Wall::admit(&arguments, component, &limits(), self.folders, self.output);
        let wall = wall.map_err(|failure| failure.message().to_owned())?;
        Ok(Box::new(interpreter(wall)))
    }
}

/// Has each task done in a worker of its own.
pub(in crate::cli) fn interpreter(wall: Wall) -> impl FnMut(Parcel, String) -> Result<String, String> {
    let mut kept = Some(wall);
    move |parcel, task| {
        let wall = kept.take().ok_or("the component failed before")?.with(Some(parcel));
        let answer = work(&wall, task)?;
        kept = Some(wall);
        Ok(answer)
    }
}

fn work(wall: &Wall, task: String) -> Result<String, String> {
    let request = SetupRequest {
        configuration: [].into(),
        confidential: Confidential::default(),
        grants: NetworkGrants::default(),
        trust: Trust::nobody(),
        oversight: Oversight::default(),
        limits: limits(),
        log: Arc::new(Silence),
    };
    let place = wall.open(&request.limits).map_err(|failure| failure.message().to_owned())?;
    let answer = place.work(&request, task).map_err(|error| error.to_string())?;
    answer.ok_or_else(|| "the component does not do such tasks".to_owned())
}

fn limits() -> Limits {
    Limits { cpu: CPU, wall: WALL, memory_bytes: MEMORY_BYTES, ..Limits::default() }
}

struct Silence;

impl LogSink for Silence {
    fn line(&self, _: Level, _: &str) {}
}
