//! Compiling a stranger's component, in a process that can read it and write machine code, and nothing else.
//!
//! **Threat.** A small component can make a compiler take all memory or hours, and a compiler has faults. So it runs
//! under limits of the system, in the jail of a worker. What it writes is authenticated and run, but never anywhere
//! else than in a worker of the same component: a compiler that was taken over gains what that component would.

use std::ffi::OsString;
use std::io::{self, Read, Seek, Write};
use std::os::fd::AsFd;
use std::process::ExitCode;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::bounds;
use super::jail::{self, Wanted, Work};
use super::parent::{Code, End, Process};
use crate::check::{Finding, Severity};
use crate::parcel::artifact::Artifact;
use crate::policy::limits::Limits;
use crate::sandbox::{AdmissionError, CacheError, CodeCache, SandboxEngine, admit_bytes};

/// How a compiler that did not make machine code exits; the reason is in its output then.
const REFUSED: u8 = 3;
/// The longest reason.
const REASON_BYTES: u64 = 1024 * 1024;

/// Why there is no machine code.
#[derive(Serialize, Deserialize)]
pub(super) enum Reason {
    Nonconforming(Vec<Found>),
    Other(String),
}

#[derive(Serialize, Deserialize)]
pub(super) struct Found(Severity, crate::check::Code, String, String, Option<String>);

/// Admits a component whose machine code runs in workers. `compiling` is called when there is none yet; making it
/// takes some seconds.
///
/// # Errors
/// See [`AdmissionError`]; what only the engine can tell comes when a [`Worker`](super::Worker) opens.
pub fn admit(
    cache: &CodeCache,
    bytes: &[u8],
    limits: &Limits,
    compiling: impl FnOnce(),
) -> Result<Code, AdmissionError> {
    admit_if(cache, bytes, limits, |_| true, compiling)
}

/// The same, where `wanted` is told the component's digest and says whether there is to be machine code of it.
///
/// # Errors
/// As [`admit`], and [`AdmissionError::Unwanted`].
pub fn admit_if(
    cache: &CodeCache,
    bytes: &[u8],
    limits: &Limits,
    wanted: impl FnOnce(&str) -> bool,
    compiling: impl FnOnce(),
) -> Result<Code, AdmissionError> {
    let (size, limit) = (bytes.len() as u64, limits.component_bytes);
    if size > limit {
        return Err(AdmissionError::TooLarge { size, limit });
    }
    let failed = |error: String| AdmissionError::Code(CacheError::Compile(error));
    let engine = SandboxEngine::without_clock().map_err(|error| failed(error.to_string()))?;
    let artifact = Artifact::read(bytes)?;
    let digests = artifact.digests();
    let find = || cache.find_file(engine.raw(), &digests.compiled);
    let made = || {
        let _turn = cache.turn(engine.raw(), &digests.compiled);
        if let Some(file) = find() {
            return Ok(file);
        }
        // Before what is known of it: that a component is not wanted at all is what has to be said of it.
        if !wanted(&digests.whole) {
            return Err(AdmissionError::Unwanted);
        }
        let bounds = jail::in_force(bounds::compiling());
        let limits = format!("{} bytes, {} s", bounds.memory, bounds.cpu_seconds);
        let now = SystemTime::now();
        if let Some(reason) = cache.too_dear(engine.raw(), &digests.compiled, &limits, now) {
            return Err(failed(format!("{reason}; it was tried within the last day and is not tried again before")));
        }
        compiling();
        let code = match compile(cache, &artifact.compiled()) {
            Err(Failed::TooDear(reason)) => {
                // Without it, the next sync finds out for itself.
                let _ = cache.remember_dear(engine.raw(), &digests.compiled, &limits, &reason, now);
                return Err(failed(reason));
            }
            Err(Failed::Otherwise(error)) => return Err(error),
            Ok(code) => code,
        };
        Ok::<_, AdmissionError>(cache.keep(engine.raw(), &digests.compiled, code)?)
    };
    let file = find().map_or_else(made, Ok)?;
    let parcel = artifact.into_parcel(&digests.whole);
    Ok(Code::new(digests.whole, digests.compiled, file, parcel))
}

/// Why there is no machine code.
enum Failed {
    /// It came to an end of its limits.
    TooDear(String),
    Otherwise(AdmissionError),
}

impl From<CacheError> for Failed {
    fn from(error: CacheError) -> Self {
        Self::Otherwise(error.into())
    }
}

fn compile(cache: &CodeCache, bytes: &[u8]) -> Result<tempfile::NamedTempFile, Failed> {
    let failed = |error: io::Error| Failed::from(CacheError::Compile(error.to_string()));
    let mut component = cache.scratch()?;
    component.write_all(bytes).and_then(|()| component.rewind()).map_err(failed)?;
    let mut code = cache.scratch()?;
    let (input, output) = (component.reopen().map_err(failed)?, code.as_file().try_clone().map_err(failed)?);
    let arguments = [OsString::from(super::COMPILER)];
    let end = Process::start(arguments.iter(), input.into(), output.into()).map_err(failed)?.wait();
    match end.status.and_then(|status| status.code()) {
        Some(0) => Ok(code),
        Some(refused) if refused == i32::from(REFUSED) => Err(Failed::Otherwise(refusal(&mut code))),
        _ if end.at_its_limits() => Err(Failed::TooDear(died(&end))),
        _ => Err(CacheError::Compile(died(&end)).into()),
    }
}

fn died(end: &End) -> String {
    let bounds = bounds::compiling();
    format!(
        "the compiler did not finish: {}; a component may take {} MiB of memory and {} s of processor time to compile",
        end.text(),
        bounds.memory / (1024 * 1024),
        bounds.cpu_seconds
    )
}

fn refusal(output: &mut tempfile::NamedTempFile) -> AdmissionError {
    let mut bytes = Vec::new();
    let read = output.rewind().and_then(|()| output.take(REASON_BYTES).read_to_end(&mut bytes));
    match read.ok().and_then(|_| postcard::from_bytes(&bytes).ok()) {
        Some(Reason::Nonconforming(found)) if !found.is_empty() => {
            let finding =
                |Found(severity, code, subject, message, hint)| Finding { severity, code, subject, message, hint };
            AdmissionError::Nonconforming(found.into_iter().map(finding).collect())
        }
        Some(Reason::Other(text)) => AdmissionError::Code(CacheError::Compile(text.chars().take(4096).collect())),
        _ => AdmissionError::Code(CacheError::Compile("the compiler gave no reason".to_owned())),
    }
}

/// The compiler's whole life: standard input is the component, standard output where machine code goes.
pub(super) fn child() -> ExitCode {
    jail::prepare();
    jail::limit(&bounds::compiling());
    jail::enter(Work::Compiling, Wanted::default());
    let (answer, code) = match compiled() {
        Ok(machine_code) => (machine_code, ExitCode::SUCCESS),
        Err(reason) => (postcard::to_stdvec(&reason).unwrap_or_default(), ExitCode::from(REFUSED)),
    };
    let written = io::stdout().as_fd().try_clone_to_owned().map(std::fs::File::from);
    match written.and_then(|mut output| output.write_all(&answer)) {
        Ok(()) => code,
        Err(_) => ExitCode::FAILURE,
    }
}

fn compiled() -> Result<Vec<u8>, Reason> {
    let other = |error: &dyn std::fmt::Display| Reason::Other(error.to_string());
    let mut bytes = Vec::new();
    io::stdin().lock().read_to_end(&mut bytes).map_err(|error| other(&error))?;
    admit_bytes(&bytes).map_err(|error| match error {
        AdmissionError::Nonconforming(findings) => {
            let found = findings.into_iter();
            Reason::Nonconforming(
                found.map(|one| Found(one.severity, one.code, one.subject, one.message, one.hint)).collect(),
            )
        }
        error => other(&error),
    })?;
    let engine = SandboxEngine::without_clock().map_err(|error| other(&error))?;
    engine.raw().precompile_component(&bytes).map_err(|error| Reason::Other(format!("{error:#}")))
}
