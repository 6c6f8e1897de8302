//! The network: what was not granted is not reached, in any way.

use serde_json::json;

use super::{denied, ends, limit, rows, success};
use crate::support::Connector;
use crate::support::server::Server;

fn server() -> Server {
    Server::fixed("200 OK", &[], "reached")
}

/// A server that sends everybody elsewhere.
fn redirect(to: &str) -> Server {
    Server::fixed("302 Found", &[("Location", to)], "")
}

#[test]
fn a_host_that_is_not_granted_is_not_reached() {
    let server = server();
    let connector = Connector::mode("get").with("url", server.url("/private?token=xxxx"));
    let end = denied(&["--allow http://127.0.0.1:"]);
    ends(connector, &end, |sync, it| {
        assert_eq!(server.connections(), 0);
        assert_eq!(rows(it, "got"), 0);
        let message = sync.report()["outcome"]["message"].as_str().unwrap().to_owned();
        assert!(message.contains(&server.origin()), "the message names what to grant: {message}");
        assert_eq!(sync.report()["hosts"][0]["denied"], json!(1), "{}", sync.report());
    });
}

#[test]
fn a_grant_is_for_one_port() {
    let (granted, other) = (server(), server());
    let connector = Connector::mode("get").with("url", other.url("/")).arguments(&["--allow", &granted.origin()]);
    ends(connector, &denied(&["--allow"]), |_, _| assert_eq!(other.connections(), 0));
}

#[test]
fn a_denial_that_is_caught_reaches_nothing() {
    let server = server();
    let connector = Connector::mode("get_and_hide_the_denial").with("url", server.url("/"));
    ends(connector, &success(), |_, it| {
        assert_eq!(server.connections(), 0);
        assert_eq!(rows(it, "denied"), 1);
    });
}

#[test]
fn a_redirect_does_not_lead_to_what_was_not_granted() {
    let target = server();
    let first = redirect(&target.url("/stolen"));
    let connector = Connector::mode("get").with("url", first.url("/")).arguments(&["--allow", &first.origin()]);
    ends(connector, &denied(&["--allow http://127.0.0.1:"]), |_, it| {
        assert_eq!(first.requests(), 1);
        assert_eq!(target.connections(), 0);
        assert_eq!(rows(it, "got"), 0);
    });
}

#[test]
fn a_redirect_to_a_metadata_address_is_denied() {
    let first = redirect("http://169.254.169.254/latest/meta-data/");
    let connector = Connector::mode("get").with("url", first.url("/")).arguments(&["--allow", &first.origin()]);
    ends(connector, &denied(&["169.254.169.254"]), |_, it| assert_eq!(rows(it, "got"), 0));
}

#[test]
fn disguised_addresses_are_denied() {
    let server = server();
    let port = server.port();
    let disguises = [
        format!("http://localhost:{port}/"),
        format!("http://127.1:{port}/"),
        format!("http://2130706433:{port}/"),
        format!("http://0x7f000001:{port}/"),
        format!("http://0177.0.0.1:{port}/"),
        format!("http://[::ffff:127.0.0.1]:{port}/"),
        format!("http://[::1]:{port}/"),
        format!("http://0.0.0.0:{port}/"),
        format!("http://api.example.com@127.0.0.1:{port}/"),
        format!("http://127.0.0.1.:{port}/"),
        "http://169.254.169.254/latest/meta-data/".to_owned(),
        "http://metadata.google.internal/".to_owned(),
    ];
    let connector = Connector::mode("get_many")
        .with("urls", disguises.join(" "))
        .arguments(&["--allow", "https://api.example.com"]);
    ends(connector, &success(), |_, it| {
        assert_eq!(server.connections(), 0);
        let attempts = it.database().query("SELECT url, outcome FROM attempts");
        assert_eq!(attempts.len(), disguises.len(), "{attempts:?}");
        for attempt in &attempts {
            assert!(!attempt[1].as_str().unwrap().chars().all(|c| c.is_ascii_digit()), "{attempt:?}");
        }
    });
}

/// 600 MB of zeroes in 600 kB: the host passes them on as they are, and the connector's own memory ends it.
#[test]
fn a_decompression_bomb_meets_the_connectors_own_memory_limit() {
    let script = "import sys, zlib\nc = zlib.compressobj(9, 8, 31)\nz = bytes(1 << 20)\n\
                  for _ in range(600): sys.stdout.buffer.write(c.compress(z))\nsys.stdout.buffer.write(c.flush())";
    let bomb = std::process::Command::new("python3").args(["-c", script]).output().unwrap();
    assert!(bomb.status.success() && bomb.stdout.len() < 2 << 20);
    let server = Server::fixed("200 OK", &[("Content-Encoding", "gzip")], bomb.stdout);
    let connector = Connector::mode("get").with("url", server.url("/")).arguments(&["--allow", &server.origin()]);
    ends(connector, &limit(&["memory limit reached (256 MiB)"]), |_, it| assert_eq!(rows(it, "got"), 0));
}

#[test]
fn the_hosts_proxy_is_not_the_connectors() {
    let (granted, proxy) = (server(), server());
    let connector = Connector::mode("get").with("url", granted.url("/")).arguments(&["--allow", &granted.origin()]);
    super::warm();
    let mut command = connector.command();
    for name in ["HTTP_PROXY", "http_proxy", "ALL_PROXY"] {
        command.env(name, proxy.origin());
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", crate::support::text(&output.stdout));
    assert_eq!((granted.requests(), proxy.connections()), (1, 0));
}
