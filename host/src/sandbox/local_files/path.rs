//! Paths as a guest writes them. They only ever name nodes of its own tree.

use wasmtime_wasi::p2::bindings::filesystem::types::ErrorCode;

use super::tree::Id;
use crate::policy::limits::{FILE_NAME_BYTES, FILE_PATH_BYTES};

/// Where a path ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place<'p> {
    /// At a node itself: the path is empty of names, or ends in `.` or `..`.
    Node(Id),
    /// At a name in a folder, whether something has this name or not.
    Entry {
        /// The folder.
        folder: Id,
        /// The name.
        name: &'p str,
        /// What has the name.
        found: Option<Id>,
    },
}

impl Place<'_> {
    /// What stands there.
    pub(super) fn node(&self) -> Option<Id> {
        match self {
            Self::Node(id) => Some(*id),
            Self::Entry { found, .. } => *found,
        }
    }
}

/// The names of a path, at most half as many as [`FILE_PATH_BYTES`].
pub(super) fn components(path: &str) -> Result<impl Iterator<Item = &str>, ErrorCode> {
    if path.is_empty() {
        return Err(ErrorCode::NoEntry);
    }
    if path.starts_with('/') {
        // WASI's paths are relative to a handle; libc has taken the preopened folder off.
        return Err(ErrorCode::NotPermitted);
    }
    if path.len() > FILE_PATH_BYTES || path.split('/').any(|name| name.len() > FILE_NAME_BYTES) {
        return Err(ErrorCode::NameTooLong);
    }
    if path.contains('\0') {
        return Err(ErrorCode::Invalid);
    }
    Ok(path.split('/').filter(|name| !name.is_empty()))
}
