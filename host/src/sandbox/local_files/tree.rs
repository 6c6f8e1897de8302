//! The tree of one sync's files: folders and files in memory, each counted before it is made.
//!
//! Nodes lie in one map by numbers that are never used again, so that nothing recurses and a
//! handle to a removed file cannot mean another.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::time::SystemTime;

use bytes::Bytes;
use wasmtime_wasi::p2::bindings::filesystem::types::ErrorCode;

use super::contents::Contents;
use super::path::{Place, components};
use crate::parcel::Archive;
use crate::policy::limits::Limits;

/// Names a node for as long as the sync runs.
pub(super) type Id = u64;

/// The folder `/`.
pub(super) const ROOT: Id = 0;

/// A file or a folder.
pub(super) enum Kind {
    File(Contents),
    Folder(BTreeMap<String, Id>),
    /// A file of the host's own that can only be read, and that no limit counts.
    Lent(Bytes),
}

/// When something was read, written, or changed in any way.
#[derive(Clone, Copy)]
pub(super) struct Times {
    pub(super) read: SystemTime,
    pub(super) written: SystemTime,
    pub(super) changed: SystemTime,
}

impl Times {
    fn at(now: SystemTime) -> Self {
        Self { read: now, written: now, changed: now }
    }
}

/// A file or folder and what is known about it.
pub(super) struct Node {
    pub(super) kind: Kind,
    pub(super) times: Times,
    /// The folder it stands in; of `/` itself. None once it is removed.
    parent: Option<Id>,
    /// Handles and streams that keep it although it is removed.
    open: usize,
}

impl Node {
    pub(super) fn is_folder(&self) -> bool {
        matches!(self.kind, Kind::Folder(_))
    }

    pub(super) fn is_lent(&self) -> bool {
        matches!(self.kind, Kind::Lent(_))
    }

    pub(super) fn is_linked(&self) -> bool {
        self.parent.is_some()
    }

    fn charge(&self) -> u64 {
        match &self.kind {
            Kind::File(contents) => Contents::charge(contents.len()),
            Kind::Folder(_) | Kind::Lent(_) => 0,
        }
    }
}

/// The files of one sync.
pub(super) struct Tree {
    nodes: HashMap<Id, Node>,
    next: Id,
    /// The time of everything, where the clock of the sync stands still.
    stands: Option<SystemTime>,
    bytes: u64,
    limit_bytes: u64,
    limit_files: usize,
    limit_depth: usize,
}

impl Tree {
    /// A tree with nothing but `/`. All times in it are the same when the clock of the sync stands still.
    pub(super) fn new(limits: &Limits, stands: Option<SystemTime>) -> Self {
        let times = Times::at(stands.unwrap_or_else(SystemTime::now));
        let root = Node { kind: Kind::Folder(BTreeMap::new()), times, parent: Some(ROOT), open: 1 };
        Self {
            nodes: HashMap::from([(ROOT, root)]),
            next: ROOT + 1,
            stands,
            bytes: 0,
            limit_bytes: limits.local_file_bytes,
            limit_files: limits.local_files,
            limit_depth: limits.local_file_depth,
        }
    }

    /// Lends files in a folder that stands nowhere, so that nothing is put into it or taken out of it.
    pub(super) fn lend<'a>(&mut self, files: impl IntoIterator<Item = (&'static str, &'a Archive)>) -> Id {
        let times = Times::at(self.now());
        let folder = self.next;
        let mut entries = BTreeMap::new();
        for (name, archive) in files {
            self.next += 1;
            entries.insert(name.to_owned(), self.next);
            let kind = Kind::Lent(archive.bytes().clone());
            self.nodes.insert(self.next, Node { kind, times, parent: Some(folder), open: 0 });
        }
        self.next += 1;
        self.limit_files += entries.len() + 1;
        self.nodes.insert(folder, Node { kind: Kind::Folder(entries), times, parent: None, open: 1 });
        folder
    }

    /// Whether entries of a folder may change: not of one that is lent.
    fn may_change(&self, folder: Id) -> Result<(), ErrorCode> {
        if self.node(folder)?.is_linked() { Ok(()) } else { Err(ErrorCode::ReadOnly) }
    }

    /// What the clock of the sync says.
    pub(super) fn now(&self) -> SystemTime {
        self.stands.unwrap_or_else(SystemTime::now)
    }

    pub(super) fn node(&self, id: Id) -> Result<&Node, ErrorCode> {
        self.nodes.get(&id).ok_or(ErrorCode::BadDescriptor)
    }

    pub(super) fn node_mut(&mut self, id: Id) -> Result<&mut Node, ErrorCode> {
        self.nodes.get_mut(&id).ok_or(ErrorCode::BadDescriptor)
    }

    fn entries(&self, id: Id) -> Result<&BTreeMap<String, Id>, ErrorCode> {
        match &self.node(id)?.kind {
            Kind::Folder(entries) => Ok(entries),
            Kind::File(_) | Kind::Lent(_) => Err(ErrorCode::NotDirectory),
        }
    }

    fn entries_mut(&mut self, id: Id) -> Result<&mut BTreeMap<String, Id>, ErrorCode> {
        let now = self.now();
        let node = self.node_mut(id)?;
        node.times.written = now;
        match &mut node.kind {
            Kind::Folder(entries) => Ok(entries),
            Kind::File(_) | Kind::Lent(_) => Err(ErrorCode::NotDirectory),
        }
    }

    fn contents(&self, id: Id) -> Result<&Contents, ErrorCode> {
        match &self.node(id)?.kind {
            Kind::File(contents) => Ok(contents),
            Kind::Folder(_) => Err(ErrorCode::IsDirectory),
            Kind::Lent(_) => Err(ErrorCode::ReadOnly),
        }
    }

    /// Where a path ends: everything before its last name exists and is a folder.
    pub(super) fn place<'p>(&self, from: Id, path: &'p str) -> Result<Place<'p>, ErrorCode> {
        let mut place = Place::Node(from);
        for name in components(path)? {
            let folder = self.existing(&place)?;
            let entries = self.entries(folder)?;
            place = match name {
                "." => Place::Node(folder),
                // Of `/` it is `/`: there is nothing outside.
                ".." => Place::Node(self.node(folder)?.parent.ok_or(ErrorCode::NoEntry)?),
                name => Place::Entry { folder, name, found: entries.get(name).copied() },
            };
        }
        if path.ends_with('/')
            && let Some(found) = place.node()
        {
            self.entries(found)?;
        }
        Ok(place)
    }

    fn existing(&self, place: &Place<'_>) -> Result<Id, ErrorCode> {
        place.node().ok_or(ErrorCode::NoEntry)
    }

    /// The node a path names.
    pub(super) fn find(&self, from: Id, path: &str) -> Result<Id, ErrorCode> {
        self.existing(&self.place(from, path)?)
    }

    /// Makes an empty file or folder.
    pub(super) fn create(&mut self, place: &Place<'_>, kind: Kind) -> Result<Id, ErrorCode> {
        let Place::Entry { folder, name, found: None } = *place else { return Err(ErrorCode::Exist) };
        self.may_hold(folder, 0)?;
        if self.nodes.len() > self.limit_files {
            return Err(ErrorCode::InsufficientSpace);
        }
        let id = self.next;
        self.next += 1;
        self.entries_mut(folder)?.insert(name.to_owned(), id);
        self.nodes.insert(id, Node { kind, times: Times::at(self.now()), parent: Some(folder), open: 0 });
        Ok(id)
    }

    /// Whether something may be put into a folder that has `below` folders under itself.
    fn may_hold(&self, folder: Id, below: usize) -> Result<(), ErrorCode> {
        let depth = self.ancestors(folder).take(self.limit_depth + 1).count() + below;
        if !self.node(folder)?.is_linked() {
            return Err(ErrorCode::NoEntry);
        }
        if depth > self.limit_depth { Err(ErrorCode::InsufficientSpace) } else { Ok(()) }
    }

    /// A node and the folders it stands in, up to `/`.
    fn ancestors(&self, id: Id) -> impl Iterator<Item = Id> + '_ {
        std::iter::successors(Some(id), |id| self.nodes.get(id).and_then(|node| node.parent).filter(|_| *id != ROOT))
    }

    /// How many levels of entries lie below a node.
    fn height(&self, id: Id) -> usize {
        let (mut level, mut height) = (vec![id], 0);
        loop {
            let entries = level.iter().filter_map(|id| self.entries(*id).ok());
            level = entries.flat_map(BTreeMap::values).copied().collect();
            if level.is_empty() {
                return height;
            }
            height += 1;
        }
    }

    /// Removes a file, or an empty folder if `folder` says that one is meant.
    pub(super) fn remove(&mut self, from: Id, path: &str, folder: bool) -> Result<(), ErrorCode> {
        let (parent, name, id) = match self.place(from, path)? {
            Place::Entry { folder, name, found } => (folder, name, found.ok_or(ErrorCode::NoEntry)?),
            Place::Node(_) => return Err(if folder { ErrorCode::Invalid } else { ErrorCode::IsDirectory }),
        };
        self.may_change(parent)?;
        match (&self.node(id)?.kind, folder) {
            (Kind::Folder(_), false) => return Err(ErrorCode::IsDirectory),
            (Kind::File(_) | Kind::Lent(_), true) => return Err(ErrorCode::NotDirectory),
            (Kind::Folder(entries), true) if !entries.is_empty() => return Err(ErrorCode::NotEmpty),
            _ => {}
        }
        self.entries_mut(parent)?.remove(name);
        self.unlink(id);
        Ok(())
    }

    fn unlink(&mut self, id: Id) {
        let now = self.now();
        if let Some(node) = self.nodes.get_mut(&id) {
            node.parent = None;
            node.times.changed = now;
        }
        self.forget_unused(id);
    }

    /// Moves a file or folder, onto what stands there if that is of its kind and, if a folder, empty.
    pub(super) fn rename(&mut self, from: Id, old: &str, to: Id, new: &str) -> Result<(), ErrorCode> {
        let Place::Entry { folder: old_folder, name: old_name, found } = self.place(from, old)? else {
            return Err(ErrorCode::Busy);
        };
        let id = found.ok_or(ErrorCode::NoEntry)?;
        let Place::Entry { folder: new_folder, name: new_name, found: replaced } = self.place(to, new)? else {
            return Err(ErrorCode::Busy);
        };
        if replaced == Some(id) {
            return Ok(());
        }
        self.may_change(old_folder)?;
        let moved_folder = self.node(id)?.is_folder();
        if moved_folder && self.ancestors(new_folder).any(|ancestor| ancestor == id) {
            return Err(ErrorCode::Invalid);
        }
        if !moved_folder && new.ends_with('/') {
            return Err(ErrorCode::NotDirectory);
        }
        if let Some(replaced) = replaced {
            match (&self.node(replaced)?.kind, moved_folder) {
                (Kind::Folder(_), false) => return Err(ErrorCode::IsDirectory),
                (Kind::File(_) | Kind::Lent(_), true) => return Err(ErrorCode::NotDirectory),
                (Kind::Folder(entries), true) if !entries.is_empty() => return Err(ErrorCode::NotEmpty),
                _ => {}
            }
        }
        let height = if moved_folder && old_folder != new_folder { self.height(id) } else { 0 };
        self.may_hold(new_folder, height)?;
        self.entries_mut(old_folder)?.remove(old_name);
        self.entries_mut(new_folder)?.insert(new_name.to_owned(), id);
        let now = self.now();
        let node = self.node_mut(id)?;
        node.parent = Some(new_folder);
        node.times.changed = now;
        if let Some(replaced) = replaced {
            self.unlink(replaced);
        }
        Ok(())
    }

    /// The first name of a folder behind `after`, and whether it is a folder.
    pub(super) fn entry_after(&self, id: Id, after: Option<&str>) -> Result<Option<(String, bool)>, ErrorCode> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let next = self.entries(id)?.range::<str, _>((start, Bound::Unbounded)).next();
        next.map(|(name, id)| Ok((name.clone(), self.node(*id)?.is_folder()))).transpose()
    }

    /// At most `most` bytes of a file; none at its end.
    pub(super) fn read(&self, id: Id, offset: u64, most: usize) -> Result<Vec<u8>, ErrorCode> {
        if let Kind::Lent(bytes) = &self.node(id)?.kind {
            let start = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
            let end = start.saturating_add(most).min(bytes.len());
            return Ok(bytes.get(start..end).unwrap_or_default().to_vec());
        }
        self.contents(id).map(|contents| contents.read(offset, most))
    }

    /// The length of a file.
    pub(super) fn len(&self, id: Id) -> Result<u64, ErrorCode> {
        if let Kind::Lent(bytes) = &self.node(id)?.kind {
            return Ok(bytes.len() as u64);
        }
        self.contents(id).map(Contents::len)
    }

    /// Writes all bytes or none.
    pub(super) fn write(&mut self, id: Id, offset: u64, bytes: &[u8]) -> Result<(), ErrorCode> {
        if self.node(id)?.is_lent() {
            return Err(ErrorCode::ReadOnly);
        }
        if bytes.is_empty() {
            return Ok(());
        }
        let end = offset.checked_add(bytes.len() as u64).ok_or(ErrorCode::FileTooLarge)?;
        if end > self.len(id)? {
            self.resize(id, end)?;
        }
        let now = self.now();
        let node = self.node_mut(id)?;
        if let Kind::File(contents) = &mut node.kind {
            contents.write(offset, bytes);
        }
        (node.times.written, node.times.changed) = (now, now);
        Ok(())
    }

    /// Makes a file longer, with zeros that take memory like any bytes, or shorter.
    pub(super) fn resize(&mut self, id: Id, len: u64) -> Result<(), ErrorCode> {
        let bytes = self.may_grow(id, len)?;
        let now = self.now();
        let node = self.node_mut(id)?;
        if let Kind::File(contents) = &mut node.kind {
            contents.resize(len)?;
        }
        (node.times.written, node.times.changed) = (now, now);
        self.bytes = bytes;
        Ok(())
    }

    /// Whether a file may have this length, and the bytes of all files if it had.
    pub(super) fn may_grow(&self, id: Id, len: u64) -> Result<u64, ErrorCode> {
        if self.node(id)?.is_lent() {
            return Err(ErrorCode::ReadOnly);
        }
        let (before, after) = (Contents::charge(self.len(id)?), Contents::charge(len));
        let bytes = self.bytes.saturating_sub(before).saturating_add(after);
        if after > before && bytes > self.limit_bytes { Err(ErrorCode::InsufficientSpace) } else { Ok(bytes) }
    }

    /// Keeps a node until it is closed as often as it was opened.
    pub(super) fn opened(&mut self, id: Id) {
        if let Some(node) = self.nodes.get_mut(&id) {
            node.open += 1;
        }
    }

    pub(super) fn closed(&mut self, id: Id) {
        if let Some(node) = self.nodes.get_mut(&id) {
            node.open = node.open.saturating_sub(1);
        }
        self.forget_unused(id);
    }

    fn forget_unused(&mut self, id: Id) {
        let unused = self.nodes.get(&id).is_some_and(|node| node.open == 0 && !node.is_linked());
        if unused && let Some(node) = self.nodes.remove(&id) {
            self.bytes = self.bytes.saturating_sub(node.charge());
        }
    }

    /// Whether nothing is left but what is reachable and counted; for tests.
    #[cfg(test)]
    pub(super) fn is_sound(&self) -> bool {
        let charges: u64 = self.nodes.values().map(Node::charge).sum();
        let linked = self.nodes.iter().filter(|(_, node)| node.is_linked());
        let reachable = linked.clone().all(|(id, _)| self.ancestors(*id).last() == Some(ROOT));
        charges == self.bytes && self.bytes <= self.limit_bytes && reachable && self.nodes.len() <= self.limit_files + 1
    }
}
