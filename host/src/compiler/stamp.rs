//! What a component says about itself: a custom section that `sluice build` appends.
//!
//! It is a claim of whoever made the component and proves nothing. The host shows it and compares what the
//! connector asks for with what the operator grants; what a connector may do is decided by the grants alone.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use wasm_encoder::{ComponentSection, CustomSection};
use wasmparser::BinaryReader;

use super::manifest::{AskedLimits, is_name, is_version};
use crate::policy::egress::NetworkGrant;

/// Name of the custom section, at the top level of the component.
pub const SECTION: &str = "sluice:connector";
/// Most bytes of the section's contents that [`read`] looks at.
pub const MAX_STAMP_BYTES: usize = 256 << 10;
/// Most sections of a component that [`read`] walks over; componentize-py makes about 100.
const MAX_SECTIONS: usize = 100_000;
const COMPONENT_HEADER: [u8; 8] = [0, b'a', b's', b'm', 0x0d, 0, 1, 0];
const CUSTOM_SECTION_ID: u8 = 0;

/// A dependency that was compiled in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dependency {
    /// The distribution's name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// The contents of the section. Values that [`read`] returns hold no control characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// The connector's name.
    pub name: String,
    /// The connector's version.
    pub version: String,
    /// The version of the Python SDK inside.
    pub sdk: String,
    /// The version of the WIT contract it was built for.
    pub contract: String,
    /// SHA-256 of everything it was built from, in hexadecimal.
    pub source: String,
    /// The network destinations it asks for.
    pub network: Vec<String>,
    /// The limits it asks for.
    #[serde(default)]
    pub limits: AskedLimits,
    /// What was compiled in beside the project and the SDK.
    pub dependencies: Vec<Dependency>,
}

impl Stamp {
    fn is_plain(&self) -> bool {
        is_name(&self.name)
            && is_version(&self.version)
            && is_version(&self.sdk)
            && is_version(&self.contract)
            && is_version(&self.source)
            && self.network.iter().all(|asked| asked.parse::<NetworkGrant>().is_ok())
            && self.dependencies.iter().all(|d| is_version(&d.name) && is_version(&d.version))
    }
}

/// Appends the stamp to a component.
pub fn append(component: &mut Vec<u8>, stamp: &Stamp) -> Result<(), serde_json::Error> {
    append_section(component, SECTION, &serde_json::to_vec(stamp)?);
    Ok(())
}

/// Appends any custom section to a component.
pub fn append_section(component: &mut Vec<u8>, name: &str, contents: &[u8]) {
    CustomSection { name: Cow::Borrowed(name), data: Cow::Borrowed(contents) }.append_to_component(component);
}

/// Reads the stamp of a component, which may be anybody's bytes. `None` when there is none, when there are
/// several, or when it is damaged, too large or holds anything but plain names and numbers.
///
/// Only the headers of top-level sections are looked at: nested modules are stepped over.
#[must_use]
pub fn read(component: &[u8]) -> Option<Stamp> {
    let mut reader = BinaryReader::new(component.strip_prefix(&COMPONENT_HEADER)?, 0);
    let mut found = None;
    for _ in 0..MAX_SECTIONS {
        if reader.eof() {
            break;
        }
        let id = reader.read_u8().ok()?;
        let size = usize::try_from(reader.read_var_u32().ok()?).ok()?;
        let contents = reader.read_bytes(size).ok()?;
        if id == CUSTOM_SECTION_ID
            && let Some(stamp) = contents_of(contents)
            && found.replace(stamp).is_some()
        {
            return None;
        }
    }
    let text = found.filter(|text| reader.eof() && text.len() <= MAX_STAMP_BYTES)?;
    serde_json::from_slice::<Stamp>(text).ok().filter(Stamp::is_plain)
}

/// The contents of a custom section, if it is ours.
fn contents_of(section: &[u8]) -> Option<&[u8]> {
    let mut reader = BinaryReader::new(section, 0);
    let length = usize::try_from(reader.read_var_u32().ok()?).ok()?;
    let name = reader.read_bytes(length).ok()?;
    if name != SECTION.as_bytes() {
        return None;
    }
    reader.read_bytes(reader.bytes_remaining()).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stamp() -> Stamp {
        Stamp {
            name: "demo".into(),
            version: "1.2.0".into(),
            sdk: "0.1.0".into(),
            contract: "0.1.0".into(),
            source: "ab".repeat(32),
            network: vec!["https://api.example.com".into()],
            limits: AskedLimits { memory_mib: Some(512), ..AskedLimits::default() },
            dependencies: vec![Dependency { name: "requests".into(), version: "2.34.2".into() }],
        }
    }

    fn stamped() -> Vec<u8> {
        let mut component = COMPONENT_HEADER.to_vec();
        append_section(&mut component, "producers", b"not ours");
        append(&mut component, &stamp()).unwrap();
        component
    }

    #[test]
    fn what_is_appended_is_read_back() {
        assert_eq!(read(&stamped()), Some(stamp()));
    }

    #[test]
    fn a_component_without_a_stamp_has_none() {
        assert_eq!(read(&COMPONENT_HEADER), None);
        assert_eq!(read(b""), None);
        assert_eq!(read(b"\0asm\x01\0\0\0"), None);
    }

    #[test]
    fn two_stamps_are_none() {
        let mut component = stamped();
        append(&mut component, &stamp()).unwrap();
        assert_eq!(read(&component), None);
    }

    #[test]
    fn a_stamp_cannot_hold_what_a_terminal_would_obey() {
        for hostile in [
            Stamp { name: "demo\u{1b}[2J".into(), ..stamp() },
            Stamp { version: "1\n2".into(), ..stamp() },
            Stamp { network: vec!["everything".into()], ..stamp() },
        ] {
            let mut component = COMPONENT_HEADER.to_vec();
            append(&mut component, &hostile).unwrap();
            assert_eq!(read(&component), None);
        }
    }

    #[test]
    fn a_stamp_that_is_too_large_is_not_read() {
        let mut component = COMPONENT_HEADER.to_vec();
        let many = vec!["https://api.example.com".to_owned(); MAX_STAMP_BYTES / 20];
        append(&mut component, &Stamp { network: many, ..stamp() }).unwrap();
        assert_eq!(read(&component), None);
    }

    proptest! {
        #[test]
        fn truncation_never_panics_and_never_yields_another_stamp(length in 0usize..400) {
            let whole = stamped();
            let cut = &whole[..length.min(whole.len())];
            prop_assert!(read(cut).is_none_or(|read| read == stamp()));
        }

        #[test]
        fn mutation_never_panics(position in 0usize..400, byte: u8) {
            let mut bytes = stamped();
            let position = position % bytes.len();
            bytes[position] = byte;
            let _ = read(&bytes);
        }

        #[test]
        fn arbitrary_bytes_never_panic(tail in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut bytes = COMPONENT_HEADER.to_vec();
            bytes.extend(tail);
            let _ = read(&bytes);
        }
    }
}
