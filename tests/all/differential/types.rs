//! Exact values, the types of columns, and how they widen: written from `docs/types.md`, in other
//! words than the host's.

use jiff::civil::{Date, DateTime};
use serde_json::{Value, json};

use super::python::hex;

/// A value, without loss.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Exact {
    Boolean(bool),
    Integer(i64),
    Float(f64),
    Text(String),
    Blob(Vec<u8>),
    Json(String),
    /// In the one form that a DECIMAL column has for it.
    Decimal(String),
    Date(Date),
    Datetime(DateTime),
    Instant(DateTime),
}

/// A column's type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    Boolean,
    Short,
    Int,
    Long,
    /// Digits before the point and after it, or any.
    Decimal(Option<(usize, usize)>),
    Float,
    Double,
    NaiveDate,
    NaiveDatetime,
    UtcDatetime,
    Binary,
    Xml,
    Text,
    Json,
}

/// All types, DECIMAL as it is declared most.
pub(super) const TYPES: [Type; 14] = [
    Type::Boolean,
    Type::Short,
    Type::Int,
    Type::Long,
    Type::Decimal(Some((13, 2))),
    Type::Float,
    Type::Double,
    Type::NaiveDate,
    Type::NaiveDatetime,
    Type::UtcDatetime,
    Type::Binary,
    Type::Xml,
    Type::Text,
    Type::Json,
];

impl Type {
    /// Its name in the catalogue.
    pub(super) fn name(self) -> String {
        match self {
            Self::Decimal(None) => "DECIMAL".to_owned(),
            Self::Decimal(Some((before, after))) => format!("DECIMAL({},{after})", (before + after).max(1)),
            Self::Boolean => "BOOLEAN".to_owned(),
            Self::Short => "SHORT".to_owned(),
            Self::Int => "INT".to_owned(),
            Self::Long => "LONG".to_owned(),
            Self::Float => "FLOAT".to_owned(),
            Self::Double => "DOUBLE".to_owned(),
            Self::NaiveDate => "NAIVE_DATE".to_owned(),
            Self::NaiveDatetime => "NAIVE_DATETIME".to_owned(),
            Self::UtcDatetime => "UTC_DATETIME".to_owned(),
            Self::Binary => "BINARY".to_owned(),
            Self::Xml => "XML".to_owned(),
            Self::Text => "STRING".to_owned(),
            Self::Json => "JSON".to_owned(),
        }
    }

    /// As an author declares it.
    pub(super) fn declaration(self) -> Value {
        match self {
            Self::Decimal(size) => {
                let (before, after) = size.expect("declared with its size");
                json!({"type": "DECIMAL", "precision": before + after, "scale": after})
            }
            _ => json!(self.name()),
        }
    }

    /// The types just above, sizes of DECIMAL left aside.
    fn parents(self) -> &'static [Self] {
        match self {
            Self::Short => &[Self::Int, Self::Float],
            Self::Int => &[Self::Long, Self::Double],
            Self::Float => &[Self::Double],
            Self::Long | Self::Double => &[Self::Decimal(None)],
            Self::NaiveDate => &[Self::NaiveDatetime],
            Self::Text => &[],
            _ => &[Self::Text],
        }
    }

    fn with_all_above(self) -> Vec<Self> {
        let mut all = vec![self];
        for parent in self.parents() {
            all.extend(parent.with_all_above());
        }
        all
    }

    /// Room before and after the point that all its values may need.
    fn digits(self) -> Option<(usize, usize)> {
        match self {
            Self::Short => Some((5, 0)),
            Self::Int => Some((10, 0)),
            Self::Long => Some((19, 0)),
            Self::Decimal(size) => size,
            _ => None,
        }
    }

    /// The least type above both: of the types above both, the one that has all others above it.
    pub(super) fn join(self, other: Self) -> Self {
        if self == other {
            return self;
        }
        if let (Some(a), Some(b), true) = (self.digits(), other.digits(), self.is_decimal() || other.is_decimal()) {
            return sized(a.0.max(b.0), a.1.max(b.1));
        }
        let plain = |data_type: Self| if data_type.is_decimal() { Self::Decimal(None) } else { data_type };
        let (these, those) = (plain(self).with_all_above(), plain(other).with_all_above());
        let common: Vec<Self> = these.into_iter().filter(|above| those.contains(above)).collect();
        let least = common.iter().find(|least| common.iter().all(|above| least.with_all_above().contains(above)));
        *least.expect("STRING is above all")
    }

    fn is_decimal(self) -> bool {
        matches!(self, Self::Decimal(_))
    }

    pub(super) fn is_real(self) -> bool {
        matches!(self, Self::Float | Self::Double)
    }
}

fn sized(before: usize, after: usize) -> Type {
    Type::Decimal((before + after <= 38).then_some((before, after)))
}

/// Whether a double holds the integer.
pub(super) fn fits_double(value: i64) -> bool {
    let size = value.unsigned_abs();
    size == 0 || 64 - size.leading_zeros() - size.trailing_zeros() <= 53
}

fn fits_single(value: f64) -> bool {
    #[allow(clippy::cast_possible_truncation, reason = "the loss is what is asked for")]
    let single = value as f32;
    f64::from(single) == value || value.is_nan()
}

impl Exact {
    /// A number in the form of DECIMAL columns.
    pub(super) fn decimal(text: &str) -> Self {
        Self::Decimal(plain(text))
    }

    /// What it is in a column of this type; none when the column must widen first.
    pub(super) fn stored(&self, data_type: Type) -> Option<Value> {
        Some(match (data_type, self) {
            (Type::Boolean, Self::Boolean(value)) => json!(i64::from(*value)),
            (Type::Short, Self::Integer(value)) => json!(i16::try_from(*value).ok()?),
            (Type::Int, Self::Integer(value)) => json!(i32::try_from(*value).ok()?),
            (Type::Long, Self::Integer(value)) => json!(value),
            (Type::Float | Type::Double, Self::Integer(value)) if fits_double(*value) => {
                let real: f64 = value.to_string().parse().expect("a number");
                return Self::Float(real).stored(data_type);
            }
            (Type::Float, Self::Float(value)) if !fits_single(*value) => return None,
            (Type::Float | Type::Double, Self::Float(value)) => real(*value),
            (Type::Decimal(None), Self::Decimal(_) | Self::Integer(_) | Self::Float(_)) => json!(self.text()),
            (Type::Decimal(Some((before, after))), Self::Decimal(_) | Self::Integer(_)) => {
                let needs = digits(&self.text());
                (needs.0 <= before && needs.1 <= after).then(|| json!(self.text()))?
            }
            (Type::NaiveDate, Self::Date(value)) => json!(value.to_string()),
            (Type::NaiveDatetime, Self::Date(value)) => json!(clock(value.at(0, 0, 0, 0))),
            (Type::NaiveDatetime, Self::Datetime(value)) => json!(clock(*value)),
            (Type::UtcDatetime, Self::Instant(value)) => json!(format!("{}Z", clock(*value))),
            (Type::Binary, Self::Blob(value)) => json!({"$py": "bytes", "v": hex(value)}),
            (Type::Json, Self::Json(value)) | (Type::Xml, Self::Text(value)) => json!(value),
            (Type::Text, _) => json!(self.text()),
            _ => return None,
        })
    }

    /// The one text that it has in a STRING column.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Boolean(value) => value.to_string(),
            Self::Integer(value) => value.to_string(),
            Self::Float(value) if value.is_infinite() => if *value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned(),
            Self::Float(value) if value.is_nan() => "NaN".to_owned(),
            Self::Float(value) => as_integer(*value).map_or_else(|| format!("{value:?}"), |whole| whole.to_string()),
            Self::Text(text) | Self::Json(text) | Self::Decimal(text) => text.clone(),
            Self::Blob(bytes) => hex(bytes),
            Self::Date(value) => value.to_string(),
            Self::Datetime(value) if *value == value.date().at(0, 0, 0, 0) => value.date().to_string(),
            Self::Datetime(value) => clock(*value),
            Self::Instant(value) => format!("{}Z", clock(*value)),
        }
    }

    /// The type that a column without one gets.
    pub(super) fn first_type(&self) -> Type {
        match self.own_type() {
            Type::Short => Type::Int,
            other => other,
        }
    }

    /// The type that stands for the value when a column must widen.
    pub(super) fn own_type(&self) -> Type {
        match self {
            Self::Boolean(_) => Type::Boolean,
            Self::Integer(value) if i16::try_from(*value).is_ok() => Type::Short,
            Self::Integer(value) if i32::try_from(*value).is_ok() => Type::Int,
            Self::Integer(_) => Type::Long,
            Self::Float(_) => Type::Double,
            Self::Text(_) => Type::Text,
            Self::Blob(_) => Type::Binary,
            Self::Json(_) => Type::Json,
            Self::Decimal(_) => Type::Decimal(None),
            Self::Date(_) => Type::NaiveDate,
            Self::Datetime(_) => Type::NaiveDatetime,
            Self::Instant(_) => Type::UtcDatetime,
        }
    }

    /// The size that the value alone asks of a DECIMAL column that has one.
    pub(super) fn own_size(&self) -> Option<Type> {
        matches!(self, Self::Decimal(_) | Self::Integer(_)).then(|| {
            let (before, after) = digits(&self.text());
            sized(before, after)
        })
    }

    /// The bytes that the identity of a row without a key is made of.
    pub(super) fn identity(&self) -> (u8, Vec<u8>) {
        match self {
            Self::Boolean(value) => (b'b', vec![u8::from(*value)]),
            Self::Integer(value) => (b'i', value.to_be_bytes().to_vec()),
            Self::Float(value) if value.is_nan() => (b'f', 0x7ff8_0000_0000_0000_u64.to_be_bytes().to_vec()),
            Self::Float(value) => match as_integer(*value) {
                Some(whole) => Self::Integer(whole).identity(),
                None => (b'f', value.to_be_bytes().to_vec()),
            },
            Self::Text(text) => (b't', text.clone().into_bytes()),
            Self::Blob(bytes) => (b'x', bytes.clone()),
            Self::Json(text) => (b'j', text.clone().into_bytes()),
            Self::Decimal(text) => match text.parse::<i64>() {
                Ok(whole) => Self::Integer(whole).identity(),
                Err(_) => (b'n', text.clone().into_bytes()),
            },
            Self::Date(value) => (b'd', i32::try_from(days(*value)).expect("days").to_be_bytes().to_vec()),
            Self::Datetime(value) => (b'w', micros(*value).to_be_bytes().to_vec()),
            Self::Instant(value) => (b'u', micros(*value).to_be_bytes().to_vec()),
        }
    }
}

fn real(value: f64) -> Value {
    if value.is_nan() {
        json!("NaN")
    } else if value.is_infinite() {
        json!({"$py": "float", "v": value.to_string()})
    } else {
        // SQLite keeps no negative zero.
        json!(if value == 0.0 { 0.0 } else { value })
    }
}

/// The integer of 64 bits that a float is.
fn as_integer(value: f64) -> Option<i64> {
    let text = format!("{value:.0}");
    (value.is_finite() && value.fract() == 0.0).then(|| text.parse().ok())?
}

fn days(date: Date) -> i64 {
    i64::from(date.since(Date::constant(1970, 1, 1)).expect("a span").get_days())
}

fn micros(value: DateTime) -> i64 {
    let time = value.time();
    let seconds = (days(value.date()) * 24 + i64::from(time.hour())) * 3600
        + i64::from(time.minute()) * 60
        + i64::from(time.second());
    seconds * 1_000_000 + i64::from(time.subsec_nanosecond() / 1000)
}

fn clock(value: DateTime) -> String {
    format!("{}.{:06}", value.strftime("%Y-%m-%dT%H:%M:%S"), value.subsec_nanosecond() / 1000)
}

/// Sign, digits with a point, exponent.
pub(super) fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    let point_free = mantissa.replacen('.', "", 1);
    !point_free.is_empty() && digits(&point_free) && !exponent.is_empty() && digits(exponent)
}

/// A number without exponent, plus sign and leading zeros, unless that takes too many digits.
fn plain(text: &str) -> String {
    let (sign, unsigned) = match text.strip_prefix('-') {
        Some(unsigned) => ("-", unsigned),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let (mantissa, exponent) = unsigned.split_once(['e', 'E']).unwrap_or((unsigned, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent: i64 = exponent.parse().expect("a small exponent");
    if exponent.abs() > 100 {
        return text.to_owned();
    }
    // Shift the point digit by digit.
    let (mut whole, mut fraction) = (whole.to_owned(), fraction.to_owned());
    for _ in 0..exponent.max(0) {
        whole.push(if fraction.is_empty() { '0' } else { fraction.remove(0) });
    }
    for _ in 0..(-exponent).max(0) {
        fraction.insert(0, whole.pop().unwrap_or('0'));
    }
    let trimmed = whole.trim_start_matches('0');
    let whole = if trimmed.is_empty() { "0" } else { trimmed };
    let zero = whole == "0" && fraction.bytes().all(|digit| digit == b'0');
    let sign = if zero { "" } else { sign };
    if fraction.is_empty() { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

/// Digits before and after the point.
fn digits(plain: &str) -> (usize, usize) {
    if plain.contains(['e', 'E']) {
        return (1000, 1000);
    }
    let (whole, fraction) =
        plain.trim_start_matches('-').split_once('.').unwrap_or((plain.trim_start_matches('-'), ""));
    // A zero before the point takes no place, nor do zeros that follow it there.
    (whole.trim_start_matches('0').len(), fraction.len())
}
