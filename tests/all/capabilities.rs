//! What a connector asks for, what the operator grants, and which component a connection accepted.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use sluicegate::stamp::{self, AskedLimits, Stamp};

use crate::support::{after, component, sluice, text};

/// A warehouse and components in one folder.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// A component that does nothing and says this of itself.
    fn component(&self, file: &str, version: &str, network: &[&str], limits: AskedLimits) -> PathBuf {
        let mut bytes = component::idle();
        let stamp = Stamp {
            name: "shop".into(),
            version: version.into(),
            sdk: Some("0.1.0".into()),
            contract: "0.1.0".into(),
            source: "ab".repeat(32),
            network: network.iter().map(ToString::to_string).collect(),
            limits,
            dependencies: Vec::new(),
        };
        stamp::append(&mut bytes, &stamp).unwrap();
        self.write(file, &bytes)
    }

    fn write(&self, file: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.path().join(file);
        fs::write(&path, bytes).unwrap();
        path
    }

    fn run(&self, component: &Path, arguments: &[&str]) -> Output {
        let warehouse = self.0.path().join("warehouse");
        sluice().arg("run").arg(component).arg("--warehouse").arg(warehouse).args(arguments).output().unwrap()
    }

    #[track_caller]
    fn succeeds(&self, component: &Path, arguments: &[&str]) -> String {
        let output = self.run(component, arguments);
        assert_eq!(output.status.code(), Some(0), "{}{}", text(&output.stdout), text(&output.stderr));
        text(&output.stdout) + &text(&output.stderr)
    }

    /// Refused before it runs; what was said.
    #[track_caller]
    fn refused(&self, component: &Path, arguments: &[&str]) -> String {
        let output = self.run(component, arguments);
        assert_eq!(output.status.code(), Some(4), "{}{}", text(&output.stdout), text(&output.stderr));
        text(&output.stderr)
    }
}

const NOTHING: AskedLimits =
    AskedLimits { memory_mib: None, cpu_seconds: None, wall_seconds: None, rows: None, requests: None };

#[test]
fn a_component_that_changed_by_one_byte_is_refused_until_it_is_accepted() {
    let place = Place::new();
    let first = place.component("first.wasm", "1.0.0", &[], NOTHING);
    let mut bytes = fs::read(&first).unwrap();
    stamp::append_section(&mut bytes, "other", b"x");
    let second = place.write("second.wasm", &bytes);

    place.succeeds(&first, &[]);
    place.succeeds(&first, &[]);
    let said = place.refused(&second, &[]);
    assert!(said.contains("connection shop runs another connector than it accepted"), "{said}");
    assert!(said.contains("shop 1.0.0 (sha256 ") && said.contains(" became shop 1.0.0 (sha256 "), "{said}");
    assert!(said.contains("--accept"), "{said}");
    // A refusal accepts nothing.
    place.refused(&second, &[]);
    place.succeeds(&first, &[]);

    let said = place.succeeds(&second, &["--accept"]);
    assert!(said.contains("note: accepted: shop 1.0.0"), "{said}");
    place.succeeds(&second, &[]);
    place.refused(&first, &[]);

    // Another connection knows nothing of it, and a reset forgets.
    place.succeeds(&first, &["--connection", "other"]);
    let warehouse = place.0.path().join("warehouse");
    let reset = sluice().args(["reset", "shop", "--yes", "--warehouse"]).arg(warehouse).output().unwrap();
    assert!(reset.status.success());
    place.succeeds(&first, &[]);
}

#[test]
fn no_machine_code_is_made_of_a_component_that_is_refused() {
    let place = Place::new();
    let (first, second) = (place.component("first.wasm", "1.0.0", &[], NOTHING), {
        let mut bytes = component::idle();
        stamp::append_section(&mut bytes, "other", b"x");
        place.write("shop.wasm", &bytes)
    });
    let cache = place.0.path().join("cache");
    let run = |component: &Path, arguments: &[&str]| {
        let mut command = sluice();
        command.env("SLUICE_CACHE_DIR", &cache).arg("run").arg(component).args(["--connection", "shop", "--warehouse"]);
        let ended = command.arg(place.0.path().join("warehouse")).args(arguments).output().unwrap();
        (ended.status.code(), text(&ended.stderr))
    };
    let made = || {
        let all = files(&cache);
        all.into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "cwasm")).count()
    };
    for no_jail in [&[][..], &["--no-jail"]] {
        let (code, said) = run(&first, no_jail);
        assert_eq!(code, Some(0), "{said}");
        assert_eq!(made(), 1, "{:?}", files(&cache));
        let (code, said) = run(&second, no_jail);
        assert_eq!(code, Some(4), "{said}");
        assert!(said.contains("runs another connector than it accepted"), "{said}");
        assert!(!said.contains("making machine code"), "{said}");
        assert_eq!(made(), 1, "{:?}", files(&cache));
    }
    let (code, said) = run(&second, &["--accept"]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(made(), 2, "{:?}", files(&cache));
    // Where there is machine code already, it is refused all the same.
    assert_eq!(run(&first, &[]).0, Some(4));
}

#[test]
fn a_component_that_changed_is_told_as_that_though_it_was_too_dear_to_compile() {
    let place = Place::new();
    let first = place.component("shop.wasm", "1.0.0", &[], NOTHING);
    let dear = place.write("dear.wasm", &component::dear());
    let cache = place.0.path().join("cache");
    let fleet = "warehouse = \"warehouse\"\n[connections.shop]\ncomponent = \"dear.wasm\"\n";
    fs::write(place.0.path().join("sluice.toml"), fleet).unwrap();
    // Of what a compiler may take, as much as one that is not dear needs many times over.
    let run = |arguments: &[&str]| {
        let mut command = sluice();
        command.current_dir(place.0.path()).env("SLUICE_CACHE_DIR", &cache).args(arguments);
        let ended = after("ulimit -t 4", &["sh"], &[], &command).output().unwrap();
        (ended.status.code(), text(&ended.stdout) + &text(&ended.stderr))
    };
    let [first, dear] = [first, dear].map(|path| path.to_str().unwrap().to_owned());
    let (code, said) = run(&["run", &first, "--warehouse", "warehouse"]);
    assert_eq!(code, Some(0), "{said}");

    let changed = ["run", &dear, "--connection", "shop", "--warehouse", "warehouse"];
    let accepted = [&changed[..], &["--accept"]].concat();
    let (code, said) = run(&accepted);
    assert!(code == Some(2) && said.contains("the compiler did not finish"), "{code:?} {said}");
    let (code, said) = run(&accepted);
    assert!(code == Some(2) && said.contains("is not tried again"), "{code:?} {said}");
    assert!(!said.contains("making machine code"), "{said}");

    for (arguments, expected) in [(&changed[..], 4), (&["batch"], 7)] {
        let (code, said) = run(arguments);
        assert_eq!(code, Some(expected), "{arguments:?}: {said}");
        assert!(said.contains("runs another connector than it accepted"), "{arguments:?}: {said}");
        assert!(!said.contains("compiler") && !said.contains("making machine code"), "{arguments:?}: {said}");
    }
}

/// All files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[test]
fn a_version_that_asks_for_more_is_refused_with_the_difference_though_it_is_granted() {
    let place = Place::new();
    let first =
        place.component("first.wasm", "1.0.0", &["https://api.example.com", "https://old.example.com"], NOTHING);
    let asks = AskedLimits { memory_mib: Some(300), ..NOTHING };
    let second = place.component("second.wasm", "1.1.0", &["https://api.example.com", "https://new.example.com"], asks);
    let grants = [
        "--allow",
        "https://api.example.com",
        "--allow",
        "https://old.example.com",
        "--allow",
        "https://new.example.com",
    ];

    place.succeeds(&first, &grants);
    let said = place.refused(&second, &grants);
    assert!(said.contains("shop 1.0.0 (sha256 ") && said.contains("became shop 1.1.0 (sha256 "), "{said}");
    assert!(said.contains("it asks for more: network https://new.example.com, memory_mib 300"), "{said}");
    assert!(said.contains("it no longer asks for: network https://old.example.com"), "{said}");
    // The same where it is not granted: whoever is told of the grant first would grant it.
    let said = place.refused(&second, &grants[..4]);
    assert!(said.contains("it asks for more: network https://new.example.com, memory_mib 300"), "{said}");
    assert!(!said.contains("--allow"), "{said}");
    place.succeeds(&second, &[&grants[..], &["--accept"]].concat());
    place.succeeds(&second, &grants);
}

#[test]
fn accepting_grants_nothing() {
    let place = Place::new();
    let asking = place.component("asking.wasm", "1.0.0", &["https://api.example.com"], NOTHING);
    let said = place.refused(&asking, &["--accept"]);
    assert!(said.contains("asks for network access that is not granted: https://api.example.com"), "{said}");
    assert!(said.contains("grant it with --allow https://api.example.com"), "{said}");
    assert!(!place.0.path().join("warehouse").exists(), "nothing was done");
}
