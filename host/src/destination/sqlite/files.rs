//! The files of a connection: where they are, and that nobody else can have planted them.
//!
//! A warehouse folder and everything in it must belong to the user that runs the host and be
//! writable by no other. Nothing is opened through a symbolic link.

use std::fs::{DirBuilder, Metadata, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::destination::DestinationError;

/// Names that no connection has, because the host keeps something of its own there.
const TAKEN: [&str; 1] = ["runs"];
/// Longest name of a connection, in bytes.
pub(super) const MAX_CONNECTION_NAME: usize = 100;

/// The files of one connection.
#[derive(Clone, Debug)]
pub(super) struct Files {
    pub(super) connection: String,
    pub(super) database: PathBuf,
    pub(super) lock: PathBuf,
    /// The key of hashed columns.
    pub(super) key: PathBuf,
}

impl Files {
    /// Checks the name, and that everything that exists already is ours.
    ///
    /// # Errors
    /// `Invalid` for the name, `Files` for the rest.
    pub(super) fn locate(warehouse: &Path, connection: &str) -> Result<Self, DestinationError> {
        check_connection_name(connection)?;
        let folder = check_folder(warehouse)?;
        let files = Self {
            connection: connection.to_owned(),
            database: folder.join(format!("{connection}.db")),
            lock: folder.join(format!("{connection}.lock")),
            key: folder.join(format!("{connection}.key")),
        };
        for path in files.all_of_database() {
            check_file(&path)?;
        }
        Ok(files)
    }

    /// The same for a database of the host's own, whose name is no connection's.
    ///
    /// # Errors
    /// `Files` when something that exists is not ours.
    pub(super) fn own(warehouse: &Path, name: &'static str) -> Result<Self, DestinationError> {
        let folder = check_folder(warehouse)?;
        let at = |extension: &str| folder.join(format!("{name}.{extension}"));
        let files = Self { connection: name.to_owned(), database: at("db"), lock: at("lock"), key: at("key") };
        for path in files.all_of_database() {
            check_file(&path)?;
        }
        Ok(files)
    }

    /// The database and what SQLite lays beside it.
    pub(super) fn all_of_database(&self) -> [PathBuf; 4] {
        ["", "-wal", "-shm", "-journal"].map(|suffix| {
            let mut name = self.database.clone().into_os_string();
            name.push(suffix);
            PathBuf::from(name)
        })
    }

    /// The folder of files that landed.
    pub(super) fn landed(&self) -> PathBuf {
        self.database.with_extension("files")
    }

    /// The folder of files on their way.
    pub(super) fn incoming(&self) -> PathBuf {
        self.database.with_extension("incoming")
    }

    /// Creates an empty database file unless there is one; tells whether it did.
    ///
    /// # Errors
    /// `Files` when it cannot be created, or SQLite would fill it from a log that is not its own.
    pub(super) fn create_database(&self) -> Result<bool, DestinationError> {
        let [database, logs @ ..] = self.all_of_database();
        let missing = matches!(database.symlink_metadata(), Err(error) if error.kind() == ErrorKind::NotFound);
        if let Some(log) = logs.iter().find(|log| missing && log.symlink_metadata().is_ok()) {
            return Err(DestinationError::files(log, "is there without its database; remove it", None));
        }
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&self.database) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(DestinationError::files(&self.database, "cannot create the database", Some(error))),
        }
    }
}

/// The names of databases in a warehouse, in order.
///
/// # Errors
/// `Files` when the folder cannot be read.
pub(super) fn connections(warehouse: &Path) -> Result<Vec<String>, DestinationError> {
    let entries = std::fs::read_dir(warehouse)
        .map_err(|error| DestinationError::files(warehouse, "cannot read the warehouse folder", Some(error)))?;
    let names = entries.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let named = names.filter_map(|name| name.strip_suffix(".db").map(str::to_owned));
    let mut found: Vec<_> = named.filter(|name| check_connection_name(name).is_ok()).collect();
    found.sort();
    Ok(found)
}

pub(super) fn check_connection_name(name: &str) -> Result<(), DestinationError> {
    let mut bytes = name.bytes();
    let starts = bytes.next().is_some_and(|b| b == b'_' || b.is_ascii_lowercase());
    let goes_on = bytes.all(|b| b == b'_' || b == b'-' || b.is_ascii_lowercase() || b.is_ascii_digit());
    if starts && goes_on && name.len() <= MAX_CONNECTION_NAME {
        if TAKEN.contains(&name) {
            let reason = format!("{name} is where the history of runs is kept; use another name");
            return Err(DestinationError::Invalid { what: "the name of the connection", reason });
        }
        return Ok(());
    }
    Err(DestinationError::Invalid {
        what: "the name of the connection",
        reason: format!(
            "use at most {MAX_CONNECTION_NAME} lower-case letters, digits, _ and -, starting with a letter or _"
        ),
    })
}

/// Creates the warehouse folder with access for its owner only, unless it is there.
///
/// # Errors
/// `Files` when it cannot be created.
pub(super) fn create_folder(warehouse: &Path) -> Result<(), DestinationError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(warehouse)
        .map_err(|error| DestinationError::files(warehouse, "cannot create the warehouse folder", Some(error)))
}

/// Creates a folder in the warehouse unless it is there, and checks that it is ours: no link,
/// writable by nobody else.
///
/// # Errors
/// `Files` naming what is wrong.
pub(super) fn check_folder_of_ours(path: &Path) -> Result<(), DestinationError> {
    match DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            return Err(DestinationError::files(path, "cannot create the folder", Some(error)));
        }
        _ => {}
    }
    let metadata = path
        .symlink_metadata()
        .map_err(|error| DestinationError::files(path, "cannot read the folder's properties", Some(error)))?;
    if !metadata.is_dir() {
        return Err(DestinationError::files(path, "is not a folder; find out who put it there and remove it", None));
    }
    check_owner(path, &metadata)?;
    check_writable(path, &metadata)
}

/// The folder without symbolic links in its path.
fn check_folder(warehouse: &Path) -> Result<PathBuf, DestinationError> {
    let seen = |error| DestinationError::files(warehouse, "cannot read the warehouse folder", Some(error));
    let link = warehouse.symlink_metadata().map_err(seen)?;
    check_owner(warehouse, &link)?;
    let folder = warehouse.canonicalize().map_err(seen)?;
    let metadata = folder.symlink_metadata().map_err(seen)?;
    if !metadata.is_dir() {
        return Err(DestinationError::files(&folder, "is not a folder; name another warehouse", None));
    }
    check_owner(&folder, &metadata)?;
    check_writable(&folder, &metadata)?;
    check_ancestors(&folder)?;
    Ok(folder)
}

/// In a folder that everybody can write, without the bit that keeps users from each other's files, somebody could
/// put another warehouse in the place of ours.
fn check_ancestors(folder: &Path) -> Result<(), DestinationError> {
    const STICKY: u32 = 0o1000;
    for ancestor in folder.ancestors().skip(1) {
        let metadata = ancestor
            .symlink_metadata()
            .map_err(|error| DestinationError::files(ancestor, "cannot read the folder's properties", Some(error)))?;
        if metadata.mode() & 0o002 != 0 && metadata.mode() & STICKY == 0 {
            let reason =
                "can be written by everybody, who could replace the warehouse in it; take that away with chmod o-w";
            return Err(DestinationError::files(ancestor, reason, None));
        }
    }
    Ok(())
}

/// Checks a file that may be missing: a regular file, ours, writable by nobody else.
///
/// # Errors
/// `Files` naming what is wrong.
pub(super) fn check_file(path: &Path) -> Result<(), DestinationError> {
    let metadata = match path.symlink_metadata() {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => {
            return Err(DestinationError::files(path, "cannot read the file's properties", Some(error)));
        }
    };
    if !metadata.is_file() {
        return Err(DestinationError::files(
            path,
            "is not a regular file; find out who put it there and remove it",
            None,
        ));
    }
    check_owner(path, &metadata)?;
    check_writable(path, &metadata)
}

fn check_owner(path: &Path, metadata: &Metadata) -> Result<(), DestinationError> {
    if metadata.uid() == rustix::process::geteuid().as_raw() {
        return Ok(());
    }
    let reason = format!("belongs to user {}; sync as that user or choose another warehouse", metadata.uid());
    Err(DestinationError::files(path, reason, None))
}

fn check_writable(path: &Path, metadata: &Metadata) -> Result<(), DestinationError> {
    if metadata.mode() & 0o022 == 0 {
        return Ok(());
    }
    Err(DestinationError::files(path, "can be written by others; take that away with chmod go-w", None))
}
