//! The stamp: a custom section in which the tools that made a component name themselves.
//!
//! It is a claim of whoever made the component. It helps to explain a mismatch and decides
//! nothing.

use std::collections::BTreeMap;

use super::report::visible;

/// Name of the custom section, at the top level of the component.
pub const STAMP_SECTION: &str = "sluice:stamp";
/// Most bytes of the section's contents.
pub const MAX_STAMP_BYTES: usize = 16 << 10;

/// Names and values, for example `sdk` = `0.1.0`; in the section one JSON object of strings.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct Stamp {
    /// The entries, sorted by name.
    pub entries: BTreeMap<String, String>,
}

impl Stamp {
    /// The section's contents.
    ///
    /// # Errors
    ///
    /// When the entries do not fit [`MAX_STAMP_BYTES`].
    pub fn encode(&self) -> Result<Vec<u8>, StampError> {
        let bytes = serde_json::to_vec(&self.entries).map_err(|_| StampError::NotAnObject)?;
        if bytes.len() > MAX_STAMP_BYTES { Err(StampError::TooLarge) } else { Ok(bytes) }
    }

    /// Reads the section's contents. Control characters are made visible.
    ///
    /// # Errors
    ///
    /// When they are too large or not a JSON object of strings.
    pub fn decode(bytes: &[u8]) -> Result<Self, StampError> {
        if bytes.len() > MAX_STAMP_BYTES {
            return Err(StampError::TooLarge);
        }
        let entries: BTreeMap<String, String> = serde_json::from_slice(bytes).map_err(|_| StampError::NotAnObject)?;
        let entries = entries.iter().map(|(name, value)| (visible(name), visible(value))).collect();
        Ok(Self { entries })
    }
}

/// Why a stamp is not one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StampError {
    /// More than [`MAX_STAMP_BYTES`].
    #[error("the stamp has more than {MAX_STAMP_BYTES} bytes")]
    TooLarge,
    /// Not a JSON object whose values are strings.
    #[error("the stamp is not a JSON object of strings")]
    NotAnObject,
}
