//! The file system: each operation a call of the host's.

use alloc::vec;
use alloc::vec::Vec;

use base::sync::Leaf;
use base::{Errno, HostHandle, Lwp};
use hypercall::{Bytes, HostChanges, HostFile, HostUsage, hostfs};
use vfs::{
    Attributes, Changes, Creation, Entry, Existence, FileSystem, Ino, Kind, Place, Properties,
    Storage, Usage,
};

use crate::convert;
use crate::inodes::Inodes;

/// `HOSTFS_SUPER_MAGIC`.
const MAGIC: u32 = 0x00c0_ffee;

/// Bytes of entries that are asked for at once.
const ENTRIES: usize = 32 * 1024;

/// Bytes of the longest text of a link, and of the most that extended attributes hold.
const LONGEST_LINK: usize = 4096;
const LARGEST_XATTR: usize = 64 * 1024;

/// What names of extended attributes begin with that are for anybody. Others are what the host goes by.
const USER: &[u8] = b"user.";

/// Which extended attributes are set: new ones, those that are there; or taken away.
const NEW: u32 = 1;
const OLD: u32 = 2;
const REMOVE: u32 = 4;

/// A directory of the host.
pub(crate) struct HostFs {
    inodes: Inodes,
    properties: Properties,
    /// All handles, for the end.
    open: HostHandle,
    /// Something was changed since everything was last made to survive.
    changed: Leaf<bool>,
}

impl HostFs {
    /// Opens the directory of a path.
    pub(crate) fn attach(lwp: &Lwp<'_>, path: &[u8], read_only: bool) -> Result<Self, Errno> {
        let mut root = HostFile::default();
        let handle = Errno::check(hostfs::attach(path.into(), &mut root))?;
        let open = lwp.instance().keep(handle, hostfs::detach);
        root.handle = handle;
        let mut usage = HostUsage::default();
        let known = Errno::check(hostfs::usage(handle, &mut usage));
        match known.and_then(|_| Inodes::new(&root)) {
            Ok(inodes) => Ok(HostFs {
                inodes,
                properties: Properties {
                    magic: MAGIC,
                    storage: Storage::Nowhere,
                    read_only,
                    largest_file: i64::MAX as u64,
                    longest_name: usage.longest_name,
                    folds_case: false,
                },
                open,
                changed: Leaf::new(false),
            }),
            Err(errno) => {
                open.close();
                Err(errno)
            }
        }
    }

    /// Notes that something is changed.
    fn changes(&self) {
        self.changed.with(|changed| *changed = true);
    }

    /// Two directories' handles, for a call that needs both.
    fn with_both(&self, one: Ino, other: Ino, f: impl Fn(u64, u64) -> i64) -> Result<(), Errno> {
        let mut inner = Ok(0);
        self.inodes.with(one, |one| {
            inner = self.inodes.with(other, |other| f(one, other));
            0
        })?;
        inner.map(drop)
    }

    /// Has an inode's handle there before its name goes.
    fn hold(&self, inode: Ino) -> Result<HostFile, Errno> {
        let mut about = HostFile::default();
        self.inodes
            .with(inode, |handle| hostfs::look(handle, &mut about))?;
        Ok(about)
    }

    /// Takes note that an inode lost a name: of a file with others one of them is as good.
    fn lost_a_name(&self, inode: Ino, before: &HostFile) {
        let is_directory = convert::kind(before.mode) == Ok(Kind::Directory);
        self.inodes.unname(inode, is_directory || before.links <= 1);
    }

    /// Gives a new inode to whoever made it, where the host lets the process do so.
    fn give(&self, inode: Ino, file: &HostFile, new: &Creation<'_>) -> Result<(), Errno> {
        if (file.owner, file.group) == (new.owner, new.group) {
            return Ok(());
        }
        let mode = if new.kind == Kind::Symlink {
            0
        } else {
            HostChanges::MODE
        };
        let changes = HostChanges {
            which: HostChanges::OWNER | HostChanges::GROUP | mode,
            owner: new.owner,
            group: new.group,
            mode: new.mode,
            ..HostChanges::default()
        };
        let given = self
            .inodes
            .with(inode, |handle| hostfs::change(handle, &changes));
        match given {
            Err(Errno::EPERM) => Ok(()),
            given => given.map(drop),
        }
    }
}

/// `EOPNOTSUPP` for an extended attribute that is not for anybody.
fn check_xattr(name: &[u8]) -> Result<(), Errno> {
    match name.starts_with(USER) {
        true => Ok(()),
        false => Err(Errno::EOPNOTSUPP),
    }
}

fn cut(mut bytes: Vec<u8>, count: u64) -> Vec<u8> {
    bytes.truncate(count as usize);
    bytes
}

impl FileSystem for HostFs {
    fn properties(&self) -> Properties {
        self.properties
    }

    fn remembers_names(&self) -> bool {
        false
    }

    fn root(&self) -> Ino {
        self.inodes.root()
    }

    fn usage(&self, _lwp: &Lwp<'_>) -> Result<Usage, Errno> {
        let mut usage = HostUsage::default();
        self.inodes
            .with(self.root(), |root| hostfs::usage(root, &mut usage))?;
        Ok(Usage {
            block_size: usage.block_size,
            blocks: usage.blocks,
            free_blocks: usage.free_blocks,
            inodes: usage.inodes,
            free_inodes: usage.free_inodes,
        })
    }

    fn lookup(&self, _lwp: &Lwp<'_>, place: Place<'_>) -> Result<Ino, Errno> {
        let mut file = HostFile::default();
        self.inodes.with_room(place.directory, |directory| {
            hostfs::find(directory, place.name.into(), &mut file)
        })?;
        self.inodes.adopt(place, &file)
    }

    fn attributes(&self, _lwp: &Lwp<'_>, inode: Ino) -> Result<Attributes, Errno> {
        convert::attributes(inode, &self.hold(inode)?)
    }

    fn entries(
        &self,
        _lwp: &Lwp<'_>,
        directory: Ino,
        mut from: u64,
        each: &mut dyn FnMut(Entry<'_>) -> bool,
    ) -> Result<(), Errno> {
        let mut bytes = vec![0; ENTRIES];
        loop {
            let count = self.inodes.with_room(directory, |handle| {
                hostfs::entries(handle, from, bytes[..].as_mut().into())
            })?;
            let mut rest = &bytes[..bytes.len().min(count as usize)];
            if rest.is_empty() {
                return Ok(());
            }
            while !rest.is_empty() {
                let (entry, others) = convert::entry(rest).ok_or(Errno::EIO)?;
                let taken = each(Entry {
                    name: entry.name,
                    number: self.inodes.number_of_entry(directory, entry.number),
                    kind: entry.kind,
                    next: entry.next,
                });
                if !taken {
                    return Ok(());
                }
                from = entry.next;
                rest = others;
            }
        }
    }

    fn read(&self, _lwp: &Lwp<'_>, file: Ino, offset: u64, to: &mut [u8]) -> Result<usize, Errno> {
        let count = self
            .inodes
            .with_room(file, |file| hostfs::read(file, offset, (&mut *to).into()))?;
        Ok(to.len().min(count as usize))
    }

    fn read_link(&self, _lwp: &Lwp<'_>, link: Ino) -> Result<Vec<u8>, Errno> {
        let mut bytes = vec![0; LONGEST_LINK];
        let count = self.inodes.with(link, |link| {
            hostfs::read_link(link, bytes[..].as_mut().into())
        })?;
        Ok(cut(bytes, count))
    }

    fn write(&self, _lwp: &Lwp<'_>, file: Ino, offset: u64, from: &[u8]) -> Result<(), Errno> {
        self.changes();
        self.inodes
            .with_room(file, |file| hostfs::write(file, offset, from.into()))?;
        Ok(())
    }

    fn change(&self, _lwp: &Lwp<'_>, inode: Ino, changes: &Changes) -> Result<(), Errno> {
        let changes = convert::changes(changes);
        self.changes();
        self.inodes
            .with_room(inode, |file| hostfs::change(file, &changes))?;
        Ok(())
    }

    fn create(&self, _lwp: &Lwp<'_>, place: Place<'_>, new: &Creation<'_>) -> Result<Ino, Errno> {
        let mut file = HostFile::default();
        let mode = new.kind.bits() | new.mode;
        self.changes();
        self.inodes.with_room(place.directory, |directory| {
            let (name, target) = (place.name.into(), new.target.into());
            hostfs::create(directory, name, mode, target, &mut file)
        })?;
        let inode = self.inodes.adopt(place, &file)?;
        self.give(inode, &file, new)?;
        Ok(inode)
    }

    fn link(&self, _lwp: &Lwp<'_>, inode: Ino, place: Place<'_>) -> Result<(), Errno> {
        self.changes();
        self.with_both(inode, place.directory, |file, directory| {
            hostfs::link(file, directory, place.name.into())
        })
    }

    fn remove(&self, _lwp: &Lwp<'_>, place: Place<'_>, inode: Ino) -> Result<(), Errno> {
        let before = self.hold(inode)?;
        let is_directory = convert::kind(before.mode)? == Kind::Directory;
        self.changes();
        self.inodes.with(place.directory, |directory| {
            hostfs::remove(directory, place.name.into(), is_directory)
        })?;
        self.lost_a_name(inode, &before);
        Ok(())
    }

    fn rename(
        &self,
        _lwp: &Lwp<'_>,
        inode: Ino,
        from: Place<'_>,
        to: Place<'_>,
        replaced: Option<Ino>,
    ) -> Result<(), Errno> {
        let before = replaced.map(|replaced| self.hold(replaced)).transpose()?;
        self.changes();
        self.with_both(from.directory, to.directory, |one, other| {
            hostfs::rename(one, from.name.into(), other, to.name.into(), false)
        })?;
        if let (Some(replaced), Some(before)) = (replaced, before) {
            self.lost_a_name(replaced, &before);
        }
        self.inodes.move_to(inode, to);
        Ok(())
    }

    fn exchange(&self, lwp: &Lwp<'_>, one: Place<'_>, other: Place<'_>) -> Result<(), Errno> {
        let (first, second) = (self.lookup(lwp, one)?, self.lookup(lwp, other)?);
        self.changes();
        self.with_both(one.directory, other.directory, |from, to| {
            hostfs::rename(from, one.name.into(), to, other.name.into(), true)
        })?;
        self.inodes.move_to(first, other);
        self.inodes.move_to(second, one);
        Ok(())
    }

    fn allocate(&self, _lwp: &Lwp<'_>, file: Ino, offset: u64, len: u64) -> Result<(), Errno> {
        self.changes();
        self.inodes
            .with_room(file, |file| hostfs::reserve(file, offset, len, false))?;
        Ok(())
    }

    fn punch(&self, _lwp: &Lwp<'_>, file: Ino, offset: u64, len: u64) -> Result<(), Errno> {
        self.changes();
        self.inodes
            .with_room(file, |file| hostfs::reserve(file, offset, len, true))?;
        Ok(())
    }

    fn seek(&self, _lwp: &Lwp<'_>, file: Ino, offset: u64, hole: bool) -> Result<u64, Errno> {
        self.inodes
            .with_room(file, |file| hostfs::seek(file, offset, hole))
    }

    fn xattr(&self, _lwp: &Lwp<'_>, inode: Ino, name: &[u8]) -> Result<Vec<u8>, Errno> {
        check_xattr(name)?;
        let mut value = vec![0; LARGEST_XATTR];
        let count = self.inodes.with(inode, |file| {
            hostfs::xattr(file, name.into(), value[..].as_mut().into())
        })?;
        Ok(cut(value, count))
    }

    fn xattrs(&self, _lwp: &Lwp<'_>, inode: Ino) -> Result<Vec<Vec<u8>>, Errno> {
        let mut names = vec![0; LARGEST_XATTR];
        let count = self.inodes.with(inode, |file| {
            let none = Bytes::from(&b""[..]);
            hostfs::xattr(file, none, names[..].as_mut().into())
        })?;
        let names = cut(names, count);
        let names = names.split(|byte| *byte == 0);
        let mine = names.filter(|name| check_xattr(name).is_ok());
        Ok(mine.map(<[u8]>::to_vec).collect())
    }

    fn set_xattr(
        &self,
        _lwp: &Lwp<'_>,
        inode: Ino,
        name: &[u8],
        value: Option<&[u8]>,
        existence: Existence,
    ) -> Result<(), Errno> {
        check_xattr(name)?;
        let flags = match (value, existence) {
            (None, _) => REMOVE,
            (_, Existence::Any) => 0,
            (_, Existence::New) => NEW,
            (_, Existence::Old) => OLD,
        };
        self.changes();
        self.inodes.with(inode, |file| {
            let value = value.unwrap_or_default();
            hostfs::set_xattr(file, name.into(), value.into(), flags)
        })?;
        Ok(())
    }

    fn forget(&self, _lwp: &Lwp<'_>, inode: Ino) -> Result<(), Errno> {
        self.inodes.forget(inode);
        Ok(())
    }

    fn sync_file(&self, _lwp: &Lwp<'_>, file: Ino, data_only: bool) -> Result<(), Errno> {
        self.inodes
            .with_room(file, |file| hostfs::sync(file, data_only))?;
        Ok(())
    }

    /// What others changed there is theirs: nothing is done where nothing was changed from here.
    fn sync(&self, _lwp: &Lwp<'_>) -> Result<(), Errno> {
        if !self.changed.with(core::mem::take) {
            return Ok(());
        }
        let synced = self.inodes.with_room(self.root(), hostfs::sync_all);
        synced.map(drop).inspect_err(|_| self.changes())
    }

    fn unmount(&self, lwp: &Lwp<'_>) -> Result<(), Errno> {
        let synced = self.sync(lwp);
        self.open.close();
        synced
    }
}
