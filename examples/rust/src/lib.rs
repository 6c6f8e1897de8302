//! A shop's feed of changes, in Rust: the same connector as `examples/orders/connector.py`.

mod api;
mod tables;
mod values;
mod writer;

// Traits and types of the contract, made from wit/connector.wit.
wit_bindgen::generate!({ path: "wit", world: "connector", generate_all });

use serde::{Deserialize, Serialize};
use sluice::connector::logging::{Level, log};
use sluice::connector::operations::Refusal;

use api::{Change, Kind, Shop};
use tables::{LINES, ORDERS};
use values::Row;
use writer::{Operation, Writer};

struct Orders;

export!(Orders);

/// What an operator fills in.
#[derive(Deserialize)]
struct Configuration {
    base_url: String,
    token: String,
}

/// What is kept between syncs; `{}` at first.
#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
struct State {
    position: u64,
}

impl Guest for Orders {
    fn schema(_: String) -> Result<Vec<TableDefinition>, Failure> {
        Ok(vec![ORDERS.definition(), LINES.definition()])
    }

    fn sync(configuration: String, state: String) -> Result<(), Failure> {
        let configuration: Configuration = serde_json::from_str(&configuration)?;
        let mut state: State = serde_json::from_str(&state)?;
        let shop = Shop::new(&configuration.base_url, &configuration.token);
        let mut writer = Writer::default();
        log(Level::Info, &format!("reading changes after {}", state.position));
        let mut more = true;
        while more {
            let page = shop.changes(state.position)?;
            for change in page.changes {
                state.position = change.position;
                send(&mut writer, change)?;
            }
            // Whatever the state says has been read has been sent before.
            writer.checkpoint(&serde_json::to_string(&state)?)?;
            more = page.more;
        }
        log(Level::Info, &format!("read changes up to {}", state.position));
        Ok(())
    }
}

fn send(writer: &mut Writer, change: Change) -> Result<(), Failure> {
    match change.kind {
        Kind::Order { order } => {
            let lines: Vec<Row> = order.lines.iter().map(|line| line.row(order.id)).collect();
            writer.write(Operation::Upsert, &ORDERS, order.row()?)?;
            for line in lines {
                writer.write(Operation::Upsert, &LINES, line)?;
            }
        }
        Kind::Paid { id, changed_at } => {
            writer.write(Operation::Update, &ORDERS, tables::paid(id, &changed_at)?)?;
        }
        Kind::Removed { id, lines } => {
            writer.write(Operation::Delete, &ORDERS, tables::order_key(id))?;
            for line in lines {
                writer.write(Operation::Delete, &LINES, tables::line_key(id, line))?;
            }
        }
        Kind::Unknown => log(Level::Warning, "a change of an unknown kind was left out"),
    }
    Ok(())
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        failure("json", error.to_string())
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let (kind, message) = match refusal {
            Refusal::Invalid(message) => ("invalid", message),
            Refusal::Limit(message) => ("limit", message),
            Refusal::Ended(message) => ("ended", message),
        };
        failure(kind, message)
    }
}

fn failure(kind: &str, message: String) -> Failure {
    Failure { kind: kind.to_owned(), message, traceback: String::new() }
}
