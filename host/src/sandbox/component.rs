//! From bytes to a component that may run: size, contract, compilation, imports.
//!
//! A project that lies in the component is no part of what is compiled; see [`crate::parcel::artifact`].
//!
//! **Threat.** Compiling is where a stranger's bytes cost the host most: a megabyte of types
//! can take gigabytes and half a minute of the compiler. So [`check`] reads them first, under
//! its own budgets, and only what conforms to the contract is compiled. Machine code in the
//! cache was made that way before, and only its imports are asked about again.

use std::io::Read;
use std::path::Path;

use wasmtime::component::Component;

use super::cache::{CacheError, CodeCache, map_handed_over};
use super::engine::SandboxEngine;
use super::instance::{Linked, link};
use crate::check::{self, Contract, ContractError, Finding};
use crate::embedded;
use crate::parcel::Parcel;
use crate::parcel::artifact::{Artifact, ProjectError};
use crate::policy::limits::Limits;

/// Findings that a refusal names; `sluice check` lists all.
const NAMED_FINDINGS: usize = 5;

/// Why a component is not run.
#[derive(Debug, thiserror::Error)]
pub enum AdmissionError {
    /// Larger than the limit.
    #[error("the component is {size} bytes; the limit is {limit} bytes")]
    TooLarge {
        /// Its size.
        size: u64,
        /// The limit.
        limit: u64,
    },
    /// It does not conform to the contract: what `sluice check` finds, never empty.
    #[error("the component does not conform to the contract: {}", findings_text(.0))]
    Nonconforming(Vec<Finding>),
    /// It carries a project that is not used.
    #[error(transparent)]
    Project(#[from] ProjectError),
    /// It could not be compiled, or the cache could not be used.
    #[error(transparent)]
    Code(#[from] CacheError),
    /// The engine cannot link it, in the engine's words.
    #[error("the component does not fit the contract: {0}")]
    Link(String),
    /// It has no machine code, and none was to be made.
    #[error("no machine code was to be made for the component")]
    Unwanted,
    /// The contract inside this program cannot be read: a fault of the build.
    #[error(transparent)]
    Contract(#[from] ContractError),
}

impl AdmissionError {
    /// What to do next, when there is something to say.
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Project(_) => Some("nothing that `sluice build` makes looks like this; do not run it"),
            Self::Nonconforming(findings) => findings.iter().find_map(|finding| finding.hint.as_deref()),
            _ => None,
        }
    }
}

fn findings_text(findings: &[Finding]) -> String {
    let named: Vec<_> = findings.iter().take(NAMED_FINDINGS).map(ToString::to_string).collect();
    let more = findings.len().saturating_sub(NAMED_FINDINGS);
    match more {
        0 => named.join("; "),
        more => format!("{}; and {more} more", named.join("; ")),
    }
}

/// A component that was admitted.
pub struct Loaded {
    digest: String,
    linked: Linked,
    parcel: Option<Parcel>,
}

impl Loaded {
    /// Admits a component. `compiling` is called when there is no machine code for it yet and
    /// it conforms to the contract; making it then takes some seconds.
    ///
    /// # Errors
    /// See [`AdmissionError`].
    pub fn admit(
        engine: &SandboxEngine,
        cache: &CodeCache,
        bytes: &[u8],
        limits: &Limits,
        compiling: impl FnOnce(),
    ) -> Result<Self, AdmissionError> {
        let willing = |_: &str| {
            compiling();
            true
        };
        Self::admit_if(engine, cache, bytes, limits, willing)
    }

    /// The same, where `compiling` is told the component's digest and says whether machine code is to be made.
    ///
    /// # Errors
    /// As [`Loaded::admit`], and [`AdmissionError::Unwanted`].
    pub fn admit_if(
        engine: &SandboxEngine,
        cache: &CodeCache,
        bytes: &[u8],
        limits: &Limits,
        compiling: impl FnOnce(&str) -> bool,
    ) -> Result<Self, AdmissionError> {
        let (size, limit) = (bytes.len() as u64, limits.component_bytes);
        if size > limit {
            return Err(AdmissionError::TooLarge { size, limit });
        }
        let artifact = Artifact::read(bytes)?;
        let digests = artifact.digests();
        let find = || cache.find(engine.raw(), &digests.compiled);
        let component = match find() {
            Some(component) => component,
            None => {
                let compiled = artifact.compiled();
                admit_bytes(&compiled)?;
                let _turn = cache.turn(engine.raw(), &digests.compiled);
                match find() {
                    Some(component) => component,
                    None => {
                        if !compiling(&digests.whole) {
                            return Err(AdmissionError::Unwanted);
                        }
                        cache.compile(engine.raw(), &compiled, &digests.compiled)?
                    }
                }
            }
        };
        admit_imports(engine, &component)?;
        let linked = link(engine, &component).map_err(AdmissionError::Link)?;
        Ok(Self { parcel: artifact.into_parcel(&digests.whole), digest: digests.whole, linked })
    }

    /// Admits machine code that a parent authenticated, in a worker.
    ///
    /// # Errors
    /// See [`AdmissionError`].
    pub(crate) fn map(engine: &SandboxEngine, path: &Path, file: impl Read) -> Result<Self, AdmissionError> {
        let component =
            map_handed_over(engine.raw(), path, file).map_err(|error| AdmissionError::Link(format!("{error:#}")))?;
        admit_imports(engine, &component)?;
        let linked = link(engine, &component).map_err(AdmissionError::Link)?;
        Ok(Self { digest: String::new(), linked, parcel: None })
    }

    /// Gives a component a project instead of its own, from the next sync on.
    pub fn give(&mut self, parcel: Parcel) {
        self.parcel = Some(parcel);
    }

    /// SHA-256 of the component with its project, in hex.
    pub fn digest(&self) -> &str {
        self.parcel.as_ref().map_or(&self.digest, Parcel::digest)
    }

    pub(super) fn parcel(&self) -> Option<&Parcel> {
        self.parcel.as_ref()
    }

    pub(super) fn linked(&self) -> &Linked {
        &self.linked
    }
}

/// Names, types and sizes of declarations, before the compiler sees them.
pub(crate) fn admit_bytes(bytes: &[u8]) -> Result<(), AdmissionError> {
    let report = check::check(bytes, &Contract::parse(embedded::WIT)?);
    if report.conforms() {
        return Ok(());
    }
    Err(AdmissionError::Nonconforming(report.errors().cloned().collect()))
}

/// The linker matches versions that are only compatible with what was reviewed; the list
/// compares names and versions itself.
fn admit_imports(engine: &SandboxEngine, component: &Component) -> Result<(), AdmissionError> {
    let component_type = component.component_type();
    let imports: Vec<_> = component_type.imports(engine.raw()).map(|(name, _)| name.to_owned()).collect();
    check::admit_imports(imports.iter().map(String::as_str)).map_err(AdmissionError::Nonconforming)
}
