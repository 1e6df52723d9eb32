//! Names: what changes directories, and what becomes of inodes without one.

use alloc::collections::BTreeSet;

use base::{Errno, Lwp};
use vfs::{Creation, Ino, Kind, Place, Time};

use crate::directory::{LONGEST, Spot};
use crate::disk::Disk;
use crate::inode::{IN_PLACE, Inode};
use crate::layout::ROOT;

/// Names that an inode may have; of a directory, directories in it.
const LINKS: u16 = 32_000;

/// Inodes that wait for their end, at most.
const WAITING: usize = 256;

/// A mounted file system, for who has its lock.
///
/// The last name of an inode is gone on the disk before the inode ends there: so it has one name there as long as it is
/// in one of these sets.
pub(crate) struct State {
    pub(crate) disk: Disk,
    /// Inodes without a name that somebody uses.
    pub(crate) nameless: BTreeSet<u32>,
    /// Those that nobody uses any more.
    pub(crate) waiting: BTreeSet<u32>,
}

/// The number of an inode.
pub(crate) fn number(inode: Ino) -> Result<u32, Errno> {
    u32::try_from(inode).map_err(|_| Errno::EUCLEAN)
}

impl State {
    /// A directory. `ENOTDIR` if it is something else.
    pub(crate) fn directory(&self, lwp: &Lwp<'_>, directory: Ino) -> Result<Inode, Errno> {
        let inode = self.disk.inode(lwp, number(directory)?)?;
        match inode.is_directory() {
            true => Ok(inode),
            false => Err(Errno::ENOTDIR),
        }
    }

    /// The entry of a name. `ENOENT`.
    fn entry(&mut self, lwp: &Lwp<'_>, place: Place<'_>) -> Result<(Spot, u32), Errno> {
        let directory = self.directory(lwp, place.directory)?;
        let found = self.disk.search(lwp, &directory, place.name)?;
        found.ok_or(Errno::ENOENT)
    }

    /// The inode of a name. `EUCLEAN` for what no name is for: the file system's own, and those that are nothing.
    pub(crate) fn lookup(&mut self, lwp: &Lwp<'_>, place: Place<'_>) -> Result<Inode, Errno> {
        let (_, number) = self.entry(lwp, place)?;
        let inode = self.disk.inode(lwp, number)?;
        let own = number < self.disk.layout.first_inode && number != ROOT;
        match own || inode.is_free() || self.has_ended(number) {
            true => {
                let directory = place.directory;
                Err(self.disk.wrong(
                    lwp,
                    format_args!("directory {directory}: a name of inode {number}, which has none"),
                ))
            }
            false => Ok(inode),
        }
    }

    pub(crate) fn has_ended(&self, number: u32) -> bool {
        self.nameless.contains(&number) || self.waiting.contains(&number)
    }

    pub(crate) fn create(
        &mut self,
        lwp: &Lwp<'_>,
        place: Place<'_>,
        new: &Creation<'_>,
    ) -> Result<Ino, Errno> {
        if place.name.len() > LONGEST {
            return Err(Errno::ENAMETOOLONG);
        }
        let mut parent = self.directory(lwp, place.directory)?;
        if self.disk.search(lwp, &parent, place.name)?.is_some() {
            return Err(Errno::EEXIST);
        }
        let is_directory = new.kind == Kind::Directory;
        if is_directory && parent.links() >= LINKS {
            return Err(Errno::EMLINK);
        }
        let number = self.disk.take_inode(lwp, parent.number, is_directory)?;
        let before = self.disk.inode(lwp, number)?;
        if !before.is_free() {
            return Err(self.disk.wrong(
                lwp,
                format_args!("inode {number} was free, and is something"),
            ));
        }
        let mut inode = Inode::new(number, self.disk.layout.inode_size, new);
        let made = self.fill(lwp, &mut inode, parent.number, new.target);
        let made = made.and_then(|()| self.disk.write_inode(lwp, &inode));
        let made = made.and_then(|()| {
            self.disk
                .insert(lwp, &mut parent, place.name, number, new.kind, new.time)
        });
        if let Err(errno) = made {
            self.end(lwp, &mut inode)?;
            return Err(errno);
        }
        if is_directory {
            parent.set_links(parent.links() + 1);
            self.disk.write_inode(lwp, &parent)?;
        }
        Ok(number.into())
    }

    /// What a new inode begins with.
    fn fill(
        &mut self,
        lwp: &Lwp<'_>,
        inode: &mut Inode,
        parent: u32,
        target: &[u8],
    ) -> Result<(), Errno> {
        match inode.kind()? {
            Kind::Directory => self.disk.make_directory(lwp, inode, parent),
            Kind::Symlink if target.len() < IN_PLACE.len() => {
                inode.raw[IN_PLACE][..target.len()].copy_from_slice(target);
                inode.set_size(target.len() as u64);
                Ok(())
            }
            Kind::Symlink => {
                let size = self.disk.layout.block_size as usize;
                if target.len() >= size {
                    return Err(Errno::ENAMETOOLONG);
                }
                let goal = self.disk.home(inode.number);
                let (block, _) = self.disk.find_or_take(lwp, inode, 0, goal)?;
                let mut raw = alloc::vec![0; size];
                raw[..target.len()].copy_from_slice(target);
                inode.set_size(target.len() as u64);
                self.disk.write(lwp, block, &raw)
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn link(
        &mut self,
        lwp: &Lwp<'_>,
        inode: Ino,
        place: Place<'_>,
    ) -> Result<(), Errno> {
        let mut directory = self.directory(lwp, place.directory)?;
        let mut inode = self.disk.inode(lwp, number(inode)?)?;
        if self.disk.search(lwp, &directory, place.name)?.is_some() {
            return Err(Errno::EEXIST);
        }
        if inode.links() >= LINKS {
            return Err(Errno::EMLINK);
        }
        let (kind, time) = (inode.kind()?, Time::now());
        let was_nameless = self.has_ended(inode.number);
        // With more names than it has, nothing is lost.
        let more = inode.links() + u16::from(!was_nameless);
        inode.set_links(more);
        inode.set_changed(time);
        self.disk.write_inode(lwp, &inode)?;
        let made = self
            .disk
            .insert(lwp, &mut directory, place.name, inode.number, kind, time);
        match made {
            Ok(()) => drop(self.nameless.remove(&inode.number)),
            Err(_) => {
                inode.set_links(more - u16::from(!was_nameless));
                self.disk.write_inode(lwp, &inode)?;
            }
        }
        made
    }

    /// `ENOTEMPTY` for a directory with entries.
    fn check_empty(&mut self, lwp: &Lwp<'_>, inode: &Inode) -> Result<(), Errno> {
        match inode.is_directory() && !self.disk.is_empty(lwp, inode)? {
            true => Err(Errno::ENOTEMPTY),
            false => Ok(()),
        }
    }

    pub(crate) fn remove(
        &mut self,
        lwp: &Lwp<'_>,
        place: Place<'_>,
        inode: Ino,
    ) -> Result<(), Errno> {
        let inode = self.disk.inode(lwp, number(inode)?)?;
        self.check_empty(lwp, &inode)?;
        let (spot, there) = self.entry(lwp, place)?;
        if there != inode.number {
            return Err(Errno::ENOENT);
        }
        let (mut directory, time) = (self.directory(lwp, place.directory)?, Time::now());
        self.disk.erase(lwp, &mut directory, spot, time)?;
        self.unlinked(lwp, inode, place.directory, time)
    }

    /// An inode lost a name in a directory.
    fn unlinked(
        &mut self,
        lwp: &Lwp<'_>,
        mut inode: Inode,
        directory: Ino,
        time: Time,
    ) -> Result<(), Errno> {
        let is_directory = inode.is_directory();
        inode.set_changed(time);
        match is_directory || inode.links() <= 1 {
            true => drop(self.nameless.insert(inode.number)),
            false => inode.set_links(inode.links() - 1),
        }
        self.disk.write_inode(lwp, &inode)?;
        match is_directory {
            true => self.count(lwp, directory, -1),
            false => Ok(()),
        }
    }

    /// A directory has one directory more in it, or less.
    fn count(&mut self, lwp: &Lwp<'_>, directory: Ino, more: i16) -> Result<(), Errno> {
        let mut directory = self.directory(lwp, directory)?;
        directory.set_links(directory.links().saturating_add_signed(more));
        self.disk.write_inode(lwp, &directory)
    }

    /// The new name is on the disk before the old one goes: a loss of power may leave both, but not none.
    pub(crate) fn rename(
        &mut self,
        lwp: &Lwp<'_>,
        inode: Ino,
        from: Place<'_>,
        to: Place<'_>,
        replaced: Option<Ino>,
    ) -> Result<(), Errno> {
        let mut inode = self.disk.inode(lwp, number(inode)?)?;
        let (kind, time) = (inode.kind()?, Time::now());
        let moves = inode.is_directory() && from.directory != to.directory;
        let mut directory = self.directory(lwp, to.directory)?;
        match replaced {
            Some(replaced) => {
                let replaced = self.disk.inode(lwp, number(replaced)?)?;
                self.check_empty(lwp, &replaced)?;
                let (spot, _) = self.entry(lwp, to)?;
                self.disk
                    .redirect(lwp, &mut directory, spot, inode.number, kind, time)?;
                self.unlinked(lwp, replaced, to.directory, time)?;
            }
            None if to.name.len() > LONGEST => return Err(Errno::ENAMETOOLONG),
            None if moves && directory.links() >= LINKS => return Err(Errno::EMLINK),
            None => self
                .disk
                .insert(lwp, &mut directory, to.name, inode.number, kind, time)?,
        }
        if moves {
            self.moved(lwp, &mut inode, to.directory)?;
            self.count(lwp, to.directory, 1)?;
            self.count(lwp, from.directory, -1)?;
        }
        inode.set_changed(time);
        self.disk.write_inode(lwp, &inode)?;
        self.disk.sync(lwp)?;
        // The new name may have moved entries of the same directory.
        let (spot, _) = self.entry(lwp, from)?;
        let mut directory = self.directory(lwp, from.directory)?;
        self.disk.erase(lwp, &mut directory, spot, time)
    }

    pub(crate) fn exchange(
        &mut self,
        lwp: &Lwp<'_>,
        one: Place<'_>,
        other: Place<'_>,
    ) -> Result<(), Errno> {
        let time = Time::now();
        let places = [one, other];
        let mut inodes = [self.lookup(lwp, one)?, self.lookup(lwp, other)?];
        for (place, index) in [(one, 1), (other, 0)] {
            let (spot, _) = self.entry(lwp, place)?;
            let mut directory = self.directory(lwp, place.directory)?;
            let inode = &inodes[index];
            self.disk
                .redirect(lwp, &mut directory, spot, inode.number, inode.kind()?, time)?;
        }
        for (index, inode) in inodes.iter_mut().enumerate() {
            let (from, to) = (places[index].directory, places[1 - index].directory);
            if inode.is_directory() && from != to {
                self.moved(lwp, inode, to)?;
                self.count(lwp, to, 1)?;
                self.count(lwp, from, -1)?;
            }
            inode.set_changed(time);
            self.disk.write_inode(lwp, inode)?;
        }
        Ok(())
    }

    /// A directory is in another one now.
    fn moved(&mut self, lwp: &Lwp<'_>, inode: &mut Inode, parent: Ino) -> Result<(), Errno> {
        let found = self.disk.search(lwp, inode, b"..")?;
        let (spot, _) = found.ok_or(Errno::EUCLEAN)?;
        let time = inode.attributes()?.modified;
        self.disk
            .redirect(lwp, inode, spot, number(parent)?, Kind::Directory, time)
    }

    // ---- the end of inodes ----

    /// Nobody uses an inode any more.
    pub(crate) fn forget(&mut self, lwp: &Lwp<'_>, inode: Ino) -> Result<(), Errno> {
        let number = number(inode)?;
        if self.nameless.remove(&number) {
            self.waiting.insert(number);
        }
        match self.waiting.len() < WAITING {
            true => Ok(()),
            false => self.end_waiting(lwp),
        }
    }

    /// Ends the inodes that wait for it, whose names are gone on the disk as well then.
    pub(crate) fn end_waiting(&mut self, lwp: &Lwp<'_>) -> Result<(), Errno> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        self.disk.sync(lwp)?;
        while let Some(number) = self.waiting.pop_first() {
            let mut inode = self.disk.inode(lwp, number)?;
            self.end(lwp, &mut inode)?;
        }
        Ok(())
    }

    /// Ends an inode, and gives back what it has.
    fn end(&mut self, lwp: &Lwp<'_>, inode: &mut Inode) -> Result<(), Errno> {
        let is_directory = inode.is_directory();
        self.disk.drop_xattr_block(lwp, inode)?;
        let given = match self.disk.has_blocks(inode) {
            true => self.disk.cut(lwp, inode, 0),
            false => Ok(()),
        };
        inode.set_size(0);
        inode.end(Time::now());
        self.disk.write_inode(lwp, inode)?;
        self.disk.give_inode(lwp, inode.number, is_directory)?;
        given
    }

    /// Does something, once more if there was no room for it and some could be had.
    pub(crate) fn with_room<R>(
        &mut self,
        lwp: &Lwp<'_>,
        f: impl Fn(&mut State) -> Result<R, Errno>,
    ) -> Result<R, Errno> {
        match f(self) {
            Err(Errno::ENOSPC) if !self.waiting.is_empty() => {
                self.end_waiting(lwp)?;
                f(self)
            }
            result => result,
        }
    }

    /// Has everything so far survive a loss of power.
    pub(crate) fn sync(&mut self, lwp: &Lwp<'_>) -> Result<(), Errno> {
        self.end_waiting(lwp)?;
        self.disk.sync(lwp)
    }

    /// The end.
    pub(crate) fn close(&mut self, lwp: &Lwp<'_>) -> Result<(), Errno> {
        self.waiting.append(&mut self.nameless);
        self.end_waiting(lwp)?;
        self.disk.close(lwp)
    }
}
