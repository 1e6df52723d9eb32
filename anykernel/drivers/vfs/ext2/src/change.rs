//! Attributes, and what symbolic links say.

use alloc::vec::Vec;

use base::{Errno, Lwp};
use vfs::{Attributes, Changes, Ino, Kind, Time};

use crate::disk::Disk;
use crate::inode::{IN_PLACE, Inode};
use crate::names::{State, number};

impl Disk {
    /// Whether the numbers in an inode are of blocks: not those of devices, and not a short symbolic link.
    pub(crate) fn has_blocks(&self, inode: &Inode) -> bool {
        match inode.kind() {
            Ok(Kind::File | Kind::Directory) => true,
            Ok(Kind::Symlink) => {
                let xattrs = match inode.xattr_block() {
                    0 => 0,
                    _ => self.layout.block_size / 512,
                };
                inode.sectors() > xattrs
            }
            _ => false,
        }
    }
}

impl State {
    pub(crate) fn attributes(&mut self, lwp: &Lwp<'_>, inode: Ino) -> Result<Attributes, Errno> {
        let inode = self.disk.inode(lwp, number(inode)?)?;
        let mut attributes = inode.attributes()?;
        if self.has_ended(inode.number) {
            attributes.links = 0;
        }
        match attributes.size <= self.disk.layout.largest_file() {
            true => Ok(attributes),
            false => Err(self
                .disk
                .wrong(lwp, format_args!("inode {}: its size", inode.number))),
        }
    }

    pub(crate) fn change(
        &mut self,
        lwp: &Lwp<'_>,
        inode: Ino,
        changes: &Changes,
    ) -> Result<(), Errno> {
        let mut inode = self.disk.inode(lwp, number(inode)?)?;
        if let Some(size) = changes.size {
            if inode.kind()? != Kind::File {
                return Err(Errno::EINVAL);
            }
            self.disk.resize(lwp, &mut inode, size)?;
            inode.touch(Time::now());
        }
        if let Some(mode) = changes.mode {
            inode.set_mode(mode);
        }
        if let Some(owner) = changes.owner {
            inode.set_owner(owner);
        }
        if let Some(group) = changes.group {
            inode.set_group(group);
        }
        if let Some(time) = changes.accessed {
            inode.set_accessed(time);
        }
        if let Some(time) = changes.modified {
            inode.set_modified(time);
        }
        inode.set_changed(changes.changed.unwrap_or_else(Time::now));
        self.disk.write_inode(lwp, &inode)
    }

    pub(crate) fn read_link(&mut self, lwp: &Lwp<'_>, link: Ino) -> Result<Vec<u8>, Errno> {
        let inode = self.disk.inode(lwp, number(link)?)?;
        if inode.kind()? != Kind::Symlink {
            return Err(Errno::EINVAL);
        }
        let in_place = !self.disk.has_blocks(&inode);
        let most = match in_place {
            true => IN_PLACE.len(),
            false => self.disk.layout.block_size as usize,
        };
        let Some(size) = usize::try_from(inode.size())
            .ok()
            .filter(|size| *size <= most)
        else {
            return Err(self
                .disk
                .wrong(lwp, format_args!("symbolic link {link}: its size")));
        };
        if in_place {
            return Ok(inode.raw[IN_PLACE][..size].to_vec());
        }
        let mut bytes = alloc::vec![0; size];
        self.disk.read_file(lwp, &inode, 0, &mut bytes)?;
        Ok(bytes)
    }
}
