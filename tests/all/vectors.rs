//! The shared vectors, `tests/vectors/semantics.json`, each through the whole way: an author's
//! Python, the component, the host, SQLite.
//!
//! `level: wire` vectors say what the original SDK puts on its wire, `level: destination` ones
//! what a destination holds afterwards. Where Sluice chooses otherwise, `choices` says so by the
//! vector's id, why, and what Sluice does instead, which is checked as exactly. Beside that,
//! these hold for all vectors:
//!
//! - An undeclared integer is LONG on the original's wire. A host may store the smallest type that
//!   fits; Sluice stores INT within 32 bits.
//! - An undeclared float is FLOAT on the original's wire; here it is DOUBLE.
//! - The host's columns are called `_sluice_…`, not `_fivetran_…`; a table's key `_fivetran_id` is
//!   `_sluice_id`.
//! - `UNSPECIFIED` is a column without a type. It exists when it is declared.
//! - Times are stored with six digits after the second.

mod choices;
mod expected;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use sluicegate::error::SyncError;
use sluicegate::landing::Landing;
use sluicegate::landing::references::TableReference;

use crate::support::in_process::{Contents, Done, Given, contents, run};
use crate::support::repository;

use choices::{Choice, choices};

/// What a vector's operations did.
struct Outcome {
    /// One per sync.
    syncs: Vec<Done>,
    /// What the database held after each.
    contents: Vec<Contents>,
}

impl Outcome {
    fn last(&self) -> (&Done, &Contents) {
        (self.syncs.last().expect("a sync"), self.contents.last().expect("a sync"))
    }

    /// The class of the first exception: of an operation, of `schema`, or of what ended the sync;
    /// `sync` when rows could not land, which the connector may or may not have lived to see.
    fn error(&self) -> Option<String> {
        let (done, _) = self.last();
        match &done.report.result {
            Err(SyncError::Connector(failure)) if failure.kind == "SyncEnded" => Some("sync".to_owned()),
            Err(SyncError::Connector(failure)) => Some(failure.kind.clone()),
            Err(other) => Some(other.class().to_owned()),
            Ok(()) => done.raised.first().map(|(_, class, _)| class.clone()),
        }
    }

    /// The message that goes with it.
    fn message(&self) -> String {
        let (done, _) = self.last();
        match &done.report.result {
            Err(error) => error.to_string(),
            Ok(()) => done.raised.first().map(|(_, _, message)| message.clone()).unwrap_or_default(),
        }
    }
}

#[test]
fn every_vector_through_the_whole_way() {
    let text = fs::read_to_string(repository().join("tests/vectors/semantics.json")).unwrap();
    let file: Value = serde_json::from_str(&text).unwrap();
    let vectors = file["vectors"].as_array().unwrap();
    assert_eq!(vectors.len(), 160);
    let choices = choices();
    let ids: BTreeSet<_> = vectors.iter().map(id).collect();
    for choice in &choices {
        assert!(ids.contains(choice.id), "{}: no such vector", choice.id);
        assert!(!choice.reason.is_empty());
    }
    let folder = tempfile::tempdir().unwrap();
    let mut wrong = Vec::new();
    for (number, vector) in vectors.iter().enumerate() {
        let choice = choices.iter().find(|choice| choice.id == id(vector));
        let outcome = play(folder.path(), &format!("v{number}"), vector);
        if let Err(reason) = judge(vector, choice, &outcome) {
            wrong.push(format!("{}: {reason}\n    {}", id(vector), outcome.message()));
        }
    }
    assert!(wrong.is_empty(), "{} of {} vectors:\n{}", wrong.len(), vectors.len(), wrong.join("\n"));
}

fn id(vector: &Value) -> &str {
    vector["id"].as_str().expect("a vector has an id")
}

/// Runs a vector's operations, a sync for each part between `new_sync`.
fn play(warehouse: &Path, connection: &str, vector: &Value) -> Outcome {
    let mut outcome = Outcome { syncs: Vec::new(), contents: Vec::new() };
    let mut schema = if vector["schema"].is_null() { json!([]) } else { vector["schema"].clone() };
    let mut sync = |schema: &Value, operations: &[Value], landing: Landing| {
        let given = Given { landing, ..Given::default() };
        outcome.syncs.push(run(warehouse, connection, schema, &json!(operations), given));
        outcome.contents.push(contents(warehouse, connection));
    };
    let operations = vector["ops"].as_array().expect("operations");
    let (first, rest) = match operations.first() {
        Some(lock) if lock[0] == "type_lock" => {
            // The lock holds what is stored, so store it first; then the connector declares no types.
            sync(&schema, &[], Landing::default());
            let columns = schema[0].as_object_mut().expect("a table").remove("columns");
            assert!(columns.is_some());
            (locked(), operations.get(1..).expect("operations"))
        }
        _ => (Landing::default(), operations.as_slice()),
    };
    for part in rest.split(|operation| operation[0] == "new_sync") {
        sync(&schema, part, first.clone());
    }
    outcome
}

/// Types of table `t` are locked.
fn locked() -> Landing {
    let mut landing = Landing::default();
    landing.table_mut(TableReference { schema: None, name: "t".to_owned() }).lock_types = true;
    landing
}

/// Holds an outcome against the vector, or against our own choice.
fn judge(vector: &Value, choice: Option<&Choice>, outcome: &Outcome) -> Result<(), String> {
    let wanted = choice.map_or(&vector["expected"], |choice| &choice.expected);
    let wire = vector["level"] == "wire";
    for (key, value) in wanted.as_object().expect("an object") {
        match key.as_str() {
            "error" => error(value.as_str(), outcome)?,
            "says" => says(value, outcome)?,
            "tables" => expected::tables(value, vector, wire, outcome.last().1)?,
            "state" | "state_after" => state(value, outcome)?,
            "messages" => messages(value, outcome)?,
            "column_type_after_each_sync" => types_after_each_sync(value, outcome)?,
            "_fivetran_synced" => synced(value, outcome)?,
            other => return Err(format!("the test does not know `{other}`")),
        }
    }
    if wanted.get("error").is_none() {
        error(None, outcome)?;
    } else if choice.is_none() || wanted.get("tables").is_none() {
        nothing_landed(outcome)?;
    }
    Ok(())
}

/// `ValueError - why` is the class and, in words that are nobody's contract, the reason.
fn error(wanted: Option<&str>, outcome: &Outcome) -> Result<(), String> {
    let class = wanted.map(|text| text.split(" - ").next().unwrap_or(text).to_owned());
    match outcome.error() {
        found if found == class => Ok(()),
        found => Err(format!("expected the error {class:?}, found {found:?}")),
    }
}

fn says(wanted: &Value, outcome: &Outcome) -> Result<(), String> {
    let message = outcome.message();
    let missing =
        wanted.as_array().expect("texts").iter().filter_map(Value::as_str).find(|text| !message.contains(text));
    missing.map_or(Ok(()), |text| Err(format!("the message does not say {text:?}")))
}

fn nothing_landed(outcome: &Outcome) -> Result<(), String> {
    let tables = &outcome.last().1.tables;
    let full = tables.iter().find(|(_, table)| !table.rows.is_empty());
    full.map_or(Ok(()), |(name, _)| Err(format!("rows of the refused operation landed in {name}")))
}

fn state(wanted: &Value, outcome: &Outcome) -> Result<(), String> {
    let unchanged = json!({});
    let wanted = if wanted.is_string() { &unchanged } else { wanted };
    let found = &outcome.last().1.state;
    if found == wanted { Ok(()) } else { Err(format!("the state is {found}, expected {wanted}")) }
}

/// A checkpoint's message is the state that is stored.
fn messages(wanted: &Value, outcome: &Outcome) -> Result<(), String> {
    let checkpoint = wanted.as_array().and_then(|all| all.last()).map(|message| message["checkpoint"].as_str());
    let text = checkpoint.map_or("{}", |text| text.expect("a checkpoint"));
    state(&serde_json::from_str(text).expect("JSON"), outcome)
}

fn types_after_each_sync(wanted: &Value, outcome: &Outcome) -> Result<(), String> {
    let found: Vec<_> =
        outcome.contents.iter().map(|contents| contents.tables["t"].columns["x"].data_type.clone()).collect();
    for (wanted, found) in wanted.as_array().expect("types").iter().zip(&found) {
        let family: &[&str] = match wanted.as_str().expect("a type") {
            "integer family" => &["SHORT", "INT", "LONG"],
            "floating family" => &["FLOAT", "DOUBLE"],
            exact => &[exact],
        };
        if !found.as_deref().is_some_and(|found| family.contains(&found)) {
            return Err(format!("the column is {found:?}, expected {wanted}"));
        }
    }
    Ok(())
}

fn synced(wanted: &Value, outcome: &Outcome) -> Result<(), String> {
    let stamps: Vec<_> =
        outcome.contents.iter().map(|contents| contents.tables["t"].rows[0]["_sluice_synced"].clone()).collect();
    let unchanged = wanted.as_str().expect("words").starts_with("unchanged");
    match (stamps.first() == stamps.last()) == unchanged {
        true => Ok(()),
        false => Err(format!("_sluice_synced must be {wanted}, it was {stamps:?}")),
    }
}
