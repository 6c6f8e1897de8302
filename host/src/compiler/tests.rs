//! Keys without building, and one real build, which takes half a minute and a package index.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::fs;
use std::path::Path;

use super::*;

const WIT: Embedded<'_> = &[("connector.wit", "package a:b;")];
const SDK: Embedded<'_> = &[("sluice/_guest.py", "pass\n")];
const INPUTS: Inputs<'_> = Inputs { wit: WIT, sdk: SDK, native: &[], sdk_version: "0.1.0", contract_version: "0.1.0" };

fn project(files: &[(&str, &str)]) -> (tempfile::TempDir, Project) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("connector.toml"), "name = 'demo'\n").unwrap();
    for (path, contents) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, contents).unwrap();
    }
    let project = Project::read(folder.path()).unwrap();
    (folder, project)
}

fn default_connector() -> &'static str {
    let files = template::files(template::DEFAULT).unwrap();
    files.iter().find(|(path, _)| *path == "connector.py").unwrap().1
}

#[test]
fn the_key_follows_the_content_and_nothing_else() {
    let key_of = |files: &[(&str, &str)]| key(&project(files).1, &INPUTS, "deps");
    let base = key_of(&[("connector.py", "a"), ("b.py", "b")]);
    assert_eq!(base, key_of(&[("b.py", "b"), ("connector.py", "a")]));
    assert_eq!(base, key_of(&[("connector.py", "a"), ("b.py", "b"), ("configuration.json", "{}"), (".env", "x")]));
    assert_ne!(base, key_of(&[("connector.py", "A"), ("b.py", "b")]));
    assert_ne!(base, key_of(&[("connector.py", "a"), ("c.py", "b")]));
}

#[test]
fn the_key_follows_sdk_contract_and_dependencies() {
    let (_folder, project) = project(&[("connector.py", "a")]);
    let base = key(&project, &INPUTS, "deps");
    assert_ne!(base, key(&project, &INPUTS, "other"));
    assert_ne!(base, key(&project, &Inputs { sdk: &[("sluice/_guest.py", "x\n")], ..INPUTS }, "deps"));
    assert_ne!(base, key(&project, &Inputs { wit: SDK, sdk: WIT, ..INPUTS }, "deps"));
    assert_ne!(base, key(&project, &Inputs { sdk_version: "0.2.0", ..INPUTS }, "deps"));
}

#[test]
fn a_damaged_component_in_the_cache_is_not_used() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("k.wasm");
    fs::write(&path, b"half").unwrap();
    assert!(cached(&path, "k").is_none());
    assert!(cached(Path::new("/nowhere"), "k").is_none());
}

/// Files below a folder as the program would embed them.
fn embedded(folder: &Path) -> Vec<(String, String)> {
    fn collect(root: &Path, folder: &Path, found: &mut Vec<(String, String)>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let relative = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            if path.is_dir() && !relative.ends_with("__pycache__") {
                collect(root, &path, found);
            } else if relative.ends_with(".py") || relative.ends_with(".wit") {
                found.push((relative, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    let mut found = Vec::new();
    collect(folder, folder, &mut found);
    found.sort();
    found
}

/// Answers that every module is empty.
struct NoPython;

impl Interpreters for NoPython {
    fn start(&self, _: &[u8], _: Jail) -> Result<Box<Interpreter<'_>>, String> {
        Ok(Box::new(|_, _| Ok(r#"{"code": [], "refused": [], "next": null}"#.to_owned())))
    }
}

/// A build with the repository's SDK. `SLUICE_TEST_WIT` names a folder with the contract and WASI's packages,
/// `SLUICE_TEST_CACHE` a cache to keep.
struct Real {
    wit: Vec<(String, String)>,
    sdk: Vec<(String, String)>,
    cache: PathBuf,
    _temporary: tempfile::TempDir,
}

impl Real {
    fn new() -> Self {
        let temporary = tempfile::tempdir().unwrap();
        let cache = std::env::var_os("SLUICE_TEST_CACHE").map_or_else(|| temporary.path().join("cache"), PathBuf::from);
        let sdk = Path::new(file!()).ancestors().find(|folder| folder.join("guest-python").is_dir());
        let sdk = sdk.map_or_else(
            || Path::new(env!("CARGO_MANIFEST_DIR")).join("../guest-python/src"),
            |root| root.join("guest-python/src"),
        );
        let wit = PathBuf::from(std::env::var_os("SLUICE_TEST_WIT").expect("SLUICE_TEST_WIT"));
        Self { wit: embedded(&wit), sdk: embedded(&sdk), cache, _temporary: temporary }
    }

    fn build(&self, project: &Project) -> (Result<Built, BuildError>, Vec<String>) {
        let borrow = |files: &'_ [(String, String)]| -> Vec<(&'static str, &'static str)> {
            let leak = |text: &String| -> &'static str { Box::leak(text.clone().into_boxed_str()) };
            files.iter().map(|(path, text)| (leak(path), leak(text))).collect()
        };
        let (wit, sdk) = (borrow(&self.wit), borrow(&self.sdk));
        let native = crate::embedded::NATIVE;
        let inputs = Inputs { wit: &wit, sdk: &sdk, native, sdk_version: "0.1.0", contract_version: "0.1.0" };
        let mut steps = Vec::new();
        let built = build(
            project,
            &Workshop { inputs: &inputs, cache: &self.cache, interpreters: &NoPython },
            &Options { jail: Jail::None, ..Options::default() },
            &mut |line: &str| steps.push(line.to_owned()),
        );
        (built, steps)
    }
}

#[test]
#[ignore = "needs a package index, SLUICE_TEST_WIT and half a minute"]
fn a_real_project_is_built_once() {
    let real = Real::new();
    let (folder, project) = project(&[
        ("connector.py", default_connector()),
        ("requirements.txt", "fivetran-connector-sdk\npg8000==1.31.2\n"),
    ]);
    let (built, steps) = real.build(&project);
    let built = built.unwrap();
    assert!(steps.iter().any(|step| step.contains("fivetran-connector-sdk is provided")), "{steps:?}");
    let component = fs::read(&built.path).unwrap();
    assert_eq!(stamp::read(&component), Ok(Some(built.stamp.clone())));
    let names: Vec<&str> = built.stamp.dependencies.iter().map(|d| d.name.as_str()).collect();
    assert!(names.contains(&"pg8000") && names.contains(&"requests") && names.contains(&"scramp"), "{names:?}");

    let (again, _) = real.build(&project);
    let again = again.unwrap();
    assert!(!again.fresh);
    assert_eq!(again.digest, built.digest);
    let target = folder.path().join("demo.wasm");
    again.copy_to(&target).unwrap();
    assert_eq!(fs::read(target).unwrap(), component);
}

#[test]
#[ignore = "needs a package index, SLUICE_TEST_WIT and half a minute"]
fn what_cannot_be_built_is_said_plainly() {
    let real = Real::new();
    let cases = [
        (("requirements.txt", "psycopg2==2.9.9\n"), "psycopg2 cannot be used: it is machine code"),
        (("requirements.txt", "numpy\nrequests\n"), "numpy cannot be used: it is machine code"),
        (("requirements.txt", "requests==99\n"), "cannot resolve the project's requirements"),
        (("lib/client.py", "x = 1\ndef f(:\n"), "lib/client.py:2: "),
    ];
    for (file, expected) in cases {
        let (_folder, project) = project(&[("connector.py", default_connector()), file]);
        let message = real.build(&project).0.unwrap_err().to_string();
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
#[ignore = "needs a package index, SLUICE_TEST_WIT and half a minute"]
fn a_project_cannot_touch_its_build() {
    let real = Real::new();
    let (_folder, project) = project(&[
        ("connector.py", "raise SystemExit('executed at build')\n"),
        ("sitecustomize.py", "raise SystemExit('executed at build')\n"),
        ("chardet.py", "raise SystemExit('executed at build')\n"),
        ("componentize-py.toml", "wit_directory = '../../..'\nbindings = 'x'\n"),
        ("lib/componentize-py.toml", "wit_directory = '../../..'\n"),
    ]);
    let (built, _) = real.build(&project);
    assert!(built.unwrap().size > 1 << 20);
}
