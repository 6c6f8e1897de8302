//! The audit log: what `docs/audit.md` promises about its lines.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use serde_json::{Value, json};

use crate::support::server::Server;
use crate::support::{Connector, Sync};

/// Something that stands for a secret in a path, a query, a header and an answer.
const CANARY: &str = "canary-b4c1";

fn lines(path: &Path) -> Vec<Value> {
    fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn audited(connector: Connector, log: &Path) -> Sync {
    connector.arguments(&["--audit", log.to_str().unwrap()]).sync()
}

#[test]
fn every_request_is_a_line_and_none_holds_a_secret() {
    let server = Server::fixed("200 OK", &[("X-Answer", CANARY)], CANARY);
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("audit.jsonl");
    let connector = Connector::mode("get")
        .with("url", server.url(&format!("/{CANARY}?token={CANARY}")))
        .with("api_key", CANARY)
        .arguments(&["--allow", &server.origin(), "--allow", "https://api.example.com", "--env", "PLACE=canary-b4c1"]);
    assert_eq!(audited(connector, &log).code, Some(0));

    let lines = lines(&log);
    let events: Vec<_> = lines.iter().map(|line| line["event"].as_str().unwrap()).collect();
    assert_eq!(events, ["started", "request", "finished"], "{lines:#?}");
    let started = &lines[0];
    assert_eq!(started["connector"], "many");
    assert_eq!(started["connection"], "tested");
    assert_eq!(started["component"].as_str().unwrap().len(), 64);
    assert_eq!(started["network"], json!([server.origin(), "https://api.example.com"]));
    assert!(started["environment"].as_array().unwrap().contains(&json!("PLACE")), "{started}");

    let mut request = lines[1].clone();
    assert!(request["time"].as_str().unwrap().ends_with('Z'));
    assert_eq!(request["sync"], started["sync"]);
    for key in ["time", "sync"] {
        request.as_object_mut().unwrap().remove(key);
    }
    assert_eq!(
        request,
        json!({
            "event": "request", "verdict": "allowed", "method": "GET", "scheme": "http", "host": "127.0.0.1",
            "port": server.port(), "grant": server.origin(), "status": 200, "bytes_sent": 0,
            "bytes_received": CANARY.len(),
        })
    );
    assert_eq!(lines[2]["outcome"], "success");
    assert_eq!((&lines[2]["requests"], &lines[2]["denied"]), (&json!(1), &json!(0)));

    let text = fs::read_to_string(&log).unwrap();
    assert!(!text.contains(CANARY), "{text}");
    assert_eq!(fs::metadata(&log).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn a_path_is_written_down_only_where_the_operator_wants_it() {
    let server = Server::fixed("200 OK", &[], "x");
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("audit.jsonl");
    let connector = Connector::mode("get").with("url", server.url(&format!("/orders/7?token={CANARY}"))).arguments(&[
        "--allow",
        &server.origin(),
        "--audit-paths",
    ]);
    assert_eq!(audited(connector, &log).code, Some(0));
    assert_eq!(lines(&log)[1]["path"], "/orders/7");
    assert!(!fs::read_to_string(&log).unwrap().contains(CANARY));
}

#[test]
fn every_denial_is_a_line_that_says_what_is_missing() {
    let server = Server::fixed("200 OK", &[], "x");
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("audit.jsonl");
    let urls = [server.url("/private"), "http://0x7f.1/".to_owned(), "https://good.example@evil.example/".to_owned()];
    let connector = Connector::mode("get_many").with("urls", urls.join(" "));
    assert_eq!(audited(connector, &log).code, Some(0));
    assert_eq!(server.connections(), 0);

    let lines = lines(&log);
    let requests: Vec<_> = lines.iter().filter(|line| line["event"] == "request").collect();
    assert_eq!(requests.len(), 3, "{lines:#?}");
    assert_eq!(requests[0]["verdict"], "denied");
    assert_eq!(requests[0]["missing"], format!("--allow {}", server.origin()));
    assert_eq!(requests[0]["host"], "127.0.0.1");
    let refused = requests[1];
    assert_eq!((&refused["verdict"], &refused["error"]), (&json!("refused"), &json!("invalid-request")));
    assert_eq!(refused.get("host"), None, "what could not be judged is not repeated: {refused}");
    // Python's clients take the part before the @ for a user.
    assert_eq!((&requests[2]["verdict"], &requests[2]["host"]), (&json!("denied"), &json!("evil.example")));
    assert_eq!(lines.last().unwrap()["denied"], 2);
}

#[test]
fn denials_end_so_that_the_log_does() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("audit.jsonl");
    let urls = vec!["http://denied.example/"; 1_200].join(" ");
    let connector = Connector::mode("get_many").with("urls", urls).arguments(&["--requests", "10"]);
    let sync = audited(connector, &log);
    assert_eq!(sync.code, Some(3), "{}", sync.stdout);
    assert!(sync.report()["outcome"]["message"].as_str().unwrap().contains("more than 1000 requests"));
    let written = lines(&log).iter().filter(|line| line["event"] == "request").count();
    assert!((1_000..=1_001).contains(&written), "{written}");
}

#[test]
fn lines_are_appended() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("audit.jsonl");
    for _ in 0..2 {
        assert_eq!(audited(Connector::mode("cursor"), &log).code, Some(0));
    }
    let lines = lines(&log);
    assert_eq!(lines.len(), 4);
    assert_ne!(lines[0]["sync"], lines[2]["sync"]);
}

#[test]
fn what_is_no_file_of_ours_is_refused_before_anything_runs() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    // Each would do without what is wrong with it.
    for target in ["linked", "twice", "open"] {
        fs::write(at(target), "").unwrap();
        fs::set_permissions(at(target), fs::Permissions::from_mode(0o600)).unwrap();
    }
    symlink(at("linked"), at("link")).unwrap();
    fs::hard_link(at("twice"), at("hard")).unwrap();
    fs::create_dir(at("folder")).unwrap();
    fs::set_permissions(at("open"), fs::Permissions::from_mode(0o666)).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(at("fifo")).status().unwrap().success());

    for name in ["link", "hard", "folder", "open", "fifo", "absent/file"] {
        let sync = audited(Connector::mode("cursor"), &at(name));
        assert_eq!(sync.code, Some(2), "{name}: {}{}", sync.stdout, sync.stderr);
        assert!(sync.stderr.contains("audit log"), "{name}: {}", sync.stderr);
        assert!(sync.events.is_empty(), "{name}: it ran");
    }
    for target in ["linked", "twice", "open"] {
        assert_eq!(fs::read_to_string(at(target)).unwrap(), "");
    }
}
