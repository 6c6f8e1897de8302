//! Whom a connector trusts over TLS: the operator decides.

use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::Value;

use super::{Ended, serve};
use crate::support::Connector;

/// An authority of the test's own, and a server's certificate and key for these names.
pub(crate) struct Certificates {
    folder: tempfile::TempDir,
}

impl Certificates {
    pub(crate) fn of(names: &[&str]) -> Self {
        let mut authority = CertificateParams::new(Vec::new()).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let names: Vec<_> = names.iter().map(ToString::to_string).collect();
        let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &authority).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), authority.pem()).unwrap();
        std::fs::write(folder.path().join("server.pem"), certificate.pem()).unwrap();
        std::fs::write(folder.path().join("server.key"), key.serialize_pem()).unwrap();
        Self { folder }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn serve(&self) -> (Ended, u16) {
        serve(Path::new("python3"), "tls_server.py", &[&self.path("server.pem"), &self.path("server.key")])
    }
}

/// What `requests` makes of a page, and the text of its error.
fn secure(url: &str, arguments: &[&str]) -> (Value, String) {
    let connector = Connector::mode("secure").with("url", url).arguments(&["--allow", url]).arguments(arguments);
    connector.succeed();
    let database = connector.database();
    let outcome = database.value("SELECT outcome FROM secure");
    let error = if outcome == "SSLError" { database.value("SELECT error FROM secure") } else { Value::Null };
    (outcome, error.as_str().unwrap_or_default().to_owned())
}

#[test]
fn an_authority_is_trusted_only_when_the_operator_says_so() {
    let certificates = Certificates::of(&["127.0.0.1", "localhost"]);
    let (_server, port) = certificates.serve();
    let url = format!("https://127.0.0.1:{port}");
    let authority = certificates.path("ca.pem");
    let (outcome, error) = secure(&url, &["--ca-file", authority.to_str().unwrap()]);
    assert_eq!(outcome, "over TLS", "{error}");

    let (outcome, error) = secure(&url, &[]);
    assert_eq!(outcome, "SSLError");
    assert!(error.contains("CERTIFICATE_VERIFY_FAILED"), "{error}");

    let another = Certificates::of(&["127.0.0.1"]);
    let (outcome, _) = secure(&url, &["--ca-file", another.path("ca.pem").to_str().unwrap()]);
    assert_eq!(outcome, "SSLError", "another authority vouches for nothing");
}

#[test]
fn a_certificate_for_another_name_is_refused() {
    let certificates = Certificates::of(&["other.example"]);
    let (_server, port) = certificates.serve();
    let authority = certificates.path("ca.pem");
    let (outcome, error) = secure(&format!("https://127.0.0.1:{port}"), &["--ca-file", authority.to_str().unwrap()]);
    assert_eq!(outcome, "SSLError");
    assert!(error.contains("CERTIFICATE_VERIFY_FAILED"), "{error}");
}
