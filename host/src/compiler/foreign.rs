//! A component that another language's tools built: what `connector.toml` says of it is stamped into it.
//!
//! Nothing of it is executed or compiled here. The stamp asks, as that of a Python connector does; it grants nothing.

use std::path::{Path, PathBuf};

use super::digest::Fields;
use super::manifest::{self, Manifest, ManifestError};
use super::{BuildError, Built, described, write_whole};
use crate::stamp::{self, Stamp, StampError};

/// Why a component was not stamped.
#[derive(Debug, thiserror::Error)]
pub enum ForeignError {
    /// `connector.toml` is not text.
    #[error("connector.toml is not UTF-8 text")]
    NotText,
    /// `connector.toml` says what means nothing to us.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// Two stamps would be none.
    #[error(
        "it has a stamp already, as {name} {version}; name the component that the language's own tools wrote, and write \
         to another file with --output"
    )]
    Stamped {
        /// The name in the stamp.
        name: String,
        /// The version in the stamp.
        version: String,
    },
    /// What is there of a stamp cannot be read.
    #[error(transparent)]
    Stamp(#[from] StampError),
    /// The stamp cannot be written.
    #[error("cannot write the stamp: {0}")]
    Encode(#[from] serde_json::Error),
}

/// A component with its stamp, not written yet.
#[derive(Debug)]
pub struct Stamped {
    /// What it says of itself.
    pub stamp: Stamp,
    component: Vec<u8>,
}

/// Stamps a component with what the `connector.toml` of a folder says.
///
/// # Errors
///
/// See [`ForeignError`].
pub fn stamp(
    folder: &Path,
    manifest: &[u8],
    mut component: Vec<u8>,
    contract_version: &str,
) -> Result<Stamped, ForeignError> {
    if let Some(Stamp { name, version, .. }) = stamp::read(&component)? {
        return Err(ForeignError::Stamped { name, version });
    }
    let source = Fields::default().with("sluice foreign 1").with(manifest).with(&component).finish();
    let manifest = Manifest::parse(std::str::from_utf8(manifest).map_err(|_| ForeignError::NotText)?)?;
    let stamp = Stamp {
        name: manifest.name.unwrap_or_else(|| folder_name(folder)),
        version: manifest.version.unwrap_or_else(|| "0.0.0".into()),
        sdk: None,
        contract: contract_version.to_owned(),
        source,
        network: manifest.network.iter().map(ToString::to_string).collect(),
        limits: manifest.limits,
        dependencies: Vec::new(),
    };
    stamp::append(&mut component, &stamp)?;
    Ok(Stamped { stamp, component })
}

impl Stamped {
    /// Writes it; an interrupted write leaves nothing half-written.
    ///
    /// # Errors
    ///
    /// When the file cannot be written.
    pub fn write(self, target: &Path) -> Result<Built, BuildError> {
        write_whole(target, &self.component)?;
        let key = self.stamp.source.clone();
        Ok(described(target.to_path_buf(), key, self.stamp, &self.component, true))
    }
}

fn folder_name(folder: &Path) -> String {
    let whole = folder.canonicalize().unwrap_or_else(|_| PathBuf::from(folder));
    manifest::name_from_folder(&whole.file_name().unwrap_or_default().to_string_lossy())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
mod tests {
    use super::*;

    const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";
    const MANIFEST: &[u8] =
        b"name = 'shop'\nversion = '1.2.0'\n[network]\nallow = ['https://api.example.com']\n[limits]\nrows = 9\n";

    #[test]
    fn what_the_file_says_is_in_the_component() {
        let folder = tempfile::tempdir().unwrap();
        let made = stamp(folder.path(), MANIFEST, COMPONENT.to_vec(), "0.1.0").unwrap();
        let target = folder.path().join("out/shop.wasm");
        let built = made.write(&target).unwrap();
        let written = std::fs::read(&target).unwrap();
        let read = stamp::read(&written).unwrap().unwrap();
        assert_eq!(read, built.stamp);
        assert_eq!((read.name.as_str(), read.version.as_str(), read.sdk.as_deref()), ("shop", "1.2.0", None));
        assert_eq!((read.network.concat().as_str(), read.limits.rows), ("https://api.example.com", Some(9)));
        assert_eq!(read.source, built.key);
        assert!(written.starts_with(COMPONENT));

        let again = stamp(folder.path(), MANIFEST, written, "0.1.0").unwrap_err().to_string();
        assert!(again.contains("a stamp already, as shop 1.2.0"), "{again}");
    }

    #[test]
    fn a_folder_names_what_the_file_does_not() {
        let made = stamp(Path::new("Some Shop"), b"", COMPONENT.to_vec(), "0.1.0").unwrap();
        assert_eq!((made.stamp.name.as_str(), made.stamp.version.as_str()), ("some-shop", "0.0.0"));
    }

    #[test]
    fn what_cannot_be_a_stamp_is_refused() {
        let refused = |manifest: &[u8], component: &[u8]| {
            stamp(Path::new("x"), manifest, component.to_vec(), "0.1.0").unwrap_err().to_string()
        };
        assert!(refused(b"\xff", COMPONENT).contains("UTF-8"));
        assert!(refused(b"nmae = 'x'", COMPONENT).contains("unknown key"));
        assert!(refused(b"", b"no component").contains("sections"));
        let mut damaged = COMPONENT.to_vec();
        stamp::append_section(&mut damaged, stamp::SECTION, b"{}");
        assert!(refused(b"", &damaged).contains("stamp does not hold"));
    }
}
