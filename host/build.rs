//! Lays out the WIT contract beside the WASI packages it builds on, and embeds both it and
//! the Python SDK into the binary.
//!
//! WASI's WIT is taken from the published `wasmtime-wasi-http` crate that `Cargo.lock` pins,
//! so that the contract, the host's implementation and a built connector always agree, and
//! no copy has to be kept up by hand.

use std::env;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const WASI_SOURCE: &str = "wasmtime-wasi-http";
const WASI_PACKAGES: [&str; 7] = ["cli", "clocks", "filesystem", "http", "io", "random", "sockets"];

fn main() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(env::var("OUT_DIR")?);
    let root = PathBuf::from(env::var("CARGO_MANIFEST_DIR")?).join("..");
    let contract = root.join("wit/connector.wit");
    let sdk = root.join("guest-python/src");
    let native = root.join("guest-python/native");
    let templates = root.join("host/templates");
    for watched in [&contract, &sdk, &native, &templates, &root.join("Cargo.lock")] {
        println!("cargo::rerun-if-changed={}", watched.display());
    }

    let layout = out.join("wit");
    lay_out_wit(&contract, &crate_folder(WASI_SOURCE)?.join("wit/deps"), &layout)?;
    fs::write(out.join("bindings.rs"), bindings(&layout))?;

    let mut embedded = String::new();
    embed(&mut embedded, "WIT", "The WIT contract with its dependencies: path and text.", &layout)?;
    embed(&mut embedded, "SDK", "The Python SDK that is compiled into connectors: path and text.", &sdk)?;
    embed(&mut embedded, "NATIVE", "The source of the SDK's extension: path and text.", &native)?;
    embed_templates(&mut embedded, &templates)?;
    fs::write(out.join("embedded.rs"), embedded)?;
    Ok(())
}

/// Where cargo keeps the source of a dependency.
fn crate_folder(name: &str) -> Result<PathBuf, Box<dyn Error>> {
    let metadata = |offline: &[&str]| {
        Command::new(env::var("CARGO").unwrap_or_else(|_| "cargo".into()))
            .args(["metadata", "--format-version", "1", "--locked", "--filter-platform"])
            .arg(env::var("TARGET").unwrap_or_default())
            .args(offline)
            .output()
    };
    // The sources are there, since this package is being built against them; asking
    // offline first keeps a build without network possible.
    let mut output = metadata(&["--offline"])?;
    if !output.status.success() {
        output = metadata(&[])?;
    }
    if !output.status.success() {
        return Err(format!("cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let manifest = metadata
        .get("packages")
        .and_then(serde_json::Value::as_array)
        .into_iter()
        .flatten()
        .find(|package| package.get("name").is_some_and(|found| found == name))
        .and_then(|package| package.get("manifest_path"))
        .and_then(serde_json::Value::as_str)
        .ok_or_else(|| format!("{name} is not among the dependencies"))?;
    Ok(Path::new(manifest).parent().ok_or("a manifest without a folder")?.to_path_buf())
}

fn lay_out_wit(contract: &Path, wasi: &Path, layout: &Path) -> Result<(), Box<dyn Error>> {
    if layout.exists() {
        fs::remove_dir_all(layout)?;
    }
    fs::create_dir_all(layout)?;
    fs::copy(contract, layout.join("connector.wit"))?;
    for package in WASI_PACKAGES {
        let folder = layout.join("deps").join(package);
        fs::create_dir_all(&folder)?;
        fs::copy(wasi.join(format!("{package}.wit")), folder.join("package.wit"))?;
    }
    Ok(())
}

/// The invocation of `bindgen!`, which takes its path only as a literal.
fn bindings(layout: &Path) -> String {
    format!(
        r#"wasmtime::component::bindgen!({{
    path: {layout:?},
    world: "sluice:connector/connector",
    imports: {{
        // Taking a message is quick; only a full queue and a checkpoint wait.
        "sluice:connector/logging.log": trappable,
        "sluice:connector/http.[drop]exchange": trappable,
        "sluice:connector/tcp.[drop]connection": trappable,
        "sluice:connector/workers.[drop]worker": trappable,
        default: async | trappable,
    }},
    exports: {{ default: async }},
    with: {{
        "wasi:io": wasmtime_wasi::p2::bindings::io,
        "wasi:clocks": wasmtime_wasi::p2::bindings::clocks,
        "sluice:connector/http.exchange": super::http::Exchange,
        "sluice:connector/files.upload": super::files::Upload,
        "sluice:connector/tcp.connection": super::tcp::Connection,
        "sluice:connector/workers.worker": super::workers::Worker,
    }},
    require_store_data_send: true,
}});
"#
    )
}

/// Appends `pub const NAME: &[(&str, &str)]` with every text file below `folder`.
fn embed(code: &mut String, name: &str, doc: &str, folder: &Path) -> Result<(), Box<dyn Error>> {
    let mut files = Vec::new();
    collect(folder, &mut files)?;
    files.sort();
    writeln!(code, "/// {doc}")?;
    writeln!(code, "pub const {name}: &[(&str, &str)] = &[")?;
    for file in files {
        let path = file.strip_prefix(folder)?.to_str().ok_or("a path that is not UTF-8")?;
        writeln!(code, "    ({path:?}, include_str!({:?})),", file.canonicalize()?)?;
    }
    writeln!(code, "];")?;
    Ok(())
}

/// Appends the files of every template: its name, and each path and text.
fn embed_templates(code: &mut String, folder: &Path) -> Result<(), Box<dyn Error>> {
    let mut templates: Vec<_> =
        fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<Result<_, Box<dyn Error>>>()?;
    templates.retain(|path| path.is_dir() && !path.file_name().unwrap_or_default().to_string_lossy().starts_with('.'));
    templates.sort();
    writeln!(code, "/// The projects that `sluice init` can make: name, and path and text of each file.")?;
    writeln!(code, "#[allow(clippy::type_complexity, reason = \"a table\")]")?;
    writeln!(code, "pub const TEMPLATES: &[(&str, &[(&str, &str)])] = &[")?;
    for template in templates {
        let mut files = Vec::new();
        collect_all(&template, &mut files)?;
        files.sort();
        writeln!(code, "    ({:?}, &[", template.file_name().unwrap_or_default().to_string_lossy())?;
        for file in files {
            let path = file.strip_prefix(&template)?.to_str().ok_or("a path that is not UTF-8")?;
            writeln!(code, "        ({path:?}, include_str!({:?})),", file.canonicalize()?)?;
        }
        writeln!(code, "    ]),")?;
    }
    writeln!(code, "];")?;
    Ok(())
}

/// Files that somebody wrote; trying a template leaves others.
fn collect_all(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let made = [".wasm", ".pyc", "pylock.sluice.toml"].iter().any(|ending| name.ends_with(ending));
        if path.is_dir() {
            if name != "__pycache__" && name != "warehouse" && !name.starts_with('.') {
                collect_all(&path, files)?;
            }
        } else if !made && !name.starts_with('.') {
            files.push(path);
        }
    }
    Ok(())
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            // Of no use in a component: a host for running natively.
            if name != "__pycache__" && name != "_debugging" && !name.ends_with(".egg-info") {
                collect(&path, files)?;
            }
        } else if [".py", ".wit", "py.typed", ".c", ".h"].iter().any(|ending| name.ends_with(ending)) {
            files.push(path);
        }
    }
    Ok(())
}
