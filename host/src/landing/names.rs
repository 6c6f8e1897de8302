//! How a source's table and column names become names in the destination.
//!
//! Under [`Naming::Source`] they stay as they are; a schema and its table are joined by a dot. Under
//! [`Naming::Standard`] schema and table are joined by `_` and go through the rule together.
//!
//! The rule is Fivetran's, so that queries written against its destinations go on working. In order:
//! (1) transliterate to ASCII; (2) every character that is not a letter, a digit or `_` becomes
//! `_`; (3) split camelCase; (4) collapse runs of `_`; (5) lower case; (6) put `_` before a
//! leading digit; (7) for tables only, remove leading `_` when a letter follows.
//!
//! Two details are not documented there and are decided here, once and for good, because a later
//! change would split tables in two:
//!
//! | detail | decision | example |
//! |---|---|---|
//! | acronyms | a run of capitals is one word; its last capital begins the next word when a lower case letter follows | `HTTPServer` → `http_server`, `userID` → `user_id` |
//! | digits | begin a word after a letter, as in the vendor's published schemas (`last4` is `last_4` there); a capital after a digit begins a word, a lower case letter does not | `address2Line` → `address_2_line`, `sha256` → `sha_256`, `2nd` → `_2nd` |
//! | nothing left | an error | `!!!`, `___` |
//!
//! Two source names that become equal, or differ only in the case of ASCII letters, are a collision, which the destination refuses naming both.

use super::decisions::Naming;
pub use crate::policy::identifiers::Kind;
use crate::policy::identifiers::{NameError, check_destination};

/// The destination's name for a source's name, under Fivetran's rule.
///
/// ```
/// use sluicegate::landing::names::{Kind, destination_name};
///
/// assert_eq!(destination_name(Kind::Column, "createdAt")?, "created_at");
/// assert_eq!(destination_name(Kind::Column, "Straße 2")?, "strasse_2");
/// assert_eq!(destination_name(Kind::Table, "_private")?, "private");
/// # Ok::<(), sluicegate::policy::identifiers::NameError>(())
/// ```
///
/// # Errors
///
/// [`NameError::NothingLeft`], [`NameError::Reserved`], or [`NameError::TooLong`].
pub fn destination_name(kind: Kind, source: &str) -> Result<String, NameError> {
    let ascii = any_ascii::any_ascii(source);
    if !ascii.bytes().any(|b| b.is_ascii_alphanumeric()) {
        return Err(NameError::NothingLeft { kind, name: source.to_owned() });
    }
    let mut name = snake_case(ascii.as_bytes());
    let first = name.trim_start_matches('_').bytes().next();
    if name.bytes().next().is_some_and(|b| b.is_ascii_digit()) {
        name.insert(0, '_');
    } else if kind == Kind::Table && first.is_some_and(|b| b.is_ascii_alphabetic()) {
        name = name.trim_start_matches('_').to_owned();
    }
    check_destination(kind, &name)?;
    Ok(name)
}

/// The destination's name for a source's name.
///
/// # Errors
///
/// As [`destination_name`]; under [`Naming::Source`] only [`NameError::Reserved`] and [`NameError::TooLong`].
pub fn name_under(naming: Naming, kind: Kind, source: &str) -> Result<String, NameError> {
    match naming {
        Naming::Standard => destination_name(kind, source),
        Naming::Source => check_destination(kind, source).map(|()| source.to_owned()),
    }
}

/// The destination's name for a table of a source that may have schemas.
///
/// # Errors
///
/// As [`name_under`].
pub fn table_name(naming: Naming, schema: Option<&str>, name: &str) -> Result<String, NameError> {
    let joined = match (schema, naming) {
        (None, _) => return name_under(naming, Kind::Table, name),
        (Some(schema), Naming::Standard) => format!("{schema}_{name}"),
        (Some(schema), Naming::Source) => format!("{schema}.{name}"),
    };
    name_under(naming, Kind::Table, &joined)
}

/// What is left of a name when spellings are not told apart: its letters and digits in ASCII, in lower case; the
/// name itself in lower case when it has none. Names that become the same name in a destination are spelled
/// alike, and so are some more: an operator who blocks `password` means `Pass-Word` too.
///
/// ```
/// use sluicegate::landing::names::spelling;
///
/// assert_eq!(spelling("Pass-Wörd"), "password");
/// ```
#[must_use]
pub fn spelling(name: &str) -> String {
    let mut letters = any_ascii::any_ascii(name);
    letters.retain(|c| c.is_ascii_alphanumeric());
    letters.make_ascii_lowercase();
    if letters.is_empty() { name.to_lowercase() } else { letters }
}

fn snake_case(ascii: &[u8]) -> String {
    let mut name = String::with_capacity(ascii.len() + 8);
    let mut before = b'_';
    for (index, &byte) in ascii.iter().enumerate() {
        let after = ascii.get(index + 1).copied().unwrap_or(b'_');
        let ends_word = before.is_ascii_lowercase() || before.is_ascii_digit();
        let ends_acronym = before.is_ascii_uppercase() && after.is_ascii_lowercase();
        let begins_number = before.is_ascii_alphabetic() && byte.is_ascii_digit();
        if begins_number || byte.is_ascii_uppercase() && (ends_word || ends_acronym) {
            name.push('_');
        }
        let kept = if byte.is_ascii_alphanumeric() { byte.to_ascii_lowercase() } else { b'_' };
        if kept != b'_' || !name.ends_with('_') {
            name.push(char::from(kept));
        }
        before = byte;
    }
    name
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_rule() {
        for (kind, source, expected) in [
            (Kind::Table, "users", "users"),
            (Kind::Table, "userData", "user_data"),
            (Kind::Table, "user-data", "user_data"),
            (Kind::Table, "user.data", "user_data"),
            (Kind::Table, "User", "user"),
            (Kind::Table, "Order Items", "order_items"),
            (Kind::Table, "PRODUCTS", "products"),
            (Kind::Table, "_private", "private"),
            (Kind::Table, "__Private", "private"),
            (Kind::Table, "_1abc", "_1abc"),
            (Kind::Table, "2020_sales", "_2020_sales"),
            (Kind::Column, "2020_sales", "_2020_sales"),
            (Kind::Column, "custom__c", "custom_c"),
            (Kind::Column, "createdAt", "created_at"),
            (Kind::Column, "loginid", "loginid"),
            (Kind::Column, "email@work", "email_work"),
            (Kind::Column, "café", "cafe"),
            (Kind::Column, "日本", "ri_ben"),
            (Kind::Column, "Straße", "strasse"),
            (Kind::Column, "_private", "_private"),
            (Kind::Column, "_bool", "_bool"),
            (Kind::Column, "HTTPServer", "http_server"),
            (Kind::Column, "userID", "user_id"),
            (Kind::Column, "userIDs", "user_i_ds"),
            (Kind::Column, "address2Line", "address_2_line"),
            (Kind::Column, "A1B2", "a_1_b_2"),
            (Kind::Column, "sha256", "sha_256"),
            (Kind::Column, "price ", "price_"),
            (Kind::Column, "First_Name", "first_name"),
            (Kind::Column, "last4", "last_4"),
            (Kind::Column, "2nd", "_2nd"),
            (Kind::Column, "line_1", "line_1"),
        ] {
            assert_eq!(destination_name(kind, source).as_deref(), Ok(expected), "{source}");
        }
    }

    #[test]
    fn schemas_and_the_sources_own_names() {
        for (naming, schema, name, expected) in [
            (Naming::Standard, None, "Order Items", "order_items"),
            (Naming::Standard, Some("Sales"), "OrderItems", "sales_order_items"),
            (Naming::Source, None, "Order Items", "Order Items"),
            (Naming::Source, None, "日本", "日本"),
            (Naming::Source, Some("Sales"), "OrderItems", "Sales.OrderItems"),
        ] {
            assert_eq!(table_name(naming, schema, name).as_deref(), Ok(expected));
        }
        assert_eq!(name_under(Naming::Source, Kind::Column, "!!!").as_deref(), Ok("!!!"));
        for (kind, name) in
            [(Kind::Column, "_SLUICE_synced"), (Kind::Table, "_sluice_meta"), (Kind::Table, "SQLITE_stat1")]
        {
            assert!(matches!(name_under(Naming::Source, kind, name), Err(NameError::Reserved { .. })), "{name}");
        }
    }

    #[test]
    fn names_that_cannot_be() {
        for name in ["___", "!!!", "", "\u{301}"] {
            assert!(matches!(destination_name(Kind::Table, name), Err(NameError::NothingLeft { .. })), "{name:?}");
        }
        for name in ["_sluice_deleted", "_SluiceDeleted", "__sluice__x", "-sluice.x"] {
            assert!(matches!(destination_name(Kind::Column, name), Err(NameError::Reserved { .. })), "{name}");
        }
        for name in ["sqlite_master", "sqliteMaster", "_sqlite_sequence", "SQLITE stat1"] {
            assert!(matches!(destination_name(Kind::Table, name), Err(NameError::Reserved { .. })), "{name}");
        }
        assert_eq!(destination_name(Kind::Table, "_sluice_state").as_deref(), Ok("sluice_state"));
    }

    proptest! {
        #[test]
        fn naming_is_stable_and_plain(source in "\\PC{0,60}", table: bool) {
            let kind = if table { Kind::Table } else { Kind::Column };
            if let Ok(name) = destination_name(kind, &source) {
                prop_assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_'));
                prop_assert!(!name.starts_with(|c: char| c.is_ascii_digit()));
                prop_assert!(!name.contains("__"));
                prop_assert_eq!(destination_name(kind, &name), Ok(name.clone()));
                prop_assert_eq!(spelling(&name), spelling(&source));
            }
        }
    }
}
