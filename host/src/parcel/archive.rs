//! Reading an archive that may be anybody's.
//!
//! **Threat.** The project in a component is as much a stranger's as its code. Only the guest ever opens the files or
//! loads the byte code in it; still nothing comes to the guest that `sluice build` would not have packed: not too many
//! or too large, each under a plain path of its own, and each byte the content of one file.

use bytes::Bytes;
use std::collections::HashSet;

use serde::Deserialize;

use super::Archive;

/// Most bytes of an archive: a project's files, their byte code, and the index.
pub const MAX_BYTES: usize = 48 << 20;
/// Most bytes of the index.
pub const MAX_INDEX_BYTES: usize = 4 << 20;
/// Most files.
pub const MAX_FILES: usize = 2_000;
/// Deepest nesting of folders.
pub const MAX_DEPTH: usize = 16;
/// Most bytes between the slashes of a path.
pub const MAX_NAME_BYTES: usize = 255;

/// Why an archive is not used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArchiveError {
    /// More than [`MAX_BYTES`].
    #[error("the project in the component has more than {} MiB", MAX_BYTES >> 20)]
    TooLarge,
    /// An index that cannot be read, or more than [`MAX_INDEX_BYTES`].
    #[error("the project in the component has no index that can be read")]
    Index,
    /// More than [`MAX_FILES`].
    #[error("the project in the component has more than {MAX_FILES} files")]
    TooManyFiles,
    /// A path that is not plain: absolute, with `..`, too deep, or too long.
    #[error("the project in the component has a file whose path is not a plain one")]
    Path,
    /// Two files of one path, or a file where another has a folder.
    #[error("the project in the component has two files in one place")]
    Twice,
    /// Contents that are not one after the other.
    #[error("the project in the component has files whose contents do not lie where they should")]
    Contents,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Index {
    files: Vec<(String, u64, u64, u64, u64)>,
    beside: bool,
}

impl Archive {
    /// Reads the project of a component.
    ///
    /// # Errors
    /// When it is not what [`Archive::pack`] makes of a project; see [`ArchiveError`].
    pub fn read(bytes: &[u8]) -> Result<Self, ArchiveError> {
        if bytes.len() > MAX_BYTES {
            return Err(ArchiveError::TooLarge);
        }
        let (length, rest) = bytes.split_first_chunk().ok_or(ArchiveError::Index)?;
        let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|_| ArchiveError::Index)?;
        let (index, contents) =
            rest.split_at_checked(length).filter(|_| length <= MAX_INDEX_BYTES).ok_or(ArchiveError::Index)?;
        let Index { files, beside } = serde_json::from_slice(index).map_err(|_| ArchiveError::Index)?;
        if !beside {
            return Err(ArchiveError::Index);
        }
        if files.len() > MAX_FILES {
            return Err(ArchiveError::TooManyFiles);
        }
        check_paths(files.iter().map(|(path, ..)| path.as_str()))?;
        let mut end = 0;
        for (_, offset, size, code_offset, code_size) in files {
            for (offset, size) in [(offset, size), (code_offset, code_size)] {
                if offset != end {
                    return Err(ArchiveError::Contents);
                }
                end = offset.checked_add(size).ok_or(ArchiveError::Contents)?;
            }
        }
        if end != contents.len() as u64 {
            return Err(ArchiveError::Contents);
        }
        Ok(Self(Bytes::copy_from_slice(bytes)))
    }
}

fn check_paths<'a>(paths: impl Iterator<Item = &'a str> + Clone) -> Result<(), ArchiveError> {
    let mut files = HashSet::new();
    for path in paths.clone() {
        if !is_plain(path) {
            return Err(ArchiveError::Path);
        }
        if !files.insert(path) {
            return Err(ArchiveError::Twice);
        }
    }
    let folders = |path: &'a str| path.match_indices('/').filter_map(move |(end, _)| path.get(..end));
    if paths.flat_map(folders).any(|folder| files.contains(folder)) {
        return Err(ArchiveError::Twice);
    }
    Ok(())
}

fn is_plain(path: &str) -> bool {
    let name = |name: &str| !matches!(name, "" | "." | "..") && name.len() <= MAX_NAME_BYTES && !name.contains('\0');
    path.split('/').all(name) && path.split('/').count() <= MAX_DEPTH + 1
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::parcel::Entry;

    fn of(index: &serde_json::Value, contents: &[u8]) -> Vec<u8> {
        let index = index.to_string();
        [&(index.len() as u64).to_le_bytes(), index.as_bytes(), contents].concat()
    }

    fn read(index: &serde_json::Value, contents: &[u8]) -> Result<(), ArchiveError> {
        Archive::read(&of(index, contents)).map(|_| ())
    }

    fn packed() -> Vec<u8> {
        let entries = [
            Entry { path: "connector.py", contents: b"source", code: Some(b"code") },
            Entry { path: "data/b.txt", contents: b"text", code: None },
        ];
        Archive::pack(&entries, true).bytes().to_vec()
    }

    #[test]
    fn what_is_packed_is_read() {
        assert_eq!(Archive::read(&packed()).unwrap().bytes()[..], packed()[..]);
        assert!(Archive::read(Archive::pack(&[], true).bytes()).is_ok());
    }

    #[test]
    fn an_index_that_is_none_is_refused() {
        let long = [&u64::MAX.to_le_bytes()[..], b"{}"].concat();
        for bytes in [b"".as_slice(), b"1234567", &long, &of(&json!([]), b""), &of(&json!({"files": []}), b"")] {
            assert_eq!(Archive::read(bytes).unwrap_err(), ArchiveError::Index);
        }
        assert_eq!(read(&json!({"files": [], "beside": false}), b""), Err(ArchiveError::Index));
        assert_eq!(read(&json!({"files": [["a", -1, 0, 0, 0]], "beside": true}), b""), Err(ArchiveError::Index));
        let padded = [&((MAX_INDEX_BYTES as u64) + 1).to_le_bytes()[..], &vec![b' '; MAX_INDEX_BYTES + 1]].concat();
        assert_eq!(Archive::read(&padded).unwrap_err(), ArchiveError::Index);
    }

    #[test]
    fn paths_that_are_not_plain_are_refused() {
        let deep = "a/".repeat(MAX_DEPTH + 1) + "b";
        let long = "a".repeat(MAX_NAME_BYTES + 1);
        for path in ["", "/a", "a/", "a//b", "..", "../a", "a/../b", "./a", "a\0b", &deep, &long] {
            let index = json!({"files": [[path, 0, 0, 0, 0]], "beside": true});
            assert_eq!(read(&index, b""), Err(ArchiveError::Path), "{path:?}");
        }
    }

    #[test]
    fn two_files_in_one_place_are_refused() {
        for [one, other] in [["a", "a"], ["a", "a/b"], ["a/b/c", "a/b"]] {
            let index = json!({"files": [[one, 0, 0, 0, 0], [other, 0, 0, 0, 0]], "beside": true});
            assert_eq!(read(&index, b""), Err(ArchiveError::Twice), "{one} {other}");
        }
        let index = json!({"files": [["a", 0, 0, 0, 0], ["ab/c", 0, 0, 0, 0]], "beside": true});
        assert_eq!(read(&index, b""), Ok(()));
    }

    #[test]
    fn contents_lie_one_after_the_other_and_nothing_beside() {
        for (files, contents) in [
            (json!([["a", 0, 2, 2, 0]]), b"x".as_slice()),
            (json!([["a", 0, 1, 1, 0]]), b"xy"),
            (json!([["a", 0, 1, 0, 1]]), b"x"),
            (json!([["a", 0, 1, 1, 0], ["b", 0, 1, 1, 0]]), b"x"),
            (json!([["a", 0, u64::MAX, u64::MAX, 2]]), b"x"),
        ] {
            let index = json!({"files": files, "beside": true});
            assert_eq!(read(&index, contents), Err(ArchiveError::Contents), "{index}");
        }
    }

    #[test]
    fn size_and_number_are_bounded() {
        assert_eq!(Archive::read(&vec![0; MAX_BYTES + 1]).unwrap_err(), ArchiveError::TooLarge);
        let files: Vec<_> = (0..=MAX_FILES).map(|number| (number.to_string(), 0, 0, 0, 0)).collect();
        assert_eq!(read(&json!({"files": files, "beside": true}), b""), Err(ArchiveError::TooManyFiles));
    }

    proptest! {
        #[test]
        fn mutation_never_panics(position in 0usize..400, byte: u8, length in 0usize..400) {
            let mut bytes = packed();
            let position = position % bytes.len();
            bytes[position] = byte;
            let _ = Archive::read(&bytes);
            let _ = Archive::read(&bytes[..length.min(bytes.len())]);
        }
    }
}
