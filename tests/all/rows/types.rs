//! What columns become: declared, inferred and widened.

use serde_json::{Value, json};

use super::{columns, stored};
use crate::support::Connector;

#[test]
fn the_fourteen_declared_types() {
    let connector = Connector::mode("declared");
    connector.succeed();
    let database = connector.database();
    for (column, value, kind) in [
        ("flag", json!(1), "integer"),
        ("small", json!(32767), "integer"),
        ("medium", json!(2_147_483_647), "integer"),
        ("large", json!(i64::MIN), "integer"),
        ("id", json!(7), "integer"),
        ("price", json!("12.340"), "text"),
        ("single", json!(f64::from(0.1_f32)), "real"),
        ("double", json!(0.1), "real"),
        ("day", json!("2024-02-29"), "text"),
        ("wall", json!("2024-02-29T12:30:15.000000"), "text"),
        ("instant", json!("2024-02-29T10:30:15.000000Z"), "text"),
        ("raw", json!("0102"), "blob"),
        ("document", json!("<a/>"), "text"),
        ("words", json!("12"), "text"),
        ("nested", json!("[1, 2]"), "text"),
        ("never_sent", Value::Null, "null"),
    ] {
        assert_eq!(stored(&database, "declared", column), (value, kind.to_owned()), "{column}");
    }
    let types =
        database.query("SELECT data_type FROM _sluice_columns WHERE table_name = 'declared' ORDER BY source_name");
    let mut types: Vec<_> = types.iter().filter_map(|row| row[0].as_str()).collect();
    types.sort_unstable();
    types.dedup();
    assert_eq!(
        types,
        [
            "BINARY",
            "BOOLEAN",
            "DECIMAL(10,3)",
            "DOUBLE",
            "FLOAT",
            "INT",
            "JSON",
            "LONG",
            "NAIVE_DATE",
            "NAIVE_DATETIME",
            "SHORT",
            "STRING",
            "UTC_DATETIME",
            "XML"
        ]
    );
}

#[test]
fn undeclared_columns_take_their_type_from_the_values() {
    let connector = Connector::mode("inferred");
    connector.succeed();
    let database = connector.database();
    for (column, value, kind) in [
        ("flag", json!(1), "integer"),
        ("whole", json!(1_i64 << 62), "integer"),
        ("huge", json!("1208925819614629174706176"), "text"),
        ("real", json!(0.1), "real"),
        ("words", json!("grüße"), "text"),
        ("bytes", json!("00ff"), "blob"),
        ("exact", json!("1.10"), "text"),
        ("day", json!("2024-02-29"), "text"),
        ("wall", json!("2024-02-29T12:30:15.123456"), "text"),
        ("instant", json!("2024-02-29T10:30:00.000000Z"), "text"),
        ("nested", json!(r#"{"a": [1, 2, {"b": null}]}"#), "text"),
        ("pair", json!("[1, 2]"), "text"),
        ("unique", json!("00000000-0000-0000-0000-000000000005"), "text"),
    ] {
        assert_eq!(stored(&database, "inferred", column), (value, kind.to_owned()), "{column}");
    }
    // a column that only ever was NULL has no type and does not exist
    assert!(!columns(&database, "inferred").contains(&"nothing".to_owned()));
    let types = database.query(
        "SELECT name, data_type FROM _sluice_columns WHERE name IN ('huge', 'exact', 'nested', 'day') ORDER BY name",
    );
    assert_eq!(
        types,
        [["day", "NAIVE_DATE"], ["exact", "DECIMAL"], ["huge", "DECIMAL"], ["nested", "JSON"]]
            .map(|pair| pair.map(|text| json!(text)).to_vec())
    );
}

#[test]
fn a_column_widens_from_int_over_double_to_string() {
    let connector = Connector::mode("widening");
    connector.succeed();
    let values = "SELECT id, value, typeof(value) FROM widening ORDER BY id";
    let as_texts = [["42", "42"], ["42.42", "42.42"], ["42.43", "42.43"], ["forty-two", "forty-two"]]
        .map(|[id, value]| vec![json!(id), json!(value), json!("text")]);
    // all in one batch: no value was ever stored in another form
    assert_eq!(connector.database().query(values), as_texts);

    // one value a checkpoint: 42 was stored as a DOUBLE in between, which does not show
    let stepwise = Connector::mode("widening_stepwise");
    stepwise.succeed();
    assert_eq!(stepwise.database().query(values), as_texts);
    assert_eq!(
        stepwise.database().value("SELECT data_type FROM _sluice_columns WHERE name = 'value'"),
        json!("STRING")
    );
}
