//! Logical types of columns: their names, and how they are stored. How they widen stands in
//! [`super::lattice`].

use crate::rows::DataType;

/// SQLite's declared type of a column. It decides the affinity, and is chosen so that SQLite
/// never converts a value that is bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Storage {
    Integer,
    Real,
    Text,
    Blob,
    /// No declared type, hence no conversion at all: a declared column without type or value.
    Any,
}

impl Storage {
    pub(super) fn of(data_type: Option<DataType>) -> Self {
        match data_type {
            None => Self::Any,
            Some(DataType::Boolean | DataType::Short | DataType::Int | DataType::Long) => Self::Integer,
            Some(DataType::Float | DataType::Double) => Self::Real,
            Some(DataType::Binary) => Self::Blob,
            Some(_) => Self::Text,
        }
    }

    pub(super) fn sql(self) -> &'static str {
        match self {
            Self::Integer => "INTEGER",
            Self::Real => "REAL",
            Self::Text => "TEXT",
            Self::Blob => "BLOB",
            Self::Any => "",
        }
    }

    pub(super) fn parse(sql: &str) -> Option<Self> {
        [Self::Integer, Self::Real, Self::Text, Self::Blob, Self::Any].into_iter().find(|s| s.sql() == sql)
    }
}

/// The type's name as authors write it, with precision and scale.
pub(crate) fn type_name(data_type: DataType) -> String {
    match data_type {
        DataType::Decimal(Some((precision, scale))) => format!("DECIMAL({precision},{scale})"),
        other => plain_name(other).to_owned(),
    }
}

fn plain_name(data_type: DataType) -> &'static str {
    match data_type {
        DataType::Boolean => "BOOLEAN",
        DataType::Short => "SHORT",
        DataType::Int => "INT",
        DataType::Long => "LONG",
        DataType::Decimal(_) => "DECIMAL",
        DataType::Float => "FLOAT",
        DataType::Double => "DOUBLE",
        DataType::NaiveDate => "NAIVE_DATE",
        DataType::NaiveDatetime => "NAIVE_DATETIME",
        DataType::UtcDatetime => "UTC_DATETIME",
        DataType::Binary => "BINARY",
        DataType::Xml => "XML",
        DataType::Text => "STRING",
        DataType::Json => "JSON",
    }
}

/// Every type without parameters.
pub(super) const PLAIN_TYPES: [DataType; 14] = [
    DataType::Boolean,
    DataType::Short,
    DataType::Int,
    DataType::Long,
    DataType::Decimal(None),
    DataType::Float,
    DataType::Double,
    DataType::NaiveDate,
    DataType::NaiveDatetime,
    DataType::UtcDatetime,
    DataType::Binary,
    DataType::Xml,
    DataType::Text,
    DataType::Json,
];

/// Reads what [`type_name`] wrote.
pub(super) fn parse_type(name: &str) -> Option<DataType> {
    if let Some(inner) = name.strip_prefix("DECIMAL(").and_then(|rest| rest.strip_suffix(')')) {
        let (precision, scale) = inner.split_once(',')?;
        return Some(DataType::Decimal(Some((precision.parse().ok()?, scale.parse().ok()?))));
    }
    PLAIN_TYPES.into_iter().find(|t| plain_name(*t) == name)
}
