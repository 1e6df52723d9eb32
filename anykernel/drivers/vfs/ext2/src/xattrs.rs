//! Extended attributes of inodes: in what a larger inode has of room, and in a block, which inodes may share.

use alloc::vec::Vec;

use base::{Errno, Lwp};
use vfs::{Existence, Ino, Time};

use crate::bytes::{put_u32, u32_at};
use crate::disk::Disk;
use crate::inode::Inode;
use crate::names::{State, number};
use crate::xattr::{self, Xattr};

const MAGIC: u32 = 0xea02_0000;
/// In a block, where entries begin, and where it stands how many inodes share it and how many blocks there are.
const FIRST: usize = 32;
const SHARED: usize = 4;
const BLOCKS: usize = 8;
/// In an inode, where entries begin.
const FIRST_IN_INODE: usize = 4;
/// As many inodes share a block at most.
const MOST_SHARED: u32 = 1024;

impl Disk {
    fn in_inode(&mut self, lwp: &Lwp<'_>, inode: &Inode) -> Result<Vec<Xattr>, Errno> {
        let Some(rest) = inode.rest() else {
            return Ok(Vec::new());
        };
        let raw = &inode.raw[rest];
        match u32_at(raw, 0) == MAGIC {
            true => xattr::decode(raw, FIRST_IN_INODE, FIRST_IN_INODE)
                .ok_or_else(|| self.wrong_xattrs(lwp, inode)),
            false => Ok(Vec::new()),
        }
    }

    /// The block of an inode's attributes, if it has one.
    fn xattr_block(&mut self, lwp: &Lwp<'_>, inode: &Inode) -> Result<Option<Vec<u8>>, Errno> {
        let block = inode.xattr_block();
        if block == 0 {
            return Ok(None);
        }
        self.check(lwp, block, inode.number)?;
        let raw = self.read(lwp, block)?;
        let shared = 1..=MOST_SHARED;
        match u32_at(&raw, 0) == MAGIC
            && u32_at(&raw, BLOCKS) == 1
            && shared.contains(&u32_at(&raw, SHARED))
        {
            true => Ok(Some(raw)),
            false => Err(self.wrong_xattrs(lwp, inode)),
        }
    }

    fn in_block(&mut self, lwp: &Lwp<'_>, inode: &Inode) -> Result<Vec<Xattr>, Errno> {
        match self.xattr_block(lwp, inode)? {
            Some(raw) => xattr::decode(&raw, FIRST, 0).ok_or_else(|| self.wrong_xattrs(lwp, inode)),
            None => Ok(Vec::new()),
        }
    }

    fn wrong_xattrs(&mut self, lwp: &Lwp<'_>, inode: &Inode) -> Errno {
        self.wrong(lwp, format_args!("inode {}: its attributes", inode.number))
    }

    /// Lets go of the block of an inode's attributes. What is wrong with it stays as it is.
    pub(crate) fn drop_xattr_block(
        &mut self,
        lwp: &Lwp<'_>,
        inode: &mut Inode,
    ) -> Result<(), Errno> {
        let block = inode.xattr_block();
        let raw = match self.xattr_block(lwp, inode) {
            Ok(Some(raw)) => raw,
            Ok(None) | Err(Errno::EUCLEAN) => {
                inode.set_xattr_block(0);
                return Ok(());
            }
            Err(errno) => return Err(errno),
        };
        match u32_at(&raw, SHARED) {
            1 => drop(self.give_block(lwp, block, inode.number)?),
            shared => self.set_number(lwp, block, SHARED as u32 / 4, shared - 1)?,
        }
        inode.set_xattr_block(0);
        inode.count(-1, self.layout.block_size);
        Ok(())
    }

    /// Puts attributes into an inode's block: the one it has alone, or a new one.
    fn store_in_block(
        &mut self,
        lwp: &Lwp<'_>,
        inode: &mut Inode,
        all: &mut [Xattr],
    ) -> Result<(), Errno> {
        if all.is_empty() {
            return self.drop_xattr_block(lwp, inode);
        }
        let mut raw = alloc::vec![0; self.layout.block_size as usize];
        put_u32(&mut raw, 0, MAGIC);
        put_u32(&mut raw, SHARED, 1);
        put_u32(&mut raw, BLOCKS, 1);
        xattr::encode(all, &mut raw, FIRST, 0)?;
        let old = self.xattr_block(lwp, inode)?;
        if old.is_some_and(|old| u32_at(&old, SHARED) == 1) {
            return self.write(lwp, inode.xattr_block(), &raw);
        }
        self.mark_xattrs(lwp)?;
        let block = self.take_block(lwp, self.home(inode.number))?;
        self.write(lwp, block, &raw)?;
        self.drop_xattr_block(lwp, inode)?;
        inode.set_xattr_block(block);
        inode.count(1, self.layout.block_size);
        Ok(())
    }

    /// Puts attributes into an inode. `ENOSPC` if they do not fit.
    fn store_in_inode(&self, inode: &mut Inode, all: &mut [Xattr]) -> Result<(), Errno> {
        match inode.rest() {
            None if all.is_empty() => Ok(()),
            None => Err(Errno::ENOSPC),
            Some(rest) => {
                let raw = &mut inode.raw[rest];
                xattr::encode(all, raw, FIRST_IN_INODE, FIRST_IN_INODE)?;
                put_u32(raw, 0, if all.is_empty() { 0 } else { MAGIC });
                Ok(())
            }
        }
    }
}

impl State {
    fn all_xattrs(&mut self, lwp: &Lwp<'_>, inode: Ino) -> Result<Vec<Xattr>, Errno> {
        let inode = self.disk.inode(lwp, number(inode)?)?;
        let mut all = self.disk.in_inode(lwp, &inode)?;
        all.extend(self.disk.in_block(lwp, &inode)?);
        Ok(all)
    }

    pub(crate) fn xattr(
        &mut self,
        lwp: &Lwp<'_>,
        inode: Ino,
        name: &[u8],
    ) -> Result<Vec<u8>, Errno> {
        let name = xattr::split(name)?;
        let all = self.all_xattrs(lwp, inode)?;
        let found = all.into_iter().find(|one| one.is(name));
        Ok(found.ok_or(Errno::ENODATA)?.value)
    }

    pub(crate) fn xattrs(&mut self, lwp: &Lwp<'_>, inode: Ino) -> Result<Vec<Vec<u8>>, Errno> {
        let all = self.all_xattrs(lwp, inode)?;
        Ok(all.iter().filter_map(Xattr::full_name).collect())
    }

    /// Sets an attribute, or takes it away: in the inode, if it fits there, or in the block.
    pub(crate) fn set_xattr(
        &mut self,
        lwp: &Lwp<'_>,
        inode: Ino,
        name: &[u8],
        value: Option<&[u8]>,
        existence: Existence,
    ) -> Result<(), Errno> {
        let name = xattr::split(name)?;
        let mut inode = self.disk.inode(lwp, number(inode)?)?;
        let mut near = self.disk.in_inode(lwp, &inode)?;
        let mut far = self.disk.in_block(lwp, &inode)?;
        let is_there = near.iter().chain(&far).any(|one| one.is(name));
        match (value.is_some(), existence, is_there) {
            (true, Existence::New, true) => return Err(Errno::EEXIST),
            (true, Existence::Old, false) | (false, _, false) => return Err(Errno::ENODATA),
            _ => {}
        }
        self.disk.mark(lwp)?;
        near.retain(|one| !one.is(name));
        let had = far.len();
        far.retain(|one| !one.is(name));
        let mut far_changed = far.len() != had;
        let new = value.map(|value| Xattr {
            prefix: name.0,
            name: name.1.to_vec(),
            value: value.to_vec(),
        });
        near.extend(new);
        if self.disk.store_in_inode(&mut inode, &mut near).is_err() {
            let at = near.iter().position(|one| one.is(name));
            far.extend(at.map(|at| near.remove(at)));
            far_changed = true;
            self.disk.store_in_inode(&mut inode, &mut near)?;
        }
        if far_changed {
            self.disk.store_in_block(lwp, &mut inode, &mut far)?;
        }
        inode.set_changed(Time::now());
        self.disk.write_inode(lwp, &inode)
    }
}
