//! Holds a component of any language against the contract and says in plain words what is
//! missing, extra or of another type.
//!
//! Pure: bytes in, [`Report`] out. Nothing is executed or compiled, function bodies are not
//! even validated (the engine does that before it runs them), and whatever the bytes hold,
//! the answer comes in time and memory bounded by [`MAX_COMPONENT_BYTES`],
//! `budget` and [`MAX_FINDINGS`].
//!
//! - [`allowed`]: the imports a component may have, as the policy says, in words.
//! - `budget`: how much a component may declare before it is not read further.
//! - `recognise`: what bytes are that are no component.
//! - `surface`: imports and exports of a component.
//! - `compare`, `wording`: types of a component against types of the contract, in words.

pub mod allowed;
mod budget;
mod compare;
mod conform;
mod contract;
mod recognise;
mod report;
mod surface;
#[cfg(test)]
pub(crate) mod tests;
mod wording;

pub use allowed::{MAX_COMPONENT_BYTES, admit_imports};
pub use contract::{Contract, ContractError};
pub use report::{Code, Finding, Kind, MAX_FINDINGS, MAX_NAMES, Report, Severity};

use crate::parcel::artifact::Artifact;
use crate::stamp;

/// Holds `bytes` against `contract`.
///
/// Never fails: what is wrong with the bytes is in the report. Looks at names and types;
/// whether the code in the component is valid is found out when it is compiled.
#[must_use]
pub fn check(bytes: &[u8], contract: &Contract) -> Report {
    if bytes.len() > MAX_COMPONENT_BYTES {
        let message = format!("the file has {} bytes, more than the limit of {MAX_COMPONENT_BYTES} bytes", bytes.len());
        let hint = "leave out packages and data files that the connector does not need";
        let finding = Finding::error(Code::TooLarge, "", message).hint(hint);
        return Report::refused(recognise::kind(bytes), finding);
    }
    if let Some((kind, finding)) = recognise::not_a_component(bytes) {
        return Report::refused(kind, finding);
    }
    match surface::read(bytes) {
        Ok(surface) => {
            let project = Artifact::read(bytes).err().map(|error| {
                let hint = "nothing that `sluice build` makes looks like this; do not run it, and ask its author";
                Finding::error(Code::Project, "", error.to_string()).hint(hint)
            });
            conform::conform(&surface, stamp::read(bytes), project, contract)
        }
        Err(finding) => Report::refused(Kind::Component, finding),
    }
}
