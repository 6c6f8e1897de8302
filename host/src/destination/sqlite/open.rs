//! Opening a connection's database: nothing in the file is trusted before it was checked.
//!
//! The file may have been prepared by somebody else. The schema is not trusted, triggers do
//! not run, no other file can be attached, and triggers, views, virtual tables or unique
//! indexes on our tables are refused.

use rusqlite::config::DbConfig;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::limits::Limit;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension as _};

use super::files::Files;
use super::{Looked, SqliteOptions, state};
use crate::destination::DestinationError;
use crate::landing::protection::Protection;
use crate::room;

/// Marks a file as ours: `sluc`.
const APPLICATION_ID: i64 = 0x736c_7563;
/// Version of the catalogue's layout.
const FORMAT: i64 = 1;
/// Measured best for tables with and without a separate key index.
const PAGE_BYTES: u32 = 8192;
/// A log beyond this is cut back once its content is in the database.
const WAL_KEPT_BYTES: i64 = 64 << 20;
/// Longest statement: 1,000 columns with names of 255 bytes, three times each, quoted.
const MAX_SQL_BYTES: i32 = 4 << 20;

const CATALOGUE: &str = r#"
CREATE TABLE "_sluice_meta" ("key" TEXT PRIMARY KEY NOT NULL, "value" TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE "_sluice_state" ("id" INTEGER PRIMARY KEY CHECK ("id" = 1), "state" TEXT NOT NULL, "written" TEXT NOT NULL);
CREATE TABLE "_sluice_tables" ("name" TEXT PRIMARY KEY NOT NULL COLLATE NOCASE, "source_schema" TEXT, "source_name" TEXT NOT NULL,
  "hashed" INTEGER NOT NULL, "history" INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE "_sluice_resync" ("table_name" TEXT PRIMARY KEY NOT NULL COLLATE NOCASE, "began" TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE "_sluice_hashing" ("table" TEXT NOT NULL, "column" TEXT NOT NULL, "off_since" TEXT,
  PRIMARY KEY ("table", "column")) WITHOUT ROWID;
CREATE TABLE "_sluice_columns" ("table_name" TEXT NOT NULL COLLATE NOCASE, "name" TEXT NOT NULL COLLATE NOCASE, "position" INTEGER NOT NULL,
  "source_name" TEXT NOT NULL, "data_type" TEXT, "storage" TEXT NOT NULL, "key_ordinal" INTEGER,
  PRIMARY KEY ("table_name", "name")) WITHOUT ROWID;
CREATE TABLE "_sluice_active" ("month" TEXT NOT NULL, "table_name" TEXT NOT NULL COLLATE NOCASE, "rows" INTEGER NOT NULL, PRIMARY KEY ("month", "table_name")) WITHOUT ROWID;
CREATE TABLE "_sluice_files" ("incoming" TEXT NOT NULL, "path" TEXT NOT NULL);
"#;

/// Wraps an error of SQLite.
pub(super) fn failed(doing: &'static str) -> impl Fn(rusqlite::Error) -> DestinationError {
    move |source| DestinationError::Sqlite { doing, source }
}

/// Opens for writing; lays out a new file.
///
/// # Errors
/// `Files` when the file is not ours or not as we left it, `Busy` when another program holds it.
pub(super) fn open_for_writing(files: &Files, options: &SqliteOptions) -> Result<Connection, DestinationError> {
    files.create_database()?;
    ready(connect(files, OpenFlags::SQLITE_OPEN_READ_WRITE, options)?, files, options)
}

/// The same with a database that was [looked](super::Looked) at, if it is still the one.
///
/// # Errors
/// As [`open_for_writing`].
pub(super) fn go_on_writing(
    looked: Looked,
    files: &Files,
    options: &SqliteOptions,
) -> Result<Connection, DestinationError> {
    match looked.still(files) {
        Some(connection) => ready(connection, files, options),
        None => open_for_writing(files, options),
    }
}

/// What is not to be trusted is off before anything in the file is read.
fn connect(files: &Files, access: OpenFlags, options: &SqliteOptions) -> Result<Connection, DestinationError> {
    let flags = access | OpenFlags::SQLITE_OPEN_NOFOLLOW | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(&files.database, flags)
        .map_err(|error| explain(failed("opening it")(error), files))?;
    harden(&connection, options).map_err(|error| explain(failed("setting it up")(error), files))?;
    Ok(connection)
}

fn ready(mut connection: Connection, files: &Files, options: &SqliteOptions) -> Result<Connection, DestinationError> {
    prepare(&mut connection, files, options).map_err(|error| explain(error, files))?;
    check_schema(&connection, files)?;
    connection.authorizer(Some(authorize)).map_err(failed("setting it up"))?;
    Ok(connection)
}

/// Opens for reading; `None` when there is no database yet.
///
/// # Errors
/// As [`open_for_writing`].
pub(super) fn open_for_reading(files: &Files, options: &SqliteOptions) -> Result<Option<Connection>, DestinationError> {
    let Some(mut connection) = open_as_it_is(files, OpenFlags::SQLITE_OPEN_READ_ONLY, options)? else {
        return Ok(None);
    };
    connection.authorizer(Some(authorize)).map_err(failed("setting it up"))?;
    Ok(Some(connection))
}

/// Opens for reading and for being [written](go_on_writing) later; `None` when there is no database yet.
///
/// # Errors
/// As [`open_for_writing`].
pub(super) fn look(files: &Files, options: &SqliteOptions) -> Result<Option<Connection>, DestinationError> {
    open_as_it_is(files, OpenFlags::SQLITE_OPEN_READ_WRITE, options)
}

fn open_as_it_is(
    files: &Files,
    access: OpenFlags,
    options: &SqliteOptions,
) -> Result<Option<Connection>, DestinationError> {
    if !files.database.exists() {
        return Ok(None);
    }
    let connection = connect(files, access, options)?;
    let (id, format) = identify(&connection).map_err(|error| explain(failed("reading its format")(error), files))?;
    // A sync that was ended before its first transaction leaves an empty file.
    if (id, format) == (0, 0) && is_empty(&connection).map_err(failed("reading its schema"))? {
        return Ok(None);
    }
    check_format(id, format, files)?;
    check_schema(&connection, files)?;
    Ok(Some(connection))
}

pub(super) fn harden(connection: &Connection, options: &SqliteOptions) -> rusqlite::Result<()> {
    for (setting, value) in [
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, false),
        (DbConfig::SQLITE_DBCONFIG_DQS_DML, false),
        (DbConfig::SQLITE_DBCONFIG_DQS_DDL, false),
        // A rewritten table takes its old name back although a user's view refers to it.
        (DbConfig::SQLITE_DBCONFIG_LEGACY_ALTER_TABLE, true),
    ] {
        connection.set_db_config(setting, value)?;
    }
    connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
    connection.set_limit(Limit::SQLITE_LIMIT_WORKER_THREADS, 0)?;
    connection.set_limit(Limit::SQLITE_LIMIT_SQL_LENGTH, MAX_SQL_BYTES)?;
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, i32::try_from(options.row_bytes).unwrap_or(i32::MAX))?;
    connection.busy_timeout(options.busy_timeout)?;
    connection.set_prepared_statement_cache_capacity(64);
    let cache_kib = i64::try_from(options.cache_bytes / 1024).unwrap_or(i64::MAX);
    connection.pragma_update(None, "cache_size", -cache_kib)
}

fn prepare(connection: &mut Connection, files: &Files, options: &SqliteOptions) -> Result<(), DestinationError> {
    let doing = failed("setting it up");
    let (id, format) = identify(connection).map_err(failed("reading its format"))?;
    let fresh = (id, format) == (0, 0) && is_empty(connection).map_err(failed("reading its schema"))?;
    if !fresh {
        check_format(id, format, files)?;
    }
    if fresh {
        connection.pragma_update(None, "page_size", PAGE_BYTES).map_err(&doing)?;
        // The first page is all there is: a journal would have nothing to bring back, and be synced three times. It is
        // waited for, since beside a file without it a log counts for nothing.
        connection.pragma_update(None, "synchronous", "FULL").map_err(&doing)?;
        connection.pragma_update_and_check(None, "journal_mode", "MEMORY", |_| Ok(())).map_err(&doing)?;
    }
    let mode: String =
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0)).map_err(&doing)?;
    if !mode.eq_ignore_ascii_case("wal") {
        return Err(DestinationError::files(
            &files.database,
            "cannot keep a write-ahead log here; use a local disk",
            None,
        ));
    }
    // Not in the commit, for which a connector waits; `settle` copies the log afterwards.
    connection.pragma_update_and_check(None, "wal_autocheckpoint", 0, |_| Ok(())).map_err(&doing)?;
    connection.pragma_update_and_check(None, "journal_size_limit", WAL_KEPT_BYTES, |_| Ok(())).map_err(&doing)?;
    let page: u64 = connection
        .pragma_query_value(None, "page_size", |row| row.get::<_, i64>(0).map(i64::unsigned_abs))
        .map_err(&doing)?;
    let pages = (options.database_bytes / page.max(1)).clamp(1, u64::from(u32::MAX) - 1);
    connection
        .pragma_update_and_check(None, "max_page_count", i64::try_from(pages).unwrap_or(i64::MAX), |_| Ok(()))
        .map_err(&doing)?;
    if !Protection::of(&options.landing).hashed().is_empty() {
        // What was hashed must not lie in plain in pages that became free.
        connection.pragma_update_and_check(None, "secure_delete", true, |_| Ok(())).map_err(&doing)?;
    }
    if fresh {
        // Without waiting for the disk: a machine that loses its power now has a new database again, and whatever lands
        // later is in the same log and waited for.
        connection.pragma_update(None, "synchronous", "OFF").map_err(&doing)?;
        lay_out(connection, options).map_err(failed("laying out a new database"))?;
    }
    connection.pragma_update(None, "synchronous", "FULL").map_err(&doing)
}

fn lay_out(connection: &mut Connection, options: &SqliteOptions) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    transaction.execute_batch(CATALOGUE)?;
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", FORMAT)?;
    if let Some(acceptance) = &options.acceptance {
        state::write_entry(&transaction, state::ACCEPTED, &acceptance.connector)?;
    }
    transaction.commit()
}

pub(super) fn identify(connection: &Connection) -> rusqlite::Result<(i64, i64)> {
    let read = |name| connection.pragma_query_value(None, name, |row| row.get(0));
    Ok((read("application_id")?, read("user_version")?))
}

pub(super) fn is_empty(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row("SELECT NOT EXISTS (SELECT 1 FROM sqlite_schema)", [], |row| row.get(0))
}

fn check_format(id: i64, format: i64, files: &Files) -> Result<(), DestinationError> {
    let reason = if id != APPLICATION_ID {
        "is not a database of sluice; name another connection or warehouse".to_owned()
    } else if format != FORMAT {
        format!("has format {format}, this sluice knows format {FORMAT}; use the version of sluice that wrote it")
    } else {
        return Ok(());
    };
    Err(DestinationError::files(&files.database, reason, None))
}

/// Looks for anything on our tables that would change what a statement of ours does.
fn check_schema(connection: &Connection, files: &Files) -> Result<(), DestinationError> {
    let found: Option<(String, String, String)> = connection
        .query_row(
            "SELECT s.type, s.name, s.tbl_name FROM sqlite_schema AS s \
             WHERE (s.type IN ('trigger', 'view') OR (s.type = 'table' AND s.rootpage = 0) \
                    OR (s.type = 'index' AND s.sql LIKE 'CREATE UNIQUE%')) \
               AND (s.tbl_name LIKE '\\_sluice\\_%' ESCAPE '\\' \
                    OR EXISTS (SELECT 1 FROM \"_sluice_tables\" AS t WHERE t.name = s.tbl_name)) LIMIT 1",
            [],
            |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
        )
        .optional()
        .map_err(failed("checking its schema"))?;
    let Some((kind, name, table)) = found else {
        return Ok(());
    };
    let kind = match kind.as_str() {
        "table" => "virtual table",
        "index" => "unique index",
        other => other,
    };
    let reason =
        format!("holds the {kind} {name:?} on the managed table {table:?}; drop it, sluice does not write past it");
    Err(DestinationError::files(&files.database, reason, None))
}

/// Statements of ours never do these things; a statement that would is not ours.
#[allow(clippy::needless_pass_by_value, reason = "the hook's signature")]
pub(super) fn authorize(context: AuthContext<'_>) -> Authorization {
    match context.action {
        AuthAction::Pragma { pragma_name: "table_xinfo", .. } => Authorization::Allow,
        AuthAction::Attach { .. }
        | AuthAction::Detach { .. }
        | AuthAction::Pragma { .. }
        | AuthAction::CreateTrigger { .. }
        | AuthAction::CreateTempTrigger { .. }
        | AuthAction::CreateView { .. }
        | AuthAction::CreateTempView { .. }
        | AuthAction::CreateTempTable { .. }
        | AuthAction::CreateVtable { .. }
        | AuthAction::Function { function_name: "load_extension" | "writefile" | "readfile" | "edit", .. } => {
            Authorization::Deny
        }
        _ => Authorization::Allow,
    }
}

/// Turns what SQLite says about a file into what to do.
pub(super) fn explain(error: DestinationError, files: &Files) -> DestinationError {
    let DestinationError::Sqlite { source, .. } = &error else {
        return error;
    };
    if let Some(lack) = room::lack_for(source, &files.database) {
        return DestinationError::DiskFull { path: files.database.clone(), lack };
    }
    match source.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => {
            DestinationError::files(&files.database, "is not a database; name another connection or warehouse", None)
        }
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => busy(&files.connection),
        _ => error,
    }
}

/// Another program holds the database longer than we wait.
pub(super) fn busy(connection: &str) -> DestinationError {
    DestinationError::Busy {
        connection: connection.to_owned(),
        reason: "another program holds its database; close that program's transaction and sync again".to_owned(),
    }
}
