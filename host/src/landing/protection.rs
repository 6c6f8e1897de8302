//! What of a connector's rows does not land as it is: blocked tables and columns, and hashed columns.
//!
//! The threat: a connector that sends under another spelling what the operator keeps out. Names are compared by
//! [`super::names::spelling`], under every naming rule: what could become the blocked column is blocked, and so are
//! some names that could not. A connector can still send a value under a name that looks like nothing blocked;
//! whoever must rule that out blocks the table, or does not run the connector.

use std::collections::{HashMap, HashSet};

use super::decisions::Landing;
use super::names::spelling;
use super::references::table_spelling;

/// What happens to a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Treatment {
    /// Its values land.
    Plain,
    /// Keyed hashes of its values land.
    Hash,
    /// Nothing of it lands.
    Block,
}

/// The tables of a connection that are protected.
#[derive(Clone, Debug, Default)]
pub struct Protection {
    /// By spelling.
    tables: HashMap<String, TableProtection>,
}

/// What is protected in one table.
#[derive(Clone, Debug, Default)]
pub struct TableProtection {
    whole: bool,
    /// By spelling, as are the hashed ones.
    blocked: HashSet<String>,
    hashed: HashSet<String>,
}

impl Protection {
    /// What the operator decided. Decisions about names that are spelled alike add up.
    #[must_use]
    pub fn of(landing: &Landing) -> Self {
        let mut tables: HashMap<String, TableProtection> = HashMap::new();
        for (name, decisions) in &landing.tables {
            if !decisions.block && decisions.block_columns.is_empty() && decisions.hash_columns.is_empty() {
                continue;
            }
            let table = tables.entry(name.spelling()).or_default();
            table.whole |= decisions.block;
            table.blocked.extend(decisions.block_columns.iter().map(|name| spelling(name)));
            table.hashed.extend(decisions.hash_columns.iter().map(|name| spelling(name)));
        }
        Self { tables }
    }

    /// Whether nothing is protected.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tables.is_empty()
    }

    /// The columns to hash, as spellings of (table, column). Blocked ones are among them: what landed of them
    /// before they were blocked is hashed.
    #[must_use]
    pub fn hashed(&self) -> HashSet<(String, String)> {
        let columns = |(table, within): (&String, &TableProtection)| {
            within.hashed.iter().map(|column| (table.clone(), column.clone())).collect::<Vec<_>>()
        };
        self.tables.iter().flat_map(columns).collect()
    }

    /// What is protected in a table of the source; `None` when nothing is.
    #[must_use]
    pub fn table(&self, schema: Option<&str>, name: &str) -> Option<&TableProtection> {
        if self.tables.is_empty() {
            return None;
        }
        self.tables.get(&table_spelling(schema, name))
    }
}

impl TableProtection {
    /// Whether nothing of the table lands.
    #[must_use]
    pub fn is_blocked(&self) -> bool {
        self.whole
    }

    /// What happens to a column of the source. What is blocked and hashed is blocked.
    #[must_use]
    pub fn treatment(&self, column: &str) -> Treatment {
        let column = spelling(column);
        if self.whole || self.blocked.contains(&column) {
            Treatment::Block
        } else if self.hashed.contains(&column) {
            Treatment::Hash
        } else {
            Treatment::Plain
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::landing::names::{Kind, destination_name};
    use crate::landing::settings;
    use proptest::prelude::*;

    fn protection(tables: &str) -> Protection {
        Protection::of(&settings::read(tables).unwrap().landing)
    }

    #[test]
    fn every_spelling_of_a_blocked_column_is_blocked() {
        let protection =
            protection("[destination.tables.users]\nblock_columns = ['password']\nhash_columns = ['eMail']");
        let users = protection.table(None, "users").unwrap();
        for name in [
            "password",
            "Password",
            "PASSWORD",
            "Pass-Word",
            "pass_word",
            "passWord",
            "pässwörd",
            "p.a.s.s word",
            "pаssword",
            "_password",
            "password!",
        ] {
            assert_eq!(users.treatment(name), Treatment::Block, "{name}");
        }
        for name in ["email", "e-mail", "E_Mail", "émail"] {
            assert_eq!(users.treatment(name), Treatment::Hash, "{name}");
        }
        for name in ["password2", "passwort", "mail"] {
            assert_eq!(users.treatment(name), Treatment::Plain, "{name}");
        }
    }

    #[test]
    fn every_spelling_of_a_table_is_protected() {
        let protection =
            protection("[destination.tables.'sales.users']\nblock = true\n[destination.tables.'!!']\nblock = true");
        for (schema, name) in [
            (Some("sales"), "users"),
            (Some("Sales"), "USERS"),
            (None, "sales_users"),
            (None, "SalesUsers"),
            (None, "!!"),
        ] {
            let table = protection.table(schema, name).unwrap();
            assert!(table.is_blocked() && table.treatment("id") == Treatment::Block, "{schema:?} {name}");
        }
        for (schema, name) in [(None, "users"), (Some("public"), "users"), (None, "!")] {
            assert!(protection.table(schema, name).is_none(), "{schema:?} {name}");
        }
    }

    #[test]
    fn decisions_add_up_and_blocking_wins() {
        let protection = protection(
            "[destination.tables.Users]\nhash_columns = ['a', 'b']\n[destination.tables.users]\nblock_columns = ['B']",
        );
        let users = protection.table(None, "users").unwrap();
        assert_eq!(
            ["a", "b", "c"].map(|name| users.treatment(name)),
            [Treatment::Hash, Treatment::Block, Treatment::Plain]
        );
        assert_eq!(protection.hashed().len(), 2);
        assert!(Protection::of(&Landing::default()).is_empty());
    }

    proptest! {
        /// Whatever would land in the column, or the table, that the blocked name stands for is blocked.
        #[test]
        fn no_spelling_reaches_what_a_blocked_name_becomes(blocked in "[a-zA-Z0-9_ .éß-]{1,12}", seed in any::<u64>()) {
            prop_assume!(destination_name(Kind::Column, &blocked).is_ok());
            let other = respelled(&blocked, seed);
            prop_assume!(destination_name(Kind::Column, &other) == destination_name(Kind::Column, &blocked));
            let mut landing = Landing::default();
            let table: crate::landing::references::TableReference = "t".parse().unwrap();
            landing.table_mut(table).block_columns.insert(blocked.clone());
            let protection = Protection::of(&landing);
            prop_assert_eq!(protection.table(None, "T").unwrap().treatment(&other), Treatment::Block, "{} {}", blocked, other);
        }

        #[test]
        fn names_that_become_one_are_spelled_alike(a in "\\PC{1,8}", b in "\\PC{1,8}", table: bool) {
            let kind = if table { Kind::Table } else { Kind::Column };
            let same = matches!((destination_name(kind, &a), destination_name(kind, &b)), (Ok(a), Ok(b)) if a == b);
            prop_assert!(!same || spelling(&a) == spelling(&b));
            prop_assert!(!a.eq_ignore_ascii_case(&b) || spelling(&a) == spelling(&b));
        }
    }

    /// The name with its cases and separators changed as `seed` says.
    fn respelled(name: &str, mut seed: u64) -> String {
        let mut other = String::new();
        for c in name.chars() {
            let change = seed % 4;
            seed = seed.rotate_right(2);
            match change {
                0 if c.is_ascii_lowercase() => other.extend(c.to_uppercase()),
                1 if !c.is_alphanumeric() => other.push('-'),
                2 if !c.is_alphanumeric() => other.push_str("__"),
                _ => other.push(c),
            }
        }
        other
    }
}
