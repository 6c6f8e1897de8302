//! One file that is a component and the project that it runs.
//!
//! The project lies in a custom section at the top level, which WebAssembly does not look at. What is left without it
//! and without the stamp is the same for many connectors, and so is its machine code: that is made and kept for what is
//! left, while a connector is named by all bytes of its file.
//!
//! **Threat.** Machine code is shared only where all that the compiler is given is equal. A section counts only at the
//! top level and once, and is read by [`Archive::read`].

use std::borrow::Cow;
use std::ops::Range;

use sha2::{Digest, Sha256};

use super::archive::ArchiveError;
use super::{Archive, Parcel};
use crate::{sections, stamp};

/// Name of the custom section.
pub const SECTION: &str = "sluice:project";

/// Why the project of a component is not used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProjectError {
    /// More than one, of which a reader could pick another than the host.
    #[error("the component has more than one project")]
    Several,
    /// One that is not what `sluice build` packs.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
}

/// A component taken apart, which may be anybody's bytes.
pub struct Artifact<'a> {
    bytes: &'a [u8],
    /// What is not compiled, in the order in which it stands.
    beside: Vec<Range<usize>>,
    project: Option<Archive>,
}

/// The digests of an artifact: SHA-256 in hex.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digests {
    /// Of all of it.
    pub whole: String,
    /// Of what is compiled.
    pub compiled: String,
}

impl<'a> Artifact<'a> {
    /// Takes a component apart. Bytes that are none are left whole; what is wrong with them is for others to say.
    ///
    /// # Errors
    /// When there is a project that is not used; see [`ProjectError`].
    pub fn read(bytes: &'a [u8]) -> Result<Self, ProjectError> {
        let found = sections::named(bytes, &[SECTION, stamp::SECTION]).unwrap_or_default();
        let mut projects = found.iter().filter(|section| section.name == SECTION);
        let project = projects.next().map(|section| section.contents);
        if projects.next().is_some() {
            return Err(ProjectError::Several);
        }
        let project = project.map(Archive::read).transpose()?;
        Ok(Self { bytes, beside: found.into_iter().map(|section| section.place).collect(), project })
    }

    /// Its digests, of which the second costs nothing where what is not compiled comes last.
    #[must_use]
    pub fn digests(&self) -> Digests {
        let mut at = 0;
        let mut whole = Sha256::new();
        let mut compiled: Option<Sha256> = None;
        for place in &self.beside {
            let kept = self.bytes.get(at..place.start).unwrap_or_default();
            whole.update(kept);
            match &mut compiled {
                Some(compiled) => compiled.update(kept),
                None => compiled = Some(whole.clone()),
            }
            whole.update(self.bytes.get(place.clone()).unwrap_or_default());
            at = place.end;
        }
        let rest = self.bytes.get(at..).unwrap_or_default();
        whole.update(rest);
        let compiled = compiled.map_or_else(
            || whole.clone(),
            |mut compiled| {
                compiled.update(rest);
                compiled
            },
        );
        Digests { whole: format!("{:x}", whole.finalize()), compiled: format!("{:x}", compiled.finalize()) }
    }

    /// What is compiled.
    #[must_use]
    pub fn compiled(&self) -> Cow<'a, [u8]> {
        let Some(first) = self.beside.first() else { return Cow::Borrowed(self.bytes) };
        let until = |start: usize, end: usize| self.bytes.get(start..end).unwrap_or_default();
        let ends = self.beside.iter().skip(1).map(|place| place.start).chain([self.bytes.len()]);
        let rest: Vec<_> = self.beside.iter().zip(ends).map(|(place, end)| until(place.end, end)).collect();
        if rest.iter().all(|piece| piece.is_empty()) {
            return Cow::Borrowed(until(0, first.start));
        }
        Cow::Owned([&[until(0, first.start)], rest.as_slice()].concat().concat())
    }

    /// What the component is given, if it carries a project.
    #[must_use]
    pub fn into_parcel(self, digest: &str) -> Option<Parcel> {
        self.project.map(|project| Parcel::of_component(project, digest.to_owned()))
    }
}

/// Puts a project into a component that has none.
///
/// # Errors
/// When it is larger than a project may be.
pub fn append(component: &mut Vec<u8>, project: &Archive) -> Result<(), ArchiveError> {
    Archive::read(project.bytes())?;
    sections::append(component, SECTION, project.bytes());
    Ok(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;
    use crate::parcel::Entry;

    const EMPTY: [u8; 8] = [0, b'a', b's', b'm', 0x0d, 0, 1, 0];

    fn project(text: &str) -> Archive {
        Archive::pack(&[Entry { path: "connector.py", contents: text.as_bytes(), code: None }], true)
    }

    fn base() -> Vec<u8> {
        let mut base = EMPTY.to_vec();
        sections::append(&mut base, "other", b"x");
        base
    }

    fn sha256(bytes: &[u8]) -> String {
        format!("{:x}", Sha256::digest(bytes))
    }

    #[test]
    fn what_is_compiled_is_all_but_project_and_stamp_wherever_they_stand() {
        let one = |bytes: &mut Vec<u8>, part: char| match part {
            'p' => append(bytes, &project("x")).unwrap(),
            's' => sections::append(bytes, stamp::SECTION, b"{}"),
            _ => sections::append(bytes, "other", &[u8::try_from(part).unwrap()]),
        };
        for parts in ["", "a", "p", "s", "ps", "aps", "apbs", "pasb", "spab", "abc"] {
            let (mut bytes, mut left) = (EMPTY.to_vec(), EMPTY.to_vec());
            parts.chars().for_each(|part| one(&mut bytes, part));
            parts.chars().filter(|part| !"ps".contains(*part)).for_each(|part| one(&mut left, part));
            let artifact = Artifact::read(&bytes).unwrap();
            assert_eq!(artifact.compiled(), left, "{parts}");
            assert_eq!(artifact.digests(), Digests { whole: sha256(&bytes), compiled: sha256(&left) }, "{parts}");
            let parcel = artifact.into_parcel("digest");
            assert_eq!(parcel.is_some(), parts.contains('p'), "{parts}");
        }
    }

    #[test]
    fn another_project_is_another_digest_over_the_same_machine_code() {
        let of = |text: &str| {
            let mut bytes = base();
            append(&mut bytes, &project(text)).unwrap();
            Artifact::read(&bytes).unwrap().digests()
        };
        let (one, other) = (of("a"), of("b"));
        assert_eq!(one.compiled, other.compiled);
        assert_ne!(one.whole, other.whole);
    }

    #[test]
    fn of_two_projects_neither_counts() {
        let mut bytes = base();
        append(&mut bytes, &project("a")).unwrap();
        append(&mut bytes, &project("a")).unwrap();
        assert_eq!(Artifact::read(&bytes).err(), Some(ProjectError::Several));
    }

    #[test]
    fn a_project_that_was_not_packed_is_refused() {
        let mut bytes = base();
        sections::append(&mut bytes, SECTION, b"anything");
        assert_eq!(Artifact::read(&bytes).err(), Some(ProjectError::Archive(ArchiveError::Index)));
    }

    #[test]
    fn what_is_no_component_stays_whole() {
        let module = b"\0asm\x01\0\0\0";
        assert_eq!(Artifact::read(module).unwrap().compiled(), module.as_slice());
    }
}
