//! Held secrets over TLS, to a server that writes down what arrives inside of it.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::json;

use super::{Desk, FORMS, VALUE, assert_hidden, assert_nowhere, row, store};
use crate::support::Connector;
use crate::web::trust::Certificates;

/// A server that speaks TLS alone, and what it was told.
struct Sealed {
    origin: String,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Sealed {
    fn new(certificates: &Certificates) -> Self {
        let chain = vec![CertificateDer::from_pem_file(certificates.path("server.pem")).unwrap()];
        let key = PrivateKeyDer::from_pem_file(certificates.path("server.key")).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let settings = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let settings = Arc::new(settings.with_no_client_auth().with_single_cert(chain, key).unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let origin = format!("https://{}", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let book = Arc::clone(&seen);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let session = ServerConnection::new(Arc::clone(&settings)).unwrap();
                let (mut stream, book) = (BufReader::new(StreamOwned::new(session, stream)), Arc::clone(&book));
                std::thread::spawn(move || {
                    while let Some(told) = request(&mut stream) {
                        book.lock().unwrap().push(told);
                        let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine";
                        if stream.get_mut().write_all(answer).is_err() {
                            return;
                        }
                    }
                });
            }
        });
        Self { origin, seen }
    }

    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

/// A request as it came, head and body.
fn request(stream: &mut impl BufRead) -> Option<String> {
    let (mut text, mut length) = (String::new(), 0);
    loop {
        let start = text.len();
        if stream.read_line(&mut text).ok()? == 0 {
            return None;
        }
        let line = text[start..].trim_end().to_ascii_lowercase();
        if let Some(bytes) = line.strip_prefix("content-length: ") {
            length = bytes.parse().ok()?;
        }
        if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some(text + &String::from_utf8_lossy(&body))
}

#[test]
fn a_held_secret_arrives_over_tls_and_only_at_who_can_prove_the_name() {
    let certificates = Certificates::of(&["127.0.0.1"]);
    let server = Sealed::new(&certificates);
    let desk = Desk::new();
    let bound = format!("[secrets.api_key]\nhosts = [\"{}\"]\nin = ['header', 'body']\n", server.origin);
    let settings = desk.file("settings.toml", &bound);
    let (secure, plain) = (server.origin.clone(), server.origin.replace("https", "http"));
    let requests = json!([
        {"method": "POST", "url": secure, "headers": {"Authorization": "Bearer <api_key>"}, "json": {"k": "<api_key>"}},
        {"method": "POST", "url": plain, "headers": {"Authorization": "Bearer <api_key>"}},
    ]);
    let syncing = |authority: &str| {
        let connector = Connector::mode("secret_send").with("requests", &requests).arguments(&[
            "--settings",
            &settings,
            "--allow",
            &secure,
            "--allow",
            &plain,
            "--ca-file",
            authority,
        ]);
        store(&connector, "api_key", VALUE);
        let sync = connector.succeed();
        assert_hidden(&sync.everything(), &FORMS);
        assert_nowhere(&connector.warehouse(), &FORMS);
        connector
    };

    let another = Certificates::of(&["127.0.0.1"]);
    let refused = syncing(another.path("ca.pem").to_str().unwrap());
    let message = row(&refused, "SELECT message FROM sent WHERE id = 0")[0].to_string();
    assert!(message.contains("CERTIFICATE_VERIFY_FAILED"), "{message}");
    assert_eq!(server.seen(), [""; 0], "nothing is said to who cannot prove its name");

    let trusted = syncing(certificates.path("ca.pem").to_str().unwrap());
    assert_eq!(row(&trusted, "SELECT status FROM sent WHERE id = 0")[0], 200);
    let message = row(&trusted, "SELECT message FROM sent WHERE id = 1")[0].to_string();
    assert!(message.contains("the secret `api_key` may not go to http://"), "{message}");
    let seen = server.seen();
    assert_eq!(seen.len(), 1, "{seen:?}");
    assert!(seen[0].contains(&format!("Authorization: Bearer {VALUE}\r\n")), "{}", seen[0]);
    assert!(seen[0].ends_with(&format!("{{\"k\": {}}}", json!(VALUE))), "{}", seen[0]);
}
