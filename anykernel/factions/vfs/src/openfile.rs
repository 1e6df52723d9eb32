//! Open files and directories: a vnode and a position in it.

use alloc::sync::Arc;

use base::sync::Leaf;
use base::{Errno, Events, Exclusive, File, Lwp, OpenFile, Readiness, Wait};
use syscall::consts::*;
use syscall::{FcntlArg, UioIn, UioOut};

use crate::failures::Known;
use crate::ranges::Owner;
use crate::rights::without_set_id;
use crate::{Changes, Entry, Kind, Person, Vnode};

/// An open file or directory.
pub struct VnodeFile {
    vnode: Arc<Vnode>,
    /// Where its contents are: those of a block unit's node are a vnode of their own.
    contents: Arc<Vnode>,
    /// Bytes from the start; of a directory, where its next entry is.
    position: Exclusive<u64>,
    append: Leaf<bool>,
    /// It was opened for writing.
    writes: bool,
    /// Each write is to survive a loss of power.
    synchronous: bool,
    /// What whoever uses it was told of writing back.
    known: Leaf<Known>,
    readiness: Readiness,
}

/// From where a position is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Whence {
    Start,
    Here,
    End,
    Data,
    Hole,
}

/// Where the entries `.` and `..` are; those of the file system come behind.
const DOTS: u64 = 2;

impl VnodeFile {
    pub(crate) fn new(
        vnode: Arc<Vnode>,
        contents: Arc<Vnode>,
        writes: bool,
        append: bool,
        synchronous: bool,
    ) -> Self {
        VnodeFile {
            known: contents.known_failures(),
            vnode,
            contents,
            position: Exclusive::new(0),
            append: Leaf::new(append),
            writes,
            synchronous,
            readiness: Readiness::new(Events::IN | Events::OUT),
        }
    }

    /// What is open.
    pub fn vnode(&self) -> &Arc<Vnode> {
        &self.vnode
    }

    /// Where its contents are.
    pub(crate) fn contents(&self) -> &Arc<Vnode> {
        &self.contents
    }

    /// What tells open files apart for locks.
    pub(crate) fn identity(&self) -> usize {
        core::ptr::from_ref(self) as usize
    }

    /// Whether all that is written goes to the end.
    pub(crate) fn appends(&self) -> bool {
        self.append.with(|append| *append)
    }

    /// Locks it, or with nothing lets go.
    pub(crate) fn lock(
        &self,
        lwp: &Lwp<'_>,
        hold: Option<crate::locks::Hold>,
        nonblock: bool,
    ) -> Result<(), Errno> {
        let locks = &self.vnode.locks;
        match hold {
            Some(hold) => locks.lock(lwp, self.identity(), hold, nonblock),
            None => {
                locks.unlock(lwp, self.identity());
                Ok(())
            }
        }
    }

    fn check_file(&self) -> Result<(), Errno> {
        match self.contents.kind() {
            Kind::Directory => Err(Errno::EISDIR),
            Kind::File => Ok(()),
            _ => Err(Errno::EINVAL),
        }
    }

    /// Reads from a place, without moving.
    pub(crate) fn read_at(
        &self,
        lwp: &Lwp<'_>,
        offset: u64,
        to: &mut UioOut<'_>,
    ) -> Result<usize, Errno> {
        self.check_file()?;
        let count = self.contents.read(lwp, offset, to)?;
        if count > 0 {
            self.vnode.happened(lwp, IN_ACCESS);
        }
        Ok(count)
    }

    /// Writes to a place, or where `O_APPEND` is set to the end, without moving: how much, and where that ends.
    pub(crate) fn write_at(
        &self,
        lwp: &Lwp<'_>,
        offset: u64,
        from: &mut UioIn<'_>,
    ) -> Result<(usize, u64), Errno> {
        self.check_file()?;
        if from.remaining() == 0 {
            return Ok((0, offset));
        }
        let place = (!self.appends()).then_some(offset);
        let written = self.contents.write(lwp, place, from)?;
        self.vnode.happened(lwp, IN_MODIFY);
        self.no_longer_lends(lwp)?;
        if self.synchronous {
            self.sync(lwp, true)?;
        }
        Ok(written)
    }

    /// Has it survive a loss of power.
    pub(crate) fn sync(&self, lwp: &Lwp<'_>, data_only: bool) -> Result<(), Errno> {
        self.contents.sync(lwp, &self.known, data_only)
    }

    /// A file that somebody wrote lends nobody its owner's rights.
    fn no_longer_lends(&self, lwp: &Lwp<'_>) -> Result<(), Errno> {
        let Some(mode) = without_set_id(self.contents.attributes(lwp)?.mode) else {
            return Ok(());
        };
        if Person::of(lwp)?.credentials().is_root() {
            return Ok(());
        }
        let changes = Changes {
            mode: Some(mode),
            ..Changes::default()
        };
        self.contents.change(lwp, &changes)
    }

    /// Where a position is counted from.
    pub(crate) fn origin(&self, lwp: &Lwp<'_>, whence: Whence) -> Result<u64, Errno> {
        match whence {
            Whence::Here => self.position.with(lwp, |position| *position),
            Whence::End => Ok(self.contents.attributes(lwp)?.size),
            _ => Ok(0),
        }
    }

    /// Moves, and says where to.
    pub(crate) fn seek(&self, lwp: &Lwp<'_>, offset: i64, whence: Whence) -> Result<u64, Errno> {
        let largest = i64::MAX as u64;
        self.position.with(lwp, |position| {
            let from = match whence {
                Whence::Start => 0,
                Whence::Here => *position,
                Whence::End => self.contents.attributes(lwp)?.size,
                Whence::Data | Whence::Hole => {
                    let from = u64::try_from(offset).map_err(|_| Errno::ENXIO)?;
                    self.check_file()?;
                    *position = self.contents.seek_data(lwp, from, whence == Whence::Hole)?;
                    return Ok(*position);
                }
            };
            let to = from.checked_add_signed(offset).filter(|to| *to <= largest);
            *position = to.ok_or(Errno::EINVAL)?;
            Ok(*position)
        })?
    }

    /// Runs `f` with the position, which nobody else moves meanwhile.
    pub(crate) fn with_position<R>(
        &self,
        lwp: &Lwp<'_>,
        f: impl FnOnce(&mut u64) -> Result<R, Errno>,
    ) -> Result<R, Errno> {
        self.position.with(lwp, f)?
    }

    /// Gives the entries of a directory from where it stands, until `each` takes no more.
    pub(crate) fn entries(
        &self,
        lwp: &Lwp<'_>,
        each: &mut dyn FnMut(Entry<'_>) -> bool,
    ) -> Result<(), Errno> {
        self.vnode.check_directory()?;
        self.position.with(lwp, |position| {
            for (at, name) in [(0, &b"."[..]), (1, b"..")] {
                if *position != at {
                    continue;
                }
                let directory = match at {
                    0 => self.vnode.clone(),
                    _ => self.vnode.parent().unwrap_or_else(|| self.vnode.clone()),
                };
                let entry = Entry {
                    name,
                    number: directory.number(),
                    kind: Some(Kind::Directory),
                    next: at + 1,
                };
                if !each(entry) {
                    return Ok(());
                }
                *position = at + 1;
            }
            let fs = self.vnode.fs();
            // A file system's last place stays the last.
            let from = match *position {
                u64::MAX => u64::MAX,
                position => position - DOTS,
            };
            self.vnode.turn.with(lwp, |()| {
                fs.entries(lwp, self.vnode.number(), from, &mut |entry| {
                    let next = entry.next.saturating_add(DOTS);
                    let taken = each(Entry { next, ..entry });
                    if taken {
                        *position = next;
                    }
                    taken
                })
            })??;
            self.vnode.note_access();
            Ok(())
        })?
    }
}

impl File for VnodeFile {
    fn readiness(&self) -> &Readiness {
        &self.readiness
    }

    fn has_news(&self) -> bool {
        false
    }

    fn try_read(&self, lwp: &Lwp<'_>, to: &mut UioOut<'_>) -> Result<usize, Wait> {
        let read = self.with_position(lwp, |position| {
            let count = self.read_at(lwp, *position, to)?;
            *position += count as u64;
            Ok(count)
        });
        Ok(read?)
    }

    fn try_write(&self, lwp: &Lwp<'_>, from: &mut UioIn<'_>) -> Result<usize, Wait> {
        let written = self.with_position(lwp, |position| {
            let (count, end) = self.write_at(lwp, *position, from)?;
            *position = end;
            Ok(count)
        });
        Ok(written?)
    }

    fn set_append(&self, append: bool) {
        self.append.with(|place| *place = append);
    }

    fn range_lock(
        &self,
        lwp: &Lwp<'_>,
        open: &OpenFile,
        command: u32,
        lock: &mut FcntlArg<'_>,
    ) -> Result<(), Errno> {
        self.control_ranges(lwp, open, command, lock)
    }

    fn left(&self, lwp: &Lwp<'_>, process: i32) {
        self.release_ranges(lwp, Owner::Process(process));
    }

    fn close(&self, lwp: &Lwp<'_>) {
        self.vnode.locks.unlock(lwp, self.identity());
        self.release_ranges(lwp, Owner::Open(self.identity()));
        let closed = match self.writes {
            true => IN_CLOSE_WRITE,
            false => IN_CLOSE_NOWRITE,
        };
        self.vnode.happened(lwp, closed);
        // An ordinary file has its vnode twice.
        self.vnode.mount().end_orphans(lwp, Some(&self.vnode));
    }
}
