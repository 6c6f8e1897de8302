//! Tests of the limits.

use super::*;

#[test]
fn defaults_can_be_kept() {
    assert_eq!(Limits::default().check(), Ok(()));
    const { assert!(ASYNC_STACK_BYTES >= WASM_STACK_BYTES + 2 * MIB) };
}

#[test]
fn contradictions_are_named() {
    let zero = Limits { cpu: Duration::ZERO, ..Limits::default() };
    assert!(matches!(zero.check(), Err(LimitsError::TooLow { name: "cpu", .. })));
    let row_over_batch = Limits { row_bytes: 32 * MIB, ..Limits::default() };
    assert!(matches!(row_over_batch.check(), Err(LimitsError::TooHigh { name: "row_bytes", .. })));
    let batch_over_call = Limits { batch_bytes: 64 * MIB, ..Limits::default() };
    assert!(matches!(batch_over_call.check(), Err(LimitsError::TooHigh { name: "batch_bytes", .. })));
    let forever = Limits { wall: Duration::MAX, ..Limits::default() };
    assert!(matches!(forever.check(), Err(LimitsError::TooHigh { name: "wall", .. })));
}

/// Every limit holds at its floor and ceiling, and not beyond them.
#[test]
fn every_limit_has_a_floor_and_a_ceiling() {
    for row in ROWS {
        assert!(row.least < row.most, "{}", row.name);
        let default = row.value(&Limits::default());
        assert!((row.least..=row.most).contains(&default), "{}: the default is {default}", row.name);
        let mut limits = Limits::default();
        let plain = |number: u128| match row.unit {
            Unit::Time => format!("{number}ms"),
            Unit::Bytes | Unit::Count => number.to_string(),
        };
        if row.least > 0 {
            assert_eq!(limits.set(row.name, &plain(row.least - 1)), Ok(()), "{}", row.name);
            assert!(matches!(limits.check(), Err(LimitsError::TooLow { name, .. }) if name == row.name));
        }
        assert_eq!(limits.set(row.name, &plain(row.most + 1)), Ok(()), "{}", row.name);
        assert!(limits.check().is_err(), "{}", row.name);
    }
}

#[test]
fn values_are_read_in_their_units() {
    let set = |name: &str, text: &str| {
        let mut limits = Limits::default();
        limits.set(name, text).map(|()| Row::find(name).map_or(0, |row| row.value(&limits)))
    };
    for (name, text, value) in [
        ("wall", "90", 90_000),
        ("wall", "1.5", 1_500),
        ("wall", "250ms", 250),
        ("wall", "2.5m", 150_000),
        ("wall", "1h", 3_600_000),
        ("response_bytes", "1", 1),
        ("response_bytes", "1.5KiB", 1_536),
        ("response_bytes", "2GiB", 2 << 30),
        ("rows", "17", 17),
    ] {
        assert_eq!(set(name, text), Ok(value), "{name}={text}");
    }
    for (name, text) in [
        ("wall", ""),
        ("wall", "-1"),
        ("wall", "+1"),
        ("wall", "1d"),
        ("wall", "1MiB"),
        ("wall", "1.2345"),
        ("wall", "."),
        ("wall", "inf"),
        ("wall", "1e3"),
        ("rows", "1.5"),
        ("rows", "1KiB"),
        ("rows", " 1"),
        ("response_bytes", "1MB"),
        ("response_bytes", "1 MiB"),
        ("response_bytes", "99999999999999999999999999999999999999999"),
        ("response_bytes", "340282366920938463463374607431768211455GiB"),
        ("Rows", "1"),
        ("", "1"),
    ] {
        assert!(set(name, text).is_err(), "{name}={text}");
    }
}
