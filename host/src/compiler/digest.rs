//! Names things by their content.

use sha2::{Digest, Sha256};

/// A SHA-256 over fields; no two different lists of fields look alike.
#[derive(Default)]
pub(super) struct Fields(Sha256);

impl Fields {
    /// Adds one field.
    #[must_use]
    pub(super) fn with(mut self, field: impl AsRef<[u8]>) -> Self {
        self.add(field);
        self
    }

    /// Adds one field.
    pub(super) fn add(&mut self, field: impl AsRef<[u8]>) {
        let field = field.as_ref();
        self.0.update(u64::try_from(field.len()).unwrap_or(u64::MAX).to_le_bytes());
        self.0.update(field);
    }

    /// The digest in hexadecimal.
    #[must_use]
    pub(super) fn finish(self) -> String {
        hexadecimal(&self.0.finalize())
    }
}

/// The SHA-256 of some bytes in hexadecimal.
#[must_use]
pub(super) fn sha256(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_do_not_run_into_each_other() {
        let joined = Fields::default().with("ab").with("c").finish();
        assert_eq!(joined, Fields::default().with("ab").with("c").finish());
        assert_ne!(joined, Fields::default().with("a").with("bc").finish());
        assert_ne!(joined, Fields::default().with("abc").finish());
        assert_ne!(joined, Fields::default().with("c").with("ab").finish());
    }

    #[test]
    fn a_known_digest() {
        assert_eq!(sha256(b""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }
}
