//! Files land with the commit that covers them, and only with it.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::*;
use crate::destination::FilePart;
use crate::destination::filter::{Reason, Withheld};
use crate::landing::settings;
use crate::policy::paths::FilePath;

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn open(&self) -> Filtered<SqliteDestination> {
        Warehouse::new(self.0.path()).open("c", identity("one")).unwrap()
    }

    fn under(&self, settings: &str) -> Filtered<SqliteDestination> {
        let landing = Arc::new(settings::read(settings).unwrap().landing);
        let options = SqliteOptions { landing, ..SqliteOptions::default() };
        Warehouse::with_options(self.0.path(), options).open("c", identity("one")).unwrap()
    }

    fn landed(&self) -> PathBuf {
        self.0.path().join("c.files")
    }

    fn incoming(&self) -> Vec<String> {
        names(&self.0.path().join("c.incoming"))
    }

    fn read(&self, path: &str) -> Option<String> {
        fs::read_to_string(self.landed().join(path)).ok()
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

fn begun(file: u64, table: &str, path: &str) -> FilePart {
    FilePart::Begin { file, table: name(table), path: FilePath::parse(path).unwrap() }
}

fn begin(destination: &mut Filtered<SqliteDestination>, file: u64, path: &str, content: &str) {
    destination.file(begun(file, "t", path)).unwrap();
    for bytes in content.as_bytes().chunks(2) {
        destination.file(FilePart::Bytes { file, bytes: bytes.to_vec() }).unwrap();
    }
}

fn put(
    destination: &mut Filtered<SqliteDestination>,
    file: u64,
    path: &str,
    content: &str,
) -> Result<(), DestinationError> {
    begin(destination, file, path, content);
    destination.file(FilePart::Finish { file })
}

#[test]
fn a_file_is_visible_from_the_commit_on() {
    let folder = Folder::new();
    let mut destination = folder.open();
    put(&mut destination, 1, "a/b/c.txt", "hello").unwrap();
    put(&mut destination, 2, "empty", "").unwrap();
    assert_eq!(folder.read("a/b/c.txt"), None);
    destination.checkpoint("{}").unwrap();
    assert_eq!(folder.read("a/b/c.txt").as_deref(), Some("hello"));
    assert_eq!(folder.read("empty").as_deref(), Some(""));
    put(&mut destination, 3, "a/b/c.txt", "first").unwrap();
    put(&mut destination, 4, "a/b/c.txt", "second").unwrap();
    assert_eq!(folder.read("a/b/c.txt").as_deref(), Some("hello"));
    destination.finish().unwrap();
    assert_eq!(folder.read("a/b/c.txt").as_deref(), Some("second"));
    assert_eq!(folder.incoming(), [""; 0]);
    let mode = |path: &str| fs::metadata(folder.landed().join(path)).unwrap().permissions().mode() & 0o7777;
    assert_eq!((mode(""), mode("a"), mode("empty")), (0o700, 0o700, 0o600));
}

#[test]
fn what_is_not_committed_is_discarded() {
    let folder = Folder::new();
    let mut destination = folder.open();
    put(&mut destination, 1, "kept", "x").unwrap();
    destination.checkpoint("{}").unwrap();
    put(&mut destination, 2, "kept", "changed").unwrap();
    begin(&mut destination, 3, "open", "x");
    begin(&mut destination, 4, "discarded", "x");
    destination.file(FilePart::Discard { file: 4 }).unwrap();
    destination.file(FilePart::Discard { file: 4 }).unwrap();
    assert_eq!(folder.incoming().len(), 2);
    destination.abandon().unwrap();
    drop(destination);
    assert_eq!(folder.read("kept").as_deref(), Some("x"));
    assert_eq!(names(&folder.landed()), ["kept"]);
    assert_eq!(folder.incoming(), [""; 0]);
}

#[test]
fn a_sync_that_ended_after_its_commit_is_made_good() {
    let folder = Folder::new();
    let mut destination = folder.open();
    put(&mut destination, 1, "first", "x").unwrap();
    destination.checkpoint("{}").unwrap();
    // As a process leaves it that ends between the commit and the last of the moves.
    let sql =
        "INSERT INTO \"_sluice_files\" VALUES ('1', 'first'), ('2', 'a/second'), ('../3', 'third'), ('4', '../x')";
    destination.connection_for_tests().execute(sql, []).unwrap();
    drop(destination);
    let incoming = folder.0.path().join("c.incoming");
    for name in ["2", "3", "4"] {
        fs::write(incoming.join(name), name).unwrap();
    }
    // A prepared catalogue names what no sync ever wrote.
    fs::write(folder.0.path().join("3"), "not a file of a sync").unwrap();
    let destination = folder.open();
    let left: i64 = destination
        .connection_for_tests()
        .query_row("SELECT COUNT(*) FROM \"_sluice_files\"", [], |row| row.get(0))
        .unwrap();
    assert_eq!(left, 0);
    assert_eq!(folder.read("first").as_deref(), Some("x"));
    assert_eq!(folder.read("a/second").as_deref(), Some("2"));
    assert_eq!(folder.incoming(), [""; 0]);
    assert!(!folder.0.path().join("x").exists());
    assert!(folder.0.path().join("3").exists() && folder.read("third").is_none());
}

#[test]
fn a_folder_in_the_way_is_refused_and_the_sync_goes_on() {
    let folder = Folder::new();
    let mut destination = folder.open();
    put(&mut destination, 1, "a/b", "x").unwrap();
    put(&mut destination, 2, "c", "x").unwrap();
    for (file, path) in [(3, "a"), (4, "a/b/c"), (5, "c/d")] {
        let error = put(&mut destination, file, path, "y").unwrap_err();
        assert!(error.to_string().starts_with(&format!("file {path}: a folder is where")), "{error}");
    }
    destination.checkpoint("{}").unwrap();
    assert!(put(&mut destination, 6, "c/d", "y").is_err());
    assert!(put(&mut destination, 7, "a", "y").is_err());
    destination.finish().unwrap();
    assert_eq!((folder.read("a/b"), folder.read("c")), (Some("x".into()), Some("x".into())));
    assert_eq!(folder.incoming(), [""; 0]);
}

#[test]
fn links_are_not_followed() {
    let folder = Folder::new();
    let outside = tempfile::tempdir().unwrap();
    let mut destination = folder.open();
    put(&mut destination, 1, "inside", "x").unwrap();
    destination.checkpoint("{}").unwrap();
    symlink(outside.path(), folder.landed().join("link")).unwrap();
    assert!(put(&mut destination, 2, "link/file", "y").is_err());
    // The last name is replaced, link or not.
    fs::write(outside.path().join("target"), "old").unwrap();
    symlink(outside.path().join("target"), folder.landed().join("file")).unwrap();
    put(&mut destination, 3, "file", "new").unwrap();
    destination.finish().unwrap();
    drop(destination);
    assert_eq!(names(outside.path()), ["target"]);
    assert_eq!(fs::read_to_string(outside.path().join("target")).unwrap(), "old");
    assert_eq!(folder.read("file").as_deref(), Some("new"));

    // The whole folder.
    fs::remove_dir_all(folder.landed()).unwrap();
    symlink(outside.path(), folder.landed()).unwrap();
    let opened = Warehouse::new(folder.0.path()).open("c", identity("one"));
    let error = opened.and_then(|mut destination| put(&mut destination, 1, "x", "x")).unwrap_err();
    assert!(error.to_string().contains("is not a folder"), "{error}");
}

#[test]
fn a_reset_removes_the_files() {
    let folder = Folder::new();
    let mut destination = folder.open();
    put(&mut destination, 1, "a/b", "x").unwrap();
    destination.finish().unwrap();
    drop(destination);
    assert!(Warehouse::new(folder.0.path()).reset("c").unwrap());
    assert!(!folder.landed().exists());
}

#[test]
fn a_reset_removes_the_files_then_the_database_then_the_key() {
    let folder = Folder::new();
    let path = |name: &str| folder.0.path().join(name);
    let reset = || Warehouse::new(folder.0.path()).reset("c");
    let mut destination = folder.under("[destination.tables.t]\nhash_columns = ['secret']");
    put(&mut destination, 1, "a", "x").unwrap();
    destination.finish().unwrap();
    drop(destination);
    // each in turn cannot be removed, since it is of the other kind
    fs::remove_dir_all(folder.landed()).unwrap();
    fs::write(folder.landed(), "").unwrap();
    assert!(reset().is_err());
    assert!(path("c.db").exists() && path("c.key").is_file());
    fs::remove_file(folder.landed()).unwrap();
    fs::create_dir(folder.landed()).unwrap();
    fs::remove_file(path("c.key")).unwrap();
    fs::create_dir(path("c.key")).unwrap();
    assert!(reset().is_err());
    assert!(!folder.landed().exists() && !path("c.db").exists());
}

/// Sends a file of each table, the second half of each after all of them were begun; `path` is the table's name.
fn send(destination: &mut Filtered<SqliteDestination>, tables: &[&str]) {
    let numbered = || (1..).zip(tables);
    for (file, table) in numbered() {
        destination.file(begun(file, table, table)).unwrap();
    }
    for (file, table) in numbered() {
        destination.file(FilePart::Bytes { file, bytes: table.as_bytes().to_vec() }).unwrap();
        destination.file(FilePart::Finish { file }).unwrap();
    }
}

fn kept_out(table: &str, column: Option<&str>, reason: Reason) -> Withheld {
    Withheld { table: name(table), column: column.map(str::to_owned), reason }
}

#[test]
fn files_of_what_is_blocked_are_not_even_on_their_way() {
    let folder = Folder::new();
    let settings = "[destination.tables.audit]\nblock = true\n\
        [destination.tables.pictures]\nblock_columns = ['_sluice_file_path']\n\
        [destination.tables.users]\nblock_columns = ['password']";
    let mut destination = folder.under(settings);
    destination.file(begun(8, "Audit", "discarded")).unwrap();
    destination.file(FilePart::Bytes { file: 8, bytes: b"x".to_vec() }).unwrap();
    assert_eq!(folder.incoming(), [""; 0]);
    destination.file(FilePart::Discard { file: 8 }).unwrap();
    send(&mut destination, &["audit", "pictures", "users", "t"]);
    assert_eq!(folder.incoming().len(), 2);
    destination.finish().unwrap();
    let mut landed = names(&folder.landed());
    landed.sort();
    assert_eq!(landed, ["t", "users"]);
    assert_eq!(
        destination.withheld(),
        [
            kept_out("Audit", None, Reason::Blocked),
            kept_out("audit", None, Reason::Blocked),
            kept_out("pictures", Some("_sluice_file_path"), Reason::Blocked)
        ]
    );
}

#[test]
fn files_of_new_tables_are_kept_out_where_they_are() {
    let folder = Folder::new();
    let row = |table: &str, path: &str| upsert(table, &[("id", int(1)), ("_sluice_file_path", text(path))]);
    let mut destination = folder.open();
    destination.declare(&[declared("t", &["id"], &[]), declared("without", &["id"], &[])]).unwrap();
    destination.write(&row("t", "t")).unwrap();
    destination.write(&upsert("without", &[("id", int(1))])).unwrap();
    destination.finish().unwrap();
    drop(destination);
    for (changes, expected) in [("allow-columns", &["t", "without"][..]), ("block-all", &["t"])] {
        let mut destination = folder.under(&format!("[destination]\nschema_changes = '{changes}'"));
        send(&mut destination, &["t", "new", "without"]);
        destination.finish().unwrap();
        let mut landed = names(&folder.landed());
        landed.sort();
        assert_eq!(landed, expected, "{changes}");
        assert_eq!(destination.withheld()[0], kept_out("new", None, Reason::New));
        fs::remove_dir_all(folder.landed()).unwrap();
    }
}

#[test]
fn the_name_of_a_file_cannot_be_hashed() {
    let folder = Folder::new();
    let mut destination = folder.under("[destination.tables.t]\nhash_columns = ['_sluice_file_path']");
    assert_refused(destination.file(begun(1, "t", "secret")), &["t", "_sluice_file_path", "block it"]);
    assert_eq!(folder.incoming(), [""; 0]);
}
