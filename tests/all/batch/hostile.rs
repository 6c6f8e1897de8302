//! Hostile connectors beside honest ones: a small edition of `tests/bench/hostile_batch.py`.

use serde_json::json;

use super::Fleet;

/// Each tries to take something without end: time, memory, names, messages, handles.
const HOSTILE: [&str; 10] = [
    "endless_loop",
    "endless_loop_that_catches",
    "endless_c_code",
    "colliding_keys",
    "memory_bomb",
    "endless_sleep",
    "rows_for_ever",
    "tables_for_ever",
    "too_many_handles",
    "log_flood",
];
const TIGHT: &str = "limits = { cpu = \"2s\", wall = \"20s\", rows = 20_000, tables_per_sync = 50, handles = 200 }";

#[test]
fn honest_connectors_land_what_they_land_alone() {
    let alone = Fleet::new("").rows("alone", 40, "");
    assert_eq!(alone.batch(&[]).outcome("alone"), "success");
    let columns = "SELECT group_concat(name) FROM pragma_table_info('items') WHERE name NOT LIKE '\\_%' ESCAPE '\\'";
    let columns = alone.database("alone").value(columns);
    let rows = |fleet: &Fleet, name: &str| {
        fleet.database(name).query(&format!("SELECT {} FROM items ORDER BY 1", columns.as_str().expect("names")))
    };

    let mut fleet = Fleet::new("concurrency = 4\n[defaults]\nretry = { attempts = 1 }").rows("honest_1", 40, "");
    for mode in HOSTILE {
        fleet = fleet.with(mode, &json!({ "mode": mode }), TIGHT);
    }
    let fleet = fleet.rows("honest_2", 40, "");
    let batch = fleet.batch(&[]);
    assert_eq!(batch.report()["connections"].as_array().map(Vec::len), Some(HOSTILE.len() + 2), "{}", batch.said);
    for honest in ["honest_1", "honest_2"] {
        assert_eq!(batch.outcome(honest), "success", "{}", batch.said);
        assert_eq!(rows(&fleet, honest), rows(&alone, "alone"));
    }
    for mode in HOSTILE {
        // One is cut and goes on; the other catches what it is refused.
        let may_end_well = ["log_flood", "too_many_handles"].contains(&mode);
        let outcome = batch.outcome(mode);
        assert!(outcome == "limit" || may_end_well && outcome == "success", "{mode}: {outcome}: {}", batch.said);
    }
}
