//! How fast rows land; figures, not tests. `cargo test --release --lib speed -- --ignored --nocapture`.
#![allow(clippy::print_stderr, reason = "figures")]

use std::sync::Arc;
use std::time::Instant;

use super::*;

const BATCH: i64 = 1_000;

fn landing(settings: &str) -> SqliteOptions {
    SqliteOptions { landing: Arc::new(toml::from_str(settings).unwrap()), ..SqliteOptions::default() }
}

fn table() -> TableDefinition {
    let columns =
        [("id", DataType::Long), ("name", DataType::Text), ("size", DataType::Int), ("price", DataType::Double)];
    declared("t", &["id"], &columns.map(|(name, data_type)| (name, Some(data_type))))
}

/// Rows whose values depend on the round.
fn batch(first: i64, round: i64) -> Operation {
    let ids: Vec<i64> = (first..first + BATCH).collect();
    let column = |name: &str, values: Values| Column { name: name.into(), values, nulls: vec![] };
    let columns = vec![
        column("id", Values::Integers(ids.clone())),
        column("name", Values::Texts(ids.iter().map(|id| format!("somebody {id} {round}")).collect())),
        column("size", Values::Integers(ids.iter().map(|id| id % 1_000).collect())),
        column("price", Values::Floats(ids.iter().map(|id| *id as f64 / 4.0).collect())),
    ];
    let batch = Batch { rows: ids.len(), columns, bytes: 40_000 };
    Operation::Rows { table: name("t"), kind: OperationKind::Upsert, batch }
}

/// Rows a second.
fn land(place: &Place, rows: i64, round: i64) -> f64 {
    let mut destination = place.open();
    destination.declare(&[table()]).unwrap();
    let mut seconds = 0.0;
    for first in (0..rows).step_by(usize::try_from(BATCH).unwrap()) {
        let operation = batch(first, round);
        let start = Instant::now();
        destination.write(&operation).unwrap();
        if (first / BATCH) % 100 == 99 {
            destination.checkpoint("{}").unwrap();
            destination.settle();
        }
        seconds += start.elapsed().as_secs_f64();
    }
    let start = Instant::now();
    destination.finish().unwrap();
    rows as f64 / (seconds + start.elapsed().as_secs_f64())
}

fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0) / 1024
}

#[test]
#[ignore = "a measurement"]
fn history_against_plain() {
    const ROWS: i64 = 1_000_000;
    for (what, settings) in [("plain", ""), ("history", "tables.t.history = true")] {
        let place = place_with(landing(settings));
        let rates = [0, 0, 1, 2].map(|round| land(&place, ROWS, round));
        let [new, same, changed, again] = rates.map(|rate| rate / 1e3);
        eprintln!(
            "{what}: new {new:.0}, same {same:.0}, changed {changed:.0}, changed again {again:.0} thousand rows/s"
        );
    }
}

#[test]
#[ignore = "a measurement"]
fn ten_million_rows_truncated() {
    const ROWS: i64 = 10_000_000;
    for settings in ["tables.t.history = true", "", "deletes = 'hard'"] {
        let place = place_with(landing(settings));
        let rate = land(&place, ROWS, 0) / 1e3;
        let before = peak_mib();
        let start = Instant::now();
        place.sync(&[], &[truncate("t")]);
        let truncated = start.elapsed().as_secs_f64();
        land(&place, 1_000, 1);
        place.warehouse.resync("shop", &crate::destination::sqlite::Resync::Everything).unwrap();
        let start = Instant::now();
        place.sync(&[], &[]);
        let (swept, peak) = (start.elapsed().as_secs_f64(), peak_mib());
        eprintln!(
            "{settings:?}: {rate:.0} thousand rows/s, peak {before} MiB; truncated in {truncated:.1} s, \
             swept in {swept:.1} s, peak {peak} MiB"
        );
    }
}
