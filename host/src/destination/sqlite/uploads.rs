//! Files beside a connection's database: `<connection>.files/` holds those that landed,
//! `<connection>.incoming/` those on their way.
//!
//! A finished file is a row of `_sluice_files` in the transaction that commits it, and is moved
//! to its place after that. Whatever happens between the two is made good at the next
//! [`Uploads::repair`]: the table says what still has to be moved, and everything else that
//! is left in the folder of incoming files was never committed.
//!
//! Folders are opened one by one from the warehouse's, never through a link.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, fsync, mkdirat, openat, renameat, statat, unlinkat};
use rustix::io::Errno;

use super::files::{Files, check_folder_of_ours};
use super::open::failed;
use crate::destination::{DestinationError, FilePart};
use crate::policy::paths::FilePath;

/// Files of one sync.
#[derive(Debug)]
pub(super) struct Uploads {
    incoming_path: PathBuf,
    landed_path: PathBuf,
    folders: Option<Folders>,
    open: HashMap<u64, Open>,
    finished: Vec<Finished>,
}

/// Both folders of a connection, open.
#[derive(Debug)]
struct Folders {
    incoming: OwnedFd,
    landed: OwnedFd,
}

#[derive(Debug)]
struct Open {
    path: FilePath,
    file: File,
}

#[derive(Debug)]
struct Finished {
    incoming: String,
    path: FilePath,
}

impl Uploads {
    /// Nothing is touched before [`Uploads::repair`].
    pub(super) fn new(files: &Files) -> Self {
        Self {
            incoming_path: files.incoming(),
            landed_path: files.landed(),
            folders: None,
            open: HashMap::new(),
            finished: Vec::new(),
        }
    }

    /// Whether the next commit has files to land.
    pub(super) fn has_finished(&self) -> bool {
        !self.finished.is_empty()
    }

    /// Takes a part of a file.
    ///
    /// # Errors
    /// `Refused` when something is in the way of the file; it is discarded then. `Files` when the
    /// disk fails.
    pub(super) fn take(&mut self, part: FilePart) -> Result<(), DestinationError> {
        match part {
            FilePart::Begin { file, path, .. } => self.begin(file, path),
            FilePart::Bytes { file, bytes } => match self.open.get_mut(&file) {
                Some(open) => open.file.write_all(&bytes).map_err(|error| self.failed("cannot write a file", error)),
                None => Ok(()),
            },
            FilePart::Finish { file } => self.finish(file),
            FilePart::Discard { file } => self.discard(file),
        }
    }

    fn begin(&mut self, file: u64, path: FilePath) -> Result<(), DestinationError> {
        let name = incoming_name(file);
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let opened = openat(&self.folders()?.incoming, name, flags, Mode::from_raw_mode(0o600));
        let opened = opened.map_err(|error| self.failed("cannot create a file", error.into()))?;
        self.open.insert(file, Open { path, file: opened.into() });
        Ok(())
    }

    fn finish(&mut self, file: u64) -> Result<(), DestinationError> {
        let Some(open) = self.open.remove(&file) else { return Ok(()) };
        let incoming = incoming_name(file);
        // Before the commit says that the file is there.
        open.file.sync_all().map_err(|error| self.failed("cannot write a file", error))?;
        let placed = match self.finished.iter().any(|other| other.path.conflicts_with(&open.path)) {
            true => Err(Errno::NOTDIR),
            false => make_room(&self.folders()?.landed, &open.path),
        };
        match placed {
            Ok(()) => {
                self.finished.push(Finished { incoming, path: open.path });
                Ok(())
            }
            Err(Errno::NOTDIR | Errno::LOOP | Errno::ISDIR) => {
                self.discard_incoming(&incoming)?;
                Err(in_the_way(&open.path))
            }
            Err(error) => Err(self.failed("cannot make a folder for a file", error.into())),
        }
    }

    fn discard(&mut self, file: u64) -> Result<(), DestinationError> {
        match self.open.remove(&file) {
            Some(_) => self.discard_incoming(&incoming_name(file)),
            None => Ok(()),
        }
    }

    fn discard_incoming(&self, name: &str) -> Result<(), DestinationError> {
        let Some(folders) = &self.folders else { return Ok(()) };
        match unlinkat(&folders.incoming, name, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(error) => Err(self.failed("cannot remove a file", error.into())),
        }
    }

    /// Records the finished files in the transaction that is open.
    pub(super) fn record(&self, connection: &Connection) -> Result<(), DestinationError> {
        let write = || -> rusqlite::Result<()> {
            let mut statement = connection.prepare_cached("INSERT INTO \"_sluice_files\" VALUES (?, ?)")?;
            for file in &self.finished {
                statement.execute([file.incoming.as_str(), file.path.as_str()])?;
            }
            Ok(())
        };
        write().map_err(failed("writing the catalogue"))
    }

    /// Moves the files that were just committed to their places.
    ///
    /// # Errors
    /// The disk failed; what was not moved is moved at the next [`Uploads::repair`].
    pub(super) fn land(&mut self, connection: &Connection) -> Result<(), DestinationError> {
        if self.finished.is_empty() {
            return Ok(());
        }
        let finished = std::mem::take(&mut self.finished);
        self.place(&finished)?;
        forget(connection)
    }

    /// Discards what was not committed.
    pub(super) fn abandon(&mut self) -> Result<(), DestinationError> {
        let mut names: Vec<_> = self.finished.drain(..).map(|file| file.incoming).collect();
        names.extend(self.open.drain().map(|(file, _)| incoming_name(file)));
        names.iter().try_for_each(|name| self.discard_incoming(name))
    }

    /// Makes good what a sync that ended in between left over.
    pub(super) fn repair(&mut self, connection: &Connection) -> Result<(), DestinationError> {
        let pending = pending(connection)?;
        if pending.is_empty() && !self.incoming_path.exists() {
            return Ok(());
        }
        self.place(&pending)?;
        if !pending.is_empty() {
            forget(connection)?;
        }
        let swept = sweep(&self.folders()?.incoming);
        swept.map_err(|error| self.failed("cannot remove a file that no sync committed", error))
    }

    fn place(&mut self, files: &[Finished]) -> Result<(), DestinationError> {
        if files.is_empty() {
            return Ok(());
        }
        let folders = self.folders()?;
        let mut changed = HashSet::new();
        let moved = files.iter().try_for_each(|file| {
            let names: Vec<&str> = file.path.names().collect();
            let Some((name, parents)) = names.split_last() else { return Ok(()) };
            make_room(&folders.landed, &file.path)?;
            let parent = descend(&folders.landed, parents)?;
            match renameat(&folders.incoming, &file.incoming, &parent, *name) {
                // It was moved before, by a sync that ended before it could say so.
                Err(Errno::NOENT) => Ok(()),
                result => result,
            }?;
            changed.insert(parents.join("/"));
            Ok(())
        });
        // Each folder once, and those above it, whose entries may be new.
        let above: HashSet<&str> = changed.iter().flat_map(|path| with_ancestors(path)).collect();
        let synced = moved.and_then(|()| {
            above.iter().try_for_each(|path| {
                let names: Vec<&str> = path.split('/').filter(|name| !name.is_empty()).collect();
                fsync(descend(&folders.landed, &names)?)
            })
        });
        synced.map_err(|error| self.failed("cannot move a file to its place", error.into()))
    }

    fn folders(&mut self) -> Result<&Folders, DestinationError> {
        if self.folders.is_none() {
            let open = |path: &Path| {
                check_folder_of_ours(path)?;
                open_folder(path).map_err(|error| folder_failed(path, "cannot open the folder", error.into()))
            };
            self.folders = Some(Folders { incoming: open(&self.incoming_path)?, landed: open(&self.landed_path)? });
        }
        // Set above.
        self.folders.as_ref().ok_or(DestinationError::Ended)
    }

    fn failed(&self, reason: &str, error: io::Error) -> DestinationError {
        folder_failed(&self.landed_path, reason, error)
    }
}

/// Numbers are of one sync only; what another left is gone before the first file of this one.
fn incoming_name(file: u64) -> String {
    file.to_string()
}

fn folder_failed(path: &Path, reason: &str, error: io::Error) -> DestinationError {
    DestinationError::files(path, reason, Some(error))
}

fn in_the_way(path: &FilePath) -> DestinationError {
    DestinationError::FileInTheWay { path: path.as_str().to_owned() }
}

const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

fn open_folder(path: &Path) -> rustix::io::Result<OwnedFd> {
    rustix::fs::open(path, FOLDER, Mode::empty())
}

/// Makes the folders above a file, and finds out whether a folder is where the file is to be.
fn make_room(landed: &OwnedFd, path: &FilePath) -> rustix::io::Result<()> {
    let names: Vec<&str> = path.names().collect();
    let Some((name, parents)) = names.split_last() else { return Ok(()) };
    let mut folder = landed.try_clone().map_err(|_| Errno::MFILE)?;
    for parent in parents {
        match mkdirat(&folder, *parent, Mode::from_raw_mode(0o700)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(error),
        }
        folder = openat(&folder, *parent, FOLDER, Mode::empty())?;
    }
    match statat(&folder, *name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::Directory => Err(Errno::ISDIR),
        Ok(_) | Err(Errno::NOENT) => Ok(()),
        Err(error) => Err(error),
    }
}

fn descend(landed: &OwnedFd, names: &[&str]) -> rustix::io::Result<OwnedFd> {
    let start = landed.try_clone().map_err(|_| Errno::MFILE)?;
    names.iter().try_fold(start, |folder, name| openat(&folder, *name, FOLDER, Mode::empty()))
}

/// `a/b` gives `a/b`, `a` and the empty path.
fn with_ancestors(path: &str) -> impl Iterator<Item = &str> {
    let ends = path.match_indices('/').map(|(at, _)| at).chain([0, path.len()]);
    ends.filter_map(|end| path.get(..end))
}

fn pending(connection: &Connection) -> Result<Vec<Finished>, DestinationError> {
    let read = || -> rusqlite::Result<Vec<(String, String)>> {
        let mut statement =
            connection.prepare("SELECT \"incoming\", \"path\" FROM \"_sluice_files\" ORDER BY rowid")?;
        statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
    };
    let rows = read().map_err(failed("reading the catalogue"))?;
    // A database that somebody else prepared may say anything.
    let plain = |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
    let known = rows.into_iter().filter(|(incoming, _)| plain(incoming));
    Ok(known.filter_map(|(incoming, path)| Some(Finished { incoming, path: FilePath::parse(&path).ok()? })).collect())
}

fn forget(connection: &Connection) -> Result<(), DestinationError> {
    connection.execute("DELETE FROM \"_sluice_files\"", []).map(|_| ()).map_err(failed("writing the catalogue"))
}

/// Removes every file in a folder; folders in it are not ours and stay.
fn sweep(folder: &OwnedFd) -> io::Result<()> {
    for entry in Dir::read_from(folder)? {
        let entry = entry?;
        if entry.file_type() == FileType::Directory {
            continue;
        }
        match unlinkat(folder, entry.file_name(), AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT | Errno::ISDIR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
