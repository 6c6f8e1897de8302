//! The SDK's extension in C, compiled to WebAssembly once and kept in the cache.
//!
//! The C compiler comes from the package index like the other tools, by exact version and hash. It is large (about
//! 450 MB unpacked) and needed for one second, so it is removed again. The extension runs in the sandbox, as the rest
//! of a connector does.
//!
//! It calls the contract's operations itself, without the bindings that componentize-py makes. So it carries the type of
//! what it imports in a custom section, which the linker unites with that of the bindings.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use wasm_encoder::{CustomSection, Encode, Section};
use wit_parser::Resolve;

use super::Embedded;
use super::command::{self, CommandError};
use super::digest::Fields;
use super::toolchain::Toolchain;
use super::{Inputs, Progress, lay_out, write_whole};
use crate::worker::Reach;

/// The C compiler with its version and hashes, as pip reads them.
const LOCK: &str = include_str!("extension.lock");
/// Largest extension.
const MAX_EXTENSION_BYTES: u64 = 64 << 20;
/// Where the extension lies in the SDK.
pub(super) const PLACE: &str = "sluice/_native.cpython-314-wasm32-wasi.so";
const TARGET: &str = "wasm32-wasi";
const COMPILE: [&str; 7] = ["-target", TARGET, "-fPIC", "-O2", "-fvisibility=hidden", "-g0", "-c"];
const LINK: [&str; 6] = [
    "-shared",
    "--experimental-pic",
    "--export=PyInit__native",
    "--export=cabi_realloc",
    "--unresolved-symbols=import-dynamic",
    "--strip-all",
];

/// What the extension imports.
const WORLD: &str = "package sluice:extension;\nworld extension { import sluice:connector/operations@0.1.0; import sluice:connector/http@0.1.0; }\n";
/// The linker reads all sections whose names begin like this.
const TYPE_SECTION: &str = "component-type:sluice-extension";

/// Why there is no extension.
#[derive(Debug, thiserror::Error)]
pub enum ExtensionError {
    /// pip failed.
    #[error("cannot install the C compiler for the SDK; the first build needs a package index\n{output}")]
    Install {
        /// What pip said.
        output: String,
    },
    /// The compiler failed.
    #[error("cannot compile the SDK's extension\n{output}")]
    Compile {
        /// What it said.
        output: String,
    },
    /// The contract has other operations than the extension calls.
    #[error("the contract does not fit the SDK's extension: {reason}")]
    Contract {
        /// What does not fit.
        reason: String,
    },
    /// The cache.
    #[error("cannot write the SDK's extension to {path}")]
    Cache {
        /// The folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A tool could not be run.
    #[error(transparent)]
    Command(#[from] CommandError),
}

/// The extension in the cache; makes it the first time.
///
/// # Errors
///
/// When there is no package index or the cache cannot be written.
pub(super) fn ready(
    cache: &Path,
    inputs: &Inputs<'_>,
    toolchain: &Toolchain,
    progress: &mut dyn Progress,
) -> Result<PathBuf, ExtensionError> {
    let writing = |source| ExtensionError::Cache { path: cache.to_path_buf(), source };
    let path = cache.join(format!("extension-{}.so", digest(inputs)));
    let lock = File::create(cache.join("extension.lock")).map_err(writing)?;
    lock.lock().map_err(writing)?;
    if path.exists() {
        return Ok(path);
    }
    progress.step("compiling the SDK's extension, once (fetches a C compiler of 100 MB)");
    let making = tempfile::Builder::new().prefix("extension-new-").tempdir_in(cache).map_err(writing)?;
    let zig = install(toolchain, making.path())?;
    let module = compile(toolchain, &zig, inputs.native, making.path())?;
    let mut bytes = command::plain(&module, MAX_EXTENSION_BYTES).map_err(writing)?;
    append_type(&mut bytes, inputs.wit, &making.path().join("wit"))?;
    write_whole(&path, &bytes).map_err(|error| writing(io::Error::other(error)))?;
    Ok(path)
}

fn digest(inputs: &Inputs<'_>) -> String {
    let mut fields = Fields::default().with("sluice extension 3").with(LOCK);
    fields = fields.with(COMPILE.join(" ")).with(LINK.join(" ")).with(WORLD);
    for (path, contents) in inputs.native.iter().chain(inputs.wit) {
        fields.add(path);
        fields.add(contents);
    }
    fields.finish()
}

fn install(toolchain: &Toolchain, home: &Path) -> Result<PathBuf, ExtensionError> {
    let write = |path: &Path, text: &str| {
        fs::write(path, text).map_err(|source| ExtensionError::Cache { path: path.to_path_buf(), source })
    };
    let (lock, site) = (home.join("compiler.lock"), home.join("site"));
    write(&lock, LOCK)?;
    let mut pip = command::pip(&toolchain.python);
    pip.args(["install", "--require-hashes", "--only-binary", ":all:", "--no-deps", "--no-compile", "--target"]);
    pip.arg(&site).arg("-r").arg(&lock);
    let installed = command::run(&mut pip)?;
    if !installed.success {
        return Err(ExtensionError::Install { output: installed.output });
    }
    Ok(site.join("ziglang").join(if cfg!(windows) { "zig.exe" } else { "zig" }))
}

fn compile(toolchain: &Toolchain, zig: &Path, sources: Embedded<'_>, home: &Path) -> Result<PathBuf, ExtensionError> {
    for (path, contents) in sources {
        let file = home.join(path);
        fs::write(&file, contents).map_err(|source| ExtensionError::Cache { path: file.clone(), source })?;
    }
    let mut objects = Vec::new();
    for (path, _) in sources.iter().filter(|(path, _)| path.ends_with(".c")) {
        // A relative path, so that nothing of this machine gets into the extension.
        let object = format!("{path}.o");
        let mut arguments = COMPILE.map(str::to_owned).to_vec();
        arguments.extend([(*path).to_owned(), "-o".to_owned(), object.clone()]);
        tool(toolchain, zig, "cc", &arguments, home)?;
        objects.push(object);
    }
    let module = home.join("extension.so");
    let mut arguments = LINK.map(str::to_owned).to_vec();
    arguments.extend(objects);
    arguments.extend(["-o".to_owned(), "extension.so".to_owned()]);
    tool(toolchain, zig, "wasm-ld", &arguments, home)?;
    Ok(module)
}

fn append_type(module: &mut Vec<u8>, wit: Embedded<'_>, folder: &Path) -> Result<(), ExtensionError> {
    let misfit = |error: &dyn std::fmt::Display| ExtensionError::Contract { reason: error.to_string() };
    lay_out(wit, folder).map_err(|(path, source)| ExtensionError::Cache { path, source })?;
    let mut resolve = Resolve::default();
    resolve.push_dir(folder).map_err(|error| misfit(&error))?;
    let package = resolve.push_str("extension.wit", WORLD).map_err(|error| misfit(&error))?;
    let world = resolve.select_world(&[package], None).map_err(|error| misfit(&error))?;
    let encoding = wit_component::StringEncoding::UTF8;
    let data = wit_component::metadata::encode(&resolve, world, encoding, None).map_err(|error| misfit(&error))?;
    let section = CustomSection { name: TYPE_SECTION.into(), data: data.into() };
    module.push(section.id());
    section.encode(module);
    Ok(())
}

fn tool(
    toolchain: &Toolchain,
    zig: &Path,
    name: &str,
    arguments: &[String],
    home: &Path,
) -> Result<(), ExtensionError> {
    let mut tool = command::isolated(zig);
    let scratch = home.join("scratch");
    for variable in ["ZIG_GLOBAL_CACHE_DIR", "ZIG_LOCAL_CACHE_DIR", "TMPDIR", "TEMP", "HOME"] {
        tool.env(variable, &scratch);
    }
    fs::create_dir_all(&scratch).map_err(|source| ExtensionError::Cache { path: scratch.clone(), source })?;
    tool.arg(name).args(arguments).current_dir(home);
    let finished = command::run(&mut toolchain.held(tool, Reach { write: &[home], ..Reach::default() }))?;
    if finished.success { Ok(()) } else { Err(ExtensionError::Compile { output: finished.output }) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn the_lock_names_an_exact_version_and_hashes() {
        assert_eq!(LOCK.matches("==").count(), 1);
        assert_eq!(LOCK.matches("--hash=sha256:").count(), 6);
    }

    #[test]
    fn the_extension_says_what_it_imports() {
        let folder = tempfile::tempdir().unwrap();
        let mut module = wasm_encoder::Module::new().finish();
        append_type(&mut module, crate::embedded::WIT, folder.path()).unwrap();
        let sections = wasmparser::Parser::new(0).parse_all(&module);
        let named = |payload| match payload {
            Ok(wasmparser::Payload::CustomSection(section)) => Some(section.name().to_owned()),
            _ => None,
        };
        assert_eq!(sections.filter_map(named).collect::<Vec<_>>(), [TYPE_SECTION]);
        let (_, decoded) = wit_component::metadata::decode(&module).unwrap();
        let imports = &decoded.resolve.worlds[decoded.world].imports;
        let names: Vec<String> = imports.keys().map(|key| decoded.resolve.name_world_key(key)).collect();
        assert!(names.contains(&"sluice:connector/operations@0.1.0".to_owned()), "{names:?}");
    }
}
