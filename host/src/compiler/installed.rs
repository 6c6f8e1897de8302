//! What lies in the folder that pip installed the dependencies into.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::native;
use super::requirements::normal_name;

const MAX_MODULES: usize = 50;

/// A package whose machine code is left out: whether it works without is seen by importing it in the sandbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    /// The package.
    pub package: String,
    /// The modules it is for, none when it has no Python at all.
    pub modules: Vec<String>,
}

/// The packages that are to be tried, by name.
pub(super) fn probes(site: &Path) -> io::Result<Vec<Probe>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(site)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let Some((package, _)) = name.strip_suffix(".dist-info").and_then(|stem| stem.rsplit_once('-')) else {
            continue;
        };
        let package = normal_name(package);
        let kind = fs::read_to_string(path.join("WHEEL")).unwrap_or_default();
        if is_pure(&kind) || native::WITHOUT_MACHINE_CODE.contains(&package.as_str()) {
            continue;
        }
        let record = fs::read_to_string(path.join("RECORD")).unwrap_or_default();
        found.push(Probe { package, modules: modules(&record) });
    }
    found.sort_by(|a, b| a.package.cmp(&b.package));
    Ok(found)
}

fn is_pure(kind: &str) -> bool {
    let mut tags = kind.lines().filter_map(|line| line.strip_prefix("Tag: "));
    tags.all(|tag| tag.trim().ends_with("-any"))
}

/// The modules and packages at the top of a distribution; below a namespace, what is there.
fn modules(record: &str) -> Vec<String> {
    let paths: Vec<&str> = record.lines().filter_map(|line| line.split(',').next()).collect();
    let at_depth = |depth: usize| -> BTreeSet<String> {
        let stems = paths.iter().filter_map(|path| path.strip_suffix("/__init__.py"));
        let packages = stems.filter(|stem| stem.split('/').count() == depth);
        let files = paths.iter().filter_map(|path| path.strip_suffix(".py"));
        let files = files.filter(|stem| stem.split('/').count() == depth && !stem.ends_with("__init__"));
        packages.chain(files).map(|stem| stem.replace('/', ".")).collect()
    };
    let top = at_depth(1);
    let found = if top.is_empty() { at_depth(2) } else { top };
    let public = found.iter().filter(|name| !name.starts_with('_')).cloned();
    let public: Vec<String> = public.take(MAX_MODULES).collect();
    if public.is_empty() { found.into_iter().take(MAX_MODULES).collect() } else { public }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn what_is_tried_are_the_modules_at_the_top() {
        assert_eq!(modules("a/__init__.py,sha256=x,1\na/b.py,,\nc.py,,\n_d.py,,\na-1.dist-info/RECORD,,"), ["a", "c"]);
        assert_eq!(modules("g/x/__init__.py,,\ng/x/y.py,,"), ["g.x"]);
        assert_eq!(modules("_only.py,,"), ["_only"]);
        assert!(modules("_x.cpython-314-x86_64-linux-gnu.so,,").is_empty());
    }

    #[test]
    fn only_unknown_machine_code_is_tried() {
        let site = tempfile::tempdir().unwrap();
        for (name, tag) in [
            ("Odd_One-1.0", "cp314-cp314-manylinux_2_17_x86_64"),
            ("plain-1.0", "py3-none-any"),
            ("pyyaml-6.0", "cp314-cp314-manylinux_2_17_x86_64"),
        ] {
            let folder = site.path().join(format!("{name}.dist-info"));
            fs::create_dir(&folder).unwrap();
            fs::write(folder.join("WHEEL"), format!("Wheel-Version: 1.0\nTag: {tag}\n")).unwrap();
            fs::write(folder.join("RECORD"), "odd/__init__.py,,\n").unwrap();
        }
        let expected = Probe { package: "odd-one".into(), modules: vec!["odd".into()] };
        assert_eq!(probes(site.path()).unwrap(), [expected]);
    }
}
