//! What a component says about itself: a custom section that `sluice build` appends.
//!
//! It is a claim of whoever made the component and proves nothing. `sluice check` shows it, and `sluice run`
//! compares what the connector asks for with what the operator grants; what a connector may do is decided by
//! the grants alone.

use serde::{Deserialize, Serialize};

use crate::policy::egress::NetworkGrant;
use crate::sections;

/// Name of the custom section, at the top level of the component.
pub const SECTION: &str = "sluice:connector";
/// Most bytes of the section's contents that [`read`] looks at.
pub const MAX_STAMP_BYTES: usize = 256 << 10;
/// Most bytes of a connector's name.
pub const MAX_NAME_BYTES: usize = 63;
const MAX_VERSION_BYTES: usize = 128;

/// Limits a connector asks for beside the defaults; absent means the default will do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskedLimits {
    /// Memory in MiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_mib: Option<u64>,
    /// CPU time in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_seconds: Option<u64>,
    /// Time from start to end in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wall_seconds: Option<u64>,
    /// Rows of one sync.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rows: Option<u64>,
    /// HTTP requests of one sync.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests: Option<u64>,
}

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
    /// The version of the Python SDK inside; none in a component of another language.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sdk: Option<String>,
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
            && self.sdk.as_deref().is_none_or(is_version)
            && is_version(&self.contract)
            && is_version(&self.source)
            && self.network.iter().all(|asked| asked.parse::<NetworkGrant>().is_ok())
            && self.dependencies.iter().all(|d| is_version(&d.name) && is_version(&d.version))
    }
}

/// Whether a text may be a connector's name.
#[must_use]
pub fn is_name(name: &str) -> bool {
    (1..=MAX_NAME_BYTES).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_')
}

/// Whether a text may be a version.
#[must_use]
pub fn is_version(version: &str) -> bool {
    (1..=MAX_VERSION_BYTES).contains(&version.len())
        && version.chars().all(|c| c.is_ascii_alphanumeric() || ".+-_!".contains(c))
}

/// Appends the stamp to a component.
pub fn append(component: &mut Vec<u8>, stamp: &Stamp) -> Result<(), serde_json::Error> {
    append_section(component, SECTION, &serde_json::to_vec(stamp)?);
    Ok(())
}

/// Appends any custom section to a component.
pub fn append_section(component: &mut Vec<u8>, name: &str, contents: &[u8]) {
    sections::append(component, name, contents);
}

/// Why the stamp of a component is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StampError {
    /// The component's sections cannot be walked over, or there are too many.
    #[error("the component's sections cannot be read")]
    Sections,
    /// More than one, of which a reader could pick another than the host.
    #[error("the component has more than one stamp")]
    Several,
    /// More than [`MAX_STAMP_BYTES`].
    #[error("the stamp has more than {MAX_STAMP_BYTES} bytes")]
    TooLarge,
    /// Not what [`append`] writes.
    #[error("the stamp does not hold what `sluice build` writes")]
    Damaged,
    /// A value that holds more than a plain name, version or destination.
    #[error("the stamp holds a name, version or destination that is not a plain one")]
    NotPlain,
}

/// Reads the stamp of a component, which may be anybody's bytes. `None` when there is none.
///
/// Only the headers of top-level sections are looked at: nested modules are stepped over.
///
/// # Errors
///
/// When there is a stamp, or may be one, that is not used; see [`StampError`].
pub fn read(component: &[u8]) -> Result<Option<Stamp>, StampError> {
    let Some(text) = find(component)? else { return Ok(None) };
    if text.len() > MAX_STAMP_BYTES {
        return Err(StampError::TooLarge);
    }
    let stamp: Stamp = serde_json::from_slice(text).map_err(|_| StampError::Damaged)?;
    if stamp.is_plain() { Ok(Some(stamp)) } else { Err(StampError::NotPlain) }
}

/// The contents of the one section that is ours.
fn find(component: &[u8]) -> Result<Option<&[u8]>, StampError> {
    let found = sections::named(component, &[SECTION]).map_err(|_| StampError::Sections)?;
    match found.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(one.contents)),
        _ => Err(StampError::Several),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const COMPONENT_HEADER: [u8; 8] = [0, b'a', b's', b'm', 0x0d, 0, 1, 0];

    fn stamp() -> Stamp {
        Stamp {
            name: "demo".into(),
            version: "1.2.0".into(),
            sdk: Some("0.1.0".into()),
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
        assert_eq!(read(&stamped()), Ok(Some(stamp())));
    }

    #[test]
    fn a_component_without_a_stamp_has_none() {
        assert_eq!(read(&COMPONENT_HEADER), Ok(None));
        assert_eq!(read(b""), Err(StampError::Sections));
        assert_eq!(read(b"\0asm\x01\0\0\0"), Err(StampError::Sections));
    }

    #[test]
    fn of_two_stamps_neither_counts() {
        let mut component = stamped();
        append(&mut component, &stamp()).unwrap();
        assert_eq!(read(&component), Err(StampError::Several));
    }

    #[test]
    fn a_stamp_that_is_not_one_is_damaged() {
        for contents in [b"not json".as_slice(), b"{}", b"[]", b""] {
            let mut component = COMPONENT_HEADER.to_vec();
            append_section(&mut component, SECTION, contents);
            assert_eq!(read(&component), Err(StampError::Damaged));
        }
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
            assert_eq!(read(&component), Err(StampError::NotPlain));
        }
    }

    #[test]
    fn a_stamp_that_is_too_large_is_not_read() {
        let mut component = COMPONENT_HEADER.to_vec();
        let many = vec!["https://api.example.com".to_owned(); MAX_STAMP_BYTES / 20];
        append(&mut component, &Stamp { network: many, ..stamp() }).unwrap();
        assert_eq!(read(&component), Err(StampError::TooLarge));
    }

    proptest! {
        #[test]
        fn truncation_never_panics_and_never_yields_another_stamp(length in 0usize..400) {
            let whole = stamped();
            let cut = &whole[..length.min(whole.len())];
            prop_assert!(!matches!(read(cut), Ok(Some(other)) if other != stamp()));
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
