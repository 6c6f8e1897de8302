//! Whose certificates are accepted.

use std::sync::Arc;

use rustls::client::Resumption;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::version::TLS12;
use rustls::{ClientConfig, DEFAULT_VERSIONS, RootCertStore, SupportedProtocolVersion};
use rustls_platform_verifier::Verifier;

/// The authorities that may vouch for a server. There is no value that accepts anything.
#[derive(Clone, Debug)]
pub struct Trust {
    system: bool,
    extra: Vec<CertificateDer<'static>>,
}

/// Root certificates that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    /// Not PEM, or PEM without a certificate.
    #[error("the file of extra root certificates holds no PEM certificate that can be read")]
    Pem,
}

impl Default for Trust {
    fn default() -> Self {
        Self::system()
    }
}

impl Trust {
    /// The machine's own authorities.
    #[must_use]
    pub fn system() -> Self {
        Self { system: true, extra: Vec::new() }
    }

    /// Nobody yet; add authorities with [`Trust::and_pem`].
    #[must_use]
    pub fn nobody() -> Self {
        Self { system: false, extra: Vec::new() }
    }

    /// These too: one or more certificates in PEM form, as an operator's CA file holds them.
    ///
    /// # Errors
    ///
    /// No certificate in it, or one that cannot be read.
    pub fn and_pem(mut self, pem: &[u8]) -> Result<Self, TrustError> {
        let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
        let found = found.map_err(|_| TrustError::Pem)?;
        let mut probe = RootCertStore::empty();
        if found.is_empty() || found.iter().any(|der| probe.add(der.clone()).is_err()) {
            return Err(TrustError::Pem);
        }
        self.extra.extend(found);
        Ok(self)
    }

    /// TLS settings that accept these authorities. Reads the machine's certificates: slow.
    pub(super) fn tls(&self) -> Result<ClientConfig, rustls::Error> {
        self.of(DEFAULT_VERSIONS)
    }

    fn of(&self, versions: Versions<'_>) -> Result<ClientConfig, rustls::Error> {
        let provider = Arc::new(ring::default_provider());
        if !self.system {
            return only(&self.extra, provider, versions);
        }
        let verifier = Verifier::new_with_extra_roots(self.extra.iter().cloned(), Arc::clone(&provider))?;
        let verifier: Arc<dyn ServerCertVerifier> = Arc::new(verifier);
        let config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(versions)?
            // "dangerous" is rustls' name for any verifier of one's own; this one is the platform's
            .dangerous()
            .with_custom_certificate_verifier(verifier)
            .with_no_client_auth();
        Ok(http1(config))
    }

    /// The same for streams, which speak no HTTP. Reads the machine's certificates: slow.
    pub(super) fn stream_tls(&self) -> Result<ClientConfig, rustls::Error> {
        let mut config = self.tls()?;
        config.alpn_protocols.clear();
        Ok(config)
    }

    /// The same for streams whose handshake is in packets. Where packets end is where the handshake does, which both
    /// sides know of a whole one of TLS 1.2: after that of 1.3 the server still sends tickets, one way or the other.
    pub(super) fn packet_tls(&self) -> Result<ClientConfig, rustls::Error> {
        let mut config = self.of(&[&TLS12])?;
        config.alpn_protocols.clear();
        config.resumption = Resumption::disabled();
        Ok(config)
    }

    /// TLS settings that accept nobody, for a client that is used without TLS.
    pub(super) fn no_tls() -> Result<ClientConfig, rustls::Error> {
        only(&[], Arc::new(ring::default_provider()), DEFAULT_VERSIONS)
    }
}

type Versions<'a> = &'a [&'static SupportedProtocolVersion];

fn only(
    roots: &[CertificateDer<'static>],
    provider: Arc<CryptoProvider>,
    versions: Versions<'_>,
) -> Result<ClientConfig, rustls::Error> {
    let mut store = RootCertStore::empty();
    for root in roots {
        store.add(root.clone())?;
    }
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)?
        .with_root_certificates(store)
        .with_no_client_auth();
    Ok(http1(config))
}

fn http1(mut config: ClientConfig) -> ClientConfig {
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config
}
