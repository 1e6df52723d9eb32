//! Files of an image as FUSE has them: requests of the host's kernel, answered out of nodes.

mod attributes;
mod listings;
mod nodes;
mod open;

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use fuser::{
    AccessFlags, BsdFileFlags, Errno, FileHandle, Filesystem, FopenFlags, Generation, INodeNo,
    InitFlags, KernelConfig, LockOwner, OpenFlags, RenameFlags, ReplyAttr, ReplyCreate, ReplyData,
    ReplyDirectory, ReplyEmpty, ReplyEntry, ReplyLseek, ReplyOpen, ReplyStatfs, ReplyWrite,
    ReplyXattr, Request, TimeOrNow, WriteFlags,
};
use rump::fs::{Changes, Kind, Node, SeekFrom};

use attributes::{attr, kind_of, time};
use listings::Listings;
use nodes::Nodes;
use open::OpenFiles;

/// How long the host's kernel may believe an answer: nobody else changes the image.
const VALID: Duration = Duration::from_secs(60);

/// Serves the files of an image.
pub(crate) struct Server {
    nodes: Nodes,
    open: OpenFiles,
    listings: Listings,
}

fn errno(errno: rump::Errno) -> Errno {
    Errno::from_i32(errno.number())
}

/// Attributes that stand for something of the host's kernel's, as lists of who may: an image has none of these, and who
/// sets one is to go by modes.
fn is_hosts(name: &OsStr) -> bool {
    name.as_bytes().starts_with(b"system.")
}

type Answer<R> = Result<R, rump::Errno>;

impl Server {
    pub(crate) fn new(root: Node) -> Server {
        Server {
            nodes: Nodes::new(root),
            open: OpenFiles::default(),
            listings: Listings::default(),
        }
    }

    fn node(&self, inode: INodeNo) -> Answer<Node> {
        self.nodes.get(inode.0).ok_or(rump::Errno::ESTALE)
    }

    fn attributes(&self, node: &Node) -> Answer<fuser::FileAttr> {
        let metadata = node.metadata()?;
        Ok(attr(self.nodes.id(node), &metadata))
    }

    /// Answers with an inode, which the host's kernel knows from now on.
    fn entry(&self, reply: ReplyEntry, found: Answer<Node>) {
        let entry = found.and_then(|node| Ok((self.attributes(&node)?, node)));
        match entry {
            Ok((attr, node)) => {
                self.nodes.add(node);
                reply.entry(&VALID, &attr, Generation(0));
            }
            Err(error) => reply.error(errno(error)),
        }
    }

    fn empty(reply: ReplyEmpty, done: Answer<()>) {
        match done {
            Ok(()) => reply.ok(),
            Err(error) => reply.error(errno(error)),
        }
    }

    /// Makes something that belongs to whoever asks.
    fn make(
        &self,
        request: &Request,
        parent: INodeNo,
        name: &OsStr,
        kind: Kind,
        mode: u32,
        target: &[u8],
    ) -> Answer<Node> {
        let parent = self.node(parent)?;
        let node = parent.create(name.as_bytes(), kind, mode & 0o7777, target)?;
        let hands_on = parent.metadata()?.mode() & 0o2000 != 0;
        let changes = Changes {
            owner: Some(request.uid()),
            group: Some(request.gid()).filter(|_| !hands_on),
            mode: (kind != Kind::Symlink)
                .then(|| node.metadata().map(|m| m.mode()))
                .transpose()?,
            ..Changes::default()
        };
        if request.uid() != 0 || request.gid() != 0 {
            match node.change(&changes) {
                // Where nobody owns anything.
                Err(rump::Errno::EPERM | rump::Errno::EOPNOTSUPP) => {}
                changed => changed?,
            }
        }
        Ok(node)
    }

    /// Answers with bytes, or with how many there are if nothing is asked for.
    fn sized(reply: ReplyXattr, size: u32, bytes: Answer<Vec<u8>>) {
        match bytes {
            Err(error) => reply.error(errno(error)),
            Ok(bytes) if size == 0 => reply.size(bytes.len() as u32),
            Ok(bytes) if bytes.len() > size as usize => reply.error(Errno::ERANGE),
            Ok(bytes) => reply.data(&bytes),
        }
    }
}

impl Filesystem for Server {
    fn init(&mut self, _: &Request, config: &mut KernelConfig) -> std::io::Result<()> {
        // Those that are not there are done without.
        let wanted = InitFlags::FUSE_PARALLEL_DIROPS | InitFlags::FUSE_CACHE_SYMLINKS;
        let _ = config.add_capabilities(wanted);
        let _ = config.set_max_write(1 << 20);
        let _ = config.set_max_readahead(1 << 20);
        Ok(())
    }

    fn lookup(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let found = self
            .node(parent)
            .and_then(|parent| parent.lookup(name.as_bytes()));
        self.entry(reply, found);
    }

    fn forget(&self, _: &Request, inode: INodeNo, count: u64) {
        self.nodes.forget(inode.0, count);
    }

    fn getattr(&self, _: &Request, inode: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        match self.node(inode).and_then(|node| self.attributes(&node)) {
            Ok(attr) => reply.attr(&VALID, &attr),
            Err(error) => reply.error(errno(error)),
        }
    }

    fn setattr(
        &self,
        _: &Request,
        inode: INodeNo,
        mode: Option<u32>,
        owner: Option<u32>,
        group: Option<u32>,
        size: Option<u64>,
        accessed: Option<TimeOrNow>,
        modified: Option<TimeOrNow>,
        _: Option<SystemTime>,
        _: Option<FileHandle>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        let changes = Changes {
            mode: mode.map(|mode| mode & 0o7777),
            owner,
            group,
            size,
            accessed: accessed.map(time),
            modified: modified.map(time),
            changed: None,
        };
        let done = self.node(inode).and_then(|node| {
            node.change(&changes)?;
            self.attributes(&node)
        });
        match done {
            Ok(attr) => reply.attr(&VALID, &attr),
            Err(error) => reply.error(errno(error)),
        }
    }

    fn readlink(&self, _: &Request, inode: INodeNo, reply: ReplyData) {
        match self.node(inode).and_then(|node| node.read_link()) {
            Ok(target) => reply.data(&target),
            Err(error) => reply.error(errno(error)),
        }
    }

    fn mknod(
        &self,
        request: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        _: u32,
        device: u32,
        reply: ReplyEntry,
    ) {
        let made = kind_of(mode, device)
            .and_then(|kind| self.make(request, parent, name, kind, mode, &[]));
        self.entry(reply, made);
    }

    fn mkdir(
        &self,
        request: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        _: u32,
        reply: ReplyEntry,
    ) {
        let made = self.make(request, parent, name, Kind::Directory, mode, &[]);
        self.entry(reply, made);
    }

    fn symlink(
        &self,
        request: &Request,
        parent: INodeNo,
        name: &OsStr,
        target: &Path,
        reply: ReplyEntry,
    ) {
        let target = target.as_os_str().as_bytes();
        let made = self.make(request, parent, name, Kind::Symlink, 0o777, target);
        self.entry(reply, made);
    }

    fn unlink(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        let parent = self.node(parent);
        Server::empty(
            reply,
            parent.and_then(|parent| parent.remove(name.as_bytes(), false)),
        );
    }

    fn rmdir(&self, _: &Request, parent: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        let parent = self.node(parent);
        Server::empty(
            reply,
            parent.and_then(|parent| parent.remove(name.as_bytes(), true)),
        );
    }

    fn rename(
        &self,
        _: &Request,
        parent: INodeNo,
        name: &OsStr,
        new_parent: INodeNo,
        new_name: &OsStr,
        flags: RenameFlags,
        reply: ReplyEmpty,
    ) {
        let done = self.node(parent).and_then(|from| {
            let to = self.node(new_parent)?;
            from.rename_with(name.as_bytes(), &to, new_name.as_bytes(), flags.bits())
        });
        Server::empty(reply, done);
    }

    fn link(&self, _: &Request, inode: INodeNo, parent: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let linked = self.node(inode).and_then(|node| {
            node.link(&self.node(parent)?, name.as_bytes())?;
            Ok(node)
        });
        self.entry(reply, linked);
    }

    fn open(&self, _: &Request, inode: INodeNo, flags: OpenFlags, reply: ReplyOpen) {
        let opened = self
            .node(inode)
            .and_then(|node| self.open.add(&node, flags));
        match opened {
            Ok(handle) => reply.opened(handle, FopenFlags::FOPEN_KEEP_CACHE),
            Err(error) => reply.error(errno(error)),
        }
    }

    fn create(
        &self,
        request: &Request,
        parent: INodeNo,
        name: &OsStr,
        mode: u32,
        _: u32,
        flags: i32,
        reply: ReplyCreate,
    ) {
        let made = self
            .make(request, parent, name, Kind::File, mode, &[])
            .and_then(|node| {
                let attr = self.attributes(&node)?;
                let handle = self.open.add(&node, OpenFlags(flags))?;
                Ok((node, attr, handle))
            });
        match made {
            Ok((node, attr, handle)) => {
                self.nodes.add(node);
                let flags = FopenFlags::FOPEN_KEEP_CACHE;
                reply.created(&VALID, &attr, Generation(0), handle, flags);
            }
            Err(error) => reply.error(errno(error)),
        }
    }

    fn read(
        &self,
        _: &Request,
        _: INodeNo,
        handle: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        match self.open.read(handle, offset, size as usize) {
            Ok(bytes) => reply.data(&bytes),
            Err(error) => reply.error(errno(error)),
        }
    }

    fn write(
        &self,
        _: &Request,
        _: INodeNo,
        handle: FileHandle,
        offset: u64,
        data: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        match self.open.write(handle, offset, data) {
            Ok(count) => reply.written(count as u32),
            Err(error) => reply.error(errno(error)),
        }
    }

    fn flush(&self, _: &Request, _: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        // What was written is in the kernel here, as it would be in the host's.
        reply.ok();
    }

    fn release(
        &self,
        _: &Request,
        _: INodeNo,
        handle: FileHandle,
        _: OpenFlags,
        _: Option<LockOwner>,
        _: bool,
        reply: ReplyEmpty,
    ) {
        self.open.remove(handle);
        reply.ok();
    }

    fn fsync(
        &self,
        _: &Request,
        _: INodeNo,
        handle: FileHandle,
        data_only: bool,
        reply: ReplyEmpty,
    ) {
        let synced = self.open.get(handle).and_then(|file| match data_only {
            true => file.sync_data(),
            false => file.sync_all(),
        });
        Server::empty(reply, synced);
    }

    fn fsyncdir(&self, _: &Request, inode: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        Server::empty(reply, self.node(inode).and_then(|node| node.sync_all()));
    }

    fn opendir(&self, _: &Request, inode: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        match self.node(inode) {
            Ok(_) => reply.opened(self.listings.add(), FopenFlags::empty()),
            Err(error) => reply.error(errno(error)),
        }
    }

    fn readdir(
        &self,
        _: &Request,
        inode: INodeNo,
        handle: FileHandle,
        offset: u64,
        mut reply: ReplyDirectory,
    ) {
        let node = self.node(inode);
        match node.and_then(|node| self.list(&node, handle, offset, &mut reply)) {
            Ok(()) => reply.ok(),
            Err(error) => reply.error(errno(error)),
        }
    }

    fn releasedir(
        &self,
        _: &Request,
        _: INodeNo,
        handle: FileHandle,
        _: OpenFlags,
        reply: ReplyEmpty,
    ) {
        self.listings.remove(handle);
        reply.ok();
    }

    fn statfs(&self, _: &Request, inode: INodeNo, reply: ReplyStatfs) {
        match self.node(inode).and_then(|node| node.status_of_all()) {
            Ok(stat) => reply.statfs(
                stat.blocks,
                stat.free_blocks,
                stat.available_blocks,
                stat.inodes,
                stat.free_inodes,
                stat.block_size,
                stat.longest_name,
                stat.block_size,
            ),
            Err(error) => reply.error(errno(error)),
        }
    }

    fn setxattr(
        &self,
        _: &Request,
        inode: INodeNo,
        name: &OsStr,
        value: &[u8],
        flags: i32,
        _: u32,
        reply: ReplyEmpty,
    ) {
        if is_hosts(name) {
            return reply.error(Errno::EOPNOTSUPP);
        }
        let node = self.node(inode);
        let set = node.and_then(|node| node.set_xattr(name.as_bytes(), value, flags as u32));
        Server::empty(reply, set);
    }

    fn getxattr(&self, _: &Request, inode: INodeNo, name: &OsStr, size: u32, reply: ReplyXattr) {
        if is_hosts(name) {
            return reply.error(Errno::EOPNOTSUPP);
        }
        let value = self
            .node(inode)
            .and_then(|node| node.xattr(name.as_bytes()));
        Server::sized(reply, size, value);
    }

    fn listxattr(&self, _: &Request, inode: INodeNo, size: u32, reply: ReplyXattr) {
        let names = self.node(inode).and_then(|node| node.xattrs());
        let names = names.map(|names| {
            let mut bytes = Vec::new();
            for name in names {
                bytes.extend_from_slice(&name);
                bytes.push(0);
            }
            bytes
        });
        Server::sized(reply, size, names);
    }

    fn removexattr(&self, _: &Request, inode: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        let node = self.node(inode);
        Server::empty(
            reply,
            node.and_then(|node| node.remove_xattr(name.as_bytes())),
        );
    }

    fn access(&self, _: &Request, inode: INodeNo, _: AccessFlags, reply: ReplyEmpty) {
        // The host's kernel checks modes where anybody but the mounter may come in.
        Server::empty(reply, self.node(inode).map(drop));
    }

    fn fallocate(
        &self,
        _: &Request,
        _: INodeNo,
        handle: FileHandle,
        offset: u64,
        len: u64,
        mode: i32,
        reply: ReplyEmpty,
    ) {
        let done = self.open.get(handle);
        Server::empty(
            reply,
            done.and_then(|file| file.allocate(mode as u32, offset, len)),
        );
    }

    fn lseek(
        &self,
        _: &Request,
        _: INodeNo,
        handle: FileHandle,
        offset: i64,
        whence: i32,
        reply: ReplyLseek,
    ) {
        const SEEK_DATA: i32 = 3;
        const SEEK_HOLE: i32 = 4;
        let place = self.open.get(handle).and_then(|file| match whence {
            SEEK_DATA => file.seek_data(u64::try_from(offset).map_err(|_| rump::Errno::ENXIO)?),
            SEEK_HOLE => file.seek_hole(u64::try_from(offset).map_err(|_| rump::Errno::ENXIO)?),
            _ => file.seek(SeekFrom::End(offset)),
        });
        match place {
            Ok(place) => reply.offset(place as i64),
            Err(error) => reply.error(errno(error)),
        }
    }
}

impl Server {
    /// Fills a reply with entries from an offset on: zero is `.`, one is `..`, those of the directory come behind.
    fn list(
        &self,
        node: &Node,
        handle: FileHandle,
        offset: u64,
        reply: &mut ReplyDirectory,
    ) -> Answer<()> {
        let listing = self.listings.get(handle, node, offset)?;
        let own = INodeNo(self.nodes.id(node));
        // The host's kernel knows itself what is above.
        let dots = [OsStr::new("."), OsStr::new("..")];
        let dots = dots.map(|name| (own, fuser::FileType::Directory, name));
        let entries = listing.iter().filter_map(|entry| {
            let kind = match entry.file_type {
                Some(kind) => kind,
                // What went meanwhile is left out.
                None => node.lookup(&entry.name).ok()?.file_type(),
            };
            let id = INodeNo(self.nodes.id_of(entry.inode));
            Some((id, attributes::kind(kind), OsStr::from_bytes(&entry.name)))
        });
        let all = (1..).zip(dots.into_iter().chain(entries));
        for (next, (id, kind, name)) in all.skip(usize::try_from(offset).unwrap_or(usize::MAX)) {
            if reply.add(id, next, kind, name) {
                break;
            }
        }
        Ok(())
    }
}
