//! A connector's project: a folder with `connector.py`.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::manifest::{self, MANIFEST, Manifest, ManifestError};
use super::requirements::{Requirements, RequirementsError};
use crate::landing::Landing;
use crate::parcel::archive;
use crate::policy::egress::NetworkGrant;
use crate::policy::held::SecretRules;
use crate::stamp::AskedLimits;

/// The file every project has.
pub const ENTRY: &str = "connector.py";
/// Most files of a project; larger ones are a folder that was not meant.
pub const MAX_FILES: usize = archive::MAX_FILES;
/// Most bytes of a project's files together; they live in the connector's memory.
pub const MAX_BYTES: u64 = 16 << 20;
/// Deepest nesting of folders; also ends a circle of links.
pub const MAX_DEPTH: usize = archive::MAX_DEPTH;
/// Written by `sluice` or by people around a project, never part of it; in its top folder only.
const NOT_AT_TOP: [&str; 7] =
    ["configuration.json", "sluice.toml", "pylock.sluice.toml", "warehouse", "files", "crash-reports", "tests"];
const NOT_ANYWHERE: [&str; 2] = ["__pycache__", "node_modules"];
const NOT_ENDING: [&str; 7] = ["wasm", "cwasm", "pyc", "db", "db-wal", "db-shm", "har"];

/// One file of a project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProjectFile {
    /// Its path below the folder, with `/` between names.
    pub path: String,
    /// Its contents.
    pub contents: Vec<u8>,
}

/// A project, read whole.
#[derive(Clone, Debug)]
pub struct Project {
    /// The folder.
    pub folder: PathBuf,
    /// The connector's name.
    pub name: String,
    /// The connector's version, `0.0.0` when the project gives none.
    pub version: String,
    /// The network destinations it asks for.
    pub network: Vec<NetworkGrant>,
    /// The limits it asks for.
    pub limits: AskedLimits,
    /// How its rows land.
    pub landing: Landing,
    /// What of its configuration is secret.
    pub secrets: SecretRules,
    /// The packages it requires.
    pub requirements: Requirements,
    /// The files that go into the component, by path.
    pub files: Vec<ProjectFile>,
}

/// Why a folder is not a project.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    /// No `connector.py`.
    #[error(
        "{folder} has no {ENTRY}; `sluice init` makes a project, and a connector in another language is run as the component \
         that its tools build"
    )]
    NoEntry {
        /// The folder.
        folder: PathBuf,
    },
    /// A file cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file name that is not UTF-8.
    #[error("the name of {0} is not UTF-8; rename it")]
    Name(PathBuf),
    /// A link that points outside of the project.
    #[error("{0} is a link that leaves the project's folder; copy the file into the project")]
    Link(PathBuf),
    /// Neither a file nor a folder.
    #[error("{0} is neither a file nor a folder; remove it from the project")]
    Special(PathBuf),
    /// Too many files.
    #[error("the project has more than {MAX_FILES} files; move what the connector does not need elsewhere")]
    TooManyFiles,
    /// Too large.
    #[error("the project's files have more than {} MiB; move what the connector does not need elsewhere", MAX_BYTES >> 20)]
    TooLarge,
    /// Too deep.
    #[error("{0} is nested more than {MAX_DEPTH} folders deep")]
    TooDeep(PathBuf),
    /// A file that must be text is not.
    #[error("{0} is not UTF-8 text")]
    NotText(&'static str),
    /// `connector.toml`.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// `requirements.txt` or `pyproject.toml`.
    #[error(transparent)]
    Requirements(#[from] RequirementsError),
}

impl Project {
    /// Reads the project in a folder. Nothing of it is executed.
    ///
    /// Part of it are all files but: names that begin with a dot, `__pycache__`, `node_modules`, every
    /// folder with a `pyvenv.cfg`, files ending in `.wasm`, `.cwasm`, `.pyc`, `.db` or `.har`, and in the top
    /// folder `configuration.json`, `sluice.toml`, `pylock.sluice.toml`, `warehouse`, `files`, `crash-reports` and
    /// `tests`.
    ///
    /// # Errors
    ///
    /// When something cannot be read, is too large, or says what means nothing to us.
    pub fn read(folder: &Path) -> Result<Self, ProjectError> {
        let root = folder.canonicalize().map_err(reading(folder))?;
        if !root.join(ENTRY).is_file() {
            return Err(ProjectError::NoEntry { folder: folder.to_path_buf() });
        }
        let mut walk = Walk { root: &root, files: Vec::new(), bytes: 0 };
        walk.folder(&root, "", 0)?;
        let mut files = walk.files;
        files.sort_by(|a, b| a.path.cmp(&b.path));

        let manifest = text(&files, MANIFEST)?.map(Manifest::parse).transpose()?.unwrap_or_default();
        for name in ["pyproject.toml", "requirements.txt"] {
            text(&files, name)?;
        }
        let find = |path: &str| {
            let file = files.iter().find(|file| file.path == path)?;
            std::str::from_utf8(&file.contents).ok()
        };
        let requirements = Requirements::of(&find)?;
        let folder_name = root.file_name().unwrap_or_default().to_string_lossy();
        Ok(Self {
            name: manifest.name.unwrap_or_else(|| manifest::name_from_folder(&folder_name)),
            version: manifest.version.unwrap_or_else(|| "0.0.0".into()),
            network: manifest.network,
            limits: manifest.limits,
            landing: manifest.destination,
            secrets: manifest.secrets,
            requirements,
            files,
            folder: root,
        })
    }
}

struct Walk<'a> {
    root: &'a Path,
    files: Vec<ProjectFile>,
    bytes: u64,
}

impl Walk<'_> {
    fn folder(&mut self, folder: &Path, below: &str, depth: usize) -> Result<(), ProjectError> {
        if depth > MAX_DEPTH {
            return Err(ProjectError::TooDeep(folder.to_path_buf()));
        }
        for entry in fs::read_dir(folder).map_err(reading(folder))? {
            let path = entry.map_err(reading(folder))?.path();
            let name = path.file_name().and_then(|name| name.to_str());
            let name = name.ok_or_else(|| ProjectError::Name(path.clone()))?.to_owned();
            if !is_part(&name, depth) {
                continue;
            }
            // A link could bring any file of the author's machine into a component that is given away.
            let target = path.canonicalize().map_err(reading(&path))?;
            if !target.starts_with(self.root) {
                return Err(ProjectError::Link(path));
            }
            let relative = if below.is_empty() { name } else { format!("{below}/{name}") };
            if target.is_dir() {
                if !path.join("pyvenv.cfg").exists() {
                    self.folder(&path, &relative, depth + 1)?;
                }
            } else if target.is_file() {
                self.file(&path, relative)?;
            } else {
                return Err(ProjectError::Special(path));
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &Path, relative: String) -> Result<(), ProjectError> {
        if self.files.len() >= MAX_FILES {
            return Err(ProjectError::TooManyFiles);
        }
        let mut contents = Vec::new();
        let left = MAX_BYTES - self.bytes;
        let file = fs::File::open(path).map_err(reading(path))?;
        file.take(left + 1).read_to_end(&mut contents).map_err(reading(path))?;
        let size = u64::try_from(contents.len()).unwrap_or(u64::MAX);
        if size > left {
            return Err(ProjectError::TooLarge);
        }
        self.bytes += size;
        self.files.push(ProjectFile { path: relative, contents });
        Ok(())
    }
}

/// Whether a file or folder of this name is part of a project, so many folders below its own.
pub(crate) fn is_part(name: &str, depth: usize) -> bool {
    let ending = Path::new(name).extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    let left_out = name.starts_with('.')
        || NOT_ANYWHERE.contains(&name)
        || NOT_ENDING.contains(&ending)
        || (depth == 0 && NOT_AT_TOP.contains(&name));
    !left_out
}

fn text<'a>(files: &'a [ProjectFile], name: &'static str) -> Result<Option<&'a str>, ProjectError> {
    let file = files.iter().find(|file| file.path == name);
    let decoded = file.map(|file| std::str::from_utf8(&file.contents)).transpose();
    decoded.map_err(|_| ProjectError::NotText(name))
}

fn reading(path: &Path) -> impl FnOnce(io::Error) -> ProjectError + '_ {
    move |source| ProjectError::Read { path: path.to_path_buf(), source }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;

    fn project(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::Builder::new().prefix("shop").tempdir().unwrap();
        for (path, contents) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, contents).unwrap();
        }
        folder
    }

    fn paths(project: &Project) -> Vec<&str> {
        project.files.iter().map(|file| file.path.as_str()).collect()
    }

    #[test]
    fn the_smallest_project_is_one_file() {
        let folder = project(&[("connector.py", "x = 1\n")]);
        let project = Project::read(folder.path()).unwrap();
        assert!(project.name.starts_with("shop"));
        assert_eq!(project.version, "0.0.0");
        assert_eq!(paths(&project), ["connector.py"]);
        assert!(project.network.is_empty());
    }

    #[test]
    fn what_belongs_to_a_project() {
        let folder = project(&[
            ("connector.py", ""),
            ("connector.toml", "name = 'demo'\n"),
            ("lib/client.py", ""),
            ("data/tests/sample.csv", ""),
            (".env", "SECRET=1"),
            (".git/config", ""),
            ("configuration.json", "{}"),
            ("sluice.toml", ""),
            ("lib/configuration.json", "{}"),
            ("__pycache__/connector.pyc", ""),
            ("env/pyvenv.cfg", ""),
            ("env/lib/x.py", ""),
            ("demo.wasm", ""),
            ("demo.db", ""),
            ("warehouse/x", ""),
            ("files/x", ""),
            ("tests/test_connector.py", ""),
        ]);
        let project = Project::read(folder.path()).unwrap();
        assert_eq!(project.name, "demo");
        let expected =
            ["connector.py", "connector.toml", "data/tests/sample.csv", "lib/client.py", "lib/configuration.json"];
        assert_eq!(paths(&project), expected);
    }

    #[test]
    fn a_folder_without_connector_is_refused() {
        let folder = project(&[("main.py", "")]);
        let message = Project::read(folder.path()).unwrap_err().to_string();
        assert!(message.contains("has no connector.py"), "{message}");
    }

    #[cfg(unix)]
    #[test]
    fn a_link_out_of_the_project_is_refused_and_one_inside_is_followed() {
        use std::os::unix::fs::symlink;
        let outside = project(&[("secret.txt", "s")]);
        let folder = project(&[("connector.py", ""), ("a.txt", "a")]);
        symlink("a.txt", folder.path().join("b.txt")).unwrap();
        assert_eq!(paths(&Project::read(folder.path()).unwrap()), ["a.txt", "b.txt", "connector.py"]);
        symlink(outside.path(), folder.path().join("c")).unwrap();
        assert!(matches!(Project::read(folder.path()), Err(ProjectError::Link(_))));
    }

    #[cfg(unix)]
    #[test]
    fn a_circle_of_links_ends() {
        let folder = project(&[("connector.py", ""), ("lib/x.py", "")]);
        std::os::unix::fs::symlink("..", folder.path().join("lib/up")).unwrap();
        assert!(matches!(Project::read(folder.path()), Err(ProjectError::TooDeep(_))));
    }

    #[test]
    fn size_and_number_are_bounded() {
        let folder = project(&[("connector.py", "")]);
        let large = fs::File::create(folder.path().join("large.bin")).unwrap();
        large.set_len(MAX_BYTES + 1).unwrap();
        assert!(matches!(Project::read(folder.path()), Err(ProjectError::TooLarge)));
        fs::remove_file(folder.path().join("large.bin")).unwrap();
        for number in 0..MAX_FILES {
            fs::write(folder.path().join(format!("{number}.txt")), "").unwrap();
        }
        assert!(matches!(Project::read(folder.path()), Err(ProjectError::TooManyFiles)));
    }
}
