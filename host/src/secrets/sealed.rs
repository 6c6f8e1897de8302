//! One value, sealed for its place.

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{Key as CipherKey, KeyInit, XChaCha20Poly1305, XNonce};
use serde::{Deserialize, Serialize};

use super::SecretsError;
use super::key::{Key, random};
use crate::policy::base64;
use crate::policy::secrets::Secret;

const NONCE_BYTES: usize = 24;

/// A value as it lies in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sealed {
    /// The key it was sealed with.
    pub(super) key: String,
    /// Nonce and ciphertext with its tag, in base64.
    sealed: String,
}

/// Where a value belongs to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    pub(super) connection: &'a str,
    pub(super) name: &'a str,
}

impl Place<'_> {
    /// Neither part can hold a NUL.
    fn associated(&self, key: &str) -> Vec<u8> {
        format!("sluice secret 1\0{}\0{}\0{key}", self.connection, self.name).into_bytes()
    }
}

impl Sealed {
    pub(super) fn new(value: &Secret, place: Place<'_>, key: &Key) -> Result<Self, SecretsError> {
        let nonce: [u8; NONCE_BYTES] = random()?;
        let id = key.id();
        let payload = Payload { msg: value.expose().as_bytes(), aad: &place.associated(&id) };
        let sealed = cipher(key).encrypt(XNonce::from_slice(&nonce), payload);
        let sealed = sealed.map_err(|_| SecretsError::Refused("the secret is too long".to_owned()))?;
        Ok(Self { key: id, sealed: base64::encode(&[nonce.as_slice(), &sealed].concat()) })
    }

    /// The value; `None` when it was changed or belongs elsewhere.
    pub(super) fn open(&self, place: Place<'_>, key: &Key) -> Option<Secret> {
        let bytes = base64::decode(&self.sealed)?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE_BYTES)?;
        let payload = Payload { msg: sealed, aad: &place.associated(&self.key) };
        let value = cipher(key).decrypt(XNonce::from_slice(nonce), payload).ok()?;
        String::from_utf8(value).ok().map(Secret::new)
    }
}

fn cipher(key: &Key) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(CipherKey::from_slice(&key.sealing()))
}
