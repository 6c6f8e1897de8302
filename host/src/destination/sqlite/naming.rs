//! From a source's names to the destination's, and how names are written into SQL.

use crate::landing::names::{self, Kind};
use crate::landing::{Naming, SystemColumns};
use crate::rows::TableName;

/// The names of the columns that the host adds.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SystemNames {
    /// When the row was last written, UTC.
    pub(super) synced: &'static str,
    /// 1 when the row is deleted.
    pub(super) deleted: &'static str,
    /// Identity of a row without a primary key.
    pub(super) id: &'static str,
    /// In a table with history: 1 in the version that holds now.
    pub(super) active: &'static str,
    /// In a table with history: the first microsecond in which a version held.
    pub(super) start: &'static str,
    /// In a table with history: the last microsecond in which a version held.
    pub(super) end: &'static str,
    /// Where the file of a row landed. The only one of these that rows bring along.
    pub(super) file_path: &'static str,
}

static SLUICE: SystemNames = SystemNames {
    synced: "_sluice_synced",
    deleted: "_sluice_deleted",
    id: "_sluice_id",
    active: "_sluice_active",
    start: "_sluice_start",
    end: "_sluice_end",
    file_path: SystemColumns::Sluice.file_path(),
};

static FIVETRAN: SystemNames = SystemNames {
    synced: "_fivetran_synced",
    deleted: "_fivetran_deleted",
    id: "_fivetran_id",
    active: "_fivetran_active",
    start: "_fivetran_start",
    end: "_fivetran_end",
    file_path: SystemColumns::Fivetran.file_path(),
};

/// How a connection names things, the same from its first sync on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Names {
    pub(super) naming: Naming,
    pub(super) system_columns: SystemColumns,
}

impl Names {
    /// The name of a table in the destination; a source's schema becomes a part before it.
    ///
    /// # Errors
    /// Why the name is not acceptable.
    pub(super) fn table(self, source: &TableName) -> Result<String, String> {
        let name = names::table_name(self.naming, source.schema.as_deref(), &source.name);
        name.map_err(|error| error.to_string())
    }

    /// The name of a column in the destination.
    ///
    /// # Errors
    /// Why the name is not acceptable.
    pub(super) fn column(self, source: &str) -> Result<String, String> {
        let name = names::name_under(self.naming, Kind::Column, source);
        let checked = name.and_then(|name| self.system_columns.check(&name).map(|()| name));
        checked.map_err(|error| error.to_string())
    }

    /// The names of the host's columns.
    pub(super) fn system(self) -> &'static SystemNames {
        match self.system_columns {
            SystemColumns::Sluice => &SLUICE,
            SystemColumns::Fivetran => &FIVETRAN,
        }
    }
}

/// A name as a quoted SQL identifier. Every name that becomes part of a statement passes here.
pub(super) fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::quote;

    #[test]
    fn a_quote_in_a_name_stays_in_the_name() {
        assert_eq!(quote("x\"; DROP TABLE y; --"), "\"x\"\"; DROP TABLE y; --\"");
    }
}
