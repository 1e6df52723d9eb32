//! Names in directories: found, made, taken away.
//!
//! A directory remembers what was found in it, and what was not, unless its file system says that names change by
//! themselves. Whoever asks its file system, or changes names, has the
//! directory's turn; of two directories that of the lower address first, and for a move between two the mount's
//! order of moves before that.

use alloc::boxed::Box;
use alloc::sync::Arc;

use base::{Errno, Lwp};
use syscall::consts::*;

use crate::rights::{Access, Credentials};
use crate::vnode::Names;
use crate::{Creation, Kind, Place, Vnode};

/// Names remembered in one directory, before all are forgotten.
const REMEMBERED: usize = 16 * 1024;

/// What moved, and what had the new name.
type Moved = (Arc<Vnode>, Option<Arc<Vnode>>);

/// What a rename is to do with what has the new name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Replace {
    /// It loses the name.
    Yes,
    /// It is not to be there (`EEXIST`).
    No,
    /// It gets the old name.
    Exchange,
}

fn remember(names: &mut Names, name: &[u8], found: Option<Arc<Vnode>>) -> Option<Names> {
    // What is forgotten is dropped by the caller, who holds no lock then.
    let old = (names.len() >= REMEMBERED).then(|| core::mem::take(names));
    names.insert(Box::from(name), found);
    old
}

impl Vnode {
    fn place<'a>(&self, name: &'a [u8]) -> Place<'a> {
        Place {
            directory: self.number(),
            name,
        }
    }

    /// What a name stands for. `ENOENT`.
    pub(crate) fn lookup(
        self: &Arc<Self>,
        lwp: &Lwp<'_>,
        name: &[u8],
    ) -> Result<Arc<Vnode>, Errno> {
        match self.remembered(name) {
            Some(found) => found.ok_or(Errno::ENOENT),
            None => self.turn.with(lwp, |()| self.lookup_in_turn(lwp, name))?,
        }
    }

    fn remembered(&self, name: &[u8]) -> Option<Option<Arc<Vnode>>> {
        self.names.with(|names| names.get(name).cloned())
    }

    /// As [`lookup`](Self::lookup) for who has the turn.
    fn lookup_in_turn(self: &Arc<Self>, lwp: &Lwp<'_>, name: &[u8]) -> Result<Arc<Vnode>, Errno> {
        if let Some(found) = self.remembered(name) {
            return found.ok_or(Errno::ENOENT);
        }
        if name.len() > self.mount().properties().longest_name as usize {
            return Err(Errno::ENAMETOOLONG);
        }
        let ask = || {
            let number = self.fs().lookup(lwp, self.place(name))?;
            self.mount().vnode(lwp, number, Some(self))
        };
        // One that nobody used may have been forgotten between the two: then it has a new number.
        let found = match ask().or_else(|errno| match errno {
            Errno::ESTALE => ask(),
            _ => Err(errno),
        }) {
            Ok(found) => Some(found),
            Err(Errno::ENOENT) => None,
            Err(errno) => return Err(errno),
        };
        if self.mount().remembers_names() {
            let old = self
                .names
                .with(|names| remember(names, name, found.clone()));
            drop(old);
        }
        found.ok_or(Errno::ENOENT)
    }

    /// `EEXIST` if there is such a name. The caller has the turn.
    fn check_absent(self: &Arc<Self>, lwp: &Lwp<'_>, name: &[u8]) -> Result<(), Errno> {
        match self.lookup_in_turn(lwp, name) {
            Ok(_) => Err(Errno::EEXIST),
            Err(Errno::ENOENT) => Ok(()),
            Err(errno) => Err(errno),
        }
    }

    /// Says to who watches that something happened to a name here.
    fn happened_in(
        self: &Arc<Self>,
        lwp: &Lwp<'_>,
        name: &[u8],
        child: &Arc<Vnode>,
        mask: u32,
        cookie: u32,
    ) {
        let mask = mask | if child.is_directory() { IN_ISDIR } else { 0 };
        self.mount()
            .watches()
            .happened_in(lwp, self, name, mask, cookie);
    }

    /// A name changed its meaning.
    fn renew(&self, name: &[u8], now: Option<Arc<Vnode>>) {
        if self.mount().remembers_names() {
            let folds = self.mount().properties().folds_case;
            let old = self.names.with(|names| {
                let all = folds.then(|| core::mem::take(names));
                let one = names.remove(name);
                (all, one, remember(names, name, now))
            });
            drop(old);
        }
        self.forget_attributes();
    }

    /// Checks that names may be made and taken away in it.
    fn check_change(self: &Arc<Self>, lwp: &Lwp<'_>, who: &Credentials) -> Result<(), Errno> {
        self.check_directory()?;
        self.check(lwp, who, Access::WRITE.and(Access::EXECUTE))
    }

    /// Makes an inode. `EEXIST`, and what a file system has to say.
    pub(crate) fn create(
        self: &Arc<Self>,
        lwp: &Lwp<'_>,
        who: &Credentials,
        name: &[u8],
        new: &Creation<'_>,
    ) -> Result<Arc<Vnode>, Errno> {
        let made = self.turn.with(lwp, |()| {
            self.check_absent(lwp, name)?;
            self.check_change(lwp, who)?;
            self.check_alive(lwp)?;
            let number = self.fs_to_change(lwp).create(lwp, self.place(name), new)?;
            let vnode = self.mount().vnode(lwp, number, Some(self))?;
            self.renew(name, Some(vnode.clone()));
            Ok(vnode)
        })??;
        self.happened_in(lwp, name, &made, IN_CREATE, 0);
        Ok(made)
    }

    /// `ENOENT` if the directory has no name itself any more.
    fn check_alive(&self, lwp: &Lwp<'_>) -> Result<(), Errno> {
        match self.attributes(lwp)?.links {
            0 => Err(Errno::ENOENT),
            _ => Ok(()),
        }
    }

    /// Gives an inode that is no directory one more name.
    pub(crate) fn link(
        self: &Arc<Self>,
        lwp: &Lwp<'_>,
        who: &Credentials,
        name: &[u8],
        target: &Arc<Vnode>,
    ) -> Result<(), Errno> {
        self.turn.with(lwp, |()| {
            self.check_absent(lwp, name)?;
            if !Arc::ptr_eq(self.mount(), target.mount()) {
                return Err(Errno::EXDEV);
            }
            if target.is_directory() {
                return Err(Errno::EPERM);
            }
            self.check_change(lwp, who)?;
            self.check_alive(lwp)?;
            if target.attributes(lwp)?.links == 0 {
                return Err(Errno::ENOENT);
            }
            self.fs_to_change(lwp)
                .link(lwp, target.number(), self.place(name))?;
            target.forget_attributes();
            self.renew(name, Some(target.clone()));
            Ok(())
        })??;
        target.happened_to(lwp, IN_ATTRIB);
        self.happened_in(lwp, name, target, IN_CREATE, 0);
        Ok(())
    }

    /// Takes a name away, of a directory or of anything else.
    pub(crate) fn remove(
        self: &Arc<Self>,
        lwp: &Lwp<'_>,
        who: &Credentials,
        name: &[u8],
        directory: bool,
    ) -> Result<(), Errno> {
        let child = self.turn.with(lwp, |()| {
            let child = self.lookup_in_turn(lwp, name)?;
            self.check_change(lwp, who)?;
            who.check_sticky(&self.attributes(lwp)?, &child.attributes(lwp)?)?;
            match (directory, child.is_directory()) {
                (true, false) => return Err(Errno::ENOTDIR),
                (false, true) => return Err(Errno::EISDIR),
                _ => {}
            }
            if child.mounted().is_some() {
                return Err(Errno::EBUSY);
            }
            self.fs_to_change(lwp)
                .remove(lwp, self.place(name), child.number())?;
            self.renew(name, None);
            Ok(child)
        })??;
        if !directory {
            child.happened_to(lwp, IN_ATTRIB);
        }
        self.happened_in(lwp, name, &child, IN_DELETE, 0);
        self.lost_a_name(lwp, child)
    }

    /// What lost a name ends if it was the last, as soon as nobody uses it.
    fn lost_a_name(&self, lwp: &Lwp<'_>, child: Arc<Vnode>) -> Result<(), Errno> {
        child.forget_attributes();
        if child.is_directory() || child.attributes(lwp)?.links == 0 {
            drop(child.names.with(core::mem::take));
            self.mount().watches().ended(lwp, &child);
            self.mount().orphan(lwp, child);
        } else {
            self.mount().end_orphans(lwp, None);
        }
        Ok(())
    }

    /// Gives what has a name here another, here or in another directory of the same mount.
    pub(crate) fn rename(
        self: &Arc<Self>,
        lwp: &Lwp<'_>,
        who: &Credentials,
        name: &[u8],
        to: &Arc<Vnode>,
        new_name: &[u8],
        replace: Replace,
    ) -> Result<(), Errno> {
        if !Arc::ptr_eq(self.mount(), to.mount()) {
            return Err(Errno::EXDEV);
        }
        let act = || self.rename_in_turns(lwp, who, name, to, new_name, replace);
        let replaced = if Arc::ptr_eq(self, to) {
            self.turn.with(lwp, |()| act())??
        } else {
            let lower = Arc::as_ptr(self) < Arc::as_ptr(to);
            let (first, second) = if lower { (self, to) } else { (to, self) };
            // Who is above whom does not change meanwhile.
            self.mount().moves.with(lwp, |()| {
                first.turn.with(lwp, |()| second.turn.with(lwp, |()| act()))
            })????
        };
        let Some((moved, replaced)) = replaced else {
            return Ok(());
        };
        let cookie = self.mount().watches().cookie();
        self.happened_in(lwp, name, &moved, IN_MOVED_FROM, cookie);
        to.happened_in(lwp, new_name, &moved, IN_MOVED_TO, cookie);
        moved.happened_to(lwp, IN_MOVE_SELF);
        match replaced {
            Some(other) if replace == Replace::Exchange => {
                let cookie = self.mount().watches().cookie();
                to.happened_in(lwp, new_name, &other, IN_MOVED_FROM, cookie);
                self.happened_in(lwp, name, &other, IN_MOVED_TO, cookie);
                other.happened_to(lwp, IN_MOVE_SELF);
                Ok(())
            }
            Some(replaced) => {
                if !replaced.is_directory() {
                    replaced.happened_to(lwp, IN_ATTRIB);
                }
                self.lost_a_name(lwp, replaced)
            }
            None => Ok(()),
        }
    }

    /// Does it, for who has the turns of both: what moved, and what had the new name. Nothing if both were one.
    fn rename_in_turns(
        self: &Arc<Self>,
        lwp: &Lwp<'_>,
        who: &Credentials,
        name: &[u8],
        to: &Arc<Vnode>,
        new_name: &[u8],
        replace: Replace,
    ) -> Result<Option<Moved>, Errno> {
        let child = self.lookup_in_turn(lwp, name)?;
        let there = match to.lookup_in_turn(lwp, new_name) {
            Ok(there) => Some(there),
            Err(Errno::ENOENT) => None,
            Err(errno) => return Err(errno),
        };
        match (replace, &there) {
            (Replace::No, Some(_)) => return Err(Errno::EEXIST),
            (Replace::Exchange, None) => return Err(Errno::ENOENT),
            _ => {}
        }
        // A directory does not come into itself, and nothing takes the place of what it is in.
        if child.is_directory() && child.is_above(to) {
            return Err(Errno::EINVAL);
        }
        if let Some(there) = &there
            && there.is_directory()
            && there.is_above(self)
        {
            return Err(match replace {
                Replace::Exchange => Errno::EINVAL,
                _ => Errno::ENOTEMPTY,
            });
        }
        self.check_change(lwp, who)?;
        to.check_change(lwp, who)?;
        to.check_alive(lwp)?;
        who.check_sticky(&self.attributes(lwp)?, &child.attributes(lwp)?)?;
        if let Some(there) = &there {
            who.check_sticky(&to.attributes(lwp)?, &there.attributes(lwp)?)?;
            if Arc::ptr_eq(there, &child) {
                return Ok(None);
            }
            if replace == Replace::Yes {
                match (child.is_directory(), there.is_directory()) {
                    (true, false) => return Err(Errno::ENOTDIR),
                    (false, true) => return Err(Errno::EISDIR),
                    _ => {}
                }
            }
        }
        if child.is_directory() && !Arc::ptr_eq(self, to) {
            // Its entry `..` changes.
            child.check(lwp, who, Access::WRITE)?;
        }
        let is_mount = |vnode: &Arc<Vnode>| vnode.mounted().is_some();
        if is_mount(&child) || there.as_ref().is_some_and(is_mount) {
            return Err(Errno::EBUSY);
        }
        let (from, place) = (self.place(name), to.place(new_name));
        match (replace, &there) {
            (Replace::Exchange, Some(there)) => {
                self.fs_to_change(lwp).exchange(lwp, from, place)?;
                self.renew(name, Some(there.clone()));
                if there.is_directory() {
                    there.set_parent(self);
                }
                there.forget_attributes();
            }
            _ => {
                let replaced = there.as_ref().map(|there| there.number());
                self.fs_to_change(lwp)
                    .rename(lwp, child.number(), from, place, replaced)?;
                self.renew(name, None);
            }
        }
        to.renew(new_name, Some(child.clone()));
        if child.is_directory() {
            child.set_parent(to);
        }
        child.forget_attributes();
        Ok(Some((child, there)))
    }

    /// What it says, of a symbolic link.
    pub(crate) fn read_link(&self, lwp: &Lwp<'_>) -> Result<alloc::vec::Vec<u8>, Errno> {
        match self.kind() {
            Kind::Symlink => self.fs().read_link(lwp, self.number()),
            _ => Err(Errno::EINVAL),
        }
    }
}
