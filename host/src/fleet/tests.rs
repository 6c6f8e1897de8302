#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::path::Path;
use std::time::Duration;

use super::keys::RETRY;
use super::*;
use crate::keys::{Key, Kind};
use crate::policy::limits::Limits;

fn parse(text: &str) -> Result<Fleet, Vec<Problem>> {
    read(text, Path::new("/fleet"))
}

const WHOLE: &str = r#"
warehouse = "data"
concurrency = 6
timeout = "2h"

[connections.shop]
component = "shop.wasm"
configuration = { url = "https://api.example.com" }
environment = { REGION = "eu" }
pass_environment = ["LANG"]
allow = ["https://api.example.com"]
allow_address = ["db.internal=10.0.0.0/8"]
ca_file = "ca.pem"
secret = ["dsn"]
secret_files = { api_key = "/run/secrets/api_key" }
secret_environment = { password = "SHOP_PASSWORD" }
require_jail = true
audit = "audit.jsonl"
audit_paths = true
cron = "30 6 * * 1-5"
time_zone = "Europe/Berlin"
retry = { attempts = 5, wait = "1s", longest_wait = "1m" }
timeout = "10m"
enabled = false
[connections.shop.limits]
memory_bytes = "128MiB"
requests_per_second = 5
[connections.shop.destination]
deletes = "hard"
tables.users.block_columns = ["password"]
[connections.shop.secrets.token]
hosts = ["https://api.example.com"]
[connections.shop.oauth.access]
token_url = "https://login.example.com/token"
flow = "client-credentials"
client_id = "client_id"
client_secret = "client_secret"
hosts = ["https://api.example.com"]

[connections.crm]
component = "/connectors/crm"
every = "1h"

[defaults]
allow = ["https://proxy.example.com"]
cron = "0 * * * *"
limits = { requests = 10, memory_bytes = "64MiB" }
destination.tables.users.hash_columns = ["email"]
retry.attempts = 1
"#;

#[test]
fn everything_that_may_stand_there() {
    let fleet = parse(WHOLE).unwrap();
    assert_eq!((fleet.warehouse.to_str(), fleet.concurrency), (Some("/fleet/data"), Some(6)));
    assert_eq!(fleet.timeout, Some(Duration::from_secs(7_200)));
    let [shop, crm] = &fleet.connections[..] else { unreachable!("two connections") };
    assert_eq!((shop.name.as_str(), shop.line, shop.enabled), ("shop", 6, false));
    assert_eq!(shop.component, Path::new("/fleet/shop.wasm"));
    assert_eq!(shop.settings.allow.iter().map(ToString::to_string).collect::<Vec<_>>(), ["https://api.example.com"]);
    assert_eq!(shop.schedule.as_ref().unwrap().to_string(), "30 6 * * 1-5 Europe/Berlin");
    assert_eq!(shop.retry, Retry { attempts: 5, wait: Duration::from_secs(1), longest_wait: Duration::from_secs(60) });
    let mut limits = Limits::default();
    shop.settings.limits.apply(&mut limits).unwrap();
    assert_eq!((limits.memory_bytes, limits.requests, limits.requests_per_second), (128 << 20, 10, 5));
    let users = shop.settings.destination.table(None, "users").unwrap();
    assert!(users.block_columns.contains("password") && users.hash_columns.contains("email"));
    assert_eq!(shop.settings.secrets.names().count(), 3);

    assert_eq!((crm.component.to_str(), crm.enabled, crm.retry.attempts), (Some("/connectors/crm"), true, 1));
    assert_eq!(crm.settings.allow[0].to_string(), "https://proxy.example.com");
    assert!(matches!(crm.schedule, Some(Schedule::Every(hour)) if hour.as_secs() == 3_600));
}

#[test]
fn every_problem_is_found_with_its_line_and_a_hint() {
    let text = r#"concurency = 3
[defaults]
component = "x"
every = "5"
[connections.Shop]
component = "a.wasm"
[connections.crm]
alow = ["https://a.example"]
allow = ["https://a.example", "ftp://b", 3]
cron = "61 * * * *"
retry.atempts = 2
retry.wait = 5
limits = { memory = 1, cpuu = 3, cpu = "soon" }
destination = { delete = "hard", deletes = "harsh", tables.users = { block_column = ["a"] } }
[connections.erp]
component = 5
every = "1s"
time_zone = "Europe/Berlin"
secrets.a.host = ["https://a.example"]
oauth.b = { flow = "client-credentials" }
audit_paths = true
configuration = { a = 1 }
"#;
    let problems = parse(text).unwrap_err();
    let said: Vec<_> = problems
        .iter()
        .map(|one| {
            format!("{} {}{}", one.line, one, one.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default())
        })
        .collect();
    insta::assert_snapshot!(said.join("\n"), @r#"
    1 concurency: there is no key `concurency` here (did you mean `concurrency`?)
    3 defaults.component: there is no key `component` here (there may be `configuration`, `environment`, `pass_environment`, `allow`, `allow_address`, `ca_file`, `limits`, `destination`, `secrets`, `oauth`, `secret`, `secret_files`, `secret_environment`, `require_jail`, `audit`, `audit_paths`, `every`, `cron`, `time_zone`, `retry`, `timeout`, `enabled`)
    4 defaults.every: `5` is no length of time (write it as 90s, 15m, 6h, 1d or 1h30m)
    5 connections.Shop: the name of the connection is not acceptable: use at most 100 lower-case letters, digits, _ and -, starting with a letter or _ (name the connection after what it syncs, such as shop_orders)
    7 connections.crm.component: there is no `component` (name a component (.wasm) or a project folder)
    8 connections.crm.alow: there is no key `alow` here (did you mean `allow`?)
    9 connections.crm.allow: one of the list is of type integer; all must be texts in quotes
    9 connections.crm.allow: `ftp://b`: the url's scheme is neither https nor http
    10 connections.crm.cron: value must be in range 0..=59; found 61 (write minute, hour, day, month and weekday: "30 6 * * 1-5")
    11 connections.crm.retry.atempts: there is no key `atempts` here (did you mean `attempts`?)
    12 connections.crm.retry.wait: this is of type integer; it must be a text in quotes
    13 connections.crm.limits.memory: there is no limit memory; docs/limits.md lists them (did you mean `memories`?)
    13 connections.crm.limits.cpuu: there is no limit cpuu; docs/limits.md lists them (did you mean `cpu`?)
    13 connections.crm.limits.cpu: limit cpu: write seconds, such as 90 or 1.5, or 500ms, 5m or 2h
    14 connections.crm.destination.delete: unknown field `delete`, expected one of `deletes`, `on_type_mismatch`, `on_bad_row`, `schema_changes`, `naming`, `system_columns`, `tables` (did you mean `deletes`?)
    14 connections.crm.destination.deletes: unknown variant `harsh`, expected `soft` or `hard` (did you mean `hard`?)
    14 connections.crm.destination.tables.users: unknown field `block_column`, expected one of `block`, `history`, `lock_types`, `deletes`, `block_columns`, `hash_columns` (did you mean `block_columns`?)
    16 connections.erp.component: this is of type integer; it must be a text in quotes
    17 connections.erp.every: the shortest interval is 10s
    19 connections.erp.secrets.a: unknown field `host`, expected `hosts` or `in` (did you mean `hosts`?)
    20 connections.erp.oauth.b: missing field `token_url`
    21 connections.erp.audit_paths: there is no audit log whose paths these are (name its file with `audit`)
    22 connections.erp.configuration.a: this is of type integer; it must be a text in quotes
    "#);
}

#[test]
fn text_that_is_no_toml_has_a_line_and_does_not_show_it() {
    for text in ["[connections.a]\ncomponent = \"x\nsecret-value\"", "a = 1\na = 2", "[connections.a]\n[connections.a]"]
    {
        let problems = parse(text).unwrap_err();
        assert!(problems.iter().all(|one| !one.to_string().contains("secret-value")), "{problems:?}");
        assert!(problems.iter().any(|one| one.line == 2), "{problems:?}");
    }
    assert!(parse("").unwrap().connections.is_empty());
}

/// A value for each kind of key.
fn sample(key: &Key) -> String {
    match key.kind {
        Kind::Path => "\"x\"".to_owned(),
        Kind::Text if key.name == "cron" => "\"0 6 * * *\"".to_owned(),
        Kind::Text if key.name == "token_url" => "\"https://a.example/t\"".to_owned(),
        Kind::Text => "\"Europe/Berlin\"".to_owned(),
        Kind::Texts if ["allow", "hosts"].contains(&key.name) => "[\"https://a.example\"]".to_owned(),
        Kind::Texts if key.name == "allow_address" => "[\"a.example=10.0.0.0/8\"]".to_owned(),
        Kind::Texts => "[\"a\"]".to_owned(),
        Kind::TextsByName => "{ a = \"b\" }".to_owned(),
        Kind::Configuration => "{ a = \"b\" }".to_owned(),
        Kind::Duration => "\"1m\"".to_owned(),
        Kind::Flag => "false".to_owned(),
        Kind::Count(least, _) => least.to_string(),
        Kind::Table(keys) => {
            let inner: Vec<_> =
                keys.iter().filter(|key| exclusive(key)).map(|key| format!("{} = {}", key.name, sample(key))).collect();
            format!("{{ {} }}", inner.join(", "))
        }
        Kind::Word(words) => format!("{:?}", words[0]),
        Kind::Words(words) => format!("[{:?}]", words[0]),
        Kind::ByName(keys) | Kind::Connections(keys) => {
            format!("{{ a{} = {} }}", key.name, sample(&Key { kind: Kind::Table(keys), ..*key }))
        }
        Kind::Limits => "{ cpu = \"1m\" }".to_owned(),
    }
}

fn exclusive(key: &Key) -> bool {
    key.name != "every"
}

#[test]
fn the_parser_reads_every_key_of_the_schema_and_no_other() {
    for key in FILE {
        parse(&format!("{} = {}", key.name, sample(key)))
            .unwrap_or_else(|problems| unreachable!("{}: {problems:?}", key.name));
    }
    assert!(RETRY.len() == 3 && parse("connections.a = { component = 'a', every = '1m' }").is_ok());
    // Each limit, choice and key of the other sections.
    let schema = schema();
    let connection = &schema["properties"]["connections"]["additionalProperties"]["properties"];
    for limit in connection["limits"]["properties"].as_object().unwrap().keys() {
        let text = format!("connections.a = {{ component = 'a', limits.{limit} = {} }}", limit.len());
        let problems = parse(&text).err().unwrap_or_default();
        assert!(problems.iter().all(|one| !one.message.contains("there is no limit")), "{problems:?}");
    }
    let destination = connection["destination"]["properties"].as_object().unwrap();
    for (name, choice) in destination.iter().filter(|(name, _)| *name != "tables") {
        for word in choice["enum"].as_array().unwrap() {
            let text = format!("connections.a = {{ component = 'a', destination.{name} = {word} }}");
            assert!(parse(&text).is_ok(), "{text}");
        }
    }
    // A misspelled key makes the parser list those it knows.
    for (section, place) in [
        ("destination.x = 1", "destination"),
        ("destination.tables.t.x = 1", "table"),
        ("secrets.s.x = 1", "secrets"),
        ("oauth.o.x = 1", "oauth"),
    ] {
        let problems = parse(&format!("connections.a = {{ component = 'a', {section} }}")).unwrap_err();
        let message = &problems[0].message;
        let mut read: Vec<_> = message.split('`').skip(3).step_by(2).collect();
        let described = match place {
            "table" => &connection["destination"]["properties"]["tables"]["additionalProperties"]["properties"],
            "destination" => &connection["destination"]["properties"],
            section => &connection[section]["additionalProperties"]["properties"],
        };
        let mut described: Vec<_> = described.as_object().unwrap().keys().map(String::as_str).collect();
        read.sort_unstable();
        described.sort_unstable();
        assert_eq!(read, described, "{place}: {message}");
    }
}
