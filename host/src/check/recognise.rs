//! What bytes are that are no component, and how their owner gets from there to one.

use wasmparser::{Encoding, Parser, Payload};

use super::report::{Code, Finding, Kind, visible};

const BUILD_HINT: &str = "`sluice build` makes a component from a Python project";
/// Sections of a core module looked at to say what kind of module it is.
const MAX_SECTIONS: usize = 1_000;
/// Imports of a core module looked at.
const MAX_IMPORTS: usize = 10_000;
/// Bytes looked at to tell text from other files.
const TEXT_PROBE: usize = 4_096;

/// First bytes of files that people confuse with components.
const MAGIC: &[(&[u8], Code, &str)] = &[
    (b"\x7fELF", Code::NativeProgram, "a Linux program or library (ELF)"),
    (b"\xcf\xfa\xed\xfe", Code::NativeProgram, "a macOS program or library (Mach-O)"),
    (b"\xca\xfe\xba\xbe", Code::NativeProgram, "a macOS program for several processors, or a Java class"),
    (b"MZ", Code::NativeProgram, "a Windows program or library"),
    (b"PK\x03\x04", Code::ZipArchive, "a zip archive; a Python wheel is one too"),
    (b"PK\x05\x06", Code::ZipArchive, "an empty zip archive"),
    (b"\x1f\x8b", Code::Compressed, "a gzip file"),
    (b"\x28\xb5\x2f\xfd", Code::Compressed, "a zstd file"),
    (b"BZh", Code::Compressed, "a bzip2 file"),
    (b"\xfd7zXZ\x00", Code::Compressed, "an xz file"),
];

/// The kind by the first eight bytes.
pub(super) fn kind(bytes: &[u8]) -> Kind {
    match bytes.get(4..8) {
        _ if !bytes.starts_with(b"\0asm") => Kind::NotWebassembly,
        Some([_, _, 1, 0]) => Kind::Component,
        _ => Kind::CoreModule,
    }
}

/// The finding for bytes that cannot be a component, or `None` when they may be one.
pub(super) fn not_a_component(bytes: &[u8]) -> Option<(Kind, Finding)> {
    if !bytes.starts_with(b"\0asm") {
        return Some((Kind::NotWebassembly, foreign(bytes)));
    }
    match bytes.get(4..8) {
        None => {
            let message = "the file ends inside the WebAssembly header";
            let hint = "copy or build it again";
            Some((Kind::NotWebassembly, Finding::error(Code::Truncated, "", message).hint(hint)))
        }
        Some([0x0d, 0, 1, 0]) => None,
        Some([1, 0, 0, 0]) => Some((Kind::CoreModule, core_module(bytes))),
        Some(&[low, high, 1, 0]) => {
            let version = u16::from_le_bytes([low, high]);
            let message = format!("the file is a component in the binary format {version}; this host reads format 13");
            let hint = "build it with current component tools";
            Some((Kind::Component, Finding::error(Code::UnknownEncoding, "", message).hint(hint)))
        }
        Some(_) => {
            let message = "the file has a WebAssembly header of an unknown version";
            Some((Kind::NotWebassembly, Finding::error(Code::UnknownEncoding, "", message).hint(BUILD_HINT)))
        }
    }
}

fn foreign(bytes: &[u8]) -> Finding {
    if bytes.is_empty() {
        let hint = "the build or the copy that made it did not finish";
        return Finding::error(Code::Empty, "", "the file is empty").hint(hint);
    }
    if let Some((_, code, what)) = MAGIC.iter().find(|(magic, ..)| bytes.starts_with(magic)) {
        let hint = match code {
            Code::Compressed => "unpack it first",
            _ => BUILD_HINT,
        };
        return Finding::error(*code, "", format!("the file is {what}, not a WebAssembly component")).hint(hint);
    }
    let probe = bytes.get(..TEXT_PROBE).unwrap_or(bytes);
    let Some(text) = as_text(probe) else {
        let message = "the file is not WebAssembly: it does not start with the WebAssembly header";
        return Finding::error(Code::NotWebassembly, "", message).hint(BUILD_HINT);
    };
    let start = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    if ["(component", "(module", ";;", "(;"].iter().any(|wat| start.starts_with(wat)) {
        let message = "the file is WebAssembly in text form (WAT)";
        let hint = "make a binary of it first, for example with `wasm-tools parse`";
        return Finding::error(Code::WatText, "", message).hint(hint);
    }
    let message = "the file is text, not a WebAssembly component";
    Finding::error(Code::Text, "", message).hint(BUILD_HINT)
}

/// The probe as text, if it is text. A character cut at the end of the probe is left out.
fn as_text(probe: &[u8]) -> Option<&str> {
    let text = match std::str::from_utf8(probe) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() => std::str::from_utf8(probe.get(..error.valid_up_to())?).ok()?,
        Err(_) => return None,
    };
    let binary = text.chars().any(|c| c.is_control() && !c.is_whitespace() && c != '\u{1b}');
    (!binary && !text.is_empty()).then_some(text)
}

#[derive(Default)]
struct Module {
    preview1: bool,
    unfinished: bool,
    first_import: Option<String>,
}

fn core_module(bytes: &[u8]) -> Finding {
    let module = look_into(bytes);
    if module.unfinished {
        let message = "this is a core module, not a component; it carries the types of a component, but the last build step is missing";
        let hint = "finish it with `wasm-tools component new`, with the adapter for WASI preview 1 if it imports that";
        return Finding::error(Code::UnfinishedModule, "", message).hint(hint);
    }
    if module.preview1 {
        let message = "this is a core module, not a component; it was built for WASI preview 1";
        let hint = "build it for WASI 0.2 against wit/connector.wit (wasm32-wasip2 in Rust, componentize-py in Python)";
        return Finding::error(Code::Preview1Module, "", message).hint(hint);
    }
    let imports = match module.first_import {
        Some(name) => format!(", and imports `{name}`"),
        None => String::new(),
    };
    let message = format!(
        "this is a core module, not a component; it has no types that the contract could be held against{imports}"
    );
    let hint = "build it as a component against wit/connector.wit";
    Finding::error(Code::CoreModule, "", message).hint(hint)
}

fn look_into(bytes: &[u8]) -> Module {
    let mut module = Module::default();
    // a broken module is a core module all the same: what was read until then decides
    for payload in Parser::new(0).parse_all(bytes).map_while(Result::ok).take(MAX_SECTIONS) {
        match payload {
            Payload::Version { encoding: Encoding::Component, .. } => break,
            Payload::CustomSection(section) if section.name().starts_with("component-type") => {
                module.unfinished = true;
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports().map_while(Result::ok).take(MAX_IMPORTS) {
                    module.preview1 |= import.module.starts_with("wasi_");
                    if module.first_import.is_none() {
                        module.first_import = Some(visible(&format!("{} {}", import.module, import.name)));
                    }
                }
            }
            _ => {}
        }
    }
    module
}
