//! How rows land, as `sluice run` is told: flags over a settings file over a project's `connector.toml`.

use std::path::PathBuf;

use clap::Args;
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::{Error as ChoiceError, StrDeserializer};

use crate::cli::failure::Failure;
use crate::cli::input;
use crate::landing::references::{ColumnReference, TableReference};
use crate::landing::settings::{self, Settings};
use crate::landing::{BadRow, Deletes, Landing, Naming, SchemaChanges, SystemColumns, TableLanding, TypeMismatch};

/// Decisions about the destination.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Destination")]
pub struct LandingArguments {
    /// A TOML file with a [destination] section that says any of what follows, and a [limits] section; flags win
    /// over it, and it wins over a project's connector.toml. What one of them blocks or hashes, the others cannot
    /// open again
    #[arg(long, value_name = "FILE")]
    pub settings: Option<PathBuf>,
    /// Land nothing of a table. Tables are named as the source has them: users, sales.users, "odd.name"
    #[arg(long, value_name = "TABLE")]
    pub block_table: Vec<TableReference>,
    /// Land nothing of a column: users.password, sales.users.password. Not for primary keys
    #[arg(long, value_name = "TABLE.COLUMN")]
    pub block_column: Vec<ColumnReference>,
    /// Land a keyed hash instead of a column's values, so that tables can still be joined by them
    #[arg(long, value_name = "TABLE.COLUMN")]
    pub hash_column: Vec<ColumnReference>,
    /// Keep every version of a table's rows
    #[arg(long, value_name = "TABLE")]
    pub history: Vec<TableReference>,
    /// Remove rows that the source deletes, of one table or of all, instead of marking them
    #[arg(long, value_name = "TABLE", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    pub hard_delete: Vec<String>,
    /// Keep the types of a table's columns as they are; values are converted
    #[arg(long, value_name = "TABLE")]
    pub lock_types: Vec<TableReference>,
    /// What to do with a value that its column cannot hold [default: fail]
    #[arg(long, value_name = "fail|widen|null", value_parser = choice::<TypeMismatch>)]
    pub on_type_mismatch: Option<TypeMismatch>,
    /// What to do with a row that cannot land [default: fail]
    #[arg(long, value_name = "fail|quarantine", value_parser = choice::<BadRow>)]
    pub on_bad_row: Option<BadRow>,
    /// What may come new after the first successful sync: all of it, columns of known tables, or nothing
    /// [default: allow-all]
    #[arg(long, value_name = "allow-all|allow-columns|block-all", value_parser = choice::<SchemaChanges>)]
    pub schema_changes: Option<SchemaChanges>,
    /// Names of tables and columns: in lower-case ASCII words, or as the source has them. Fixed at the first sync
    /// [default: standard]
    #[arg(long, value_name = "standard|source", value_parser = choice::<Naming>)]
    pub naming: Option<Naming>,
    /// The prefix of the columns Sluice adds: _sluice_ or _fivetran_. Fixed at the first sync [default: sluice]
    #[arg(long, value_name = "sluice|fivetran", value_parser = choice::<SystemColumns>)]
    pub system_columns: Option<SystemColumns>,
}

/// The words are those of the settings file.
fn choice<T: for<'de> Deserialize<'de>>(text: &str) -> Result<T, ChoiceError> {
    let word: StrDeserializer<'_, ChoiceError> = text.into_deserializer();
    T::deserialize(word)
}

impl LandingArguments {
    /// What flags and settings file say.
    ///
    /// # Errors
    /// When the file cannot be read or used, or a flag names no table.
    pub(super) fn read(&self) -> Result<Settings, Failure> {
        let file = match &self.settings {
            None => Settings::default(),
            Some(path) => {
                let refused = |reason: String| Failure::refused(format!("settings {}: {reason}", path.display()));
                let text = input::read_text(path, "settings file")?;
                settings::read(&text).map_err(|error| refused(error.to_string()))?
            }
        };
        Ok(Settings { landing: file.landing.overridden_by(self.flags()?), ..file })
    }

    fn flags(&self) -> Result<Landing, Failure> {
        let mut landing = Landing {
            on_type_mismatch: self.on_type_mismatch,
            on_bad_row: self.on_bad_row,
            schema_changes: self.schema_changes,
            naming: self.naming,
            system_columns: self.system_columns,
            ..Landing::default()
        };
        let mut decide = |tables: &[TableReference], decision: fn(&mut TableLanding)| {
            tables.iter().for_each(|table| decision(landing.table_mut(table.clone())));
        };
        decide(&self.block_table, |table| table.block = true);
        decide(&self.history, |table| table.history = true);
        decide(&self.lock_types, |table| table.lock_types = true);
        for column in &self.block_column {
            landing.table_mut(column.table.clone()).block_columns.insert(column.column.clone());
        }
        for column in &self.hash_column {
            landing.table_mut(column.table.clone()).hash_columns.insert(column.column.clone());
        }
        for table in &self.hard_delete {
            if table.is_empty() {
                landing.deletes = Some(Deletes::Hard);
                continue;
            }
            let named = table
                .parse()
                .map_err(|error| Failure::refused(format!("--hard-delete={}: {error}", table.escape_debug())))?;
            landing.table_mut(named).deletes = Some(Deletes::Hard);
        }
        Ok(landing)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::fs;

    use super::*;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        landing: LandingArguments,
    }

    fn read(arguments: &[&str]) -> Landing {
        Line::try_parse_from([&["sluice"], arguments].concat())
            .unwrap()
            .landing
            .read()
            .unwrap_or_else(|failure| {
                let mut text = Vec::new();
                failure.print(&mut text).unwrap();
                unreachable!("{}", String::from_utf8_lossy(&text))
            })
            .landing
    }

    #[test]
    fn every_flag_says_what_a_file_can_say() {
        let flags = read(&[
            "--block-table=audit",
            "--block-column=users.password",
            "--hash-column=sales.users.\"e.mail\"",
            "--history=users",
            "--hard-delete",
            "--hard-delete=orders",
            "--lock-types=orders",
            "--on-type-mismatch=widen",
            "--on-bad-row=quarantine",
            "--schema-changes=allow-columns",
            "--naming=source",
            "--system-columns=fivetran",
        ]);
        let file = settings::read(
            r#"
            [destination]
            deletes = "hard"
            on_type_mismatch = "widen"
            on_bad_row = "quarantine"
            schema_changes = "allow-columns"
            naming = "source"
            system_columns = "fivetran"
            tables.audit.block = true
            tables.users = { history = true, block_columns = ["password"] }
            tables."sales.users".hash_columns = ["e.mail"]
            tables.orders = { deletes = "hard", lock_types = true }
            "#,
        );
        assert_eq!(Ok(flags), file.map(|file| file.landing));
    }

    #[test]
    fn flags_win_over_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.toml");
        fs::write(
            &path,
            "[destination]\nnaming = 'source'\non_bad_row = 'quarantine'\n[destination.tables.a]\nblock = true",
        )
        .unwrap();
        let landing = read(&["--settings", path.to_str().unwrap(), "--naming=standard"]);
        assert_eq!((landing.naming, landing.on_bad_row), (Some(Naming::Standard), Some(BadRow::Quarantine)));
        assert!(landing.table(None, "a").unwrap().block);
    }

    #[test]
    fn what_names_nothing_is_refused() {
        for arguments in [
            ["--block-column=password"],
            ["--block-table=a.b.c"],
            ["--hash-column=a..b"],
            ["--on-bad-row=ignore"],
            ["--naming=Source"],
        ] {
            assert!(Line::try_parse_from([&["sluice"], &arguments[..]].concat()).is_err(), "{arguments:?}");
        }
        let line = Line::try_parse_from(["sluice", "--hard-delete=a.b.c"]).unwrap();
        assert_eq!(line.landing.read().unwrap_err().exit_code(), 2);
        let line = Line::try_parse_from(["sluice", "--settings=/nowhere/settings.toml"]).unwrap();
        assert_eq!(line.landing.read().unwrap_err().exit_code(), 2);
    }
}
