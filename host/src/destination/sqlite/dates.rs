//! Calendar dates and times as text: `YYYY-MM-DD` and `YYYY-MM-DDTHH:MM:SS.ffffff`.
//!
//! Years 0001 to 9999 of the proleptic Gregorian calendar, counted from 1970-01-01. The
//! fraction always has six digits, so that the order of texts is the order of times.

pub(super) const MICROS_PER_DAY: i64 = 86_400_000_000;

/// 0001-01-01.
pub(super) const FIRST_DAY: i32 = -719_162;
/// 9999-12-31.
pub(super) const LAST_DAY: i32 = 2_932_896;
/// The first microsecond of [`FIRST_DAY`].
pub(super) const FIRST_MICRO: i64 = FIRST_DAY as i64 * MICROS_PER_DAY;
/// The last microsecond of [`LAST_DAY`].
pub(super) const LAST_MICRO: i64 = (LAST_DAY as i64 + 1) * MICROS_PER_DAY - 1;

/// Appends a date; `None` when the year is out of range.
pub(super) fn push_date(out: &mut String, days: i32) -> Option<()> {
    if !(FIRST_DAY..=LAST_DAY).contains(&days) {
        return None;
    }
    let (year, month, day) = civil(days);
    push_digits(out, year, 4);
    out.push('-');
    push_digits(out, month, 2);
    out.push('-');
    push_digits(out, day, 2);
    Some(())
}

/// Appends a date and time; `None` when the year is out of range.
pub(super) fn push_datetime(out: &mut String, micros: i64) -> Option<()> {
    let fraction = push_seconds(out, micros)?;
    out.push('.');
    push_digits(out, fraction, 6);
    Some(())
}

/// Appends an instant, a date and time with `Z`.
pub(super) fn push_stamp(out: &mut String, micros: i64) -> Option<()> {
    push_datetime(out, micros)?;
    out.push('Z');
    Some(())
}

fn push_seconds(out: &mut String, micros: i64) -> Option<u32> {
    let days = i32::try_from(micros.div_euclid(MICROS_PER_DAY)).ok()?;
    push_date(out, days)?;
    let rest = micros.rem_euclid(MICROS_PER_DAY);
    let seconds = u32::try_from(rest / 1_000_000).ok()?;
    for (mark, number) in [('T', seconds / 3600), (':', seconds / 60 % 60), (':', seconds % 60)] {
        out.push(mark);
        push_digits(out, number, 2);
    }
    u32::try_from(rest % 1_000_000).ok()
}

fn push_digits(out: &mut String, number: u32, width: u32) {
    for place in (0..width).rev() {
        let digit = number / 10_u32.pow(place) % 10;
        out.push(char::from_digit(digit, 10).unwrap_or('0'));
    }
}

/// Reads what [`push_date`] wrote.
pub(super) fn parse_date(text: &str) -> Option<i32> {
    let mut parts = text.splitn(3, '-');
    let (year, month, day) = (digits(parts.next()?, 4)?, digits(parts.next()?, 2)?, digits(parts.next()?, 2)?);
    let days = day_number(year, month, day)?;
    let mut back = String::with_capacity(10);
    push_date(&mut back, days)?;
    (back == text).then_some(days)
}

/// Reads what [`push_datetime`] wrote.
pub(super) fn parse_datetime(text: &str) -> Option<i64> {
    let (date, time) = text.split_once('T')?;
    let days = i64::from(parse_date(date)?);
    let (clock, fraction) = match time.split_once('.') {
        Some((clock, fraction)) => (clock, digits(fraction, 6)?),
        None => (time, 0),
    };
    let mut parts = clock.splitn(3, ':');
    let (hour, minute, second) = (digits(parts.next()?, 2)?, digits(parts.next()?, 2)?, digits(parts.next()?, 2)?);
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let seconds = i64::from(hour * 3600 + minute * 60 + second);
    Some(days * MICROS_PER_DAY + seconds * 1_000_000 + i64::from(fraction))
}

/// Microseconds of a date (its midnight), or of a date and time as people write them: `T` or a
/// blank between, up to six digits of fraction, and perhaps a zone, `Z` or `+05:30` or `+0530`,
/// by which it is then put into UTC.
pub(super) fn parse_moment(text: &str) -> Option<i64> {
    let (date, time) = text.split_at_checked(10)?;
    let days = i64::from(parse_date(date)?);
    let Some(time) = time.strip_prefix(['T', ' ']) else {
        return time.is_empty().then(|| days * MICROS_PER_DAY);
    };
    let (clock, offset) = match (time.strip_suffix('Z'), time.rfind(['+', '-'])) {
        (Some(clock), _) => (clock, 0),
        (None, Some(at)) => {
            let (clock, zone) = time.split_at_checked(at)?;
            (clock, parse_offset(zone)?)
        }
        (None, None) => (time, 0),
    };
    let (seconds, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    if !(1..=6).contains(&fraction.len()) {
        return None;
    }
    let micros = parse_datetime(&format!("{date}T{seconds}.{fraction:0<6}"))? - offset;
    (FIRST_MICRO..=LAST_MICRO).contains(&micros).then_some(micros)
}

fn parse_offset(zone: &str) -> Option<i64> {
    let (sign, rest) = zone.split_at_checked(1)?;
    let (hours, minutes) = rest.split_once(':').or_else(|| rest.split_at_checked(2))?;
    let (hours, minutes) = (digits(hours, 2)?, digits(minutes, 2)?);
    let offset = (hours < 24 && minutes < 60).then_some(i64::from(hours * 60 + minutes) * 60_000_000)?;
    Some(if sign == "-" { -offset } else { offset })
}

fn digits(text: &str, width: usize) -> Option<u32> {
    (text.len() == width && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

const DAYS_PER_ERA: i32 = 146_097;
/// From 0000-03-01 to 1970-01-01.
const EPOCH_FROM_MARCH: i32 = 719_468;

/// Year, month and day. Years begin in March, so that the leap day is a year's last.
fn civil(days: i32) -> (u32, u32, u32) {
    let shifted = days + EPOCH_FROM_MARCH;
    let era = shifted.div_euclid(DAYS_PER_ERA);
    let in_era = shifted.rem_euclid(DAYS_PER_ERA);
    let year_in_era = (in_era - in_era / 1_460 + in_era / 36_524 - in_era / 146_096) / 365;
    let day_of_year = in_era - (365 * year_in_era + year_in_era / 4 - year_in_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    let year = year_in_era + era * 400 + i32::from(month <= 2);
    (year.unsigned_abs(), month.unsigned_abs(), day.unsigned_abs())
}

/// Day number of a date; meaningless for dates that do not exist, which the caller detects by
/// writing it back.
fn day_number(year: u32, month: u32, day: u32) -> Option<i32> {
    let (year, month, day) = (i32::try_from(year).ok()?, i32::try_from(month).ok()?, i32::try_from(day).ok()?);
    if !(1..=12).contains(&month) {
        return None;
    }
    let march_year = if month <= 2 { year - 1 } else { year };
    let march_month = if month > 2 { month - 3 } else { month + 9 };
    let era = march_year.div_euclid(400);
    let year_in_era = march_year.rem_euclid(400);
    let day_of_year = (153 * march_month + 2) / 5 + day - 1;
    let in_era = 365 * year_in_era + year_in_era / 4 - year_in_era / 100 + day_of_year;
    Some(era * DAYS_PER_ERA + in_era - EPOCH_FROM_MARCH)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn date(days: i32) -> String {
        let mut out = String::new();
        push_date(&mut out, days).unwrap();
        out
    }

    #[test]
    fn known_dates() {
        for (days, text) in [
            (0, "1970-01-01"),
            (-1, "1969-12-31"),
            (FIRST_DAY, "0001-01-01"),
            (LAST_DAY, "9999-12-31"),
            (11_016, "2000-02-29"),
            (19_782, "2024-02-29"),
            (-25_508, "1900-03-01"),
        ] {
            assert_eq!(date(days), text);
            assert_eq!(parse_date(text), Some(days));
        }
    }

    #[test]
    fn days_follow_their_predecessors() {
        let mut previous = date(FIRST_DAY);
        // Every weekday, month length and leap rule comes by in steps of a prime.
        for days in (FIRST_DAY + 1..=LAST_DAY).step_by(13) {
            let text = date(days);
            assert!(text > previous, "{previous} then {text}");
            assert_eq!(parse_date(&text), Some(days));
            previous = text;
        }
    }

    #[test]
    fn out_of_range_is_none() {
        let mut out = String::new();
        for days in [FIRST_DAY - 1, LAST_DAY + 1, i32::MIN, i32::MAX] {
            assert!(push_date(&mut out, days).is_none());
        }
        for micros in [FIRST_MICRO - 1, LAST_MICRO + 1, i64::MIN, i64::MAX] {
            assert!(push_datetime(&mut out, micros).is_none());
        }
        for text in ["2023-02-29", "2024-13-01", "2024-00-10", "24-01-01", "2024-01-01x", "+024-01-01"] {
            assert_eq!(parse_date(text), None, "{text}");
        }
    }

    #[test]
    fn moments() {
        for (text, expected) in [
            ("1970-01-02", Some(MICROS_PER_DAY)),
            ("1970-01-01 00:00:01", Some(1_000_000)),
            ("1970-01-01T00:00:01.5Z", Some(1_500_000)),
            ("1970-01-01T05:30:00+05:30", Some(0)),
            ("1969-12-31T23:00:00.000001-0100", Some(1)),
            ("1970-01-01T", None),
            ("1970-01-01x", None),
            ("1970-01-01T00:00", None),
            ("1970-01-01T00:00:00.", None),
            ("1970-01-01T00:00:00.0000001", None),
            ("1970-01-01T00:00:00+24:00", None),
            ("0001-01-01T00:00:00+01:00", None),
            ("9999-12-31T23:59:59-01:00", None),
            ("1970-01-0é", None),
            ("", None),
        ] {
            assert_eq!(parse_moment(text), expected, "{text}");
        }
    }

    #[test]
    fn fractions() {
        for (micros, text) in [
            (0, "1970-01-01T00:00:00.000000"),
            (1, "1970-01-01T00:00:00.000001"),
            (-1, "1969-12-31T23:59:59.999999"),
            (LAST_MICRO, "9999-12-31T23:59:59.999999"),
            (FIRST_MICRO, "0001-01-01T00:00:00.000000"),
        ] {
            let mut out = String::new();
            push_datetime(&mut out, micros).unwrap();
            assert_eq!(out, text);
            assert_eq!(parse_datetime(text), Some(micros));
        }
    }
}
