//! The second wall as the command line has it: admitted, opened, and loud where it is not whole.

use std::sync::{Arc, Once, OnceLock};

use crate::cli::args::JailArguments;
use crate::cli::eprint;
use crate::cli::failure::{Failure, with_causes};
use crate::cli::folders::Folders;
use crate::destination::DestinationError;
use crate::display::output::Output;
use crate::display::steps::Step;
use crate::error::SyncError;
use crate::parcel::Parcel;
use crate::policy::limits::Limits;
use crate::sandbox::{AdmissionError, CacheError, CodeCache, Loaded, SandboxEngine};
use crate::setup::{self, Form, Outcome, SetupRequest};
use crate::sync::{SyncReport, SyncRequest, sync, sync_in};
use crate::worker::{self, Code, Launch, Templates, Worker, WorkerError};

/// What fits the contract according to `sluice check`.
const CHECK: &str = "`sluice check` says what does not fit the contract";

/// A component that may run, and where.
pub(in crate::cli) enum Wall {
    /// In workers; with a project instead of the component's own.
    Workers(Arc<Code>, Launch, Option<Parcel>),
    /// In this process, because the operator said so.
    None(SandboxEngine, Box<Loaded>),
}

/// Where one task runs.
pub(in crate::cli) enum Place<'a> {
    /// In this worker.
    Worker(Worker),
    /// In this process.
    Here(&'a SandboxEngine, &'a Loaded),
}

impl Wall {
    /// Admits a component, making its machine code if need be.
    pub(in crate::cli) fn admit(
        arguments: &JailArguments,
        bytes: &[u8],
        limits: &Limits,
        folders: &Folders,
        output: &Output,
    ) -> Result<Self, Failure> {
        Self::admit_if(arguments, bytes, limits, folders, output, |_| Ok(()))
    }

    /// The same, where machine code is made only if `may` has no objection to the component of this digest.
    pub(super) fn admit_if(
        arguments: &JailArguments,
        bytes: &[u8],
        limits: &Limits,
        folders: &Folders,
        output: &Output,
        may: impl FnOnce(&str) -> Result<(), Failure>,
    ) -> Result<Self, Failure> {
        let cache =
            CodeCache::open(&folders.cache, &folders.state).map_err(|error| Failure::host(with_causes(&error)))?;
        let (mut step, mut objection) = (None, None);
        let wanted = |digest: &str| {
            objection = may(digest).err();
            objection.is_none()
        };
        let compiling = || step = Some(Step::start(output, "making machine code (about 10 seconds, once)"));
        let admitted = match arguments.no_jail {
            false => {
                let code = worker::admit_if(&cache, bytes, limits, wanted, compiling);
                code.map(|code| Self::workers(Arc::new(code), arguments))
            }
            true => {
                eprint(
                    "WARNING: --no-jail: the connector runs inside this process, and the sandbox is the only wall\n",
                );
                let engine = SandboxEngine::new().map_err(|error| Failure::host(error.to_string()))?;
                engine.assert_ticking().map_err(|error| Failure::host(error.to_string()))?;
                let willing = |digest: &str| wanted(digest).then(compiling).is_some();
                let loaded = Loaded::admit_if(&engine, &cache, bytes, limits, willing);
                loaded.map(|component| Self::None(engine, Box::new(component)))
            }
        };
        match admitted {
            Ok(wall) => {
                if let Some(step) = step {
                    step.done(None);
                }
                Ok(wall)
            }
            Err(error) => Err(objection.unwrap_or_else(|| refused(error))),
        }
    }

    /// SHA-256 of the component with what it is given, in hex: what a connection accepts.
    pub(in crate::cli) fn digest(&self) -> &str {
        match self {
            Self::Workers(code, _, parcel) => parcel.as_ref().map_or_else(|| code.digest(), Parcel::digest),
            Self::None(_, component) => component.digest(),
        }
    }

    /// Workers of a component that was admitted.
    pub(in crate::cli) fn workers(code: Arc<Code>, arguments: &JailArguments) -> Self {
        // One for the process: machine code is shared by components.
        static TEMPLATES: OnceLock<Arc<Templates>> = OnceLock::new();
        let templates = Some(Arc::clone(TEMPLATES.get_or_init(Arc::default)));
        Self::Workers(code, Launch { require_jail: arguments.require_jail, templates, ..Launch::default() }, None)
    }

    /// The same with a project instead of the component's own.
    pub(super) fn with(self, parcel: Option<Parcel>) -> Self {
        match self {
            Self::Workers(code, launch, _) => Self::Workers(code, launch, parcel),
            Self::None(engine, mut component) => {
                if let Some(parcel) = parcel {
                    component.give(parcel);
                }
                Self::None(engine, component)
            }
        }
    }

    /// Makes a place for one task under these limits. Says what is missing of the jail.
    pub(in crate::cli) fn open(&self, limits: &Limits) -> Result<Place<'_>, Failure> {
        let (code, launch, parcel) = match self {
            Self::Workers(code, launch, parcel) => (code, launch, parcel),
            Self::None(engine, component) => return Ok(Place::Here(engine, component)),
        };
        let worker = Worker::open_with(code, limits, launch, parcel.clone()).map_err(|error| match error {
            WorkerError::Refused(_) => Failure::refused(error.to_string()).hint(CHECK),
            WorkerError::Jail(_) => Failure::refused(error.to_string()).hint(
                "run it on a kernel that has them, or without --require-jail, behind the sandbox and what is left",
            ),
            WorkerError::Start(_) | WorkerError::NotReady(_) => Failure::host(with_causes(&error)),
        })?;
        let missing = worker.layers().missing();
        if !missing.is_empty() {
            // Of many syncs in one process, the first says it for all.
            static SAID: Once = Once::new();
            SAID.call_once(|| {
                eprint(&format!(
                    "WARNING: this machine has no {}: the wall behind the connector's sandbox is not whole \
                     (--require-jail refuses to run like this)\n",
                    missing.join(" and no ")
                ));
            });
        }
        Ok(Place::Worker(worker))
    }
}

/// Why a component may not run.
pub(super) fn refused(error: AdmissionError) -> Failure {
    match &error {
        AdmissionError::Code(CacheError::Io { .. } | CacheError::NotPrivate { .. }) | AdmissionError::Contract(_) => {
            Failure::host(with_causes(&error))
        }
        error => Failure::refused(with_causes(error)).hint(error.hint().unwrap_or(CHECK)),
    }
}

impl Place<'_> {
    /// SHA-256 of the component, in hex.
    pub(in crate::cli) fn digest(&self) -> &str {
        match self {
            Self::Worker(worker) => worker.digest(),
            Self::Here(_, component) => component.digest(),
        }
    }

    /// Syncs once.
    pub(in crate::cli) fn sync(self, request: SyncRequest) -> Result<SyncReport, DestinationError> {
        match self {
            Self::Worker(worker) => sync_in(worker, request),
            Self::Here(engine, component) => sync(engine, component, request),
        }
    }

    /// Does a task of the host.
    pub(super) fn work(self, request: &SetupRequest, task: String) -> Result<Option<String>, SyncError> {
        match self {
            Self::Worker(worker) => setup::work_in(worker, request, task),
            Self::Here(engine, component) => setup::work(engine, component, request, &task),
        }
    }

    /// Asks for the form.
    pub(in crate::cli) fn form(self, request: &SetupRequest) -> Result<Option<Form>, SyncError> {
        match self {
            Self::Worker(worker) => setup::form_in(worker, request),
            Self::Here(engine, component) => setup::form(engine, component, request),
        }
    }

    /// Runs a test of the form.
    pub(in crate::cli) fn test(self, request: &SetupRequest, name: &str) -> Result<Option<Outcome>, SyncError> {
        match self {
            Self::Worker(worker) => setup::test_in(worker, request, name),
            Self::Here(engine, component) => setup::test(engine, component, request, name),
        }
    }
}
