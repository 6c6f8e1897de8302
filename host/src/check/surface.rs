//! Imports and exports of a component, read without looking into its code.

use wasmparser::component_types::ComponentEntityType;
use wasmparser::types::Types;
use wasmparser::{Chunk, Parser, Payload, ValidPayload, Validator, WasmFeatures};

use super::budget::Budget;
use super::report::{Code, Finding, visible};

/// What a component shows to the outside.
pub(super) struct Surface {
    pub(super) types: Types,
    pub(super) imports: Vec<(String, ComponentEntityType)>,
    pub(super) exports: Vec<(String, ComponentEntityType)>,
}

// async is off in the engine: it would let a guest hold work open that no limit sees
fn features() -> WasmFeatures {
    WasmFeatures::default().difference(WasmFeatures::CM_ASYNC)
}

#[derive(Default)]
struct Names {
    imports: Vec<String>,
    exports: Vec<String>,
}

/// Reads and validates everything but function bodies.
pub(super) fn read(bytes: &[u8]) -> Result<Surface, Finding> {
    let mut validator = Validator::new_with_features(features());
    let mut names = Names::default();
    let mut budget = Budget::default();
    let mut parser = Parser::new(0);
    let mut outer = Vec::new();
    let mut rest = bytes;
    loop {
        let (consumed, payload) =
            next(&mut parser, rest).map_err(|error| broken(&error))?.ok_or_else(|| truncated(bytes.len()))?;
        rest = rest.get(consumed..).unwrap_or_default();
        budget.spend(&payload)?;
        let valid = validator.payload(&payload).map_err(|error| broken(&error))?;
        match payload {
            Payload::ModuleSection { unchecked_range: range, .. }
            | Payload::ComponentSection { unchecked_range: range, .. }
                if range.end > bytes.len() =>
            {
                return Err(truncated(bytes.len()));
            }
            Payload::ModuleSection { parser: inner, .. } | Payload::ComponentSection { parser: inner, .. } => {
                outer.push(std::mem::replace(&mut parser, inner));
            }
            Payload::End(_) => match outer.pop() {
                Some(outside) => parser = outside,
                None => {
                    let ValidPayload::End(types) = valid else {
                        return Err(truncated(bytes.len()));
                    };
                    return Ok(names.with_types(types));
                }
            },
            other if outer.is_empty() => names.collect(&other).map_err(|error| broken(&error))?,
            _ => {}
        }
    }
}

/// The next payload, or `None` when the bytes end before it.
fn next<'a>(parser: &mut Parser, rest: &'a [u8]) -> wasmparser::Result<Option<(usize, Payload<'a>)>> {
    // the end of a file is the end of everything in it; anywhere else more bytes are missing
    let chunk = parser.parse(rest, rest.is_empty())?;
    match chunk {
        Chunk::Parsed { consumed, payload } => Ok(Some((consumed, payload))),
        Chunk::NeedMoreData(_) => Ok(None),
    }
}

impl Names {
    fn collect(&mut self, payload: &Payload<'_>) -> wasmparser::Result<()> {
        match payload {
            Payload::ComponentImportSection(section) => {
                for import in section.clone() {
                    self.imports.push(import?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) => {
                for export in section.clone() {
                    self.exports.push(export?.name.name.to_owned());
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn with_types(self, types: Types) -> Surface {
        let named = types.as_ref();
        let imports = self.imports.into_iter();
        let imports = imports.filter_map(|name| Some((named.component_item_for_import(&name)?.ty, name))).map(swap);
        let exports = self.exports.into_iter();
        let exports = exports.filter_map(|name| Some((named.component_item_for_export(&name)?.ty, name))).map(swap);
        let (imports, exports) = (imports.collect(), exports.collect());
        Surface { imports, exports, types }
    }
}

fn swap<A, B>((a, b): (A, B)) -> (B, A) {
    (b, a)
}

fn truncated(length: usize) -> Finding {
    let message = format!("the file is cut off: it ends at byte {length} in the middle of a section");
    Finding::error(Code::Truncated, "", message).hint("copy or build it again and compare the sizes")
}

fn broken(error: &wasmparser::Error) -> Finding {
    let (offset, text) = (error.offset(), visible(error.message()));
    if error.missing_wasm_feature().is_some() {
        let message = format!("the component uses a feature this host keeps off, at byte {offset}: {text}");
        let hint = "build it for WASI 0.2 with synchronous exports";
        return Finding::error(Code::UnsupportedFeature, "", message).hint(hint);
    }
    let message = format!("the file is damaged or not valid WebAssembly, at byte {offset}: {text}");
    Finding::error(Code::Malformed, "", message)
        .hint("copy or build it again; if that does not help, the tool that made it is at fault")
}
