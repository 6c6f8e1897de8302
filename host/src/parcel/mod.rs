//! A project beside the component that runs it.
//!
//! Components are built without a project: the guest's Python, the SDK, and packages that were imported when it was
//! made. A parcel is what such a component is given: archives that lie beside the files of a sync, where the guest can
//! read them and nothing else. One holds the project's files with the byte code of its modules, which the guest's own
//! Python made. In `sluice dev`, where no component is built, another holds its packages.
//!
//! An archive is the length of an index in eight bytes, little-endian; the index in JSON; and the contents in a row.
//! The index has `files` with `[path, offset, size, offset of the byte code, its size]` for each, and `beside`: whether
//! what the component has of its own stays beside them.
//!
//! - [`artifact`]: the one file that a component with its project is.
//! - [`archive`]: reading what somebody else packed.

pub mod archive;
pub mod artifact;

use std::fmt;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use bytes::Bytes;
use serde::de::{Deserializer, Error, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use sha2::{Digest, Sha256};

/// One archive, cheap to share.
#[derive(Clone, Default)]
pub struct Archive(Bytes);

/// What a component is given. Cheap to share.
#[derive(Clone, Serialize, Deserialize)]
pub struct Parcel {
    project: Archive,
    site: Option<Archive>,
    digest: String,
    /// The memory that the archives lie in, one after the other, if other processes can have it.
    #[serde(skip)]
    file: Option<Arc<OwnedFd>>,
}

/// What has to be known of a parcel by whoever has the bytes of its archives in a row.
#[derive(Serialize, Deserialize)]
pub(crate) struct Outline {
    project: u64,
    site: Option<u64>,
    digest: String,
}

/// One file of an archive.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// Its path, with `/` between names.
    pub path: &'a str,
    /// Its contents.
    pub contents: &'a [u8],
    /// The byte code of a module, if it is known.
    pub code: Option<&'a [u8]>,
}

impl Archive {
    /// Packs files, in their order. `beside` says that they do not replace what the component has of its own.
    #[must_use]
    pub fn pack(entries: &[Entry<'_>], beside: bool) -> Self {
        let mut offset = 0;
        let mut place = |bytes: &[u8]| {
            let at = offset;
            offset += bytes.len();
            (at, bytes.len())
        };
        let files: Vec<_> = entries
            .iter()
            .map(|entry| {
                let (contents, code) = (place(entry.contents), place(entry.code.unwrap_or_default()));
                (entry.path, contents.0, contents.1, code.0, code.1)
            })
            .collect();
        // Texts and numbers: there is nothing that JSON could refuse.
        let index = serde_json::to_vec(&serde_json::json!({ "files": files, "beside": beside })).unwrap_or_default();
        let mut bytes = Vec::with_capacity(8 + index.len() + offset);
        bytes.extend_from_slice(&(index.len() as u64).to_le_bytes());
        bytes.extend_from_slice(&index);
        for entry in entries {
            bytes.extend_from_slice(entry.contents);
            bytes.extend_from_slice(entry.code.unwrap_or_default());
        }
        Self(bytes.into())
    }

    /// SHA-256, in hex.
    #[must_use]
    pub fn digest(&self) -> String {
        format!("{:x}", Sha256::digest(&self.0))
    }

    /// All of it, as a guest reads it.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn bytes(&self) -> &Bytes {
        &self.0
    }
}

impl Parcel {
    /// The project of a component that carries it. `digest` is that of all of it, in hex.
    #[must_use]
    pub fn of_component(project: Archive, digest: String) -> Self {
        Self { project, site: None, digest, file: None }
    }

    /// A project with its packages for one runner. `runner` and `site_digest` name what they are by content.
    #[must_use]
    pub fn new(runner: &str, project: Archive, site: Archive, site_digest: &str) -> Self {
        let mut digest = Sha256::new();
        for part in [runner, &project.digest(), site_digest] {
            digest.update((part.len() as u64).to_le_bytes());
            digest.update(part);
        }
        Self { project, site: Some(site), digest: format!("{:x}", digest.finalize()), file: None }
    }

    /// SHA-256 over the component and everything that it is given, in hex: what the connector is pinned by.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// How large it is.
    pub(crate) fn bytes(&self) -> u64 {
        self.archives().fold(0, |bytes, (_, archive)| bytes.saturating_add(archive.0.len() as u64))
    }

    /// What is known of it beside the bytes.
    pub(crate) fn outline(&self) -> Outline {
        let length = |archive: &Archive| archive.0.len() as u64;
        Outline { project: length(&self.project), site: self.site.as_ref().map(length), digest: self.digest.clone() }
    }

    /// The memory that its archives lie in, if other processes can have it.
    pub(crate) fn file(&self) -> Option<&OwnedFd> {
        self.file.as_deref()
    }

    /// The archives by the names under which the guest looks for them.
    pub(crate) fn archives(&self) -> impl Iterator<Item = (&'static str, &Archive)> {
        [("project", &self.project)].into_iter().chain(self.site.iter().map(|site| ("site", site)))
    }
}

impl Outline {
    /// How many bytes there are.
    pub(crate) fn bytes(&self) -> usize {
        usize::try_from(self.project.saturating_add(self.site.unwrap_or_default())).unwrap_or(usize::MAX)
    }

    /// The parcel whose archives are these bytes, which lie in this memory; `None` when they are not so many.
    pub(crate) fn over(self, bytes: &Bytes, file: Option<Arc<OwnedFd>>) -> Option<Parcel> {
        let end = usize::try_from(self.project).ok()?;
        if self.bytes() != bytes.len() || end > bytes.len() {
            return None;
        }
        let site = self.site.map(|_| Archive(bytes.slice(end..)));
        Some(Parcel { project: Archive(bytes.slice(..end)), site, digest: self.digest, file })
    }
}

impl fmt::Debug for Archive {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Archive({} bytes)", self.0.len())
    }
}

impl fmt::Debug for Parcel {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Parcel").field("digest", &self.digest).finish_non_exhaustive()
    }
}

impl Serialize for Archive {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for Archive {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_bytes(ArchiveVisitor)
    }
}

struct ArchiveVisitor;

impl Visitor<'_> for ArchiveVisitor {
    type Value = Archive;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("bytes")
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Archive, E> {
        Ok(Archive(Bytes::copy_from_slice(bytes)))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn the_index_finds_contents_and_code() {
        let entries = [
            Entry { path: "a.py", contents: b"source", code: Some(b"code") },
            Entry { path: "b.txt", contents: b"text", code: None },
        ];
        let archive = Archive::pack(&entries, true);
        let bytes = archive.bytes();
        let length = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
        let index: serde_json::Value = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
        assert_eq!(
            index,
            serde_json::json!({"files": [["a.py", 0, 6, 6, 4], ["b.txt", 10, 4, 14, 0]], "beside": true})
        );
        assert_eq!(&bytes[8 + length..], b"sourcecodetext");
    }

    #[test]
    fn a_parcel_is_named_by_all_that_is_in_it_and_crosses_whole() {
        let archive = |text: &str| Archive::pack(&[Entry { path: "x", contents: text.as_bytes(), code: None }], true);
        let one = Parcel::new("runner", archive("a"), archive("site"), "digest");
        for other in [
            Parcel::new("other", archive("a"), archive("site"), "digest"),
            Parcel::new("runner", archive("b"), archive("site"), "digest"),
            Parcel::new("runner", archive("a"), archive("site"), "another"),
        ] {
            assert_ne!(one.digest(), other.digest());
        }
        let crossed: Parcel = postcard::from_bytes(&postcard::to_stdvec(&one).unwrap()).unwrap();
        assert_eq!(crossed.digest(), one.digest());
        assert_eq!(one.archives().count(), 2);
        let row: Vec<u8> = one.archives().flat_map(|(_, archive)| archive.bytes().to_vec()).collect();
        let over = |bytes: &[u8]| one.outline().over(&Bytes::copy_from_slice(bytes), None);
        let lent = over(&row).unwrap();
        assert_eq!(lent.digest(), one.digest());
        for other in [crossed, lent] {
            assert_eq!(one.archives().count(), other.archives().count());
            for (was, is) in one.archives().zip(other.archives()) {
                assert_eq!((was.0, was.1.bytes()), (is.0, is.1.bytes()));
            }
        }
        assert!(over(&row[1..]).is_none());
        assert!(over(&[&row[..], b"x"].concat()).is_none());
    }
}
