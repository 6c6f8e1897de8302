//! What is released stays: the contract's text, and how little is compiled in.

use std::fs;
use std::process::Command;

use sha2::{Digest, Sha256};

use crate::support::{repository, text};

/// Every released contract and the SHA-256 of its text.
const RELEASED: [(&str, &str); 1] = [("0.1.0", "1f46359ded2d0181fdc5acaa9f4aea26e90209d6113a98d9ad7a92cab76cd533")];

/// Features that widen what a component or a network peer can reach, and why they are off.
const UNWANTED_FEATURES: [(&str, &str, &str); 11] = [
    ("wasmtime", "cache", "an on-disk cache of machine code without our authentication"),
    ("wasmtime", "gc", "a large feature that connectors do not need"),
    ("wasmtime", "pooling-allocator", "memory that is used again by another sync"),
    ("wasmtime", "pulley", "a second way to run code"),
    ("wasmtime", "stack-switching", "a large feature that connectors do not need"),
    ("wasmtime", "threads", "shared memory, which no limiter sees"),
    ("wasmtime", "wat", "components in text form, which is a parser more"),
    ("wasmtime", "winch", "a compiler that has had sandbox escapes"),
    ("wasmtime-wasi", "p3", "asynchronous components, which no limit counts"),
    ("wasmtime-wasi-http", "default-send-request", "requests that no policy judges"),
    ("reqwest", "native-tls", "a second TLS implementation"),
];

/// Packages that must not be part of the program.
const UNWANTED_PACKAGES: [&str; 5] =
    ["wat", "wast", "wasmtime-internal-winch", "wasmtime-internal-cache", "openssl-sys"];

#[test]
fn a_released_contract_never_changes() {
    for (version, digest) in RELEASED {
        let path = repository().join(format!("wit/released/{version}/connector.wit"));
        let released = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(
            format!("{:x}", Sha256::digest(&released)),
            digest,
            "{} was changed, but connectors are built against it; put it back, and release the change as a new \
             version in a folder of its own",
            path.display()
        );
    }
    let folders = fs::read_dir(repository().join("wit/released")).unwrap().count();
    assert_eq!(folders, RELEASED.len(), "every released contract has its digest in this test");
}

#[test]
fn the_current_contract_is_the_released_one_of_its_version() {
    let current = fs::read_to_string(repository().join("wit/connector.wit")).unwrap();
    let version = package_version(&current);
    let (newest, _) = RELEASED[RELEASED.len() - 1];
    let released = fs::read_to_string(repository().join(format!("wit/released/{newest}/connector.wit"))).unwrap();
    assert!(
        version != newest || current == released,
        "wit/connector.wit differs from the released {newest}: give its package a new version, and on release \
         copy it to wit/released/<version>/connector.wit and add the version and its digest to this test"
    );
    assert_eq!(package_version(&released), newest, "the released copy is of another version");
}

fn package_version(wit: &str) -> &str {
    let line = wit.lines().find_map(|line| line.strip_prefix("package sluice:connector@"));
    line.expect("the contract names its package").trim_end_matches(';')
}

/// The normal dependencies of the program with their features, for this machine.
fn features() -> String {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--locked", "--package", "sluicegate", "--edges", "normal,features"])
        .args(["--prefix", "none", "--format", "{p}", "--manifest-path"])
        .arg(repository().join("Cargo.toml"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    text(&output.stdout)
}

#[test]
fn nothing_that_widens_the_sandbox_is_compiled_in() {
    let tree = features();
    let feature = |package: &str, name: &str| {
        let line = format!("{package} feature \"{name}\"");
        tree.lines().any(|found| found == line || found == format!("{line} (*)"))
    };
    let package = |name: &str| tree.lines().any(|line| line.starts_with(&format!("{name} v")));
    // The names are still what the tree prints; otherwise nothing below could fail.
    assert!(feature("wasmtime", "cranelift") && package("wasmtime"), "{tree}");
    for (package, name, reason) in UNWANTED_FEATURES {
        assert!(!feature(package, name), "{package} is compiled with `{name}`: {reason}");
    }
    for name in UNWANTED_PACKAGES {
        assert!(!package(name), "{name} is part of the program");
    }
}
