//! Files of a connector beside its tables, with real guests.

use std::fs;
use std::path::PathBuf;

use serde_json::json;

use crate::support::Connector;

fn landed(connector: &Connector) -> PathBuf {
    connector.warehouse().join("tested.files")
}

fn read(connector: &Connector, path: &str) -> Option<Vec<u8>> {
    fs::read(landed(connector).join(path)).ok()
}

#[test]
fn files_land_with_their_rows() {
    let connector = Connector::mode("files");
    let sync = connector.succeed();
    assert_eq!((&sync.report()["files"], &sync.report()["file_bytes"]), (&json!(3), &json!(5_000_005)));
    assert_eq!(read(&connector, "reports/2024/summary.txt").as_deref(), Some(&b"whole"[..]));
    assert_eq!(read(&connector, "empty").as_deref(), Some(&b""[..]));
    let large = read(&connector, "large.bin").unwrap();
    assert_eq!(large.len(), 5_000_000);
    let chunk = 2 << 20;
    assert!(large.chunks(chunk).all(|chunk| chunk.iter().enumerate().all(|(at, byte)| *byte == at as u8)));
    let rows = connector.database().query("SELECT id, _sluice_file_path FROM documents ORDER BY id");
    assert_eq!(
        rows,
        [[json!(1), json!("reports/2024/summary.txt")], [json!(2), json!("empty")], [json!(3), json!("large.bin")]]
    );
}

#[test]
fn a_large_file_takes_no_memory() {
    let connector = Connector::mode("files").with("size", 200 << 20).arguments(&["--memory", "128"]);
    let sync = connector.succeed();
    assert_eq!(fs::metadata(landed(&connector).join("large.bin")).unwrap().len(), 200 << 20);
    let peak = sync.report()["peak_memory_bytes"].as_u64().unwrap();
    assert!(peak < 80 << 20, "the guest had {peak} bytes");
}

#[test]
fn a_file_after_the_last_checkpoint_shares_the_fate_of_its_row() {
    let connector = Connector::mode("files_replaced").with("fail", 1);
    assert_eq!(connector.sync().code, Some(1));
    assert_eq!(read(&connector, "a").as_deref(), Some(&b"first"[..]));
    assert!(fs::read_dir(connector.warehouse().join("tested.incoming")).unwrap().next().is_none());

    let connector = Connector::mode("files_replaced");
    connector.succeed();
    assert_eq!(read(&connector, "a").as_deref(), Some(&b"second"[..]));
    assert_eq!(
        connector.database().query("SELECT note, _sluice_file_path FROM documents"),
        [[json!("new"), json!("a")]]
    );
}

#[test]
fn paths_that_lead_elsewhere_are_refused() {
    let connector = Connector::mode("files_refused");
    let sync = connector.succeed();
    let refused = sync.log().iter().filter(|line| line.starts_with("refused: ")).count();
    assert_eq!(refused, 7, "{:?}", sync.log());
    assert!(!landed(&connector).exists() || fs::read_dir(landed(&connector)).unwrap().next().is_none());
    assert!(!connector.warehouse().join("a").exists());
    assert!(connector.database().query("SELECT * FROM documents").is_empty());
}

#[test]
fn a_file_in_the_way_of_a_folder_fails_the_sync_by_name() {
    let connector = Connector::mode("files_in_the_way");
    let sync = connector.sync();
    assert_eq!(sync.code, Some(1));
    assert!(sync.everything().contains("file a/b: a folder is where the file is to be"), "{}", sync.everything());
    assert_eq!(read(&connector, "a"), None);
}

#[test]
fn files_of_a_blocked_table_do_not_land() {
    let connector = Connector::mode("files").arguments(&["--block-table", "documents"]);
    let sync = connector.succeed();
    assert!(!landed(&connector).exists());
    assert_eq!(sync.report()["withheld"], json!([{"table": "documents", "columns": [], "reason": "blocked"}]));
    assert!(!connector.database().has_table("documents"));
}

#[test]
fn the_column_of_paths_has_the_name_that_the_operator_wants() {
    let connector = Connector::mode("files_replaced").arguments(&["--system-columns", "fivetran"]);
    connector.succeed();
    assert_eq!(connector.database().query("SELECT _fivetran_file_path FROM documents"), [[json!("a")]]);
}

#[test]
fn files_have_limits_of_their_own() {
    for (limit, value) in [("--files", "2"), ("--file-size", "4"), ("--file-data", "4")] {
        let connector = Connector::mode("files").arguments(&[limit, value]);
        let sync = connector.sync();
        assert_eq!(sync.code, Some(3), "{limit}: {}", sync.everything());
        assert_eq!(read(&connector, "reports/2024/summary.txt"), None, "{limit}");
    }
}
