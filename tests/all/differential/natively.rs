//! The host of `connector.debug()`, in Python and in memory, does what the sandbox and SQLite do:
//! the same programs in both give the same tables, state, exceptions and messages.
//!
//! What may differ is when an author hears of what the destination refuses. Natively each row is
//! sent alone and raises where it was passed; in the sandbox it goes with others, and raises later.

use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use sluicegate::error::SyncError;
use sluicegate::landing::TypeMismatch;

use super::{generate, program::End, program::Mode, seed};
use crate::support::in_process::{Contents, Done, Given, contents, run};
use crate::support::{repository, text};

/// A program: a declaration, and operations as `tests/guests/many/program.py` has them.
struct Case {
    name: String,
    schema: Value,
    operations: Value,
}

/// What the native host makes of programs.
fn natively(cases: &[Case]) -> Vec<Value> {
    let requirements = fs::read_to_string(repository().join("guest-python/requirements-dev.txt")).unwrap();
    let python = crate::sdk::environment("sdk", &requirements).unwrap();
    let mut child = Command::new(python)
        .arg(repository().join("tests/native/play.py"))
        .args([repository().join("guest-python/src"), repository().join("tests/guests/many")])
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines: Vec<String> = cases
        .iter()
        .map(|case| json!({"schema": case.schema, "operations": case.operations}).to_string() + "\n")
        .collect();
    let mut stdin = child.stdin.take().unwrap();
    let feeding = std::thread::spawn(move || stdin.write_all(lines.concat().as_bytes()));
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success());
    feeding.join().unwrap().unwrap();
    let found: Vec<Value> = text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(found.len(), cases.len());
    found
}

/// What the sandbox makes of a program, in the words of the native host.
fn sandboxed(case: &Case) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let done = run(folder.path(), "c", &case.schema, &case.operations, Given::default());
    let failure = match &done.report.result {
        Ok(()) => Value::Null,
        Err(SyncError::Connector(failure)) => json!({"kind": failure.kind, "message": failure.message}),
        Err(SyncError::Limit(limit)) => json!({"kind": "LimitReached", "message": limit.to_string()}),
        Err(other) => panic!("{}: {other}", case.name),
    };
    let found = contents(folder.path(), "c");
    json!({"failure": failure, "raised": raised(&done), "state": found.state, "tables": tables(&found)})
}

fn raised(done: &Done) -> Vec<String> {
    done.raised.iter().map(|(number, class, message)| format!("raised {number} {class}: {message}")).collect()
}

fn tables(found: &Contents) -> Value {
    let table = |table: &crate::support::in_process::Table| {
        let columns: serde_json::Map<_, _> = table
            .columns
            .iter()
            .map(|(name, column)| {
                let shown = json!({"source": column.source, "type": column.data_type, "key": column.key});
                (name.clone(), shown)
            })
            .collect();
        let rows = table.rows.iter().map(|row| {
            let cells = row.iter().filter(|(name, _)| *name != "_sluice_synced");
            cells.map(|(name, value)| (name.clone(), exact(value))).collect::<serde_json::Map<_, _>>()
        });
        json!({
            "source": table.source, "hashed": table.hashed, "columns": columns, "rows": rows.collect::<Vec<_>>(),
        })
    };
    let all = found.tables.iter().map(|(name, one)| (name.clone(), table(one)));
    Value::Object(all.collect())
}

/// Floats as their bits.
fn exact(value: &Value) -> Value {
    let bits = |value: f64| json!({"bits": format!("{:016x}", value.to_bits())});
    match value {
        Value::Number(number) if number.is_f64() => bits(number.as_f64().unwrap()),
        Value::Object(tagged) if tagged["$py"] == "float" => bits(tagged["v"].as_str().unwrap().parse().unwrap()),
        other => other.clone(),
    }
}

/// Rows in an order, and the host's refusals without the place at which the author heard of them. What the
/// destination refuses ends the sync; whether the author hears of it before that is chance in the sandbox.
fn settled(mut outcome: Value) -> Value {
    for (_, table) in outcome["tables"].as_object_mut().unwrap() {
        table["rows"].as_array_mut().unwrap().sort_by_key(Value::to_string);
    }
    if outcome["failure"]["kind"] == "SyncEnded" {
        outcome["failure"]["kind"] = json!("sync");
    }
    let mut heard = Vec::new();
    for line in outcome["raised"].as_array().unwrap() {
        let line = line.as_str().unwrap();
        let (_, said) = line["raised ".len()..].split_once(' ').unwrap();
        let late = ["LimitReached", "InvalidOperation"].iter().any(|class| said.starts_with(class));
        let line = if late { said.to_owned() } else { line.to_owned() };
        let known = late && heard.contains(&line);
        if !known && !said.starts_with("SyncEnded") {
            heard.push(line);
        }
    }
    heard.sort();
    outcome["raised"] = json!(heard);
    outcome
}

/// Leaves out columns that may have either of two types: whether integers that are not exact in a DOUBLE were
/// overwritten before floats came depends on how rows are cut into batches, and natively each row is one.
fn forget_either(native: &mut Value, sandboxed: &mut Value) {
    let either = [json!("DOUBLE"), json!("DECIMAL")];
    for (name, table) in native["tables"].as_object_mut().unwrap() {
        let Some(other) = sandboxed["tables"].get_mut(name) else { continue };
        let types = table["columns"].as_object().unwrap().clone();
        for (column, known) in types {
            let (a, b) = (&known["type"], &other["columns"][&column]["type"]);
            if a != b && either.contains(a) && either.contains(b) {
                for one in [&mut *table, &mut *other] {
                    one["columns"].as_object_mut().unwrap().remove(&column);
                    for row in one["rows"].as_array_mut().unwrap() {
                        row.as_object_mut().unwrap().remove(&column);
                    }
                }
            }
        }
    }
}

fn same(cases: &[Case]) {
    let wrong: Vec<String> = cases
        .iter()
        .zip(natively(cases))
        .filter_map(|(case, native)| {
            let (mut native, mut sandboxed) = (native, sandboxed(case));
            forget_either(&mut native, &mut sandboxed);
            let (native, sandboxed) = (settled(native), settled(sandboxed));
            let place = first_difference(&sandboxed, &native)?;
            Some(format!("{}: {place}\n  {}\n  {}", case.name, case.schema, case.operations))
        })
        .collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

/// Where the sandbox's outcome and the native one part.
fn first_difference(sandboxed: &Value, native: &Value) -> Option<String> {
    if sandboxed == native {
        return None;
    }
    if let (Value::Object(a), Value::Object(b)) = (sandboxed, native) {
        for key in a.keys().chain(b.keys()) {
            let found = first_difference(a.get(key).unwrap_or(&Value::Null), b.get(key).unwrap_or(&Value::Null));
            if let Some(found) = found {
                return Some(format!("{key}.{found}"));
            }
        }
    }
    if let (Value::Array(a), Value::Array(b)) = (sandboxed, native) {
        let place = a.iter().zip(b).position(|(a, b)| a != b).unwrap_or(a.len().min(b.len()));
        return Some(format!("[{place}] sandbox {:?}, natively {:?}", a.get(place), b.get(place)));
    }
    Some(format!(" sandbox {sandboxed}, natively {native}"))
}

#[test]
fn the_vectors_natively() {
    let text = fs::read_to_string(repository().join("tests/vectors/semantics.json")).unwrap();
    let file: Value = serde_json::from_str(&text).unwrap();
    let mut cases = Vec::new();
    for vector in file["vectors"].as_array().unwrap() {
        let operations = vector["ops"].as_array().unwrap();
        // Natively a sync begins without tables, and nothing is locked.
        if operations.first().is_some_and(|first| first[0] == "type_lock") {
            continue;
        }
        let first = operations.split(|operation| operation[0] == "new_sync").next().unwrap();
        let schema = if vector["schema"].is_null() { json!([]) } else { vector["schema"].clone() };
        cases.push(Case { name: vector["id"].as_str().unwrap().to_owned(), schema, operations: json!(first) });
    }
    assert!(cases.len() >= 150, "{}", cases.len());
    same(&cases);
}

#[test]
fn random_programs_natively() {
    let first = seed();
    let mut cases = Vec::new();
    for seed in first..first + 60 {
        let mut program = generate::group(seed, 4);
        for sync in &mut program.syncs {
            // Natively no operator has decided anything, and nothing survives an interpreter that aborts.
            sync.modes.values_mut().for_each(|mode| *mode = Mode::Soft);
            (sync.mismatch, sync.quarantine) = (TypeMismatch::Fail, false);
            if sync.end == End::Abort {
                sync.end = End::Raise;
            }
        }
        for (number, sync) in program.syncs.iter().enumerate() {
            let name = format!("SLUICE_TEST_SEED={seed}, sync {number}");
            cases.push(Case { name, schema: program.schema(sync), operations: program.operations(sync) });
        }
    }
    same(&cases);
}

#[test]
fn what_is_refused_is_refused_natively_with_the_same_words() {
    let keyed = json!([{"table": "t", "primary_key": ["id"]}]);
    let upsert = |table: &str, row: Value| json!(["upsert", table, row]);
    let repeat = |text: &str, times: usize| json!({"$py": "repeat", "v": [text, times]});
    let checkpoint = json!(["checkpoint", {"at": 1}]);
    let wide: serde_json::Map<_, _> = (0..1501).map(|number| (format!("c{number}"), json!(1))).collect();
    let nested = |name: &str| json!([{"table": "t", "columns": {name: "INT"}}]);
    let alone = |name: &str, schema: Value, operation: Value| Case {
        name: name.to_owned(),
        schema,
        operations: json!([upsert("before", json!({"id": 1})), checkpoint, operation, checkpoint]),
    };
    same(&[
        alone("columns collide", keyed.clone(), upsert("t", json!({"id": 1, "userId": 1, "user_id": 2}))),
        alone("a later column collides", keyed.clone(), upsert("before", json!({"ID": 1}))),
        alone("tables collide", keyed.clone(), upsert("T", json!({"id": 1}))),
        alone("a reserved column", keyed.clone(), upsert("t", json!({"id": 1, "_sluice_deleted": 1}))),
        alone("a reserved table", keyed.clone(), upsert("sqlite_master", json!({"id": 1}))),
        alone("nothing left of a column", keyed.clone(), upsert("t", json!({"id": 1, "!!!": 1}))),
        alone("nothing left of a table", keyed.clone(), upsert("___", json!({"id": 1}))),
        alone("a mark that turns text", keyed.clone(), upsert("t", json!({"id": 1, "a\u{202e}b": 1}))),
        alone("such a table", keyed.clone(), upsert("a\u{200b}b", json!({"id": 1}))),
        alone("a blank column", keyed.clone(), upsert("t", json!({"id": 1, " ": 1}))),
        alone("a large row", keyed.clone(), upsert("t", json!({"id": 1, "x": repeat("x", 1 << 20)}))),
        alone("a very large row", keyed.clone(), upsert("t", json!({"id": 1, "x": repeat("x", 17 << 20)}))),
        alone("many digits", keyed.clone(), upsert("t", json!({"id": {"$py": "decimal", "v": "1".repeat(1025)}}))),
        alone("many columns", keyed.clone(), upsert("t", Value::Object(wide))),
        alone("a large state", keyed.clone(), json!(["checkpoint", {"at": repeat("x", 1 << 20)}])),
        alone("a state with NaN", keyed.clone(), json!(["checkpoint", {"at": {"$py": "float", "v": "nan"}}])),
        alone("a failing author", keyed.clone(), json!(["raise", "ValueError", "bad"])),
        alone("an exit", keyed.clone(), json!(["exit", 0])),
        alone("op.error", keyed.clone(), json!(["error", "no good"])),
        alone("no key", keyed.clone(), upsert("t", json!({"x": 1}))),
        alone("an empty key", keyed.clone(), upsert("t", json!({"id": null, "x": 1}))),
        alone("an update without a key", keyed.clone(), json!(["update", "t", {"x": 1}])),
        alone("a table that is not there", keyed.clone(), json!(["delete", "nowhere", {"id": 1}])),
        alone("a truncate", keyed.clone(), json!(["truncate", "before"])),
        alone("another writing", keyed.clone(), upsert("日本", json!({"größe": 1, "Łódź": "x", "ﬁ": 2, "Ω": 3}))),
        alone(
            "declared columns collide",
            json!([{"table": "t", "columns": {"userId": "INT", "user_id": "INT"}}]),
            checkpoint.clone(),
        ),
        alone("declared tables collide", json!([{"table": "t"}, {"table": "T"}]), checkpoint.clone()),
        alone("a declared reserved column", nested("_sluice_id"), checkpoint.clone()),
        alone("a declared mark", nested("a\u{202e}"), checkpoint.clone()),
        alone("an unknown type", json!([{"table": "t", "columns": {"x": "MONEY"}}]), checkpoint.clone()),
    ]);
}
