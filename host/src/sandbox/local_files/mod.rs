//! The files of one sync: a bounded tree in the host's memory that ends with its store.
//!
//! This replaces WASI's implementation over the host's file system, which is not linked at
//! all: no path of a guest is ever handed to the operating system.
//!
//! | module | what it does |
//! |---|---|
//! | `tree` | folders and files, and what they may take |
//! | `contents` | the bytes of one file |
//! | `path` | paths as a guest writes them |
//! | `streams` | files as streams |
//! | `host` | `wasi:filesystem` over the tree |

mod contents;
mod host;
mod path;
mod streams;
#[cfg(test)]
mod tests;
mod tree;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::UNIX_EPOCH;

use wasmtime::component::{HasData, ResourceTable};

use super::still::Still;
use crate::parcel::Parcel;
use crate::policy::limits::Limits;
use tree::{Id, Kind, ROOT, Tree};

/// Folders that are there when a sync starts.
const FOLDERS: [&str; 2] = ["project", "tmp"];

/// Where a component finds the project that it is given.
const LENT: &str = "/.sluice";

/// The files of one sync.
#[derive(Clone)]
pub(super) struct Files {
    tree: Arc<Mutex<Tree>>,
    /// The folder with what a component is given, which is beside `/` and not in it.
    lent: Option<Id>,
    /// Handles that may be open at a time; fewer than a store may have, so that a connector that
    /// leaks them gets an error, not a trap.
    handles: usize,
}

impl Files {
    /// Empty folders, and what a component is given. Where the clock of the sync stands still, so do the times of files.
    pub(super) fn new(limits: &Limits, still: Option<Still>, parcel: Option<&Parcel>) -> Self {
        let stands = still.and_then(|still| UNIX_EPOCH.checked_add(still.since_1970));
        let mut tree = Tree::new(limits, stands);
        for name in FOLDERS {
            let made = tree.place(ROOT, name).and_then(|place| tree.create(&place, Kind::Folder(BTreeMap::new())));
            // The least limits have room for them.
            debug_assert!(made.is_ok(), "no room for the first folders");
        }
        let lent = parcel.map(|parcel| tree.lend(parcel.archives()));
        Self { tree: Arc::new(Mutex::new(tree)), lent, handles: limits.handles / 4 }
    }

    fn tree(&self) -> MutexGuard<'_, Tree> {
        self.tree.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a node, which then stays until this is dropped.
    fn open(&self, id: Id) -> Open {
        self.tree().opened(id);
        Open { files: self.clone(), id }
    }

    fn are_too_many_open(&self) -> bool {
        Arc::strong_count(&self.tree) > self.handles
    }
}

/// A node that something has open. Keeps it although it may be removed from its folder.
struct Open {
    files: Files,
    id: Id,
}

impl Open {
    fn id(&self) -> Id {
        self.id
    }

    fn tree(&self) -> MutexGuard<'_, Tree> {
        self.files.tree()
    }

    fn again(&self) -> Self {
        self.files.open(self.id)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.tree().closed(self.id);
    }
}

/// What `wasi:filesystem` works on.
pub(super) struct FilesView<'a> {
    /// The files.
    pub(super) files: &'a Files,
    /// The handles of the store.
    pub(super) table: &'a mut ResourceTable,
}

/// Says that [`FilesView`] is lent out for each call.
pub(super) struct HasFiles;

impl HasData for HasFiles {
    type Data<'a> = FilesView<'a>;
}
