//! How rows land: what the operator decides about a connection's tables and columns. A connector cannot
//! change it, and learns of it only what [`Landing::takes_misfits`] and [`Landing::quarantines`] say.
//!
//! ```toml
//! [destination]
//! deletes = "soft"             # or "hard": rows are removed
//! on_type_mismatch = "fail"    # or "widen", "null"
//! on_bad_row = "fail"          # or "quarantine"
//! schema_changes = "allow-all" # or "allow-columns", "block-all"
//! naming = "standard"          # or "source"
//! system_columns = "sluice"    # or "fivetran"
//!
//! [destination.tables.users]   # a source name, see [`super::references`]; `"sales.users"` with a schema
//! history = true
//! hash_columns = ["email"]
//! block_columns = ["password"]
//! lock_types = true
//!
//! [destination.tables.audit]
//! block = true
//! ```

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::names::Kind;
use super::references::{TableReference, table_spelling};
use crate::policy::identifiers::{self, NameError};

/// What a delete does to a row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deletes {
    /// It is kept and marked as deleted.
    #[default]
    Soft,
    /// It is removed.
    Hard,
}

/// What happens to a value that its column's declared or locked type cannot hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TypeMismatch {
    /// The row is bad, see [`BadRow`].
    #[default]
    Fail,
    /// The column becomes wide enough for it.
    Widen,
    /// NULL is stored; it is counted.
    Null,
}

/// What happens to a row that cannot land.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BadRow {
    /// The sync fails.
    #[default]
    Fail,
    /// It goes to a side table with the reason, and the sync goes on.
    Quarantine,
}

/// What may be added to a connection that has synced before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SchemaChanges {
    /// New tables and new columns land.
    #[default]
    AllowAll,
    /// New columns of known tables land, new tables do not.
    AllowColumns,
    /// Neither lands.
    BlockAll,
}

/// How the source's names become the destination's. Fixed at a connection's first sync.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Naming {
    /// As [`super::names`] describes.
    #[default]
    Standard,
    /// As the source has them.
    Source,
}

/// The prefix of the columns that the host adds. Fixed at a connection's first sync.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SystemColumns {
    /// `_sluice_synced` and so on.
    #[default]
    Sluice,
    /// `_fivetran_synced` and so on, for those who migrate.
    Fivetran,
}

impl Naming {
    /// The word that says it in settings and in a database.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Source => "source",
        }
    }

    /// What a word says.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Standard, Self::Source].into_iter().find(|one| one.word() == word)
    }
}

impl SystemColumns {
    /// The word that says it in settings and in a database.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Sluice => "sluice",
            Self::Fivetran => "fivetran",
        }
    }

    /// What a word says.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Sluice, Self::Fivetran].into_iter().find(|one| one.word() == word)
    }

    /// Accepts or refuses the destination name of a source's column: the host's columns are not the connector's.
    ///
    /// # Errors
    /// Reserved in any case of its letters.
    pub fn check(self, name: &str) -> Result<(), NameError> {
        match self {
            _ if name == self.file_path() => Ok(()),
            Self::Sluice => Ok(()),
            // The file path column of the other setting is not one of these connections.
            Self::Fivetran => [identifiers::FIVETRAN_PREFIX, identifiers::RESERVED_PREFIX]
                .into_iter()
                .try_for_each(|prefix| identifiers::check_prefix(Kind::Column, name, prefix)),
        }
    }

    /// The name of the column that says where the file of a row landed; the only one of the host's columns that rows
    /// bring along.
    #[must_use]
    pub const fn file_path(self) -> &'static str {
        match self {
            Self::Sluice => identifiers::FILE_PATH_COLUMN,
            Self::Fivetran => identifiers::FIVETRAN_FILE_PATH_COLUMN,
        }
    }
}

/// How the rows of one connection land. Every `None` is the default of its type.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Landing {
    /// What deletes do, unless a table says otherwise.
    pub deletes: Option<Deletes>,
    /// Values that a column cannot hold.
    pub on_type_mismatch: Option<TypeMismatch>,
    /// Rows that cannot land.
    pub on_bad_row: Option<BadRow>,
    /// New tables and columns.
    pub schema_changes: Option<SchemaChanges>,
    /// Names.
    pub naming: Option<Naming>,
    /// Names of the host's columns.
    pub system_columns: Option<SystemColumns>,
    /// By source name.
    #[serde(default)]
    pub tables: BTreeMap<TableReference, TableLanding>,
}

/// How the rows of one table land.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableLanding {
    /// Nothing of the table lands.
    #[serde(default)]
    pub block: bool,
    /// Every version of a row is kept.
    #[serde(default)]
    pub history: bool,
    /// Types stay as they are; a value that does not fit is converted, or else as `on_type_mismatch` says.
    #[serde(default)]
    pub lock_types: bool,
    /// What deletes do.
    pub deletes: Option<Deletes>,
    /// Columns, by source name, that never land.
    #[serde(default)]
    pub block_columns: BTreeSet<String>,
    /// Columns, by source name, of which only a keyed hash lands.
    #[serde(default)]
    pub hash_columns: BTreeSet<String>,
}

impl Landing {
    /// The decisions about a table, by its source name: those under exactly this name, else those under one that
    /// is spelled alike, since a connector chooses the spelling.
    #[must_use]
    pub fn table(&self, schema: Option<&str>, name: &str) -> Option<&TableLanding> {
        if self.tables.is_empty() {
            return None;
        }
        let is_it = |said: &TableReference| said.schema.as_deref() == schema && said.name == name;
        let exactly = self.tables.iter().find(|(said, _)| is_it(said));
        let found = exactly.or_else(|| {
            let spelled = table_spelling(schema, name);
            self.tables.iter().find(|(said, _)| said.spelling() == spelled)
        });
        found.map(|(_, decisions)| decisions)
    }

    /// The decisions about a table, to change them.
    pub fn table_mut(&mut self, table: TableReference) -> &mut TableLanding {
        self.tables.entry(table).or_default()
    }

    /// What deletes do to a table.
    #[must_use]
    pub fn deletes(&self, schema: Option<&str>, name: &str) -> Deletes {
        self.table(schema, name).and_then(|table| table.deletes).or(self.deletes).unwrap_or_default()
    }

    /// Whether every version of a table's rows is kept.
    #[must_use]
    pub fn history(&self, schema: Option<&str>, name: &str) -> bool {
        self.table(schema, name).is_some_and(|table| table.history)
    }

    /// Whether a connector may send values of a table that do not fit their declared types.
    #[must_use]
    pub fn takes_misfits(&self, schema: Option<&str>, name: &str) -> bool {
        let locked = self.table(schema, name).is_some_and(|table| table.lock_types);
        locked || self.on_type_mismatch.unwrap_or_default() != TypeMismatch::Fail
    }

    /// Whether rows that cannot land are kept aside.
    #[must_use]
    pub fn quarantines(&self) -> bool {
        self.on_bad_row == Some(BadRow::Quarantine)
    }

    /// Whether rows that lack a part of their primary key land: nobody said what becomes of bad rows.
    #[must_use]
    pub fn takes_keyless(&self) -> bool {
        self.on_bad_row.is_none()
    }

    /// These decisions with those of `stronger` on top: it wins where both decide, and what either
    /// blocks, hashes, locks or keeps the history of stays so.
    #[must_use]
    pub fn overridden_by(mut self, stronger: Self) -> Self {
        self.deletes = stronger.deletes.or(self.deletes);
        self.on_type_mismatch = stronger.on_type_mismatch.or(self.on_type_mismatch);
        self.on_bad_row = stronger.on_bad_row.or(self.on_bad_row);
        self.schema_changes = stronger.schema_changes.or(self.schema_changes);
        self.naming = stronger.naming.or(self.naming);
        self.system_columns = stronger.system_columns.or(self.system_columns);
        for (name, table) in stronger.tables {
            let own = self.table_mut(name);
            own.block |= table.block;
            own.history |= table.history;
            own.lock_types |= table.lock_types;
            own.deletes = table.deletes.or(own.deletes);
            own.block_columns.extend(table.block_columns);
            own.hash_columns.extend(table.hash_columns);
        }
        self
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn parse(text: &str) -> Landing {
        toml::from_str(text).unwrap()
    }

    #[test]
    fn what_either_protects_stays_protected() {
        let project = parse("deletes = 'hard'\n[tables.users]\nblock_columns = ['a']\n[tables.logs]\nblock = true");
        let operator = parse("on_bad_row = 'quarantine'\n[tables.users]\nhash_columns = ['b']\n[tables.logs]\n");
        let both = project.overridden_by(operator);
        assert_eq!(both.deletes, Some(Deletes::Hard));
        assert_eq!(both.on_bad_row, Some(BadRow::Quarantine));
        let users = both.table(None, "users").unwrap();
        assert!(users.block_columns.contains("a") && users.hash_columns.contains("b"));
        assert!(both.table(None, "logs").unwrap().block);
    }

    #[test]
    fn a_table_decides_before_its_connection() {
        let landing = parse("deletes = 'hard'\n[tables.'s.t']\ndeletes = 'soft'");
        assert_eq!(landing.deletes(Some("s"), "t"), Deletes::Soft);
        assert_eq!(landing.deletes(None, "t"), Deletes::Hard);
    }

    #[test]
    fn a_table_is_found_however_it_is_spelled() {
        let landing = parse("[tables.'s.Users']\nhistory = true\n[tables.'S.users']\nlock_types = true");
        for (schema, name, history) in
            [(Some("s"), "Users", true), (Some("S"), "users", false), (None, "s_users", false), (None, "sÜsers", false)]
        {
            let found = landing.table(schema, name).map(|table| table.history);
            assert_eq!(found, Some(history), "{schema:?} {name}");
        }
        assert!(landing.table(None, "users").is_none());
    }
}
