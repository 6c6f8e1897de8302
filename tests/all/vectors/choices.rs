//! Where Sluice chooses otherwise than a vector says: which, why, and what it does.

use serde_json::{Value, json};

/// What Sluice does where a vector says something else.
pub(super) struct Choice {
    pub(super) id: &'static str,
    pub(super) reason: &'static str,
    /// Instead of the vector's `expected`, in the same form; `says` are parts of the message.
    pub(super) expected: Value,
}

/// One row of table `t` with key `id` of type `key`, and column `x`.
fn lands(key: &str, data_type: &str, value: impl Into<Value>) -> Value {
    let value: Value = value.into();
    json!({"tables": {"t": {"columns": {"id": format!("{key} PK"), "x": data_type}, "rows": [{"id": 1, "x": value}]}}})
}

fn inferred(data_type: &str, value: impl Into<Value>) -> Value {
    lands("INT", data_type, value)
}

/// The operation raises and has no effect.
fn raises(class: &str, says: &[&str]) -> Value {
    json!({"error": class, "says": says})
}

const EXACT: &str = "an undeclared value keeps its type and all its digits instead of becoming a 32-bit float or text";
const STATE: &str = "a state is a JSON object, as everything that reads it expects";

pub(super) fn choices() -> Vec<Choice> {
    let choice = |(id, reason, expected)| Choice { id, reason, expected };
    [values(), calls(), declarations(), effects()].into_iter().flatten().map(choice).collect()
}

type Entry = (&'static str, &'static str, Value);

fn values() -> Vec<Entry> {
    let one_and_zeroes = format!("1{}", "0".repeat(400));
    vec![
        ("infer-int-over", EXACT, inferred("DECIMAL", "9223372036854775808")),
        ("infer-int-1e400", EXACT, inferred("DECIMAL", one_and_zeroes)),
        ("infer-float-lossy", EXACT, inferred("DOUBLE", 0.1)),
        ("infer-float-1e300", EXACT, inferred("DOUBLE", 1e300)),
        ("infer-decimal", EXACT, inferred("DECIMAL", "1.50")),
        ("infer-datetime-naive", EXACT, inferred("NAIVE_DATETIME", "2024-02-29T01:02:03.456789")),
        ("infer-date", EXACT, inferred("NAIVE_DATE", "2024-02-29")),
        ("infer-tuple", "a tuple is a list, not the text of one", inferred("JSON", "[1, 2]")),
        ("infer-set", "a set is a sorted list, not the text of one", inferred("JSON", "[1]")),
        (
            "infer-bytearray",
            "a bytearray is bytes, not the text of them",
            inferred("BINARY", json!({"$py": "bytes", "v": "6162"})),
        ),
        (
            "decl-short-32768",
            "SHORT is held to its 16 bits",
            raises("ValueError", &["table t, column x", "SHORT", "-32768 to 32767"]),
        ),
        ("decl-decimal-int", "an int is exact in a DECIMAL", lands("INT", "DECIMAL(15,2)", "105")),
        ("decl-decimal-decimal", "a Decimal is what a DECIMAL is for", lands("INT", "DECIMAL(15,2)", "105.34")),
        (
            "decl-decimal-str-overscale",
            "no digit is lost: the column's scale grows",
            lands("INT", "DECIMAL(16,3)", "105.345"),
        ),
        (
            "decl-decimal-garbage",
            "text in a DECIMAL column is checked to be a number",
            raises("ValueError", &["table t, column x", "not a number"]),
        ),
    ]
}

fn calls() -> Vec<Entry> {
    vec![
        (
            "args-update-no-pk",
            "an update that can find no row makes no column",
            json!({"tables": {"t": {"columns": {"id": "UNSPECIFIED PK"}, "rows": []}}}),
        ),
        ("args-key-empty", "a column has a name", raises("ValueError", &["upsert to table t", "must not be empty"])),
        ("checkpoint-list", STATE, raises("TypeError", &["state must be a dict, not list"])),
        ("checkpoint-string", STATE, raises("TypeError", &["state must be a dict, not str"])),
        ("checkpoint-nan", STATE, raises("ValueError", &["NaN"])),
    ]
}

fn declarations() -> Vec<Entry> {
    vec![
        (
            "schema-pk-string",
            "two columns `i` and `d` are nobody's intention",
            raises("TypeError", &["table a", "primary_key must be a list", "brackets"]),
        ),
        ("schema-columns-none", "None is the same as absent", json!({"tables": {"a": {"columns": {}, "rows": []}}})),
    ]
}

fn effects() -> Vec<Entry> {
    vec![
        (
            "dest-colliding-table-names-merge",
            "two tables of a source never become one: the sync fails and names both",
            json!({"error": "sync", "says": ["userData", "user.data", "user_data"], "tables": {}}),
        ),
        (
            "dest-error-after-checkpoint-state",
            "the exception keeps its class; what came after the checkpoint is discarded",
            json!({
                "error": "ValueError", "says": ["bad"], "state_after": {"c": 1},
                "tables": {"t": {"columns": {"id": "INT PK"}, "rows": [{"id": 1}]}},
            }),
        ),
        (
            "dest-no-checkpoint-at-all",
            "rows after the last checkpoint land when the sync ends well",
            json!({"state": {}, "tables": {"t": {"columns": {"id": "INT PK"}, "rows": [{"id": 1}]}}}),
        ),
        (
            "dest-op-error-does-not-stop-generator",
            "the call ends the sync at once, so that nothing after it can land",
            json!({"error": "op.error", "says": ["stop"], "state": {}, "tables": {}}),
        ),
        (
            "dest-json-string-in-json-column",
            "as the vector; it does not name all columns",
            json!({"tables": {"t": {"columns": {"id": "INT PK", "x": "JSON"}, "rows": [{"id": 1, "x": "\"{\\\"a\\\": 1}\""}]}}}),
        ),
    ]
}
