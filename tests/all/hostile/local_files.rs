//! Ways out of the files of a sync, and more of them than there may be.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{End, ends, success};
use crate::support::Connector;

/// Runs a mode that lands what it found.
#[track_caller]
fn finds(hostile: Connector, end: &End, look: impl FnOnce(&BTreeMap<String, Value>)) {
    ends(hostile, end, |_, it| {
        let rows = it.database().query("SELECT what, outcome FROM found");
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let read = |outcome: String| serde_json::from_str(&outcome).unwrap_or(Value::String(outcome));
        look(&rows.iter().map(|row| (text(&row[0]), read(text(&row[1])))).collect());
    });
}

#[test]
fn no_path_leads_to_the_host() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("of-the-operator.txt");
    std::fs::write(&file, "private").unwrap();
    finds(Connector::mode("escapes").with("file", file.display()), &success(), |found| {
        for way in ["absolute", "climbed", "below", "beside", "changed", "process"] {
            assert_eq!(found[way], "FileNotFoundError ENOENT", "{way}");
        }
        for way in ["linked", "hard_linked"] {
            assert_eq!(found[way], "PermissionError EPERM", "{way}");
        }
        for place in ["root", "above"] {
            // the component's own Python, and the files of this sync
            let own = json!(["0", "bundled", "project", "python", "site-packages", "tmp", "world"]);
            assert_eq!(found[place], own, "{place}");
        }
        assert_eq!(found["nul"], "ValueError");
    });
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn bytes_end() {
    finds(Connector::mode("too_many_bytes"), &success(), |found| {
        for way in ["fill", "other", "sparse", "truncate"] {
            assert_eq!(found[way], "OSError ENOSPC", "{way}");
        }
        assert!((60 << 20..=64 << 20).contains(&found["size"].as_u64().unwrap()), "{}", found["size"]);
        assert_eq!(found["after"], "worked", "what is removed makes room");
    });
}

#[test]
fn numbers_depth_and_names_end() {
    finds(Connector::mode("too_many_files"), &success(), |found| {
        assert_eq!((&found["fill"], &found["made"]), (&json!("OSError ENOSPC"), &json!(true)));
        assert!((15_000..16_384).contains(&found["number"].as_u64().unwrap()), "{}", found["number"]);
        assert_eq!(found["deep"], "OSError ENOSPC");
        for way in ["long", "very_long", "many_parts"] {
            assert_eq!(found[way], "OSError ENAMETOOLONG", "{way}");
        }
        assert_eq!(found["removed"], "worked");
    });
}

#[test]
fn handles_end_with_an_error_that_can_be_caught() {
    finds(Connector::mode("too_many_handles"), &success(), |found| {
        assert_eq!((&found["opened"], &found["enough"]), (&json!("OSError ENOMEM"), &json!(true)));
        assert_eq!(found["after"], "code,name\n");
    });
}

#[test]
fn renaming_makes_no_circles() {
    finds(Connector::mode("renames"), &success(), |found| {
        assert_eq!(found["into_itself"], "OSError EINVAL");
        assert_eq!(found["root"], "OSError EBUSY");
        assert_eq!(found["onto_full"], "OSError ENOTEMPTY");
        assert_eq!(found["left"], json!([["b"], ["c"], []]));
    });
}
