//! From bytes to a component that may run: size, imports, compilation, contract.

use sha2::{Digest, Sha256};
use wasmtime::component::Component;

use super::cache::{CacheError, CodeCache};
use super::engine::SandboxEngine;
use super::instance::{Linked, link};
use crate::check::{self, Finding};
use crate::policy::limits::Limits;

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
    /// It imports more than the contract has.
    #[error("the component wants what the contract does not have: {}", findings_text(.0))]
    Imports(Vec<Finding>),
    /// It could not be compiled, or the cache could not be used.
    #[error(transparent)]
    Code(#[from] CacheError),
    /// It does not fit the contract.
    #[error("the component does not fit the contract: {0}")]
    Contract(String),
}

fn findings_text(findings: &[Finding]) -> String {
    findings.iter().map(|finding| finding.message.clone()).collect::<Vec<_>>().join("; ")
}

/// A component that was admitted.
pub struct Loaded {
    digest: String,
    linked: Linked,
}

impl Loaded {
    /// Admits a component. `compiling` is called when there is no machine code for it yet,
    /// which then takes some seconds.
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
        let (size, limit) = (bytes.len() as u64, limits.component_bytes);
        if size > limit {
            return Err(AdmissionError::TooLarge { size, limit });
        }
        let digest = format!("{:x}", Sha256::digest(bytes));
        let component = cache.load(engine.raw(), bytes, &digest, compiling)?;
        admit_imports(engine, &component)?;
        let linked = link(engine, &component).map_err(AdmissionError::Contract)?;
        Ok(Self { digest, linked })
    }

    /// SHA-256 of the component, in hex.
    pub fn digest(&self) -> &str {
        &self.digest
    }

    pub(super) fn linked(&self) -> &Linked {
        &self.linked
    }
}

/// The linker matches versions that are only compatible with what was reviewed; the list
/// compares names and versions itself.
fn admit_imports(engine: &SandboxEngine, component: &Component) -> Result<(), AdmissionError> {
    let component_type = component.component_type();
    let imports: Vec<_> = component_type.imports(engine.raw()).map(|(name, _)| name.to_owned()).collect();
    check::admit_imports(imports.iter().map(String::as_str)).map_err(AdmissionError::Imports)
}
