//! The shop of `examples/orders`, and what connectors in three languages make of it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::support::{Connector, Database, Sync, repository};

/// What the tables hold, whatever the language: JSON may be spaced differently, but not be another document.
const ORDERS: &str = "SELECT id, reference, customer, total, weight, paid, ordered_on, delivery, changed_at, receipt, \
                      json(tags), note, _sluice_deleted FROM orders ORDER BY id";
const LINES: &str = "SELECT order_id, line, product, quantity, price, _sluice_deleted FROM order_lines ORDER BY 1, 2";
const TABLES: &str = "SELECT name, sql FROM sqlite_master WHERE name IN ('orders', 'order_lines') ORDER BY name";

/// The shop's API as it is after some days.
pub(super) struct Shop {
    server: Child,
    url: String,
}

impl Shop {
    pub(super) fn after(days: u32) -> Self {
        let mut command = Command::new("python3");
        command.arg(repository().join("examples/orders/server.py")).args(["--days", &days.to_string()]);
        let mut server = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut url = String::new();
        BufReader::new(server.stdout.take().unwrap()).read_line(&mut url).unwrap();
        Self { server, url: url.trim().to_owned() }
    }

    /// A configuration for `--with-server`.
    pub(super) fn template() -> Value {
        json!({"base_url": "${server}", "token": "example-token"})
    }

    pub(super) fn configuration(&self) -> Value {
        json!({"base_url": self.url, "token": "example-token"})
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        // Nothing depends on how it ends.
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// What is in a warehouse after a sync.
#[derive(Debug, PartialEq)]
pub(super) struct Landed {
    orders: Vec<Vec<Value>>,
    lines: Vec<Vec<Value>>,
    tables: Vec<Vec<Value>>,
    state: Value,
    /// Upserts, updates and deletes by table.
    summary: Value,
    log: Vec<String>,
}

/// Syncs of one connection on two days.
pub(super) struct Days {
    pub(super) first: Landed,
    pub(super) again: Landed,
    pub(super) second: Landed,
}

fn landed(connector: &Connector, sync: &Sync) -> Landed {
    let database: Database = connector.database();
    assert!(database.is_sound());
    Landed {
        orders: database.query(ORDERS),
        lines: database.query(LINES),
        tables: database.query(TABLES),
        state: connector.state(),
        summary: sync.report()["tables"].clone(),
        log: sync.log(),
    }
}

/// Syncs a connector on two days: once, once more without anything new, and after more has changed.
pub(super) fn follow(subject: &Path) -> Days {
    let (today, tomorrow) = (Shop::after(1), Shop::after(2));
    let connector = Connector::of(subject, today.configuration()).arguments(&["--allow", &today.url]);
    let first = landed(&connector, &connector.succeed());
    let again = connector.succeed();
    assert_eq!((&again.report()["rows"], &again.report()["hosts"][0]["requests"]), (&json!(0), &json!(1)));
    let again = landed(&connector, &again);
    let connector = connector.with("base_url", &tomorrow.url).with_arguments(&["--allow", &tomorrow.url]);
    let second = landed(&connector, &connector.succeed());
    Days { first, again, second }
}

/// What is not granted is named with the grant, whatever the connector makes of it.
#[track_caller]
pub(super) fn is_denied(subject: &Path) {
    let denied = Connector::of(subject, json!({"base_url": "http://127.0.0.1:9", "token": "x"})).sync();
    assert_eq!(denied.code, Some(4), "{}", denied.everything());
    let message = denied.report()["outcome"]["message"].as_str().unwrap();
    assert!(message.contains("--allow http://127.0.0.1:9"), "{message}");
    assert_eq!(denied.report()["hosts"][0]["denied"], json!(1));
}

/// A connector that fails by itself; answers how the sync ended.
#[track_caller]
pub(super) fn fails(subject: &Path) -> Value {
    let shop = Shop::after(1);
    let connector =
        Connector::of(subject, shop.configuration()).with("token", "wrong").arguments(&["--allow", &shop.url]);
    let failed = connector.sync();
    assert_eq!(failed.code, Some(1), "{}", failed.everything());
    assert_eq!(failed.report()["checkpoints"], json!(0));
    failed.report()["outcome"].clone()
}

#[test]
fn the_connector_in_python_lands_what_the_shop_has() {
    let days = follow(&repository().join("examples/orders"));
    assert_eq!((days.first.orders.len(), days.first.lines.len()), (120, 240));
    assert_eq!(days.first.state, json!({"position": 140}));
    assert_eq!(days.first.orders, days.again.orders);
    assert_eq!(
        days.first.orders[1],
        [
            json!(2),
            json!(9_007_199_254_740_995_i64),
            json!("D'Arcy \"Quoted\""),
            json!("274.02"),
            json!(0.35),
            json!(0),
            json!("2024-02-27"),
            Value::Null,
            json!("2024-02-28T13:59:59.123458Z"),
            json!("0200ff"),
            json!(r#"{"gift":false,"labels":["new","batch 2"]}"#),
            json!("two\nlines"),
            json!(0),
        ]
    );
    let deleted = |rows: &[Vec<Value>]| rows.iter().filter(|row| row.last() == Some(&json!(1))).count();
    assert_eq!((deleted(&days.first.orders), deleted(&days.first.lines)), (8, 24));
    // on the second day two orders changed, one of which had been removed, and one is new and paid
    assert_eq!((days.second.orders.len(), deleted(&days.second.orders)), (121, 7));
    assert_eq!(days.second.orders[120][5], json!(1));
    assert_eq!(days.second.state, json!({"position": 144}));
}
