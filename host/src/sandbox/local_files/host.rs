//! `wasi:filesystem` over the tree.
//!
//! The generated traits name resource types of `wasmtime-wasi` that only it can make. A handle
//! is a number, so ours lie in the table as our own types and are named by the same number.

use std::any::Any;
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use wasmtime::component::Resource;
use wasmtime_wasi::filesystem::Descriptor;
use wasmtime_wasi::p2::bindings::clocks::wall_clock::Datetime;
use wasmtime_wasi::p2::bindings::filesystem::{preopens, types};
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, FsError, FsResult, ReaddirIterator};

use super::streams::{PIECE, Reader, Writer};
use super::tree::{Id, Kind, Node, ROOT, Times};
use super::{FilesView, LENT, Open};
use types::{
    Advice, DescriptorFlags, DescriptorStat, DescriptorType, DirectoryEntry, ErrorCode, Filesize, MetadataHashValue,
    NewTimestamp, OpenFlags, PathFlags,
};

/// A file or folder that a guest has open.
struct Handle {
    open: Open,
    flags: DescriptorFlags,
}

/// A folder that a guest lists. Only a name is kept, whatever the folder's size.
struct Listing {
    open: Open,
    last: Option<String>,
}

type Fd = Resource<Descriptor>;

impl FilesView<'_> {
    fn handle(&self, fd: &Fd) -> FsResult<&Handle> {
        Ok(self.table.get(&Resource::<Handle>::new_borrow(fd.rep()))?)
    }

    fn id(&self, fd: &Fd) -> FsResult<Id> {
        self.handle(fd).map(|handle| handle.open.id())
    }

    /// The node of a handle that is open for writing.
    fn writable(&self, fd: &Fd) -> FsResult<&Handle> {
        let handle = self.handle(fd)?;
        if handle.flags.contains(DescriptorFlags::WRITE) { Ok(handle) } else { Err(ErrorCode::BadDescriptor.into()) }
    }

    /// Gives the guest a handle; an error, not a trap, when it has too many.
    fn give<T: Any + Send, As: 'static>(&mut self, value: T) -> FsResult<Resource<As>> {
        if self.files.are_too_many_open() {
            return Err(ErrorCode::InsufficientMemory.into());
        }
        let resource = self.table.push(value).map_err(|_| ErrorCode::InsufficientMemory)?;
        Ok(Resource::new_own(resource.rep()))
    }

    fn give_stream<T: Any + Send>(&mut self, stream: T) -> FsResult<Resource<T>> {
        self.give::<T, T>(stream)
    }

    fn set_times_of(&self, id: Id, read: NewTimestamp, written: NewTimestamp) -> FsResult<()> {
        let mut tree = self.files.tree();
        let now = tree.now();
        let (read, written) = (timestamp(read, now)?, timestamp(written, now)?);
        let Times { read: old_read, written: old_written, .. } = tree.node(id)?.times;
        tree.node_mut(id)?.times =
            Times { read: read.unwrap_or(old_read), written: written.unwrap_or(old_written), changed: now };
        Ok(())
    }
}

impl preopens::Host for FilesView<'_> {
    fn get_directories(&mut self) -> wasmtime::Result<Vec<(Fd, String)>> {
        let flags = DescriptorFlags::READ | DescriptorFlags::MUTATE_DIRECTORY;
        let root = self.table.push(Handle { open: self.files.open(ROOT), flags })?;
        let mut directories = vec![(Resource::new_own(root.rep()), "/".to_owned())];
        if let Some(lent) = self.files.lent {
            let folder = self.table.push(Handle { open: self.files.open(lent), flags: DescriptorFlags::READ })?;
            directories.push((Resource::new_own(folder.rep()), LENT.to_owned()));
        }
        Ok(directories)
    }
}

impl types::Host for FilesView<'_> {
    fn convert_error_code(&mut self, error: FsError) -> wasmtime::Result<ErrorCode> {
        error.downcast()
    }

    fn filesystem_error_code(&mut self, error: Resource<wasmtime::Error>) -> wasmtime::Result<Option<ErrorCode>> {
        Ok(self.table.get(&error)?.downcast_ref::<ErrorCode>().copied())
    }
}

impl types::HostDescriptor for FilesView<'_> {
    async fn advise(&mut self, fd: Fd, _: Filesize, _: Filesize, _: Advice) -> FsResult<()> {
        self.handle(&fd).map(|_| ())
    }

    async fn sync_data(&mut self, fd: Fd) -> FsResult<()> {
        self.handle(&fd).map(|_| ())
    }

    async fn sync(&mut self, fd: Fd) -> FsResult<()> {
        self.handle(&fd).map(|_| ())
    }

    async fn get_flags(&mut self, fd: Fd) -> FsResult<DescriptorFlags> {
        self.handle(&fd).map(|handle| handle.flags)
    }

    async fn get_type(&mut self, fd: Fd) -> FsResult<DescriptorType> {
        let id = self.id(&fd)?;
        Ok(type_of(self.files.tree().node(id)?))
    }

    async fn set_size(&mut self, fd: Fd, size: Filesize) -> FsResult<()> {
        let id = self.writable(&fd)?.open.id();
        Ok(self.files.tree().resize(id, size)?)
    }

    async fn set_times(&mut self, fd: Fd, read: NewTimestamp, written: NewTimestamp) -> FsResult<()> {
        self.set_times_of(self.id(&fd)?, read, written)
    }

    async fn read(&mut self, fd: Fd, length: Filesize, offset: Filesize) -> FsResult<(Vec<u8>, bool)> {
        let id = self.readable(&fd)?.open.id();
        let most = usize::try_from(length).unwrap_or(usize::MAX).min(PIECE);
        let tree = self.files.tree();
        let bytes = tree.read(id, offset, most)?;
        let ended = offset.saturating_add(bytes.len() as u64) >= tree.len(id)?;
        Ok((bytes, ended))
    }

    async fn write(&mut self, fd: Fd, bytes: Vec<u8>, offset: Filesize) -> FsResult<Filesize> {
        let id = self.writable(&fd)?.open.id();
        self.files.tree().write(id, offset, &bytes)?;
        Ok(bytes.len() as Filesize)
    }

    async fn read_directory(&mut self, fd: Fd) -> FsResult<Resource<ReaddirIterator>> {
        let open = self.handle(&fd)?.open.again();
        if !open.tree().node(open.id())?.is_folder() {
            return Err(ErrorCode::NotDirectory.into());
        }
        self.give(Listing { open, last: None })
    }

    async fn create_directory_at(&mut self, fd: Fd, path: String) -> FsResult<()> {
        let id = self.id(&fd)?;
        let mut tree = self.files.tree();
        let place = tree.place(id, &path)?;
        tree.create(&place, Kind::Folder(BTreeMap::new()))?;
        Ok(())
    }

    async fn stat(&mut self, fd: Fd) -> FsResult<DescriptorStat> {
        let id = self.id(&fd)?;
        Ok(stat(self.files.tree().node(id)?))
    }

    async fn stat_at(&mut self, fd: Fd, _: PathFlags, path: String) -> FsResult<DescriptorStat> {
        let id = self.id(&fd)?;
        let tree = self.files.tree();
        Ok(stat(tree.node(tree.find(id, &path)?)?))
    }

    async fn set_times_at(
        &mut self,
        fd: Fd,
        _: PathFlags,
        path: String,
        read: NewTimestamp,
        written: NewTimestamp,
    ) -> FsResult<()> {
        let id = self.id(&fd)?;
        let found = self.files.tree().find(id, &path)?;
        self.set_times_of(found, read, written)
    }

    async fn link_at(&mut self, _: Fd, _: PathFlags, _: String, _: Fd, _: String) -> FsResult<()> {
        Err(ErrorCode::NotPermitted.into())
    }

    async fn open_at(
        &mut self,
        fd: Fd,
        _: PathFlags,
        path: String,
        how: OpenFlags,
        flags: DescriptorFlags,
    ) -> FsResult<Fd> {
        let id = self.id(&fd)?;
        if self.files.are_too_many_open() {
            return Err(ErrorCode::InsufficientMemory.into());
        }
        let writes = flags.contains(DescriptorFlags::WRITE);
        let mut tree = self.files.tree();
        let place = tree.place(id, &path)?;
        let found = match place.node() {
            Some(_) if how.contains(OpenFlags::CREATE | OpenFlags::EXCLUSIVE) => return Err(ErrorCode::Exist.into()),
            Some(found) => {
                let is_folder = tree.node(found)?.is_folder();
                if is_folder && (writes || how.contains(OpenFlags::TRUNCATE)) {
                    return Err(ErrorCode::IsDirectory.into());
                }
                if !is_folder && how.contains(OpenFlags::DIRECTORY) {
                    return Err(ErrorCode::NotDirectory.into());
                }
                if writes && tree.node(found)?.is_lent() {
                    return Err(ErrorCode::ReadOnly.into());
                }
                if how.contains(OpenFlags::TRUNCATE) {
                    tree.resize(found, 0)?;
                }
                found
            }
            None if !how.contains(OpenFlags::CREATE) => return Err(ErrorCode::NoEntry.into()),
            None if how.contains(OpenFlags::DIRECTORY) => return Err(ErrorCode::Invalid.into()),
            None if path.ends_with('/') => return Err(ErrorCode::IsDirectory.into()),
            None => tree.create(&place, Kind::File(super::contents::Contents::default()))?,
        };
        drop(tree);
        let open = self.files.open(found);
        self.give(Handle { open, flags })
    }

    fn drop(&mut self, fd: Fd) -> wasmtime::Result<()> {
        self.table.delete(Resource::<Handle>::new_own(fd.rep()))?;
        Ok(())
    }

    async fn readlink_at(&mut self, fd: Fd, path: String) -> FsResult<String> {
        let id = self.id(&fd)?;
        self.files.tree().find(id, &path)?;
        // There are no links.
        Err(ErrorCode::Invalid.into())
    }

    async fn remove_directory_at(&mut self, fd: Fd, path: String) -> FsResult<()> {
        let id = self.id(&fd)?;
        Ok(self.files.tree().remove(id, &path, true)?)
    }

    async fn rename_at(&mut self, fd: Fd, old: String, new_fd: Fd, new: String) -> FsResult<()> {
        let (from, to) = (self.id(&fd)?, self.id(&new_fd)?);
        Ok(self.files.tree().rename(from, &old, to, &new)?)
    }

    async fn symlink_at(&mut self, _: Fd, _: String, _: String) -> FsResult<()> {
        Err(ErrorCode::NotPermitted.into())
    }

    async fn unlink_file_at(&mut self, fd: Fd, path: String) -> FsResult<()> {
        let id = self.id(&fd)?;
        Ok(self.files.tree().remove(id, &path, false)?)
    }

    fn read_via_stream(&mut self, fd: Fd, offset: Filesize) -> FsResult<Resource<DynInputStream>> {
        let open = self.readable(&fd)?.open.again();
        open.tree().len(open.id())?;
        self.give_stream::<DynInputStream>(Box::new(Reader { open, position: offset }))
    }

    fn write_via_stream(&mut self, fd: Fd, offset: Filesize) -> FsResult<Resource<DynOutputStream>> {
        let open = self.writable(&fd)?.open.again();
        // libc can only say why here: what fails in a stream is to it an I/O error without a cause.
        open.tree().may_grow(open.id(), offset.saturating_add(1))?;
        self.give_stream::<DynOutputStream>(Box::new(Writer { open, position: Some(offset) }))
    }

    fn append_via_stream(&mut self, fd: Fd) -> FsResult<Resource<DynOutputStream>> {
        let open = self.writable(&fd)?.open.again();
        {
            let tree = open.tree();
            tree.may_grow(open.id(), tree.len(open.id())?.saturating_add(1))?;
        }
        self.give_stream::<DynOutputStream>(Box::new(Writer { open, position: None }))
    }

    async fn is_same_object(&mut self, a: Fd, b: Fd) -> wasmtime::Result<bool> {
        let of = |fd: &Fd| self.table.get(&Resource::<Handle>::new_borrow(fd.rep())).map(|handle| handle.open.id());
        Ok(of(&a)? == of(&b)?)
    }

    async fn metadata_hash(&mut self, fd: Fd) -> FsResult<MetadataHashValue> {
        self.id(&fd).map(hash)
    }

    async fn metadata_hash_at(&mut self, fd: Fd, _: PathFlags, path: String) -> FsResult<MetadataHashValue> {
        let id = self.id(&fd)?;
        Ok(hash(self.files.tree().find(id, &path)?))
    }
}

impl FilesView<'_> {
    fn readable(&self, fd: &Fd) -> FsResult<&Handle> {
        let handle = self.handle(fd)?;
        if handle.flags.contains(DescriptorFlags::READ) { Ok(handle) } else { Err(ErrorCode::BadDescriptor.into()) }
    }
}

impl types::HostDirectoryEntryStream for FilesView<'_> {
    async fn read_directory_entry(&mut self, stream: Resource<ReaddirIterator>) -> FsResult<Option<DirectoryEntry>> {
        let listing = self.table.get_mut(&Resource::<Listing>::new_borrow(stream.rep()))?;
        let entry = listing.open.tree().entry_after(listing.open.id(), listing.last.as_deref())?;
        Ok(entry.map(|(name, is_folder)| {
            listing.last = Some(name.clone());
            DirectoryEntry { type_: kind(is_folder), name }
        }))
    }

    fn drop(&mut self, stream: Resource<ReaddirIterator>) -> wasmtime::Result<()> {
        self.table.delete(Resource::<Listing>::new_own(stream.rep()))?;
        Ok(())
    }
}

fn kind(is_folder: bool) -> DescriptorType {
    if is_folder { DescriptorType::Directory } else { DescriptorType::RegularFile }
}

fn type_of(node: &Node) -> DescriptorType {
    kind(node.is_folder())
}

fn stat(node: &Node) -> DescriptorStat {
    let size = match &node.kind {
        Kind::File(contents) => contents.len(),
        Kind::Lent(bytes) => bytes.len() as u64,
        Kind::Folder(_) => 0,
    };
    DescriptorStat {
        type_: type_of(node),
        link_count: u64::from(node.is_linked()),
        size,
        data_access_timestamp: datetime(node.times.read),
        data_modification_timestamp: datetime(node.times.written),
        status_change_timestamp: datetime(node.times.changed),
    }
}

/// What libc makes the inode of: numbers of nodes are never used again.
fn hash(id: Id) -> MetadataHashValue {
    MetadataHashValue { lower: id + 1, upper: 0 }
}

fn datetime(time: SystemTime) -> Option<Datetime> {
    let since = time.duration_since(UNIX_EPOCH).ok()?;
    Some(Datetime { seconds: since.as_secs(), nanoseconds: since.subsec_nanos() })
}

/// The time to set, or None to leave it.
fn timestamp(new: NewTimestamp, now: SystemTime) -> Result<Option<SystemTime>, ErrorCode> {
    match new {
        NewTimestamp::NoChange => Ok(None),
        NewTimestamp::Now => Ok(Some(now)),
        NewTimestamp::Timestamp(Datetime { seconds, nanoseconds }) if nanoseconds < 1_000_000_000 => {
            let time = UNIX_EPOCH.checked_add(Duration::new(seconds, nanoseconds));
            time.map(Some).ok_or(ErrorCode::Overflow)
        }
        NewTimestamp::Timestamp(_) => Err(ErrorCode::Invalid),
    }
}
