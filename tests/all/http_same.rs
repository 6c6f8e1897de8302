//! HTTP libraries behave in the sandbox as they do on sockets: the same snippets, run both ways against the same
//! servers, TLS included.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose};
use serde_json::{Value, json};

use crate::sdk::environment;
use crate::support::{Connector, repository, text};
use crate::web::serve_saying;

/// What the bar of this test is; there are more.
const AT_LEAST: usize = 60;

/// Snippets that differ on purpose, with what comes of them in the sandbox; `docs/clients.md` says why.
fn intended() -> Vec<(&'static str, Value)> {
    vec![
        ("differs_verification_off", json!(["value", ["requests.exceptions.SSLError"]])),
        ("differs_client_certificate", json!(["value", ["requests.exceptions.SSLError"]])),
        ("differs_own_authority", json!(["value", ["200"]])),
        ("differs_proxies", json!(["value", ["200"]])),
        ("differs_methods", json!(["value", ["sluice._http._errors.InvalidRequest"]])),
        ("differs_methods_of_ones_own", json!(["value", ["sluice._http._errors.InvalidRequest"]])),
        ("differs_names_of_headers", json!(["value", ["X-Two", "X-Two", "Link", "ETag", "Content-Length"]])),
        ("differs_quotes_in_queries", json!(["value", "/echo?filter=name%20eq%20%27x%27"])),
        ("differs_reasons_beyond_ascii", json!(["value", ""])),
        ("differs_host_header", json!(["value", false])),
    ]
}

/// Certificates for this machine: `ca.pem`, `good.pem` signed by it, and `alone.pem` signed by itself.
fn certificates(folder: &Path) {
    let names = || vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let mut authority = CertificateParams::new(Vec::new()).unwrap();
    // a subject of its own: certificates of the same subject and issuer count as signed by themselves
    authority.distinguished_name.push(DnType::CommonName, "authority of the test");
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let mut good = CertificateParams::new(names()).unwrap();
    good.use_authority_key_identifier_extension = true;
    let good = good.signed_by(&key, &authority).unwrap();
    let own_key = KeyPair::generate().unwrap();
    let alone = CertificateParams::new(names()).unwrap().self_signed(&own_key).unwrap();
    fs::write(folder.join("ca.pem"), authority.pem()).unwrap();
    fs::write(folder.join("good.pem"), key.serialize_pem() + &good.pem()).unwrap();
    fs::write(folder.join("alone.pem"), own_key.serialize_pem() + &alone.pem()).unwrap();
}

/// The outcomes of the libraries as they are.
fn natively(python: &Path, env: &Value, authority: &Path) -> BTreeMap<String, Value> {
    let mut command = Command::new(python);
    for variable in ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "AWS_CA_BUNDLE", "HTTPLIB2_CA_CERTS"] {
        command.env(variable, authority);
    }
    for variable in ["http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        command.env_remove(variable);
    }
    let script = repository().join("tests/all/support/snippets_natively.py");
    command.arg(script).arg(repository().join("tests/guests/clients")).arg(env.to_string());
    let done = command.env("PYTHONDONTWRITEBYTECODE", "1").output().unwrap();
    assert!(done.status.success(), "{}", text(&done.stderr));
    serde_json::from_slice(&done.stdout).unwrap()
}

/// The outcomes in the sandbox.
fn sandboxed(env: &Value, authority: &Path) -> BTreeMap<String, Value> {
    let origin = |name: &str| env[name].as_str().unwrap().trim_end_matches('/').to_owned();
    let mut grants = vec![origin("url"), origin("tls"), origin("untrusted"), origin("refused")];
    // a redirect to another name, and TLS to a port that does not speak it
    grants.extend(["http://localhost", "https://127.0.0.1"].map(|host| format!("{host}:{}", env["port"])));
    grants.extend(["http://nowhere.invalid".to_owned(), "http://a.test".to_owned()]);
    let mut connector =
        Connector::client("same").with("env", env).arguments(&["--ca-file", authority.to_str().unwrap()]);
    for grant in &grants {
        connector = connector.arguments(&["--allow", grant]);
    }
    connector.succeed();
    let rows = connector.database().query("SELECT name, outcome FROM snippets");
    let outcome = |row: Vec<Value>| {
        let (name, outcome) = (row[0].as_str().unwrap().to_owned(), row[1].as_str().unwrap().to_owned());
        (name, serde_json::from_str(&outcome).unwrap_or(Value::String(outcome)))
    };
    rows.into_iter().map(outcome).collect()
}

#[test]
fn every_snippet_gives_the_same_natively_and_in_the_sandbox() {
    let clients = fs::read_to_string(repository().join("tests/guests/clients/requirements.txt")).unwrap();
    let base = fs::read_to_string(repository().join("host/src/compiler/base.lock")).unwrap();
    let pins = base.lines().filter_map(|line| line.split_once(" --hash")).map(|(pin, _)| format!("{pin}\n"));
    let wanted = ["aiohttp", "boto3", "httplib2", "httpx"];
    let clients = clients.lines().filter(|line| wanted.iter().any(|name| line.starts_with(name)));
    let requirements: String = pins.chain(clients.map(|line| format!("{line}\n"))).collect();
    let python = environment("clients", &requirements).unwrap();
    let folder = tempfile::tempdir().unwrap();
    certificates(folder.path());
    let at = |name: &str| folder.path().join(name);
    let sources = repository().join("guest-python/tests/http");
    let (_servers, said) = serve_saying(&python, "http_servers.py", &[&sources, &at("good.pem"), &at("alone.pem")]);
    let env = |run: &str| {
        let mut env: Value = serde_json::from_str(&said).unwrap();
        env["run"] = json!(run);
        env
    };

    let native = natively(&python, &env("native"), &at("ca.pem"));
    let sandbox = sandboxed(&env("sandbox"), &at("ca.pem"));
    assert!(native.len() >= AT_LEAST && native.len() == sandbox.len(), "{} and {}", native.len(), sandbox.len());
    let intended: BTreeMap<_, _> = intended().into_iter().collect();
    let mut differences = Vec::new();
    for (name, outcome) in &native {
        let expected = intended.get(name.as_str()).unwrap_or(outcome);
        assert!(!intended.contains_key(name.as_str()) || outcome != expected, "{name} no longer differs");
        if sandbox.get(name) != Some(expected) {
            differences.push(format!("{name}\n  native  {outcome}\n  sandbox {}", sandbox[name]));
        }
    }
    assert!(differences.is_empty(), "{} differ:\n{}", differences.len(), differences.join("\n"));
    eprintln!("{} snippets, {} of them different on purpose", native.len(), intended.len());
}
