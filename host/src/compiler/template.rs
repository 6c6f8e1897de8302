//! `sluice init`: a project that runs as it is, without network.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::manifest::name_from_folder;

/// The files of a new project.
pub const FILES: &[(&str, &str)] = &[
    ("connector.py", include_str!("../../templates/default/connector.py")),
    ("connector.toml", include_str!("../../templates/default/connector.toml")),
    ("configuration.json", include_str!("../../templates/default/configuration.json")),
    ("requirements.txt", include_str!("../../templates/default/requirements.txt")),
    ("README.md", include_str!("../../templates/default/README.md")),
    ("tests/test_connector.py", include_str!("../../templates/default/tests/test_connector.py")),
];
const NAME: &str = "my-connector";

/// Why no project was made.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
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

/// Makes a new project in a folder, which may exist as long as no file of the project does. Returns the files.
///
/// # Errors
///
/// When a file exists or cannot be written.
pub fn init(folder: &Path) -> Result<Vec<PathBuf>, InitError> {
    let targets: Vec<PathBuf> = FILES.iter().map(|(path, _)| folder.join(path)).collect();
    if let Some(existing) = targets.iter().find(|path| path.symlink_metadata().is_ok()) {
        return Err(InitError::Exists(existing.clone()));
    }
    fs::create_dir_all(folder).map_err(failed(folder))?;
    let whole = folder.canonicalize().map_err(failed(folder))?;
    let name = name_from_folder(&whole.file_name().unwrap_or_default().to_string_lossy());
    for (path, (_, contents)) in targets.iter().zip(FILES) {
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
        let target = folder.path().join("Shop Orders");
        init(&target).unwrap();
        let project = Project::read(&target).unwrap();
        assert_eq!(project.name, "shop-orders");
        assert!(project.requirements.lines.is_empty());
        let text = fs::read_to_string(target.join("configuration.json")).unwrap();
        crate::compiler::configuration::parse(&text).unwrap();
    }

    #[test]
    fn nothing_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("connector.py"), "mine").unwrap();
        assert!(matches!(init(folder.path()), Err(InitError::Exists(_))));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
