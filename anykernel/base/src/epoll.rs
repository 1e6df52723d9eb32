//! Epoll sets: which of many files have news.
//!
//! An item is keyed by descriptor and open file description. A file's news puts its items on the
//! sets' ready lists; `wait` looks at what is there, so a list may name files that are no longer
//! ready, and never misses one that is. Sets can be in sets, up to a depth, and never in a circle.

use alloc::collections::VecDeque;
use alloc::sync::{Arc, Weak};
use alloc::vec::Vec;

use hashbrown::HashMap;
use syscall::EpollEvent;
use syscall::consts::{EPOLLET, EPOLLEXCLUSIVE, EPOLLONESHOT, EPOLLWAKEUP};

use crate::readiness::Observer;
use crate::sync::{Leaf, Mutex};
use crate::{Charge, Errno, Events, File, Lwp, OpenFile, Readiness, Wait, Wakes};

/// How many sets may be in one another, as in Linux.
const MAX_NESTED: u32 = 5;

/// The flags of an interest that are no events.
const FLAGS: u32 = EPOLLET | EPOLLEXCLUSIVE | EPOLLONESHOT | EPOLLWAKEUP;

/// What an exclusive interest may consist of.
const EXCLUSIVE: u32 =
    Events::IN.0 | Events::OUT.0 | Events::ALWAYS.0 | EPOLLET | EPOLLEXCLUSIVE | EPOLLWAKEUP;

type Key = (i32, usize);

/// An epoll set, as a file.
pub(crate) struct Epoll {
    items: Mutex<HashMap<Key, Arc<Item>>>,
    shared: Arc<Shared>,
    /// What this set is in other sets.
    outer: Leaf<Vec<Weak<Item>>>,
}

/// What items reach.
struct Shared {
    ready: Leaf<VecDeque<Arc<Item>>>,
    readiness: Readiness,
}

/// A file in a set.
pub(crate) struct Item {
    set: Weak<Epoll>,
    shared: Arc<Shared>,
    key: Key,
    open: Weak<OpenFile>,
    state: Leaf<State>,
    _charge: Charge,
}

struct State {
    interest: u32,
    data: u64,
    /// On the ready list.
    queued: bool,
    /// A oneshot that has fired.
    spent: bool,
}

impl State {
    fn wanted(&self) -> Events {
        if self.spent {
            Events::NONE
        } else {
            Events(self.interest & !FLAGS) | Events::ALWAYS
        }
    }
}

impl Epoll {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Epoll {
            items: Mutex::new(HashMap::new()),
            shared: Arc::new(Shared {
                ready: Leaf::new(VecDeque::new()),
                readiness: Readiness::new(Events::NONE),
            }),
            outer: Leaf::new(Vec::new()),
        })
    }

    /// Adds a file. `EEXIST` if it is there; `EPERM` for one that never has news; `EINVAL`, `ELOOP` for a set in itself, in a circle or
    /// too deep; `ENOMEM`.
    pub(crate) fn add(
        self: &Arc<Self>,
        lwp: &Lwp<'_>,
        fd: i32,
        open: &Arc<OpenFile>,
        event: EpollEvent,
    ) -> Result<(), Errno> {
        if !open.file().has_news() {
            return Err(Errno::EPERM);
        }
        let inner = open.downcast::<Epoll>();
        let exclusive = event.events & EPOLLEXCLUSIVE != 0;
        if exclusive && (inner.is_some() || event.events & !EXCLUSIVE != 0) {
            return Err(Errno::EINVAL);
        }
        let item = match inner {
            None => self.insert(lwp, fd, open, event)?,
            Some(inner) => self.nest(lwp, fd, open, inner, event)?,
        };
        item.poke(lwp, open);
        Ok(())
    }

    fn insert(
        self: &Arc<Self>,
        lwp: &Lwp<'_>,
        fd: i32,
        open: &Arc<OpenFile>,
        event: EpollEvent,
    ) -> Result<Arc<Item>, Errno> {
        let key = (fd, Arc::as_ptr(open) as usize);
        let mut items = self.items.lock(lwp);
        if items.contains_key(&key) {
            return Err(Errno::EEXIST);
        }
        let item = Arc::new(Item {
            set: Arc::downgrade(self),
            shared: self.shared.clone(),
            key,
            open: Arc::downgrade(open),
            state: Leaf::new(State {
                interest: event.events,
                data: event.data,
                queued: false,
                spent: false,
            }),
            _charge: lwp.instance().memory().charge(size_of::<Item>())?,
        });
        items.insert(key, item.clone());
        // Under the set's lock: whoever removes the item finds it watching.
        open.watch(&item);
        open.file().readiness().observe(item.clone());
        Ok(item)
    }

    /// Adds another set.
    fn nest(
        self: &Arc<Self>,
        lwp: &Lwp<'_>,
        fd: i32,
        open: &Arc<OpenFile>,
        inner: &Epoll,
        event: EpollEvent,
    ) -> Result<Arc<Item>, Errno> {
        // Files are let go of after the lock: the last reference closes.
        let mut held = Vec::new();
        let nested = {
            let _alone = lwp.instance().nesting.lock(lwp);
            inner
                .depth(lwp, self, &mut held)
                .and_then(|below| match self.height() + below > MAX_NESTED {
                    true => Err(Errno::ELOOP),
                    false => self.insert(lwp, fd, open, event),
                })
                .inspect(|item| {
                    inner.outer.with(|outer| {
                        outer.retain(|other| other.strong_count() > 0);
                        outer.push(Arc::downgrade(item));
                    });
                })
        };
        for open in held {
            open.release(lwp);
        }
        nested
    }

    /// How many sets the longest way down from here has, with this one. `ELOOP` if `outer` is on it.
    fn depth(
        &self,
        lwp: &Lwp<'_>,
        outer: &Epoll,
        held: &mut Vec<Arc<OpenFile>>,
    ) -> Result<u32, Errno> {
        if core::ptr::eq(self, outer) {
            return Err(Errno::ELOOP);
        }
        let items: Vec<Arc<Item>> = self.items.lock(lwp).values().cloned().collect();
        let mut below = 0;
        for open in items.iter().filter_map(|item| item.open.upgrade()) {
            let inner = open.downcast::<Epoll>();
            let depth = inner.map_or(Ok(0), |inner| inner.depth(lwp, outer, held));
            held.push(open);
            below = below.max(depth?);
        }
        Ok(below + 1)
    }

    /// How many sets the longest way up from here has, with this one.
    fn height(&self) -> u32 {
        let outer = self.outer.with(|outer| outer.clone());
        let items = outer.iter().filter_map(Weak::upgrade);
        let sets = items.filter_map(|item| item.set.upgrade());
        1 + sets.map(|set| set.height()).max().unwrap_or(0)
    }

    /// Changes what a file is watched for, and arms it again. `ENOENT` if it is not there; `EINVAL`
    /// if it is, or would be, watched exclusively.
    pub(crate) fn modify(
        &self,
        lwp: &Lwp<'_>,
        fd: i32,
        open: &Arc<OpenFile>,
        event: EpollEvent,
    ) -> Result<(), Errno> {
        if event.events & EPOLLEXCLUSIVE != 0 {
            return Err(Errno::EINVAL);
        }
        let key = (fd, Arc::as_ptr(open) as usize);
        let items = self.items.lock(lwp);
        let item = items.get(&key).ok_or(Errno::ENOENT)?.clone();
        // Under the set's lock: what has been removed stays deaf.
        item.state.with(|state| {
            if state.interest & EPOLLEXCLUSIVE != 0 {
                return Err(Errno::EINVAL);
            }
            state.interest = event.events;
            state.data = event.data;
            state.spent = false;
            Ok(())
        })?;
        drop(items);
        item.poke(lwp, open);
        Ok(())
    }

    /// Removes a file. `ENOENT` if it is not there.
    pub(crate) fn delete(&self, lwp: &Lwp<'_>, fd: i32, open: &Arc<OpenFile>) -> Result<(), Errno> {
        let key = (fd, Arc::as_ptr(open) as usize);
        let item = self.items.lock(lwp).remove(&key).ok_or(Errno::ENOENT)?;
        item.detach(open.file());
        Ok(())
    }

    /// Takes up to `room` events; waits for at least one.
    pub(crate) fn try_wait(
        &self,
        lwp: &Lwp<'_>,
        room: usize,
        events: &mut Vec<EpollEvent>,
    ) -> Result<usize, Wait> {
        loop {
            let (found, more) = self.take(lwp, room, events);
            if found > 0 {
                return Ok(found);
            }
            // Something was put back by another thread, which had it when this one found the list
            // empty, and saw no reason to wake anybody.
            if !more {
                return Err(Wait::For(Events::IN));
            }
        }
    }

    /// Takes up to `room` events from the list; how many, and whether more is listed.
    fn take(&self, lwp: &Lwp<'_>, room: usize, events: &mut Vec<EpollEvent>) -> (usize, bool) {
        // Level-triggered items go back to the end of the list: a full answer does not starve the rest.
        let mut again = Vec::new();
        let mut found = 0;
        while found < room {
            let Some(item) = self.pop() else { break };
            let Some(open) = item.open.upgrade() else {
                continue;
            };
            let level = open.file().events(lwp);
            let (event, level_triggered) = item.state.with(|state| {
                let there = (level.with_aliases() & state.wanted()).0;
                if there == 0 {
                    return (None, false);
                }
                if state.interest & EPOLLONESHOT != 0 {
                    state.spent = true;
                }
                let event = EpollEvent {
                    events: there,
                    data: state.data,
                };
                (Some(event), state.interest & (EPOLLET | EPOLLONESHOT) == 0)
            });
            found += usize::from(event.is_some());
            events.extend(event);
            if level_triggered {
                again.push(item);
            }
            open.release(lwp);
        }
        for item in again {
            item.enqueue(VecDeque::push_back);
        }
        (found, self.settle(lwp))
    }

    fn pop(&self) -> Option<Arc<Item>> {
        let item = self.shared.ready.with(VecDeque::pop_front)?;
        // Before the look at its level: news from now on list it again.
        item.state.with(|state| state.queued = false);
        Some(item)
    }

    /// Brings the set's own level in line with its list; whether there is something on it.
    fn settle(&self, lwp: &Lwp<'_>) -> bool {
        Wakes::deliver_after(lwp, |wakes| {
            self.shared.ready.with(|ready| {
                let level = Events::IN.when(!ready.is_empty());
                self.shared.readiness.update(level, Events::NONE, wakes);
                !ready.is_empty()
            })
        })
    }
}

impl File for Epoll {
    fn readiness(&self) -> &Readiness {
        &self.shared.readiness
    }

    /// A set is ready if a file of it is; its list may name files that no longer are.
    fn events(&self, lwp: &Lwp<'_>) -> Events {
        let mut kept = None;
        while kept.is_none() {
            let Some(item) = self.pop() else { break };
            let Some(open) = item.open.upgrade() else {
                continue;
            };
            let level = open.file().events(lwp).with_aliases();
            if item.state.with(|state| level.intersects(state.wanted())) {
                kept = Some(item);
            }
            open.release(lwp);
        }
        let level = Events::IN.when(kept.is_some());
        if let Some(item) = kept {
            // It was only looked at: the order stays.
            item.enqueue(VecDeque::push_front);
        }
        self.settle(lwp);
        level
    }

    fn close(&self, lwp: &Lwp<'_>) {
        let items = core::mem::take(&mut *self.items.lock(lwp));
        for item in items.into_values() {
            if let Some(open) = item.open.upgrade() {
                item.detach(open.file());
                open.release(lwp);
            }
        }
        drop(self.shared.ready.with(core::mem::take));
    }
}

impl Item {
    /// Looks at the file once, as if it had just become what it is.
    fn poke(self: &Arc<Self>, lwp: &Lwp<'_>, open: &Arc<OpenFile>) {
        let level = open.file().events(lwp);
        Wakes::deliver_after(lwp, |wakes| self.hear(level, wakes));
    }

    /// Lists the item if it wants any of these.
    fn hear(self: &Arc<Self>, news: Events, wakes: &mut Wakes) {
        let news = news.with_aliases();
        if self.state.with(|state| news.intersects(state.wanted())) {
            self.enqueue(VecDeque::push_back);
            self.shared.readiness.update(Events::IN, Events::IN, wakes);
        }
    }

    /// Puts the item on the ready list, if it is not there.
    fn enqueue(self: &Arc<Self>, put: impl FnOnce(&mut VecDeque<Arc<Item>>, Arc<Item>)) {
        let queued = self
            .state
            .with(|state| core::mem::replace(&mut state.queued, true));
        if !queued {
            self.shared.ready.with(|ready| put(ready, self.clone()));
        }
    }

    /// Ends the watch.
    fn detach(self: &Arc<Self>, file: &Arc<dyn File>) {
        let observer: Arc<dyn Observer> = self.clone();
        file.readiness().unobserve(&observer);
        let queued = self.state.with(|state| {
            state.spent = true;
            state.queued
        });
        if queued {
            self.shared
                .ready
                .with(|ready| ready.retain(|other| !Arc::ptr_eq(other, self)));
        }
    }

    /// The file is closed.
    pub(crate) fn forget(self: &Arc<Self>, lwp: &Lwp<'_>, file: &Arc<dyn File>) {
        if let Some(set) = self.set.upgrade() {
            set.items.lock(lwp).remove(&self.key);
        }
        self.detach(file);
    }
}

/// News come under the file's leaf lock; the order of the locks is that of the nesting.
impl Observer for Item {
    fn notify(self: Arc<Self>, news: Events, wakes: &mut Wakes) {
        self.hear(news, wakes);
    }
}
