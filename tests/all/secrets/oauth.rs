//! Tokens that the host fetches.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::{Desk, Witness, assert_hidden, assert_nowhere, row, store};
use crate::support::Connector;

const CLIENT_SECRET: &str = "cl1ent/s3cret+9f8e7d";
const HIDDEN: [&str; 5] = ["cl1ent/s3cret", "cl1ent%2Fs3cret", "first-refresh", "refresh-of-", "token-number"];

/// A service whose tokens are good for `uses` requests each, and its login, which numbers them.
fn service(
    uses: usize,
    life: Value,
    login: impl Fn(&str) -> Option<String> + Send + Sync + 'static,
) -> (Witness, Witness) {
    let tokens = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&tokens);
    let login = Witness::answering(move |request| {
        let body = String::from_utf8_lossy(&request.body).into_owned();
        if let Some(refused) = login(&body) {
            return ("400 Bad Request".to_owned(), String::new(), refused);
        }
        let number = count.fetch_add(1, Ordering::SeqCst) + 1;
        let answer = json!({
            "access_token": format!("token-number-{number}"),
            "token_type": "Bearer",
            "expires_in": life,
            "refresh_token": format!("refresh-of-{number}"),
        });
        ("200 OK".to_owned(), String::new(), answer.to_string())
    });
    let left = AtomicUsize::new(uses);
    let used = AtomicUsize::new(0);
    let api = Witness::answering(move |request| {
        let current = tokens.load(Ordering::SeqCst);
        if used.swap(current, Ordering::SeqCst) != current {
            left.store(uses, Ordering::SeqCst);
        }
        let right = request.header("authorization") == Some(&format!("Bearer token-number-{current}"));
        let one_left = left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
        match right && one_left {
            true => ("200 OK".to_owned(), String::new(), "fine".to_owned()),
            false => ("401 Unauthorized".to_owned(), String::new(), "who are you?".to_owned()),
        }
    });
    (api, login)
}

fn syncing(api: &Witness, login: &Witness, flow: &str, requests: usize) -> (Connector, Desk) {
    let desk = Desk::new();
    let settings = desk.file(
        "settings.toml",
        &format!(
            "[oauth.access]\ntoken_url = \"{}/token\"\nflow = \"{flow}\"\nclient_id = \"client\"\n\
             client_secret = \"client_code\"\nrefresh_token = \"renewal\"\nscope = \"read all\"\nhosts = [\"{}\"]\n",
            login.origin(),
            api.origin()
        ),
    );
    let one =
        json!({"method": "POST", "url": api.origin(), "data": "x", "headers": {"Authorization": "Bearer <access>"}});
    let connector = Connector::mode("secret_send").with("requests", json!(vec![one; requests]));
    let connector =
        connector.with("client", "the client").arguments(&["--settings", &settings, "--allow", &api.origin()]);
    store(&connector, "client_code", CLIENT_SECRET);
    store(&connector, "renewal", "first-refresh");
    (connector, desk)
}

fn statuses(connector: &Connector) -> Vec<Value> {
    connector.database().query("SELECT status FROM sent ORDER BY id").into_iter().map(|mut row| row.remove(0)).collect()
}

#[test]
fn a_token_is_fetched_once_used_and_renewed_when_refused() {
    let (api, login) = service(3, json!(3600), |_| None);
    let (connector, _desk) = syncing(&api, &login, "client-credentials", 5);
    let sync = connector.succeed();
    assert_eq!(statuses(&connector), vec![json!(200); 5], "{}", sync.everything());
    let asked = login.seen();
    assert_eq!(asked.len(), 2, "one for three requests, and one when it was refused");
    assert!(asked[0].starts_with("POST /token\n"), "{}", asked[0]);
    assert!(asked[0].ends_with("\n\ngrant_type=client_credentials&scope=read%20all"), "{}", asked[0]);
    // base64 of `the%20client:cl1ent%2Fs3cret%2B9f8e7d`
    let basic = "authorization: Basic dGhlJTIwY2xpZW50OmNsMWVudCUyRnMzY3JldCUyQjlmOGU3ZA==\n";
    assert!(asked[0].contains(basic), "{}", asked[0]);
    assert_eq!(api.seen().len(), 6);
    assert_hidden(&sync.everything(), &HIDDEN);
    assert_nowhere(&connector.warehouse(), &HIDDEN);

    // The connector has neither the token nor what it is fetched with.
    let connector = connector.switch("secret_seen").with("names", "[\"access\"]");
    connector.succeed();
    let seen = row(&connector, "SELECT access, names FROM seen");
    assert!(seen[0].as_str().unwrap().starts_with("slcsecret"), "{seen:?}");
    assert_eq!(seen[1], json!(r#"["access", "client", "mode", "names", "requests"]"#));
}

#[test]
fn a_token_that_has_expired_is_fetched_anew() {
    let (api, login) = service(100, json!(0), |_| None);
    let (connector, _desk) = syncing(&api, &login, "client-credentials", 3);
    connector.succeed();
    assert_eq!(statuses(&connector), vec![json!(200); 3]);
    assert_eq!(login.seen().len(), 3);
}

#[test]
fn a_refresh_token_that_was_replaced_is_kept_sealed_for_the_next_sync() {
    let expected = Arc::new(std::sync::Mutex::new("first-refresh".to_owned()));
    let number = AtomicUsize::new(0);
    // Each refresh token is good once.
    let (api, login) = service(100, json!(3600), move |body| {
        let mut expected = expected.lock().unwrap();
        if !body.contains(&format!("grant_type=refresh_token&refresh_token={expected}&")) {
            return Some(json!({"error": "invalid_grant"}).to_string());
        }
        *expected = format!("refresh-of-{}", number.fetch_add(1, Ordering::SeqCst) + 1);
        None
    });
    let (connector, _desk) = syncing(&api, &login, "refresh-token", 2);
    for _ in 0..3 {
        let sync = connector.succeed();
        assert_eq!(statuses(&connector), vec![json!(200); 2], "{}", sync.everything());
        assert_hidden(&sync.everything(), &HIDDEN);
    }
    assert_eq!(login.seen().len(), 3, "one a sync, each with the token of the one before");
    assert_nowhere(&connector.warehouse(), &HIDDEN);
    assert!(fs::metadata(connector.warehouse().join("tested.secrets")).is_ok());
}

#[test]
fn a_login_that_refuses_is_said_without_what_it_says() {
    for (answer, says) in [
        (
            format!("{{\"error\": \"invalid_client\", \"error_description\": \"bad {CLIENT_SECRET}\"}}"),
            "answered 400 (invalid_client)",
        ),
        (format!("{{\"error\": \"{CLIENT_SECRET}\"}}"), "answered 400"),
        ("x".repeat(1 << 20), "longer than 65536 bytes"),
    ] {
        let (api, login) = service(1, json!(1), move |_| Some(answer.clone()));
        let (connector, _desk) = syncing(&api, &login, "client-credentials", 1);
        let sync = connector.with("fail", "yes").sync();
        assert_eq!(sync.code, Some(1), "{}", sync.everything());
        let message = sync.report()["outcome"]["message"].as_str().unwrap();
        assert!(message.contains("could not get the token `access`") && message.contains(says), "{message}");
        assert_hidden(&sync.everything(), &HIDDEN);
        assert_eq!(api.seen().len(), 0);
    }
}

#[test]
fn what_a_token_needs_must_be_there() {
    let (api, login) = service(1, json!(1), |_| None);
    let (connector, _desk) = syncing(&api, &login, "client-credentials", 1);
    let connector = connector.with("client", "");
    let sync = connector.sync();
    assert_eq!(sync.code, Some(2), "{}", sync.everything());
    assert!(sync.stderr.contains("the token `access` needs `client`"), "{}", sync.stderr);
    assert!(sync.stderr.contains("sluice secrets set tested client"), "{}", sync.stderr);
}

/// A careless service that says the token back, and a connector that logs what it was told.
#[test]
fn a_token_that_comes_back_is_hidden() {
    let (_, login) = service(100, json!(3600), |_| None);
    let api = Witness::answering(|request| {
        let told = request.header("authorization").unwrap_or_default().to_owned();
        ("200 OK".to_owned(), String::new(), format!("you said {told}"))
    });
    let (connector, _desk) = syncing(&api, &login, "client-credentials", 1);
    let sync = connector.with("say", "yes").succeed();
    assert!(api.seen()[0].contains("authorization: Bearer token-number-1"), "{:?}", api.seen());
    assert!(sync.everything().contains("the answer is you said Bearer [redacted]"), "{}", sync.everything());
    assert_hidden(&sync.everything(), &HIDDEN);
}
