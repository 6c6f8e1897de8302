//! Batches of a connector: packed columns, what their check promises, and what is done with them on its word.

use super::values::{check_column, held_bytes, row_bytes};
use crate::fuzzing::memory::within;
use crate::fuzzing::{Seen, Target, run};
use crate::rows::{Batch, Column, Texts, Value, Values};

/// The first byte says what the rest is: columns as a worker sends them, or one packed column as a connector does.
fn attack(input: &[u8]) -> Seen {
    match input {
        [b'c', rows, rest @ ..] => match postcard::from_bytes::<Vec<Column>>(rest) {
            Ok(columns) => batch(columns, usize::from(*rows)),
            Err(error) => Seen::text(&error.to_string()),
        },
        [b'p', kind, rest @ ..] => packed(*kind, rest),
        _ => Seen::of(&0),
    }
}

fn packed(kind: u8, bytes: &[u8]) -> Seen {
    // A joined text of nothing but its ends is a place for each byte, in a list that doubles.
    let unpacked = within(48 * bytes.len() + 4096, || crate::sandbox::unpack(kind, bytes));
    let Ok(values) = unpacked else { return Seen::of(&(1, kind % 5)) };
    let rows = match &values {
        Values::Booleans(values) => values.len(),
        Values::Integers(values) => values.len(),
        Values::Floats(values) => values.len(),
        Values::Texts(texts) | Values::Json(texts) => {
            let joined = texts.iter().collect::<Vec<_>>().join("\0");
            assert_eq!(joined.as_bytes(), bytes, "texts are those that were packed");
            texts.len()
        }
        _ => unreachable!("not packed"),
    };
    batch(vec![Column { name: "c".to_owned(), values, nulls: Vec::new() }], rows)
}

fn batch(columns: Vec<Column>, rows: usize) -> Seen {
    let mut whole = Batch { rows, columns: Vec::new(), bytes: 0 };
    for column in columns {
        match check_column(&column, rows) {
            Ok(size) => {
                let cells = (0..rows).map(|row| row_bytes(std::slice::from_ref(&column), row));
                let largest = cells.clone().max().unwrap_or(0);
                assert!(largest <= size.largest || matches!(column.values, Values::Decimals(_)), "a row is larger");
                assert!(size.total >= cells.sum::<usize>(), "a column counts less than its cells");
                whole.bytes += size.total;
                whole.columns.push(column);
            }
            Err(reason) => {
                assert!(reason.len() < 200, "{reason}");
                return Seen::text(&reason);
            }
        }
    }
    used(&whole);
    Seen::of(&whole.columns.iter().map(|column| std::mem::discriminant(&column.values)).collect::<Vec<_>>()).and(rows)
}

/// What others do with a batch that was checked.
fn used(batch: &Batch) {
    assert!(held_bytes(batch) >= batch.bytes);
    let (even, odd): (Vec<usize>, Vec<usize>) = (0..batch.rows).partition(|row| row % 2 == 0);
    let (picked, rest) = (batch.only_rows(&even), batch.without_rows(&even));
    assert_eq!((picked.rows, rest.rows), (even.len(), odd.len()));
    for ((column, picked), rest) in batch.columns.iter().zip(&picked.columns).zip(&rest.columns) {
        assert!(check_column(picked, even.len()).is_ok() && check_column(rest, odd.len()).is_ok());
        assert_eq!(picked.nulls.len() + rest.nulls.len(), column.nulls.len());
    }
    let sent = postcard::to_stdvec(&batch.columns).unwrap();
    let arrived: Vec<Column> = postcard::from_bytes(&sent).unwrap();
    assert_eq!(postcard::to_stdvec(&arrived).unwrap(), sent);
    for column in &arrived {
        assert!(check_column(column, batch.rows).is_ok());
    }
}

fn seeds() -> Vec<Vec<u8>> {
    let column = |values| Column { name: "c".to_owned(), values, nulls: vec![1] };
    let all = [
        Values::Booleans(vec![true, false]),
        Values::Integers(vec![1, -1]),
        Values::Floats(vec![f64::NAN, -0.0]),
        Values::Texts(["a", "é"].into_iter().collect()),
        Values::Json(Texts::joined("{}\0[]".to_owned())),
        Values::Blobs(vec![vec![1], vec![]]),
        Values::Decimals(vec!["1.50".to_owned(), String::new()]),
        Values::Dates(vec![-719_162, 2_932_896]),
        Values::Datetimes(vec![0, 1]),
        Values::Timestamps(vec![0, 1]),
        Values::Mixed(vec![Value::Null, Value::Decimal("1e5".to_owned())]),
        Values::Mixed(vec![Value::Blob(vec![1]), Value::Date(7)]),
    ];
    let sent = |columns: &[Column]| [b"c\x02".to_vec(), postcard::to_stdvec(columns).unwrap()].concat();
    let mut seeds: Vec<_> = all.clone().map(|values| sent(&[column(values)])).into();
    seeds.push(sent(&all.map(column)));
    seeds.extend((0..5).map(|kind| [&[b'p', kind], [0_u8; 16].as_slice()].concat()));
    seeds.push(b"p\x03a\0\0b\xc3\xa9".to_vec());
    seeds
}

#[test]
fn fuzz_batches() {
    run(&Target {
        name: "batches",
        words: &["\0", "\u{1}", "1.5", "-0", "E9"],
        longest: 32 * 1024,
        brief: 15_000,
        seeds,
        attack,
    });
}
