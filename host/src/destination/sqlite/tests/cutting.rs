//! Neither the order of rows nor how they are cut into batches and syncs shows in the database.

use proptest::prelude::*;
use proptest::sample::subsequence;

use super::super::infer::Incoming;
use super::super::lattice::{Integers, exact_in_double};
use super::super::types::PLAIN_TYPES;
use super::*;
use crate::landing::{Landing, TypeMismatch};

/// Values around every edge of the lattice.
fn pool() -> Vec<Value> {
    let day = 86_400_000_000;
    let mut pool = vec![Value::Boolean(true), text("text"), text("42"), Value::Blob(vec![1]), Value::Json("42".into())];
    pool.extend([42, 0, -40_000, 1 << 24, (1 << 24) + 1, 1 << 40, 1 << 53, (1 << 53) + 1, i64::MAX, i64::MIN].map(int));
    let floats = [42.0, -0.0, 42.42, 0.5, 1e16, 1e18, 1e19, 1e300, f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
    pool.extend(floats.map(Value::Float));
    pool.extend([f64::from(0.1_f32), 0.1, 5e-324, 9_007_199_254_740_992.0].map(Value::Float));
    pool.extend(["42", "42.0", "1.50", "0.001", "9223372036854775808", "1e90"].map(|v| Value::Decimal(v.into())));
    pool.extend([Value::Date(0), Value::Date(1), Value::Datetime(0), Value::Datetime(day + 1), Value::Timestamp(day)]);
    pool
}

fn start() -> impl Strategy<Value = Option<DataType>> {
    let mut starts: Vec<Option<DataType>> = PLAIN_TYPES.into_iter().map(Some).collect();
    starts.extend([None, None, None, Some(DataType::Decimal(Some((5, 2))))]);
    proptest::sample::select(starts)
}

/// What a column of that type becomes by these values, in this order, in batches of this size.
fn settled(stored: Option<DataType>, values: &[Value], size: usize) -> Option<DataType> {
    let mut settled = stored;
    let mut seen: Vec<&Value> = Vec::new();
    for values in values.chunks(size) {
        let column = Column { name: "x".to_owned(), values: Values::Mixed(values.to_vec()), nulls: vec![] };
        let exact = || seen.iter().all(|value| !matches!(value, Value::Integer(v) if !exact_in_double(*v)));
        let integers = if exact() { Integers::ExactInDouble } else { Integers::Any };
        settled = Incoming::of(&column, values.len()).unwrap().settle(settled, || Ok::<_, ()>(integers)).unwrap();
        seen.extend(values);
    }
    settled
}

/// Rows for one table, in one batch.
fn batch(rows: &[(i64, Value)]) -> Operation {
    let column = |name: &str, values| Column { name: name.to_owned(), values, nulls: vec![] };
    let ids = Values::Integers(rows.iter().map(|(id, _)| *id).collect());
    let values = Values::Mixed(rows.iter().map(|(_, value)| value.clone()).collect());
    let columns = vec![column("id", ids), column("x", values)];
    Operation::Rows {
        table: name("t"),
        kind: OperationKind::Upsert,
        batch: Batch { rows: rows.len(), columns, bytes: 8 },
    }
}

/// The column's type and its cells after these batches; `new_sync` tells before which batches
/// another sync begins.
fn outcome(
    declaration: Option<DataType>,
    always: bool,
    batches: &[Vec<(i64, Value)>],
    new_sync: &[bool],
) -> (Option<String>, Vec<Vec<Stored>>) {
    let landing = Landing { on_type_mismatch: Some(TypeMismatch::Widen), ..Landing::default() };
    let place = place_with(SqliteOptions { landing: std::sync::Arc::new(landing), ..SqliteOptions::default() });
    let tables = [declared("t", &["id"], &[("x", declaration)])];
    place.sync(&tables, &[]);
    let again = [declared("t", &["id"], &[("x", declaration.filter(|_| always))])];
    let mut destination = place.open();
    destination.declare(&again).unwrap();
    for (rows, new) in batches.iter().zip(new_sync) {
        if *new {
            destination.finish().unwrap();
            drop(destination);
            destination = place.open();
            destination.declare(&again).unwrap();
        }
        destination.write(&batch(rows)).unwrap();
    }
    destination.finish().unwrap();
    drop(destination);
    // Blobs and texts alike; a REAL's bits, so that NaN would not hide.
    (place.type_of("t", "x"), place.query("SELECT id, typeof(x), quote(x) FROM t ORDER BY id"))
}

/// A few rows, and a way to cut and order them.
#[derive(Clone, Debug)]
struct Case {
    declaration: Option<DataType>,
    always: bool,
    values: Vec<Value>,
    order: Vec<usize>,
    cuts: Vec<usize>,
    new_sync: Vec<bool>,
}

fn cases() -> impl Strategy<Value = Case> {
    let values = subsequence(pool(), 2..6).prop_shuffle();
    (start(), any::<bool>(), values).prop_flat_map(|(declaration, always, values)| {
        let count = values.len();
        let order = Just((0..count).collect::<Vec<_>>()).prop_shuffle();
        let cuts = subsequence((1..count).collect::<Vec<_>>(), 0..count);
        let new_sync = proptest::collection::vec(any::<bool>(), count);
        (Just((declaration, always, values)), order, cuts, new_sync).prop_map(
            |((declaration, always, values), order, cuts, new_sync)| Case {
                declaration,
                always,
                values,
                order,
                cuts,
                new_sync,
            },
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 5_000, ..ProptestConfig::default() })]

    #[test]
    fn a_type_depends_on_the_set_of_values_alone(
        stored in start(),
        (values, other) in subsequence(pool(), 1..8).prop_flat_map(|v| (Just(v.clone()).prop_shuffle(), Just(v).prop_shuffle())),
        sizes in (1_usize..8, 1_usize..8),
    ) {
        prop_assert_eq!(settled(stored, &values, sizes.0), settled(stored, &other, sizes.1));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 50, ..ProptestConfig::default() })]

    #[test]
    fn cutting_and_order_do_not_show(case in cases()) {
        let rows: Vec<(i64, Value)> = (1..).zip(case.values.iter().cloned()).collect();
        let whole = outcome(case.declaration, case.always, std::slice::from_ref(&rows), &[false]);
        let ordered: Vec<_> = case.order.iter().map(|index| rows[*index].clone()).collect();
        let mut batches = Vec::new();
        let mut from = 0;
        for to in case.cuts.iter().copied().chain([ordered.len()]) {
            batches.push(ordered[from..to].to_vec());
            from = to;
        }
        let cut = outcome(case.declaration, case.always, &batches, &case.new_sync);
        prop_assert_eq!(whole, cut);
    }
}
