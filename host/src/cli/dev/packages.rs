//! The packages of the project that is worked on, with the byte code that its runner made of them.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use super::super::failure::{Failure, with_causes};
use super::super::folders::Folders;
use super::super::subject::in_steps;
use super::super::wall::Wall;
use crate::compiler::dependencies::Dependencies;
use crate::compiler::runner::{self, Files, Runner, is_hidden};
use crate::compiler::{Options, Project};
use crate::display::output::Output;
use crate::display::steps::Step;
use crate::http::{Oversight, Trust};
use crate::log::{Level, LogSink};
use crate::parcel::{Archive, Parcel};
use crate::policy::base64;
use crate::policy::egress::NetworkGrants;
use crate::policy::limits::Limits;
use crate::sandbox::BytecodeCache;
use crate::setup::SetupRequest;
use crate::sync::Confidential;

/// Processor time for the byte code of one answer's packages, and that on the clock.
const CPU: Duration = Duration::from_secs(120);
const WALL: Duration = Duration::from_secs(300);
/// Memory that it takes to make it.
const MEMORY_BYTES: usize = 1 << 30;

/// Packages ready to be handed over.
pub(super) struct Packages {
    /// What they are.
    pub(super) dependencies: Dependencies,
    /// What was asked for, and the lock file that answered.
    asked: String,
    /// Their files.
    pub(super) archive: Archive,
    /// What they are, by content.
    pub(super) digest: String,
}

/// An answer of the runner.
#[derive(Deserialize)]
struct Compiled {
    code: Vec<(usize, String)>,
    next: Option<usize>,
}

impl Packages {
    /// Whether they are still those that the project asks for.
    pub(super) fn are_of(&self, project: &Project, runner: &Runner) -> bool {
        self.asked == asked(project, runner)
    }

    /// Resolves and installs what the project asks for, and has its byte code made unless it is in the cache.
    ///
    /// # Errors
    /// When that is impossible. Without byte code there are packages all the same.
    pub(super) fn of(
        project: &Project,
        runner: &Runner,
        wall: Wall,
        folders: &Folders,
        output: &Output,
    ) -> Result<Self, Failure> {
        let dependencies = in_steps(output, &project.name, |progress| {
            runner::dependencies(project, &folders.cache, &Options::default(), progress)
        })?;
        let mut files = Files::of_packages(&dependencies).map_err(|error| Failure::refused(with_causes(&error)))?;
        let shared = files.share(runner, project);
        let name = format!("{} {} {shared}", runner.built.digest, dependencies.digest);
        let cache =
            BytecodeCache::open(&folders.cache, &folders.state).map_err(|error| Failure::host(with_causes(&error)))?;
        let kept = cache.find(&name).and_then(|bytes| postcard::from_bytes::<Vec<(usize, Vec<u8>)>>(&bytes).ok());
        match kept {
            _ if files.is_empty() => {}
            Some(kept) => kept.into_iter().for_each(|(number, code)| files.set_code(number, code)),
            None => {
                let step = Step::start(output, "compiling the packages, once");
                compile(&mut files, &runner.built.digest, wall)?;
                step.done(None);
                let code: Vec<_> = files.code().collect();
                if let Ok(bytes) = postcard::to_stdvec(&code)
                    && let Err(error) = cache.keep(&name, &bytes)
                {
                    tracing::debug!(%error, "byte code of packages is not kept");
                }
            }
        }
        let archive = files.pack();
        let digest = archive.digest();
        // After they were resolved, which can write the lock file.
        Ok(Self { dependencies, asked: asked(project, runner), archive, digest })
    }
}

fn asked(project: &Project, runner: &Runner) -> String {
    let lock = std::fs::read(project.folder.join(crate::compiler::lock::LOCK)).unwrap_or_default();
    format!("{:?} {} {}", project.requirements, blake3::hash(&lock), is_hidden(runner, project))
}

/// Lets the runner compile them: nothing of them is executed, so what it makes depends on their source alone.
fn compile(files: &mut Files, runner: &str, wall: Wall) -> Result<(), Failure> {
    let limits = Limits { cpu: CPU, wall: WALL, memory_bytes: MEMORY_BYTES, ..Limits::default() };
    let request = SetupRequest {
        configuration: [].into(),
        confidential: Confidential::default(),
        grants: NetworkGrants::default(),
        trust: Trust::nobody(),
        oversight: Oversight::default(),
        limits,
        log: Arc::new(Silence),
    };
    let archive = files.pack();
    let wall = wall.with(Some(Parcel::new(runner, Archive::pack(&[], true), archive, "")));
    let mut from = Some(0);
    while let Some(start) = from {
        let task = serde_json::json!({"part": "site", "from": start}).to_string();
        let answer = wall.open(&request.limits)?.work(&request, task);
        let answer = answer.map_err(|error| Failure::host(format!("the runner failed: {error}")))?;
        let answer = answer.and_then(|answer| serde_json::from_str::<Compiled>(&answer).ok());
        let Some(Compiled { code, next }) = answer else {
            return Err(Failure::host("the runner answered what makes no sense"));
        };
        for (number, text) in code {
            if let Some(bytes) = base64::decode(&text) {
                files.set_code(number, bytes);
            }
        }
        // It goes on, or it is over.
        from = next.filter(|next| *next > start);
    }
    Ok(())
}

struct Silence;

impl LogSink for Silence {
    fn line(&self, _: Level, _: &str) {}
}
