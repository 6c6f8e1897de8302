//! Certificates, good and bad.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::super::*;
use super::support::*;

pub(super) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(super) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        // two authorities of one name would be told apart by their signatures only
        let name = format!("test authority {:x?}", key.public_key_raw());
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        Self(CertifiedIssuer::self_signed(params, key).unwrap())
    }

    pub(super) fn trust(&self) -> Trust {
        Trust::nobody().and_pem(self.0.pem().as_bytes()).unwrap()
    }

    fn server(&self, change: impl Fn(&mut CertificateParams)) -> Server {
        let (certificate, key) = self.certified(change);
        tls_server(certificate, &key)
    }

    fn certified(&self, change: impl Fn(&mut CertificateParams)) -> (CertificateDer<'static>, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec!["api.test".to_owned()]).unwrap();
        change(&mut params);
        let certificate = params.signed_by(&key, &self.0).unwrap();
        (certificate.der().clone(), key)
    }

    /// TLS settings of a server for `api.test`.
    pub(super) fn settings(&self) -> Arc<ServerConfig> {
        let (certificate, key) = self.certified(|_| {});
        settings(certificate, &key)
    }
}

fn settings(certificate: CertificateDer<'static>, key: &KeyPair) -> Arc<ServerConfig> {
    let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    Arc::new(config)
}

fn tls_server(certificate: CertificateDer<'static>, key: &KeyPair) -> Server {
    let config = settings(certificate, key);
    Server::new(move |stream, _| {
        let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
        let mut stream = StreamOwned::new(connection, stream);
        while read_request(&mut stream).is_some() {
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").unwrap();
        }
    })
}

fn outcome(server: &Server, trust: Trust) -> Result<(u16, Vec<u8>), HttpError> {
    let url = format!("https://api.test:{}", server.address.port());
    let granted = grants(&[&url], &["api.test=127.0.0.1"]);
    let client = Client::new(granted, &quick(), Names::new(&[&["127.0.0.1"]]), trust);
    run(async {
        let first = fetch(&client, &get(&url)).await?;
        assert_eq!(fetch(&client, &get(&url)).await?, first);
        assert_eq!(server.connections(), 1, "the connection is kept");
        Ok(first)
    })
}

fn certificate_text(server: &Server, trust: Trust) -> String {
    match outcome(server, trust).unwrap_err() {
        HttpError::Certificate(text) => text,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_private_authority_is_accepted_when_an_operator_adds_it() {
    let authority = Authority::new();
    let server = authority.server(|_| {});
    assert_eq!(outcome(&server, authority.trust()).unwrap(), (200, b"ok".to_vec()));
    // beside the machine's own authorities, too
    let server = authority.server(|_| {});
    let both = Trust::system().and_pem(authority.0.pem().as_bytes()).unwrap();
    assert_eq!(outcome(&server, both).unwrap().0, 200);
}

#[test]
fn bad_certificates_are_refused() {
    let authority = Authority::new();
    let trust = || authority.trust();
    assert!(certificate_text(&authority.server(|_| {}), Trust::nobody()).contains("not trusted here"));
    assert!(certificate_text(&authority.server(|_| {}), Authority::new().trust()).contains("not trusted here"));

    let other_name = authority.server(|params| {
        params.subject_alt_names = CertificateParams::new(vec!["other.test".to_owned()]).unwrap().subject_alt_names;
    });
    assert!(certificate_text(&other_name, trust()).contains("for another host name"));

    let expired = authority.server(|params| params.not_after = rcgen::date_time_ymd(2020, 1, 1));
    assert!(certificate_text(&expired, trust()).contains("has expired"));

    let key = KeyPair::generate().unwrap();
    let own = CertificateParams::new(vec!["api.test".to_owned()]).unwrap().self_signed(&key).unwrap();
    assert!(certificate_text(&tls_server(own.der().clone(), &key), trust()).contains("not trusted here"));
}

#[test]
fn not_tls_and_silence() {
    let silent = Server::new(|stream, _| {
        std::thread::sleep(Duration::from_secs(20));
        drop(stream);
    });
    let closing = Server::new(|stream, _| drop(stream));
    let answering = Server::new(|mut stream, _| {
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
        read_request(&mut stream);
    });
    for (server, expected) in
        [(&silent, "connecting took too long"), (&answering, "does not speak TLS"), (&closing, "TLS")]
    {
        let url = format!("https://{}/", server.address);
        let client = client(grants(&[url.trim_end_matches('/')], &[]), &quick());
        let mut parts = get(&url);
        parts.timeouts.connect = Some(Duration::from_millis(300));
        let error = run(fetch(&client, &parts)).unwrap_err();
        assert!(error.to_string().contains(expected), "{error:?}");
    }
}

#[test]
fn files_of_certificates() {
    assert_eq!(Trust::system().and_pem(b"").unwrap_err(), TrustError::Pem);
    assert_eq!(
        Trust::system().and_pem(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n").unwrap_err(),
        TrustError::Pem
    );
    let two = Authority::new().0.pem() + &Authority::new().0.pem();
    assert!(Trust::nobody().and_pem(two.as_bytes()).is_ok());
}
