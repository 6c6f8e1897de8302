//! What random programs found, in few operations each.

use super::*;

#[test]
fn a_row_without_values_makes_its_table() {
    for together in [true, false] {
        let place = place();
        let row = |columns: Vec<Column>| Operation::Rows {
            table: TableName { schema: None, name: "t".into() },
            kind: OperationKind::Upsert,
            batch: Batch { rows: 1, columns, bytes: 8 },
        };
        let null = || Column { name: "a".into(), values: Values::Mixed(vec![Value::Null]), nulls: vec![0] };
        let rows =
            [row(vec![null()]), row(vec![Column { values: Values::Integers(vec![1]), nulls: vec![], ..null() }])];
        if together {
            place.sync(&[], &rows);
        } else {
            rows.iter().for_each(|row| place.sync(&[], std::slice::from_ref(row)));
        }
        let rows = place.query("SELECT a FROM t ORDER BY a");
        assert_eq!(rows, [[Stored::Null], [Stored::Integer(1)]], "together: {together}");
    }
}

#[test]
fn a_column_may_be_called_as_sqlites_row_number() {
    for name in ["rowid", "OID", "_rowid_"] {
        let place = place();
        let row = |column: &str, value| Operation::Rows {
            table: TableName { schema: None, name: "t".into() },
            kind: OperationKind::Upsert,
            batch: Batch {
                rows: 1,
                columns: vec![Column { name: column.into(), values: Values::Integers(vec![value]), nulls: vec![] }],
                bytes: 8,
            },
        };
        place.sync(&[], &[row("before", 1), row(name, 70_000), row("after", 3)]);
        let rows =
            place.query(&format!("SELECT before, {name}, after FROM t ORDER BY coalesce(before, {name}, after)"));
        let (none, some) = (Stored::Null, Stored::Integer);
        let expected = [
            [some(1), none.clone(), none.clone()],
            [none.clone(), none.clone(), some(3)],
            [none.clone(), some(70_000), none.clone()],
        ];
        assert_eq!(rows, expected, "{name}");
    }
}

#[test]
fn a_key_finds_its_row_whatever_its_column_is() {
    let upsert_and = |kind, stored: Value, key: Value| {
        let place = place();
        let declared = [TableDefinition {
            name: TableName { schema: None, name: "t".into() },
            primary_key: vec!["id".into()],
            columns: vec![],
        }];
        let row = |kind, key| Operation::Rows {
            table: declared[0].name.clone(),
            kind,
            batch: Batch {
                rows: 1,
                columns: vec![Column { name: "id".into(), values: Values::Mixed(vec![key]), nulls: vec![] }],
                bytes: 8,
            },
        };
        place.sync(&declared, &[row(OperationKind::Upsert, stored), row(kind, key)]);
        place.query("SELECT _sluice_deleted FROM t")
    };
    let text = |text: &str| Value::Text(text.into());
    let decimal = |text: &str| Value::Decimal(text.into());
    for (stored, key, same) in [
        (Value::Integer(1), decimal("1"), true),
        (Value::Integer(1), decimal("1.0"), false),
        (Value::Integer(1), Value::Float(1.0), true),
        (Value::Integer(1), Value::Float(1.5), false),
        (Value::Integer(1), text("1"), true),
        (Value::Integer(1), text("01"), false),
        (Value::Integer(1), Value::Boolean(true), false),
        (Value::Boolean(true), text("true"), true),
        (Value::Boolean(true), Value::Integer(1), false),
        (Value::Float(0.5), decimal("0.5"), true),
        (Value::Float(0.5), decimal("0.50"), false),
        (Value::Float(f64::NAN), text("NaN"), true),
        (Value::Float(1e300), text("1e300"), true),
        (Value::Float(9_007_199_254_740_992.0), Value::Integer(9_007_199_254_740_993), false),
        (decimal("1.50"), Value::Float(1.5), false),
        (Value::Date(1), Value::Datetime(86_400_000_000), true),
        (Value::Datetime(86_400_000_000), Value::Date(1), true),
        (Value::Datetime(86_400_000_000), text("1970-01-02"), true),
        (Value::Datetime(1), Value::Timestamp(1), false),
        (Value::Blob(vec![0x61]), text("61"), true),
        (Value::Blob(vec![0x61]), text("a"), false),
        (text("1.5"), Value::Float(1.5), true),
    ] {
        let deleted = upsert_and(OperationKind::Delete, stored.clone(), key.clone());
        assert_eq!(deleted, [[Stored::Integer(i64::from(same))]], "{stored:?} {key:?}");
        let rows = upsert_and(OperationKind::Upsert, stored.clone(), key.clone());
        assert_eq!(rows.len(), if same { 1 } else { 2 }, "{stored:?} {key:?}");
    }
}
