//! Names: what changes directories.

use base::{Errno, Lwp};
use vfs::{Changes, Creation, Ino, Kind, Place};

use crate::entry::{self, Entry};
use crate::index::Indexes;
use crate::name;
use crate::node::{Nodes, Slot};
use crate::table::Table;

/// Bytes that are written all or not at all.
const SECTOR: u64 = 512;

/// A mounted file system, for who has its lock.
pub(crate) struct State {
    pub(crate) table: Table,
    pub(crate) nodes: Nodes,
    pub(crate) indexes: Indexes,
}

impl State {
    pub(crate) fn lookup(&mut self, lwp: &Lwp<'_>, place: Place<'_>) -> Result<Ino, Errno> {
        // What cannot be a name is none.
        let name = name::wanted(place.name).map_err(|_| Errno::ENOENT)?;
        let found = self
            .find(lwp, place.directory, name)?
            .ok_or(Errno::ENOENT)?;
        self.nodes.found(&self.table, found.slot, found.entry)
    }

    pub(crate) fn create(
        &mut self,
        lwp: &Lwp<'_>,
        place: Place<'_>,
        new: &Creation<'_>,
    ) -> Result<Ino, Errno> {
        let Place { directory, name } = place;
        let name = name::wanted(name)?;
        let attributes = match new.kind {
            Kind::File if new.mode & 0o200 == 0 => entry::ARCHIVE | entry::READ_ONLY,
            Kind::File => entry::ARCHIVE,
            Kind::Directory => entry::DIRECTORY,
            _ => return Err(Errno::EPERM),
        };
        if self.find(lwp, directory, name)?.is_some() {
            return Err(Errno::EEXIST);
        }
        let short = self.short(lwp, directory, name)?;
        let mut entry = Entry::new(short, attributes, new.time);
        let mut cluster = 0;
        if new.kind == Kind::Directory {
            let dots = self.dots(directory, new.time)?;
            cluster = self.new_directory(lwp, &dots)?;
            entry.set_cluster(cluster);
            self.point_to_itself(lwp, cluster, dots[0])?;
        }
        match self.insert(lwp, directory, name, entry) {
            Ok(slot) => self.nodes.found(&self.table, slot, entry),
            Err(errno) => {
                self.table.free(cluster)?;
                Err(errno)
            }
        }
    }

    /// Has a new directory's entry of itself say where it is.
    fn point_to_itself(
        &mut self,
        lwp: &Lwp<'_>,
        cluster: u32,
        mut own: Entry,
    ) -> Result<(), Errno> {
        own.set_cluster(cluster);
        let at = self.table.layout.place(cluster);
        self.table.volume.write_at(lwp, at, &own.0)
    }

    pub(crate) fn remove(&mut self, lwp: &Lwp<'_>, inode: Ino) -> Result<(), Errno> {
        let slot = self.slot(inode)?;
        self.check_empty(lwp, inode)?;
        self.erase(lwp, slot)?;
        self.nodes.place(inode, None)
    }

    fn check_empty(&mut self, lwp: &Lwp<'_>, inode: Ino) -> Result<(), Errno> {
        let is_directory = self.nodes.get(inode)?.entry.is_directory();
        match is_directory && !self.is_empty(lwp, inode)? {
            true => Err(Errno::ENOTEMPTY),
            false => Ok(()),
        }
    }

    /// The new name is on the disk before the old one goes: a loss of power may leave both, but not none.
    pub(crate) fn rename(
        &mut self,
        lwp: &Lwp<'_>,
        inode: Ino,
        to: Place<'_>,
        replaced: Option<Ino>,
    ) -> Result<(), Errno> {
        let name = name::wanted(to.name)?;
        let old = self.slot(inode)?;
        let mut entry = self.nodes.get(inode)?.entry;
        let new = match replaced.filter(|replaced| *replaced != inode) {
            Some(replaced) => {
                self.check_empty(lwp, replaced)?;
                self.replace(lwp, replaced, &mut entry)?
            }
            None => {
                let short = self.short(lwp, to.directory, name)?;
                entry.0[..11].copy_from_slice(&short);
                // Which of its letters were small.
                entry.0[12] = 0;
                self.insert(lwp, to.directory, name, entry)?
            }
        };
        self.nodes.get(inode)?.entry = entry;
        self.nodes.place(inode, Some(new))?;
        if entry.is_directory() && old.directory != to.directory {
            self.moved(lwp, inode, to.directory)?;
        }
        if old.place / SECTOR != new.place / SECTOR {
            self.table.sync(lwp)?;
        }
        self.erase(lwp, old)
    }

    /// Puts an entry where another was, under its name.
    fn replace(&mut self, lwp: &Lwp<'_>, other: Ino, entry: &mut Entry) -> Result<Slot, Errno> {
        let slot = self.slot(other)?;
        let theirs = self.nodes.get(other)?.entry;
        entry.0[..11].copy_from_slice(&theirs.short());
        entry.0[12] = theirs.0[12];
        self.table.mark(lwp)?;
        self.table.volume.write_at(lwp, slot.place, &entry.0)?;
        self.nodes.place(other, None)?;
        Ok(slot)
    }

    pub(crate) fn change(
        &mut self,
        lwp: &Lwp<'_>,
        inode: Ino,
        changes: &Changes,
    ) -> Result<(), Errno> {
        // Everything is the superuser's.
        if [changes.owner, changes.group]
            .iter()
            .flatten()
            .any(|id| *id != 0)
        {
            return Err(Errno::EPERM);
        }
        if let Some(size) = changes.size {
            self.resize(lwp, inode, size)?;
        }
        let node = self.nodes.get(inode)?;
        let before = node.entry;
        if let Some(mode) = changes.mode.filter(|_| !before.is_directory()) {
            let others = before.attributes() & !entry::READ_ONLY;
            node.entry.set_attributes(match mode & 0o200 {
                0 => others | entry::READ_ONLY,
                _ => others,
            });
        }
        if let Some(time) = changes.modified {
            node.entry.set_modified(time);
        }
        if let Some(time) = changes.accessed {
            node.entry.set_accessed(time);
        }
        match node.entry == before {
            true => Ok(()),
            false => self.write_entry(lwp, inode),
        }
    }

    /// What nobody uses any more gives its clusters back, if it has no name.
    pub(crate) fn forget(&mut self, inode: Ino) -> Result<(), Errno> {
        self.indexes.forget(inode);
        match self.nodes.forget(inode) {
            Some(node) if node.slot.is_none() => self.table.free(node.chain.first()),
            _ => Ok(()),
        }
    }

    /// Writes what is known of an inode to where its name is, if it has one.
    pub(crate) fn write_entry(&mut self, lwp: &Lwp<'_>, inode: Ino) -> Result<(), Errno> {
        let node = self.nodes.get(inode)?;
        let Some(slot) = node.slot else {
            return Ok(());
        };
        let entry = node.entry;
        self.table.mark(lwp)?;
        self.table.volume.write_at(lwp, slot.place, &entry.0)
    }

    /// Where an inode's name is. `ENOENT` if it has none, `EBUSY` for the root.
    fn slot(&mut self, inode: Ino) -> Result<Slot, Errno> {
        let slot = self.nodes.get(inode)?.slot;
        slot.ok_or(match inode == crate::node::ROOT {
            true => Errno::EBUSY,
            false => Errno::ENOENT,
        })
    }
}
