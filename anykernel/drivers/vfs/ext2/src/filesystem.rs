//! A mounted ext2, one call at a time.

use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::sync::Arc;
use alloc::vec::Vec;

use base::{Errno, Exclusive, Failure, Lwp};
use bio::Volume;
use vfs::{
    Attributes, Changes, Creation, Entry, Existence, FileSystem, Ino, Kind, Place, Properties,
    Storage, Usage,
};

use crate::directory::LONGEST;
use crate::disk::Disk;
use crate::layout::{Layout, ROOT};
use crate::names::{State, number};

/// Linux's number for it.
const MAGIC: u32 = 0xef53;

/// A mounted ext2.
pub(crate) struct Ext2 {
    state: Exclusive<Box<State>>,
    read_only: bool,
    layout: Layout,
}

impl Ext2 {
    /// Mounts what is on a volume.
    pub(crate) fn mount(lwp: &Lwp<'_>, volume: Arc<Volume>) -> Result<Ext2, Failure> {
        let read_only = volume.read_only();
        let disk = Disk::open(lwp, volume)?;
        if !disk.inode(lwp, ROOT)?.is_directory() {
            return Err(Failure::new(Errno::EUCLEAN, "its root is no directory"));
        }
        Ok(Ext2 {
            read_only,
            layout: disk.layout.clone(),
            state: Exclusive::new(Box::new(State {
                disk,
                nameless: BTreeSet::new(),
                waiting: BTreeSet::new(),
            })),
        })
    }

    fn with<R>(
        &self,
        lwp: &Lwp<'_>,
        f: impl FnOnce(&mut State) -> Result<R, Errno>,
    ) -> Result<R, Errno> {
        self.state.with(lwp, |state| f(state))?
    }

    /// Does something that takes room.
    fn with_room<R>(
        &self,
        lwp: &Lwp<'_>,
        f: impl Fn(&mut State) -> Result<R, Errno>,
    ) -> Result<R, Errno> {
        self.with(lwp, |state| state.with_room(lwp, f))
    }
}

impl FileSystem for Ext2 {
    fn properties(&self) -> Properties {
        Properties {
            magic: MAGIC,
            storage: Storage::Medium,
            read_only: self.read_only,
            largest_file: self.layout.largest_file(),
            longest_name: LONGEST as u32,
            folds_case: false,
        }
    }

    fn root(&self) -> Ino {
        ROOT.into()
    }

    fn usage(&self, lwp: &Lwp<'_>) -> Result<Usage, Errno> {
        self.with(lwp, |state| {
            // What waits for its end is free as soon as somebody needs it.
            state.end_waiting(lwp)?;
            let (free_blocks, free_inodes) = state.disk.free();
            Ok(Usage {
                block_size: self.layout.block_size,
                blocks: self.layout.blocks.into(),
                free_blocks,
                inodes: self.layout.inodes.into(),
                free_inodes,
            })
        })
    }

    fn lookup(&self, lwp: &Lwp<'_>, place: Place<'_>) -> Result<Ino, Errno> {
        self.with(lwp, |state| Ok(state.lookup(lwp, place)?.number.into()))
    }

    fn attributes(&self, lwp: &Lwp<'_>, inode: Ino) -> Result<Attributes, Errno> {
        self.with(lwp, |state| state.attributes(lwp, inode))
    }

    fn entries(
        &self,
        lwp: &Lwp<'_>,
        directory: Ino,
        from: u64,
        each: &mut dyn FnMut(Entry<'_>) -> bool,
    ) -> Result<(), Errno> {
        let mut from = from;
        // Nobody is called with the lock held: who is given entries may ask for them.
        loop {
            let some = self.with(lwp, |state| {
                let directory = state.directory(lwp, directory)?;
                state.disk.some(lwp, &directory, from)
            })?;
            for one in &some {
                from = one.next;
                let entry = Entry {
                    name: &one.name,
                    number: one.inode.into(),
                    kind: one.kind,
                    next: from,
                };
                if !matches!(entry.name, b"." | b"..") && !each(entry) {
                    return Ok(());
                }
            }
            if some.is_empty() {
                return Ok(());
            }
        }
    }

    fn read(&self, lwp: &Lwp<'_>, file: Ino, offset: u64, to: &mut [u8]) -> Result<usize, Errno> {
        self.with(lwp, |state| {
            let inode = state.disk.inode(lwp, number(file)?)?;
            match inode.kind()? {
                Kind::File => state.disk.read_file(lwp, &inode, offset, to),
                Kind::Directory => Err(Errno::EISDIR),
                _ => Err(Errno::EINVAL),
            }
        })
    }

    fn read_link(&self, lwp: &Lwp<'_>, link: Ino) -> Result<Vec<u8>, Errno> {
        self.with(lwp, |state| state.read_link(lwp, link))
    }

    fn write(&self, lwp: &Lwp<'_>, file: Ino, offset: u64, from: &[u8]) -> Result<(), Errno> {
        self.with_room(lwp, |state| {
            let mut inode = state.disk.inode(lwp, number(file)?)?;
            match inode.kind()? {
                Kind::File => state.disk.write_file(lwp, &mut inode, offset, from),
                _ => Err(Errno::EINVAL),
            }
        })
    }

    fn change(&self, lwp: &Lwp<'_>, inode: Ino, changes: &Changes) -> Result<(), Errno> {
        self.with(lwp, |state| state.change(lwp, inode, changes))
    }

    fn create(&self, lwp: &Lwp<'_>, place: Place<'_>, new: &Creation<'_>) -> Result<Ino, Errno> {
        self.with_room(lwp, |state| state.create(lwp, place, new))
    }

    fn link(&self, lwp: &Lwp<'_>, inode: Ino, place: Place<'_>) -> Result<(), Errno> {
        self.with_room(lwp, |state| state.link(lwp, inode, place))
    }

    fn remove(&self, lwp: &Lwp<'_>, place: Place<'_>, inode: Ino) -> Result<(), Errno> {
        self.with(lwp, |state| state.remove(lwp, place, inode))
    }

    fn rename(
        &self,
        lwp: &Lwp<'_>,
        inode: Ino,
        from: Place<'_>,
        to: Place<'_>,
        replaced: Option<Ino>,
    ) -> Result<(), Errno> {
        self.with_room(lwp, |state| state.rename(lwp, inode, from, to, replaced))
    }

    fn exchange(&self, lwp: &Lwp<'_>, one: Place<'_>, other: Place<'_>) -> Result<(), Errno> {
        self.with(lwp, |state| state.exchange(lwp, one, other))
    }

    fn seek(&self, lwp: &Lwp<'_>, file: Ino, offset: u64, hole: bool) -> Result<u64, Errno> {
        self.with(lwp, |state| {
            let inode = state.disk.inode(lwp, number(file)?)?;
            state.disk.seek(lwp, &inode, offset, hole)
        })
    }

    fn xattr(&self, lwp: &Lwp<'_>, inode: Ino, name: &[u8]) -> Result<Vec<u8>, Errno> {
        self.with(lwp, |state| state.xattr(lwp, inode, name))
    }

    fn xattrs(&self, lwp: &Lwp<'_>, inode: Ino) -> Result<Vec<Vec<u8>>, Errno> {
        self.with(lwp, |state| state.xattrs(lwp, inode))
    }

    fn set_xattr(
        &self,
        lwp: &Lwp<'_>,
        inode: Ino,
        name: &[u8],
        value: Option<&[u8]>,
        existence: Existence,
    ) -> Result<(), Errno> {
        self.with_room(lwp, |state| {
            state.set_xattr(lwp, inode, name, value, existence)
        })
    }

    fn forget(&self, lwp: &Lwp<'_>, inode: Ino) -> Result<(), Errno> {
        self.with(lwp, |state| state.forget(lwp, inode))
    }

    fn sync(&self, lwp: &Lwp<'_>) -> Result<(), Errno> {
        self.with(lwp, |state| state.sync(lwp))
    }

    fn unmount(&self, lwp: &Lwp<'_>) -> Result<(), Errno> {
        self.with(lwp, |state| state.close(lwp))
    }
}
