//! Looking at what landed: `sluice tables` and `sluice peek`.

use serde_json::{Value, json};

use crate::support::{Connector, events, sluice, text};

struct Said {
    code: Option<i32>,
    out: String,
    error: String,
}

fn say(connector: &Connector, command: &[&str]) -> Said {
    let output = sluice().args(command).arg("--warehouse").arg(connector.warehouse()).output().unwrap();
    Said { code: output.status.code(), out: text(&output.stdout), error: text(&output.stderr) }
}

fn filled() -> Connector {
    let connector = Connector::mode("resumable").with("rows", 3).with("every", 10);
    connector.succeed();
    connector
}

#[test]
fn tables_are_listed() {
    let connector = filled();
    let said = say(&connector, &["tables", "tested"]);
    assert_eq!(said.code, Some(0), "{}", said.error);
    let lines: Vec<Vec<&str>> = said.out.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0].join(" "), "table rows deleted columns primary key history last synced");
    assert_eq!(lines[1][..4], ["items", "3", "0", "4"]);
    let tables: Value = serde_json::from_str(&say(&connector, &["tables", "tested", "--json"]).out).unwrap();
    events::printed_all("tables", &tables);
    assert_eq!(tables[0]["table"], "items");
    assert_eq!(tables[0]["rows"], 3);
    assert_eq!(tables[0]["columns"][0]["name"], "id");
}

#[test]
fn rows_are_shown_with_their_types() {
    let connector = filled();
    let said = say(&connector, &["peek", "tested", "items", "--columns", "id,half,even", "--rows", "2"]);
    assert_eq!(
        said.out,
        "items (3 rows)\n   id    half  even\n  INT  DOUBLE  BOOLEAN\n    0     0.0  1\n    1     0.5  0\n"
    );
    let shown: Value = serde_json::from_str(&say(&connector, &["peek", "tested", "items", "--json"]).out).unwrap();
    events::printed_all("peek", &shown);
    assert_eq!(shown["rows"][2]["name"], "item 2");
    assert_eq!(shown["rows"][2]["_sluice_deleted"], "0");
    assert_eq!(say(&connector, &["peek", "tested", "items", "--deleted"]).out, "items (0 rows)\n");
}

#[test]
fn what_is_not_there_is_said() {
    let connector = filled();
    for (command, says) in [
        (vec!["tables", "nope"], "there are: tested"),
        (vec!["peek", "nope", "items"], "there are: tested"),
        (vec!["state", "reset", "nope"], "there are: tested"),
        (vec!["peek", "tested", "item\u{1b}[2J"], "its tables are: items"),
        (vec!["peek", "tested", "items", "--columns", "ID,nope"], "has no column nope; it has id, "),
    ] {
        let said = say(&connector, &command);
        assert_eq!(said.code, Some(2), "{command:?}");
        assert!(said.error.contains(says) && !said.error.contains('\u{1b}'), "{command:?}: {}", said.error);
        assert_eq!(said.out, "");
    }
    assert!(!connector.warehouse().join("nope.db").exists());
    let said = say(&connector, &["state", "show", "nope"]);
    assert_eq!((said.code, said.out.as_str()), (Some(0), "{}\n"));
    assert!(said.error.contains("nope has not synced yet"), "{}", said.error);
}

#[test]
fn a_state_may_be_set_before_the_first_sync() {
    let connector = Connector::mode("resumable").with("rows", 3).with("every", 10);
    std::fs::create_dir_all(connector.warehouse()).unwrap();
    let state = connector.warehouse().join("state.json");
    std::fs::write(&state, "{\"next\": 2}").unwrap();
    let said = say(&connector, &["state", "set", "tested", state.to_str().unwrap()]);
    assert_eq!(said.code, Some(0), "{}", said.error);
    assert!(said.error.contains("connection tested is new"), "{}", said.error);
    connector.succeed();
    assert_eq!(connector.database().value("SELECT count(*) FROM items"), json!(1));
    let large = format!("{{\"a\": \"{}\"}}", "x".repeat(2 << 20));
    for (wrong, says) in [("[1]", "must be a JSON object"), ("{", "line 1"), (large.as_str(), "is larger than")] {
        std::fs::write(&state, wrong).unwrap();
        let said = say(&connector, &["state", "set", "tested", state.to_str().unwrap()]);
        assert_eq!(said.code, Some(2));
        assert!(said.error.contains(says), "{}", said.error);
    }
    assert_eq!(connector.state(), json!({"next": 3}));
}
