//! Watches: who hears of what happens to files, as `inotify` has it.
//!
//! All watches of a kernel are in one list, which is empty most often, so whatever happens costs a look at its length.
//! A directory that is watched also tells of what happens to the inodes its names stand for: those it remembers, and
//! one that something happens to was found there.

use alloc::collections::VecDeque;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;

use base::sync::{Leaf, Mutex, Word};
use base::{Charge, Errno, Events, File, Lwp, Readiness, Wait};
use syscall::UioOut;
use syscall::consts::*;

use crate::{Mount, Vnode};

/// Events that wait to be read, at most, as on Linux.
const MOST_EVENTS: usize = 16_384;

/// Watches of one set, at most.
const MOST_WATCHES: usize = 8192;

/// Bytes of an event before its name: `struct inotify_event`.
const HEAD: usize = 16;

/// All that may be asked for.
const ALL: u32 = IN_ALL_EVENTS;

/// What happened.
#[derive(Clone, PartialEq, Eq)]
struct Event {
    watch: i32,
    mask: u32,
    /// Joins the two halves of a move.
    cookie: u32,
    name: Vec<u8>,
}

impl Event {
    /// The name with a NUL behind it, up to the alignment of what comes next.
    fn name_len(&self) -> usize {
        match self.name.len() {
            0 => 0,
            len => (len + 1).next_multiple_of(HEAD),
        }
    }

    fn put(&self, to: &mut UioOut<'_>) -> Result<usize, Errno> {
        let len = self.name_len();
        let mut bytes = Vec::with_capacity(HEAD + len);
        bytes.extend_from_slice(&self.watch.to_ne_bytes());
        bytes.extend_from_slice(&self.mask.to_ne_bytes());
        bytes.extend_from_slice(&self.cookie.to_ne_bytes());
        bytes.extend_from_slice(&(len as u32).to_ne_bytes());
        bytes.extend_from_slice(&self.name);
        bytes.resize(HEAD + len, 0);
        to.put(&bytes)
    }
}

/// A vnode that a set of watches hears of.
struct Watch {
    number: i32,
    vnode: Arc<Vnode>,
    mask: u32,
}

/// All sets of watches of a kernel.
pub(crate) struct Watches {
    sets: Leaf<Vec<Weak<Inotify>>>,
    /// How many watches there are, to be looked at without the lock.
    count: Word,
    cookie: Leaf<u32>,
}

impl Watches {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Watches {
            sets: Leaf::new(Vec::new()),
            count: Word::new(0),
            cookie: Leaf::new(0),
        })
    }

    /// A number that joins the halves of one move.
    pub(crate) fn cookie(&self) -> u32 {
        self.cookie.with(|cookie| {
            *cookie = cookie.wrapping_add(1);
            *cookie
        })
    }

    fn change_count(&self, change: i32) {
        self.sets
            .with(|_| self.count.set(self.count.get().wrapping_add_signed(change)));
    }

    /// Something happened to an inode: `IN_…`.
    #[inline]
    pub(crate) fn happened(&self, lwp: &Lwp<'_>, vnode: &Arc<Vnode>, mask: u32) {
        if self.count.get() != 0 {
            self.tell(lwp, |set| set.happened(lwp, vnode, mask));
        }
    }

    /// Something happened to an inode that is nothing to the directories it is in.
    #[inline]
    pub(crate) fn happened_to(&self, lwp: &Lwp<'_>, vnode: &Arc<Vnode>, mask: u32) {
        if self.count.get() != 0 {
            self.tell(lwp, |set| {
                set.happened_in(lwp, vnode, &[], mask, 0);
            });
        }
    }

    /// Something happened to a name in a directory, which stands for a directory or not.
    #[inline]
    pub(crate) fn happened_in(
        &self,
        lwp: &Lwp<'_>,
        directory: &Arc<Vnode>,
        name: &[u8],
        mask: u32,
        cookie: u32,
    ) {
        if self.count.get() != 0 {
            self.tell(lwp, |set| {
                set.happened_in(lwp, directory, name, mask, cookie)
            });
        }
    }

    /// An inode ended, and with it all watches of it.
    #[inline]
    pub(crate) fn ended(&self, lwp: &Lwp<'_>, vnode: &Arc<Vnode>) {
        if self.count.get() != 0 {
            self.tell(lwp, |set| set.ended(lwp, vnode));
        }
    }

    /// Nothing of a mount is watched any more: it goes.
    pub(crate) fn unmounted(&self, lwp: &Lwp<'_>, mount: &Arc<Mount>) {
        if self.count.get() != 0 {
            self.tell(lwp, |set| set.unmounted(lwp, mount));
        }
    }

    #[cold]
    fn tell(&self, _lwp: &Lwp<'_>, f: impl Fn(&Inotify)) {
        let sets: Vec<_> = self
            .sets
            .with(|sets| sets.iter().filter_map(Weak::upgrade).collect());
        for set in sets {
            f(&set);
        }
    }
}

struct State {
    watches: Vec<Watch>,
    last: i32,
    events: VecDeque<Event>,
    charge: Charge,
}

/// A set of watches, as a file: what happened is read from it.
pub(crate) struct Inotify {
    all: Arc<Watches>,
    state: Mutex<State>,
    readiness: Readiness,
}

impl Inotify {
    pub(crate) fn new(lwp: &Lwp<'_>, all: &Arc<Watches>) -> Arc<Self> {
        let set = Arc::new(Inotify {
            all: all.clone(),
            state: Mutex::new(State {
                watches: Vec::new(),
                last: 0,
                events: VecDeque::new(),
                charge: lwp.instance().memory().nothing(),
            }),
            readiness: Readiness::new(Events::NONE),
        });
        all.sets.with(|sets| {
            sets.retain(|other| other.strong_count() > 0);
            sets.push(Arc::downgrade(&set));
        });
        set
    }

    /// Watches a vnode, or changes what is heard of it: the watch's number.
    pub(crate) fn add(&self, lwp: &Lwp<'_>, vnode: Arc<Vnode>, mask: u32) -> Result<i32, Errno> {
        let wanted = mask & (ALL | IN_ONESHOT);
        if wanted & ALL == 0 {
            return Err(Errno::EINVAL);
        }
        let mut state = self.state.lock(lwp);
        let known = state
            .watches
            .iter_mut()
            .find(|watch| Arc::ptr_eq(&watch.vnode, &vnode));
        if let Some(watch) = known {
            watch.mask = match mask & IN_MASK_ADD {
                0 => wanted,
                _ => watch.mask | wanted,
            };
            return Ok(watch.number);
        }
        if state.watches.len() >= MOST_WATCHES {
            return Err(Errno::ENOSPC);
        }
        let bytes = state.charge.bytes() + size_of::<Watch>();
        state.charge.resize(bytes)?;
        state.last += 1;
        let number = state.last;
        state.watches.push(Watch {
            number,
            vnode,
            mask: wanted,
        });
        self.all.change_count(1);
        Ok(number)
    }

    /// Ends a watch. `EINVAL` if there is none of this number.
    pub(crate) fn remove(&self, lwp: &Lwp<'_>, number: i32) -> Result<(), Errno> {
        let gone = {
            let mut state = self.state.lock(lwp);
            let at = state
                .watches
                .iter()
                .position(|watch| watch.number == number);
            state.watches.remove(at.ok_or(Errno::EINVAL)?)
        };
        self.all.change_count(-1);
        self.add_event(lwp, gone.number, IN_IGNORED, 0, &[]);
        gone.vnode.mount().end_orphans(lwp, None);
        Ok(())
    }

    fn happened(&self, lwp: &Lwp<'_>, vnode: &Arc<Vnode>, mask: u32) {
        let mut told: Vec<(i32, Vec<u8>)> = Vec::new();
        {
            let state = self.state.lock(lwp);
            for watch in state.watches.iter().filter(|watch| watch.mask & mask != 0) {
                if Arc::ptr_eq(&watch.vnode, vnode) {
                    told.push((watch.number, Vec::new()));
                } else if let Some(name) = watch.vnode.name_remembered(vnode) {
                    told.push((watch.number, name));
                }
            }
        }
        let mask = mask | if vnode.is_directory() { IN_ISDIR } else { 0 };
        for (number, name) in told {
            self.add_event(lwp, number, mask, 0, &name);
        }
    }

    fn happened_in(
        &self,
        lwp: &Lwp<'_>,
        directory: &Arc<Vnode>,
        name: &[u8],
        mask: u32,
        cookie: u32,
    ) {
        let watch = {
            let state = self.state.lock(lwp);
            let mut watches = state.watches.iter();
            let watch = watches.find(|watch| Arc::ptr_eq(&watch.vnode, directory));
            watch
                .filter(|watch| watch.mask & mask != 0)
                .map(|watch| watch.number)
        };
        if let Some(number) = watch {
            self.add_event(lwp, number, mask, cookie, name);
        }
    }

    fn ended(&self, lwp: &Lwp<'_>, vnode: &Arc<Vnode>) {
        let watch = {
            let state = self.state.lock(lwp);
            let mut watches = state.watches.iter();
            let watch = watches.find(|watch| Arc::ptr_eq(&watch.vnode, vnode));
            watch.map(|watch| (watch.number, watch.mask))
        };
        let Some((number, mask)) = watch else { return };
        if mask & IN_DELETE_SELF != 0 {
            self.add_event(lwp, number, IN_DELETE_SELF, 0, &[]);
        }
        // It may have ended by itself meanwhile.
        let _ = self.remove(lwp, number);
    }

    fn unmounted(&self, lwp: &Lwp<'_>, mount: &Arc<Mount>) {
        let of_mount = |watch: &&Watch| Arc::ptr_eq(watch.vnode.mount(), mount);
        let numbers: Vec<i32> = {
            let state = self.state.lock(lwp);
            let watches = state.watches.iter().filter(of_mount);
            watches.map(|watch| watch.number).collect()
        };
        for number in numbers {
            self.add_event(lwp, number, IN_UNMOUNT, 0, &[]);
            let _ = self.remove(lwp, number);
        }
    }

    fn add_event(&self, lwp: &Lwp<'_>, watch: i32, mask: u32, cookie: u32, name: &[u8]) {
        let event = Event {
            watch,
            mask,
            cookie,
            name: name.to_vec(),
        };
        let mut guard = self.state.lock(lwp);
        let (state, wakes) = guard.split();
        if state.events.back() == Some(&event) {
            return;
        }
        let full = state.events.len() >= MOST_EVENTS;
        let bytes = state.charge.bytes() + size_of::<Event>() + name.len();
        if full || state.charge.resize(bytes).is_err() {
            let overflow = Event {
                watch: -1,
                mask: IN_Q_OVERFLOW,
                cookie: 0,
                name: Vec::new(),
            };
            if state.events.back() != Some(&overflow) {
                state.events.push_back(overflow);
            }
        } else {
            state.events.push_back(event);
        }
        self.readiness.update(Events::IN, Events::IN, wakes);
        let oneshot = state
            .watches
            .iter()
            .any(|other| other.number == watch && other.mask & IN_ONESHOT != 0);
        drop(guard);
        if oneshot && mask & IN_IGNORED == 0 {
            let _ = self.remove(lwp, watch);
        }
    }
}

impl File for Inotify {
    fn readiness(&self) -> &Readiness {
        &self.readiness
    }

    /// As many events as there is room for. `EINVAL` if there is none for the first.
    fn try_read(&self, lwp: &Lwp<'_>, to: &mut UioOut<'_>) -> Result<usize, Wait> {
        let mut guard = self.state.lock(lwp);
        let (state, wakes) = guard.split();
        let mut done = 0;
        while let Some(event) = state.events.front() {
            if HEAD + event.name_len() > to.remaining() {
                break;
            }
            let (put, bytes) = (event.put(to)?, size_of::<Event>() + event.name.len());
            done += put;
            state.events.pop_front();
            let left = state.charge.bytes().saturating_sub(bytes);
            // Less never fails.
            let _ = state.charge.resize(left);
        }
        if done == 0 {
            return Err(match state.events.is_empty() {
                true => Wait::For(Events::IN),
                false => Errno::EINVAL.into(),
            });
        }
        let level = Events::IN.when(!state.events.is_empty());
        self.readiness.update(level, Events::NONE, wakes);
        Ok(done)
    }

    fn close(&self, lwp: &Lwp<'_>) {
        let gone = core::mem::take(&mut self.state.lock(lwp).watches);
        self.all.change_count(-(gone.len() as i32));
        for watch in gone {
            let mount = watch.vnode.mount().clone();
            drop(watch);
            mount.end_orphans(lwp, None);
        }
    }
}
