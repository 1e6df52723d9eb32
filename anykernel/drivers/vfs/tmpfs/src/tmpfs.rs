//! The file system: operations on a table of inodes, under one lock that nobody waits with.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::sync::Arc;
use alloc::vec::Vec;

use base::sync::Mutex;
use base::{Errno, Lwp, Memory};
use hashbrown::HashMap;
use vfs::{
    Attributes, Changes, Creation, Entry, Existence, FileSystem, Ino, Kind, Place, Properties,
    Storage, Time, Usage,
};

use crate::inode::{Entries, Inode};

const ROOT: Ino = 1;

/// `TMPFS_MAGIC`.
const MAGIC: u32 = 0x0102_1994;

/// Bytes that an entry of a directory is charged beside its name.
const ENTRY: usize = 128;

/// Bytes of a page, of which usage is told.
const PAGE: u32 = 4096;

/// Names of one inode, at most.
const LINKS: u32 = u32::MAX / 2;

pub(crate) struct Tmpfs {
    memory: Arc<Memory>,
    /// Bytes of all files together, or zero for as many as there is memory for.
    limit: u64,
    table: Mutex<Table>,
}

struct Table {
    /// In boxes: a table that grows is to touch little memory.
    inodes: HashMap<Ino, Box<Inode>>,
    last: Ino,
}

impl Table {
    fn get(&mut self, number: Ino) -> Result<&mut Inode, Errno> {
        let inode = self.inodes.get_mut(&number);
        inode.map(|inode| &mut **inode).ok_or(Errno::ESTALE)
    }

    /// Has an inode's entries and what it knows of when they changed be as `f` says.
    fn change<R>(&mut self, directory: Ino, f: impl FnOnce(&mut Inode) -> R) -> Result<R, Errno> {
        let inode = self.get(directory)?;
        let result = f(inode);
        let now = Time::now();
        inode.attributes.modified = now;
        inode.attributes.changed = now;
        Ok(result)
    }

    /// Puts a name into a directory, and charges it.
    fn insert(&mut self, place: Place<'_>, number: Ino, is_directory: bool) -> Result<(), Errno> {
        self.change(place.directory, |directory| {
            let bytes = directory.charge.bytes() + ENTRY + place.name.len();
            directory.charge.resize(bytes).map_err(|_| Errno::ENOSPC)?;
            directory.entries.insert(place.name, number);
            directory.attributes.links += u32::from(is_directory);
            directory.attributes.size += place.name.len() as u64 + 1;
            Ok(())
        })?
    }

    /// Takes a name out of a directory.
    fn remove(&mut self, place: Place<'_>, is_directory: bool) -> Result<(), Errno> {
        self.change(place.directory, |directory| {
            directory.entries.remove(place.name).ok_or(Errno::ENOENT)?;
            directory.attributes.links -= u32::from(is_directory);
            directory.attributes.size -= place.name.len() as u64 + 1;
            let bytes = directory.charge.bytes() - ENTRY - place.name.len();
            directory.charge.resize(bytes)
        })?
    }

    /// An inode lost a name: a directory all it had.
    fn unlink(&mut self, number: Ino) -> Result<(), Errno> {
        let inode = self.get(number)?;
        inode.attributes.links = match inode.is_directory() {
            true => 0,
            false => inode.attributes.links.saturating_sub(1),
        };
        inode.attributes.changed = Time::now();
        Ok(())
    }

    /// A directory is in another one now.
    fn moved(&mut self, number: Ino, parent: Ino) -> Result<(), Errno> {
        let inode = self.get(number)?;
        inode.parent = parent;
        inode.attributes.changed = Time::now();
        Ok(())
    }
}

impl Tmpfs {
    /// An empty one, for at most so many bytes in files, or zero for as many as there is memory for.
    pub(crate) fn new(lwp: &Lwp<'_>, limit: u64) -> Self {
        let memory = lwp.instance().memory().clone();
        let now = Time::now();
        let root = Inode {
            attributes: Attributes {
                number: ROOT,
                kind: Kind::Directory,
                mode: 0o1777,
                links: 2,
                owner: 0,
                group: 0,
                size: 0,
                space: 0,
                accessed: now,
                modified: now,
                changed: now,
                created: Some(now),
            },
            entries: Entries::default(),
            target: [].into(),
            parent: ROOT,
            xattrs: BTreeMap::new(),
            charge: memory.nothing(),
        };
        Tmpfs {
            memory,
            limit,
            table: Mutex::new(Table {
                inodes: HashMap::from_iter([(ROOT, Box::new(root))]),
                last: ROOT,
            }),
        }
    }
}

impl FileSystem for Tmpfs {
    fn properties(&self) -> Properties {
        Properties {
            magic: MAGIC,
            storage: Storage::Pages,
            read_only: false,
            largest_file: i64::MAX as u64,
            longest_name: 255,
            folds_case: false,
        }
    }

    fn root(&self) -> Ino {
        ROOT
    }

    fn usage(&self, _lwp: &Lwp<'_>) -> Result<Usage, Errno> {
        let blocks = self.limit / u64::from(PAGE);
        Ok(Usage {
            block_size: PAGE,
            blocks,
            free_blocks: blocks,
            inodes: 0,
            free_inodes: 0,
        })
    }

    fn lookup(&self, lwp: &Lwp<'_>, place: Place<'_>) -> Result<Ino, Errno> {
        let mut table = self.table.lock(lwp);
        let found = table.get(place.directory)?.entries.get(place.name);
        found.ok_or(Errno::ENOENT)
    }

    fn attributes(&self, lwp: &Lwp<'_>, inode: Ino) -> Result<Attributes, Errno> {
        Ok(self.table.lock(lwp).get(inode)?.attributes)
    }

    fn entries(
        &self,
        lwp: &Lwp<'_>,
        directory: Ino,
        from: u64,
        each: &mut dyn FnMut(Entry<'_>) -> bool,
    ) -> Result<(), Errno> {
        let table = self.table.lock(lwp);
        let directory = table.inodes.get(&directory).ok_or(Errno::ESTALE)?;
        for (place, name, number) in directory.entries.behind(from) {
            let kind = table.inodes.get(&number).map(|inode| inode.attributes.kind);
            let entry = Entry {
                name,
                number,
                kind,
                next: place,
            };
            if !each(entry) {
                break;
            }
        }
        Ok(())
    }

    fn read(
        &self,
        _lwp: &Lwp<'_>,
        _file: Ino,
        _offset: u64,
        _to: &mut [u8],
    ) -> Result<usize, Errno> {
        // The faction's pages are all there is.
        Ok(0)
    }

    fn read_link(&self, lwp: &Lwp<'_>, link: Ino) -> Result<Vec<u8>, Errno> {
        Ok(self.table.lock(lwp).get(link)?.target.to_vec())
    }

    fn change(&self, lwp: &Lwp<'_>, inode: Ino, changes: &Changes) -> Result<(), Errno> {
        changes.apply(&mut self.table.lock(lwp).get(inode)?.attributes);
        Ok(())
    }

    fn create(&self, lwp: &Lwp<'_>, place: Place<'_>, new: &Creation<'_>) -> Result<Ino, Errno> {
        let charge = self.memory.charge(size_of::<Inode>() + new.target.len());
        let charge = charge.map_err(|_| Errno::ENOSPC)?;
        let is_directory = new.kind == Kind::Directory;
        let mut table = self.table.lock(lwp);
        let number = table.last + 1;
        table.insert(place, number, is_directory)?;
        table.last = number;
        let inode = Inode {
            attributes: Attributes {
                number,
                kind: new.kind,
                mode: new.mode,
                links: if is_directory { 2 } else { 1 },
                owner: new.owner,
                group: new.group,
                size: new.target.len() as u64,
                space: 0,
                accessed: new.time,
                modified: new.time,
                changed: new.time,
                created: Some(new.time),
            },
            entries: Entries::default(),
            target: new.target.into(),
            parent: place.directory,
            xattrs: BTreeMap::new(),
            charge,
        };
        table.inodes.insert(number, Box::new(inode));
        Ok(number)
    }

    fn link(&self, lwp: &Lwp<'_>, inode: Ino, place: Place<'_>) -> Result<(), Errno> {
        let mut table = self.table.lock(lwp);
        if table.get(inode)?.attributes.links >= LINKS {
            return Err(Errno::EMLINK);
        }
        table.insert(place, inode, false)?;
        let attributes = &mut table.get(inode)?.attributes;
        attributes.links += 1;
        attributes.changed = Time::now();
        Ok(())
    }

    fn remove(&self, lwp: &Lwp<'_>, place: Place<'_>, inode: Ino) -> Result<(), Errno> {
        let mut table = self.table.lock(lwp);
        let child = table.get(inode)?;
        if !child.entries.is_empty() {
            return Err(Errno::ENOTEMPTY);
        }
        let is_directory = child.is_directory();
        table.remove(place, is_directory)?;
        table.unlink(inode)
    }

    fn rename(
        &self,
        lwp: &Lwp<'_>,
        inode: Ino,
        from: Place<'_>,
        to: Place<'_>,
        replaced: Option<Ino>,
    ) -> Result<(), Errno> {
        let mut table = self.table.lock(lwp);
        let is_directory = table.get(inode)?.is_directory();
        if let Some(replaced) = replaced {
            let there = table.get(replaced)?;
            if !there.entries.is_empty() {
                return Err(Errno::ENOTEMPTY);
            }
            let directory_there = there.is_directory();
            // Where it was the new one is: there is room for that.
            table.remove(to, directory_there)?;
            table.unlink(replaced)?;
        }
        table.insert(to, inode, is_directory)?;
        table.remove(from, is_directory)?;
        table.moved(inode, to.directory)
    }

    fn exchange(&self, lwp: &Lwp<'_>, one: Place<'_>, other: Place<'_>) -> Result<(), Errno> {
        let mut table = self.table.lock(lwp);
        let mut find = |place: Place<'_>| {
            let found = table.get(place.directory)?.entries.get(place.name);
            let number = found.ok_or(Errno::ENOENT)?;
            Ok((number, table.get(number)?.is_directory()))
        };
        let ((first, first_is), (second, second_is)) = (find(one)?, find(other)?);
        for (place, new, was, is) in [
            (one, second, first_is, second_is),
            (other, first, second_is, first_is),
        ] {
            table.change(place.directory, |directory| {
                directory.entries.replace(place.name, new);
                let links = &mut directory.attributes.links;
                *links = *links + u32::from(is) - u32::from(was);
            })?;
        }
        table.moved(first, other.directory)?;
        table.moved(second, one.directory)
    }

    fn xattr(&self, lwp: &Lwp<'_>, inode: Ino, name: &[u8]) -> Result<Vec<u8>, Errno> {
        let mut table = self.table.lock(lwp);
        let value = table.get(inode)?.xattrs.get(name);
        value.cloned().ok_or(Errno::ENODATA)
    }

    fn xattrs(&self, lwp: &Lwp<'_>, inode: Ino) -> Result<Vec<Vec<u8>>, Errno> {
        let mut table = self.table.lock(lwp);
        Ok(table.get(inode)?.xattrs.keys().cloned().collect())
    }

    fn set_xattr(
        &self,
        lwp: &Lwp<'_>,
        inode: Ino,
        name: &[u8],
        value: Option<&[u8]>,
        existence: Existence,
    ) -> Result<(), Errno> {
        let mut table = self.table.lock(lwp);
        let inode = table.get(inode)?;
        let there = inode.xattrs.get(name).map(Vec::len);
        match (existence, there) {
            (Existence::New, Some(_)) => return Err(Errno::EEXIST),
            (Existence::Old, None) => return Err(Errno::ENODATA),
            _ => {}
        }
        let taken = |len: usize| ENTRY + name.len() + len;
        let bytes = inode.charge.bytes() - there.map_or(0, taken)
            + value.map_or(0, |value| taken(value.len()));
        inode.charge.resize(bytes).map_err(|_| Errno::ENOSPC)?;
        match value {
            Some(value) => inode.xattrs.insert(name.to_vec(), value.to_vec()),
            None => inode.xattrs.remove(name),
        };
        inode.attributes.changed = Time::now();
        Ok(())
    }

    fn forget(&self, lwp: &Lwp<'_>, inode: Ino) -> Result<(), Errno> {
        let mut table = self.table.lock(lwp);
        let ended = table.get(inode)?.attributes.links == 0;
        let gone = if ended {
            table.inodes.remove(&inode)
        } else {
            None
        };
        drop(table);
        drop(gone);
        Ok(())
    }
}
