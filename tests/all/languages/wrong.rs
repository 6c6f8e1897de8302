//! Connectors that get the contract wrong, as an author's first attempts in a new language do: what is refused says table,
//! column and reason, does nothing, and ends nothing.

use serde_json::json;

use super::Project;
use crate::support::component::component;
use crate::support::{Connector, Sync};

const IMPORTS: &str = r#"
    (import "sluice:connector/operations@0.1.0" "upsert" (func $upsert (param i32 i32 i32 i32 i32 i32 i32 i32 i32)))
    (import "sluice:connector/operations@0.1.0" "checkpoint" (func $checkpoint (param i32 i32 i32)))
    (import "sluice:connector/logging@0.1.0" "log" (func $log (param i32 i32 i32)))"#;
/// Where the parts lie: the column's name, its record, its values, its NULLs, texts, and the state.
const NAME: usize = 16;
const COLUMN: usize = 64;
const VALUES: usize = 512 * 1024;
const NULLS: usize = VALUES + 1024;
const TEXTS: usize = VALUES + 2048;
const STATE: usize = VALUES + 3072;

/// A batch of one column, as it lies in a component's memory.
struct Batch<'a> {
    rows: u32,
    /// The number of the case of `values`, in the order of the contract.
    case: u8,
    values: Vec<u8>,
    /// What the list says of its length.
    length: u32,
    nulls: &'a [u32],
    name: &'a str,
    state: &'a str,
}

/// One row of an integer, which is right.
const RIGHT: Batch<'_> = Batch { rows: 1, case: 1, values: Vec::new(), length: 1, nulls: &[], name: "a", state: "{}" };

fn data(place: usize, bytes: &[u8]) -> String {
    let escaped: String = bytes.iter().map(|byte| format!("\\{byte:02x}")).collect();
    format!("(data (i32.const {place}) \"{escaped}\")")
}

fn words(words: &[usize]) -> Vec<u8> {
    words.iter().flat_map(|word| u32::try_from(*word).unwrap().to_le_bytes()).collect()
}

impl Batch<'_> {
    /// Sends it, then a checkpoint, and writes what is refused to the log.
    fn sync(&self) -> (Connector, Project, Sync) {
        let nulls: Vec<usize> = self.nulls.iter().map(|row| *row as usize).collect();
        let column = [NAME, self.name.len(), self.case.into(), VALUES, self.length as usize, NULLS, nulls.len()];
        let items = [
            data(NAME, self.name.as_bytes()),
            data(COLUMN, &words(&column)),
            data(VALUES, &self.values),
            data(NULLS, &words(&nulls)),
            data(TEXTS, b"1,5"),
            data(STATE, self.state.as_bytes()),
            data(48, b"t"),
            "(func $say (if (i32.load8_u (i32.const 2048))
                (then (call $log (i32.const 4) (i32.load (i32.const 2056)) (i32.load (i32.const 2060))))))"
                .to_owned(),
        ]
        .concat();
        let rows = self.rows;
        let body = format!(
            "(call $upsert (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 48) (i32.const 1)
                (i32.const {rows}) (i32.const {COLUMN}) (i32.const 1) (i32.const 2048))
            (call $say)
            (call $checkpoint (i32.const {STATE}) (i32.const {}) (i32.const 2048))
            (call $say)",
            self.state.len()
        );
        let project = Project::new(&component(IMPORTS, &items, &body), None);
        let connector = Connector::of(&project.at("component.wasm"), json!({}));
        let sync = connector.sync();
        (connector, project, sync)
    }

    /// Refused in these words; the sync goes on, and nothing is there.
    #[track_caller]
    fn is_refused(&self, expected: &str) {
        let (connector, _project, sync) = self.sync();
        assert_eq!(sync.code, Some(0), "{expected}: {}", sync.everything());
        assert_eq!(sync.log(), [expected], "{}", sync.everything());
        assert_eq!(sync.report()["rows"], json!(0));
        assert!(!connector.database().has_table("t"));
    }

    #[track_caller]
    fn crashes(&self, expected: &str) {
        let (_, _, sync) = self.sync();
        assert_eq!(sync.code, Some(1), "{}", sync.everything());
        let message = sync.report()["outcome"]["message"].as_str().unwrap().to_owned();
        assert!(message.contains("the component crashed") && message.contains(expected), "{message}");
    }
}

#[test]
fn what_is_right_lands() {
    let (connector, _project, sync) = Batch { values: vec![7, 0, 0, 0, 0, 0, 0, 0], ..RIGHT }.sync();
    assert_eq!((sync.code, sync.log()), (Some(0), Vec::new()), "{}", sync.everything());
    assert_eq!(connector.database().value("SELECT a FROM t"), json!(7));
}

#[test]
fn lists_that_do_not_agree_with_their_batch_are_refused() {
    Batch { rows: 2, ..RIGHT }.is_refused("table t, column a: 1 values for 2 rows");
    Batch { rows: 0, ..RIGHT }.is_refused("table t, column a: 1 values for 0 rows");
    let nulls = "table t, column a: the indexes of NULLs must ascend and be less than the number of rows";
    Batch { nulls: &[1], ..RIGHT }.is_refused(nulls);
    Batch { rows: 2, length: 2, nulls: &[1, 0], ..RIGHT }.is_refused(nulls);
    Batch { rows: 2, length: 2, nulls: &[0, 0], ..RIGHT }.is_refused(nulls);
    Batch { rows: 70_000, ..RIGHT }.is_refused("table t: a batch of 70000 rows; the limit is 65536 rows");
}

#[test]
fn packed_columns_that_do_not_unpack_are_refused() {
    let packed = |case, values: &[u8], rows| Batch {
        rows,
        case,
        values: values.to_vec(),
        length: values.len().try_into().unwrap(),
        ..RIGHT
    };
    packed(11, &[2], 1).is_refused("table t, column a: a packed boolean must be 0 or 1");
    packed(12, &[0; 9], 1).is_refused("table t, column a: packed numbers are cut short");
    packed(13, &[0; 7], 1).is_refused("table t, column a: packed numbers are cut short");
    packed(12, &[0; 8], 2).is_refused("table t, column a: 1 values for 2 rows");
    packed(14, b"a\0b", 3).is_refused("table t, column a: 2 values for 3 rows");
    packed(14, b"", 0).is_refused("table t, column a: 1 values for 0 rows");
    packed(15, b"1", 2).is_refused("table t, column a: 1 values for 2 rows");
}

#[test]
fn values_that_are_none_are_refused() {
    let text = words(&[TEXTS, 3]);
    Batch { case: 6, values: text, ..RIGHT }
        .is_refused("table t, column a: a DECIMAL value that is not a decimal number");
    let days = 5_000_000_i32.to_le_bytes().to_vec();
    Batch { case: 7, values: days, ..RIGHT }.is_refused("table t, column a: a date outside the years 0001 to 9999");
    Batch { case: 9, values: i64::MIN.to_le_bytes().to_vec(), ..RIGHT }
        .is_refused("table t, column a: a date-time outside the years 0001 to 9999");
    Batch { name: "", ..RIGHT }.is_refused("table t: a column name is empty or blank");
}

#[test]
fn a_state_that_is_no_object_is_refused() {
    for state in ["", "[1]", "{", "null"] {
        let (_, _project, sync) = Batch { state, ..RIGHT }.sync();
        assert_eq!(sync.log(), ["the state of a checkpoint must be a JSON object"], "{}", sync.everything());
    }
}

#[test]
fn what_is_no_value_of_the_contract_is_a_crash_that_says_so() {
    Batch { case: 99, ..RIGHT }.crashes("discriminant");
    Batch { length: 0x0fff_ffff, ..RIGHT }.crashes("out of bounds");
    Batch { case: 3, values: words(&[TEXTS, 0x0fff_ffff]), ..RIGHT }.crashes("out of bounds");
}
