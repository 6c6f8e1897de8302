//! Limits that are set by name, each reached: it ends as its class, and what was checkpointed before stays.

use super::{Connector, connector, ends, limit, of, rows, stored};
use crate::support::component::idle;

#[track_caller]
fn reaches(mode: &str, set: &str, says: &'static [&'static str]) {
    ends(Connector::mode(mode).arguments(&["--limit", set]), &limit(says), |_, _| {});
}

#[test]
fn rows_end() {
    reaches("rows_for_ever", "rows=5000", &["rows limit reached (5000)"]);
}

#[test]
fn bytes_since_the_last_checkpoint_end() {
    reaches(
        "rows_for_ever",
        "uncommitted_bytes=1MiB",
        &["bytes of rows since the last checkpoint limit reached (1048576)"],
    );
}

#[test]
fn calls_of_operations_end() {
    let hostile = Connector::mode("tables_for_ever").arguments(&["--limit", "operation_calls=20"]);
    ends(hostile, &limit(&["operation calls limit reached (20)"]), |_, it| assert_eq!(rows(it, "begun"), 1));
}

#[test]
fn checkpoints_end() {
    let hostile = Connector::mode("tiny_checkpoints").arguments(&["--limit", "checkpoints=3"]);
    ends(hostile, &limit(&["checkpoints limit reached (3)"]), |_, it| {
        assert_eq!(it.state()["count"], 2, "what was checkpointed before stays");
    });
}

#[test]
fn checkpoints_wait_for_their_rate() {
    let set = ["--limit", "checkpoints_per_second=2", "--limit", "wall=4"];
    let end = limit(&["wall time limit reached (4s)"]).within(4);
    ends(Connector::mode("tiny_checkpoints").arguments(&set), &end, |_, it| {
        let last = it.state()["count"].as_u64().unwrap();
        assert!(last <= 10, "{last} checkpoints in four seconds");
    });
}

#[test]
fn tables_end() {
    reaches("tables_for_ever", "tables_per_sync=7", &["tables limit reached (7)"]);
}

#[test]
fn columns_end() {
    reaches("columns_for_ever", "columns_per_table=9", &["limit of 9 columns reached in table wide"]);
}

#[test]
fn a_batch_has_its_size_and_rows() {
    let batch = |set| Connector::mode("rows_for_ever").arguments(&["--limit", set]);
    ends(batch("batch_rows=1"), &connector(&["a batch of", "the limit is 1 rows"]), |_, it| {
        assert_eq!(rows(it, "endless"), 0)
    });
    let small =
        Connector::mode("rows_for_ever").arguments(&["--limit", "row_bytes=64KiB", "--limit", "batch_bytes=64KiB"]);
    ends(small, &connector(&["the limit is 65536 bytes"]), |_, it| assert_eq!(rows(it, "endless"), 0));
}

#[test]
fn a_name_has_its_length() {
    let hostile = Connector::mode("tables_for_ever").arguments(&["--limit", "identifier_bytes=9"]);
    ends(hostile, &connector(&["a table name has 10 bytes, at most 9"]), |_, _| {});
}

#[test]
fn a_component_has_its_size() {
    let (_folder, path) = stored(&idle());
    let sync = of(&path).arguments(&["--limit", "component_bytes=100"]).sync();
    assert_eq!(sync.code, Some(2), "{}", sync.everything());
    assert!(sync.stderr.contains("the limit is 100 bytes"), "{}", sync.stderr);
}

#[test]
fn no_flag_goes_beyond_a_ceiling() {
    let (_folder, path) = stored(&idle());
    for (set, says) in [
        ("memory_bytes=5GiB", "limit memory_bytes is 5368709120, at most 4294967296 is possible"),
        ("wall=8760h", "limit wall is"),
        ("cpu=0", "limit cpu is 0, at least 10 is needed"),
        ("handles=1", "limit handles is 1, at least 64"),
        ("speed=9", "there is no limit speed"),
        ("wall", "write NAME=VALUE"),
        ("wall=forever", "limit wall: write seconds"),
    ] {
        let sync = of(&path).arguments(&["--limit", set]).sync();
        assert_eq!(sync.code, Some(2), "{set}: {}", sync.everything());
        assert!(sync.stderr.contains(says), "{set}: {}", sync.stderr);
    }
}

#[test]
fn a_settings_file_sets_limits_and_flags_win_over_it() {
    let folder = tempfile::tempdir().unwrap();
    let settings = folder.path().join("settings.toml");
    std::fs::write(&settings, "[limits]\nrows = 5000\nwall = \"10m\"\n").unwrap();
    let settings = settings.to_str().unwrap();
    let hostile = || Connector::mode("rows_for_ever").arguments(&["--settings", settings]);
    ends(hostile(), &limit(&["rows limit reached (5000)"]), |_, _| {});
    ends(hostile().arguments(&["--limit", "rows=7000"]), &limit(&["rows limit reached (7000)"]), |_, _| {});
}
