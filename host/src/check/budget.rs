//! What reading a component may cost.
//!
//! The threat: types are cheap to write and dear to keep. A megabyte of declarations takes
//! about 40 MB and 0.3 s to validate, and every instantiation of an inner component compares
//! types that may count a million items. Real components stay far below these limits: one
//! from Python declares 0.3 MiB, has 14 modules, one inner component and one instance of it.

use wasmparser::Payload;

use super::report::{Code, Finding};

/// Bytes of declarations (everything but code, data and custom sections), summed over all
/// modules and components inside.
const MAX_DECLARED_BYTES: usize = 8 << 20;
/// Modules inside, at any depth.
const MAX_MODULES: usize = 500;
/// Components inside, at any depth.
const MAX_COMPONENTS: usize = 16;
/// Instances of components, at any depth.
const MAX_INSTANCES: usize = 32;

/// What was used so far.
#[derive(Default)]
pub(super) struct Budget {
    declared: usize,
    modules: usize,
    components: usize,
    instances: usize,
}

impl Budget {
    /// Counts a payload before it is validated.
    pub(super) fn spend(&mut self, payload: &Payload<'_>) -> Result<(), Finding> {
        match payload {
            Payload::CustomSection(_)
            | Payload::CodeSectionStart { .. }
            | Payload::CodeSectionEntry(_)
            | Payload::DataSection(_) => Ok(()),
            Payload::ModuleSection { .. } => spend(&mut self.modules, 1, MAX_MODULES, "inner modules"),
            Payload::ComponentSection { .. } => spend(&mut self.components, 1, MAX_COMPONENTS, "inner components"),
            declaration => {
                if let Payload::ComponentInstanceSection(section) = declaration {
                    let count = usize::try_from(section.count()).unwrap_or(usize::MAX);
                    spend(&mut self.instances, count, MAX_INSTANCES, "instances of components")?;
                }
                let bytes = declaration.as_section().map_or(0, |(_, range)| range.len());
                spend(&mut self.declared, bytes, MAX_DECLARED_BYTES, "bytes of declarations")
            }
        }
    }
}

fn spend(used: &mut usize, more: usize, limit: usize, what: &str) -> Result<(), Finding> {
    *used = used.saturating_add(more);
    if *used <= limit {
        return Ok(());
    }
    let message = format!("the component has more than {limit} {what}, and is not read further");
    let hint = "no usual tool makes such a component; do not run it, and ask its author";
    Err(Finding::error(Code::TooComplex, "", message).hint(hint))
}
