//! What the faction asks of a file system.

use alloc::vec::Vec;

use base::{Errno, Lwp};
use rsext4::{
    DeviceNumber, DirectoryEntryType as Type, FileExtentState, FileExtentTarget, InodeFlags,
    MutationContext, PreallocationOptions, RangeOperation, RenameOptions, SpecialInodeKind,
    XattrSetMode,
};
use vfs::{
    Attributes, Changes, Creation, Device, Entry, Existence, FileSystem, Ino, Kind, Place,
    Properties, Storage, Time, Usage,
};

use crate::change::permissions;
use crate::error::errno;
use crate::filesystem::{Ext4FileSystem, ROOT, name, number};
use crate::times;
use crate::{blocks, cursor, xattr};

/// Entries of a directory, or pieces of a file, that are looked at at once.
const BATCH: usize = 128;

impl FileSystem for Ext4FileSystem {
    fn properties(&self) -> Properties {
        Properties {
            magic: rsext4::EXT4_SUPER_MAGIC.into(),
            storage: Storage::Medium,
            read_only: self.source.volume.read_only(),
            longest_name: rsext4::DIRNAME_LEN as u32,
            largest_file: self.layout.largest_file(),
            folds_case: false,
        }
    }

    fn root(&self) -> Ino {
        ROOT.into()
    }

    fn usage(&self, lwp: &Lwp<'_>) -> Result<Usage, Errno> {
        self.with(lwp, |state| {
            let usage = state.ext4.statfs();
            Ok(Usage {
                block_size: usage.block_size as u32,
                blocks: usage.total_blocks,
                free_blocks: usage.free_blocks,
                inodes: usage.total_inodes.into(),
                free_inodes: usage.free_inodes.into(),
            })
        })
    }

    fn lookup(&self, lwp: &Lwp<'_>, place: Place<'_>) -> Result<Ino, Errno> {
        self.with(lwp, |state| {
            Ok(self.find(lwp, state, place)?.number.raw().into())
        })
    }

    fn attributes(&self, lwp: &Lwp<'_>, inode: Ino) -> Result<Attributes, Errno> {
        self.with(lwp, |state| self.attributes_of(lwp, state, number(inode)?))
    }

    fn entries(
        &self,
        lwp: &Lwp<'_>,
        directory: Ino,
        from: u64,
        each: &mut dyn FnMut(Entry<'_>) -> bool,
    ) -> Result<(), Errno> {
        let directory = number(directory)?;
        let mut from = from;
        while from != cursor::END {
            let (batch, start) = self.with(lwp, |state| {
                let info = state.ext4.inode(directory).map_err(errno)?;
                let start = cursor::decode(from, info.flags.contains(InodeFlags::DIRECTORY_INDEX));
                let batch = state.ext4.read_directory(directory, start.cursor, BATCH);
                Ok((batch.map_err(errno)?, start))
            })?;
            let full = batch.len() == BATCH;
            let mut walk = cursor::Walk::new(start);
            for entry in &batch {
                let Some(next) = walk.step(entry.next_cursor)? else {
                    continue;
                };
                from = next;
                let entry = Entry {
                    name: &entry.name,
                    number: entry.inode.raw().into(),
                    kind: kind(entry.file_type),
                    next,
                };
                if !matches!(entry.name, b"." | b"..") && !each(entry) {
                    return Ok(());
                }
            }
            if !full {
                break;
            }
        }
        Ok(())
    }

    fn read(&self, lwp: &Lwp<'_>, file: Ino, offset: u64, to: &mut [u8]) -> Result<usize, Errno> {
        self.read_at(lwp, file, offset, to)
    }

    fn read_pieces(
        &self,
        lwp: &Lwp<'_>,
        file: Ino,
        offset: u64,
        to: &mut [&mut [u8]],
    ) -> Result<usize, Errno> {
        match self.read_past(lwp, number(file)?, offset, to)? {
            Some(count) => Ok(count),
            None => vfs::read_pieces(to, |to| self.read_at(lwp, file, offset, to)),
        }
    }

    fn read_link(&self, lwp: &Lwp<'_>, link: Ino) -> Result<Vec<u8>, Errno> {
        // The crate believes what the inode says of its size, so this looks at the very bytes. It fits into a block.
        let size = self.with(lwp, |state| {
            let number = number(link)?;
            let size = state.ext4.inode(number).map_err(errno)?.size;
            let most = u64::from(rsext4::MAX_BLOCK_SIZE);
            let stored = self.layout.inode(lwp, &self.source, number.raw())?;
            match size > most || (stored.is_symlink() && stored.size() > most) {
                true => Err(Errno::EUCLEAN),
                false => Ok(size as usize),
            }
        })?;
        let mut bytes = alloc::vec![0; size];
        match self.read_at(lwp, link, 0, &mut bytes)? == bytes.len() {
            true => Ok(bytes),
            false => Err(Errno::EUCLEAN),
        }
    }

    fn write(&self, lwp: &Lwp<'_>, file: Ino, offset: u64, from: &[u8]) -> Result<(), Errno> {
        let (file, time) = (number(file)?, Time::now());
        self.check_range(offset, from.len() as u64, Errno::EFBIG)?;
        self.change_at(lwp, time, |state| {
            state.keeping_mode(file, |state| {
                state.check_space(file, offset, from.len() as u64)?;
                state.times.set(file.raw(), times::CONTENTS, time);
                state.contents.change(file);
                state.ext4.write_inode(file, offset, from).map_err(errno)
            })
        })
    }

    fn change(&self, lwp: &Lwp<'_>, inode: Ino, changes: &Changes) -> Result<(), Errno> {
        let inode = number(inode)?;
        let time = changes.changed.unwrap_or_else(Time::now);
        self.check_range(changes.size.unwrap_or(0), 0, Errno::EFBIG)?;
        self.change_at(lwp, time, |state| state.change(inode, changes, time))
    }

    fn create(&self, lwp: &Lwp<'_>, place: Place<'_>, new: &Creation<'_>) -> Result<Ino, Errno> {
        let (directory, name) = (number(place.directory)?, name(place)?);
        let context = MutationContext::new(new.owner, new.group, 0, 0);
        let permissions = permissions(new.mode)?;
        self.change_at(lwp, new.time, |state| {
            let ext4 = &mut state.ext4;
            let info = match new.kind {
                Kind::File => ext4.create_regular_file(context, directory, name, permissions),
                Kind::Directory => ext4.create_directory(context, directory, name, permissions),
                Kind::Symlink => ext4.create_symlink(context, directory, name, new.target),
                kind => {
                    ext4.create_special_inode(context, directory, name, permissions, special(kind)?)
                }
            };
            let made = info.map_err(errno)?.number.raw();
            state.times.set(made, times::ALL, new.time);
            state.named(directory, new.time);
            Ok(made.into())
        })
    }

    fn link(&self, lwp: &Lwp<'_>, inode: Ino, place: Place<'_>) -> Result<(), Errno> {
        let (inode, directory, time) = (number(inode)?, number(place.directory)?, Time::now());
        self.change_at(lwp, time, |state| {
            let linked = state.ext4.hard_link(inode, directory, name(place)?);
            linked.map_err(errno)?;
            state.nameless.remove(&inode.raw());
            state.times.set(inode.raw(), times::STATE, time);
            state.named(directory, time);
            Ok(())
        })
    }

    fn remove(&self, lwp: &Lwp<'_>, place: Place<'_>, inode: Ino) -> Result<(), Errno> {
        let (inode, directory, time) = (number(inode)?, number(place.directory)?, Time::now());
        self.change_at(lwp, time, |state| {
            let info = state.ext4.inode(inode).map_err(errno)?;
            let outcome = match info.is_directory() {
                true => state.ext4.remove_empty_directory(directory, name(place)?),
                false => state.ext4.unlink(directory, name(place)?),
            };
            state.unlinked(outcome.map_err(errno)?);
            state.times.set(inode.raw(), times::STATE, time);
            state.times.set(directory.raw(), times::CONTENTS, time);
            Ok(())
        })
    }

    fn rename(
        &self,
        lwp: &Lwp<'_>,
        inode: Ino,
        from: Place<'_>,
        to: Place<'_>,
        replaced: Option<Ino>,
    ) -> Result<(), Errno> {
        let options = match replaced {
            Some(_) => RenameOptions::REPLACE,
            None => RenameOptions::NO_REPLACE,
        };
        self.move_name(lwp, from, to, options, &[Some(inode), replaced])
    }

    fn exchange(&self, lwp: &Lwp<'_>, one: Place<'_>, other: Place<'_>) -> Result<(), Errno> {
        self.move_name(lwp, one, other, RenameOptions::EXCHANGE, &[])
    }

    fn allocate(&self, lwp: &Lwp<'_>, file: Ino, offset: u64, len: u64) -> Result<(), Errno> {
        let operation = RangeOperation::Allocate(PreallocationOptions::KEEP_SIZE);
        self.change_range(lwp, file, offset, len, operation)
    }

    fn punch(&self, lwp: &Lwp<'_>, file: Ino, offset: u64, len: u64) -> Result<(), Errno> {
        self.change_range(lwp, file, offset, len, RangeOperation::PunchHole)
    }

    fn seek(&self, lwp: &Lwp<'_>, file: Ino, offset: u64, hole: bool) -> Result<u64, Errno> {
        let file = number(file)?;
        self.with(lwp, |state| {
            let size = state.ext4.inode(file).map_err(errno)?.size;
            if offset >= size {
                return Err(Errno::ENXIO);
            }
            let mut at = offset;
            while at < size {
                let target = FileExtentTarget::Data;
                let map = state.ext4.inode_extents(file, at, size - at, target, BATCH);
                let map = map.map_err(errno)?;
                for extent in &map.extents {
                    let end = extent.logical_start.saturating_add(extent.length);
                    // What was reserved, but never written, reads as zeros.
                    if extent.state == FileExtentState::Unwritten || end <= at {
                        continue;
                    }
                    match (hole, extent.logical_start > at) {
                        (false, _) => return Ok(extent.logical_start.clamp(at, size - 1)),
                        (true, true) => return Ok(at),
                        (true, false) => at = end,
                    }
                }
                match map.extents.last() {
                    Some(last) if !map.complete => {
                        at = at.max(last.logical_start.saturating_add(last.length).max(at + 1));
                    }
                    _ => break,
                }
            }
            match hole {
                true => Ok(at.min(size)),
                false => Err(Errno::ENXIO),
            }
        })
    }

    fn xattr(&self, lwp: &Lwp<'_>, inode: Ino, name: &[u8]) -> Result<Vec<u8>, Errno> {
        let (inode, (space, name)) = (number(inode)?, xattr::split(name)?);
        self.with(lwp, |state| {
            state.ext4.get_xattr(inode, space, name).map_err(no_data)
        })
    }

    fn xattrs(&self, lwp: &Lwp<'_>, inode: Ino) -> Result<Vec<Vec<u8>>, Errno> {
        let inode = number(inode)?;
        let names = self.with(lwp, |state| state.ext4.list_xattrs(inode).map_err(errno))?;
        Ok(names.iter().filter_map(xattr::join).collect())
    }

    fn set_xattr(
        &self,
        lwp: &Lwp<'_>,
        inode: Ino,
        name: &[u8],
        value: Option<&[u8]>,
        existence: Existence,
    ) -> Result<(), Errno> {
        let (inode, (space, name), time) = (number(inode)?, xattr::split(name)?, Time::now());
        let mode = match existence {
            Existence::Any => XattrSetMode::Upsert,
            Existence::New => XattrSetMode::Create,
            Existence::Old => XattrSetMode::Replace,
        };
        self.change_at(lwp, time, |state| {
            let done = match value {
                Some(value) => state.ext4.set_xattr(inode, space, name, value, mode),
                None => state.ext4.remove_xattr(inode, space, name),
            };
            done.map_err(no_data)?;
            state.times.set(inode.raw(), times::STATE, time);
            Ok(())
        })
    }

    fn forget(&self, lwp: &Lwp<'_>, inode: Ino) -> Result<(), Errno> {
        let inode = number(inode)?;
        match self.with(lwp, |state| Ok(state.nameless.contains(&inode.raw())))? {
            true => self.change_at(lwp, Time::now(), |state| state.reap(inode)),
            false => Ok(()),
        }
    }

    fn sync(&self, lwp: &Lwp<'_>) -> Result<(), Errno> {
        match self.source.volume.read_only() {
            true => Ok(()),
            false => self.at(lwp, Time::now(), |state| self.sync_all(lwp, state)),
        }
    }

    fn unmount(&self, lwp: &Lwp<'_>) -> Result<(), Errno> {
        let grown = self.at(lwp, Time::now(), |state| {
            while let Some(inode) = state.nameless.first().copied() {
                state.reap(number(inode.into())?)?;
            }
            if !self.source.volume.read_only() {
                self.make_room(lwp, state)?;
            }
            state.ext4.unmount().map_err(errno)?;
            Ok(core::mem::take(&mut state.grown))
        })?;
        // The last thing to be written is that all is well; so all is well, whatever is made of these.
        let corrected = grown.into_iter().map(|directory| {
            let corrected = blocks::correct(lwp, &self.source, &self.layout, directory);
            // Maps that make no sense stay as they are.
            corrected.or_else(|errno| match errno {
                Errno::EUCLEAN => Ok(()),
                errno => Err(errno),
            })
        });
        let corrected = corrected.collect::<Result<(), _>>();
        self.source.volume.flush(lwp).and(corrected)
    }
}

impl Ext4FileSystem {
    fn move_name(
        &self,
        lwp: &Lwp<'_>,
        from: Place<'_>,
        to: Place<'_>,
        options: RenameOptions,
        inodes: &[Option<Ino>],
    ) -> Result<(), Errno> {
        let (old, new, time) = (number(from.directory)?, number(to.directory)?, Time::now());
        self.change_at(lwp, time, |state| {
            let outcome = state.ext4.rename(old, name(from)?, new, name(to)?, options);
            if let Some(replaced) = outcome.map_err(errno)?.replaced {
                state.unlinked(replaced);
            }
            for inode in inodes.iter().flatten() {
                state.times.set(number(*inode)?.raw(), times::STATE, time);
            }
            state.times.set(old.raw(), times::CONTENTS, time);
            state.named(new, time);
            Ok(())
        })
    }

    fn change_range(
        &self,
        lwp: &Lwp<'_>,
        file: Ino,
        offset: u64,
        len: u64,
        operation: RangeOperation,
    ) -> Result<(), Errno> {
        let (file, time) = (number(file)?, Time::now());
        self.check_range(offset, len, Errno::EFBIG)?;
        self.change_at(lwp, time, |state| {
            state.keeping_mode(file, |state| {
                if matches!(operation, RangeOperation::Allocate(_)) {
                    state.check_space(file, offset, len)?;
                }
                state.times.set(file.raw(), times::CONTENTS, time);
                state.contents.change(file);
                let done = state.ext4.operate_inode_range(file, offset, len, operation);
                done.map_err(errno)
            })
        })
    }
}

fn special(kind: Kind) -> Result<SpecialInodeKind, Errno> {
    let number = |device: Device| DeviceNumber::new(device.major, device.minor).map_err(errno);
    match kind {
        Kind::Fifo => Ok(SpecialInodeKind::Fifo),
        Kind::Socket => Ok(SpecialInodeKind::Socket),
        Kind::Character(device) => Ok(SpecialInodeKind::CharacterDevice(number(device)?)),
        Kind::Block(device) => Ok(SpecialInodeKind::BlockDevice(number(device)?)),
        Kind::File | Kind::Directory | Kind::Symlink => Err(Errno::EINVAL),
    }
}

/// What a directory says of an inode. It does not say which device.
fn kind(said: Type) -> Option<Kind> {
    match said {
        Type::RegularFile => Some(Kind::File),
        Type::Directory => Some(Kind::Directory),
        Type::Symlink => Some(Kind::Symlink),
        Type::Fifo => Some(Kind::Fifo),
        Type::Socket => Some(Kind::Socket),
        Type::Unknown | Type::CharacterDevice | Type::BlockDevice => None,
    }
}

/// Of an attribute, that there is none has an error of its own.
fn no_data(error: rsext4::Ext4Error) -> Errno {
    match errno(error) {
        Errno::ENOENT => Errno::ENODATA,
        errno => errno,
    }
}
