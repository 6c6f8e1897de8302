//! Planted files and prepared databases.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt, symlink};
use std::path::Path;

use super::*;

#[track_caller]
fn refuses(place: &Place, part: &str) {
    match place.warehouse.open("shop", identity("one")) {
        Err(error @ (DestinationError::Files { .. } | DestinationError::Altered { .. })) => {
            assert!(error.to_string().contains(part), "{part:?} is not in {error}");
        }
        other => panic!("not refused: {other:?}"),
    }
}

fn folder(place: &Place) -> std::path::PathBuf {
    place.database().parent().unwrap().to_owned()
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().mode() & 0o7777
}

#[test]
fn files_are_private() {
    let place = place();
    let mut destination = place.open();
    destination.write(&upsert("t", &[("a", int(1))])).unwrap();
    assert_eq!(mode(&folder(&place)), 0o700);
    for name in ["shop.db", "shop.db-wal", "shop.db-shm", "shop.lock"] {
        assert_eq!(mode(&folder(&place).join(name)), 0o600, "{name}");
    }
}

#[test]
fn connection_names_are_checked() {
    let place = place();
    let long = "a".repeat(101);
    for bad in ["", "a/b", "..", "A", "1a", "-a", "a.b", "ä", "a b", "a\0", &long] {
        let result = place.warehouse.open(bad, identity("one"));
        assert!(matches!(result, Err(DestinationError::Invalid { .. })), "{bad:?}");
    }
    assert!(!place.folder.path().join("warehouse/a").exists());
    place.warehouse.open("_my-shop_2", identity("one")).unwrap();
}

#[test]
fn planted_things_are_refused() {
    for name in ["shop.db", "shop.db-wal", "shop.db-shm", "shop.db-journal", "shop.lock"] {
        let place = place();
        std::fs::create_dir(folder(&place)).unwrap();
        std::fs::set_permissions(folder(&place), PermissionsExt::from_mode(0o700)).unwrap();
        let path = folder(&place).join(name);
        let victim = place.folder.path().join("victim");
        std::fs::write(&victim, "precious").unwrap();
        symlink(&victim, &path).unwrap();
        refuses(&place, name);
        std::fs::remove_file(&path).unwrap();
        symlink(place.folder.path().join("missing"), &path).unwrap();
        refuses(&place, "regular file");
        std::fs::remove_file(&path).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, &path, rustix::fs::Mode::RWXU).unwrap();
        refuses(&place, "regular file");
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, "").unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o666)).unwrap();
        refuses(&place, "chmod");
        std::fs::remove_file(&path).unwrap();
        assert_eq!(std::fs::read_to_string(&victim).unwrap(), "precious");
        assert!(!place.folder.path().join("missing").exists());
        place.open();
    }
}

#[test]
fn a_folder_others_can_write_is_refused() {
    let place = place();
    std::fs::create_dir(folder(&place)).unwrap();
    std::fs::set_permissions(folder(&place), PermissionsExt::from_mode(0o777)).unwrap();
    refuses(&place, "chmod");
}

#[test]
fn a_folder_around_it_that_everybody_can_write_is_refused() {
    let place = place();
    let around = place.folder.path();
    std::fs::set_permissions(around, PermissionsExt::from_mode(0o777)).unwrap();
    refuses(&place, "chmod o-w");
    std::fs::set_permissions(around, PermissionsExt::from_mode(0o1777)).unwrap();
    place.open();
}

#[test]
fn rubbish_in_the_place_of_a_journal_changes_nothing() {
    for name in ["shop.db-wal", "shop.db-journal"] {
        let place = place();
        place.sync(&[], &[upsert("t", &[("a", int(1))])]);
        let path = folder(&place).join(name);
        std::fs::write(&path, b"rubbish".repeat(1_000)).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        place.sync(&[], &[upsert("t", &[("a", int(1))])]);
        assert_eq!(place.query("SELECT a FROM t"), [[Stored::Integer(1)]], "{name}");
        assert_eq!(place.query("PRAGMA integrity_check"), [[stored("ok")]]);
    }
}

/// SQLite would take its content for the new database's.
#[test]
fn a_journal_without_its_database_is_refused() {
    let other = tempfile::tempdir().unwrap();
    let theirs = rusqlite::Connection::open(other.path().join("x.db")).unwrap();
    theirs.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t(a); INSERT INTO t VALUES (666)").unwrap();
    for name in ["shop.db-wal", "shop.db-journal"] {
        let place = place();
        drop(place.warehouse.open("other", identity("one")).unwrap());
        let path = folder(&place).join(name);
        std::fs::copy(other.path().join("x.db-wal"), &path).unwrap();
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        refuses(&place, "without its database");
        assert!(!place.database().exists());
        std::fs::remove_file(&path).unwrap();
        place.open();
    }
}

#[test]
fn foreign_databases_are_refused() {
    let place = place();
    place.warehouse.open("first", identity("one")).unwrap();
    std::fs::write(place.database(), "this is not a database, but it is long enough to look at".repeat(20)).unwrap();
    std::fs::set_permissions(place.database(), PermissionsExt::from_mode(0o600)).unwrap();
    refuses(&place, "not a database");
    std::fs::remove_file(place.database()).unwrap();
    place.outside().execute_batch("CREATE TABLE t(a)").unwrap();
    std::fs::set_permissions(place.database(), PermissionsExt::from_mode(0o600)).unwrap();
    refuses(&place, "not a database of sluice");
    std::fs::remove_file(place.database()).unwrap();
    drop(place.open());
    place.outside().execute_batch("PRAGMA user_version = 99").unwrap();
    refuses(&place, "format 99");
}

#[test]
fn prepared_schemas_are_refused() {
    for (sql, part) in [
        ("CREATE TRIGGER evil AFTER INSERT ON t BEGIN UPDATE t SET a = 0; END", "trigger"),
        ("CREATE TRIGGER evil AFTER INSERT ON _sluice_state BEGIN DELETE FROM t; END", "trigger"),
        ("CREATE UNIQUE INDEX evil ON t(a)", "unique index"),
        ("DROP TABLE t; CREATE VIEW t AS SELECT 1 AS a", "view"),
        ("DROP TABLE t; CREATE VIRTUAL TABLE t USING fts5(a)", "virtual table"),
    ] {
        let place = place();
        place.sync(&[], &[upsert("t", &[("a", int(1))])]);
        place.outside().execute_batch(sql).unwrap();
        refuses(&place, part);
        assert!(place.warehouse.tables("shop").is_err(), "{sql}");
    }
}

#[test]
fn altered_tables_are_refused_when_used() {
    for sql in [
        "ALTER TABLE t ADD COLUMN mine TEXT",
        "ALTER TABLE t ADD COLUMN made AS (a + 1)",
        "ALTER TABLE t DROP COLUMN a",
        "ALTER TABLE t RENAME COLUMN a TO b",
        "DROP TABLE t",
    ] {
        let place = place();
        place.sync(&[], &[upsert("t", &[("a", int(1))])]);
        place.outside().execute_batch(sql).unwrap();
        let result = place.open().write(&upsert("t", &[("a", int(2))]));
        assert!(matches!(result, Err(DestinationError::Altered { .. })), "{sql}: {result:?}");
    }
}

#[test]
fn views_and_indexes_of_users_survive_a_rewrite() {
    let place = place();
    place.sync(&[], &[upsert("t", &[("a", int(1)), ("b", int(2))])]);
    place.outside().execute_batch("CREATE INDEX mine ON t(b); CREATE VIEW seen AS SELECT b FROM t").unwrap();
    place.sync(&[], &[upsert("t", &[("a", text("x")), ("b", text("y"))])]);
    assert_eq!(place.query("SELECT tbl_name FROM sqlite_schema WHERE name = 'mine'"), [[stored("t")]]);
    assert_eq!(place.query("SELECT b FROM seen ORDER BY b"), [[stored("2")], [stored("y")]]);
}

#[test]
fn no_other_file_can_be_attached() {
    let place = place();
    let destination = place.open();
    for sql in [
        "ATTACH ':memory:' AS x",
        "PRAGMA journal_mode = DELETE",
        "CREATE TRIGGER x AFTER INSERT ON _sluice_state BEGIN SELECT 1; END",
        "CREATE TEMP TABLE x(a)",
        "CREATE VIEW x AS SELECT 1",
    ] {
        assert!(destination.connection_for_tests().execute_batch(sql).is_err(), "{sql}");
    }
}

#[test]
fn the_connection_is_hardened() {
    use rusqlite::config::DbConfig;
    let place = place();
    let destination = place.open();
    for (setting, value) in [
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
        (DbConfig::SQLITE_DBCONFIG_DQS_DML, false),
        (DbConfig::SQLITE_DBCONFIG_DQS_DDL, false),
    ] {
        let name = format!("{setting:?}");
        assert_eq!(destination.connection_for_tests().db_config(setting).unwrap(), value, "{name}");
    }
}
