//! Locks of ranges of files, as `fcntl` has them: of a process (POSIX), or of an open file description.
//!
//! A process's end when it closes any descriptor of the file, which is what POSIX asks for; those of an open file when
//! that is closed. Nobody but who asks is kept from anything.

use alloc::vec::Vec;

use base::sync::Leaf;
use base::{Blocking, Errno, Events, Lwp, OpenFile, Readiness, Wait, Wakes, block};
use syscall::consts::*;
use syscall::{FcntlArg, RangeLock};

use crate::Vfs;
use crate::locks::Hold;
use crate::openfile::{VnodeFile, Whence};

/// Locks of one file, at most.
const MOST: usize = 4096;

/// Who has a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// A process, by its number.
    Process(i32),
    /// An open file, by what tells these apart.
    Open(usize),
}

/// A lock: bytes from `start` on, `last` with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) owner: Owner,
    pub(crate) start: u64,
    pub(crate) last: u64,
    pub(crate) hold: Hold,
}

impl Range {
    fn meets(&self, other: &Range) -> bool {
        self.start <= other.last && other.start <= self.last
    }

    /// Whether only one of two can be.
    fn excludes(&self, other: &Range) -> bool {
        self.owner != other.owner
            && self.meets(other)
            && (self.hold == Hold::Alone || other.hold == Hold::Alone)
    }
}

/// Who waits for whom: processes only, since an open file waits for nobody.
pub(crate) struct Waiting(Leaf<Vec<Wish>>);

/// A process waits for another's lock.
struct Wish {
    process: i32,
    of: i32,
    /// Of which file.
    file: usize,
}

impl Waiting {
    pub(crate) fn new() -> Self {
        Waiting(Leaf::new(Vec::new()))
    }

    /// Notes that one process waits for another. `EDEADLK` if that waits for the first, directly or not.
    fn add(&self, wish: Wish) -> Result<(), Errno> {
        self.0.with(|all| {
            let mut ahead = alloc::vec![wish.of];
            let mut seen = 0;
            while let Some(next) = ahead.get(seen).copied() {
                if next == wish.process {
                    return Err(Errno::EDEADLK);
                }
                seen += 1;
                for other in all.iter().filter(|other| other.process == next) {
                    if !ahead.contains(&other.of) {
                        ahead.push(other.of);
                    }
                }
            }
            all.push(wish);
            Ok(())
        })
    }

    /// A process does not wait for a file's lock any more.
    fn remove(&self, process: i32, file: usize) {
        self.0.with(|all| {
            let place = all
                .iter()
                .position(|wish| (wish.process, wish.file) == (process, file));
            if let Some(place) = place {
                all.swap_remove(place);
            }
        });
    }

    /// A process let go of something of a file: who waits for it looks again.
    fn let_go(&self, of: i32, file: usize) {
        self.0
            .with(|all| all.retain(|wish| (wish.of, wish.file) != (of, file)));
    }
}

/// The locks of a file.
pub(crate) struct Ranges {
    held: Leaf<Vec<Range>>,
    readiness: Readiness,
}

/// Takes a range away from what its owner has, and puts it there anew if it is locked.
fn change(held: &mut Vec<Range>, range: &Range, locked: bool) {
    let mut parts = Vec::new();
    held.retain(|old| {
        if old.owner != range.owner || !old.meets(range) {
            return true;
        }
        if old.start < range.start {
            parts.push(Range {
                last: range.start - 1,
                ..*old
            });
        }
        if old.last > range.last {
            parts.push(Range {
                start: range.last + 1,
                ..*old
            });
        }
        false
    });
    held.append(&mut parts);
    if !locked {
        return;
    }
    // What touches it and is held in the same way becomes one with it.
    let mut whole = *range;
    held.retain(|old| {
        let same = old.owner == range.owner && old.hold == range.hold;
        let touches = old.last.checked_add(1) == Some(whole.start)
            || whole.last.checked_add(1) == Some(old.start);
        if same && touches {
            whole.start = whole.start.min(old.start);
            whole.last = whole.last.max(old.last);
        }
        !(same && touches)
    });
    held.push(whole);
}

impl Ranges {
    pub(crate) fn new() -> Self {
        Ranges {
            held: Leaf::new(Vec::new()),
            readiness: Readiness::new(Events::NONE),
        }
    }

    fn identity(&self) -> usize {
        core::ptr::from_ref(self) as usize
    }

    /// Whether nobody has any.
    pub(crate) fn are_free(&self) -> bool {
        self.held.with(|held| held.is_empty())
    }

    /// The first lock that one would wait for.
    pub(crate) fn conflict(&self, range: &Range) -> Option<Range> {
        self.held.with(|held| {
            let mut others = held.iter().filter(|old| old.excludes(range));
            let first = others.next()?;
            Some(
                *others.fold(first, |first, other| match other.start < first.start {
                    true => other,
                    false => first,
                }),
            )
        })
    }

    /// Locks a range, waiting unless told otherwise (`EAGAIN`). `EDEADLK` if processes would wait for each other for
    /// ever, `ENOLCK` if there are too many.
    pub(crate) fn lock(
        &self,
        lwp: &Lwp<'_>,
        waiting: &Waiting,
        range: &Range,
        nonblock: bool,
    ) -> Result<(), Errno> {
        let file = self.identity();
        let process = match range.owner {
            Owner::Process(process) => Some(process),
            Owner::Open(_) => None,
        };
        let forget = || {
            if let Some(process) = process {
                waiting.remove(process, file);
            }
        };
        let locked = block(lwp, &self.readiness, Blocking::new(nonblock), || {
            forget();
            Wakes::deliver_after(lwp, |wakes| {
                self.held.with(|held| {
                    if let Some(other) = held.iter().find(|old| old.excludes(range)) {
                        if let (Some(process), Owner::Process(of), false) =
                            (process, other.owner, nonblock)
                        {
                            waiting.add(Wish { process, of, file })?;
                        }
                        return Err(Wait::For(Events::IN));
                    }
                    if held.len() >= MOST {
                        return Err(Errno::ENOLCK.into());
                    }
                    change(held, range, true);
                    // A lock held alone may be a shared one now.
                    self.changed(waiting, range.owner, wakes);
                    Ok(())
                })
            })
        });
        forget();
        locked
    }

    /// Who waits for an owner looks again.
    fn changed(&self, waiting: &Waiting, owner: Owner, wakes: &mut Wakes) {
        if let Owner::Process(process) = owner {
            waiting.let_go(process, self.identity());
        }
        self.readiness.update(Events::NONE, Events::IN, wakes);
    }

    /// Lets go of a range. `ENOLCK` if too many would be left, of one that was cut in two.
    pub(crate) fn unlock(
        &self,
        lwp: &Lwp<'_>,
        waiting: &Waiting,
        range: &Range,
    ) -> Result<(), Errno> {
        Wakes::deliver_after(lwp, |wakes| {
            self.held.with(|held| {
                if held.len() >= 2 * MOST {
                    return Err(Errno::ENOLCK);
                }
                change(held, range, false);
                self.changed(waiting, range.owner, wakes);
                Ok(())
            })
        })
    }

    /// Lets go of all that somebody has.
    pub(crate) fn release(&self, lwp: &Lwp<'_>, waiting: &Waiting, owner: Owner) {
        Wakes::deliver_after(lwp, |wakes| {
            self.held.with(|held| {
                let before = held.len();
                held.retain(|old| old.owner != owner);
                if held.len() < before {
                    self.changed(waiting, owner, wakes);
                }
            });
        });
    }
}

impl VnodeFile {
    /// The bytes that a caller means, the first and the last. `EINVAL` for those before the start, `EOVERFLOW` for those
    /// behind the end of all.
    fn range_of(&self, lwp: &Lwp<'_>, lock: &RangeLock) -> Result<(u64, u64), Errno> {
        let whence = match u32::try_from(lock.whence) {
            Ok(SEEK_SET) => Whence::Start,
            Ok(SEEK_CUR) => Whence::Here,
            Ok(SEEK_END) => Whence::End,
            _ => return Err(Errno::EINVAL),
        };
        let from = self.origin(lwp, whence)?;
        let place = i64::try_from(from).map_err(|_| Errno::EOVERFLOW)?;
        let place = place.checked_add(lock.start).ok_or(Errno::EOVERFLOW)?;
        let (start, last) = match lock.len {
            0 => (place, i64::MAX),
            len @ 1.. => (place, place.checked_add(len - 1).ok_or(Errno::EOVERFLOW)?),
            len => (place.checked_add(len).ok_or(Errno::EINVAL)?, place - 1),
        };
        let place = |place| u64::try_from(place).map_err(|_| Errno::EINVAL);
        Ok((place(start)?, place(last)?))
    }

    /// Does a command of `fcntl`.
    pub(crate) fn control_ranges(
        &self,
        lwp: &Lwp<'_>,
        open: &OpenFile,
        command: u32,
        argument: &mut FcntlArg<'_>,
    ) -> Result<(), Errno> {
        let wish = argument.get_lock()?;
        let of_open = matches!(command, F_OFD_GETLK | F_OFD_SETLK | F_OFD_SETLKW);
        let asks = matches!(command, F_GETLK | F_OFD_GETLK);
        let hold = match i32::from(wish.kind) {
            F_RDLCK => Some(Hold::Shared),
            F_WRLCK => Some(Hold::Alone),
            F_UNLCK if !asks => None,
            _ => return Err(Errno::EINVAL),
        };
        let (start, last) = self.range_of(lwp, &wish)?;
        if of_open && wish.process != 0 {
            return Err(Errno::EINVAL);
        }
        let range = Range {
            owner: match of_open {
                true => Owner::Open(self.identity()),
                false => Owner::Process(lwp.process().pid()),
            },
            start,
            last,
            hold: hold.unwrap_or(Hold::Shared),
        };
        let ranges = &self.vnode().ranges;
        if asks {
            return argument.put_lock(&match ranges.conflict(&range) {
                Some(other) => told(&other),
                None => RangeLock {
                    kind: F_UNLCK as i16,
                    ..wish
                },
            });
        }
        let vfs = lwp.state::<Vfs>()?;
        match hold {
            None => ranges.unlock(lwp, &vfs.waiting, &range),
            Some(Hold::Shared) if !open.readable() => Err(Errno::EBADF),
            Some(Hold::Alone) if !open.writable() => Err(Errno::EBADF),
            Some(_) => {
                let nonblock = !matches!(command, F_SETLKW | F_OFD_SETLKW);
                ranges.lock(lwp, &vfs.waiting, &range, nonblock)
            }
        }
    }

    /// Ends what an owner has locked.
    pub(crate) fn release_ranges(&self, lwp: &Lwp<'_>, owner: Owner) {
        let ranges = &self.vnode().ranges;
        if !ranges.are_free()
            && let Ok(vfs) = lwp.state::<Vfs>()
        {
            ranges.release(lwp, &vfs.waiting, owner);
        }
    }
}

/// What is told of a lock.
fn told(range: &Range) -> RangeLock {
    let kind = match range.hold {
        Hold::Shared => F_RDLCK,
        Hold::Alone => F_WRLCK,
    };
    RangeLock {
        kind: kind as i16,
        whence: SEEK_SET as i16,
        start: range.start as i64,
        len: match range.last {
            last if last == i64::MAX as u64 => 0,
            last => (last - range.start + 1) as i64,
        },
        process: match range.owner {
            Owner::Process(process) => process,
            Owner::Open(_) => -1,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn range(owner: i32, start: u64, last: u64, hold: Hold) -> Range {
        Range {
            owner: Owner::Process(owner),
            start,
            last,
            hold,
        }
    }

    #[test]
    fn ranges_are_cut_joined_and_replaced() {
        use Hold::{Alone, Shared};
        let mut held = Vec::new();
        let mut after = |range: Range, locked| {
            change(&mut held, &range, locked);
            held.sort_unstable_by_key(|range| range.start);
            held.clone()
        };
        after(range(1, 0, 9, Shared), true);
        assert_eq!(
            after(range(1, 10, 19, Shared), true),
            [range(1, 0, 19, Shared)]
        );
        let cut = [
            range(1, 0, 4, Shared),
            range(1, 5, 9, Alone),
            range(1, 10, 19, Shared),
        ];
        assert_eq!(after(range(1, 5, 9, Alone), true), cut);
        assert_eq!(after(range(2, 0, 19, Shared), false), cut);
        let hole = [range(1, 0, 4, Shared), range(1, 12, 19, Shared)];
        assert_eq!(after(range(1, 5, 11, Shared), false), hole);
        let all = [range(1, 0, u64::MAX, Shared)];
        assert_eq!(after(range(1, 3, u64::MAX, Shared), true), all);
        assert_eq!(after(range(1, 0, u64::MAX, Shared), false), []);
    }

    #[test]
    fn processes_do_not_wait_for_each_other() {
        let waiting = Waiting::new();
        let wish = |process, of, file| waiting.add(Wish { process, of, file });
        assert_eq!(wish(1, 2, 10), Ok(()));
        assert_eq!(wish(2, 3, 11), Ok(()));
        assert_eq!(wish(3, 1, 12), Err(Errno::EDEADLK));
        assert_eq!(wish(2, 1, 12), Err(Errno::EDEADLK));
        waiting.let_go(3, 11);
        assert_eq!(wish(3, 1, 12), Ok(()));
        waiting.remove(3, 12);
        waiting.remove(1, 10);
        assert_eq!(wish(2, 1, 12), Ok(()));
    }
}
