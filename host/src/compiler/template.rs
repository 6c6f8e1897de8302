//! `sluice init`: a project that runs as it is, without network.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::manifest::name_from_folder;
use crate::embedded::TEMPLATES;

/// The template of a project that nothing more is said of.
pub const DEFAULT: &str = "default";
const NAME: &str = "my-connector";

/// A template's name, and what it is for in one line.
const ABOUT: [(&str, &str); 6] = [
    (DEFAULT, "a REST interface with a cursor, and sample rows so that it runs at once"),
    ("rest-api", "pages of a REST service, all of them each time, with tries again when it is busy"),
    ("incremental", "only what changed since the last sync, by a cursor"),
    ("deletes", "a log of changes: rows appear, change, and go away"),
    ("database", "a table of PostgreSQL over TCP, by a cursor of time and id"),
    ("multi-file", "several listings and tables, the code in a package beside connector.py"),
];

/// The templates, each with what it is for.
pub fn templates() -> impl Iterator<Item = (&'static str, &'static str)> {
    ABOUT.into_iter()
}

/// The files of a template: path and text.
#[must_use]
pub fn files(template: &str) -> Option<&'static [(&'static str, &'static str)]> {
    TEMPLATES.iter().find(|(name, _)| *name == template).map(|(_, files)| *files)
}

/// Why no project was made.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// There is no such template.
    #[error("there is no template {0}")]
    Unknown(String),
    /// Something would be overwritten.
    #[error("{0} exists already; choose another folder")]
    Exists(PathBuf),
    /// A file cannot be written.
    #[error("cannot write {path}")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Makes a new project of a template in a folder, which may exist as long as no file of the project does. Returns the
/// files.
///
/// # Errors
///
/// When there is no such template, or a file exists or cannot be written.
pub fn init(folder: &Path, template: &str) -> Result<Vec<PathBuf>, InitError> {
    let files = files(template).ok_or_else(|| InitError::Unknown(template.to_owned()))?;
    let targets: Vec<PathBuf> = files.iter().map(|(path, _)| folder.join(path)).collect();
    if let Some(existing) = targets.iter().find(|path| path.symlink_metadata().is_ok()) {
        return Err(InitError::Exists(existing.clone()));
    }
    fs::create_dir_all(folder).map_err(failed(folder))?;
    let whole = folder.canonicalize().map_err(failed(folder))?;
    let name = name_from_folder(&whole.file_name().unwrap_or_default().to_string_lossy());
    for (path, (_, contents)) in targets.iter().zip(files) {
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(failed(parent))?;
        }
        fs::write(path, contents.replace(NAME, &name)).map_err(failed(path))?;
    }
    Ok(targets)
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> InitError + '_ {
    move |source| InitError::Write { path: path.to_path_buf(), source }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;
    use crate::compiler::Project;

    #[test]
    fn a_new_project_is_one() {
        let folder = tempfile::tempdir().unwrap();
        for (template, _) in templates() {
            let target = folder.path().join(template).join("Shop Orders");
            init(&target, template).unwrap();
            let project = Project::read(&target).unwrap();
            assert_eq!(project.name, "shop-orders", "{template}");
            assert_eq!(project.requirements.lines.is_empty(), template != "database", "{template}");
            let text = fs::read_to_string(target.join("configuration.json")).unwrap();
            crate::compiler::configuration::parse(&text).unwrap();
        }
        assert!(matches!(init(folder.path(), "other"), Err(InitError::Unknown(_))));
    }

    #[test]
    fn every_template_is_listed_and_whole() {
        let embedded: Vec<_> = TEMPLATES.iter().map(|(name, _)| *name).collect();
        let mut listed: Vec<_> = templates().map(|(name, _)| name).collect();
        listed.sort_unstable();
        assert_eq!(embedded, listed);
        for (template, files) in TEMPLATES {
            for path in ["connector.py", "connector.toml", "configuration.json", "README.md", "tests/test_connector.py"]
            {
                assert!(files.iter().any(|(file, _)| *file == path), "{template} has no {path}");
            }
        }
    }

    #[test]
    fn nothing_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("connector.py"), "mine").unwrap();
        assert!(matches!(init(folder.path(), DEFAULT), Err(InitError::Exists(_))));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
