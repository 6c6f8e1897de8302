//! How an operator names tables and columns.
//!
//! ```text
//! table  = [ part "." ] part          users       sales.users
//! column = table "." part             users.email sales.users.email
//! part   = bare | '"' quoted '"'      "odd.name".email
//! ```
//!
//! Names are those of the source. A bare part holds neither `.` nor `"`; in a quoted one `""` is one quote. The
//! parts before the last dot are the table, so nothing is ever ambiguous: what takes a table takes no column.

use std::fmt;
use std::str::FromStr;

use serde::de::{Deserialize, Deserializer, Error as _};

use super::names::{Kind, spelling};
use crate::policy::identifiers::{self, NameError};
use crate::policy::limits::Limits;

/// A table as the source names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableReference {
    /// The source's schema, when it has several.
    pub schema: Option<String>,
    /// The table.
    pub name: String,
}

/// A column as the source names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnReference {
    /// Its table.
    pub table: TableReference,
    /// The column.
    pub column: String,
}

/// Why a text names no table or no column.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// Quotes that do not close, or stand inside a part.
    #[error("a quoted name must be quoted whole, from \" to \"; a quote inside it is written twice")]
    Quotes,
    /// A part that is no name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// Not one or two parts.
    #[error(
        "a table is named as `table` or `schema.table`, not in {0} parts; quote a name that holds a dot: \"a.b\".table"
    )]
    Table(usize),
    /// Not two or three parts.
    #[error(
        "a column is named as `table.column` or `schema.table.column`, not in {0} parts; quote a name that holds a dot: table.\"a.b\""
    )]
    Column(usize),
}

impl TableReference {
    /// What is left of the name when spellings are not told apart, see [`spelling`]; what becomes the same table
    /// in a destination is spelled alike.
    #[must_use]
    pub fn spelling(&self) -> String {
        table_spelling(self.schema.as_deref(), &self.name)
    }
}

/// See [`TableReference::spelling`].
#[must_use]
pub fn table_spelling(schema: Option<&str>, name: &str) -> String {
    match schema {
        None => spelling(name),
        Some(schema) => spelling(&format!("{schema}.{name}")),
    }
}

impl FromStr for TableReference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        table(parts(text)?).map_err(ReferenceError::Table)
    }
}

impl FromStr for ColumnReference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let mut parts = parts(text)?;
        let count = parts.len();
        let column = parts.pop().unwrap_or_default();
        check(Kind::Column, &column)?;
        let table = table(parts).map_err(|_| ReferenceError::Column(count))?;
        Ok(Self { table, column })
    }
}

impl fmt::Display for TableReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.schema {
            Some(schema) => write!(f, "{}.{}", quoted(schema), quoted(&self.name)),
            None => f.write_str(&quoted(&self.name)),
        }
    }
}

impl<'de> Deserialize<'de> for TableReference {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(|error| D::Error::custom(format!("`{}`: {error}", text.escape_debug())))
    }
}

fn quoted(part: &str) -> String {
    if part.contains(['.', '"']) { format!("\"{}\"", part.replace('"', "\"\"")) } else { part.to_owned() }
}

fn check(kind: Kind, name: &str) -> Result<(), NameError> {
    identifiers::check_source(kind, name, Limits::default().identifier_bytes)
}

fn table(mut parts: Vec<String>) -> Result<TableReference, usize> {
    let count = parts.len();
    match (parts.pop(), parts.pop(), parts.is_empty()) {
        (Some(name), schema, true) => Ok(TableReference { schema, name }),
        _ => Err(count),
    }
}

fn parts(text: &str) -> Result<Vec<String>, ReferenceError> {
    let mut parts = Vec::new();
    let mut rest = text;
    loop {
        let (part, after) = match rest.strip_prefix('"') {
            Some(inner) => quoted_part(inner)?,
            None => bare_part(rest)?,
        };
        check(Kind::Table, &part)?;
        parts.push(part);
        match after.strip_prefix('.') {
            Some(next) => rest = next,
            None if after.is_empty() => return Ok(parts),
            None => return Err(ReferenceError::Quotes),
        }
    }
}

fn bare_part(text: &str) -> Result<(String, &str), ReferenceError> {
    let (part, after) = text.split_at(text.find('.').unwrap_or(text.len()));
    if part.contains('"') { Err(ReferenceError::Quotes) } else { Ok((part.to_owned(), after)) }
}

/// The part up to its closing quote, and what stands behind it.
fn quoted_part(inner: &str) -> Result<(String, &str), ReferenceError> {
    let mut part = String::new();
    let mut rest = inner;
    loop {
        let (before, after) = rest.split_once('"').ok_or(ReferenceError::Quotes)?;
        part.push_str(before);
        let Some(more) = after.strip_prefix('"') else {
            return Ok((part, after));
        };
        part.push('"');
        rest = more;
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn table(schema: Option<&str>, name: &str) -> TableReference {
        TableReference { schema: schema.map(str::to_owned), name: name.to_owned() }
    }

    #[test]
    fn the_grammar() {
        for (text, expected) in [
            ("users", table(None, "users")),
            ("sales.users", table(Some("sales"), "users")),
            (r#""odd.name""#, table(None, "odd.name")),
            (r#""a.b"."c""d""#, table(Some("a.b"), "c\"d")),
            ("Order Items", table(None, "Order Items")),
        ] {
            assert_eq!(text.parse(), Ok(expected.clone()), "{text}");
            assert_eq!(expected.to_string().parse(), Ok(expected), "{text}");
        }
        let column: ColumnReference = r#"sales.users."e.mail""#.parse().unwrap();
        assert_eq!((column.table, column.column.as_str()), (table(Some("sales"), "users"), "e.mail"));
        let column: ColumnReference = "users.email".parse().unwrap();
        assert_eq!((column.table, column.column.as_str()), (table(None, "users"), "email"));
    }

    #[test]
    fn what_names_nothing() {
        for text in ["", "a.", ".a", "a..b", "\"\"", "a.\u{200b}", " "] {
            assert!(matches!(text.parse::<TableReference>(), Err(ReferenceError::Name(_))), "{text:?}");
        }
        for text in ["\"a", "a\"b", "\"a\"b", "a.\"b\"c"] {
            assert_eq!(text.parse::<TableReference>(), Err(ReferenceError::Quotes), "{text:?}");
        }
        assert_eq!("a.b.c".parse::<TableReference>(), Err(ReferenceError::Table(3)));
        assert_eq!("a".parse::<ColumnReference>(), Err(ReferenceError::Column(1)));
        assert_eq!("a.b.c.d".parse::<ColumnReference>(), Err(ReferenceError::Column(4)));
    }

    proptest! {
        #[test]
        fn any_name_can_be_said(schema in proptest::option::of("[^\\pC]{1,9}"), name in "[^\\pC]{1,9}") {
            let said = TableReference { schema, name };
            let checked = said.schema.iter().chain([&said.name]).all(|part| check(Kind::Table, part).is_ok());
            prop_assume!(checked);
            prop_assert_eq!(said.to_string().parse(), Ok(said));
        }
    }
}
