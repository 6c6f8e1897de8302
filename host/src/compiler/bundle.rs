//! Packs the packages of a base for the SDK's `_project.freeze`.
//!
//! componentize-py obeys settings files anywhere below the folders it is given, and a package may be imported from
//! there by its name. So it is given no file of a stranger by name: they lie in one archive that only the SDK reads.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::dependencies::Dependencies;
use super::project::ProjectFile;

/// The folder beside the SDK's packages that `freeze` looks for.
pub const BUNDLE: &str = "sluice-bundle";
/// Most bytes of the dependencies' modules; with their byte code, and imported, they must fit the 128 MiB that
/// componentize-py can snapshot.
pub const MAX_SITE_BYTES: u64 = 64 << 20;
/// Most bytes of their other files, which the component keeps compressed: some packages describe hundreds of services.
pub const MAX_DATA_BYTES: u64 = 192 << 20;
/// Most files of all dependencies.
pub const MAX_SITE_FILES: usize = 20_000;
const NOT_ENDING: [&str; 8] = ["pyc", "pyi", "so", "pyd", "dylib", "dll", "pth", "exe"];
const METADATA: [&str; 3] = ["METADATA", "entry_points.txt", "top_level.txt"];

/// Why the bundle cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// A file cannot be read or written.
    #[error("cannot pack {path}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Too many or too large dependencies.
    #[error(
        "the dependencies have more than {MAX_SITE_FILES} files, {} MiB of modules or {} MiB of data; require fewer packages",
        MAX_SITE_BYTES >> 20,
        MAX_DATA_BYTES >> 20
    )]
    TooLarge,
}

/// Writes the bundle into a new folder. `preload` are the modules to import.
///
/// # Errors
///
/// When a file cannot be read or written, or the dependencies are too many.
pub fn write(folder: &Path, dependencies: &Dependencies, preload: &[String]) -> Result<(), BundleError> {
    let mut archive = Archive::default();
    let packages = packages(&dependencies.site)?;
    let site: Vec<_> = packages.iter().map(|file| archive.add(&file.path, &file.contents)).collect();
    let index = json!({ "site": site, "probes": dependencies.probes, "preload": preload });
    fs::create_dir_all(folder).map_err(failed(folder))?;
    let index = index.to_string();
    for (name, contents) in [("index.json", index.as_bytes()), ("files.bin", archive.contents.as_slice())] {
        let path = folder.join(name);
        fs::write(&path, contents).map_err(failed(&path))?;
    }
    Ok(())
}

/// The files of installed packages that a component holds, by path.
///
/// # Errors
///
/// When a file cannot be read, or they are too many.
pub fn packages(site: &Path) -> Result<Vec<ProjectFile>, BundleError> {
    let mut packages = Packages { modules: 0, data: 0, files: Vec::new() };
    packages.collect(site, "")?;
    packages.files.sort();
    let read = |(relative, path): (String, PathBuf)| {
        let contents = fs::read(&path).map_err(failed(&path))?;
        Ok(ProjectFile { path: relative, contents })
    };
    packages.files.into_iter().map(read).collect()
}

#[derive(Default)]
struct Archive {
    contents: Vec<u8>,
}

impl Archive {
    fn add(&mut self, path: &str, contents: &[u8]) -> (String, usize, usize) {
        let offset = self.contents.len();
        self.contents.extend_from_slice(contents);
        (path.to_owned(), offset, contents.len())
    }
}

struct Packages {
    modules: u64,
    data: u64,
    files: Vec<(String, PathBuf)>,
}

impl Packages {
    fn collect(&mut self, folder: &Path, below: &str) -> Result<(), BundleError> {
        for entry in fs::read_dir(folder).map_err(failed(folder))? {
            let entry = entry.map_err(failed(folder))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            // pip makes no links, and a wheel cannot hold one.
            let kind = entry.metadata().map_err(failed(folder))?;
            if !is_part(&name, below) {
                continue;
            }
            let relative = if below.is_empty() { name } else { format!("{below}/{name}") };
            if kind.is_dir() {
                self.collect(&entry.path(), &relative)?;
            } else if kind.is_file() {
                let bytes = if relative.ends_with(".py") { &mut self.modules } else { &mut self.data };
                *bytes = bytes.saturating_add(kind.len());
                self.files.push((relative, entry.path()));
            }
            let large = self.modules > MAX_SITE_BYTES || self.data > MAX_DATA_BYTES;
            if large || self.files.len() > MAX_SITE_FILES {
                return Err(BundleError::TooLarge);
            }
        }
        Ok(())
    }
}

fn is_part(name: &str, below: &str) -> bool {
    if below.ends_with(".dist-info") {
        return METADATA.contains(&name);
    }
    let ending = Path::new(name).extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    name != "__pycache__" && !NOT_ENDING.contains(&ending) && !(below.is_empty() && (name == "bin" || name == "share"))
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> BundleError + '_ {
    move |source| BundleError::Io { path: path.to_path_buf(), source }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn modules_and_data_have_bounds_of_their_own() {
        let folder = tempfile::tempdir().unwrap();
        let of = |name: &str, bytes: u64| {
            fs::File::create(folder.path().join(name)).unwrap().set_len(bytes).unwrap();
            let mut packages = Packages { modules: 0, data: 0, files: Vec::new() };
            packages.collect(folder.path(), "")
        };
        of("described.json", MAX_DATA_BYTES).unwrap();
        of("module.py", MAX_SITE_BYTES).unwrap();
        of("one_more.json", 1).unwrap_err();
        of("one_more.json", 0).unwrap();
        let refused = of("another.py", 1).unwrap_err().to_string();
        assert!(refused.contains("64 MiB of modules or 192 MiB of data"), "{refused}");
    }

    #[test]
    fn the_index_finds_every_content() {
        let folder = tempfile::tempdir().unwrap();
        let site = folder.path().join("site");
        for path in
            ["pkg/__init__.py", "pkg/x.pyc", "pkg-1.dist-info/METADATA", "pkg-1.dist-info/RECORD", "bin/x", "evil.pth"]
        {
            let path = site.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "site").unwrap();
        }
        let bundle = folder.path().join("bundle");
        let probes = Vec::new();
        let dependencies = Dependencies { site, list: Vec::new(), digest: String::new(), probes };
        write(&bundle, &dependencies, &["pkg".to_owned()]).unwrap();
        let index: serde_json::Value = serde_json::from_slice(&fs::read(bundle.join("index.json")).unwrap()).unwrap();
        assert_eq!(index["preload"], json!(["pkg"]));
        assert_eq!(index["site"], json!([["pkg-1.dist-info/METADATA", 0, 4], ["pkg/__init__.py", 4, 4]]));
        assert_eq!(fs::read(bundle.join("files.bin")).unwrap(), b"sitesite");
    }
}
