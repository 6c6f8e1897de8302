//! Files of a project or of packages, with the byte code of their modules.

use std::collections::{HashMap, HashSet};

use super::BuildError;
use super::bundle;
use super::dependencies::Dependencies;
use super::project::{Project, ProjectFile};
use crate::parcel::{Archive, Entry};

/// Files with the byte code of some.
#[derive(Debug, Default)]
pub struct Files {
    files: Vec<(ProjectFile, Option<Vec<u8>>)>,
    /// Whether the component keeps its own packages.
    beside: bool,
}

impl Files {
    /// The files of installed packages.
    ///
    /// # Errors
    ///
    /// When one cannot be read, or they are too many.
    pub fn of_packages(dependencies: &Dependencies) -> Result<Self, BuildError> {
        let files = bundle::packages(&dependencies.site)?;
        Ok(Self { files: files.into_iter().map(|file| (file, None)).collect(), beside: false })
    }

    /// The files of a project.
    #[must_use]
    pub fn of_project(project: &Project) -> Self {
        Self { files: project.files.iter().map(|file| (file.clone(), None)).collect(), beside: true }
    }

    /// Leaves out the packages that a component has, if these are all of them. Whether it did.
    pub fn share(&mut self, own: &Self) -> bool {
        let of: HashMap<_, _> = self.files.iter().map(|(file, _)| (file.path.as_str(), &file.contents)).collect();
        self.beside = own.files.iter().all(|(file, _)| of.get(file.path.as_str()) == Some(&&file.contents));
        if self.beside {
            let own: HashSet<_> = own.files.iter().map(|(file, _)| file.path.as_str()).collect();
            self.files.retain(|(file, _)| !own.contains(file.path.as_str()));
        }
        self.beside
    }

    /// Notes the byte code of the file with this number.
    pub fn set_code(&mut self, number: usize, code: Vec<u8>) {
        if let Some((_, kept)) = self.files.get_mut(number) {
            *kept = Some(code);
        }
    }

    /// The file with this number.
    pub(super) fn get(&self, number: usize) -> Option<&ProjectFile> {
        self.files.get(number).map(|(file, _)| file)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// The numbers of files whose byte code is known, and that.
    pub fn code(&self) -> impl Iterator<Item = (usize, &[u8])> {
        self.files.iter().enumerate().filter_map(|(number, (_, code))| Some((number, code.as_deref()?)))
    }

    /// All of it, as a guest reads it.
    #[must_use]
    pub fn pack(&self) -> Archive {
        let entries = self.files.iter();
        let entries: Vec<_> = entries
            .map(|(file, code)| Entry { path: &file.path, contents: &file.contents, code: code.as_deref() })
            .collect();
        Archive::pack(&entries, self.beside)
    }
}
