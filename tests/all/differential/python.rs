//! Python values as programs send them, and what the documentation says becomes of each.
//!
//! Written from `docs/types.md`, not from the SDK.

use jiff::ToSpan;
use jiff::civil::{Date, DateTime};
use serde_json::{Value, json};

use super::types::{Exact, Type};

/// A Python value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Py {
    None,
    Bool(bool),
    Int(i128),
    Float(f64),
    Str(String),
    /// A text that holds half of a surrogate pair.
    Surrogate,
    Bytes(Vec<u8>),
    ByteArray(Vec<u8>),
    Decimal(String),
    Date(Date),
    /// With the zone's offset in minutes, if it has one.
    Datetime(DateTime, Option<i32>),
    Uuid(u128),
    List(Vec<Self>),
    Tuple(Vec<Self>),
    Dict(Vec<(String, Self)>),
}

impl Py {
    /// As `tests/guests/many/program.py` reads it.
    pub(super) fn to_json(&self) -> Value {
        let tagged = |kind: &str, text: String| json!({"$py": kind, "v": text});
        let all = |items: &[Self]| json!(items.iter().map(Self::to_json).collect::<Vec<_>>());
        match self {
            Self::None => Value::Null,
            Self::Bool(value) => json!(value),
            Self::Int(value) => {
                i64::try_from(*value).map_or_else(|_| tagged("int", value.to_string()), |value| json!(value))
            }
            Self::Float(value) if value.is_finite() => json!(value),
            Self::Float(value) => tagged("float", value.to_string()),
            Self::Str(value) => json!(value),
            Self::Surrogate => tagged("surrogate", String::new()),
            Self::Bytes(value) => tagged("bytes", hex(value)),
            Self::ByteArray(value) => tagged("bytearray", hex(value)),
            Self::Decimal(value) => tagged("decimal", value.clone()),
            Self::Date(value) => tagged("date", value.to_string()),
            Self::Datetime(..) => tagged("datetime", self.text().unwrap_or_default()),
            Self::Uuid(value) => tagged("uuid", uuid(*value)),
            Self::List(items) => all(items),
            Self::Tuple(items) => json!({"$py": "tuple", "v": all(items)}),
            Self::Dict(items) => {
                let map = items.iter().map(|(name, value)| (name.clone(), value.to_json()));
                Value::Object(map.collect())
            }
        }
    }

    /// `str(value)`; none for what programs do not send to STRING columns.
    fn text(&self) -> Option<String> {
        Some(match self {
            Self::Bool(value) => if *value { "True" } else { "False" }.to_owned(),
            Self::Int(value) => value.to_string(),
            Self::Float(value) => repr(*value),
            Self::Str(value) => value.clone(),
            Self::Date(value) => value.to_string(),
            Self::Datetime(value, offset) => {
                let fraction = match value.subsec_nanosecond() / 1000 {
                    0 => String::new(),
                    micros => format!(".{micros:06}"),
                };
                let zone = offset.map_or_else(String::new, |offset| {
                    let (sign, size) = (if offset < 0 { '-' } else { '+' }, offset.abs());
                    format!("{sign}{:02}:{:02}", size / 60, size % 60)
                });
                format!("{}{fraction}{zone}", value.strftime("%Y-%m-%d %H:%M:%S"))
            }
            Self::Uuid(value) => uuid(*value),
            Self::Decimal(value) => value.clone(),
            _ => return None,
        })
    }

    /// `json.dumps(value)`; none when it raises.
    fn dumps(&self) -> Option<String> {
        let all = |items: &[Self]| Some(items.iter().map(Self::dumps).collect::<Option<Vec<_>>>()?.join(", "));
        Some(match self {
            Self::None => "null".to_owned(),
            Self::Bool(value) => value.to_string(),
            Self::Int(value) => value.to_string(),
            Self::Float(value) if value.is_nan() => "NaN".to_owned(),
            Self::Float(value) if value.is_infinite() => if *value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned(),
            Self::Float(value) => repr(*value),
            Self::Str(value) => quoted(value),
            Self::List(items) | Self::Tuple(items) => format!("[{}]", all(items)?),
            Self::Dict(items) => {
                let pair = |(name, value): &(String, Self)| Some(format!("{}: {}", quoted(name), value.dumps()?));
                format!("{{{}}}", items.iter().map(pair).collect::<Option<Vec<_>>>()?.join(", "))
            }
            _ => return None,
        })
    }

    /// What an undeclared column takes.
    fn undeclared(&self) -> Result<Exact, &'static str> {
        Ok(match self {
            Self::None => unreachable!("None is NULL"),
            Self::Bool(value) => Exact::Boolean(*value),
            Self::Int(value) => {
                i64::try_from(*value).map_or_else(|_| Exact::decimal(&value.to_string()), Exact::Integer)
            }
            Self::Float(value) => Exact::Float(*value),
            Self::Str(value) => Exact::Text(value.clone()),
            Self::Surrogate => return Err("UnicodeEncodeError"),
            Self::Bytes(value) | Self::ByteArray(value) => Exact::Blob(value.clone()),
            Self::Decimal(value) => Exact::decimal(value),
            Self::Date(value) => Exact::Date(*value),
            Self::Datetime(value, None) => Exact::Datetime(*value),
            Self::Datetime(value, Some(offset)) => Exact::Instant(utc(*value, *offset)?),
            Self::Uuid(value) => Exact::Text(uuid(*value)),
            Self::List(_) | Self::Tuple(_) | Self::Dict(_) => Exact::Json(self.dumps().ok_or("TypeError")?),
        })
    }

    /// What a column of this declared type takes; the class of the exception when it refuses.
    pub(super) fn exact(&self, declared: Option<Type>) -> Result<Exact, &'static str> {
        let Some(declared) = declared else { return self.undeclared() };
        match (declared, self) {
            (Type::Text, Self::Surrogate) => Err("UnicodeEncodeError"),
            (Type::Text, _) => Ok(Exact::Text(self.text().expect("programs send only what this knows"))),
            (Type::Json, Self::Surrogate) => Err("UnicodeEncodeError"),
            (Type::Json, _) => self.dumps().map(Exact::Json).ok_or("TypeError"),
            (Type::Boolean, Self::Bool(value)) => Ok(Exact::Boolean(*value)),
            (Type::Boolean, Self::Int(value)) => {
                i64::try_from(*value).map(|value| Exact::Boolean(value != 0)).map_err(|_| "OverflowError")
            }
            (Type::Short | Type::Int | Type::Long, Self::Int(_) | Self::Bool(_)) => self.whole(declared),
            (Type::Float | Type::Double, _) => self.real(declared == Type::Float),
            (Type::Decimal(_), Self::Int(value)) => Ok(Exact::decimal(&value.to_string())),
            (Type::Decimal(_), Self::Decimal(text)) => Ok(Exact::decimal(text)),
            (Type::Decimal(_), Self::Str(text)) => {
                let number = text.trim();
                if super::types::is_number(number) { Ok(Exact::decimal(number)) } else { Err("ValueError") }
            }
            (Type::Decimal(_), Self::Surrogate) => Err("ValueError"),
            (Type::Decimal(_), Self::Bytes(value)) => {
                let text = String::from_utf8(value.clone()).map_err(|_| "ValueError")?;
                Self::Str(text).exact(Some(declared))
            }
            (Type::NaiveDate, Self::Date(value)) => Ok(Exact::Date(*value)),
            (Type::NaiveDate, Self::Datetime(value, _)) => Ok(Exact::Date(value.date())),
            (Type::NaiveDate, Self::Str(text)) if text.len() != 10 => Err("ValueError"),
            (Type::NaiveDate, Self::Str(text)) => text.parse().map(Exact::Date).map_err(|_| "ValueError"),
            (Type::NaiveDatetime, Self::Datetime(value, offset)) => {
                Ok(Exact::Datetime(offset.map_or(Ok(*value), |offset| utc(*value, offset))?))
            }
            (Type::NaiveDatetime, Self::Str(text)) => naive(text).map(Exact::Datetime).ok_or("ValueError"),
            (Type::UtcDatetime, Self::Datetime(value, offset)) => Ok(Exact::Instant(utc(*value, offset.unwrap_or(0))?)),
            (Type::UtcDatetime, Self::Str(text)) => {
                text.strip_suffix('Z').and_then(naive).map(Exact::Instant).ok_or("ValueError")
            }
            (Type::NaiveDate | Type::NaiveDatetime | Type::UtcDatetime, Self::Surrogate) => Err("ValueError"),
            (Type::NaiveDatetime | Type::UtcDatetime, _) => Err("AttributeError"),
            (Type::Binary, Self::Bytes(value) | Self::ByteArray(value)) => Ok(Exact::Blob(value.clone())),
            (Type::Xml, Self::Surrogate) => Err("UnicodeEncodeError"),
            (Type::Xml, Self::Str(value)) => Ok(Exact::Text(value.clone())),
            (Type::Xml, Self::Bytes(value)) => {
                String::from_utf8(value.clone()).map(Exact::Text).map_err(|_| "ValueError")
            }
            _ => Err("TypeError"),
        }
    }

    fn whole(&self, declared: Type) -> Result<Exact, &'static str> {
        let value = match self {
            Self::Bool(value) => i128::from(*value),
            Self::Int(value) => *value,
            _ => return Err("TypeError"),
        };
        let bits = match declared {
            Type::Short => 16,
            Type::Int => 32,
            _ => 64,
        };
        let half = 1_i128 << (bits - 1);
        if (-half..half).contains(&value) {
            Ok(Exact::Integer(i64::try_from(value).expect("64 bits")))
        } else {
            Err("ValueError")
        }
    }

    fn real(&self, single: bool) -> Result<Exact, &'static str> {
        let value = match self {
            Self::Bool(value) => f64::from(u8::from(*value)),
            // The text is exact, and parsing rounds to the nearest.
            Self::Int(value) => value.to_string().parse().expect("a number"),
            Self::Float(value) => *value,
            Self::Decimal(text) => text.parse().expect("a number"),
            _ => return Err("TypeError"),
        };
        #[allow(clippy::cast_possible_truncation, reason = "rounding is what FLOAT means")]
        let rounded = if single { f64::from(value as f32) } else { value };
        if rounded.is_infinite() && value.is_finite() { Err("OverflowError") } else { Ok(Exact::Float(rounded)) }
    }
}

/// The instant in UTC of a wall clock with this offset; none outside the years 1 to 9999.
fn utc(value: DateTime, offset: i32) -> Result<DateTime, &'static str> {
    let moved = value.checked_sub(i64::from(offset).minutes()).map_err(|_| "OverflowError")?;
    if (1..=9999).contains(&moved.year()) { Ok(moved) } else { Err("OverflowError") }
}

/// `YYYY-MM-DDTHH:MM:SS[.ffffff]` and nothing else.
fn naive(text: &str) -> Option<DateTime> {
    (text.len() >= 19 && text.get(10..11)? == "T").then(|| text.parse().ok())?
}

/// Python's `repr` of a float.
fn repr(value: f64) -> String {
    if !value.is_finite() {
        return if value.is_nan() {
            "nan"
        } else if value > 0.0 {
            "inf"
        } else {
            "-inf"
        }
        .to_owned();
    }
    let scientific = format!("{value:e}");
    let (digits, exponent) = scientific.split_once('e').expect("an exponent");
    let exponent: i32 = exponent.parse().expect("a number");
    if (-4..16).contains(&exponent) || value == 0.0 {
        let plain = value.to_string();
        return if plain.contains('.') { plain } else { format!("{plain}.0") };
    }
    format!("{digits}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs())
}

fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for unit in text.encode_utf16() {
        match u8::try_from(unit) {
            Ok(b'"') => quoted.push_str("\\\""),
            Ok(b'\\') => quoted.push_str("\\\\"),
            Ok(b'\n') => quoted.push_str("\\n"),
            Ok(b'\t') => quoted.push_str("\\t"),
            Ok(byte @ 0x20..=0x7e) => quoted.push(char::from(byte)),
            _ => quoted.push_str(&format!("\\u{unit:04x}")),
        }
    }
    quoted + "\""
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn uuid(value: u128) -> String {
    let all = format!("{value:032x}");
    [&all[..8], &all[8..12], &all[12..16], &all[16..20], &all[20..]].join("-")
}
