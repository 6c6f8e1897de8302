//! Secrets at rest, on their way in, and in what people read.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::json;

use super::{Desk, FORMS, VALUE, assert_hidden, assert_nowhere, command, row, secrets, store};
use crate::support::server::Server;
use crate::support::{Connector, events, text};

#[test]
fn a_stored_secret_reaches_its_connector_and_nobody_else() {
    let (server, gate) = Server::gated();
    let requests = json!([{"method": "GET", "url": server.origin()}]);
    let connector = Connector::mode("secret_send").with("requests", requests);
    let connector = connector.arguments(&["--allow", &server.origin()]);
    store(&connector, "plain_name", VALUE);
    let child = connector.command().spawn().unwrap();
    gate.wait_for_request();
    let process = |name: &str| fs::read(format!("/proc/{}/{name}", child.id())).map(|bytes| text(&bytes));
    assert_hidden(&process("cmdline").unwrap(), &FORMS);
    assert_hidden(&process("environ").unwrap_or_default(), &FORMS);
    let limits = process("limits").unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().nth(4), Some("0"), "{core}");
    gate.open();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));

    let sync = connector.switch("secret_seen").with("names", "[\"plain_name\"]");
    let said = sync.succeed();
    assert_eq!(row(&sync, "SELECT plain_name FROM seen")[0], json!(VALUE), "not held, so the connector has it");
    assert_hidden(&said.everything(), &FORMS);
    let sealed = sync.warehouse().join("tested.secrets");
    let bytes = text(&fs::read(&sealed).unwrap());
    assert_hidden(&bytes, &FORMS);
    assert_eq!(fs::metadata(&sealed).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn secrets_are_listed_by_name_removed_and_sealed_anew() {
    let desk = Desk::new();
    let warehouse = desk.0.path().join("warehouse");
    let key = desk.0.path().join("own/secrets.key");
    let say = |arguments: &[&str], input: &str| {
        let mut command = command(arguments);
        command.arg("--warehouse").arg(&warehouse).env("SLUICE_SECRETS_KEY_FILE", &key);
        let mut child = command.spawn().unwrap();
        let _ = std::io::Write::write_all(&mut child.stdin.take().unwrap(), input.as_bytes());
        let output = child.wait_with_output().unwrap();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    assert_eq!(say(&["set", "shop", "b"], &format!("{VALUE}\n")).0, Some(0));
    let from = desk.file("value", "other-value\n");
    assert_eq!(say(&["set", "shop", "a", "--from-file", &from], "").0, Some(0));
    assert_eq!(say(&["list", "shop"], "").1, "a\nb\n");
    let listed = say(&["list", "shop", "--json"], "").1;
    assert_eq!(listed, "[\"a\",\"b\"]\n");
    events::printed_all("secrets list", &serde_json::from_str(&listed).unwrap());
    assert_nowhere(&warehouse, &FORMS);
    assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);

    let before = fs::read(warehouse.join("shop.secrets")).unwrap();
    let (code, out, note) = say(&["rekey"], "");
    assert!(code == Some(0) && out.starts_with("sealed 2 secrets") && note.contains("1 former keys"), "{out}{note}");
    assert_ne!(fs::read(warehouse.join("shop.secrets")).unwrap(), before);
    assert_eq!(say(&["rekey", "--forget"], "").0, Some(0));
    assert_eq!(say(&["remove", "shop", "a"], "").0, Some(0));
    let (code, _, error) = say(&["remove", "shop", "a"], "");
    assert!(code == Some(2) && error.contains("no secret a"), "{error}");

    // What was sealed with a forgotten key says so.
    fs::write(warehouse.join("shop.secrets"), before).unwrap();
    let (code, _, error) = say(&["rekey"], "");
    assert!(code == Some(2) && error.contains("was sealed with the key"), "{error}");
    // A key that others can read is not used.
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let (code, _, error) = say(&["list", "shop"], "");
    assert!(code == Some(2) && error.contains("chmod 600"), "{error}");
    for arguments in [["set", "../shop", "a"], ["set", "Shop", "a"]] {
        let refused = secrets(&[&arguments[..], &["--warehouse", warehouse.to_str().unwrap()]].concat(), VALUE);
        assert_eq!(refused.status.code(), Some(2), "{}", text(&refused.stderr));
    }
}

/// The connector that says its secret wherever it can, with it marked in one way.
fn leaking(mark: impl FnOnce(Connector) -> Connector) {
    let connector = mark(Connector::mode("secret_leak"));
    let sync = connector.sync();
    assert!(matches!(sync.code, Some(1 | 4)), "{}", sync.everything());
    assert!(sync.everything().contains("[redacted]"), "{}", sync.everything());
    assert_hidden(&sync.everything(), &["hunter2", "aHVudGVyM"]);
    // As people see it.
    let given = connector.command();
    let mut plain = crate::support::sluice();
    plain.args(given.get_args().filter(|argument| *argument != "--json"));
    for (name, value) in given.get_envs().filter_map(|(name, value)| Some((name, value?))) {
        plain.env(name, value);
    }
    let output = plain.output().unwrap();
    assert_hidden(&format!("{}{}", text(&output.stdout), text(&output.stderr)), &["hunter2", "aHVudGVyM"]);
}

#[test]
fn a_marked_secret_is_hidden_whatever_it_is_called() {
    const LEAKED: &str = "hunter2hunter2";
    leaking(|it| it.with("thing", LEAKED).arguments(&["--secret", "thing"]));
    let desk = Desk::new();
    let file = format!("thing={}", desk.file("value", LEAKED));
    leaking(|it| it.arguments(&["--secret-file", &file]));
    let settings = desk.file("settings.toml", "[secrets.thing]\n");
    leaking(|it| it.with("thing", LEAKED).arguments(&["--settings", &settings]));
    leaking(|it| {
        store(&it, "thing", LEAKED);
        it
    });
}

#[test]
fn a_password_of_the_form_is_a_secret_for_a_sync_too() {
    let connector = Connector::mode("secret_leak").with("thing", "hunter2hunter2").with("phrase", "hunter2hunter2");
    let sync = connector.sync();
    assert!(sync.everything().contains("it is [redacted]"), "{}", sync.everything());
    assert_hidden(&sync.everything(), &["hunter2"]);
}

#[test]
fn a_value_may_come_from_a_variable() {
    let connector = Connector::mode("secret_seen").with("names", "[\"thing\"]");
    let connector = connector.arguments(&["--secret-env", "thing=THE_THING"]);
    let output = connector.command().env("THE_THING", VALUE).output().unwrap();
    assert!(output.status.success(), "{}", text(&output.stderr));
    assert_eq!(row(&connector, "SELECT thing FROM seen")[0], json!(VALUE));
    let missing = connector.sync();
    assert_eq!(missing.code, Some(2));
    assert!(missing.stderr.contains("there is no variable THE_THING"), "{}", missing.stderr);
}

#[test]
fn a_state_with_a_secret_is_refused_by_key() {
    let connector = Connector::mode("secret_state").with("thing", "hunter2hunter2");
    connector.succeed();
    let marked = connector.arguments(&["--secret", "thing"]);
    let before = marked.state();
    let sync = marked.sync();
    assert_eq!(sync.code, Some(1), "{}", sync.everything());
    let message = sync.report()["outcome"]["message"].as_str().unwrap();
    assert!(message.contains("holds a secret of the configuration under `kept`"), "{message}");
    assert_eq!(marked.state(), before);

    // A name only looks so.
    let guessed = Connector::mode("secret_state").with("thing", "value-1234").with("sort_key", "value-1234");
    let sync = guessed.succeed();
    assert!(sync.log().iter().any(|line| line.contains("whose name looks secret, under `kept`")), "{:?}", sync.log());
}

#[test]
fn a_damaged_or_planted_file_of_secrets_stops_the_sync() {
    let connector = Connector::mode("secret_seen").with("names", "[]");
    store(&connector, "thing", VALUE);
    let path = connector.warehouse().join("tested.secrets");
    let good = fs::read_to_string(&path).unwrap();
    let try_with = |change: &dyn Fn(&Path)| {
        change(&path);
        let sync = connector.sync();
        let said = sync.everything();
        assert_hidden(&said, &FORMS);
        let _ = fs::remove_file(&path);
        fs::write(&path, &good).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        (sync.code, said)
    };
    let (code, said) = try_with(&|path| fs::write(path, good.replace("\"thing\"", "\"other\"")).unwrap());
    assert!(code == Some(5) && said.contains("was changed since it was set"), "{said}");
    let (code, said) = try_with(&|path| fs::write(path, "{}").unwrap());
    assert!(code == Some(5) && said.contains("is damaged"), "{said}");
    let (code, said) = try_with(&|path| {
        let moved = path.with_extension("moved");
        fs::rename(path, &moved).unwrap();
        std::os::unix::fs::symlink(moved, path).unwrap();
    });
    assert_eq!(code, Some(5), "{said}");
    let (code, said) = try_with(&|path| {
        fs::remove_file(path).unwrap();
        rustix_fifo(path);
    });
    assert!(code == Some(2) && said.contains("not a plain file"), "{said}");
    connector.succeed();
}

fn rustix_fifo(path: &Path) {
    let made = std::process::Command::new("mkfifo").arg(path).status().unwrap();
    assert!(made.success());
}

#[test]
fn a_secret_may_be_a_variable_of_the_connectors_environment() {
    let connector = Connector::mode("surroundings").arguments(&["--env-secret", "PLACE=api_thing"]);
    let missing = connector.sync();
    assert_eq!(missing.code, Some(2), "{}", missing.everything());
    assert!(missing.stderr.contains("there is no secret `api_thing`"), "{}", missing.stderr);
    store(&connector, "api_thing", VALUE);
    let sync = connector.succeed();
    let seen = connector.database().value("SELECT outcome FROM found WHERE what = 'environment'");
    let seen: serde_json::Value = serde_json::from_str(seen.as_str().unwrap()).unwrap();
    assert_eq!(seen["PLACE"], json!(VALUE));
    assert_hidden(&sync.everything(), &super::FORMS);

    // Of a secret that the host holds it is the placeholder.
    let held = connector.arguments(&["--hold-secret", "api_thing=https://api.example.com"]);
    held.succeed();
    let seen = held.database().query("SELECT outcome FROM found WHERE what = 'environment' ORDER BY rowid");
    let held: Vec<_> = seen.iter().map(|row| row[0].as_str().unwrap().contains("slcsecret")).collect();
    assert_eq!(held, [false, true], "{seen:?}");
}
